"""The pages without a browser: what they say, that they escape everything, and that plain forms suffice."""

import re
import time
from html import unescape

import httpx
import pytest
from small_library import Served

from paperwright.cards import USE_HEADINGS
from paperwright.claims.reports import summary
from paperwright.claims.reports.amounts import with_minus_signs
from paperwright.claims.reports.report import report_html
from paperwright.claims.reports.sentences import sentences
from paperwright.claims.reports.tables import markdown
from paperwright.registry import Room, registry
from paperwright.web.prose import markdown as use_markdown
from paperwright.web.prose import prose
from paperwright.web.rooms import claims_of, figures_of

PAGES = (
    "/",
    "/?q=graph",
    "/rooms",
    "/map",
    "/topics",
    "/conferences",
    "/trends",
    "/experts",
    "/digest",
    "/lists",
    "/help",
    "/api",
)


@pytest.mark.parametrize("address", PAGES)
def test_every_page_is_there_with_one_heading_and_its_landmarks(client: httpx.Client, address: str) -> None:
    reply = client.get(address)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert len(re.findall(r"<h1\b", reply.text)) == 1
    assert "<main" in reply.text
    assert 'lang="en"' in reply.text
    assert 'href="#main"' in reply.text


@pytest.mark.parametrize(
    "address", [*PAGES, "/papers/roomed", "/papers/p001", "/papers/doi%3A10.1%2Fx%2Fy", "/?q=markup", "/nowhere"]
)
def test_every_field_has_a_label_and_every_id_is_there_once(client: httpx.Client, address: str) -> None:
    text = client.get(address).text
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for field in re.findall(r"<(?:input|select|textarea)\b[^>]*>", text):
        if 'type="hidden"' in field:
            continue
        name = re.search(r'\sid="([^"]+)"', field)
        labelled = name is not None and f'for="{name[1]}"' in text
        assert labelled or re.search(r"<label>[^<]*" + re.escape(field), text), field


def test_search_finds_and_marks_and_says_why(client: httpx.Client, served: Served) -> None:
    text = client.get("/", params={"q": "curvature networks"}).text
    first = served.library.search("curvature networks")[0].paper
    assert f'data-id="{first.id}"' in text
    assert "<mark>curvature</mark>" in text
    assert "papers" in text


def test_a_part_is_the_page_without_its_frame(client: httpx.Client) -> None:
    part = client.get("/", params={"q": "curvature"}, headers={"X-Part": "results"}).text
    assert "<html" not in part
    assert "<article" in part


def test_filters_narrow_and_can_be_taken_away(client: httpx.Client) -> None:
    text = client.get("/", params={"q": "networks", "decision": "oral"}).text
    decisions = set(re.findall(r'class="decision d-([a-z-]+)"', text))
    assert decisions == {"oral"}
    assert re.search(r'<a href="/\?q=networks" class="on" aria-current="true"><span>oral', text)
    assert 'name="decision" value="oral"' in text  # the form keeps the filter


def test_more_pages_hold_other_papers(client: httpx.Client) -> None:
    first = client.get("/", params={"q": "study"}).text
    more = unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])
    second = client.get(more).text
    ids = re.compile(r'data-id="([^"]+)"')
    assert len(ids.findall(first)) == 20
    assert not set(ids.findall(first)) & set(ids.findall(second))
    assert 'rel="first"' not in first
    back = unescape(re.search(r'rel="first" href="([^"]+)"', second)[1])
    assert ids.findall(client.get(back).text) == ids.findall(first)


@pytest.mark.parametrize("query", ["", "q=study&"])
def test_a_page_that_is_not_there_any_more_is_the_first_with_a_note(client: httpx.Client, query: str) -> None:
    reply = client.get(f"/?{query}cursor=rubbish")
    assert reply.status_code == 200
    assert "these are the first papers" in reply.text
    ids = re.compile(r'data-id="([^"]+)"')
    assert ids.findall(reply.text) == ids.findall(client.get(f"/?{query}").text)


def test_the_map_shows_the_search_with_its_filters(client: httpx.Client) -> None:
    text = client.get("/", params={"q": "networks", "decision": ["oral", "poster"], "accepted": "true"}).text
    address = unescape(re.search(r'href="(/map[^"]*)"', text.split("<main")[1])[1])
    assert address == "/map?q=networks&decision=oral&decision=poster&accepted=true"
    map_ = client.get(address).text
    assert 'data-filters="?decision=oral&amp;decision=poster&amp;accepted=true"' in map_
    assert 'href="/map?q=networks">all papers' in map_
    assert 'data-filters=""' in client.get("/map?year=soon&utm_source=mail").text


