"""Writes a page for each built-in paper, from its card, its claims, its evidence file and its docstrings.

A page is built from the card alone where the rest cannot be had: no evidence yet, or a library that is not installed.
"""

import functools
import html
import itertools
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from reference import entries as reference_entries
from reference import title_of

from paperwright import equations, pages
from paperwright._lazy import RoomError
from paperwright.cards import WINGS
from paperwright.registry import Room, registry

if TYPE_CHECKING:
    from paperwright.claims import Judgement, Verdict


BAR = r"{\vert}"
"""A bar in an equation, which in a table would end the cell."""


def text(words: str) -> str:
    """Prose of a card, as Markdown that says the same: nothing in it is mark-up except `code` and $equations$."""
    return "".join(_piece(kind, piece) for kind, piece in equations.pieces(words))


def _piece(kind: str, piece: str) -> str:
    if kind == "text":
        return _quoted(piece)
    if kind == "code":
        return f"`{piece}`"
    dollars = "$$" if kind == "block" else "$"
    return f"{dollars}{piece.replace('|', BAR)}{dollars}"  # no column of a table


def _quoted(words: str) -> str:
    escaped = html.escape(words, quote=False)
    escaped = re.sub(r"([\\*_{}\[\]])", r"\\\1", escaped)
    escaped = re.sub(r"(?m)^(\s*)([-+#]|\d+[.)])(?=\s)", r"\1&#8203;\2", escaped)  # a line that begins like a list
    return escaped.replace("|", "&#124;")


def cell(words: str) -> str:
    """Text in a cell of a table."""
    return text(" ".join(words.split()))


def link(words: str, address: str) -> str:
    return f"[{text(words)}](<{address}>)"


def verdict(word: "Verdict") -> str:
    """A verdict with its colour and mark."""
    return f'<span class="verdict {word.kind}">{word}</span>'


def venue(room: Room) -> str:
    card = room.card
    dated = card.venue if str(card.year) in card.venue else f"{card.venue} {card.year}"
    return f"{dated}, {card.award}" if card.award else dated


def page(room: Room) -> Iterator[str]:
    """The paper's page, in pieces."""
    card = room.card
    yield f"# {text(card.title)}"
    yield f'<p class="facts">{html.escape(", ".join(card.authors))}<br>{html.escape(venue(room))}</p>'
    yield f'<p class="tldr">{html.escape(card.tldr)}</p>'
    yield " · ".join(link(name, address) for name, address in card.links.items())
    yield f"```console\n$ paperwright show {room.name}\n$ paperwright check {room.name}\n```"
    yield f"## Why it matters\n\n{text(card.why)}"
    yield f"## Key idea\n\n{text(card.idea)}"
    yield "## What you can do with it\n\n" + "\n".join(f"- {text(use)}" for use in card.uses)
    yield from _install(room)
    for heading, markdown in card.use.sections() if card.use else ():
        yield f"## {heading}\n\n{markdown}"
    yield from _claims(room)
    yield from _benchmarks(room)
    if card.details:
        yield "## What decides whether it reproduces\n"
        yield "\n".join(
            f"{number}. {text(each.text)} *({text(each.where)})*" for number, each in enumerate(card.details, 1)
        )
    if card.data:
        yield "## Data\n\n" + ", ".join(f"`{name}`" for name in card.data) + ". See [Data](../reference/data.md)."
    if card.related:
        yield "## Related\n"
        yield "\n".join(f"- {link(each.title, each.link)}: {text(each.how)}" for each in card.related)
    yield "## Reference"
    yield from reference_entries(room.package, list(room.public_names()), level=4)


def _install(room: Room) -> Iterator[str]:
    install, _, statement = pages.import_lines(room).rpartition("\nfrom ")
    yield "## Import it"
    if install:
        yield f"```console\n$ {install}\n```"
        yield f"```python\nfrom {statement}\n```"
    else:
        yield f"```python\n{pages.import_lines(room)}\n```"


def _claims(room: Room) -> Iterator[str]:
    yield "## Claims"
    judgements = _judgements(room)
    if judgements is None:
        yield f"`paperwright check {room.name}` tries them."
        return
    recorded = [judgement for judgement in judgements if judgement.recorded]
    if recorded:
        yield (
            f"Recorded at desk budget in `evidence/{room.name}.json`. A desk verdict is about the smaller version "
            "of the experiment. Intervals are at the level of the look that decided; see [Check a claim](../check.md)."
        )
        yield _table(judgements)
    else:
        yield f"Nothing is recorded yet. `paperwright check {room.name}` tries them."
    for _, cases in itertools.groupby(judgements, key=lambda judgement: judgement.path.split("/")[1]):
        yield from _cases(list(cases))


def _benchmarks(room: Room) -> Iterator[str]:
    """The tables that `benchmarks/<paper>.py --write` wrote, one heading level down."""
    tables = Path(__file__).parents[2] / "benchmarks" / "results" / f"{room.name}.md"
    if tables.is_file():
        _, _, measured = tables.read_text(encoding="utf-8").partition("\n")
        yield "## Speed and memory\n\n" + re.sub(r"(?m)^## ", "### ", measured.strip())


