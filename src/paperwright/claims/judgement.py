"""From recorded numbers to a verdict: the looks of a claim, in their order, each at its share of the error."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from paperwright import stats
from paperwright.claims.claim import Claim
from paperwright.claims.rule import Finding, Sample, Verdict, mean_of, verdict_of
from paperwright.stats import Interval

Numbers = Mapping[str, Mapping[int, Mapping[str, float]]]
"""For each arm, for each seed, what the trial returned."""


@dataclass(frozen=True)
class Judgement:
    """What a claim's trials at one budget came to.

    Attributes:
        path: the claim, as "paper/claim".
        budget: the budget at which it was tried.
        verdict: holds, fails or undecided; None if no look is complete yet, if a trial could not run, or at smoke.
        findings: each part of the rule with its effect and interval, at the look that decided (or the last one).
        seeds: the seeds of that look; `looks` all that were planned.
        means: for each arm and metric, our mean with an ordinary 95% interval, over every seed at hand.
        expected: how many trials the claim has in all; `recorded` how many are at hand, `failed` how many raised.
        problem: why there is no verdict, in one line.
    """

    path: str
    budget: str
    claim: Claim
    verdict: Verdict | None
    findings: tuple[Finding, ...] = ()
    seeds: int = 0
    level: float = 0.0
    means: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)
    expected: int = 0
    recorded: int = 0
    failed: int = 0
    problem: str | None = None

    @property
    def looks(self) -> tuple[int, ...]:
        return self.claim.budgets[self.budget].looks

    @property
    def word(self) -> str:
        """The verdict as one word for a table; "runs" at smoke, which decides nothing, "unfinished" before a look."""
        if self.verdict is not None:
            return self.verdict.value
        if self.problem is not None:
            return "no verdict"
        if self.seeds:
            return "runs"
        return "unfinished" if self.recorded else "not run"

    def without_verdict(self, problem: str) -> "Judgement":
        """The same, with the reason why there is none."""
        return replace(self, verdict=None, problem=problem)


@functools.lru_cache(maxsize=256)
def levels_of(looks: tuple[int, ...], level: float) -> tuple[float, ...]:
    """The confidence level of the interval at each look, so that the error over all of them stays at 1 - level."""
    return (level,) if len(looks) == 1 else tuple(stats.look_levels(looks, level))


def complete_looks(claim: Claim, budget: str, numbers: Numbers) -> list[int]:
    """The looks whose every trial is at hand: seeds 0 to n - 1 in every arm."""
    shared = set.intersection(*(set(numbers.get(arm, {})) for arm in claim.arms))
    return [look for look in claim.budget(budget).looks if all(seed in shared for seed in range(look))]


def judge(path: str, claim: Claim, budget: str, numbers: Numbers, *, failed: int = 0) -> Judgement:
    """The verdict on a claim: that of its first look that decides, else undecided at the last complete one.

    Seeds beyond a look do not enter it, in whatever order the trials came in; so the verdict does not depend on how
    the work was spread, interrupted or merged. `numbers` are of verdict seeds 0, 1, 2 ... alone.
    """
    looks = claim.budget(budget).looks
    base = Judgement(
        path=path,
        budget=budget,
        claim=claim,
        verdict=None,
        means=means_of(claim, numbers),
        expected=len(claim.arms) * looks[-1],
        recorded=sum(len(numbers.get(arm, {})) for arm in claim.arms),
        failed=failed,
    )
    complete = complete_looks(claim, budget, numbers)
    problem = f"{failed} of {base.expected} trials raised an error" if failed else None
    verdict: Verdict | None = None
    findings: tuple[Finding, ...] = ()
    seeds, level = 0, 0.0
    for look, share in zip(looks, levels_of(looks, claim.level), strict=True):
        if look not in complete:
            break
        sample = Sample({arm: [numbers[arm][seed] for seed in range(look)] for arm in claim.arms}, claim.deterministic)
        try:
            findings = claim.rule.judge(sample, share, final=look == looks[-1])
        except ValueError as error:
            return base.without_verdict(f"the rule cannot be applied: {error}")
        verdict, seeds, level = verdict_of(findings), look, share
        if verdict is not Verdict.UNDECIDED:
            break
    if budget == "smoke":
        verdict = None
    if verdict is not None and verdict is not Verdict.UNDECIDED:
        problem = None  # decided before the trial that raised was due
    elif problem is not None:
        verdict = None
    return replace(base, verdict=verdict, findings=findings, seeds=seeds, level=level, problem=problem)


def means_of(claim: Claim, numbers: Numbers) -> dict[str, dict[str, Interval]]:
    """For each arm and metric, the mean over the seeds at hand with its 95% interval."""
    means: dict[str, dict[str, Interval]] = {}
    for arm in claim.arms:
        runs: Sequence[Mapping[str, float]] = list(numbers.get(arm, {}).values())
        metrics = [metric for metric in (runs[0] if runs else {}) if all(metric in run for run in runs)]
        columns = {metric: np.array([run[metric] for run in runs], dtype=np.float64) for metric in metrics}
        exact = claim.deterministic and all(np.ptp(column) == 0 for column in columns.values())
        means[arm] = {metric: mean_of(column, 0.95, exact=exact) for metric, column in columns.items()}
    return means
