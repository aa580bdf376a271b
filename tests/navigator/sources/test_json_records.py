"""JSON: the paperlists form, a library's own export, and files that are neither."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.exports import export
from paperwright.navigator.paper import Paper
from paperwright.navigator.sources import Batch, paperlists

DATA = os.environ.get("PAPERWRIGHT_DATA")

RECORD: dict[str, Any] = {
    "id": "B1-Hhnslg",
    "title": "Prototypical Networks",
    "track": "main",
    "status": "Poster",
    "tldr": "In short.",
    "abstract": "We show.",
    "keywords": "Deep learning;Transfer Learning",
    "primary_area": "few-shot",
    "author": "Jake Snell;Kevin Swersky",
    "aff": "Toronto;;",
    "github": "https://github.com/a/b",
    "project": "",
    "site": "https://openreview.net/forum?id=B1-Hhnslg",
    "rating": "4;5;-1;",
    "confidence": "5;3;4",
    "gs_citation": 10893,
}


def read(path: Path, content: Any, **settings: Any) -> Batch:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    (batch,) = paperlists(path, **settings).batches()
    return batch


def test_a_record(tmp_path: Path) -> None:
    batch = read(tmp_path / "iclr2017.json", [RECORD])
    (paper,) = batch.papers
    assert (paper.id, paper.title, paper.abstract, paper.tldr) == (
        *("B1-Hhnslg", "Prototypical Networks"),
        *("We show.", "In short."),
    )
    assert (paper.venue, paper.year, paper.track, paper.decision) == ("ICLR", 2017, "main", "Poster")
    assert paper.authors == ("Jake Snell", "Kevin Swersky")
    assert paper.keywords == ("Deep learning", "Transfer Learning")
    assert (paper.ratings, paper.confidences, paper.citations) == ((4, 5), (5, 3, 4), 10893)
    assert paper.urls["review"] == "https://openreview.net/forum?id=B1-Hhnslg"
    assert paper.code_urls == ("https://github.com/a/b",)
    assert paper.raw["forum"] == "B1-Hhnslg"
    assert batch.total == 1


@pytest.mark.parametrize("unknown", ["", -1, "-1", None, "n/a"])
def test_unknown_numbers_stay_unknown(tmp_path: Path, unknown: Any) -> None:
    changed = {**RECORD, "gs_citation": unknown, "rating": unknown, "confidence": unknown}
    (paper,) = read(tmp_path / "iclr2017.json", [changed]).papers
    assert (paper.citations, paper.ratings, paper.confidences) == (None, (), ())
    assert "cited_by" not in paper.raw


@pytest.mark.parametrize(
    ("status", "decision"),
    [
        ("Poster", "Poster"),
        ("Oral", "Oral"),
        ("Spotlight", "Spotlight"),
        ("Reject", "Reject"),
        ("Withdraw", "Withdrawn"),
        ("Desk Reject", "Desk Reject"),
        ("Active", ""),
        ("", ""),
        ("Workshop", "Reject"),
    ],
)
def test_status_becomes_the_decision(tmp_path: Path, status: str, decision: str) -> None:
    (paper,) = read(tmp_path / "iclr2017.json", [{**RECORD, "status": status}]).papers
    assert paper.decision == decision
    assert paper.track == ("workshop" if status == "Workshop" else "main")


def test_venue_and_year_as_told_or_by_the_name_of_the_file(tmp_path: Path) -> None:
    assert read(tmp_path / "nips2021.json", [RECORD]).papers[0].venue == "NIPS"
    (paper,) = read(tmp_path / "list.json", [RECORD]).papers
    assert (paper.venue, paper.year) == ("", None)
    (paper,) = read(tmp_path / "list.json", [RECORD], venue="ICML", year=2020).papers
    assert (paper.venue, paper.year) == ("ICML", 2020)


def test_malformed_records_are_rejected_one_by_one(tmp_path: Path) -> None:
    bad = [None, 3, "text", [], {}, {**RECORD, "title": ""}, {**RECORD, "title": ["x"]}, {**RECORD, "author": {"a": 1}}]
    batch = read(tmp_path / "iclr2017.json", [*bad, RECORD])
    assert len(batch.papers) == 1
    assert len(batch.rejected) == len(bad)
    batch = read(tmp_path / "iclr2017.json", [{"id": "x", "title": "An own record", "ratings": ["high"]}])
    assert "ratings is a list of numbers" in batch.rejected[0]


def test_an_export_is_read_back_whole(tmp_path: Path) -> None:
    papers = [
        Paper(
            id="a1",
            title="A <b>title</b>; with, all",
            authors=("Ada Byron",),
            ratings=(6, 5.5),
            history=(("2021-11-09", (3, 5)),),
            references=("arxiv:2102.07033",),
            raw={"forum": "abcdefghij", "nested": {"a": [1, None]}},
            source="openreview",
        ),
        Paper(id="b2", title="Plain"),
    ]
    export(papers, tmp_path / "out.json")
    (batch,) = paperlists(tmp_path / "out.json").batches()
    assert list(batch.papers) == papers
    assert batch.rejected == ()


def test_one_record_a_line_and_lists_in_an_object(tmp_path: Path) -> None:
    lines = "\n".join([json.dumps(RECORD), "{broken", json.dumps({**RECORD, "id": "other"})])
    batch = read(tmp_path / "a.jsonl", lines)
    assert [paper.id for paper in batch.papers] == ["B1-Hhnslg", "other"]
    assert len(batch.rejected) == 1
    assert len(read(tmp_path / "a.json", {"papers": [RECORD]}).papers) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not JSON, or not whole"),
        ('[{"id": "a"', "not JSON, or not whole"),
        ("[" * 100_000, "not JSON, or not whole"),
        ("3", "holds no list"),
        ('{"id": "a"}', "holds no list"),
    ],
)
def test_files_that_hold_no_list(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(NavigatorError, match=message):
        read(tmp_path / "a.json", content)


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_other_encodings_than_utf8(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes('[{"id": "a", "title": "M\xfcller"}]'.encode(encoding))
    (batch,) = paperlists(path).batches()
    assert batch.papers[0].title == "M\xfcller"


@pytest.mark.parametrize(
    ("name", "records", "decisions", "rejected"),
    [
        # One record of 2017 is all but empty: without a title it is no paper.
        (
            "iclr2017",
            490,
            {"Reject": 244 + 47, "Poster": 183, "Oral": 15},
            ["record 303: paper SJUdkecgx has no title"],
        ),
        ("iclr2018", 995, {"Reject": 496 + 90, "Poster": 314, "Withdrawn": 69, "Oral": 23, "": 3}, []),
    ],
)
def test_the_published_lists(name: str, records: int, decisions: dict[str, int], rejected: list[str]) -> None:
    path = Path(DATA or "") / "paperlists" / "iclr" / f"{name}.json"
    if not path.is_file():
        pytest.skip("needs PAPERWRIGHT_DATA with paperlists/iclr")
    batches = list(paperlists(path).batches())
    papers = [paper for batch in batches for paper in batch.papers]
    assert [reason for batch in batches for reason in batch.rejected] == rejected
    assert len(papers) + len(rejected) == batches[-1].done == batches[-1].total == records
    assert len({paper.id for paper in papers}) == len(papers)
    assert Counter(paper.decision for paper in papers) == decisions
    assert all(paper.authors and paper.abstract for paper in papers)
    assert {(paper.venue, paper.year) for paper in papers} == {("ICLR", int(name[4:]))}
