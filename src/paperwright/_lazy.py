"""Wings load their rooms when a name is first used, by the `lazy_loader` convention.

What a wing offers stands in its stub, `__init__.pyi`, where type checkers and editors find it too. A library
that is not installed is met only by who needs it, as one line that says which extra brings it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lazy_loader


class RoomError(ImportError):
    """A room's code cannot be imported."""

    exit_code = 4


class MissingExtra(RoomError):
    """A room needs a library that is not installed; the message says how to get it."""


def missing_extra(needed_by: str, error: ModuleNotFoundError, distribution: str, extra: str | None) -> MissingExtra:
    """The one line for a library that is not there."""
    module = error.name or str(error)
    way_out = f"pip install '{distribution}[{extra}]'" if extra else f"install what provides {module!r}"
    return MissingExtra(f"{needed_by} needs {module!r}, which is not installed: {way_out}", name=error.name)


def attach_rooms(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` for a wing, from the stub beside `file`."""
    load, names, public = lazy_loader.attach_stub(package, file)

    def attribute(name: str) -> Any:
        try:
            return load(name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] == package.partition(".")[0]:
                raise
            raise missing_extra(f"{package}.{name}", error, package.partition(".")[0], _extra(file, name)) from None

    return attribute, names, public


def _extra(file: str, name: str) -> str | None:
    """The extra on the card of the room that `name` comes from, as the stub says it."""
    import ast

    from paperwright.cards import Card, CardError

    wing = Path(file).parent
    for node in ast.parse((wing / "__init__.pyi").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            room = (node.module or name).partition(".")[0]
            try:
                return Card.read(wing / room / "paper.toml").extra
            except CardError:
                return None
    return None
