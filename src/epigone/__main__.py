"""`python -m epigone`."""

from epigone.app.cli import main

main()
