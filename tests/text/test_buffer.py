import errno
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.text import buffer as module
from epigone.text.buffer import FileBuffer


@given(st.lists(st.binary(max_size=20)), st.integers(0, 60), st.data())
def test_what_is_appended_is_read_in_memory_and_on_disk(parts, limit, data):
    whole = b"".join(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "IN_MEMORY", limit)
        buffer = FileBuffer()
        for part in parts:
            buffer.append(part)
        buffer.flush()
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    assert buffer.size == len(whole)
    assert buffer.read(start, stop) == whole[start:stop]
    if whole:
        assert buffer.array(np.dtype(np.uint8)).tobytes() == whole
        assert isinstance(buffer.array(np.dtype(np.uint8)), np.memmap) == (len(whole) > limit)


def test_the_file_lies_in_the_folder_and_goes_with_the_buffer(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", 10)
    folders = []
    real = module.tempfile.TemporaryFile
    monkeypatch.setattr(
        module.tempfile, "TemporaryFile", lambda **options: folders.append(options["dir"]) or real(**options)
    )
    buffer = FileBuffer(tmp_path)
    buffer.append(b"x" * 11)
    buffer.flush()
    tokens = buffer.array(np.dtype(np.uint8))
    file = buffer._file
    assert folders == [tmp_path]
    del buffer
    assert file.closed
    assert tokens.tobytes() == b"x" * 11  # the map outlives the buffer
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", 1)
    with pytest.raises(UserError, match=r"nowhere.*TMPDIR"):
        FileBuffer(tmp_path / "nowhere").append(b"xx")


class FullDisk:
    """A file on a full disk."""

    def write(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self):
        pass


def test_a_full_disk_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", 10)
    monkeypatch.setattr(module.tempfile, "TemporaryFile", lambda **options: FullDisk())
    buffer = FileBuffer(tmp_path)
    buffer.append(b"x" * 10)
    with pytest.raises(UserError, match="disk is full") as caught:
        buffer.append(b"x")
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(UserError, match="disk is full"):
        buffer.flush()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_reading_in_another_process_does_not_disturb_this_one(monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", 4)
    buffer = FileBuffer()
    buffer.append(b"0123456789")
    buffer.flush()
    child = os.fork()
    if not child:
        os._exit(0 if buffer.read(2, 5) == b"234" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert buffer.read(0, 10) == b"0123456789"
