import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.text import buffer
from epigone.text.corpus import Corpus, ReadOptions, SplitOptions
from epigone.text.splitting import SPLITS
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.text.tokenizers.registry import TOKENIZERS, train_tokenizer

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
SONGS = [f"Song {number}\n" + f"we row and we row, {number} times over\n" * (number % 5 + 3) for number in range(24)]


def shared(name):
    path = CORPORA / name
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path


@pytest.fixture
def songs(tmp_path):
    path = tmp_path / "songs.txt"
    path.write_text("\n===\n".join(SONGS))
    return path


def test_a_corpus_is_divided_by_document(songs):
    corpus = Corpus.open([songs])
    assert corpus.names[:2] == ["songs.txt", "songs.txt#2"]
    assert [corpus.text(index) for index in range(24)] == [song.strip() for song in SONGS]
    assert corpus.characters.tolist() == [len(song.strip()) for song in SONGS]
    assert corpus.characters.dtype == np.int64
    assert sorted(np.concatenate([corpus.splits[s] for s in ("train", "validation", "test")])) == list(range(24))
    assert corpus.splits["all"].tolist() == list(range(24))
    assert list(corpus.texts()) == [song.strip() for song in SONGS]
    assert list(corpus.texts("test")) == [corpus.text(index) for index in corpus.splits["test"]]
    assert (corpus.by_position, corpus.split_seed, corpus.notices) == (False, 0, [])


def test_a_tokenizer_learns_its_alphabet_from_all_and_its_words_from_the_training_split(songs):
    corpus = Corpus.open(songs)
    every = "".join(corpus.texts())
    assert corpus.tokenizer("char").vocabulary == train_tokenizer("char", corpus.texts()).vocabulary
    assert set(every) < set(corpus.tokenizer("bpe").vocabulary)
    numbers = VocabularyOptions(min_count=1)
    learned = set(corpus.tokenizer("word", numbers).vocabulary)
    assert {str(index) for index in corpus.splits["train"]} < learned
    assert not {str(index) for index in corpus.splits["test"]} & learned
    whole = Corpus.open(songs, split=None)
    assert {str(index) for index in range(24)} < set(whole.tokenizer("word", numbers).vocabulary)


def test_what_a_tokenizer_of_words_does_not_know_is_told(songs):
    corpus = Corpus.open(songs)
    tokenizer = train_tokenizer("word", ["we row and we row times over\n" * 2], VocabularyOptions(lower_case=True))
    stream = corpus.stream("all", tokenizer)
    lower, unknown = stream.notices
    assert lower == "all: the word tokenizer wrote 24 characters in lower case."
    assert re.match(r"all: the word tokenizer read \d+ words as unknown \(\d\d\.\d\d%\): ',' 118 times, ", unknown)


def test_one_path_needs_no_list(songs):
    assert Corpus.open(str(songs)).hash == Corpus.open(songs).hash == Corpus.open([songs]).hash


@pytest.mark.parametrize("in_memory", [0, 500, 32 << 20])
@pytest.mark.parametrize("name", sorted(TOKENIZERS))
def test_streams_hold_the_documents_of_a_split_in_its_order(songs, monkeypatch, tmp_path, name, in_memory):
    monkeypatch.setattr(buffer, "IN_MEMORY", in_memory)
    corpus = Corpus.open([songs], workdir=tmp_path)
    tokenizer = train_tokenizer(name, corpus.texts())
    for split, indices in corpus.splits.items():
        stream = corpus.stream(split, tokenizer)
        assert stream.characters.tolist() == corpus.characters[indices].tolist()
        bounds = zip(stream.offsets[:-1], stream.offsets[1:], strict=True)
        texts = [tokenizer.decode(stream.targets[begin:end]) for begin, end in bounds]
        assert texts == [tokenizer.normalise(corpus.text(index)) for index in indices]
    assert list(tmp_path.iterdir()) == [songs]  # the files have no names


