"""Bytes in memory, or in a temporary file when there are many."""

import errno
import os
import tempfile
import weakref
from pathlib import Path
from typing import IO, Any

import numpy as np

from epigone.errors import UserError

IN_MEMORY = 32 << 20
"""Bytes that a buffer keeps in memory before it moves to a file."""


class FileBuffer:
    """Bytes that are first appended and then read at any place; large ones move to a temporary file.

    The file has no name if the system allows that, so it disappears even when the process is killed.

    Args:
        folder: folder of the file; None is the system's temporary folder.
        room: bytes kept in memory; None is `IN_MEMORY`.
    """

    def __init__(self, folder: Path | None = None, room: int | None = None) -> None:
        self.size = 0
        self._folder = folder
        self._memory = bytearray()  # everything, or what is not yet in the file
        self._room = IN_MEMORY if room is None else room
        self._file: IO[bytes] | None = None

    def append(self, data: bytes | memoryview) -> None:
        """Add `data` at the end.

        Raises:
            UserError: the folder is missing or its disk is full.
        """
        self._memory += data
        self.size += len(data)
        if len(self._memory) > self._room:
            self._write()

    def flush(self) -> None:
        """Finish writing; call this before reading.

        Raises:
            UserError: the disk is full.
        """
        if self._file is not None:
            self._write()

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to `stop`, after `flush`."""
        if self._file is None:
            return bytes(memoryview(self._memory)[start:stop])
        if hasattr(os, "pread"):  # does not move the file's position, which forked processes share
            return os.pread(self._file.fileno(), stop - start, start)
        self._file.seek(start)
        return self._file.read(stop - start)

    def array(self, dtype: np.dtype[Any]) -> np.ndarray:
        """Return everything as a 1-D array of `dtype`, after `flush`; a memory map if it is in a file."""
        if self._file is None:
            return np.frombuffer(self._memory, dtype)
        # "r+" although nobody writes: torch warns about read-only arrays, and a private copy counts as memory.
        return np.memmap(self._file, dtype, mode="r+")

    def _write(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
                weakref.finalize(self, self._file.close)
                self._room = 1 << 20
            self._file.write(self._memory)
            self._file.flush()
        except OSError as error:
            folder = self._folder or tempfile.gettempdir()
            why = "its disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
            raise UserError(
                f"The text could not be written to {folder}: {why}. Free some space there, or name another folder "
                "for temporary files in the environment variable TMPDIR."
            ) from error
        self._memory = bytearray()
