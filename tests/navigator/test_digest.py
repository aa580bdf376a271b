"""Digests: selection by hand, quotations only, and four forms in which no record is more than text."""

import datetime
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from navigator_records import made_papers

from paperwright.navigator.digest import bounded, digest, standardised, varied
from paperwright.navigator.digest_forms import _marked
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
            assert re.fullmatch(
                r"like the papers under graphs: \+\d\.\d\d standard deviations from the average, place \d+ of 56",
                one.why[0],
            )


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


def test_what_may_be_of_the_time_comes_after_what_is_and_is_counted_at_the_head() -> None:
    papers = [
        Paper(id="day", title="one day", published="2022-04-20", citations=1),
        Paper(id="year", title="some year", year=2022, citations=900),
        Paper(id="month", title="that month", published="2022-04", citations=0),
    ]
    with library_of(*papers) as library:
        april, whole = digest(library, "2022-04", "2022-04"), digest(library, "2022", "2022")
    assert [one.paper.id for one in april.chosen] == ["day", "month", "year"]
    assert "3 of 3 papers, 1 of them dated by a year or a month only; every sentence" in april.markdown()
    assert whole.chosen[0].paper.id == "year"
    assert whole.vague == 0
    assert "only" not in whole.counted


@pytest.mark.parametrize("updated", [None, "2020-02-02"])
def test_a_year_is_a_date_for_citations_too(updated: str | None) -> None:
    papers = [
        Paper(id="old", title="graphs", year=2020, updated=updated, citations=730),
        Paper(id="new", title="flows", year=2021, citations=365),
    ]
    with library_of(*papers) as library:
        found = digest(library)
    # 2020-01-01 to 2021-12-31 are 730 days, the year 2021 has 364 between its first and its last.
    assert {one.paper.id: one.why[0] for one in found.chosen} == {
        "old": "citations a month: 30.44, place 2 of 2",
        "new": "citations a month: 30.52, place 1 of 2",
    }
    assert found.notes == ("popularity: citations a month up to 2021-12-31",)


def test_citations_do_not_count_up_to_a_day_that_is_still_to_come() -> None:
    with library_of(Paper(id="a", title="t", year=9998, citations=1)) as library:
        assert digest(library).notes == (f"popularity: citations a month up to {datetime.date.today()}",)


def test_citations_without_any_date_are_citations_and_not_a_month() -> None:
    with library_of(Paper(id="a", title="t", citations=9), Paper(id="b", title="u", citations=99)) as library:
        found = digest(library)
    assert [one.why for one in found.chosen] == [
        ("citations: 99.00, place 1 of 2",),
        ("citations: 9.00, place 2 of 2",),
    ]
    assert found.notes == ("popularity: citations; no dates are known",)


def test_fame_does_not_outweigh_likeness_to_a_list() -> None:
    papers = made_papers(80)  # every fourth is on graphs
    papers = [replace(one, citations=n) for n, one in enumerate(papers)]
    famous = Paper(id="famous", title="attention is enough", year=2018, citations=1_000_000)
    with library_of(*papers, famous) as library:
        library.tag("graphs", ["p0000", "p0004", "p0008", "p0012"])
        found = digest(library, n=60, by="graphs")
        assert digest(library, n=1).chosen[0].paper.id == "famous"
    assert "graphs" in found.chosen[0].paper.keywords
    assert all(": +" in one.why[0] for one in found.chosen)  # none is less like the list than the average
    assert 0 < len(found.chosen) < 60


def test_a_list_is_no_part_of_the_average_that_others_are_measured_by() -> None:
    with library_of(*made_papers(24)) as library:
        library.tag("graphs", ["p0000", "p0004"])
        found = digest(library, n=8, by="graphs")
    assert 3 <= len(found.chosen) < 8
    assert found.chosen[0].why[0].endswith("place 1 of 22")
    assert any(
        re.fullmatch(r"\d+ papers are less like those under graphs than the average, .*", one) for one in found.notes
    )


def test_bounded_values_keep_their_order_and_stay_within_two() -> None:
    z = np.array([-50.0, -1.0, -0.01, 0.0, 0.01, 1.0, 5.0, 10.0])
    assert (np.diff(bounded(z)) > 0).all()
    assert np.abs(bounded(z)).max() <= 2
    assert bounded(z)[4] == pytest.approx(0.01, rel=1e-4)


def test_a_rejected_paper_is_said_to_be_and_a_withdrawn_one_is_not_chosen() -> None:
    papers = [
        Paper(id="a", title="one", venue="ICLR", year=2022, decision="Reject"),
        Paper(id="b", title="two", decision="Withdrawn"),
        Paper(id="c", title="three", decision="Desk Reject"),
        Paper(id="d", title="four", decision="Reject"),
        Paper(id="e", title="five", decision="Oral"),
    ]
    with library_of(*papers) as library:
        found = digest(library)
    assert {one.paper.id: one.why for one in found.chosen} == {
        "a": ("but it was rejected at ICLR 2022",),
        "d": ("but it was rejected",),
        "e": (),
    }
    assert "2 withdrawn or desk-rejected papers are passed over" in found.notes
    for written in (found.markdown(), found.html(), found.text(), found.atom()):
        assert "rejected at ICLR 2022" in written


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
    assert "\\[click\\](javascript:alert" in marked
    assert not re.search(r"(?<!\\)\]\((?!<https://)", marked)
    assert "\n# head" not in marked
    assert not re.search(r"(?<!\\\])\(javascript:", marked)
    feed = ElementTree.fromstring(found.atom())
    content = feed.findtext(".//{http://www.w3.org/2005/Atom}content") or ""
    inner = Tags()
    inner.feed(content)
    assert "script" not in inner.names
    assert "\u202e" not in found.text()
    assert "\x1b" not in found.text()


@settings(deadline=None)
@given(st.text(st.sampled_from("ab1 .)#*_`~-+=[](){}<>&;!|$@:/\\wlt\"'^"), min_size=1, max_size=30))
def test_markdown_says_the_words_and_nothing_else(words: str) -> None:
    words = " ".join(words.split())
    for line, kind in ((f"# {_marked(words)}", "heading"), (_marked(words), "paragraph"), (f"> {_marked(words)}", "")):
        tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(line)
        if kind and words:
            assert tokens[0].type == f"{kind}_open"
        inline = [child for token in tokens for child in token.children or ()]
        assert {child.type for child in inline} <= {"text", "text_special"}
        assert "".join(child.content for child in inline) == words


def test_markdown_is_marked_only_where_it_must_be() -> None:
    for plain in ("2022-04-01", "Juan L. Reutter", "R&D (a survey)!", "C++ and C#-like", "x > 3", "a: b", "{k}", "3.5"):
        assert _marked(plain) == plain
    assert _marked("1. a_b *c* <d>") == "1\\. a\\_b \\*c\\* &lt;d>"
    assert _marked("- &lt; http://x.org www.x.org C#") == "\\- \\&lt; http\\://x.org www\\.x.org C\\#"


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
