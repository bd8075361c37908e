"""The language of a text by its letters and its most frequent words; no more than a guess, and none if unsure."""

import re
from collections import Counter
from collections.abc import Iterable

FREQUENT = {
    "English": "the and of to a in that is was it for with as his he be on not by at from her my they this but have",
    "German": "der die und das ich nicht ist ein zu es sie mit er den auf sich dem im eine wie auch aber von wir aus",
    "French": "le la les et des est dans que qui ne pas une pour il je vous au du sur elle plus avec mais nous ce",
    "Spanish": "el los las que y en un una por con para su lo como se pero más del al muy ya cuando sin era está yo",
    "Portuguese": "o os as que e não um uma para com por mais do da dos das no na em ao se como mas seu sua foi",
    "Italian": "il gli che di e non un una per con sono del della nel come si più ma anche mi lo questo era suo ho",
    "Dutch": "de het een en van ik niet dat is op te zijn met voor er maar die hij aan wat ook als naar was heeft",
    "Swedish": "och att det som en på är för jag av inte med den till har han om ett var men så från sig vi kan när",
    "Danish or Norwegian": "og at det som en på er for jeg af av ikke med den til har han om et var men så fra sig",
    "Finnish": "ja on ei se että oli hän mutta kun niin minä ovat tai mitä vain ole myös sen joka nyt kuin hänen",
    "Polish": "i w nie się na z że do jest to jak ale o co po tak za jego był od już czy tylko przez ja dla może są",
    "Czech": "a se na že je to v s jsem ale jako za by do po si tak byl jsou co už když ve pro není jeho aby jen",
    "Hungarian": "a az és hogy nem is egy ez de van meg mint csak már volt el ha még ki azt mi én ő itt után majd",
    "Turkish": "ve bir bu da de için ne ben çok gibi ile daha o sen ama var mi mı değil kadar her sonra diye benim",
    "Latin": "et in est non ad cum ut quod qui sed si aut ex per quam atque esse hoc nec ab enim autem sunt etiam",
    "Russian": "и в не на я что он с как а то это по но она из у за все так его мы было от же бы когда вы",
    "Ukrainian": "і в не на я що він з як а то це по але вона із у за все так його ми було від же би коли ви та",
}
"""Frequent words of languages in letters that several languages share, in lower case."""

SCRIPTS = (
    ("Greek", ((0x370, 0x3FF), (0x1F00, 0x1FFF))),
    ("Hebrew", ((0x590, 0x5FF),)),
    ("Arabic or another language in its letters", ((0x600, 0x6FF), (0x750, 0x77F))),
    ("Hindi or another language in Devanagari", ((0x900, 0x97F),)),
    ("Thai", ((0xE00, 0xE7F),)),
    ("Korean", ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7A3))),
    ("Japanese", ((0x3041, 0x30FF),)),
    ("Chinese", ((0x3400, 0x4DBF), (0x4E00, 0x9FFF))),
)
"""Languages that have letters of their own, and the ranges of these."""

LEAST_WORDS, LEAST_SIGNS = 20, 10
LEAST_SHARE = 0.12
"""Least share of the words that are frequent ones of a language."""
AHEAD = 1.25
"""Least ratio of their share to that of the next language."""
_WORD = re.compile(r"[^\W\d_]+")
_KANA = 0.05  # share of kana in Japanese; the other signs are those of Chinese
_TABLE = {language: frozenset(words.split()) for language, words in FREQUENT.items()}


def guess(text: str) -> str:
    """Guess the language of a text; the empty string if it is too short, or looks like none or like several."""
    words = _WORD.findall(text.lower())
    letters = sum(map(len, words))
    signs: Counter[str] = Counter()
    for word in words:
        if word[0] >= "\u0370":
            signs.update(script for sign in word if (script := _script(ord(sign))))
    if signs.total() > letters / 2 and signs.total() >= LEAST_SIGNS:
        if signs["Japanese"] > _KANA * signs.total():
            return "Japanese"
        language, number = signs.most_common(1)[0]
        return language if number > signs.total() / 2 else ""
    if len(words) < LEAST_WORDS:
        return ""
    counts = Counter(words)
    shares = sorted(
        ((sum(counts[word] for word in frequent) / len(words), language) for language, frequent in _TABLE.items()),
        reverse=True,
    )
    (best, language), (second, _) = shares[:2]
    return language if best >= LEAST_SHARE and best >= AHEAD * second else ""


def languages(texts: Iterable[str]) -> dict[str, float]:
    """The share of each language in some texts, by their characters, the largest first; what is unsure is under ""."""
    sizes: Counter[str] = Counter()
    for text in texts:
        sizes[guess(text)] += len(text)
    return {language: size / max(1, sizes.total()) for language, size in sizes.most_common()}


def _script(code: int) -> str:
    return next((name for name, ranges in SCRIPTS if any(low <= code <= high for low, high in ranges)), "")
