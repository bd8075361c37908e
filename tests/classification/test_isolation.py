"""Training and answering without a network and in little memory, in processes of their own."""

import json
import subprocess
import sys

import pytest
from labelled import make_labelled, write_csv

pytestmark = pytest.mark.slow

PROGRAM = """
import json, resource, socket, sys

def refuse(*arguments, **options):
    raise AssertionError("a socket was asked for")

socket.socket.__init__ = socket.getaddrinfo = refuse  # the class stays one, because others extend it
import epigone

texts, held, out, rows = sys.argv[1:]
trained = epigone.train_classifier(texts, out=out, rows=tuple(rows.split(",")), progress=False)
found = epigone.evaluate_classifier(out, held)
answered = epigone.classify(out, held, column="text")
assert len(answered.labels) == found.figures.texts
megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10))
print(json.dumps({"rows": len(trained.rows), "accuracy": found.figures.accuracy, "megabytes": megabytes}))
"""


def run(tmp_path, number: int, rows: str) -> dict:
    texts = write_csv(tmp_path / "texts.csv", make_labelled(number))
    held = write_csv(tmp_path / "held.csv", make_labelled(200, seed=1))
    command = [sys.executable, "-W", "error", "-c", PROGRAM, texts, held, tmp_path / "out", rows]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_all_rows_of_our_own_train_and_answer_without_sockets_in_a_gigabyte(tmp_path):
    found = run(tmp_path, 300, "majority,tfidf,nb-svm,states")
    assert found["rows"] == 4
    assert found["accuracy"] > 0.8
    assert found["megabytes"] < 1000


def test_a_network_trains_and_answers_without_sockets_in_a_gigabyte(tmp_path):
    found = run(tmp_path, 60, "ulmfit")
    assert found["rows"] == 1
    assert found["megabytes"] < 1000


def test_a_hundred_thousand_short_texts_take_little_memory(tmp_path):
    found = run(tmp_path, 100_000, "majority,tfidf,nb-svm")
    assert found["accuracy"] > 0.9
    assert found["megabytes"] < 1500
