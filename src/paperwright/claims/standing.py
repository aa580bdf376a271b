"""How the claims of a room stand by what a store holds: judged anew, without running anything."""

from collections.abc import Iterable, Mapping

from paperwright.claims.catalogue import Entry, entries
from paperwright.claims.fingerprint import Context, context_here
from paperwright.claims.judgement import Judgement, Numbers, judge
from paperwright.claims.store import Record, Store
from paperwright.registry import Room


def judged(room: Room, store: Store, budget: str, device: str = "cpu") -> list[Judgement]:
    """The verdict on each claim of a room from the records of its present context; stale ones do not count."""
    found = []
    for entry in entries(room):
        if budget not in entry.claim.budgets:
            continue
        context, unavailable = context_here(entry, budget, device)
        records = counting(store, entry, budget, context)
        numbers, failed = numbers_of(records)
        judgement = judge(entry.path, entry.claim, budget, numbers, failed=failed)
        if not records and any(not record.key.pilot for record in store.records(entry.paper, entry.name, budget)):
            reason = "the code, the claim, the data or a library changed since it was recorded"
            judgement = judgement.without_verdict(unavailable or f"its records are stale: {reason}")
        found.append(judgement)
    return found


def counting(store: Store, entry: Entry, budget: str, context: Context) -> list[Record]:
    """The records that count for a claim: of this context and the budget's configuration, one for each arm and seed.

    A trial that failed and ran later is the later record. In the order of seeds, then of arms.
    """
    config = dict(entry.claim.budget(budget).config)
    latest: dict[tuple[str, int], Record] = {}
    for record in store.records(entry.paper, entry.name, budget):
        if record.key.context == context and record.key.config == config and not record.key.pilot:
            place = (record.key.arm, record.key.seed)
            if record.ok or place not in latest or not latest[place].ok:
                latest[place] = record
    order = {arm: index for index, arm in enumerate(entry.claim.arms)}
    return sorted(latest.values(), key=lambda record: (record.key.seed, order.get(record.key.arm, 0)))


def numbers_of(records: Iterable[Record]) -> tuple[Numbers, int]:
    """What some trials returned, by arm and seed; and how many of them failed."""
    numbers: dict[str, dict[int, Mapping[str, float]]] = {}
    failed = 0
    for record in records:
        if record.outcome.numbers is None:
            failed += 1
        else:
            numbers.setdefault(record.key.arm, {})[record.key.seed] = record.outcome.numbers
    return numbers, failed
