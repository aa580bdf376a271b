"""A paper's record: what it takes, what it refuses, and that it survives being written and read."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.names import Name, authors_of
from paperwright.navigator.paper import DECISIONS, LONGEST_LIST, LONGEST_TEXT, LONGEST_TITLE, Paper, clean, link

ANY_TEXT = st.text(st.characters(codec=None), max_size=40)  # control characters, lone surrogates and all
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
PAPERS = st.builds(
    Paper,
    id=st.from_regex(r"[A-Za-z0-9:./_-]{1,30}", fullmatch=True),
    title=ANY_TEXT.map(lambda text: f"t{text}"),
    authors=st.lists(ANY_TEXT, max_size=3),
    abstract=ANY_TEXT,
    keywords=st.lists(ANY_TEXT, max_size=3),
    tldr=ANY_TEXT,
    venue=ANY_TEXT,
    year=st.none() | st.integers(1000, 3000),
    decision=st.sampled_from(["", *DECISIONS]),
    ratings=st.lists(st.integers(1, 10) | st.floats(0, 10), max_size=3),
    history=st.lists(st.tuples(ANY_TEXT, st.lists(st.floats(0, 10), max_size=2)), max_size=2),
    published=st.none() | st.dates().map(str) | st.sampled_from(["2022", "2022-04"]),
    urls=st.dictionaries(ANY_TEXT, ANY_TEXT | st.just("https://example.org/paper?id=1"), max_size=3),
    code_urls=st.lists(st.just("http://example.org/code") | ANY_TEXT, max_size=2),
    citations=st.none() | st.integers(0, 10**6),
    raw=st.dictionaries(ANY_TEXT, JSON, max_size=3),
)


@given(PAPERS)
def test_export_and_import_give_the_same_paper(paper: Paper) -> None:
    written = json.dumps(paper.as_dict())
    again = Paper.from_dict(json.loads(written))
    assert again == paper
    assert again.content == paper.content
    assert again.json.encode() == paper.json.encode()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"authors": ("A", "B"), "names": ("A",)}, r"names is one for each of the 2 authors, or none; got \('A',\)"),
        ({"names": "A"}, "names is a list of texts"),
        ({"publication": {"colour": "red"}}, "publication is texts by type, volume"),
        ({"publication": {"volume": 5}}, "publication is texts by"),
        ({"publication": ["volume"]}, "publication is texts by"),
    ],
)
def test_parts_that_cannot_be(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(NavigatorError, match=said):
        Paper(id="p", title="T", **changed)


@pytest.mark.parametrize(
    ("said", "inverted", "surname"),
    [
        ("Jane Doe", "Doe, Jane", "Doe"),
        ("Ludwig van Made", "van Made, Ludwig", "van Made"),
        ("Martin Luther Kingly Jr.", "Kingly, Jr., Martin Luther", "Kingly"),
        ("Naoki Ii", "Ii, Naoki", "Ii"),
        ("Ana Élise Borel", "Borel, Ana Élise", "Borel"),
        ("Jean d'Alembert", "d'Alembert, Jean", "d'Alembert"),
        ("Gerard 't Made", "'t Made, Gerard", "'t Made"),
        ("张 三", "三, 张", "三"),
        ("Plato", "Plato", "Plato"),
        ("Barnes and Noble", "{Barnes and Noble}", "Barnes and Noble"),
        ("Made Things, Inc.", "{Made Things, Inc.}", "Made Things, Inc."),
        ("", "", ""),
    ],
)
def test_a_name_in_its_parts(said: str, inverted: str, surname: str) -> None:
    name = Name.said(said)
    assert (str(name), name.inverted, name.surname) == (said, inverted, surname)
    assert Name.read(inverted) == name
    assert authors_of([name]) == {"authors": (said,) if said else (), "names": ()}


@given(PAPERS)
def test_no_text_of_a_paper_can_do_harm(paper: Paper) -> None:
    texts = [paper.title, paper.abstract, paper.tldr, paper.venue, *paper.authors, *paper.keywords, *paper.urls]
    for text in texts:
        text.encode()  # no lone surrogate
        assert text == " ".join(text.split())
        assert not any(one < " " or "\x7f" <= one <= "\x9f" for one in text)
    assert all(url.startswith(("http://", "https://")) for url in (*paper.urls.values(), *paper.code_urls))


@given(PAPERS, st.sampled_from(["title", "abstract", "venue"]))
def test_content_tells_papers_apart(paper: Paper, name: str) -> None:
    other = dataclasses.replace(paper, **{name: getattr(paper, name) + " more"})
    assert other.content != paper.content


@given(ANY_TEXT, st.integers(1, 50))
def test_clean_twice_is_clean_once(text: str, longest: int) -> None:
    once = clean(text, longest)
    assert len(once) <= longest
    assert clean(once, longest) == once


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": ""}, "paper x has no title"),
        ({"title": " \x00\n "}, "paper x has no title"),
        ({"title": 3}, "paper x: title is a text; got 3"),
        ({"id": ""}, "a paper's id is a text of 1 to 200 printable characters"),
        ({"id": "a b"}, "no spaces; got 'a b'"),
        ({"id": "a\x00b"}, "printable"),
        ({"id": "a\ud800"}, "printable"),
        ({"id": "a\u202eb"}, "printable"),
        ({"id": "x" * 201}, "1 to 200"),
        ({"id": 7}, "got 7"),
        ({"authors": "Ada Lovelace"}, "authors is a list of texts; got 'Ada Lovelace'"),
        ({"authors": [1]}, "authors is a list of texts"),
        ({"authors": None}, "authors is a list of texts; got None"),
        ({"decision": "accepted"}, "decision is one of Oral, Spotlight"),
        ({"year": "2022"}, "year is a whole number of at least 1000, or None; got '2022'"),
        ({"year": True}, "year is a whole number"),
        ({"year": 10**400}, "year is a whole number"),
        ({"citations": -1}, "citations is a whole number of at least 0"),
        ({"ratings": [float("nan")]}, "ratings is a list of finite numbers"),
        ({"ratings": ["good"]}, "ratings is a list of numbers"),
        ({"ratings": 5}, "ratings is a list of numbers; got 5"),
        ({"history": [1]}, "history is a list of"),
        ({"history": [("2022", [float("inf")])]}, "history is a list of"),
        ({"published": "25 April 2022"}, "published is an ISO date such as 2022-04-25"),
        ({"published": "2022-02-30"}, "published is an ISO date"),
        ({"published": "２０２２"}, "published is an ISO date"),
        ({"urls": ["https://example.org"]}, "urls is links by what they lead to"),
        ({"urls": {"paper": 3}}, "urls is links"),
        ({"raw": {"x": float("nan")}}, "raw is JSON values"),
        ({"raw": {"x": object()}}, "raw is JSON values"),
        ({"raw": []}, "raw is JSON values by name"),
        ({"raw": {"x": "y" * 1_000_001}}, "raw is at most 1,000,000 characters"),
    ],
)
def test_bad_fields(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(NavigatorError) as raised:
        Paper(**{"id": "x", "title": "A title", **fields})
    assert message in str(raised.value)
    assert len(str(raised.value)) < 500


def test_a_nest_without_end_is_refused() -> None:
    nest: dict[str, Any] = {}
    for _ in range(5_000):
        nest = {"x": nest}
    with pytest.raises(NavigatorError, match="raw is JSON values"):
        Paper(id="x", title="A title", raw=nest)


def test_unknown_fields_are_named() -> None:
    with pytest.raises(NavigatorError, match="has no field colour; it has abstract, authors"):
        Paper.from_dict({"id": "x", "title": "A title", "colour": "red"})


def test_enormous_fields_are_cut() -> None:
    paper = Paper(id="x", title="T" * 10_000_000, abstract="a " * 10_000_000, authors=["Ada"] * 100_000)
    assert (len(paper.title), len(paper.authors)) == (LONGEST_TITLE, LONGEST_LIST)
    assert len(paper.abstract) == LONGEST_TEXT - 1  # a cut leaves no space at the end


def test_a_generator_is_as_good_as_a_list() -> None:
    assert Paper(id="x", title="T", authors=(name for name in ["Ada", "Alan"])).authors == ("Ada", "Alan")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://openreview.net/forum?id=a-b_C", True),
        ("HTTP://EXAMPLE.ORG/%20", True),
        ("  https://example.org ", True),
        ("javascript:alert(1)", False),
        ("data:text/html,<script>", False),
        ("//example.org", False),
        ("https://", False),
        ("https://example.org/<script>", False),
        ('https://example.org/"onclick=', False),
        ("https://example.org/a b", False),
        ("https://example.org/\u202e", False),
        ("https://example.org/" + "a" * 3_000, False),
    ],
)
def test_links(url: str, kept: bool) -> None:
    assert link(url) == (url.strip() if kept else "")


def test_rating_and_acceptance() -> None:
    paper = Paper(id="x", title="T", ratings=(8, 6, 6), decision="Spotlight")
    assert paper.rating == pytest.approx(20 / 3)
    assert paper.accepted
    assert Paper(id="x", title="T").rating is None
    assert not Paper(id="x", title="T", decision="Reject").accepted
