"""The report: judgements as one HTML file that needs nothing else, to be read, printed, sent and kept.

Everything stands in the file: styles, figures, words. It asks nothing of the network and runs no script.
"""

import dataclasses
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from paperwright import __version__
from paperwright._lazy import RoomError
from paperwright.cards import Card
from paperwright.claims import summary
from paperwright.claims.figure import arms_figure, effects_figure
from paperwright.claims.judgement import Judgement, Numbers
from paperwright.claims.writing import write_text
from paperwright.registry import Registry, UnknownPaper, registry

if TYPE_CHECKING:
    from jinja2 import Template

    from paperwright.claims.store import Record, Store

TITLE: Final = "What the claims came to"

_BUDGETS: Final = {
    "smoke": ("smoke run", "A smoke run shows that the experiment runs. It decides nothing."),
    "desk": ("desk verdict", "A desk verdict is about the smaller version of the experiment that is described here."),
    "paper": ("paper scale", "Tried at the scale of the paper's own experiment."),
}
_ORDER: Final = ("holds", "fails", "undecided", "unfinished", "runs", "no verdict", "not run")


@dataclass(frozen=True)
class Trials:
    """The trials behind a judgement.

    Attributes:
        numbers: for each arm, for each seed, what the trial returned.
        seconds: the time of all of them together.
        peak_memory: the greatest memory that one of them held, in bytes; None where it was not measured.
        machines: each machine that they ran on: its system, processors, threads and device.
        finished: when the last of them started, in seconds since the epoch; None where it is not known.
    """

    numbers: Numbers = field(default_factory=dict)
    seconds: float = 0.0
    peak_memory: int | None = None
    machines: tuple[Mapping[str, Any], ...] = ()
    finished: float | None = None


def trials_of(records: Iterable["Record"]) -> Trials:
    """What a report shows of some records; those of pilot seeds and of trials that raised are left out."""
    numbers: dict[str, dict[int, Mapping[str, float]]] = {}
    seconds, started, memory = 0.0, list[float](), list[int]()
    machines: dict[str, Mapping[str, Any]] = {}
    for record in records:
        outcome = record.outcome
        if outcome.numbers is None or record.key.pilot:
            continue
        numbers.setdefault(record.key.arm, {})[record.key.seed] = outcome.numbers
        seconds += outcome.seconds
        started.append(outcome.started)
        memory += [] if outcome.peak_memory is None else [outcome.peak_memory]
        machines[repr(sorted(outcome.machine.items()))] = outcome.machine
    return Trials(numbers, seconds, max(memory, default=None), tuple(machines.values()), max(started, default=None))


def recorded_trials(judgements: Iterable[Judgement], store: "Store", device: str = "cpu") -> dict[str, Trials]:
    """The trials in a store that some judgements rest on: those of each claim's present context."""
    from paperwright.claims.catalogue import select
    from paperwright.claims.fingerprint import context_here
    from paperwright.claims.standing import counting

    found = {}
    for judgement in judgements:
        entry = next(entry for entry in select([judgement.path]) if entry.path == judgement.path)
        context, _ = context_here(entry, judgement.budget, device)
        found[judgement.path] = trials_of(counting(store, entry, judgement.budget, context))
    return found


def evidence_trials(judgements: Iterable[Judgement], house: Registry | None = None) -> dict[str, Trials]:
    """The trials in the papers' evidence files that some judgements rest on."""
    from paperwright.claims.evidence import read_evidence

    found = {}
    for judgement in judgements:
        paper, _, name = judgement.path.partition("/")
        evidence = read_evidence((house or registry()).room(paper).evidence_path).get(name)
        if evidence is not None:
            ran = [trial for trial in evidence.trials if trial["numbers"] is not None]
            memory = [trial["peak_memory"] for trial in ran if trial["peak_memory"] is not None]
            found[judgement.path] = Trials(
                numbers=evidence.numbers(),
                seconds=sum(trial["seconds"] for trial in ran),
                peak_memory=max(memory, default=None),
                machines=(evidence.content["machine"],),
            )
    return found


def write_report(
    judgements: Sequence[Judgement],
    path: Path,
    *,
    title: str = TITLE,
    registry: Registry | None = None,
    trials: Mapping[str, Trials] | None = None,
) -> None:
    """Writes the report of some judgements to a file, whole or not at all.

    Args:
        judgements: what is reported, in this order.
        path: the HTML file.
        title: its heading.
        registry: where the papers' cards are; by default this environment's.
        trials: the trials behind each judgement, by its path, if each run, the machine and the time are to be shown.

    Raises:
        WriteError: the file cannot be written.
    """
    text = report_html(judgements, title=title, registry=registry, trials=trials)
    write_text(path, text)


