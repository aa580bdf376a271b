"""Exports: nothing in a record can be more than a text, and what is exported can be read back."""

import csv
import dataclasses
import io
import json
import threading
from pathlib import Path
from xml.etree import ElementTree

import bibtexparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from navigator_records import made_papers

from paperwright.files import WriteError
from paperwright.navigator.bibtex_text import bibtex_escaped
from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.exports import MEDIA_TYPES, export, exported
from paperwright.navigator.feed import instant, safe_link
from paperwright.navigator.paper import Paper
from paperwright.navigator.sources import open_source

ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = Paper(
    id="-x<y>",
    title="<script>alert(1)</script> 100% of {braces} & $\\input{/etc/passwd}$ on $\\ell_\\infty$"
    "\r\nER  - \r\nTY  - JOUR",
    authors=("=cmd|' /C calc'!A0", "Robert and Daughters, Inc., The", "Zoë \\write18{x}"),
    abstract="+1 @import\x00 \u2028 next ]]> \ufffe --> %00",
    keywords=("@SUM(1)", "a;b", "}{", "-1"),
    venue="ICLR & friends_{}",
    year=2022,
    decision="Oral",
    ratings=(8.0, 6.0),
    urls={"paper": "javascript:alert(1)", "review": 'https://example.org/?a=1&b="><script>'},
    code_urls=("https://example.org/code",),
)

texts = st.text(max_size=60)
papers = st.builds(
    Paper,
    id=st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1, max_size=20),
    title=texts.map(lambda text: f"T {text}"),
    authors=st.lists(texts, max_size=3).map(tuple),
    abstract=texts,
    keywords=st.lists(texts, max_size=3).map(tuple),
    venue=texts,
    year=st.none() | st.integers(1900, 2100),
    ratings=st.lists(st.floats(1, 10), max_size=2).map(tuple),
    urls=st.dictionaries(st.sampled_from(["paper", "pdf"]), texts),
)


def brace_depths(text: str) -> list[int]:
    depth, depths = 0, []
    for one in text:
        depth += (one == "{") - (one == "}")
        depths.append(depth)
    return depths


@pytest.mark.parametrize("format", list(MEDIA_TYPES))
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_every_format_takes_few_papers(format: str, count: int) -> None:
    text = exported(made_papers(count), format)
    assert text.count("study") >= count


@settings(max_examples=60, deadline=None)
@given(st.lists(papers, max_size=5))
def test_json_read_back_gives_the_same_records(given_papers: list[Paper]) -> None:
    assert [Paper.from_dict(values) for values in json.loads(exported(given_papers, "json"))] == given_papers


# -- BibTeX ------------------------------------------------------------------------------------------------------------


def test_bibtex_specials_mean_themselves() -> None:
    assert bibtex_escaped("50% & a_b #1 {x} ~ ^ \\") == (
        r"50\% \& a\_b \#1 \textbraceleft{}x\textbraceright{} \textasciitilde{} \textasciicircum{} \textbackslash{}"
    )


@pytest.mark.parametrize(
    ("formula", "kept"),
    [
        (r"$\ell_\infty$", True),
        (r"$O(n^{2})$", True),
        (r"$\mathcal{N}(0, 1)$", True),
        (r"$\input{secret}$", False),
        (r"$\write18{rm}$", False),
        (r"$\immediate x$", False),
        (r"$a}{b$", False),
        (r"$a{b$", False),
        ("$5 and $", True),  # letters, digits and blanks: a formula like any other
        ("costs $5", False),
    ],
)
def test_plain_mathematics_stays_and_nothing_else(formula: str, kept: bool) -> None:
    assert (bibtex_escaped(formula) == formula) is kept
    if not kept:
        assert "\\input" not in bibtex_escaped(formula)
        assert "\\write" not in bibtex_escaped(formula)


