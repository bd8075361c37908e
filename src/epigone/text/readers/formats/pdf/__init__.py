"""PDF: from the characters of pages to paragraphs."""
