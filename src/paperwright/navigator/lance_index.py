"""The index on disk or in object storage, by LanceDB: for libraries that outgrow memory.

Three tables lie in one place: `papers` (tokens, vector, columns), `words` (the vocabulary, for mending typing errors)
and `state` (how far the others are). A write of papers is one commit of Lance, all or nothing; the revision follows in
a commit of its own, so that a writer that is killed between the two leaves papers that are newer than the revision
says, and the next refresh writes them again to the same effect.

The tokens are those of `paperwright.navigator.text`, handed to Lance's full-text index as they are, so that stems and
accents are one matter in all engines. From a `snapshot` on its scores are those of the index in memory, BM25 with
k1 = 1.2 and b = 0.75. Papers written since then are found too, but scored with the frequencies of words among
themselves, and those that they replaced are still counted.
"""

import functools
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
from jaxtyping import Float32

from .errors import LibraryError, NavigatorError
from .filters import COLUMNS, Filter
from .index import Scored, date_number
from .lance_filters import among, condition
from .lance_words import LanceWords, match, pieces, words_schema
from .lexical import K1
from .query_terms import weighted_terms
from .text import tokens
from .unit_vectors import checked_query, checked_rows

if TYPE_CHECKING:
    import pyarrow as pa
    from lancedb.table import Table

P = ParamSpec("P")
T = TypeVar("T")

FORMAT = 2
EXACT_UP_TO = 200_000
"""Papers up to which inner products are all computed; beyond, `snapshot` builds an inverted file of 8-bit codes."""
PROBES = 32
"""Lists of the inverted file that a search reads, of 4 sqrt(papers)."""
REFINED = 10
"""How many times k candidates are compared again by their full vectors."""
UNSETTLED = 20_000
"""Papers that may wait for their place in the full-text index; till then searches read them one by one."""
_OLD = timedelta(minutes=10)
"""Versions of the tables that are older are removed: no search takes so long."""
_WORTH_AN_INDEX = 10_000
"""Papers from which on ids are looked up in an index of their own."""
PAUSES = (0.01, 0.05, 0.2, 0.5, 1.0)
"""Seconds to wait after each try that met another writer."""


def _in_one_line(method: Callable[P, T]) -> Callable[P, T]:
    """A method of an index, with what LanceDB has to complain about in one line.

    It is tried again when another process committed in the same moment: every method comes to the same when it is done
    twice.
    """

    @functools.wraps(method)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        for pause in PAUSES:
            try:
                return method(*args, **kwargs)
            except NavigatorError:
                raise
            except (OSError, RuntimeError, ValueError) as error:
                said = next(iter(str(error).splitlines()), type(error).__name__)
            if not any(words in said.lower() for words in ("conflict", "already exists")):
                break
            time.sleep(pause)
        index = args[0]
        assert isinstance(index, LanceIndex)
        raise LibraryError(
            f"the index in {index.place} cannot be used: {said:.300}; if files are damaged, rebuild the library"
        )

    return told


