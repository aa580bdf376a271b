"""The map: its payload byte for byte, and the page that draws it, in a browser with WebGL and in one without."""

import struct
import time
from typing import Any

import httpx
import numpy as np
import pytest
from real_browser import PHONE, Open, chromium, watched
from small_library import Served, papers, serving
from word_encoder import WordEncoder

from paperwright.navigator.library import Library
from paperwright.navigator.paper import Paper
from paperwright.navigator.semantic_map import IN_ONE_PIECE, NO_TOPIC, SemanticMap
from paperwright.web import map_points

WIDE = {"viewport": {"width": 1100, "height": 800}, "screen": {"width": 1100, "height": 800}}


def asked(client: httpx.Client, address: str) -> httpx.Response:
    """The reply, once what is worked out in the background is there."""
    until = time.monotonic() + 60
    while (reply := client.get(address)).status_code == 202 and time.monotonic() < until:
        assert reply.headers["retry-after"]
        assert reply.json()["state"] == "running"
        time.sleep(0.05)
    return reply


def test_the_payload_is_fifteen_bytes_a_paper(client: httpx.Client, served: Served) -> None:
    about = asked(client, "/api/map/about").json()
    content = asked(client, "/api/map").content
    made = served.library.map()
    assert len(content) == 15 * len(served.library) == 15 * about["count"]
    for place, point in enumerate(struct.iter_unpack("<ffHBI", content)):
        x, y, topic, decision, index = point
        assert index == place
        assert (x, y) == tuple(made.positions[place].tolist())
        assert about["decisions"][decision] == served.library[made.ids[place]].decision
        assert topic == NO_TOPIC or topic in {one["number"] for one in about["topics"]}
    assert about["depth"] is None


def test_texts_and_numbers_of_points_are_given_when_asked_for(client: httpx.Client, served: Served) -> None:
    asked(client, "/api/map/about")
    ids = served.library.map().ids
    told = client.get("/api/map/papers?point=3&point=0").json()["papers"]
    assert [(one["point"], one["id"]) for one in told] == [(3, ids[3]), (0, ids[0])]
    ratings = np.frombuffer(client.get("/api/map/values?by=rating").content, dtype="<f4")
    expected = [served.library[one].rating for one in ids]
    assert np.array_equal(ratings, np.array([np.nan if one is None else one for one in expected], "f4"), equal_nan=True)
    hits = np.frombuffer(client.get("/api/map/hits?q=curvature&k=5").content, dtype="<u4")
    assert [ids[place] for place in hits] == [hit.paper.id for hit in served.library.search("curvature", k=5)]
    assert client.get("/api/map/papers?point=100000").status_code == 404
    assert client.get("/api/map/values?by=colour").status_code == 422
    for tile in ("x", "0/0", "1/5/0", "99/0/0", "-1/0/0", "0/0/0/0", "../../etc/passwd"):
        assert client.get("/api/map", params={"tile": tile}).status_code == 422


def large_map(count: int) -> SemanticMap:
    positions = np.random.default_rng(0).uniform(-1, 1, size=(count, 2)).astype(np.float32)
    return SemanticMap(
        ids=tuple(map(str, range(count))),
        positions=positions,
        method="test",
        topic_of=np.full(count, NO_TOPIC, dtype=np.uint16),
        decision_of=np.zeros(count, dtype=np.uint8),
        topics=(),
        papers=[Paper(id="p", title="p")],
    )


@pytest.fixture
def large(served: Served, monkeypatch: pytest.MonkeyPatch) -> SemanticMap:
    """A map above the size that is sent in one piece, in place of the library's own."""
    made = large_map(IN_ONE_PIECE + 1)
    monkeypatch.setattr(type(served.library), "map", lambda library: made)
    served.library.tag("makes-the-map-anew", [])
    return made


def test_a_large_map_comes_in_tiles(large: SemanticMap, shelf: Any) -> None:
    from small_library import serving

    from paperwright.navigator.library import Library

    with Library.open(shelf) as library, serving(library) as server, httpx.Client(base_url=server.address) as client:
        about = asked(client, "/api/map/about").json()
        assert about["depth"] >= 2
        refusal = client.get("/api/map")
        assert refusal.status_code == 422
        assert "tile=0/0/0" in refusal.json()["error"]["hint"]
        seen: list[int] = []
        for level in range(about["depth"] + 1):
            for column in range(2**level):
                for row in range(2**level):
                    content = client.get("/api/map", params={"tile": f"{level}/{column}/{row}"}).content
                    seen += [point[4] for point in struct.iter_unpack("<ffHBI", content)]
        assert sorted(seen) == list(range(len(large)))  # each point once


