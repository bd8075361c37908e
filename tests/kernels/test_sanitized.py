"""The kernels with the address and the undefined-behaviour sanitizer, over random shapes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from epigone.kernels import BUILDS, available

COMPILER = shutil.which("c++")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory) -> Path:
    """A folder of all builds, each with both sanitizers, compiled as at installation."""
    out = tmp_path_factory.mktemp("sanitized")
    flags = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1"
    environment = os.environ | dict.fromkeys(("CFLAGS", "CXXFLAGS", "LDFLAGS"), flags)
    command = [sys.executable, "setup.py", "-q", "build_ext", "--build-lib", out, "--build-temp", out / "objects"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return out / "epigone" / "kernels"


@pytest.mark.slow
@pytest.mark.skipif(
    COMPILER is None or not sys.platform.startswith("linux"), reason="needs a compiler and its sanitizers"
)
@pytest.mark.parametrize("build", BUILDS)
def test_no_sanitizer_complains(build, request):
    if build not in available():
        pytest.skip(f"this machine cannot run the build {build}")
    (module,) = request.getfixturevalue("sanitized").glob(f"_{build}.*")
    libraries = [
        subprocess.run(
            [COMPILER, f"-print-file-name={name}"], check=True, capture_output=True, text=True
        ).stdout.strip()
        for name in ("libasan.so", "libubsan.so", "libstdc++.so")
    ]
    environment = os.environ | {
        "LD_PRELOAD": " ".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0",  # Python keeps memory until it ends
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    script = Path(__file__).with_name("exercise.py")
    words = [sys.executable, str(script), str(module), "0"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=900, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr[-4000:]
