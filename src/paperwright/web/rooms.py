"""The papers that have a room, as a page shows them: the card, how the method is imported, and what its claims came to.

Everything is read from the card and the evidence file. No code of a room is imported, so a page costs milliseconds and
needs nothing that the room needs.
"""

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from paperwright.pages import import_lines
from paperwright.registry import Room, UnknownPaper, registry
from paperwright.stats import mean_interval

if TYPE_CHECKING:
    from paperwright.navigator.paper import Paper

BUDGETS: Final[Mapping[str, str]] = {
    "smoke": "smoke run: it decides nothing",
    "desk": "desk verdict: about the smaller version of the experiment",
    "paper": "at the scale of the paper's own experiment",
}
_MOST_RUNS: Final = 60  # runs of an arm drawn as dots


@dataclass(frozen=True)
class Arm:
    """A row of a claim's figure: ours, with its 95% interval and single runs, and the paper's mark."""

    name: str
    ours: float | None
    low: float | None
    high: float | None
    runs: tuple[float, ...]
    paper: float | None
    place: str


@dataclass(frozen=True)
class Panel:
    """The arms of a claim under one metric."""

    metric: str
    arms: tuple[Arm, ...]


@dataclass(frozen=True)
class Effect:
    """A part of a claim's rule: what was found, and where it should lie."""

    name: str
    found: str
    expected: str


@dataclass(frozen=True)
class ClaimPage:
    """A claim as its evidence file records it."""

    path: str
    statement: str
    where: str
    word: str
    budget: str
    seeds: int
    problem: str
    effects: tuple[Effect, ...]
    panels: tuple[Panel, ...]
    remarks: str

    @property
    def quoted(self) -> bool:
        """Whether the paper's own figures stand beside ours."""
        return any(arm.paper is not None for panel in self.panels for arm in panel.arms)


def room_of(paper: "Paper") -> Room | None:
    """The room of a paper in a library; None for most."""
    from paperwright.navigator.rooms import room_of as name_of

    name = name_of(paper)
    return None if name is None else room_named(name)


def room_named(name: str) -> Room | None:
    try:
        return registry().room(name)
    except UnknownPaper:
        return None


def method_lines(room: Room) -> str:
    """How its method is installed and imported."""
    return import_lines(room)


def claims_of(room: Room) -> list[ClaimPage]:
    """The claims in a room's evidence file; none where there is no such file, or it is not one."""
    try:
        changed = room.evidence_path.stat().st_mtime_ns
    except OSError:
        return []
    return _claims(room, changed)


def verdicts_of(claims: Sequence[ClaimPage]) -> str:
    """What the claims came to, in a line."""
    names = {"holds": "hold", "fails": "fail", "undecided": "undecided", "no verdict": "without a verdict"}
    counts = {word: sum(claim.word == word for claim in claims) for word in names}
    return ", ".join(f"{count} {names[word]}" for word, count in counts.items() if count)


@functools.lru_cache(maxsize=64)
def _claims(room: Room, changed: int) -> list[ClaimPage]:
    try:
        content = json.loads(room.evidence_path.read_text(encoding="utf-8"))
        return [_claim(room, claim, content["budget"]) for claim in content["claims"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _claim(room: Room, claim: Mapping[str, Any], budget: str) -> ClaimPage:
    return ClaimPage(
        path=f"{room.name}/{claim['claim']}",
        statement=claim["statement"],
        where=claim["where"],
        word=claim["verdict"] or "no verdict",
        budget=BUDGETS.get(budget, budget),
        seeds=claim["seeds"],
        problem=claim["problem"] or "",
        effects=tuple(map(_effect, claim["findings"])),
        panels=tuple(_panels(claim["trials"], claim["reported"], claim["findings"])),
        remarks=claim.get("remarks") or "",
    )


def _effect(finding: Mapping[str, Any]) -> Effect:
    low, high = finding["low"], finding["high"]
    found = number(finding["estimate"])
    if low is None or high is None or low != high:
        found += f" [{'−∞' if low is None else number(low)}, {'∞' if high is None else number(high)}]"
    return Effect(finding["effect"], found, finding["expected"])


def _panels(
    trials: Sequence[Mapping[str, Any]], reported: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]]
) -> Iterable[Panel]:
    """A panel for each metric that the rule speaks of or the paper reports, in the order in which they came."""
    runs: dict[str, dict[str, list[float]]] = {}
    for trial in trials:
        for metric, value in (trial["numbers"] or {}).items():
            if isinstance(value, int | float):
                runs.setdefault(metric, {}).setdefault(trial["arm"], []).append(float(value))
    spoken = " ".join(finding["effect"] for finding in findings)
    quoted = {figure["metric"] for figure in reported}
    arms = list(dict.fromkeys(trial["arm"] for trial in trials))
    for metric in dict.fromkeys([*runs, *quoted]):
        if metric not in quoted and not re.search(rf"(?<!\w){re.escape(metric)}(?!\w)", spoken):
            continue
        figures = {figure["arm"] or "": figure for figure in reported if figure["metric"] == metric}
        names = [arm for arm in arms if arm in runs.get(metric, {})]
        names += [arm for arm in figures if arm not in names]
        yield Panel(metric, tuple(_arm(name, runs.get(metric, {}).get(name, []), figures.get(name)) for name in names))


def _arm(name: str, values: Sequence[float], figure: Mapping[str, Any] | None) -> Arm:
    ours = low = high = None
    if values:
        ours = low = high = values[0]
        if len(values) > 1:
            interval = mean_interval(values)
            ours, low, high = interval.estimate, interval.low, interval.high
    mark = None if figure is None else float(figure["value"]) * float(figure["scale"])
    place = "" if figure is None else ", ".join(filter(None, (figure["where"], figure["note"])))
    runs = tuple(values[:_MOST_RUNS]) if len(values) > 1 else ()
    return Arm(name or "the paper", ours, low, high, runs, mark, place)


def number(value: float) -> str:
    """Four significant digits, with a true minus sign."""
    return f"{value:.4g}".replace("-", "−")
