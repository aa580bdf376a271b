"""200 statements whose truth is known, by every rule, on data of several kinds.

Each is placed by how far what it speaks of lies from the border of its region: `away`, in standard deviations of a
seed's number, or in steps of 0.15 for shares and bounded numbers. Above 0 the statement is true, below 0 it is false,
and at 0 it lies on the border, where every verdict is wrong.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from paperwright.claims import (
    Above,
    All,
    Always,
    Below,
    Budget,
    Claim,
    CloseTo,
    Equivalent,
    Exponent,
    Greater,
    Ladder,
    Less,
    Never,
    Ordered,
    Proportion,
)

ATTEMPTS = 20
ALIKE = 0.1  # the correlation of attempts within a seed

# --- Trials -----------------------------------------------------------------------------------------------------------


def noise(kind, rng):
    """A number with mean 0 and standard deviation 1."""
    if kind == "normal":
        return rng.normal()
    if kind == "heavy-tailed":
        return rng.standard_t(3) / math.sqrt(3)
    if kind == "skewed":  # skewness 0.5
        return (rng.gamma(16) - 16) / 4
    if kind == "rounded":
        return (rng.binomial(8, 0.5) - 4) / math.sqrt(2)
    if kind == "half tied":
        return math.sqrt(2) * rng.normal() if rng.random() < 0.5 else 0.0
    raise ValueError(f"kind is {kind!r}; expected one of {', '.join(NOISES)}")


NOISES = ("normal", "skewed", "heavy-tailed", "rounded", "half tied")


def score(arm, *, seed, device, kind, stream, shared=0.0):
    """The arm's mean, with noise of its own unless its number is 0, and noise that the arms of a seed share."""
    mean, number = arm
    together = shared * np.random.default_rng([stream, 9, seed]).normal()
    own = noise(kind, np.random.default_rng([stream, number, seed])) if number else 0.0
    return {"score": float(mean + together + own), "expected": 10.0}


def bounded(arm, *, seed, device, kind, stream):
    """A number from 0 to 1 with the arm's mean."""
    mean, number = arm
    rng = np.random.default_rng([stream, number, seed])
    chance = mean if kind == "coin" else rng.beta(4 * mean, 4 * (1 - mean))
    return {"accuracy": float(chance if kind == "beta" else rng.random() < chance)}


def mostly_good(share, *, seed, device, stream):
    """Near 0.9 in a share of the seeds, and far below 0 in the others: the mean says little."""
    rng = np.random.default_rng([stream, seed])
    good = rng.random() < share
    return {"score": float(0.9 + 0.02 * rng.normal() if good else -30 * rng.exponential())}


def attempts(share, *, seed, device, stream):
    """Successes of attempts that are alike within a seed (beta-binomial)."""
    rng = np.random.default_rng([stream, seed])
    strength = 1 / ALIKE - 1
    chance = rng.beta(share * strength, (1 - share) * strength)
    return {"hits": float(rng.binomial(ATTEMPTS, chance)), "tried": float(ATTEMPTS)}


def growth(size, *, seed, device, kind, stream, exponent):
    """A power of the size, off by some per cent."""
    rng = np.random.default_rng([stream, size, seed])
    return {"seconds": float(size**exponent * math.exp(0.1 * noise(kind, rng)))}


def violations(chance, *, seed, device, stream, floor=0):
    """How often something happened in ten attempts, never less than the floor."""
    happened = int(np.random.default_rng([stream, seed]).binomial(10, chance))
    return {"violations": float(max(floor, happened)), "shown": float(10 - happened), "tried": 10.0}


def exactly(value, *, seed, device):
    """The arm's value."""
    return {"value": float(value)}


# --- Statements -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Where a statement lies, when it is looked at, and the data's kind; `stream` is the source of its numbers."""

    away: float
    looks: tuple[int, ...]
    kind: str
    stream: int

    @property
    def noisy(self):
        return {"kind": self.kind, "stream": self.stream}

    @property
    def step(self):
        """The distance from the border of a share or a bounded number."""
        return 0.15 * self.away


@dataclass(frozen=True)
class Stated:
    """What a case states: arms, rule, trial and its settings."""

    arms: dict
    rule: object
    trial: object
    settings: dict = field(default_factory=dict)


