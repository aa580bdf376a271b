"""An estimate and the values that the data leave open for it."""

import math
from dataclasses import dataclass
from typing import SupportsFloat


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval: `low` and `high` cover the true value with probability `level` (or more).

    Attributes:
        estimate: The point estimate.
        low: The lower end; may be -inf.
        high: The upper end; may be inf. Both ends belong to the interval.
        level: The confidence level, strictly between 0 and 1.
        method: How it was computed, in words.
        note: What a reader should know of it, such as why it is open.

    Raises:
        ValueError: an end is NaN, `low` is above `high`, the estimate is not finite, or the level is not in (0, 1).
    """

    estimate: float
    low: float
    high: float
    level: float
    method: str
    note: str = ""

    def __post_init__(self) -> None:
        if not math.isfinite(self.estimate):
            raise ValueError(
                f"the estimate is {self.estimate}; expected a finite number (the data may be too large to square)"
            )
        if not self.low <= self.high:
            raise ValueError(
                f"the interval runs from {self.low} to {self.high}; expected low <= high, neither of them NaN"
            )
        if not 0.0 < self.level < 1.0:
            raise ValueError(f"the level is {self.level}; expected a number strictly between 0 and 1")

    @property
    def width(self) -> float:
        """`high - low`; 0 where the data do not vary."""
        return self.high - self.low

    def contains(self, value: SupportsFloat) -> bool:
        """Whether `value` is left open: low <= value <= high."""
        return self.low <= float(value) <= self.high

    def excludes(self, value: SupportsFloat) -> bool:
        """Whether `value` is ruled out: the opposite of `contains`."""
        return not self.contains(value)

    def above(self, value: SupportsFloat) -> bool:
        """Whether the whole interval lies above `value`."""
        return self.low > float(value)

    def below(self, value: SupportsFloat) -> bool:
        """Whether the whole interval lies below `value`."""
        return self.high < float(value)

    def inside(self, low: SupportsFloat, high: SupportsFloat) -> bool:
        """Whether the whole interval lies strictly between `low` and `high`, as equivalence asks."""
        return self.above(low) and self.below(high)

    def __str__(self) -> str:
        return f"{self.estimate:.4g} [{self.low:.4g}, {self.high:.4g}] ({100 * self.level:.6g}%, {self.method})"
