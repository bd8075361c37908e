"""Atomic files: the old version or the new one, never half of each."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from epigone import storage
from epigone.errors import UserError
from epigone.storage import atomic_write, read_json, read_json_lines, read_object, remove_leftovers, write_json


def test_text_bytes_and_json(tmp_path):
    atomic_write(tmp_path / "a.txt", "바람\n")
    assert (tmp_path / "a.txt").read_bytes() == "바람\n".encode()
    atomic_write(str(tmp_path / "a.txt"), b"\x00\r\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\x00\r\n"
    write_json(tmp_path / "a.json", {"é": [1, None, 0.1]})
    assert read_json(tmp_path / "a.json") == read_object(tmp_path / "a.json") == {"é": [1, None, 0.1]}
    assert "é" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "a.txt"]


def full(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_full_disk_keeps_the_old_file(tmp_path, monkeypatch, name):
    path = tmp_path / "model"
    atomic_write(path, "old")
    monkeypatch.setattr(storage.os, name, full)
    with pytest.raises(UserError, match=rf"Could not write {path}: No space left on device\. .*free some space"):
        atomic_write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files as POSIX does")
def test_a_write_that_the_system_cuts_short_keeps_the_old_file(tmp_path):
    import resource

    path = tmp_path / "model"
    atomic_write(path, "old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(UserError, match="File too large"):
            atomic_write(path, b"x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_real_disk_that_is_full(tmp_path):
    if sys.platform != "linux":
        pytest.skip("mounts a small disk as Linux does")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting needs rights that this user does not have")
    try:
        atomic_write(disk / "model", b"a" * 40_000)
        with pytest.raises(UserError, match="No space left on device"):
            atomic_write(disk / "model", b"b" * 40_000)
        assert (disk / "model").read_bytes() == b"a" * 40_000
        assert [path.name for path in disk.iterdir()] == ["model"]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_an_interruption_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(storage.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        atomic_write(tmp_path / "model", "new")
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("kept")
    for path in (tmp_path / "missing" / "a", tmp_path / "file" / "a"):
        with pytest.raises(UserError, match=f"Could not write {path}: "):
            atomic_write(path, "new")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="Could not write"):
        atomic_write(tmp_path / "folder", "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_leftovers_are_ours_alone(tmp_path):
    kept = [".hidden", ".notes.tmp", "a.1.tmp", ".git"]
    for name in [*kept, f".model.safetensors.{os.getpid()}.tmp", ".a.7.tmp"]:
        (tmp_path / name).write_text("")
    remove_leftovers(tmp_path)
    remove_leftovers(tmp_path / "missing")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"nul"])
def test_broken_json_gets_a_sentence(tmp_path, text):
    path: Path = tmp_path / "a.json"
    path.write_bytes(text)
    with pytest.raises(UserError, match=r"a\.json is not valid JSON .*restore it from a copy"):
        read_json(path)


def test_missing_json_and_json_of_another_kind(tmp_path):
    with pytest.raises(UserError, match=r"Could not read .*a\.json: No such file or directory\."):
        read_json(tmp_path / "a.json")
    with pytest.raises(UserError, match="Could not read"):
        read_json(tmp_path)
    write_json(tmp_path / "a.json", [1])
    with pytest.raises(UserError, match=r"a\.json must hold a JSON object, but holds a list; restore"):
        read_object(tmp_path / "a.json")


def test_several_files_appear_together_or_not_at_all(tmp_path, monkeypatch):
    (tmp_path / "old").write_text("kept")
    real = storage.os.fsync
    calls = []

    def full(handle):
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(storage.os, "fsync", full)
        with pytest.raises(UserError, match=r"Could not write into .*: No space left on device\. Nothing was left"):
            storage.write_together(tmp_path, {"a": b"1", "b": "2", "c": "3"})
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    storage.write_together(tmp_path, {"a": b"1", "b": "2"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "old"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 1200 + "]" * 1200, "nested more than 32 deep|not valid JSON"),
        ("[" * 100_000 + "]" * 100_000, "not valid JSON"),
        ('{"a":' * 33 + "1" + "}" * 33, "nested more than 32 deep"),
        ('["\\ud800"]', "half of a surrogate pair"),
        ('["\\uD800a"]', "half of a surrogate pair"),
    ],
)
def test_json_that_is_deep_or_no_text(tmp_path, text, said):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match=f"a.json (is|holds) .*({said})"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('["\\ud83d\\ude00"]')
    assert read_json(tmp_path / "a.json") == ["\N{GRINNING FACE}"]


def test_json_that_is_large_or_no_file(tmp_path):
    with open(tmp_path / "a.json", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UserError, match=r"a\.json has 1,099,511,627,776 bytes, and such a file has 16,777,216 at most"):
        read_json(tmp_path / "a.json")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="pipe: it is not a regular file"):
        read_json(tmp_path / "pipe")


def test_lines_of_json_are_named(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n[]\n')
    with pytest.raises(UserError, match=r"line 2 of .*a\.jsonl is damaged \(a list instead of an object\)"):
        read_json_lines(tmp_path / "a.jsonl")
