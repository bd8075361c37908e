"""Checks of what a file or a text is, for sentences that help."""
