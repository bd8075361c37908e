"""The output folder of a command: made, refused if it holds something else, and locked against a second command."""

import errno
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from epigone.errors import UserError
from epigone.storage import leftovers, remove_leftovers

log = logging.getLogger("epigone")

FILE = ".lock"
GRACE = 3.0  # seconds; the workers of a killed command end a moment after it
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.EBADF}


@contextmanager
def output_folder(out: Path, resume: bool = False, remedy: str = "") -> Iterator[None]:
    """Make an output folder, and hold its lock within a block.

    Temporary files of a killed command are removed: those of a run that goes on, or beside the lock that it left.

    Args:
        out: the folder.
        resume: it may hold something, since the command goes on in it.
        remedy: the sentence for a folder that is not empty, if it is not to choose another or resume.

    Raises:
        UserError: the folder is not empty, cannot be made, or another command writes into it.
    """

    def refuse() -> None:
        if out.exists() and not out.is_dir():
            raise UserError(f"{out} is a file; give a folder with --out.")
        if out.exists() and not resume and not _is_vacant(out):
            further = remedy or "Choose another folder with --out, or add --resume to go on with what it holds."
            raise UserError(f"{out} is not empty. {further}")

    fresh = not out.exists()
    refuse()  # before the lock, so that nothing is written into somebody's folder
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Could not make the folder {out}: {error.strerror}. Choose another --out.") from error
    try:
        with folder_lock(out):
            refuse()  # again, because it may have filled in the meantime
            remove_leftovers(out)
            yield
    except BaseException:
        if fresh:
            with suppress(OSError):  # unless it holds something
                out.rmdir()
        raise


def _is_vacant(out: Path) -> bool:
    left = {path.name for path in out.iterdir()}
    return not left or (FILE in left and left - {FILE} <= {path.name for path in leftovers(out)})


@contextmanager
def folder_lock(folder: Path, option: str = "--out") -> Iterator[None]:
    """Hold the lock of an existing folder within a block.

    The lock belongs to an open file, so the system frees it when the process ends, even if it is killed; an empty file
    `.lock` may stay behind. On network file systems it holds between machines as far as these share file locks (NFS
    since version 4 does, some cluster file systems do not). Without locks the block runs, after a notice.

    Args:
        folder: the folder.
        option: the option that chooses another one.

    Raises:
        UserError: another process, or another thread of this one, holds the lock.
    """
    path = folder / FILE
    try:
        handle = _locked(path)
    except BlockingIOError as error:
        raise UserError(
            f"Another command is writing into {folder}. Wait until it has ended, or choose another {option}."
        ) from error
    except OSError as error:  # a folder that cannot be written fails at the first file, with its own sentence
        handle = None
        if error.errno in _NO_LOCKS:
            log.warning(f"The file system of {folder} has no locks: start no second command with this {option}.")
    try:
        yield
    finally:
        if handle is not None:
            if sys.platform != "win32":  # there an open file cannot be deleted
                path.unlink(missing_ok=True)
            os.close(handle)
            if sys.platform == "win32":
                with suppress(OSError):
                    path.unlink(missing_ok=True)


def _locked(path: Path) -> int:
    """Open and lock a file.

    Raises:
        BlockingIOError: another process holds it, and goes on holding it.
        OSError: the file cannot be opened, or the file system has no locks.
    """
    until = time.monotonic() + GRACE
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _try_lock(handle)
            # The holder before may have deleted the file since it was opened: then others would lock a new one.
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                return handle
        except FileNotFoundError:
            pass
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(handle)
                raise
        except OSError:
            os.close(handle)
            raise
        os.close(handle)
        time.sleep(0.02)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> None:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(*error.args) from error
else:
    import fcntl

    def _try_lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
