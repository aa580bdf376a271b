"""A judgement in words: the cells that the terminal, the Markdown table and the HTML report share."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from paperwright.claims.claim import Reported
from paperwright.claims.judgement import Judgement
from paperwright.claims.rule import Finding, Verdict
from paperwright.stats import Interval


@dataclass(frozen=True)
class Row:
    """One arm and metric of a claim: ours with its interval, and the paper's figure where it gives one."""

    arm: str
    metric: str
    ours: Interval | None
    paper: Reported | None


def rows(judgement: Judgement) -> list[Row]:
    """What the claim's rule compares, arm by arm, ours beside the paper's; then the paper's other figures."""
    claim = judgement.claim
    wanted = sorted(claim.rule.metrics())
    figures = list(claim.reported)
    found = []
    for arm in claim.rule.arms() or claim.arms:
        for metric in wanted:
            paper = next((figure for figure in figures if figure.arm == arm and figure.metric == metric), None)
            if paper is not None:
                figures.remove(paper)
            found.append(Row(arm, metric, judgement.means.get(arm, {}).get(metric), paper))
    for figure in figures:
        arm = figure.arm or ""
        found.append(Row(arm, figure.metric, judgement.means.get(arm, {}).get(figure.metric), figure))
    return found


def number(value: float) -> str:
    """A number as a person would write it: four significant digits, no trailing zeros."""
    return f"{value:.4g}"


def interval(value: Interval | None) -> str:
    """An estimate and the ends of its interval."""
    if value is None:
        return ""
    if value.width == 0 or value.low == float("-inf"):
        return number(value.estimate)
    return f"{number(value.estimate)} [{number(value.low)}, {number(value.high)}]"


def reported(figure: Reported | None) -> str:
    """The paper's figure with its spread and place."""
    if figure is None:
        return ""
    spread = "" if figure.spread is None else f" ± {number(figure.spread)}"
    place = ", ".join(filter(None, (figure.where, figure.note)))
    return f"{number(figure.value)}{spread}" + (f" ({place})" if place else "")


def paper_figures(judgement: Judgement) -> str:
    """All of the paper's figures of a claim in one cell."""
    said = []
    for figure in judgement.claim.reported:
        spread = "" if figure.spread is None else f" ± {number(figure.spread)}"
        said.append(f"{figure.arm or figure.metric}: {number(figure.value)}{spread}")
    places = dict.fromkeys(figure.where for figure in judgement.claim.reported if figure.where)
    return "; ".join(said) + (f" ({', '.join(places)})" if places and said else "")


def effects(judgement: Judgement, most: int = 4) -> list[str]:
    """The parts of the rule, each with its effect, its interval at the deciding look, and where it should lie.

    Those that do not hold come first; of many, `most` are said and the rest counted.
    """
    order = sorted(judgement.findings, key=lambda finding: finding.verdict is Verdict.HOLDS)
    said = [str(finding) for finding in order[:most]]
    rest = order[most:]
    if rest:
        held = sum(finding.verdict is Verdict.HOLDS for finding in rest)
        said.append(f"and {len(rest)} more, of which {held} hold" if held < len(rest) else f"and {held} more that hold")
    return said


def plain(finding: Finding) -> dict[str, str | float | None]:
    """A finding as JSON values; an open end of its interval is null."""
    return {"effect": finding.effect, **ends(finding.interval), "expected": str(finding.region)}


def ends(value: Interval) -> dict[str, float | None]:
    """An estimate and the ends of its interval as JSON values; an open end is null."""
    numbers = {"estimate": value.estimate, "low": value.low, "high": value.high}
    return {name: number if math.isfinite(number) else None for name, number in numbers.items()}


def basis(judgement: Judgement) -> str:
    """What the verdict rests on: seeds, looks and level."""
    if judgement.problem:
        return judgement.problem
    if not judgement.seeds:
        return f"{judgement.recorded} of {judgement.expected} trials recorded"
    if judgement.claim.deterministic:
        return "exact: no randomness"
    looks = judgement.looks
    seeds = f"{judgement.seeds} seeds"
    if len(looks) > 1:
        seeds += f" (look {looks.index(judgement.seeds) + 1} of {len(looks)}, at {100 * judgement.level:.4g}%)"
    return seeds


def counts(judgements: Iterable[Judgement]) -> str:
    """How many hold, fail and so on, in one line."""
    words = [judgement.word for judgement in judgements]
    order = ("holds", "fails", "undecided", "unfinished", "runs", "no verdict", "not run")
    return ", ".join(f"{words.count(word)} {word}" for word in order if word in words) or "no claims"
