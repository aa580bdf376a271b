"""Tables: any CSV, what an export wrote, and the submissions to ICLR 2022 with the spec's figures."""

import contextlib
import os
from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.exports import export
from paperwright.navigator.paper import Paper
from paperwright.navigator.sources import Batch, csv, iclr_csv

DATA = os.environ.get("PAPERWRIGHT_DATA")
ICLR = Path(DATA or "") / "iclr2022" / "submissions.csv"


def table(path: Path, text: str | bytes, **settings: Any) -> tuple[tuple[Paper, ...], Batch]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (batch,) = csv(path, **settings).batches()
    return batch.papers, batch


def test_columns_go_by_their_usual_names(tmp_path: Path) -> None:
    (paper,), batch = table(
        tmp_path / "a.csv",
        "ID,Title,Author,Abstract,Keywords,Year,Status,Rating,Citations,URL,GitHub,DOI,arXiv,Published\r\n"
        'a1,"A, B",Ada Byron;Émile Borel,We show.,"graphs, curvature;flow",2022,Accept (Oral),6;8;-1,12,'
        "https://example.org/p,https://github.com/a/b,https://doi.org/10.1063/1.13,arXiv:2102.07033v2,2022-04-25\r\n",
    )
    assert batch.rejected == ()
    assert (paper.id, paper.title, paper.abstract, paper.year) == ("a1", "A, B", "We show.", 2022)
    assert paper.authors == ("Ada Byron", "Émile Borel")
    assert paper.keywords == ("graphs", "curvature", "flow")
    assert (paper.decision, paper.ratings, paper.citations) == ("Oral", (6, 8), 12)
    assert paper.urls["paper"] == "https://example.org/p"
    assert paper.code_urls == ("https://github.com/a/b",)
    assert (paper.raw["doi"], paper.raw["arxiv"], paper.published) == ("10.1063/1.13", "2102.07033", "2022-04-25")
    assert paper.source == "csv"


def test_columns_are_mapped_by_name_and_constants_fill_in(tmp_path: Path) -> None:
    columns = {"title": "Überschrift", "id": "Nr"}
    (paper,), _ = table(
        tmp_path / "a.csv", "Nr;Überschrift\n7;Ein Titel\n", columns=columns, constant={"venue": "ICLR", "year": 2022}
    )
    assert (paper.id, paper.title, paper.venue, paper.year) == ("7", "Ein Titel", "ICLR", 2022)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_seen(tmp_path: Path, separator: str) -> None:
    (paper,), _ = table(tmp_path / "a.csv", f"\ufeffid{separator}title\n1{separator}A title\n")
    assert (paper.id, paper.title) == ("1", "A title")


@pytest.mark.parametrize(
    ("cell", "authors"),
    [
        ("Ada Byron", ("Ada Byron",)),
        ("Ada Byron and Émile Borel", ("Ada Byron", "Émile Borel")),
        ('"Ada Byron, Émile Borel"', ("Ada Byron", "Émile Borel")),
        ('"Byron, Ada"', ("Ada Byron",)),
        ('"Byron, Ada; Borel, Émile"', ("Ada Byron", "Émile Borel")),
        ('"Byron, Ada and Borel, Jr., Émile"', ("Ada Byron", "Émile Borel Jr.")),
        ('"Di Giovanni, Francesco"', ("Francesco Di Giovanni",)),
        ('"van der Waals, Johannes Diderik"', ("Johannes Diderik van der Waals",)),
        ('"Byron, PhD"', ("Byron PhD",)),
        ('"Byron A., Borel E.-F."', ("A. Byron", "E.-F. Borel")),
        ("Ada Byron|Émile Borel", ("Ada Byron", "Émile Borel")),
        ('"{Byron, Borel and Sons}; Doe, Jane"', ("Byron, Borel and Sons", "Jane Doe")),
        ('"Byron Engines, Inc.; Doe, Jane"', ("Byron Engines, Inc.", "Jane Doe")),
        ('"[""Byron, Ada"", ""E. B.""]"', ("Ada Byron", "E. B.")),
        ('"[""Ada Byron"", ""E. B.""]"', ("Ada Byron", "E. B.")),
        ("", ()),
    ],
)
def test_authors_in_any_of_the_usual_forms(tmp_path: Path, cell: str, authors: tuple[str, ...]) -> None:
    (paper,), _ = table(tmp_path / "a.csv", f"id,title,authors\n1,T,{cell}\n")
    assert paper.authors == authors


