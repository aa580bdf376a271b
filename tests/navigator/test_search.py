"""Search: what one asks for comes first, filters and pages are exact, and nothing typed is an error."""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paperwright.navigator import Library, Paper
from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.filters import Filter, columns_of
from paperwright.navigator.index import Dated, Explaining, Tallying
from paperwright.navigator.memory_index import MemoryIndex
from paperwright.navigator.search import MODES, Hit, Page

ADJECTIVES = ["robust", "deep", "sparse", "graph", "offline", "causal"]
NOUNS = ["learning", "networks", "transformers", "policies", "kernels"]
TASKS = ["images", "text", "molecules", "control"]


def corpus() -> list[Paper]:
    """120 papers, each title once."""
    found = []
    for number, adjective in enumerate(ADJECTIVES):
        for at, noun in enumerate(NOUNS):
            for place, task in enumerate(TASKS):
                one = 20 * number + 4 * at + place
                found.append(
                    Paper(
                        id=f"p{one:03}",
                        title=f"{adjective.capitalize()} {noun} for {task}",
                        authors=(f"Author {one % 7}", "Ada Lovelace")[: 1 + one % 2],
                        abstract=f"We study {noun} that are {adjective}. They help with {TASKS[(place + at) % 4]}.",
                        keywords=(noun, f"{adjective} {noun}"),
                        decision=("Oral", "Poster", "Reject")[one % 3],
                        year=2020 + one % 3,
                        published=f"{2020 + one % 3}-0{1 + one % 9}" if one % 4 else None,
                        code_urls=("https://code",) if one % 5 == 0 else (),
                    )
                )
    return found


class Letters:
    """An encoder of 32 numbers: which letters a text has, and which of them stand together."""

    name = "letters"

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        rows = np.zeros((len(sentences), 32), dtype=np.float32)
        for row, text in zip(rows, sentences, strict=True):
            for a, b in re.findall(r"(?=(\w)(\w))", text.casefold()):
                row[(31 * ord(a) + ord(b)) % 32] += 1
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


@pytest.fixture(scope="module")
def lexical() -> Library:
    library = Library.in_memory()
    library.add(corpus())
    library.tag("to-read", ["p003", "p010", "p050"])
    library.tag("done", ["p010"])
    return library


@pytest.fixture(scope="module")
def neural() -> Library:
    library = Library.in_memory(Letters())
    library.add(corpus())
    return library


def ids(page: Sequence[Hit]) -> list[str]:
    return [hit.paper.id for hit in page]


QUERIES = (
    "robust networks",
    "graf transfomers for molecules",
    '"networks for images"',
    "learning -robust",
    "author:lovelace control",
    "title:kernels",
    "",
    "-robust",
    "year:2021",
)
WHERE = st.sampled_from(
    [None, {"decision": "Oral"}, {"has_code": True}, {"year": (2021, None)}, {"keyword": ["learning"]}]
)


# -- what one asks for -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_papers_own_title_finds_it_first(mode: str, neural: Library) -> None:
    for paper in corpus()[::7]:
        first = neural.search(paper.title, k=3, mode=mode)[0]
        assert first.paper.id == paper.id
        assert first.why.reason == "its title"


def test_titles_of_marks_and_operators_find_their_paper() -> None:
    titles = [
        'Is "attention" -all you need?',
        "decision: oral",
        "-learning without title:",
        "A title of year:2020 and tag:x",
    ]
    library = Library.in_memory()
    library.add([*corpus(), *(Paper(id=f"t{at}", title=title) for at, title in enumerate(titles))])
    for at, title in enumerate(titles):
        assert ids(library.search(title))[0] == f"t{at}"


