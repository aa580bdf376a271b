"""The index: the one narrow interface through which a library is searched, whatever engine is behind it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from .filters import Filter


class Scored(NamedTuple):
    """A paper in the ranking of one leg; higher scores are better."""

    id: str
    score: float


@runtime_checkable
class Index(Protocol):
    """What is searched: lexical scores over texts, inner products of vectors, both under a filter.

    Results come best first, equal scores by id. A filter is applied before the best k are taken, so that a search
    under a filter gives k papers where there are k. An index is derived from the library's records and can be made anew
    from them; `revision` says up to which change of the records it is.
    """

    revision: int
    """The newest change of the records that the index holds, as the library counts; 0 for an empty index."""

    def upsert(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        vectors: Float32[np.ndarray, "papers width"] | None,
        columns: Sequence[Mapping[str, Any]],
        revision: int,
    ) -> None:
        """Puts papers in, those of known ids in place of what was there; all of them or, if it is cut short, none.

        Args:
            ids: Of the papers.
            texts: What the lexical legs search (see `paperwright.navigator.text.lexical_text`).
            vectors: Unit vectors, or None for an index without a dense leg.
            columns: What filters look at (`paperwright.navigator.filters.columns_of`).
            revision: What `revision` is afterwards.
        """
        ...

    def delete(self, ids: Sequence[str], revision: int) -> None:
        """Takes papers out; unknown ids are passed over."""
        ...

    def lexical(self, query: str, k: int, where: Filter) -> list[Scored]:
        """The best k papers by words; only those that share a term with the query."""
        ...

    def dense(self, vector: Float32[np.ndarray, " width"], k: int, where: Filter) -> list[Scored]:
        """The best k papers by inner product with a unit vector."""
        ...

    def vectors(self, ids: Sequence[str]) -> Float32[np.ndarray, "papers width"]:
        """The vectors of some papers; a row of zeros where there is none."""
        ...

    def count(self, where: Filter) -> int:
        """How many papers pass the filter."""
        ...

    def snapshot(self) -> None:
        """Makes what it holds durable, where that is not so already."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class Explaining(Protocol):
    """An index that can say what its lexical leg looks for."""

    def terms(self, query: str) -> dict[str, float]:
        """The terms with their weights: typing errors mended, acronyms spelled out."""
        ...


@runtime_checkable
class Dated(Protocol):
    """An index that can list papers by their dates."""

    def newest(self, k: int, where: Filter) -> list[Scored]:
        """The newest k papers, scored by `date_number` of their columns."""
        ...


@runtime_checkable
class Tallying(Protocol):
    """An index that can count its papers, and those by the values of a column."""

    def tally(self, columns: Sequence[str], where: Filter, query: str | None = None) -> dict[str, dict[Any, int]]:
        """For each column how many of the papers that pass the filter have each value; unknown values are left out.

        With a query only papers that `lexical` finds for it are counted, however many they are.
        """
        ...

    def matches(self, query: str, where: Filter) -> int:
        """How many papers `lexical` finds in all."""
        ...


@runtime_checkable
class Holding(Protocol):
    """An index that can list the papers with certain words, so that phrases need not be looked for in all others."""

    def holding(self, terms: Sequence[str]) -> list[str]:
        """The ids of the papers whose texts hold all of some terms, in no order."""
        ...


def date_number(columns: Mapping[str, Any]) -> float:
    """When a paper appeared, as a number that sorts: 20220425 for 2022-04-25, 20220400 for April 2022, 0 if unknown."""
    date = columns["published"] or str(columns["year"] or 0)
    return float(date.replace("-", "").ljust(8, "0"))
