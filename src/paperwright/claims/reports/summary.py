"""A judgement in words: the cells that the terminal, the Markdown table and the HTML report share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from paperwright.claims.claim import Reported
from paperwright.claims.judgement import Judgement
from paperwright.claims.reports.amounts import number
from paperwright.claims.reports.sentences import in_short, words
from paperwright.claims.verdict import Verdict, counts
from paperwright.stats import Interval

BUDGET_WORDS: Final = {"smoke": "smoke run", "desk": "desk verdict", "paper": "paper scale"}


@dataclass(frozen=True)
class Row:
    """One arm and metric of a claim: ours with its interval, and the paper's figure where it gives one."""

    arm: str
    metric: str
    ours: Interval | None
    paper: Reported | None


def rows(judgement: Judgement) -> list[Row]:
    """What the claim's rule compares, arm by arm, ours beside the paper's; then the paper's other figures."""
    figures = list(judgement.reported)
    found = []
    for arm in judgement.compared or judgement.arms:
        for metric in judgement.metrics:
            paper = next((figure for figure in figures if figure.arm == arm and figure.metric == metric), None)
            if paper is not None:
                figures.remove(paper)
            found.append(Row(arm, metric, judgement.means.get(arm, {}).get(metric), paper))
    for figure in figures:
        arm = figure.arm or ""
        found.append(Row(arm, figure.metric, judgement.means.get(arm, {}).get(figure.metric), figure))
    return found


def reported(figure: Reported | None) -> str:
    """The paper's figure with its spread and place."""
    if figure is None:
        return ""
    spread = "" if figure.spread is None else f" ± {number(figure.spread)}"
    where = where_reported(figure)
    return f"{number(figure.value)}{spread}" + (f" ({where})" if where else "")


def where_reported(figure: Reported) -> str:
    """Where the paper's figure stands, and what is to be known of it."""
    return ", ".join(filter(None, (figure.where, figure.note)))


def paper_figures(judgement: Judgement) -> str:
    """All of the paper's figures of a claim in one cell, each with its arm; where they stand is said once."""
    figures = judgement.reported
    metrics = {figure.metric for figure in figures}
    said = []
    for figure in figures:
        said_alone = len(metrics) == 1 and figure.metric in judgement.metrics and figure.arm is not None
        metric = "" if said_alone else words(figure.metric)
        about = " of ".join(filter(None, (metric, figure.arm)))
        spread = "" if figure.spread is None else f" ± {number(figure.spread)}"
        said.append(f"{about}: {number(figure.value)}{spread}{_per_cent(judgement, figure)}")
    where = _common_place([figure.where for figure in figures if figure.where])
    return "; ".join(said) + (f" ({where})" if where and said else "")


def _per_cent(judgement: Judgement, figure: Reported) -> str:
    unit = judgement.units.get(figure.metric)
    return "%" if (unit, figure.scale) in (("%", 1.0), ("share", 0.01)) else ""


def _common_place(places: Sequence[str]) -> str:
    """Where several figures stand, once: what their places have in common at the front, else each of them."""
    common = []
    for parts in zip(*(place.split(", ") for place in places), strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return ", ".join(common) or "; ".join(dict.fromkeys(places))


def effects(judgement: Judgement, most: int = 4) -> list[str]:
    """What the rule found, in sentences, what is not as claimed first; of many, `most` and how many more."""
    return in_short(judgement, most)


def earlier_verdicts(judgement: Judgement) -> list[str]:
    """What a claim came to before, a line each: its earlier revisions, and its present seeds under earlier code."""
    said = []
    for earlier in judgement.earlier:
        stated = str(earlier.terms["statement"])
        changed = "" if stated == judgement.statement else f". It stated: {stated}"
        seeds = f"seeds {earlier.first_seed} to {earlier.end - 1}"
        said.append(f"revision {earlier.number} ({seeds}): {_outcome(earlier.came_to)}{changed}")
    for came_to in (judgement.revision.came_to or {}).get("under_earlier_code", []):
        same = came_to["verdict"] == judgement.verdict.value
        said.append(f"these seeds under earlier code: {'the same' if same else _outcome(came_to)}")
    return said


def _outcome(came_to: Mapping[str, Any] | None) -> str:
    return "not judged" if came_to is None else "; ".join([came_to["verdict"], *came_to["findings"][:2]])


def basis(judgement: Judgement) -> str:
    """What the verdict rests on: seeds, looks and level."""
    if judgement.problem:
        return judgement.problem
    if not judgement.seeds:
        return f"{judgement.recorded} of {judgement.expected} trials recorded"
    if judgement.deterministic:
        return "exact: no randomness"
    looks = judgement.looks
    seeds = f"{judgement.seeds} seed{'s' * (judgement.seeds > 1)}"
    if len(looks) > 1:
        seeds += f" (look {looks.index(judgement.seeds) + 1} of {len(looks)}, at {100 * judgement.level:.4g}%)"
    return seeds


def counts_line(judgements: Iterable[Judgement]) -> str:
    """How many hold, fail and so on, in one line."""
    found = counts(judgement.verdict for judgement in judgements)
    said = (f"{count} {verdict.value if count == 1 else verdict.plural}" for verdict, count in found.items())
    return ", ".join(said) or "no claims"


def tally(judgements: Sequence[Judgement]) -> str:
    """What the claims of a paper came to, with how many there are: "14 of 20 hold, 4 fail, 2 undecided"."""
    found = counts(judgement.verdict for judgement in judgements)
    held = found.pop(Verdict.HOLDS, 0)
    if held == len(judgements) > 1:
        return f"all {held} hold"
    others = [f"{count} {verdict.plural if count > 1 else verdict}" for verdict, count in found.items()]
    return ", ".join([f"{held} of {len(judgements)} {'holds' if held == 1 else 'hold'}", *others])
