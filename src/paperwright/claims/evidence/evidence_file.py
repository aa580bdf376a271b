"""Evidence files: written by the tool from recorded trials, and held against the code, the data and the libraries."""

import itertools
import json
import math
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paperwright.claims.catalogue import Entry, entries
from paperwright.claims.claim import digest_of_terms
from paperwright.claims.evidence.recorded import FORMAT, EvidenceError, Recorded, as_json, recorded_claims, trials_json
from paperwright.claims.evidence.revision import Revision, with_earlier_code
from paperwright.claims.evidence.store import Record, Store
from paperwright.claims.evidence.valid_records import judge_records, revisions_of, valid_records
from paperwright.claims.fingerprint.context import Context, context_here
from paperwright.claims.fingerprint.reached_code import code_of
from paperwright.claims.judgement import Judgement, came_to, judge
from paperwright.claims.trial import Outcome, Task, run
from paperwright.claims.verdict import Verdict
from paperwright.files import write_text
from paperwright.registry import Room, registry

_ROUNDING = 1e-9  # digits that another linear algebra library may change in a trial without training


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
    before = _raw_claims(room.evidence_path) if recorded else {}
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
        _write(path or room.evidence_path, room, budget, claims)
    return written


def _raw_claims(path: Path) -> dict[str, dict[str, Any]]:
    """The entries of an evidence file as they stand there."""
    if not path.is_file():
        return {}
    return {claim["claim"]: claim for claim in json.loads(path.read_text(encoding="utf-8"))["claims"]}


def _write(path: Path, room: Room, budget: str, claims: Sequence[Mapping[str, Any]]) -> None:
    content = {"format": FORMAT, "paper": room.name, "budget": budget, "claims": claims}
    write_text(path, _layout(content), parents=True)


def _claim_entry(
    entry: Entry, budget: str, context: Context, records: list[Record], revision: Revision, earlier: list[Revision]
) -> dict[str, Any]:
    judgement = judge_records(entry, budget, records, revision, earlier)
    said = with_earlier_code(came_to(judgement, context.source), _said_before(entry, revision))
    judgement = replace(judgement, revision=replace(revision, came_to=said))
    shown = as_json(replace(judgement, earlier=tuple(_with_outcome(entry, each) for each in judgement.earlier)))
    outcomes = [(record.key.arm, record.key.seed, record.outcome) for record in records]
    return shown | {"context": asdict(context), "renewals": []} | trials_json(outcomes)


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


# --- Does it still stand? ---------------------------------------------------------------------------------------------


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
    numbers = [earlier.number for earlier in claim.judgement.earlier]
    if numbers != list(range(1, revision.number)):
        yield f"it is revision {revision.number}, and what the earlier ones came to is not there"
    if strange := sum(trial["seed"] not in revision.seeds for trial in claim.trials):
        yield f"{strange} of its trials have seeds that are not its own"
    early = sum(trial["started"] < revision.registered - 1e-3 for trial in claim.trials)
    if early:
        yield f"{early} of its trials ran before its terms were registered"


def _renewal_note(renewal: Mapping[str, Any]) -> str:
    sample = renewal["sample"]
    return (
        f"renewed on {renewal['date']}: {len(sample)} of {renewal['of']} trials ran again on changed code"
        f" ({renewal['from']} to {renewal['to']}), {_closeness(max(each['deviation'] for each in sample))}"
    )


def _closeness(deviation: float) -> str:
    """How near the numbers of a rerun came to the record, in words."""
    return "every number as recorded" if deviation <= _ROUNDING else f"the numbers off by {deviation:.2g} at most"


_FROM_TRIALS = ("verdict", "seeds", "level", "problem", "metrics", "compared", "findings", "means")


def _edited(anew: Judgement, claim: Recorded) -> list[str]:
    """What of a recorded judgement is not what its trials come to by the rule as it is."""
    mine, theirs = as_json(anew), as_json(claim.judgement)
    return [name for name in _FROM_TRIALS if not _alike(mine[name], theirs[name])]


