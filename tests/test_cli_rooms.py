"""`paperwright list` and `paperwright show`: what they print, how they fail, and how quick they are."""

import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from paperwright import __version__
from paperwright.cards import WINGS
from paperwright.claims import Budget, Claim, Greater, judge
from paperwright.claims.evidence.recorded import as_json
from paperwright.claims.fingerprint.context import Context
from paperwright.cli import ENGINE, engine_commands, main
from paperwright.registry import Registry, registry

CARD = """
title = "Paper number {number}"
authors = ["Ada Lovelace", "Alan Turing"]
venue = "ICLR"
year = 2022
award = "honourable mention"
wing = "{wing}"
extra = "fast"
tags = ["speed", "tag-{number}"]
tldr = "Sentence {number}."
why = \"\"\"
{long}

A second paragraph.\"\"\"
idea = "[not markup] x = y"
uses = ["{long}"]
data = ["digits"]
demo = "it_helps"
[links]
paper = "https://example.org/{number}"
[[related]]
title = "Another"
link = "https://example.org/other"
how = "came before"
[[details]]
text = "{long}"
where = "Section 3"
"""
LONG = "Words that go on for longer than a line of a terminal or of a page that is printed into a pipe would be. " * 2
NUMBER = 30


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty papers that another thirty packages bring, and a broken one."""
    folder = tmp_path_factory.mktemp("site")
    for number in range(NUMBER):
        name = f"brought_{number}"
        package = folder / name
        package.mkdir()
        wing = list(WINGS)[number % len(WINGS)]
        (package / "paper.toml").write_text(CARD.format(number=number, wing=wing, long=LONG.strip()), encoding="utf-8")
        (package / "__init__.py").write_text("raise SystemExit('imported')\n__all__ = ['Method', 'function']\n")
    (folder / "brought_bad").mkdir()
    (folder / "brought_bad" / "__init__.py").touch()
    (folder / "brought_bad" / "paper.toml").write_text("title = 3")
    for name in [*(f"brought_{number}" for number in range(NUMBER)), "brought_bad"]:
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[paperwright.papers]\n{name} = {name}\n")
    return folder


def beside(folder: Path) -> str:
    """A search path of a folder and what is searched already."""
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))


@pytest.fixture(autouse=True)
def brought(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The papers, installed for this process and for those it starts."""
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", beside(site))
    monkeypatch.setattr("paperwright.registry.registry", found := Registry)
    monkeypatch.setattr("paperwright.cli.registry", found)


def test_list_in_a_pipe_is_a_line_for_each_paper(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert len(lines) == len(Registry())
    assert "brought_2\tgraphs\tICLR 2022, honourable mention\tPaper number 2" in lines
    left_out = [line for line in captured.err.splitlines() if "brought" in line]
    assert len(left_out) == 1
    assert left_out[0].startswith("paperwright: left out brought_bad (from brought_bad): ")


def test_list_can_be_narrowed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--wing", "nn", "--json"]) == 0
    rooms = json.loads(capsys.readouterr().out)
    assert {room["wing"] for room in rooms} == {"nn"}
    assert {"brought_1", "brought_8"} <= {room["name"] for room in rooms}
    assert main(["list", "--tag", "tag-7"]) == 0
    assert capsys.readouterr().out.split("\t")[0] == "brought_7"
    assert main(["list", "--tag", "tag-7", "--wing", "nn"]) == 0
    assert capsys.readouterr().out == ""


def test_show_tells_all_that_the_card_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "brought_2"]) == 0
    page = capsys.readouterr().out
    for words in [
        "Paper number 2\nAda Lovelace, Alan Turing\nICLR 2022, honourable mention  graphs/brought_2  from brought_2\n",
        "Sentence 2.",
        "\n  A second paragraph.",
        "[not markup] x = y",
        "pip install 'brought_2[fast]'\n  from brought_2 import Method, function\n",
        "https://example.org/2",
        "Another: came before  https://example.org/other",
        "speed, tag-2\n  Data: digits\n",
        "Try it: paperwright check graphs/brought_2/it_helps",
    ]:
        assert words in page
    assert "\x1b" not in page
    assert max(map(len, page.splitlines())) <= 100
    assert not any(line.endswith(" ") for line in page.splitlines())


