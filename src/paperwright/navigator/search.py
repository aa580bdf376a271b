"""Search: from what a reader types to a page of papers with the reasons for each.

1. An id or a link leads to its paper; a whole title puts its paper first.
2. Otherwise each leg, words and meaning, gives its best papers under the filter, and fusion makes one ranking of them.
   Phrases and exclusions are looked up in the papers themselves, so deep into a leg that a page is full.
3. A query without words lists the newest papers.

A page begins behind its cursor, the place (score, id) of the last paper on the page before. Scores by words hang on the
whole library: where papers came, changed or went between two pages, some may come twice or be passed over, and a note
says so.
"""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from .errors import NavigatorError
from .evidence import Why, why
from .filters import Filter
from .paper import Paper
from .ranking import MODES, Place, Question, Ranking

if TYPE_CHECKING:
    from .library import Library

MOVED = "the library has changed since the page before: papers may come twice or be passed over; search anew for all"

__all__ = ["MODES", "Hit", "Page", "Why", "search"]


@dataclass(frozen=True)
class Hit:
    """A paper that was found.

    Attributes:
        rank: Its place in the whole ranking, from 1.
        score: What it was ranked by: BM25, the cosine, or the fused score, at most 1; in a list of the newest the date
            as a number.
        why: The reasons.
    """

    paper: Paper
    rank: int
    score: float
    why: Why = field(default_factory=Why)

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"rank": self.rank, "score": self.score, "why": self.why.as_dict(), "paper": self.paper.as_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Hit":
        return cls(Paper.from_dict(values["paper"]), values["rank"], values["score"], Why.from_dict(values["why"]))


@dataclass(frozen=True)
class Page(Sequence[Hit]):
    """A page of a ranking; a sequence of its hits.

    Attributes:
        total: How many papers the ranking holds, so far as it was looked through.
        complete: Whether that was to its end; if not, there are more than `total`.
        next_cursor: Where the next page begins; None on the last.
        took_ms: Milliseconds.
        facets: For each column how many papers of the ranking have each value; empty if it was not asked for.
        notes: What the reader should know: what was not understood, or not searched.
    """

    hits: tuple[Hit, ...]
    total: int
    next_cursor: str | None = None
    took_ms: float = 0.0
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    complete: bool = True

    @overload
    def __getitem__(self, place: int) -> Hit: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Hit]: ...
    def __getitem__(self, place: int | slice) -> Hit | Sequence[Hit]:
        return self.hits[place]

    def __len__(self) -> int:
        return len(self.hits)

    def __bool__(self) -> bool:
        return bool(self.hits)

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "hits": [hit.as_dict() for hit in self.hits],
            "total": self.total,
            "complete": self.complete,
            "next_cursor": self.next_cursor,
            "took_ms": self.took_ms,
            "facets": {column: dict(counts) for column, counts in self.facets.items()},
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Page":
        given = dict(values)
        return cls(tuple(map(Hit.from_dict, given.pop("hits"))), notes=tuple(given.pop("notes")), **given)


def search(
    library: "Library",
    query: str,
    k: int = 10,
    mode: str = "auto",
    where: Filter | Mapping[str, Any] | None = None,
    cursor: str | None = None,
    facets: bool = False,
) -> Page:
    """The best k papers for a query, in the language of `paperwright.navigator.query`.

    Args:
        library: What is searched.
        query: Words and conditions; empty for the newest papers.
        k: How many papers a page has.
        mode: "lexical" ranks by words, "dense" by meaning, "convex" and "rrf" by both (see `fusion`); "auto" is
            "convex" with a neural encoder and "lexical" with the embedded one, whose meaning adds nothing to words.
            A filter changes the order of none but "rrf", whose ranks are those under the filter. Fusion is of the
            best 200 papers of each leg, and a fused ranking ends with them; the others go on to the last paper.
        where: A filter beside the query's own conditions (see `filters`).
        cursor: A page's `next_cursor`, for the page after it.
        facets: Whether to count the papers of the whole ranking by decision, year and the like; `total` is theirs.

    Raises:
        NavigatorError: k < 1, an unknown mode or column, or a cursor that no page gave.
    """
    began = time.perf_counter()
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise NavigatorError(f"k is how many papers to find, at least 1; got {k!r:.80}")
    if mode not in MODES:
        raise NavigatorError(f"mode is one of {', '.join(MODES)}; got {mode!r:.80}")
    behind, passed, revision = (None, 0, None) if cursor is None else _read_cursor(cursor)
    question = Question(library, query, Filter.of(where))
    if revision is not None and revision != question.revision:
        question.notes.append(MOVED)
    ranking = question.ranking(mode, behind, k)
    left = [place for place in ranking.places if behind is None or place > behind]
    papers = question.papers([place.id for place in left[:k]])
    counts = question.facets(ranking) if facets else {}
    hits = tuple(
        Hit(papers[place.id], passed + number, place.score, _why(papers[place.id], ranking))
        for number, place in enumerate(left[:k], start=1)
        if place.id in papers  # else taken out since the index was asked
    )
    return Page(
        hits=hits,
        total=ranking.total,
        next_cursor=_cursor(left[k - 1], passed + k, question.revision) if len(left) > k else None,
        took_ms=1e3 * (time.perf_counter() - began),
        facets=counts,
        notes=tuple(dict.fromkeys(question.notes)),
        complete=ranking.complete,
    )


def _why(paper: Paper, ranking: Ranking) -> Why:
    legs = {leg: places[paper.id] for leg, places in ranking.legs.items() if paper.id in places}
    return why(paper, ranking.terms, legs, ranking.reasons.get(paper.id, ""))


def _cursor(place: Place, passed: int, revision: int) -> str:
    written = json.dumps([place.tier, place.negative, place.id, passed, revision], ensure_ascii=False)
    return base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[Place, int, int | None]:
    """The place, how many papers were before it, and the library's revision; None in a cursor of an earlier version."""
    try:
        written = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        tier, negative, identifier, passed, *rest = json.loads(written)
        if not (isinstance(identifier, str) and isinstance(passed, int) and passed > 0 and tier in (0, 1)):
            raise ValueError
        return Place(tier, float(negative), identifier), passed, next(iter(rest), None)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise NavigatorError(f"a cursor is the next_cursor of a page; got {cursor!r:.80}") from None
