"""The commands of the claims engine: check, demo, report, verify, renew, export, merge.

Exit codes, made for scripts and CI: 0 every claim holds (or the work is done), 1 one fails, 2 the command was misused,
3 one is undecided, 4 one could not run, 70 an error of paperwright itself. Where several apply: 4 before 1 before 3.
"""

import contextlib
import json
import math
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from paperwright._lazy import MissingExtra, RoomError
from paperwright.completion import complete_claim, complete_paper

if TYPE_CHECKING:
    from paperwright.claims import Entry, Judgement, Place, Plan, Store
    from paperwright.registry import Room

Papers = Annotated[
    list[str],
    typer.Argument(
        help="PAPER, PAPER/CLAIM or PAPER/CLAIM/CASE; several.", show_default=False, autocompletion=complete_claim
    ),
]
SomePapers = Annotated[
    list[str] | None,
    typer.Argument(help="Papers [default: all].", show_default=False, autocompletion=complete_paper),
]
StorePath = Annotated[
    Path | None, typer.Option("--store", help="The evidence store [default: $PAPERWRIGHT_STORE, or your data folder].")
]
Device = Annotated[str, typer.Option(help="A torch device, such as cpu or cuda:0.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file instead of printing.")]


def attach(app: typer.Typer) -> None:
    """Adds the engine's commands to the command line."""
    for command in (check, demo, report, verify, renew, export, merge):
        app.command()(command)


class _Failed(Exception):
    """Ends a command with one line and an exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def _store_path(given: Path | None) -> Path:
    if given is not None:
        return given
    if named := os.environ.get("PAPERWRIGHT_STORE"):
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("paperwright") / "evidence.sqlite"


def exit_code(judgements: "Sequence[Judgement]") -> int:
    """What some judgements mean for a script."""
    from paperwright.claims import verdict

    return verdict.exit_code(judgement.verdict for judgement in judgements)


def check(
    papers: Papers,
    budget: Annotated[str, typer.Option(help="smoke, desk or paper.")] = "desk",
    seeds: Annotated[int | None, typer.Option(help="Stop after so many seeds, at most those planned.")] = None,
    on: Annotated[
        str, typer.Option(help="inprocess, processes:N, dask://host:port, slurm://partition or mpi.")
    ] = "inprocess",
    device: Device = "cpu",
    store: StorePath = None,
    report: Annotated[Path | None, typer.Option(help="Also write the HTML report to this file.")] = None,
    timeout: Annotated[
        float | None, typer.Option(help="Seconds that a trial may run.", show_default="what its claim states")
    ] = None,
    pilot: Annotated[bool, typer.Option("--pilot", help="Run pilot seeds, which never count for a verdict.")] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE in the configuration (with --pilot).")
    ] = None,
    details: Annotated[
        bool | None,
        typer.Option("--details/--brief", help="Statements and figures, or a line a claim.", show_default="by width"),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Try a paper's claims on this machine, or on a cluster, and say which hold."""
    from paperwright.claims import Plan, select

    plan = Plan(budget, seeds, device, pilot, _settings(settings or []), timeout)
    entries = _with_budget(select(papers), budget, papers)
    _check_device(device)
    judgements = _run(entries, plan, on, _store_path(store), details, as_json=as_json)
    if report is not None:
        _write_report(judgements, report)
    if pilot:
        return 0 if all(judgement.trials.failed == 0 for judgement in judgements) else 4
    return exit_code(judgements)


def _with_budget(entries: "list[Entry]", budget: str, named: Sequence[str]) -> "list[Entry]":
    """Leaves out the claims of a paper that do not have the budget, says so, and keeps what was named itself."""
    kept = [entry for entry in entries if budget in entry.claim.budgets or entry.path in named]
    if not kept or len(kept) == len(entries):
        return entries
    missing = ", ".join(entry.path for entry in entries if entry not in kept)
    print(f"paperwright: left out, without a budget {budget!r}: {missing}", file=sys.stderr)
    return kept


