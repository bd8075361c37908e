"""The number of a verb that is still to come, known from a subject at a distance (Linzen et al. 2016), in English."""

import re

import numpy as np

from epigone.probing.properties.base import Property, Values

NOUNS = (
    "river", "garden", "letter", "stone", "captain", "window", "farmer", "teacher", "lantern", "singer", "road", "hill",
    "sailor", "kettle", "village", "picture", "robin", "barrel", "cousin", "song",
)  # fmt: skip
BETWEEN = ("behind", "beside", "near", "above", "below", "before", "under", "with", "without", "beyond")
ENDS = ("old", "small", "known to all", "not here", "silent now", "far away", "as good as ever", "seldom seen")
SENTENCE = re.compile(r"The (\w+) (?:\w+) (the \w+ )(is|are|was|were)\b")
NUMBER = 600  # sentences


def verb_number(text: str) -> Values:
    """1 if the verb will be plural and 0 if singular, at the other noun between a subject and its verb."""
    found = np.full(len(text), np.nan, np.float32)
    for match in SENTENCE.finditer(text):
        found[match.start(2) : match.end(2)] = match[3] in ("are", "were")
    return found


def sentences(generator: np.random.Generator) -> list[str]:
    """Sentences such as "The letters near the window are old.", the number of both nouns by chance."""
    found = []
    for _ in range(NUMBER):
        subject, other = generator.choice(NOUNS, 2, replace=False).tolist()
        plural, another = generator.random(2) < 0.5
        verb = str(generator.choice(("are", "were") if plural else ("is", "was")))
        between, end = str(generator.choice(BETWEEN)), str(generator.choice(ENDS))
        found.append(f"The {subject}{'s' * int(plural)} {between} the {other}{'s' * int(another)} {verb} {end}.")
    return found


VERB_NUMBER = Property(
    "verb-number",
    "a verb to come that is plural, at the noun between it and its subject",
    verb_number,
    sentences=sentences,
)
