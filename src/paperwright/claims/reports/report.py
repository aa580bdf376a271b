"""The report: judgements as one HTML file that needs nothing else, to be read, printed, sent and kept.

Everything stands in the file: styles, figures, words. It asks nothing of the network and runs no script.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from paperwright import __version__
from paperwright._lazy import RoomError
from paperwright.cards import Card
from paperwright.claims.judgement import Judgement
from paperwright.claims.reports import amounts, summary
from paperwright.claims.reports.amounts import with_minus_signs
from paperwright.claims.reports.figure import arms_figure, effects_figure
from paperwright.claims.reports.sentences import sentences, words
from paperwright.claims.verdict import counts
from paperwright.files import write_text
from paperwright.registry import Registry, UnknownPaper, registry

if TYPE_CHECKING:
    from jinja2 import Template


TITLE: Final = "What the claims came to"

_MEANING: Final = {
    "smoke": "A smoke run shows that the experiment runs. It decides nothing.",
    "desk": "A desk verdict is about the smaller version of the experiment that is described here.",
    "paper": "Tried at the scale of the paper's own experiment.",
}


def write_report(
    judgements: Sequence[Judgement],
    path: Path,
    *,
    title: str = TITLE,
    registry: Registry | None = None,
) -> None:
    """Writes the report of some judgements to a file, whole or not at all.

    Args:
        judgements: what is reported, in this order.
        path: the HTML file.
        title: its heading.
        registry: where the papers' cards are; by default this environment's.

    Raises:
        WriteError: the file cannot be written.
    """
    text = report_html(judgements, title=title, registry=registry)
    write_text(path, text, parents=True)


def report_html(
    judgements: Sequence[Judgement],
    *,
    title: str = TITLE,
    registry: Registry | None = None,
) -> str:
    """The report as text; the arguments are those of `write_report`."""
    papers: dict[str, list[Mapping[str, Any]]] = {}
    overview = []
    for number, judgement in enumerate(judgements, start=1):
        name = judgement.paper
        view = _claim(judgement, f"claim-{number}")
        papers.setdefault(name, []).append(view)
        overview.append({"paper": name, "claim": view})
    return _template().render(
        title=title,
        counts=list(counts(judgement.verdict for judgement in judgements).items()),
        summary=summary.counts_line(judgements),
        overview=overview,
        papers=[{"name": name, "card": _card(name, registry), "claims": claims} for name, claims in papers.items()],
        budgets=[_MEANING[budget] for budget in _MEANING if any(each.budget == budget for each in judgements)],
        version=__version__,
        today=f"{datetime.now(UTC):%d %B %Y}".lstrip("0"),
    )


@functools.cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _card(paper: str, house: Registry | None) -> Card | None:
    """The paper's card; None for a paper that has no room here, such as one whose evidence came from elsewhere."""
    try:
        return (house or registry()).room(paper).card
    except (UnknownPaper, RoomError):
        return None


def _claim(judgement: Judgement, identifier: str) -> dict[str, Any]:
    """What the template shows of one claim."""
    place = {arm: number for number, arm in enumerate(judgement.arms)}
    said = sentences(judgement)
    alone = len({each.verdict for each in said}) == 1
    rows = sorted(summary.rows(judgement), key=lambda row: (place.get(row.arm, len(place)), row.metric))
    return {
        "id": identifier,
        "path": judgement.path,
        "statement": judgement.statement,
        "where": judgement.where,
        "verdict": judgement.verdict,
        "budget": summary.BUDGET_WORDS[judgement.budget],
        "meaning": _MEANING[judgement.budget],
        "basis": _basis(judgement),
        "paper": summary.paper_figures(judgement),
        "in_short": [with_minus_signs(line) for line in summary.effects(judgement, most=3)],
        "found": [
            {
                "text": with_minus_signs(each.text),
                "expected": with_minus_signs(each.expected),
                "note": with_minus_signs(each.note),
                "verdict": "" if alone or judgement.budget == "smoke" else each.verdict,
            }
            for each in said
        ],
        "conditions": [
            {
                "effect": finding.effect,
                "found": with_minus_signs(amounts.interval(finding.interval)),
                "expected": with_minus_signs(str(finding.region)),
                "verdict": finding.verdict if judgement.budget != "smoke" else "",
            }
            for finding in judgement.findings
            if len(said) < len(judgement.findings)
        ],
        "rows": [
            {
                "arm": row.arm,
                "metric": words(row.metric),
                "ours": with_minus_signs(amounts.number(row.ours.estimate)) if row.ours else "",
                "interval": _interval_cell(row),
                "paper": _paper_cell(row),
                "where": summary.where_reported(row.paper) if row.paper else "",
            }
            for row in rows
        ],
        "effects_figure": effects_figure(judgement, salt=f"{identifier}-effects"),
        "arms_figure": arms_figure(judgement, salt=f"{identifier}-arms"),
        "runs": any(len(seeds) > 1 for seeds in judgement.trials.numbers.values()),
        "rescaled": any(figure.scale != 1 for figure in judgement.reported),
        "marks": any(row.paper and row.ours for row in rows),
        "exact": judgement.deterministic,
        "quoted": any(row.paper for row in rows),
        "scale": judgement.scale,
        "remarks": judgement.remarks,
        "history": summary.earlier_verdicts(judgement),
        "facts": _facts(judgement),
    }


