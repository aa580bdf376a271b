"""The JSON interface, asked over a real connection: every endpoint, and every way to ask it wrongly."""

import csv
import io
import json
import re
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import httpx
import pytest
from small_library import Served

ATOM = "{http://www.w3.org/2005/Atom}"


def error_of(reply: httpx.Response, status: int) -> dict[str, str]:
    assert reply.status_code == status
    assert set(reply.json()) == {"error"}
    error = reply.json()["error"]
    assert set(error) == {"code", "message", "hint"}
    assert error["message"]
    return error


def test_search_gives_what_the_library_gives(client: httpx.Client, served: Served) -> None:
    page = client.get("/api/search", params={"q": "graph curvature", "k": 7}).json()
    expected = served.library.search("graph curvature", k=7)
    assert [hit["paper"]["id"] for hit in page["hits"]] == [hit.paper.id for hit in expected]
    assert page["hits"][0]["rank"] == 1
    assert page["hits"][0]["why"]["terms"]
    assert set(page) >= {"hits", "total", "next_cursor", "took_ms", "facets", "notes"}


def test_cursor_pages_joined_are_the_whole_list(client: httpx.Client) -> None:
    whole = client.get("/api/search", params={"q": "networks", "k": 30}).json()["hits"]
    found, cursor = [], None
    while True:
        page = client.get(
            "/api/search", params={"q": "networks", "k": 7} | ({"cursor": cursor} if cursor else {})
        ).json()
        found += page["hits"]
        cursor = page["next_cursor"]
        if cursor is None or len(found) >= 30:
            break
    assert [hit["paper"]["id"] for hit in found[:30]] == [hit["paper"]["id"] for hit in whole]


@pytest.mark.parametrize(
    ("params", "holds"),
    [
        ({"decision": ["oral", "Spotlight"]}, lambda paper: paper["decision"] in ("Oral", "Spotlight")),
        ({"year": "2021..2022"}, lambda paper: paper["year"] in (2021, 2022)),
        ({"year": "2022.."}, lambda paper: paper["year"] == 2022),
        ({"year": ["2020", "2022"]}, lambda paper: paper["year"] in (2020, 2022)),
        ({"rating": "7.."}, lambda paper: sum(paper["ratings"]) / 3 >= 7),
        ({"has_code": "true"}, lambda paper: bool(paper["code_urls"])),
        ({"venue": "iclr", "accepted": "false"}, lambda paper: paper["decision"] in ("Reject", "Withdrawn", "")),
        ({"published": "2021-01-01..2021-12-31"}, lambda paper: paper["published"].startswith("2021")),
        ({"author": "Ada Author3"}, lambda paper: "Ada Author3" in paper["authors"]),
    ],
)
def test_filters(client: httpx.Client, params: dict[str, object], holds: object) -> None:
    hits = client.get("/api/search", params={"q": "", "k": 100, **params}).json()["hits"]
    assert hits
    assert all(holds(hit["paper"]) for hit in hits)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/api/search?q=x&colour=red", "there is no parameter colour"),
        ("/api/search?q=x&k=0", "k"),
        ("/api/search?q=x&k=many", "k"),
        ("/api/search?q=x&mode=psychic", "mode"),
        ("/api/search?q=x&year=last", "year"),
        ("/api/search?q=x&year=2020..2022&year=1999", "year"),
        ("/api/search?q=x&cursor=nonsense", "cursor"),
        ("/api/search?q=x&published=yesterday..", "published"),
        ("/api/experts", "q"),
        ("/api/trends", "term"),
        ("/api/digest?since=sometime", "since"),
        ("/api/export?format=docx", "format"),
        ("/api/papers/p001?full=1", "there is no parameter full"),
        ("/api/tags?x=1", "there is no parameter x"),
        ("/api/stats/ICLR/soon", "year"),
    ],
)
def test_what_cannot_be_asked_is_said(client: httpx.Client, address: str, said: str) -> None:
    error = error_of(client.get(address), 422)
    assert error["code"] == "invalid"
    assert said in error["message"]


def test_an_unknown_parameter_is_answered_with_the_known_ones(client: httpx.Client) -> None:
    hint = error_of(client.get("/api/search?colour=red"), 422)["hint"]
    assert all(name in hint for name in ("q", "k", "mode", "cursor", "year", "has_code"))


@pytest.mark.parametrize(
    "address",
    [
        "/api/papers/nobody",
        "/api/papers/nobody/similar",
        "/api/tags/no-such-tag",
        "/api/recommend/no-such-tag",
        "/api/stats/NIPS/1066",
        "/feed/no-such-search.atom",
        "/api/export?tag=no-such-tag",
        "/api/nothing",
    ],
)
def test_what_is_not_there_is_a_404(client: httpx.Client, address: str) -> None:
    reply = client.get(address)
    assert reply.status_code == 404
    if address.startswith("/api"):
        assert error_of(reply, 404)["code"] == "not_found"


