"""The claims of the rooms, by their paths: "paper/claim", or "paper/claim/case" for one of several cases."""

import fnmatch
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from paperwright._lazy import RoomError
from paperwright.claims.claim import Claim
from paperwright.claims.fingerprint.reached_code import code_of
from paperwright.registry import Registry, Room, registry


class UnknownClaim(LookupError):
    """No claim has this path; the message names those there are."""

    exit_code = 2


@dataclass(frozen=True)
class Entry:
    """A claim and where it stands.

    Attributes:
        paper: the room's name.
        name: the claim's name in the room: that of its variable, with "/case" for one of several.
        module: the module that defines it.
    """

    paper: str
    name: str
    module: str
    claim: Claim

    @property
    def path(self) -> str:
        return f"{self.paper}/{self.name}"


def claims_of(module: str) -> dict[str, Claim]:
    """The claims that a module defines, by name, in their order: variables that hold a `Claim`, or a dict of them.

    Raises:
        ValueError: one claim stands under two names or its code cannot be followed.
    """
    found: dict[str, Claim] = {}
    for name, value in vars(importlib.import_module(module)).items():
        if name.startswith("_"):
            continue
        if isinstance(value, Claim):
            found[name] = value
        elif isinstance(value, Mapping) and value and all(isinstance(case, Claim) for case in value.values()):
            found |= {f"{name}/{case}": claim for case, claim in value.items()}
    names: dict[int, str] = {}
    for name, claim in found.items():
        if id(claim) in names:
            raise ValueError(f"{module}: one claim stands under two names, {names[id(claim)]} and {name}")
        names[id(claim)] = name
        try:
            code_of(module, claim)
        except ValueError as error:
            raise ValueError(f"{module}.{name}: {error}") from None
    return found


@cache
def _cached(module: str) -> dict[str, Claim]:
    return claims_of(module)


def entry_of(paper: str, name: str, module: str) -> Entry:
    """The claim called `name` in `module`; what a worker in another process calls."""
    claims = _cached(module)
    if name not in claims:
        raise UnknownClaim(f"{module} has no claim {name!r}; it has {', '.join(claims)}")
    return Entry(paper, name, module, claims[name])


def entries(room: Room) -> list[Entry]:
    """All claims of a room.

    Raises:
        RoomError: its code cannot be imported, or one of its claims cannot be tried as it is written.
    """
    module = room.claims_module().__name__
    try:
        claims = _cached(module)
    except ValueError as error:
        raise RoomError(f"{room} (from {room.origin}): {error}") from error
    return [Entry(room.name, name, module, claim) for name, claim in claims.items()]


def select(paths: Iterable[str], house: Registry | None = None) -> list[Entry]:
    """The claims that some paths name: "paper" all of a room's, "paper/claim" one, with all its cases; "*" matches.

    Raises:
        UnknownPaper, UnknownClaim: a path names nothing.
    """
    house = house or registry()
    chosen: dict[str, Entry] = {}
    for path in paths:
        room, wanted = _split(path, house)
        there = entries(room)
        matching = [entry for entry in there if _matches(entry.name, wanted)]
        if not matching:
            listed = ", ".join(entry.name for entry in there) or "none"
            raise UnknownClaim(f"{room.name} has no claim {wanted!r}; its claims: {listed}")
        chosen |= {entry.path: entry for entry in matching}
    return list(chosen.values())


def _split(path: str, house: Registry) -> tuple[Room, str]:
    first, _, rest = path.strip("/").partition("/")
    if first in {room.wing for room in house.rooms()} and rest:
        first, _, rest = rest.partition("/")
    return house.room(first), rest


def _matches(name: str, wanted: str) -> bool:
    return not wanted or name == wanted or name.startswith(f"{wanted}/") or fnmatch.fnmatchcase(name, wanted)