def test_of_two_papers_of_one_title_both_come_first() -> None:
    library = Library.in_memory()
    library.add(
        [*corpus(), Paper(id="a", title="Robust Networks for Text"), Paper(id="z", title="Robust networks, for text!")]
    )
    page = library.search("robust networks for text", k=2)
    rest = library.search("robust networks for text", k=50, cursor=page.next_cursor)
    three = {"a", "z", "p005"}
    assert {hit.paper.id for hit in [*page, *rest] if hit.why.reason} == three
    assert {*ids(page), ids(rest)[0]} == three


@pytest.mark.parametrize(
    "query", ["p003", " p003 ", "https://openreview.net/forum?id=p003", "openreview.net/pdf?id=p003"]
)
def test_an_id_or_a_link_finds_its_paper_alone(query: str, lexical: Library) -> None:
    page = lexical.search(query)
    assert (ids(page), page.total, page.next_cursor) == (["p003"], 1, None)
    assert str(page[0].why) == "its id"
    assert page.notes == ()
    assert not lexical.search(query, where={"id": "p004"})


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("2111.14522", "sync arxiv:2111.14522"),
        ("https://arxiv.org/abs/2111.14522v2", "sync arxiv:2111.14522"),
        ("arxiv.org/abs/2111.14522", "sync arxiv:2111.14522"),
        ("10.1145/3292500.3330701", "sync semanticscholar:DOI:10.1145/3292500.3330701"),
        ("https://doi.org/10.1145/3292500.3330701", "sync semanticscholar:DOI:10.1145/3292500.3330701"),
        ("openreview.net/forum?id=7UmjRGzp-A", "sync openreview:"),
        ("https://example.org/robust/networks", "holds no paper behind this link"),
    ],
)
def test_an_id_or_a_link_that_is_not_there_finds_nothing_and_says_what_would(
    query: str, said: str, lexical: Library
) -> None:
    page = lexical.search(query, facets=True)
    assert (ids(page), page.total, dict(page.facets)) == ([], 0, {})
    assert any(said in note for note in page.notes), page.notes


def test_a_paper_is_found_by_its_doi_and_its_arxiv_id_whatever_its_own_id() -> None:
    with Library.in_memory() as library:
        raw = {"doi": "10.1000/Curved", "arxiv": "2101.00001"}
        library.add([Paper(id="W1", title="Curved graphs", raw=raw), *corpus()])
        for query in ("10.1000/curved", "https://doi.org/10.1000/Curved", "2101.00001", "arxiv.org/pdf/2101.00001v3"):
            assert ids(library.search(query)) == ["W1"]


@pytest.mark.parametrize("query", ["图神经网络", "Verstärkungslernen", "обучение с подкреплением"])
def test_a_query_in_another_language_says_that_nothing_translates_it(query: str, lexical: Library) -> None:
    page = lexical.search(query)
    assert any(query.split()[0] in note for note in page.notes)
    assert any("translates none" in note for note in page.notes)


@pytest.mark.parametrize("query", ["2022", "C++", "tranfsormers", "robust zzyx", "conservative"])
def test_a_word_that_is_not_there_is_no_other_language(query: str, lexical: Library) -> None:
    assert not any("translates none" in note for note in lexical.search(query).notes)


def test_a_misspelt_word_is_mended_with_a_note(lexical: Library) -> None:
    page = lexical.search("tranfsormers")
    assert all("transformer" in hit.paper.title.lower() for hit in page)
    assert page.notes == ("no paper has tranfsormers; searched for transformers",)
    assert lexical.search("transf").notes == (), "a word on its way is no error"
    assert len(lexical.search("tranfsormers graph").notes) == 1
    assert lexical.search("graph transf").notes == ()


def test_why_says_terms_legs_and_the_sentence(neural: Library) -> None:
    hit = neural.search("robust kernel", k=1, mode="convex")[0]
    assert hit.why.terms == ("robust", "kernel")
    assert hit.why.text == "We study kernels that are robust."
    assert set(hit.why.legs) == {"words", "meaning"}
    assert hit.why.legs["words"][0] >= 1
    assert re.fullmatch(
        r"Robust, kernels · words \d+ \([\d.]+\), meaning \d+ \([\d.]+\)", str(hit.why).replace(" · m", ", m")
    )