def test_where_nothing_is_found_there_is_nothing_to_export(client: httpx.Client) -> None:
    text = client.get("/", params={"q": "year:1066"}).text
    assert "Nothing was found" in text
    assert "/api/export" not in text
    assert "See it on the map" not in text
    assert "its feed brings what comes later" in text


@pytest.mark.parametrize(
    "address",
    ["/?year=soon", "/?k=9&utm_source=mail", "/?year=2020..2022&year=7", "/?cursor=rubbish", "/?has_code=perhaps"],
)
def test_a_page_with_a_bad_address_is_a_page(client: httpx.Client, address: str) -> None:
    reply = client.get(address)
    assert reply.status_code in (200, 422)
    assert "Traceback" not in reply.text
    assert "<h1" in reply.text


@pytest.mark.parametrize(
    "address", ["/papers/nobody", "/lists/none", "/rooms/none", "/topics/9999", "/conferences/NIPS/1066", "/nowhere"]
)
def test_what_is_not_there_is_a_page_that_says_so(client: httpx.Client, address: str) -> None:
    while address.startswith("/topics") and client.get("/api/topics").status_code == 202:
        time.sleep(0.05)  # until there are topics, no one can say that there is none of this number
    reply = client.get(address)
    assert reply.status_code == 404
    assert "Not here" in reply.text
    assert 'role="search"' in reply.text


def test_what_cannot_be_done_is_not_said_to_be_missing(client: httpx.Client) -> None:
    reply = client.post("/change/tag", data={"paper": "p001", "name": "<b>"})
    assert reply.status_code == 422
    assert "Not here" not in reply.text
    assert "a name is 1 to 60 letters" in unescape(reply.text).casefold()


@pytest.mark.parametrize(
    "address",
    [
        "/papers/doi%3A10.1%2Fx%2Fy",
        "/?q=markup",
        "/?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "/papers/%3Cscript%3E",
        "/experts?q=markup",
    ],
)
def test_markup_stays_text(client: httpx.Client, address: str) -> None:
    text = client.get(address).text
    assert "<script>" not in text
    assert "onerror=" not in re.sub(r"&#34;|&quot;", '"', re.sub(r"&lt;.*?&gt;", "", text, flags=re.DOTALL))
    assert "<img" not in text


def test_a_paper_s_page(client: httpx.Client, served: Served) -> None:
    paper = served.library["p005"]
    text = unescape(client.get("/papers/p005").text)
    for said in (paper.title, paper.abstract, *paper.authors, *paper.keywords, "2021-11-09", "Similar papers"):
        assert said in text
    assert 'href="https://example.org/5"' in text
    assert "javascript:" not in text  # a link that is not http is not one
    assert "<svg" in text  # the ratings over time


def test_a_paper_with_a_room_leads_to_card_method_and_claims(client: httpx.Client) -> None:
    room = registry().rooms()[0]
    text = unescape(client.get("/papers/roomed").text)
    assert room.card.tldr in text
    assert room.card.uses[0] in text
    assert f"from {room.import_from} import" in text
    claims = claims_of(room)
    assert claims
    for claim in claims:
        assert claim.statement in text
        assert claim.verdict in text
    assert f'href="/rooms/{room.name}"' in text  # where the figures are
    whole = client.get(f"/rooms/{room.name}").text
    assert whole.count('<figure class="drawn"><svg') >= sum(bool(claim.findings) for claim in claims)


@pytest.mark.parametrize("room", registry().rooms(), ids=lambda room: room.name)
def test_every_room_has_its_page_with_the_paper_s_figures_beside_ours(client: httpx.Client, room: object) -> None:
    reply = client.get(f"/rooms/{room.name}")
    assert reply.status_code == 200
    claims = claims_of(room)
    for figure in (figure for claim in claims for figure in claim.reported):
        assert f"{figure.value:.4g}" in reply.text
    assert " style=" not in reply.text


