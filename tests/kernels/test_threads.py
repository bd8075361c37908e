"""The native engine's threads: they meet, and an exception in one reaches the caller while others wait."""

import shutil
import subprocess
from pathlib import Path

import pytest

import epigone.kernels

COMPILER = shutil.which("c++")


@pytest.mark.skipif(COMPILER is None, reason="needs a compiler")
def test_threads_meet_and_fail_together(tmp_path):
    headers, source = Path(epigone.kernels.__file__).parent, Path(__file__).with_name("threads.cpp")
    program = tmp_path / "threads"
    flags = ("-std=c++17", "-O1", "-Wall", "-Werror", "-pthread")
    subprocess.run([COMPILER, *flags, f"-I{headers}", source, "-o", program], check=True)
    done = subprocess.run([program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n")
