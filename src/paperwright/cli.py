"""The command line: a thin layer over the registry, the claims engine, the navigator, rooms and plug-in templates.

Exit codes: 0 done, or the claim holds; 1 it fails; 2 the command was misused; 3 undecided; 4 it could not run; 70 an
error of paperwright itself. An error for the user is one line on stderr. Nothing here imports numpy or torch: `--help`
and `list` stay quick.
"""

import io
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from paperwright import __version__
from paperwright.cards import WINGS, near_miss
from paperwright.completion import complete_paper
from paperwright.own_commands import ENGINE, NAVIGATOR, WEB
from paperwright.registry import Registry, UnknownPaper, registry
from paperwright.room_commands import RoomCommands, disagreements
from paperwright.terminal import escaped


class _Commands(TyperGroup):
    """The commands of this module, of the two services and of papers; the latter are imported when one is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*self.commands, *ENGINE, *NAVIGATOR, *WEB, *(room.name for room in registry() if room.card.commands)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        if cmd_name in ENGINE:
            return engine_commands()[cmd_name]
        if cmd_name in NAVIGATOR:
            return navigator_commands()[cmd_name]
        if cmd_name in WEB:
            return web_commands()[cmd_name]
        try:
            return RoomCommands(registry().room(cmd_name))
        except UnknownPaper:
            known = self.list_commands(ctx)
        raise _misused(f"there is no command {cmd_name!r}", near_miss(cmd_name, known), known)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        own = {name: command.get_short_help_str(limit=100) for name, command in self.commands.items()}
        papers = {f"{room.name} {verb}": line for room in registry() for verb, line in room.card.commands.items()}
        sections = {"Papers that have a room": own, "Their claims": ENGINE, "A whole conference": NAVIGATOR | WEB}
        for title, commands in ({**sections, "One paper's tools": papers} if papers else sections).items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))


def engine_commands() -> dict[str, Any]:
    """The engine's commands by name."""
    from paperwright.claims.commands import attach

    return _attached(attach)


def navigator_commands() -> dict[str, Any]:
    """The navigator's commands by name."""
    from paperwright.navigator.commands import attach

    return _attached(attach)


def web_commands() -> dict[str, Any]:
    """The web's command by name."""
    from paperwright.web.commands import attach

    return _attached(attach)


def _attached(attach: Callable[[typer.Typer], None]) -> dict[str, Any]:
    service = typer.Typer(add_completion=False, rich_markup_mode=None)
    attach(service)
    return dict(typer.main.get_group(service).commands)


_COMPLETE = "_PAPERWRIGHT_COMPLETE"
"""The variable by which a shell asks for completions; the answer is given and the process ends."""

app = typer.Typer(
    name="paperwright",
    cls=_Commands,
    help="Influential machine-learning papers as tested software: a card to read, a method to import, claims to check.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


INTERNAL = 70
"""The exit code of a fault of ours (EX_SOFTWARE of sysexits.h); 1 means that a claim fails."""


class UsageError(ValueError):
    """The command was misused."""

    exit_code = 2


def _version(wanted: bool) -> bool:
    if wanted:
        print(f"paperwright {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def paperwright(
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None: ...


@app.command("list")
def list_(
    wing: Annotated[str | None, typer.Option(help="Only the papers of one wing.", show_default=False)] = None,
    tag: Annotated[str | None, typer.Option(help="Only the papers with this tag.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the papers that have a room."""
    from paperwright import pages

    found = registry()
    if wing is not None and wing not in WINGS:
        raise _misused(f"there is no wing {wing!r}", near_miss(wing, WINGS), list(WINGS))
    known = pages.tags(found)
    tag = None if tag is None else "-".join(tag.lower().split())
    if tag is not None and tag not in known:
        raise _misused(f"no paper has the tag {tag!r}", near_miss(tag, known), known)
    rooms = found.rooms(wing=wing, tag=tag)
    if as_json:
        pages.print_json([pages.as_json(room) for room in rooms])
    else:
        pages.list_page(rooms)
    _name_broken(found)


@app.command()
def show(
    paper: Annotated[
        str,
        typer.Argument(
            help="The paper's short name, as `list` gives it.", show_default=False, autocompletion=complete_paper
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a paper says, how to use it and how its claims stand."""
    from paperwright import pages

    room = registry().room(paper)
    if as_json:
        pages.print_json(pages.as_json(room))
    else:
        pages.show_page(room)
    for problem in disagreements(room):
        print(f"paperwright: {room}: {problem}", file=sys.stderr)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The name of the package, such as my-paper.", show_default=False)],
    directory: Annotated[Path, typer.Option("--dir", help="The folder to make it in.")] = Path(),
    wing: Annotated[str, typer.Option(help="The wing it belongs to.")] = "statistics",
) -> None:
    """Make an installable package for a paper of your own."""
    from paperwright.plugin import make_plugin

    made = make_plugin(name, directory, wing=wing)
    print(made)
    print(f"next: pip install -e '{made}[test]' && pytest {made}", file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; an error with an `exit_code` of its own becomes one line."""
    if arguments is not None:
        return _run(arguments)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _Interrupts())
    code = _run(sys.argv[1:])
    if (containment := sys.modules.get("paperwright.claims.containment")) is not None:
        containment.leave(code)  # threads that a trial left would keep the process from ending
    return code


class _Interrupts:
    """Interrupt at a Ctrl-C, but not again within a second: an impatient row is one, and its answer is whole."""

    def __init__(self) -> None:
        self.last = -math.inf

    def __call__(self, number: int, frame: Any) -> None:
        before, self.last = self.last, time.monotonic()
        if self.last > before + 1:
            raise KeyboardInterrupt


def _run(arguments: list[str]) -> int:
    arguments = arguments or ["--help"]
    _write_anything()
    try:
        if arguments == ["list"]:
            list_()  # nothing to parse, and typer's parser would take most of the time
            code = 0
        else:
            code = app(arguments, prog_name="paperwright", standalone_mode=_COMPLETE in os.environ)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        return _failed("stopped", 130)
    except BrokenPipeError:  # the reader of our output has gone, as in `paperwright list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        meant = getattr(error, "exit_code", None)
        if not isinstance(meant, int):
            import traceback

            traceback.print_exc()
            return _failed(f"an error of paperwright itself, not of a claim: {type(error).__name__}: {error}", INTERNAL)
        return _failed(getattr(error, "format_message", error.__str__)(), meant)


def _write_anything() -> None:
    """Make output that the console's encoding cannot hold an escape, such as \\u6df1, instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _failed(message: str, code: int) -> int:
    # What a message quotes may be anything; nothing of it may steer the terminal.
    print(f"paperwright: {escaped(' '.join(message.split())) or 'failed'}", file=sys.stderr)
    return code


def _misused(problem: str, near: str | None, known: list[str]) -> UsageError:
    return UsageError(f"{problem}; " + (f"did you mean {near}?" if near else f"there are {', '.join(known)}"))


def _name_broken(found: Registry) -> None:
    for room in found.broken:
        print(f"paperwright: left out {room}", file=sys.stderr)
