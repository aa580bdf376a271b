"""The rules: closed forms, their error rates by simulation (looks included), and what they refuse."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    Rule,
    Verdict,
    judge,
)
from paperwright.claims.judgement import levels_of
from paperwright.claims.rules.rule import Region, Sample, verdict_of
from paperwright.claims.rules.rule_text import rule_of, rule_text
from paperwright.stats import Interval, clustered_proportion_interval, guarded_mean_interval, mean_interval

HOLDS, FAILS, UNDECIDED = Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED


def sample_of(exact: bool = False, **arms: list[float]) -> Sample:
    return Sample({arm: [{"score": value} for value in values] for arm, values in arms.items()}, exact)


def verdict(rule: Rule, sample: Sample, *, final: bool = True) -> Verdict:
    return verdict_of(rule.judge(sample, 0.95, final=final))


NEAR = [1.0, 1.1, 0.9, 1.05, 0.95, 1.02]
FAR = [2.0, 2.2, 1.9, 2.05, 2.1, 1.98]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Greater("score", "far", than="near"), HOLDS),
        (Greater("score", "near", than="far"), FAILS),
        (Greater("score", "far", than="near", by=1.05), UNDECIDED),
        (Greater("score", "far", than="near", by=3.0), FAILS),
        (Greater("score", "far", than="near", times=3.0), FAILS),
        (Greater("score", "far", than="near", paired=False), HOLDS),
        (Less("score", "near", than="far"), HOLDS),
        (Less("score", "far", than="near", times=3.0), HOLDS),
        (Less("score", "near", than="far", by=2.0), FAILS),
        (Equivalent("score", "near", to="far", within=2.0), HOLDS),
        (Equivalent("score", "near", to="far", within=0.2), FAILS),
        (Ordered("score", ["near", "far"]), HOLDS),
        (Ordered("score", ["far", "near"]), FAILS),
        (Above("score", 0.5, arm="near"), HOLDS),
        (Above("score", 1.0, arm="near"), UNDECIDED),
        (Below("score", 0.5, arm="near"), FAILS),
        (CloseTo("score", 1.0, within=0.2, arm="near"), HOLDS),
        (CloseTo("score", 2.0, within=0.1, relative=True, arm="near"), FAILS),
        (Never("score", arm="near", tolerance=1.2), HOLDS),
        (Never("score", tolerance=1.2), FAILS),
        (All(Above("score", 0.5, arm="near"), Above("score", 1.5, arm="far")), HOLDS),
        (All(Above("score", 0.5, arm="near"), Above("score", 9.0, arm="far")), FAILS),
        (All(Above("score", 1.0, arm="near"), Above("score", 1.5, arm="far")), UNDECIDED),
    ],
)
def test_verdicts(rule: Rule, expected: Verdict) -> None:
    assert verdict(rule, sample_of(near=NEAR, far=FAR)) is expected


def test_greater_is_the_guarded_interval_of_the_pairs() -> None:
    (finding,) = Greater("score", "far", than="near").judge(sample_of(near=NEAR, far=FAR), 0.9, final=True)
    differences = np.array(FAR) - np.array(NEAR)
    expected, student = guarded_mean_interval(differences, 0.9), mean_interval(differences, 0.9)
    assert (finding.interval.low, finding.interval.high) == (expected.low, expected.high)
    assert finding.interval.low <= student.low < student.high <= finding.interval.high


def test_close_to_another_metric_of_the_same_trial() -> None:
    runs = [{"found": 1.0 + noise, "formula": 1.0} for noise in (0.001, -0.002, 0.0015, -0.0005)]
    assert verdict(CloseTo("found", "formula", within=0.01), Sample({"only": runs})) is HOLDS
    assert verdict(CloseTo("found", "formula", within=0.0001), Sample({"only": runs})) is UNDECIDED


def test_exponent_recovers_a_power_law() -> None:
    sizes = {"10": 10.0, "100": 100.0, "1000": 1000.0}
    rng = np.random.default_rng(0)
    numbers = {
        arm: [{"score": 3 * size**1.5 * math.exp(rng.normal(0, 0.02))} for _ in range(8)] for arm, size in sizes.items()
    }
    (finding,) = Exponent("score", sizes, at_least=1.4, at_most=1.6).judge(Sample(numbers), 0.95, final=True)
    assert finding.verdict is HOLDS
    assert finding.interval.contains(1.5)
    assert verdict(Exponent("score", sizes, at_most=1.2), Sample(numbers)) is FAILS


def test_proportion_counts_trials_or_what_they_count() -> None:
    ones = sample_of(only=[1.0] * 18 + [0.0] * 2)
    assert verdict(Proportion("score", above=0.5), ones) is HOLDS
    assert verdict(Proportion("score", above=0.95), ones) is UNDECIDED
    hits = [90.0, 85.0, 80.0, 95.0, 88.0]
    counted = Sample({"only": [{"hits": found, "shots": 200.0} for found in hits]})
    (finding,) = Proportion("hits", of="shots", above=0.6).judge(counted, 0.95, final=True)
    assert finding.verdict is FAILS
    assert finding.interval == clustered_proportion_interval(hits, [200.0] * 5)
    with pytest.raises(ValueError, match="count successes"):
        verdict(Proportion("score", above=0.5), sample_of(only=[0.5]))


def test_never_is_refuted_at_once_and_holds_only_at_the_end() -> None:
    clean = sample_of(only=[0.0, 0.0])
    assert verdict(Never("score"), clean, final=False) is UNDECIDED
    assert verdict(Never("score"), clean, final=True) is HOLDS
    assert verdict(Never("score"), sample_of(only=[0.0, 1.0]), final=False) is FAILS


def test_never_says_how_much_was_tried() -> None:
    runs = Sample({"only": [{"broken": 0.0, "tried": 40.0}, {"broken": 0.0, "tried": 1000.0}]})
    (finding,) = Never("broken", of="tried").judge(runs, 0.95, final=True)
    assert (finding.verdict, finding.reason) == (HOLDS, "tried: 1,040 in all trials")
    (finding,) = Never("broken", of="tried").judge(runs, 0.95, final=False)
    assert (finding.verdict, finding.reason) == (UNDECIDED, "tried: 1,040 in all trials; more seeds are due")
    assert Never("broken", of="tried").metrics() == {"broken", "tried"}


def test_always_mirrors_never() -> None:
    """A control must break something in every run: one run in which it does not refutes the claim at once."""
    rule = Always("score", at_least=1.0)
    assert verdict(rule, sample_of(only=[1.0, 3.0]), final=False) is UNDECIDED
    assert verdict(rule, sample_of(only=[1.0, 3.0]), final=True) is HOLDS
    assert verdict(rule, sample_of(only=[3.0, 0.0]), final=False) is FAILS
    assert verdict(rule, sample_of(a=[1.0], b=[0.5]), final=True) is FAILS
    assert verdict(Always("score", 1.0, arm="a"), sample_of(a=[1.0], b=[0.5]), final=True) is HOLDS


def test_a_share_of_seeds_above_a_threshold() -> None:
    accuracies = sample_of(only=[0.96, 0.97, 0.99, 0.98, 0.2, 0.99, 0.97, 0.99, 0.96, 0.98])
    (finding,) = Proportion("score", exceeds=0.95, above=0.5).judge(accuracies, 0.95, final=True)
    assert (finding.verdict, finding.interval.estimate) == (HOLDS, 0.9)
    assert finding.effect == "share of seeds with score above 0.95"
    assert verdict(Proportion("score", exceeds=0.99, above=0.5), accuracies) is FAILS


def test_alike_attempts_are_counted_by_seeds() -> None:
    """Five runs that each get 100 of 100 right show five successes: an accuracy above .48, not above .99."""
    runs = Sample({"only": [{"right": 100.0, "of": 100.0}] * 5})
    (finding,) = Proportion("right", above=0.95, of="of").judge(runs, 0.95, final=True)
    assert finding.verdict is UNDECIDED
    assert finding.interval.low == pytest.approx(0.025 ** (1 / 5))
    assert finding.reason == "500 attempts in 5 clusters count as 5 independent ones"


LADDER = {1.0: ("a1", "b1"), 4.0: ("a4", "b4"), 16.0: ("a16", "b16")}


def ladder_sample(slope: float, noise: float = 0.01, exact: bool = False) -> Sample:
    """An effect of 0.3 + slope per tenfold size, under seeds that move both arms alike."""
    rng, seeds = np.random.default_rng(0), 1 if exact else 12
    numbers: dict[str, list[dict[str, float]]] = {}
    for size, (arm, other) in LADDER.items():
        base = rng.normal(size=seeds)
        gain = 0.3 + slope * math.log10(size) + noise * rng.normal(size=seeds)
        numbers[arm] = [{"score": float(value)} for value in base + gain]
        numbers[other] = [{"score": float(value)} for value in base]
    return Sample(numbers, exact)


@pytest.mark.parametrize(
    ("slope", "word", "verdicts"),
    [
        (0.2, "grows", {"grows": HOLDS, "shrinks": FAILS, "stays": FAILS, "does not shrink": HOLDS}),
        (-0.2, "shrinks", {"grows": FAILS, "shrinks": HOLDS, "stays": FAILS, "does not shrink": FAILS}),
        (0.0, "stays the same", {"stays": HOLDS, "does not shrink": HOLDS, "grows": UNDECIDED}),
    ],
)
def test_a_ladder_fits_the_trend_of_an_effect(slope: float, word: str, verdicts: dict[str, Verdict]) -> None:
    for expects, expected in verdicts.items():
        rule = Ladder("score", LADDER, expects=expects, margin=0.05)
        (finding,) = rule.judge(ladder_sample(slope), 0.95, final=True)
        assert finding.verdict is expected
        assert finding.interval.estimate == pytest.approx(slope, abs=0.02)
        assert finding.reason == f"the effect {word} with size"
    assert set(rule.arms()) == {"a1", "b1", "a4", "b4", "a16", "b16"}


def test_a_ladder_of_noise_says_that_it_cannot_say() -> None:
    rule = Ladder("score", LADDER, expects="does not shrink", margin=0.05)
    (finding,) = rule.judge(ladder_sample(0.0, noise=1.0), 0.95, final=True)
    assert (finding.verdict, finding.reason) == (UNDECIDED, "the effect changes in an unknown way with size")
    (finding,) = rule.judge(ladder_sample(0.1, noise=0.0, exact=True), 0.95, final=True)
    assert finding.verdict is HOLDS
    assert finding.interval.estimate == pytest.approx(0.1)


UNIT = (0.0, 1.0)
CERTAIN = sample_of(a=[1.0] * 20, b=[0.2] * 20)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Above("score", 0.75, arm="a", bounds=UNIT), HOLDS),
        (Above("score", 0.9, arm="a", bounds=UNIT), UNDECIDED),
        (Below("score", 0.75, arm="a", bounds=UNIT), FAILS),
        (CloseTo("score", 1.0, within=0.25, arm="a", bounds=UNIT), HOLDS),
        (CloseTo("score", 2.0, within=0.65, relative=True, arm="a", bounds=UNIT), HOLDS),
        (Greater("score", "a", than="b", by=0.4, bounds=UNIT), HOLDS),
        (Greater("score", "a", than="b", by=0.3, bounds=UNIT, paired=False), HOLDS),
        (Greater("score", "a", than="b", times=2.0, bounds=UNIT), HOLDS),
        (Less("score", "b", than="a", by=0.4, bounds=UNIT), HOLDS),
        (Equivalent("score", "a", to="b", within=0.82, bounds=UNIT), UNDECIDED),
        (Equivalent("score", "a", to="b", within=0.3, bounds=UNIT), FAILS),
        (Ordered("score", ["b", "a"], bounds=UNIT), HOLDS),
    ],
)
def test_with_bounds_equal_numbers_decide_as_far_as_they_can(rule: Rule, expected: Verdict) -> None:
    """Twenty equal seeds leave room for a share of .17 that nobody saw, at the other end of the bounds."""
    assert verdict(rule, CERTAIN) is expected


def test_a_ladder_has_bounds_too() -> None:
    columns = {arm: [0.9] * 60 for arm, _ in LADDER.values()} | {other: [0.1] * 60 for _, other in LADDER.values()}
    (finding,) = Ladder("score", LADDER, expects="stays", margin=0.5, bounds=UNIT).judge(
        sample_of(**columns), 0.95, final=True
    )
    assert finding.interval.method == "bounded, betting"
    assert -0.5 < finding.interval.low < 0 < finding.interval.high < 0.5


@pytest.mark.parametrize(
    "rule",
    [
        Above("score", 0.5, arm="a", bounds=UNIT),
        CloseTo("score", 0.5, within=0.1, arm="a", bounds=UNIT),
        Greater("score", "b", than="a", bounds=UNIT),
        Equivalent("score", "a", to="b", within=0.1, bounds=UNIT),
    ],
)
def test_a_number_outside_its_bounds_is_named(rule: Rule) -> None:
    with pytest.raises(ValueError, match=r"score \(a\) is 1\.5; expected a number within its bounds, 0 to 1"):
        verdict(rule, sample_of(a=[0.5, 1.5], b=[0.5, 0.5]))


def test_exact_numbers_are_points() -> None:
    assert verdict(Above("score", 0.999), sample_of(exact=True, only=[1.0])) is HOLDS
    assert verdict(Above("score", 1.0), sample_of(exact=True, only=[1.0])) is FAILS
    assert verdict(CloseTo("score", 1.0, within=0.0), sample_of(exact=True, only=[1.0])) is HOLDS
    with pytest.raises(ValueError, match="deterministic returned different"):
        verdict(Above("score", 0.0), sample_of(exact=True, only=[1.0, 2.0]))


@pytest.mark.parametrize("n", [1, 3, 5, 20])
@pytest.mark.parametrize(
    "rule",
    [
        Above("score", 0.5, arm="a"),
        Below("score", 0.5, arm="a"),
        CloseTo("score", 1.0, within=0.1, arm="a"),
        Greater("score", "a", than="b"),
        Greater("score", "a", than="b", paired=False),
        Less("score", "a", than="b"),
        Equivalent("score", "a", to="b", within=2.0),
        Ordered("score", ["b", "a"]),
    ],
)
def test_equal_numbers_decide_nothing_and_the_reason_is_said(rule: Rule, n: int) -> None:
    """Seeds with one and the same number show no spread: how rare another number is, n of them cannot say."""
    (finding,) = rule.judge(sample_of(a=[1.0] * n, b=[0.0] * n), 0.95, final=True)
    assert finding.verdict is UNDECIDED
    assert ("values are equal" if n > 1 else "one value") in finding.reason


def test_equal_differences_are_equal_though_they_round_differently() -> None:
    a, b = [0.3, 0.7, 1.1, 0.9, 0.5], [0.2, 0.6, 1.0, 0.8, 0.4]
    assert len({x - y for x, y in zip(a, b, strict=True)}) > 1
    (finding,) = Greater("score", "a", than="b").judge(sample_of(a=a, b=b), 0.95, final=True)
    assert finding.reason.startswith("5 of 5 values are equal")
    (finding,) = CloseTo("score", "other", within=1.0).judge(
        Sample({"only": [{"score": x, "other": y} for x, y in zip(a, b, strict=True)]}), 0.95, final=True
    )
    assert finding.reason.startswith("5 of 5 values are equal")


def test_a_number_on_an_open_border_fails_only_if_it_is_exact() -> None:
    point = Interval(1.0, 1.0, 1.0, 0.95, "exact")
    assert Region(low=1.0).verdict(point, exact=True) is FAILS
    assert Region(low=1.0).verdict(point) is UNDECIDED
    assert Region(low=1.0, closed=True).verdict(point) is HOLDS
    assert Region(low=1.1).verdict(point) is FAILS


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=12), st.floats(-5, 5))
def test_less_mirrors_greater(values: list[float], by: float) -> None:
    """Greater(a, b, by) and Less(b, a, by) say the same of every sample."""
    sample = sample_of(a=values, b=list(reversed(values)))
    assert verdict(Greater("score", "a", than="b", by=by), sample) is verdict(
        Less("score", "b", than="a", by=by), sample
    )


def null_claim(looks: int | tuple[int, ...]) -> Claim:
    return Claim(
        "Nothing is something.",
        arms=["a", "b"],
        rule=Greater("score", "a", than="b"),
        budgets={"desk": Budget(seeds=looks)},
        trial=lambda arm, **_: {"score": 0.0},
        scale="the whole of it",
    )


def verdict_rates(
    looks: int | tuple[int, ...], effect: float, repeats: int, *, df: float = math.inf
) -> dict[Verdict, float]:
    """How often each verdict comes out when the true paired difference is `effect` standard deviations."""
    rng = np.random.default_rng(7)
    claim = null_claim(looks)
    most = claim.budget("desk").seeds
    counts = dict.fromkeys(Verdict, 0)
    for _ in range(repeats):
        draws = rng.normal(effect, 1, most) if math.isinf(df) else effect + rng.standard_t(df, most)
        numbers = {
            "a": {i: {"score": float(x)} for i, x in enumerate(draws)},
            "b": {i: {"score": 0.0} for i in range(most)},
        }
        found = judge("toy/null", claim, "desk", numbers).verdict
        assert found is not None
        counts[found] += 1
    return {word: count / repeats for word, count in counts.items()}


@pytest.mark.parametrize("looks", [10, (5, 10, 20), (4, 8, 12, 16), (10, 25)])
def test_a_true_null_is_decided_about_one_time_in_twenty_looks_included(looks: int | tuple[int, ...]) -> None:
    """Two-sided error 5% over all looks together: 'holds' and 'fails' each about 2.5% of the time."""
    repeats = 3000
    rates = verdict_rates(looks, 0.0, repeats)
    wrong = rates[HOLDS] + rates[FAILS]
    slack = 3.5 * math.sqrt(0.05 * 0.95 / repeats)
    assert 0.05 - slack < wrong < 0.05 + slack
    assert rates[HOLDS] < 0.025 + 3.5 * math.sqrt(0.025 * 0.975 / repeats)


def test_looking_without_spending_would_be_wrong_far_oftener() -> None:
    """The control: plain 95% intervals at every look decide a true null about one time in eight."""
    rng = np.random.default_rng(7)
    wrong = sum(
        any(mean_interval(draws[:look], 0.95).excludes(0) for look in (5, 10, 15, 20))
        for draws in rng.normal(size=(2000, 20))
    )
    assert wrong / 2000 > 0.09


def test_a_real_effect_is_found_and_early() -> None:
    assert verdict_rates((5, 10, 20), 1.0, 500)[HOLDS] > 0.95
    assert judge_seeds(effect=4.0) == 5


def judge_seeds(effect: float) -> int:
    numbers = {
        "a": {i: {"score": effect + 0.1 * (-1) ** i} for i in range(20)},
        "b": {i: {"score": 0.0} for i in range(20)},
    }
    return judge("toy/null", null_claim((5, 10, 20)), "desk", numbers).seeds


def test_a_decided_look_stands_whatever_comes_after() -> None:
    """Seeds beyond the deciding look do not enter: the verdict does not depend on how much was run in parallel."""
    early = {"a": {i: {"score": 4 + 0.1 * (-1) ** i} for i in range(5)}, "b": {i: {"score": 0.0} for i in range(5)}}
    late = {
        "a": early["a"] | {i: {"score": -1000.0} for i in range(5, 20)},
        "b": {i: {"score": 0.0} for i in range(20)},
    }
    assert judge("toy/null", null_claim((5, 10, 20)), "desk", early).verdict is HOLDS
    assert judge("toy/null", null_claim((5, 10, 20)), "desk", late).verdict is HOLDS


def test_an_incomplete_look_decides_nothing() -> None:
    numbers = {"a": {i: {"score": 9.0 + i} for i in range(4)}, "b": {i: {"score": 0.0} for i in range(5)}}
    judgement = judge("toy/null", null_claim((5, 10)), "desk", numbers)
    assert (judgement.verdict, judgement.seeds) == ("unfinished", 0)


def test_a_conjunction_errs_no_oftener_than_one_of_its_parts() -> None:
    """All of three true nulls: 'holds' needs all three, 'fails' is corrected for three chances."""
    rng = np.random.default_rng(3)
    rule = Greater("score", "a", than=["b", "c", "d"])
    words = []
    for _ in range(1500):
        arms = {arm: list(rng.normal(size=10)) for arm in "abcd"}
        words.append(verdict(rule, sample_of(**arms)))
    assert words.count(HOLDS) / 1500 < 0.025
    assert words.count(FAILS) / 1500 < 0.025 + 3.5 * math.sqrt(0.025 * 0.975 / 1500)


def claim_of(**changed: object) -> Claim:
    terms = {
        "statement": "x",
        "arms": ["a"],
        "rule": Above("x", 0.0),
        "budgets": {"desk": Budget(2)},
        "trial": lambda arm, **_: {},
        "scale": "all",
    }
    return Claim(**(terms | changed))  # type: ignore[arg-type]


def test_levels_of_a_single_look_are_the_claims_own() -> None:
    assert levels_of((10,), 0.95) == (0.95,)
    spent = levels_of((5, 10, 20), 0.95)
    assert all(level > 0.95 for level in spent)
    assert list(spent) == sorted(spent, reverse=True)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Greater("score", "a", than=[]), "than"),
        (lambda: Greater("score", "a", than="b", by=float("nan")), "by: expected a finite"),
        (lambda: Ordered("score", ["a"]), "at least two"),
        (lambda: Proportion("score"), "above=, below="),
        (lambda: Proportion("score", of="n", exceeds=0.5, above=0.5), "not both"),
        (lambda: Above("score", 0.5, bounds=(1.0, 0.0)), r"bounds is \(1.0, 0.0\); expected the metric's least"),
        (lambda: Greater("score", "a", than="b", bounds=(0.0, math.inf)), "bounds is"),
        (lambda: CloseTo("score", "b", 0.1, relative=True, bounds=(0.0, 1.0)), "relative to another metric"),
        (lambda: Always("score", math.nan), "at_least: expected a finite"),
        (lambda: Ladder("score", {1.0: ("a", "b"), 20.0: ("c", "d")}, expects="grows"), "three or more"),
        (lambda: Ladder("score", {1.0: ("a", "b"), 2.0: ("c", "d"), 9.0: ("e", "f")}, expects="grows"), "ten times"),
        (lambda: Ladder("score", LADDER, expects="rises"), "'grows', 'shrinks', 'stays', 'does not shrink'"),
        (lambda: Ladder("score", LADDER, expects="grows", margin=-1.0), "margin is -1.0"),
        (lambda: Exponent("score", {"a": 1.0}, at_most=1.0), "two different"),
        (lambda: Exponent("score", {"a": 1.0, "b": 2.0}), "at_least="),
        (lambda: Budget(seeds=0), "positive number"),
        (lambda: Budget(seeds=(5, 5)), "looks must grow"),
        (lambda: claim_of(statement=""), "statement"),
        (lambda: claim_of(arms=[]), "arms"),
        (lambda: claim_of(rule=Greater("x", "a", than="b")), r"\['b'\]"),
        (lambda: claim_of(budgets={"dsek": Budget(2)}), "dsek"),
        (lambda: claim_of(level=95), "level"),
    ],
)
def test_what_does_not_fit_is_refused(make: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()  # type: ignore[operator]


def test_wrong_kinds_are_refused() -> None:
    with pytest.raises(TypeError, match="JSON values"):
        Budget(seeds=2, optimizer=object())
    with pytest.raises(TypeError, match="expected a rule"):
        claim_of(rule="greater")
    with pytest.raises(TypeError, match="takes rules"):
        All()


def test_the_fingerprint_follows_what_the_verdict_depends_on() -> None:
    def make(statement: str = "s", by: float = 0.0, looks: int = 5, **config: float) -> str:
        rule = Greater("score", "a", than="b", by=by)
        budgets = {"desk": Budget(looks, **config)}
        return claim_of(statement=statement, arms=["a", "b"], rule=rule, budgets=budgets).fingerprint("desk")

    assert make() == make()
    assert len({make(), make(statement="t"), make(by=0.1), make(looks=6), make(epochs=3)}) == 5


def test_a_deterministic_claim_of_different_numbers_has_no_verdict() -> None:
    claim = claim_of(rule=Never("x", tolerance=9.0), deterministic=True, budgets={"desk": Budget(3)})
    numbers = {"a": {seed: {"x": 1.0 + seed} for seed in range(3)}}
    assert "returned different 'x'" in str(judge("toy/exact", claim, "desk", numbers).problem)


def test_failing_by_one_of_several_parts_is_spent_over_the_looks() -> None:
    """Ten true nulls, looked at three times: one of them fails in 2.5% at most."""
    rule = All(*(Above("x", 0.0, arm=str(arm)) for arm in range(10)))
    claim = claim_of(arms=[str(arm) for arm in range(10)], rule=rule, budgets={"desk": Budget((5, 10, 20))})
    rng, fails = np.random.default_rng(0), 0
    for _ in range(400):
        drawn = rng.normal(size=(10, 20))
        numbers = {str(arm): {seed: {"x": drawn[arm, seed]} for seed in range(20)} for arm in range(10)}
        fails += judge("toy/nulls", claim, "desk", numbers).verdict is FAILS
    assert fails / 400 <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 400)


@pytest.mark.parametrize(
    "rule",
    [
        Greater("accuracy", "a", than=["b", "c"], by=1.0, bounds=(0.0, 100.0)),
        Less("error", "a", than="b", paired=False),
        Equivalent("accuracy", "a", to="b", within=0.5),
        Ordered("accuracy", ["a", "b", "c"]),
        All(Never("lost", arm="a, 1 'hop'", of="pairs"), All(Always("won", at_least=1), Above("gain", bound=-0.5))),
        CloseTo("accuracy", value="predicted", within=0.02),
        Proportion("accuracy", above=0.5, exceeds=0.95),
        Exponent("seconds", {"1k": 1000.0, "4k": 4000.0}, at_most=1.5),
        Ladder("accuracy", {10: ("a", "b"), 100: ("c", "d"), 1000: ("e", "f")}, "does not shrink", margin=1.0),
    ],
    ids=lambda rule: type(rule).__name__,
)
def test_a_rule_can_be_read_back_from_its_terms(rule: Rule) -> None:
    read = rule_of(rule_text(rule))
    assert type(read) is type(rule)
    assert rule_text(read) == rule_text(rule)
    assert [part.label() for part in read.parts()] == [part.label() for part in rule.parts()]
    assert [part.region() for part in read.parts()] == [part.region() for part in rule.parts()]


@pytest.mark.parametrize(
    "text",
    [
        "Mine('x')",
        "open('x')",
        "__import__('os')",
        "Above(open('x'))",
        "Above('x')",
        "Above('x', bound=1 + 1j)",
        "Above(",
        "",
    ],
)
def test_a_text_that_is_no_rule_of_ours_is_not_read_as_one(text: str) -> None:
    assert rule_of(text) is None
