"""One suite over the three engines: whatever an index is of, it finds the same papers."""

import itertools
import math
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from paperwright.navigator.errors import EncoderMismatch, NavigatorError
from paperwright.navigator.filters import COLUMNS, Filter, columns_of
from paperwright.navigator.index import Index, Scored, date_number
from paperwright.navigator.paper import Paper
from paperwright.navigator.text import tokens

ENGINES = ("memory", "lance", "postgres")
EVERYTHING = Filter()
Opened = Callable[[], Index]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fresh(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], Opened]]:
    """Makes places for indexes; each place opens the same index again and again."""
    opened: list[Index] = []
    address = request.getfixturevalue("postgres_address") if engine == "postgres" else ""

    def place() -> Opened:
        where = _place(engine, tmp_path, address)

        def reopened() -> Index:
            opened.append(_opened(engine, where))
            return opened[-1]

        return reopened

    yield place
    for index in opened:
        index.close()


def _place(engine: str, folder: Path, address: str) -> str:
    name = f"index_{secrets.token_hex(6)}"
    return f"{address} {name}" if engine == "postgres" else str(folder / name)


def _opened(engine: str, place: str, **options: Any) -> Index:
    if engine == "memory":
        from paperwright.navigator.memory_index import MemoryIndex

        return MemoryIndex(Path(place))
    if engine == "lance":
        from paperwright.navigator.lance_index import LanceIndex

        return LanceIndex(Path(place), **options)
    from paperwright.navigator.postgres_index import PostgresIndex

    return PostgresIndex(*place.split(), **options)


# -- a naive index to compare with -------------------------------------------------------------------------------------


class NaiveIndex:
    """What an index says, read off the definitions, paper by paper."""

    def __init__(self) -> None:
        self.papers: dict[str, tuple[str, np.ndarray, Mapping[str, Any]]] = {}

    def passing(self, where: Filter) -> list[str]:
        return [identifier for identifier, (_, _, columns) in self.papers.items() if where.holds(columns)]

    def dense(self, vector: np.ndarray, k: int, where: Filter) -> list[Scored]:
        return _best({one: float(self.papers[one][1] @ vector) for one in self.passing(where)}, k)

    def lexical(self, query: str, k: int, where: Filter) -> list[Scored]:
        """BM25 in Lucene's variant, k1 = 1.2, b = 0.75."""
        texts = {identifier: tokens(text) for identifier, (text, _, _) in self.papers.items()}
        mean = sum(map(len, texts.values())) / max(len(texts), 1)
        scores: dict[str, float] = {}
        for term in tokens(query):
            df = sum(term in text for text in texts.values())
            idf = math.log(1 + (len(texts) - df + 0.5) / (df + 0.5))
            for identifier in self.passing(where):
                text = texts[identifier]
                if tf := text.count(term):
                    score = idf * tf / (tf + 1.2 * (1 - 0.75 + 0.75 * len(text) / mean))
                    scores[identifier] = scores.get(identifier, 0.0) + score
        return _best(scores, k)

    def tally(self, column: str, where: Filter, among: Collection[str] | None = None) -> dict[Any, int]:
        found: dict[Any, int] = {}
        for identifier in self.passing(where):
            if among is not None and identifier not in among:
                continue
            value = self.papers[identifier][2][column]
            for one in value if isinstance(value, tuple) else (value,):
                if one is not None and one != "":
                    found[one] = found.get(one, 0) + 1
        return found


def _best(scores: Mapping[str, float], k: int) -> list[Scored]:
    return [Scored(*one) for one in sorted(scores.items(), key=lambda one: (-one[1], one[0]))[:k]]


def put(index: Index, papers: Sequence[Paper], texts: Sequence[str], vectors: np.ndarray | None, revision: int) -> None:
    index.upsert([paper.id for paper in papers], texts, vectors, [columns_of(paper) for paper in papers], revision)


def alike(found: Sequence[Scored], expected: Sequence[Scored], tolerance: float = 1e-5) -> bool:
    """The same scores in order, and the same papers but for those whose scores are the same to the tolerance."""
    if [one.score for one in found] != pytest.approx([one.score for one in expected], rel=tolerance, abs=tolerance):
        return False
    scores = dict(expected)
    last = expected[-1].score if expected else 0.0
    return all(scores.get(one.id, last) == pytest.approx(one.score, rel=tolerance, abs=tolerance) for one in found)


