"""The rules that claims use: comparisons of arms, means against bounds and closed forms, exponents, proportions."""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from paperwright import stats
from paperwright.claims.rule import Finding, Part, Region, Rule, Sample, difference_of, mean_of
from paperwright.claims.verdict import Verdict
from paperwright.stats import Interval


def _finite(name: str, *values: float | None) -> None:
    for value in values:
        if value is not None and not math.isfinite(value):
            raise ValueError(f"{name}: expected a finite number, got {value}")


@dataclass(frozen=True)
class Difference(Part):
    """mean(metric of `arm`) - times * mean(metric of `other`) lies in a region; the elementary comparison."""

    metric: str
    arm: str
    other: str
    where: Region
    times: float = 1.0
    paired: bool = True

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
        a, b = sample.column(self.metric, self.arm), self.times * sample.column(self.metric, self.other)
        return difference_of(a, b, level, paired=self.paired, exact=sample.exact)


def _in(arm: str | None) -> str:
    return "" if arm is None else f" ({arm})"


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
    """

    metric: str
    arm: str
    than: str | Sequence[str]
    by: float = 0.0
    times: float = 1.0
    paired: bool = True

    def __post_init__(self) -> None:
        _finite("by", self.by)
        _finite("times", self.times)
        if not self.than:
            raise ValueError("than: expected the arm to compare with, or several, got none")

    @abstractmethod
    def region(self) -> Region:
        """Where the difference must lie."""

    def parts(self) -> tuple[Part, ...]:
        others = (self.than,) if isinstance(self.than, str) else tuple(self.than)
        return tuple(
            Difference(self.metric, self.arm, other, self.region(), self.times, self.paired) for other in others
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
    """

    def region(self) -> Region:
        return Region(low=self.by)


class Less(_Comparison):
    """mean(`arm`) - times * mean(`than`) < -by: the mirror image of `Greater`, with the same arguments."""

    def region(self) -> Region:
        return Region(high=0.0 - self.by)


@dataclass(frozen=True)
class Equivalent(Rule):
    """|mean(`arm`) - mean(`to`)| <= within: two one-sided tests, by the interval's lying inside the margin."""

    metric: str
    arm: str
    to: str
    within: float
    paired: bool = True

    def __post_init__(self) -> None:
        _finite("within", self.within)

    def parts(self) -> tuple[Part, ...]:
        margin = Region(-self.within, self.within, closed=True)
        return (Difference(self.metric, self.arm, self.to, margin, paired=self.paired),)


@dataclass(frozen=True)
class Ordered(Rule):
    """The arms' means rise strictly in the order given."""

    metric: str
    order: Sequence[str]
    paired: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.order, str) or len(self.order) < 2:
            raise ValueError(f"order: expected at least two arms, got {self.order!r}")

    def parts(self) -> tuple[Part, ...]:
        pairs = zip(self.order, self.order[1:], strict=False)
        return tuple(Difference(self.metric, high, low, Region(low=0.0), paired=self.paired) for low, high in pairs)


@dataclass(frozen=True)
class _Mean(Part):
    """The mean of a metric lies in a region."""

    metric: str
    bound: float
    arm: str | None = None

    def __post_init__(self) -> None:
        _finite("bound", self.bound)

    def arms(self) -> tuple[str, ...]:
        return () if self.arm is None else (self.arm,)

    def metrics(self) -> frozenset[str]:
        return frozenset([self.metric])

    def label(self) -> str:
        return self.metric if self.arm is None else f"{self.metric}: {self.arm}"

    def effect(self, sample: Sample, level: float) -> Interval:
        return mean_of(sample.column(self.metric, self.arm), level, exact=sample.exact)


@dataclass(frozen=True)
class Above(_Mean):
    """mean(metric) > bound."""

    def region(self) -> Region:
        return Region(low=self.bound)


@dataclass(frozen=True)
class Below(_Mean):
    """mean(metric) < bound."""

    def region(self) -> Region:
        return Region(high=self.bound)


@dataclass(frozen=True)
class CloseTo(Part):
    """The mean of a metric agrees with a closed form, to `within` (relative to it, if `relative`).

    `value` is the closed form's number, or the name of another metric of the same trial that holds it.
    """

    metric: str
    value: float | str
    within: float
    relative: bool = False
    arm: str | None = None

    def __post_init__(self) -> None:
        _finite("within", self.within, None if isinstance(self.value, str) else self.value)

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
        found = sample.column(self.metric, self.arm)
        if isinstance(self.value, str):
            expected = sample.column(self.value, self.arm)
        else:
            expected = np.full_like(found, self.value)
        gap = (found - expected) / np.abs(expected) if self.relative else found - expected
        return mean_of(gap, level, exact=sample.exact)


