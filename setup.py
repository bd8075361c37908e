"""Builds of the native engine, which pyproject.toml cannot describe: one for each instruction set, all optional.

A build is left out if there is no compiler, or one that does not know a flag; installation goes on without it. The
environment variable EPIGONE_BUILDS names those to compile, for example `portable avx2`; by default all are.
"""

import os
import platform
import sys
from glob import glob

from pybind11.setup_helpers import Pybind11Extension
from setuptools import setup

AVX512 = ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx2", "-mfma"]
BUILDS = {"portable": []}
if platform.machine() in ("x86_64", "AMD64"):
    BUILDS |= {
        "avx2": ["-mavx2", "-mfma"],
        "avx512": AVX512,
        "avx512bf16": [*AVX512, "-mavx512bf16", "-mavx512vnni"],
    }
    if sys.platform == "linux":  # which alone gives processes the tiles
        BUILDS["amx"] = [*BUILDS["avx512bf16"], "-mamx-tile", "-mamx-bf16"]


def extension(name: str, flags: list[str]) -> Pybind11Extension:
    """One build, left out if it cannot be compiled."""
    return Pybind11Extension(
        f"epigone.kernels._{name}",
        [f"src/epigone/kernels/{name}.cpp"],
        depends=glob("src/epigone/kernels/*.hpp"),
        cxx_std=17,
        # Every compiler fuses products and sums alike; the loops are already written as vectors. Headers of GCC cause
        # 17,000 lines of false warnings, which take an eighth of the time.
        extra_compile_args=["-O2", "-ffp-contract=fast", "-Wno-uninitialized", "-Wno-maybe-uninitialized", *flags],
        extra_link_args=["-pthread"] if sys.platform.startswith("linux") else [],
        optional=True,
    )


# The kernels use the vector extensions of GCC and Clang, which Microsoft's compiler does not have.
wanted = [] if sys.platform == "win32" else os.environ.get("EPIGONE_BUILDS", " ".join(BUILDS)).split()
if unknown := set(wanted) - set(BUILDS):
    sys.exit(f"EPIGONE_BUILDS names {', '.join(sorted(unknown))}; the builds are {', '.join(BUILDS)}.")
extensions = [extension(name, BUILDS[name]) for name in wanted]
setup(ext_modules=extensions, options={"build_ext": {"parallel": os.cpu_count()}})