def drawn(page: Any) -> Any:
    page.wait_for_selector("#map-frame[data-drawn]")
    page.wait_for_timeout(150)
    return page.locator("#map-frame").bounding_box()


def place_of(page: Any, client: httpx.Client, point: int, box: Any) -> tuple[float, float]:
    """Where a point is on the screen, as the page's view has it."""
    x, y, *_ = struct.unpack_from("<ffHBI", client.get("/api/map").content, 15 * point)
    scale = 0.97 * min(1, box["width"] / box["height"])
    return box["x"] + box["width"] / 2 + scale * x * box["height"] / 2, box["y"] + box["height"] / 2 * (1 - scale * y)


def test_hover_names_a_paper_and_a_click_opens_it(opened: Open, client: httpx.Client) -> None:
    page = opened("/map", **WIDE)
    box = drawn(page)
    x, y = place_of(page, client, 7, box)
    page.mouse.move(x - 3, y - 3)
    page.mouse.move(x, y)
    page.wait_for_selector("#map-tip:not([hidden])")
    title = page.locator("#map-tip").evaluate("tip => tip.firstChild.textContent")
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url("**/papers/*")
    assert page.locator("h1").text_content() == title


def draw_a_lasso(page: Any, left: float, top: float, right: float, bottom: float) -> None:
    page.click("#map-lasso")
    assert page.get_attribute("#map-lasso", "aria-pressed") == "true"
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top + 6)):
        page.mouse.move(x, y, steps=8)
    page.mouse.up()
    page.wait_for_selector("#map-lasso[aria-pressed=false]")


def nearly_all(box: Any) -> tuple[float, float, float, float]:
    return box["x"] + 4, box["y"] + 4, box["x"] + box["width"] - 4, box["y"] + box["height"] - 4


def test_a_lasso_makes_a_list_that_can_be_tagged(opened: Open, client: httpx.Client, served: Served) -> None:
    page = opened("/map", **WIDE)
    draw_a_lasso(page, *nearly_all(drawn(page)))
    page.wait_for_selector("#map-list li")
    assert page.locator("#map-list li").count() == len(served.library)
    assert page.text_content("#map-said") == f"{len(served.library)} papers in the lasso"
    # The list stands where the legend stood, within sight, and is where the keys are.
    assert not page.locator("#map-legend").is_visible()
    panel, first = page.locator("#map-panel").bounding_box(), page.locator("#map-list li").first.bounding_box()
    assert panel["y"] <= first["y"] < panel["y"] + panel["height"] / 2
    assert page.evaluate("document.activeElement.id") == "map-chosen-title"
    page.click("#map-tag")
    page.fill("#tagging-name", "from the map")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.getElementById('toast').textContent.includes('from the map')")
    assert len(served.library.tagged("from the map")) == len(served.library)
    served.library.untag("from the map")
    page.click("#map-clear")
    assert not page.locator("#map-chosen").is_visible()
    assert page.locator("#map-legend").is_visible()
    assert page.evaluate("document.activeElement.id") == "map-lasso"


def test_a_lasso_takes_what_is_lit_and_nothing_else(opened: Open, served: Served) -> None:
    page = opened("/map?q=curvature&decision=Poster", **WIDE)
    box = drawn(page)
    page.wait_for_function("() => document.getElementById('map-said').textContent.includes('lit')")
    lit = [hit.paper for hit in served.library.search("curvature", k=100, where={"decision": ["Poster"]})]
    assert 0 < len(lit) < len(served.library)
    draw_a_lasso(page, *nearly_all(box))
    page.wait_for_selector("#map-list li")
    assert page.locator("#map-list a").all_text_contents() == [paper.title for paper in lit]
    assert page.text_content("#map-said") == f"{len(lit)} papers of the {len(lit)} lit in the lasso"
    draw_a_lasso(page, box["x"] + 2, box["y"] + 2, box["x"] + 40, box["y"] + 40)
    page.wait_for_function("() => document.getElementById('map-said').textContent.startsWith('no papers')")
    assert not page.locator("#map-chosen").is_visible()


def test_a_lasso_around_one_paper_lists_it(opened: Open, client: httpx.Client, served: Served) -> None:
    page = opened("/map", **WIDE)
    box = drawn(page)
    points = [place_of(page, client, point, box) for point in range(len(served.library))]
    apart = [min(max(abs(x - a), abs(y - b)) for a, b in points if (a, b) != (x, y)) for x, y in points]
    lonely = int(np.argmax(apart))
    (x, y), reach = points[lonely], apart[lonely] / 2
    draw_a_lasso(page, x - reach, y - reach, x + reach, y + reach)
    page.wait_for_selector("#map-list li")
    assert page.url.endswith("/map")
    assert page.locator("#map-list a").all_text_contents() == [served.library[served.library.map().ids[lonely]].title]


