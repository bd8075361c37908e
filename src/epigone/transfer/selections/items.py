"""Lists in an expression: items between commas, of which quotes and brackets may hold more."""

import re

QUOTED = r'"(?:[^"\\]|\\.)*"'
_PIECE = re.compile(rf"{QUOTED}|.", re.DOTALL)


def items(text: str) -> list[str]:
    """Split a text at the commas outside of quotes and brackets, without the white space around each item."""
    parts, depth = [""], 0
    for piece in _PIECE.findall(text):
        depth += (piece in ("(", "[")) - (piece in (")", "]"))
        if piece == "," and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts]
