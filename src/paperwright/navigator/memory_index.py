"""The index in memory: BM25 over postings, exact inner products, and a snapshot on disk to begin from the next time.

Good to some hundred thousand papers with vectors, to millions without. A paper more or less costs no more than itself.
"""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32

from . import snapshot
from .column_table import ColumnTable, by_score
from .errors import LibraryError
from .filters import Filter
from .growing import Growing
from .index import Scored
from .lexical import Lexicon
from .unit_vectors import checked_query, checked_rows

FORMAT = 3


class MemoryIndex:
    """An `Index` in memory. Safe to use from many threads.

    Args:
        directory: Where `snapshot` keeps it; None keeps nothing. A snapshot that cannot be read, or is of another
            format, is passed over: `revision` is then 0, and the library fills the index again.

    Attributes:
        revision: See `Index.revision`.
        damage: Why the snapshot could not be read; None if it could, or if there was none.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory
        self.revision = 0
        self.damage: str | None = None
        self._lock = threading.RLock()
        self._table = ColumnTable()
        self._lexicon = Lexicon()
        self._vectors = Growing(np.zeros((0, 0), dtype=np.float32))  # a row of zeros for a paper without
        self._saved: int | None = None
        if directory is not None:
            self._read_snapshot(directory)

    def upsert(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        vectors: Float32[np.ndarray, "papers width"] | None,
        columns: Sequence[Mapping[str, Any]],
        revision: int,
    ) -> None:
        """See `Index.upsert`."""
        with self._lock:
            if vectors is not None:
                vectors = checked_rows(ids, vectors, self._width or None)
            for identifier in ids:
                self._take_out(identifier)
            rows = list({identifier: row for row, identifier in enumerate(ids)}.values())
            for row in rows:
                self._lexicon.append(texts[row])
            if vectors is not None:
                self._widen(vectors.shape[1])
                self._vectors.append(vectors[rows])
            else:
                self._vectors.append(np.zeros((len(rows), self._width), dtype=np.float32))
            self._table.put([ids[row] for row in rows], [columns[row] for row in rows])
            self.revision = max(self.revision, revision)
            if len(self._table.ids) > 2 * len(self._table) + 1_000:
                self._close_gaps()

    def delete(self, ids: Sequence[str], revision: int) -> None:
        """See `Index.delete`."""
        with self._lock:
            for identifier in ids:
                self._take_out(identifier)
            self.revision = max(self.revision, revision)

    def lexical(self, query: str, k: int, where: Filter) -> list[Scored]:
        """See `Index.lexical`."""
        with self._lock:
            scores, found = self._matching(query, where)
            return [Scored(*one) for one in by_score(self._table.ids, scores, np.flatnonzero(found), k)]

    def dense(self, vector: Float32[np.ndarray, " width"], k: int, where: Filter) -> list[Scored]:
        """See `Index.dense`. Papers without a vector are not among them."""
        with self._lock:
            if not self._width:
                return []
            vectors = self._vectors.rows
            scores = vectors @ checked_query(vector, self._width)
            passing = self._table.mask(where)
            none = np.flatnonzero(passing & (scores == 0))  # of them those whose vector is zero have none
            passing[none] = vectors[none].any(axis=1)
            return [Scored(*one) for one in by_score(self._table.ids, scores, np.flatnonzero(passing), k)]

    def newest(self, k: int, where: Filter) -> list[Scored]:
        """See `Dated.newest`."""
        with self._lock:
            passing = np.flatnonzero(self._table.mask(where))
            return [Scored(*one) for one in by_score(self._table.ids, self._table.dates(), passing, k)]

    def tally(self, columns: Sequence[str], where: Filter, query: str | None = None) -> dict[str, dict[Any, int]]:
        """See `Tallying.tally`."""
        with self._lock:
            mask = self._table.mask(where) if query is None else self._matching(query, where)[1]
            return self._table.tally(columns, mask)

    def holding(self, terms: Sequence[str]) -> list[str]:
        """See `Holding.holding`."""
        with self._lock:
            return [str(self._table.ids[place]) for place in np.flatnonzero(self._lexicon.holding(terms))]

    def matches(self, query: str, where: Filter) -> int:
        """See `Tallying.matches`."""
        with self._lock:
            return int(self._matching(query, where)[1].sum())

    def vectors(self, ids: Sequence[str]) -> Float32[np.ndarray, "papers width"]:
        """See `Index.vectors`."""
        with self._lock:
            places = np.array([self._table.place.get(identifier, -1) for identifier in ids], dtype=np.int64)
            found = np.zeros((len(ids), self._width), dtype=np.float32)
            found[places >= 0] = self._vectors.rows[places[places >= 0]]
            return found

    def terms(self, query: str) -> dict[str, float]:
        """See `Explaining.terms`."""
        with self._lock:
            return self._lexicon.weights(query)

    def count(self, where: Filter) -> int:
        """See `Index.count`."""
        with self._lock:
            return int(self._table.mask(where).sum()) if where else len(self._table)

    def snapshot(self) -> None:
        """See `Index.snapshot`. Vectors are kept in half precision."""
        with self._lock:
            if self.directory is None or self._saved == self.revision:
                return
            self._close_gaps()
            table, words = self._table.arrays(), self._lexicon.arrays()
            snapshot.write(
                self.directory,
                self.revision,
                {
                    "format": FORMAT,
                    "revision": self.revision,
                    "texts": self._table.texts(),
                    "words": self._lexicon.words,
                },
                {f"column {name}": array for name, array in table.items()}
                | {f"words {name}": array for name, array in words.items()}
                | {"vectors": self._vectors.rows.astype(np.float16)},
            )
            self._saved = self.revision

    def close(self) -> None:
        """See `Index.close`."""

    @property
    def _width(self) -> int:
        return int(self._vectors.rows.shape[1])

    def _matching(
        self, query: str, where: Filter
    ) -> tuple[Float32[np.ndarray, " positions"], Bool[np.ndarray, " positions"]]:
        """The score of every position, and which are found."""
        scores = self._lexicon.scores(query)
        found = scores > 0
        if where:
            found &= self._table.mask(where)
        return scores, found

    def _take_out(self, identifier: str) -> None:
        place = self._table.take_out(identifier)
        if place is not None:
            self._lexicon.take_out(place)
            self._vectors.rows[place] = 0

    def _widen(self, width: int) -> None:
        """Room for the first vectors: zeros for the papers that came before them."""
        if not self._width:
            self._vectors = Growing(np.zeros((len(self._table.ids), width), dtype=np.float32))

    def _close_gaps(self) -> None:
        """Lets go of the places of papers that were taken out."""
        if len(self._table.ids) > len(self._table):
            stay = self._table.close_gaps()
            self._lexicon.close_gaps()
            self._vectors = Growing(self._vectors.rows[stay])

    def _read_snapshot(self, directory: Path) -> None:
        try:
            found = snapshot.read(directory)
            if found is None:
                return
            if found.values.get("format") != FORMAT:
                self.damage = f"its words are of format {found.values.get('format')}, and are now of format {FORMAT}"
                return
            parts: dict[str, dict[str, np.ndarray]] = {"column": {}, "words": {}}
            for name, array in found.arrays.items():
                kind, _, rest = name.partition(" ")
                parts.setdefault(kind, {})[rest] = array
            self._table = ColumnTable.read(found.values["texts"], parts["column"])
            self._lexicon = Lexicon.read(found.values["words"], parts["words"])
            self._vectors = Growing(parts["vectors"][""].astype(np.float32))
            self.revision = self._saved = int(found.values["revision"])
        except LibraryError as error:
            self.damage = str(error)
