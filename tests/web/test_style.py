"""The look, computed: contrast in light and dark, no outside address, vendored code byte for byte, a page's weight."""

import hashlib
import json
import re
from pathlib import Path

import httpx
import pytest

from paperwright.web import static_files

WEB = Path(static_files.__file__).parent
STYLE = (WEB / "static" / "style.css").read_text(encoding="utf-8")
BACKGROUNDS = ("page", "raised")
INKS = ("ink", "soft", "link", "accent", "holds", "fails", "undecided")
OTHERS = (("ink", "chosen"), ("ink", "mark"), ("on-button", "button"), ("page", "ink"))
GRAPHICS = ("edge", "ours", "theirs", "oral", "spotlight", "poster")


def variables(dark: bool) -> dict[str, str]:
    """The colours of a theme: those of `:root`, in the dark with those of its media query above them."""
    blocks = re.findall(r"^\s*:root \{(.*?)\}", STYLE, flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    found: dict[str, str] = {}
    for block in blocks[: 2 if dark else 1]:
        found |= dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", block))
    return found


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the well-known grey that just fails


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_has_a_contrast_of_at_least_four_and_a_half(dark: bool) -> None:
    colours = variables(dark)
    pairs = [(ink, ground) for ink in INKS for ground in BACKGROUNDS] + list(OTHERS)
    faint = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in pairs}
    assert not {pair: value for pair, value in faint.items() if value < 4.5}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_edges_of_fields_and_marks_of_charts_have_a_contrast_of_at_least_three(dark: bool) -> None:
    colours = variables(dark)
    faint = {name: round(contrast(colours[name], colours["page"]), 2) for name in GRAPHICS}
    assert not {name: value for name, value in faint.items() if value < 3}


def test_the_dark_theme_says_every_colour_anew() -> None:
    assert {name for name, colour in variables(True).items() if variables(False)[name] == colour} <= {"on-button"}


def test_every_variable_that_is_used_is_there() -> None:
    assert set(re.findall(r"var\(--([\w-]+)\)", STYLE)) <= set(re.findall(r"--([\w-]+):", STYLE))


def own_files() -> list[Path]:
    files = [*(WEB / "templates").glob("*.html"), *(WEB / "static").glob("*")]
    return [path for path in files if path.is_file()]


@pytest.mark.parametrize("path", own_files(), ids=lambda path: path.name)
def test_no_page_asks_anyone_else_for_anything(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.findall(r"(?:src|href|action|url|import|fetch)\s*[=(]?\s*[\"'(]\s*(?:https?:)?//[^\"')]*", text)
    assert "@import" not in text


@pytest.mark.parametrize("path", sorted((WEB / "templates").glob("*.html")), ids=lambda path: path.name)
def test_no_template_has_an_inline_script_or_style_or_turns_escaping_off(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\bstyle=|\bon[a-z]+=|\|\s*safe\b|autoescape|javascript:", text)


@pytest.mark.parametrize("name", ["page.js", "map.js", "canvas.js"])
def test_no_script_makes_markup_or_code_from_text(name: str) -> None:
    text = (WEB / "static" / name).read_text(encoding="utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|parseFromString", text
    )


def vendored() -> list[dict[str, str]]:
    return json.loads((WEB / "static" / "vendor" / "SOURCES.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("source", vendored(), ids=lambda source: source["file"])
def test_vendored_code_is_what_was_published(source: dict[str, str]) -> None:
    content = (WEB / "static" / "vendor" / source["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == source["sha256"]
    licences = (WEB / "static" / "vendor" / "LICENSES.txt").read_text(encoding="utf-8")
    assert source["package"].replace("@", " ") in licences
    assert source["license"] in ("MIT", "ISC")


def test_nothing_else_is_vendored_and_the_map_s_library_is_recent_enough() -> None:
    files = {path.name for path in (WEB / "static" / "vendor").glob("*.js")}
    assert files == {source["file"] for source in vendored()}
    version = next(source["package"] for source in vendored() if "scatterplot" in source["file"]).rpartition("@")[2]
    assert tuple(map(int, version.split("."))) >= (1, 16)


@pytest.mark.parametrize("address", ["/", "/?q=graph", "/papers/roomed"])
def test_the_first_view_weighs_less_than_150_kilobytes(client: httpx.Client, address: str) -> None:
    page = client.get(address, headers={"Accept-Encoding": "identity"})
    weight = len(page.content)
    for asked in set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)):
        weight += len(client.get(asked, headers={"Accept-Encoding": "identity"}).content)
    assert weight < 150_000


def test_static_files_are_kept_by_the_browser_and_sent_compressed(client: httpx.Client) -> None:
    address = static_files.address("style.css")
    reply = client.get(address)
    assert "immutable" in reply.headers["cache-control"]
    assert reply.headers["content-encoding"] == "gzip"
    assert reply.text == STYLE
    assert client.get("/static/style.css").headers["cache-control"] == "no-cache"
    again = client.get(address, headers={"If-None-Match": reply.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
