"""The desk of `generate -i`: lines typed, and what is shown and kept."""

import io
import json

import pytest

from epigone.app.desk_commands import COMMANDS
from epigone.evaluation.fingerprint_file import save_fingerprints
from epigone.evaluation.memorisation import Fingerprint
from epigone.text.tokenizers.characters import CharTokenizer


@pytest.fixture
def base(make_base):
    return make_base()


@pytest.fixture
def desk(cli, base, monkeypatch):
    """Give lines to the desk from a pipe."""

    def give(*lines, options=("--length", 10, "--seed", 5), model=base):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return cli("generate", model, "-i", *options)

    return give


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(cli, base, monkeypatch):
    """Type lines at a terminal; an exception stands for a key that raises it."""

    def give(*lines, options=("--length", 10, "--seed", 5)):
        left = iter([*lines, EOFError(), EOFError()])

        def ask(prompt):
            assert prompt == "> "
            line = next(left)
            if isinstance(line, BaseException):
                raise line
            return line

        monkeypatch.setattr("builtins.input", ask)
        monkeypatch.setattr("sys.stdin", Terminal())
        monkeypatch.setattr("epigone.app.chat._at_terminal", lambda: True)
        return cli("generate", base, "-i", *options)

    return give


@pytest.fixture
def one_go(cli, base):
    """Write a text in one go."""

    def write(prompt, seed, length=10, *options):
        words = ("--prompt", prompt.replace("\\", "\\\\"), "--seed", seed, "--length", length, *options, "--json")
        [text] = json.loads(cli("generate", base, *words).out)["texts"]
        return text

    return write


def test_a_line_is_gone_on_with_and_the_text_grows(desk, one_go):
    result = desk("A river\r", "", " of", "/show")
    first = one_go("A river", 5)
    second = one_go(first, 6)
    third = one_go(second + " of", 7)
    assert result.status == 0
    assert result.out.endswith(third + "\n")
    assert result.out.startswith(first)
    assert result.err.startswith("seed 5, 30 characters, ")


def test_undo_and_again_give_what_would_have_been(desk, one_go):
    shown = desk("A river", "/undo", "/show", "The end", "/show").out
    assert shown.endswith(one_go("The end", 6) + "\n")
    again = desk("A river", "/again", "/show").out
    assert again.endswith(one_go("A river", 6) + "\n")
    same = desk("A river", "", "/a", "/e 5", "/a", "/u", "/u", "/u", "/e 6", "", "/w").out
    assert same.endswith(one_go(one_go("A river", 5), 6) + "\n")
    back = desk("A river", "/again", "/undo", "/show").out
    assert back.endswith(one_go("A river", 5) + "\n")
    assert "nothing to take back" in desk("/undo").err
    assert "not written anything" in desk("/again").err


def test_rules_hold_from_the_next_passage_on(desk, one_go):
    result = desk("/temperature 0", "/top-k 3", "/p 0.5", "A river", "/t", "/show")
    assert result.out.endswith(one_go("A river", 5, 10, "--temperature", 0, "--top-k", 3, "--top-p", 0.5) + "\n")
    assert "/temperature is 0.0." in result.err
    refused = desk("/t x", "/t -1", "/k 1.5", "/n 0", "/n x")
    assert refused.status == 0
    assert [line.split()[0] for line in refused.err.splitlines()] == ["/temperature", "temperature", "/top-k"] + 2 * [
        "/length"
    ]
    assert len(desk("/n 25", "A", "/show", "/n").out.splitlines()[-1]) <= 26


def test_one_of_three_is_chosen(desk, one_go):
    result = desk("A river", "/choose", "2", "/show")
    first = one_go("A river", 5)
    assert result.out.endswith(one_go(first, 7) + "\n")
    assert all(one_go(first, seed).removeprefix(first) in result.out for seed in (6, 7, 8))
    none = desk("A river", "/choose", "", "/show")
    assert none.out.endswith(first + "\n")
    assert "There is no choice 4" in desk("A", "/c", "4", "1").err
    assert desk("A river", "/choose", "2", "/undo", "/show").out.endswith(first + "\n")
    assert desk("A", "/c", "/t 1", "2").err.count("Taken") == 0, "another command takes none"