@settings(max_examples=100, deadline=None)
@given(st.lists(papers, min_size=1, max_size=4))
def test_bibtex_is_one_entry_a_paper_with_balanced_braces(given_papers: list[Paper]) -> None:
    text = exported(given_papers, "bib")
    depths = brace_depths(text)
    assert min(depths) == 0
    assert depths[-1] == 0
    library = bibtexparser.parse_string(text)
    assert not library.failed_blocks
    assert len(library.entries) == len(given_papers)


def test_a_peer_reads_the_bibtex() -> None:
    library = bibtexparser.parse_string(exported([HOSTILE, *made_papers(3)], "bib"))
    assert len(library.entries) == 4
    fields = library.entries[0].fields_dict
    assert r"$\ell_\infty$" in fields["title"].value
    assert r"\input" not in fields["title"].value
    assert fields["author"].value.count(" and ") == 3  # two between three authors, one within braces
    assert "{Robert and Daughters, Inc., The}" in fields["author"].value


def test_bibtex_keys_are_unique_and_plain() -> None:
    alike = [Paper(id=f"p{n}", title="The Same Title", authors=("Zoë Müller",), year=2022) for n in range(3)]
    keys = [entry.key for entry in bibtexparser.parse_string(exported(alike, "bib")).entries]
    assert keys == ["muller2022same", "muller2022same-2", "muller2022same-3"]
    (nameless,) = bibtexparser.parse_string(exported([Paper(id="x", title="??")], "bib")).entries
    assert nameless.key == "anonymouspaper"


def test_bibtex_knows_arxiv_and_doi() -> None:
    text = exported([Paper(id="arxiv:2102.07033", title="a"), Paper(id="10.1000/xyz", title="b")], "bib")
    assert "eprint = {2102.07033}" in text
    assert "archiveprefix = {arXiv}" in text
    assert "doi = {10.1000/xyz}" in text


def bib_fields(paper: Paper) -> dict[str, str]:
    (entry,) = bibtexparser.parse_string(exported([paper], "bib")).entries
    return {name: found.value for name, found in entry.fields_dict.items()}


def test_what_a_paper_was_cited_by_is_an_alias_of_its_key() -> None:
    keys = ("smith2020", "smith2020", "muller2022title-2", "two words", "no}brace", "", "p6", 7)
    papers = [
        Paper(id=f"p{n}", title="Title", authors=("Zoë Müller",), year=2022, raw={"key": key})
        for n, key in enumerate(keys)
    ]
    found = [entry.fields_dict.get("ids") for entry in bibtexparser.parse_string(exported(papers, "bib")).entries]
    assert [one and one.value for one in found] == ["smith2020", *[None] * 7]


@pytest.mark.parametrize(
    ("published", "told"),
    [
        (None, {"year": "2022"}),
        ("2022-04", {"year": "2022", "month": "apr"}),
        ("2022-04-25", {"year": "2022", "month": "apr", "date": "2022-04-25"}),
        ("2021-10-05", {"year": "2022", "published": "2021-10-05"}),  # biblatex would cite the date's year
    ],
)
def test_the_year_that_is_cited_is_the_papers(published: str | None, told: dict[str, str]) -> None:
    fields = bib_fields(Paper(id="p", title="T", year=2022, published=published))
    assert {name: fields[name] for name in ("year", "month", "date", "published") if name in fields} == told


def test_an_article_in_no_journal_is_a_preprint() -> None:
    paper = Paper(id="arxiv:2102.07033", title="T", publication={"type": "article"}, raw={"others": True})
    assert bib_fields(paper)["journal"] == "arXiv preprint arXiv:2102.07033"
    named = Paper(id="p", title="T", authors=("Ada Byron",), raw={"others": True})
    assert bib_fields(named)["author"] == "Byron, Ada and others"
    assert "author" not in bib_fields(paper)


