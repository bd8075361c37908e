"""File formats, one file each, and a folder for PDF."""
