"""Options as data: those that were added later change no earlier description, run or folder."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from epigone.described import added, described
from epigone.errors import UserError
from epigone.models.config import ModelOptions, sized
from epigone.models.files.checkpoint import load_checkpoint, save_description
from epigone.models.files.description import MODEL
from epigone.studies.engine.jobs import Base, Text, Training
from epigone.studies.engine.store import folder_of
from epigone.text.tokenizers.characters import AsciiTokenizer
from epigone.training.options import RetrainingOptions, TrainingOptions
from epigone.training.pretrain import pretrain
from epigone.transfer.methods.retrain import Retrain


@dataclass(frozen=True)
class Inner:
    old: int = 1
    new: float = added(0.0)


@dataclass(frozen=True)
class Outer:
    inner: Inner = Inner()
    several: tuple[Inner, ...] = (Inner(), Inner(new=2.0))
    by_name: dict[str, Inner] = field(default_factory=lambda: {"a": Inner()})
    late: tuple[str, ...] = added(())


@dataclass(frozen=True)
class LaterModel(ModelOptions):
    """Options of a later version."""

    new: float = added(0.0)


@dataclass(frozen=True)
class LaterTraining(TrainingOptions):
    new: float = added(0.0)


@dataclass(frozen=True)
class LaterMethod(Retrain):
    new: float = added(0.0)


def test_an_added_option_is_left_out_at_its_default_alone_wherever_it_is():
    assert described(Inner()) == {"old": 1}
    assert described(Inner(new=0)) == {"old": 1}
    assert described(Inner(new=0.5)) == {"old": 1, "new": 0.5}
    assert described(Outer()) == {
        "inner": {"old": 1},
        "several": ({"old": 1}, {"old": 1, "new": 2.0}),
        "by_name": {"a": {"old": 1}},
    }
    assert described(Outer(late=("x",)))["late"] == ("x",)


def test_other_options_are_described_as_ever():
    for options in (ModelOptions(), TrainingOptions(), RetrainingOptions(steps=3)):
        plain = {name: value for name, value in asdict(options).items() if name in described(options)}
        assert described(options) == plain
    assert list(described(TrainingOptions()))[:2] == ["optimizer", "lr"]


def test_a_run_keeps_its_name_unless_an_added_option_is_used():
    text, store = Text(("songs.txt",), "0" * 64), Path("store")

    def name(**options) -> str:
        return folder_of(Training(text, **options), store).name

    assert name(training=LaterTraining()) == name(training=TrainingOptions())
    assert name(training=LaterTraining(new=0.1)) != name(training=TrainingOptions())
    plain = name(training=TrainingOptions(), model=ModelOptions())
    assert name(training=TrainingOptions(), model=LaterModel()) == plain
    assert name(training=TrainingOptions(), model=LaterModel(new=0.1)) != plain
    base = {"training": RetrainingOptions(), "base": Base("b", "1" * 64)}
    assert name(**base, method=LaterMethod(new=0.1)) != name(**base)
    assert LaterMethod().described() == Retrain().described()


def test_a_folder_from_before_an_option_goes_on_with_its_default_alone(song_file, tmp_path):
    tiny = {"num_layers": 1, "hidden_size": 8}
    before = pretrain(song_file, out=tmp_path / "a", model=ModelOptions(**tiny), training=TrainingOptions(steps=1))

    def again(model=ModelOptions(**tiny), training=TrainingOptions(steps=1)):
        return pretrain(song_file, out=tmp_path / "a", model=model, training=training, resume=True)

    assert again(training=LaterTraining(steps=1)) == before
    with pytest.raises(UserError, match=r"training\.new was None and is now 0.5"):
        again(training=LaterTraining(steps=1, new=0.5))


def test_a_model_folder_names_an_added_option_only_if_it_is_used(tmp_path):
    """So that earlier versions read what they know; each option of a shape has its schema."""
    config = sized(ModelOptions(), len(AsciiTokenizer().vocabulary))
    save_description(tmp_path, config, AsciiTokenizer())
    written = json.loads((tmp_path / "config.json").read_text())["model"]
    assert written == json.loads(json.dumps(described(config)))
    assert MODEL(json.loads(json.dumps(asdict(config)))) is None
    for name in asdict(config):
        assert MODEL({name: object()}) is not None, f"{name} has no schema"


def test_a_shape_comes_back(make_base):
    folder = make_base()
    shape = load_checkpoint(folder).model.config
    assert described(shape).keys() == json.loads((folder / "config.json").read_text())["model"].keys()