def pair(ours, other, rule, case, *, shared=0.5):
    """Two arms of which the second has no noise but what they share: the differences are of the case's kind."""
    return Stated({"ours": (ours, 1), "other": (other, 0)}, rule, score, {**case.noisy, "shared": shared})


def two(ours, other, rule, case, trial=score):
    """Two arms with noise of their own."""
    return Stated({"ours": (ours, 1), "other": (other, 2)}, rule, trial, case.noisy)


def one(mean, rule, case, trial=score):
    return Stated({"ours": (mean, 1)}, rule, trial, case.noisy)


def several(means, rule, case):
    """Arms with their means, each with noise of its own but the one called "other"."""
    arms = {name: (mean, ("other", "ours", "poor").index(name)) for name, mean in means.items()}
    return Stated(arms, rule, score, {**case.noisy, "shared": 0.5})


def ladder(case):
    sizes = (1, 10, 100)
    arms = {f"ours at {size}": (case.away / math.sqrt(2) * math.log10(size), 1 + k) for k, size in enumerate(sizes)}
    arms |= {f"other at {size}": (0.0, 0) for size in sizes}
    rungs = {float(size): (f"ours at {size}", f"other at {size}") for size in sizes}
    return Stated(arms, Ladder("score", rungs, "grows"), score, {**case.noisy, "shared": 0.5})


def exponent(case):
    sizes = {"10": 10, "100": 100, "1000": 1000}
    spread = 0.1 / (math.log(10) * math.sqrt(2))  # of one seed's exponent
    rule = Exponent("seconds", {name: float(size) for name, size in sizes.items()}, at_most=1.5)
    return Stated(sizes, rule, growth, {**case.noisy, "exponent": 1.5 - case.away * spread})


UNIT = (0.0, 1.0)

# For each kind of statement what it states at a case; the kinds that speak of noise of any kind first.
ON_MEANS = {
    "greater": lambda c: pair(c.away, 0.0, Greater("score", "ours", than="other"), c),
    "greater_by": lambda c: pair(2 + c.away, 0.0, Greater("score", "ours", than="other", by=2.0), c),
    "greater_times": lambda c: pair(10 + c.away, 5.0, Greater("score", "ours", than="other", times=2.0), c, shared=0.1),
    "greater_unpaired": lambda c: two(
        math.sqrt(2) * c.away, 0.0, Greater("score", "ours", than="other", paired=False), c
    ),
    "greater_than_all": lambda c: several(
        {"ours": c.away, "other": 0.0, "poor": -4.0}, Greater("score", "ours", than=["other", "poor"]), c
    ),
    "less": lambda c: pair(-c.away, 0.0, Less("score", "ours", than="other"), c),
    "above": lambda c: one(1 + c.away, Above("score", 1.0), c),
    "below": lambda c: one(1 - c.away, Below("score", 1.0), c),
    "equivalent": lambda c: pair(3 - c.away, 0.0, Equivalent("score", "ours", "other", within=3.0), c),
    "close_to": lambda c: one(5 - (3 - c.away), CloseTo("score", 5.0, within=3.0), c),
    "close_to_metric": lambda c: one(10 + (3 - c.away), CloseTo("score", "expected", within=0.3, relative=True), c),
    "ordered": lambda c: several(
        {"poor": -4.0, "other": 0.0, "ours": c.away}, Ordered("score", ["poor", "other", "ours"]), c
    ),
    "all_of": lambda c: pair(
        c.away, 0.0, All(Greater("score", "ours", than="other"), Above("score", -6.0, arm="ours")), c
    ),
    "exponent": exponent,
    "ladder": ladder,
}
ON_BOUNDED = {
    "greater_bounded": lambda c: two(
        0.5 + c.step, 0.5 - c.step, Greater("accuracy", "ours", than="other", bounds=UNIT), c, bounded
    ),
    "less_unpaired_bounded": lambda c: two(
        0.5 - c.step, 0.5 + c.step, Less("accuracy", "ours", than="other", paired=False, bounds=UNIT), c, bounded
    ),
    "above_bounded": lambda c: one(0.5 + c.step, Above("accuracy", 0.5, bounds=UNIT), c, bounded),
    "close_to_bounded": lambda c: one(0.5 - c.step, CloseTo("accuracy", 0.0, within=0.5, bounds=UNIT), c, bounded),
    "share": lambda c: Stated(
        {"ours": (0.5 + c.step, 1)},
        Proportion("accuracy", above=0.5),
        bounded,
        {"kind": "coin", "stream": c.stream},
    ),
    "share_exceeding": lambda c: Stated(
        {"ours": 0.5 - c.step}, Proportion("score", below=0.5, exceeds=0.5), mostly_good, {"stream": c.stream}
    ),
    "share_of_attempts": lambda c: Stated(
        {"ours": 0.5 + c.step}, Proportion("hits", above=0.5, of="tried"), attempts, {"stream": c.stream}
    ),
}

