"""One file for each format, and a folder for PDF."""
