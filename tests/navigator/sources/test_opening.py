"""From a line of text to a source."""

import subprocess
import sys
from pathlib import Path

import pytest

from paperwright.navigator.errors import LibraryError, NavigatorError
from paperwright.navigator.sources import open_source
from paperwright.navigator.sources.arxiv_feeds import ArxivHarvest, ArxivQuery
from paperwright.navigator.sources.bibtex_entries import Bibliography
from paperwright.navigator.sources.json_records import JsonRecords
from paperwright.navigator.sources.openalex_works import OpenAlex
from paperwright.navigator.sources.opening import columns_asked
from paperwright.navigator.sources.openreview_notes import OpenReview
from paperwright.navigator.sources.room_cards import Cards
from paperwright.navigator.sources.semantic_scholar_graph import SemanticScholarPapers, SemanticScholarSearch
from paperwright.navigator.sources.tables import Iclr, Table
from paperwright.navigator.sources.xml import xml_of


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("openreview:ICLR.cc/2022/Conference", OpenReview, "openreview:ICLR.cc/2022/Conference"),
        (" OpenReview:TMLR/Accepted ", OpenReview, "openreview:TMLR/Accepted"),
        ("arxiv:cs.LG", ArxivQuery, "arxiv:cat:cs.LG"),
        ("arxiv:ti:curvature AND cat:cs.LG", ArxivQuery, "arxiv:ti:curvature AND cat:cs.LG"),
        ("arxiv-oai:cs", ArxivHarvest, "arxiv:oai/cs"),
        (
            "arxiv-oai:cs,from=2024-01-31,until=2024-02-28",
            ArxivHarvest,
            "arxiv:oai/cs,from=2024-01-31,until=2024-02-28",
        ),
        ("openalex:publication_year:2022,type:article", OpenAlex, "openalex:publication_year:2022,type:article"),
        ("openalex:graph curvature", OpenAlex, "openalex:graph curvature"),
        ("semanticscholar:graph curvature", SemanticScholarSearch, "semanticscholar:graph curvature"),
        ("semanticscholar:ARXIV:2106.15928", SemanticScholarPapers, "semanticscholar:ARXIV:2106.15928"),
        ("cards", Cards, "cards"),
    ],
)
def test_what_a_text_opens(text: str, kind: type, name: str) -> None:
    source = open_source(text)
    assert type(source) is kind
    assert source.name == name


def test_openreview_in_either_version() -> None:
    versions = [open_source(f"openreview{n}:NeurIPS.cc/2022/Conference") for n in (1, 2)]
    assert [source.version for source in versions if isinstance(source, OpenReview)] == [1, 2]


def test_files_by_their_ending_and_head(tmp_path: Path) -> None:
    ratings = ",".join(f"ratings_t{n}" for n in range(4))
    contents = {
        "papers.csv": ("id,title\n", Table),
        "papers.TSV": ("id\ttitle\n", Table),
        "submissions.csv": (f"forum_id,title,keywords,decision,withdrawn,{ratings}\n", Iclr),
        "papers.bib": ("", Bibliography),
        "papers.json": ("[]", JsonRecords),
        "papers.jsonl": ("", JsonRecords),
    }
    for name, (content, kind) in contents.items():
        (tmp_path / name).write_text(content)
        assert type(open_source(str(tmp_path / name))) is kind, name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no source"),
        ("papers.docx", "names no source"),
        ("ftp://example.org/x", "names no source"),
        ("openreview:", "says no more"),
        ("arxiv: ", "says no more"),
        ("openreview:ICLR", "named as in its address"),
        ("arxiv-oai:cs,since=2024-01-01", "from= and until="),
        ("arxiv-oai:cs,from=today", "is a day such as"),
        ("/no/such/file.csv", "there is no file"),
        ("/no/such/file.bib", "there is no file"),
        ("none.json", "there is no file"),
        ("\x00.csv", "there is no file"),
        ("x" * 5_000 + ".csv", "there is no file"),
    ],
)
def test_what_names_no_source_says_what_does(text: str, message: str) -> None:
    with pytest.raises(NavigatorError, match=message) as caught:
        open_source(text)
    assert len(str(caught.value)) < 600


def test_the_columns_of_a_table_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('Heading,"Published, in"\nFlows on trees,2019\n')
    columns = columns_asked(["title=Heading, year = Published, in"])
    assert columns == {"title": "Heading", "year": "Published, in"}
    (batch,) = open_source(str(path), columns=columns).batches()
    assert [(paper.title, paper.year) for paper in batch.papers] == [("Flows on trees", 2019)]
    with pytest.raises(NavigatorError, match="columns are those of a table"):
        open_source("cards", columns=columns)


@pytest.mark.parametrize("asked", ["title", "=Heading", "title="])
def test_columns_that_are_not_named_as_they_should_be(asked: str) -> None:
    with pytest.raises(NavigatorError, match=r"--columns is .*; expected FIELD=COLUMN"):
        columns_asked([asked])


def test_max_items_reaches_the_source() -> None:
    assert [len(batch.papers) for batch in open_source("cards", max_items=3).batches()] == [3]


# -- what is imported, and what is not there ---------------------------------------------------------------------------


def test_the_sources_are_cheap_to_import() -> None:
    code = (
        "import sys, paperwright.navigator.sources\n"
        "print([name for name in ('httpx', 'lxml', 'bibtexparser', 'torch', 'sklearn') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("library", "text"),
    [("httpx", "openalex:graphs"), ("lxml", "arxiv:cs.LG"), ("bibtexparser", "papers.bib")],
)
def test_a_library_that_is_not_installed_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, text: str
) -> None:
    (tmp_path / "papers.bib").write_text("@misc{a, title={A}}")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    if library == "lxml":
        with pytest.raises(LibraryError, match=rf"needs {library}.*paperwright\[navigator\]"):
            xml_of(b"<a/>")
    else:
        with pytest.raises(LibraryError, match=rf"needs {library}.*paperwright\[navigator\]"):
            next(open_source(text).batches())