@pytest.mark.parametrize(
    ("note", "decision", "written"),
    [
        ("Read it", "Poster", "Read it; Poster"),
        ("Accepted as a poster", "Poster", "Accepted as a poster"),
        ("", "Oral", "Oral"),
        ("Read it", "", "Read it"),
    ],
)
def test_a_note_stays_beside_the_decision(note: str, decision: str, written: str) -> None:
    assert bib_fields(Paper(id="p", title="T", decision=decision, raw={"note": note}))["note"] == written


def test_a_doi_that_works_share_is_cited_as_it_is() -> None:
    text = exported([Paper(id="10.5555/book~077216", title="T", raw={"doi": "10.5555/book"})], "ris")
    assert "DO  - 10.5555/book\r\n" in text


def test_no_kept_field_and_no_type_is_more_than_its_text() -> None:
    kept = {"language": "}, x = {a_b", "a b}": "x", "title": "other", "X": "y", "number": 3, "annote": "\\input{x}"}
    paper = Paper(id="p", title="T", raw={"fields": kept}, publication={"type": "Comment"})
    library = bibtexparser.parse_string(text := exported([paper], "bib"))
    assert not library.failed_blocks
    (entry,) = library.entries
    assert entry.entry_type == "misc"
    assert set(entry.fields_dict) == {"title", "language", "annote"}
    assert entry.fields_dict["title"].value == "{T}"
    assert "\\input" not in text
    assert "title = {{T}}" in exported([Paper(id="p", title="T", raw={"fields": ["x"]})], "bib")


# -- CSV ---------------------------------------------------------------------------------------------------------------


def test_excel_is_told_that_it_is_utf8(tmp_path: Path) -> None:
    export([Paper(id="1", title="Größe")], tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbfid,title,")


def test_no_cell_is_a_formula() -> None:
    (row,) = csv.DictReader(io.StringIO(exported([HOSTILE], "csv").removeprefix("\ufeff")))
    assert row["id"] == "'-x<y>"
    assert row["authors"].startswith("'=cmd")
    assert row["abstract"].startswith("'+1")
    assert row["keywords"] == "'@SUM(1);a,b;}{;-1"
    assert row["ratings"] == "8;6"
    assert row["year"] == "2022"


@settings(max_examples=100, deadline=None)
@given(st.lists(papers, max_size=4))
def test_no_cell_of_any_record_is_a_formula(given_papers: list[Paper]) -> None:
    rows = list(csv.reader(io.StringIO(exported(given_papers, "csv").removeprefix("\ufeff"))))
    assert len(rows) == 1 + len(given_papers)
    assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r")]
    assert {len(row) for row in rows} == {len(rows[0])}


# -- RIS ---------------------------------------------------------------------------------------------------------------


def test_no_line_of_a_title_begins_a_field() -> None:
    text = exported([HOSTILE], "ris")
    assert text.count("\r\nER  - \r\n") == 1
    assert text.startswith("TY  - CONF\r\n")
    assert text.count("TY  - ") == 1  # the title's own became "TY - ", in the midst of its line
    assert "javascript:" not in text
    assert all("  - " in line[:6] for line in text.split("\r\n") if line)


@settings(max_examples=100, deadline=None)
@given(st.lists(papers, max_size=4))
def test_ris_has_one_end_a_record_and_a_tag_a_line(given_papers: list[Paper]) -> None:
    lines = exported(given_papers, "ris").splitlines()
    assert sum(line == "ER  - " for line in lines) == len(given_papers)
    assert all(line == "" or line[2:6] == "  - " for line in lines)


# -- Atom --------------------------------------------------------------------------------------------------------------


def test_a_feed_holds_markup_as_text() -> None:
    feed = ElementTree.fromstring(exported([HOSTILE], "atom"))
    (entry,) = feed.findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == HOSTILE.title
    links = [link.get("href") for link in entry.findall(f"{ATOM}link")]
    assert links == ["https://example.org/code"]  # neither a script nor an address with markup is linked


@settings(max_examples=60, deadline=None)
@given(st.lists(papers, max_size=4))
def test_every_feed_is_xml_with_what_atom_asks_for(given_papers: list[Paper]) -> None:
    feed = ElementTree.fromstring(exported(given_papers, "atom"))
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == len(given_papers)
    for element in [feed, *entries]:
        assert element.findtext(f"{ATOM}id")
        assert element.findtext(f"{ATOM}title")
        assert len(element.findtext(f"{ATOM}updated") or "") == len("2022-04-25T00:00:00Z")


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2022", "2022-01-01T00:00:00Z"),
        ("2022-04", "2022-04-01T00:00:00Z"),
        ("2022-04-25", "2022-04-25T00:00:00Z"),
        ("2022-04-25T10:00:00+00:00", "2022-04-25T10:00:00+00:00"),
        ("2022-04-25T10:00:00", "2022-04-25T10:00:00Z"),
        ("", "1970-01-01T00:00:00Z"),
    ],
)
def test_dates_as_atom_asks_for_them(date: str, expected: str) -> None:
    assert instant(date) == expected


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//host", 'https://a"b', "https://a b"])
def test_no_link_can_be_a_script(address: str) -> None:
    assert not safe_link(address)


