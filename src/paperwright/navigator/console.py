"""What the navigator shows in a terminal, in a pipe and to a program.

On a terminal, hits are set with rich; in a pipe a hit is one line between tabs; as JSON it is everything. Records come
from anywhere: no character of theirs that could steer a terminal, or turn a line around, is printed as it stands.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from paperwright.terminal import one_line, printable

from .rooms import room_of

if TYPE_CHECKING:
    from .library import Library
    from .paper import Paper
    from .search import Hit

WIDEST = 110


def say(text: str, *, end: str = "\n") -> None:
    """Prints a text of several lines."""
    print(printable(text), end=end)


def say_json(value: Any) -> None:
    """Prints JSON; whatever is not ASCII is escaped, so that it is safe wherever it goes."""
    print(json.dumps(value, indent=1))


def note(text: str) -> None:
    """A remark for the user, apart from what was asked for."""
    print(f"paperwright: {one_line(text)}", file=sys.stderr)


def venue(paper: "Paper") -> str:
    """Where and when, and how it fared: "ICLR 2022, Spotlight"."""
    where = " ".join(filter(None, [paper.venue, "" if paper.year is None else str(paper.year)]))
    return ", ".join(filter(None, [where or (paper.published or ""), paper.decision]))


def room_hits(hits: "Iterable[Hit]") -> list[dict[str, Any]]:
    """Hits as JSON values, each with the room of its paper and the command that checks the claims, or None."""
    values = []
    for hit in hits:
        room = room_of(hit.paper)
        values.append(hit.as_dict() | {"room": room, "check": None if room is None else f"paperwright check {room}"})
    return values


def show_hits(library: "Library", hits: "Sequence[Hit]", export: Path | None, form: str | None, as_json: bool) -> None:
    """Writes hits to a file, or prints them."""
    if export is not None:
        write_hits(library, hits, export, form)
    elif as_json:
        say_json(room_hits(hits))
    else:
        say_hits(hits)


def write_hits(library: "Library", hits: "Sequence[Hit]", path: Path, form: str | None) -> None:
    """Exports hits and says so."""
    library.export(hits, path, form)
    note(f"{len(hits):,} papers written to {path}")


def say_hits(hits: "Sequence[Hit]") -> None:
    """Prints hits: as entries on a terminal, in a pipe as lines of id, score, venue, title, why, check between tabs."""
    if not sys.stdout.isatty():
        for hit in hits:
            paper, room = hit.paper, room_of(hit.paper)
            check = "" if room is None else f"paperwright check {room}"
            cells = (paper.id, f"{hit.score:.4f}", venue(paper), paper.title, hit.why, check)
            print(*map(one_line, cells), sep="\t")
        return
    from rich.console import Console
    from rich.text import Text

    from .evidence import highlighted

    console = Console(highlight=False)
    console.width = min(console.width, WIDEST)
    margin = len(str(hits[-1].rank)) + 2 if hits else 0
    for hit in hits:
        paper, room = hit.paper, room_of(hit.paper)
        entry = [Text(one_line(paper.title), style="bold")]
        authors = one_line(", ".join(paper.authors[:6])) + (
            f" and {len(paper.authors) - 6} more" if paper.authors[6:] else ""
        )
        entry += [Text(authors)] if authors else []
        entry.append(Text.assemble((one_line(venue(paper)), "yellow"), "  ", (one_line(paper.id), "dim")))
        if hit.why.text:
            pieces = highlighted(one_line(hit.why.text), hit.why.terms)
            entry.append(Text.assemble(*((piece, "bold" if found else "") for piece, found in pieces)))
        if why := one_line(hit.why):
            entry.append(Text(why, style="dim"))
        if room is not None:
            entry.append(Text.assemble("its claims: ", (f"paperwright check {one_line(room)}", "bold cyan")))
        _entry(console, Text(f"{hit.rank}.".rjust(margin - 1), style="dim"), entry)


def _entry(console: Any, left: Any, right: Sequence[Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for number, part in enumerate(right):
        grid.add_row(left if number == 0 else Text(""), part)
    console.print(grid)


def say_table(rows: Sequence[Sequence[object]]) -> None:
    """Prints rows: in columns on a terminal, between tabs in a pipe. Numbers stand to the right."""
    cells = [
        [one_line(f"{cell:,}" if isinstance(cell, int) and sys.stdout.isatty() else cell) for cell in row]
        for row in rows
    ]
    if not sys.stdout.isatty():
        for row in cells:
            print(*row, sep="\t")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for cell in rows[0] if rows else ():
        number = isinstance(cell, int | float)
        grid.add_column(justify="right" if number else "left", no_wrap=number, overflow="fold")
    for row in cells:
        grid.add_row(*map(Text, row))
    Console(highlight=False).print(grid)


class Watch(AbstractContextManager["Watch"]):
    """Shows how far a long piece of work has come: a bar with the time left on a terminal, nothing in a pipe.

    Called with what is counted ("records", "vectors"), how many are done, and how many there are, if that is known.
    """

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> "Watch":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(one_line(stage), total=total)
        self._bar.update(self._tasks[stage], completed=done, total=total)
