"""Hostile input: ten thousand generated queries, records and addresses, and titles that want to be more than titles.

Nothing that comes in may crash the library or the server, or show anyone a traceback; and nothing of it may be more
than text in what goes out, be it a terminal, a page or a file. The generator has a seed: what fails once fails again.
"""

import base64
import contextlib
import csv
import io
import json
import os
import pty
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from navigator_records import made_papers

from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.library import Library
from paperwright.navigator.paper import Paper

QUERIES = 3_000
RECORDS = 2_500
ADDRESSES = 1_000

SCRIPT = "<script>alert(1)</script>"
ESCAPE = "\x1b[31m\x1b]0;owned\x07\x9b2J"
TURNED = "\u202egnp.exe\u2066"
PIECES = [
    *("graph", "policy", "privacy", "diffusion", "Ann", "author1", "studies", "the", "GNN", "self-supervised", "2022"),
    *(
        "title:",
        "author:",
        "keyword:",
        "year:",
        "decision:",
        "has:code",
        "tag:",
        "-tag:",
        "id:",
        "category:",
        "venue:",
        "x:",
    ),
    *(
        '"',
        "'",
        '""',
        "-",
        "--",
        "|",
        "||",
        "..",
        "2020..2022",
        "..",
        "9999..1000",
        ":",
        "::",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
    ),
    *(
        "\x00",
        "\x07",
        "\x1b[2J",
        "\x9b31m",
        "\r\n",
        "\t",
        "\u2028",
        "\u202e",
        "\u200d",
        "\ufeff",
        "\ufffd",
        "\ud800",
        "\udfff",
    ),
    *(
        "٣٤٥",
        "שלום עולם",
        "مرحبا",
        "見出し",
        "е̄",
        "Å",
        "ﬁ",
        "İ",
        "ß",
        "👩‍👩‍👧‍👦",
        "🏴",
        "\U0010ffff",
        "\u0301" * 40,
        "\u0e47" * 40,
    ),
    *(
        "' OR 1=1 --",
        "'; DROP TABLE papers; --",
        "%' UNION SELECT record FROM papers --",
        "* NEAR/2 *",
        "AND OR NOT",
        "$1",
    ),
    *(
        "../../../../etc/passwd",
        "..\\..\\windows",
        "file:///etc/passwd",
        "/dev/zero",
        "%2e%2e%2f",
        "~",
        "C:\\con",
        "\\\\host\\x",
    ),
    *(
        "(a+)+$",
        "(.*)*" * 30,
        "a" * 300 + "!",
        "[" * 200,
        "^" * 99,
        "\\" * 99,
        "?" * 99,
        "*" * 99,
        "{1,99999}",
        "$x_{1}^2$",
    ),
    *(
        SCRIPT,
        "<img src=x onerror=alert(1)>",
        "javascript:alert(1)",
        "{{7*7}}",
        "${7*7}",
        "%s%n",
        "{0.__class__}",
        "&amp;&#x0;",
    ),
    *(
        "https://[::1",
        "http://a b/",
        "https://openreview.net/forum?id=" + "&id=" * 99,
        "arxiv:2102.07033v999",
        "10.1234/((((",
    ),
    *("1e999", "NaN", "-0", "0x7f", "1" * 400, "²", "½", "-1", "inf"),
]
TEXTS = ("title", "abstract", "tldr", "venue", "track", "source")
LISTS = ("authors", "keywords", "code_urls", "references", "categories")


def text(draw: random.Random, most: int = 8) -> str:
    """Some pieces, run together or apart; now and then an enormous one."""
    joined = draw.choice(["", " ", " ", " "]).join(draw.choice(PIECES) for _ in range(draw.randint(0, most)))
    if draw.random() < 0.1:
        joined += "".join(chr(draw.randrange(0x110000)) for _ in range(draw.randint(1, 20)))
    if draw.random() < 0.003:
        joined *= draw.choice([10, 1_000])
    return joined


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library.create(tmp_path_factory.mktemp("hostile") / "library") as library:
        library.add(made_papers(60))
        library.tag("to-read", ["p0000", "p0004"])
        yield library


# -- what comes in -----------------------------------------------------------------------------------------------------


