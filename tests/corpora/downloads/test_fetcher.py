"""Files from the cache, from mirrors and from the user's disk."""

import hashlib
import logging
from pathlib import Path

import pytest

from epigone.corpora.downloads import cache
from epigone.corpora.downloads.fetcher import Fetcher, FetchOptions
from epigone.corpora.downloads.web import NotThere
from epigone.errors import UserError

DATA = b"A ferry, a lantern and a gull.\n" * 100
SHA256 = hashlib.sha256(DATA).hexdigest()


def sound(path: Path) -> str:
    return "" if path.read_bytes().startswith(b"A ferry") else "it is no song"


@pytest.fixture
def fetch(home):
    home.files["/a.txt"] = DATA

    def call(mirrors=None, known=None, fetcher=None, **options):
        fetcher = fetcher or Fetcher(FetchOptions(**options))
        return fetcher.fetch("songs/a.txt", mirrors or [[f"{home.address}/a.txt"]], 1 << 20, sound, known)

    return call


def test_a_file_is_fetched_once_and_checked_each_time(home, fetch, caplog):
    caplog.set_level(logging.INFO, "epigone")
    first = fetch()
    assert (first.origin, first.sha256, first.bytes, first.verified) == ("download", SHA256, len(DATA), False)
    again = fetch(known=SHA256)
    assert (again.origin, again.verified, again.path) == ("cache", True, first.path)
    assert len(home.requests) == 1
    first.path.write_bytes(DATA.replace(b"gull", b"bull"))
    assert fetch().origin == "download"
    assert "is not as it was when it came, so it is fetched anew" in caplog.text
    assert first.path.read_bytes() == DATA


def test_a_file_that_is_damaged_on_its_way_is_fetched_once_more(home, fetch, caplog):
    home.faults["/a.txt"] = ["corrupted"]
    assert fetch(known=SHA256).verified
    assert "because it is no song" in caplog.text


def test_another_file_than_the_known_one_is_not_kept(home, fetch, tmp_path):
    home.files["/a.txt"] = DATA + b"!"
    with pytest.raises(UserError, match=rf"instead of {SHA256[:16]}.*--from-file"):
        fetch(known=SHA256)
    assert [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_silent_mirror_is_followed_by_the_next(home, fetch):
    mirrors = [["http://127.0.0.1:9/a.txt"], [f"{home.address}/a.txt"]]
    assert fetch(mirrors).address == f"{home.address}/a.txt"


def test_without_any_mirror_a_sentence_says_what_can_be_done(fetch):
    with pytest.raises(UserError, match=r"127\.0\.0\.1 does not answer .*--mirror, or .*--from-file"):
        fetch([["http://127.0.0.1:9/a.txt"]])


def test_the_place_that_had_the_last_file_is_asked_first(home, fetch):
    fetcher = Fetcher(FetchOptions())
    mirror = [f"{home.address}/{name}.txt" for name in ("x", "a")]
    fetch([mirror], fetcher=fetcher)
    fetcher.fetch("songs/b.txt", [mirror], 1 << 20, sound)
    assert home.paths() == ["/x.txt", "/a.txt", "/a.txt"]
    with pytest.raises(NotThere):
        fetcher.fetch("songs/c.txt", [[f"{home.address}/y.txt"]], 1 << 20, sound)


def test_a_copy_of_the_user_needs_no_home(home, fetch, tmp_path, caplog):
    mine = tmp_path / "mine.txt"
    mine.write_bytes(DATA)
    found = fetch(known=SHA256, from_file=mine)
    assert (found.origin, found.verified, found.path, home.requests) == ("your copy", True, mine, [])
    mine.write_bytes(DATA + DATA)
    assert not fetch(known=SHA256, from_file=mine).verified
    assert "another file than the one that is known" in caplog.text
    mine.write_bytes(b"<html>")
    with pytest.raises(UserError, match=r"mine\.txt cannot be used, because it is no song"):
        fetch(from_file=mine)
    with pytest.raises(UserError, match=r"There is no file .*none"):
        fetch(from_file=tmp_path / "none")


def test_the_folder_for_downloads_is_that_of_the_system(monkeypatch, tmp_path):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("EPIGONE_CACHE", raising=False)
    monkeypatch.setattr(cache.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache.cache_folder() == tmp_path / ".cache" / "epigone"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.cache_folder() == tmp_path / ".cache" / "epigone"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.cache_folder() == tmp_path / "xdg" / "epigone"
    monkeypatch.setattr(cache.sys, "platform", "darwin")
    assert cache.cache_folder() == tmp_path / "Library" / "Caches" / "epigone"
    monkeypatch.setattr(cache.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache.cache_folder() == tmp_path / "local" / "epigone" / "Cache"
    monkeypatch.setenv("EPIGONE_CACHE", str(tmp_path / "mine"))
    assert cache.cache_folder() == tmp_path / "mine"


def test_facts_of_another_kind_mean_that_a_file_is_unknown(tmp_path):
    (tmp_path / "a.txt").write_bytes(DATA)
    assert cache.kept(tmp_path / "a.txt") is None
    (tmp_path / "a.txt.json").write_text('{"address": 3}')
    assert cache.kept(tmp_path / "a.txt") is None
    facts = cache.Kept("http://a.example/a.txt", SHA256, len(DATA), "2026-11-27")
    cache.keep(tmp_path / "a.txt", facts)
    assert cache.kept(tmp_path / "a.txt") == facts
