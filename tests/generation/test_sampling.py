"""The draw against definitions by brute force."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from epigone.errors import UserError
from epigone.generation.rules.rule import softmax
from epigone.generation.sampling import RandomStreams, SamplingOptions, draw, forbid, probabilities

logits_arrays = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=9),
    elements=st.floats(-30, 30, width=32),
)


def plain(**changes):
    return SamplingOptions(**{"temperature": 1.0, **changes})


def nothing(logits):
    """No forbidden and no recent tokens."""
    return np.zeros(logits.shape[1], bool), np.full((len(logits), 1), -1)


@given(logits_arrays)
def test_without_filters_it_is_the_softmax(logits):
    expected = [[math.exp(x) / sum(math.exp(y) for y in row) for x in row] for row in logits.tolist()]
    np.testing.assert_allclose(probabilities(logits, plain(), *nothing(logits)), expected, rtol=1e-6)


@given(logits_arrays, st.floats(0.2, 3))
def test_temperature_divides_the_logits(logits, temperature):
    hot = probabilities(logits, plain(temperature=temperature), *nothing(logits))
    np.testing.assert_allclose(hot, softmax(logits.astype(float) / temperature), rtol=1e-6)


@given(logits_arrays)
def test_temperature_zero_takes_the_likeliest(logits):
    greedy = probabilities(logits, plain(temperature=0), *nothing(logits))
    assert (greedy.sum(axis=1) == 1).all()
    assert (draw(greedy, np.full(len(logits), 0.999)) == logits.argmax(axis=1)).all()


@given(logits_arrays, st.floats(1e-300, 1e-3))
def test_a_tiny_temperature_stays_finite(logits, temperature):
    cold = probabilities(logits, plain(temperature=temperature), *nothing(logits))
    np.testing.assert_allclose(cold.sum(axis=1), 1)


def test_filters_act_after_the_temperature():
    logits = np.log(np.array([[0.5, 0.3, 0.2]]))
    flat, sharp = (probabilities(logits, plain(top_p=0.6, temperature=t), *nothing(logits)) for t in (1, 0.1))
    assert (flat > 0).sum() == 2
    assert (sharp > 0).sum() == 1


@given(logits_arrays, st.data())
def test_forbidding_equals_drawing_again(logits, data):
    forbidden = data.draw(arrays(bool, logits.shape))
    assume(not forbidden.all(axis=1).any())
    restricted = probabilities(logits, plain(), forbidden, nothing(logits)[1])
    # The chance that the first allowed draw is token i: p_i after any number of forbidden draws.
    free = softmax(logits.astype(float))
    again = np.where(forbidden, free, 0).sum(axis=1, keepdims=True)
    assume((again < 0.9).all())
    rounds = sum(np.where(forbidden, 0, free) * again**n for n in range(300))
    np.testing.assert_allclose(restricted, rounds, rtol=1e-6, atol=1e-12)


def test_the_forbidden_are_never_drawn_even_if_certain():
    logits = forbid(np.array([[900.0, 0.0, -900.0]]), np.array([True, False, False]))
    assert draw(softmax(logits), np.array([0.5])) == [1]


@given(
    arrays(float, (3, 6), elements=st.sampled_from([0.0, 1e-12, 0.1, 1.0])),
    arrays(float, 3, elements=st.sampled_from([0.0, 0.5, 1 - 2**-53])),
)
def test_draw_never_takes_the_impossible(shares, uniforms):
    assume((shares.sum(axis=1) > 0).all())
    assert (shares[range(3), draw(shares, uniforms)] > 0).all()


def test_draw_follows_the_distribution():
    shares = np.array([[0.1, 0.0, 0.6, 0.3]])
    uniforms = (np.arange(1000) + 0.5) / 1000
    drawn = draw(np.repeat(shares, 1000, axis=0), uniforms)
    np.testing.assert_array_equal(np.bincount(drawn, minlength=4), [100, 0, 600, 300])


def test_a_sample_has_its_own_stream_whatever_the_others():
    many, one = RandomStreams(5, range(10)), RandomStreams(5, [7])
    for _ in range(RandomStreams.BLOCK + 3):
        assert many.next()[7] == one.next()[0]
    first = RandomStreams(5, range(10)).next()
    assert len(set(first)) == 10
    assert not set(first) & set(RandomStreams(6, range(10)).next())


def test_the_streams_do_not_change_with_versions():
    streams = RandomStreams(0, [0, 1])
    numbers = [streams.next().tolist() for _ in range(2)]
    assert numbers == [[0.9429375528828794, 0.6771968569751019], [0.3163371523854981, 0.2429867485428212]]
    uniforms = RandomStreams(1, [0])
    values = np.array([uniforms.next()[0] for _ in range(20_000)])
    assert 0 <= values.min() < values.max() < 1
    assert abs(values.mean() - 0.5) < 0.01


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_broken_model_gets_a_sentence(value):
    logits = np.array([[0.0, value]])
    with pytest.raises(UserError, match="not numbers"):
        probabilities(logits, plain(), *nothing(logits))


def test_nothing_to_draw_from_gets_a_sentence():
    with pytest.raises(UserError, match="no printable character"):
        probabilities(np.zeros((1, 2)), plain(), np.array([True, True]), np.array([[-1]]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", math.nan),
        ("temperature", math.inf),
        ("top_k", -1),
        ("top_p", 0.0),
        ("top_p", 1.5),
        ("min_p", 1.1),
        ("repetition_penalty", 0.0),
        ("repetition_penalty", math.inf),
        ("repetition_window", 0),
        ("seed", -1),
    ],
)
def test_options_out_of_range_get_a_sentence(name, value):
    with pytest.raises(UserError, match=f"{name} must be .*; {value} was given"):
        SamplingOptions(**{name: value})
