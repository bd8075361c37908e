"""A home of texts on this machine, without pauses, and a cache of its own for every test."""

import pytest
from homes import serving


@pytest.fixture
def slept(monkeypatch) -> list[float]:
    """The seconds that the program meant to wait; it waits none."""
    waits: list[float] = []
    monkeypatch.setattr("epigone.corpora.downloads.web.PAUSE", 0.0)
    monkeypatch.setattr("epigone.corpora.downloads.download.time.sleep", waits.append)
    return waits


@pytest.fixture
def home(slept, tmp_path, monkeypatch):
    monkeypatch.setenv("EPIGONE_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as home:
        yield home