def report_html(
    judgements: Sequence[Judgement],
    *,
    title: str = TITLE,
    registry: Registry | None = None,
    trials: Mapping[str, Trials] | None = None,
) -> str:
    """The report as text; the arguments are those of `write_report`."""
    behind = trials or {}
    papers: dict[str, list[Mapping[str, Any]]] = {}
    overview = []
    for number, judgement in enumerate(judgements, start=1):
        name = judgement.path.partition("/")[0]
        view = _claim(judgement, behind.get(judgement.path, Trials()), f"claim-{number}")
        papers.setdefault(name, []).append(view)
        overview.append({"paper": name, "claim": view})
    words = [judgement.word for judgement in judgements]
    return _template().render(
        title=title,
        counts=[(word, words.count(word)) for word in _ORDER if word in words],
        summary=summary.counts(judgements),
        overview=overview,
        papers=[{"name": name, "card": _card(name, registry), "claims": claims} for name, claims in papers.items()],
        budgets=[_BUDGETS[budget][1] for budget in _BUDGETS if any(each.budget == budget for each in judgements)],
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


def _claim(judgement: Judgement, trials: Trials, identifier: str) -> dict[str, Any]:
    """What the template shows of one claim."""
    claim = judgement.claim
    budget = claim.budget(judgement.budget)
    label, meaning = _BUDGETS[judgement.budget]
    place = {arm: number for number, arm in enumerate(claim.arms)}
    rows = sorted(summary.rows(judgement), key=lambda row: (place.get(row.arm, len(place)), row.metric))
    return {
        "id": identifier,
        "path": judgement.path,
        "statement": claim.statement,
        "where": claim.where,
        "word": judgement.word,
        "kind": judgement.word.replace(" ", "-"),
        "budget": label,
        "meaning": meaning,
        "basis": _basis(judgement),
        "paper": summary.paper_figures(judgement),
        "effects": [
            {
                "effect": finding.effect,
                "found": _signed(summary.interval(finding.interval)),
                "expected": _signed(str(finding.region)),
                "verdict": finding.verdict.value if judgement.budget != "smoke" else "",
            }
            for finding in judgement.findings
        ],
        "rows": [
            {
                "arm": row.arm,
                "metric": row.metric,
                "ours": _signed(summary.number(row.ours.estimate)) if row.ours else "",
                "interval": _ends(row),
                "paper": _paper_cell(row),
                "where": ", ".join(filter(None, (row.paper.where, row.paper.note))) if row.paper else "",
            }
            for row in rows
        ],
        "effects_figure": effects_figure(judgement, salt=f"{identifier}-effects"),
        "arms_figure": arms_figure(judgement, trials.numbers, salt=f"{identifier}-arms"),
        "runs": any(len(seeds) > 1 for seeds in trials.numbers.values()),
        "rescaled": any(figure.scale != 1 for figure in claim.reported),
        "marks": any(row.paper and row.ours for row in rows),
        "exact": claim.deterministic,
        "quoted": any(row.paper for row in rows),
        "remarks": claim.remarks,
        "facts": _facts(judgement, dict(budget.config), budget.needs, trials),
    }


def _ends(row: summary.Row) -> str:
    if row.ours is None or row.ours.width == 0:
        return ""
    return _signed(f"{summary.number(row.ours.low)} to {summary.number(row.ours.high)}")


def _paper_cell(row: summary.Row) -> str:
    if row.paper is None:
        return ""
    spread = "" if row.paper.spread is None else f" ± {summary.number(row.paper.spread)}"
    return _signed(f"{summary.number(row.paper.value)}{spread}")


def _signed(text: str) -> str:
    """The text with a true minus sign before its numbers."""
    return re.sub(r"(?<![\w.])-(?=[\d.]|inf)", "\N{MINUS SIGN}", text).replace("inf", "\N{INFINITY}")


def _basis(judgement: Judgement) -> str:
    said = summary.basis(judgement)
    single = len(judgement.looks) == 1 and judgement.seeds and not judgement.claim.deterministic
    return f"{said} (at {100 * judgement.level:.4g}%)" if single and not judgement.problem else said


def _rule(rule: object) -> str:
    """A rule as its author wrote it: without the arguments left at their defaults."""
    if not dataclasses.is_dataclass(rule):
        return repr(rule)
    said = []
    for each in dataclasses.fields(rule):
        value = getattr(rule, each.name)
        if each.name == "rules" and isinstance(value, tuple):
            said += [_rule(part) for part in value]
        elif value != each.default:
            said.append(f"{each.name}={value!r}" if said else repr(value))
    return f"{type(rule).__name__}({', '.join(said)})"


def _facts(
    judgement: Judgement, config: Mapping[str, Any], needs: Sequence[str], trials: Trials
) -> list[tuple[str, str]]:
    """How the claim was tried, as pairs of a name and what there is to say; only what is known."""
    looks = ", ".join(str(look) for look in judgement.looks)
    planned = f"{looks} seeds" if len(judgement.looks) == 1 else f"looks after {looks} seeds"
    facts = [
        ("Rule", _rule(judgement.claim.rule)),
        ("Planned", "one exact trial an arm" if judgement.claim.deterministic else planned),
        ("Trials", f"{judgement.recorded} of {judgement.expected} recorded"),
        ("Configuration", ", ".join(f"{name} = {value}" for name, value in config.items())),
        ("Data", ", ".join(needs) or "none needed"),
        ("Machine", "; ".join(_machine(machine) for machine in trials.machines)),
        ("Time", _duration(trials.seconds) if trials.numbers else ""),
        ("Memory", f"at most {trials.peak_memory / 2**20:.0f} MiB a trial" if trials.peak_memory else ""),
        ("Run", datetime.fromtimestamp(trials.finished, UTC).strftime("%Y-%m-%d") if trials.finished else ""),
    ]
    return [(name, said) for name, said in facts if said]


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
