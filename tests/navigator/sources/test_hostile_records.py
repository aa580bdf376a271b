"""Records with anything at all in them: each becomes a paper or is rejected with a reason; none stops the others."""

import copy
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from paperwright.navigator.paper import Paper
from paperwright.navigator.sources import arxiv, arxiv_oai, openalex, openreview, paperlists, semantic_scholar
from paperwright.navigator.sources.source import Removed, papers_of

from .test_arxiv import ENTRY, FEED, OAI, RECORD
from .test_json_records import RECORD as LISTED
from .test_openalex import work
from .test_openreview import note_1, note_2
from .test_semantic_scholar import found

JUNK: list[Any] = [
    *(None, True, -1, 0, 10**400, 1e308, float("inf"), float("nan")),
    *("", " ", "\x00\x1b[31m", "\ud800", "<script>alert(1)</script>", "../../etc/passwd", "javascript:alert(1)"),
    *("x" * 200_000, "2022-99-99", "6: ok", "https://[", "10.1063/" + "x" * 300),
    *([], [None], [[]], ["a", 3, None], {}, {"value": None}, {"value": {"value": []}}, {"a": [{}]}),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a record something stands."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(one for key, part in inner for one in places(part, (*path, key)))]


def spoilt(record: Any, generator: random.Random) -> Any:
    """The record with junk in up to three places."""
    changed: Any = {"record": copy.deepcopy(record)}
    for _ in range(generator.randrange(1, 4)):
        *path, last = generator.choice(places(changed)[1:])
        at = changed
        for key in path:
            at = at[key]
        at[last] = copy.deepcopy(generator.choice(JUNK))
    return changed["record"]


@pytest.mark.parametrize(
    ("paper", "record"),
    [
        (openreview("ICLR.cc/2022/Conference").paper, note_1(1, "Accept (Poster)")),
        (openreview("ICLR.cc/2024/Conference").paper, note_2(1, decision="Reject")),
        (openalex("x:1").paper, work()),
        (semantic_scholar("x").paper, found(1, references=[{"paperId": "ab"}], tldr={"text": "Short."})),
    ],
    ids=["openreview-1", "openreview-2", "openalex", "semanticscholar"],
)
def test_spoilt_records(paper: Callable[[Any], Paper | Removed], record: Any) -> None:
    generator = random.Random(0)
    records = [spoilt(record, generator) for _ in range(400)]
    papers, rejected, _ = papers_of([*records, record], paper, 1)
    assert len(papers) + len(rejected) == 401
    assert len(papers) > 40
    assert len(rejected) > 40
    for one in papers:
        assert Paper.from_dict(one.as_dict()) == one
        assert all(link.startswith(("http://", "https://")) for link in (*one.urls.values(), *one.code_urls))
    assert all(len(reason) < 500 for reason in rejected)


def test_spoilt_listed_records(tmp_path: Path) -> None:
    (tmp_path / "iclr2018.json").write_text("[]")
    source = paperlists(tmp_path / "iclr2018.json")
    generator = random.Random(1)
    own = Paper(id="a", title="T", urls={"paper": "https://example.org"}, history=(("2021", (3.0,)),)).as_dict()
    for record in (LISTED, own):
        records = [spoilt(record, generator) for _ in range(400)]
        papers, rejected, _ = papers_of(records, source.paper, 1)
        assert len(papers) + len(rejected) == 400
        for one in papers:
            assert all(link.startswith(("http://", "https://")) for link in (*one.urls.values(), *one.code_urls))


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_spoilt_documents(seed: int) -> None:
    generator = random.Random(seed)
    feed = etree.fromstring(
        FEED.format(count=1, total=1, start=0, entries=ENTRY.format(arxiv="2102.07033v1", title="T")).encode()
    )
    harvest = etree.fromstring(
        OAI.format(body=f"<ListRecords>{RECORD.format(arxiv='2401.00001')}</ListRecords>").encode()
    )
    for root, tag, source in ((feed, "entry", arxiv("cs.LG")), (harvest, "record", arxiv_oai())):
        (record,) = root.iter(f"{{*}}{tag}")
        for _ in range(3):
            element = generator.choice(list(record.iter()))
            change = generator.randrange(4)
            if change == 0 and element is not record:
                element.getparent().remove(element)
            elif change == 1:
                element.text = generator.choice(["", "x" * 100_000, "<b>", "2022-99-99", "::", "cs/"])
            elif change == 2:
                element.attrib.clear()
            else:
                element.append(copy.deepcopy(element))
        papers, rejected, removed = papers_of([record], source.paper, 1)
        assert len(papers) + len(rejected) + len(removed) == 1
