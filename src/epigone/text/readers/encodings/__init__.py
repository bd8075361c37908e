"""Guesses of encodings, and repair of texts that mix two."""
