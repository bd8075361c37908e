"""Commands in processes of their own."""

import os
import subprocess
import sys


def epigone(*words: object) -> subprocess.CompletedProcess[str]:
    """Run a command in another process, in which warnings are errors."""
    command = [sys.executable, "-W", "error", "-m", "epigone", *map(str, words)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
