"""`python -m epigone`."""

from epigone.cli import main

main()
