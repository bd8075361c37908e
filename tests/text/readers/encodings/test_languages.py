import pytest

from epigone.text.readers.encodings.guess import guessed
from epigone.text.readers.encodings.languages import by_letters

TEXTS = {
    "french": "Le garçon était déjà là, près de la forêt où l’été s’achève.\n",
    "german": "Über die Straße gehen schöne Mädchen, größer als Bäume.\n",
    "spanish": "¿Dónde está el niño? Mañana volverá, según el señor Muñoz.\n",
    "swedish": "Människan går över ån i gränden, åter är det höst.\n",
    "polish": "Litwo, ojczyzno moja! ty jesteś jak zdrowie; ile cię cenić, żółć i źdźbło.\n",
    "czech": "Příliš žluťoučký kůň úpěl ďábelské ódy.\n",
    "hungarian": "Árvíztűrő tükörfúrógép, kőműves és öreg fűzfa.\n",
    "turkish": "Şu dağların ardında güneş doğuyor, çiğ düşmüş, ışık.\n",
    "lithuanian": "Ąžuolas žydi, ėjo vėjas per šilą, ką jūs žinote, įėjęs.\n",
    "greek": "Πρώτη γραμμή της ποίησης εδώ και τώρα, για σένα.\n",
    "russian": "Белеет парус одинокой в тумане моря голубом, что ищет он.\n",
    "hebrew": "בראשית ברא אלהים את השמים ואת הארץ והארץ היתה תהו ובהו.\n",
    "arabic": "قفا نبك من ذكرى حبيب ومنزل بسقط اللوى بين الدخول فحومل.\n",
    "thai": "ฉันรักภาษาไทยมากที่สุดในโลกและอยากเรียนรู้ต่อไป\n",
    "korean": "나 보기가 역겨워 가실 때에는 말없이 고이 보내 드리우리다.\n",
    "japanese": "春はあけぼの。やうやう白くなりゆく山ぎは、少し明かりて。\n",
    "simplified": "床前明月光，疑是地上霜。举头望明月，低头思故乡。\n",
    "traditional": "床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉。\n",
}

WRITTEN = [
    ("french", "cp1252"), ("french", "mac_roman"), ("french", "cp850"), ("german", "cp1252"), ("german", "mac_roman"),
    ("german", "cp437"), ("spanish", "cp1252"), ("spanish", "cp437"), ("swedish", "cp1252"), ("swedish", "mac_roman"),
    ("polish", "cp1250"), ("polish", "iso8859_2"), ("polish", "cp852"), ("czech", "cp1250"), ("czech", "iso8859_2"),
    ("hungarian", "cp1250"), ("turkish", "cp1254"), ("lithuanian", "cp1257"), ("greek", "cp1253"),
    ("greek", "iso8859_7"), ("russian", "cp1251"), ("russian", "koi8_r"), ("russian", "cp866"),
    ("russian", "iso8859_5"), ("russian", "mac_cyrillic"), ("hebrew", "cp1255"), ("arabic", "cp1256"),
    ("arabic", "iso8859_6"), ("thai", "cp874"), ("korean", "cp949"), ("korean", "johab"), ("japanese", "cp932"),
    ("japanese", "euc_jp"), ("simplified", "gb18030"), ("simplified", "gbk"), ("traditional", "big5"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "codec"), WRITTEN)
def test_a_text_is_read_in_the_encoding_of_its_language(language, codec):
    text = TEXTS[language].replace("’", "'") * 8
    data = text.encode(codec)
    assert data.decode(guessed(data)) == text
    assert data.decode(by_letters(data)) == text


@pytest.mark.parametrize("data", [bytes(range(128, 256)) * 9, b"\xff\xfe\xfd" * 40, "\u2603".encode() * 30])
def test_what_looks_like_no_language_is_left_to_others(data):
    assert by_letters(data) is None


def test_a_character_that_the_end_of_a_sample_cuts_does_not_matter():
    data = (TEXTS["simplified"] * 8).encode("gb18030")[:-1]
    assert by_letters(data) == "gb18030"
