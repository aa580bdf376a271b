"""The claims engine at 20,000 records: listed, judged, reported and exported; what a trial costs beside itself.

    python benchmarks/engine.py             # about a minute; prints a table

Each figure is processor time of this process, beside what it should stay below: a disk's time to make a record safe is
the disk's, and the wall clock on a busy machine is the neighbours'.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from paperwright.claims import Above, Budget, Claim, Greater, Plan, Store, check, entries, judge, select
from paperwright.claims.evidence.store import Key, Record
from paperwright.claims.fingerprint import reached_code
from paperwright.claims.fingerprint.context import Context
from paperwright.claims.judgement import trials_of
from paperwright.claims.reports.report import report_html
from paperwright.claims.reports.tables import store_text
from paperwright.claims.rules.rule import Sample
from paperwright.claims.trial import Outcome
from paperwright.registry import registry

SEEDS = 10_000
MACHINE = {"system": "Linux", "processors": 2, "threads": 1, "device": "cpu"}


def many() -> Claim:
    """A claim whose records are made here."""
    return Claim(
        "Many.",
        arms=["a", "b"],
        rule=Greater("score", "a", than="b"),
        budgets={"desk": Budget(SEEDS)},
        trial=lambda arm, **_: {},
        scale="made numbers",
    )


def records(store: Store) -> Iterator[Record]:
    rng = np.random.default_rng(0)
    context = Context("", "", "cpu")
    for seed in range(SEEDS):
        for arm in ("a", "b"):
            outcome = Outcome({"score": float(rng.normal() + (arm == "a"))}, None, None, 0.0, 1.0, 10**8, MACHINE)
            yield Record(Key("made", "many", "desk", arm, seed, context), outcome, f"{seed}{arm}", "here")


@contextmanager
def timed(found: dict[str, tuple[float, float]], what: str, most: float, *, per: int = 1) -> Iterator[None]:
    began = time.process_time()
    yield
    found[what] = (time.process_time() - began) / per, most


def measure() -> dict[str, tuple[float, float]]:
    """For each piece of work the seconds that it took, and those it should stay below."""
    found: dict[str, tuple[float, float]] = {}
    claim = many()
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "evidence.sqlite") as store:
        with timed(found, "20,000 records merged", 3):
            store.merge(records(store))
        with timed(found, "20,000 records listed and judged", 2):
            trials = trials_of((record.key.arm, record.key.seed, record.outcome) for record in store.records())
            judgement = judge("made/many", claim, "desk", trials)
        assert judgement.recorded == 2 * SEEDS
        with timed(found, "the report of 20,000 records", 3):
            report_html([judgement])
        for form in ("csv", "json"):
            with timed(found, f"20,000 records as {form}", 3):
                store_text(store, form)
    sample = Sample({arm: [dict(run) for run in trials.numbers[arm].values()] for arm in ("a", "b")})
    for rule in (Greater("score", "a", than="b"), Above("score", -1.0, arm="a", bounds=(-20.0, 20.0))):
        with timed(found, f"{type(rule).__name__} over {SEEDS:,} seeds", 0.5):
            rule.judge(sample, 0.95, final=True)
    there = [entry for room in registry().rooms() if room.built_in for entry in entries(room)]
    reached_code.forget()
    with timed(found, "the code of a claim followed", 0.15, per=len(there)):
        for entry in there:
            reached_code.code_of(entry.module, entry.claim)
    (quick,) = select(["rdp_tuning/bounds_are_never_exceeded"])
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "evidence.sqlite") as store:
        check([quick], store, Plan("smoke"))
        with timed(found, "a claim found recorded", 0.5):
            check([quick], store, Plan("smoke"))
    return found


def main(write: Callable[[str], object] = print) -> int:
    found = measure()
    if "--json" in sys.argv:
        write(json.dumps(found, indent=1))
    else:
        write("| work | processor time | at most |\n|---|---|---|")
        for what, (seconds, most) in found.items():
            write(f"| {what} | {seconds:.3f} s | {most:g} s{'' if seconds < most else ': MISSED'} |")
    return int(any(seconds >= most for seconds, most in found.values()))


if __name__ == "__main__":
    sys.exit(main())
