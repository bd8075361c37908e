import pytest

from epigone.text.readers.encodings.western import LENIENT, likeliest

TEXTS = [
    "The café was closed, naïve friend. The fiancée came.",
    "“I don’t mind,” she said — “for £5.”",
    "Über die Brücke, für Käthe; Straße und Fluß.",
    "L’été dernier, à Genève, ça n’était pas ici.",
    "El niño soñó mañana: ¿cómo? ¡así!",
    "It cost £5 or ½.",
    "Don’t go.",
]


@pytest.mark.parametrize("text", TEXTS)
def test_cp1252_is_preferred(text):
    assert likeliest(text.encode("cp1252")) == "cp1252"


@pytest.mark.parametrize("text", [TEXTS[0], TEXTS[2], TEXTS[4]])
@pytest.mark.parametrize("codec", ["cp437", "cp850", "mac_roman"])
def test_others_are_taken_if_they_fit_much_better(text, codec):
    text = text.replace("¿", "").replace("¡", "")
    data = text.encode(codec)
    assert data.decode(likeliest(data)) == text


def test_a_byte_that_cp1252_lacks_does_not_refute_it():
    data = "Don’t say “no”".encode("cp1252") + b" \x9d here"
    assert likeliest(data) == "cp1252"
    assert data.decode("cp1252", LENIENT) == "Don’t say “no” \x9d here"


def test_lines_and_boxes():
    data = "┌──┐ café │ naïve │ Straße └─┘".encode("cp437")
    assert likeliest(data) == "cp437"
