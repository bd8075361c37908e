"""The setting of an approach."""

import pytest

from epigone.classification.approaches.base import Setting


@pytest.fixture
def setting(tmp_path, make_base) -> Setting:
    (tmp_path / "stages").mkdir()
    backward = make_base("backward", direction="backward")
    return Setting(folder=tmp_path / "stages", base="english-tiny", backward=str(backward))
