"""Rules that compare arms: greater, less, equivalent, in order."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from paperwright.claims.rules.rule import (
    Bounds,
    Part,
    Region,
    Rule,
    Sample,
    difference_of,
    finite,
    margin,
    ordered,
)
from paperwright.stats import Interval


def _scaled(bounds: Bounds, factor: float) -> Bounds:
    """The bounds of factor * metric."""
    ends = (factor * bounds[0], factor * bounds[1])
    return min(ends), max(ends)


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
        margin(self.within)

    def parts(self) -> tuple[Part, ...]:
        near = Region(-self.within, self.within, closed=True)
        return (Difference(self.metric, self.arm, self.to, near, paired=self.paired, bounds=self.bounds),)


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
