import errno
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.text import spool as module
from epigone.text.spool import Spool


@given(st.lists(st.binary(max_size=20)), st.integers(0, 60), st.data())
def test_what_is_appended_is_read_in_memory_and_on_disk(parts, limit, data):
    whole = b"".join(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "IN_MEMORY", limit)
        spool = Spool()
        for part in parts:
            spool.append(part)
        spool.flush()
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    assert spool.size == len(whole)
    assert spool.read(start, stop) == whole[start:stop]
    if whole:
        assert spool.array(np.dtype(np.uint8)).tobytes() == whole
        assert isinstance(spool.array(np.dtype(np.uint8)), np.memmap) == (len(whole) > limit)


def test_the_file_lies_in_the_folder_and_goes_with_the_spool(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", 10)
    folders = []
    real = module.tempfile.TemporaryFile
    monkeypatch.setattr(
        module.tempfile, "TemporaryFile", lambda **options: folders.append(options["dir"]) or real(**options)
    )
    spool = Spool(tmp_path)
    spool.append(b"x" * 11)
    spool.flush()
    tokens = spool.array(np.dtype(np.uint8))
    file = spool._file
    assert folders == [tmp_path]
    del spool
    assert file.closed
    assert tokens.tobytes() == b"x" * 11  # the map outlives the spool
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", 1)
    with pytest.raises(UserError, match=r"nowhere.*TMPDIR"):
        Spool(tmp_path / "nowhere").append(b"xx")


class FullDisk:
    """A file on a disk without room."""

    def write(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self):
        pass


def test_a_full_disk_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", 10)
    monkeypatch.setattr(module.tempfile, "TemporaryFile", lambda **options: FullDisk())
    spool = Spool(tmp_path)
    spool.append(b"x" * 10)
    with pytest.raises(UserError, match="disk is full") as caught:
        spool.append(b"x")
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(UserError, match="disk is full"):
        spool.flush()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_reading_in_another_process_does_not_disturb_this_one(monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", 4)
    spool = Spool()
    spool.append(b"0123456789")
    spool.flush()
    child = os.fork()
    if not child:
        os._exit(0 if spool.read(2, 5) == b"234" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert spool.read(0, 10) == b"0123456789"