# -- strategies --------------------------------------------------------------------------------------------------------

IDS = ("a", "b", "B", "ä", "o'brien", "z-1", "10", "9", "中", '"', "%s", "{0}")
# Far enough apart that none is taken for another's misspelling or beginning, and none is an acronym.
WORDS = ("attention", "curvature", "reservoir", "diffusion", "codebook", "hopfield", "lottery", "privacy")
NAMES = ("Ada Lovelace", "O'Brien", "Zoë; DROP TABLE papers", "a\\b", "100% {sure}", "Å,B", "李 明")
# Unit vectors whose products are exact in every engine, also after they were halves on disk; many products are equal.
VECTORS = [
    *(np.eye(4)[place] * sign for place in range(4) for sign in (1, -1)),
    *(np.array(signs) / 2 for signs in itertools.product((1, -1), repeat=4)),
]

papers = st.builds(
    Paper,
    id=st.sampled_from(IDS),
    title=st.just("A title"),
    authors=st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
    keywords=st.lists(st.sampled_from(("graphs", "Graphs", "it's", "μ-law")), max_size=2).map(tuple),
    categories=st.lists(st.sampled_from(("cs.LG", "stat.ML")), max_size=2).map(tuple),
    venue=st.sampled_from(("", "ICLR", "NeurIPS")),
    year=st.none() | st.integers(2019, 2022),
    decision=st.sampled_from(("", "Oral", "Poster", "Reject")),
    source=st.sampled_from(("", "csv")),
    published=st.none() | st.sampled_from(("2021", "2021-04", "2021-04-25", "2022-01-01")),
    ratings=st.lists(st.integers(1, 10).map(float), max_size=3).map(tuple),
    citations=st.none() | st.integers(0, 5),
    code_urls=st.sampled_from(((), ("https://example.org/code",))),
)
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
vectors = st.sampled_from(VECTORS).map(lambda vector: vector.astype(np.float32))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "id": st.sampled_from((*IDS, "nobody's", "")),
    "venue": st.sampled_from(("ICLR", "icml")),
    "year": st.integers(2018, 2023),
    "decision": st.sampled_from(("oral", "Poster", "none'")),
    "track": st.sampled_from(("main", "")),
    "source": st.sampled_from(("csv", "\0", "\ud800")),
    "published": st.sampled_from(("2021", "2021-04-25", "2030")),
    "rating": st.sampled_from((5, 5.5, 8, -100)),
    "citations": st.integers(0, 5),
    "has_code": st.booleans(),
    "accepted": st.booleans(),
    "author": st.sampled_from((*NAMES, "'; DROP SCHEMA public; --")),
    "keyword": st.sampled_from(("graphs", "it's", "μ-law", "other")),
    "category": st.sampled_from(("cs.lg", "stat.ml")),
}
TALLIED = sorted(set(COLUMNS) - {"id"})
RANGED = ("year", "rating", "citations", "published")


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    where: dict[str, Any] = {}
    for column in draw(st.lists(st.sampled_from(sorted(COLUMNS)), max_size=3, unique=True)):
        values = VALUES[column]
        wanted: st.SearchStrategy[Any] = st.lists(values, max_size=3)
        if column in RANGED:
            wanted |= st.tuples(st.none() | values, st.none() | values)
        where[draw(st.sampled_from(("", "-"))) + column] = draw(wanted)
    return Filter.of(where)


