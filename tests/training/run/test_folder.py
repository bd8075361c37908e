"""The folder of a run: refused, continued or finished."""

import json

import pytest
from stopping import At, Stop, left_by, stop

from epigone.errors import UserError
from epigone.folder_lock import output_folder
from epigone.training.options import MachineOptions
from epigone.training.run import folder as room
from epigone.training.run.folder import TrainingResult, digest, open_folder

REQUEST = {"command": "pretrain", "options": {"training": {"lr": 0.1, "threads": 1, "shares": (1, 2)}}}
MACHINE = MachineOptions(threads=8)


def opened(out, request, machine, resume, notices):
    """The result in a folder, opened as a training command opens it."""
    with output_folder(out, resume):
        return open_folder(out, request, machine, notices)


def keep(folder, request, **facts):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"request": request, **facts}))


@pytest.mark.parametrize("resume", [False, True])
def test_a_new_or_empty_folder_is_made_ready(tmp_path, resume):
    for _ in range(2):
        assert opened(tmp_path / "new" / "deep", REQUEST, MACHINE, resume, []) is None
        assert (tmp_path / "new" / "deep").is_dir()


def test_a_folder_in_use_is_refused(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match=r"is not empty\. .*--out, or add --resume"):
        opened(tmp_path, REQUEST, MACHINE, resume=False, notices=[])
    with pytest.raises(UserError, match=r"no run to resume \(there is no config\.json\)"):
        opened(tmp_path, REQUEST, MACHINE, resume=True, notices=[])
    with pytest.raises(UserError, match=r"letter\.txt is a file"):
        opened(tmp_path / "letter.txt", REQUEST, MACHINE, resume=True, notices=[])
    with pytest.raises(UserError, match="Could not make the folder"):
        opened(tmp_path / "letter.txt" / "run", REQUEST, MACHINE, resume=False, notices=[])


def test_another_run_is_not_continued(tmp_path):
    keep(tmp_path, REQUEST)
    assert opened(tmp_path, REQUEST, MACHINE, resume=True, notices=[]) is None
    other = {"command": "pretrain", "options": {"training": {"lr": 0.2, "threads": 8, "shares": (1, 2)}}}
    with pytest.raises(UserError, match=r"other settings.*: options\.training\.lr was 0\.1 and is now 0\.2\. "):
        opened(tmp_path, other, MACHINE, resume=True, notices=[])
    with pytest.raises(UserError, match="holds a run of pretrain, which finetune cannot resume"):
        opened(tmp_path, other | {"command": "finetune"}, MACHINE, resume=True, notices=[])
    # Machine and display may differ; version 0.1.0 wrote them here.
    other["options"]["training"] |= {"lr": 0.1, "tensorboard": True, "device": "cpu"}
    notices = []
    assert opened(tmp_path, other, MACHINE, resume=True, notices=notices) is None
    assert [notice.replace(str(tmp_path), "FOLDER") for notice in notices] == [
        "The run in FOLDER began with --threads 1 and goes on with 8, so its last bits may differ from those of a run "
        "without a break."
    ]


def test_how_a_text_was_read_and_counted_may_differ_as_long_as_it_is_the_same(tmp_path):
    corpus = {"hash": "0", "documents": 3, "splits": {"train": {"documents": 1, "characters": 9}}}
    keep(tmp_path, REQUEST | {"corpus": corpus})
    now = REQUEST | {"corpus": corpus | {"documents": 1, "read": {"separator": "--"}}}
    assert opened(tmp_path, now, MACHINE, resume=True, notices=[]) is None
    with pytest.raises(UserError, match=r"corpus\.hash was 0"):
        opened(tmp_path, now | {"corpus": corpus | {"hash": "1"}}, MACHINE, resume=True, notices=[])


def test_the_digest_of_a_request_is_that_of_its_outcome():
    corpus = {"hash": "0", "documents": 3}
    same = [
        REQUEST | {"corpus": corpus | {"documents": 1}},
        REQUEST | {"corpus": corpus, "new_option": None},
        {"command": "pretrain", "options": {"training": {"lr": 0.1, "threads": 2, "shares": [1, 2]}}, "corpus": corpus},
    ]
    assert {digest(request) for request in same} == {digest(REQUEST | {"corpus": corpus})}
    assert digest(REQUEST | {"corpus": corpus | {"hash": "1"}}) != digest(REQUEST | {"corpus": corpus})


def test_what_killed_writes_left_is_no_run(tmp_path):
    (tmp_path / ".config.json.123.tmp").write_text("{")
    with pytest.raises(UserError, match="--resume"):
        opened(tmp_path, REQUEST, MACHINE, resume=False, notices=[])
    assert opened(tmp_path, REQUEST, MACHINE, resume=True, notices=[]) is None
    assert not list(tmp_path.iterdir())


def test_a_finished_run_holds_a_complete_model_and_is_not_repeated(train, tmp_path):
    result = train(tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        "model.safetensors",
        "config.json",
        "tokenizer.json",
        "history.jsonl",
        "README.md",
        "fingerprint.safetensors",
    }
    before = left_by(tmp_path / "out")
    again = train(tmp_path / "out", resume=True, monitor=At(1, stop))
    assert isinstance(again, TrainingResult)
    assert again == result
    assert left_by(tmp_path / "out") == before
    with pytest.raises(UserError, match="not empty"):
        train(tmp_path / "out")


def test_a_run_that_is_killed_while_it_finishes_does_not_start_again(train, undisturbed, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(room, "write_json", lambda *arguments: stop())
        with pytest.raises(Stop):
            train(tmp_path / "out", machine=MachineOptions(save_every=0))
    seen = []
    train(tmp_path / "out", machine=MachineOptions(save_every=0), resume=True, monitor=At(1, lambda: seen.append(1)))
    assert not seen
    assert left_by(tmp_path / "out") == undisturbed()
