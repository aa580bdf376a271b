"""BibTeX: LaTeX, names, macros, months, ids, and entries that are broken."""

import logging
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.exports import export
from paperwright.navigator.library import Library
from paperwright.navigator.paper import Paper
from paperwright.navigator.sources import Batch, bibtex
from paperwright.navigator.sync import sync


def read(path: Path, content: str | bytes) -> Batch:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (batch,) = bibtex(path).batches()
    return batch


def one(tmp_path: Path, fields: str, kind: str = "inproceedings", key: str = "k1") -> Paper:
    batch = read(tmp_path / "a.bib", f"@{kind}{{{key}, {fields}}}")
    assert batch.rejected == ()
    (paper,) = batch.papers
    return paper


def test_an_entry(tmp_path: Path) -> None:
    paper = one(
        tmp_path,
        r"""title = {{\"U}ber {G}raphs \& {Curvature}: 50% of $\alpha$-flows},
        author = "M{\"u}ller, Hans and Ada Byron and {The Gr{\'e}goire Collaboration} and others",
        booktitle = {Proc.\ of ICLR}, year = 2022, month = apr, abstract = {We show --- that.},
        keywords = {graphs, curvature; flow}, doi = {https://doi.org/10.1063/1.13\_83},
        url = {https://example.org/a\_b?x=1}, note = {Oral}""",
    )
    assert paper.title == r"Über Graphs & Curvature: 50% of $\alpha$-flows"
    assert paper.authors == ("Hans Müller", "Ada Byron", "The Grégoire Collaboration")
    assert (paper.venue, paper.year, paper.published) == ("Proc. of ICLR", 2022, "2022-04")
    assert paper.abstract == "We show — that."
    assert paper.keywords == ("graphs", "curvature", "flow")
    assert (paper.id, paper.raw["doi"], paper.raw["key"]) == ("10.1063/1.13_83", "10.1063/1.13_83", "k1")
    assert paper.urls["paper"] == "https://example.org/a_b?x=1"
    assert paper.decision == "Oral"


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"{\'E}mile", "Émile"),
        (r"\'Emile", "Émile"),
        (r"Erd{\H o}s", "Erdős"),
        (r"Erd\H{o}s", "Erdős"),
        (r"{\L}ukasz", "Łukasz"),
        (r"Fran{\c c}ois", "François"),
        (r"{\AA}ngstr{\"o}m", "Ångström"),
        (r"S{\o}ren", "Søren"),
        (r"na\"{\i}ve", "naïve"),
        (r"\v{S}koda", "Škoda"),
        (r"A~B", "A B"),
        (r"a--b", "a–b"),
        (r"\$5 \& 3\% \#1 \_x", "$5 & 3% #1 _x"),
        (r"100% sure", "100% sure"),
        ("plain ü text", "plain ü text"),
        (r"\emph{very} \textbf{bold}", "very bold"),
    ],
)
def test_latex_is_read_as_letters(tmp_path: Path, latex: str, text: str) -> None:
    assert one(tmp_path, f"title = {{{latex}}}").title == text


@pytest.mark.parametrize(
    ("names", "authors"),
    [
        ("Ada Byron", ("Ada Byron",)),
        ("Byron, Ada", ("Ada Byron",)),
        ("de la Vall{\\'e}e Poussin, Charles", ("Charles de la Vallée Poussin",)),
        ("King, Jr., Martin Luther", ("Martin Luther King Jr.",)),
        ("A. Byron and\n   B. Borel", ("A. Byron", "B. Borel")),
        ("{Barnes and Noble} and Ada Byron", ("Barnes and Noble", "Ada Byron")),
        ("", ()),
    ],
)
def test_names_are_turned_the_right_way_round(tmp_path: Path, names: str, authors: tuple[str, ...]) -> None:
    assert one(tmp_path, f"title = {{T}}, author = {{{names}}}").authors == authors


@pytest.mark.parametrize(
    ("fields", "identifier"),
    [
        ("eprint = {2102.07033v2}, archiveprefix = {arXiv}", "arxiv:2102.07033"),
        ("eprint = {cs/0112017}", "arxiv:cs/0112017"),
        ("eprint = {1234567}, eprinttype = {pubmed}", "key1-e3b98a"),
        ("journal = {arXiv preprint arXiv:2102.07033}", "arxiv:2102.07033"),
        ("journal = {CoRR}, url = {http://arxiv.org/abs/2102.07033}", "arxiv:2102.07033"),
        ("url = {https://openreview.net/forum?id=Lm8T39vLDTE}", "Lm8T39vLDTE"),
        ("doi = {10.1063/X}", "10.1063/x"),
        ("year = 2022", "key1-e3b98a"),
    ],
)
def test_ids(tmp_path: Path, fields: str, identifier: str) -> None:
    assert one(tmp_path, f"title = {{T}}, {fields}", key="key1").id == identifier


