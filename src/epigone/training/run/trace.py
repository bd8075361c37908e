"""The trace of a run: losses and gradient norms between its validations."""

from dataclasses import dataclass, field
from typing import Any

SMOOTHING = 0.999
"""The factor d of the smoothed loss: the mean of the losses so far, one n steps ago weighted by d^n."""

COLUMNS = ("step", "loss", "smoothed_loss", "gradient_norm", "largest_gradient_norm")
"""The names in a row of trace.jsonl."""


@dataclass
class Trace:
    """The losses of single steps, smoothed, and the norms of their gradients; losses in nats per token.

    A row of `rows` covers the steps since the row before it: their mean `loss`, the `smoothed_loss` after the last of
    them, and the mean and the largest `gradient_norm` before clipping.
    """

    smoothed_loss: float | None = None
    loss: float = 0.0
    norm: float = 0.0
    largest_norm: float = 0.0
    steps: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, step: int, loss: float, norm: float) -> None:
        """Add the loss and the gradient norm of a step, the first of which is 1.

        The smoothed loss is corrected by 1 / (1 - d^step), as moments are in Adam (Kingma and Ba 2015), so that no
        value from before the first step weighs on a short run.
        """
        before = loss if self.smoothed_loss is None else self.smoothed_loss
        self.smoothed_loss = before + (1 - SMOOTHING) / (1 - SMOOTHING**step) * (loss - before)
        self.loss += loss
        self.norm += norm
        self.largest_norm = max(self.largest_norm, norm)
        self.steps += 1

    def close(self, step: int) -> None:
        """Finish a row after `step` steps of the run."""
        row = (step, self.loss / self.steps, self.smoothed_loss, self.norm / self.steps, self.largest_norm)
        self.rows.append(dict(zip(COLUMNS, row, strict=True)))
        self.loss = self.norm = self.largest_norm = 0.0
        self.steps = 0
