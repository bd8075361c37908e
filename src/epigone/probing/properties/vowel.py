"""Vowel or consonant."""

import unicodedata

from epigone.probing.properties.base import Property, Values, characters, only


def vowel(text: str) -> Values:
    """1 for vowels and 0 for other letters; accents do not matter, and y is a consonant."""
    is_vowel = characters(text, lambda c: unicodedata.normalize("NFD", c)[0].lower() in "aeiouæœø")
    return only(is_vowel, characters(text, str.isalpha))


VOWEL = Property("vowel", "a vowel, among letters", vowel)
