"""WikiText, from the Hugging Face hub in the layout of its publisher."""

import logging
import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from epigone.corpora.downloads.cache import VARIABLE, sha256_of
from epigone.corpora.downloads.download import Meter
from epigone.corpora.downloads.fetcher import Arrived, Fetcher
from epigone.corpora.downloads.web import AGENT, host
from epigone.corpora.sources.base import Got, Source, Text
from epigone.errors import UserError, missing_package

log = logging.getLogger("epigone")

REPOSITORY = "Salesforce/wikitext"
REVISION = "b08601e04326c79dfdd32d625aee71d232d685c3"
SPLITS = {"train": "train", "validation": "valid", "test": "test"}
"""The splits of the hub, and their names in the files that the corpus was first published in."""
MOST = 1 << 30
"""Bytes of a text; the largest has half of it."""
_HASH = re.compile("[0-9a-f]{64}")


def get(configuration: str, shards: int, part: str, fetcher: Fetcher) -> Iterator[Got]:
    """Get the three texts of a configuration.

    Args:
        configuration: folder of the repository.
        shards: files that the training text is divided into.
        part: empty.
        fetcher: knows where downloads are kept.
    """
    if fetcher.options.from_file is not None:
        raise UserError("WikiText is several files, so --from-file cannot name a copy; leave it out.")
    if fetcher.options.mirror:
        host(fetcher.options.mirror)  # refuses what is no address
    for split, name in SPLITS.items():
        number = shards if split == "train" else 1
        names = [f"{configuration}/{split}-{i:05}-of-{number:05}.parquet" for i in range(number)]
        parts = tuple(_fetched(each, fetcher) for each in names)
        yield Got(f"{configuration}, {split}", parts, [Text(f"wiki.{name}.tokens", _lines(parts))])


def _fetched(file: str, fetcher: Fetcher) -> Arrived:
    """Fetch a file of the repository with the hub's own client, which goes on where it broke off and keeps a cache."""
    try:
        import huggingface_hub as hub
        import pyarrow.parquet  # noqa: F401  # needed only later, but missed before anything is fetched
    except ModuleNotFoundError as error:
        package = "pyarrow" if str(error.name).startswith("pyarrow") else "huggingface_hub"
        raise UserError(missing_package("WikiText", package)) from error
    where: dict[str, Any] = {"revision": REVISION, "repo_type": "dataset"}
    if fetcher.options.cache is not None or VARIABLE in os.environ:
        where["cache_dir"] = fetcher.cache / "hub"  # else that of the hub's client, which may have the files already
    address = hub.hf_hub_url(REPOSITORY, file, repo_type="dataset", revision=REVISION, endpoint=fetcher.options.mirror)
    origin = "cache" if isinstance(hub.try_to_load_from_cache(REPOSITORY, file, **where), str) else "download"

    def fetch(anew: bool) -> tuple[Path, str, bool]:
        path = hub.hf_hub_download(
            REPOSITORY, file, **where, endpoint=fetcher.options.mirror, force_download=anew, token=False,
            user_agent=AGENT, tqdm_class=_bar(hub.utils.tqdm, file, fetcher.meter),
        )  # fmt: skip
        found, known = sha256_of(Path(path)), Path(path).resolve().name  # the client names its files by their hashes
        return Path(path), found, _HASH.fullmatch(known) is None or known == found

    log.info(f"{'Taking from the cache' if origin == 'cache' else 'Fetching'} {address}")
    try:
        path, found, sound = fetch(False)
        if not sound:
            log.warning(f"{path} is not as it was when it came, so it is fetched anew.")
            path, found, sound = fetch(True)
    except (OSError, ValueError, RuntimeError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise UserError(
            f"{address} could not be fetched: {said}. Try again later, or name a mirror of the hub with --mirror."
        ) from error
    if not sound:
        raise UserError(f"{address} comes damaged: its sha256 is not the one that the hub names. Try again later.")
    return Arrived(path, address, found, path.stat().st_size, origin, path.resolve().name == found)


def _bar(kind: type[Any], file: str, meter: Meter | None) -> type[Any]:
    """Make a class of bars for the hub's client that draw nothing and tell a meter."""

    class Bar(kind):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            self.done, self.whole = options.get("initial") or 0, options.get("total")
            super().__init__(*arguments, **options | {"disable": True})

        def update(self, n: float | None = 1) -> None:
            self.done += int(n or 0)
            if meter:
                meter(file.rsplit("/", 1)[-1], self.done, self.whole)

    return Bar


def _lines(parts: Sequence[Arrived]) -> Iterator[bytes]:
    """The rows of the tables, each a line of the text that the corpus was first published as."""
    import pyarrow.parquet

    written = 0
    for part in parts:
        try:
            for batch in pyarrow.parquet.ParquetFile(part.path).iter_batches(columns=["text"]):
                text = "".join(f"{line or ''}".rstrip("\n") + "\n" for line in batch.column(0).to_pylist()).encode()
                written += len(text)
                if written > MOST:
                    raise UserError(f"{part.path} holds more than {MOST:,} bytes of text, which is not WikiText.")
                yield text
        except (OSError, ValueError, LookupError) as error:
            raise UserError(f"{part.path} is no table of WikiText ({error}); delete it, and fetch it again.") from error


_RIGHTS = (
    "Text of Wikipedia under CC BY-SA 3.0 and the GFDL: whoever passes it on, or what is made of it, names the source "
    "and gives the same licence."
)
WIKITEXT: tuple[Source, ...] = tuple(
    Source(name, title, _RIGHTS, partial(get, configuration, shards))
    for name, title, configuration, shards in (
        ("wikitext-2", "articles of Wikipedia, 2 million words, rare ones as <unk>", "wikitext-2-v1", 1),
        ("wikitext-2-raw", "the same as it was written, for characters", "wikitext-2-raw-v1", 1),
        ("wikitext-103", "articles of Wikipedia, 103 million words, rare ones as <unk>", "wikitext-103-v1", 2),
        ("wikitext-103-raw", "the same as it was written, for characters", "wikitext-103-raw-v1", 2),
    )
)
