"""Whether recorded evidence still stands: held against the code, the claims, the data and the libraries as they are."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from paperwright.claims.catalogue import Entry, entries
from paperwright.claims.claim import digest_of_terms
from paperwright.claims.evidence.recorded import Recorded, as_json, recorded_claims
from paperwright.claims.evidence.rerun import ROUNDING, closeness
from paperwright.claims.fingerprint.context import context_here
from paperwright.claims.judgement import Judgement, judge
from paperwright.claims.verdict import Verdict
from paperwright.registry import Room


@dataclass(frozen=True)
class Standing:
    """Whether a recorded claim still stands as it was recorded.

    Attributes:
        stale: what changed since, so that its trials no longer count; empty if nothing did.
        notes: what differs and does not make it stale: versions of libraries, data that is not at hand.
    """

    path: str
    verdict: Verdict
    stale: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def standings(room: Room, budget: str = "desk") -> list[Standing]:
    """Holds each claim of a room's evidence file against the code, data and libraries as they are here."""
    recorded = recorded_claims(room)
    there = {entry.name: entry for entry in entries(room)}
    found = []
    for name, claim in recorded.items():
        path = f"{room.name}/{name}"
        if name not in there or budget not in there[name].claim.budgets:
            found.append(Standing(path, claim.judgement.verdict, ("the claim is no longer there",)))
            continue
        found.append(_standing(there[name], claim, budget))
    missing = [name for name, entry in there.items() if budget in entry.claim.budgets and name not in recorded]
    return found + [Standing(f"{room.name}/{name}", Verdict.NOT_RUN, ("nothing is recorded",)) for name in missing]


def _standing(entry: Entry, claim: Recorded, budget: str) -> Standing:
    here, unavailable = context_here(entry, budget, claim.context.device)
    stale: list[str] = []
    notes: list[str] = []
    for difference in here.differences(claim.context):
        if difference.kind == "data" and unavailable is not None:
            continue
        (notes if difference.kind == "version" else stale).append(difference.said)
    if unavailable is not None:
        notes.append(f"data not compared: {unavailable}")
    stale += _registration_faults(claim)
    if here.claim == claim.context.claim:
        anew = judge(entry.path, entry.claim, budget, claim.judgement.trials, revision=claim.judgement.revision)
        stale += [f"the recorded {name} does not follow from the recorded trials" for name in _edited(anew, claim)]
    if attempts := claim.judgement.trials.failed_before:
        notes.append(f"{attempts} attempt{'s' * (attempts > 1)} failed before the trials ran")
    notes += [_renewal_note(renewal) for renewal in claim.renewals]
    return Standing(entry.path, claim.judgement.verdict, tuple(stale), tuple(notes))


def _registration_faults(claim: Recorded) -> Iterator[str]:
    """What is wrong with the order of things: terms are hashed first, and seeds run after."""
    revision = claim.judgement.revision
    if digest_of_terms(revision.terms) != revision.digest or claim.context.claim != revision.digest:
        yield "the recorded terms are not those that were hashed"
    for renewal in claim.renewals:
        if any(each["deviation"] > renewal["tolerance"] for each in renewal["sample"]):
            yield f"it was renewed on {renewal['date']} with numbers off by more than the tolerance"
    if revision.registered is None:
        if not claim.renewals or revision.number > 1:
            yield "its terms were never registered, and no sample of it was run again"
        return
    # A claim may go back to terms that it had; its later revisions are then among the others.
    numbers = sorted([revision.number, *(other.number for other in claim.judgement.earlier)])
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"it is revision {revision.number}, and what all others came to is not there"
    if strange := sum(trial["seed"] not in revision.seeds for trial in claim.trials):
        yield f"{strange} of its trials have seeds that are not its own"
    early = sum(trial["started"] < revision.registered - 1e-3 for trial in claim.trials)
    if early:
        yield f"{early} of its trials ran before its terms were registered"


def _renewal_note(renewal: Mapping[str, Any]) -> str:
    sample = renewal["sample"]
    return (
        f"renewed on {renewal['date']}: {len(sample)} of {renewal['of']} trials ran again on changed code"
        f" ({renewal['from']} to {renewal['to']}), {closeness(max(each['deviation'] for each in sample))}"
    )


_FROM_TRIALS = ("verdict", "seeds", "level", "problem", "metrics", "compared", "findings", "means")


def _edited(anew: Judgement, claim: Recorded) -> list[str]:
    """What of a recorded judgement is not what its trials come to by the rule as it is."""
    mine, theirs = as_json(anew), as_json(claim.judgement)
    return [name for name in _FROM_TRIALS if not _alike(mine[name], theirs[name])]


def _alike(mine: Any, theirs: Any) -> bool:
    """Whether two JSON values are equal, numbers up to rounding."""
    if isinstance(mine, float) and isinstance(theirs, int | float):
        return math.isclose(mine, theirs, rel_tol=ROUNDING, abs_tol=ROUNDING)
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return mine.keys() == theirs.keys() and all(_alike(mine[name], theirs[name]) for name in mine)
    if isinstance(mine, list) and isinstance(theirs, list):
        return len(mine) == len(theirs) and all(map(_alike, mine, theirs))
    return bool(mine == theirs)