def test_lines_and_stanzas(desk):
    options = ("--seed", 5, "--temperature", 1)
    lines = desk("/line", "/l", "/show", options=options)
    whole = lines.out[len(lines.out) // 2 :]
    assert whole.endswith("\n")
    assert len([line for line in whole.splitlines() if line.strip()]) == 2
    assert lines.out == whole * 2
    stanza = desk("a", "/s", options=("--seed", 5, "--temperature", 0))
    assert "No stanza ended within 2,000 characters." in stanza.err


def test_unknown_commands_are_answered_with_the_nearest(desk):
    result = desk("/undoo", "/stanzza", "/xyzzy", "/", "//a")
    assert "There is no command /undoo. Did you mean /undo?" in result.err
    assert "Did you mean /stanza?" in result.err
    assert "There is no command /xyzzy. /help lists them." in result.err
    assert result.out.startswith("/a")


def test_every_command_has_a_short_form_of_its_own_and_is_listed(desk):
    assert len({name for each in COMMANDS for name in (each.name, each.short)}) == 2 * len(COMMANDS)
    listed = desk("/help").err
    assert all(f"/{each.form}" in listed and f"/{each.short} " in listed for each in COMMANDS)
    assert max(map(len, listed.splitlines())) < 80


def test_a_text_is_saved_and_no_other_file_is_overwritten(desk, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    result = desk(r"A\nriver", "/save mine.txt", "/save", "/save new.txt", "", "/save", "/save .", "/save no/where.txt")
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == "mine"
    assert "mine.txt exists" in result.err
    assert "Name the file" in result.err
    assert "is a folder" in result.err
    assert "Could not write" in result.err
    assert result.err.count("characters in new.txt.") == 2
    saved = (tmp_path / "new.txt").read_bytes().decode("utf-8")
    assert saved.startswith("A\nriver")
    assert len(saved) == 7 + 20
    assert result.out.replace("\n", "").startswith(saved[:17].replace("\n", ""))


def test_a_first_text_may_be_given_as_the_prompt(desk, one_go):
    result = desk("", "/show", options=("--prompt", "A river", "--length", 10, "--seed", 5))
    assert result.out.endswith(one_go("A river", 5) + "\n")


def test_an_unreadable_line_does_not_end_the_desk(desk, make_base):
    base = make_base("char", CharTokenizer(["\x03", "a", "b"]))
    result = desk("ab", "x", "ba", "/quit", "ab", model=base, options=("--documents", 1, "--max-length", 5))
    assert result.status == 0
    assert "'x' (U+0078)" in result.err
    assert [line[:2] for line in result.out.splitlines() if line[:2] in ("ab", "ba")][:1] == ["ab"]


def test_the_end_reports_copying_of_what_was_written(desk, make_base, monkeypatch):
    folder = make_base()
    line = "Below the mill the river turns and leaves its silver on the stones."
    save_fingerprints(folder / "fingerprint.safetensors", {"training": Fingerprint.build([line])})
    monkeypatch.setattr("epigone.generation.manuscript.Manuscript.written", [line[:43]])
    result = desk("A", model=folder)
    assert "seed 5, 43 characters" in result.err
    assert (
        "copied from the training text: 100.0% in lines or runs of 32 letters, the longest of 43 characters"
        in result.err
    )
    monkeypatch.undo()
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert desk(model=folder).err == ""


def test_at_a_terminal_nothing_typed_is_shown_again(terminal, one_go):
    result = terminal("A river", "/quit", "/quit")
    assert result.out == one_go("A river", 5).removeprefix("A river") + "\n"
    assert "Type a line" in result.err
    assert "/save FILE saves it; /quit again leaves it." in result.err


def test_an_unsaved_text_is_not_lost_in_silence(terminal, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "not saved" in terminal("A", EOFError()).err
    result = terminal("A", "/new", "/save a.txt", "/new", "/show", "/undo", "/quit")
    assert result.err.count("not saved") == 1
    assert "A new text begins" in result.err
    assert "The text is empty." in result.err
    assert (tmp_path / "a.txt").exists()
    assert "not saved" not in terminal("/quit").err


def test_ctrl_c_ends_a_passage_at_a_terminal(terminal, monkeypatch):
    shown = []

    def show(text, end=""):
        shown.append(text)
        if len(shown) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("epigone.app.desk.write_generated", show)
    result = terminal("A river", KeyboardInterrupt(), "/show", "/quit", "/quit")
    assert result.status == 0
    assert "Ctrl-D or /quit leaves." in result.err
    assert result.out.endswith("A river" + "".join(shown).rstrip("\n") + "\n")
    assert "seed 5, 3 characters" in result.err


def test_ctrl_c_ends_everything_elsewhere(desk, monkeypatch):
    def write(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("epigone.generation.manuscript.Manuscript.write", write)
    assert desk("one", "two").status == 130
