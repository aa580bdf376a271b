"""What is in a library twice: found, proposed, and joined when a reader says so.

Sure are records that share an arXiv id or a forum, a DOI and a title that agrees, or the title and the first author's
surname, unless ids of one kind tell them apart, as with a paper that was handed in two years running. Titles that are
nearly the same only propose a pair: a person decides.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from .duplicates import joined, keys_of, told_apart
from .errors import NavigatorError
from .paper import Paper
from .titles import RATIO, proposals, titles_agree

if TYPE_CHECKING:
    from .library import Library

MOST = 50
"""Papers that share one thing and are compared pair by pair; more than these are no duplicates, but a series."""

_SHARED = {
    "arxiv": "the same arXiv id",
    "doi": "the same DOI",
    "forum": "the same forum",
    "title": "the same title and first author",
}


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Papers of a library that are one, or may be.

    Attributes:
        ids: Theirs; first the one that stays when they are joined.
        why: What they share.
        sure: Whether they are joined without being named.
    """

    ids: tuple[str, ...]
    why: str
    sure: bool


def duplicates(library: "Library", ratio: float = RATIO) -> list[Duplicates]:
    """The papers that are there twice: first those that surely are, then those whose titles are nearly the same.

    Args:
        library: Where to look.
        ratio: As for `titles.proposals`.

    Raises:
        NavigatorError: the ratio cannot be.
    """
    found = sure_duplicates(library)
    group_of = {identifier: number for number, group in enumerate(found) for identifier in group.ids}
    for near in proposals(library.papers(), ratio):
        first, second = group_of.get(near.first), group_of.get(near.second)
        if first is None or first != second:
            found.append(Duplicates((near.first, near.second), f"titles alike ({near.ratio:.2f})", sure=False))
    return found


def sure_duplicates(library: "Library") -> list[Duplicates]:
    """The groups of papers that are surely one each, in the order of their ids."""
    neighbours: dict[str, set[str]] = defaultdict(set)
    shared: dict[str, set[str]] = defaultdict(set)
    for kind, ids in _sharing(library):
        for first, second in combinations(library.many(ids[:MOST]).values(), 2):
            if kind == "doi" and not titles_agree(first.title, second.title):
                continue
            if kind in ("doi", "title") and told_apart(first, second):
                continue
            for one, other in ((first, second), (second, first)):
                neighbours[one.id].add(other.id)
                shared[one.id].add(kind)
    groups = []
    for ids in _components(neighbours):
        stays = joined(library.many(ids).values()).id
        kinds = set().union(*(shared[one] for one in ids))
        why = ", ".join(words for kind, words in _SHARED.items() if kind in kinds)
        groups.append(Duplicates((stays, *(one for one in ids if one != stays)), why, sure=True))
    return groups


def _sharing(library: "Library") -> Iterator[tuple[str, list[str]]]:
    """What several papers share, its kind and their ids."""
    by_key: dict[str, list[str]] = defaultdict(list)
    for paper in library.papers():
        for key in keys_of(paper):
            if key.partition(":")[0] in _SHARED:
                by_key[key].append(paper.id)
    yield from ((key.partition(":")[0], ids) for key, ids in by_key.items() if len(ids) > 1)


def _components(neighbours: dict[str, set[str]]) -> Iterator[list[str]]:
    """The ids that hang together, sorted, each group once."""
    seen: set[str] = set()
    for start in sorted(neighbours):
        if start in seen:
            continue
        found, waiting = {start}, [start]
        while waiting:
            new = neighbours[waiting.pop()] - found
            found |= new
            waiting += new
        seen |= found
        yield sorted(found)


def join(library: "Library", groups: Iterable[Sequence[str]]) -> list[Paper]:
    """Makes one of the papers of each group, under its first id, with the tags and notes of all.

    Every record is kept (`duplicates.parts_of`), and a source that brings one again brings it to the joined paper. All
    groups are joined, or none.

    Raises:
        NavigatorError: fewer than two papers are named, or one twice.
        UnknownPaperId: one is not in the library.
    """
    wanted = [list(ids) for ids in groups]
    named = [one for ids in wanted for one in ids]
    for ids in wanted:
        if len(ids) < 2:
            raise NavigatorError(f"ids are {', '.join(ids)!r:.80}; expected two or more. Name the papers that are one")
    if twice := [one for one, count in Counter(named).items() if count > 1]:
        raise NavigatorError(f"the paper {twice[0]!r:.100} is named twice; expected each once. Leave it out")
    with library.records.transaction():
        found = [joined([library[one] for one in ids], ids[0]) for ids in wanted]
        for ids in wanted:
            library.records.hand_on(ids[1:], ids[0])
        library.put(found, removed=[one for ids in wanted for one in ids[1:]])
    library.refresh()
    return found
