"""Evidence files: what a room's claims came to, written by the tool from recorded trials, read by anyone.

`evidence/<paper>.json` holds for each claim its verdict, the numbers of every trial behind it, and the context in which
they were made. `verify` holds such a file against the code, the data and the libraries as they are now.
"""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from paperwright.claims import summary
from paperwright.claims.catalogue import Entry, entries
from paperwright.claims.fingerprint import Context, context_here
from paperwright.claims.judgement import Judgement, judge
from paperwright.claims.reached_code import code_of
from paperwright.claims.rule import Verdict
from paperwright.claims.standing import counting, numbers_of
from paperwright.claims.store import Record, Store
from paperwright.claims.trial import Outcome, Task, run
from paperwright.claims.writing import write_text
from paperwright.registry import Room

FORMAT: Final = 1


class EvidenceError(ValueError):
    """An evidence file that cannot be read; the message names it."""

    exit_code = 4


@dataclass(frozen=True)
class ClaimEvidence:
    """What an evidence file says of one claim.

    Attributes:
        verdict: as recorded; None if it has none.
        trials: for each trial its arm, seed, numbers, seconds and peak memory.
        context: what the numbers rest on.
        content: the whole entry, as read.
    """

    name: str
    verdict: Verdict | None
    trials: tuple[Mapping[str, Any], ...]
    context: Context
    config: Mapping[str, Any]
    content: Mapping[str, Any]

    def numbers(self) -> dict[str, dict[int, Mapping[str, float]]]:
        """For each arm, for each seed, what the trial returned."""
        found: dict[str, dict[int, Mapping[str, float]]] = {}
        for trial in self.trials:
            if trial["numbers"] is not None:
                found.setdefault(trial["arm"], {})[trial["seed"]] = trial["numbers"]
        return found

    def failed(self) -> int:
        return sum(trial["numbers"] is None for trial in self.trials)


def read_evidence(path: Path) -> dict[str, ClaimEvidence]:
    """The claims of an evidence file, by name; none if there is no file.

    Raises:
        EvidenceError: the file is not what the tool writes.
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise EvidenceError(f"{path} has format {content['format']}, this paperwright reads {FORMAT}")
        return {
            claim["claim"]: ClaimEvidence(
                name=claim["claim"],
                verdict=Verdict(claim["verdict"]) if claim["verdict"] else None,
                trials=tuple(claim["trials"]),
                context=Context(**claim["context"]),
                config=claim["config"],
                content=claim,
            )
            for claim in content["claims"]
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, EvidenceError):
            raise
        raise EvidenceError(f"{path} is not an evidence file: {type(error).__name__}: {error}") from None


def judgements_of(room: Room, budget: str = "desk") -> list[Judgement]:
    """The verdicts on a room's claims, judged anew from the trials in its evidence file."""
    recorded = read_evidence(room.evidence_path)
    found = []
    for entry in entries(room):
        if budget not in entry.claim.budgets:
            continue
        evidence = recorded.get(entry.name)
        if evidence is None:
            found.append(judge(entry.path, entry.claim, budget, {}))
        else:
            found.append(_judged_anew(entry.path, entry, evidence, budget))
    return found


def write_evidence(
    room: Room, store: Store, path: Path | None = None, *, budget: str = "desk", device: str = "cpu"
) -> int:
    """Writes a room's evidence file from the store: for each claim, the trials recorded in its present context.

    A claim without such trials keeps what the file said of it before; it may be stale, and `verify` says so.

    Returns:
        How many claims were written from the store.
    """
    path = path or room.evidence_path
    before = read_evidence(path)
    claims: list[Mapping[str, Any]] = []
    written = 0
    for entry in entries(room):
        if budget not in entry.claim.budgets:
            continue
        context, unknown = context_here(entry, budget, device)
        records = [] if unknown else counting(store, entry, budget, context)
        if records:
            claims.append(_claim_entry(entry, budget, context, records))
            written += 1
        elif entry.name in before:
            claims.append(before[entry.name].content)
    if written:
        write_text(path, _layout({"format": FORMAT, "paper": room.name, "budget": budget, "claims": claims}))
    return written


def _claim_entry(entry: Entry, budget: str, context: Context, records: list[Record]) -> dict[str, Any]:
    claim = entry.claim
    numbers, failed = numbers_of(records)
    judgement = judge(entry.path, claim, budget, numbers, failed=failed)
    return {
        "claim": entry.name,
        "statement": claim.statement,
        "where": claim.where,
        "verdict": judgement.verdict,
        "problem": judgement.problem,
        "seeds": judgement.seeds,
        "looks": judgement.looks,
        "level": judgement.level,
        "findings": [summary.plain(finding) for finding in judgement.findings],
        "reported": [asdict(figure) for figure in claim.reported],
        "remarks": claim.remarks,
        "context": asdict(context),
        "config": dict(claim.budget(budget).config),
        "machine": dict(records[0].outcome.machine),
        "trials": [
            {
                "arm": record.key.arm,
                "seed": record.key.seed,
                "numbers": record.outcome.numbers,
                "error": record.outcome.error,
                "seconds": round(record.outcome.seconds, 3),
                "peak_memory": record.outcome.peak_memory,
            }
            for record in records
        ],
    }


