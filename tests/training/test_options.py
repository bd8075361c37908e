"""Training options: impossible values get a sentence."""

import math
from dataclasses import asdict, fields

import pytest

from epigone.errors import UserError
from epigone.training.options import DisplayOptions, MachineOptions, RetrainingOptions, TrainingOptions, recipe_of

POSITIVE = ("lr", "epochs", "batch_size", "sequence_length", "minutes", "steps")
NOT_NEGATIVE = ("weight_decay", "clip", "patience", "validate_every", "seed")
NUMBER = r"a (whole )?number( or None)?"  # which nan is not
KINDS = {"devices": MachineOptions, "threads": MachineOptions, "save_every": MachineOptions, "device": MachineOptions}


@pytest.mark.parametrize("name", [*POSITIVE, "devices"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_what_must_be_positive(name, value):
    with pytest.raises(UserError, match=f"{name} must be (greater than 0|{NUMBER}); {value} was given"):
        KINDS.get(name, TrainingOptions)(**{name: value})


@pytest.mark.parametrize("name", [*NOT_NEGATIVE, "threads", "save_every"])
@pytest.mark.parametrize("value", [-1, math.nan])
def test_what_must_not_be_negative(name, value):
    with pytest.raises(UserError, match=f"{name} must (not be negative|be {NUMBER}); {value} was given"):
        KINDS.get(name, TrainingOptions)(**{name: value})
    assert getattr(KINDS.get(name, TrainingOptions)(**{name: 0}), name) == 0


@pytest.mark.parametrize("name", ["alpha", "momentum"])
@pytest.mark.parametrize("value", [-0.1, 1.0, math.nan])
def test_what_must_be_below_one(name, value):
    with pytest.raises(UserError, match=f"{name} must be (at least 0 and below 1|{NUMBER}); {value} was given"):
        TrainingOptions(**{name: value})


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("optimizer", "rmsprop, adagrad"), ("schedule", "plateau"), ("precision", "fp32, bf16"), ("device", "auto, cpu")],
)
def test_unknown_names_get_the_list(name, remedy):
    with pytest.raises(UserError, match=f"There is no {name} 'foo'; choose one of .*{remedy}"):
        KINDS.get(name, TrainingOptions)(**{name: "foo"})


def test_the_recipe_is_what_version_0_1_0_wrote_without_machine_and_display():
    written = asdict(TrainingOptions(lr=0.5)) | asdict(MachineOptions(threads=3)) | asdict(DisplayOptions(live=True))
    assert recipe_of(written) == asdict(TrainingOptions(lr=0.5))
    assert recipe_of(recipe_of(written)) == recipe_of(written)


def test_an_option_is_in_one_group_alone():
    names = [field.name for kind in (TrainingOptions, MachineOptions, DisplayOptions) for field in fields(kind)]
    assert len(names) == len(set(names))


def test_retraining_is_gentler_and_has_the_same_options_and_those_of_depth():
    names = [f.name for f in fields(TrainingOptions)]
    assert [f.name for f in fields(RetrainingOptions)] == [*names, "rate_decay", "unfreeze_every"]
    assert RetrainingOptions().lr < TrainingOptions().lr
    assert RetrainingOptions().batch_size < TrainingOptions().batch_size
    with pytest.raises(UserError):
        RetrainingOptions(lr=-1)


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({}, 20_000),
        ({"epochs": 2.5}, 2500),
        ({"epochs": 2.5, "steps": 7}, 7),
        ({"epochs": 1e-9}, 1),
    ],
)
def test_length(options, steps):
    assert TrainingOptions(**options).most_steps(steps_per_epoch=1000) == steps


def test_a_short_text_is_read_more_often_unless_the_length_is_given():
    assert TrainingOptions().most_steps(steps_per_epoch=16) == 2000
    assert TrainingOptions(epochs=20).most_steps(steps_per_epoch=16) == 320
    assert RetrainingOptions().most_steps(steps_per_epoch=16) == 320


def test_patience_by_default_lasts_some_hundreds_of_steps():
    assert not TrainingOptions().lost_patience(validations=20, steps=320)
    assert not TrainingOptions().lost_patience(validations=4, steps=10_000)
    assert TrainingOptions().lost_patience(validations=5, steps=500)
    assert TrainingOptions(patience=5).lost_patience(validations=5, steps=5)
    assert not TrainingOptions(patience=0).lost_patience(validations=10**6, steps=10**6)