# -- filters -----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(QUERIES), WHERE, st.sampled_from(["lexical", "dense", "convex"]))
def test_filter_then_search_is_search_then_filter(neural: Library, query: str, where: dict | None, mode: str) -> None:
    passing = Filter.of(where)
    whole = neural.search(query, k=500, mode=mode)
    expected = [(hit.paper.id, hit.score) for hit in whole if passing.holds(columns_of(hit.paper))]
    assert [(hit.paper.id, hit.score) for hit in neural.search(query, k=500, mode=mode, where=where)] == expected


def test_a_full_page_under_a_narrow_filter(lexical: Library) -> None:
    where = {"decision": "Oral", "has_code": True}
    assert len(lexical.search("networks learning kernels policies transformers", k=5, where=where)) == 5


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ('"networks for images"', lambda paper: "networks for images" in paper.title.lower()),
        ("learning -robust", lambda paper: "robust" not in paper.title.lower()),
        ("author:lovelace", lambda paper: "Ada Lovelace" in paper.authors),
        ("title:kernels title:deep", lambda paper: re.match("Deep kernels", paper.title)),
        ("networks decision:oral", lambda paper: paper.decision == "Oral"),
        ("networks has:code year:2021..2022", lambda paper: paper.code_urls and paper.year in (2021, 2022)),
        ('keyword:"graph networks"', lambda paper: "graph networks" in paper.keywords),
        ("tag:to-read", lambda paper: paper.id in ("p003", "p010", "p050")),
        ("tag:to-read -tag:done", lambda paper: paper.id in ("p003", "p050")),
        ("tag:done|to-read -tag:done", lambda paper: paper.id in ("p003", "p050")),
        ("id:p003|p004", lambda paper: paper.id in ("p003", "p004")),
        ("-robust -learning -graph", lambda paper: not re.search("robust|learning|graph", paper.title.lower())),
    ],
)
def test_the_query_language_finds_all_that_it_means_and_no_other(query: str, holds, lexical: Library) -> None:
    page = lexical.search(query, k=500)
    words = [word for word in query.split() if ":" not in word and not word.startswith(("-", '"')) and '"' not in word]
    expected = {
        paper.id
        for paper in corpus()
        if holds(paper) and (not words or any(word in f"{paper.title} {paper.abstract}".lower() for word in words))
    }
    assert set(ids(page)) == expected
    assert page.complete
    assert page.total == len(expected)


def test_a_phrase_of_common_words_is_looked_up(lexical: Library, neural: Library) -> None:
    for library in (lexical, neural):
        page = library.search('"that are"', k=500)
        assert len(page) == 120
        assert not library.search('"are that"')


@pytest.mark.parametrize("mode", ["dense", "convex"])
def test_words_that_must_stand_in_a_paper_found_by_meaning(mode: str, neural: Library) -> None:
    page = neural.search('molecules "robust networks"', k=500, mode=mode)
    assert set(ids(page)) == {paper.id for paper in corpus() if "Robust networks" in paper.title}
    assert page.complete


def test_an_unknown_tag_finds_nothing_and_says_so(lexical: Library) -> None:
    page = lexical.search("tag:nobody networks")
    assert not page
    assert page.notes == ("no paper is under the tag 'nobody'",)
    assert len(lexical.search("-tag:nobody networks")) == 10


# -- pages -------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(QUERIES), WHERE, st.integers(1, 40), st.sampled_from(MODES))
def test_pages_joined_are_the_whole_list(neural: Library, query: str, where: dict | None, k: int, mode: str) -> None:
    whole = neural.search(query, k=500, mode=mode, where=where)
    assert whole.next_cursor is None
    found: list[Hit] = []
    cursor = None
    for _ in range(130):
        page = neural.search(query, k=k, mode=mode, where=where, cursor=cursor)
        found += page
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page) == k
    assert [(hit.rank, hit.paper.id, hit.score) for hit in found] == [(h.rank, h.paper.id, h.score) for h in whole]
    assert [hit.rank for hit in found] == list(range(1, len(found) + 1))


