"""Files of known corpora: from the cache, from a copy of the user, or from the web."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from epigone.corpora.downloads.cache import VARIABLE, Kept, cache_folder, keep, kept, sha256_of
from epigone.corpora.downloads.download import Meter, download
from epigone.corpora.downloads.web import NotThere, Unreachable, Web
from epigone.errors import UserError
from epigone.folder_lock import folder_lock
from epigone.typed import typed

log = logging.getLogger("epigone")

REMEDY = (
    "Try again later, choose another --mirror, or fetch the file in another way and name your copy with --from-file."
)
Check = Callable[[Path], str]
"""Test of a file: its fault in words, to follow "because", or the empty string."""


@dataclass(frozen=True)
@typed
class FetchOptions:
    """Fetching of texts."""

    mirror: str | None = None
    """Address of a mirror in place of the usual homes, such as https://aleph.pglaf.org for Project Gutenberg, or a
    mirror of the Hugging Face hub for WikiText."""
    cache: Path | None = None
    """Folder in which downloads are kept. By default the environment variable EPIGONE_CACHE names it, or it is in the
    system's folder for caches."""
    from_file: Path | None = None
    """Copy of the file on this machine, in place of a download."""


@dataclass(frozen=True)
class Arrived:
    """A file that is at hand now, checked."""

    path: Path
    address: str
    sha256: str
    bytes: int
    origin: str
    """`download`, `cache` or `your copy`."""
    verified: bool
    """True if the SHA-256 is the one that is known of this file."""


class Fetcher:
    """Fetches the files of a call, politely and once."""

    def __init__(self, options: FetchOptions, meter: Meter | None = None) -> None:
        self.options, self.meter = options, meter
        self.cache = options.cache or cache_folder()
        self._web = Web()
        self._place: dict[str, int] = {}  # of the address that the last file of a corpus had, among its mirror's

    def fetch(
        self, place: str, mirrors: Sequence[Sequence[str]], most: int, check: Check, sha256: str | None = None
    ) -> Arrived:
        """Get a file.

        Args:
            place: folder and name of the file in the cache, divided by a slash.
            mirrors: for each mirror the addresses that the file may have there. A mirror that does not answer is
                followed by the next; the others have the same files.
            most: bytes that it may have.
            check: tells what is wrong with a file that came.
            sha256: the hash of the file, if it is known.

        Raises:
            NotThere: the first mirror that answers does not have the file.
            UserError: no mirror answers, or what came is not what it should be.
        """
        if self.options.from_file is not None:
            return _own_copy(self.options.from_file, most, check, sha256)
        target = self.cache / "corpora" / place
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"Could not make the folder {target.parent}: {error.strerror}. Choose another one for downloads with "
                f"--cache, or with the environment variable {VARIABLE}."
            ) from error
        with folder_lock(target.parent, "--cache"):
            if facts := kept(target):
                log.info(f"{target.name} is in the cache, fetched on {facts.fetched} from {facts.address}.")
                return Arrived(target, facts.address, facts.sha256, facts.bytes, "cache", facts.sha256 == sha256)
            if target.exists():
                log.warning(f"{target} is not as it was when it came, so it is fetched anew.")
                target.unlink()
            address = self._from_web(target, mirrors, most, check, sha256)
            found = Kept(address, sha256_of(target), target.stat().st_size, datetime.now(UTC).date().isoformat())
            keep(target, found)
            return Arrived(target, address, found.sha256, found.bytes, "download", found.sha256 == sha256)

    def _from_web(
        self, target: Path, mirrors: Sequence[Sequence[str]], most: int, check: Check, sha256: str | None
    ) -> str:
        """Download a file from the first mirror that has it, and return its address."""
        silent: list[str] = []
        for addresses in mirrors:
            try:
                return self._from_mirror(target, addresses, most, check, sha256)
            except Unreachable as error:
                silent.append(str(error))
                if addresses is not mirrors[-1]:
                    log.info(f"{error} Trying another mirror.")
        raise UserError(f"{' '.join(silent)} {REMEDY}")

    def _from_mirror(self, target: Path, addresses: Sequence[str], most: int, check: Check, sha256: str | None) -> str:
        corpus = target.parent.name
        first = self._place.get(corpus, 0)
        for place in sorted(range(len(addresses)), key=lambda place: place != first):
            address = addresses[place]
            try:
                fault = self._checked(target, address, most, check, sha256)
                if fault:  # once more: it may have been damaged on its way
                    log.warning(f"{address} was not kept, because {fault}; fetching it once more.")
                    fault = self._checked(target, address, most, check, sha256)
            except NotThere:
                continue
            if fault:
                raise UserError(f"{address} was not kept, because {fault}. {REMEDY}")
            self._place[corpus] = place
            return address
        raise NotThere(f"There is no such file at {', '.join(addresses)}.")

    def _checked(self, target: Path, address: str, most: int, check: Check, sha256: str | None) -> str:
        """Download a file; delete it again and return the reason if something is wrong with it."""
        log.info(f"Fetching {address}")
        download(self._web, address, target, most, self.meter)
        fault = check(target)
        if not fault and sha256 and (found := sha256_of(target)) != sha256:
            fault = f"its sha256 is {found[:16]}… instead of {sha256[:16]}…: it is damaged, or its home has changed it"
        if fault:
            target.unlink()
        return fault


def _own_copy(path: Path, most: int, check: Check, sha256: str | None) -> Arrived:
    """Check a file that the user has."""
    if not path.is_file():
        raise UserError(f"There is no file {path}; name your copy of the text with --from-file.")
    size = path.stat().st_size
    fault = f"it has {size:,} bytes, and such a file has {most:,} at most" if size > most else check(path)
    if fault:
        raise UserError(f"{path} cannot be used, because {fault}.")
    found = sha256_of(path)
    if sha256 and found != sha256:
        log.warning(
            f"{path} is another file than the one that is known, and is used all the same: its sha256 is {found[:16]}… "
            f"instead of {sha256[:16]}…."
        )
    return Arrived(path, str(path), found, size, "your copy", found == sha256)
