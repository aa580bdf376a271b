"""The rules that claims use: comparisons of arms, means against bounds and closed forms, exponents, proportions."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from paperwright import stats
from paperwright.claims.rules.rule import (
    Bounds,
    Finding,
    Part,
    Region,
    Rule,
    Sample,
    difference_of,
    finite,
    mean_of,
    ordered,
    rounding,
)
from paperwright.claims.verdict import Verdict
from paperwright.stats import Interval


def _margin(within: float) -> None:
    if within < 0:
        raise ValueError(f"within is {within}; expected 0 or more: no number lies within less than nothing")


def _scaled(bounds: Bounds, factor: float) -> Bounds:
    """The bounds of factor * metric."""
    ends = (factor * bounds[0], factor * bounds[1])
    return min(ends), max(ends)


def _in(arm: str | None) -> str:
    return "" if arm is None else f" ({arm})"


@dataclass(frozen=True)
class Difference(Part):
    """mean(metric of `arm`) - times * mean(metric of `other`) lies in a region; the elementary comparison."""

    metric: str
    arm: str
    other: str
    where: Region
    times: float = 1.0
    paired: bool = True
    bounds: Bounds | None = None

    def arms(self) -> tuple[str, ...]:
        return (self.arm, self.other)

    def metrics(self) -> frozenset[str]:
        return frozenset([self.metric])

    def region(self) -> Region:
        return self.where

    def label(self) -> str:
        factor = "" if self.times == 1 else f"{self.times:.4g} x "
        return f"{self.metric}: {self.arm} - {factor}{self.other}"

    def effect(self, sample: Sample, level: float) -> Interval:
        a = sample.bounded(self.metric, self.arm, self.bounds)
        b = self.times * sample.bounded(self.metric, self.other, self.bounds)
        bounds = None if self.bounds is None else (self.bounds, _scaled(self.bounds, self.times))
        return difference_of(a, b, level, paired=self.paired, exact=sample.exact, bounds=bounds)


@dataclass(frozen=True)
class _Comparison(Rule):
    """mean(`arm`) - times * mean(`than`) lies in a region; with several in `than`, for every one of them.

    Args:
        metric: the number of the trial that is compared.
        arm: the arm that is compared.
        than: the arm, or arms, that it is compared with.
        by: the margin.
        times: a factor on the other's mean.
        paired: the same seed means the same conditions in both arms, so that differences are taken seed by seed.
        bounds: the metric's least and greatest value, if it has them: the interval is then valid for every
            distribution between them.
    """

    metric: str
    arm: str
    than: str | Sequence[str]
    by: float = 0.0
    times: float = 1.0
    paired: bool = True
    bounds: Bounds | None = None

    def __post_init__(self) -> None:
        finite("by", self.by)
        ordered(self.bounds)
        finite("times", self.times)
        if not self.than:
            raise ValueError("than: expected the arm to compare with, or several, got none")

    @abstractmethod
    def region(self) -> Region:
        """Where the difference must lie."""

    def parts(self) -> tuple[Part, ...]:
        others = (self.than,) if isinstance(self.than, str) else tuple(self.than)
        return tuple(
            Difference(self.metric, self.arm, other, self.region(), self.times, self.paired, self.bounds)
            for other in others
        )


class Greater(_Comparison):
    """mean(`arm`) - times * mean(`than`) > by; with several in `than`, over every one of them.

    Args:
        metric: the number of the trial that is compared.
        arm: the arm that should have more of it.
        than: the arm, or arms, that should have less.
        by: the margin.
        times: a factor on the other's mean.
        paired: the same seed means the same conditions in both arms, so that differences are taken seed by seed.
        bounds: the metric's least and greatest value, if it has them: the interval is then valid for every
            distribution between them.
    """

    def region(self) -> Region:
        return Region(low=self.by)


class Less(_Comparison):
    """mean(`arm`) - times * mean(`than`) < -by: the mirror image of `Greater`, with the same arguments."""

    def region(self) -> Region:
        return Region(high=0.0 - self.by)


@dataclass(frozen=True)
class Equivalent(Rule):
    """|mean(`arm`) - mean(`to`)| <= within: two one-sided tests, by the interval's lying inside the margin.

    `paired` and `bounds` are as in `Greater`.
    """

    metric: str
    arm: str
    to: str
    within: float
    paired: bool = True
    bounds: Bounds | None = None

    def __post_init__(self) -> None:
        finite("within", self.within)
        ordered(self.bounds)
        _margin(self.within)

    def parts(self) -> tuple[Part, ...]:
        margin = Region(-self.within, self.within, closed=True)
        return (Difference(self.metric, self.arm, self.to, margin, paired=self.paired, bounds=self.bounds),)


@dataclass(frozen=True)
class Ordered(Rule):
    """The arms' means rise strictly in the order given. `paired` and `bounds` are as in `Greater`."""

    metric: str
    order: Sequence[str]
    paired: bool = True
    bounds: Bounds | None = None

    def __post_init__(self) -> None:
        ordered(self.bounds)
        if isinstance(self.order, str) or len(self.order) < 2:
            raise ValueError(f"order: expected at least two arms, got {self.order!r}")

    def parts(self) -> tuple[Part, ...]:
        pairs = zip(self.order, self.order[1:], strict=False)
        return tuple(
            Difference(self.metric, high, low, Region(low=0.0), paired=self.paired, bounds=self.bounds)
            for low, high in pairs
        )


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
        finite("within", self.within, None if isinstance(self.value, str) else self.value)
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
        return (f"({gap}) / {value}" if self.relative else gap) + _in(self.arm)

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
            return f"share of seeds with {self.metric} above {self.exceeds:g}{_in(self.arm)}"
        return f"proportion of {self.metric}{_in(self.arm)}"

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