def test_a_key_of_two_files_is_two_papers(tmp_path: Path) -> None:
    titles = ("A title", "Another title", "A {Title}")
    first, second, again = (one(tmp_path, f"title = {{{title}}}", key="smith2020").id for title in titles)
    assert first == again != second
    assert first.startswith("smith2020-")


def test_macros_and_concatenations(tmp_path: Path) -> None:
    batch = read(
        tmp_path / "a.bib",
        '@string{iclr = "Conference on Representations"}\n@string(nips = {Neural Systems})\n'
        '@comment{not an entry}\n@preamble{"x"}\n'
        "@inproceedings{a, title={A}, booktitle=iclr, month=12}\n"
        '@inproceedings{b, title={B}, booktitle=iclr # " 2022"}\n'
        "@inproceedings{c, title={C # sharp}, booktitle=nips, year=2020, month={March}}\n",
    )
    assert batch.rejected == ()
    assert [paper.venue for paper in batch.papers] == [
        *("Conference on Representations", "Conference on Representations 2022"),
        "Neural Systems",
    ]
    assert batch.papers[2].title == "C # sharp"
    assert batch.papers[2].published == "2020-03"


def test_an_entry_whose_key_came_before_is_read_like_any_other(tmp_path: Path) -> None:
    batch = read(
        tmp_path / "a.bib",
        '@string{nest = "Nest"}\n@article{k, title={One title}, author={Moon, Ada}, year=2008, journal=nest}\n'
        '@article{k, title="Another {T}itle", author={van der Tide, Jan and {Heron Inc.}}, year={2001}, journal=nest}\n'
        '@article{k, title={{A third}}, author="Moon, Ada", year=2002, journal=nest # " B"}\n',
    )
    found = [(paper.title, paper.authors, paper.year, paper.venue) for paper in batch.papers[1:]]
    assert found == [
        ("Another Title", ("Jan van der Tide", "Heron Inc."), 2001, "Nest"),
        ("A third", ("Ada Moon",), 2002, "Nest B"),
    ]
    assert batch.rejected == ()


def test_broken_entries_are_rejected_with_their_line(tmp_path: Path) -> None:
    batch = read(
        tmp_path / "a.bib",
        "@article{a, title={A title}}\n@article{a, title={A {Title}}}\n@article{a, title={Quite another thing}}\n"
        "@article{bad, title={unclosed\n@misc{c, title={C}}\n@misc{d, year=2022}\n@misc{e, title={E}, title={F}}\n",
    )
    assert [(paper.raw["key"], paper.title) for paper in batch.papers] == [
        *(("a", "A title"), ("a", "Quite another thing"), ("c", "C"), ("e", "E"))
    ]
    assert len({paper.id for paper in batch.papers}) == 4
    assert len(batch.rejected) == 3
    assert batch.rejected[0].endswith("line 2: the key 'a' came before, with this title")
    assert "line 4: Unexpected block start: `@misc`" in batch.rejected[1]
    assert "no title" in batch.rejected[2]


def test_the_parser_says_nothing_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_text("@article{bad, title={unclosed\n@misc{c, title={C}}\n")
    script = "import sys; from paperwright.navigator.sources import bibtex; print(*bibtex(sys.argv[1]).batches())"
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.bib")], capture_output=True, text=True, check=True
    )
    assert "Unexpected block start" in ran.stdout
    assert ran.stderr == ""
    logger = logging.getLogger("bibtexparser.splitter")
    one(tmp_path, "title = {T}")
    assert not logger.disabled


