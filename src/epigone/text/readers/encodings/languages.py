"""Encodings by the letters of languages.

A text in the wrong encoding has letters that its language lacks, capitals inside words, or rare characters of East
Asian scripts. The encoding whose text looks most like a language is the likeliest.
"""

from collections.abc import Iterator

from epigone.text.readers.encodings.western import plausible

_WESTERN = ("cp1252", "iso8859_15", "mac_roman", "cp437", "cp850")
_CENTRAL = ("cp1250", "iso8859_2", "cp852", "mac_latin2")
_BALTIC = ("cp1257", "iso8859_13", "cp775")
_CYRILLIC = ("cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5", "mac_cyrillic")

LATIN = (
    ("àâæçéèêëîïôœùûüÿ", _WESTERN),  # French
    ("äöüßéàè", _WESTERN),  # German
    ("áéíñóúüªº", _WESTERN),  # Spanish
    ("áâãàçéêíóôõúü", _WESTERN),  # Portuguese
    ("àèéìíîòóùú", _WESTERN),  # Italian
    ("åäæéöøü", _WESTERN),  # languages of Scandinavia
    ("áæðéíóöúýþ", _WESTERN),  # Icelandic
    ("àçèéëíïóòúüöêñôâ", _WESTERN),  # Catalan, Dutch and English
    ("ąćęłńóśźż", _CENTRAL),  # Polish
    ("áčďéěíňóřšťúůýž", _CENTRAL),  # Czech
    ("áäčďéíĺľňóôŕšťúýž", _CENTRAL),  # Slovak
    ("áéíóöőúüű", _CENTRAL),  # Hungarian
    ("ăâîşţ", _CENTRAL),  # Romanian
    ("čćđšž", _CENTRAL),  # Croatian
    ("âçğıîöşüûi\u0307", ("cp1254", "iso8859_9", "cp857", "mac_turkish")),
    ("ąčęėįšųūž", _BALTIC),  # Lithuanian
    ("āčēģīķļņšūž", _BALTIC),  # Latvian
    ("äöõüšž", _BALTIC),  # Estonian
)
"""Letters of languages beside those of ASCII, in lower case, and the encodings that the languages are written in."""

OTHER = (
    ("αοιετσνηυρπκμλςωάίήόέύώδγθχφβξζψϊϋΐΰ", ("cp1253", "iso8859_7", "cp737", "cp869", "mac_greek")),
    ("יוהלאמרתבשםנכעדקחפצגןטזסךףץ", ("cp1255", "cp862", "iso8859_8")),
    (
        "املينوترهبدسعفكقحجأصةشىخطضزءذثآغظإئؤ،ـ؟؛\u064e\u0650\u064f\u0651\u0652\u064bپچژگ",
        ("cp1256", "iso8859_6", "cp720"),
    ),
    ("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", _CYRILLIC),  # Russian
    ("оанівиетрслкдмпуязьгбчйхжїюшцєщфґ", _CYRILLIC),  # Ukrainian
    ("аоиенрјстувкдмлпзгбшчцњхжћљфђџ", _CYRILLIC),  # Serbian
    ("านรอกเงมยลวดทสตะปบคหแจพชขใไโผถซธศฟณญษภฉฐัี่้ิ์ืุำ็ึูๆฯ", ("cp874",)),  # Thai
)  # fmt: skip
"""Letters of languages in other scripts, in lower case, the most frequent ones first, and their encodings."""

EAST_ASIAN = ("cp949", "johab", "euc_jp", "cp932", "gb18030", "big5", "cp950")
"""Encodings of two bytes for a character; of two that fit alike the first is meant."""

_LEAST = 0.9  # share of the characters that look like a language
_SAMPLE = 1 << 14
_SYLLABLES, _KANJI, _HANZI, _HANZI_BIG5 = range(0xB0, 0xC9), range(0xB0, 0xD0), range(0xB0, 0xD8), range(0xA4, 0xC7)
_SIGNS = range(0xA1, 0xA4)
_BY_RANK = (1.3, 0.9, 0.2)  # values of frequent, usual and rare letters; of letters at random the mean is too low


def by_letters(sample: bytes) -> str | None:
    """Choose the encoding whose text looks like a language; None if no text does.

    Args:
        sample: lines with bytes that are not ASCII.
    """
    sample = sample[:_SAMPLE]
    east = [(_east_asian(sample, codec), -rank, codec) for rank, codec in enumerate(EAST_ASIAN)]
    if max(east)[0] >= _LEAST:
        return max(east)[2]
    best, found = _LEAST, None
    decoded: dict[str, str] = {}
    for alphabets, weights in ((LATIN, (1.0, 1.0, 1.0)), (OTHER, _BY_RANK)):
        for letters, codecs in alphabets:
            thirds = len(letters) / 3
            value = {letter: weights[int(place / thirds)] for place, letter in enumerate(letters)}
            for codec in codecs:
                text = decoded.setdefault(codec, sample.decode(codec, "replace"))
                if (score := _score(text, value, mixed=alphabets is LATIN)) > best:
                    best, found = score, codec
    return found


def _score(text: str, letters: dict[str, float], mixed: bool) -> float:
    """Return the mean plausibility of the characters that are not ASCII, -1 to 1 or a little more.

    Args:
        text: the text in an encoding.
        letters: the value of each letter of a language.
        mixed: True if letters of ASCII are part of its words.
    """
    if not mixed and 2 * sum(sign.isalpha() and not sign.isascii() for sign in text) < sum(map(str.isalpha, text)):
        return -1.0
    values = list(_values(f" {text} ", letters))
    return sum(values) / len(values) if values else 0.0


def _values(text: str, letters: dict[str, float]) -> Iterator[float]:
    for place, sign in enumerate(text):
        if sign.isascii():
            continue
        before, small = text[place - 1], sign.lower()
        value = letters.get(small[0])
        if value is not None and (len(small) == 1 or small[1] in letters):
            yield -1.0 if sign != small and before.islower() else value
        elif sign.isalpha():
            yield -1.0
        else:
            yield plausible(before, sign, text[place + 1])


def _east_asian(sample: bytes, codec: str) -> float:
    """Return the share of common characters among those that are not ASCII; 0 if the encoding does not fit."""
    text = sample.decode(codec, "replace")
    signs = [sign for sign in text if not sign.isascii()]
    if not signs or text.count("\N{REPLACEMENT CHARACTER}") > 0.01 * len(signs):
        return 0.0
    if codec in ("euc_jp", "cp932"):
        kana = sum("\u3041" <= sign <= "\u30fe" for sign in signs)
        return _share(signs, "euc_jp", _KANJI, range(0xA4, 0xA6)) if kana > 0.1 * len(signs) else 0.0
    if codec in ("cp949", "johab"):
        return _share(signs, "euc_kr", _SYLLABLES)
    return _share(signs, "gb2312", _HANZI) if codec == "gb18030" else _share(signs, "big5", _HANZI_BIG5)


def _share(signs: list[str], codec: str, *rows: range) -> float:
    """Return the share of the characters that are signs, or in these rows of a character set."""
    common = {row for part in (*rows, _SIGNS) for row in part}
    known = {sign: sign.encode(codec, "replace")[0] in common for sign in set(signs)}
    return sum(known[sign] for sign in signs) / len(signs)
