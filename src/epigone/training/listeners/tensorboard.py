"""The losses of a run for TensorBoard."""

from pathlib import Path
from typing import Any

from epigone.errors import UserError
from epigone.training.listeners.base import Listener, Run


class TensorBoard(Listener):
    """Writes the figures of each validation into a folder.

    Raises:
        UserError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UserError("--tensorboard needs the package tensorboard: pip install tensorboard") from error
        self.writer = SummaryWriter(str(folder))

    def validation(self, run: Run, row: dict[str, Any]) -> None:
        names = [f"{part}_{figure}" for part in ("train", "validation") for figure in ("loss", *run.figures)]
        for name in (*names, "lr"):
            if row.get(name) is not None:
                self.writer.add_scalar(name, row[name], row["step"])

    def end(self) -> None:
        self.writer.close()
