"""The papers that have a room, as a page shows them: the card, how the method is imported, and what its claims came to.

Everything is read from the card and the evidence file. No code of a room is imported, so a page costs milliseconds and
needs nothing that the room needs.
"""

import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from paperwright.claims.evidence.recorded import EvidenceError, recorded_claims
from paperwright.claims.judgement import Judgement
from paperwright.claims.verdict import counts
from paperwright.pages import import_lines
from paperwright.registry import Room, UnknownPaper, registry

if TYPE_CHECKING:
    from paperwright.navigator.paper import Paper


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


def claims_of(room: Room) -> list[Judgement]:
    """The claims in a room's evidence file; none where there is no such file, or it is not one."""
    try:
        return [claim.judgement for claim in recorded_claims(room).values()]
    except EvidenceError:
        return []


def verdicts_of(claims: Iterable[Judgement]) -> str:
    """What the claims came to, in a line."""
    return ", ".join(f"{count} {verdict.plural}" for verdict, count in counts(c.verdict for c in claims).items())


def figures_of(room: Room, claims: Sequence[Judgement]) -> dict[str, list[Markup]]:
    """The figures of each claim, by its path, as the report draws them; drawn once for each state of the evidence."""
    if not claims:
        return {}
    return _figures(room, room.evidence_path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _figures(room: Room, changed: int) -> dict[str, list[Markup]]:
    from paperwright.claims.reports.figure import arms_figure, effects_figure

    drawn = {}
    for place, claim in enumerate(claims_of(room)):
        both = (arms_figure(claim, salt=f"arms-{place}"), effects_figure(claim, salt=f"effects-{place}"))
        drawn[claim.path] = [Markup(each) for each in both if each]  # XML made here; every text in it is escaped
    return drawn
