"""One reader for each format; `epigone.text.readers.registry` chooses among them."""