# -- Read back ---------------------------------------------------------------------------------------------------------


def read_back(papers: list[Paper], path: Path) -> list[Paper]:
    export(papers, path)
    return [paper for batch in open_source(str(path)).batches() for paper in batch.papers]


AWKWARD = Paper(
    id="-x1",
    title="A {b} & 50% of $\\ell_2$ _ ^ ~ \\ #1",
    authors=("Zoë Müller", "Robert and Co, Inc., The"),
    abstract="+1 is = x",
    tldr="=tldr",
    keywords=("@a", "b&c"),
    venue="ICLR",
    year=2022,
    decision="Oral",
    ratings=(8.0, 6.5),
    published="2022-04-01",
    urls={"paper": "https://example.org/a_b?x=1&y=%20"},
    code_urls=("https://example.org/code",),
    citations=3,
    source="somewhere",
)


def test_json_and_csv_read_back_give_the_same_papers(tmp_path: Path) -> None:
    papers = [AWKWARD, *made_papers(3)]
    assert read_back(papers, tmp_path / "a.json") == papers
    for before, after in zip(papers, read_back(papers, tmp_path / "a.csv"), strict=True):
        # The reader names a source where there is none.
        assert dataclasses.replace(after, source=before.source) == before


def test_bibtex_read_back_gives_the_same_texts(tmp_path: Path) -> None:
    (paper,) = read_back([AWKWARD], tmp_path / "a.bib")
    for name in ("title", "authors", "abstract", "tldr", "keywords", "venue", "year", "decision", "published", "urls"):
        assert getattr(paper, name) == getattr(AWKWARD, name), name


# -- Files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "format"), [("a.bib", "bib"), ("a.RIS", "ris"), ("a.xml", "atom"), ("a.json", "json")]
)
def test_the_ending_says_the_format(tmp_path: Path, name: str, format: str) -> None:
    export(made_papers(2), tmp_path / name)
    assert (tmp_path / name).read_text(encoding="utf-8").split() == exported(made_papers(2), format).split()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "papers.json"
    export(made_papers(1), target)
    before = target.read_text(encoding="utf-8")

    def broken() -> object:
        yield made_papers(1)[0]
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError):
        export(broken(), target)  # type: ignore[arg-type]
    assert target.read_text(encoding="utf-8") == before
    with pytest.raises(WriteError, match="cannot write"):
        export(made_papers(1), target / "papers.json")


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    target, wrong = tmp_path / "papers.json", []
    export(made_papers(300), target)
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            if len(json.loads(target.read_text(encoding="utf-8"))) not in (300, 301):
                wrong.append(1)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(20):
        export(made_papers(300 + turn % 2), target)
    done.set()
    reader.join()
    assert not wrong


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(NavigatorError, match="there are bib, ris, csv, json, atom"):
        exported([], "docx")
    with pytest.raises(NavigatorError, match="names no format"):
        export([], tmp_path / "papers")
