"""Results that print themselves."""

from pkgutil import resolve_name


class Shown:
    """A result that is printed as its command prints it, and is shown as HTML by a notebook.

    The room that draws results is above all others, so it is looked up when something is shown.
    """

    def __str__(self) -> str:
        return str(resolve_name("epigone.app.display:as_text")(self))

    def _repr_html_(self) -> str:
        return str(resolve_name("epigone.app.html:as_html")(self))
