"""The run store: a run has one folder and is done once."""

import json
import os
import time

from epigone.studies.engine.store import run_job, under_way


def test_the_same_settings_are_one_folder_and_done_once(numbered, tmp_path):
    first, again, other = (run_job(numbered(n), tmp_path) for n in (1, 1, 2))
    assert first == again
    assert first.folder != other.folder
    assert numbered.done == [1, 2]
    assert json.loads((first.folder / "job.json").read_text()) == {"kind": "Numbered", "number": 1}


def test_what_an_earlier_call_left_is_not_under_way(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "job.json").write_text("{}")
    assert under_way({folder: "a"}, time.time() - 1) == ["a"]  # nothing is known of it yet
    os.utime(folder / "job.json", (0, 0))
    assert under_way({folder: "a"}, time.time() - 1) == []
