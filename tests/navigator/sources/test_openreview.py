"""OpenReview in both versions, against a server that speaks pages of the recorded shape."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from local_site import Asked, Reply, Site, site

from paperwright.navigator.errors import NavigatorError, SourceError
from paperwright.navigator.sources import Batch, openreview
from paperwright.navigator.sources.http import Client
from paperwright.navigator.sources.openreview_notes import OpenReview

VENUE_1, VENUE_2 = "ICLR.cc/2022/Conference", "ICLR.cc/2024/Conference"


def note_1(
    number: int, decision: str | None = None, invitation: str = "Blind_Submission", **content: Any
) -> dict[str, Any]:
    """A submission in the form of version 1, with three reviews."""
    replies = [
        {
            "id": f"r{number}{n}",
            "invitation": f"{VENUE_1}/Paper{number}/-/Official_Review",
            "content": {"recommendation": f"{score}: marginally", "confidence": "4: confident", "main_review": "..."},
        }
        for n, score in enumerate((6, 5, 8))
    ]
    replies.append(
        {"id": f"c{number}", "invitation": f"{VENUE_1}/Paper{number}/-/Public_Comment", "content": {"rating": "1"}}
    )
    if decision:
        replies.append(
            {"id": f"d{number}", "invitation": f"{VENUE_1}/Paper{number}/-/Decision", "content": {"decision": decision}}
        )
    return {
        "id": f"forum{number:05}",
        "forum": f"forum{number:05}",
        "number": number,
        "invitation": f"{VENUE_1}/-/{invitation}",
        "cdate": 1632875000000,
        "tcdate": 1632875000000,
        "mdate": None,
        "content": {
            "title": f"Paper {number}",
            "authors": ["Ada Byron", "Émile Borel"],
            "authorids": ["~Ada_Byron1", "borel@example.org"],
            "keywords": ["graphs", "curvature"],
            "abstract": "We\n show.",
            "one-sentence_summary": "In short.",
            "pdf": "/pdf/0a1b.pdf",
            "code": "https://github.com/a/b",
            **content,
        },
        "details": {"directReplies": replies},
    }


def note_2(number: int, fate: str = "", venue: str = "ICLR 2024 poster", decision: str | None = None) -> dict[str, Any]:
    """A submission in the form of version 2."""
    path = f"{VENUE_2}/Submission{number}"
    replies = [
        {
            "invitations": [f"{path}/-/Official_Review", f"{VENUE_2}/-/Edit"],
            "content": {"rating": {"value": score}, "confidence": {"value": "3: fairly"}},
        }
        for score in (6, "8: accept, good paper")
    ]
    if decision:
        replies.append({"invitations": [f"{path}/-/Decision"], "content": {"decision": {"value": decision}}})
    return {
        "id": f"v2forum{number:05}",
        "forum": f"v2forum{number:05}",
        "number": number,
        "invitations": [f"{VENUE_2}/-/Submission", f"{VENUE_2}/-/Edit"],
        "cdate": 1695500000000,
        "pdate": 1705408000000,
        "mdate": 1713100000000,
        "content": {
            "title": {"value": f"Paper {number}"},
            "authors": {"value": ["Ada Byron"]},
            "authorids": {"value": ["~Ada_Byron1"]},
            "keywords": {"value": ["graphs"]},
            "TLDR": {"value": "In short."},
            "abstract": {"value": "We show."},
            "primary_area": {"value": "learning on graphs"},
            "venue": {"value": venue},
            "venueid": {"value": f"{VENUE_2}{fate}"},
            "pdf": {"value": "/pdf/0a1b.pdf"},
        },
        "details": {"directReplies": replies},
    }


def notes(pages: dict[str, list[Any]], key: str) -> Callable[[Asked], Reply]:
    """Serves notes by invitation or venue, with offset and limit."""

    def answer(asked: Asked) -> Reply:
        assert asked.path == "/notes"
        assert asked.query["details"] == "directReplies"
        found = pages.get(asked.query[key], [])
        offset, limit = int(asked.query["offset"]), int(asked.query["limit"])
        return Reply({"notes": found[offset : offset + limit], "count": len(found)})

    return answer


@pytest.fixture
def version_1() -> Iterator[Site]:
    pages = {
        f"{VENUE_1}/-/Blind_Submission": [
            note_1(1, "Accept (Oral)"),
            note_1(2, "Accept (Spotlight)"),
            note_1(3, "Accept (Poster)"),
            note_1(4, "Reject"),
            note_1(5, authors=["Anonymous"], authorids=["ICLR.cc/2022/Conference/Paper5/Authors"]),
        ],
        f"{VENUE_1}/-/Withdrawn_Submission": [note_1(6, invitation="Withdrawn_Submission")],
        f"{VENUE_1}/-/Desk_Rejected_Submission": [note_1(7, invitation="Desk_Rejected_Submission")],
    }
    with site(notes(pages, "invitation")) as running:
        yield running


def papers(source: OpenReview) -> list[Any]:
    batches = list(source.batches())
    assert [reason for batch in batches for reason in batch.rejected] == []
    assert batches[-1].cursor is None
    return [paper for batch in batches for paper in batch.papers]


def test_version_1(version_1: Site, client: Client) -> None:
    found = papers(openreview(VENUE_1, base_url=version_1.url, page_size=2, client=client))
    assert [paper.decision for paper in found] == [
        *("Oral", "Spotlight", "Poster", "Reject", ""),
        *("Withdrawn", "Desk Reject"),
    ]
    first = found[0]
    assert (first.id, first.title, first.abstract, first.tldr) == ("forum00001", "Paper 1", "We show.", "In short.")
    assert first.authors == ("Ada Byron", "Émile Borel")
    assert first.keywords == ("graphs", "curvature")
    assert (first.venue, first.year, first.track) == ("ICLR", 2022, "main")
    assert first.ratings == (6, 5, 8)  # not the public comment's
    assert first.confidences == (4, 4, 4)
    assert (first.published, first.updated) == ("2021-09-29", None)
    assert dict(first.urls) == {
        "paper": "https://openreview.net/forum?id=forum00001",
        "review": "https://openreview.net/forum?id=forum00001",
        "pdf": "https://openreview.net/pdf/0a1b.pdf",
    }
    assert first.code_urls == ("https://github.com/a/b",)
    assert first.raw["profiles"] == ["~Ada_Byron1", "borel@example.org"]
    assert found[4].authors == ()
    assert "profiles" not in found[4].raw


def test_the_pages_are_small_and_in_a_fixed_order(version_1: Site, client: Client) -> None:
    papers(openreview(VENUE_1, base_url=version_1.url, page_size=2, client=client))
    assert [(asked.query["invitation"].rpartition("/")[2], asked.query["offset"]) for asked in version_1.asked] == [
        ("Blind_Submission", "0"),
        ("Blind_Submission", "2"),
        ("Blind_Submission", "4"),
        ("Withdrawn_Submission", "0"),
        ("Desk_Rejected_Submission", "0"),
    ]
    assert {asked.query["sort"] for asked in version_1.asked} == {"tcdate:asc"}


def test_version_2(client: Client) -> None:
    pages = {
        VENUE_2: [
            note_2(1, decision="Accept (poster)"),
            note_2(2, venue="ICLR 2024 oral"),
            note_2(3, venue="ICLR 2024 spotlight"),
        ],
        f"{VENUE_2}/Rejected_Submission": [note_2(4, "/Rejected_Submission", "Submitted to ICLR 2024", "Reject")],
        f"{VENUE_2}/Withdrawn_Submission": [
            note_2(5, "/Withdrawn_Submission", "ICLR 2024 Conference Withdrawn Submission")
        ],
        f"{VENUE_2}/Desk_Rejected_Submission": [note_2(6, "/Desk_Rejected_Submission")],
        f"{VENUE_2}/Submission": [note_2(7, "/Submission", "ICLR 2024 Conference Submission")],
    }
    with site(notes(pages, "content.venueid")) as running:
        found = papers(openreview(VENUE_2, base_url=running.url, client=client))
    assert [paper.decision for paper in found] == [
        *("Poster", "Oral", "Spotlight", "Reject"),
        *("Withdrawn", "Desk Reject", ""),
    ]
    first = found[0]
    assert (first.title, first.authors, first.keywords, first.tldr) == (
        "Paper 1",
        ("Ada Byron",),
        ("graphs",),
        "In short.",
    )
    assert first.ratings == (6, 8)
    assert first.confidences == (3, 3)
    assert (first.published, first.updated) == ("2024-01-16", "2024-04-14")
    assert first.categories == ("learning on graphs",)
    assert (first.venue, first.year) == ("ICLR", 2024)


@pytest.mark.parametrize(
    ("venue", "version"),
    [
        ("ICLR.cc/2022/Conference", 1),
        ("ICLR.cc/2023/Conference", 1),
        ("ICLR.cc/2024/Conference", 2),
        ("NeurIPS.cc/2022/Conference", 1),
        ("NeurIPS.cc/2023/Track/Datasets_and_Benchmarks", 2),
        ("TMLR/Accepted", 2),
    ],
)
def test_the_version_follows_from_the_year(venue: str, version: int) -> None:
    assert openreview(venue).version == version
    assert openreview(venue, version=3 - version).version == 3 - version


# -- the forms of older years ------------------------------------------------------------------------------------------


def old_note(number: int, venue: str, replies: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """A submission of version 1 with replies by invitation, below the venue."""
    return note_1(number) | {
        "details": {"directReplies": [{"invitation": f"{venue}/{name}", "content": said} for name, said in replies]}
    }


OLD = {
    2019: ("Conference", "-/Paper{n}/Meta_Review", "recommendation", "-/Paper{n}/Official_Review", "Blind_Submission"),
    2018: ("Conference", "-/Acceptance_Decision", "decision", "-/Paper{n}/Official_Review", "Blind_Submission"),
    2017: ("conference", "-/paper{n}/acceptance", "decision", "-/paper{n}/official/review", "submission"),
}


@pytest.mark.parametrize("year", OLD)
def test_decisions_and_ratings_of_older_years(client: Client, year: int) -> None:
    last, decides, field, reviews, invitation = OLD[year]
    venue = f"ICLR.cc/{year}/{last}"
    said = ("Accept (Oral)", "Accept (Poster)", "Reject", "Invite to Workshop Track")
    stored = [
        old_note(n, venue, [(decides.format(n=n), {field: words}), (reviews.format(n=n), {"rating": "7: Good"})])
        for n, words in enumerate(said)
    ]
    with site(notes({f"{venue}/-/{invitation}": stored}, "invitation")) as running:
        # 2017 too is asked for in capital letters, as all years after it are named.
        source = openreview(f"ICLR.cc/{year}/Conference", base_url=running.url, client=client)
        batches = list(source.batches())
    found = [paper for batch in batches for paper in batch.papers]
    assert [paper.decision for paper in found] == ["Oral", "Poster", "Reject", "Reject"]
    assert {paper.ratings for paper in found} == {(7.0,)}
    assert {(paper.year, paper.track) for paper in found} == {(year, "main")}
    assert [note for batch in batches for note in batch.notes] == []


def test_a_meta_review_of_later_years_decides_nothing(client: Client) -> None:
    meta = {"invitation": f"{VENUE_1}/Paper1/-/Meta_Review", "content": {"recommendation": "Accept (Oral)"}}
    note = note_1(1)
    note["details"]["directReplies"].append(meta)
    with site(notes({f"{VENUE_1}/-/Blind_Submission": [note]}, "invitation")) as running:
        (paper,) = papers(openreview(VENUE_1, base_url=running.url, client=client))
    assert paper.decision == ""


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ({}, "no submission is there under this name"),
        (
            {
                f"{VENUE_1}/-/Blind_Submission": [note_1(1), note_1(2)],
                f"{VENUE_1}/-/Withdrawn_Submission": [note_1(3, invitation="Withdrawn_Submission")],
            },
            "no acceptance or rejection was found",
        ),
    ],
)
def test_a_form_that_is_not_known_is_said(client: Client, pages: dict[str, list[Any]], said: str) -> None:
    with site(notes(pages, "invitation")) as running:
        *before, last = openreview(VENUE_1, base_url=running.url, client=client).batches()
    assert [note for batch in before for note in batch.notes] == []
    (note,) = last.notes
    assert said in note


def test_other_tracks_go_by_their_names() -> None:
    source = openreview("NeurIPS.cc/2023/Track/Datasets_and_Benchmarks")
    assert source.paper(note_2(1)).track == "Track Datasets and Benchmarks"


def test_records_that_are_not_in_the_form_are_rejected_one_by_one(client: Client) -> None:
    good = note_1(1)
    bad: list[Any] = [
        None,
        "a text",
        {},
        {"id": "x"},
        {**good, "content": "text"},
        {**good, "content": {}},
        {**good, "content": {"title": ["a", "list"]}},
        {**good, "id": None, "forum": None},
        {**good, "details": {"directReplies": [1]}},
        {**good, "content": {**good["content"], "authors": [{"first": "Ada"}]}},
        {**good, "forum": "white space"},
    ]
    odd = {
        **note_1(2),
        "cdate": "yesterday",
        "details": None,
        "content": {
            "title": "Odd",
            "keywords": "a; b, c",
            "authors": "A B, C D",
            "pdf": "javascript:alert(1)",
            "code": "on request",
        },
    }
    pages = {f"{VENUE_1}/-/Blind_Submission": [*bad, odd, good]}
    with site(notes(pages, "invitation")) as running:
        batches = list(openreview(VENUE_1, base_url=running.url, client=client).batches())
    assert [len(batch.papers) for batch in batches] == [2, 0, 0]
    assert len(batches[0].rejected) == len(bad)
    assert [reason.partition(":")[0] for reason in batches[0].rejected] == [
        f"record {n}" for n in range(1, len(bad) + 1)
    ]
    found = batches[0].papers[0]
    assert found.keywords == ("a", "b", "c")
    assert found.authors == ("A B", "C D")
    assert found.urls["pdf"] == "https://openreview.net/pdf?id=forum00002"
    assert found.code_urls == ()
    assert found.raw["code"] == "on request"


def test_an_empty_page_before_the_end_is_asked_for_again(client: Client) -> None:
    everything = [note_1(n) for n in range(4)]
    glitches = [True]

    def answer(asked: Asked) -> Reply:
        if not asked.query["invitation"].endswith("Blind_Submission"):
            return Reply({"notes": [], "count": 0})
        offset = int(asked.query["offset"])
        if offset == 2 and glitches:
            glitches.pop()
            return Reply({"notes": [], "count": 4})
        return Reply({"notes": everything[offset : offset + 2], "count": 4})

    with site(answer) as running:
        found = papers(openreview(VENUE_1, base_url=running.url, page_size=2, client=client))
    assert len(found) == 4


def test_going_on_from_any_cursor_gives_the_rest(version_1: Site, client: Client) -> None:
    source = openreview(VENUE_1, base_url=version_1.url, page_size=2, client=client)
    batches: list[Batch] = list(source.batches())
    everything = [paper.id for batch in batches for paper in batch.papers]
    for number, batch in enumerate(batches[:-1], start=1):
        rest = [paper.id for later in source.batches(batch.cursor) for paper in later.papers]
        assert rest == everything[len([p for b in batches[:number] for p in b.papers]) :]
    assert [(batch.done, batch.total) for batch in batches] == [(2, 5), (4, 5), (5, 5), (6, 6), (7, 7)]


@pytest.mark.parametrize("cursor", ["", "x", "3", "3:", ":0,0", "2:9,0", "2:0,-1", "2:a,b", "2:0,0;drop"])
def test_what_is_not_a_cursor_begins_anew(version_1: Site, client: Client, cursor: str) -> None:
    first = next(openreview(VENUE_1, base_url=version_1.url, page_size=2, client=client).batches(cursor))
    assert first.papers[0].id == "forum00001"


@pytest.mark.parametrize(("most", "expected"), [(1, 1), (2, 2), (3, 3), (6, 6), (100, 7)])
def test_max_items(version_1: Site, client: Client, most: int, expected: int) -> None:
    source = openreview(VENUE_1, base_url=version_1.url, page_size=2, max_items=most, client=client)
    assert len(papers(source)) == expected
    if most <= 6:  # it was larger the last time
        assert next(source.batches("6:1,1")).papers == ()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"venue": "ICLR"}, "named as in its address"),
        ({"venue": "../../etc"}, "named as in its address"),
        ({"venue": "ICLR.cc/2022/Conference?x=1"}, "named as in its address"),
        ({"venue": VENUE_1, "version": 3}, "interfaces 1 and 2"),
        ({"venue": VENUE_1, "page_size": 0}, "page_size"),
        ({"venue": VENUE_1, "page_size": 1001}, "page_size"),
        ({"venue": VENUE_1, "max_items": 0}, "max_items"),
        ({"venue": VENUE_1, "max_items": True}, "max_items"),
    ],
)
def test_what_cannot_be_asked_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(NavigatorError, match=message):
        openreview(**settings)


# -- through openreview-py -------------------------------------------------------------------------------------------


class Api:
    """What a client of openreview-py looks like from here."""

    def __init__(self, pages: dict[str, list[Any]]) -> None:
        self.pages = pages

    def get_notes(self, invitation: str, details: str, sort: str, limit: int, offset: int) -> list[Any]:
        assert (details, sort) == ("directReplies", "tcdate:asc")
        if invitation not in self.pages:
            raise RuntimeError({"name": "NotFoundError"})
        return self.pages[invitation][offset : offset + limit]


class Note:
    """A note as an object."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__ |= values


