import math
from dataclasses import dataclass

import pytest

from epigone.errors import UserError, check_options


@dataclass
class Sizes:
    width: float = 1.0
    height: float | None = 2.0


def check(sizes: Sizes) -> None:
    check_options(sizes, "be greater than 0", lambda value: value > 0, "width", "height")


def test_good_and_unset_options_pass():
    check(Sizes())
    check(Sizes(height=None))


@pytest.mark.parametrize("value", [0, -1.5, math.nan])
def test_the_first_bad_option_gets_a_sentence(value):
    with pytest.raises(UserError) as failure:
        check(Sizes(height=value))
    assert str(failure.value) == f"height must be greater than 0; {value} was given."
