"""How the claims of a room stand by what a store holds: judged anew, without running anything."""

from collections import Counter
from dataclasses import replace

from paperwright.claims.catalogue import Entry, entries
from paperwright.claims.evidence.recorded import recorded_revisions
from paperwright.claims.evidence.revision import Revision, next_revision
from paperwright.claims.evidence.store import Record, Store
from paperwright.claims.fingerprint.context import Context, context_here
from paperwright.claims.judgement import Judgement, judge, trials_of
from paperwright.registry import Room


def judged(room: Room, store: Store, budget: str, device: str = "cpu") -> list[Judgement]:
    """The verdict on each claim of a room from the records of its present context; stale ones do not count."""
    found = []
    for entry in entries(room):
        if budget not in entry.claim.budgets:
            continue
        context, unavailable = context_here(entry, budget, device)
        revision, earlier = revisions_of(entry, budget, store)
        records = valid_records(store, entry, budget, context, revision)
        judgement = judge_records(entry, budget, records, revision, earlier)
        if not records and any(not record.key.pilot for record in store.records(entry.paper, entry.name, budget)):
            reason = "the code, the claim, the data or a library changed since it was recorded"
            judgement = judgement.without_verdict(unavailable or f"its records are stale: {reason}")
        found.append(judgement)
    return found


def revisions_of(entry: Entry, budget: str, store: Store | None) -> tuple[Revision, list[Revision]]:
    """The present revision of a claim, and those before of which verdict seeds ran."""
    known, used = _known_revisions(entry, budget, store)
    revision = next_revision(entry.claim.terms(budget), known, used)
    return revision, [each for each in known if each.digest in used and each.digest != revision.digest]


def _known_revisions(entry: Entry, budget: str, store: Store | None) -> tuple[list[Revision], dict[str, int]]:
    """The revisions that a claim's evidence file and a store know, by number; and the last seed of each that ran."""
    at, recorded = recorded_revisions(entry.paper, entry.name)
    used = {revision.digest: revision.end - 1 for revision in recorded}  # seeds seen at one budget are seen at all
    found = {revision.digest: revision for revision in recorded if at == budget}
    for revision in store.revisions(entry.paper, entry.name, budget) if store is not None else ():
        if revision.digest not in found or found[revision.digest].registered is None:
            found[revision.digest] = revision
    if store is not None:
        for digest, seed in store.last_seeds(entry.paper, entry.name).items():
            used[digest] = max(seed, used.get(digest, seed))
    return sorted(found.values(), key=lambda revision: revision.number), used


def valid_records(store: Store, entry: Entry, budget: str, context: Context, revision: Revision) -> list[Record]:
    """The records that count for a revision: of this context and its settings and seeds, one for each arm and seed.

    A trial that failed and ran later is the later record, which says how often it failed before. In the order of
    seeds, then of arms.
    """
    config, seeds = dict(entry.claim.budget(budget).config), revision.seeds
    latest: dict[tuple[str, int], Record] = {}
    failed: Counter[tuple[str, int]] = Counter()
    for record in store.records(entry.paper, entry.name, budget, context=context):
        if record.key.config == config and record.key.seed in seeds:
            trial = (record.key.arm, record.key.seed)
            failed[trial] += not record.ok
            if record.ok or trial not in latest or not latest[trial].ok:
                latest[trial] = record
    order = {arm: index for index, arm in enumerate(entry.claim.arms)}
    counted = [
        replace(record, failed_before=failed[trial]) if failed[trial] and record.ok else record
        for trial, record in latest.items()
    ]
    return sorted(counted, key=lambda record: (record.key.seed, order.get(record.key.arm, 0)))


def judge_records(
    entry: Entry, budget: str, records: list[Record], revision: Revision, earlier: list[Revision]
) -> Judgement:
    """The judgement that some records come to."""
    trials = trials_of((record.key.arm, record.key.seed, record.outcome) for record in records)
    trials = replace(trials, failed_before=sum(record.failed_before for record in records))
    return judge(entry.path, entry.claim, budget, trials, revision=revision, earlier=earlier)