def test_show_gives_the_recorded_verdicts(capsys: pytest.CaptureFixture[str], site: Path) -> None:
    claim = Claim(
        "It helps.",
        arms=["ours", "theirs"],
        rule=Greater("accuracy", "ours", than="theirs"),
        budgets={"desk": Budget(seeds=10)},
        trial=lambda arm, **_: {},
        scale="small",
    )
    gains = [0.021, 0.024, 0.025, 0.026, 0.027, 0.028, 0.022, 0.0235, 0.0265, 0.0275]
    numbers = {
        "ours": {seed: {"accuracy": 0.5 + gain} for seed, gain in enumerate(gains)},
        "theirs": {seed: {"accuracy": 0.5} for seed in range(10)},
    }
    content = {"format": 2, "budget": "desk", "claims": []}
    for judgement in (
        judge("brought_4/it_helps", claim, "desk", numbers),
        judge("brought_4/it_is_fast", claim, "desk", {}).without_verdict("the data cannot be had"),
    ):
        rest = {"context": asdict(Context("", "", "cpu")), "renewals": [], "trials": [], "machines": []}
        content["claims"].append(as_json(judgement) | rest)
    evidence = site / "brought_4" / "evidence.json"
    evidence.write_text(json.dumps(content), encoding="utf-8")
    assert main(["show", "brought_4"]) == 0
    page = capsys.readouterr().out
    assert "  holds (desk)       It helps.\n" in page
    assert "it_helps: accuracy of ours +0.025" in " ".join(page.split())
    assert "  no verdict (desk)  It helps.\n                     it_is_fast: the data cannot be had\n" in page
    assert main(["show", "brought_4", "--json"]) == 0
    assert [row["claim"] for row in json.loads(capsys.readouterr().out)["evidence"]] == ["it_helps", "it_is_fast"]
    evidence.write_text("[]", encoding="utf-8")
    assert main(["show", "brought_4"]) == 0
    captured = capsys.readouterr()
    assert "No verdict is recorded here yet; `paperwright check brought_4` tries the claims." in captured.out
    assert captured.err.startswith(f"paperwright: {evidence} is not an evidence file: ")


def test_show_as_json_holds_the_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "graphs/brought_2", "--json"]) == 0
    room = json.loads(capsys.readouterr().out)
    assert (room["name"], room["wing"], room["names"]) == ("brought_2", "graphs", ["Method", "function"])
    assert room["related"] == [{"title": "Another", "link": "https://example.org/other", "how": "came before"}]
    assert room["links"] == {"paper": "https://example.org/2"}


@pytest.mark.parametrize("room", registry().rooms(), ids=str)
def test_every_built_in_paper_can_be_shown(room: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(room)]) == 0
    page = capsys.readouterr().out
    assert max(map(len, page.splitlines())) <= 100
    assert main(["show", str(room), "--json"]) == 0