def test_search_lights_its_hits_and_colours_have_a_legend(opened: Open) -> None:
    page = opened("/map?q=curvature", **WIDE)
    drawn(page)
    page.wait_for_function("() => document.getElementById('map-said').textContent.includes('lit')")
    for by, said in (("decision", "Spotlight"), ("rating", "to"), ("year", "2021"), ("topic", "")):
        page.select_option("#map-colour", by)
        page.wait_for_function("said => document.getElementById('map-legend').textContent.includes(said)", arg=said)
        total = sum(int(one.replace(",", "")) for one in page.locator("#map-legend .count").all_text_contents())
        assert total == 82


def test_the_map_can_be_used_by_keys(opened: Open) -> None:
    page = opened("/map", **WIDE)
    drawn(page)
    page.locator("#map-frame").focus()
    page.frame_locator("#map-frame").locator("#points").focus()
    for key in ("+", "+", "ArrowLeft", "ArrowUp", "-"):
        page.keyboard.press(key)
    page.keyboard.press("?")  # the page's own keys work from within the map
    page.wait_for_selector("#keys[open]")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.wait_for_function("() => document.activeElement.id === 'map-q'")


@pytest.mark.parametrize("options", [WIDE | {"color_scheme": "dark"}, PHONE], ids=["dark", "phone"])
def test_the_map_is_drawn_in_the_dark_and_on_a_phone(opened: Open, options: dict[str, Any]) -> None:
    page = opened("/map", **options)
    drawn(page)
    inks, above, below = page.frames[1].evaluate(
        """() => {
          const copy = document.createElement("canvas"), points = document.getElementById("points");
          const [width, height] = [copy.width, copy.height] = [points.width, points.height];
          const pen = copy.getContext("2d");
          pen.drawImage(points, 0, 0);
          const pixels = new Uint32Array(pen.getImageData(0, 0, width, height).data.buffer);
          const drawn = [...pixels.keys()].filter((place) => pixels[place] !== pixels[0]);
          const rows = drawn.map((place) => Math.floor(place / width) / height);
          return [new Set(pixels).size, rows[0], rows.at(-1)];
        }"""
    )
    assert inks > 4
    half = 0.97 * min(1, page.frames[1].evaluate("innerWidth / innerHeight")) / 2  # the map reaches from -1 to 1
    assert above == pytest.approx(0.5 - half, abs=0.03)
    assert below == pytest.approx(0.5 + half, abs=0.03)


def test_the_sandbox_can_reach_nothing(opened: Open) -> None:
    page = opened("/map", **WIDE)
    drawn(page)
    frame = page.frames[1]
    assert frame.evaluate("self.origin") == "null"
    assert (
        frame.evaluate("(() => { try { return parent.document.title; } catch { return 'kept out'; } })()") == "kept out"
    )
    assert "On " not in frame.evaluate("document.documentElement.outerHTML")


def test_without_webgl_the_list_stands_in(served: Served, playwright: Any) -> None:
    complaints = list[str]()
    with chromium(playwright, "--disable-gpu", "--disable-3d-apis") as plain:
        context = watched(plain, served, complaints)
        page = context.new_page()
        page.goto("/map")
        page.wait_for_selector("#map-absent:not([hidden])")
        assert "WebGL" in page.locator("#map-absent").text_content()
        assert not page.locator("#map-stage").is_visible()
        assert page.locator("#by-topic").is_visible()
        context.close()
    assert not complaints


@pytest.mark.slow
@pytest.mark.parametrize(("encoder", "method"), [(None, "pacmap"), (WordEncoder(), "umap")])
def test_only_the_map_of_a_neural_encoder_is_refined(
    encoder: WordEncoder | None, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the embedded encoder the quick layout is as good, and the slow one a waste of the reader's machine."""
    monkeypatch.setattr(map_points, "WORTH_REFINING", range(50, 100))
    with Library.in_memory(encoder) as library:
        library.add(papers())
        with serving(library) as server, httpx.Client(base_url=server.address, timeout=30, verify=False) as client:
            reply = asked(client, "/api/map/refined")
            about = asked(client, "/api/map/about").json()
    assert reply.status_code == 200
    assert reply.json()["method"] == about["method"] == method
    assert about["worth_refining"] is (encoder is not None)
