"""Rules about growth: the exponent with which a metric grows in size, and the trend of an effect over sizes."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from paperwright import stats
from paperwright.claims.rules.rule import Bounds, Finding, Part, Region, Sample, finite, mean_of, ordered, rounding
from paperwright.claims.verdict import Verdict
from paperwright.stats import Interval


@dataclass(frozen=True)
class Exponent(Part):
    """metric = c * size^b over the arms' sizes: b, the slope of the logarithms fitted for each seed, in a range."""

    metric: str
    sizes: Mapping[str, float]
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        finite("at_least", self.at_least)
        finite("at_most", self.at_most)
        if len(set(self.sizes.values())) < 2 or min(self.sizes.values()) <= 0:
            raise ValueError(f"sizes: expected at least two different positive sizes, got {dict(self.sizes)}")
        if self.at_least is None and self.at_most is None:
            raise ValueError("an exponent needs at_least=, at_most= or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(
                f"an exponent of at least {self.at_least:g} and at most {self.at_most:g}; expected at_least <= at_most"
            )

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


_TRENDS = {
    "grows": lambda margin: Region(low=0.0),
    "shrinks": lambda margin: Region(high=0.0),
    "stays": lambda margin: Region(-margin, margin, closed=True),
    "does not shrink": lambda margin: Region(low=0.0 - margin, closed=True),
}


@dataclass(frozen=True)
class Ladder(Part):
    """Whether an effect grows, shrinks or stays as the work gets larger, over three sizes or more.

    The effect at a size is metric(arm) - metric(other). Over the sizes s_r, its slope in each seed is that of least
    squares on log10(s), and the mean of the slopes over the seeds, per tenfold size, is what is judged:

        slope_i = Σ_r (log10 s_r - mean) effect_ir / Σ_r (log10 s_r - mean)².

    Args:
        metric: the number of the trial that is compared.
        rungs: for each size, in any unit of compute, the arm and the other arm at that size. Three sizes or more,
            over a factor of 10 or more.
        expects: "grows" (slope above 0), "shrinks" (below 0), "stays" (within the margin), or "does not shrink"
            (-margin or more).
        margin: the slope that counts as none, in the metric's unit per tenfold size.
        bounds: the metric's least and greatest value, as in `Greater`.
    """

    metric: str
    rungs: Mapping[float, tuple[str, str]]
    expects: str
    margin: float = 0.0
    bounds: Bounds | None = None

    def __post_init__(self) -> None:
        finite("margin", self.margin)
        finite("rungs", *self.rungs)
        ordered(self.bounds)
        if self.margin < 0 or (self.expects == "stays" and self.margin == 0):
            raise ValueError(f'margin is {self.margin}; expected 0 or more, and above 0 for "stays"')
        if self.expects not in _TRENDS:
            raise ValueError(f"expects is {self.expects!r}; expected one of {', '.join(map(repr, _TRENDS))}")
        if len(self.rungs) < 3 or min(self.rungs) <= 0 or max(self.rungs) < 10 * min(self.rungs):
            raise ValueError(
                f"rungs has the sizes {sorted(self.rungs)}; expected three or more, above 0, the largest at least ten "
                "times the smallest"
            )

    def arms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(arm for pair in self.rungs.values() for arm in pair))

    def metrics(self) -> frozenset[str]:
        return frozenset([self.metric])

    def region(self) -> Region:
        return _TRENDS[self.expects](self.margin)

    def label(self) -> str:
        pairs = list(self.rungs.values())
        return f"{self.metric}: {pairs[0][0]} - {pairs[0][1]}, slope per tenfold size over {len(pairs)} sizes"

    def effect(self, sample: Sample, level: float) -> Interval:
        columns = [[sample.bounded(self.metric, arm, self.bounds) for arm in pair] for pair in self.rungs.values()]
        effects = np.stack([ours - other for ours, other in columns])
        away = np.log10(list(self.rungs))
        away = away - away.mean()
        weights = away / (away @ away)
        bounds = None
        if self.bounds is not None:
            steepest = float(np.abs(weights).sum()) * (self.bounds[1] - self.bounds[0]) * (1 + 1e-12)  # rounding
            bounds = (-steepest, steepest)
        resolution = float(np.abs(weights).sum()) * rounding(*itertools.chain.from_iterable(columns))
        slopes = np.array([float(weights @ column) for column in effects.T])  # one by one, so that equal ones are equal
        return mean_of(slopes, level, exact=sample.exact, bounds=bounds, resolution=resolution)

    def find(self, sample: Sample, level: float, *, final: bool) -> Finding:
        finding = super().find(sample, level, final=final)
        words = f"the effect {self._trend(finding.interval)} with size"
        return replace(finding, reason="; ".join(filter(None, (words, finding.reason))))

    def _trend(self, slope: Interval) -> str:
        if slope.low > 0:
            return "grows"
        if slope.high < 0:
            return "shrinks"
        stays = self.margin > 0 and _TRENDS["stays"](self.margin).verdict(slope) is Verdict.HOLDS
        return "stays the same" if stays else "changes in an unknown way"