def test_deeper_than_the_candidates_of_a_leg() -> None:
    library = Library.in_memory()
    library.add(
        [Paper(id=f"p{number:04}", title=f"Graph {'network ' * (number % 4)}{number}") for number in range(900)]
    )
    whole = library.search("graph", k=1_000)
    assert (len(whole), whole.complete, whole.total) == (900, True, 900)
    first = library.search("graph", k=10)
    assert not first.complete
    seen, cursor = [], None
    while True:
        page = library.search("graph", k=97, cursor=cursor)
        seen += ids(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == ids(whole)


def test_a_page_after_the_library_changed_says_so() -> None:
    library = Library.in_memory()
    library.add(corpus())
    first = library.search("robust", k=10)
    assert library.search("robust", k=10, cursor=first.next_cursor).notes == ()
    library.add([Paper(id="new", title="The newest robust paper", published="2030-01-01")])
    second = library.search("robust", k=10, cursor=first.next_cursor)
    assert second
    assert any("changed since the page before" in note for note in second.notes)


def test_a_cursor_of_an_earlier_version_goes_on(lexical: Library) -> None:
    first = lexical.search("robust", k=10)
    assert first.next_cursor is not None
    written = json.loads(base64.urlsafe_b64decode(first.next_cursor + "=" * (-len(first.next_cursor) % 4)))
    earlier = base64.urlsafe_b64encode(json.dumps(written[:4]).encode()).decode().rstrip("=")
    expected = lexical.search("robust", k=10, cursor=first.next_cursor)
    assert ids(lexical.search("robust", k=10, cursor=earlier)) == ids(expected)


@pytest.mark.parametrize("cursor", ["", "x", "W10", "bnVsbA", "é", "A" * 5_000, "WzEsInoiLCJhIiwxXQ"])
def test_a_cursor_that_no_page_gave(cursor: str, lexical: Library) -> None:
    with pytest.raises(NavigatorError, match="a cursor is the next_cursor of a page"):
        lexical.search("networks", cursor=cursor)


# -- without words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "   "])
def test_an_empty_query_lists_the_newest_first(query: str, lexical: Library) -> None:
    page = lexical.search(query, k=200)
    dates = [hit.paper.published or str(hit.paper.year) for hit in page]
    assert dates == sorted(dates, reverse=True)
    assert (len(page), page.total, page.complete) == (120, 120, True)


def test_a_query_of_marks_or_common_words_finds_nothing_and_says_so(lexical: Library) -> None:
    for query in ("!!!", "the of and", "🙂"):
        page = lexical.search(query)
        assert not page
        assert any("no word to search for" in note for note in page.notes)


# -- indexes without extras --------------------------------------------------------------------------------------------


class Plain:
    """An index with nothing but what the protocol asks for."""

    def __init__(self, index: MemoryIndex) -> None:
        for name in ("upsert", "delete", "lexical", "dense", "vectors", "count", "snapshot", "close", "revision"):
            setattr(self, name, getattr(index, name))


def test_any_index_will_do(lexical: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = ("robust networks", "", "year:2021", "-robust", "title:kernels")
    expected = [lexical.search(query, k=30, facets=True, where={"has_code": True}) for query in queries]
    plain = Plain(lexical.index)
    assert not isinstance(plain, Explaining | Dated | Tallying)
    monkeypatch.setattr(lexical._now, "index", plain)
    for query, page in zip(queries, expected, strict=True):
        found = lexical.search(query, k=30, facets=True, where={"has_code": True})
        assert ids(found) == ids(page)
        assert found.facets == page.facets
        assert [hit.score for hit in found] == [hit.score for hit in page]


# -- facets and forms --------------------------------------------------------------------------------------------------


def test_facets_count_the_papers_of_the_ranking(lexical: Library) -> None:
    everything = lexical.search("", facets=True).facets
    assert everything["decision"] == {"oral": 40, "poster": 40, "reject": 40}
    assert everything["has_code"] == {"false": 96, "true": 24}
    assert next(iter(everything["keyword"].items())) == ("kernels", 24)
    found = lexical.search('"robust networks"', k=2, facets=True)
    assert sum(found.facets["decision"].values()) == found.total == 4
    assert lexical.search("robust").facets == {}


def test_a_page_goes_through_json(neural: Library) -> None:
    page = neural.search("robust netwroks", k=3, mode="convex", facets=True)
    assert Page.from_dict(json.loads(json.dumps(page.as_dict()))) == page
    assert len(page) == 3
    assert page[0] is page.hits[0]
    assert page[1:] == page.hits[1:]


# -- modes and bad input -----------------------------------------------------------------------------------------------


def test_auto_is_words_with_the_embedded_encoder_and_both_with_a_neural_one(lexical: Library, neural: Library) -> None:
    query = "robust kernels for nothing"
    assert ids(lexical.search(query)) == ids(lexical.search(query, mode="lexical"))
    assert ids(neural.search(query)) == ids(neural.search(query, mode="convex"))
    assert {leg for hit in neural.search(query) for leg in hit.why.legs} == {"words", "meaning"}


def test_words_that_the_encoder_does_not_know_are_searched_as_words(lexical: Library) -> None:
    page = lexical.search("p777 lovelace zzzz", mode="dense")
    assert page.notes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k is how many papers to find, at least 1; got 0"),
        ({"k": True}, "got True"),
        ({"mode": "best"}, "mode is one of auto, lexical, dense, convex, rrf; got 'best'"),
        ({"where": {"colour": "red"}}, "there is no column 'colour' to filter by; there are id, venue"),
    ],
)
def test_what_cannot_be_searched(options: dict, message: str, lexical: Library) -> None:
    with pytest.raises(NavigatorError, match=re.escape(message)):
        lexical.search("networks", **options)


