"""Syncs that end, that are cut off, that are killed, and that go on: no paper is lost, and none is there twice."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from local_site import Asked, Reply, Watch, site

from paperwright.navigator.duplicates import parts_of
from paperwright.navigator.errors import SourceError
from paperwright.navigator.filters import Filter
from paperwright.navigator.library import Library
from paperwright.navigator.paper import Paper
from paperwright.navigator.sources import Batch, openreview
from paperwright.navigator.sources.http import Client, Pace
from paperwright.navigator.sync import TimeLeft, sync

VENUE = "ICLR.cc/2022/Conference"
WORDS = ["graph", "curvature", "flow", "kernel", "retrieval", "privacy", "memory", "token", "attention", "lattice"]


def note(number: int) -> dict[str, Any]:
    words = " ".join(WORDS[(number * step) % 10] for step in (1, 3, 7))
    content = {"title": f"Paper {number:03} on {words}", "abstract": f"About {words}.", "authors": [f"Author {number}"]}
    return {
        "id": f"forum{number:05}",
        "forum": f"forum{number:05}",
        "content": content,
        "details": {"directReplies": []},
    }


def pages(count: int, on_page: Callable[[int], Reply | None] = lambda offset: None) -> Callable[[Asked], Reply]:
    """A venue of so many submissions; `on_page` may answer in its place."""
    everything = [note(n) for n in range(count)]

    def answer(asked: Asked) -> Reply:
        if not asked.query["invitation"].endswith("Blind_Submission"):
            return Reply({"notes": [], "count": 0})
        offset, limit = int(asked.query["offset"]), int(asked.query["limit"])
        return on_page(offset) or Reply({"notes": everything[offset : offset + limit], "count": count})

    return answer


@pytest.fixture
def client() -> Iterator[Client]:
    watch = Watch()
    with httpx.Client(trust_env=False, verify=False) as session:
        yield Client(session=session, pace=Pace(watch, watch.sleep), random=Random(0))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.create(tmp_path / "library") as made:
        yield made


class Listed:
    """A source of given batches, which may fail behind them."""

    def __init__(self, name: str, *batches: Batch, failure: BaseException | None = None) -> None:
        self.name = name
        self._batches = batches
        self._failure = failure
        self.began_at: list[str | None] = []

    def batches(self, cursor: str | None = None) -> Iterator[Batch]:
        self.began_at.append(cursor)
        yield from self._batches[int(cursor or 0) :]
        if self._failure is not None:
            raise self._failure


def forums(count: int) -> list[str]:
    return [f"forum{n:05}" for n in range(count)]


def test_a_whole_sync_and_the_same_again(library: Library, client: Client) -> None:
    with site(pages(25)) as running:
        source = openreview(VENUE, base_url=running.url, page_size=10, client=client)
        assert sync(library, source).new == 25
        assert library.records.cursor(source.name) is None
        assert library.records.finished(source.name) is not None
        again = sync(library, source)
    assert (again.new, again.changed, again.same) == (0, 0, 25)
    assert library.records.ids() == forums(25)
    assert library.search("Paper 007")[0].paper.id == "forum00007"


def test_a_server_that_dies_and_comes_back(library: Library, client: Client) -> None:
    with site(pages(45, lambda offset: Reply(b"", 500) if offset >= 20 else None)) as running:
        source = openreview(VENUE, base_url=running.url, page_size=10, client=client)
        with pytest.raises(SourceError, match="answered 500") as caught:
            sync(library, source)
    assert caught.value.cursor == library.records.cursor(source.name) == "20:0,20"
    assert library.search("Paper 007")[0].paper.id == "forum00007"  # what came before can be searched
    with pytest.raises(SourceError, match="connection failed"):  # nobody there at all
        sync(library, source)
    with site(pages(45)) as running:
        report = sync(library, openreview(VENUE, base_url=running.url, page_size=10, client=client))
    assert [asked.query["offset"] for asked in running.asked[:3]] == ["20", "30", "40"]
    assert (report.new, report.changed, report.same) == (25, 0, 0)
    assert library.records.ids() == forums(45)
    assert library.index.count(Filter()) == 45


def test_what_is_added_meanwhile_comes_at_the_end(library: Library, client: Client) -> None:
    breaks_off = pages(20, lambda offset: Reply(b"", 503) if offset >= 10 else None)
    with site(breaks_off) as running, pytest.raises(SourceError):
        sync(library, openreview(VENUE, base_url=running.url, page_size=10, client=client))
    with site(pages(23)) as running:
        sync(library, openreview(VENUE, base_url=running.url, page_size=10, client=client))
    assert library.records.ids() == forums(23)


def test_ctrl_c_keeps_what_came(library: Library) -> None:
    first, second = (Paper(id=one, title=f"Title {one}") for one in "ab")
    batches = (Batch((first,), "1"), Batch((second,), None))
    with pytest.raises(KeyboardInterrupt):
        sync(library, Listed("listed:x", batches[0], failure=KeyboardInterrupt()))
    assert library.records.ids() == ["a"]
    assert library.index.count(Filter()) == 1
    source = Listed("listed:x", *batches)
    assert sync(library, source).new == 1
    assert source.began_at == ["1"]


# -- kill -9 -----------------------------------------------------------------------------------------------------------

PROGRAM = textwrap.dedent(
    """
    import sys
    from paperwright.navigator.library import Library
    from paperwright.navigator.sources import openreview
    from paperwright.navigator.sync import sync

    folder, url = sys.argv[1:]
    with Library.open(folder) as library:
        print(sync(library, openreview("ICLR.cc/2022/Conference", base_url=url, page_size=10, pause=0.0)).new)
    """
)


def started(folder: Path, url: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, str(folder), url]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: "subprocess.Popen[str]") -> tuple[str, str]:
    return process.communicate(timeout=60)


def test_a_killed_sync_goes_on_where_it_was(tmp_path: Path, client: Client) -> None:
    folder = tmp_path / "library"
    Library.create(folder).close()
    reached, stall = threading.Event(), threading.Event()

    def at(offset: int) -> Reply | None:
        if offset < 30:
            return None
        reached.set()
        return Reply(b"", 503, stall=stall)

    with site(pages(55, at)) as running:
        process = started(folder, running.url)
        assert reached.wait(60), ended(process)
        process.send_signal(signal.SIGKILL)
        ended(process)
        stall.set()
    assert process.returncode == -signal.SIGKILL
    with Library.open(folder) as library:
        assert library.records.problems() == []
        assert library.records.ids() == forums(30)
        assert library.records.cursor(f"openreview:{VENUE}") == "30:0,30"
        with site(pages(55)) as running:
            report = sync(library, openreview(VENUE, base_url=running.url, page_size=10, client=client))
        assert running.asked[0].query["offset"] == "30"
        assert (report.new, report.changed, report.same) == (25, 0, 0)
        assert library.records.ids() == forums(55)
        assert library.index.count(Filter()) == 55


@pytest.mark.slow
def test_a_sync_that_is_killed_again_and_again_at_any_moment_gets_there(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    Library.create(folder).close()
    generator = Random(0)
    reached = []
    with site(pages(300)) as running:
        for _ in range(2):
            before = len(running.asked)
            process = started(folder, running.url)
            while len(running.asked) <= before + generator.randrange(6) and process.poll() is None:
                time.sleep(0.002)
            time.sleep(generator.random() * 0.01)
            process.send_signal(signal.SIGKILL)
            ended(process)
            with Library.open(folder) as library:
                ids = library.records.ids()
                assert ids == forums(len(ids))
                assert library.records.problems() == []
                reached.append(len(ids))
        process = started(folder, running.url)
        _, errors = ended(process)
    assert process.returncode == 0, errors
    assert reached == sorted(reached)
    with Library.open(folder) as library:
        assert library.records.ids() == forums(300)
        assert library.index.count(Filter()) == 300


# -- several sources ---------------------------------------------------------------------------------------------------

ARXIV = Paper(
    id="arxiv:2111.14522",
    title="A title that is long enough",
    source="arxiv",
    raw={"arxiv": "2111.14522"},
    abstract="Abstract.",
)
SCHOLAR = Paper(
    id="s2:abc", title="Another title altogether", source="semanticscholar", raw={"arxiv": "2111.14522"}, citations=7
)


def whole(name: str, *papers: Paper, removed: tuple[str, ...] = ()) -> Listed:
    return Listed(name, Batch(papers, None, removed=removed))


def test_one_paper_of_two_sources_is_one_paper(library: Library) -> None:
    sync(library, whole("arxiv:x", ARXIV))
    report = sync(library, whole("semanticscholar:x", SCHOLAR))
    assert (report.new, report.changed) == (0, 1)
    paper = library["arxiv:2111.14522"]
    assert (paper.title, paper.abstract, paper.citations) == (ARXIV.title, "Abstract.", 7)
    assert parts_of(paper) == {"arxiv": ARXIV, "semanticscholar": SCHOLAR}
    for source in (whole("arxiv:x", ARXIV), whole("semanticscholar:x", SCHOLAR)):
        report = sync(library, source)
        assert (report.new, report.changed, report.same) == (0, 0, 1)
    assert len(library) == 1


def test_two_records_of_one_batch_are_joined_too(library: Library) -> None:
    report = sync(library, whole("list:x", ARXIV, SCHOLAR))
    assert report.new == 1
    assert len(library) == 1


def test_without_joining_each_record_is_a_paper(library: Library) -> None:
    sync(library, whole("arxiv:x", ARXIV), join=False)
    sync(library, whole("semanticscholar:x", SCHOLAR), join=False)
    assert len(library) == 2


def test_what_a_source_takes_back_goes_unless_another_knows_it(library: Library) -> None:
    alone = Paper(id="arxiv:2111.00001", title="Known to arXiv alone", source="arxiv")
    sync(library, whole("arxiv:oai/cs", ARXIV, alone))
    sync(library, whole("semanticscholar:x", SCHOLAR))
    taken_back = whole("arxiv:oai/cs", removed=(ARXIV.id, alone.id, "arxiv:2111.99999"))
    assert sync(library, taken_back).removed == 1
    assert library.records.ids() == [ARXIV.id]
    assert parts_of(library[ARXIV.id]) == {"semanticscholar": SCHOLAR}
    assert sync(library, taken_back).removed == 0
    assert library.index.count(Filter()) == 1


def test_tags_stay_with_a_paper_that_is_joined(library: Library) -> None:
    sync(library, whole("semanticscholar:x", SCHOLAR))
    library.records.tag("to-read", ["s2:abc"])
    sync(library, whole("arxiv:x", ARXIV))
    assert library.records.tagged("to-read") == ["s2:abc"]
    assert library["s2:abc"].title == ARXIV.title


# -- what is told ------------------------------------------------------------------------------------------------------


def test_the_report_and_the_progress(library: Library) -> None:
    papers = [Paper(id=f"p{n}", title=f"Title {n}") for n in range(3)]
    source = Listed(
        "listed:x",
        Batch(tuple(papers[:2]), "1", ("record 3: no title",), notes=("a note",), done=3, total=4),
        Batch(tuple(papers[2:]), None, done=4, total=4),
    )
    told: list[tuple[str, int, int | None]] = []
    report = sync(library, source, progress=lambda *step: told.append(step))
    assert (report.new, report.rejected, report.notes) == (3, ["record 3: no title"], ["a note"])
    assert [step for step in told if step[0] == "records"] == [("records", 3, 4), ("records", 4, 4)]


def test_the_time_left() -> None:
    watch = Watch()
    shown: list[str] = []
    left = TimeLeft(lambda self: shown.append(str(self)), clock=watch)
    assert left.seconds is None
    left("records", 1_000, 3_000)  # an earlier run's, and no rate yet
    watch.now = 2.0
    left("records", 1_500, 3_000)
    assert left.seconds == pytest.approx(1_500 * 2 / 500)
    watch.now = 8.0
    left("records", 3_000, 3_000)
    assert left.seconds == 0
    left("vectors", 10, None)
    assert left.seconds is None
    assert shown == [
        "1,000 of 3,000 records",
        "1,500 of 3,000 records, 6 s left",
        "3,000 of 3,000 records, 0 s left",
        "10 vectors",
    ]
