import pytest

from epigone.corpora.measures.language import FREQUENT, guess, languages

SENTENCES = {
    "English": (
        "The ferry goes over the river in the morning, and it was late when she came back to the house with a lamp."
    ),
    "German": (
        "Die Fähre fährt am Morgen über den Fluss, und es war spät, als sie mit der Lampe in das Haus zurück "
        "kam, das nicht ihr Haus ist."
    ),
    "French": (
        "Le bac passe la rivière le matin, et il est tard dans la maison quand elle revient avec les lampes "
        "qui ne sont pas à nous."
    ),
    "Spanish": (
        "La barca cruza el río por la mañana y ya es tarde cuando ella vuelve con las lámparas que no son de "
        "los vecinos, pero sin su hermana."
    ),
    "Italian": (
        "Il traghetto passa il fiume la mattina e non è tardi quando lei torna con una lampada che non è sua, "
        "ma anche questo non le pesa più."
    ),
    "Dutch": (
        "De veerboot gaat in de ochtend over het water en het is laat als zij met een lamp naar het huis komt "
        "dat niet van haar is."
    ),
    "Finnish": (
        "Lautta menee aamulla joen yli, ja on myöhä kun hän tulee lampun kanssa taloon, joka ei ole hänen, "
        "mutta se on hyvä niin, että minä myös olen siellä."
    ),
    "Polish": (
        "Prom płynie rano przez rzekę i jest już późno, jak ona wraca z lampą do domu, który nie jest jej, "
        "ale to nie ma znaczenia, bo tak było od dawna."
    ),
    "Russian": (
        "Паром идёт утром через реку, и уже поздно, когда она с лампой входит в дом, но это не его дом, и все "
        "так же было бы у нас, как и вы мне сказали."
    ),
    "Korean": "나룻배는 아침에 강을 건너고 저녁에 돌아온다. 그 집에는 등불이 있다.",
    "Japanese": "渡し船は朝に川を渡り、夕方に帰ってくる。家には明かりがある。",
    "Greek": "Το πλοιάριο περνά το ποτάμι το πρωί και γυρίζει αργά το βράδυ.",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_is_enough_for_a_guess(language):
    assert guess(SENTENCES[language]) == language


@pytest.mark.parametrize(
    "text", ["", "The ferry.", "12 34 56", "xq zr ptk " * 20, "oar gull lantern ferry stone river morning " * 5]
)
def test_without_frequent_words_nothing_is_guessed(text):
    assert guess(text) == ""


def test_two_languages_in_one_text_are_not_one():
    assert guess(f"{SENTENCES['English']} {SENTENCES['German']}") == ""
    shares = languages([SENTENCES["English"], SENTENCES["English"], SENTENCES["German"], "12"])
    assert list(shares) == ["English", "German", ""]
    assert sum(shares.values()) == pytest.approx(1)


def test_the_words_of_a_language_are_different_and_in_lower_case():
    for words in map(str.split, FREQUENT.values()):
        assert len(words) == len(set(words)) >= 20
        assert words == [word.lower() for word in words]