@pytest.mark.parametrize(
    ("names", "said", "parts"),
    [
        (r"Bee, Ann and \L{}ukasz Made", ("Ann Bee", "Łukasz Made"), ()),
        (r"Ann Bee and \O rsted, Gus and \'{E}lie Carton", ("Ann Bee", "Gus Ørsted", "Élie Carton"), ()),
        (r"\v{S}imek, Dan and \v Simek, Ev and {\v S}imek, Flo", ("Dan Šimek", "Ev Šimek", "Flo Šimek"), ()),
        (r"\"{O}zg\"ur Zed and Pe\~na, Pia", ("Özgür Zed", "Pia Peña"), ()),
        (r"Mu\~noz-Garc\'ia, Al and Wo\'zniak, Micha\l", ("Al Muñoz-García", "Michał Woźniak"), ()),
        (r"Micha\l{} Wo\'zniak and Micha{\l} Wo\'zniak", ("Michał Woźniak", "Michał Woźniak"), ()),
        ("{Open Data Group}", ("Open Data Group",), ("{Open Data Group}",)),
        ("Kingly, Jr., Martin Luther", ("Martin Luther Kingly Jr.",), ()),
        ("Di Giovanno, Francesco", ("Francesco Di Giovanno",), ("Di Giovanno, Francesco",)),
        ("Anna van der Berg and Berg, Bo", ("Anna van der Berg", "Bo Berg"), ()),
        ("family=Vries, given=Jan, prefix=de and others", ("Jan de Vries",), ()),
        ("family=Made, given=Jo, given-i=J, prefix=van, useprefix=true", ("Jo van Made",), ()),
        ("family={Made, Sons and Co}", ("Made, Sons and Co",), ("{Made, Sons and Co}",)),
        ("Jean \\'Emile Borel and Gerard 't Made", ("Jean \u00c9mile Borel", "Gerard 't Made"), ()),
        ('given={Ann Lee}, family="Di Marco", suffix=III', ("Ann Lee Di Marco III",), ("Di Marco, III, Ann Lee",)),
        ("{Barnes and Noble} AND Byron,Ada", ("Barnes and Noble", "Ada Byron"), ()),
        ("Charles Louis de la Vall{\\'e}e Poussin", ("Charles Louis de la Vallée Poussin",), ()),
    ],
)
def test_names_keep_their_letters_and_their_parts(
    tmp_path: Path, names: str, said: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    paper = one(tmp_path, f"title = {{T}}, author = {{{names}}}")
    assert paper.authors == said
    assert paper.names == parts


@pytest.mark.parametrize(
    ("latex", "title"),
    [
        (
            r"Growth of {\textless}i{\textgreater}Vibrio{\textless}/i{\textgreater} in {\LaTeX}",
            "Growth of Vibrio in LaTeX",
        ),
        (r"\TeX{} and \mbox{GPT-3}, \textsc{Bert} \& co", "TeX and GPT-3, Bert & co"),
        ("Salt &amp;amp; <b>pepper</b>, x < y", "Salt & pepper, x < y"),
        ("{Salt} & pepper: 5% of R&copying", "Salt & pepper: 5% of R&copying"),
        (r"\href{https://example.org}{Linked} \verb|a_b| and data\-bases", "Linked a_b and databases"),
    ],
)
def test_commands_and_markup_in_titles(tmp_path: Path, latex: str, title: str) -> None:
    assert one(tmp_path, f"title = {{{latex}}}").title == title


@pytest.mark.parametrize(
    ("fields", "doi"),
    [
        ("doi={10.1234/ABC.2009.05.25.02(IWNOP)}", "10.1234/abc.2009.05.25.02(iwnop)"),
        ('doi="10.1007/978-3-319-0{\\_}129-1"', "10.1007/978-3-319-0_129-1"),
        ("url={http://onlinelibrary.example.com/doi/10.1111/nous.1/abstract}", "10.1111/nous.1"),
        ("url={https://doi.org/10.1016%2Fj.made.2020.01.001}", "10.1016/j.made.2020.01.001"),
        ("doi={(10.1016/j.made).}", ""),
        ("doi={10.1002/(SICI)1{\\textless}2::AID-3{\\textgreater}4.0.CO;2-2}", "10.1002/(sici)1<2::aid-3>4.0.co;2-2"),
    ],
)
def test_dois_as_they_are_written(tmp_path: Path, fields: str, doi: str) -> None:
    paper = one(tmp_path, f"title = {{T}}, {fields}")
    assert paper.raw.get("doi", "") == doi
    assert paper.urls.get("paper", "") in ("", f"https://doi.org/{quote(doi, safe='/()_;:')}", fields[5:-1])
    assert paper.urls or not doi
    assert not doi or paper.id == doi


def test_chapters_that_share_a_doi_are_two_papers(tmp_path: Path) -> None:
    chapters = (
        "@incollection{c1, author={One, Anna}, title={The first chapter of a handbook}, doi={10.5555/book.1}}\n"
        "@incollection{c2, author={Two, Bert}, title={Another one, about fish}, doi={10.5555/book.1}}\n"
        "@misc{same, title={A paper}, doi={10.5555/x}}\n@misc{same2, title={A {P}aper}, doi={10.5555/x}}\n"
    )
    papers = read(tmp_path / "a.bib", chapters).papers
    assert [paper.raw["doi"] for paper in papers] == ["10.5555/book.1"] * 2 + ["10.5555/x"] * 2
    assert [paper.id.rpartition("-")[0] or paper.id for paper in papers] == ["c1", "c2", "10.5555/x", "same2"]
    (tmp_path / "b.bib").write_text(chapters.split("\n", 1)[0])
    with Library.in_memory() as library:
        # One work there twice is two records that nothing is lost of: they are told, and joined when asked.
        report = sync(library, bibtex(tmp_path / "a.bib"))
        assert "there twice, it seems: " + papers[3].id + " and 10.5555/x;" in str(report)
        assert len(library) == 4
        assert "there twice, it seems: 10.5555/book.1" in str(sync(library, bibtex(tmp_path / "b.bib")))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("title={Flows on Graphs: Part I}, doi={10.5555/s}", "title={Flows on Graphs: Part II}, doi={10.5555/s}"),
        ("title={Preface}, doi={10.5555/s}, pages={v--x}", "title={Preface}, doi={10.5555/s}, pages={1--9}"),
        ("title={Of apples}, eprint={2101.00001}", "title={Walls and doors}, eprint={2101.00001}"),
        (
            "title={Of apples}, url={https://openreview.net/forum?id=Lm8T39vLDTE}",
            "title={Walls and doors}, url={https://openreview.net/forum?id=Lm8T39vLDTE}",
        ),
    ],
)
def test_works_that_share_any_id_stay_apart(tmp_path: Path, first: str, second: str) -> None:
    papers = read(tmp_path / "a.bib", f"@misc{{k1, {first}}}\n@misc{{k2, {second}}}\n").papers
    assert [paper.id.partition("-")[0] for paper in papers] == ["k1", "k2"]
    with Library.in_memory() as library:
        library.add(bibtex(tmp_path / "a.bib"))
        assert {paper.title for paper in library} == {paper.title for paper in papers}
        assert len(library) == 2