@dataclass(frozen=True)
class _EveryTrial(Part):
    """The worst of all trials lies in a region: one trial outside refutes it, and it holds when all planned ran."""

    metric: str

    def metrics(self) -> frozenset[str]:
        return frozenset([self.metric])

    def find(self, sample: Sample, level: float, *, final: bool) -> Finding:
        finding = super().find(sample, level, final=final)
        early = finding.verdict is Verdict.HOLDS and not final
        if not early:
            return finding
        reason = "; ".join(filter(None, (finding.reason, "more seeds are due")))
        return replace(finding, verdict=Verdict.UNDECIDED, reason=reason)


@dataclass(frozen=True)
class Never(_EveryTrial):
    """The metric, a count of violations or an excess, is at most `tolerance` in every trial.

    One violation refutes it at once; it holds only when every planned seed ran without one.

    Args:
        metric: what must not happen.
        arm: the arm that is watched; every arm if None.
        tolerance: the most that is allowed.
        of: the metric that counts what was tried, so that the finding can say how often nothing happened.
    """

    arm: str | None = None
    tolerance: float = 0.0
    of: str | None = None

    def __post_init__(self) -> None:
        finite("tolerance", self.tolerance)

    def arms(self) -> tuple[str, ...]:
        return () if self.arm is None else (self.arm,)

    def metrics(self) -> frozenset[str]:
        return frozenset([self.metric] if self.of is None else [self.metric, self.of])

    def region(self) -> Region:
        return Region(high=self.tolerance, closed=True)

    def label(self) -> str:
        return f"greatest {self.metric}{_in(self.arm)}"

    def effect(self, sample: Sample, level: float) -> Interval:
        arms = sample.numbers if self.arm is None else (self.arm,)
        worst = float(max(sample.column(self.metric, arm).max() for arm in arms))
        note = ""
        if self.of is not None:
            tried = sum(float(sample.column(self.of, arm).sum()) for arm in arms)
            note = f"{self.of}: {tried:,.0f} in all trials"
        return Interval(worst, worst, worst, level, "greatest of all trials", note)


@dataclass(frozen=True)
class Always(_EveryTrial):
    """The metric is at least `at_least` in every trial: the mirror image of `Never`, for controls that must show.

    One trial below refutes it at once; it holds only when every planned seed ran.
    """

    at_least: float
    arm: str | None = None

    def __post_init__(self) -> None:
        finite("at_least", self.at_least)

    def arms(self) -> tuple[str, ...]:
        return () if self.arm is None else (self.arm,)

    def region(self) -> Region:
        return Region(low=self.at_least, closed=True)

    def label(self) -> str:
        return f"least {self.metric}{_in(self.arm)}"

    def effect(self, sample: Sample, level: float) -> Interval:
        arms = sample.numbers if self.arm is None else (self.arm,)
        worst = float(min(sample.column(self.metric, arm).min() for arm in arms))
        return Interval(worst, worst, worst, level, "least of all trials")


@dataclass(frozen=True, init=False)
class All(Rule):
    """Every one of several rules."""

    rules: tuple[Rule, ...]

    def __init__(self, *rules: Any) -> None:
        if not rules or not all(isinstance(rule, Rule) for rule in rules):
            raise TypeError(f"All(...) takes rules, one or more, got {rules!r}")
        object.__setattr__(self, "rules", rules)

    def parts(self) -> tuple[Part, ...]:
        return tuple(part for rule in self.rules for part in rule.parts())
