"""Downloads from a home that answers badly."""

import json

import pytest

from epigone.corpora.downloads.download import WAITS, download
from epigone.corpora.downloads.web import AGENT, NotThere, Unreachable, Web
from epigone.errors import UserError

DATA = bytes(range(256)) * 2_000
MOST = 1 << 20


@pytest.fixture
def get(home, tmp_path):
    """Downloads the file of the home, and gives its bytes."""
    home.files["/a.txt"] = DATA

    def call(most: int = MOST, meter=None) -> bytes:
        download(Web(), f"{home.address}/a.txt", tmp_path / "a.txt", most, meter)
        assert not list(tmp_path.glob("*.part*"))
        return (tmp_path / "a.txt").read_bytes()

    return call


def test_a_file_comes_whole_and_the_program_names_itself(home, get):
    told = []
    assert get(meter=lambda *progress: told.append(progress)) == DATA
    assert told[-1] == ("a.txt", len(DATA), len(DATA))
    assert len(told) > 1
    assert home.requests[0][1]["user-agent"] == AGENT
    assert "range" not in home.requests[0][1]


def test_a_download_that_breaks_off_is_gone_on_with(home, get, slept):
    home.faults["/a.txt"] = ["truncated", "truncated"]
    assert get() == DATA
    ranges = [headers.get("range") for _, headers in home.requests]
    assert ranges == [None, f"bytes={len(DATA) // 2}-", f"bytes={len(DATA) * 3 // 4}-"]
    assert home.requests[1][1]["if-range"] == '"one"'
    assert sum(slept) == 0, "a try that brings the download further is followed at once"


def test_a_home_that_ignores_the_range_is_read_from_the_beginning(home, get):
    home.faults["/a.txt"] = ["truncated", "range-ignored"]
    assert get() == DATA


def test_a_file_that_has_changed_is_not_mixed_with_its_older_half(home, get, tmp_path):
    home.faults["/a.txt"] = ["truncated", *["500"] * 9]
    with pytest.raises(Unreachable, match=r"256,000 bytes\) is kept"):
        get()
    home.files["/a.txt"], home.tag, home.faults = DATA[::-1], '"two"', {}
    assert get() == DATA[::-1]


def test_the_same_command_goes_on_later(home, get):
    home.faults["/a.txt"] = ["truncated", *["503"] * 9]
    with pytest.raises(Unreachable, match="answers 503"):
        get()
    home.requests.clear()
    home.faults.clear()
    assert get() == DATA
    assert [headers.get("range") for _, headers in home.requests] == [f"bytes={len(DATA) // 2}-"]


def test_a_host_that_is_busy_is_asked_again_as_it_says(home, get, slept):
    home.faults["/a.txt"] = ["503", "429 7"]
    assert get() == DATA
    assert slept == [WAITS[0], 7.0]


def test_tries_and_waits_have_an_end(home, get, slept):
    home.faults["/a.txt"] = ["503"] * 20
    with pytest.raises(Unreachable):
        get()
    assert slept == list(WAITS)
    home.faults["/a.txt"] = ["429 86400"]
    with pytest.raises(Unreachable, match="come back in 86,400 s"):
        get()


def test_a_wrong_length_is_never_taken_for_a_whole_file(home, get):
    home.faults["/a.txt"] = ["longer"]
    assert get() == DATA, "the rest does not exist, so the file is fetched anew"
    home.faults["/a.txt"] = ["longer"] * 60
    with pytest.raises(Unreachable):
        get()


def test_a_missing_file_is_said_at_once(home, tmp_path, slept):
    with pytest.raises(NotThere, match=r"There is no file .*/b.txt .*404"):
        download(Web(), f"{home.address}/b.txt", tmp_path / "b.txt", MOST)
    assert len(home.requests) == 1
    assert not list(tmp_path.glob("b.txt*"))


@pytest.mark.parametrize("fault", ["403", "401"])
def test_a_refusal_is_final(home, get, fault):
    home.faults["/a.txt"] = [fault] * 3
    with pytest.raises(UserError, match=f"answers {fault}"):
        get()
    assert len(home.requests) == 1


def test_a_file_that_is_too_large_is_refused(get, tmp_path):
    with pytest.raises(UserError, match="512,000 bytes, and such a file has 1,000 at most"):
        get(most=1_000)
    assert not (tmp_path / "a.txt").exists()


def test_ctrl_c_keeps_what_has_arrived(home, get, tmp_path):
    def stop(name: str, done: int, total: int | None) -> None:
        if done > len(DATA) // 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(meter=stop)
    kept = (tmp_path / "a.txt.part").read_bytes()
    assert kept == DATA[: len(kept)] != b""
    assert get() == DATA
    assert home.requests[-1][1]["range"] == f"bytes={len(kept)}-"


def test_a_part_without_its_facts_is_not_trusted(home, get, tmp_path):
    (tmp_path / "a.txt.part").write_bytes(b"something else")
    assert get() == DATA
    (tmp_path / "a.txt.part").write_bytes(DATA[:100])
    facts = {"address": "http://elsewhere.example/a.txt", "validator": '"one"', "total": len(DATA)}
    (tmp_path / "a.txt.part.json").write_text(json.dumps(facts))
    assert get() == DATA
    assert "range" not in home.requests[-1][1]


def test_a_host_that_does_not_listen_is_unreachable(home, tmp_path, slept):
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1 does not answer"):
        download(Web(), "http://127.0.0.1:9/a.txt", tmp_path / "a.txt", MOST)
    assert slept == []


@pytest.mark.parametrize("address", ["file:///etc/hosts", "ftp://a.example/b", "a.txt", "http://", "data:,x"])
def test_only_addresses_of_the_web_are_opened(address, tmp_path):
    with pytest.raises(UserError, match="is no address of the web"):
        download(Web(), address, tmp_path / "a.txt", MOST)


def test_a_full_disk_is_told_and_not_tried_again(home, get, monkeypatch):
    monkeypatch.setattr("epigone.corpora.downloads.download._opened", lambda part, mode: _Full())
    with pytest.raises(UserError, match=r"Could not write .*No space left"):
        get()
    assert len(home.requests) == 1


class _Full:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def write(self, data):
        return 0


def test_a_pause_lies_between_two_requests_to_a_host(home, tmp_path, monkeypatch):
    now, waits = [100.0], []
    monkeypatch.setattr("epigone.corpora.downloads.web.PAUSE", 2.0)
    monkeypatch.setattr("epigone.corpora.downloads.web.time.monotonic", lambda: now[0])
    monkeypatch.setattr("epigone.corpora.downloads.web.time.sleep", waits.append)
    web = Web()
    for second in (0.0, 0.5, 5.0):
        now[0] = 100.0 + second
        web._pause("a.example")
    web._pause("b.example")
    assert waits == [1.5]