def test_an_id_is_made_of_arxiv_or_doi_where_none_is_given(tmp_path: Path) -> None:
    papers, batch = table(tmp_path / "a.csv", "title,doi,arxiv\nA,10.1063/X,\nB,,2102.07033\n")
    assert [paper.id for paper in papers] == ["10.1063/x", "arxiv:2102.07033"]
    assert batch.rejected == ()
    assert dict(papers[0].urls) == {"paper": "https://doi.org/10.1063/x"}


def test_a_row_without_any_id_goes_by_what_it_says(tmp_path: Path) -> None:
    papers, _ = table(tmp_path / "a.csv", "title,authors,year\nA,X,2020\nA,X,2021\nA,Y,2020\n")
    assert len({paper.id for paper in papers}) == 3
    again, _ = table(tmp_path / "b.csv", "year,title,authors,abstract\n2020,A,X,New words.\n")
    assert again[0].id == papers[0].id


def test_bad_rows_are_rejected_with_their_number_and_the_others_stay(tmp_path: Path) -> None:
    papers, batch = table(
        tmp_path / "a.csv",
        "id,title,urls\n1,Good,\n2,,\n3,Too,many,cells\n4,Short\n\n5,Bad,not json\nwhite space,T,\n6,Good too,\n",
    )
    assert [paper.id for paper in papers] == ["1", "4", "6"]
    assert [reason.partition(":")[0] for reason in batch.rejected] == ["record 2", "record 3", "record 5", "record 6"]
    assert "no title" in batch.rejected[0]
    assert "line 4: 4 cells under 3 columns" in batch.rejected[1]