@pytest.mark.parametrize("room", registry().rooms(), ids=lambda room: room.name)
def test_a_room_s_page_says_how_it_is_used_with_equations_as_equations(client: httpx.Client, room: Room) -> None:
    text = client.get(f"/rooms/{room.name}").text
    for heading in USE_HEADINGS.values():
        assert f"<h3>{heading}</h3>" in text
    assert "<math" in text
    assert 'class="broken"' not in text
    assert not re.search(r"\$[^$<]*\$", re.sub(r"<code.*?</code>", "", text, flags=re.DOTALL))


def test_a_card_s_words_cannot_do_more_than_to_be_read() -> None:
    hostile = "<script>x</script> [a](javascript:b) $\\href{c}{d}$ `<i>` $e < f$"
    for shown in (prose(hostile), use_markdown(hostile)):
        assert "<script" not in shown
        assert "<i>" not in shown
        assert "<a" not in shown
        assert "<mrow href" not in shown
        assert '<code class="broken"' in shown
        assert "<mo>&lt;</mo>" in shown


@pytest.mark.parametrize("room", registry().rooms(), ids=lambda room: room.name)
def test_page_report_and_readme_show_the_same_numbers(client: httpx.Client, room: Room) -> None:
    """What was recorded is read once: every effect with its interval stands alike wherever it is shown."""
    page, claims = unescape(client.get(f"/rooms/{room.name}").text), claims_of(room)
    report = unescape(report_html(claims))
    readme = unescape(markdown(claims)).replace("\\", "")
    for claim in claims:
        for text in (page, report, readme):
            assert claim.statement in " ".join(text.split())
        for each in sentences(claim):
            found = with_minus_signs(each.text)
            assert f"<b>{found}</b>" in page
            assert f"<b>{found}</b>" in report
        for effect in summary.effects(claim, most=2):
            assert effect in readme
        for figure in figures_of(room, claims)[claim.path]:
            assert set(re.findall(r" d=\"[^\"]*\"", figure)) <= set(re.findall(r" d=\"[^\"]*\"", report))


def test_plain_forms_do_what_scripts_do(client: httpx.Client, served: Served) -> None:
    assert client.post("/change/tag", data={"paper": "p007", "name": "to read"}).headers["location"] == "/papers/p007"
    assert served.library.tagged("to read") == ["p007"]
    assert 'href="/lists/to%20read"' in client.get("/papers/p007").text
    assert "On curvature" in client.get("/lists/to%20read").text or "p007" in client.get("/lists/to%20read").text
    back = {"paper": "p007", "name": "to read", "back": "https://evil.example/"}
    assert client.post("/change/untag", data=back).headers["location"] == "/papers/p007"
    assert served.library.tagged("to read") == []
    assert client.post("/change/note", data={"paper": "p007", "note": "Read <b>again</b>."}).status_code == 303
    assert "Read &lt;b&gt;again&lt;/b&gt;." in client.get("/papers/p007").text
    assert client.post("/change/seen", data={"paper": "p007"}).status_code == 303
    assert "You have read this." in client.get("/papers/p007").text


@pytest.mark.parametrize(
    "back", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "lists"]
)
def test_no_form_leads_away_from_here(client: httpx.Client, back: str) -> None:
    client.put("/api/tags/away/p009")
    reply = client.post("/change/untag", data={"paper": "p009", "name": "away", "back": back})
    assert reply.headers["location"] == "/papers/p009"


@pytest.mark.parametrize(
    ("address", "data", "status"),
    [
        ("/change/tag", {"paper": "nobody", "name": "x"}, 404),
        ("/change/tag", {"paper": "p001"}, 422),
        ("/change/tag", {"paper": "p001", "name": "<b>"}, 422),
        ("/change/save-search", {"name": "x", "q": "y", "address": "?has_code=perhaps"}, 422),
        ("/change/nothing", {}, 404),
    ],
)
def test_forms_that_cannot_be(client: httpx.Client, address: str, data: dict[str, str], status: int) -> None:
    assert client.post(address, data=data).status_code == status


def test_conference_figures_are_charts_with_their_numbers(client: httpx.Client, served: Served) -> None:
    assert 'href="/conferences/ICLR/2021"' in client.get("/conferences").text
    text = client.get("/conferences/ICLR/2021").text
    stats = served.library.stats("ICLR", 2021)
    assert text.count('class="chart"') >= 3
    for name, count in stats.decisions.items():
        assert f"{name} {count}" in text  # in the chart's own description
    assert "cannot be had" in text
