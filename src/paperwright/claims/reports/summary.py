"""A judgement in words: the cells that the terminal, the Markdown table and the HTML report share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from paperwright.claims.claim import Reported
from paperwright.claims.judgement import Judgement
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
    where = where_reported(figure)
    return f"{number(figure.value)}{spread}" + (f" ({where})" if where else "")


def where_reported(figure: Reported) -> str:
    """Where the paper's figure stands, and what is to be known of it."""
    return ", ".join(filter(None, (figure.where, figure.note)))


def paper_figures(judgement: Judgement) -> str:
    """All of the paper's figures of a claim in one cell."""
    said = []
    for figure in judgement.reported:
        spread = "" if figure.spread is None else f" ± {number(figure.spread)}"
        said.append(f"{figure.arm or figure.metric}: {number(figure.value)}{spread}")
    places = dict.fromkeys(figure.where for figure in judgement.reported if figure.where)
    return "; ".join(said) + (f" ({', '.join(places)})" if places and said else "")


def effects(judgement: Judgement, most: int = 4) -> list[str]:
    """The parts of the rule, each with its effect, its interval at the deciding look, and where it should lie.

    Those that do not hold come first; of many, `most` are said and the rest counted.
    """
    order = sorted(judgement.findings, key=lambda finding: finding.verdict is Verdict.HOLDS)
    said = [f"{finding} ({finding.reason})" if finding.reason else str(finding) for finding in order[:most]]
    rest = order[most:]
    if rest:
        held = sum(finding.verdict is Verdict.HOLDS for finding in rest)
        said.append(f"and {len(rest)} more, of which {held} hold" if held < len(rest) else f"and {held} more that hold")
    return said


def earlier_verdicts(judgement: Judgement) -> list[str]:
    """What a claim came to before, a line each: its earlier revisions, and its present seeds under earlier code."""
    said = []
    for earlier in judgement.earlier:
        stated = str(earlier.terms["statement"])
        changed = "" if stated == judgement.statement else f". It stated: {stated}"
        seeds = f"seeds {earlier.first_seed} to {earlier.end - 1}"
        said.append(f"revision {earlier.number} ({seeds}): {_outcome(earlier.came_to)}{changed}")
    for came_to in (judgement.revision.came_to or {}).get("under_earlier_code", []):
        said.append(f"these seeds under earlier code: {_outcome(came_to)}")
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
