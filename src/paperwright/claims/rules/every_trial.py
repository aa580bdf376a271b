"""Rules about every trial: what must never happen in one, and what must always."""

from dataclasses import dataclass, replace

from paperwright.claims.rules.rule import (
    Finding,
    Part,
    Region,
    Sample,
    finite,
    of_arm,
)
from paperwright.claims.verdict import Verdict
from paperwright.stats import Interval


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
        return f"greatest {self.metric}{of_arm(self.arm)}"

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
        return f"least {self.metric}{of_arm(self.arm)}"

    def effect(self, sample: Sample, level: float) -> Interval:
        arms = sample.numbers if self.arm is None else (self.arm,)
        worst = float(min(sample.column(self.metric, arm).min() for arm in arms))
        return Interval(worst, worst, worst, level, "least of all trials")
