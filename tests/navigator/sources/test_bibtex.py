"""BibTeX: LaTeX, names, macros, months, ids, and entries that are broken."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.exports import export
from paperwright.navigator.paper import Paper
from paperwright.navigator.sources import Batch, bibtex


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


def test_broken_entries_are_rejected_with_their_line(tmp_path: Path) -> None:
    batch = read(
        tmp_path / "a.bib",
        "@article{a, title={A}}\n@article{a, title={Twice}}\n@article{bad, title={unclosed\n@misc{c, title={C}}\n"
        "@misc{d, year=2022}\n@misc{e, title={E}}\n",
    )
    assert [paper.raw["key"] for paper in batch.papers] == ["a", "c", "e"]
    assert len(batch.rejected) == 3
    assert "line 2: " in batch.rejected[0]
    assert "line 3: " in batch.rejected[1]
    assert "no title" in batch.rejected[2]


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
