"""The navigator's commands, as a user or a script meets them: what they print, how they fail, how they stop."""

import csv
import json
import os
import pty
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from navigator_records import made_papers

from paperwright.cli import NAVIGATOR, WEB, main, navigator_commands, web_commands
from paperwright.navigator.library import Library
from paperwright.navigator.paper import Paper
from paperwright.navigator.sources import Batch

DATA = os.environ.get("PAPERWRIGHT_DATA")
ROOM_TITLE = "Understanding over-squashing and bottlenecks on graphs via curvature"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of sixty papers, to read only."""
    path = tmp_path_factory.mktemp("navigator") / "library"
    room = Paper(id="7UmjRGzp-A", title=ROOM_TITLE, year=2022, venue="ICLR", published="2022-01-28")
    with Library.create(path) as library:
        library.add([*made_papers(60), room])
    return path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A small library to write to."""
    with Library.create(tmp_path / "own") as library:
        library.add(made_papers(24))
    return tmp_path / "own"


@pytest.fixture(autouse=True)
def no_other_library(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERWRIGHT_LIBRARY", str(tmp_path / "users"))
    monkeypatch.setenv("PAPERWRIGHT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("PAPERWRIGHT_DATA", raising=False)


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command here: exit code, what it printed, and what it said beside."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


# -- help --------------------------------------------------------------------------------------------------------------


def test_the_help_lines_of_the_navigator_are_those_of_its_commands() -> None:
    assert {
        name: command.help.splitlines()[0] for name, command in (navigator_commands() | web_commands()).items()
    } == NAVIGATOR | WEB


@pytest.mark.parametrize("command", [[name] for name in NAVIGATOR | WEB] + [["tag", "add"], ["tag", "recommend"]])
def test_every_command_has_a_page_of_help(command: list[str], run: Run) -> None:
    code, page, _ = run(*command, "--help")
    assert code == 0
    assert " ".join(page.split()).startswith(f"Usage: paperwright {' '.join(command)} ")


def test_help_needs_neither_numpy_nor_an_index() -> None:
    code = (
        "import sys\nfrom paperwright.cli import main\nmain(['find', '--help'])\n"
        "sys.exit(str(sorted({'numpy', 'scipy', 'bm25s', 'sklearn', 'fastapi', 'torch'} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "[]\n"


# -- find --------------------------------------------------------------------------------------------------------------


def test_find_in_a_pipe_is_a_line_for_each_hit(run: Run, folder: Path) -> None:
    code, out, err = run("find", "spectral", "graph", "molecule", "-k", 5, "--library", folder)
    rows = [line.split("\t") for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert len(rows) == 5
    assert all(len(row) == 6 for row in rows)
    scores = [float(row[1]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert all("CONF 2022" in row[2] for row in rows)
    assert "graph" in rows[0][4]  # why


def test_a_hit_that_has_a_room_says_how_to_check_its_claims(run: Run, folder: Path) -> None:
    # The record knows nothing of a room: it is found by its title, or by its forum.
    _, out, _ = run("find", "over-squashing bottlenecks curvature", "-k", 1, "--library", folder)
    assert out.rstrip("\n").split("\t")[-1] == "paperwright check sdrf"
    _, out, _ = run("find", "--json", "over-squashing bottlenecks curvature", "-k", 1, "--library", folder)
    assert json.loads(out)["hits"][0]["check"] == "paperwright check sdrf"
    _, out, _ = run("find", "privacy audit", "-k", 1, "--library", folder)
    assert out.rstrip("\n").split("\t")[-1] == ""


def test_without_a_library_the_embedded_one_is_searched(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("find", ROOM_TITLE, "-k", 1)
    assert code == 0
    assert out.split("\t")[3] == ROOM_TITLE
    assert out.rstrip("\n").endswith("paperwright check sdrf")
    assert not (tmp_path / "users").exists()


def test_pages_joined_are_the_whole_list(run: Run, folder: Path) -> None:
    _, out, _ = run("find", "graph", "--all", "--json", "--library", folder)
    whole = json.loads(out)
    assert whole["next_cursor"] is None
    assert len(whole["hits"]) == whole["total"]
    ids: list[str] = []
    cursor: list[str] = []
    while True:
        _, out, _ = run("find", "graph", "-k", 4, "--json", "--library", folder, *cursor)
        page = json.loads(out)
        ids += [hit["paper"]["id"] for hit in page["hits"]]
        if page["next_cursor"] is None:
            break
        cursor = ["--cursor", page["next_cursor"]]
    assert ids == [hit["paper"]["id"] for hit in whole["hits"]]


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        (["--decision", "oral"], lambda paper: paper.decision == "Oral"),
        (["--decision", "Oral", "--decision", "Poster"], lambda paper: paper.decision in ("Oral", "Poster")),
        (["--accepted"], lambda paper: paper.accepted),
        (["--not-accepted"], lambda paper: not paper.accepted),
        (["--venue", "conf"], lambda paper: paper.venue == "CONF"),
        (["--year", "2022"], lambda paper: paper.year == 2022),
        (["--year", "..2021"], lambda paper: (paper.year or 9999) <= 2021),
        (["--citations", "5.."], lambda paper: (paper.citations or 0) >= 5),
        (["--citations", "2..3"], lambda paper: paper.citations in (2, 3)),
        (["--rating", "1.."], lambda paper: bool(paper.ratings)),
        (["--keyword", "Privacy"], lambda paper: "privacy" in paper.keywords),
        (["--author", "author3"], lambda paper: "Ann Author3" in paper.authors),
        (["--no-code"], lambda paper: not paper.code_urls),
        (["--published", "2022-03"], lambda paper: (paper.published or "")[:7] == "2022-03"),
        (["--published", "2022-02..2022-04"], lambda paper: "2022-02" <= (paper.published or "")[:7] <= "2022-04"),
        (["--published", "..2022-01-28"], lambda paper: (paper.published or "9") <= "2022-01-28"),
    ],
)
def test_filters(run: Run, folder: Path, options: list[str], passes: Callable[[Paper], bool]) -> None:
    code, out, err = run("find", *options, "--all", "--json", "--library", folder)
    assert code == 0, err
    with Library.open(folder) as library:
        expected = {paper.id for paper in library.papers() if passes(paper)}
    assert {hit["paper"]["id"] for hit in json.loads(out)["hits"]} == expected


def test_what_was_not_understood_is_said_apart(run: Run, folder: Path) -> None:
    code, out, err = run("find", "year:soon graph", "--library", folder)
    assert code == 0
    assert err.startswith("paperwright: 'year:soon' was searched as text")
    assert out.count("\n") == 10


def test_nothing_found_is_said_and_no_error(run: Run, folder: Path) -> None:
    code, out, err = run("find", "graph", "--year", "1999", "--library", folder)
    assert (code, out) == (0, "")
    assert err == "paperwright: no paper was found; try fewer filters\n"


@pytest.mark.parametrize("ending", ["bib", "ris", "csv", "json", "atom"])
def test_export(run: Run, folder: Path, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"found.{ending}"
    code, out, err = run("find", "graph", "-k", 7, "--export", target, "--library", folder)
    assert (code, out) == (0, "")
    assert err == f"paperwright: 7 papers written to {target}\n"
    marks = {"bib": "@", "ris": "ER  -", "csv": "\n", "json": '"title"', "atom": "<entry"}
    assert target.read_text(encoding="utf-8").count(marks[ending]) >= 7
    again = tmp_path / "other.name"
    assert run("similar", "p0000", "--export", again, "--format", ending, "--library", folder)[0] == 0
    assert again.stat().st_size > 0


def test_what_was_exported_comes_in_again(run: Run, folder: Path, tmp_path: Path) -> None:
    run("find", "--all", "--export", tmp_path / "all.json", "--library", folder)
    code, out, _ = run("sync", tmp_path / "all.json", "--library", tmp_path / "copy", "--json")
    assert code == 0
    assert json.loads(out)["new"] == 61
    with Library.open(folder) as before, Library.open(tmp_path / "copy") as after:
        assert list(before.papers()) == list(after.papers())


def in_a_terminal(*arguments: str | Path) -> str:
    """What a command writes to a terminal."""
    outside, inside = pty.openpty()
    try:
        environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm-256color"}
        command = [sys.executable, "-m", "paperwright", *map(str, arguments)]
        done = subprocess.run(command, stdout=inside, stderr=subprocess.PIPE, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        os.close(inside)
        inside = -1
        read = b""
        try:
            while part := os.read(outside, 65536):
                read += part
        except OSError:  # nothing more to come
            pass
        return read.decode()
    finally:
        os.close(outside)
        if inside >= 0:
            os.close(inside)


def test_find_in_a_terminal(folder: Path) -> None:
    page = re.sub(r"\x1b\[[0-9;]*m", "", in_a_terminal("find", "curvature bottlenecks", "-k", "2", "--library", folder))
    lines = [line.strip() for line in page.splitlines()]
    assert lines[0] == f"1. {ROOM_TITLE}"
    assert any(line.startswith("ICLR 2022") and "7UmjRGzp-A" in line for line in lines)
    assert "its claims: paperwright check sdrf" in lines
    assert re.fullmatch(r"\d+ of \d+, in \d+ ms", lines[-1])


# -- misuse ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["find", "graph", "--mode", "psychic"], 2, "mode is one of auto"),
        (["find", "graph", "-k", "0"], 2, "k is how many papers"),
        (["find", "graph", "--year", "soon"], 2, "--year wants a number or a range"),
        (["find", "graph", "--rating", "nan"], 2, "--rating wants numbers"),
        (["find", "graph", "--rating", ".."], 2, "--rating wants a value or a range"),
        (["find", "graph", "--published", "yesterday"], 2, "--published wants dates"),
        (["find", "graph", "--published", "2022-13"], 2, "there is no date '2022-13'"),
        (["find", "graph", "--decision", "maybe"], 2, "--decision: there is no 'maybe'"),
        (["find", "graph", "--cursor", "c3VycHJpc2U"], 2, "a cursor is the next_cursor of a page"),
        (["find", "graph", "--export", "hits.doc"], 2, "names no format"),
        (["find", "graph", "--export", "hits.bib", "--format", "doc"], 2, "there is no format 'doc'"),
        (["find", "graph", "--export", "no/such/folder/hits.bib"], 4, "no/such/folder"),
        (["similar", "nobody"], 2, "the library has no paper with the id 'nobody'"),
        (["stats", "NIPS"], 2, "conferences in it: CONF 2022"),
        (["stats", "CONF", "1999"], 2, "conferences in it: CONF 2022"),
        (["digest", "--format", "pdf"], 2, "--format is one of text"),
        (["digest", "--since", "spring"], 2, "spring"),
        (["tag", "show", "nothing-yet"], 2, "no paper is under 'nothing-yet'; tags: none yet"),
        (["tag", "remove", "nothing-yet"], 2, "no paper is under 'nothing-yet'"),
        (["tag", "recommend", "nothing-yet"], 2, "no paper is under the tag 'nothing-yet'"),
        (["tag", "add", "to-read", "nobody"], 2, "the library has no paper with the id 'nobody'"),
        (["tag", "add", "../../etc", "p0001"], 2, "a name is 1 to 60 letters"),
        (["sync", "nowhere:at/all"], 2, "names no source"),
        (["sync", "missing.csv"], 2, "missing.csv"),
        (["map", "--html", "no/such/folder/map.html"], 4, "no/such/folder"),
    ],
)
def test_misuse_is_one_line(
    run: Run, own: Path, arguments: list[str], code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own.parent)
    found, out, err = run(*arguments, "--library", own)
    assert (found, out) == (code, "")
    assert err.startswith("paperwright: ")
    assert err.count("\n") == 1
    assert words in err


@pytest.mark.parametrize("command", [["find", "x"], ["stats"], ["tag", "list"], ["rebuild"], ["serve", "--port", "0"]])
def test_a_library_that_is_not_there(run: Run, tmp_path: Path, command: list[str]) -> None:
    code, _, err = run(*command, "--library", tmp_path / "missing")
    assert code == 4
    assert err.startswith(f"paperwright: there is no library in {tmp_path / 'missing'}")
    assert err.count("\n") == 1


def test_a_folder_of_other_things_is_no_library(run: Run, tmp_path: Path) -> None:
    (tmp_path / "records.sqlite").write_text("not a database, but long enough to look like a file with something in it")
    for command in (["find", "x"], ["sync", "cards"], ["tag", "list"]):
        code, _, err = run(*command, "--library", tmp_path)
        assert code == 4, command
        assert err.count("\n") == 1


# -- sync --------------------------------------------------------------------------------------------------------------


def test_sync_of_a_table_twice(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "papers.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "abstract", "year"])
        writer.writerows([[f"t{n}", f"Paper number {n} on rivers", "Water flows downhill.", 2020] for n in range(30)])
        writer.writerow(["bad", "", "no title", 2020])
    code, out, err = run("sync", table, "--library", tmp_path / "new")
    assert code == 0, err
    assert "30 new, 0 changed, 0 as they were, 1 rejected" in out
    assert f"30 papers in {tmp_path / 'new'}" in out
    assert "paperwright: left out: " in err
    code, out, _ = run("sync", table, "--library", tmp_path / "new", "--json")
    said = json.loads(out)
    assert (said["new"], said["same"], said["papers"]) == (0, 30, 30)
    assert run("sync", table, "--library", tmp_path / "new", "--index", "lance")[0] == 2


class Interrupted:
    """A source of forty papers in four batches, which is interrupted, or cut off, behind some of them."""

    name = "table of forty"

    def __init__(self, after: int | None, error: BaseException | None = None) -> None:
        self.after, self.error = after, error

    def batches(self, cursor: str | None = None) -> Iterator[Batch]:
        papers = made_papers(40)
        for number in range(int(cursor or 0), 4):
            if number == self.after and self.error is not None:
                raise self.error
            following = None if number == 3 else str(number + 1)
            yield Batch(tuple(papers[10 * number : 10 * number + 10]), following, done=10 * number + 10, total=40)


def test_sync_takes_the_columns_that_it_is_told_and_names_those_it_did_not_use(run: Run, tmp_path: Path) -> None:
    path, folder = tmp_path / "table.csv", tmp_path / "library"
    path.write_text("Heading,Published in,Mood\nCounting tides,2019,calm\n")
    code, _, err = run("sync", path, "--library", folder)
    assert code == 2
    assert "--columns title=NAME" in err
    columns = ["--columns", "title=Heading", "--columns", "year=Published in"]
    code, out, err = run("sync", path, *columns, "--library", folder)
    assert code == 0
    assert out.startswith(f"csv:{path}: 1 new, 0 changed, 0 as they were\n")
    assert err == "paperwright: table.csv: not used: Mood\n"
    with Library.open(folder) as library:
        assert [(paper.title, paper.year) for paper in library] == [("Counting tides", 2019)]


def test_a_table_that_cannot_be_decoded_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    path, folder = tmp_path / "table.csv", tmp_path / "library"
    path.write_bytes(b"id,title\n" + "".join(f"{n},T\n" for n in range(2_000)).encode() + b"x,na\x8dve\n")
    code, _, err = run("sync", path, "--library", folder)
    assert code == 2
    assert "table.csv is neither UTF-8 nor cp1252 throughout" in err
    assert not folder.exists()


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (None, 4)])
def test_an_interrupted_sync_goes_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException | None, code: int
) -> None:
    from paperwright.navigator import sources
    from paperwright.navigator.errors import SourceError

    error = error or SourceError("the server is gone", "2")
    monkeypatch.setattr(sources, "open_source", lambda text, **_: Interrupted(2, error))
    found, out, err = run("sync", "forty", "--library", tmp_path / "new")
    assert (found, out) == (code, "")
    assert err.endswith("; 20 new papers are in, and the same command goes on from there\n")
    assert err.strip().count("\n") == 0  # Rich before 14.3 leaves an empty line where its bar was
    monkeypatch.setattr(sources, "open_source", lambda text, **_: Interrupted(None))
    found, out, err = run("sync", "forty", "--library", tmp_path / "new", "--json")
    assert found == 0
    assert "going on from 2" in err
    assert {name: json.loads(out)[name] for name in ("new", "same", "papers")} == {"new": 20, "same": 0, "papers": 40}


SLOW = """
import sys, time
sys.path[:0] = {path!r}
from navigator_records import made_papers
from paperwright.cli import main
from paperwright.navigator import sources

class Slow:
    name = "slow"
    def batches(self, cursor=None):
        papers = made_papers(400)
        for number in range(int(cursor or 0), 40):
            yield sources.Batch(tuple(papers[10 * number : 10 * number + 10]), str(number + 1) if number < 39 else None)
            print(number, flush=True)
            time.sleep(0.2)

sources.open_source = lambda text, **_: Slow()
sys.exit(main(["sync", "slow", "--library", {library!r}]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_ctrl_c_and_kill_leave_what_is_there(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    library = tmp_path / "new"
    script = SLOW.format(path=[str(Path(__file__).parents[1])], library=str(library))
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(3)] == ["0\n", "1\n", "2\n"]
        process.send_signal(sent)
        _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "Traceback" not in err
    if sent == signal.SIGINT:
        assert "stopped; " in err
        assert err.strip().count("\n") == 0
    with Library.open(library) as opened:
        held = len(opened)
        assert held % 10 == 0
        assert held >= 20
        assert opened.records.cursor("slow") == str(held // 10)
        assert len(opened.search("graph", k=100, mode="lexical")) > 0


# -- the whole ---------------------------------------------------------------------------------------------------------


def test_stats(run: Run, folder: Path) -> None:
    code, out, err = run("stats", "--library", folder)
    assert code == 0
    assert out.splitlines() == ["60\tCONF 2022", "1\tICLR 2022"]
    assert "`paperwright stats VENUE YEAR`" in err
    for which in (["conf"], ["CONF", "2022"]):
        code, out, _ = run("stats", *which, "--library", folder)
        assert code == 0
        assert out.startswith("CONF 2022\n")
        assert re.search(r"accepted +40 +records", out)
    _, out, _ = run("stats", "CONF", "2022", "--json", "--library", folder)
    assert json.loads(out)["decisions"] == {"Oral": 20, "Poster": 20, "Reject": 20}


def test_the_article_s_figures_of_iclr_2022(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded library with the conference's records says what the source article says."""
    if not DATA:
        pytest.skip("needs PAPERWRIGHT_DATA")
    monkeypatch.setenv("PAPERWRIGHT_DATA", DATA)
    code, out, err = run("stats", "ICLR", "2022", "--json")
    assert code == 0, err
    figures = {figure["name"]: figure for figure in json.loads(out)["figures"]}
    assert figures["submissions in the records"]["value"] == 3328
    for name, value in (("Oral", 54), ("Spotlight", 176), ("Poster", 865), ("accepted", 1095), ("Reject", 1580)):
        assert figures[name]["value"] == value
        assert figures[name]["agrees"] in (True, None)


def test_the_map_is_one_page(run: Run, folder: Path, tmp_path: Path) -> None:
    code, out, err = run("map", "--html", tmp_path / "map.html", "--library", folder)
    assert code == 0, err
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert not re.search(r"""(?:src|href)=["']https?://(?!example\.org|openreview\.net|arxiv\.org)""", page)
    assert err == f"paperwright: the map: {tmp_path / 'map.html'}\n"
    assert sum(int(line.split("\t")[0]) for line in out.splitlines()) <= 61
    _, out, _ = run("map", "--html", tmp_path / "map.html", "--json", "--library", folder)
    assert json.loads(out)["papers"] == 61


@pytest.mark.parametrize(
    ("form", "mark"), [("text", ""), ("markdown", "#"), ("html", "<html"), ("atom", "http://www.w3.org/2005/Atom")]
)
def test_digest(run: Run, own: Path, tmp_path: Path, form: str, mark: str) -> None:
    run("tag", "add", "to-read", "p0000", "p0004", "--library", own)
    period = ["--since", "2022-02-01", "--until", "2022-06-30", "-n", "3", "--by", "to-read", "--format", form]
    code, out, err = run("digest", *period, "--library", own)
    assert (code, err) == (0, "")
    assert mark in out
    assert out.count("study") >= 1
    if form != "atom":  # a feed has entries only
        assert "less like those under to-read than the average" in " ".join(out.replace("*", "").split())
    code, out, err = run("digest", *period, "--out", tmp_path / "digest", "--library", own)
    assert (code, out) == (0, "")
    assert mark in (tmp_path / "digest").read_text(encoding="utf-8")


def test_a_reading_list(run: Run, own: Path) -> None:
    assert run("tag", "list", "--library", own) == (0, "", "")
    assert run("tag", "add", "graphs", "p0000", "p0004", "p0008", "--library", own)[1] == "3 under graphs\n"
    assert run("tag", "list", "--library", own)[1] == "3\tgraphs\n"
    assert json.loads(run("tag", "list", "--json", "--library", own)[1]) == {"graphs": 3}
    assert [line.split("\t")[0] for line in run("tag", "show", "graphs", "--library", own)[1].splitlines()] == [
        "p0000",
        "p0004",
        "p0008",
    ]
    code, out, err = run("tag", "recommend", "graphs", "-k", 3, "--json", "--library", own)
    assert code == 0, err
    assert [hit["paper"]["keywords"][0] for hit in json.loads(out)] == ["graphs"] * 3
    assert run("find", "--tag", "graphs", "--all", "--library", own)[1].count("\n") == 3
    assert run("find", "--without-tag", "graphs", "--all", "--library", own)[1].count("\n") == 21
    assert run("tag", "remove", "graphs", "p0001", "--library", own)[0] == 2
    assert run("tag", "remove", "graphs", "p0004", "--library", own)[1] == "2 under graphs\n"
    assert run("tag", "remove", "graphs", "--library", own)[1] == "0 under graphs\n"


def test_a_tag_in_the_embedded_library_makes_one_of_the_user_s_own(run: Run, tmp_path: Path) -> None:
    _, out, _ = run("find", ROOM_TITLE, "-k", 1)
    paper = out.split("\t")[0]
    assert run("tag", "add", "to-read", paper)[0] == 0
    assert (tmp_path / "users" / "records.sqlite").is_file()
    assert run("tag", "show", "to-read")[1].split("\t")[0] == paper
    assert run("find", ROOM_TITLE, "-k", 1)[1].split("\t")[0] == paper


def test_similar(run: Run, folder: Path) -> None:
    code, out, _ = run("similar", "p0000", "-k", 5, "--json", "--library", folder)
    hits = json.loads(out)
    assert code == 0
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4, 5]
    assert "p0000" not in [hit["paper"]["id"] for hit in hits]
    assert {hit["paper"]["keywords"][0] for hit in hits} == {"graphs"}


# -- health ------------------------------------------------------------------------------------------------------------


def test_the_doctor_finds_what_rebuild_mends(run: Run, own: Path) -> None:
    code, out, _ = run("doctor", "--library", own)
    assert (code, out) == (0, f"all is well with {own}\n")
    files = [path for path in own.rglob("*") if path.is_file() and path.suffix in (".npz", ".npy", ".json")]
    assert files
    for path in files:
        path.write_bytes(b"\x00garbage")
    code, out, err = run("doctor", "--json", "--library", own)
    assert (code, err) == (1, "")
    problems = json.loads(out)["problems"]
    assert all(problem["what"] and problem["remedy"] for problem in problems)
    (generation,) = {path.relative_to(own).parts[0] for path in files}
    assert any(generation in problem["where"] for problem in problems)
    code, out, err = run("rebuild", "--library", own)
    assert code == 0, err
    assert out.startswith("made anew: 24 papers in ")
    assert run("doctor", "--library", own)[0] == 0
    assert run("similar", "p0000", "-k", 3, "--library", own)[0] == 0


def test_the_doctor_without_a_library(run: Run) -> None:
    assert run("doctor") == (0, "all is well with the embedded library\n", "")
    code, _, err = run("rebuild")
    assert code == 4
    assert "`paperwright sync` makes one" in err


# -- serve -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_serve_answers_and_stops(folder: Path) -> None:
    command = [sys.executable, "-m", "paperwright", "serve", "--port", "0", "--library", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            address = re.search(r"http://127\.0\.0\.1:\d+/", line)
            assert address is not None, line
            with urllib.request.urlopen(f"{address[0]}api/search?q=graph&k=3", timeout=20) as answer:
                assert len(json.load(answer)["hits"]) == 3  # at once: the address stands there when it can be asked
            server.send_signal(signal.SIGINT)
            _, err = server.communicate(timeout=30)
        finally:
            server.kill()
    assert "Traceback" not in err
    assert server.returncode in (0, 130)


def test_serve_says_what_is_missing(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("paperwright.web.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    code, out, err = run("serve", "--port", "0", "--library", folder)
    assert (code, out) == (4, "")
    assert "pip install 'paperwright[navigator]'" in err
    assert err.count("\n") == 1
