"""The commands of a paper: `paperwright PAPER VERB`.

A room that is a tool for the shell has a `commands.py` with a Typer app named `app`, and its card lists the verbs, each
with one line. Help and completion read the card; `commands.py` is imported when a verb is called.

    [commands]
    plan = "From base, delta and target epsilon to the noise"
"""

import ast
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from paperwright._lazy import RoomError
from paperwright.cards import near_miss
from paperwright.registry import Room


class UnknownVerb(LookupError):
    """The paper has no such command; the message names the nearest one."""

    exit_code = 2


class Refusal(ValueError):
    """The paper's method refused an argument, or a file that it names cannot be opened."""

    exit_code = 2


class RoomCommands(TyperGroup):
    """The verbs of one paper as its card lists them; resolving one imports its code.

    Raises:
        UnknownVerb: the card lists no command.
    """

    def __init__(self, room: Room) -> None:
        if not room.card.commands:
            raise UnknownVerb(f"the paper {room} has no commands; `paperwright show {room.name}` says what it has")
        listed: dict[str, Any] = {verb: TyperCommand(verb, help=line) for verb, line in room.card.commands.items()}
        super().__init__(name=room.name, commands=listed, help=room.card.title, rich_markup_mode=None)
        self.room = room

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["--help"])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str, Any, list[str]]:
        verb, *rest = args
        if verb not in self.commands:
            near = near_miss(verb, list(self.commands))
            hint = f"did you mean {near}?" if near else f"there are {', '.join(self.commands)}"
            raise UnknownVerb(f"the paper {self.room} has no command {verb!r}; {hint}")
        return verb, imported_commands(self.room)[verb], rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:  # of an import within the verb or the method
            if (missing := self.room.missing_extra(error)) is None:
                raise
            raise missing from None
        except (ValueError, TypeError) as error:
            if "; expected " not in str(error) or hasattr(error, "exit_code"):
                raise
            raise Refusal(str(error)) from None  # in the house's form: NAME is VALUE; expected WHAT. DO THIS.
        except (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError) as error:
            if hasattr(error, "exit_code"):
                raise
            said = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            raise Refusal(said) from None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.room.card.commands.items()))


def imported_commands(room: Room) -> dict[str, Any]:
    """The paper's commands by verb, imported.

    Raises:
        RoomError: `commands.py` fails on import, or disagrees with the card.
        MissingExtra: it needs a library that is not installed.
    """
    app = getattr(room.commands_module(), "app", None)
    if not isinstance(app, typer.Typer) or app.registered_callback is not None:
        expected = "a typer.Typer without a callback, and a command for each verb of the card"
        raise RoomError(
            f"{room}: app of commands.py is {type(app).__name__}; expected {expected}, with a command a verb"
        )
    commands = dict(typer.main.get_group(app).commands)
    if problems := _differences(room, list(commands)):
        raise RoomError(f"{room}: {'; '.join(problems)}")
    return commands


def disagreements(room: Room) -> list[str]:
    """What the card and `commands.py` say differently, a sentence each; read without importing anything."""
    source = room.path / "commands.py"
    if not source.is_file():
        return _differences(room, [])
    try:
        return _differences(room, list(_declared_verbs(ast.parse(source.read_text(encoding="utf-8")))))
    except (OSError, ValueError, SyntaxError) as error:
        return [f"{source} cannot be read: {error}"]


def _differences(room: Room, verbs: list[str]) -> list[str]:
    listed = room.card.commands
    missing = [verb for verb in listed if verb not in verbs]
    unlisted = [verb for verb in verbs if verb not in listed]
    return [
        *(f"the card lists the command {verb!r}, commands.py has none of that name" for verb in missing),
        *(f"commands.py has the command {verb!r}, the card does not list it" for verb in unlisted),
    ]


def _declared_verbs(module: ast.Module) -> Iterator[str]:
    """The names of the functions decorated with `@app.command`, as Typer would name them, and of `app.add_typer`."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                call = decorator if isinstance(decorator, ast.Call) else None
                if ast.unparse(call.func if call else decorator) == "app.command":
                    yield _stated_name(call, 0) or node.name.lower().replace("_", "-")
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            adds = ast.unparse(node.value.func) == "app.add_typer"
            yield from filter(None, [_stated_name(node.value, 1)] if adds else [])


def _stated_name(call: ast.Call | None, position: int) -> str | None:
    if call is None:
        return None
    values = [*call.args[position : position + 1], *(each.value for each in call.keywords if each.arg == "name")]
    names = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    return names[0] if names else None