def test_a_key_that_is_another_only_in_marks_came_before(tmp_path: Path) -> None:
    batch = read(tmp_path / "a.bib", "@misc{k\u00fc, title={A title}}\n@misc{k\u00f6, title={A title}}\n")
    assert len(batch.papers) == 1
    assert batch.rejected == ("record 2: line 2: the key 'k\u00f6' came before, with this title",)


def test_a_part_has_of_its_book_what_it_does_not_say(tmp_path: Path) -> None:
    batch = read(
        tmp_path / "a.bib",
        "@inproceedings{part, title={A part}, author={Byron, Ada}, crossref={Whole}, pages={1--9}}\n"
        "@proceedings{whole, title={Proceedings of a Meeting}, editor={Borel, Émile}, year=2020, publisher={A Press},"
        " doi={10.5555/whole}, eprint={2101.00001}, type={Book}, crossref={whole}}\n"
        "@misc{loop, title={L}, crossref={loop}}\n"
        "@xdata{house, publisher={A House}, note={Read it}}\n@book{in, title={Inside}, xdata={house}}\n"
        "@incollection{ch, title={Ch}, crossref={sub}}\n@book{sub, title={Sub}, subtitle={A View}}\n",
    )
    part = batch.papers[0]
    assert (part.venue, part.year, part.raw.get("doi")) == ("Proceedings of a Meeting", 2020, None)
    assert part.publication == {
        **{"type": "inproceedings", "pages": "1–9", "editor": "Borel, Émile", "publisher": "A Press"}
    }
    assert batch.rejected == ()
    assert [paper.title for paper in batch.papers] == [
        *("A part", "Proceedings of a Meeting", "L", "Inside", "Ch", "Sub: A View")
    ]
    assert part.id.startswith("part-")
    assert batch.papers[3].publication == {"type": "book", "publisher": "A House"}
    assert batch.papers[3].raw["note"] == "Read it"
    assert batch.papers[4].venue == "Sub: A View"


