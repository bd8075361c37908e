"""The kernels with the address and the undefined-behaviour sanitizer, over random shapes."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pybind11
import pytest

from epigone.kernels import available

COMPILER = shutil.which("c++")
KERNELS = Path(__file__).parents[2] / "src" / "epigone" / "kernels"
FLAGS = [
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
    "-g1",
    "-std=c++17",
    "-fPIC",
    "-shared",
    "-pthread",
    "-fvisibility=hidden",
    "-w",
    "-march=native",
]


def sanitized(build: str, folder: Path) -> Path:
    """A build with both sanitizers; not optimised, which would take longer and hide accesses from them."""
    module = folder / f"_{build}{sysconfig.get_config_var('EXT_SUFFIX')}"
    headers = [f"-I{path}" for path in (pybind11.get_include(), sysconfig.get_path("include"))]
    subprocess.run([COMPILER, "-O0", *FLAGS, *headers, KERNELS / f"{build}.cpp", "-o", module], check=True)
    return module


@pytest.mark.slow
@pytest.mark.skipif(
    COMPILER is None or not sys.platform.startswith("linux"), reason="needs a compiler and its sanitizers"
)
def test_no_sanitizer_complains(tmp_path):
    module = sanitized(available()[0], tmp_path)  # the source of all is one
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
