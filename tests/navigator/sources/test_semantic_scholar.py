"""Semantic Scholar's graph, against a server that speaks pages of the recorded shape."""

from collections.abc import Callable
from typing import Any

import pytest
from local_site import Asked, Reply, Watch, in_turn, site

from paperwright.navigator.errors import NavigatorError, SourceError
from paperwright.navigator.sources import semantic_scholar
from paperwright.navigator.sources.http import Client, Pace


def found(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "paperId": f"{number:040x}",
        "externalIds": {"ArXiv": f"2106.{number:05}", "DOI": "10.18653/V1/N18-3011", "CorpusId": 9558665, "DBLP": "x"},
        "url": f"https://www.semanticscholar.org/paper/{number:040x}",
        "title": f"Paper {number}",
        "abstract": "We show.",
        "venue": "NAACL",
        "year": 2018,
        "publicationDate": "2018-05-06",
        "authors": [{"authorId": "1741101", "name": "Oren Etzioni"}, {"authorId": None, "name": "Ada Byron"}],
        "citationCount": 299,
        "fieldsOfStudy": ["Computer Science"],
        "openAccessPdf": {"url": "https://www.aclweb.org/anthology/N18-3011.pdf", "status": "HYBRID"},
        **changed,
    }


def bulk(papers: list[Any], size: int) -> Callable[[Asked], Reply]:
    def answer(asked: Asked) -> Reply:
        assert (asked.method, asked.path) == ("GET", "/paper/search/bulk")
        start = int(asked.query.get("token", "t0")[1:])
        token = {"token": f"t{start + size}"} if start + size < len(papers) else {}
        return Reply({"total": len(papers), **token, "data": papers[start : start + size]})

    return answer


def test_a_search_in_bulk(client: Client) -> None:
    with site(bulk([found(n) for n in range(5)], 2)) as running:
        source = semantic_scholar(
            "graph  curvature", years="2018-2022", key="s3cret", base_url=running.url, client=client
        )
        batches = list(source.batches())
        rest = [paper.title for batch in source.batches(batches[0].cursor) for paper in batch.papers]
    assert [paper.title for batch in batches for paper in batch.papers] == [f"Paper {n}" for n in range(5)]
    assert rest == ["Paper 2", "Paper 3", "Paper 4"]
    assert (batches[0].total, batches[-1].done, batches[-1].cursor) == (5, 5, None)
    paper = batches[0].papers[1]
    assert paper.id == f"s2:{1:040x}"
    assert paper.authors == ("Oren Etzioni", "Ada Byron")
    assert (paper.venue, paper.year, paper.published, paper.citations) == ("NAACL", 2018, "2018-05-06", 299)
    assert (paper.raw["arxiv"], paper.raw["doi"], paper.raw["corpus"]) == (
        "2106.00001",
        "10.18653/v1/n18-3011",
        9558665,
    )
    assert paper.raw["cited_by"] == "Semantic Scholar"
    assert paper.urls["pdf"] == "https://www.aclweb.org/anthology/N18-3011.pdf"
    assert paper.categories == ("Computer Science",)
    asked = running.asked[0]
    assert (asked.query["query"], asked.query["year"], asked.query["sort"]) == (
        "graph curvature",
        "2018-2022",
        "paperId:asc",
    )
    assert "references" not in asked.query["fields"]
    assert {request.headers["x-api-key"] for request in running.asked} == {"s3cret"}


def test_ids_go_out_five_hundred_at_a_time(client: Client) -> None:
    def answer(asked: Asked) -> Reply:
        assert (asked.method, asked.path) == ("POST", "/paper/batch")
        assert "references.paperId" in asked.query["fields"]
        numbers = [int(one.rpartition(".")[2]) for one in asked.body["ids"]]
        return Reply([None if n == 7 else found(n, references=[{"paperId": "ab"}, {"paperId": None}]) for n in numbers])

    ids = [f"ARXIV:2106.{n:05}" for n in range(1_203)]
    with site(answer) as running:
        source = semantic_scholar(ids=[*ids, ids[0]], base_url=running.url, client=client)
        batches = list(source.batches())
        rest = [len(batch.papers) for batch in source.batches(batches[1].cursor)]
    assert [len(asked.body["ids"]) for asked in running.asked] == [500, 500, 203, 203]
    assert [len(batch.papers) for batch in batches] == [499, 500, 203]
    assert rest == [203]
    assert batches[0].rejected == ("record 8: Semantic Scholar knows no ARXIV:2106.00007",)
    assert batches[0].papers[0].references == ("s2:ab",)


