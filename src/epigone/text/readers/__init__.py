"""Readers of file formats; `registry` chooses one for each file."""