ZOTERO = (
    '"Key","Item Type","Publication Year","Author","Title","Publication Title","ISBN","DOI","Url","Abstract Note",'
    '"Date","Manual Tags","Automatic Tags"\n'
    '"QX7Z","conferencePaper","2019","Núñez Vela, Ana María; Roy, Bo","Flows on trees","Proc. of Trees","",'
    '"10.5555/T.1","https://example.org/t","We show.","2019-06-01","trees; flows","deep learning"\n'
)
OPENALEX = (
    "id,doi,display_name,publication_year,publication_date,authorships.author.display_name,"
    "primary_location.source.display_name,cited_by_count,keywords.display_name,type\n"
    "https://openalex.org/W77,https://doi.org/10.48550/arxiv.1901.00007,Flows on trees,2019,2019-06-01,"
    "Ana María Núñez Vela|Bo Roy,Proc. of Trees,5,Trees|Flow (mathematics),article\n"
)
WOS_TAGS = (
    "PT\tAU\tAF\tTI\tSO\tDE\tID\tAB\tTC\tPY\tDI\tUT\n"
    "J\tNunez Vela, AM; Roy, B\tNúñez Vela, Ana María; Roy, Bo\tFlows on trees\tPROC TREES\ttrees; flows\tGRAPHS\t"
    "We show.\t5\t2019\t10.5555/t.1\tWOS:000000000000077\n"
)
WOS_NAMES = (
    "Publication Type,Authors,Author Full Names,Article Title,Source Title,Author Keywords,Keywords Plus,Abstract,"
    '"Times Cited, WoS Core",Publication Year,DOI,UT (Unique WOS ID)\n'
    'J,"Nunez Vela, AM; Roy, B","Núñez Vela, Ana María; Roy, Bo",Flows on trees,PROC TREES,trees; flows,GRAPHS,'
    "We show.,5,2019,10.5555/t.1,WOS:000000000000077\n"
)
SCOPUS = (
    "Authors,Author full names,Title,Year,Source title,Volume,Cited by,DOI,Abstract,Author Keywords,Source,EID\n"
    '"Núñez Vela, A.M.; Roy, B.","Núñez Vela, Ana María (57000000001); Roy, Bo (57000000002)",Flows on trees,2019,'
    "Proc. of Trees,7,5,10.5555/t.1,We show.,trees; flows,Scopus,2-s2.0-1\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ZOTERO, {"id": "QX7Z", "venue": "Proc. of Trees", "keywords": ("trees", "flows", "deep learning")}),
        (OPENALEX, {"id": "openalex:W77", "abstract": "", "keywords": ("Trees", "Flow (mathematics)"), "citations": 5}),
        (WOS_TAGS, {"id": "WOS:000000000000077", "publication": {"type": "article"}, "venue": "PROC TREES"}),
        (WOS_NAMES, {"id": "WOS:000000000000077", "venue": "PROC TREES", "citations": 5}),
        (SCOPUS, {"id": "2-s2.0-1", "citations": 5, "source": "csv", "publication": {"volume": "7"}}),
    ],
)
def test_tables_of_other_programs_are_read_whole(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    (paper,), batch = table(tmp_path / "a.csv", text)
    usual: dict[str, Any] = {"title": "Flows on trees", "authors": ("Ana María Núñez Vela", "Bo Roy"), "year": 2019}
    usual |= {"abstract": "We show.", "keywords": ("trees", "flows"), "venue": "Proc. of Trees"}
    assert batch.rejected == ()
    for field, value in (usual | expected).items():
        assert getattr(paper, field) == value, field
    assert paper.raw["arxiv" if "openalex" in paper.id else "doi"] in ("1901.00007", "10.5555/t.1")


@pytest.mark.parametrize(
    ("text", "unused"),
    [
        (ZOTERO, ""),
        (ZOTERO.replace("ISBN", "Rights").replace('""', '"CC"'), "Rights"),
        (OPENALEX.replace(",type", ",mood"), "mood"),
        (WOS_TAGS, "ID"),
        (SCOPUS, "Source"),
    ],
)
def test_columns_that_hold_something_and_are_not_used_are_named(tmp_path: Path, text: str, unused: str) -> None:
    _, batch = table(tmp_path / "a.csv", text)
    assert batch.notes == ((f"a.csv: not used: {unused}",) if unused else ())


def test_a_column_that_begins_to_hold_something_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,title,mood,shelf\n" + "".join(f"{n},T{n},calm,{'B' * (n > 1_200)}\n" for n in range(1_600)))
    notes = [note for batch in csv(path).batches() for note in batch.notes]
    assert notes == ["a.csv: not used: mood", "a.csv: not used: shelf"]


def test_a_year_is_that_of_the_date_where_none_is_given(tmp_path: Path) -> None:
    (paper,), _ = table(tmp_path / "a.csv", "Title,Publication Year,Date\nA,,2019-06\n")
    assert (paper.year, paper.published) == (2019, "2019-06")


def test_the_line_that_tells_excel_the_separator_is_no_head(tmp_path: Path) -> None:
    (paper,), _ = table(tmp_path / "a.csv", "sep=;\nid;title\n1;A, B\n")
    assert (paper.id, paper.title) == ("1", "A, B")


def test_a_name_of_a_column_may_go_over_lines(tmp_path: Path) -> None:
    (paper,), _ = table(tmp_path / "a.csv", 'id,"the\nmood",title\n1,calm,A\n')
    assert paper.title == "A"


# -- encodings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_letters_of_any_encoding_that_can_be_told(tmp_path: Path, encoding: str) -> None:
    text = "id,title,authors\n1,„Maß und Güte“ – ein Überblick,Jörg Weiß\n"
    (paper,), batch = table(tmp_path / "a.csv", text.encode(encoding))
    assert (paper.title, paper.authors) == ("„Maß und Güte“ – ein Überblick", ("Jörg Weiß",))
    assert batch.notes == (("a.csv is not UTF-8; it was read as Cp1252",) if encoding == "cp1252" else ())


def test_stray_bytes_in_a_file_of_utf8_are_read_as_cp1252(tmp_path: Path) -> None:
    text = "id,title\n1,Größe über Maß\n2,".encode() + b"M\xfcller\n3,cut \xe6\xb7 short\n"
    (first, second, third), batch = table(tmp_path / "a.csv", text)
    assert [first.title, second.title, third.title] == ["Größe über Maß", "Müller", "cut \ufffd short"]
    assert batch.notes == ("a.csv: 3 bytes are not UTF-8 and were read as Cp1252",)


@pytest.mark.parametrize(
    "text",
    [
        "id,title\n1,Обучение с подкреплением\n".encode("cp1251"),
        "id,title\n1,深度学习方法综述\n".encode("gb2312"),
        "id,title\n1,caf\x8e and M\x9fller\n".encode("mac_roman", "replace") + b"2,na\x8dve\n",
        "id,title\n1,Größe\n".encode("utf-16")[:-1],
    ],
)
def test_what_is_in_no_encoding_that_can_be_told_is_refused_before_anything_is_read(
    tmp_path: Path, text: bytes
) -> None:
    with pytest.raises(NavigatorError, match=r"a\.csv is neither UTF-8 nor .*Save it as UTF-8"):
        table(tmp_path / "a.csv", text)


def test_a_title_of_ten_megabytes_is_cut(tmp_path: Path) -> None:
    (paper,), _ = table(tmp_path / "a.csv", "id,title\n1," + "x" * 10_000_000 + "\n")
    assert paper.title == "x" * 1_000


def test_markup_and_control_characters_are_text(tmp_path: Path) -> None:
    (paper,), _ = table(
        tmp_path / "a.csv",
        "id,title,authors,url\n1,<script>alert(1)</script>\x00\x1b[31m,<b>A</b>,javascript:alert(1)\n",
    )
    assert paper.title == "<script>alert(1)</script> [31m"
    assert paper.urls == {}


def test_the_files_own_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(NavigatorError, match="there is no file"):
        csv(path)
    path.write_text("name of paper,year\nA,2022\n")
    with pytest.raises(NavigatorError, match=r"no column of titles; it has name of paper, year"):
        next(csv(path).batches())
    with pytest.raises(NavigatorError, match="no column 'heading'"):
        next(csv(path, columns={"title": "heading"}).batches())
    with pytest.raises(NavigatorError, match="a paper has no field colour"):
        csv(path, columns={"colour": "year"})
    path.write_text("")
    with pytest.raises(NavigatorError, match="no column of titles"):
        next(csv(path).batches())


@given(st.binary(max_size=300))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_file_crashes_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(b"id,title,authors,ratings,urls,history\n" + content)
    with contextlib.suppress(NavigatorError):  # in no encoding that can be told
        for batch in csv(path).batches():
            assert all(isinstance(paper, Paper) for paper in batch.papers)


def test_an_export_is_read_back(tmp_path: Path) -> None:
    papers = [
        Paper(
            id="a1",
            title='=SUM(A1) and, more; "quoted"',
            authors=("Ada Byron", "Émile Borel", "Byron Engines, Inc.", "Roy and Sons"),
            keywords=("graphs", "flow, on trees", "P(x|y)"),
            abstract="- We show.\nThat.",
            venue="ICLR",
            year=2022,
            decision="Poster",
            ratings=(6, 8, 5.5),
            published="2022-04-25",
            urls={"paper": "https://example.org/p"},
            code_urls=("https://github.com/a/b",),
            citations=3,
            categories=("cs.LG", "Computer Science"),
            source="openreview",
        ),
        Paper(id="b2", title="Plain", authors=("Solo Author",), source="arxiv"),
    ]
    export(papers, tmp_path / "out.csv")
    (batch,) = csv(tmp_path / "out.csv").batches()
    assert list(batch.papers) == papers


word = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters=";'"), min_size=1, max_size=12)
words = word.filter(lambda one: bool(one.strip()))
some = st.lists(words, max_size=3).map(tuple)


