"""Labels from the file to the corpus: a column of a table, a folder for each class, the tree of aclImdb."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from epigone.errors import UserError
from epigone.text.corpus import Corpus, ReadOptions, SplitOptions
from epigone.text.document import ReadReport
from epigone.text.readers.paths import read_documents

CSV = "stars, review\n5,Good boats.\n1,Bad boats.\n,No stars.\n5,More boats.\n"


def labels(path, label=None, **options):
    """Read the names, texts and labels of a path's documents."""
    documents = read_documents(path, ReadOptions(label=label, **options), ReadReport())
    return [(document.name, "".join(document.pieces), document.label) for document in documents]


@pytest.fixture
def classes(tmp_path) -> Path:
    """A folder for each class, and one inside another."""
    for name, text in {
        "prose/a.txt": "One.\n===\nTwo.",
        "verse/b.html": "<p>Three.",
        "verse/old/c.txt": "Four.",
    }.items():
        path = tmp_path / "genres" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "genres"


@pytest.fixture
def reviews(tmp_path) -> Path:
    """A small tree like that of aclImdb."""
    for place in ("train/pos/0_9", "train/neg/1_2", "train/unsup/2_0", "test/pos/0_10", "test/neg/1_1"):
        path = tmp_path / "aclImdb" / f"{place}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"A film about {place}.<br />" * 10)
    return tmp_path / "aclImdb"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", CSV),
        ("a.tsv", CSV.replace(",", "\t")),
        (
            "a.jsonl",
            '{"stars": 5, "review": "Good boats."}\n{"stars": "1", "review": "Bad boats."}\n'
            '{"stars": null, "review": "No stars."}\n{"stars": " 5 ", "review": "More boats."}\n',
        ),
    ],
)
def test_a_column_labels_the_rows_of_a_table(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    rows = labels(tmp_path / name, "stars")
    assert [(text, label) for _, text, label in rows] == [
        ("Good boats.", "5"), ("Bad boats.", "1"), ("No stars.", None), ("More boats.", "5"),
    ]  # fmt: skip
    assert [label for *_, label in labels(tmp_path / name)] == [None] * 4
    with pytest.raises(UserError, match=rf"{name} has no column 'star'; .*'stars', 'review'.*--label"):
        labels(tmp_path / name, "star")


def test_the_label_of_two_columns_of_text_leaves_the_other(tmp_path):
    (tmp_path / "a.csv").write_text("review,sentiment\nGood boats.,positive\n")
    assert labels(tmp_path / "a.csv", "sentiment") == [("a.csv", "Good boats.", "positive")]
    with pytest.raises(UserError, match=r"not clear which of its columns holds the texts.*--column"):
        labels(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("n,text,title\n1,Row on.,A song\n")
    assert labels(tmp_path / "b.csv", "n", column="title") == [("b.csv", "A song", "1")]


def test_values_of_json_that_are_no_texts_are_labels_too(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({"text": f"Boat {n}.", "y": y}) + "\n" for n, y in enumerate([True, 1.5, "é ", ""]))
    )
    assert [label for *_, label in labels(tmp_path / "a.jsonl", "y")] == ["true", "1.5", "é", None]


def test_a_folder_is_a_class_when_that_is_asked_for(classes, monkeypatch):
    assert [(name, text.strip(), label) for name, text, label in labels(classes, "folder")] == [
        ("prose/a.txt", "One.", "prose"),
        ("prose/a.txt#2", "Two.", "prose"),
        ("verse/b.html", "Three.", "verse"),
        ("verse/old/c.txt", "Four.", "old"),
    ]
    assert [label for *_, label in labels(classes)] == [None] * 4
    monkeypatch.chdir(classes / "prose")
    assert [label for *_, label in labels(Path("a.txt"), "folder")] == ["prose", "prose"]


def test_a_text_has_no_columns(classes):
    with pytest.raises(UserError, match=r"a\.txt has no column 'stars', because it is no table.*--label folder"):
        labels(classes, "stars")


def test_a_file_is_a_class_when_that_is_asked_for(tmp_path):
    for name, text in {"rt.pos.txt": "One.", "neg.txt": "Two.", "a.b.html": "<p>Three.", "c": "Four."}.items():
        (tmp_path / name).write_text(text)
        assert [label for *_, label in labels(tmp_path / name, "file")] == [
            {"rt.pos.txt": "pos", "neg.txt": "neg", "a.b.html": "b", "c": "c"}[name]
        ]
    (tmp_path / "bad.csv").write_text("text\nThe boat was late again.\nNo boat.\n")
    assert [label for *_, label in labels(tmp_path / "bad.csv", "file")] == ["bad", "bad"]
    assert [label for *_, label in labels(tmp_path / "bad.csv", "folder")] == [tmp_path.name] * 2
    (tmp_path / "bad.csv").write_text("file,text\na,The boat was late again.\n,No boat.\n")
    assert [label for *_, label in labels(tmp_path / "bad.csv", "file")] == ["a", None], "a column of that name"


def test_a_text_with_a_column_of_labels_is_a_table(tmp_path):
    (tmp_path / "a.txt").write_text("mood\ttext\ngood\tThe boat was on time.\n")
    assert labels(tmp_path / "a.txt", "mood") == [("a.txt", "The boat was on time.", "good")]
    with pytest.raises(UserError, match="no column 'stars'; its columns are: 'mood', 'text'"):
        labels(tmp_path / "a.txt", "stars")


def test_reviews_are_labelled_by_their_folder_or_their_rating(reviews):
    by_folder = {"test/neg/1_1": "neg", "test/pos/0_10": "pos", "train/neg/1_2": "neg", "train/pos/0_9": "pos"}
    for label in (None, "folder"):
        found = {name.removesuffix(".txt"): label for name, _, label in labels(reviews, label)}
        assert found == by_folder | {"train/unsup/2_0": None}
    assert [label for *_, label in labels(reviews, "rating")] == ["1", "10", "2", "9", None]
    with pytest.raises(UserError, match=r"review of aclImdb, which has no label 'stars'.*folder.*rating"):
        labels(reviews, "stars")


def test_labels_change_neither_the_texts_nor_their_hash_nor_the_splits(reviews, tmp_path):
    (tmp_path / "a.csv").write_text("text,n\n" + "".join(f"boat {n} {'on ' * 9},{n % 2}\n" for n in range(12)))
    for path, label in ((reviews, "rating"), (tmp_path / "a.csv", "n")):
        plain, labelled = Corpus.open(path), Corpus.open(path, ReadOptions(label=label))
        assert list(plain.texts()) == list(labelled.texts())
        assert (plain.hash, plain.notices) == (labelled.hash, labelled.notices)
        assert {k: v.tolist() for k, v in plain.splits.items()} == {k: v.tolist() for k, v in labelled.splits.items()}
        assert plain.summary() | {"read": {"label": label}} == labelled.summary()


def test_a_corpus_gives_the_labels_of_each_split_in_its_order(tmp_path):
    (tmp_path / "a.csv").write_text("text,n\n" + "".join(f"boat {n} {'on ' * 9},{n % 3}\n" for n in range(30)))
    corpus = Corpus.open(tmp_path / "a.csv", ReadOptions(label="n", limit=800))
    assert len(corpus.names) < 30, "the limit leaves some out, and cuts one"
    for split in corpus.splits:
        expected = [str(int(text.split()[1]) % 3) for text in corpus.texts(split)]
        assert corpus.labels(split) == expected
    again = corpus.resplit(SplitOptions(split_seed=7))
    assert again.labels("train") == [str(int(text.split()[1]) % 3) for text in again.texts("train")]
    with pytest.raises(UserError, match="no split 'valid'"):
        corpus.labels("valid")


def test_a_text_without_labels_has_none(song_file):
    assert Corpus.open(song_file).labels("test") == [None] * len(Corpus.open(song_file).splits["test"])


def test_info_counts_the_documents_of_each_label(reviews, tmp_path, cli):
    facts = json.loads(cli("info", reviews, "--json").out)["facts"]
    assert (facts["labels"], facts["unlabelled"]) == ({"neg": 2, "pos": 2}, 1)
    out = cli("info", reviews, "--label", "rating").out
    assert " ".join(out.split()).count("labels 1 1, 10 1, 2 1, 9 1") == 1
    rows = "".join(f"boat {n} {'on ' * 9},{min(n, 25)}\n" for n in range(30))
    (tmp_path / "a.csv").write_text(f"text,n\n{rows}")
    facts = json.loads(cli("info", tmp_path / "a.csv", "--label", "n", "--json").out)["facts"]
    assert facts["labels"]["25"] == 5
    assert (len(facts["labels"]), facts["further_labels"], facts["unlabelled"]) == (20, 6, 0)
    assert "labels" not in json.loads(cli("info", tmp_path / "a.csv", "--json").out)["facts"]


def test_labelled_texts_train_a_model_as_others_do(reviews, tmp_path, cli):
    shape = ("--num-layers", 1, "--hidden-size", 8, "--steps", 2, "--out")
    assert cli("pretrain", reviews, *shape, tmp_path / "a").status == 0
    assert cli("pretrain", reviews, "--label", "rating", *shape, tmp_path / "b").status == 0
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == (tmp_path / "b" / "model.safetensors").read_bytes()


MEASURE = """
import sys
from epigone.text.corpus import Corpus, ReadOptions
def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024
before = peak()
corpus = Corpus.open([sys.argv[1]], ReadOptions(label="stars"), split=None)
labels = corpus.labels()
print(peak() - before, len(labels), labels.count("3"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_hundred_thousand_labels_need_little_memory(tmp_path):
    with open(tmp_path / "a.csv", "w") as file:
        file.write("text,stars\n")
        file.writelines(
            f"{number} the reeds lean over and the boat comes home,{number % 5}\n" for number in range(100_000)
        )
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "a.csv"],
        capture_output=True,
        text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    memory, documents, threes = map(int, result.stdout.split())
    assert (documents, threes) == (100_000, 20_000)
    assert memory < 40e6


@pytest.mark.corpus
def test_the_labels_of_real_corpora():
    corpora = Path(__file__).parents[4] / "shared" / "corpora"
    if not corpora.is_dir():
        pytest.skip("the text corpora are not beside the checkout")
    corpus = Corpus.open(corpora / "sentiment_open" / "movie_reviews_2k.tsv", ReadOptions(label="label"))
    assert sorted(Counter(corpus.labels()).values()) == [1_000, 1_000]