def run_in_terminal(*arguments: str, **environment: str) -> str:
    """What the command prints when its output is a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "paperwright", *arguments]
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "COLUMNS": "80", "TERM": "xterm", **environment},
    )
    os.close(theirs)
    read = b""
    try:
        while part := os.read(ours, 65536):
            read += part
    except OSError:  # the other side has closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return read.decode()


@pytest.mark.parametrize("arguments", [["list"], ["list", "--tag", "speed"], ["show", "brought_2"]])
def test_a_terminal_gets_colour_and_its_own_width(arguments: list[str]) -> None:

    page = run_in_terminal(*arguments)
    assert "\x1b[1m" in page
    plain = re.sub(r"\x1b\[[0-9;]*m", "", page).replace("\r", "")
    assert "Sentence 2." in plain
    assert max(map(len, (line for line in plain.splitlines() if not line.startswith("paperwright: ")))) <= 80
    assert "\x1b[1;36m" not in run_in_terminal(*arguments, NO_COLOR="1")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["show", "brougth_2"], "paperwright: there is no paper 'brougth_2'; did you mean graphs/brought_2?"),
        (["list", "--wing", "graph"], "paperwright: there is no wing 'graph'; did you mean graphs?"),
        (["list", "--tag", "sped"], "paperwright: no paper has the tag 'sped'; did you mean speed?"),
        (["show"], "paperwright: Missing argument "),
        (["shwo"], "paperwright: there is no command 'shwo'; did you mean show?"),
        (["chekc"], "paperwright: there is no command 'chekc'; did you mean check?"),
        (["qqq"], "paperwright: there is no command 'qqq'; there are list, show, new, check, "),
        (["list", "--colour"], "paperwright: No such option"),
    ],
)
def test_misuse_is_one_line_on_stderr_and_exit_code_2(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(line)
    assert captured.err.count("\n") == 1


def test_a_broken_paper_cannot_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "brought_bad"]) == 4
    error = capsys.readouterr().err
    assert error.startswith("paperwright: the paper 'brought_bad' cannot be used: ")
    assert error.count("\n") == 1


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"paperwright {__version__}\n"
    assert main([]) == 0
    page = capsys.readouterr().out
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == page
    assert {"list", "show", "new", "check", "demo", "report", "verify", "export", "merge"} <= {
        line.split()[0] for line in page.splitlines() if line.strip()
    }


def test_the_help_lines_of_the_engine_are_those_of_its_commands() -> None:
    assert {name: command.help.splitlines()[0] for name, command in engine_commands().items()} == ENGINE


@pytest.mark.parametrize("command", ENGINE)
def test_every_command_of_the_engine_can_be_called(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert page.startswith(f"Usage: paperwright {command} ")
    assert ENGINE[command] in page


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m paperwright show brought_2 | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert done.stdout == "Paper number 2\n"


@pytest.mark.parametrize("arguments", [["list"], ["--help"], ["list", "--wing", "graphs"], ["show", "brought_2"]])
def test_reading_is_quick_and_needs_neither_torch_nor_numpy(arguments: list[str]) -> None:
    """The aim is 0.3 s on a quiet machine; counted is the processor's time, so that a busy machine does not fail it."""
    code = (
        "import sys, time\nfrom paperwright.cli import main\ncode = main(sys.argv[1:])\n"
        "heavy = {'torch', 'numpy', 'scipy', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "print('\\n', time.process_time(), file=sys.stderr)\n"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stderr.split()[-1]) < 1.0


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize(
    "arguments", [["list"], ["show", "brought_greek"], ["show", "brought_gréek"], ["stats", "Łukasz"]]
)
def test_what_the_console_cannot_write_is_escaped_and_the_exit_code_is_as_ever(
    arguments: list[str], encoding: str, tmp_path: Path
) -> None:
    greek = tmp_path / "brought_greek"
    greek.mkdir()
    card = CARD.format(number=1, wing="nn", long="Ελληνικά, 深度学习").replace("Paper number 1", "深度 Łukasz")
    (greek / "paper.toml").write_text(card, encoding="utf-8")
    (greek / "__init__.py").touch()
    info = tmp_path / "brought_greek-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: brought_greek\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[paperwright.papers]\nbrought_greek = brought_greek\n")

    def run(encoding: str) -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "PYTHONPATH": beside(tmp_path), "PYTHONIOENCODING": encoding}
        command = [sys.executable, "-m", "paperwright", *arguments]
        return subprocess.run(command, capture_output=True, check=False, env=environment)

    plain, done = run("utf-8"), run(encoding)
    assert done.returncode == plain.returncode
    assert b"Traceback" not in done.stderr
    assert done.stdout == plain.stdout.decode().encode(encoding, "backslashreplace")


def completions(words: str, shell: str = "bash") -> tuple[list[str], str]:
    """What the tab key offers after some words, and which heavy modules were imported for it."""
    code = (
        "import sys\nfrom paperwright.cli import main\n"
        "try:\n    main([])\n"
        "finally:\n    print({'torch', 'scipy', 'pandas'} & set(sys.modules) or '', file=sys.stderr)"
    )
    environment = {**os.environ, "_PAPERWRIGHT_COMPLETE": f"complete_{shell}", "COMP_WORDS": words}
    environment["COMP_CWORD"] = str(len(words.split(" ")) - 1)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    return done.stdout.split(), done.stderr.strip()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("paperwright sho", {"show"}),
        ("paperwright show brought_1", {"brought_1", *(f"brought_1{number}" for number in range(10))}),
        ("paperwright check brought_22", {"brought_22"}),
        ("paperwright check brought_22/", {"brought_22/it_helps"}),
        ("paperwright verify brought_22", {"brought_22"}),
        ("paperwright show nothing", set()),
    ],
)
def test_the_tab_key_offers_commands_papers_and_claims_without_importing_rooms(words: str, offered: set[str]) -> None:
    found, heavy = completions(words)
    assert set(found) == offered
    assert heavy == ""


def test_the_tab_key_offers_the_claims_that_are_recorded(site: Path) -> None:
    evidence = site / "brought_5" / "evidence.json"
    evidence.write_text(json.dumps({"claims": [{"claim": "cases/one", "statement": "It is so."}]}), encoding="utf-8")
    assert set(completions("paperwright check brought_5/")[0]) == {"brought_5/cases/one", "brought_5/it_helps"}
    evidence.write_text("[", encoding="utf-8")
    assert set(completions("paperwright check brought_5/")[0]) == {"brought_5/it_helps"}


def test_the_shell_script_for_the_tab_key_asks_for_what_the_command_answers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")  # the tests may run in no shell at all
    with pytest.raises(SystemExit) as stopped:
        main(["--show-completion", "bash"])
    assert stopped.value.code == 0
    script = capsys.readouterr().out
    assert "_PAPERWRIGHT_COMPLETE=complete_bash" in script
    assert "complete -o default -F _paperwright_completion paperwright" in script
