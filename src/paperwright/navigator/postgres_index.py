"""The index in PostgreSQL, for a library that several machines search: BM25 in SQL, vectors by pgvector.

Ranking is the BM25 of the index in memory, not PostgreSQL's own full-text search: `ts_rank_cd` knows no document
frequencies, so that a common word counts as much as a rare one. Terms, postings and lengths are tables; a query sums
over the postings of its terms t, with weights w_t,

    score(q, d) = sum over t of w_t idf(t) tf / (tf + k1 (1 - b + b |d| / avgdl)).

A posting carries its paper's length beside the count, so that the sum needs no other table. Document frequencies and
the mean length are kept up to date in the transaction that changes them. Writers of one index take turns (an advisory
lock); readers never wait.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32

from .filters import COLUMNS, Filter
from .index import Scored
from .lexical import K1, B
from .postgres_connections import Connections
from .postgres_filters import condition, storable
from .postgres_tables import PostgresTables
from .query_terms import MOST_ALIKE, framed, weighted_terms
from .text import tokens
from .unit_vectors import checked_query, checked_rows

if TYPE_CHECKING:
    import psycopg
    from psycopg.sql import Composable

EXACT_UP_TO = 100_000
"""Papers up to which inner products are all computed; beyond, `snapshot` builds an HNSW graph."""
WIDEST_GRAPH = 2_000
"""Numbers in a vector that pgvector's graph can take."""

EVERYTHING = Filter()
_HOLDING = (
    "number IN (SELECT paper FROM {postings} AS p JOIN {terms} AS t ON p.term = t.number WHERE t.term = ANY(%(terms)s))"
)


