"""Evidence files, written by the tool from recorded trials."""

import itertools
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from paperwright.claims.catalogue import Entry, entries
from paperwright.claims.evidence.recorded import FORMAT, EvidenceError, as_json, recorded_claims, trials_json
from paperwright.claims.evidence.revision import Revision, with_earlier_code
from paperwright.claims.evidence.store import Record, Store
from paperwright.claims.evidence.valid_records import judge_records, revisions_of, valid_records
from paperwright.claims.fingerprint.context import Context, context_here
from paperwright.claims.judgement import came_to
from paperwright.files import write_text
from paperwright.registry import Room, registry


def write_evidence(
    room: Room, store: Store, path: Path | None = None, *, budget: str = "desk", device: str = "cpu"
) -> int:
    """Writes a room's evidence file from the store: for each claim, the trials recorded in its present context.

    A claim without such trials keeps what the file said of it before; it may be stale, and `verify` says so.

    Returns:
        How many claims were written from the store.

    Raises:
        EvidenceError: the file that is there cannot be read, or is of another budget.
    """
    recorded = recorded_claims(room)
    if other := {claim.judgement.budget for claim in recorded.values()} - {budget}:
        raise EvidenceError(
            f"{room.evidence_path} holds evidence at {', '.join(other)}; there is no place in it for {budget}"
        )
    before = raw_claims(room.evidence_path) if recorded else {}
    claims: list[Mapping[str, Any]] = []
    written = 0
    for entry in entries(room):
        if budget not in entry.claim.budgets:
            continue
        context, unknown = context_here(entry, budget, device)
        revision, earlier = revisions_of(entry, budget, store)
        records = [] if unknown else valid_records(store, entry, budget, context, revision)
        if records:
            claims.append(_claim_entry(entry, budget, context, records, revision, earlier))
            written += 1
        elif entry.name in before:
            claims.append(before[entry.name])
    if written:
        write_claims(path or room.evidence_path, room, budget, claims)
    return written


def raw_claims(path: Path) -> dict[str, dict[str, Any]]:
    """The entries of an evidence file as they stand there."""
    if not path.is_file():
        return {}
    return {claim["claim"]: claim for claim in json.loads(path.read_text(encoding="utf-8"))["claims"]}


def write_claims(path: Path, room: Room, budget: str, claims: Sequence[Mapping[str, Any]]) -> None:
    """Write the entries of an evidence file."""
    content = {"format": FORMAT, "paper": room.name, "budget": budget, "claims": claims}
    write_text(path, _layout(content), parents=True)


def _claim_entry(
    entry: Entry, budget: str, context: Context, records: list[Record], revision: Revision, earlier: list[Revision]
) -> dict[str, Any]:
    judgement = judge_records(entry, budget, records, revision, earlier)
    said = with_earlier_code(came_to(judgement, context.source), _said_before(entry, revision))
    judgement = replace(judgement, revision=replace(revision, came_to=said))
    shown = as_json(replace(judgement, earlier=tuple(_with_outcome(entry, each) for each in judgement.earlier)))
    return shown | {"context": asdict(context), "renewals": []} | trials_json(records)


def _said_before(entry: Entry, revision: Revision) -> Mapping[str, Any] | None:
    """What a revision came to when it was last noted, in the store or in the evidence file."""
    if revision.came_to is not None:
        return revision.came_to
    found = recorded_claims(registry().room(entry.paper)).get(entry.name)
    if found is None or found.judgement.revision.digest != revision.digest:
        return None
    return found.judgement.revision.came_to or came_to(found.judgement, found.context.source)


def _with_outcome(entry: Entry, earlier: Revision) -> Revision:
    """An earlier revision with what it came to; where that is its evidence file's present entry, taken from there."""
    found = recorded_claims(registry().room(entry.paper)).get(entry.name)
    if earlier.came_to is None and found is not None and found.judgement.revision.digest == earlier.digest:
        return replace(earlier, came_to=came_to(found.judgement, found.context.source))
    return earlier


def _layout(content: Mapping[str, Any]) -> str:
    """JSON in which a trial takes a line, so that a changed trial is a changed line."""
    place = uuid.uuid4().hex  # stands for a trial until the rest is laid out
    claims = [{**claim, "trials": [place] * len(claim["trials"])} for claim in content["claims"]]
    between = json.dumps({**content, "claims": claims}, indent=1, ensure_ascii=False).split(f'"{place}"')
    trials = [json.dumps(trial, ensure_ascii=False) for claim in content["claims"] for trial in claim["trials"]]
    return "".join(itertools.chain.from_iterable(zip(between, [*trials, "\n"], strict=True)))
