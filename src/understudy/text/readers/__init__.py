"""One reader for each format; `understudy.text.documents` chooses among them."""
