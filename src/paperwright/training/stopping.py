"""Stopping early."""

from typing import Any


class EarlyStop:
    """Says when a metric has not improved for `patience` evaluations.

    Args:
        metric: The name of the metric, as `evaluate` gives it, or "loss" for the training loss.
        patience: Evaluations without improvement after which to stop.
        largest: Whether more is better.
        margin: What counts as an improvement, in the metric's own unit.
    """

    def __init__(self, metric: str = "loss", *, patience: int = 5, largest: bool = False, margin: float = 0.0) -> None:
        if patience < 1 or margin < 0:
            raise ValueError(f"patience is 1 or more and margin 0 or more; got patience={patience}, margin={margin}")
        self.metric, self.patience, self.largest, self.margin = metric, patience, largest, margin
        self.best: float | None = None
        self.waited = 0

    def update(self, value: float) -> bool:
        """Takes the metric's newest value; whether to stop now."""
        gain = float("inf") if self.best is None else (value - self.best) * (1 if self.largest else -1)
        if gain > self.margin:
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        return self.stopped

    @property
    def stopped(self) -> bool:
        """Whether patience has run out."""
        return self.waited >= self.patience

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.waited = state["best"], state["waited"]
