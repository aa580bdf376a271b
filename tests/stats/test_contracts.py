"""What every function of the package is given, says of its result and refuses, to the letter."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from paperwright import stats
from paperwright.stats import Interval

LEVEL = 0.9
X, Y = [1.0, 2.0, 4.0, 3.0, 5.5], [1.5, 1.0, 4.5, 2.5, 7.0]
FALLING = [9.0, 5.2, 3.1, 2.4, 1.8]

METHODS: list[tuple[str, Callable[[float], Interval]]] = [
    ("t", lambda level: stats.mean_interval(X, level)),
    ("paired t", lambda level: stats.difference_interval(X, Y, paired=True, level=level)),
    ("Welch t", lambda level: stats.difference_interval(X, Y, paired=False, level=level)),
    ("t, guarded", lambda level: stats.guarded_mean_interval(X, level)),
    ("open", lambda level: stats.guarded_mean_interval([1.0], level)),
    ("open", lambda level: stats.guarded_mean_interval([1.0] * 9, level)),
    ("open", lambda level: stats.guarded_mean_interval([0.0, 0.1] * 9 + [99.0], level)),
    ("Welch t, guarded", lambda level: stats.guarded_difference_interval(X, Y, level)),
    ("open", lambda level: stats.guarded_difference_interval([1.0], Y, level)),
    ("open", lambda level: stats.guarded_difference_interval([1.0] * 9, Y, level)),
    ("open", lambda level: stats.guarded_difference_interval([0.0, 0.1] * 9 + [99.0], [0.0, 0.1] * 9, level)),
    ("bounded, betting", lambda level: stats.bounded_mean_interval(X, 0, 9, level)),
    ("anytime, t-mixture", lambda level: stats.anytime_mean_interval(X, level)),
    ("anytime, t-mixture", lambda level: stats.anytime_mean_interval([1.0, 1.0], level)),
    ("anytime, normal mixture", lambda level: stats.anytime_mean_interval(X, level, scale=2)),
    ("Wilson", lambda level: stats.proportion_interval(3, 9, level)),
    ("Clopper-Pearson", lambda level: stats.proportion_interval(3, 9, level, "exact")),
    ("clustered Clopper-Pearson", lambda level: stats.clustered_proportion_interval([1, 2], [3, 3], level)),
    ("bootstrap BCa", lambda level: stats.bootstrap_interval(X, level=level, resamples=100)),
    (
        "bootstrap percentile",
        lambda level: stats.bootstrap_interval([1.0, 1.0, 2.0], np.min, level=level, resamples=100),
    ),
    ("Spearman, Bonett-Wright", lambda level: stats.spearman_interval(X, Y, level)),
    ("log-log least squares, t", lambda level: stats.fit_power_law(X, Y, level).exponent),
    ("log-log least squares, t", lambda level: stats.fit_power_law(X, Y, level).coefficient),
    ("least squares, profile", lambda level: stats.fit_saturating(X, FALLING, level).limit),
    ("least squares, profile", lambda level: stats.fit_saturating(X, FALLING, level).amplitude),
    ("least squares, profile", lambda level: stats.fit_saturating(X, FALLING, level).exponent),
]


@pytest.mark.parametrize(("method", "call"), METHODS, ids=[f"{i}: {method}" for i, (method, _) in enumerate(METHODS)])
def test_an_interval_bears_its_level_and_how_it_was_computed(method: str, call: Callable[[float], Interval]) -> None:
    wide, narrow = call(0.99), call(0.6)
    assert (wide.method, wide.level, narrow.level) == (method, 0.99, 0.6)
    assert wide.low <= narrow.low <= narrow.high <= wide.high
    if wide.method not in ("open", "bootstrap percentile") and narrow.width > 0:
        assert wide.width > narrow.width


@pytest.mark.parametrize(("paired", "method"), [(True, "paired t, TOST"), (False, "Welch t, TOST")])
def test_equivalence_reports_the_interval_that_it_compares(paired: bool, method: str) -> None:
    found = stats.equivalence_test(X, Y, within=3.0, paired=paired)
    plain = stats.difference_interval(X, Y, paired=paired, level=0.9)
    assert (found.difference.low, found.difference.high) == pytest.approx((plain.low, plain.high))
    assert (found.difference.method, found.within) == (method, 3.0)


def test_the_usual_level_is_95_percent() -> None:
    for call in (
        lambda **level: stats.mean_interval(X, **level),
        lambda **level: stats.difference_interval(X, Y, paired=True, **level),
        lambda **level: stats.guarded_mean_interval(X, **level),
        lambda **level: stats.guarded_difference_interval(X, Y, **level),
        lambda **level: stats.bounded_mean_interval(X, 0, 9, **level),
        lambda **level: stats.anytime_mean_interval(X, **level),
        lambda **level: stats.proportion_interval(3, 9, **level),
        lambda **level: stats.clustered_proportion_interval([1, 2], [3, 3], **level),
        lambda **level: stats.bootstrap_interval(X, resamples=100, **level),
        lambda **level: stats.spearman_interval(X, Y, **level),
        lambda **level: stats.fit_power_law(X, Y, **level),
        lambda **level: stats.fit_saturating(X, FALLING, **level),
        lambda **level: stats.look_levels([5, 10], **level),
        lambda **level: stats.equivalence_test(X, Y, within=1.0, paired=True, **level),
    ):
        assert call() == call(level=0.95)


FEWEST: list[Callable[[], Any]] = [
    lambda: stats.mean_interval([1.0, 2.0]),
    lambda: stats.difference_interval([1.0, 2.0], [1.0, 3.0], paired=True),
    lambda: stats.difference_interval([1.0, 2.0], [1.0, 3.0], paired=False),
    lambda: stats.guarded_mean_interval([1.0]),
    lambda: stats.guarded_difference_interval([1.0], [2.0]),
    lambda: stats.guarded_difference_interval([1.0, 2.0], [2.0, 2.5]),
    lambda: stats.bounded_mean_interval([0.5], 0.0, 1.0),
    lambda: stats.anytime_mean_interval([1.0, 2.0]),
    lambda: stats.anytime_mean_interval([1.0], scale=1.0),
    lambda: stats.proportion_interval(0, 1),
    lambda: stats.clustered_proportion_interval([0], [1]),
    lambda: stats.bootstrap_interval([1.0, 2.0], resamples=100),
    lambda: stats.permutation_test([1.0, 2.0], [1.0, 3.0], paired=True, resamples=1),
    lambda: stats.permutation_test([1.0, 2.0], [1.0, 3.0], paired=False, resamples=1),
    lambda: stats.adjusted_p_values([0.0]),
    lambda: stats.adjusted_p_values([1.0]),
    lambda: stats.spearman_interval([1, 2, 3, 4], [2, 1, 3, 4]),
    lambda: stats.fit_power_law([1, 2, 4], [1, 2, 3]),
    lambda: stats.power_law_exponent([1, 2], [1, 2]),
    lambda: stats.fit_saturating([1, 2, 4, 4], [3.0, 2.0, 1.5, 1.4]),
    lambda: stats.look_levels([1]),
    lambda: stats.crossing_probabilities([2.0], [1]),
]


@pytest.mark.parametrize("call", FEWEST)
def test_the_fewest_values_suffice(call: Callable[[], Any]) -> None:
    assert call() is not None


def fewer(name: str, held: int, needed: int) -> str:
    return f"{name} holds {held} value{'' if held == 1 else 's'}; at least {needed} are needed here. Add runs"


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: stats.mean_interval([1.0]), fewer("x", 1, 2)),
    (lambda: stats.mean_interval([]), fewer("x", 0, 2)),
    (lambda: stats.guarded_mean_interval([]), fewer("x", 0, 1)),
    (lambda: stats.guarded_difference_interval([], X), fewer("a", 0, 1)),
    (lambda: stats.guarded_difference_interval(X, []), fewer("b", 0, 1)),
    (lambda: stats.bounded_mean_interval([], 0, 1), fewer("x", 0, 1)),
    (lambda: stats.anytime_mean_interval([1.0]), fewer("x", 1, 2)),
    (lambda: stats.anytime_mean_interval([], scale=1), fewer("x", 0, 1)),
    (lambda: stats.difference_interval([1.0], [1.0], paired=True), fewer("a", 1, 2)),
    (lambda: stats.difference_interval([1.0], X, paired=False), fewer("a", 1, 2)),
    (lambda: stats.difference_interval(X, [1.0], paired=False), fewer("b", 1, 2)),
    (lambda: stats.permutation_test([1.0], [1.0], paired=True), fewer("a", 1, 2)),
    (lambda: stats.permutation_test(X, [1.0], paired=True), fewer("b", 1, 2)),
    (lambda: stats.permutation_test([1.0], X, paired=False), fewer("a", 1, 2)),
    (lambda: stats.permutation_test(X, [1.0], paired=False), fewer("b", 1, 2)),
    (lambda: stats.spearman_interval(X[:3], X[:3]), fewer("x", 3, 4)),
    (lambda: stats.spearman_interval(X, X[:3]), fewer("y", 3, 4)),
    (lambda: stats.fit_power_law(X[:2], X[:2]), fewer("x", 2, 3)),
    (lambda: stats.fit_power_law(X, X[:2]), fewer("y", 2, 3)),
    (lambda: stats.power_law_exponent([1.0], [1.0]), fewer("x", 1, 2)),
    (lambda: stats.power_law_exponent(X, [1.0]), fewer("y", 1, 2)),
    (lambda: stats.fit_saturating(X[:3], X[:3]), fewer("x", 3, 4)),
    (lambda: stats.fit_saturating(X, X[:3]), fewer("y", 3, 4)),
    (lambda: stats.clustered_proportion_interval([], []), fewer("successes", 0, 1)),
    (lambda: stats.clustered_proportion_interval([1], []), fewer("attempts", 0, 1)),
    (lambda: stats.adjusted_p_values([]), fewer("p_values", 0, 1)),
    (lambda: stats.look_levels([]), fewer("looks", 0, 1)),
    (lambda: stats.crossing_probabilities([], [1]), fewer("boundaries", 0, 1)),
    (lambda: stats.crossing_probabilities([1], []), fewer("information", 0, 1)),
    (
        lambda: stats.mean_interval([[1.0], [2.0]]),
        "x has shape (2, 1); expected one dimension, a value for each run. Try x.ravel()",
    ),
    (
        lambda: stats.difference_interval(X, X[:4], paired=True),
        "a holds 5 values and b 4; pairs need as many of each",
    ),
    (lambda: stats.mean_interval([1.0, math.nan]), "x holds 1 NaN or infinite value of 2; drop or mend them"),
    (lambda: stats.mean_interval([math.inf, math.nan]), "x holds 2 NaN or infinite values of 2; drop or mend them"),
    (lambda: stats.mean_interval(X, 95), "level is 95.0; expected a number strictly between 0 and 1, such as 0.95"),
    (lambda: stats.anytime_mean_interval(X, tuned_for=0), "tuned_for is 0.0; expected a finite number above 0"),
    (lambda: stats.anytime_mean_interval(X, scale=math.inf), "scale is inf; expected a finite number above 0"),
    (lambda: stats.look_levels([5], rho=-1), "rho is -1.0; expected a finite number above 0"),
    (lambda: stats.equivalence_test(X, Y, within=0, paired=True), "within is 0.0; expected a finite number above 0"),
    (
        lambda: stats.equivalence_test(X, Y, within=1, paired=True, level=0.5),
        "level is 0.5; expected more than 0.5, such as 0.95",
    ),
    (lambda: stats.proportion_interval(-1, 2), "successes is -1.0; expected a whole number of 0 or more"),
    (lambda: stats.proportion_interval(1, 2.5), "trials is 2.5; expected a whole number of 0 or more"),
    (lambda: stats.proportion_interval(0, 0), "trials is 0; a proportion needs at least one trial"),
    (lambda: stats.proportion_interval(3, 2), "3 successes of 2 trials; expected no more successes than trials"),
    (
        lambda: stats.bounded_mean_interval([0.5], 1, 0),
        "the bounds are 1.0 and 0.0; expected finite numbers, low < high",
    ),
    (
        lambda: stats.bounded_mean_interval([0.5], -math.inf, 1),
        "the bounds are -inf and 1.0; expected finite numbers, low < high",
    ),
    (
        lambda: stats.bounded_mean_interval([-0.5, 0.5], 0, 1),
        "x reaches from -0.5 to 0.5, outside its bounds [0.0, 1.0]",
    ),
    (
        lambda: stats.clustered_proportion_interval([2.0], [1.0]),
        "successes are [2.0] of [1.0] attempts; expected whole numbers, no more successes than attempts",
    ),
    (
        lambda: stats.clustered_proportion_interval([1.0], [1.5]),
        "successes are [1.0] of [1.5] attempts; expected whole numbers, no more successes than attempts",
    ),
    (
        lambda: stats.clustered_proportion_interval([0.0], [0.0]),
        "attempts are 0 in every cluster; a proportion needs at least one",
    ),
    (lambda: stats.bootstrap_interval([1.0, math.nan]), "x holds 1 NaN or infinite value of 2; drop or mend them"),
    (
        lambda: stats.bootstrap_interval([1.0]),
        "x has shape (1,); at least 2 cases are needed along the first axis",
    ),
    (
        lambda: stats.bootstrap_interval(X, resamples=99),
        "resamples is 99; expected at least 100, and 9999 for figures that are quoted",
    ),
    (
        lambda: stats.bootstrap_interval(X, lambda values: math.inf),
        "the statistic of x is inf; expected a finite number",
    ),
    (lambda: stats.permutation_test(X, Y, paired=True, resamples=0), "resamples is 0; expected at least 1"),
    (
        lambda: stats.adjusted_p_values([-0.5, 0.5]),
        "p_values reach from -0.5 to 0.5; expected numbers from 0 to 1",
    ),
    (
        lambda: stats.spearman_interval([3.0] * 4, [1, 2, 3, 4]),
        "all 4 values of x are 3; a correlation needs values that vary",
    ),
    *(
        (
            lambda fit=fit: fit([2, 2, 2], [1, 2, 3]),
            "all 3 values of x are 2; an exponent needs at least two sizes",
        )
        for fit in (stats.fit_power_law, stats.power_law_exponent)
    ),
    *(
        (
            lambda fit=fit: fit([1, 2, 3], [1, 0, 3]),
            "the smallest value of y is 0; a power law needs values above 0",
        )
        for fit in (stats.fit_power_law, stats.power_law_exponent)
    ),
    *(
        (
            lambda fit=fit: fit([0, 2, 3], [1, 1, 3]),
            "the smallest value of x is 0; a power law needs values above 0",
        )
        for fit in (stats.fit_power_law, stats.power_law_exponent)
    ),
    (
        lambda: stats.fit_power_law([1, 2, 3], [1, 2, 3]).predict([0.0, 1.0]),
        "the smallest value of x is 0; a power law needs values above 0",
    ),
    (
        lambda: stats.fit_power_law([1, 2, 3], [1, 2, 3]).predict([math.nan]),
        "x holds 1 NaN or infinite value of 1; drop or mend them",
    ),
    (lambda: stats.fit_saturating([0, 1, 2, 3], X[:4]), "the smallest value of x is 0; expected values above 0"),
    (
        lambda: stats.fit_saturating([1, 1, 2, 2], X[:4]),
        "x has 2 distinct values; three parameters need at least 3",
    ),
    (
        lambda: stats.fit_saturating([1, 2, 3, 4], [7.0] * 4),
        "all 4 values of y are 7; there is nothing that saturates",
    ),
    (
        lambda: stats.fit_saturating([1, 2, 4, 8], [1, 2, 3, 4]),
        "y does not flatten out over these x: no limit can be fitted; try fit_power_law, or larger x",
    ),
    (
        lambda: stats.fit_saturating([1, 2, 4, 8], [5, 1, 1, 1]),
        "y is flat after the smallest x: no exponent can be fitted; add smaller x",
    ),
    (
        lambda: stats.fit_saturating(X, FALLING).predict([-1.0]),
        "the smallest value of x is -1; expected values above 0",
    ),
    (
        lambda: stats.fit_saturating(X, FALLING).predict([math.nan]),
        "x holds 1 NaN or infinite value of 1; drop or mend them",
    ),
    (
        lambda: stats.look_levels([5, 5]),
        "looks is [5.0, 5.0]; expected positive numbers, each above the one before",
    ),
    (
        lambda: stats.crossing_probabilities([2, 2], [2, 1]),
        "information is [2.0, 1.0]; expected positive numbers, each above the one before",
    ),
    (
        lambda: stats.look_levels([1, 20_000, 20_001]),
        "two looks are closer than 0.0001 of the last, 20001; leave one of them out",
    ),
    (
        lambda: stats.look_levels([1, 2, 20_001]),
        "two looks are closer than 0.0001 of the last, 20001; leave one of them out",
    ),
    (
        lambda: stats.crossing_probabilities([2, 2], [20_000, 20_001]),
        "two information are closer than 0.0001 of the last, 20001; leave one of them out",
    ),
    (lambda: stats.crossing_probabilities([2], [1, 2]), "1 boundaries for 2 looks; expected one for each"),
    (
        lambda: stats.crossing_probabilities([2, 0], [1, 2]),
        "the smallest boundary is 0.0; expected critical values above 0",
    ),
    (
        lambda: stats.look_levels([1, 10**9]),
        "the look at 1 of 1e+09 would spend an error of 5e-20, less than a level can show: drop it, or lower rho (2)",
    ),
    (
        lambda: Interval(math.nan, 0.0, 1.0, 0.9, "t"),
        "the estimate is nan; expected a finite number (the data may be too large to square)",
    ),
    (
        lambda: Interval(0.5, 1.0, 0.0, 0.9, "t"),
        "the interval runs from 1.0 to 0.0; expected low <= high, neither of them NaN",
    ),
    (lambda: Interval(0.5, 0.0, 1.0, 1.0, "t"), "the level is 1.0; expected a number strictly between 0 and 1"),
    (lambda: Interval(0.5, 0.0, 1.0, 0.0, "t"), "the level is 0.0; expected a number strictly between 0 and 1"),
]


@pytest.mark.parametrize(("call", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_cannot_be_is_refused_in_these_words(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        call()


@pytest.mark.parametrize("name", ["x", "y"])
def test_what_are_no_numbers_is_said(name: str) -> None:
    words = {"x": X, "y": Y, name: ["p", "q", "r", "s", "t"]}
    with pytest.raises(TypeError, match=rf"^{name} has dtype <U1; expected real numbers$"):
        stats.spearman_interval(**words)
    ragged = {"x": X, "y": Y, name: [[1.0], [1.0, 2.0]]}
    with pytest.raises(ValueError, match=rf"^{name} is not an array: .*\. Expected numbers in rows of equal length$"):
        stats.spearman_interval(**ragged)


@pytest.mark.parametrize(
    "values", [[True, False, True], np.array([1, 0, 1], np.uint8), np.array([1, 0, 1], np.float16)]
)
def test_numbers_of_every_real_kind_are_taken(values: Any) -> None:
    assert stats.mean_interval(values) == stats.mean_interval([1.0, 0.0, 1.0])


def test_words_that_name_no_way_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^alternative is 'bigger'; expected 'two-sided', 'greater' or 'less'$"):
        stats.permutation_test(X, Y, paired=True, alternative="bigger")
    with pytest.raises(ValueError, match=r"^method is 'wald'; expected 'wilson' or 'exact'$"):
        stats.proportion_interval(1, 2, method="wald")
    with pytest.raises(ValueError, match=r"^method is 'sidak'; expected 'holm' or 'bonferroni'$"):
        stats.adjusted_p_values([0.5], method="sidak")
