"""The index in memory: what it finds is a matter of its papers only, and a snapshot is the same index."""

import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paperwright.navigator.errors import EncoderMismatch
from paperwright.navigator.filters import Filter, columns_of, only_ids
from paperwright.navigator.index import Dated, Explaining, Index, Tallying
from paperwright.navigator.memory_index import MemoryIndex
from paperwright.navigator.paper import Paper
from paperwright.navigator.text import lexical_text

WORDS = ["graph", "network", "learning", "policy", "offline", "transformer"]
QUERIES = ("graph policy", "trasnformer offline", "learn", "netw", "xyz")
papers = st.builds(
    Paper,
    id=st.sampled_from([f"p{number}" for number in range(9)]),
    title=st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join),
    year=st.sampled_from([None, 2021, 2022]),
)


def put(index: MemoryIndex, given: Sequence[Paper], revision: int = 1, vectors: bool = True) -> None:
    rows = np.array([direction(paper) for paper in given], dtype=np.float32).reshape(len(given), 4)
    index.upsert(
        [paper.id for paper in given],
        [lexical_text(paper) for paper in given],
        rows if vectors else None,
        [columns_of(paper) for paper in given],
        revision,
    )


def direction(paper: Paper) -> np.ndarray:
    """A unit vector with numbers that half precision keeps."""
    place = sum(map(ord, paper.title)) % 4
    return np.eye(4)[place] * (1 if len(paper.title) % 2 else -1)


def answers(index: MemoryIndex) -> list[Any]:
    where = Filter.of({"year": 2022})
    found: list[Any] = [index.count(Filter()), index.count(where), index.newest(20, Filter())]
    for query in QUERIES:
        found += [index.terms(query), index.lexical(query, 4, Filter()), index.lexical(query, 20, where)]
    found += [index.dense(np.eye(4, dtype=np.float32)[at], 5, where) for at in range(4)]
    ids = [f"p{number}" for number in range(9)]
    return [*found, index.vectors(ids).tolist(), index.tally(("year", "venue"), Filter())]


def test_it_is_an_index_and_more() -> None:
    for protocol in (Index, Explaining, Dated, Tallying):
        assert isinstance(MemoryIndex(), protocol)


@settings(deadline=None)
@given(
    st.lists(papers, max_size=9),
    st.lists(papers, max_size=9),
    st.sets(st.sampled_from(["p0", "p1", "p2"])),
    st.randoms(),
)
def test_only_the_papers_that_are_there_count(
    first: list[Paper], then: list[Paper], gone: set[str], chance: Any
) -> None:
    index = MemoryIndex()
    put(index, first, 1)
    answers(index)
    put(index, then, 2)
    index.delete(sorted(gone), 3)
    there = {paper.id: paper for paper in [*first, *then] if paper.id not in gone}
    left = list(there.values())
    chance.shuffle(left)
    fresh = MemoryIndex()
    for paper in left:
        put(fresh, [paper], 3)
    if not left:  # an index that never had a vector has no width
        put(fresh, first[:1] or then[:1], 3)
        fresh.delete(["p0", *gone, *(paper.id for paper in [*first, *then])], 3)
    assert answers(index) == answers(fresh)


@settings(deadline=None, max_examples=30)
@given(st.lists(papers, max_size=9), st.sets(st.sampled_from(["p0", "p1", "p2"])), st.lists(papers, max_size=3))
def test_a_snapshot_is_the_same_index(
    tmp_path_factory: pytest.TempPathFactory, given: list[Paper], gone: set[str], more: list[Paper]
) -> None:
    folder = tmp_path_factory.mktemp("index")
    index = MemoryIndex(folder / "index")
    put(index, given, 4)
    index.delete(sorted(gone), 5)
    before = answers(index)
    index.snapshot()
    assert answers(index) == before
    opened = MemoryIndex(folder / "index")
    assert (opened.revision, opened.damage) == (5, None)
    assert answers(opened) == before
    for each in (index, opened):
        put(each, more, 6)
    assert answers(opened) == answers(index)


def test_papers_with_and_without_vectors() -> None:
    index = MemoryIndex()
    put(index, [Paper(id="p0", title="graph")], vectors=False)
    assert index.dense(np.ones(4, dtype=np.float32), 5, Filter()) == []
    put(index, [Paper(id="p1", title="network")], 2)
    put(index, [Paper(id="p2", title="learning")], 3, vectors=False)
    near = index.dense(direction(Paper(id="p1", title="network")).astype(np.float32), 5, Filter())
    assert near == [("p1", 1.0)]
    assert index.vectors(["p0", "p1", "nobody"]).any(axis=1).tolist() == [False, True, False]
    put(index, [Paper(id="p1", title="network")], 4, vectors=False)
    assert index.dense(np.ones(4, dtype=np.float32), 5, Filter()) == []


