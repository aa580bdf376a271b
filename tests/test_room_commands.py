"""The commands of papers: listed from the card, imported when called, refused where card and code disagree."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from paperwright import cli
from paperwright._lazy import RoomError
from paperwright.cli import main
from paperwright.own_commands import ENGINE, NAVIGATOR, RESERVED, WEB
from paperwright.registry import Registry, Room, registry
from paperwright.room_commands import disagreements, imported_commands

CARD = """
title = "A paper with tools"
authors = ["Ada Lovelace"]
venue = "ICLR 2022"
year = 2022
wing = "statistics"
extra = "fast"
tags = ["tools"]
tldr = "One sentence."
why = "A paragraph."
idea = "A paragraph."
uses = ["Use it."]
[links]
paper = "https://example.org/paper"
"""
COMMANDS = '''
"""Commands of the paper."""
import json, typer
app = typer.Typer(rich_markup_mode=None)

@app.command()
def plan(epsilon: float, as_json: bool = typer.Option(False, "--json")) -> int:
    """Plan for an epsilon."""
    if epsilon < 0:
        raise typer.BadParameter("below 0")
    if epsilon == 0:
        raise ValueError("epsilon is 0; expected a positive number. Take 1.")
    print(json.dumps({"epsilon": epsilon}) if as_json else f"epsilon {epsilon}")
    return 3 if epsilon > 100 else 0

@app.command("draw-graph")
def draw(kind: str = "none") -> None:
    """Draw a graph."""
    if kind == "needy":
        import no_such_library
    if kind == "unreachable":
        error = OSError("the data cannot be had")
        error.exit_code = 4
        raise error
    if kind == "faulty":
        raise ValueError("a fault")
    open(kind.removeprefix("of ")) if kind.startswith("of ") else None
'''
LISTED = '[commands]\nplan = "From an epsilon to a plan"\ndraw-graph = "A picture"\n'

Bring = Callable[..., Room]


@pytest.fixture
def bring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bring:
    """Installs a package that brings a paper, and gives its room."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(cli, "registry", Registry)
    before = set(sys.modules)

    def install(name: str, card: str = LISTED, commands: str | None = COMMANDS) -> Room:
        package, info = tmp_path / name, tmp_path / f"{name}-1.0.dist-info"
        package.mkdir()
        info.mkdir()
        (package / "paper.toml").write_text(CARD + card, encoding="utf-8")
        (package / "__init__.py").write_text("__all__ = []\n", encoding="utf-8")
        if commands is not None:
            (package / "commands.py").write_text(commands, encoding="utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[paperwright.papers]\n{name} = {name}\n", encoding="utf-8")
        importlib.invalidate_caches()
        return Registry().room(name)

    yield install
    for name in set(sys.modules) - before:
        if name.startswith("brought"):
            del sys.modules[name]


def test_help_lists_the_verbs_from_the_card_alone(bring: Bring, capsys: pytest.CaptureFixture[str]) -> None:
    bring("brought_tool", commands="raise SystemExit('imported')")
    assert main(["--help"]) == 0
    page = capsys.readouterr().out
    assert "brought_tool plan        From an epsilon to a plan\n" in page
    for arguments in (["brought_tool"], ["brought_tool", "--help"], ["statistics/brought-tool", "-h"]):
        assert main(arguments) == 0
        page = capsys.readouterr().out
        assert "A paper with tools" in page
        assert "  plan        From an epsilon to a plan\n  draw-graph  A picture\n" in page
    assert "brought_tool.commands" not in sys.modules


