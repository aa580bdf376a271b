"""The pages in a real headless Chromium: keys, search as one types, tags, light and dark, a phone, no way out or in."""

from typing import Any

import httpx
import pytest
from real_browser import PHONE, Open, watched
from small_library import Served

EVERYWHERE = (
    *("/", "/?q=curvature", "/papers/p005", "/papers/roomed", "/papers/doi%3A10.1%2Fx%2Fy", "/map", "/topics"),
    *(
        "/conferences/ICLR/2021",
        "/trends?term=curvature",
        "/experts?q=curvature",
        "/digest",
        "/lists",
        "/rooms",
        "/help",
        "/api",
    ),
)


def settled(page: Any, text: str) -> None:
    """Waits until the results are those for what was typed."""
    page.wait_for_function("text => decodeURIComponent(location.search).includes(text)", arg=text)


def test_a_walk_by_keys_alone(opened: Open, served: Served) -> None:
    page = opened("/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("curvature", delay=15)
    settled(page, "curvature")  # no Enter was pressed
    first, second = page.locator(".entry").evaluate_all("all => all.slice(0, 2).map(one => one.dataset.id)")
    page.keyboard.press("Escape")
    chosen = "document.activeElement.closest('.entry')?.dataset.id"
    page.keyboard.press("j")
    assert page.evaluate(chosen) == first
    page.keyboard.press("j")
    assert page.evaluate(chosen) == second
    page.keyboard.press("k")
    assert page.evaluate(chosen) == first

    page.keyboard.press("t")
    page.wait_for_selector("#tagging[open]")
    page.keyboard.type("by keys")
    page.keyboard.press("Enter")
    page.wait_for_selector(".entry .chip")
    assert served.library.tagged("by keys") == [first]
    assert page.evaluate(chosen) == first  # and one is back where one was

    page.keyboard.press("o")
    page.wait_for_url("**/papers/*")
    assert page.locator("#paper-tags .chip").text_content() == "by keys"
    page.locator("#paper-tags .remove").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#paper-tags .chip", state="detached")
    assert served.library.tagged("by keys") == []

    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Escape")
    page.wait_for_url("**/?q=curvature")
    page.wait_for_selector(".entry")
    page.keyboard.press("j")
    page.keyboard.press("s")
    page.wait_for_url("**/papers/*#similar")
    page.keyboard.press("m")
    page.wait_for_url("**/map*")


def test_enter_goes_to_the_first_paper_of_what_was_typed(opened: Open, served: Served) -> None:
    page = opened("/?q=curvature")
    for query in ("isomorphism", "message passing"):
        page.fill("#q", query)
        page.keyboard.press("Enter")  # before the results are there
        page.wait_for_function(
            "first => document.activeElement.dataset.id === first", arg=served.library.search(query)[0].paper.id
        )
        assert page.evaluate("document.activeElement === document.querySelector('.entry')")
    page.keyboard.press("m")
    page.wait_for_url("**/map?q=message+passing")


def test_a_tag_with_a_slash_is_put_and_taken_away_by_keys(opened: Open, served: Served) -> None:
    page = opened("/papers/p004")
    page.locator("#main").focus()
    page.keyboard.press("t")
    page.wait_for_selector("#tagging[open]")
    page.keyboard.type("proj/x")
    page.keyboard.press("Enter")
    page.wait_for_selector("#paper-tags .chip")
    assert served.library.tagged("proj/x") == ["p004"]
    page.click("#paper-tags .chip")
    page.wait_for_url("**/lists/proj%2Fx")
    assert page.locator("h1").text_content() == "proj/x"
    page.go_back()
    page.click("#paper-tags .remove")
    page.wait_for_selector("#paper-tags .chip", state="detached")
    assert "proj/x" not in served.library.tags()


def test_typing_searches_without_loading_the_page_anew(opened: Open) -> None:
    page = opened("/?decision=Poster")
    page.evaluate("window.same = true")
    page.locator("#q").press_sequentially("message passing", delay=10)
    settled(page, "message")
    page.wait_for_function("() => document.querySelector('.tally b') !== null")
    assert page.evaluate("window.same") is True
    assert "decision=Poster" in page.url  # the filter is kept
    assert page.locator("mark").count() > 0
    assert set(page.locator(".decision").all_text_contents()) == {"Poster"}
    assert page.title().startswith("message passing")


def test_a_note_that_is_said_of_a_search_is_read_out(opened: Open) -> None:
    page = opened("/?q=year:soon")
    assert "searched as text" in page.locator(".note").first.text_content()
    assert page.locator(".tally").get_attribute("role") == "status"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_is_the_reader_s(opened: Open, theme: str) -> None:
    page = opened("/?q=curvature", color_scheme=theme)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(253, 252, 249)", "dark": "rgb(22, 23, 26)"}[theme]


def test_focus_can_be_seen_on_everything_that_takes_it(opened: Open) -> None:
    page = opened("/papers/p005")
    unseen, seen = [], 0
    for _ in range(45):
        page.keyboard.press("Tab")
        told = page.evaluate(
            """() => {
              const one = document.activeElement, style = getComputedStyle(one);
              const entry = one.closest(".entry");
              const bar = entry ? getComputedStyle(entry, "::before").backgroundColor : "";
              const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
              return [one.tagName + "." + one.className, ring, bar];
            }"""
        )
        if told[0].startswith("BODY"):  # once round
            break
        seen += 1
        if not told[1] and told[2] in ("", "rgba(0, 0, 0, 0)"):
            unseen.append(told[0])
    assert seen > 20
    assert not unseen


@pytest.mark.parametrize("options", [PHONE, {"color_scheme": "dark"} | PHONE], ids=["phone", "dark-phone"])
def test_no_page_is_wider_than_a_phone(opened: Open, served: Served, options: dict[str, Any]) -> None:
    page = opened("/", **options)
    wide = {}
    for address in EVERYWHERE:
        page.goto(address)
        extra = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if extra > 0:
            wide[address] = extra
    assert not wide


def test_what_a_thumb_must_hit_is_large_enough(opened: Open) -> None:
    page = opened("/?q=curvature", **PHONE)
    heights = page.locator(".places a, .search button, .search input[type=search]").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().height)"
    )
    assert min(heights) >= 32


