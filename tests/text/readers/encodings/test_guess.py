import pytest

from epigone.text.readers.encodings.guess import guessed

LONG = {
    "cp1251": "Сегодня хорошая погода, и мы пойдём гулять в старый парк у реки.\n",
    "koi8_r": "Сегодня хорошая погода, и мы пойдём гулять в старый парк у реки.\n",
    "cp949": "오늘은 날씨가 좋습니다. 우리는 강가에서 노래를 부를 것입니다.\n",
    "cp1252": "The café was shut. “I don’t mind,” she said — and for £5 we sailed to the naïve old town.\n",
    "cp437": "┌──┐ café │ naïve │ Straße └─┘\n",
}


@pytest.mark.parametrize("codec", LONG)
def test_enough_text_tells_its_encoding(codec):
    assert guessed(LONG[codec].encode(codec) * 20) == codec


@pytest.mark.parametrize(
    "data",
    [b"It cost \xa35 or \xbd.", b"caf\xe9", b"Don\x92t", b"a\xf1o", b"\xa35 " * 40, b"na\xefve caf\xe9s \x97 so"],
)
def test_a_handful_of_bytes_is_western(data):
    assert guessed(data) == "cp1252"


def test_bytes_with_many_controls_are_no_text():
    assert guessed(bytes(range(1, 256)) * 20) is None
