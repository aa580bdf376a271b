"""From recorded numbers to a verdict: the looks of a claim, in their order, each at its share of the error."""

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from paperwright import stats
from paperwright.claims.claim import Claim, Reported
from paperwright.claims.evidence.revision import Revision, next_revision
from paperwright.claims.rules.rule import Finding, Sample, mean_of, verdict_of
from paperwright.claims.trial import Outcome
from paperwright.claims.verdict import Verdict
from paperwright.stats import Interval

Numbers = Mapping[str, Mapping[int, Mapping[str, float]]]
"""For each arm, for each seed, what the trial returned."""


@dataclass(frozen=True)
class Trials:
    """The trials behind a judgement.

    Attributes:
        numbers: for each arm, for each seed, what the trial returned.
        failed: how many raised, and `error` what the first of them said.
        failed_before: how often those that returned numbers had failed before.
        seconds: the time of all of them together.
        peak_memory: the greatest memory that one of them held, in bytes; None where it was not measured.
        machines: each machine that they ran on: its system, processors, threads and device.
        finished: when the last of them started, in seconds since the epoch; None where it is not known.
    """

    numbers: Numbers = field(default_factory=dict)
    failed: int = 0
    error: str | None = None
    failed_before: int = 0
    seconds: float = 0.0
    peak_memory: int | None = None
    machines: tuple[Mapping[str, Any], ...] = ()
    finished: float | None = None

    @property
    def recorded(self) -> int:
        """How many returned numbers."""
        return sum(len(seeds) for seeds in self.numbers.values())


def trials_of(outcomes: Iterable[tuple[str, int, Outcome]]) -> Trials:
    """What some outcomes, each with its arm and seed, come to together."""
    numbers: dict[str, dict[int, Mapping[str, float]]] = {}
    machines: dict[str, Mapping[str, Any]] = {}
    seconds, started, memory, errors = 0.0, list[float](), list[int](), list[str]()
    for arm, seed, outcome in outcomes:
        if outcome.numbers is None:
            errors.append(outcome.error or "failed")
            continue
        numbers.setdefault(arm, {})[seed] = outcome.numbers
        seconds += outcome.seconds
        started.append(outcome.started)
        memory += [] if outcome.peak_memory is None else [outcome.peak_memory]
        machines[repr(sorted(outcome.machine.items()))] = outcome.machine
    return Trials(
        numbers=numbers,
        failed=len(errors),
        error=errors[0] if errors else None,
        seconds=seconds,
        peak_memory=max(memory, default=None),
        machines=tuple(machines.values()),
        finished=max(started, default=None),
    )


@dataclass(frozen=True)
class Judgement:
    """What a claim's trials at one budget came to, with everything that is shown of it.

    It holds no code of a room, so that a live one and one read from an evidence file are alike.

    Attributes:
        path: the claim, as "paper/claim".
        budget: the budget at which it was tried.
        revision: its terms (statement, arms, rule, looks, settings), its first seed and when they were registered.
        earlier: the revisions before, with what they came to.
        metrics: what the rule compares, and `compared` the arms that it speaks of.
        reported, where, scale, remarks, units: as the claim has them.
        verdict: the verdict, or the word for why there is none.
        findings: each part of the rule with its effect and interval, at the look that decided (or the last one).
        seeds: the number of seeds of that look; 0 before the first.
        level: the confidence of the intervals at that look.
        means: for each arm and metric, our mean with an ordinary 95% interval, over every seed at hand.
        trials: the single trials behind it.
        problem: why there is no verdict, in one line.
    """

    path: str
    budget: str
    revision: Revision
    verdict: Verdict
    metrics: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    reported: tuple[Reported, ...] = ()
    where: str = ""
    scale: str = ""
    remarks: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    seeds: int = 0
    level: float = 0.0
    means: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)
    trials: Trials = Trials()
    earlier: tuple[Revision, ...] = ()
    problem: str | None = None

    @property
    def paper(self) -> str:
        return self.path.partition("/")[0]

    @property
    def name(self) -> str:
        """The claim's name in its room."""
        return self.path.partition("/")[2]

    @property
    def statement(self) -> str:
        return str(self.revision.terms["statement"])

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(self.revision.terms["arms"])

    @property
    def rule(self) -> str:
        """The rule as its author wrote it."""
        return str(self.revision.terms["rule"])

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the trials got by keyword."""
        return dict(self.revision.terms["settings"])

    @property
    def needs(self) -> tuple[str, ...]:
        """The data sets that the trials read."""
        return tuple(self.revision.terms["needs"])

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of seeds at which the claim is looked at."""
        return tuple(self.revision.terms["looks"])

    @property
    def deterministic(self) -> bool:
        return bool(self.revision.terms["deterministic"])

    @property
    def expected(self) -> int:
        """How many trials the claim has in all."""
        return len(self.arms) * self.looks[-1]

    @property
    def recorded(self) -> int:
        """How many of them are at hand."""
        return self.trials.recorded

    def without_verdict(self, problem: str) -> "Judgement":
        """The same, with the reason why there is no verdict."""
        return replace(self, verdict=Verdict.NO_VERDICT, problem=problem)


