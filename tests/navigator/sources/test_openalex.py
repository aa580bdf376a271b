"""OpenAlex, against a server that speaks pages of the recorded shape."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_site import Asked, Reply, in_turn, site

from paperwright.navigator.errors import NavigatorError, SourceError
from paperwright.navigator.sources import openalex
from paperwright.navigator.sources.http import Client
from paperwright.navigator.sources.openalex_works import in_order


def work(number: int = 2741809807, **changed: Any) -> dict[str, Any]:
    return {
        "id": f"https://openalex.org/W{number}",
        "doi": "https://doi.org/10.7717/PEERJ.4375",
        "title": "The state of OA",
        "publication_year": 2018,
        "publication_date": "2018-02-13",
        "updated_date": "2024-03-01T08:11:12.345678",
        "type": "article",
        "is_retracted": False,
        "authorships": [
            {
                "author_position": "first",
                "author": {"id": "https://openalex.org/A1", "display_name": "Heather Piwowar"},
            },
            {"author_position": "last", "author": {}, "raw_author_name": "J. Priem"},
        ],
        "primary_location": {
            "landing_page_url": "https://doi.org/10.7717/peerj.4375",
            "source": {"id": "https://openalex.org/S1", "display_name": "PeerJ"},
        },
        "locations": [{"landing_page_url": "https://arxiv.org/abs/2102.07033", "source": None}],
        "best_oa_location": {"pdf_url": "https://peerj.com/articles/4375.pdf"},
        "abstract_inverted_index": {"Despite": [0], "growing": [1], "interest": [2, 4], "in": [3]},
        "cited_by_count": 731,
        "keywords": [{"id": "https://openalex.org/keywords/open-access", "display_name": "Open access", "score": 0.7}],
        "primary_topic": {"display_name": "Scientometrics"},
        "referenced_works": ["https://openalex.org/W1", "https://openalex.org/W2"],
        **changed,
    }


def cursored(works: list[Any]) -> Callable[[Asked], Reply]:
    def answer(asked: Asked) -> Reply:
        assert asked.path == "/works"
        size, cursor = int(asked.query["per-page"]), asked.query["cursor"]
        start = 0 if cursor == "*" else int(cursor.removeprefix("Ils="))
        found = works[start : start + size]
        following = f"Ils={start + size}" if found else None
        return Reply({"meta": {"count": len(works), "per_page": size, "next_cursor": following}, "results": found})

    return answer


def test_a_work(client_with: Callable[..., Client]) -> None:
    with site(cursored([work()])) as running:
        source = openalex(
            "publication_year:2018", key="s3cret", base_url=running.url, client=client_with(contact="me@example.org")
        )
        batches = list(source.batches())
    (paper,) = batches[0].papers
    assert (paper.id, paper.title, paper.venue, paper.year) == (
        "openalex:W2741809807",
        "The state of OA",
        "PeerJ",
        2018,
    )
    assert paper.authors == ("Heather Piwowar", "J. Priem")
    assert paper.abstract == "Despite growing interest in interest"
    assert (paper.published, paper.updated, paper.citations) == ("2018-02-13", "2024-03-01", 731)
    assert paper.keywords == ("Open access",)
    assert paper.references == ("openalex:W1", "openalex:W2")
    assert paper.urls["pdf"] == "https://peerj.com/articles/4375.pdf"
    assert (paper.raw["doi"], paper.raw["arxiv"]) == ("10.7717/peerj.4375", "2102.07033")
    assert paper.raw["cited_by"] == "OpenAlex"
    asked = running.asked[0].query
    assert (asked["cursor"], asked["mailto"], asked["api_key"]) == ("*", "me@example.org", "s3cret")
    assert "abstract_inverted_index" in asked["select"]


def test_markup_and_where_it_was_published(client: Client) -> None:
    marked = work() | {
        "title": "Effects of <i>E. coli</i> &amp; others",
        "abstract_inverted_index": {"Salt": [0], "&amp;amp;": [1], "pepper": [2]},
        "primary_location": {"source": {"display_name": "PeerJ", "type": "journal"}},
        "type": "article",
        "biblio": {"volume": "6", "issue": None, "first_page": "e4375", "last_page": "e4399"},
    }
    with site(cursored([marked])) as running:
        ((paper,), *_) = (batch.papers for batch in openalex("x:1", base_url=running.url, client=client).batches())
    assert (paper.title, paper.abstract) == ("Effects of E. coli & others", "Salt & pepper")
    assert paper.publication == {"type": "article", "volume": "6", "pages": "e4375-e4399"}
    assert "biblio" in running.asked[0].query["select"]


@pytest.mark.parametrize("size", [1, 2, 4, 100])
def test_the_cursor_is_followed_to_the_empty_page(client: Client, size: int) -> None:
    with site(cursored([work(n) for n in range(1, 6)])) as running:
        source = openalex("x:1", base_url=running.url, page_size=size, client=client)
        batches = list(source.batches())
        assert [paper.id for batch in batches for paper in batch.papers] == [f"openalex:W{n}" for n in range(1, 6)]
        assert {batch.total for batch in batches} == {5}
        rest = [paper.id for batch in source.batches(batches[0].cursor) for paper in batch.papers]
    assert rest == [f"openalex:W{n}" for n in range(1 + len(batches[0].papers), 6)]


def test_an_empty_page_with_a_cursor_is_not_the_end(client: Client) -> None:
    full = Reply({"meta": {"count": 1, "next_cursor": "b"}, "results": [work()]})
    glitch = Reply({"meta": {"count": 1, "next_cursor": "c"}, "results": []})
    end = Reply({"meta": {"count": 1, "next_cursor": None}, "results": []})
    with site(in_turn(full, glitch, end)) as running:
        batches = list(openalex("x:1", base_url=running.url, client=client).batches())
    assert [len(batch.papers) for batch in batches] == [1, 0]
    assert len(running.asked) == 3


def test_a_cursor_that_has_expired_begins_anew_and_a_bad_filter_does_not(client: Client) -> None:
    whole = cursored([work(1), work(2)])

    def answer(asked: Asked) -> Reply:
        stale = asked.query["cursor"] == "stale" or asked.query["filter"] == "bad:1"
        return Reply({"error": "Invalid query parameters error."}, 400) if stale else whole(asked)

    with site(answer) as running:
        batches = list(openalex("x:1", base_url=running.url, client=client).batches("700:stale"))
        assert [paper.id for batch in batches for paper in batch.papers] == ["openalex:W1", "openalex:W2"]
        assert "no longer known" in batches[0].notes[0]
        assert batches[-1].done == 2
        with pytest.raises(SourceError, match="answered 400"):
            next(openalex("bad:1", base_url=running.url, client=client).batches("700:stale"))


def test_a_key_that_is_wanted(client: Client) -> None:
    with site(lambda asked: Reply({"error": "API key required"}, 401)) as running:
        source = openalex("x:1", base_url=running.url, client=client)
        with pytest.raises(SourceError, match=r"401; the server wants a key.*API key required"):
            next(source.batches())


def test_malformed_works_are_rejected_one_by_one(client: Client) -> None:
    bad: list[Any] = [
        *(None, 3, "text", [], {}),
        work(id="https://openalex.org/A1"),
        work(title=None),
        work(title={"en": "x"}),
        work(authorships=[3]),
        work(abstract_inverted_index=["a"]),
        work(abstract_inverted_index={"a": 3}),
        work(primary_location="here"),
    ]
    odd = work(
        1, doi=None, primary_location=None, locations=None, publication_year="-1", cited_by_count=-1, keywords=None
    )
    with site(cursored([*bad, odd])) as running:
        first, _ = openalex("x:1", base_url=running.url, client=client).batches()
    assert len(first.rejected) == len(bad)
    (paper,) = first.papers
    assert (paper.year, paper.citations, paper.venue) == (None, None, "")


def test_the_abstract_of_a_hostile_index_is_bounded() -> None:
    assert in_order({"a": [10**12], "b": [0, -1, 1.5, "2"]}) == "b"
    assert in_order(None) == ""


@given(st.lists(st.text("abcé", min_size=1, max_size=4), max_size=60))
def test_an_inverted_text_is_put_in_order_again(words: list[str]) -> None:
    inverted: dict[str, list[int]] = {}
    for position, word in enumerate(words):
        inverted.setdefault(word, []).append(position)
    shuffled = list(inverted.items())
    random.Random(len(words)).shuffle(shuffled)
    assert in_order(dict(shuffled)) == " ".join(words)


@pytest.mark.parametrize(
    "settings", [{}, {"filter": ""}, {"filter": "x:1", "page_size": 201}, {"search": "x", "page_size": 0}]
)
def test_what_cannot_be_asked_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(NavigatorError, match=r"expected a filter|page_size"):
        openalex(**settings)
