"""RIS: records as reference managers write them, and those that are broken."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paperwright.navigator.exports import exported
from paperwright.navigator.paper import Paper
from paperwright.navigator.sources import Batch, open_source

ARTICLE = """TY  - JOUR
AU  - Doe, Jane
AU  - King, Martin Luther, Jr.
AU  - Open Data Group
TI  - Effects of <i>salt</i> &amp; pepper
T2  - Journal of Made-Up Results
PY  - 2015/03/02/
DA  - 2015/03/02/
VL  - 5
IS  - 7
SP  - 4
EP  - 9
SN  - 1234-5678
SN  - 978-3-16-148410-0
PB  - A Press
AB  - We show a first line
and a second.
KW  - graphs
KW  - flows; curvature
curved spaces
DO  - https://doi.org/10.5555/ABC.1(2)
UR  - https://example.org/abc
L1  - https://example.org/abc.pdf
N1  - Read it.
ER  -
"""


def read(path: Path, content: str) -> Batch:
    path.write_text(content, encoding="utf-8")
    (batch,) = open_source(str(path)).batches()
    return batch


def test_a_record(tmp_path: Path) -> None:
    batch = read(tmp_path / "a.ris", ARTICLE)
    assert batch.rejected == ()
    (paper,) = batch.papers
    assert paper.authors == ("Jane Doe", "Martin Luther King Jr.", "Open Data Group")
    assert paper.names == ("Doe, Jane", "King, Jr., Martin Luther", "{Open Data Group}")
    assert (paper.title, paper.abstract) == ("Effects of salt & pepper", "We show a first line and a second.")
    assert (paper.venue, paper.year, paper.published) == ("Journal of Made-Up Results", 2015, "2015-03-02")
    assert paper.keywords == ("graphs", "flows", "curvature", "curved spaces")
    assert paper.id == "10.5555/abc.1(2)"
    assert paper.urls == {"paper": "https://example.org/abc", "pdf": "https://example.org/abc.pdf"}
    assert paper.publication == {
        **{"type": "article", "volume": "5", "number": "7", "pages": "4-9", "issn": "1234-5678"},
        **{"publisher": "A Press", "isbn": "978-3-16-148410-0"},
    }
    assert paper.raw["note"] == "Read it."


@pytest.mark.parametrize(
    ("lines", "identifier"),
    [
        ("ID  - arxiv:2102.07033", "arxiv:2102.07033"),
        ("UR  - https://arxiv.org/abs/2102.07033v2", "arxiv:2102.07033"),
        ("DO  - 10.48550/arXiv.2102.07033", "arxiv:2102.07033"),
        ("UR  - https://openreview.net/forum?id=Lm8T39vLDTE", "Lm8T39vLDTE"),
        ("ID  - 10.5555/X", "10.5555/x"),
        ("ID  - key1", "key1-e3b98a"),
        ("ID  - key1-e3b98a", "key1-e3b98a"),
        ("PY  - 2020", "ris:466e1bf067a44ca4"),
        ("ID  - ris:466e1bf067a44ca4", "ris:466e1bf067a44ca4"),
    ],
)
def test_ids(tmp_path: Path, lines: str, identifier: str) -> None:
    (paper,) = read(tmp_path / "a.ris", f"TY  - GEN\nT1  - T\n{lines}\nER  - \n").papers
    assert paper.id == identifier


@pytest.mark.parametrize(
    ("kind", "type", "publisher"),
    [
        *(("CONF", "inproceedings", "publisher"), ("CPAPER", "inproceedings", "publisher")),
        *(("CHAP", "incollection", "publisher"), ("BOOK", "book", "publisher"), ("THES", "phdthesis", "school")),
        *(("RPRT", "techreport", "institution"), ("WHAT", "misc", "publisher")),
    ],
)
def test_types(tmp_path: Path, kind: str, type: str, publisher: str) -> None:
    (paper,) = read(tmp_path / "a.ris", f"TY  - {kind}\nTI  - T\nPB  - A House\nER  - \n").papers
    assert paper.publication == {"type": type, publisher: "A House"}


def test_chapters_that_share_a_doi_are_two_papers(tmp_path: Path) -> None:
    chapter = "TY  - CHAP\nID  - {0}\nTI  - {1}\nDO  - 10.5555/book.1\nER  - \n"
    first, second = chapter.format("c1", "The first chapter"), chapter.format("c2", "Another one, about fish")
    papers = read(tmp_path / "a.ris", first + second).papers
    assert [paper.raw["doi"] for paper in papers] == ["10.5555/book.1"] * 2
    assert len({paper.id for paper in papers}) == 2


def test_records_without_a_key_are_known_by_what_they_say(tmp_path: Path) -> None:
    editorial = "TY  - JOUR\nTI  - Editorial\nPY  - {0}\nER  - \n"
    batch = read(tmp_path / "a.ris", editorial.format(2001) + editorial.format(2002) + editorial.format(2001))
    assert len({paper.id for paper in batch.papers}) == len(batch.papers) == 2
    assert batch.rejected == ("record 3: line 9: this record came before, with this title",)


def test_a_day_may_stand_in_the_year(tmp_path: Path) -> None:
    years = ("Y1  - 2015/03/02/", "PY  - 2015/03//", "PY  - 2015", "PY  - 2015///")
    text = "".join(f"TY  - GEN\nTI  - Paper {number}\n{line}\nER  - \n" for number, line in enumerate(years))
    papers = read(tmp_path / "a.ris", text).papers
    assert [(paper.year, paper.published) for paper in papers] == [
        *((2015, "2015-03-02"), (2015, "2015-03"), (2015, None), (2015, None))
    ]


def test_broken_records_are_rejected_with_their_line(tmp_path: Path) -> None:
    batch = read(
        tmp_path / "a.ris",
        "words\nTI  - no record\nTY  - GEN\nTI  - unended\nTY  - GEN\nTI  - A\nER  - \n\n"
        "TY  - GEN\nER  - \nTY  - GEN\n",
    )
    assert [paper.title for paper in batch.papers] == ["A"]
    assert [reason.partition(": ")[2] for reason in batch.rejected] == [
        "line 1: expected TY, which begins a record; got 'words'",
        "line 2: expected TY, which begins a record; got 'TI  - no record'",
        "line 3: a record without its end, ER",
        batch.rejected[3].partition(": ")[2],
        "line 11: a record without its end, ER",
    ]
    assert "no title" in batch.rejected[3]


@pytest.mark.parametrize(
    ("author", "written"),
    [
        ("Jane Doe", "Doe, Jane"),
        ("Ludwig van Made", "van Made, Ludwig"),
        ("Plato", "Plato"),
        ("Barnes and Noble", "Barnes and Noble"),
        ("Jean Émile Borel", "Borel, Jean Émile"),
    ],
)
def test_names_are_written_surname_first(author: str, written: str) -> None:
    assert f"\r\nAU  - {written}\r\n" in exported([Paper(id="p", title="T", authors=(author,))], "ris")


@given(st.text("TYERAU  -ab,\n1", max_size=80))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_file_crashes_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "any.ris").write_text(f"TY  - GEN\nTI  - a\n{content}\nER  - \n{content}")
    for batch in open_source(str(tmp_path / "any.ris")).batches():
        assert all(paper.title for paper in batch.papers)