def _layout(content: Mapping[str, Any]) -> str:
    """JSON in which a trial takes a line, so that a changed trial is a changed line."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    for claim in content["claims"]:
        for trial in claim["trials"]:
            spread = json.dumps(trial, indent=1, ensure_ascii=False).replace("\n", "\n    ")
            text = text.replace(spread, json.dumps(trial, ensure_ascii=False), 1)
    return text + "\n"


@dataclass(frozen=True)
class Standing:
    """Whether a recorded claim still stands as it was recorded.

    Attributes:
        stale: what changed since, so that its trials no longer count; empty if nothing did.
        notes: what differs and does not make it stale: versions of libraries, data that is not at hand.
    """

    path: str
    verdict: Verdict | None
    stale: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def standings(room: Room, budget: str = "desk") -> list[Standing]:
    """Holds each claim of a room's evidence file against the code, data and libraries as they are here."""
    recorded = read_evidence(room.evidence_path)
    there = {entry.name: entry for entry in entries(room)}
    found = []
    for name, evidence in recorded.items():
        path = f"{room.name}/{name}"
        if name not in there or budget not in there[name].claim.budgets:
            found.append(Standing(path, evidence.verdict, ("the claim is no longer there",)))
            continue
        found.append(_standing(path, there[name], evidence, budget))
    missing = [name for name, entry in there.items() if budget in entry.claim.budgets and name not in recorded]
    return found + [Standing(f"{room.name}/{name}", None, ("nothing is recorded",)) for name in missing]


def _standing(path: str, entry: Entry, evidence: ClaimEvidence, budget: str) -> Standing:
    here, unavailable = context_here(entry, budget, evidence.context.device)
    stale: list[str] = []
    notes: list[str] = []
    for difference in here.differences(evidence.context):
        if difference.kind == "data" and unavailable is not None:
            continue
        (notes if difference.kind == "version" else stale).append(difference.said)
    if unavailable is not None:
        notes.append(f"data not compared: {unavailable}")
    changed = here.claim != evidence.context.claim
    if not changed and _judged_anew(path, entry, evidence, budget).verdict != evidence.verdict:
        stale.append("the recorded verdict does not follow from the recorded trials")
    return Standing(path, evidence.verdict, tuple(stale), tuple(notes))


def _judged_anew(path: str, entry: Entry, evidence: ClaimEvidence, budget: str) -> Judgement:
    return judge(path, entry.claim, budget, evidence.numbers(), failed=evidence.failed())


@dataclass(frozen=True)
class Rerun:
    """A recorded trial, run again.

    Attributes:
        deviation: the greatest |new - recorded| / max(|recorded|, 1e-12) over its numbers; None if it could not run.
        problem: why it could not.
    """

    path: str
    arm: str
    seed: int
    recorded: Mapping[str, float]
    found: Mapping[str, float] = field(default_factory=dict)
    deviation: float | None = None
    problem: str | None = None


def rerun(room: Room, count: int, *, seed: int | None = None, budget: str = "desk") -> Iterator[Rerun]:
    """Runs `count` of a room's recorded trials again, picked at random; how far do they lie from the record?"""
    there = {entry.name: entry for entry in entries(room)}
    pool = [
        (there[name], evidence, trial)
        for name, evidence in read_evidence(room.evidence_path).items()
        if name in there
        for trial in evidence.trials
        if trial["numbers"] is not None
    ]
    for entry, evidence, trial in random.Random(seed).sample(pool, min(count, len(pool))):
        outcome = run(_task(entry, evidence, trial))
        yield _compared(entry, trial, outcome)


def _task(entry: Entry, evidence: ClaimEvidence, trial: Mapping[str, Any]) -> Task:
    source = code_of(entry.module, entry.claim).fingerprint
    device = evidence.context.device
    return Task(entry.paper, entry.name, entry.module, trial["arm"], trial["seed"], evidence.config, device, source)


def _compared(entry: Entry, trial: Mapping[str, Any], outcome: Outcome) -> Rerun:
    recorded = trial["numbers"]
    if outcome.numbers is None:
        return Rerun(entry.path, trial["arm"], trial["seed"], recorded, problem=outcome.error)
    if outcome.numbers.keys() != recorded.keys():
        names = f"it returned {sorted(outcome.numbers)}, recorded were {sorted(recorded)}"
        return Rerun(entry.path, trial["arm"], trial["seed"], recorded, outcome.numbers, problem=names)
    deviation = max(abs(outcome.numbers[name] - old) / max(abs(old), 1e-12) for name, old in recorded.items())
    return Rerun(entry.path, trial["arm"], trial["seed"], recorded, outcome.numbers, deviation)