def test_a_method_that_an_address_lacks(client: httpx.Client) -> None:
    assert error_of(client.delete("/api/search"), 405)["code"] == "method_not_allowed"


def test_a_paper_with_what_the_reader_added_and_its_room(client: httpx.Client, served: Served) -> None:
    client.put("/api/tags/seen-in-a-test/p005")
    paper = client.get("/api/papers/p005").json()
    assert paper["title"] == served.library["p005"].title
    assert paper["tags"] == ["seen-in-a-test"]
    assert paper["room"] is None
    assert client.get("/api/papers/roomed").json()["room"]
    client.delete("/api/tags/seen-in-a-test")


def test_an_id_with_slashes(client: httpx.Client) -> None:
    for address in ("/api/papers/doi:10.1/x/y", "/api/papers/doi%3A10.1%2Fx%2Fy"):
        assert client.get(address).json()["id"] == "doi:10.1/x/y"
    assert "hits" in client.get("/api/papers/doi:10.1/x/y/similar").json()
    assert client.put("/api/tags/slashed/doi%3A10.1%2Fx%2Fy").status_code == 204
    assert client.get("/api/tags/slashed").json()["papers"] == ["doi:10.1/x/y"]
    assert client.delete("/api/tags/slashed/doi%3A10.1%2Fx%2Fy").status_code == 204


def test_similar_papers_leave_out_the_paper_itself(client: httpx.Client) -> None:
    hits = client.get("/api/papers/p001/similar", params={"k": 5}).json()["hits"]
    assert len(hits) == 5
    assert "p001" not in [hit["paper"]["id"] for hit in hits]


def test_tags_are_put_and_taken_away_once(client: httpx.Client) -> None:
    for _ in range(2):
        assert client.put("/api/tags/twice over/p003").status_code == 204
    assert client.get("/api/tags").json()["tags"]["twice over"] == 1
    for _ in range(2):
        assert client.delete("/api/tags/twice over/p003").status_code == 204
    assert "twice over" not in client.get("/api/tags").json()["tags"]
    error_of(client.put("/api/tags/x/nobody"), 404)
    error_of(client.put("/api/tags/%3Cb%3E/p003"), 422)
    error_of(client.put("/api/tags/..%2Fx/p003"), 422)
    error_of(client.put("/api/tags/100%25%2Fx/p003"), 422)


SLASHED = ("proj/x", "a/b/c", "read: 10/week +1")


@pytest.mark.parametrize("name", SLASHED)
@pytest.mark.parametrize("paper", ["p003", "doi:10.1/x/y"])
def test_tags_may_have_slashes(client: httpx.Client, name: str, paper: str) -> None:
    tag, of_tag = f"/api/tags/{quote(name, safe='')}", quote(paper, safe="")
    assert client.put(f"{tag}/{of_tag}").status_code == 204
    assert client.put(f"{tag}/{paper}").status_code == 204  # an id may keep its slashes
    assert client.get(tag).json() == {"tag": name, "papers": [paper]}
    assert client.get(f"/api/export?{urlencode({'tag': name, 'format': 'json'})}").json()[0]["id"] == paper
    assert client.get(f"/lists/{quote(name, safe='')}").status_code == 200
    assert client.get(f"/api/recommend/{quote(name, safe='')}").json()["tag"] == name
    error_of(client.put(tag), 405)
    assert client.delete(f"{tag}/{of_tag}").status_code == 204
    assert name not in client.get("/api/tags").json()["tags"]
    client.put(f"{tag}/{of_tag}")
    client.put("/api/tags/proj/p005")
    assert client.delete(tag).status_code == 204  # the tag as a whole, and no other
    assert client.get("/api/tags").json()["tags"] == {"proj": 1}
    error_of(client.delete(tag), 404)
    client.delete("/api/tags/proj")


def test_recommendations_for_a_tag(client: httpx.Client, served: Served) -> None:
    graphs = [paper.id for paper in served.library.papers() if "graph neural networks" in paper.keywords]
    for identifier in graphs[:5]:
        client.put(f"/api/tags/graphs/{identifier}")
    hits = client.get("/api/recommend/graphs", params={"k": 8}).json()["hits"]
    assert len({hit["paper"]["id"] for hit in hits} & set(graphs[5:])) >= 6
    assert not {hit["paper"]["id"] for hit in hits} & set(graphs[:5])
    client.delete("/api/tags/graphs")


def test_facets_count_a_search_s_papers(client: httpx.Client) -> None:
    told = client.get("/api/facets", params={"q": "graph"}).json()
    assert told["total"] > 0
    assert sum(told["facets"]["decision"].values()) <= told["total"]
    assert "year" in told["facets"]


