"""What a rule is: when the numbers of a claim's trials say that it holds, that it fails, or that they cannot say.

Every rule is a conjunction of *parts*. A part measures one effect, as a confidence interval, and says in which region
the effect must lie: the part holds if the whole interval lies in the region, fails if it lies wholly outside, and is
undecided while it straddles the border. A rule holds if all its parts hold (no correction is due: all must pass) and
fails if one fails; that one is asked for at a level corrected for the number of parts (Bonferroni).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paperwright import stats
from paperwright.claims.verdict import Verdict
from paperwright.stats import Interval

FloatArray = NDArray[np.float64]
Bounds = tuple[float, float]


@dataclass(frozen=True)
class Sample:
    """The numbers of a claim's trials at one look.

    Attributes:
        numbers: for each arm, what each seed's trial returned; every arm has the same seeds in the same order.
        exact: the trials have no randomness, so that a number is what it is and its interval is a point.
    """

    numbers: Mapping[str, Sequence[Mapping[str, float]]]
    exact: bool = False

    def column(self, metric: str, arm: str | None) -> FloatArray:
        """One metric of one arm, a value for each seed; the sample's only arm if `arm` is None."""
        if arm is None:
            if len(self.numbers) > 1:
                raise ValueError(f"the rule on {metric!r} must name an arm, there are {sorted(self.numbers)}")
            (arm,) = self.numbers
        return np.array([numbers[metric] for numbers in self.numbers[arm]], dtype=np.float64)

    def bounded(self, metric: str, arm: str | None, bounds: Bounds | None) -> FloatArray:
        """The same column, held to the bounds that the rule states.

        Raises:
            ValueError: a value lies outside them.
        """
        column = self.column(metric, arm)
        if bounds is not None:
            for value in column[(column < bounds[0]) | (column > bounds[1])]:
                raise ValueError(
                    f"{metric}{'' if arm is None else f' ({arm})'} is {value:g}; expected a number within its bounds, "
                    f"{bounds[0]:g} to {bounds[1]:g}. Mend the trial, or the rule's bounds="
                )
        return column


@dataclass(frozen=True)
class Region:
    """Where an effect must lie: from `low` to `high`, the ends themselves included if `closed`."""

    low: float = -math.inf
    high: float = math.inf
    closed: bool = False

    def verdict(self, interval: Interval, *, exact: bool = False) -> Verdict:
        """Whether the interval lies in the region, outside, or across its border.

        An exact number on the border of an open region lies outside; an interval that touches the border is undecided.
        """
        above = interval.low >= self.low if self.closed else interval.low > self.low
        below = interval.high <= self.high if self.closed else interval.high < self.high
        if (above or self.low == -math.inf) and (below or self.high == math.inf):
            return Verdict.HOLDS
        outside = interval.high < self.low or interval.low > self.high
        return Verdict.FAILS if outside or (exact and interval.width == 0) else Verdict.UNDECIDED

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"{'at least' if self.closed else 'above'} {self.low:g}"
        if self.low == -math.inf:
            return f"{'at most' if self.closed else 'below'} {self.high:g}"
        return f"from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Finding:
    """What one part of a rule found: the effect, where it should lie, and whether it does.

    Attributes:
        effect: what was measured, in words.
        interval: its estimate and what the numbers leave open.
        region: where it should lie.
        verdict: whether it does.
        reason: what a reader should know besides, such as why nothing is decided; may be empty.
    """

    effect: str
    interval: Interval
    region: Region
    verdict: Verdict
    reason: str = ""

    def __str__(self) -> str:
        low, high = self.interval.low, self.interval.high
        ends = f" [{low:.4g}, {high:.4g}]" if high > low else ""
        return f"{self.effect} = {self.interval.estimate:.4g}{ends}, expected {self.region}"


class Rule(ABC):
    """When a claim holds and when it fails."""

    @abstractmethod
    def parts(self) -> tuple["Part", ...]:
        """The elementary statements, all of which must hold."""

    def arms(self) -> tuple[str, ...]:
        """The arms that the rule speaks of."""
        return tuple(dict.fromkeys(arm for part in self.parts() for arm in part.arms()))

    def metrics(self) -> frozenset[str]:
        """The metrics that every trial must return."""
        return frozenset(metric for part in self.parts() for metric in part.metrics())

    def judge(self, sample: Sample, level: float, *, final: bool, strict: float | None = None) -> tuple[Finding, ...]:
        """Each part's finding at confidence `level`; `final` says that no more seeds are planned.

        `strict` is the level at which a part must lie outside to fail, since each of them may: over several looks that
        of (1 - level) divided by the parts and spent over the looks; by default that of this look alone.
        """
        parts = self.parts()
        if strict is None:
            strict = 1 - (1 - level) / len(parts)
        findings = []
        for part in parts:
            finding = part.find(sample, level, final=final)
            fails = finding.verdict is Verdict.FAILS
            if fails and strict > level and part.find(sample, strict, final=final).verdict is not Verdict.FAILS:
                why = f"outside, but not at the level that {len(parts)} chances to fail ask for"
                finding = replace(finding, verdict=Verdict.UNDECIDED, reason=why)
            findings.append(finding)
        return tuple(findings)


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """Fails if one part fails, holds if all hold, else undecided."""
    verdicts = {finding.verdict for finding in findings}
    if Verdict.FAILS in verdicts:
        return Verdict.FAILS
    return Verdict.HOLDS if verdicts == {Verdict.HOLDS} else Verdict.UNDECIDED