@given(words, some, some, some, word, word, st.none() | st.integers(1900, 2030))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_record_comes_back_from_an_export(
    tmp_path: Path,
    title: str,
    authors: tuple[str, ...],
    keywords: tuple[str, ...],
    categories: tuple[str, ...],
    abstract: str,
    venue: str,
    year: int | None,
) -> None:
    lists = {"authors": authors, "keywords": keywords, "categories": categories}
    try:
        paper = Paper(id="x", title=title, abstract=abstract, venue=venue, year=year, source="arxiv", **lists)
    except NavigatorError:  # a title of marks that are removed
        return
    export([paper], tmp_path / "out.csv")
    (batch,) = csv(tmp_path / "out.csv").batches()
    assert (batch.papers, batch.rejected, batch.notes) == ((paper,), (), ())


def test_a_large_table_comes_in_parts_and_goes_on_from_each(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,title\n" + "".join(f"{n},Paper {n}\n" for n in range(1_234)))
    source = csv(path)
    batches = list(source.batches())
    assert [len(batch.papers) for batch in batches] == [500, 500, 234]
    assert [batch.done for batch in batches] == [500, 1_000, 1_234]
    rest = [paper.id for batch in source.batches(batches[0].cursor) for paper in batch.papers]
    assert rest == [str(n) for n in range(500, 1_234)]
    assert [len(batch.papers) for batch in csv(path, max_items=600).batches()] == [500, 100]


def test_a_file_that_has_changed_is_read_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,title\n" + "".join(f"{n},Paper {n}\n" for n in range(600)))
    cursor = next(csv(path).batches()).cursor
    path.write_text("id,title\n" + "".join(f"{n},Another {n}\n" for n in range(601)))
    assert next(csv(path).batches(cursor)).papers[0].title == "Another 0"
    assert next(csv(path).batches("nonsense")).papers[0].title == "Another 0"


# -- ICLR ------------------------------------------------------------------------------------------------------------

SMALL = """forum_id,title,keywords,decision,withdrawn,ratings_t0,ratings_t1,ratings_t2,ratings_t3
2p_5F9sHN9,The Geometry,"adversarial attack, geometry; Flow",Reject,0,6;5;3;3,6;6;6;6,6;6;6;6,6;6;6;6
6yVvwR9H9Oj,On Labels,,Accept (Poster),0,8;6,8;6,8;6,8;8
zzzzzzzzz,Withdrawn,,,1,3,3,3,
"""


def test_a_submission(tmp_path: Path) -> None:
    path = tmp_path / "submissions.csv"
    path.write_text(SMALL)
    (batch,) = iclr_csv(path).batches()
    first, second, third = batch.papers
    assert (first.id, first.venue, first.year, first.track) == ("2p_5F9sHN9", "ICLR", 2022, "main")
    assert first.keywords == ("adversarial attack", "geometry", "Flow")
    assert first.ratings == (6, 6, 6, 6)
    assert first.history == (("2021-11-09", (6, 5, 3, 3)), ("2021-11-26", (6, 6, 6, 6)), ("2021-12-01", (6, 6, 6, 6)))
    assert dict(first.urls) == {
        "paper": "https://openreview.net/forum?id=2p_5F9sHN9",
        "review": "https://openreview.net/forum?id=2p_5F9sHN9",
        "pdf": "https://openreview.net/pdf?id=2p_5F9sHN9",
    }
    assert (second.decision, second.rating) == ("Poster", 8)
    assert (third.decision, third.ratings) == ("Withdrawn", ())


def test_a_table_of_another_kind_is_told_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("forum_id,title\nx,y\n")
    with pytest.raises(NavigatorError, match=r"no column keywords, decision, withdrawn, ratings_t0"):
        next(iclr_csv(path).batches())


@pytest.fixture(scope="module")
def submissions() -> list[Paper]:
    if not ICLR.is_file():
        pytest.skip("needs PAPERWRIGHT_DATA with iclr2022/submissions.csv")
    return [paper for batch in iclr_csv(ICLR).batches() for paper in batch.papers]


def test_the_decisions_of_iclr_2022(submissions: list[Paper]) -> None:
    assert len(submissions) == 3_328
    decisions = {"Oral": 54, "Spotlight": 176, "Poster": 865, "Reject": 1_580, "Withdrawn": 653}
    assert Counter(paper.decision for paper in submissions) == decisions
    assert sum(paper.accepted for paper in submissions) == 1_095


def test_the_ratings_of_iclr_2022(submissions: list[Paper]) -> None:
    early = [rating for paper in submissions for rating in paper.history[0][1]]
    late = [rating for paper in submissions for rating in paper.ratings]
    assert (len(early), len(late)) == (12_829, 12_991)
    assert round(fmean(early), 4) == 4.9218
    assert round(fmean(late), 4) == 5.2125
    both = [(fmean(p.history[0][1]), fmean(p.ratings)) for p in submissions if p.history[0][1] and p.ratings]
    assert sum(after > before for before, after in both) == 1_445
    assert sum(after < before for before, after in both) == 169


def test_the_keywords_of_iclr_2022(submissions: list[Paper]) -> None:
    assert sum(bool(paper.keywords) for paper in submissions) == 2_886
    counts = Counter(keyword.lower() for paper in submissions for keyword in paper.keywords)
    assert len(counts) == 5_400
    assert dict(counts.most_common(10)) == {
        "reinforcement learning": 234,
        "deep learning": 196,
        "representation learning": 121,
        "graph neural networks": 95,
        "self-supervised learning": 89,
        "federated learning": 79,
        "robustness": 69,
        "generalization": 67,
        "transformer": 62,
        "contrastive learning": 61,
    }


def test_every_submission_leads_to_its_forum(submissions: list[Paper]) -> None:
    for paper in submissions:
        assert paper.urls["paper"] == paper.urls["review"] == f"https://openreview.net/forum?id={paper.id}"
