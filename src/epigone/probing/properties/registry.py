"""The properties that a text has by itself, by name."""

from epigone.probing.properties.base import Property
from epigone.probing.properties.brackets import BRACKETS
from epigone.probing.properties.case import CASE
from epigone.probing.properties.end_of_line import END_OF_LINE
from epigone.probing.properties.opinion import OPINION
from epigone.probing.properties.position_in_line import POSITION_IN_LINE
from epigone.probing.properties.position_in_word import POSITION_IN_WORD
from epigone.probing.properties.punctuation import PUNCTUATION
from epigone.probing.properties.quotes import QUOTES
from epigone.probing.properties.spelling import SPELLING
from epigone.probing.properties.swapped import SWAPPED
from epigone.probing.properties.upper_case import UPPER_CASE
from epigone.probing.properties.verb_number import VERB_NUMBER
from epigone.probing.properties.vowel import VOWEL
from epigone.probing.properties.word_boundary import WORD_BOUNDARY
from epigone.probing.properties.wording import MEANING, WORDING
from epigone.registry import Registry

PROPERTIES: Registry[Property] = Registry(
    "property",
    (
        QUOTES,
        BRACKETS,
        END_OF_LINE,
        WORD_BOUNDARY,
        POSITION_IN_WORD,
        POSITION_IN_LINE,
        VOWEL,
        UPPER_CASE,
        SPELLING,
        SWAPPED,
        CASE,
        PUNCTUATION,
        WORDING,
        MEANING,
        VERB_NUMBER,
        OPINION,
    ),
    lambda each: each.description,
)