# away and looks of the statements of each kind; the last is true and false in turn
PLACED = ((0.0, (5,)), (0.0, (10,)), (0.0, (5, 10, 20)), (0.5, (10,)), (-0.5, (5, 10)), (3.0, (5, 10)), (-3.0, (10,)))
PLACED_BOUNDED = (
    *((0.0, (10,)), (0.0, (5, 10, 20)), (0.0, (25, 50)), (0.5, (20,)), (-0.5, (10, 20))),
    *((3.0, (20,)), (-3.0, (10, 25))),
)


def cases(number, placed, kinds, last):
    """The eight cases of the kind of statement with this number."""
    places = [*placed, (3.0 if number % 2 else -3.0, last)]
    for which, (away, looks) in enumerate(places):
        yield Case(away, looks, kinds[(number + which) % len(kinds)], 100 * number + which)


def nothing_happens():
    """(away, looks, what is stated) of `Never`, `Always` and of exact numbers; none of them has a border."""
    for number, (chance, looks) in enumerate(
        [(0.0, (5,)), (0.0, (5, 10)), (0.0, (20,)), (0.05, (20,)), (0.2, (10,)), (0.5, (5, 10)), (1.0, (5,))]
    ):
        away = -1.0 if chance else 1.0
        for name, rule in (("never", Never("violations", of="tried")), ("always", Always("shown", 10.0))):
            yield name, away, looks, Stated({"ours": chance}, rule, violations, {"stream": 5000 + number})
    at_the_end = {"stream": 5100, "floor": 2}
    yield "never", 1.0, (10,), Stated({"ours": 0.0}, Never("violations", tolerance=2.0), violations, at_the_end)
    yield "always", -1.0, (10,), Stated({"ours": 0.1}, Always("shown", 10.0), violations, {"stream": 5200})
    for away, rule in (
        (1.0, CloseTo("value", 0.5, within=0.0, arm="half")),
        (1.0, CloseTo("value", 0.0, within=0.5, arm="half")),
        (1.0, Greater("value", "one", than="half", by=0.25)),
        (1.0, Equivalent("value", "one", "half", within=0.5)),
        (-1.0, Above("value", 0.5, arm="half")),
        (-1.0, Greater("value", "one", than="half", times=2.0)),
        (-1.0, CloseTo("value", 0.5, within=0.25, arm="one")),
        (-1.0, Ordered("value", ["one", "half"])),
    ):
        yield "exact", away, (1,), Stated({"half": 0.5, "one": 1.0}, rule, exactly)


def claim(away, looks, stated):
    side = "is true" if away > 0 else "is false" if away < 0 else "lies on the border"
    return Claim(
        f"This statement {side}.",
        arms=stated.arms,
        rule=stated.rule,
        budgets={"desk": Budget(seeds=looks, **stated.settings)},
        trial=stated.trial,
        scale="the whole of it",
        deterministic=stated.trial is exactly,
    )


def all_stated():
    """Each statement's name, how far it lies from its border, and its claim."""
    number = 0
    for families, placed, kinds, last in (
        (ON_MEANS, PLACED, NOISES, (5, 10, 20)),
        (ON_BOUNDED, PLACED_BOUNDED, ("coin", "beta"), (25,)),
    ):
        for name, stated in families.items():
            number += 1
            for case in cases(number, placed, kinds, last):
                yield name, case.away, claim(case.away, case.looks, stated(case))
    for name, away, looks, stated in nothing_happens():
        yield name, away, claim(away, looks, stated)


AWAY = {f"statements/{number:03d}/{name}": away for number, (name, away, _) in enumerate(all_stated())}
statements = {f"{number:03d}/{name}": claim for number, (name, _, claim) in enumerate(all_stated())}