class PostgresIndex:
    """An `Index` in a schema of a PostgreSQL database.

    Args:
        address: "postgresql://user:password@host/database".
        schema: Holds the tables of this index and nothing else; made if it is not there.
        exact_up_to: See `EXACT_UP_TO`.

    Raises:
        LibraryError: the server cannot be reached, or refuses; the message has no password in it.
    """

    def __init__(self, address: str, schema: str, exact_up_to: int = EXACT_UP_TO) -> None:
        self.schema = schema
        self.exact_up_to = exact_up_to
        self._tables = PostgresTables(schema)
        self._connections = Connections(address)
        try:
            self._connections.writing(self._tables.prepare)
        except BaseException:
            self.close()
            raise

    # -- what it holds -------------------------------------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """See `Index.revision`; asked of the server, since others may have written."""
        return int(self._one("SELECT revision FROM {state}")[0])

    def upsert(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        vectors: Float32[np.ndarray, "papers width"] | None,
        columns: Sequence[Mapping[str, Any]],
        revision: int,
    ) -> None:
        """See `Index.upsert`."""
        rows = dict(zip(ids, range(len(ids)), strict=True))  # of an id that comes twice, the last
        places = list(rows.values())
        if vectors is not None:
            vectors = checked_rows(ids, vectors)
        terms = [Counter(tokens(texts[place])) for place in places]
        kept = [columns[place] for place in places]

        def write(connection: "psycopg.Connection[Any]") -> None:
            self._tables.take_turn(connection)
            if vectors is not None:
                self._tables.make_room(connection, vectors.shape[1])
            self._tables.take_out(connection, list(rows))
            numbers = self._tables.put_papers(connection, list(rows), kept, terms)
            if vectors is not None:
                self._tables.put_vectors(connection, numbers, vectors[places])
            self._tables.reach(connection, revision)

        self._connections.writing(write)

    def delete(self, ids: Sequence[str], revision: int) -> None:
        """See `Index.delete`."""

        def write(connection: "psycopg.Connection[Any]") -> None:
            self._tables.take_turn(connection)
            self._tables.take_out(connection, list(ids))
            self._tables.reach(connection, revision)

        self._connections.writing(write)

    def count(self, where: Filter) -> int:
        """See `Index.count`."""
        return int(self._one("SELECT count(*) FROM {papers} WHERE {where}", where=where)[0])

    def vectors(self, ids: Sequence[str]) -> Float32[np.ndarray, "papers width"]:
        """See `Index.vectors`."""
        width = self._width()
        found = np.zeros((len(ids), width or 0), dtype=np.float32)
        if width:
            query = "SELECT id, vector::real[] FROM {papers} JOIN {vectors} USING (number) WHERE id = ANY(%(ids)s)"
            known = dict(self._all(query, ids=storable(ids)))
            for row, identifier in enumerate(ids):
                if identifier in known:
                    found[row] = known[identifier]
        return found

    # -- finding -------------------------------------------------------------------------------------------------------

    def terms(self, query: str) -> dict[str, float]:
        """What the lexical leg looks for: terms with their weights, typing errors mended."""
        return weighted_terms(query, self)

    def lexical(self, query: str, k: int, where: Filter) -> list[Scored]:
        """See `Index.lexical`."""
        weights = self.terms(query)
        if not weights:
            return []
        known = self._all(
            "SELECT term, number, t.papers, s.papers, s.tokens FROM {terms} AS t CROSS JOIN {state} AS s "
            "WHERE term = ANY(%(terms)s) AND t.papers > 0",
            terms=list(weights),
        )
        if not known:
            return []
        papers, length = known[0][3:]
        found = self._all(
            """
            SELECT id, score FROM (
                SELECT paper AS number, sum(weight * count / (count + %(base)s + %(slope)s * length))::real AS score
                FROM unnest(%(terms)s::integer[], %(weights)s::double precision[]) AS sought (term, weight)
                JOIN {postings} USING (term)
                WHERE {among}
                GROUP BY paper ORDER BY score DESC FETCH FIRST %(k)s ROWS WITH TIES
            ) AS best JOIN {papers} USING (number) ORDER BY score DESC, id LIMIT %(k)s
            """,
            where=where,
            among="paper",
            terms=[number for _, number, *_ in known],
            weights=[weights[term] * math.log(1 + (papers - df + 0.5) / (df + 0.5)) for term, _, df, *_ in known],
            base=K1 * (1 - B),
            slope=K1 * B * papers / length,  # papers / length = 1 / avgdl
            k=k,
        )
        return [Scored(*one) for one in found]

    def dense(self, vector: Float32[np.ndarray, " width"], k: int, where: Filter) -> list[Scored]:
        """See `Index.dense`; exact up to `exact_up_to` papers that pass the filter."""
        width = self._width()
        if not width:
            return []
        vector = checked_query(vector, width)
        graph = self._has_graph() and self.count(where) > self.exact_up_to
        # Adding nothing keeps the planner from the graph, which would be asked for more papers than it has at hand.
        distance = "vector <#> %(vector)s::vector" if graph else "(vector <#> %(vector)s::vector) + 0"
        written = f"[{','.join(map(repr, vector.tolist()))}]"

        def read(connection: "psycopg.Connection[Any]") -> list[Any]:
            if graph:
                for name, value in (
                    ("ef_search", str(min(1_000, max(100, 2 * k)))),
                    ("iterative_scan", "strict_order"),
                ):
                    connection.execute("SELECT set_config(%s, %s, true)", [f"hnsw.{name}", value])
            query = f"""
                SELECT id, -distance FROM (
                    SELECT number, {distance} AS distance FROM {{vectors}} WHERE {{among}}
                    ORDER BY distance FETCH FIRST %(k)s ROWS WITH TIES
                ) AS best JOIN {{papers}} USING (number) ORDER BY distance, id LIMIT %(k)s
                """
            return self._fetched(connection, query, where, "number", {"vector": written, "k": k})

        return [Scored(*one) for one in (self._connections.writing if graph else self._connections.reading)(read)]

    def newest(self, k: int, where: Filter) -> list[Scored]:
        """The newest k papers, scored by `date_number` of their columns."""
        query = "SELECT id, date FROM {papers} WHERE {where} ORDER BY date DESC, id LIMIT %(k)s"
        return [Scored(*one) for one in self._all(query, where=where, k=k)]

    def tally(self, columns: Sequence[str], where: Filter, query: str | None = None) -> dict[str, dict[Any, int]]:
        """See `Tallying.tally`."""
        terms = None if query is None else list(self.terms(query))
        found: dict[str, dict[Any, int]] = {}
        for column in columns:
            value = "unnest({column})" if COLUMNS[column] == "texts" else "{column}"
            asked = (
                f"SELECT value, count(*) FROM (SELECT {value} AS value FROM {{papers}} WHERE {{where}} "
                f"AND (%(terms)s::text[] IS NULL OR {_HOLDING})) AS held WHERE value IS NOT NULL GROUP BY value"
            )
            rows = self._all(asked, where=where, column=column, terms=terms)
            found[column] = {value: count for value, count in rows if value != ""}
        return found

    def matches(self, query: str, where: Filter) -> int:
        """See `Tallying.matches`."""
        asked = f"SELECT count(*) FROM {{papers}} WHERE {{where}} AND {_HOLDING}"
        return int(self._one(asked, where=where, terms=list(self.terms(query)))[0])

    # -- keeping it ----------------------------------------------------------------------------------------------------

    def snapshot(self) -> None:
        """Sweeps what was replaced, renews the planner's statistics, and builds the graph when it is time for one.

        What is written is durable without it.
        """

        def sweep(connection: "psycopg.Connection[Any]") -> None:
            self._tables.take_turn(connection)
            connection.execute(
                self._tables.sql(
                    "WITH gone AS (DELETE FROM {terms} WHERE papers = 0 RETURNING number) "
                    "DELETE FROM {trigrams} USING gone WHERE term = number"
                )
            )
            (size,) = connection.execute(self._tables.sql("SELECT papers FROM {state}")).fetchone() or (0,)
            if size > self.exact_up_to and (self._tables.width(connection) or WIDEST_GRAPH + 1) <= WIDEST_GRAPH:
                connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
                connection.execute(
                    self._tables.sql("CREATE INDEX IF NOT EXISTS graph ON {vectors} USING hnsw (vector vector_ip_ops)")
                )

        self._connections.writing(sweep)
        tables = ["papers", "postings", "terms", "trigrams", "state", *(["vectors"] if self._width() else [])]
        vacuum = self._tables.sql("VACUUM (ANALYZE) " + ", ".join(f"{{{table}}}" for table in tables))
        self._connections.reading(lambda connection: connection.execute(vacuum))

    def drop(self) -> None:
        """Removes the schema with everything in it: the end of this index."""
        from psycopg.sql import SQL, Identifier

        def remove(connection: "psycopg.Connection[Any]") -> None:
            self._tables.take_turn(connection)
            connection.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(self.schema)))

        self._connections.writing(remove)

    def close(self) -> None:
        """Closes its connections."""
        self._connections.close()

    # -- the words, for `query_terms` ---------------------------------------------------------------------------

    def counts(self, terms: Sequence[str]) -> dict[str, int]:
        """See `Words.counts`."""
        query = "SELECT term, papers FROM {terms} WHERE term = ANY(%(terms)s) AND papers > 0"
        return dict(self._all(query, terms=list(terms)))

    def alike(self, term: str, letters: tuple[int, int]) -> dict[str, int]:
        """See `Words.alike`."""
        query = """
            SELECT term, papers FROM (
                SELECT term AS number, count(*) AS shared FROM {trigrams}
                WHERE trigram = ANY(%(trigrams)s) AND letters BETWEEN %(least)s AND %(most)s GROUP BY term
            ) AS near JOIN {terms} USING (number) WHERE papers > 0 ORDER BY shared DESC, term LIMIT %(limit)s
            """
        wanted = framed(term)
        return dict(self._all(query, trigrams=wanted, least=letters[0], most=letters[1], limit=MOST_ALIKE))

    def beginning_with(self, prefix: str) -> dict[str, int]:
        """See `Words.beginning_with`."""
        query = """
            SELECT term, papers FROM {terms} WHERE term >= %(prefix)s AND term < %(beyond)s AND papers > 0
            ORDER BY papers DESC, term LIMIT 20
            """
        return dict(self._all(query, prefix=prefix, beyond=prefix + "\U0010ffff"))

    # -- asking --------------------------------------------------------------------------------------------------------

    def _width(self) -> int | None:
        return self._connections.reading(self._tables.width)

    def _has_graph(self) -> bool:
        found = self._one("SELECT to_regclass(quote_ident(%(schema)s) || '.graph') IS NOT NULL", schema=self.schema)
        return bool(found[0])

    def _one(self, query: str, where: Filter = EVERYTHING, **values: Any) -> Any:
        return self._all(query, where, **values)[0]

    def _all(self, query: str, where: Filter = EVERYTHING, among: str = "", **values: Any) -> list[Any]:
        return self._connections.reading(lambda connection: self._fetched(connection, query, where, among, values))

    def _fetched(
        self, connection: "psycopg.Connection[Any]", query: str, where: Filter, among: str, values: Mapping[str, Any]
    ) -> list[Any]:
        """The rows of a query. `{where}` in it stands for a filter of papers, `{among}` for one of a table that
        numbers them in the column `among`; a `column` among the values is the name of one.
        """
        from psycopg.sql import SQL, Identifier

        passing, wanted = condition(where)
        within: Composable = SQL("true")
        if where and among:
            within = self._tables.sql(
                "{number} IN (SELECT number FROM {papers} WHERE {where})", number=Identifier(among), where=passing
            )
        column = Identifier(values["column"]) if "column" in values else SQL("")
        asked = self._tables.sql(query, where=passing, among=within, column=column)
        return connection.execute(asked, {**wanted, **values}, binary=True).fetchall()
