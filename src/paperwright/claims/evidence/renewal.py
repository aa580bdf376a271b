"""Renewal of stale evidence: a sample of its trials runs again on the changed code, and stamps it where all agree."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from paperwright.claims.catalogue import Entry, entries
from paperwright.claims.evidence.evidence_file import raw_claims, write_claims
from paperwright.claims.evidence.recorded import Recorded, recorded_claims, words_of
from paperwright.claims.evidence.rerun import Rerun, closeness, run_again
from paperwright.claims.fingerprint.context import Context, context_here
from paperwright.registry import Room


@dataclass(frozen=True)
class Renewal:
    """What became of a stale claim: renewed, or left stale with the reason."""

    path: str
    renewed: bool
    said: str
    reruns: tuple[Rerun, ...] = field(default=())


def renew_claims(room: Room, *, sample: int = 3, budget: str = "desk") -> Iterator[Renewal]:
    """Runs a random sample of each stale claim's trials again; where every number is equal, stamps it as of now.

    Equal means within the claim's tolerance, and the evidence says how far off the sample was. Only what is stale
    because the code changed can be renewed: a claim whose terms changed is another claim, and one whose data changed
    rests on other data. The evidence says which trials ran again, when, and both fingerprints.

    What a claim says beside its terms (the paper's figures, its remarks, its scale, its units) rests on no trial: where
    it differs, it is brought up to date as well.

    Args:
        room: the room.
        sample: how many trials of a claim at least; one of every arm in any case.
        budget: the budget of the evidence.
    """
    recorded = recorded_claims(room)
    for entry in entries(room):
        claim = recorded.get(entry.name)
        if claim is None or budget not in entry.claim.budgets:
            continue
        here, unavailable = context_here(entry, budget, claim.context.device)
        changed = [each for each in here.differences(claim.context) if each.kind != "version"]
        unregistered = claim.judgement.revision.registered is None and not claim.renewals
        if not changed and not unregistered:
            if words_of(entry.claim) != words_of(claim.judgement):
                _rewrite(room, entry, budget, {})
                yield Renewal(entry.path, True, "the paper's figures, remarks, scale or units brought up to date")
            continue
        if unavailable is not None or any(each.kind != "source" for each in changed):
            why = unavailable or "; ".join(each.said for each in changed if each.kind != "source")
            yield Renewal(entry.path, False, f"cannot be renewed: {why}. Run `paperwright check {entry.path}`")
            continue
        # The sample is drawn by the fingerprints: who tries again gets the same one.
        chosen = _sample(claim, sample, random.Random(f"{entry.path} {claim.context.source} {here.source}"))
        reruns = tuple(run_again(entry, claim, trial, budget) for trial in chosen)
        different = [again for again in reruns if not again.equal]
        if different:
            said = f"{len(different)} of {len(reruns)} trials differ; first, {different[0].arm}: {different[0]}"
            yield Renewal(entry.path, False, f"{said}. Run `paperwright check {entry.path}`", reruns)
            continue
        _stamp(room, entry, claim, here, reruns, budget)
        yield Renewal(
            entry.path,
            True,
            f"{len(reruns)} of {len(claim.trials)} trials ran again, {closeness(max(r.deviation for r in reruns))}",
            reruns,
        )


def _sample(claim: Recorded, count: int, pick: random.Random) -> list[Mapping[str, Any]]:
    """A trial of every arm, and others up to `count`."""
    pool = [trial for trial in claim.trials if trial["numbers"] is not None]
    pick.shuffle(pool)
    first = list({trial["arm"]: trial for trial in pool}.values())
    rest = [trial for trial in pool if trial not in first]
    return first + rest[: max(0, count - len(first))]


def _stamp(room: Room, entry: Entry, claim: Recorded, here: Context, reruns: Sequence[Rerun], budget: str) -> None:
    """Writes the present source into the claim's evidence, with what was run again."""
    renewal = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "from": claim.context.source,
        "to": here.source,
        "sample": [{"arm": again.arm, "seed": again.seed, "deviation": again.deviation} for again in reruns],
        "tolerance": reruns[0].tolerance,
        "of": len(claim.trials),
    }
    context = asdict(claim.context) | {"source": here.source}
    _rewrite(room, entry, budget, {"context": context, "renewals": [*claim.renewals, renewal]})


def _rewrite(room: Room, entry: Entry, budget: str, changed: Mapping[str, Any]) -> None:
    """Write a claim's evidence with some of it changed, and its words as they are now."""
    raw = raw_claims(room.evidence_path)
    new = raw[entry.name] | words_of(entry.claim) | dict(changed)
    last = [name for name in ("context", "renewals", "machines", "trials") if name in new]
    raw[entry.name] = {name: value for name, value in new.items() if name not in last} | {n: new[n] for n in last}
    write_claims(room.evidence_path, room, budget, list(raw.values()))
