"""Rules about one arm: its mean against a bound or a closed form, and the proportion of successes."""

import math
from dataclasses import dataclass

import numpy as np

from paperwright import stats
from paperwright.claims.rules.rule import (
    Bounds,
    Part,
    Region,
    Sample,
    finite,
    margin,
    mean_of,
    of_arm,
    ordered,
    rounding,
)
from paperwright.stats import Interval


@dataclass(frozen=True)
class _Mean(Part):
    """The mean of a metric lies in a region."""

    metric: str
    bound: float
    arm: str | None = None
    bounds: Bounds | None = None

    def __post_init__(self) -> None:
        finite("bound", self.bound)
        ordered(self.bounds)

    def arms(self) -> tuple[str, ...]:
        return () if self.arm is None else (self.arm,)

    def metrics(self) -> frozenset[str]:
        return frozenset([self.metric])

    def label(self) -> str:
        return self.metric if self.arm is None else f"{self.metric}: {self.arm}"

    def effect(self, sample: Sample, level: float) -> Interval:
        values = sample.bounded(self.metric, self.arm, self.bounds)
        return mean_of(values, level, exact=sample.exact, bounds=self.bounds)


@dataclass(frozen=True)
class Above(_Mean):
    """mean(metric) > bound. `bounds` are the metric's least and greatest value, as in `Greater`."""

    def region(self) -> Region:
        return Region(low=self.bound)


@dataclass(frozen=True)
class Below(_Mean):
    """mean(metric) < bound. `bounds` are the metric's least and greatest value, as in `Greater`."""

    def region(self) -> Region:
        return Region(high=self.bound)


@dataclass(frozen=True)
class CloseTo(Part):
    """The mean of a metric agrees with a closed form, to `within` (relative to it, if `relative`).

    `value` is the closed form's number, or the name of another metric of the same trial that holds it; `bounds` are
    then those of both.
    """

    metric: str
    value: float | str
    within: float
    relative: bool = False
    arm: str | None = None
    bounds: Bounds | None = None

    def __post_init__(self) -> None:
        finite("value", None if isinstance(self.value, str) else self.value)
        finite("within", self.within)
        margin(self.within)
        ordered(self.bounds)
        if self.bounds is not None and self.relative and isinstance(self.value, str):
            raise ValueError(
                f"bounds is {self.bounds}; the deviation relative to another metric has none. Leave out bounds= or "
                "relative="
            )

    def arms(self) -> tuple[str, ...]:
        return () if self.arm is None else (self.arm,)

    def metrics(self) -> frozenset[str]:
        return frozenset([self.metric, self.value] if isinstance(self.value, str) else [self.metric])

    def region(self) -> Region:
        return Region(-self.within, self.within, closed=True)

    def label(self) -> str:
        value = self.value if isinstance(self.value, str) else f"{self.value:g}"
        gap = f"{self.metric} - {value}"
        return (f"({gap}) / {value}" if self.relative else gap) + of_arm(self.arm)

    def effect(self, sample: Sample, level: float) -> Interval:
        found = sample.bounded(self.metric, self.arm, self.bounds)
        if isinstance(self.value, str):
            expected = sample.bounded(self.value, self.arm, self.bounds)
            span = self.bounds
        else:
            expected = np.full_like(found, self.value)
            span = None if self.bounds is None else (self.value, self.value)
        unit = np.abs(expected) if self.relative else np.ones_like(expected)
        if not unit.all():
            raise ValueError(f"{self.label()}: the closed form is 0, and nothing is close to it relatively")
        bounds = None
        if self.bounds is not None and span is not None:
            least, greatest = self.bounds[0] - span[1], self.bounds[1] - span[0]
            bounds = (least / float(unit[0]), greatest / float(unit[0]))
        gap = (found - expected) / unit
        resolution = rounding(found, expected) / float(unit.min())
        return mean_of(gap, level, exact=sample.exact, bounds=bounds, resolution=resolution)


@dataclass(frozen=True)
class Proportion(Part):
    """The proportion of successes lies above or below a bound.

    Successes are counted in one of three ways:

    - `metric` is 0 or 1 in each trial, or, with `exceeds`, the trial's metric is above that threshold: the share of
      seeds. The interval is Clopper and Pearson's, valid for every distribution; this is the way to speak of most
      runs where a mean would be at the mercy of a few.
    - A trial counts `metric` successes of `of` attempts, itself a metric. Attempts of one seed are not independent:
      the interval is that of `stats.clustered_proportion_interval`, with the seeds as clusters.

    Args:
        metric: what is counted, or compared with `exceeds`.
        above: the proportion is above this.
        below: the proportion is below this.
        of: the metric that counts the attempts.
        arm: the arm that is counted in.
        exceeds: the threshold above which a seed counts as a success.
    """

    metric: str
    above: float | None = None
    below: float | None = None
    of: str | None = None
    arm: str | None = None
    exceeds: float | None = None

    def __post_init__(self) -> None:
        finite("above", self.above)
        finite("below", self.below)
        finite("exceeds", self.exceeds)
        if self.above is None and self.below is None:
            raise ValueError("a proportion needs above=, below= or both")
        low, high = (0.0 if self.above is None else self.above), (1.0 if self.below is None else self.below)
        if not 0 <= low < high <= 1:
            raise ValueError(f"a proportion above {low:g} and below {high:g}; expected 0 <= above < below <= 1")
        if self.of is not None and self.exceeds is not None:
            raise ValueError("a proportion counts attempts (of=) or seeds above a threshold (exceeds=), not both")

    def arms(self) -> tuple[str, ...]:
        return () if self.arm is None else (self.arm,)

    def metrics(self) -> frozenset[str]:
        return frozenset([self.metric] if self.of is None else [self.metric, self.of])

    def region(self) -> Region:
        low = -math.inf if self.above is None else self.above
        high = math.inf if self.below is None else self.below
        return Region(low, high)

    def label(self) -> str:
        if self.exceeds is not None:
            return f"share of seeds with {self.metric} above {self.exceeds:g}{of_arm(self.arm)}"
        return f"proportion of {self.metric}{of_arm(self.arm)}"

    def effect(self, sample: Sample, level: float) -> Interval:
        hits = sample.column(self.metric, self.arm)
        if self.exceeds is not None:
            hits = (hits > self.exceeds).astype(np.float64)
        attempts = np.ones_like(hits) if self.of is None else sample.column(self.of, self.arm)
        if np.any((hits < 0) | (hits > attempts) | (hits % 1 != 0)):
            raise ValueError(
                f"{self.metric!r} must count successes, from 0 to the number of attempts; got {hits.tolist()}"
            )
        if sample.exact and np.all(attempts > 0):
            return mean_of(hits / attempts, level, exact=True)
        if self.of is None:
            return stats.proportion_interval(int(hits.sum()), hits.size, level=level, method="exact")
        if not attempts.any():
            return Interval(0.5, 0.0, 1.0, level, "open", "no attempts yet")
        return stats.clustered_proportion_interval(hits, attempts, level)
