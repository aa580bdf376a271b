"""The pages of `paperwright list` and `paperwright show`, for a terminal, a pipe or a program.

In a terminal the pages are set with rich. In a pipe they are plain text of a fixed width: no colours, the same
bytes each time. `--json` gives everything a card holds.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from paperwright.cards import WINGS
from paperwright.equations import plain
from paperwright.registry import Room

PIPE_WIDTH = 100
WIDEST = 110


def evidence_summary(room: Room) -> list[dict[str, str]]:
    """The recorded verdicts on a paper's claims, a row for each: `claim`, `verdict`, `statement`, `figures`.

    Read from the evidence file alone, without the room's code: `paperwright verify` says what of it still stands.
    """
    if not room.evidence_path.exists():  # nothing to read, and nothing to import for it
        return []
    from paperwright.claims.evidence.recorded import EvidenceError, recorded_claims
    from paperwright.claims.reports import summary

    try:
        recorded = recorded_claims(room)
    except EvidenceError as error:
        print(f"paperwright: {error}", file=sys.stderr)
        return []
    return [
        {
            "claim": name,
            "verdict": claim.judgement.verdict.value,
            "budget": claim.judgement.budget,
            "statement": claim.judgement.statement,
            "figures": "; ".join([*summary.effects(claim.judgement, most=3), summary.basis(claim.judgement)]),
        }
        for name, claim in recorded.items()
    ]


def list_page(rooms: Sequence[Room]) -> None:
    """Print one entry for each room: in a pipe, a line of name, wing, venue and title between tabs."""
    if not sys.stdout.isatty():
        for room in rooms:
            print(room.name, room.wing, _venue(room), room.card.title, sep="\t")
        return
    from rich.text import Text

    page = _Page()
    width = max((len(room.name) for room in rooms), default=0)
    for wing in dict.fromkeys(room.wing for room in rooms):
        page.add(Text.assemble("\n", (wing, "bold cyan"), (f"  {WINGS[wing]}", "dim")))
        for room in (room for room in rooms if room.wing == wing):
            page.entry(room.name.ljust(width), Text.assemble(room.card.title, (f"  {_venue(room)}", "dim")), "bold")
            page.entry(" " * width, Text(plain(room.card.tldr), style="dim"))
    noun = "paper" if len(rooms) == 1 else "papers"
    page.add(Text(f"\n{len(rooms)} {noun}. `paperwright show PAPER` tells more about one.", style="dim"))
    page.print()


def show_page(room: Room) -> None:
    """Print all there is to say about a paper."""
    from rich.text import Text

    card, page = room.card, _Page()
    page.add(Text(card.title, style="bold"))
    page.add(Text(", ".join(card.authors)))
    page.add(
        Text.assemble((_venue(room), "yellow"), (f"  {room}", "dim"), ("" if room.built_in else _from(room), "dim"))
    )
    page.add(Text(f"\n{plain(card.tldr)}", style="italic"))
    page.heading("Why it matters")
    page.paragraphs(plain(card.why))
    page.heading("Key idea")
    page.paragraphs(plain(card.idea))
    page.heading("What you can do with it")
    for use in card.uses:
        page.entry("-", Text(plain(use)))
    page.heading("Import it")
    page.paragraphs(import_lines(room))
    if card.commands:
        page.heading("Use it in the shell")
        width = max(map(len, card.commands))
        for verb, line in card.commands.items():
            page.entry(f"paperwright {room.name} {verb.ljust(width)}", Text(line))
    for heading, markdown in card.use.sections() if card.use else ():
        page.heading(heading)
        page.markdown(markdown)
    page.heading("Claims")
    if evidence := evidence_summary(room):
        from paperwright.claims.verdict import Verdict

        width = max(len(f"{row['verdict']} ({row['budget']})") for row in evidence)
        for row in evidence:
            said = f"{row['verdict']} ({row['budget']})".ljust(width)
            page.entry(said, Text(row["statement"]), Verdict(row["verdict"]).color)
            page.entry(" " * width, Text(f"{row['claim']}: {row['figures']}", style="dim"))
    else:
        page.paragraphs(f"No verdict is recorded here yet; `paperwright check {room.name}` tries the claims.")
    if card.details:
        page.heading("What decides whether it reproduces")
        width = len(str(len(card.details)))
        for number, detail in enumerate(card.details, start=1):
            page.entry(f"{number:{width}}.", Text.assemble(plain(detail.text), (f"  [{detail.where}]", "dim")))
    page.heading("Links")
    width = max(map(len, card.links))
    for name, link in card.links.items():
        page.entry(name.ljust(width), Text(link))
    if card.related:
        page.heading("Related")
        for related in card.related:
            page.entry("-", Text.assemble(f"{related.title}: {related.how}", (f"  {related.link}", "dim")))
    page.heading("Tags and data")
    page.paragraphs(", ".join(card.tags) + (f"\nData: {', '.join(card.data)}" if card.data else ""))
    if card.demo:
        page.add(Text(f"\nTry it: paperwright check {room}/{card.demo}", style="dim"))
    page.print()


def import_lines(room: Room) -> str:
    """How its method is installed and imported, as lines to copy."""
    names = room.wing_names()
    statement = f"from {room.import_from} import {', '.join(names)}" if names else f"import {room.package}"
    if len(statement) > PIPE_WIDTH - 4:
        statement = f"from {room.import_from} import ("
        line = ""
        for name in names:
            if len(line) + len(name) > PIPE_WIDTH - 12:
                statement, line = f"{statement}\n    {line.rstrip()}", ""
            line += f"{name}, "
        statement += f"\n    {line.rstrip()}\n)"
    if room.card.extra:
        return f"pip install '{room.origin}[{room.card.extra}]'\n{statement}"
    return statement


def as_json(room: Room) -> dict[str, Any]:
    """Everything about a paper as JSON values."""
    return {
        "name": room.name,
        "wing": room.wing,
        "package": room.package,
        "origin": room.origin,
        "import_from": room.import_from,
        "names": list(room.wing_names()),
        "package_names": list(room.public_names()),
        **{key: value for key, value in room.card.as_dict().items() if key != "wing"},
        "evidence": evidence_summary(room),
    }


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def tags(rooms: Iterable[Room]) -> list[str]:
    """Every tag in use."""
    return sorted({tag for room in rooms for tag in room.card.tags})


def _venue(room: Room) -> str:
    card = room.card
    dated = card.venue if str(card.year) in card.venue else f"{card.venue} {card.year}"
    return f"{dated}, {card.award}" if card.award else dated


def _from(room: Room) -> str:
    return f"  from {room.origin}"


class _Page:
    """What is to be printed, collected; set with rich on a terminal, plain with no trailing blanks in a pipe."""

    def __init__(self) -> None:
        self.parts: list[Any] = []

    def add(self, part: Any) -> None:
        self.parts.append(part)

    def heading(self, words: str) -> None:
        from rich.text import Text

        self.add(Text(f"\n{words}", style="bold cyan"))

    def paragraphs(self, text: str) -> None:
        from rich.padding import Padding
        from rich.text import Text

        self.add(Padding(Text(text), (0, 0, 0, 2), expand=False))

    def markdown(self, text: str) -> None:
        from rich.markdown import Markdown
        from rich.padding import Padding

        self.add(Padding(Markdown(plain(text), code_theme="ansi_dark"), (0, 0, 0, 2), expand=False))

    def entry(self, left: str, right: Any, style: str = "") -> None:
        """`right`, wrapped, beside `left`."""
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid()
        grid.add_column(no_wrap=True)
        grid.add_column()
        grid.add_row(Text(f"  {left}  ", style=style), right)
        self.add(grid)

    def print(self) -> None:
        import io

        from rich.console import Console

        if sys.stdout.isatty():
            console = Console(highlight=False)
            console.width = min(console.width, WIDEST)
            console.print(*self.parts, sep="\n")
            return
        text = io.StringIO()
        console = Console(file=text, highlight=False, width=PIPE_WIDTH, color_system=None, legacy_windows=False)
        console.print(*self.parts, sep="\n")
        print("\n".join(line.rstrip() for line in text.getvalue().splitlines()))