def test_a_division_can_be_repeated_changed_and_undone(songs):
    corpus = Corpus.open([songs], split=SplitOptions(split_seed=3))
    other = corpus.resplit(SplitOptions(fractions=(0.8, 0.1, 0.1), split_seed=4))
    assert (other.split_seed, other.fractions, other.hash) == (4, (0.8, 0.1, 0.1), corpus.hash)
    assert len(other.splits["train"]) > len(corpus.splits["train"])
    again = other.resplit(SplitOptions(split_seed=3))
    assert {k: v.tolist() for k, v in again.splits.items()} == {k: v.tolist() for k, v in corpus.splits.items()}
    whole = other.resplit(None)
    assert list(whole.splits) == ["all"]
    assert (whole.split_seed, whole.fractions) == (None, None)
    assert Corpus.open([songs], split=None).hash == whole.hash


def test_the_hash_does_not_depend_on_place_name_or_form(songs, tmp_path):
    pieces = tmp_path / "pieces"
    pieces.mkdir()
    for number, song in enumerate(SONGS):
        (pieces / f"{number:02}.txt").write_text(song.replace("\n", "\r\n"), newline="")
    corpus, other = Corpus.open([songs]), Corpus.open([pieces])
    assert corpus.hash == other.hash
    assert {k: v.tolist() for k, v in corpus.splits.items()} == {k: v.tolist() for k, v in other.splits.items()}
    assert Corpus.open([pieces / "00.txt"], split=None).hash != corpus.hash


def test_a_collection_and_its_pieces_are_kept_once(songs, tmp_path):
    (tmp_path / "pieces").mkdir()
    for number, song in enumerate(SONGS[:5]):
        (tmp_path / "pieces" / f"{number}.txt").write_text(f"\n{song}\n\n")
    corpus = Corpus.open([tmp_path])
    assert len(corpus.names) == 24
    assert corpus.hash == Corpus.open([songs]).hash == Corpus.open([songs, tmp_path, songs]).hash
    assert "5 exact duplicates of other documents dropped." not in Corpus.open([songs]).notices
    assert len(Corpus.open([tmp_path / "pieces", songs]).names) == 24
    notices = corpus.notices
    assert [notice for notice in notices if notice.endswith("exact duplicates of other documents dropped.")]


def test_one_text_is_divided_by_position_with_a_notice(tmp_path, caplog):
    path = tmp_path / "book.txt"
    path.write_text("A line of the book.\n" * 100)  # 2 kB
    with caplog.at_level(logging.INFO, "epigone"):
        corpus = Corpus.open([path])
    assert corpus.by_position
    assert corpus.names == ["book.txt (train)", "book.txt (validation)", "book.txt (test)"]
    summary = corpus.summary()
    assert summary["documents"] == 1
    assert [facts["documents"] for facts in summary["splits"].values()] == [1, 1, 1, 1]
    assert [corpus.splits[split].tolist() for split in ("train", "validation", "test")] == [[0], [1], [2]]
    assert [corpus.text(index).count("book") for index in range(3)] == [33, 34, 33]
    assert any("by position" in notice for notice in corpus.notices)
    assert [record.getMessage() for record in caplog.records] == corpus.notices
    assert corpus.hash == Corpus.open([path], split=None).hash
    assert corpus.resplit(SplitOptions(fractions=(0.5, 0.25, 0.25))).text(0).count("book") == 50


def test_what_a_tokenizer_changes_is_told(tmp_path, caplog):
    path = tmp_path / "a.txt"
    path.write_text("Ein schöner Süßkram \ue000.\n" * 20 + "é", encoding="utf-8")
    corpus = Corpus.open([path], split=None)
    with caplog.at_level(logging.INFO, "epigone"):
        stream = corpus.stream("all", train_tokenizer("ascii", []))
    assert stream.transliterated == 61
    assert stream.dropped == {"\ue000": 20}
    # "ß" became two characters; the share is of the characters in the stream and those dropped.
    assert stream.notices == [
        "all: the ascii tokenizer does not have all letters of this language and spells 61 characters (13%) with "
        "others, such as 'ö' as 'o', 'ü' as 'u', 'ß' as 'ss'. To keep them, pretrain or finetune with "
        "--tokenizer char.",
        "all: the ascii tokenizer lacks and dropped 20 characters (4.16%): '\\ue000' 20 times.",
    ]
    assert caplog.messages == stream.notices
    assert corpus.stream("all", train_tokenizer("ascii", [])).notices == stream.notices[1:], "it is said once"


