"""Digests: selection by hand, quotations only, and four forms in which no record is more than text."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from navigator_records import made_papers

from paperwright.navigator.digest import digest, standardised, varied
from paperwright.navigator.digest_sentences import sentences
from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.library import Library
from paperwright.navigator.paper import Paper

ABSTRACT = (
    "Graphs are everywhere. Prior work, e.g. GNNs, oversmooths graphs. We show that rewiring graphs helps. The end."
)
HOSTILE = Paper(
    id="x",
    title="<script>alert(1)</script> [click](javascript:alert(1)) *bold* # head",
    authors=("<img src=x onerror=alert(2)>",),
    abstract="We show </blockquote><script>alert(3)</script>. `code` ![i](http://x) \u202e reversed.",
    keywords=("<b>k</b>",),
    venue="V<i>",
    year=2022,
    published="2022-04-03",
    urls={
        "paper": "javascript:alert(1)",
        "review": 'https://example.org/"onmouseover="alert(1)',
        "site": "https://ok.org/a",
    },
    code_urls=("https://code.org/)<script>",),
)


def library_of(*papers: Paper) -> Library:
    library = Library.in_memory()
    library.add(papers)
    return library


# -- selection ---------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6)), max_size=30))
def test_standardised_values_have_mean_0_and_deviation_1(values: list[float]) -> None:
    z = standardised(np.array(values))
    known = np.isfinite(values)
    assert not z[~known].any()
    if z.any():
        assert z[known].mean() == pytest.approx(0, abs=1e-6)
        assert z[known].std() == pytest.approx(1)


def test_variety_by_hand() -> None:
    # b is a's double, c is unlike: 0.9 - 0.5 * 1 < 0.6 - 0.5 * 0, so that c comes before b.
    vectors = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert varied(np.array([1.0, 0.9, 0.6]), vectors, ["", "", ""], 3) == [0, 2, 1]
    assert varied(np.array([1.0, 0.9, 0.3]), vectors, ["", "", ""], 3) == [0, 1, 2]


def test_words_that_are_not_the_authors_are_not_said_to_be() -> None:
    from paperwright.navigator import sources
    from paperwright.navigator.exports import exported

    with Library.in_memory() as library:
        library.add(sources.cards())
        papers = list(library.papers())
        assert {one.summary.source for one in digest(library, n=3).chosen if one.summary} == {
            "a card of paperwright's, not the authors' words"
        }
    assert papers
    assert not any(paper.by_its_authors("abstract") for paper in papers if paper.abstract)
    assert "abstract = " not in exported(papers, "bib")
    assert "AB  - " not in exported(papers, "ris")
    assert Paper(id="x", title="T", abstract="Ours.").by_its_authors("abstract")


def test_at_most_two_of_a_topic() -> None:
    taken = varied(np.arange(6.0), np.zeros((6, 1)), ["a", "a", "b", "a", "a", ""], 6)
    assert taken == [5, 4, 3, 2]


@settings(deadline=None)
@given(st.integers(1, 8), st.lists(st.sampled_from(["", "a", "b"]), min_size=1, max_size=12))
def test_any_selection_keeps_the_rules(n: int, topics: list[str]) -> None:
    draw = np.random.default_rng(len(topics))
    vectors = draw.normal(size=(len(topics), 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    taken = varied(draw.normal(size=len(topics)), vectors, topics, n)
    assert len(set(taken)) == len(taken) <= n
    assert max(sum(topics[one] == name for one in taken) for name in ("a", "b")) <= 2


def test_citations_a_month() -> None:
    old = Paper(id="old", title="spectral graphs", published="2020-01-01", citations=120, source="somewhere")
    new = Paper(id="new", title="diffusion models", published="2022-01-01", citations=60)
    with library_of(old, new) as library:
        found = digest(library, until="2022-07-01", n=2)
    assert [one.paper.id for one in found.chosen] == ["new", "old"]
    # 181 days are 5.946 months: 60 / 5.946 = 10.09.
    assert found.chosen[0].why == ("citations a month: 10.09, place 1 of 2",)
    assert found.notes == ("popularity: citations a month up to 2022-07-01, as counted by somewhere",)


def test_without_citations_the_ratings_count_and_that_is_said() -> None:
    papers = [Paper(id=f"p{n}", title=f"title {n}", year=2022, ratings=(float(n), float(n))) for n in range(1, 9)]
    with library_of(*papers) as library:
        found = digest(library, n=1)
    assert found.chosen[0].paper.id == "p8"
    assert "no citations are known" in found.notes[0]


def test_a_tag_decides_what_comes_first() -> None:
    with library_of(*made_papers(60)) as library:
        library.tag("graphs", ["p0000", "p0004", "p0008", "p0012"])
        found = digest(library, n=4, by="graphs")
        papers = [one.paper for one in found.chosen]
        assert [paper.keywords[0] for paper in papers].count("graphs") >= 2
        assert [one.paper.keywords[0] for one in digest(library, n=4).chosen].count("graphs") < 2
        assert not {paper.id for paper in papers} & {"p0000", "p0004", "p0008", "p0012"}
        for one in found.chosen:
            assert re.fullmatch(r"like the papers under graphs: [+-]\d\.\d\d, place \d+ of 60", one.why[0])


@pytest.mark.parametrize(
    ("since", "until", "ids"),
    [
        ("2022-04-01", "2022-04-30", ["april", "month", "year"]),
        ("2022-04", "2022-04", ["april", "month", "year"]),
        ("2022-05-01", None, ["may", "year"]),
        (None, "2022-03", ["year"]),
        ("2023", "2023", []),
        (None, None, ["april", "may", "month", "undated", "year"]),
    ],
)
def test_the_time(since: str | None, until: str | None, ids: list[str]) -> None:
    papers = [
        Paper(id="april", title="a b", published="2022-04-30"),
        Paper(id="may", title="c d", published="2022-05-01"),
        Paper(id="month", title="e f", published="2022-04"),
        Paper(id="year", title="g h", year=2022),
        Paper(id="undated", title="i j"),
    ]
    with library_of(*papers) as library:
        found = digest(library, since, until)
    assert sorted(one.paper.id for one in found.chosen) == ids
    assert found.of == len(ids)
    assert any("without a date" in note for note in found.notes) is bool(since or until)


# -- quotations --------------------------------------------------------------------------------------------------------


def test_sentences_end_where_sentences_end() -> None:
    assert sentences(ABSTRACT) == [
        "Graphs are everywhere.",
        "Prior work, e.g. GNNs, oversmooths graphs.",
        "We show that rewiring graphs helps.",
        "The end.",
    ]
    assert sentences("See Smith et al. Then we go. Is it? Yes! by 3.5 points") == [
        "See Smith et al. Then we go.",
        "Is it?",
        "Yes! by 3.5 points",
    ]
    assert sentences("") == []


@settings(deadline=None)
@given(st.text(max_size=80))
def test_sentences_joined_are_the_text(text: str) -> None:
    text = " ".join(text.split())
    assert " ".join(sentences(text)).split() == text.split()


def test_every_sentence_is_a_quotation_with_its_place() -> None:
    papers = made_papers(20)
    with library_of(
        *papers, Paper(id="own", title="graphs", tldr="Ours.", abstract=ABSTRACT, citations=999)
    ) as library:
        found = digest(library, n=20)
    quoted = 0
    for one in found.chosen:
        for quotation in filter(None, (one.summary, one.insight)):
            quoted += 1
            assert quotation.text in (one.paper.tldr, *sentences(one.paper.abstract))
            if quotation.extracted:
                place, of = map(int, re.findall(r"\d+", quotation.source))
                assert sentences(one.paper.abstract)[place - 1] == quotation.text
                assert len(sentences(one.paper.abstract)) == of
    assert quoted >= 20
    own = next(one for one in found.chosen if one.paper.id == "own")
    assert own.summary is not None
    assert (own.summary.text, own.summary.extracted) == ("Ours.", False)
    assert own.insight is not None
    assert (own.insight.text, own.insight.source) == (
        "We show that rewiring graphs helps.",
        "sentence 3 of 4 of the abstract",
    )


def test_titles_alone_are_not_made_up_for() -> None:
    with library_of(Paper(id="a", title="Only a title", keywords=("k1", "k2"))) as library:
        found = digest(library)
    (one,) = found.chosen
    assert one.summary is None
    assert one.insight is None
    assert "keywords: k1; k2" in found.text()


# -- forms -------------------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += attrs


def test_markup_in_a_record_is_text_in_every_form() -> None:
    with library_of(HOSTILE) as library:
        found = digest(library, since="2022-04")
    tags = Tags()
    tags.feed(found.html())
    assert tags.names <= {"article", "h1", "h2", "p", "section", "blockquote", "br", "small", "ul", "li", "a"}
    assert {name for name, _ in tags.attributes} == {"href", "rel"}
    assert all((value or "").startswith("https://") for name, value in tags.attributes if name == "href")
    marked = found.markdown()
    assert "<script" not in marked
    assert "\\[click\\]\\(javascript\\:alert" in marked
    assert not re.search(r"(?<!\\)\]\((?!<https://)", marked)
    assert "\n# head" not in marked
    assert "javascript:" not in re.sub(r"\\", "", marked).split("## 1")[1].split("\n", 1)[1]
    feed = ElementTree.fromstring(found.atom())
    content = feed.findtext(".//{http://www.w3.org/2005/Atom}content") or ""
    inner = Tags()
    inner.feed(content)
    assert "script" not in inner.names
    assert "\u202e" not in found.text()
    assert "\x1b" not in found.text()


def test_the_forms_say_the_same() -> None:
    with library_of(*made_papers(12)) as library:
        found = digest(library, since="2022", until="2022", n=3)
    for written in (found.markdown(), found.html(), found.atom(), found.text()):
        for one in found.chosen:
            assert one.paper.title in written
            assert one.summary is not None
            assert one.paper.title.split()[-1] in written
    assert "extracted: sentence" in found.text()
    assert "3 of 12 papers; every sentence is quoted." in found.text()
    assert max(map(len, found.text().splitlines())) <= 100
    assert found.title == "Digest, 2022 to 2022"


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_papers(count: int) -> None:
    with library_of(*made_papers(count)) as library:
        found = digest(library)
        assert len(found.chosen) == found.of == count
        for written in (found.markdown(), found.html(), found.atom(), found.text()):
            assert f"{count} of {count}" in written or written.startswith("<?xml")


def test_refusals() -> None:
    with library_of(*made_papers(3)) as library:
        for since in ("april", "2022-13", "2022-02-30", "22", "2022-4-1", "0000"):
            with pytest.raises(NavigatorError, match="since is a date"):
                digest(library, since=since)
        with pytest.raises(NavigatorError, match="ends before it begins"):
            digest(library, since="2022-02", until="2022-01")
        with pytest.raises(NavigatorError, match="n is how many papers"):
            digest(library, n=0)
        with pytest.raises(NavigatorError, match="no paper is under the tag"):
            digest(library, by="nothing")