def _settings(settings: list[str]) -> dict[str, Any]:
    from paperwright.claims import UsageError

    config = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"--set {setting}: expected NAME=VALUE, such as learning_rate=0.1")
        try:
            config[name] = json.loads(value)
        except ValueError:
            config[name] = value
    return config


def _check_device(device: str) -> None:
    from paperwright.claims import UsageError

    if device == "cpu":
        return
    try:
        import torch

        torch.empty(1, device=device)
    except ImportError:
        raise UsageError(f"--device {device} needs torch: pip install 'paperwright[torch]'") from None
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"--device {device}: {str(error).splitlines()[0]}") from None


def _run(
    entries: Any, plan: "Plan", on: str, path: Path, details: bool | None = None, *, as_json: bool = False
) -> "list[Judgement]":
    """Checks some claims with live progress, and prints the verdicts."""
    from paperwright.claims import Interrupted, Store, StoreError
    from paperwright.claims import check as check_claims
    from paperwright.claims.reports.console import Watch, print_verdicts
    from paperwright.executors import Unreachable, place

    where: Place = place(on)
    try:
        with Store(path) as store, Watch() as watch:
            _name_missing(store)
            judgements = check_claims(entries, store, plan, where, on_progress=watch)
    except Interrupted as stopped:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second one is not to cut this short
        if recorded := [judgement for judgement in stopped.judgements if judgement.recorded]:
            print_verdicts(recorded, details=details)
        print(f"paperwright: {stopped}", file=sys.stderr)
        raise typer.Exit(130) from None
    except (StoreError, Unreachable):
        where.close(True)
        raise
    where.close(False)
    if as_json:
        print(json.dumps([_as_json(judgement) for judgement in judgements], indent=1))
    else:
        print_verdicts(judgements, details=details)
        print(f"Recorded in {path}")
    if raised := sorted({judgement.paper for judgement in judgements if judgement.trials.failed}):
        print(f"The tracebacks: paperwright export {' '.join(raised)} --format json --store {path}", file=sys.stderr)
    return judgements


def _as_json(judgement: "Judgement") -> dict[str, Any]:
    from paperwright.claims.evidence.recorded import as_json

    counted = {"recorded": judgement.recorded, "expected": judgement.expected, "failed": judgement.trials.failed}
    return as_json(judgement) | {"claim": judgement.path, "budget": judgement.budget} | counted


def _write_report(judgements: "Sequence[Judgement]", path: Path) -> None:
    from paperwright.claims.reports.report import write_report

    write_report(judgements, path)
    print(f"The report: {path.resolve()}", file=sys.stderr)


def demo(
    report: Annotated[Path, typer.Option(help="Where the HTML report goes.")] = Path("paperwright-report.html"),
    every: Annotated[bool, typer.Option("--all", help="Try every paper, not one of each wing.")] = False,
    on: Annotated[str, typer.Option(help="Where trials run, as for check.")] = "inprocess",
    store: StorePath = None,
) -> int:
    """Check a claim of one paper of each wing, offline, in less than four minutes, and write the report."""
    from paperwright.claims import Plan, UnknownClaim, select

    chosen: list[Entry] = []
    faults = _Faults()
    for rooms in _demo_rooms().values():
        for room in rooms:
            with faults.of(room):
                try:
                    chosen += select([f"{room.name}/{room.card.demo}"])
                except UnknownClaim as error:
                    raise RoomError(f"its card names the demo {room.card.demo!r}; {error}") from None
                if not every:
                    break
    if not chosen:
        raise _Failed("no paper with a demo can run here; the extra [demo] brings what those of each wing need", 4)
    judgements = _run(chosen, Plan("desk"), on, _store_path(store))
    _write_report(judgements, report)
    return 4 if faults.rooms or exit_code(judgements) == 4 else 0


