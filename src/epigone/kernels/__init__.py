"""The native CPU engine: one build for each instruction set, of which the best that the processor has is used.

`engine()` is a compiled module, or None where there is none: then PyTorch does the same work, slower. The environment
variable EPIGONE_KERNELS names the build to use, or `none`.
"""

import functools
import importlib
import logging
import os
from types import ModuleType

from epigone.errors import UserError

BUILDS = ("avx512bf16", "avx512", "avx2", "portable")  # best first
VARIABLE = "EPIGONE_KERNELS"
MISSING = (
    "No native engine was compiled when epigone was installed, so PyTorch does its work, slower. "
    "Install a C++ compiler (GCC or Clang) and then epigone once more."
)

log = logging.getLogger(__name__)


@functools.cache
def engine() -> ModuleType | None:
    """The build to use.

    Raises:
        UserError: the environment asks for one that is not there.
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
        raise UserError(f"{VARIABLE} asks for the build '{asked}'; here there are {', '.join(found)} and 'none'.")
    return _build(asked)


def in_use() -> str:
    """The name of the build that `engine()` is, or `none`."""
    module = engine()
    return module.__name__.rpartition("._")[2] if module else "none"


def available() -> list[str]:
    """The names of the builds that were compiled and that this processor can run, best first."""
    portable = _build("portable")
    if portable is None:
        return []
    return [name for name in BUILDS if portable.supports(name) and _build(name) is not None]


def _build(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(f"epigone.kernels._{name}")
    except ImportError:
        return None
