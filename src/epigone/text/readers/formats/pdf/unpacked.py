"""Limit on what the streams of a PDF unpack to."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from epigone.text.readers.decoding import NotText

_ALLOWANCE = 500_000  # bytes that the streams of every file may unpack to
_RATIO = 6  # further ones for each byte of the file; text and drawings are packed to a third or a fourth
_CODECS = ("lzwdecode", "ascii85decode", "asciihexdecode", "rldecode")


@contextmanager
def limited(path: Path) -> Iterator[None]:
    """Refuse a file whose streams unpack to far more than text does, as long as pdfminer reads it.

    Raises:
        NotText: they do.
    """
    from pdfminer import pdftypes

    most = _ALLOWANCE + _RATIO * path.stat().st_size
    left = most

    def spent(data: bytes) -> bytes:
        nonlocal left
        left -= len(data)
        if left < 0:
            raise NotText(
                f"{path} unpacks to more than {most / 1e6:.1f} MB, which is far more than a text of its size, so it "
                "was not read. If it is what it should be, save its text in a file (.txt) and give that."
            )
        return data

    class Inflating:
        """Decompressor that spends what it unpacks."""

        def __init__(self) -> None:
            self._inner = zlib.decompressobj()

        def decompress(self, data: bytes) -> bytes:
            """Unpack the next part."""
            return spent(self._inner.decompress(data, left + 1))

        def whole(self, data: bytes) -> bytes:
            """Unpack all of a stream."""
            unpacked = self.decompress(data)
            if not self._inner.eof:
                raise zlib.error("incomplete or truncated stream")
            return unpacked

    def spending(decode: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
        return lambda data: spent(decode(data))

    # Its decoders have no limit of their own, and no other place to set one.
    patches: dict[str, Any] = {name: spending(getattr(pdftypes, name)) for name in _CODECS}
    patches["zlib"] = SimpleNamespace(
        error=zlib.error, decompress=lambda data: Inflating().whole(data), decompressobj=Inflating
    )
    before = {name: getattr(pdftypes, name) for name in patches}
    vars(pdftypes).update(patches)
    try:
        yield
    finally:
        vars(pdftypes).update(before)
