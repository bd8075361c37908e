"""A tokenizer and a reader from outside the package, used through the public functions and the command line."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

import epigone
from epigone.errors import UserError
from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.decoding import read_text
from epigone.text.readers.registry import READERS
from epigone.text.readers.separators import numbered
from epigone.text.tokenizers.base import END, SideBySide, VocabularyOptions, shown, without_end
from epigone.text.tokenizers.registry import TOKENIZERS


class SoundTokenizer(SideBySide):
    """Vowels as a, consonants as k, everything else as a space."""

    name = "sounds"
    level = "sound"
    tokens = "vowels and consonants"
    vocabulary = [END, "a", "k", " "]  # noqa: RUF012
    end = 0
    dtype = np.dtype(np.uint8)
    printable = shown(vocabulary)

    def normalise(self, text: str) -> str:
        text = re.sub("[aeiou]", "a", text.replace(END, "").lower())
        return re.sub(r"[^\Wa_]", "k", re.sub(r"[\W_]", " ", text))

    def encode(self, text: str) -> np.ndarray:
        return np.array([self.vocabulary.index(sound) for sound in self.normalise(text)], self.dtype)

    def decode(self, ids) -> str:
        return "".join(self.vocabulary[i] for i in without_end(ids, self.end).tolist())

    def unknown(self, text: str) -> Counter[str]:
        return Counter()

    def to_dict(self) -> dict[str, str]:
        return {"name": self.name}

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocabulary: VocabularyOptions = VocabularyOptions(),
        held_out: Iterable[str] = (),
    ) -> "SoundTokenizer":
        return cls()

    @classmethod
    def from_dict(cls, data: dict[str, str]) -> "SoundTokenizer":
        return cls()


def read_subtitles(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read the scenes of a film: cues with less than ten seconds between them."""
    cues = re.findall(
        r"^00:(\d\d):(\d\d),\d+ --> .*\n(.+)", "".join(read_text(path, options.encoding, report)), re.MULTILINE
    )
    scenes: list[list[str]] = []
    last = -60
    for minutes, seconds, words in cues:
        now = 60 * int(minutes) + int(seconds)
        if now - last > 10:
            scenes.append([])
        scenes[-1].append(f"{words}\n")
        last = now
    for number, scene in enumerate(scenes, 1):
        yield Document(numbered(name, number), iter(scene))


SUBTITLES = Reader("subtitles", read_subtitles, suffixes=(".srt",), options=("encoding",))


@pytest.fixture
def registered(registries) -> None:
    """Register the tokenizer and the reader for one test."""
    TOKENIZERS.register(SoundTokenizer)
    READERS.register(SUBTITLES)


@pytest.fixture
def film(tmp_path, song_file) -> Path:
    """A folder with the subtitles of a film: twenty-four scenes, a minute apart."""
    cues: list[str] = []
    for scene, song in enumerate(song_file.read_text(encoding="utf-8").split("\n===\n")):
        for line, words in enumerate(song.strip().splitlines()):
            cues.append(f"{len(cues) + 1}\n00:{scene:02}:{line:02},000 --> 00:{scene:02}:{line:02},900\n{words}\n")
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "ferry.srt").write_text("\n".join(cues), encoding="utf-8")
    return folder


@pytest.mark.usefixtures("registered")
def test_both_work_through_the_public_functions(film, tmp_path, monkeypatch):
    result = epigone.pretrain(
        film,
        out=tmp_path / "model",
        tokenizer="sounds",
        model=epigone.ModelOptions(num_layers=1, hidden_size=8),
        training=epigone.TrainingOptions(steps=20, batch_size=4, sequence_length=16),
    )
    assert epigone.info(film).facts["documents"] == 24
    assert "sound-level" in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    found = epigone.evaluate(tmp_path / "model", film, split="validation")
    assert found.loss == pytest.approx(result.loss, abs=1e-4)
    [text] = epigone.generate(tmp_path / "model", epigone.GenerateOptions(length=60, prompt="Row!")).texts
    assert re.fullmatch(r"kak [ak \n]*", text)
    del TOKENIZERS["sounds"]
    with pytest.raises(UserError, match=r"no tokenizer 'sounds'.*If it is your own, name its module with --extension"):
        epigone.evaluate(tmp_path / "model", film)
    del READERS["subtitles"]
    with pytest.raises(UserError, match=r"no text file in .*films \(it holds 1 \.srt\)"):
        epigone.info(film)


@pytest.mark.usefixtures("registered")
def test_both_work_through_the_commands(film, tmp_path, cli):
    assert "sounds (vowels and consonants)" in " ".join(cli("pretrain", "--help").out.replace("│", " ").split())
    shape = ("--num-layers", 1, "--hidden-size", 8, "--steps", 5, "--batch-size", 4, "--sequence-length", 16)
    trained = cli("pretrain", film, "--tokenizer", "sounds", *shape, "--out", tmp_path / "model")
    assert trained.status == 0, trained.err
    assert json.loads(cli("info", tmp_path / "model", "--json").out)["facts"]["tokenizer"] == "sounds"
    measured = json.loads(cli("evaluate", tmp_path / "model", film / "ferry.srt", "--split", "all", "--json").out)
    assert measured["documents"] == 24
    assert set(cli("generate", tmp_path / "model", "--length", 40).out) <= set("ak \n")
    retrained = cli("finetune", tmp_path / "model", film, "--steps", 2, "--out", tmp_path / "tuned")
    assert retrained.status == 0, retrained.err
    assert cli("pretrain", film, "--tokenizer", "sounds", "--min-count", 3, "--out", tmp_path / "no").status == 2


def test_without_them_the_command_says_what_is_missing(film, tmp_path, cli, make_base):
    model = make_base(tokenizer=SoundTokenizer())
    for command in (("evaluate", model, film), ("generate", model)):
        failed = cli(*command)
        assert failed.status == 2
        assert f"There is no tokenizer 'sounds'; choose one of {TOKENIZERS.choices()}. If it is your own" in failed.err
    assert cli("info", model).status == 0
    with pytest.raises(UserError, match="a tokenizer 'char' already"):
        TOKENIZERS.register(type("Other", (SoundTokenizer,), {"name": "char"}))
