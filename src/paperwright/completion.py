"""What the shell's tab key offers for PAPER and PAPER/CLAIM, from cards and evidence files; no room is imported."""

from collections.abc import Iterator

from paperwright.registry import Room, registry


def complete_paper(incomplete: str) -> list[tuple[str, str]]:
    """The papers whose names start so, each with its title."""
    return [(room.name, room.card.title) for room in registry().rooms() if room.name.startswith(incomplete)]


def complete_claim(incomplete: str) -> list[tuple[str, str]]:
    """The papers, and after "paper/" the claims of that paper, whose names start so."""
    if "/" not in incomplete:
        return complete_paper(incomplete)
    rooms = (room for room in registry().rooms() if incomplete.startswith(f"{room.name}/"))
    return [(path, said) for room in rooms for path, said in _claims(room) if path.startswith(incomplete)]


def _claims(room: Room) -> Iterator[tuple[str, str]]:
    """The claims that a room's card and its evidence name, each with its statement as far as it is known."""
    import json

    statements: dict[str, str] = {room.card.demo: ""} if room.card.demo else {}
    try:
        content = json.loads(room.evidence_path.read_text(encoding="utf-8"))
        statements |= {str(claim["claim"]): str(claim["statement"]) for claim in content["claims"]}
    except (OSError, ValueError, KeyError, TypeError):  # the tab key is no place for complaints
        pass
    return ((f"{room.name}/{name}", said) for name, said in sorted(statements.items()))
