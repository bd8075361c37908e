"""Folders of models by name."""

import pytest

from epigone.errors import UserError
from epigone.models.files import bundled as finding
from epigone.models.files.bundled import bundled_models, resolve


@pytest.fixture
def bundled(make_base, monkeypatch):
    """Two models in place of those that come with the package."""
    models = {name: make_base(name) for name in ("english-tiny", "english-small")}
    monkeypatch.setattr(finding, "bundled_models", lambda: models)
    return models


def test_a_folder_and_a_name(bundled, make_base):
    assert resolve(make_base("mine")) == make_base("mine")
    assert resolve(str(make_base("mine"))) == make_base("mine")
    assert resolve("english-small") == bundled["english-small"]


def test_a_folder_goes_before_a_name(bundled, make_base, tmp_path, monkeypatch):
    monkeypatch.chdir(make_base("english-small").parent)
    assert str(resolve("english-small")) == "english-small"


def test_a_name_that_is_nearly_right(bundled):
    with pytest.raises(UserError, match=r"english-tiny, english-small.*Did you mean 'english-small'\?"):
        resolve("english-smal")
    with pytest.raises(UserError, match="no bundled model of that name") as caught:
        resolve("zzz")
    assert "Did you mean" not in str(caught.value)


def test_what_is_no_model(bundled, tmp_path):
    with pytest.raises(UserError, match=r"is not a checkpoint.*--out"):
        resolve(tmp_path)
    (tmp_path / "song.txt").write_text("la")
    with pytest.raises(UserError, match=r"song\.txt is a file, not a model"):
        resolve(tmp_path / "song.txt")


def test_what_comes_with_the_package_is_complete():
    for folder in bundled_models().values():
        names = {path.name for path in folder.iterdir()}
        assert names >= {"model.safetensors", "config.json", "tokenizer.json", "README.md"}
