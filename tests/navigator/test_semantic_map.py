"""The map: the same seed gives the same map, the payload is to the byte what was agreed, the page lets nothing out."""

import json
import re
import shutil
import struct
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from navigator_records import conference_papers, made_papers
from sklearn.decomposition import PCA

from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.library import Library
from paperwright.navigator.map_layout import _gathered, laid_out, map_layout
from paperwright.navigator.map_page import script_safe
from paperwright.navigator.paper import DECISIONS, Paper
from paperwright.navigator.quadtree import DEEPEST, Quadtree
from paperwright.navigator.semantic_map import NO_TOPIC, assembled, refine, semantic_map
from paperwright.navigator.topics import Topic


def unit_vectors(count: int, width: int = 16, groups: int = 4) -> np.ndarray:
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(groups, width))[np.arange(count) % groups] + 0.3 * draw.normal(size=(count, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def ids(count: int) -> list[str]:
    return [f"p{number:04d}" for number in range(count)]


# -- layout ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("method", ["pacmap", "umap", "pca"])
def test_a_seed_decides_the_map_and_neighbours_stay_neighbours(method: str) -> None:
    vectors = unit_vectors(200)
    first, second = (laid_out(vectors, ids(200), method, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first.positions, second.positions)
    assert first.method == method
    assert first.positions.dtype == np.float32
    assert np.abs(first.positions).max() == pytest.approx(1)
    group = np.arange(200) % 4
    centres = np.stack([first.positions[group == one].mean(axis=0) for one in range(4)])
    nearest = np.linalg.norm(first.positions[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == group).mean() > 0.9


def test_any_transformer_of_scikit_learn_lays_out() -> None:
    found = laid_out(unit_vectors(50), ids(50), PCA(2))
    assert found.method == "PCA"
    ours = laid_out(unit_vectors(50), ids(50), "pca").positions
    # The same plane: distances agree, whatever the signs.
    spread = [np.linalg.norm(one[:, None] - one, axis=2) for one in (found.positions, ours)]
    np.testing.assert_allclose(spread[0], spread[1], atol=1e-4)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 29])
def test_few_papers_are_laid_out_by_principal_components(count: int) -> None:
    found = laid_out(unit_vectors(count), ids(count))
    assert found.positions.shape == (count, 2)
    assert np.isfinite(found.positions).all()
    assert found.method == "pca"


def test_without_its_library_a_map_is_still_a_map(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pacmap", None)
    found = laid_out(unit_vectors(60), ids(60))
    assert found.method == "pca"
    assert "pip install 'paperwright[navigator]'" in found.note


@pytest.mark.parametrize("method", ["pacmap", "umap"])
@pytest.mark.parametrize(
    ("vectors", "places", "says"),
    [
        (np.zeros((60, 0)), 1, "no difference among the 60 papers"),
        (np.zeros((60, 5)), 1, "no difference among the 60 papers"),
        (np.ones((60, 1)), 1, "no difference among the 60 papers"),
        (np.tile(unit_vectors(1), (60, 1)), 1, "no difference among the 60 papers"),
        (np.tile(unit_vectors(2), (30, 1)), 2, "two kinds of papers among the 60"),
    ],
    ids=["no width", "zeros", "one column", "one direction", "two directions"],
)
def test_papers_that_are_alike_lie_in_one_place_and_that_is_said(
    method: str, vectors: np.ndarray, places: int, says: str
) -> None:
    found = laid_out(vectors.astype(np.float32), ids(60), method)
    assert len(np.unique(found.positions, axis=0)) == places
    assert says in found.note


@pytest.mark.parametrize(
    "titles", [["Deep learning"], ["图神经网络综述", "深度学习方法综述"], ["the of"], ["a b", "c d"]]
)
def test_records_that_are_alike_have_a_map_topics_and_a_digest(titles: list[str]) -> None:
    with Library.in_memory() as library:
        library.add([Paper(id=f"p{n:02}", title=titles[n % len(titles)], citations=n) for n in range(60)])
        assert np.isfinite(library.map().positions).all()
        assert sum(len(topic.ids) for topic in library.topics()) == 60
        made = library.digest(n=5)
        assert made.chosen[0].paper.id == "p59"
        if note := library.map().note:
            assert f"no topics are known: {note}" in made.notes


def test_vectors_of_zeros_are_laid_out() -> None:
    assert np.isfinite(laid_out(np.zeros((10, 4), dtype=np.float32), ids(10)).positions).all()
    assert laid_out(np.zeros((10, 0), dtype=np.float32), ids(10)).positions.shape == (10, 2)


def test_refusals() -> None:
    with pytest.raises(NavigatorError, match="one of pacmap, umap, pca; got 'tsne'"):
        laid_out(unit_vectors(40), ids(40), "tsne")
    with pytest.raises(NavigatorError, match="PCA gave positions of shape"):
        laid_out(unit_vectors(40), ids(40), PCA(3))
    with Library.in_memory() as library, pytest.raises(NavigatorError, match="got 'tsne'"):
        semantic_map(library, "tsne")


def test_a_layout_is_kept_on_disk_until_the_vectors_change(tmp_path: Path) -> None:
    with Library.create(tmp_path / "library") as library:
        library.add(made_papers(20))
        first = map_layout(library, "pca")
        file = library.cache_file("map-pca-0.npz")
        assert file is not None
        written = file.stat().st_mtime_ns
    with Library.open(tmp_path / "library") as library:
        np.testing.assert_array_equal(map_layout(library, "pca").positions, first.positions)
        assert file.stat().st_mtime_ns == written
        library.add(made_papers(24))
        assert len(map_layout(library, "pca").ids) == 24
        file.write_bytes(b"not a file of ours")
    with Library.open(tmp_path / "library") as library:
        assert len(map_layout(library, "pca").ids) == 24


# -- payload and tiles -------------------------------------------------------------------------------------------------


@pytest.fixture
def small() -> object:
    papers = [*made_papers(6), Paper(id="z", title="no decision")]
    found = [Topic(0, "first", ("w",), ("p0000", "p0003")), Topic(-1, "unassigned", (), ("p0001", "p0002"))]
    return assembled(laid_out(unit_vectors(7), [paper.id for paper in papers], "pca"), papers[::-1], found)


def test_a_point_is_15_bytes(small) -> None:  # type: ignore[no-untyped-def]
    payload = small.payload()
    assert len(payload) == 15 * 7
    for place in range(7):
        x, y, topic, decision, index = struct.unpack_from("<ffHBI", payload, 15 * place)
        assert (x, y) == tuple(small.positions[place])
        assert index == place
        assert topic == (0 if small.ids[place] in ("p0000", "p0003") else NO_TOPIC)
        assert ("", *DECISIONS)[decision] == small.papers[place].decision


def test_tiles_of_a_small_map_are_one(small) -> None:  # type: ignore[no-untyped-def]
    assert small.in_one_piece
    assert small.tile(0, 0, 0) == small.payload()
    assert small.tile(1, 0, 0) == b""
    with pytest.raises(NavigatorError, match="level 1 has no tile"):
        small.tile(1, 2, 0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 300), st.integers(1, 50), st.integers(0, 5))
def test_all_tiles_together_hold_every_point_once(count: int, capacity: int, seed: int) -> None:
    positions = np.random.default_rng(seed).uniform(-1, 1, (count, 2)).astype(np.float32)
    tree = Quadtree.of(positions, capacity, seed)
    tiles = set(zip(tree.levels.tolist(), tree.columns.tolist(), tree.rows.tolist(), strict=True))
    points = [tree.points(*tile) for tile in tiles]
    assert sorted(np.concatenate(points).tolist() if points else []) == list(range(count))
    for (level, column, row), inside in zip(tiles, points, strict=True):
        assert len(inside) <= capacity
        low = np.array([column, row]) / 2**level * 2 - 1
        assert (positions[inside] >= low - 1e-6).all()
        assert (positions[inside] <= low + 2 / 2**level + 1e-6).all()
        # A tile is full before the one below it holds anything.
        if level:
            assert len(tree.points(level - 1, column // 2, row // 2)) == capacity


def test_points_in_one_place_end_at_the_deepest_level() -> None:
    tree = Quadtree.of(np.zeros((50, 2), dtype=np.float32), capacity=2)
    assert tree.depth == DEEPEST
    assert np.bincount(tree.levels)[:DEEPEST].max() == 2


# -- a library's map ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_papers(tmp_path: Path, count: int) -> None:
    with Library.in_memory() as library:
        library.add(made_papers(count))
        found = semantic_map(library)
        assert len(found) == count
        assert len(found.payload()) == 15 * count
        found.write_html(tmp_path / "map.html")
    assert len(_data(tmp_path / "map.html")["papers"]) == count


@pytest.mark.slow
def test_refinement_replaces_the_first_map_and_keeps_the_topics() -> None:
    with Library.in_memory() as library:
        library.add(made_papers(120))
        first = semantic_map(library)
        refined = refine(library)
        assert (first.method, refined.method, semantic_map(library).method) == ("pacmap", "umap", "umap")
        assert refined.topics == first.topics
        vectors = library.vectors(first.ids)
        assert min(first.trustworthiness(vectors), refined.trustworthiness(vectors)) > 0.8


@pytest.mark.slow
def test_the_conference_s_map_keeps_neighbourhoods() -> None:
    # Reference, on MiniLM's vectors: PaCMAP .901. These are of the embedded encoder.
    with Library.in_memory() as library:
        library.add(conference_papers())
        layout = map_layout(library)
        found = assembled(layout, list(library.papers()), [])
        assert found.trustworthiness(library.vectors(found.ids)) > 0.88


# -- the page ----------------------------------------------------------------------------------------------------------


class Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def _data(path: Path) -> dict:  # type: ignore[type-arg]
    (block,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', path.read_text("utf-8"), re.DOTALL
    )
    values = json.loads(block)
    assert isinstance(values, dict)
    return values


def test_the_page_is_self_contained_and_holds_markup_as_text(tmp_path: Path) -> None:
    title = "</script><script>alert(1)</script><!-- \u2028 &amp; <img src=x onerror=alert(1)>"
    hostile = Paper(id="x", title=title, authors=("<b>A</b>",), urls={"paper": "javascript:alert(1)"}, year=2022)
    with Library.in_memory() as library:
        library.add([hostile, *made_papers(5)])
        semantic_map(library).write_html(tmp_path / "map.html", title="<i>map</i>")
    text = (tmp_path / "map.html").read_text("utf-8")
    parser = Scripts()
    parser.feed(text)
    assert sum(tag == "script" for tag, _ in parser.tags) == 2
    assert not [tag for tag, _ in parser.tags if tag in ("img", "link", "iframe", "i", "b")]
    assert not [values for _, values in parser.tags if "src" in values or "href" in values]
    policy = next(values["content"] for _, values in parser.tags if "http-equiv" in values)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    paper = next(one for one in _data(tmp_path / "map.html")["papers"] if "alert" in one[0])
    assert paper[0] == hostile.title
    assert paper[5] == ""  # no link to a script


@pytest.mark.slow
def test_a_browser_draws_the_page_asks_for_nothing_and_runs_nothing_of_a_record(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        pytest.skip("needs Chromium")
    hostile = Paper(id="x", title='Zebra </script><img src="http://example.org/x" onerror="document.title=1">')
    with Library.in_memory() as library:
        library.add([hostile, *made_papers(40)])
        semantic_map(library).write_html(tmp_path / "map.html", title="A map")
    requests, complaints = [], []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto((tmp_path / "map.html").as_uri())
        page.keyboard.press("/")
        page.keyboard.type("zebra")
        assert page.inner_text("#hits") == hostile.title
        assert page.inner_text("#status") == "1 of 41 papers"
        page.keyboard.press("Escape")
        assert page.inner_text("#status") == "41 papers"
        page.select_option("#colour", "decision")
        assert "Reject 13" in " ".join(page.inner_text("#legend").split())
        # Something is drawn: the canvas holds more than one colour.
        colours = (
            "() => new Set(document.querySelector('canvas').getContext('2d').getImageData(0, 0, 600, 400).data).size"
        )
        page.wait_for_function(f"({colours})() > 3")
        assert page.title() == "A map"
        browser.close()
    assert requests == [(tmp_path / "map.html").as_uri()]
    assert not complaints


def test_far_islands_are_drawn_nearer_and_stay_in_order() -> None:
    draw = np.random.default_rng(0)
    positions = np.concatenate([draw.normal(size=(95, 2)), [[30, 0], [60, 0], [120, 0], [0, -50], [0, -90]]])
    gathered = _gathered(positions)
    assert np.linalg.norm(gathered, axis=1).max() < 0.2 * 120
    assert (np.diff(gathered[95:98, 0]) > 0).all()
    radius = np.linalg.norm(positions - np.median(positions, axis=0), axis=1)
    assert (np.argsort(radius) == np.argsort(np.linalg.norm(gathered, axis=1))).all()


@settings(deadline=None)
@given(st.text())
def test_nothing_in_a_script_block_can_end_it(text: str) -> None:
    safe = script_safe([text])
    assert not set("<>&\u2028\u2029") & set(safe)
    assert json.loads(safe) == [re.sub("[\ud800-\udfff]", "\ufffd", text)]