def test_a_verb_is_called_with_its_arguments(bring: Bring, capsys: pytest.CaptureFixture[str]) -> None:
    bring("brought_tool")
    assert main(["brought_tool", "plan", "--json", "2.5"]) == 0
    assert json.loads(capsys.readouterr().out) == {"epsilon": 2.5}
    assert main(["statistics/brought-tool", "plan", "--help"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("Usage: paperwright statistics/brought-tool plan ")
    assert "Plan for an epsilon." in page


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["plan", "1000"], 3, ""),
        (["plan", "0"], 2, "epsilon is 0; expected a positive number. Take 1."),
        (["plan", "--", "-1"], 2, "Invalid value: below 0"),
        (["plan", "much"], 2, "Invalid value for "),
        (["plna"], 2, "the paper statistics/brought_tool has no command 'plna'; did you mean plan?"),
        (["qqq"], 2, "the paper statistics/brought_tool has no command 'qqq'; there are plan, draw-graph"),
        (["draw-graph", "--kind", "unreachable"], 4, "the data cannot be had"),
        (["draw-graph", "--kind", "of nothing.csv"], 2, "nothing.csv: No such file or directory"),
        (["draw-graph", "--kind", "of /"], 2, "/: Is a directory"),
        (
            ["draw-graph", "--kind", "needy"],
            4,
            "statistics/brought_tool needs 'no_such_library', which is not installed: pip install 'brought_tool[fast]'",
        ),
        (
            ["draw-graph", "--kind", "faulty"],
            70,
            "an error of paperwright itself, not of a claim: ValueError: a fau",
        ),
    ],
)
def test_what_goes_wrong_in_a_verb_has_the_exit_code_of_every_command(
    bring: Bring, arguments: list[str], code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bring("brought_tool")
    assert main(["brought_tool", *arguments]) == code
    error = capsys.readouterr().err
    assert error.splitlines()[-1].startswith(f"paperwright: {line}") if line else error == ""
    assert ("Traceback" in error) is (code == 70)


def test_a_library_that_commands_need_on_import_is_named_with_its_extra(
    bring: Bring, capsys: pytest.CaptureFixture[str]
) -> None:
    bring("brought_tool", commands="import no_such_library")
    assert main(["brought_tool", "plan"]) == 4
    assert capsys.readouterr().err == (
        "paperwright: statistics/brought_tool needs 'no_such_library', which is not installed: "
        "pip install 'brought_tool[fast]'\n"
    )


@pytest.mark.parametrize(
    ("card", "commands", "problems"),
    [
        (LISTED, COMMANDS, []),
        ("", None, []),
        (LISTED, None, ["the card lists the command 'plan', commands.py has none of that name", "'draw-graph'"]),
        (
            '[commands]\nplan = "Plan"',
            COMMANDS,
            ["commands.py has the command 'draw-graph', the card does not"],
        ),
        (LISTED + 'fit = "Fit"', COMMANDS, ["the card lists the command 'fit', commands.py has none of that name"]),
        (LISTED, COMMANDS.replace('app.command("draw-graph")', 'app.command(name="draw")'), ["'draw-graph'", "'draw'"]),
        (LISTED, COMMANDS + "\napp.add_typer(typer.Typer(), name='more')", ["'more'"]),
    ],
)
def test_show_tells_where_card_and_code_disagree(
    bring: Bring, card: str, commands: str | None, problems: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    room = bring("brought_tool", card, commands)
    said = disagreements(room)
    assert len(said) == len(problems)
    assert all(problem in line for problem, line in zip(problems, said, strict=True))
    assert main(["show", "brought_tool"]) == 0
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [f"paperwright: statistics/brought_tool: {line}" for line in said]
    assert ("paperwright brought_tool plan" in captured.out) is bool(card)
    assert "brought_tool.commands" not in sys.modules


@pytest.mark.parametrize(
    ("card", "commands", "reason"),
    [
        (LISTED + 'fit = "Fit"', COMMANDS, "the card lists the command 'fit'"),
        (LISTED, None, "has no module brought_tool.commands"),
        (LISTED, "app = 3", "app of commands.py is int; expected a typer.Typer"),
        (LISTED, COMMANDS + "\n@app.callback()\ndef start() -> None: ...", "without a callback"),
        (LISTED, "1 / 0", "fails on import: ZeroDivisionError"),
    ],
)
def test_a_verb_of_a_room_that_disagrees_with_its_card_cannot_run(
    bring: Bring, card: str, commands: str | None, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    room = bring("brought_tool", card, commands)
    with pytest.raises(RoomError, match=reason):
        imported_commands(room)
    assert main(["brought_tool", "plan", "1"]) == 4
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1


def test_a_paper_without_commands_says_so(bring: Bring, capsys: pytest.CaptureFixture[str]) -> None:
    bring("brought_plain", "", None)
    assert main(["brought_plain", "--help"]) == 2
    assert capsys.readouterr().err == (
        "paperwright: the paper statistics/brought_plain has no commands; "
        "`paperwright show brought_plain` says what it has\n"
    )
    assert "brought_plain" not in help_page(capsys)


def help_page(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["--help"]) == 0
    return capsys.readouterr().out


def test_a_paper_that_bears_the_name_of_a_command_is_set_aside(
    tmp_path: Path, bring: Bring, capsys: pytest.CaptureFixture[str]
) -> None:
    bring("brought_tool")
    for wing in ("graphs", "nn"):
        (tmp_path / "house" / wing / "check").mkdir(parents=True)
        card = CARD.replace('wing = "statistics"', f'wing = "{wing}"')
        (tmp_path / "house" / wing / "check" / "paper.toml").write_text(card, encoding="utf-8")
    found = Registry(tmp_path / "house")
    assert [room.name for room in found if room.origin == "brought_tool"] == ["brought_tool"]
    assert {str(broken) for broken in found.broken} == {
        "check (from paperwright): the name is 'check', that of the command `paperwright check`; expected another. "
        "Rename the paper."
    }
    with pytest.raises(RoomError, match="that of the command `paperwright check`"):
        found.room("check")
    assert main(["new", "demo", "--dir", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "paperwright: 'demo' will not do as a name: it is a command of paperwright\n"


def test_every_command_of_paperwright_is_reserved() -> None:
    own = [command.name or command.callback.__name__ for command in cli.app.registered_commands]
    assert {*own, *ENGINE, *NAVIGATOR, *WEB} == RESERVED


def test_the_tab_key_offers_papers_with_commands_and_their_verbs(bring: Bring, tmp_path: Path) -> None:
    bring("brought_tool", commands="raise SystemExit('imported')")

    def offered(words: str) -> list[str]:
        environment = {**os.environ, "_PAPERWRIGHT_COMPLETE": "complete_bash", "COMP_WORDS": words}
        environment |= {"COMP_CWORD": str(len(words.split(" ")) - 1)}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-m", "paperwright"]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment).stdout.split()

    assert offered("paperwright brought") == ["brought_tool"]
    assert offered("paperwright brought_tool ") == ["plan", "draw-graph"]


# --- The papers that are here -----------------------------------------------------------------------------------------

VERBS = [(room, verb) for room in registry() for verb in room.card.commands]


@pytest.mark.parametrize("room", registry().rooms(), ids=str)
def test_card_and_code_agree(room: Room) -> None:
    assert disagreements(room) == []


@pytest.mark.parametrize(("room", "verb"), VERBS, ids=lambda part: str(part))
def test_every_verb_answers_help(room: Room, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([room.name, verb, "--help"]) == 0
    page = capsys.readouterr().out
    assert page.startswith(f"Usage: paperwright {room.name} {verb} ")
    assert len(page.split("\n\n")[1].strip()) > 0