def _alike(mine: Any, theirs: Any) -> bool:
    """Whether two JSON values are equal, numbers up to rounding."""
    if isinstance(mine, float) and isinstance(theirs, int | float):
        return math.isclose(mine, theirs, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return mine.keys() == theirs.keys() and all(_alike(mine[name], theirs[name]) for name in mine)
    if isinstance(mine, list) and isinstance(theirs, list):
        return len(mine) == len(theirs) and all(map(_alike, mine, theirs))
    return bool(mine == theirs)


# --- Running recorded trials again ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rerun:
    """A recorded trial, run again.

    Attributes:
        name: the number that lies furthest from its record, `recorded` and `found` what it was and is.
        deviation: |found - recorded| over the largest of that number in the claim; 0 where all numbers are equal.
        tolerance: the deviation that the claim states as possible between processors.
        problem: why it could not be compared.
    """

    path: str
    arm: str
    seed: int
    name: str = ""
    recorded: float = 0.0
    found: float = 0.0
    deviation: float = 0.0
    tolerance: float = 0.0
    problem: str | None = None

    @property
    def equal(self) -> bool:
        """Whether every number is the recorded one, within the tolerance."""
        return self.problem is None and self.deviation <= self.tolerance

    def __str__(self) -> str:
        if self.problem is not None:
            return self.problem
        if self.deviation == 0:
            return "every number as recorded"
        word = "within" if self.equal else "more than"
        return (
            f"{self.name} is {self.found:.6g}, recorded {self.recorded:.6g}: off by {self.deviation:.2g} of the"
            f" largest, {word} the tolerance of {self.tolerance:.2g}"
        )


def rerun(room: Room, count: int, *, seed: int | None = None, budget: str = "desk") -> Iterator[Rerun]:
    """Runs `count` of a room's recorded trials again, picked at random; how far do they lie from the record?"""
    there = {entry.name: entry for entry in entries(room)}
    pool = [
        (there[name], claim, trial)
        for name, claim in recorded_claims(room).items()
        if name in there
        for trial in claim.trials
        if trial["numbers"] is not None
    ]
    for entry, claim, trial in random.Random(seed).sample(pool, min(count, len(pool))):
        yield _run_again(entry, claim, trial, budget)


def _run_again(entry: Entry, claim: Recorded, trial: Mapping[str, Any], budget: str) -> Rerun:
    source = code_of(entry.module, entry.claim).fingerprint
    settings = dict(entry.claim.budget(budget).config)
    outcome = run(
        Task(
            *(entry.paper, entry.name, entry.module, budget, trial["arm"], trial["seed"]),
            *(settings, claim.context.device, source),
        )
    )
    return _compared(entry, claim, trial, outcome)


def _compared(entry: Entry, claim: Recorded, trial: Mapping[str, Any], outcome: Outcome) -> Rerun:
    again = Rerun(entry.path, trial["arm"], trial["seed"], tolerance=max(entry.claim.tolerance, _ROUNDING))
    recorded = trial["numbers"]
    if outcome.numbers is None:
        return replace(again, problem=outcome.error)
    if outcome.numbers.keys() != recorded.keys():
        names = f"it returned {sorted(outcome.numbers)}, recorded were {sorted(recorded)}"
        return replace(again, problem=names)
    ran = [each["numbers"] for each in claim.trials if each["numbers"] is not None]
    largest = {name: max(abs(numbers.get(name, 0.0)) for numbers in ran) for name in recorded}
    off = {name: _deviation(outcome.numbers[name], old, largest[name]) for name, old in recorded.items()}
    worst = max(off, key=lambda name: off[name])
    return replace(again, name=worst, recorded=recorded[worst], found=outcome.numbers[worst], deviation=off[worst])


def _deviation(found: float, recorded: float, largest: float) -> float:
    """|found - recorded| over the largest of that number in the claim: a difference near 0 is not blown up."""
    scale = max(abs(found), largest)
    return abs(found - recorded) / scale if scale > 0 else 0.0


# --- Renewal ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Renewal:
    """What became of a stale claim: renewed, or left stale with the reason."""

    path: str
    renewed: bool
    said: str
    reruns: tuple[Rerun, ...] = field(default=())


def renew(room: Room, *, sample: int = 3, budget: str = "desk") -> Iterator[Renewal]:
    """Runs a random sample of each stale claim's trials again; where every number is equal, stamps it as of now.

    Equal means within the claim's tolerance, and the evidence says how far off the sample was. Only what is stale
    because the code changed can be renewed: a claim whose terms changed is another claim, and one whose data changed
    rests on other data. The evidence says which trials ran again, when, and both fingerprints.

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
            continue
        if unavailable is not None or any(each.kind != "source" for each in changed):
            why = unavailable or "; ".join(each.said for each in changed if each.kind != "source")
            yield Renewal(entry.path, False, f"cannot be renewed: {why}. Run `paperwright check {entry.path}`")
            continue
        # The sample is drawn by the fingerprints: who tries again gets the same one.
        chosen = _sample(claim, sample, random.Random(f"{entry.path} {claim.context.source} {here.source}"))
        reruns = tuple(_run_again(entry, claim, trial, budget) for trial in chosen)
        different = [again for again in reruns if not again.equal]
        if different:
            said = f"{len(different)} of {len(reruns)} trials differ; first, {different[0].arm}: {different[0]}"
            yield Renewal(entry.path, False, f"{said}. Run `paperwright check {entry.path}`", reruns)
            continue
        _stamp(room, entry, claim, here, reruns, budget)
        yield Renewal(
            entry.path,
            True,
            f"{len(reruns)} of {len(claim.trials)} trials ran again, {_closeness(max(r.deviation for r in reruns))}",
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
    raw = _raw_claims(room.evidence_path)
    found = raw[entry.name]
    found["renewals"].append(
        {
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "from": claim.context.source,
            "to": here.source,
            "sample": [{"arm": again.arm, "seed": again.seed, "deviation": again.deviation} for again in reruns],
            "tolerance": reruns[0].tolerance,
            "of": len(claim.trials),
        }
    )
    found["context"]["source"] = here.source
    _write(room.evidence_path, room, budget, list(raw.values()))
