from epigone.evaluation.evaluate import evaluate
from epigone.evaluation.fingerprint_file import FILE, save_fingerprints
from epigone.evaluation.memorisation import Fingerprint
from epigone.evaluation.seen import seen
from epigone.text.tokenizers.characters import AsciiTokenizer

VERSE = "".join(f"We row past the {number}th reed of the river, and sing.\n" for number in range(60))
OTHER = "".join(f"Nobody came to mile {number} of the long road home.\n" for number in range(60))


def test_text_that_was_read_is_found_with_a_line(tmp_path):
    assert seen(tmp_path, AsciiTokenizer(), [VERSE]) is None, "there are no fingerprints"
    save_fingerprints(tmp_path / FILE, {"training": Fingerprint.build([VERSE]), "base x": Fingerprint.build([OTHER])})
    found = seen(tmp_path, AsciiTokenizer(), ["Something new at first.\n", "One more line.\n" + VERSE])
    assert found.share > 0.9
    assert found.lines[0] in VERSE.split("\n")
    assert len(set(found.lines)) == 1
    sentence = found.sentence("the text", "m")
    assert sentence.startswith("about 9")
    assert "% of the text stands in what m was trained on, such as" in sentence
    assert 0.4 < seen(tmp_path, AsciiTokenizer(), [OTHER, "x" * len(OTHER)]).share < 0.6
    assert seen(tmp_path, AsciiTokenizer(), ["Quite another text.\n" * 9]) is None


def test_evaluate_says_that_a_text_was_read_in_training(trained_folder, song_file, tmp_path, cli):
    more = tmp_path / "more.txt"
    more.write_text(song_file.read_text(encoding="utf-8") + "\n===\nOne more line.\n", encoding="utf-8")
    found = evaluate(trained_folder, more)
    assert 0.6 < found.seen < 0.95
    assert any("of the text stands in what" in notice for notice in found.notices)
    result = cli("evaluate", trained_folder, more, "--quiet")
    assert "was read in training" in " ".join(result.out.split())
    assert "of the text stands in what" in " ".join(result.err.split())
    assert evaluate(trained_folder, song_file).seen is None


def test_finetune_says_that_the_base_has_read_the_text(trained_folder, song_file, tmp_path, cli):
    more = tmp_path / "more.txt"
    more.write_text(song_file.read_text(encoding="utf-8") + "\n===\nOne more line.\n", encoding="utf-8")
    result = cli("finetune", trained_folder, more, "--steps", 2, "--quiet", "--out", tmp_path / "out")
    assert result.status == 0, result.err
    assert "of the text stands in what" in " ".join(result.err.split())