def test_markup_in_a_record_is_never_executed(opened: Open) -> None:
    page = opened("/papers/doi%3A10.1%2Fx%2Fy")
    assert "owned" not in page.title()[:5]
    page.goto("/")
    page.locator("#q").press_sequentially("markup", delay=10)
    settled(page, "markup")
    page.wait_for_selector(".entry[data-id='doi:10.1/x/y']")
    page.keyboard.press("Escape")
    page.locator(".entry[data-id='doi:10.1/x/y']").focus()
    page.keyboard.press("t")
    page.wait_for_selector("#tagging[open]")
    assert "<script>" in page.locator("#tagging-what").text_content()
    page.wait_for_timeout(200)
    assert page.title() == "markup · paperwright"
    assert page.locator("main img, main script, dialog img, dialog script").count() == 0


def test_the_policy_stops_what_would_get_past_everything_else(browser: Any, served: Served) -> None:
    complaints = list[str]()
    context = watched(browser, served, complaints)
    page = context.new_page()
    page.goto("/")
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          try {
            script.textContent = "window.owned = 1";
            document.body.append(script);
          } catch (error) {
            console.error("refused: " + error);
          }
          const style = document.createElement("style");
          style.textContent = "body { display: none }";
          document.body.append(style);
          fetch("https://example.org/").catch(() => {});
        }"""
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.owned") is None
    assert page.evaluate("getComputedStyle(document.body).display") == "flex"
    assert any("Content Security Policy" in one or "refused" in one for one in complaints)
    assert any("connect-src" in one or "violates" in one for one in complaints)
    context.close()


def test_another_page_cannot_frame_us_or_change_anything(browser: Any, served: Served) -> None:
    """A page of another origin, as an attacker would make one."""
    context = browser.new_context()
    evil = "http://evil.test/"
    fields = '<input name="paper" value="p001"><input name="name" value="stolen">'
    form = f'<form id="form" method="post" action="{served.address}/change/tag">{fields}</form>'
    body = f'<iframe src="{served.address}/"></iframe>{form}'
    context.route(evil, lambda route: route.fulfill(body=body, content_type="text/html"))
    page = context.new_page()
    page.goto(evil)
    put = "address => fetch(address, {method: 'PUT', mode: 'cors'}).then(() => 'sent', () => 'refused')"
    assert page.evaluate(put, f"{served.address}/api/tags/stolen/p001") == "refused"
    page.evaluate("document.getElementById('form').submit()")
    page.wait_for_url(f"{served.address}/change/tag")
    assert "only the library's own pages" in page.content()
    assert "stolen" not in served.library.tags()
    context.close()


def test_search_and_tags_work_without_scripts(opened: Open, served: Served) -> None:
    page = opened("/", java_script_enabled=False)
    page.fill("#q", "isomorphism")
    page.click(".search button")
    page.wait_for_url("**/?q=isomorphism")
    page.click(".facets a:has-text('Poster')")
    page.wait_for_url("**decision=**")
    page.locator(".entry h3 a").first.click()
    page.wait_for_url("**/papers/*")
    page.fill("#tag-name", "plain")
    page.click("form[action='/change/tag'] button")
    page.wait_for_selector("#paper-tags .chip")
    assert len(served.library.tagged("plain")) == 1
    page.click("#paper-tags .remove")
    page.wait_for_load_state()
    assert served.library.tagged("plain") == []
    page.goto("/map")
    assert page.locator("#map-absent").is_visible()
    assert not page.locator("#map-stage").is_visible()
    page.goto("/topics")
    assert page.locator("h1").text_content() == "Topics"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_quiet(opened: Open, theme: str) -> None:
    """No error in the console and no request to anyone else, anywhere: the fixture sees to it."""
    page = opened("/", color_scheme=theme)
    for address in EVERYWHERE:
        reply = page.goto(address)
        assert reply.status == 200, address


def test_the_interface_answers_the_browser_s_own_page(opened: Open, client: httpx.Client) -> None:
    page = opened("/")
    status = page.evaluate("fetch('/api/tags/fetched/p002', {method: 'PUT'}).then(reply => reply.status)")
    assert status == 204
    assert client.get("/api/tags/fetched").json()["papers"] == ["p002"]
    client.delete("/api/tags/fetched")
