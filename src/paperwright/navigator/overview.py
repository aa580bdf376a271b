"""An overview of many papers: the newest, and how many have each value of a column.

An index that keeps columns answers at once; for any other the papers are read, once for every state of the library.
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .filters import Filter, columns_of, only_ids
from .index import Dated, Index, Scored, Tallying, date_number
from .paper import Paper

if TYPE_CHECKING:
    from .library import Library

FACETS = ("decision", "year", "venue", "has_code", "keyword", "category", "track", "source")
VALUES = 20
"""How many values of a column are named, the commonest ones."""


def tally(
    library: "Library", where: Filter, ids: Sequence[str] | None = None, query: str | None = None
) -> dict[str, dict[str, int]]:
    """For each of `FACETS` how many papers have each value, the commonest first.

    Args:
        library: Whose papers are counted.
        where: Which papers are counted.
        ids: Only papers of these ids; None for all.
        query: Only papers that are found by its words, in an index that can count them; None for all.
    """
    index = library.index
    if isinstance(index, Tallying):
        counts = index.tally(FACETS, where if ids is None else where.also(only_ids(ids)), query)
    else:
        papers = library.papers(where) if ids is None else _passing(library, ids, where)
        counts = {column: Counter() for column in FACETS}
        for columns in map(columns_of, papers):
            for column in FACETS:
                value = columns[column]
                counts[column].update(value if isinstance(value, tuple) else () if value in (None, "") else (value,))
    return {column: _commonest(values) for column, values in counts.items() if values}


def newest(library: "Library", index: Index, k: int, where: Filter) -> list[Scored]:
    """The newest k papers that pass the filter, scored by their dates as numbers; of one date by id."""
    if isinstance(index, Dated):
        return index.newest(k, where)

    def dates() -> list[tuple[float, str]]:
        return sorted((-date_number(columns_of(paper)), paper.id) for paper in library.papers())

    ordered = library.derived("papers by date", dates)
    found: list[Scored] = []
    for start in range(0, len(ordered), 500):
        part = ordered[start : start + 500]
        papers = library.many([identifier for _, identifier in part]) if where else None
        found += [
            Scored(identifier, -negative)
            for negative, identifier in part
            if papers is None or (identifier in papers and where.holds(columns_of(papers[identifier])))
        ]
        if len(found) >= k:
            break
    return found[:k]


def _passing(library: "Library", ids: Sequence[str], where: Filter) -> Iterator[Paper]:
    return (paper for paper in library.many(ids).values() if where.holds(columns_of(paper)))


def _commonest(counts: dict[Any, int]) -> dict[str, int]:
    ordered = heapq.nsmallest(VALUES, counts.items(), key=lambda one: (-one[1], str(one[0])))
    return {str(value).lower() if isinstance(value, bool) else str(value): count for value, count in ordered}