@dataclass(frozen=True)
class Exponent(Part):
    """metric = c * size^b over the arms' sizes: b, the slope of the logarithms fitted for each seed, in a range."""

    metric: str
    sizes: Mapping[str, float]
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        _finite("at_least", self.at_least)
        _finite("at_most", self.at_most)
        if len(set(self.sizes.values())) < 2 or min(self.sizes.values()) <= 0:
            raise ValueError(f"sizes: expected at least two different positive sizes, got {dict(self.sizes)}")
        if self.at_least is None and self.at_most is None:
            raise ValueError("an exponent needs at_least=, at_most= or both")

    def arms(self) -> tuple[str, ...]:
        return tuple(self.sizes)

    def metrics(self) -> frozenset[str]:
        return frozenset([self.metric])

    def region(self) -> Region:
        low = -math.inf if self.at_least is None else self.at_least
        high = math.inf if self.at_most is None else self.at_most
        return Region(low, high, closed=True)

    def label(self) -> str:
        return f"exponent of {self.metric} in size"

    def effect(self, sample: Sample, level: float) -> Interval:
        columns = np.stack([sample.column(self.metric, arm) for arm in self.sizes])
        if np.any(columns <= 0):
            raise ValueError(f"a power law needs positive numbers, {self.metric!r} has {columns.min()}")
        sizes = np.array(list(self.sizes.values()), dtype=np.float64)
        exponents = np.array([stats.power_law_exponent(sizes, column) for column in columns.T])
        return mean_of(exponents, level, exact=sample.exact)


@dataclass(frozen=True)
class Proportion(Part):
    """The proportion of successes lies above or below a bound, by the exact (Clopper-Pearson) interval.

    The metric is 0 or 1 in each trial; or a trial counts `metric` successes of `of` attempts, itself a metric.
    """

    metric: str
    above: float | None = None
    below: float | None = None
    of: str | None = None
    arm: str | None = None

    def __post_init__(self) -> None:
        _finite("above", self.above)
        _finite("below", self.below)
        if self.above is None and self.below is None:
            raise ValueError("a proportion needs above=, below= or both")

    def arms(self) -> tuple[str, ...]:
        return () if self.arm is None else (self.arm,)

    def metrics(self) -> frozenset[str]:
        return frozenset([self.metric] if self.of is None else [self.metric, self.of])

    def region(self) -> Region:
        low = -math.inf if self.above is None else self.above
        high = math.inf if self.below is None else self.below
        return Region(low, high)

    def label(self) -> str:
        return f"proportion of {self.metric}{_in(self.arm)}"

    def effect(self, sample: Sample, level: float) -> Interval:
        hits = sample.column(self.metric, self.arm)
        attempts = np.ones_like(hits) if self.of is None else sample.column(self.of, self.arm)
        if np.any((hits < 0) | (hits > attempts) | (hits % 1 != 0)):
            raise ValueError(
                f"{self.metric!r} must count successes, from 0 to the number of attempts; got {hits.tolist()}"
            )
        return stats.proportion_interval(int(hits.sum()), int(attempts.sum()), level=level, method="exact")


@dataclass(frozen=True)
class Never(Part):
    """The metric, a count of violations or an excess, is at most `tolerance` in every trial.

    One violation refutes it at once; it holds only when every planned seed ran without one.
    """

    metric: str
    arm: str | None = None
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        _finite("tolerance", self.tolerance)

    def arms(self) -> tuple[str, ...]:
        return () if self.arm is None else (self.arm,)

    def metrics(self) -> frozenset[str]:
        return frozenset([self.metric])

    def region(self) -> Region:
        return Region(high=self.tolerance, closed=True)

    def label(self) -> str:
        return f"greatest {self.metric}{_in(self.arm)}"

    def effect(self, sample: Sample, level: float) -> Interval:
        arms = sample.numbers if self.arm is None else (self.arm,)
        worst = float(max(sample.column(self.metric, arm).max() for arm in arms))
        return Interval(worst, worst, worst, level, "greatest of all trials")

    def find(self, sample: Sample, level: float, *, final: bool) -> Finding:
        finding = super().find(sample, level, final=final)
        early = finding.verdict is Verdict.HOLDS and not final
        return replace(finding, verdict=Verdict.UNDECIDED) if early else finding


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