def test_queries(library: Library) -> None:
    """Every query is answered; what is refused (a mode, a filter, a cursor) is refused in words of ours."""
    draw = random.Random(1)
    answered = 0
    for _ in range(QUERIES):
        query = text(draw)
        options: dict[str, Any] = {}
        if draw.random() < 0.2:
            options["mode"] = draw.choice(["lexical", "dense", "convex", "rrf"])
        page = library.search(query, k=draw.choice([1, 3, 10]), **options)
        assert all(hit.paper.title for hit in page)
        answered += bool(page)
    assert answered > 0.2 * QUERIES  # the generator is not all noise


@pytest.mark.parametrize(
    "ask",
    [
        lambda library, said, draw: library.search("graph", mode=said),
        lambda library, said, draw: library.search("graph", cursor=said),
        lambda library, said, draw: library.search("graph", where={said: said}),
        lambda library, said, draw: library.search("graph", where={draw.choice(FILTERS): [said]}),
        lambda library, said, draw: library.search("graph", where={draw.choice(FILTERS): (said, said)}),
        lambda library, said, draw: library.search("graph", where={draw.choice(FILTERS): draw.choice(NUMBERS)}),
        lambda library, said, draw: library.similar(said),
        lambda library, said, draw: library[said],
        lambda library, said, draw: library.tag(said, ["p0001"]),
        lambda library, said, draw: library.tag("odd", [said]),
        lambda library, said, draw: library.untag(said, [said]),
        lambda library, said, draw: library.tagged(said),
        lambda library, said, draw: library.recommend(said),
        lambda library, said, draw: library.write_note("p0002", said),
        lambda library, said, draw: library.write_note(said, said),
        lambda library, said, draw: library.mark_seen([said]),
        lambda library, said, draw: library.save_search(said, said),
        lambda library, said, draw: library.experts(said),
        lambda library, said, draw: library.trends(said),
        lambda library, said, draw: library.stats(said, draw.choice(NUMBERS)),
        lambda library, said, draw: library.digest(since=said, until=said, by=said),
        lambda library, said, draw: library.digest(by=said),
        lambda library, said, draw: library.remove([said]),
        lambda library, said, draw: library.cache_file(said),
    ],
)
def test_what_is_asked_of_a_library(library: Library, ask: Callable[[Library, str, random.Random], object]) -> None:
    """Every method answers, or refuses with an error of the navigator."""
    draw = random.Random(2)
    for _ in range(25):
        with contextlib.suppress(NavigatorError):
            ask(library, text(draw, 3), draw)
    assert len(library) == 60


FILTERS = [
    "id",
    "venue",
    "year",
    "decision",
    "rating",
    "citations",
    "published",
    "author",
    "keyword",
    "has_code",
    "accepted",
]
NUMBERS: list[Any] = [0, -1, 2022, 10**400, 1e308, float("inf"), float("nan"), True, None, b"x", [], {}, "2022"]


@pytest.mark.parametrize(
    "written",
    [
        '[0, 1e999, "a", 1]',
        '[0, NaN, "a", 1]',
        "[0, 1" + "0" * 400 + ', "a", 1]',
        "[" * 20_000,
        '[0, 0, "a", 1' + "0" * 300 + "]",
        '[0, 0, "\\ud800", 1]',
        '[true, 0, "a", true]',
        '[0, [], "a", 1]',
        '{"tier": 0}',
        "null",
    ],
)
def test_cursors_that_no_page_gave(library: Library, written: str) -> None:
    cursor = base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")
    with contextlib.suppress(NavigatorError):
        library.search("graph", cursor=cursor)


def record(draw: random.Random, number: int) -> dict[str, Any]:
    """A record of which some fields are what they should be, and some are not."""
    odd: list[Any] = [None, 0, -1, 10**400, 1e308, float("nan"), True, b"x", [], {}, [None], [[]], "", object()]
    values: dict[str, Any] = {"id": f"hostile-{number}", "title": text(draw)}
    for name in draw.sample(TEXTS, 2):
        values[name] = text(draw)
    for name in draw.sample(LISTS, 2):
        values[name] = [text(draw, 2) for _ in range(draw.randint(0, 3))]
    values["urls"] = {text(draw, 1): text(draw, 2)}
    values["raw"] = {text(draw, 1): text(draw, 2), "room": text(draw, 1)}
    if draw.random() < 0.5:
        values[
            draw.choice([*TEXTS, *LISTS, "id", "year", "ratings", "history", "published", "citations", "urls", "raw"])
        ] = draw.choice([*odd, text(draw)])
    if draw.random() < 0.01:
        values["abstract"] = "enormous " * 200_000
    return values


