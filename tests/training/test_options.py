"""What is asked of training: impossible values get a sentence."""

import math
from dataclasses import fields, replace

import pytest

from understudy.errors import UserError
from understudy.training.options import RetrainingOptions, TrainingOptions

POSITIVE = ("lr", "epochs", "batch_size", "sequence_length", "devices", "minutes", "steps")
NOT_NEGATIVE = ("weight_decay", "clip", "patience", "validate_every", "threads", "seed", "save_every")


@pytest.mark.parametrize("name", POSITIVE)
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_what_must_be_positive(name, value):
    with pytest.raises(UserError, match=f"{name} must be greater than 0; {value} was given"):
        TrainingOptions(**{name: value})


@pytest.mark.parametrize("name", NOT_NEGATIVE)
@pytest.mark.parametrize("value", [-1, math.nan])
def test_what_must_not_be_negative(name, value):
    with pytest.raises(UserError, match=f"{name} must not be negative; {value} was given"):
        TrainingOptions(**{name: value})
    assert getattr(replace(TrainingOptions(), **{name: 0}), name) == 0


@pytest.mark.parametrize("name", ["alpha", "momentum"])
@pytest.mark.parametrize("value", [-0.1, 1.0, math.nan])
def test_what_must_be_below_one(name, value):
    with pytest.raises(UserError, match=f"{name} must be at least 0 and below 1; {value} was given"):
        TrainingOptions(**{name: value})


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("optimizer", "rmsprop, adagrad"), ("schedule", "plateau"), ("precision", "fp32, bf16"), ("device", "auto, cpu")],
)
def test_unknown_names_get_the_list(name, remedy):
    with pytest.raises(UserError, match=f"There is no {name} 'foo'; choose one of .*{remedy}"):
        TrainingOptions(**{name: "foo"})


def test_retraining_is_gentler_and_has_the_same_options():
    assert [f.name for f in fields(RetrainingOptions)] == [f.name for f in fields(TrainingOptions)]
    assert RetrainingOptions().lr < TrainingOptions().lr
    assert RetrainingOptions().batch_size < TrainingOptions().batch_size
    with pytest.raises(UserError):
        RetrainingOptions(lr=-1)
