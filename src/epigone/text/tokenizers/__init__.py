"""Tokenizers, one file for each kind; `registry` lists them."""