class Part(Rule):
    """A rule of one effect and one region."""

    def parts(self) -> tuple["Part", ...]:
        return (self,)

    @abstractmethod
    def arms(self) -> tuple[str, ...]: ...

    @abstractmethod
    def metrics(self) -> frozenset[str]: ...

    @abstractmethod
    def region(self) -> Region:
        """Where the effect must lie."""

    @abstractmethod
    def effect(self, sample: Sample, level: float) -> Interval:
        """The effect with its confidence interval."""

    @abstractmethod
    def label(self) -> str:
        """The effect in words, such as "accuracy: method - baseline"."""

    def find(self, sample: Sample, level: float, *, final: bool) -> Finding:
        """The effect at this level, held against the region."""
        interval = self.effect(sample, level)
        verdict = self.region().verdict(interval, exact=sample.exact)
        return Finding(self.label(), interval, self.region(), verdict, interval.note)


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


def mean_of(
    values: FloatArray, level: float, *, exact: bool, bounds: Bounds | None = None, resolution: float = 0.0
) -> Interval:
    """The mean over seeds, with its interval.

    Args:
        values: one number a seed.
        level: the confidence level.
        exact: the trials have no randomness: the values are alike, and the interval is a point.
        bounds: the least and the greatest value that a seed can have: the interval is then valid whatever the
            distribution between them (`stats.bounded_mean_interval`). Without them it is Student's with guards
            against ties and skew (`stats.guarded_mean_interval`), which leaves everything open where they speak up.
        resolution: values that differ by no more are equal but for rounding.

    Raises:
        ValueError: exact values that differ, values outside their bounds, NaN or infinity.
    """
    if exact:
        if values.max() - values.min() > resolution:
            raise ValueError(f"a claim said to be deterministic returned different numbers: {values.tolist()}")
        return Interval(float(values[0]), float(values[0]), float(values[0]), level, "exact")
    if bounds is not None:
        return stats.bounded_mean_interval(values, *bounds, level)
    return stats.guarded_mean_interval(values, level, resolution=resolution)


def difference_of(
    a: FloatArray,
    b: FloatArray,
    level: float,
    *,
    paired: bool,
    exact: bool,
    bounds: tuple[Bounds, Bounds] | None = None,
) -> Interval:
    """mean(a) - mean(b) with its interval: of the pairs' differences as `mean_of` has it, or of independent arms.

    `bounds` are those of a and of b. Unpaired, each arm then has an interval of its own, at half of the error.
    """
    if paired or exact:
        with np.errstate(over="ignore"):  # an infinite difference is refused where the interval is computed
            differences = a - b
        reach = None if bounds is None else _minus(*bounds)
        return mean_of(differences, level, exact=exact, bounds=reach, resolution=rounding(a, b))
    if bounds is None:
        return stats.guarded_difference_interval(a, b, level)
    half = 1 - (1 - level) / 2
    first = stats.bounded_mean_interval(a, *bounds[0], half)
    second = stats.bounded_mean_interval(b, *bounds[1], half)
    low, high = _minus((first.low, first.high), (second.low, second.high))
    return Interval(first.estimate - second.estimate, low, high, level, "bounded, betting, of two arms")


def rounding(*columns: FloatArray) -> float:
    """By how much differences of these numbers may be off: equal ones are so up to this."""
    return 4 * float(np.finfo(np.float64).eps * max(np.abs(column).max() for column in columns))


def _minus(a: Bounds, b: Bounds) -> Bounds:
    return a[0] - b[1], a[1] - b[0]


def finite(name: str, *values: float | None) -> None:
    for value in values:
        if value is not None and not math.isfinite(value):
            raise ValueError(f"{name}: expected a finite number, got {value}")


def ordered(bounds: Bounds | None) -> None:
    if bounds is not None and not (len(bounds) == 2 and -math.inf < bounds[0] < bounds[1] < math.inf):
        raise ValueError(f"bounds is {bounds}; expected the metric's least and greatest value, as in (0.0, 1.0)")


def margin(within: float) -> None:
    if within < 0:
        raise ValueError(f"within is {within}; expected 0 or more: no number lies within less than nothing")


def of_arm(arm: str | None) -> str:
    """The arm behind what was measured in it, in words."""
    return "" if arm is None else f" ({arm})"