@functools.cache
def _judgements(room: Room) -> "list[Judgement] | None":
    """Every claim of the room as its evidence file has it; None if its code cannot be imported here."""
    from paperwright.claims.catalogue import entries
    from paperwright.claims.evidence.recorded import recorded_claims
    from paperwright.claims.judgement import judge

    recorded = {name: claim.judgement for name, claim in recorded_claims(room).items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what other libraries say on import is no matter of the site's
            there = [entry for entry in entries(room) if "desk" in entry.claim.budgets]
            return [recorded.get(entry.name) or judge(entry.path, entry.claim, "desk", {}) for entry in there]
    except RoomError as error:
        print(f"only what is recorded of {room.name} is shown: {error}", file=sys.stderr)
        return list(recorded.values()) or None


def _table(judgements: "list[Judgement]") -> str:
    from paperwright.claims.reports import summary

    lines = ["| verdict | claim | the paper | here |", "|---|---|---|---|"]
    for judgement in judgements:
        here = "<br>".join(map(cell, summary.effects(judgement, most=2)))
        stated = (cell(judgement.statement), cell(summary.paper_figures(judgement)))
        cells = (verdict(judgement.verdict), *stated, here)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cases(judgements: "list[Judgement]") -> Iterator[str]:
    """A claim, or the several cases of one; a remark that they share stands once, below them."""
    paper, name, *case = judgements[0].path.split("/")
    yield f"### `{name}`"
    shared = {judgement.remarks for judgement in judgements}
    for judgement in judgements:
        if case:
            yield f"#### `{judgement.path.split('/', 2)[2]}`"
        yield from _claim(judgement)
        if len(shared) > 1 and judgement.remarks:
            yield text(judgement.remarks)
    if len(shared) == 1 and shared != {""}:
        yield text(shared.pop())
    yield f"```console\n$ paperwright check {paper}/{name}\n```"


def _claim(judgement: "Judgement") -> Iterator[str]:
    from paperwright.claims.reports import summary
    from paperwright.claims.reports.figure import arms_figure, effects_figure

    salt = re.sub(r"\W", "-", judgement.path)
    where = f" *({text(judgement.where)})*" if judgement.where else ""
    yield f"{text(judgement.statement)}{where}"
    if judgement.recorded:
        yield f"{verdict(judgement.verdict)} · {cell(summary.basis(judgement))}"
        drawn = arms_figure(judgement, salt=f"{salt}-arms"), effects_figure(judgement, salt=f"{salt}-effects")
        inline = "".join(" ".join(each.split()) for each in drawn if each)
        yield f'<div class="paperwright-figures">{inline}</div>'
    yield f"*Scale*: {text(judgement.scale)}"
    for line in summary.earlier_verdicts(judgement):
        yield f"*Before*: {text(line)}"


def evidence(judgements: "Mapping[Room, list[Judgement]]") -> Iterator[str]:
    """The page of every claim that was tried, paper by paper."""
    from paperwright.claims.reports.summary import counts_line

    yield "# Every claim"
    yield (
        "What was recorded at *desk* budget: a smaller version of each paper's experiment that a laptop runs in ten "
        "minutes. A paper's own page says how far that is from the paper. Intervals are at the level of the look that "
        "decided; see [Check a claim](check.md)."
    )
    for room, tried in judgements.items():
        yield f"## {text(room.card.title)}"
        yield f"[{room.name}](papers/{room.name}.md), {text(venue(room))}: {counts_line(tried)}."
        yield _table(tried)


def index() -> Iterator[str]:
    """The page of the wings."""
    yield "# The seven wings"
    yield "Each paper has a *room*: a card to read, a method to import, claims to check."
    for wing, holds in WINGS.items():
        yield f"## {title_of(wing)}\n\n*{holds}*: `paperwright.{wing}`"
        rooms = [room for room in registry().rooms(wing=wing) if room.built_in]
        if not rooms:
            yield "No room yet. [Add one.](../add.md)"
        for room in rooms:
            yield f"- [{text(room.card.title)}]({room.name}.md) ({text(venue(room))}). {text(room.card.tldr)}"


def write() -> None:
    """Writes the pages."""
    import mkdocs_gen_files

    with mkdocs_gen_files.open("papers/index.md", "w") as file:
        print(*index(), sep="\n\n", file=file)
    rooms = [room for room in registry() if room.built_in]
    for room in rooms:
        with mkdocs_gen_files.open(f"papers/{room.name}.md", "w") as file:
            print(*page(room), sep="\n\n", file=file)
    tried = {room: [each for each in _judgements(room) or () if each.recorded] for room in rooms}
    with mkdocs_gen_files.open("evidence.md", "w") as file:
        print(*evidence({room: found for room, found in tried.items() if found}), sep="\n\n", file=file)


if __name__ == "<run_path>":  # run by mkdocs-gen-files
    write()