def test_a_machines_summary_is_not_the_authors(client: Client) -> None:
    with site(lambda asked: Reply([found(1, tldr={"model": "tldr@v2.0.0", "text": "A machine's words."})])) as running:
        (batch,) = semantic_scholar(ids=["ARXIV:2106.00001"], base_url=running.url, client=client).batches()
    assert batch.papers[0].tldr == ""
    assert batch.papers[0].raw["generated_tldr"] == "A machine's words."


@pytest.mark.parametrize("name", ["SEMANTIC_SCHOLAR_API_KEY", "S2_API_KEY"])
def test_a_key_of_the_environment_is_sent(client: Client, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, " from-outside\n")
    with site(bulk([found(1)], 2)) as running:
        for key in (None, "given", ""):
            list(semantic_scholar("x", key=key, base_url=running.url, client=client).batches())
    assert [asked.headers.get("x-api-key") for asked in running.asked] == ["from-outside", "given", None]
    monkeypatch.setenv(name, "two words")
    with pytest.raises(NavigatorError, match=rf"\${name} is no key"):
        semantic_scholar("x", client=client)


def test_429_is_waited_out_with_jitter_and_as_told(watch: Watch) -> None:
    pages = (
        Reply({"message": "Too Many Requests"}, 429),
        Reply(b"", 429, {"Retry-After": "7"}),
        Reply({"total": 0, "data": []}),
    )
    with site(in_turn(*pages)) as running:
        source = semantic_scholar("x", base_url=running.url, pause=0.0, pace=Pace(watch, watch.sleep))
        (batch,) = source.batches()
    assert batch.papers == ()
    assert 0.5 <= watch.slept[0] <= 1.0
    assert watch.slept[1] == 7.0


def test_an_answer_to_other_ids_is_not_believed(client: Client) -> None:
    with site(lambda asked: Reply([found(1)])) as running, pytest.raises(SourceError, match="a list of 2 papers"):
        next(semantic_scholar(ids=["a", "b"], base_url=running.url, client=client).batches())


def test_an_empty_page_with_a_token_is_asked_for_again(client: Client) -> None:
    pages = (Reply({"total": 1, "token": "b", "data": []}), Reply({"total": 1, "data": [found(1)]}))
    with site(in_turn(*pages)) as running:
        (batch,) = semantic_scholar("x", base_url=running.url, client=client).batches()
    assert len(batch.papers) == 1


def test_malformed_papers_are_rejected_one_by_one(client: Client) -> None:
    bad: list[Any] = [
        *(None, {}, "text", 3),
        found(1, title=None),
        found(1, authors="Ada"),
        found(1, externalIds=[1]),
        found(1, paperId=["x"]),
        found(1, references=3),
    ]
    odd = found(
        2, externalIds=None, year=None, publicationDate="soon", url=None, openAccessPdf=None, fieldsOfStudy=None
    )
    with site(bulk([*bad, odd], 100)) as running:
        (batch,) = semantic_scholar("x", base_url=running.url, client=client).batches()
    assert len(batch.rejected) == len(bad)
    (paper,) = batch.papers
    assert paper.urls["paper"] == f"https://www.semanticscholar.org/paper/{2:040x}"
    assert (paper.year, paper.published) == (None, None)


def test_names_tell_requests_apart() -> None:
    names = {
        semantic_scholar("x").name,
        semantic_scholar(ids=["a"]).name,
        semantic_scholar(ids=["a", "b"]).name,
        semantic_scholar(ids=["a", "c"]).name,
    }
    assert len(names) == 4


@pytest.mark.parametrize(
    "settings", [{}, {"query": " "}, {"ids": []}, {"query": "x", "ids": ["a"]}, {"ids": ["a", " "]}]
)
def test_what_cannot_be_asked_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(NavigatorError, match="either words to search for, or ids"):
        semantic_scholar(**settings)
