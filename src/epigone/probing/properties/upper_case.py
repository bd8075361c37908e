"""Upper case."""

from epigone.probing.properties.base import Property, Values, characters, only


def upper_case(text: str) -> Values:
    """1 for letters in upper case and 0 for those in lower case."""
    upper = characters(text, str.isupper)
    return only(upper, upper | characters(text, str.islower))


UPPER_CASE = Property("upper-case", "in upper case, among letters", upper_case)