def _demo_rooms() -> "dict[str, list[Room]]":
    """The rooms that have a demo, wing by wing, first those whose demo took the least time when it was recorded."""
    from paperwright.claims.evidence.recorded import EvidenceError, recorded_claims
    from paperwright.registry import registry

    wings: dict[str, list[Room]] = {}
    for room in registry().rooms():
        if room.card.demo:
            wings.setdefault(room.wing, []).append(room)

    def seconds(room: "Room") -> float:
        try:
            return recorded_claims(room)[str(room.card.demo)].judgement.trials.seconds
        except (KeyError, EvidenceError):
            return math.inf

    return {wing: sorted(rooms, key=seconds) for wing, rooms in wings.items()}


def report(
    papers: SomePapers = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The HTML file.")] = Path("paperwright-report.html"),
    store: StorePath = None,
    budget: Annotated[str, typer.Option(help="smoke, desk or paper.")] = "desk",
    device: Device = "cpu",
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Report the recorded evidence files, not the store.")
    ] = False,
) -> int:
    """Write a self-contained HTML report of what is recorded."""
    from paperwright.claims.evidence.recorded import recorded_claims
    from paperwright.claims.evidence.valid_records import judged

    faults = _Faults()
    found: list[Judgement] = []
    with contextlib.nullcontext() if evidence else _open(store) as opened:
        for room in _rooms(papers, faults):
            with faults.of(room):
                found += (
                    [claim.judgement for claim in recorded_claims(room).values()]
                    if opened is None
                    else judged(room, opened, budget, device)
                )
    found = [judgement for judgement in found if judgement.recorded]
    if not found:
        raise _Failed(f"nothing is recorded at {budget}; `paperwright check PAPER` records", 4)
    _write_report(found, out)
    return 4 if faults.rooms else 0


def _open(path: Path | None) -> "Store":
    """A store to read from."""
    from paperwright.claims import Store

    store = Store(_store_path(path), read_only=True)
    _name_missing(store)
    return store


def _name_missing(store: "Store") -> None:
    if store.missing:
        print(
            f"paperwright: {store.missing} records that were written to {store.path} are not in it any more (its log"
            f" {store.path}-wal was damaged or cut short); a check runs their trials again",
            file=sys.stderr,
        )


class _Faults:
    """The rooms that a command left out, each named when it happens: one room's fault does not end it for all.

    Attributes:
        rooms: their names; `lacking` those that merely need a library which is not installed.
    """

    def __init__(self) -> None:
        self.rooms: list[str] = []
        self.lacking: list[str] = []

    @contextlib.contextmanager
    def of(self, room: "Room") -> Iterator[None]:
        """Takes what goes wrong within as the fault of a room; but for the store's, and a misuse of the command."""
        from paperwright.claims import StoreError, UsageError

        try:
            yield
        except (StoreError, UsageError, BrokenPipeError):
            raise
        except Exception as error:
            (self.lacking if isinstance(error, MissingExtra) else self.rooms).append(room.name)
            said = str(error) if isinstance(error, RoomError) else f"{type(error).__name__}: {error}"
            print(f"paperwright: left out {room.name}: {' '.join(said.split())}", file=sys.stderr)


def _rooms(papers: list[str] | None, faults: _Faults) -> "list[Room]":
    """The rooms named, or all that can be used; those that cannot are named and left out."""
    from paperwright.claims import entries
    from paperwright.registry import registry

    if papers:
        return [registry().room(paper.partition("/")[0]) for paper in papers]
    for broken in registry().broken:
        faults.rooms.append(broken.name)
        print(f"paperwright: left out {broken}", file=sys.stderr)
    usable = []
    for room in registry().rooms():
        with faults.of(room):
            entries(room)
            usable.append(room)
    return usable