def test_text_in_another_script_is_told_in_one_sentence(tmp_path):
    (tmp_path / "a.txt").write_text("강물은 오래된 집 옆으로 흐르고, 우리는 노래를 부른다.\n" * 20, encoding="utf-8")
    corpus = Corpus.open(tmp_path / "a.txt")
    streams = [corpus.stream(split, train_tokenizer("ascii", [])) for split in ("train", "validation", "test")]
    [notice] = [notice for stream in streams for notice in stream.notices]
    assert notice.startswith("train: the ascii tokenizer does not have all letters of this language and spells ")
    assert notice.endswith("To keep them, pretrain or finetune with --tokenizer char.")
    assert corpus.stream("train", corpus.tokenizer("char")).notices == []


def test_counts_of_one_are_singular(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("Plain lines é \ue000" + " and more" * 20, encoding="utf-8")
    notices = Corpus.open([path], split=None).stream("all", train_tokenizer("ascii", [])).notices
    assert notices[0] == "all: the ascii tokenizer transliterated 1 character."
    assert "dropped 1 character (0.51%): '\\ue000' 1 time." in notices[1]
    path.write_text("x")
    with pytest.raises(UserError, match="1 character, too few"):
        Corpus.open([path])


def test_reading_options_reach_the_readers(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("caf\xe9 ".encode("latin-1") * 50 + b"\n--\n" + b"b " * 100 + b"\n--\n" + b"c " * 100)
    corpus = Corpus.open([path], ReadOptions(encoding="latin-1", separator="--"))
    assert len(corpus.names) == 3
    assert corpus.text(0).startswith("café")


def test_the_summary_is_ready_for_json(songs):
    corpus = Corpus.open([songs])
    summary = json.loads(json.dumps(corpus.summary()))
    assert summary["documents"] == 24
    assert summary["characters"] == sum(len(song.strip()) for song in SONGS)
    assert summary["hash"] == corpus.hash
    assert summary["split_seed"] == 0
    assert sum(summary["splits"][s]["characters"] for s in ("train", "validation", "test")) == summary["characters"]
    assert json.loads(json.dumps(corpus.resplit(None).summary()))["fractions"] is None
    assert summary["read"] == {}
    read = ReadOptions(separator="--", limit=300)
    assert Corpus.open([songs], read).summary()["read"] == {"separator": "--", "limit": 300}


@given(st.integers(1, 5), st.integers(0, 3))
def test_any_number_of_documents_is_divided(tmp_path_factory, number, seed):
    path = tmp_path_factory.getbasetemp() / "few.txt"
    path.write_text("\n===\n".join(SONGS[:number]) + "\n" + "la la la\n" * 30)
    corpus = Corpus.open([path], split=SplitOptions(split_seed=seed))
    assert corpus.by_position == (number < 3)
    assert all(len(indices) for indices in corpus.splits.values())
    total = sum(len(corpus.text(index)) for index in corpus.splits["all"])
    assert total == corpus.characters.sum() == corpus.summary()["characters"]


def test_bad_input_is_a_sentence(tmp_path, songs):
    with pytest.raises(UserError, match="No text was given"):
        Corpus.open([])
    with pytest.raises(UserError, match=r"did you mean .*songs\.txt"):
        Corpus.open([tmp_path / "song.txt"])
    (tmp_path / "short.txt").write_text("Too short.")
    with pytest.raises(UserError, match=r"short\.txt: 10 characters, too few to be divided.*200"):
        Corpus.open([tmp_path / "short.txt"])
    assert Corpus.open([tmp_path / "short.txt"], split=None).text(0) == "Too short."
    with pytest.raises(UserError, match=r"no split 'valid'.*validation"):
        Corpus.open([songs]).stream("valid", train_tokenizer("byte", []))


def test_reading_text_does_not_load_torch():
    program = "import sys, epigone.text.corpus; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


GENERATE = """
def one(file, size):
    line = "the reeds lean over and the boat comes home\\n"
    while file.tell() < size:
        file.write(f"{file.tell()} " + line * 25_000)

def many(file, size):
    line = "the reeds lean over and the boat comes home\\n"
    while file.tell() < size:
        file.write("".join(f"{file.tell()} {number}\\n" + line * 20 + "\\n===\\n\\n" for number in range(1000)))

def short(file, size):
    for number in range(int(size) // 35):
        file.write(f"song {number}: the reeds lean over\\n===\\n")

def line(file, size):
    while file.tell() < size:
        file.write(f"{file.tell()} " + "the reeds lean over and the boat comes home " * 25_000)
"""

MEASURE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1_200_000_000, 1_200_000_000))
from epigone.text.corpus import Corpus
from epigone.text.tokenizers.registry import train_tokenizer
corpus = Corpus.open([sys.argv[1]])
tokenizer = train_tokenizer(sys.argv[2], corpus.texts())
stream = corpus.stream("train", tokenizer)
shown = min(500, stream.offsets[1])
assert tokenizer.decode(stream.targets[:shown]) == next(corpus.texts("train"))[:500]
assert "torch" not in sys.modules
if sys.platform == "linux":  # ru_maxrss begins with the memory of the parent process there
    with open("/proc/self/status") as file:
        memory = next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024
else:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(memory, len(stream), len(corpus.names))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="memory is limited through POSIX")
@pytest.mark.parametrize(
    ("form", "size", "tokenizer"),
    [("one", 100e6, "ascii"), ("many", 100e6, "char"), ("short", 17.5e6, "char"), ("line", 40e6, "byte")],
)
def test_large_corpora_need_little_memory(tmp_path, form, size, tokenizer):
    path = tmp_path / "large.txt"
    forms: dict[str, object] = {}
    exec(GENERATE, forms)
    with open(path, "w") as file:
        forms[form](file, size)
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, path, tokenizer],
        capture_output=True,
        text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # each thread reserves addresses, which count here
    )
    assert result.returncode == 0, result.stderr
    memory, tokens, documents = map(int, result.stdout.split())
    assert tokens > (0.25 if form == "short" else 0.85) * size
    assert documents == {"many": documents, "short": 500_000}.get(form, 3)
    assert memory < (130e6 if form == "short" else 150e6)


@pytest.mark.corpus
def test_the_melodies_are_194_songs():
    corpus = Corpus.open([shared("targets/moore_melodies")])
    assert len(corpus.names) == 194
    assert corpus.characters.sum() == 162_687
    assert "194 exact duplicates of other documents dropped." in corpus.notices
    assert corpus.hash == Corpus.open([shared("targets/moore_melodies/moore_melodies.txt")]).hash
    shares = [corpus.characters[corpus.splits[s]].sum() / 162_687 for s in ("train", "validation", "test")]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.01)


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "documents"),
    [("near_songs", 5_744), ("far_prose", 29), ("targets/dickinson", 442), ("speeches", 124), ("news_wikinews", 282)],
)
def test_the_documents_of_real_corpora_are_counted(name, documents):
    corpus = Corpus.open([shared(name)])
    assert len(corpus.names) == documents
    tokenizer = train_tokenizer("ascii", [])
    stream = corpus.stream("test", tokenizer)
    for place, index in list(enumerate(corpus.splits["test"]))[:20]:
        ids = stream.targets[stream.offsets[place] : stream.offsets[place + 1]]
        assert tokenizer.decode(ids) == tokenizer.normalise(corpus.text(index))
    assert set(stream.dropped) <= {"\u200d"}  # a joiner between characters, itself invisible


