"""The examples of docs/extending.md, as files that a user would write."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
EXAMPLES = dict(re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S))
"""The code by the name of its file."""


def write_example(name: str, folder: Path) -> Path:
    """Write an example into a folder, and return its path."""
    path = folder / name
    path.write_text(EXAMPLES[name], encoding="utf-8")
    return path