def verify(
    papers: SomePapers = None,
    rerun: Annotated[int, typer.Option(help="Run so many recorded trials of each paper again, picked at random.")] = 0,
    seed: Annotated[int | None, typer.Option(help="Pick the same ones again.")] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="With --rerun: in place of what the claims allow between processors.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Say which recorded evidence no longer fits the code, the claims or the data."""
    from paperwright.claims.evidence.rerun import rerun_trials
    from paperwright.claims.evidence.standing import standings

    stale = False
    faults = _Faults()
    content: list[dict[str, Any]] = []
    for room in _rooms(papers, faults):
        with faults.of(room):
            for standing in standings(room):
                stale |= bool(standing.stale)
                content.append(asdict(standing) | {"claim": standing.path})
                if not as_json:
                    print(f"{'stale' if standing.stale else 'stands':7} {standing.path:45} {standing.verdict}")
                    for said in (*standing.stale, *standing.notes):
                        print(f"        {said}")
            for again in rerun_trials(room, rerun, seed=seed) if rerun else ():
                if tolerance is not None:
                    again = replace(again, tolerance=tolerance)
                stale |= not again.equal
                content.append(asdict(again) | {"claim": again.path, "equal": again.equal})
                if not as_json:
                    print(f"rerun   {again.path:45} arm {again.arm}, seed {again.seed}: {again}")
    if as_json:
        print(json.dumps(content, indent=1))
    return 4 if faults.rooms or faults.lacking else int(stale)


def renew(
    papers: Papers,
    sample: Annotated[int, typer.Option(help="Run at least so many trials of each claim again; one of every arm.")] = 3,
) -> int:
    """Run a sample of stale evidence again after its code changed, and stamp it where every number is equal."""
    from paperwright.claims.evidence.renewal import renew_claims

    left, faults = False, _Faults()
    for room in _rooms(papers, faults):
        with faults.of(room):
            for outcome in renew_claims(room, sample=sample):
                left |= not outcome.renewed
                print(f"{'renewed' if outcome.renewed else 'stale':7} {outcome.path:45} {outcome.said}", flush=True)
    return 4 if faults.rooms else int(left)


def export(
    papers: SomePapers = None,
    form: Annotated[str, typer.Option("--format", help="json, csv or markdown.")] = "json",
    out: Out = None,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Write the evidence files of the repository instead.")
    ] = False,
    readme: Annotated[
        Path | None, typer.Option(help="Update the table of verdicts in this file, from the evidence files.")
    ] = None,
    store: StorePath = None,
    budget: Annotated[str, typer.Option(help="For --evidence and markdown: smoke, desk or paper.")] = "desk",
    device: Device = "cpu",
) -> int:
    """Write what is recorded as JSON, CSV or Markdown; the evidence files; or the README's table."""
    from paperwright.claims.evidence.evidence_file import write_evidence
    from paperwright.claims.evidence.recorded import recorded_claims
    from paperwright.claims.reports import tables
    from paperwright.files import write_text

    faults = _Faults()
    rooms = _rooms(papers, faults)
    if readme is not None:
        tables.update_readme(readme, [claim.judgement for room in rooms for claim in recorded_claims(room).values()])
        print(f"The table in {readme} is up to date")
        return 4 if faults.rooms else 0
    with _open(store) as opened:
        if evidence:
            for room in rooms:
                with faults.of(room):
                    written = write_evidence(room, opened, budget=budget, device=device)
                    said = f"{room.evidence_path}: {written} claims written"
                    print(said if written else f"{room.name}: nothing recorded here")
            return 4 if faults.rooms else 0
        text = tables.store_text(opened, form, [room.name for room in rooms] if papers else None, budget, device)
    if out is None:
        print(text, end="")
    else:
        write_text(out, text, parents=True)
    return 4 if faults.rooms else 0


def merge(
    stores: Annotated[list[Path], typer.Argument(help="Stores made elsewhere.", show_default=False)],
    store: StorePath = None,
) -> None:
    """Take in records made on another machine, a GPU or a cluster: with their provenance, none twice."""
    from paperwright.claims import Store

    with Store(_store_path(store)) as target:
        for path in stores:
            with _open(path) as source:
                new, known = target.merge(source)
            print(f"{path}: {new} records taken in, {known} were here already")
