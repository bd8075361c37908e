"""The folder of downloads, and the hash beside each of them, by which a damaged one is noticed."""

import hashlib
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from epigone.errors import UserError
from epigone.schema import record, text, whole
from epigone.storage import read_json, write_json

VARIABLE = "EPIGONE_CACHE"
"""The environment variable that names the folder for downloads."""
KEPT = record(
    {"address": text, "sha256": text, "bytes": whole(), "fetched": text}, "address", "sha256", "bytes", "fetched"
)


@dataclass(frozen=True)
class Kept:
    """The facts about a file in the cache, which a JSON file beside it holds."""

    address: str
    sha256: str
    bytes: int
    fetched: str
    """Day of the download, as YYYY-MM-DD."""


def cache_folder() -> Path:
    """The folder for downloads: `EPIGONE_CACHE`, or where the system keeps what can be fetched again."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "epigone" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "epigone"
    named = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(named) if os.path.isabs(named) else home / ".cache") / "epigone"


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep(path: Path, facts: Kept) -> None:
    """Write the facts about a file beside it."""
    write_json(_beside(path), asdict(facts))


def kept(path: Path) -> Kept | None:
    """The facts about a file in the cache if it is as it was when it came; None if it is damaged or unknown."""
    if not path.is_file():
        return None
    try:
        found = read_json(_beside(path), KEPT)
    except UserError:
        return None
    facts = Kept(found["address"], found["sha256"], found["bytes"], found["fetched"])
    return facts if facts.bytes == path.stat().st_size and facts.sha256 == sha256_of(path) else None


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")