@pytest.mark.corpus
def test_wikitext_and_reviews_are_read():
    assert len(Corpus.open([shared("benchmarks/wikitext-2/wiki.valid.tokens")]).names) == 60
    reviews = Corpus.open([shared("sentiment_open/movie_reviews_2k.tsv")])
    assert len(reviews.names) == 2_000


def test_a_limit_reads_the_first_characters_and_cuts_the_last_document(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text((name + " line\n") * 50)
    corpus = Corpus.open(tmp_path, ReadOptions(limit=500), None)
    whole = Corpus.open(tmp_path, split=None)
    assert corpus.characters.sum() == 500
    assert corpus.text(0) == whole.text(0)
    assert whole.text(1).startswith(corpus.text(1))
    assert len(corpus.names) == 2


def test_most_of_a_text_is_learned_from(tmp_path):
    (tmp_path / "poems.txt").write_text("\n===\n".join(f"{n} " + "a line of a poem\n" * 20 for n in range(40)))
    corpus = Corpus.open(tmp_path / "poems.txt", split=None).for_learning(SplitOptions())
    assert corpus.fractions == (0.8, 0.1, 0.1)
    assert [len(corpus.splits[split]) for split in ("train", "validation", "test")] == [32, 4, 4]
    assert "Learning from 32 of 40 documents; 4 choose which weights are kept, and 4 are left for evaluate." in (
        corpus.notices
    )
    asked = corpus.for_learning(SplitOptions(fractions=(0.5, 0.25, 0.25)))
    assert len(asked.splits["train"]) == 20


@pytest.mark.parametrize("sizes", [(100, 100, 100), (1000, 5, 5, 5), (5, 5, 400, 5, 5, 5)])
def test_few_or_unequal_documents_are_cut_to_learn_from_most(tmp_path, sizes):
    texts = (f"{n} " + "the words of a book\n" * size for n, size in enumerate(sizes))
    (tmp_path / "books.txt").write_text("\n===\n".join(texts))
    undivided = Corpus.open(tmp_path / "books.txt", split=None)
    corpus = undivided.for_learning(SplitOptions())
    shares = [corpus.characters[corpus.splits[split]].sum() / corpus.characters.sum() for split in SPLITS]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.05)
    assert corpus.by_position
    named = undivided.for_learning(SplitOptions(fractions=(0.8, 0.1, 0.1)))
    assert not named.by_position, "shares that are named divide as they always did"
    assert corpus.hash == named.hash == undivided.hash


def test_typographic_signs_are_no_language(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("“It’s” so — “isn’t” it… a café\n" * 40, encoding="utf-8")
    notices = Corpus.open(path, split=None).stream("all", train_tokenizer("ascii", [])).notices
    assert notices[0].startswith("all: the ascii tokenizer does not have all letters")  # of café
    path.write_text("“It’s” so — “isn’t” it…\n" * 40, encoding="utf-8")
    notices = Corpus.open(path, split=None).stream("all", train_tokenizer("ascii", [])).notices
    assert notices == ["all: the ascii tokenizer transliterated 320 characters."]


def test_emoji_are_told_with_the_option_that_keeps_them(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("I love ❤\ufe0f it 😂 so\n" * 40, encoding="utf-8")
    corpus = Corpus.open(path, split=None)
    assert corpus.stream("all", train_tokenizer("ascii", [])).notices == [
        "all: the ascii tokenizer has no emoji and writes 80 signs in other characters, such as '❤' as ':heart:', "
        "'😂' as ':joy:'. To keep them, pretrain or finetune with --tokenizer char.",
        "all: the ascii tokenizer lacks and dropped 40 characters (3.57%): U+FE0F 40 times.",
    ]
    assert corpus.stream("all", corpus.tokenizer("char")).notices == []
