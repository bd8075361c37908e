"""The lock of an output folder: one command at a time, free again whatever ends it."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from killing import campaign

from epigone import folder_lock as room
from epigone.errors import UserError
from epigone.folder_lock import FILE, folder_lock, output_folder

HOLDER = """
import pathlib, sys, time
from epigone.folder_lock import output_folder
with output_folder(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(room, "GRACE", 0.1)


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path / "out"], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_command_is_refused_while_the_first_lives(holder, tmp_path, resume):
    with (
        pytest.raises(UserError, match=r"Another command is writing into .*out\. .* --out"),
        output_folder(tmp_path / "out", resume),
    ):
        pass


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_lock_dies_with_its_process(holder, tmp_path, number):
    holder.send_signal(number)
    holder.wait()
    with output_folder(tmp_path / "out"):
        pass
    assert not list((tmp_path / "out").iterdir())


def test_a_dying_holder_is_waited_for(holder, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "GRACE", 20.0)
    killer = threading.Timer(0.5, holder.kill)
    killer.start()
    with output_folder(tmp_path / "out"):
        assert holder.wait() == -signal.SIGKILL


def test_a_lock_holds_against_this_process_too_and_leaves_nothing(tmp_path):
    for _ in range(2):
        with output_folder(tmp_path):
            assert [path.name for path in tmp_path.iterdir()] == [FILE]
            with pytest.raises(UserError, match="Another command"), folder_lock(tmp_path):
                pass
        assert not list(tmp_path.iterdir())


def test_a_block_that_fails_frees_the_lock(tmp_path):
    with pytest.raises(KeyError), output_folder(tmp_path):
        raise KeyError
    with output_folder(tmp_path):
        pass


def test_a_lock_file_that_was_deleted_while_it_was_opened_is_not_mistaken_for_the_lock(tmp_path, monkeypatch):
    real, path = room._try_lock, tmp_path / FILE

    def deleted_before(handle):
        monkeypatch.setattr(room, "_try_lock", real)
        real(handle)
        path.unlink()  # as its holder does at its end

    monkeypatch.setattr(room, "_try_lock", deleted_before)
    with folder_lock(tmp_path):
        assert path.exists()
        with pytest.raises(UserError, match="Another command"), folder_lock(tmp_path):
            pass


@pytest.mark.parametrize("number", sorted(room._NO_LOCKS))
def test_a_file_system_without_locks_is_told_of(number, tmp_path, monkeypatch, caplog):
    def refuse(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(room, "_try_lock", refuse)
    with folder_lock(tmp_path):
        assert "has no locks: start no second command" in caplog.text


def test_only_what_a_killed_command_left_counts_as_empty(tmp_path):
    (tmp_path / ".model.safetensors.12.tmp").write_text("")
    with pytest.raises(UserError, match="is not empty"), output_folder(tmp_path):
        pass
    (tmp_path / FILE).write_text("")
    with output_folder(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [FILE]
    (tmp_path / FILE).write_text("")
    (tmp_path / "letter.txt").write_text("Dear")
    with pytest.raises(UserError, match="is not empty"), output_folder(tmp_path):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {FILE, "letter.txt"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_refused_by_the_first_file(tmp_path):
    tmp_path.chmod(0o500)
    with output_folder(tmp_path):
        pass


def test_an_opened_folder_of_errors_is_no_lock(monkeypatch, tmp_path):
    def full(path, *arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "open", full)
    with folder_lock(Path(tmp_path)):
        pass


KILLS = """
# Write files together, with a kill before each change in the folder or in the middle of a file, until none comes.
import json, sys
from pathlib import Path
from killing import die_before, killed
from epigone.errors import UserError
from epigone.folder_lock import output_folder
from epigone.storage import write_together

FILES = {"README.md": "text", "weights": b"0123456789", "config.json": "{}"}


def make(out, number=0, half=False):
    if number:
        die_before(number, str(out), half)
    with output_folder(out):
        write_together(out, FILES)


states = {"nothing": 0, "whole": 0}
for half in (False, True):
    number, status = 1, None
    while status is None:
        out = Path(sys.argv[1], f"out{number}{half}")
        status = killed(lambda: make(out, number, half))
        whole = (out / "config.json").exists()
        states["whole" if whole else "nothing"] += 1
        if not whole:  # the same command makes it then
            assert killed(lambda: make(out)) == 0, number
        left = {path.name: path.read_text() for path in out.iterdir() if not path.name.startswith(".")}
        assert left == {"README.md": "text", "weights": "0123456789", "config.json": "{}"}, (number, left)
        number += 1
    assert status == 0
print(json.dumps(states))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="forks, and kills with SIGKILL")
def test_a_kill_before_each_change_leaves_all_or_nothing_in_the_way(tmp_path):
    states = campaign(KILLS, tmp_path)
    assert states["nothing"] > 12
    assert states["whole"] > 2


def test_a_list_of_files_deletes_only_those_beside_it(tmp_path):
    (tmp_path / "mine").write_text("kept")
    out = tmp_path / "out"
    out.mkdir()
    for name in (FILE, "a"):
        (out / name).write_text("")
    (out / ".group.7.tmp").write_text('["a", "../mine", "b/c", "", ".", "..", "/etc/hosts", 3]')
    with pytest.raises(UserError, match="is not empty"), output_folder(out):
        pass
    (out / ".group.7.tmp").write_text('["a", "../mine", "b/c", "", ".", "..", "/etc/hosts"]')
    with output_folder(out):
        assert [path.name for path in out.iterdir()] == [FILE]
    assert (tmp_path / "mine").read_text() == "kept"