class LanceIndex:
    """An `Index` of LanceDB.

    Args:
        place: A folder, or the address of one in object storage ("s3://bucket/folder"; keys come from the environment).
        exact_up_to: See `EXACT_UP_TO`.

    Raises:
        NavigatorError: LanceDB is not installed.
        LibraryError: the place cannot be used, or holds an index of another format.
    """

    @_in_one_line
    def __init__(self, place: Path | str, exact_up_to: int = EXACT_UP_TO) -> None:
        try:
            import lancedb
        except ImportError:
            raise NavigatorError(
                "an index of LanceDB needs lancedb: pip install 'paperwright[navigator-lance]'"
            ) from None
        self.place = str(place)
        self.exact_up_to = exact_up_to
        self._writing = threading.RLock()
        self._revision: tuple[int, int] | None = None  # the version of `state` that was read, and what it said
        # Every read sees what other processes have committed.
        self._database: Any = lancedb.connect(self.place, read_consistency_interval=timedelta(0))
        self._papers = self._table("papers", _papers_schema())
        self._state = self._table("state", _state_schema())
        self._words = LanceWords(self._papers, self._table("words", words_schema()), self._said("counted"))
        if not self._state.count_rows():
            self._say("format", FORMAT)
        made = self._said("format")
        if made != FORMAT:
            raise LibraryError(
                f"the index in {self.place} is of format {made}, this paperwright writes format {FORMAT}; "
                "rebuild the library"
            )

    # -- what it holds -------------------------------------------------------------------------------------------------

    @property
    @_in_one_line
    def revision(self) -> int:
        """See `Index.revision`."""
        version = self._state.version
        if self._revision is None or self._revision[0] != version:
            self._revision = version, self._said("revision")
        return self._revision[1]

    @_in_one_line
    def upsert(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        vectors: Float32[np.ndarray, "papers width"] | None,
        columns: Sequence[Mapping[str, Any]],
        revision: int,
    ) -> None:
        """See `Index.upsert`."""
        import pyarrow as pa

        with self._writing:
            if vectors is not None:
                vectors = checked_rows(ids, vectors, self._width())
                if self._width() is None:
                    self._papers.add_columns(pa.field("vector", pa.list_(pa.float32(), vectors.shape[1])))
            places = list(dict(zip(ids, range(len(ids)), strict=True)).values())  # of an id that comes twice, the last
            if places:
                rows = [columns[place] for place in places]
                values: dict[str, Any] = {
                    "id": [ids[place] for place in places],
                    "words": [" ".join(tokens(texts[place])) for place in places],
                    "date": list(map(date_number, rows)),
                    "written": [self._papers.version] * len(rows),
                }
                values |= {name: [_stored(row[name]) for row in rows] for name in COLUMNS if name != "id"}
                if width := self._width():
                    kind = pa.list_(pa.float32(), width)
                    values["vector"] = pa.nulls(len(rows), kind)
                    if vectors is not None:
                        numbers = pa.array(vectors[places].reshape(-1))
                        values["vector"] = pa.FixedSizeListArray.from_arrays(numbers, type=kind)
                replaced = self._words.held_by(pieces(values["id"]))
                merge = self._papers.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
                # A vector that is not there counts as a bad one.
                merge.execute(pa.table(values, schema=self._papers.schema), on_bad_vectors="null")
                self._words.lose(replaced)
            self._say("revision", revision)
            if self._unsettled() > UNSETTLED:
                self.snapshot()

    @_in_one_line
    def delete(self, ids: Sequence[str], revision: int) -> None:
        """See `Index.delete`."""
        with self._writing:
            gone = self._words.held_by(pieces(list(ids)))
            for some in pieces(list(ids)):
                self._papers.delete(among("id", some))
            self._words.lose(gone)
            self._say("revision", revision)

    @_in_one_line
    def count(self, where: Filter) -> int:
        """See `Index.count`."""
        return int(self._papers.count_rows(condition(where)))

    @_in_one_line
    def vectors(self, ids: Sequence[str]) -> Float32[np.ndarray, "papers width"]:
        """See `Index.vectors`."""
        width = self._width()
        found = np.zeros((len(ids), width or 0), dtype=np.float32)
        if width:
            row = {identifier: place for place, identifier in enumerate(ids)}
            for some in pieces(list(row)):
                query = self._papers.search().where(f"{among('id', some)} AND vector IS NOT NULL")
                rows = query.select(["id", "vector"]).limit(len(some)).to_arrow()
                if len(rows):
                    values = rows["vector"].combine_chunks().flatten().to_numpy().reshape(-1, width)
                    found[[row[identifier] for identifier in rows["id"].to_pylist()]] = values
            for place, identifier in enumerate(ids):  # an id may be asked for twice
                found[place] = found[row[identifier]]
        return found

    # -- finding -------------------------------------------------------------------------------------------------------

    @_in_one_line
    def terms(self, query: str) -> dict[str, float]:
        """What the lexical leg looks for: terms with their weights, typing errors mended."""
        return weighted_terms(query, self._words)

    @_in_one_line
    def lexical(self, query: str, k: int, where: Filter) -> list[Scored]:
        """See `Index.lexical`."""
        asked = self._asked(query)
        if asked is None or k < 1:
            return []

        def best(limit: int) -> "pa.Table":
            search = self._papers.search(asked, query_type="fts").select(["id", "_score"]).limit(limit)
            if where:
                search = search.where(condition(where), prefilter=True)
            return search.to_arrow()

        return _ranked(best, "_score", lambda score: score / (K1 + 1), k)  # Lance keeps the constant factor k1 + 1

    @_in_one_line
    def dense(self, vector: Float32[np.ndarray, " width"], k: int, where: Filter) -> list[Scored]:
        """See `Index.dense`; exact up to `exact_up_to` papers that pass the filter."""
        width = self._width()
        if not width or k < 1:
            return []
        vector = checked_query(vector, width)
        exact = not self._has_codes() or self.count(where) <= self.exact_up_to

        def best(limit: int) -> "pa.Table":
            search: Any = self._papers.search(vector, vector_column_name="vector")
            search = search.distance_type("dot")
            if exact:
                search = search.bypass_vector_index()
            else:
                search = search.minimum_nprobes(PROBES).maximum_nprobes(0).refine_factor(REFINED)
            passing = f"vector IS NOT NULL AND {condition(where)}"
            return search.where(passing, prefilter=True).select(["id", "_distance"]).limit(limit).to_arrow()

        return _ranked(best, "_distance", lambda distance: 1 - distance, k)

    @_in_one_line
    def newest(self, k: int, where: Filter) -> list[Scored]:
        """The newest k papers, scored by `date_number` of their columns."""
        rows = self._read(["id", "date"], condition(where))
        rows = rows.sort_by([("date", "descending"), ("id", "ascending")]).slice(0, k)
        return [Scored(*one) for one in zip(rows["id"].to_pylist(), rows["date"].to_pylist(), strict=True)]

    @_in_one_line
    def tally(self, columns: Sequence[str], where: Filter, query: str | None = None) -> dict[str, dict[Any, int]]:
        """See `Tallying.tally`."""
        import pyarrow.compute as pc

        rows = self._read(list(columns), condition(where)) if query is None else self._found(query, columns, where)
        if rows is None:
            return {column: {} for column in columns}
        found: dict[str, dict[Any, int]] = {}
        for column in columns:
            values = pc.list_flatten(rows[column]) if COLUMNS[column] == "texts" else rows[column]
            counted = pc.value_counts(values.drop_null())
            found[column] = {one["values"]: one["counts"] for one in counted.to_pylist() if one["values"] != ""}
        return found

    @_in_one_line
    def matches(self, query: str, where: Filter) -> int:
        """See `Tallying.matches`."""
        rows = self._found(query, ["id"], where)
        return 0 if rows is None else len(rows)

    def _asked(self, query: str) -> Any:
        """The search for a query's terms; None for a query without."""
        from lancedb.query import BooleanQuery, Occur

        # A word whose count is wrong is found all the same.
        weights = dict.fromkeys(tokens(query), 1.0) | self.terms(query)
        by_weight: dict[float, list[str]] = {}
        for term, weight in weights.items():
            by_weight.setdefault(weight, []).append(term)
        matches = [match(terms, "words", weight) for weight, terms in by_weight.items()]
        if len(matches) < 2:
            return matches[0] if matches else None
        return BooleanQuery([(Occur.SHOULD, one) for one in matches])

    def _found(self, query: str, columns: Sequence[str], where: Filter) -> "pa.Table | None":
        """Columns of all papers that `lexical` finds; None for a query without terms."""
        asked = self._asked(query)
        if asked is None:
            return None
        search: Any = self._papers.search(asked, query_type="fts").select([*columns, "_score"])
        if where:
            search = search.where(condition(where), prefilter=True)
        return search.limit(max(1, self._papers.count_rows())).to_arrow()

    # -- keeping it ----------------------------------------------------------------------------------------------------

    @_in_one_line
    def snapshot(self) -> None:
        """Puts new papers into the full-text index, folds their words into the vocabulary, and packs the files.

        What is written is durable without it, and found without it, only more slowly.
        """
        from lancedb.index import BTree, IvfSq

        with self._writing:
            self._words.fold()
            self._say("counted", self._words.counted)
            there = {one.name for one in self._papers.list_indices()}
            size = self._papers.count_rows()
            if "id_idx" not in there and size > _WORTH_AN_INDEX:
                self._papers.create_index("id", config=BTree())
            if "vector_idx" not in there and self._width() and size > self.exact_up_to:
                lists = max(1, round(4 * math.sqrt(size)))
                self._papers.create_index("vector", config=IvfSq(distance_type="dot", num_partitions=lists))
            for table in (self._papers, self._words.table, self._state):
                table.optimize(cleanup_older_than=_OLD)

    def close(self) -> None:
        """Lets go of its files."""

    @_in_one_line
    def drop(self) -> None:
        """Removes the tables: the end of this index."""
        for name in ("papers", "words", "state"):
            self._database.drop_table(name, ignore_missing=True)

    # -- tables --------------------------------------------------------------------------------------------------------

    def _table(self, name: str, schema: "pa.Schema") -> "Table":
        from lancedb.index import FTS

        try:
            table: Table = self._database.open_table(name)
        except ValueError:  # it is not there
            made: Any = self._database.create_table(name, schema=schema, exist_ok=True)
            made.set_unenforced_primary_key(schema.names[0])  # of two writers of one paper, the second sees the first
            table = made
        column = {"papers": "words", "words": "trigrams"}.get(name)
        if column is not None and not table.list_indices():
            as_it_is = FTS(
                base_tokenizer="whitespace",
                lower_case=False,
                stem=False,
                remove_stop_words=False,
                ascii_folding=False,
                max_token_length=None,
            )
            table.create_index(column, config=as_it_is)
        return table

    def _read(self, columns: Sequence[str], passing: str) -> "pa.Table":
        return self._papers.search().where(passing).select(list(columns)).limit(self._papers.count_rows()).to_arrow()

    def _said(self, name: str) -> int:
        rows = self._state.search().where(among("name", [name])).select(["value"]).limit(1).to_arrow()
        return int(rows["value"][0].as_py()) if len(rows) else 0

    def _say(self, name: str, value: int) -> None:
        """Numbers only grow, whoever comes last."""
        import pyarrow as pa

        merge = self._state.merge_insert("name").when_matched_update_all(where="target.value < source.value")
        said = pa.table({"name": [name], "value": [value]}, schema=_state_schema())
        merge.when_not_matched_insert_all().execute(said)

    def _width(self) -> int | None:
        schema = self._papers.schema
        return schema.field("vector").type.list_size if "vector" in schema.names else None

    def _has_codes(self) -> bool:
        return self._papers.index_stats("vector_idx") is not None

    def _unsettled(self) -> int:
        stats = self._papers.index_stats("words_idx")
        return 0 if stats is None else stats.num_unindexed_rows


