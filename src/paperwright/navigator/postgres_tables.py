"""The tables of an index in PostgreSQL, and how papers are put into them and taken out.

    papers      a row for each paper: its number, id, columns, the numbers of its terms, and how many tokens it has
    terms       each term with its number, and how many papers hold it
    trigrams    which terms have a trigram, by their lengths: for typing errors
    postings    which papers hold a term, how often, and how long they are
    vectors     each paper's vector; there from the first vector on
    state       one row: format, revision, how many papers and tokens, the last number given, the width of vectors

A paper that is put in anew is taken out first, and gets a new number.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32

from .errors import EncoderMismatch, LibraryError
from .filters import COLUMNS
from .index import date_number
from .postgres_filters import storable
from .query_terms import framed

if TYPE_CHECKING:
    import psycopg
    from psycopg.sql import Composable, Composed

FORMAT = 2
_TYPES = {"text": 'text COLLATE "C"', "texts": 'text[] COLLATE "C"', "number": "double precision", "truth": "boolean"}
# Binary COPY: of each row the number of its fields, then each with its length; all big-endian.
_FIELDS = ("term", "paper", "count", "length")
_POSTING = np.dtype([("fields", ">i2"), *((part, ">i4") for name in _FIELDS for part in (f"bytes of {name}", name))])
_COPY_BEGIN, _COPY_END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"

_TABLES = (
    'CREATE TABLE {papers} (number integer PRIMARY KEY, id text COLLATE "C" UNIQUE NOT NULL, '
    "date double precision NOT NULL, length integer NOT NULL, terms integer[] NOT NULL, {columns})",
    "CREATE INDEX ON {papers} (date DESC, id)",
    'CREATE TABLE {terms} (number serial PRIMARY KEY, term text COLLATE "C" UNIQUE NOT NULL, papers integer NOT NULL)',
    'CREATE TABLE {trigrams} (trigram text COLLATE "C", letters integer, '
    "term integer, PRIMARY KEY (trigram, letters, term))",
    "CREATE INDEX ON {trigrams} (term)",
    "CREATE TABLE {postings} (term integer, paper integer, count integer NOT NULL, length integer NOT NULL, "
    "PRIMARY KEY (term, paper) INCLUDE (count, length))",
    "CREATE TABLE {state} (format integer NOT NULL, revision bigint NOT NULL, papers bigint NOT NULL, "
    "tokens bigint NOT NULL, last integer NOT NULL, width integer)",
    f"INSERT INTO {{state}} VALUES ({FORMAT}, 0, 0, 0, 0, NULL)",
)


class PostgresTables:
    """The tables in one schema. What writes does so within the transaction of the connection that it is given."""

    def __init__(self, schema: str) -> None:
        self.schema = schema

    def sql(self, query: str, **parts: "Composable") -> "Composed":
        """A statement with the tables of this index named."""
        from psycopg.sql import SQL, Identifier

        tables = {
            name: Identifier(self.schema, name)
            for name in ("papers", "postings", "terms", "trigrams", "vectors", "state")
        }
        return SQL(query).format(**{**tables, **parts})

    def prepare(self, connection: "psycopg.Connection[Any]") -> None:
        """Makes the tables if they are not there."""
        from psycopg.sql import SQL, Identifier

        self.take_turn(connection)
        there = (
            "SELECT to_regnamespace(quote_ident(%s)) IS NOT NULL, to_regclass(quote_ident(%s) || '.state') IS NOT NULL"
        )
        schema, tables = connection.execute(there, [self.schema, self.schema]).fetchone() or (False, False)
        if not schema:
            connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(self.schema)))
        if not tables:
            columns = SQL(", ").join(
                SQL("{} {}").format(Identifier(name), SQL(_TYPES[kind]))
                for name, kind in COLUMNS.items()
                if name != "id"
            )
            for statement in _TABLES:
                connection.execute(self.sql(statement, columns=columns))
            for column, kind in COLUMNS.items():
                if kind == "texts":
                    connection.execute(
                        self.sql("CREATE INDEX ON {papers} USING gin ({column})", column=Identifier(column))
                    )
            return
        (made,) = connection.execute(self.sql("SELECT format FROM {state}")).fetchone() or (None,)
        if made is not None and made < FORMAT:  # all of it is made of the records: it is filled again
            connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(self.schema)))
            self.prepare(connection)
        elif made != FORMAT:
            raise LibraryError(
                f"the index in schema {self.schema!r} is of format {made}, this paperwright writes format {FORMAT}; "
                "rebuild the library"
            )

    def take_turn(self, connection: "psycopg.Connection[Any]") -> None:
        """Waits until no other writer is at it, and keeps others waiting until the transaction ends."""
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"paperwright {self.schema}"])

    def reach(self, connection: "psycopg.Connection[Any]", revision: int) -> None:
        """Raises the revision."""
        connection.execute(self.sql("UPDATE {state} SET revision = greatest(revision, %s)"), [revision])

    def width(self, connection: "psycopg.Connection[Any]") -> int | None:
        """How many numbers the vectors have; None before the first."""
        (width,) = connection.execute(self.sql("SELECT width FROM {state}")).fetchone() or (None,)
        return None if width is None else int(width)

    def make_room(self, connection: "psycopg.Connection[Any]", width: int) -> None:
        """Sees to it that vectors of a width can be kept.

        Raises:
            EncoderMismatch: those that are there have another.
            LibraryError: the server has no pgvector.
        """
        from psycopg.sql import Literal

        there = self.width(connection)
        if there == width:
            return
        if there:
            raise EncoderMismatch(
                f"the index has vectors of {there} numbers, these have {width}: they are of another encoder; "
                "rebuild the library"
            )
        if not connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone():
            raise LibraryError(
                "the PostgreSQL server has no pgvector, which keeps the vectors: have it installed there, or make the "
                'library with index="lance"'
            )
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute(
            self.sql(
                "CREATE TABLE {vectors} (number integer PRIMARY KEY REFERENCES {papers} ON DELETE CASCADE, "
                "vector vector({width}) NOT NULL)",
                width=Literal(width),
            )
        )
        if width <= 1_900:  # fits a page of 8 kB: kept in the row, a scan reads it without a detour
            connection.execute(self.sql("ALTER TABLE {vectors} ALTER COLUMN vector SET STORAGE PLAIN"))
        connection.execute(self.sql("UPDATE {state} SET width = %s"), [width])

    def take_out(self, connection: "psycopg.Connection[Any]", ids: Sequence[str]) -> None:
        """Takes papers out with all that hangs on them; unknown ids are passed over."""
        connection.execute(
            self.sql(
                """
                WITH gone AS (DELETE FROM {papers} WHERE id = ANY(%(ids)s) RETURNING number, terms, length),
                held AS (SELECT number, unnest(terms) AS term FROM gone),
                cut AS (DELETE FROM {postings} AS p USING held WHERE p.term = held.term AND p.paper = held.number),
                lowered AS (
                    UPDATE {terms} AS t SET papers = t.papers - lost.papers
                    FROM (SELECT term, count(*) AS papers FROM held GROUP BY term) AS lost WHERE t.number = lost.term
                )
                UPDATE {state} SET papers = papers - (SELECT count(*) FROM gone),
                    tokens = tokens - (SELECT coalesce(sum(length), 0) FROM gone)
                """
            ),
            {"ids": storable(ids)},
        )

    def put_papers(
        self,
        connection: "psycopg.Connection[Any]",
        ids: Sequence[str],
        columns: Sequence[Mapping[str, Any]],
        terms: Sequence[Counter[str]],
    ) -> list[int]:
        """Adds papers that are not there; returns their numbers."""
        from psycopg.sql import SQL, Identifier

        if not ids:
            return []
        frequencies: Counter[str] = Counter()
        for counted in terms:
            frequencies.update(counted.keys())
        found = sorted(frequencies)
        numbered = connection.execute(
            self.sql(
                """
                INSERT INTO {terms} AS t (term, papers) SELECT * FROM unnest(%(terms)s::text[], %(papers)s::integer[])
                ON CONFLICT (term) DO UPDATE SET papers = t.papers + excluded.papers
                RETURNING term, number, xmax = 0 AS new
                """
            ),
            {"terms": found, "papers": [frequencies[term] for term in found]},
        ).fetchall()
        number_of = {term: number for term, number, _ in numbered}
        with connection.cursor().copy(self.sql("COPY {trigrams} FROM STDIN")) as copy:
            for term, number, new in numbered:
                for trigram in framed(term) if new else ():
                    copy.write_row([trigram, len(term), number])
        (last,) = connection.execute(
            self.sql("UPDATE {state} SET papers = papers + %s, tokens = tokens + %s, last = last + %s RETURNING last"),
            [len(ids), sum(map(Counter.total, terms)), len(ids)],
        ).fetchone() or (0,)
        numbers = list(range(last - len(ids) + 1, last + 1))
        names = [name for name in COLUMNS if name != "id"]
        into = SQL(", ").join(map(Identifier, ["number", "id", "date", "length", "terms", *names]))
        with connection.cursor().copy(self.sql("COPY {papers} ({into}) FROM STDIN", into=into)) as copy:
            for number, identifier, row, counted in zip(numbers, ids, columns, terms, strict=True):
                values = [list(value) if isinstance(value, tuple) else value for value in map(row.__getitem__, names)]
                held = sorted(number_of[term] for term in counted)
                copy.write_row([number, identifier, date_number(row), counted.total(), held, *values])
        with connection.cursor().copy(self.sql("COPY {postings} FROM STDIN (FORMAT BINARY)")) as copy:
            copy.write(_COPY_BEGIN + _postings(numbers, terms, number_of).tobytes() + _COPY_END)
        return numbers

    def put_vectors(
        self,
        connection: "psycopg.Connection[Any]",
        numbers: Sequence[int],
        vectors: Float32[np.ndarray, "papers width"],
    ) -> None:
        """Adds the vectors of papers."""
        from pgvector.psycopg import register_vector

        register_vector(connection)
        with connection.cursor().copy(self.sql("COPY {vectors} FROM STDIN (FORMAT BINARY)")) as copy:
            copy.set_types(["int4", "vector"])
            for number, vector in zip(numbers, vectors, strict=True):
                copy.write_row([number, vector])


def _postings(numbers: Sequence[int], terms: Sequence[Counter[str]], number_of: Mapping[str, int]) -> np.ndarray:
    """The rows of papers in `postings`, in the order of its own index."""
    each = [len(counted) for counted in terms]
    rows = np.zeros(sum(each), dtype=_POSTING)
    rows["fields"] = len(_FIELDS)
    for name in _FIELDS:
        rows[f"bytes of {name}"] = 4
    rows["term"] = [number_of[term] for counted in terms for term in counted]
    rows["paper"] = np.repeat(numbers, each)
    rows["count"] = [count for counted in terms for count in counted.values()]
    rows["length"] = np.repeat([counted.total() for counted in terms], each)
    return rows[np.argsort(rows["term"], kind="stable")]
