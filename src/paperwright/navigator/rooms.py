"""From a library's record of a paper to the room that the paper has here: its card, its method, its claims."""

import functools
import re
from collections.abc import Mapping

from paperwright.registry import registry

from .paper import Paper
from .sources.room_cards import identity


def room_of(paper: Paper) -> str | None:
    """The name of the paper's room, or None: the record names it, or has the card's title, arXiv id, DOI or forum."""
    by_name, by_title, by_identity = _rooms()
    named = paper.raw.get("room")
    if isinstance(named, str) and named in by_name:
        return named
    if found := by_title.get(_plain(paper.title)):
        return found
    identities = (paper.id, *map(identity, paper.urls.values()))
    return next((by_identity[one] for one in identities if one in by_identity), None)


@functools.cache
def _rooms() -> tuple[frozenset[str], Mapping[str, str], Mapping[str, str]]:
    """The rooms' names; and by the titles of their papers, and by the identities that their links give."""
    rooms = registry().rooms()
    by_title = {_plain(room.card.title): room.name for room in rooms}
    by_identity = {found: room.name for room in rooms for link in room.card.links.values() if (found := identity(link))}
    return frozenset(room.name for room in rooms), by_title, by_identity


def _plain(title: str) -> str:
    return re.sub(r"[^a-z0-9]", "", title.casefold())
