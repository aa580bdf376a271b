"""How often the rules decide wrongly at their border, by simulation: at most their level where they promise it.

Each rule is tried through `Rule.judge` at the levels of the looks, on data whose truth lies on the border, so that
every verdict is wrong. The intervals of means and of proportions are then simulated far longer by the arrays of
benchmarks/error_rates.py, which are first held to the engine's own, sample by sample.
"""

import importlib.util
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from paperwright.claims import (
    Above,
    All,
    Always,
    Below,
    CloseTo,
    Equivalent,
    Exponent,
    Greater,
    Ladder,
    Less,
    Never,
    Ordered,
    Proportion,
    Rule,
    Verdict,
)
from paperwright.claims.judgement import levels_of
from paperwright.claims.rules.rule import Sample, mean_of, verdict_of
from paperwright.stats import clustered_proportion_interval

LOOKS = (5, 10, 20)
ONE_SIDE = 0.025
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "error_rates.py"

Draw = Callable[[np.random.Generator, Any], Any]


@pytest.fixture(scope="module")
def simulation() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("error_rates", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["error_rates"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["error_rates"]


def at_most(rate: float, samples: int) -> float:
    """The rate with three standard deviations of simulation noise."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / samples)


# Mean 0, standard deviation 1 or so.
NORMAL: Draw = lambda rng, shape: rng.normal(size=shape)  # noqa: E731
KINDS: dict[str, Draw] = {
    "normal": NORMAL,
    "heavy-tailed": lambda rng, shape: rng.standard_t(3, shape),
    "skewed": lambda rng, shape: (rng.gamma(16, 1, shape) - 16) / 4,
    "tied": lambda rng, shape: np.where(rng.random(shape) < 0.8, 0.0, rng.normal(size=shape)),
    "rare event": lambda rng, shape: np.where(rng.random(shape) < 0.05, -19.0, 1.0),
}


def arms(**columns: Any) -> dict[str, list[dict[str, float]]]:
    return {arm: [{"score": float(value)} for value in values] for arm, values in columns.items()}


# Every rule on means, and trials that lie on its border for any draw of mean 0.
SIZES = {"small": 1.0, "middle": 4.0, "large": 16.0}
BORDERS: dict[str, tuple[Rule, Callable[[np.random.Generator, Draw, int], dict[str, list[dict[str, float]]]]]] = {
    "Above": (Above("score", 3.0), lambda rng, draw, n: arms(a=3 + draw(rng, n))),
    "Below": (Below("score", -3.0), lambda rng, draw, n: arms(a=draw(rng, n) - 3)),
    "Greater": (
        Greater("score", "a", than="b", by=0.5),
        lambda rng, draw, n: arms(a=0.5 + draw(rng, n), b=np.zeros(n)),
    ),
    "Greater, unpaired": (
        Greater("score", "a", than="b", paired=False),
        lambda rng, draw, n: arms(a=draw(rng, n), b=2 * draw(rng, n)),
    ),
    "Less": (Less("score", "a", than="b"), lambda rng, draw, n: arms(a=draw(rng, n), b=np.zeros(n))),
    "Equivalent": (
        Equivalent("score", "a", to="b", within=30.0),
        lambda rng, draw, n: arms(a=30 + draw(rng, n), b=np.zeros(n)),
    ),
    "Ordered": (
        Ordered("score", ["a", "b", "c"]),
        lambda rng, draw, n: arms(a=np.zeros(n), b=draw(rng, n), c=np.full(n, 99.0) + draw(rng, n)),
    ),
    "CloseTo": (CloseTo("score", 5.0, within=30.0), lambda rng, draw, n: arms(a=35 + draw(rng, n))),
    "Exponent": (
        Exponent("score", SIZES, at_least=2.0),
        lambda rng, draw, n: arms(
            **{arm: size**2 * np.exp(0.01 * draw(rng, n) * math.log(size)) for arm, size in SIZES.items()}
        ),
    ),
    "Ladder": (
        Ladder("score", {size: (arm, "none") for arm, size in SIZES.items()}, expects="grows"),
        lambda rng, draw, n: arms(none=np.zeros(n), **{arm: 1 + draw(rng, n) for arm in SIZES}),
    ),
    "All": (
        All(Above("score", 0.0, "a"), Above("score", 0.0, "b")),
        lambda rng, draw, n: arms(a=draw(rng, n), b=draw(rng, n)),
    ),
}


def verdict_over(looks: tuple[int, ...], rule: Rule, numbers: dict[str, list[dict[str, float]]]) -> Verdict:
    """The verdict of the first look that decides."""
    verdict = Verdict.UNDECIDED
    for look, level in zip(looks, levels_of(looks, 0.95), strict=True):
        sample = Sample({arm: runs[:look] for arm, runs in numbers.items()})
        verdict = verdict_of(rule.judge(sample, level, final=look == looks[-1]))
        if verdict is not Verdict.UNDECIDED:
            break
    return verdict


@pytest.mark.parametrize("name", BORDERS)
def test_no_rule_on_means_errs_oftener_than_its_level(name: str) -> None:
    """Thirty claims of each kind of data: enough to show a rule that forgets its guards or turns a sign."""
    rng, each = np.random.default_rng(1), 30
    rule, draw_trials = BORDERS[name]
    trials = [draw_trials(rng, draw, LOOKS[-1]) for draw in KINDS.values() for _ in range(each)]
    verdicts = [verdict_over(LOOKS, rule, numbers) for numbers in trials]
    for wrong in (Verdict.HOLDS, Verdict.FAILS):
        assert verdicts.count(wrong) / len(trials) <= at_most(ONE_SIDE, len(trials)), wrong


BOUNDED: dict[str, Draw] = {
    "coin": lambda rng, shape: rng.random(shape) < 0.5,
    "rare event": lambda rng, shape: rng.random(shape) < 0.05,
    "ties": lambda rng, shape: np.where(rng.random(shape) < 0.9, 0.9, rng.random(shape)),
    "skewed": lambda rng, shape: rng.beta(0.2, 1.8, shape),
}


@pytest.mark.parametrize("kind", BOUNDED)
def test_rules_with_bounds_keep_their_level_whatever_the_distribution(kind: str) -> None:
    rng, samples, unit = np.random.default_rng(2), 40, (0.0, 1.0)
    mean = float(np.mean(BOUNDED[kind](np.random.default_rng(3), 400_000)))
    rules = [
        Above("score", mean, "a", bounds=unit),
        CloseTo("score", mean - 0.4, within=0.4, arm="a", bounds=unit),
        Greater("score", "a", than="b", bounds=unit),
        Greater("score", "a", than="b", paired=False, bounds=unit),
        Equivalent("score", "a", to="zero", within=mean, bounds=unit),
    ]
    wrong = np.zeros((len(rules), 2))
    for _ in range(samples):
        draws = BOUNDED[kind](rng, (2, 20))
        trials = arms(a=draws[0], b=draws[1], zero=np.zeros(20))
        for at, rule in enumerate(rules):
            verdict = verdict_over((5, 20), rule, trials)
            wrong[at] += verdict is Verdict.HOLDS, verdict is Verdict.FAILS
    assert wrong.max() / samples <= at_most(ONE_SIDE, samples)


@pytest.mark.parametrize("kind", ["normal", "heavy-tailed", "rare event"])
def test_a_share_of_seeds_keeps_its_level_whatever_the_distribution(kind: str) -> None:
    """Half of the seeds lie above the median; three in ten above the seventh decile."""
    rng, samples = np.random.default_rng(4), 300
    threshold = float(np.quantile(KINDS[kind](np.random.default_rng(5), 400_000), 0.7))
    share = float(np.mean(KINDS[kind](np.random.default_rng(5), 400_000) > threshold))
    rule = Proportion("score", exceeds=threshold, above=share)
    verdicts = [verdict_over(LOOKS, rule, arms(a=KINDS[kind](rng, LOOKS[-1]))) for _ in range(samples)]
    for wrong in (Verdict.HOLDS, Verdict.FAILS):
        assert verdicts.count(wrong) / samples <= at_most(ONE_SIDE, samples)


@pytest.mark.parametrize("icc", [0.0, 0.1, 1.0])
def test_a_proportion_of_attempts_keeps_its_level_over_looks(simulation: ModuleType, icc: float) -> None:
    rule, samples, verdicts = Proportion("hits", above=0.5, of="shots"), 250, []
    for row in simulation.draw_clusters(np.random.default_rng(6), samples, LOOKS[-1], 15, 0.5, icc):
        verdicts.append(verdict_over(LOOKS, rule, {"a": [{"hits": float(k), "shots": 15.0} for k in row]}))
    for wrong in (Verdict.HOLDS, Verdict.FAILS):
        assert verdicts.count(wrong) / samples <= at_most(ONE_SIDE, samples)


def test_never_and_always_do_not_see_what_is_rarer_than_one_in_n_seeds() -> None:
    """The condition that the promise names: 20 seeds miss an event of 1 in 20 with probability .95^20 = 36%."""
    rng, samples = np.random.default_rng(7), 500
    events = rng.random((samples, 20)) < 0.05
    never = [verdict_over((20,), Never("score"), arms(a=row)) for row in events]
    always = [verdict_over((20,), Always("score", 1.0), arms(a=~row)) for row in events]
    assert never == always
    missed = never.count(Verdict.HOLDS) / samples
    assert missed == pytest.approx(0.95**20, abs=3 * math.sqrt(0.36 * 0.64 / samples))


def test_the_simulated_intervals_are_the_engines(simulation: ModuleType) -> None:
    rng = np.random.default_rng(8)
    for draw in simulation.KINDS.values():
        for n in (3, 5, 20):
            values = draw(rng, (20, n))
            ends = simulation.guarded(values, 0.97)
            found = [mean_of(row, 0.97, exact=False) for row in values]
            np.testing.assert_allclose(ends.low, [one.low for one in found], rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(ends.high, [one.high for one in found], rtol=1e-9, atol=1e-9)
    for icc in (0, 0.1, 1):
        hits = simulation.draw_clusters(rng, 30, 10, 15, 0.1, icc)
        ends = simulation.clustered(hits, 15, 0.97)
        clusters = [clustered_proportion_interval(row, np.full(10, 15), 0.97) for row in hits]
        np.testing.assert_allclose(ends.low, [one.low for one in clusters], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(ends.high, [one.high for one in clusters], rtol=1e-9, atol=1e-9)


SAMPLES = 4000
# The greatest wrong share of one side that the promise allows: at most 2.5% where the data are symmetric or the seeds
# many, with what the looks' levels add (they are exact for a known variance); and what was measured for skewed data.
PROMISED = {
    "normal": 0.026,
    "uniform": 0.026,
    "t with 3 degrees of freedom": 0.025,
    "coin": 0.027,
    "half tied": 0.025,
    "80% tied": 0.025,
    "1 in 5 bad": 0.025,
    "1 in 20 bad": 0.025,
    "gamma, skewness 0.5": 0.03,
    "gamma, skewness 1": 0.042,
}


@pytest.mark.parametrize("looks", [(5,), (20,), (5, 10, 20), (25, 100)])
@pytest.mark.parametrize("kind", PROMISED)
def test_means_keep_what_is_promised(simulation: ModuleType, kind: str, looks: tuple[int, ...]) -> None:
    samples = SAMPLES if looks[-1] < 100 else SAMPLES // 3
    values = simulation.KINDS[kind](np.random.default_rng(9), (samples, looks[-1]))
    found = simulation.rates(values, looks, simulation.guarded)
    assert max(found.holds, found.fails) <= at_most(PROMISED[kind], samples)
    assert found.holds + found.fails <= at_most(0.053, samples)  # both sides, skewed or not


@pytest.mark.parametrize("kind", ["exponential, skewness 2", "gamma, skewness 2.8", "lognormal(1), skewness 6.2"])
def test_strong_skew_is_covered_from_many_seeds_only_and_errs_far_less_than_before(
    simulation: ModuleType, kind: str
) -> None:
    values = simulation.KINDS[kind](np.random.default_rng(10), (SAMPLES, 20))
    before, now = (simulation.rates(values, LOOKS, rule) for rule in (simulation.student, simulation.guarded))
    assert now.fails < 0.65 * before.fails
    many = simulation.KINDS[kind](np.random.default_rng(10), (SAMPLES // 3, 100))
    covered = simulation.rates(many, (100,), simulation.guarded)
    assert covered.fails <= at_most(0.037, SAMPLES // 3)


def test_ties_and_rare_events_are_undecided_where_they_were_wrong(simulation: ModuleType) -> None:
    for kind, wrong_before, open_now in (("80% tied", 0.1, 0.4), ("1 in 20 bad", 0.55, 0.95)):
        values = simulation.KINDS[kind](np.random.default_rng(11), (SAMPLES, 20))
        before, now = (simulation.rates(values, LOOKS, rule) for rule in (simulation.student, simulation.guarded))
        assert max(before.holds, before.fails) > wrong_before
        assert max(now.holds, now.fails) < 0.01
        assert now.open > open_now


def test_what_has_not_been_seen_is_not_covered(simulation: ModuleType) -> None:
    """A rare event behind jitter: five seeds do not see it, no guard can; the claim's docstring says so."""
    values = simulation.KINDS["1 in 20 bad, with jitter"](np.random.default_rng(12), (SAMPLES, 100))
    assert simulation.rates(values, (5,), simulation.guarded).holds > 0.7
    many = simulation.rates(values, (100,), simulation.guarded)
    assert many.holds < ONE_SIDE
    assert many.open > 0.85


def test_the_guards_cost_little_power_where_they_are_not_needed(simulation: ModuleType) -> None:
    values = 1 + NORMAL(np.random.default_rng(13), (SAMPLES, 20))
    for n, lost in ((5, 0.11), (10, 0.1), (20, 0.02)):
        before, now = (simulation.rates(values, (n,), rule).holds for rule in (simulation.student, simulation.guarded))
        assert before - lost < now <= before


@pytest.mark.parametrize("seeds", [5, 20])
@pytest.mark.parametrize("proportion", [0.5, 0.1])
def test_attempts_within_seeds_may_be_alike(simulation: ModuleType, proportion: float, seeds: int) -> None:
    samples = 1500
    for icc in (0, 0.02, 0.1, 0.5, 1):
        hits = simulation.draw_clusters(np.random.default_rng(14), samples, seeds, 15, proportion, icc)
        wrong = simulation.worse_side(simulation.clustered(hits, 15, 0.95), proportion)
        assert wrong <= at_most(ONE_SIDE, samples), icc
        if icc >= 0.1:
            assert simulation.worse_side(simulation.pooled(hits, 15, 0.95), proportion) > 0.06