def _interval_cell(row: summary.Row) -> str:
    if row.ours is None or row.ours.width == 0:
        return ""
    if not math.isfinite(row.ours.width):
        return "open"
    return with_minus_signs(f"{amounts.number(row.ours.low)} to {amounts.number(row.ours.high)}")


def _paper_cell(row: summary.Row) -> str:
    if row.paper is None:
        return ""
    spread = "" if row.paper.spread is None else f" ± {amounts.number(row.paper.spread)}"
    return with_minus_signs(f"{amounts.number(row.paper.value)}{spread}")


def _basis(judgement: Judgement) -> str:
    said = summary.basis(judgement)
    single = len(judgement.looks) == 1 and judgement.seeds and not judgement.deterministic
    return f"{said} (at {100 * judgement.level:.4g}%)" if single and not judgement.problem else said


def _facts(judgement: Judgement) -> list[tuple[str, str]]:
    """How the claim was tried, as pairs of a name and what there is to say; only what is known."""
    trials, revision = judgement.trials, judgement.revision
    looks = ", ".join(str(look) for look in judgement.looks)
    planned = f"{looks} seeds" if len(judgement.looks) == 1 else f"looks after {looks} seeds"
    facts = [
        ("Rule", judgement.rule),
        ("Planned", "one exact trial an arm" if judgement.deterministic else planned),
        ("Trials", f"{judgement.recorded:,} of {judgement.expected:,} recorded" + _failed_before(trials.failed_before)),
        ("Seeds", f"from {revision.first_seed}, revision {revision.number}" if revision.number > 1 else ""),
        ("Settings", ", ".join(f"{name} = {value}" for name, value in judgement.settings.items())),
        ("Data", ", ".join(judgement.needs) or "none needed"),
        ("Machine", "; ".join(_machine(machine) for machine in trials.machines)),
        ("Time", _duration(trials.seconds) if trials.numbers else ""),
        ("Memory", f"at most {trials.peak_memory / 2**20:.0f} MiB a trial" if trials.peak_memory else ""),
        ("Run", datetime.fromtimestamp(trials.finished, UTC).strftime("%Y-%m-%d") if trials.finished else ""),
    ]
    return [(name, said) for name, said in facts if said]


def _failed_before(attempts: int) -> str:
    return f", after {attempts:,} attempt{'s' * (attempts > 1)} that failed" if attempts else ""


def _machine(machine: Mapping[str, Any]) -> str:
    parts = [str(machine[key]) for key in ("system", "device") if machine.get(key)]
    if machine.get("processors"):
        parts.append(f"{machine['processors']} processors")
    if machine.get("threads"):
        parts.append(f"{machine['threads']} thread{'s' if machine['threads'] != 1 else ''} a trial")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms for all trials"
    if seconds < 120:
        return f"{seconds:.1f} s for all trials"
    return f"{seconds / 60:.0f} min for all trials" if seconds < 7200 else f"{seconds / 3600:.1f} h for all trials"
