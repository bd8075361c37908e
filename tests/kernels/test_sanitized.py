"""The kernels built with the address and the undefined-behaviour sanitizer, over random shapes."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import understudy.kernels
from understudy.kernels import available

COMPILER = shutil.which("g++")
FLAGS = {
    "portable": [],
    "avx2": ["-mavx2", "-mfma"],
    "avx512bf16": [
        "-mavx512f",
        "-mavx512bw",
        "-mavx512dq",
        "-mavx512vl",
        "-mavx512bf16",
        "-mavx512vnni",
        "-mavx2",
        "-mfma",
    ],
}


@pytest.mark.slow
@pytest.mark.skipif(COMPILER is None or not sys.platform.startswith("linux"), reason="needs g++ and its sanitizers")
@pytest.mark.parametrize("build", FLAGS)
def test_no_sanitizer_complains(build, tmp_path):
    if build not in available():
        pytest.skip(f"this machine cannot run the build {build}")
    pybind11 = pytest.importorskip("pybind11")
    source = Path(understudy.kernels.__file__).with_name(f"{build}.cpp")
    module = tmp_path / f"_{build}{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = [f"-I{path}" for path in (pybind11.get_include(), sysconfig.get_path("include"))]
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
    command = [COMPILER, "-std=c++17", "-O1", "-g1", "-fPIC", "-shared", "-fvisibility=hidden", "-pthread"]
    subprocess.run([*command, *FLAGS[build], *sanitizers, *include, source, "-o", module], check=True)
    libraries = [
        subprocess.run(
            [COMPILER, f"-print-file-name={name}"], check=True, capture_output=True, text=True
        ).stdout.strip()
        for name in ("libasan.so", "libubsan.so", "libstdc++.so")
    ]
    environment = os.environ | {
        "LD_PRELOAD": " ".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0",  # Python keeps what it needs until it ends
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    script = Path(__file__).with_name("exercise.py")
    words = [sys.executable, str(script), str(module), "0"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=900, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr[-4000:]