class Conforming(RuleBasedStateMachine):
    """An index of some engine beside the naive one, through the same changes."""

    def __init__(self, engine: str, opened: Opened) -> None:
        super().__init__()
        self.engine, self.opened = engine, opened
        self.index = opened()
        self.naive = NaiveIndex()
        self.revision = 0
        self.settled = False

    def teardown(self) -> None:
        self.index.close()

    @initialize(rows=st.lists(st.tuples(papers, texts, vectors), min_size=4, max_size=12))
    def filled(self, rows: list[tuple[Paper, str, np.ndarray]]) -> None:
        self.upsert(rows)

    @rule(rows=st.lists(st.tuples(papers, texts, vectors), min_size=1, max_size=8))
    def upsert(self, rows: list[tuple[Paper, str, np.ndarray]]) -> None:
        self.revision += len(rows)
        self.settled = False
        some, said, directions = zip(*rows, strict=True)
        put(self.index, some, said, np.stack(directions), self.revision)
        self.naive.papers |= {paper.id: (text, vector, columns_of(paper)) for paper, text, vector in rows}

    @rule(ids=st.lists(st.sampled_from(IDS), max_size=3))
    def delete(self, ids: list[str]) -> None:
        self.revision += 1
        self.settled = False
        self.index.delete(ids, self.revision)
        for identifier in ids:
            self.naive.papers.pop(identifier, None)

    @rule()
    def snapshot(self) -> None:
        self.index.snapshot()
        self.settled = True

    @rule()
    def reopen(self) -> None:
        if self.engine == "memory":
            self.index.snapshot()  # the others are durable without it
        self.index.close()
        self.index = self.opened()

    @rule(where=filters(), vector=vectors, k=st.integers(1, 15))
    def search_dense(self, where: Filter, vector: np.ndarray, k: int) -> None:
        assert self.index.dense(vector, k, where) == self.naive.dense(vector, k, where)

    @rule(where=filters(), words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), k=st.integers(1, 15))
    def search_lexical(self, where: Filter, words: list[str], k: int) -> None:
        query = " ".join(words)
        found = self.index.lexical(query, k, where)
        if self.engine == "lance" and not self.settled:  # scores are BM25's from the next snapshot on
            k = len(IDS)
            found = self.index.lexical(query, k, where)
            assert {one.id for one in found} == {one.id for one in self.naive.lexical(query, k, where)}
            assert found == _best(dict(found), k)
        else:
            assert alike(found, self.naive.lexical(query, k, where))

    @rule(where=filters(), k=st.integers(1, 15))
    def count(self, where: Filter, k: int) -> None:
        passing = self.naive.passing(where)
        assert self.index.count(where) == len(passing)
        dates = {one: date_number(self.naive.papers[one][2]) for one in passing}
        assert self.index.newest(k, where) == _best(dates, k)

    @rule(where=filters(), columns=st.lists(st.sampled_from(TALLIED), min_size=1, max_size=3, unique=True))
    def tally(self, where: Filter, columns: list[str]) -> None:
        assert self.index.tally(columns, where) == {column: self.naive.tally(column, where) for column in columns}

    @rule(where=filters(), words=st.lists(st.sampled_from(WORDS), max_size=2), column=st.sampled_from(TALLIED))
    def tally_what_is_found(self, where: Filter, words: list[str], column: str) -> None:
        query = " ".join(words)
        found = {one.id for one in self.naive.lexical(query, len(IDS), where)}
        assert self.index.matches(query, where) == len(found)
        assert self.index.tally([column], where, query) == {column: self.naive.tally(column, where, found)}

    @rule(ids=st.lists(st.sampled_from((*IDS, "nobody's"))))
    def read_vectors(self, ids: list[str]) -> None:
        nothing = ("", np.zeros(4, dtype=np.float32), {})
        expected = [self.naive.papers.get(identifier, nothing)[1] for identifier in ids]
        found = self.index.vectors(ids)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, np.reshape(expected, (len(ids), 4)))

    @invariant()
    def revision_is_the_newest(self) -> None:
        assert self.index.revision == self.revision


