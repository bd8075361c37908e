"""The setting of an approach."""

import pytest

from epigone.classification.approaches.base import Setting


@pytest.fixture
def setting(tmp_path) -> Setting:
    (tmp_path / "stages").mkdir()
    return Setting(folder=tmp_path / "stages", base="english-tiny")
