"""What is new for a search that is kept: the papers that came last, whatever their rank, as long as they answer it.

A ranking by words ends with papers that share one common word with the query. What answers a search has at least half
the score of its best paper: of those the last to come are its news, so that a new paper is never held back by older
ones that suit better.
"""

from typing import TYPE_CHECKING

from .filters import Filter, only_ids
from .overview import newest
from .paper import Paper
from .reading import SavedSearch

if TYPE_CHECKING:
    from .library import Library

LEAST_SHARE = 0.5
"""Of the best paper's score: what a paper needs to be an answer."""
LOOKED_AT = 500
"""The last papers among which answers are looked for first; more, where these hold too few."""
_AT_ONCE = 200


def news(library: "Library", search: SavedSearch, k: int) -> list[Paper]:
    """The k papers that answer a search and came last; of those that came within an hour, the newest by their dates.

    Args:
        library: Whose papers.
        search: What they are to answer.
        k: How many at most.
    """
    where = Filter.of(search.where)
    best = library.search(search.query, k=1, where=where)
    if not best:
        return []
    least, arrived, window = LEAST_SHARE * best[0].score, _by_arrival(library), LOOKED_AT
    found = _answers(library, search.query, where.also(only_ids(arrived[:window])), least)
    while len(found) < k and window < len(arrived):
        window *= 8
        among = where.also(only_ids(arrived[:window])) if window < len(arrived) else where
        found = _answers(library, search.query, among, least)
    return [found[identifier] for identifier in arrived if identifier in found][:k]


def _answers(library: "Library", query: str, where: Filter, least: float) -> dict[str, Paper]:
    """The papers of a ranking down to a score, by id."""
    found: dict[str, Paper] = {}
    cursor = None
    while True:
        page = library.search(query, k=_AT_ONCE, where=where, cursor=cursor)
        found |= {hit.paper.id: hit.paper for hit in page if hit.score >= least}
        cursor = page.next_cursor
        if cursor is None or page[-1].score < least:
            return found


def _by_arrival(library: "Library") -> list[str]:
    """The ids of all papers, the last to come first; of one hour, which a long import may take, by their dates."""

    def make() -> list[str]:
        came = library.records.arrivals()
        dated = [one.id for one in newest(library, library.index, len(library), Filter())]
        return sorted(dated, key=lambda identifier: came.get(identifier, "")[:13], reverse=True)

    return library.derived("papers by arrival", make)
