"""Readers of marked-up text: Word, EPUB, HTML and Markdown."""