def test_records(library: Library) -> None:
    """A record becomes a paper or is refused by name; a paper keeps through JSON, the store, and every export."""
    draw = random.Random(3)
    papers = []
    for number in range(RECORDS):
        with contextlib.suppress(NavigatorError):
            papers.append(Paper.from_dict(record(draw, number)))
    assert 0.2 * RECORDS < len(papers) < RECORDS
    for paper in papers:
        assert Paper.from_dict(json.loads(json.dumps(paper.as_dict()))) == paper
        for shown in (paper.title, *paper.authors, paper.abstract, *paper.urls.values()):
            assert not re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", shown)
    with Library.in_memory() as other:
        report = other.add(papers)
        assert report.new == len({paper.id for paper in papers})
        assert {paper.id: paper for paper in other.papers()} == {paper.id: paper for paper in papers}
        for paper in papers[:50]:
            assert paper.id in [hit.paper.id for hit in other.search(f"id:{paper.id}", k=1)]
            other.similar(paper.id)


# -- what goes out -----------------------------------------------------------------------------------------------------

TITLES = [
    f"Owned {SCRIPT} network",
    f"Escaped {ESCAPE} network",
    f"Turned {TURNED} network",
    "[bold red]Marked[/] up [/nothing] network [link=https://example.org]x[/link]",
    "=cmd|' /C calc'!A0 network",
    "{Braces} \\input{/etc/passwd} & 100% network_of #1 $x$ ~ ^",
    "\"'><svg/onload=alert(1)> network",
    "]]> <!-- --> <![CDATA[ network",
    "</title></script><script>alert(1)</script> network",
    "TY  - BOOK network ER  - ",
    "**stars** `code` [a](javascript:alert(1)) ![b](x) # network",
    "{{ 7 * 7 }} {% raw %} ${x} network",
]


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A library of papers all of whose texts are hostile."""
    papers = [
        Paper(
            id=f"bad-{number}",
            title=title,
            authors=(title, f"Ann {ESCAPE} {SCRIPT}"),
            abstract=f"We attack. {title}. {SCRIPT} {ESCAPE} {TURNED} is a sentence on the network.",
            keywords=(title, SCRIPT, "network"),
            tldr=f"{title} in short.",
            venue="<b>CONF</b>",
            year=2022,
            decision="Oral",
            published=f"2022-03-{number + 1:02d}",
            urls={"paper": "javascript:alert(1)", "review": f'https://example.org/"onmouseover="alert(1)/{number}'},
            code_urls=("javascript:alert(1)",),
        )
        for number, title in enumerate(TITLES)
    ]
    with Library.create(tmp_path_factory.mktemp("bad") / "library") as library:
        library.add([*papers, *made_papers(24)])
        library.tag("bad", ["bad-0", "bad-1"])
        yield library


COMMANDS = [
    ["find", "network", "-k", "20"],
    ["find", f"network {ESCAPE} year:{ESCAPE}"],
    ["find", "--all"],
    ["similar", "bad-0"],
    ["similar", f"nobody{ESCAPE}"],
    ["tag", "show", "bad"],
    ["tag", "show", f"{ESCAPE}"],
    ["tag", "recommend", "bad"],
    ["stats"],
    ["stats", "<b>CONF</b>", "2022"],
    ["stats", f"{ESCAPE}"],
    ["digest", "--by", "bad"],
    ["digest", "--format", "markdown"],
    ["sync", f"{ESCAPE}.csv"],
    ["find", "--mode", ESCAPE],
    ["find", f"--{ESCAPE}"],
    [f"{ESCAPE}"],
]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
STEERING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.mark.parametrize(
    "command", COMMANDS, ids=lambda command: " ".join(command)[:30].encode("unicode_escape").decode()
)
def test_no_title_steers_a_terminal(bad: Library, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from paperwright.cli import main

    library = [] if command[0].startswith(ESCAPE) else ["--library", str(bad.directory)]
    code = main([*command, *library])
    said = capsys.readouterr()
    assert code in (0, 2)
    for shown in (said.out, said.err):
        assert not STEERING.search(shown), ascii(shown)
        assert "Traceback" not in shown
    if command[0] == "find" and code == 0:
        assert said.out.count("\n") == sum(line.count("\t") == 5 for line in said.out.splitlines())


def test_no_title_steers_a_real_terminal(bad: Library) -> None:
    outside, inside = pty.openpty()
    try:
        command = [sys.executable, "-m", "paperwright", "find", "network", "-k", "20", "--library", str(bad.directory)]
        environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm-256color"}
        done = subprocess.run(command, stdout=inside, stderr=subprocess.PIPE, env=environment, check=False)
    finally:
        os.close(inside)
    read = b""
    try:
        while part := os.read(outside, 65536):
            read += part
    except OSError:  # nothing more to come
        pass
    os.close(outside)
    assert done.returncode == 0, done.stderr
    page = read.decode()
    assert "\x1b[1m" in page  # titles are bold
    assert not STEERING.search(COLOUR.sub("", page).replace("\r\n", "\n"))
    assert "[bold red]Marked[/] up [/nothing] network" in COLOUR.sub("", page)


def test_json_for_programs_is_ascii(bad: Library, capsys: pytest.CaptureFixture[str]) -> None:
    from paperwright.cli import main

    assert main(["find", "network", "--all", "--json", "--library", str(bad.directory)]) == 0
    out = capsys.readouterr().out
    assert out.isascii()
    assert not STEERING.search(out)
    titles = {hit["paper"]["title"] for hit in json.loads(out)["hits"]}
    assert f"Owned {SCRIPT} network" in titles


def live(page: str) -> list[str]:
    """Mark-up in a page that the titles would have put there."""
    signs = ["<script>alert", "<svg/onload", "<img src=x", 'href="javascript:', "href='javascript:", 'src="javascript:']
    signs += ['"onmouseover="', "<b>CONF</b>", "href=javascript:"]
    return [sign for sign in signs if sign in page]


@pytest.mark.parametrize("form", ["html", "atom"])
def test_no_title_is_mark_up_in_a_digest(bad: Library, form: str) -> None:
    digest = bad.digest(n=20, by="bad")
    page = getattr(digest, form)()
    assert not live(page)
    if form == "atom":
        from lxml import etree

        etree.fromstring(page.encode())


def test_no_title_is_mark_up_on_the_map(bad: Library, tmp_path: Path) -> None:
    bad.map().write_html(tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert not live(page)
    assert page.count("</script>") == page.count("<script")


def test_no_title_is_more_than_a_title_in_an_export(bad: Library, tmp_path: Path) -> None:
    import bibtexparser
    from lxml import etree

    papers = [bad[f"bad-{number}"] for number in range(len(TITLES))]
    for ending in ("bib", "ris", "csv", "json", "atom"):
        bad.export(papers, tmp_path / f"bad.{ending}")

    def read(ending: str) -> str:
        return (tmp_path / f"bad.{ending}").read_bytes().decode()

    rows = list(csv.reader(io.StringIO(read("csv"))))
    assert len(rows) == len(papers) + 1
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    assert [paper["title"] for paper in json.loads(read("json"))] == [paper.title for paper in papers]
    assert len(etree.fromstring(read("atom").encode()).findall("{*}entry")) == len(papers)
    assert not live(read("atom"))
    parsed = bibtexparser.parse_string(read("bib"))
    assert len(parsed.entries) == len(papers)
    assert not parsed.failed_blocks
    assert read("ris").count("\nER  - ") + read("ris").startswith("ER  - ") == len(papers)
    assert len(re.findall(r"^TY  - ", read("ris"), re.MULTILINE)) == len(papers)


# -- the server --------------------------------------------------------------------------------------------------------

OURS = {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}
PLACES = [
    *("/api/search?q={}", "/api/search?q=graph&{}={}", "/api/search?q=graph&cursor={}", "/api/search?q=graph&k={}"),
    *(
        "/api/search?year={}",
        "/api/search?rating={}",
        "/api/search?published={}",
        "/api/search?decision={}&facets=true",
    ),
    *("/api/papers/{}", "/api/papers/{}/similar", "/api/facets?q={}", "/api/trends?term={}", "/api/experts?q={}"),
    *("/api/stats/{}/{}", "/api/stats/CONF/{}", "/api/recommend/{}", "/api/digest?since={}", "/api/digest?by={}"),
    *("/api/export?format={}", "/api/export?format=bib&q={}", "/feed/{}.atom", "/api/map?tile={}", "/api/tags/{}"),
    *("/{}", "/static/{}", "/static/../{}", "/papers/{}", "/?q={}", "/lists/{}", "/rooms/{}", "/topics/{}", "/api/{}"),
    *("/conferences/{}/{}", "/trends?term={}", "/experts?q={}", "/digest?since={}", "/help?{}={}", "/..%2f..%2f{}"),
    *("/change/tag?{}={}", "/change/note", "/map/canvas?{}", "/api/topics?{}={}"),
]


@pytest.fixture(scope="module")
def server(library: Library) -> Iterator[Any]:
    from starlette.testclient import TestClient

    from paperwright.web import create_app

    app = create_app(library)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


def test_addresses(server: Any) -> None:
    """Whatever is asked, the server answers with 4xx at most, and shows no traceback and no file but its own."""
    draw = random.Random(4)

    def piece() -> str:
        said = text(draw, 3)[:600].encode("utf-8", "surrogatepass")
        return quote(said, safe=draw.choice(["", "", "/.?&=%"]))

    for _ in range(ADDRESSES):
        place = draw.choice(PLACES)
        address = place.format(*(piece() for _ in range(place.count("{}"))))
        method = draw.choice(["GET"] * 8 + ["PUT", "DELETE", "POST", "HEAD"])
        try:
            answer = server.request(method, address, headers=OURS if draw.random() < 0.8 else {})
        except ValueError:  # httpx itself will not send it
            continue
        assert answer.status_code < 500, f"{method} {address!a}: {answer.status_code} {answer.text[:300]}"
        assert "Traceback" not in answer.text, address
        assert "root:x:" not in answer.text, address
        if answer.status_code >= 400 and answer.url.path.startswith("/api/") and method == "GET":
            assert set(answer.json()["error"]) == {"code", "message", "hint"}
    assert server.get("/api/search?q=graph").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", ""])
def test_a_strange_host_is_refused(server: Any, host: str) -> None:
    assert server.get("/api/search?q=graph", headers={"Host": host}).status_code in (400, 403, 421)


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
def test_nothing_changes_at_the_wish_of_another_site(server: Any, library: Library, headers: dict[str, str]) -> None:
    before = library.tags()
    for method in ("PUT", "DELETE"):
        assert server.request(method, "/api/tags/to-read/p0001", headers=headers).status_code in (400, 403)
    assert library.tags() == before


def test_no_title_is_mark_up_on_a_page(bad: Library) -> None:
    from starlette.testclient import TestClient

    from paperwright.web import create_app

    with TestClient(create_app(bad), base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        conference = quote("<b>CONF</b>", safe="")
        places = [
            "/",
            "/?q=network",
            f"/?q={quote(SCRIPT)}",
            "/lists",
            "/lists/bad",
            "/digest?by=bad",
            "/map",
            "/topics",
        ]
        places += [f"/papers/bad-{number}" for number in range(len(TITLES))]
        places += ["/conferences", f"/conferences/{conference}/2022", "/topics/0", "/experts?q=network"]
        places += [f"/trends?term={quote(SCRIPT)}", "/api/digest?format=html", "/api/export?format=atom&q=network"]
        seen = []
        for place in places:
            answer = client.get(place)
            assert answer.status_code < 500, place
            if "html" in answer.headers["content-type"]:
                seen += [place] if answer.status_code == 200 else []
                assert not live(answer.text), place
                assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert len(seen) >= len(places) - 4, seen