@pytest.mark.parametrize(
    ("url", "link"),
    [
        (r"https://example.org/\~{}ada/x{\_}1{\%}20y", "https://example.org/~ada/x_1%20y"),
        (r"\url{https://example.org/{\textasciitilde}ada\#top}", "https://example.org/~ada#top"),
    ],
)
def test_links_as_latex_writes_them(tmp_path: Path, url: str, link: str) -> None:
    assert one(tmp_path, f"title = {{T}}, url = {{{url}}}").urls == {"paper": link}


def test_what_is_no_part_of_a_record_is_kept_beside_it(tmp_path: Path) -> None:
    paper = one(
        tmp_path,
        "title={T}, year={in press}, month={Spring}, number={3}, issue={4}, eprint={123}, eprinttype={pubmed}, "
        r"language={Fran\c{c}ais}, urldate={2020-01-02}, file={/home/ada/t.pdf}, owner={ada}, doi={none yet}, "
        "huge={" + "x" * 10_001 + "}",
    )
    assert paper.raw["fields"] == {
        **{"year": "in press", "month": "Spring", "issue": "4", "eprint": "123", "eprinttype": "pubmed"},
        **{"language": "Français", "urldate": "2020-01-02", "doi": "none yet"},
    }


@pytest.mark.parametrize(
    ("kind", "fields", "type", "house"),
    [
        ("thesis", "type={mathesis}, institution={A School}", "mastersthesis", {"school": "A School"}),
        ("thesis", "type={phdthesis}, school={A School}", "phdthesis", {"school": "A School"}),
        ("thesis", "type={Habilitation}, institution={A School}", "thesis", {"institution": "A School"}),
    ],
)
def test_theses_of_biblatex(tmp_path: Path, kind: str, fields: str, type: str, house: dict[str, str]) -> None:
    assert one(tmp_path, f"title={{T}}, {fields}", kind=kind).publication == {"type": type, **house}


@pytest.mark.parametrize(
    ("head", "encoding", "noted"),
    [
        ("", "cp1252", True),
        ("% Encoding: Cp1252\n\n", "cp1252", False),
        ("% This file was created with JabRef 2.9.\n% Encoding: ISO8859_1\n", "latin-1", False),
        ("% -*- coding: cp1250 -*-\n", "cp1250", False),
        ("% Encoding: Cp1252\n", "utf-8", False),  # converted, and the line has stayed
        ("", "utf-16", False),
    ],
)
def test_the_encoding_that_a_file_states_or_shows(tmp_path: Path, head: str, encoding: str, noted: bool) -> None:
    text = head + "@misc{a, title={Gr\xfc\xdfe}, author={Wei\xdf, J\xf6rg}}"
    batch = read(tmp_path / "a.bib", text.encode(encoding))
    assert (batch.papers[0].title, batch.papers[0].authors) == ("Gr\xfc\xdfe", ("J\xf6rg Wei\xdf",))
    assert batch.notes == (("a.bib is not UTF-8; it was read as Cp1252",) if noted else ())


def test_a_file_that_is_not_in_the_encoding_it_states_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NavigatorError, match="neither UTF-8 nor shift_jis throughout"):
        read(tmp_path / "a.bib", b"% Encoding: SHIFT_JIS\n@misc{a, title={M\xfcller}}")


def test_an_export_is_read_back(tmp_path: Path) -> None:
    papers = [
        Paper(
            id="arxiv:2102.07033",
            title='50% of {braces} & $x_1$ \\ ~ ^ # _ "q"',
            authors=("Émile Borel", "Barnes and Noble"),
            venue="ICLR & Co",
            year=2022,
            decision="Poster",
            keywords=("graphs", "a_b"),
            abstract="We show.",
            urls={"paper": "https://arxiv.org/abs/2102.07033"},
        )
    ]
    export(papers, tmp_path / "out.bib")
    (batch,) = bibtex(tmp_path / "out.bib").batches()
    (paper,) = batch.papers
    for name in ("id", "title", "authors", "venue", "year", "decision", "keywords", "abstract", "urls"):
        assert getattr(paper, name) == getattr(papers[0], name), name


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NavigatorError, match="there is no file"):
        bibtex(tmp_path / "none.bib")


@given(st.text('@{}",=#%\\\n $~^"abué1', max_size=80))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_file_crashes_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "any.bib"
    path.write_text("@misc{a, title={" + content + "}, author={" + content + "}}\n" + content)
    for batch in bibtex(path).batches():
        assert all(paper.title for paper in batch.papers)
