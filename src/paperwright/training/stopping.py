"""Stopping early."""

from collections.abc import Mapping
from typing import Any


class EarlyStop:
    """Says when a metric has not improved for `patience` evaluations.

    Args:
        metric: The name of the metric, as `evaluate` gives it, or "loss" for the training loss.
        patience: Evaluations without improvement after which to stop.
        largest: Whether more is better.
        margin: What counts as an improvement, in the metric's own unit.

    Example:
        >>> stop = EarlyStop("accuracy", patience=2, largest=True)
        >>> [stop({"accuracy": accuracy}) for accuracy in (0.5, 0.7, 0.6, 0.7)]
        [False, False, False, True]

    Raises:
        ValueError: Patience or margin is out of range, or a record lacks the metric.
    """

    def __init__(self, metric: str = "loss", *, patience: int = 5, largest: bool = False, margin: float = 0.0) -> None:
        if patience < 1 or not margin >= 0:
            raise ValueError(f"patience is 1 or more and margin 0 or more; got patience={patience}, margin={margin}")
        self.metric, self.patience, self.largest, self.margin = metric, patience, largest, margin
        self.best: float | None = None
        self.waited = 0

    def __call__(self, record: Mapping[str, float]) -> bool:
        """Take the newest record; return whether to stop now."""
        if self.metric not in record:
            raise ValueError(f"there is no metric {self.metric!r} to stop by; there are {sorted(record)}")
        value = record[self.metric]
        gain = float("inf") if self.best is None else (value - self.best) * (1 if self.largest else -1)
        if gain > self.margin:
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        return self.waited >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """Return what a run needs to go on."""
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where :meth:`state_dict` was taken."""
        self.best, self.waited = state["best"], state["waited"]
