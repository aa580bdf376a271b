"""Records and verdicts as tables: JSON, CSV, Markdown, a pandas frame, and the README's table."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from paperwright.claims import summary
from paperwright.claims.check import UsageError
from paperwright.claims.judgement import Judgement
from paperwright.claims.recorded import EvidenceError
from paperwright.claims.store import Record, Store
from paperwright.claims.verdict import Verdict
from paperwright.claims.writing import write_text

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


def export(
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
        from paperwright.claims.standing import judged
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
    """The verdicts as a Markdown table: the claim, the paper's figure, ours, the verdict."""
    lines = ["| paper | claim | the paper | here | verdict |", "|---|---|---|---|---|"]
    for judgement in judgements:
        here = "; ".join(summary.effects(judgement, most=2)) or summary.basis(judgement)
        stated = f"{judgement.statement} *(scale: {judgement.scale})*"
        cells = (judgement.paper, stated, summary.paper_figures(judgement), here, f"**{judgement.verdict}**")
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def update_readme(path: Path, judgements: Sequence[Judgement]) -> None:
    """Writes the table of verdicts between its two marks in a file.

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
    recorded = [judgement for judgement in judgements if judgement.recorded]
    full = f"<details>\n<summary>Every claim</summary>\n\n{markdown(recorded)}\n</details>\n"
    write_text(path, f"{before}{BEGIN}\n{overview(judgements)}\n{full}\n{END}{after}")


def overview(judgements: Sequence[Judgement]) -> str:
    """A Markdown table with a row for each paper: how many of its claims hold, fail, and so on, and which fail."""
    from paperwright.registry import registry

    papers: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        papers.setdefault(judgement.path.partition("/")[0], []).append(judgement)
    lines = ["| paper | its claims, at desk budget | not holding |", "|---|---|---|"]
    for name, found in papers.items():
        card = registry().room(name).card
        title = f"**{name}**: {_cell(card.title)} ({_cell(card.venue)})"
        others = [
            f"{judgement.name} {judgement.verdict}"
            for judgement in found
            if judgement.verdict not in (Verdict.HOLDS, Verdict.NOT_RUN)
        ]
        lines.append(f"| {title} | {summary.counts(found)} | {', '.join(others)} |")
    return "\n".join(lines) + "\n"
