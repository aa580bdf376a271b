"""Records and verdicts as tables: JSON, CSV, Markdown, a pandas frame, and the README's table."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from paperwright.claims.check import UsageError
from paperwright.claims.evidence.recorded import EvidenceError
from paperwright.claims.evidence.store import Record, Store
from paperwright.claims.judgement import Judgement
from paperwright.claims.reports import summary
from paperwright.claims.verdict import Verdict
from paperwright.files import write_text

if TYPE_CHECKING:
    import pandas

BEGIN: Final = "<!-- verdicts: written by `paperwright export --readme`, do not edit -->"
END: Final = "<!-- end of verdicts -->"


def row_of(record: Record) -> dict[str, Any]:
    """A record as one flat row; behind it its numbers, the versions of libraries and the checksums of data, by name."""
    key, outcome = record.key, record.outcome
    context = key.context
    numbers = {f"numbers.{name}": value for name, value in (outcome.numbers or {}).items()}
    versions = {f"version.{name}": version for name, version in context.versions.items()}
    checksums = {f"data.{name}": checksum for name, checksum in context.data.items()}
    return (
        {
            "paper": key.paper,
            "claim": key.claim,
            "budget": key.budget,
            "arm": key.arm,
            "seed": key.seed,
            "pilot": key.pilot,
            "terms": context.claim,
            "source": context.source,
            "error": outcome.error,
            "started": outcome.started,
            "seconds": outcome.seconds,
            "peak_memory": outcome.peak_memory,
            "device": outcome.machine.get("device"),
            "origin": record.origin,
            "uid": record.uid,
        }
        | numbers
        | versions
        | checksums
    )


def frame(store: Store, papers: Sequence[str] | None = None) -> "pandas.DataFrame":
    """Every record of a store as a pandas frame, a row each; needs pandas."""
    import pandas

    return pandas.DataFrame([row_of(record) for record in _records(store, papers)])


def _records(store: Store, papers: Sequence[str] | None) -> Iterable[Record]:
    if papers is None:
        yield from store.records()
    for paper in papers or ():
        yield from store.records(paper)


def store_text(
    store: Store, form: str, papers: Sequence[str] | None = None, budget: str = "desk", device: str = "cpu"
) -> str:
    """What a store holds, as text: every record as `json` or `csv`, or the verdicts as `markdown`.

    Raises:
        UsageError: there is no such form.
    """
    if form == "json":
        rows = [
            row_of(record) | {"settings": record.key.config, "traceback": record.outcome.traceback}
            for record in _records(store, papers)
        ]
        return json.dumps(rows, indent=1) + "\n"
    if form == "csv":
        return _csv([row_of(record) for record in _records(store, papers)])
    if form == "markdown":
        from paperwright.claims.evidence.valid_records import judged
        from paperwright.registry import registry

        names = papers or sorted({paper for paper, _, _ in store.claims()} & {room.name for room in registry().rooms()})
        found = [judgement for name in names for judgement in judged(registry().room(name), store, budget, device)]
        return markdown([judgement for judgement in found if judgement.recorded])
    raise UsageError(f"--format {form}: expected json, csv or markdown")


def _csv(rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([row.get(name, "") for name in names] for row in rows)
    return text.getvalue()


def markdown(judgements: Sequence[Judgement]) -> str:
    """Verdicts as a Markdown table: the paper, its claim, the paper's figure, ours, the verdict."""
    lines = ["| paper | claim | the paper | here | verdict |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join([judgement.paper, *_cells(judgement)]) + " |" for judgement in judgements]
    return "\n".join(lines) + "\n"


def evidence_page(judgements: Sequence[Judgement]) -> str:
    """Every claim of some papers as a page in Markdown: for each paper what its claims came to, and a table of them."""
    lines = ["# Every claim, and what it came to"]
    for name, found in by_paper(judgements).items():
        lines += ["", f"## {_title(name)}", "", f"{summary.tally(found)}.", ""]
        lines += ["| claim | the paper | here | verdict |", "|---|---|---|---|"]
        lines += ["| " + " | ".join(_cells(judgement)) + " |" for judgement in found]
    return "\n".join(lines) + "\n"


def by_paper(judgements: Iterable[Judgement]) -> dict[str, list[Judgement]]:
    """Judgements by the paper that they are about, in their order."""
    found: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        found.setdefault(judgement.paper, []).append(judgement)
    return found


def _cells(judgement: Judgement) -> list[str]:
    """A claim as the cells of a row: statement with scale, the paper's figure, ours, the verdict."""
    here = "; ".join(summary.effects(judgement, most=2)) or summary.basis(judgement)
    stated = f"{judgement.statement} *(scale: {judgement.scale})*"
    return [_cell(each) for each in (stated, summary.paper_figures(judgement), here, f"**{judgement.verdict}**")]


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def update_readme(path: Path, judgements: Sequence[Judgement]) -> None:
    """Write the overview of verdicts between its two marks in a file.

    Raises:
        EvidenceError: the file cannot be read or has no such marks.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise EvidenceError(f"cannot read {path}: {error.strerror or error}") from None
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise EvidenceError(
            f"{path} has no place for the table: put the lines {BEGIN!r} and {END!r} where it should stand"
        )
    write_text(path, f"{before}{BEGIN}\n{overview(judgements)}{END}{after}")


def overview(judgements: Sequence[Judgement]) -> str:
    """A Markdown table with a row for each paper: how many of its claims hold, and in words what does not."""
    lines = ["| paper | its claims, tried here on a smaller scale | what fails |", "|---|---|---|"]
    for name, found in by_paper(judgements).items():
        lines.append(f"| {_title(name)} | {summary.tally(found)} | {'; '.join(map(_cell, _failing(found)))} |")
    return "\n".join(lines) + "\n"


def _title(paper: str) -> str:
    from paperwright.registry import registry

    card = registry().room(paper).card
    return f"**{paper}**: {_cell(card.title)} ({_cell(card.venue)})"


def _failing(judgements: Iterable[Judgement]) -> list[str]:
    """The statements that fail; of the cases of one claim the first, with how many more fail."""
    claims: dict[str, list[str]] = {}
    for judgement in judgements:
        if judgement.verdict is Verdict.FAILS:
            claims.setdefault(judgement.name.partition("/")[0], []).append(judgement.statement.rstrip("."))
    return [cases[0] + (f", and {len(cases) - 1} more like it" if cases[1:] else "") for cases in claims.values()]
