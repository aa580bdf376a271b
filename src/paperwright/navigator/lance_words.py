"""The vocabulary of an index of LanceDB: each word with the number of papers that hold it, in a table of its own.

It serves the mending of typing errors, and nothing in the ranking hangs on it. The words of papers that were written
since the last `fold` are counted when they are first asked for; a crash, or two processes that fold at once, can leave
a count wrong by as much as they had in hand.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .lance_filters import among, text
from .query_terms import MOST_ALIKE, framed

if TYPE_CHECKING:
    import pyarrow as pa
    from lancedb.table import Table

AT_ONCE = 1_000
"""Values that one condition names at the most."""


class LanceWords:
    """`query_terms.Words` over the tables of an index.

    Args:
        papers: Has in `words` the tokens of each paper, in `written` the version of the table that it was added to.
        words: See `words_schema`.
        counted: The version of `papers` up to which `words` has them.
    """

    def __init__(self, papers: "Table", words: "Table", counted: int) -> None:
        self._papers, self.table, self.counted = papers, words, counted
        self._recent: tuple[int, Counter[str]] = (-1, Counter())

    def counts(self, terms: Sequence[str]) -> dict[str, int]:
        """See `Words.counts`."""
        found, recently = Counter(self._kept(among("term", terms), len(terms))), self._recently()
        for term in terms:
            found[term] += recently[term]
        return {term: papers for term, papers in found.items() if papers > 0}

    def alike(self, term: str, letters: tuple[int, int]) -> dict[str, int]:
        """See `Words.alike`."""
        wanted = framed(term)
        search: Any = self.table.search(match(wanted, "trigrams"), query_type="fts")
        search = search.where(f"letters BETWEEN {letters[0]} AND {letters[1]} AND papers > 0", prefilter=True)
        rows = search.select(["term", "papers", "_score"]).limit(2 * MOST_ALIKE).to_arrow()
        found = Counter(dict(zip(rows["term"].to_pylist(), rows["papers"].to_pylist(), strict=True)))
        for word, papers in self._recently().items():
            if letters[0] <= len(word) <= letters[1]:
                found[word] += papers
        shared = {word: len(set(wanted).intersection(framed(word))) for word in found}
        nearest = sorted((word for word in found if shared[word]), key=lambda word: (-shared[word], word))
        return {word: found[word] for word in nearest[:MOST_ALIKE]}

    def beginning_with(self, prefix: str) -> dict[str, int]:
        """See `Words.beginning_with`."""
        found = Counter(self._kept(f"term >= {text(prefix)} AND term < {text(prefix + chr(0x10FFFF))}", 10_000))
        for word, papers in self._recently().items():
            if word.startswith(prefix):
                found[word] += papers
        return dict(found)

    def held_by(self, ids: Iterable[Sequence[str]]) -> Counter[str]:
        """The words of papers that `words` has counted, for `lose`."""
        found: Counter[str] = Counter()
        for some in ids:
            found += self._of_papers(f"{among('id', some)} AND written < {self.counted}")
        return found

    def lose(self, words: Counter[str]) -> None:
        """Takes the words of papers that are gone out of the count."""
        self._add(Counter({word: -papers for word, papers in words.items()}))

    def fold(self) -> None:
        """Takes the words of new papers into the table; `counted` is afterwards the version of `papers` that it saw."""
        until = self._papers.version
        self._add(self._of_papers(f"written >= {self.counted} AND written < {until}"))
        self.table.delete("papers <= 0")
        self.counted = until

    def _add(self, change: Counter[str]) -> None:
        import pyarrow as pa

        if not change:
            return
        terms = sorted(change)
        kept: dict[str, int] = {}
        for some in pieces(terms):
            kept |= self._kept(among("term", some), len(some))
        rows = {
            "term": terms,
            "papers": [max(0, change[term] + kept.get(term, 0)) for term in terms],
            "letters": [len(term) for term in terms],
            "trigrams": [" ".join(framed(term)) for term in terms],
        }
        merge = self.table.merge_insert("term").when_matched_update_all().when_not_matched_insert_all()
        merge.execute(pa.table(rows, schema=words_schema()))

    def _recently(self) -> Counter[str]:
        """The words of papers that were written since the last `fold`."""
        version = self._papers.version
        if self._recent[0] != version:
            self._recent = version, self._of_papers(f"written >= {self.counted}")
        return self._recent[1]

    def _kept(self, condition: str, most: int) -> dict[str, int]:
        rows = (
            self.table.search().where(f"{condition} AND papers > 0").select(["term", "papers"]).limit(most).to_arrow()
        )
        return dict(zip(rows["term"].to_pylist(), rows["papers"].to_pylist(), strict=True))

    def _of_papers(self, condition: str) -> Counter[str]:
        found: Counter[str] = Counter()
        size = self._papers.count_rows()
        for words in (
            self._papers.search().where(condition).select(["words"]).limit(size).to_arrow()["words"].to_pylist()
        ):
            found.update(set(words.split()))
        return found


def words_schema() -> "pa.Schema":
    """A row for each word; the trigrams are those of `query_terms.framed`, with spaces between."""
    import pyarrow as pa

    term = pa.field("term", pa.string(), nullable=False)
    return pa.schema([term, ("papers", pa.int64()), ("letters", pa.int64()), ("trigrams", pa.string())])


def match(terms: Sequence[str], column: str, weight: float = 1.0) -> Any:
    """The search for any of some terms."""
    from lancedb.query import MatchQuery

    return MatchQuery(" ".join(terms), column, boost=weight)  # type: ignore[call-arg]  # the others have defaults


def pieces(values: Sequence[str]) -> Iterable[Sequence[str]]:
    """Values in pieces that one condition can name."""
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))