def test_a_refused_vector_changes_nothing() -> None:
    index = MemoryIndex()
    put(index, [Paper(id="p0", title="graph")])
    before = answers(index)
    with pytest.raises(EncoderMismatch, match="4 numbers, these have 3"):
        index.upsert(["p1"], ["text"], np.ones((1, 3), dtype=np.float32), [columns_of(Paper(id="p1", title="t"))], 2)
    assert answers(index) == before
    assert index.revision == 1


def test_a_long_life_of_changes_keeps_no_dead_weight() -> None:
    index = MemoryIndex()
    for revision in range(1, 60):
        put(index, [Paper(id=f"p{number}", title=f"graph {revision}") for number in range(100)], revision)
    assert index.count(Filter()) == 100
    assert len(index._lexicon) <= 1_300
    assert len(index.lexical("graph", 200, Filter())) == 100


def test_ties_are_broken_by_id_under_any_filter() -> None:
    index = MemoryIndex()
    put(index, [Paper(id=f"p{number:03}", title="graph network") for number in reversed(range(300))])
    assert [one.id for one in index.lexical("graph", 3, Filter())] == ["p000", "p001", "p002"]
    some = Filter((only_ids(["p000", "p001"], negated=True),))
    assert [one.id for one in index.lexical("graph", 2, some)] == ["p002", "p003"]


def test_threads_that_search_while_one_adds() -> None:
    index = MemoryIndex()
    put(index, [Paper(id="p0", title="graph network")])
    wrong: list[object] = []
    done = threading.Event()

    def search() -> None:
        while not done.is_set():
            found = index.lexical("graph netwrok", 500, Filter())
            near = index.dense(np.eye(4, dtype=np.float32)[0], 500, Filter())
            if not found or len({one.id for one in found}) != len(found) or len(near) > 200:
                wrong.append((found, near))

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(1, 200):
        put(index, [Paper(id=f"p{number}", title="graph network")], number)
        index.delete([f"p{number // 2}"] if number % 3 == 0 else [], number)
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert index.count(Filter()) == len(index.lexical("graph", 500, Filter()))


def test_a_damaged_or_foreign_snapshot_is_passed_over(tmp_path: Path) -> None:
    index = MemoryIndex(tmp_path / "index")
    put(index, [Paper(id="p0", title="graph")])
    index.snapshot()
    (content,) = tmp_path.glob("index-*/content.json")
    kept = content.read_bytes()
    content.write_bytes(kept[:-3])
    opened = MemoryIndex(tmp_path / "index")
    assert opened.revision == 0
    assert "content.json cannot be read" in (opened.damage or "")
    put(opened, [Paper(id="p1", title="network")], 2)
    opened.snapshot()
    assert MemoryIndex(tmp_path / "index").count(Filter()) == 1


def test_killed_while_it_writes_a_snapshot_it_opens_with_a_whole_one(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys, pathlib
        from paperwright.navigator.memory_index import MemoryIndex
        from paperwright.navigator.filters import columns_of
        from paperwright.navigator.paper import Paper
        index = MemoryIndex(pathlib.Path(sys.argv[1]))
        for revision in range(1, 10_000):
            paper = Paper(id=f"p{revision}", title=f"graph network {revision} " * 20)
            index.upsert([paper.id], [paper.title], None, [columns_of(paper)], revision)
            index.snapshot()
            print(revision, flush=True)
        """
    )
    for kill_after in (3, 9):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "index")], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(kill_after)]
        process.kill()
        said += process.stdout.readlines()
        process.wait()
        process.stdout.close()
        opened = MemoryIndex(tmp_path / "index")
        assert opened.damage is None
        assert opened.revision >= int([one for one in said if one.endswith("\n")][-1])
        assert opened.count(Filter()) == opened.revision
        assert len(opened.lexical("graph", 10_000, Filter())) == opened.revision


def test_the_files_hold_nothing_to_unpickle(tmp_path: Path) -> None:
    index = MemoryIndex(tmp_path / "index")
    put(index, [Paper(id="p0", title="graph")])
    index.snapshot()
    for file in tmp_path.glob("index-*/*"):
        if file.suffix == ".npy":
            assert np.load(file, allow_pickle=False).dtype != object
        else:
            assert json.loads(file.read_bytes().partition(b"\n")[2])["values"]["format"]
