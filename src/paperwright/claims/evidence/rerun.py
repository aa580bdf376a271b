"""Recorded trials run again: how far do their numbers lie from the record?"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from paperwright.claims.catalogue import Entry, entries
from paperwright.claims.evidence.recorded import Recorded, recorded_claims
from paperwright.claims.fingerprint.reached_code import code_of
from paperwright.claims.trial import Outcome, Task, run
from paperwright.registry import Room

ROUNDING: Final = 1e-9
"""The part of a number that another linear algebra library may change in a trial without training."""


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


def rerun_trials(room: Room, count: int, *, seed: int | None = None, budget: str = "desk") -> Iterator[Rerun]:
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
        yield run_again(entry, claim, trial, budget)


def run_again(entry: Entry, claim: Recorded, trial: Mapping[str, Any], budget: str) -> Rerun:
    """Run a recorded trial again and compare its numbers with the record."""
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
    again = Rerun(entry.path, trial["arm"], trial["seed"], tolerance=max(entry.claim.tolerance, ROUNDING))
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


def closeness(deviation: float) -> str:
    """How near the numbers of a rerun came to the record, in words."""
    return "every number as recorded" if deviation <= ROUNDING else f"the numbers off by {deviation:.2g} at most"
