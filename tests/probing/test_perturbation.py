"""What a small change of the text does to units."""

import numpy as np
import pytest
from token_by_token import record_states

from epigone.errors import UserError
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.unit_names import VectorName, matching_vectors
from epigone.probing.measures.perturbation import REACH, SOON, perturbed
from epigone.probing.properties.base import Edit, Property

TEXT = " ".join(f"the {word} stone falls into a river, slowly" for word in ["old", "grey", "wet", "cold"] * 40)
MARK = Property("mark", "a sign in the middle", edit=lambda passage, generator, pairs: Edit(100, 100, "#"))


def test_the_change_is_that_of_states_read_token_by_token(make_base):
    source = load_checkpoint(make_base())
    vectors = matching_vectors(["layers.*.*"], source.shape)
    seen: list[str] = []

    def edit(passage, generator, pairs):
        seen.append(passage)
        return Edit(100, 103, "##")

    found = perturbed(source.model, source.tokenizer, [TEXT], Property("x", "x", edit=edit), vectors, {}, number=6)
    changes, every = [], []
    for passage in seen[:6]:
        plain, other = (
            record_states(source.model, source.tokenizer.encode(text), source.tokenizer.end)[1][:, 1]
            for text in (passage, passage[:100] + "##" + passage[103:])
        )
        tail = len(passage) - 103
        changes.append(np.abs(plain[-tail:][:SOON] - other[-tail:][:SOON]).mean(axis=0))
        every.append(plain)
    expected = np.mean(changes, axis=0) / np.concatenate(every).std(axis=0)
    np.testing.assert_allclose(found[VectorName(1, 1)].change.estimate, expected, rtol=1e-3)
    assert found[VectorName(1, 1)].passages == 6
    half = found[VectorName(0, 0)].half_life
    assert ((half >= 1) & (half <= REACH)).all()


def test_too_little_text_is_told(make_base):
    source = load_checkpoint(make_base())
    with pytest.raises(UserError, match=r"Only 1 passages .* place for the property mark .* 5 are needed"):
        perturbed(source.model, source.tokenizer, [TEXT[:300]], MARK, [VectorName(0, 0)], {})