def _papers_schema() -> "pa.Schema":
    import pyarrow as pa

    fields = [
        pa.field("id", pa.string(), nullable=False),
        ("words", pa.string()),
        ("date", pa.float64()),
        ("written", pa.int64()),
    ]
    return pa.schema(fields + [(name, _arrow_type(kind)) for name, kind in COLUMNS.items() if name != "id"])


def _state_schema() -> "pa.Schema":
    """The numbers "format", "revision" and "counted" (see `LanceWords`)."""
    import pyarrow as pa

    return pa.schema([pa.field("name", pa.string(), nullable=False), ("value", pa.int64())])


def _arrow_type(kind: str) -> "pa.DataType":
    import pyarrow as pa

    return {"text": pa.string(), "texts": pa.list_(pa.string()), "number": pa.float64(), "truth": pa.bool_()}[kind]


def _stored(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _ranked(best: "Callable[[int], pa.Table]", column: str, score: Callable[[float], float], k: int) -> list[Scored]:
    """The best k by score, then by id: Lance is asked for more as long as papers tie with the k-th."""
    limit = k + 1
    while True:
        rows = best(limit)
        found = [Scored(i, score(s)) for i, s in zip(rows["id"].to_pylist(), rows[column].to_pylist(), strict=True)]
        found.sort(key=lambda one: (-one.score, one.id))
        if len(found) < limit or found[-1].score < found[k - 1].score:
            return found[:k]
        limit *= 4