@functools.lru_cache(maxsize=256)
def levels_of(looks: tuple[int, ...], level: float) -> tuple[float, ...]:
    """The confidence level of the interval at each look, so that the error over all of them stays at 1 - level."""
    return (level,) if len(looks) == 1 else tuple(stats.look_levels(looks, level))


def judge(
    path: str,
    claim: Claim,
    budget: str,
    trials: Trials | Numbers,
    *,
    revision: Revision | None = None,
    earlier: Iterable[Revision] = (),
) -> Judgement:
    """The verdict on a claim: that of its first look that decides, else undecided at the last complete one.

    Seeds beyond a look do not enter it, in whatever order the trials came in; so the verdict does not depend on how
    the work was spread, interrupted or merged.

    Args:
        path: the claim, as "paper/claim".
        claim: its rule and the rest.
        budget: the budget at which the trials ran.
        trials: what they returned; of the revision's seeds alone.
        revision: the claim's revision; by default its first, with seeds 0, 1, 2 ...
        earlier: the revisions before.
    """
    behind = trials if isinstance(trials, Trials) else Trials(trials)
    revision = revision or next_revision(claim.terms(budget), (), {})
    parts = claim.rule.parts()
    attempts = {getattr(part, "of", None) for part in parts}  # what is counted over is no result of its own
    base = Judgement(
        path=path,
        budget=budget,
        revision=revision,
        verdict=Verdict.UNFINISHED if behind.recorded else Verdict.NOT_RUN,
        metrics=tuple(sorted(claim.rule.metrics() - attempts)),
        compared=claim.rule.arms(),
        reported=claim.reported,
        where=claim.where,
        scale=claim.scale,
        remarks=claim.remarks,
        units=claim.units,
        trials=behind,
        earlier=tuple(earlier),
    )
    try:
        base = replace(base, means=means_of(claim, behind.numbers))
        judged = _first_that_decides(base, claim, behind.numbers)
    except Exception as error:  # of one claim's rule; the others are judged
        return base.without_verdict(f"the rule cannot be applied: {type(error).__name__}: {error}")
    if budget == "smoke":
        judged = replace(judged, verdict=Verdict.RUNS if judged.seeds else base.verdict)
    if behind.failed and not judged.verdict.decided:  # one that was decided before did not need the trial that raised
        failed = f"{behind.failed} of {base.expected} trials raised an error"
        return judged.without_verdict(f"{failed}, first: {behind.error}" if behind.error else failed)
    return judged


def _first_that_decides(base: Judgement, claim: Claim, numbers: Numbers) -> Judgement:
    """The judgement of the first look that decides, else of the last complete one."""
    judged, first = base, base.revision.first_seed
    shared = set.intersection(*(set(numbers.get(arm, {})) for arm in claim.arms))
    corrected = levels_of(base.looks, 1 - (1 - claim.level) / len(claim.rule.parts()))
    for look, level, fails_at in zip(base.looks, levels_of(base.looks, claim.level), corrected, strict=True):
        seeds = range(first, first + look)
        if not all(seed in shared for seed in seeds):
            break
        sample = Sample({arm: [numbers[arm][seed] for seed in seeds] for arm in claim.arms}, claim.deterministic)
        if claim.deterministic:
            _check_equal(sample)
        findings = claim.rule.judge(sample, level, final=look == base.looks[-1], strict=fails_at)
        judged = replace(base, verdict=verdict_of(findings), findings=findings, seeds=look, level=level)
        if judged.verdict.decided:
            break
    return judged


def _check_equal(sample: Sample) -> None:
    """Raises ValueError if a trial without randomness returned different numbers."""
    for arm, runs in sample.numbers.items():
        for run in runs[1:]:
            if off := [name for name in run if not math.isclose(run[name], runs[0].get(name, math.nan), rel_tol=1e-9)]:
                raise ValueError(f"a claim said to be deterministic returned different {off[0]!r} in the arm {arm!r}")


def means_of(claim: Claim, numbers: Numbers) -> dict[str, dict[str, Interval]]:
    """For each arm and metric, the mean over the seeds at hand with its 95% interval."""
    means: dict[str, dict[str, Interval]] = {}
    for arm in claim.arms:
        runs = [run for _, run in sorted(numbers.get(arm, {}).items())]  # in one order, or the last bit would differ
        metrics = [metric for metric in (runs[0] if runs else {}) if all(metric in run for run in runs)]
        columns = {metric: np.array([run[metric] for run in runs], dtype=np.float64) for metric in metrics}
        exact = claim.deterministic and all(np.ptp(column) == 0 for column in columns.values())
        means[arm] = {metric: mean_of(column, 0.95, exact=exact) for metric, column in columns.items()}
    return means


def came_to(judgement: Judgement, source: str = "") -> dict[str, Any]:
    """What a revision came to under the code of a fingerprint, in words that outlive its rule."""
    return {
        "verdict": judgement.verdict.value,
        "seeds": judgement.seeds,
        "findings": [str(finding) for finding in judgement.findings],
        "remarks": judgement.remarks,
        "source": source,
    }
