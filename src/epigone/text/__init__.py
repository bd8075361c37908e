"""Text: files to documents, documents to splits, splits to token ids."""
