"""Recipes: commented TOML files whose keys are the flags of a command, with what the run measured.

[options]                      # what --recipe sets; flags on the command line win
lr = 0.003
num_layers = 2

[measured]                     # what came of it: never read by a command
validation_loss = 1.23
"""

import tomllib
from pathlib import Path
from typing import Any

from understudy.errors import UserError


def read_recipe(path: str | Path) -> dict[str, Any]:
    """The options of a recipe, by flag name with underscores.

    Raises:
        UserError: the file is missing, is not TOML, or has no table `options`.
    """
    try:
        with open(path, "rb") as file:
            recipe = tomllib.load(file)
    except OSError as error:
        raise UserError(f"Could not read the recipe {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"The recipe {path} is not valid TOML: {error}.") from error
    options = recipe.get("options")
    if not isinstance(options, dict):
        raise UserError(f"The recipe {path} has no table [options]; put the flags there, such as lr = 0.003.")
    return options