def test_statistics_of_a_conference(client: httpx.Client, served: Served) -> None:
    told = client.get("/api/stats/iclr/2021").json()
    held = [paper for paper in served.library.papers() if paper.venue == "ICLR" and paper.year == 2021]
    assert sum(told["decisions"].values()) == len(held)
    assert told["figures"]


def test_experts_trends_and_digest(client: httpx.Client) -> None:
    experts = client.get("/api/experts", params={"q": "curvature", "k": 3}).json()["experts"]
    assert len(experts) == 3
    assert experts[0]["name"].startswith(("Ada", "Bo"))
    trend = client.get("/api/trends", params={"term": "curvature"}).json()
    assert trend
    for form, kind in (
        ("json", "application/json"),
        ("markdown", "text/markdown"),
        ("atom", "application/atom+xml"),
        ("text", "text/plain"),
    ):
        reply = client.get("/api/digest", params={"n": 3, "format": form})
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith(kind)


@pytest.mark.parametrize("form", ["bib", "ris", "csv", "json", "atom"])
def test_exports(client: httpx.Client, form: str) -> None:
    reply = client.get("/api/export", params={"format": form, "q": "curvature", "k": 4})
    assert reply.status_code == 200
    assert reply.headers["content-disposition"] == f'attachment; filename="curvature.{form}"'
    readers = {
        "bib": lambda text: text.count("@"),
        "ris": lambda text: text.count("TY  -"),
        "csv": lambda text: len(list(csv.DictReader(io.StringIO(text)))),
        "json": lambda text: len(json.loads(text)),
        "atom": lambda text: len(ElementTree.fromstring(text).findall(f"{ATOM}entry")),
    }
    assert readers[form](reply.text) == 4


@pytest.mark.parametrize("name", ["gnn watch", "proj/x", "日報 +1"])
def test_a_feed_is_named_by_its_search_and_not_by_the_server(client: httpx.Client, name: str) -> None:
    form = {"name": name, "q": "curvature", "address": ""}
    assert client.post("/change/save-search", data=form).status_code == 303
    link = re.search(r'href="(/feed/[^"]+)"', client.get("/lists").text)[1]
    said = []
    for host in ("127.0.0.1", "localhost:99"):
        feed = ElementTree.fromstring(client.get(link, headers={"Host": host}).content)
        ids = [feed.findtext(f"{ATOM}id"), *(entry.findtext(f"{ATOM}id") for entry in feed.findall(f"{ATOM}entry"))]
        assert all(re.fullmatch(r"urn:paperwright:[A-Za-z0-9._~:%-]+", one or "") for one in ids)
        assert len(ids) > 5
        (itself,) = (one.get("href") for one in feed.findall(f"{ATOM}link") if one.get("rel") == "self")
        assert itself == f"http://{host}{link}"
        said.append(ids)
    assert said[0] == said[1]
    client.post("/change/forget-search", data={"name": name})


def test_a_saved_search_is_a_feed(client: httpx.Client) -> None:
    form = {"name": "curved", "q": "curvature", "address": "?year=2021..2022&decision=Poster"}
    assert client.post("/change/save-search", data=form).status_code == 303
    feed = ElementTree.fromstring(client.get("/feed/curved.atom").content)
    entries = feed.findall(f"{ATOM}entry")
    assert entries
    assert "curved" in (feed.findtext(f"{ATOM}title") or "")
    dates = [entry.findtext(f"{ATOM}updated") or "" for entry in entries]
    assert dates == sorted(dates, reverse=True)
    assert all(date[:4] in ("2021", "2022") for date in dates)
    assert client.post("/change/forget-search", data={"name": "curved"}).status_code == 303
    assert client.get("/feed/curved.atom").status_code == 404


def test_the_interface_describes_itself(client: httpx.Client) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    specified = (
        *("/api/search", "/api/papers/{identifier}", "/api/papers/{identifier}/similar", "/api/map", "/api/facets"),
        *("/api/topics", "/api/trends", "/api/experts", "/api/stats/{venue}/{year}", "/api/tags", "/api/tags/{name}"),
        *("/api/tags/{name}/{identifier}", "/api/recommend/{name}", "/api/digest", "/api/export", "/feed/{name}.atom"),
    )
    assert set(specified) <= set(paths)
    assert {"put", "delete"} <= set(paths["/api/tags/{name}/{identifier}"])
    page = client.get("/api").text
    assert "/api/search" in page
    assert "jsdelivr" not in page


def test_answers_come_while_others_are_worked_out(client: httpx.Client) -> None:
    """The map is made once, in the background; who asks too early is told how far it is."""
    reply = client.get("/api/topics")
    for _ in range(200):
        if reply.status_code != 202:
            break
        assert reply.json()["state"] == "running"
        assert client.get("/api/tags").status_code == 200
        reply = client.get("/api/topics")
    assert reply.status_code == 200
    assert "topics" in reply.json()
