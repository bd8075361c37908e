"""The native CPU engine, with one build for each instruction set.

`engine()` is the best build for this processor, or None if there is none: then PyTorch does the same work, more slowly.
The environment variable EPIGONE_KERNELS names the build to use, or `none`.
"""

import functools
import importlib
import logging
import os
from types import ModuleType

from epigone.errors import UserError

BUILDS = ("amx", "avx512bf16", "avx512", "avx2", "portable")  # best first
VARIABLE = "EPIGONE_KERNELS"
MISSING = (
    "The native engine was not compiled when epigone was installed, so PyTorch does its work, more slowly. "
    "To compile it, install a C++ compiler (GCC or Clang) and install epigone again."
)

log = logging.getLogger(__name__)


@functools.cache
def engine() -> ModuleType | None:
    """Choose the build to use.

    Raises:
        UserError: the environment asks for a build that is not available.
    """
    asked = os.environ.get(VARIABLE, "")
    if asked == "none":
        return None
    found = available()
    if not found and not asked:
        log.info(MISSING)  # once, because of the cache
        return None
    if not asked:
        return _build(found[0])
    if asked not in found:
        raise UserError(f"{VARIABLE} asks for the build '{asked}'; available here are {', '.join([*found, 'none'])}.")
    return _build(asked)


def in_use() -> str:
    """Name the build in use, or `none`."""
    module = engine()
    return module.__name__.rpartition("._")[2] if module else "none"


def available() -> list[str]:
    """List the compiled builds that this processor can run, best first."""
    portable = _build("portable")
    if portable is None:
        return []
    return [name for name in BUILDS if portable.supports(name) and _build(name) is not None]


def _build(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(f"epigone.kernels._{name}")
    except ImportError:
        return None