def test_a_client_of_openreview_py_is_asked_in_place_of_ours() -> None:
    stages = {f"{VENUE_1}/-/{name}_Submission": [] for name in ("Withdrawn", "Desk_Rejected")}
    api = Api({f"{VENUE_1}/-/Blind_Submission": [Note(note_1(n, "Reject")) for n in range(5)], **stages})
    found = papers(openreview(VENUE_1, api=api, page_size=2))
    assert [paper.id for paper in found] == [f"forum{n:05}" for n in range(5)]
    assert {paper.decision for paper in found} == {"Reject"}


def test_its_errors_become_ours_with_the_cursor() -> None:
    api = Api({f"{VENUE_1}/-/Blind_Submission": [note_1(n) for n in range(2)]})
    batches = openreview(VENUE_1, api=api).batches()
    assert len(next(batches).papers) == 2
    next(batches)  # the empty page that ends the stage
    with pytest.raises(SourceError, match="NotFoundError") as caught:
        next(batches)
    assert caught.value.cursor == "2:1,0"


@pytest.mark.filterwarnings("ignore")
def test_the_real_openreview_py_against_a_server_of_version_1_and_2(version_1: Site) -> None:
    package = pytest.importorskip("openreview")
    found = papers(openreview(VENUE_1, api=package.Client(baseurl=version_1.url), page_size=2))
    assert [paper.decision for paper in found[:4]] == ["Oral", "Spotlight", "Poster", "Reject"]
    pages = {VENUE_2: [note_2(1), note_2(2)]}
    with site(notes(pages, "content.venueid")) as running:
        api = package.api.OpenReviewClient(baseurl=running.url)
        assert [paper.id for paper in papers(openreview(VENUE_2, api=api))] == ["v2forum00001", "v2forum00002"]
