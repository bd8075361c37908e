"""One reader for each format; `epigone.text.documents` chooses among them."""
