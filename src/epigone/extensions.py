"""Extensions: modules of your own that register cells, tokenizers and other records when they are imported.

Nothing is imported but what the user names: files of models and runs never name a module.
"""

import importlib
import importlib.util
import sys
from pathlib import Path

from epigone.errors import UserError

loaded: list[str] = []
"""The extensions of this process, which its worker processes load too."""


def load(extension: str | Path) -> None:
    """Import an extension.

    Args:
        extension: the path of a Python file, or the name of an installed module.

    Raises:
        UserError: there is no such module, its file has the name of another module, or its code fails.
    """
    name, file = str(extension), Path(extension)
    if not name:
        raise UserError("--extension needs the path of a Python file, or the name of an installed module.")
    if file.suffix == ".py":
        if not file.is_file():
            raise UserError(f"There is no extension {file}; give the path of a Python file, or an installed module.")
        file, name = file.resolve(), file.stem
        if str(file.parent) not in sys.path:
            sys.path.append(str(file.parent))  # its imports of files beside it work, and its objects can be pickled
        importlib.invalidate_caches()
        found = importlib.util.find_spec(name)
        if found is None or found.origin != str(file):
            raise UserError(f"{extension} has the name of another module, {name}; give the file another name.")
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise UserError(f"The extension {extension} needs the package {error.name}, which is missing.") from error
        raise UserError(
            f"There is no module {name}; name an installed one, or a Python file such as mine.py."
        ) from error
    except UserError as error:
        raise UserError(f"The extension {extension} is refused: {error}") from error
    except Exception as error:
        raise UserError(
            f"The extension {extension} fails when it is imported ({type(error).__name__}: {error}). Correct it; "
            "--debug shows the place."
        ) from error
    if (own := str(file) if file.suffix == ".py" else name) not in loaded:
        loaded.append(own)