def test_an_engine_finds_what_the_definitions_say(engine: str, fresh: Callable[[], Opened]) -> None:
    examples = {"memory": 30, "lance": 6, "postgres": 12}[engine]  # about five seconds each
    run_state_machine_as_test(
        lambda: Conforming(engine, fresh()),
        settings=settings(
            max_examples=examples, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


# -- what random changes do not reach ----------------------------------------------------------------------------------


def directions(count: int, width: int = 16, seed: int = 0) -> np.ndarray:
    """Unit vectors around a few centres."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(20, width))
    found = centres[generator.integers(20, size=count)] + 0.7 * generator.normal(size=(count, width))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def numbered(count: int, start: int = 0) -> list[Paper]:
    return [Paper(id=f"p{place:05d}", title="A title", year=2000 + place % 20) for place in range(start, start + count)]


def sentences(count: int, seed: int = 0) -> list[str]:
    generator = np.random.default_rng(seed)
    return [" ".join(generator.choice(WORDS, size=generator.integers(1, 9))) for _ in range(count)]


def test_inner_products_are_those_of_numpy(engine: str, fresh: Callable[[], Opened]) -> None:
    index, vectors = fresh()(), directions(300)
    put(index, numbered(300), sentences(300), vectors, 1)
    for vector in directions(5, seed=1):
        scores = dict(zip([paper.id for paper in numbered(300)], (vectors @ vector).tolist(), strict=True))
        assert alike(index.dense(vector, 25, EVERYTHING), _best(scores, 25), tolerance=1e-6)


def test_an_index_without_vectors_is_searched_by_words(engine: str, fresh: Callable[[], Opened]) -> None:
    index = fresh()()
    put(index, numbered(3), ["privacy", "lottery", "privacy lottery"], None, 1)
    assert [one.id for one in index.lexical("privacy", 5, EVERYTHING)] == ["p00000", "p00002"]
    assert index.dense(np.ones(4, dtype=np.float32), 5, EVERYTHING) == []
    assert index.vectors(["p00000"]).shape == (1, 0)


def test_a_paper_without_a_vector_is_found_by_words_only(engine: str, fresh: Callable[[], Opened]) -> None:
    index = fresh()()
    put(index, numbered(1), ["privacy"], np.eye(1, 4, dtype=np.float32), 1)
    put(index, numbered(1, start=1), ["privacy"], None, 2)
    assert [one.id for one in index.lexical("privacy", 5, EVERYTHING)] == ["p00000", "p00001"]
    assert [one.id for one in index.dense(-np.eye(1, 4, dtype=np.float32)[0], 5, EVERYTHING)] == ["p00000"]
    assert not index.vectors(["p00001"]).any()


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("curvatrue ", {"curvatur"}),  # swapped
        ("reservor lottery", {"reservoir", "lottery"}),  # left out
        ("diff", {"diffusion"}),  # still being typed
        ("diff ", set()),
        ("rl", {"reinforcement", "learn"}),  # spelled out
        ("unheardofword ", set()),
    ],
)
def test_queries_are_mended(engine: str, query: str, terms: set[str], fresh: Callable[[], Opened]) -> None:
    index = fresh()()
    put(index, numbered(9), [*WORDS, "reinforcement learning"], None, 1)
    for _ in range(2):
        assert set(index.terms(query)) == terms
        assert {one.id for one in index.lexical(query, 9, EVERYTHING)} == {
            paper.id for paper, text in zip(numbered(9), [*WORDS, "reinforcement learning"], strict=True)
            if terms & set(tokens(text))
        }  # fmt: skip
        index.snapshot()  # makes no difference


def test_words_of_papers_that_went_are_not_what_was_meant(engine: str, fresh: Callable[[], Opened]) -> None:
    index = fresh()()
    put(index, numbered(2), ["curvature", "reservoir"], None, 1)
    index.delete(["p00000"], 2)
    index.snapshot()
    assert index.lexical("curvatrue ", 5, EVERYTHING) == []


@pytest.mark.parametrize(
    ("vectors", "error", "words"),
    [
        (np.ones((1, 5), dtype=np.float32), EncoderMismatch, "4 numbers.* 5"),
        (np.full((1, 4), np.nan, dtype=np.float32), NavigatorError, "p00007"),
        (np.full((1, 4), np.inf, dtype=np.float32), NavigatorError, "p00007"),
        (np.ones((2, 4), dtype=np.float32), NavigatorError, "one for each|1 vector"),
    ],
)
def test_vectors_that_cannot_be_are_refused_and_nothing_is_changed(
    engine: str, vectors: np.ndarray, error: type[Exception], words: str, fresh: Callable[[], Opened]
) -> None:
    index = fresh()()
    put(index, numbered(2), ["privacy", "lottery"], np.eye(2, 4, dtype=np.float32), 1)
    with pytest.raises(error, match=words):
        put(index, numbered(1, start=7), ["privacy"], vectors, 2)
    assert (index.count(EVERYTHING), index.revision) == (2, 1)


def test_a_query_vector_that_cannot_be_is_refused(engine: str, fresh: Callable[[], Opened]) -> None:
    index = fresh()()
    put(index, numbered(2), ["privacy", "lottery"], np.eye(2, 4, dtype=np.float32), 1)
    with pytest.raises(NavigatorError, match=r"4 numbers"):
        index.dense(np.ones(5, dtype=np.float32), 1, EVERYTHING)
    with pytest.raises(NavigatorError, match="finite"):
        index.dense(np.full(4, np.nan, dtype=np.float32), 1, EVERYTHING)


@pytest.mark.parametrize(
    "query", ["", "the of", "'; DROP TABLE papers; --", "\0", 'a"b OR (c:d^2)~', "🙂" * 500, "x" * 3000]
)
def test_any_query_is_an_answer(engine: str, query: str, fresh: Callable[[], Opened]) -> None:
    index = fresh()()
    put(index, numbered(2), ["privacy", "lottery"], None, 1)
    assert index.lexical(query, 5, EVERYTHING) == []
    assert index.count(EVERYTHING) == 2


@pytest.mark.parametrize("engine", ["lance", "postgres"])
def test_beyond_a_size_near_neighbours_are_looked_up_and_nearly_all_found(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    address = request.getfixturevalue("postgres_address") if engine == "postgres" else ""
    index = _opened(engine, _place(engine, tmp_path, address), exact_up_to=1_000)
    vectors, papers = directions(4_000), numbered(4_000)
    put(index, papers, [""] * 4_000, vectors, 1)
    index.snapshot()
    put(index, numbered(50, start=4_000), [""] * 50, directions(50, seed=7), 2)  # papers since then are found, too
    vectors, papers = np.concatenate([vectors, directions(50, seed=7)]), numbered(4_050)
    ids = np.array([paper.id for paper in papers])
    recall = {"all": [], "many": [], "few": []}
    wheres = {"all": {}, "many": {"year": (2000, 2009)}, "few": {"year": [2003]}}  # 4,050, 2,030 and 203 papers
    for query in directions(25, seed=2):
        scores = vectors @ query
        for name, plain in wheres.items():
            where = Filter.of(plain)
            passing = np.array([where.holds(columns_of(paper)) for paper in papers])
            expected = set(ids[passing][np.argsort(-scores[passing])[:10]])
            found = index.dense(query, 10, where)
            assert len(found) == 10
            assert found == sorted(found, key=lambda one: (-one.score, one.id))
            assert [one.score for one in found] == pytest.approx([scores[int(one.id[1:])] for one in found], abs=1e-5)
            recall[name].append(len(expected & {one.id for one in found}) / 10)
    index.close()
    assert np.mean(recall["few"]) == 1.0  # so few are compared one by one
    assert np.mean(recall["all"]) >= 0.95
    assert np.mean(recall["many"]) >= 0.95


# -- what a crash, and who else writes, must not do --------------------------------------------------------------------

WRITER = """
import sys
sys.path[:0] = {path!r}
from navigator.test_index_conformance import _opened, numbered, put, sentences, directions
index = _opened({engine!r}, {place!r})
for batch in range(1, 10_000):
    put(index, numbered(40, start=40 * batch), sentences(40, seed=batch), directions(40, seed=batch), batch)
    if {engine!r} == "memory" or batch % 3 == 0:
        index.snapshot()
    print(batch, flush=True)
"""


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_whole_batches(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    address = request.getfixturevalue("postgres_address") if engine == "postgres" else ""
    place = _place(engine, tmp_path, address)
    program = WRITER.format(path=[str(Path(__file__).parents[1])], engine=engine, place=place)
    for wait in (0.0, 0.013):
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            said = [int(writer.stdout.readline()) for _ in range(4)][-1]
            time.sleep(wait)
            writer.kill()
        index = _opened(engine, place)
        assert index.revision >= said
        written = range(1, index.revision + 1)
        held = [index.count(Filter.of({"id": [p.id for p in numbered(40, start=40 * one)]})) for one in written]
        assert held == [40] * len(held)
        # Only in Lance is the revision a commit of its own: a batch may be there that it does not know of yet.
        assert index.count(EVERYTHING) - 40 * len(held) in ((0, 40) if engine == "lance" else (0,))
        put(index, numbered(40, start=40), sentences(40, seed=1), directions(40, seed=1), index.revision)
        assert len(index.lexical("privacy", 1_000, Filter.of({"id": [p.id for p in numbered(40, start=40)]}))) == sum(
            "privacy" in text for text in sentences(40, seed=1)
        )
        index.close()


def test_writers_at_once_and_readers_among_them(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Four writers, each with an index of its own (in memory: the same), put overlapping papers; a reader looks on."""
    address = request.getfixturevalue("postgres_address") if engine == "postgres" else ""
    place = _place(engine, tmp_path, address)
    first = _opened(engine, place)
    put(first, numbered(1), ["privacy"], directions(1), 1)
    failures: list[BaseException] = []
    done = threading.Event()

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as error:  # seen by the test, whatever it is
                failures.append(error)

        return run

    def writer(number: int) -> Callable[[], None]:
        def work() -> None:
            index = first if engine == "memory" else _opened(engine, place)
            for batch in range(5):
                start = 10 * (batch + number)
                put(index, numbered(30, start=start), sentences(30, seed=start), directions(30, seed=start), 2 + start)
                if batch % 2:
                    index.snapshot()
            if index is not first:
                index.close()

        return work

    def reader() -> None:
        index = first if engine == "memory" else _opened(engine, place)
        while not done.is_set():
            found = index.lexical("privacy lottery", 200, EVERYTHING)
            assert len({one.id for one in found}) == len(found)
            assert index.count(EVERYTHING) <= 100
        if index is not first:
            index.close()

    reading = threading.Thread(target=guarded(reader))
    writing = [threading.Thread(target=guarded(writer(number))) for number in range(4)]
    for thread in [reading, *writing]:
        thread.start()
    for thread in writing:
        thread.join()
    done.set()
    reading.join()
    assert failures == []
    assert first.count(EVERYTHING) == 100
    assert first.revision == 2 + 10 * 7
    first.snapshot()
    # The statistics have come out right: scores are those of an index that was filled by one.
    texts = _texts_in(first, engine)
    naive = NaiveIndex()
    naive.papers = {one: (text, np.zeros(16), columns_of(Paper(id=one, title="t"))) for one, text in texts.items()}
    for query in ("privacy", "codebook lottery"):
        assert alike(first.lexical(query, 100, EVERYTHING), naive.lexical(query, 100, EVERYTHING), tolerance=1e-4)
    first.close()


def _texts_in(index: Index, engine: str) -> dict[str, str]:
    """The text that each paper ended up with: that of whichever writer came last, told by its vector."""
    said = {
        (f"p{start + place:05d}", vector.tobytes()): text
        for start in range(0, 80, 10)
        for place, (text, vector) in enumerate(zip(sentences(30, seed=start), directions(30, seed=start), strict=True))
    }
    ids = [paper.id for paper in numbered(100)]
    return {one: said[one, vector.tobytes()] for one, vector in zip(ids, index.vectors(ids), strict=True)}


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("C++", "p00000"),
        ("C#", "p00002"),
        ("A*", "p00003"),
        ("L_0", "p00004"),
        ("O(n)", "p00005"),
        ("学习", "p00006"),
        ("generalisation ", "p00007"),
    ],
)
def test_marks_runs_without_spaces_and_both_spellings(
    engine: str, query: str, first: str, fresh: Callable[[], Opened]
) -> None:
    index = fresh()()
    titles = [
        "Templates in C++",
        "Two compilers for C and C",
        "Types of C#",
        "Planning with A* trees",
        "Norms as $L_0$",
    ]
    titles += ["Attention in O(n) and O(1)", "深度学习方法综述", "Generalization", "A norm of L and 0, O and n"]
    put(index, numbered(9), titles, None, 1)
    index.snapshot()
    assert [one.id for one in index.lexical(query, 9, EVERYTHING)][:1] == [first]
