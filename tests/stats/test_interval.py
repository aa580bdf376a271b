"""Interval, and what every function of the package refuses."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright import stats
from paperwright.stats import Interval

finite = st.floats(-1e6, 1e6)


@given(finite, st.floats(0, 1e3), st.floats(0, 1e3), finite)
def test_a_value_is_below_inside_or_above(estimate, left, right, value):
    interval = Interval(estimate, estimate - left, estimate + right, 0.95, "made up")
    assert interval.contains(interval.low)
    assert interval.contains(interval.high)
    assert interval.contains(value) != interval.excludes(value)
    assert [interval.above(value), interval.contains(value), interval.below(value)].count(True) == 1
    assert interval.inside(value, math.inf) == interval.above(value)
    assert interval.width == interval.high - interval.low >= 0


def test_touching_the_bound_decides_nothing():
    interval = Interval(1.0, 0.0, 2.0, 0.95, "made up")
    assert not interval.above(0)
    assert not interval.below(2)
    assert not interval.inside(0, 3)


def test_it_is_frozen_and_prints_itself():
    interval = Interval(0.5, 0.25, 0.75, 0.95, "t")
    with pytest.raises(dataclasses.FrozenInstanceError):
        interval.low = 0.0
    assert str(interval) == "0.5 [0.25, 0.75] (95%, t)"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((math.nan, 0.0, 1.0, 0.95), "estimate is nan"),
        ((math.inf, 0.0, 1.0, 0.95), "estimate is inf"),
        ((0.5, 1.0, 0.0, 0.95), "low <= high"),
        ((0.5, math.nan, 1.0, 0.95), "low <= high"),
        ((0.5, 0.0, 1.0, 95.0), "strictly between 0 and 1"),
    ],
)
def test_nonsense_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Interval(*fields, "made up")


ONE_SAMPLE = {
    "mean": stats.mean_interval,
    "bootstrap": stats.bootstrap_interval,
    "anytime": stats.anytime_mean_interval,
}
TWO_SAMPLES = {
    "difference": lambda a, b: stats.difference_interval(a, b, paired=True),
    "welch": lambda a, b: stats.difference_interval(a, b, paired=False),
    "equivalence": lambda a, b: stats.equivalence_test(a, b, within=1, paired=True),
    "permutation": lambda a, b: stats.permutation_test(a, b, paired=True),
    "spearman": stats.spearman_interval,
    "power law": stats.fit_power_law,
    "exponent": stats.power_law_exponent,
    "saturating": stats.fit_saturating,
}
GOOD = [1.0, 2.0, 4.0, 3.0, 5.0]


@pytest.mark.parametrize("function", ONE_SAMPLE.values(), ids=ONE_SAMPLE)
@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([1.0], ValueError, r"at least 2"),
        ([], ValueError, r"at least 2"),
        ([1.0, math.nan, 2.0], ValueError, "1 NaN or infinite value of 3"),
        ([1.0, math.inf, -math.inf], ValueError, "2 NaN or infinite values of 3"),
        (["a", "b"], TypeError, "expected real numbers"),
        ([1j, 2j], TypeError, "expected real numbers"),
        ([[1.0, 2.0], [3.0]], ValueError, "rows of equal length"),
        (np.array(3.0), ValueError, "shape"),
    ],
)
def test_one_sample_that_is_none(function, values, error, message):
    with pytest.raises(error, match=message):
        function(values)


@pytest.mark.parametrize("function", TWO_SAMPLES.values(), ids=TWO_SAMPLES)
@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ([1.0], ValueError, "at least"),
        ([1.0, 2.0, math.nan, 4.0, 5.0], ValueError, "NaN"),
        (["a", "b", "c", "d", "e"], TypeError, "expected real numbers"),
        (np.ones((5, 1)), ValueError, "expected one dimension"),
    ],
)
def test_two_samples_that_are_none(function, bad, error, message):
    for arguments in [(GOOD, bad), (bad, GOOD)]:
        with pytest.raises(error, match=message):
            function(*arguments)


@pytest.mark.parametrize("name", sorted(TWO_SAMPLES.keys() - {"welch"}))
def test_pairs_of_unequal_number(name):
    with pytest.raises(ValueError, match=r"holds 5 values and . 6"):
        TWO_SAMPLES[name](GOOD, [*GOOD, 6.0])


@pytest.mark.parametrize("level", [0, 1, -0.5, 95, math.nan])
def test_levels_outside_0_and_1(level):
    for call in (
        lambda: stats.mean_interval(GOOD, level),
        lambda: stats.difference_interval(GOOD, GOOD, paired=True, level=level),
        lambda: stats.proportion_interval(1, 2, level),
        lambda: stats.look_levels([5, 10], level),
        lambda: stats.anytime_mean_interval(GOOD, level),
    ):
        with pytest.raises(ValueError, match=r"level is .* strictly between 0 and 1"):
            call()
