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

import numpy as np
from numpy.typing import NDArray

from paperwright import stats
from paperwright.claims.verdict import Verdict
from paperwright.stats import Interval

FloatArray = NDArray[np.float64]


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


@dataclass(frozen=True)
class Region:
    """Where an effect must lie: from `low` to `high`, the ends themselves included if `closed`."""

    low: float = -math.inf
    high: float = math.inf
    closed: bool = False

    def verdict(self, interval: Interval) -> Verdict:
        """Whether the interval lies in the region, outside, or across its border."""
        above = interval.low >= self.low if self.closed else interval.low > self.low
        below = interval.high <= self.high if self.closed else interval.high < self.high
        if (above or self.low == -math.inf) and (below or self.high == math.inf):
            return Verdict.HOLDS
        if interval.high < self.low or interval.low > self.high or interval.width == 0:
            return Verdict.FAILS
        return Verdict.UNDECIDED

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"{'at least' if self.closed else 'above'} {self.low:g}"
        if self.low == -math.inf:
            return f"{'at most' if self.closed else 'below'} {self.high:g}"
        return f"from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Finding:
    """What one part of a rule found: the effect, where it should lie, and whether it does."""

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

    def judge(self, sample: Sample, level: float, *, final: bool) -> tuple[Finding, ...]:
        """Each part's finding at confidence `level`; `final` says that no more seeds are planned."""
        parts = self.parts()
        strict = 1 - (1 - level) / len(parts)
        findings = []
        for part in parts:
            finding = part.find(sample, level, final=final)
            fails = finding.verdict is Verdict.FAILS
            if fails and strict > level and part.find(sample, strict, final=final).verdict is not Verdict.FAILS:
                finding = replace(finding, verdict=Verdict.UNDECIDED)
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
        return Finding(self.label(), interval, self.region(), self.region().verdict(interval))


def mean_of(values: FloatArray, level: float, *, exact: bool) -> Interval:
    """The mean with its t interval; a point if exact.

    One value of a random trial leaves everything open. Values that are all the same have no variance to go by: the
    interval is a point only where a sign test allows it (2^(1-n) <= 1 - level), and leaves everything open below.
    """
    centre = float(values.mean())
    if exact:
        if values.max() > values.min():
            raise ValueError(f"a claim said to be deterministic returned different numbers: {values.tolist()}")
        return Interval(centre, centre, centre, level, "exact")
    same = values.size < 2 or bool(np.all(values == values[0]))
    if same and 2.0 ** (1 - values.size) > 1 - level:
        return Interval(centre, -math.inf, math.inf, level, "too few distinct values")
    return stats.mean_interval(values, level)


def difference_of(a: FloatArray, b: FloatArray, level: float, *, paired: bool, exact: bool) -> Interval:
    """mean(a) - mean(b) with its interval: of the pairs' differences, or Welch's."""
    if paired or exact:
        return mean_of(a - b, level, exact=exact)
    flat = min(a.size, b.size) < 2 or (np.ptp(a) == 0 and np.ptp(b) == 0)
    if flat and 2.0 ** (1 - min(a.size, b.size)) > 1 - level:
        return Interval(float(a.mean() - b.mean()), -math.inf, math.inf, level, "too few distinct values")
    return stats.difference_interval(a, b, paired=False, level=level)