PIECES = ('"', "-", "title:", "tag:", "year:", "robust", "id:p001", "|", "..", " ")


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=120) | st.lists(st.sampled_from(PIECES)).map("".join),
    st.sampled_from(MODES),
)
def test_any_text_is_a_query(neural: Library, query: str, mode: str) -> None:
    page = neural.search(query, k=3, mode=mode)
    json.dumps(page.as_dict())
    assert [hit.rank for hit in page] == list(range(1, len(page) + 1))


def test_facets_count_the_whole_match_however_little_of_it_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    decisions = ["Reject"] * 210 + ["Oral"] * 30
    papers = [
        Paper(id=f"w{number:03}", title="Curved graphs" if number < 210 else "Graphs among many other words of a title")
        for number in range(240)
    ]
    with Library.in_memory() as library:
        library.add([replace(paper, decision=one) for paper, one in zip(papers, decisions, strict=True)])
        for query in ("graphs", '"graphs"', "graphs -kernels", "graph robotics"):
            page = library.search(query, k=3, facets=True)
            assert page.facets["decision"] == {"reject": 210, "oral": 30}, query
            assert (page.total, page.complete) == (240, True)
        assert library.search("graphs", facets=True, where={"decision": "Oral"}).facets["decision"] == {"oral": 30}
        assert library.search("graphs", k=3, mode="dense", facets=True).facets["decision"] == {
            "reject": 210,
            "oral": 30,
        }
        monkeypatch.setattr(library._now, "index", Plain(library.index))
        assert library.search("graphs", k=3, facets=True).facets["decision"] == {"reject": 210, "oral": 30}
