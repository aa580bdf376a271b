"""Intervals of means and of differences of means."""

from functools import partial

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from paperwright.stats import Interval, difference_interval, equivalence_test, mean_interval
from paperwright.stats.difference import mean_difference

values = arrays(np.float64, st.integers(2, 20), elements=st.floats(-1e6, 1e6, width=32))
levels = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.9999])


def ends(interval):
    return interval.low, interval.high


def test_the_mean_by_hand():
    interval = mean_interval([1, 2, 3])
    # s = 1, t(0.975; 2) = 4.30265273
    assert interval.estimate == 2
    np.testing.assert_allclose(ends(interval), [2 - 4.30265273 / 3**0.5, 2 + 4.30265273 / 3**0.5], rtol=1e-8)
    assert interval.method == "t"


@given(values, levels)
def test_the_mean_as_scipy_has_it(x, level):
    interval = mean_interval(x, level)
    if np.ptp(x) == 0:
        assert interval.estimate == interval.low == interval.high == x[0]
        return
    expected = scipy.stats.t.interval(level, x.size - 1, loc=np.mean(x), scale=scipy.stats.sem(x))
    np.testing.assert_allclose(ends(interval), expected, rtol=1e-7, atol=1e-9 * np.abs(x).max())


@given(values, st.floats(-1e3, 1e3, width=32), st.sampled_from([-4.0, 0.5, 2.0]))
def test_the_mean_moves_and_scales_with_the_values(x, shift, factor):
    before, after = mean_interval(x), mean_interval(factor * x + shift)
    expected = sorted(factor * end + shift for end in ends(before))
    np.testing.assert_allclose(ends(after), expected, rtol=1e-6, atol=1e-6 * (1 + np.abs(x).max() + abs(shift)))


@pytest.mark.parametrize("constant", [0.1, 1 / 3, -7e22, 0.0])
def test_values_that_do_not_vary_give_width_0(constant):
    # The mean of 0.1 repeated rounds to something else; that is not spread.
    for n in (2, 3, 7, 10):
        assert mean_interval([constant] * n).width == 0
        assert "no confidence" in mean_interval([constant] * n).note
        assert difference_interval([constant] * n, [constant] * (n + 1), paired=False).width == 0
        assert difference_interval([constant] * n, [constant] * n, paired=True).estimate == 0


def test_no_spread_is_said_to_be_no_confidence():
    note = "no spread was seen: a width of 0 is no confidence"
    assert mean_interval([2, 2]) == Interval(2.0, 2.0, 2.0, 0.95, "t", note)


def test_offsets_do_not_cost_digits():
    assert mean_interval(np.array([1.0, 2.0, 3.0]) + 1e9).width == pytest.approx(
        mean_interval([1, 2, 3]).width, rel=1e-6
    )


@given(values, levels, st.integers(0, 2**32 - 1))
def test_paired_is_the_mean_of_the_differences(a, level, seed):
    b = np.random.default_rng(seed).normal(size=a.size)
    interval = difference_interval(a, b, paired=True, level=level)
    assert ends(interval) == ends(mean_interval(a - b, level))
    mirrored = difference_interval(b, a, paired=True, level=level)
    np.testing.assert_allclose([-interval.high, -interval.low], ends(mirrored), rtol=1e-9, atol=1e-9 * np.abs(a).max())


@given(values, values, levels)
def test_welch_as_scipy_has_it(a, b, level):
    interval = difference_interval(a, b, paired=False, level=level)
    if np.ptp(a) == np.ptp(b) == 0:
        assert interval.width == 0
        return
    if min(np.ptp(a), np.ptp(b)) < 1e-4 * max(np.abs(a).max(), np.abs(b).max()):
        return  # scipy warns of lost digits and loses them
    expected = scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval(level)
    scale = max(np.abs(a).max(), np.abs(b).max())
    np.testing.assert_allclose(ends(interval), [expected.low, expected.high], rtol=1e-6, atol=1e-8 * scale)


def test_arms_without_spread_have_the_degrees_of_freedom_of_their_number():
    assert mean_difference([1, 1], [3, 3, 3, 3], paired=False) == (-2, 0, 4)


def test_tiny_values_do_not_underflow():
    a, b = np.array([1.0, 2.0, 4.0]), np.array([2.0, 2.5, 9.0])
    plain, tiny = (difference_interval(a * unit, b * unit, paired=False) for unit in (1.0, 1e-100))
    np.testing.assert_allclose(ends(tiny), np.multiply(ends(plain), 1e-100), rtol=1e-12)


def test_values_too_large_to_square_are_an_error_not_a_nan():
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(ValueError, match=r"NaN|finite"):
        mean_interval([1.7e308, -1.7e308])


@pytest.mark.parametrize("n", [2, 5, 20])
def test_the_mean_misses_1_time_in_20(n, assert_rate):
    rng = np.random.default_rng(n)
    trials = 2_000
    missed = sum(mean_interval(row).excludes(3.0) for row in rng.normal(3, 2, size=(trials, n)))
    assert_rate(missed, trials, 0.05)


def test_paired_misses_1_time_in_20_however_seeds_differ(assert_rate):
    rng = np.random.default_rng(1)
    trials = 2_000
    seeds = 100 * rng.normal(size=(trials, 6, 1))  # the seed moves both arms far more than the arms differ
    arms = seeds + rng.normal(size=(trials, 6, 2))
    missed = sum(difference_interval(row[:, 0], row[:, 1], paired=True).excludes(0) for row in arms)
    assert_rate(missed, trials, 0.05)


def test_welch_misses_1_time_in_20_with_unequal_variances(assert_rate):
    rng = np.random.default_rng(2)
    trials = 2_000
    a, b = rng.normal(size=(trials, 10)), 4 * rng.normal(size=(trials, 20))
    missed = sum(difference_interval(*rows, paired=False).excludes(0) for rows in zip(a, b, strict=True))
    assert_rate(missed, trials, 0.05)


@given(st.integers(2, 20), st.integers(2, 20), st.integers(0, 2**32 - 1), st.floats(0.01, 3), st.booleans())
def test_equivalence_is_two_one_sided_t_tests_of_scipy(size, other, seed, within, paired):
    """The greater p-value of the tests at both margins (Schuirmann 1987)."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0.2, 1, size=size), 3 * rng.normal(size=size if paired else other)
    test = scipy.stats.ttest_rel if paired else partial(scipy.stats.ttest_ind, equal_var=False)
    greater, less = test(a, b - within, alternative="greater"), test(a, b + within, alternative="less")
    result = equivalence_test(a, b, within=within, paired=paired)
    assert result.p_value == pytest.approx(max(greater.pvalue, less.pvalue), rel=1e-9)


@given(values, st.integers(0, 2**32 - 1), st.floats(0.01, 10), st.booleans())
def test_equivalence_is_the_90_percent_interval_inside_the_margin(a, seed, within, paired):
    b = a + np.random.default_rng(seed).normal(size=a.size)
    result = equivalence_test(a, b, within=within, paired=paired)
    assert result.difference.level == pytest.approx(0.9)
    gap = min(result.difference.low + within, within - result.difference.high)
    if abs(gap) > 1e-6 * within:
        assert result.equivalent == (gap > 0)


def test_arms_that_differ_by_the_margin_are_called_equivalent_1_time_in_20(assert_rate):
    rng = np.random.default_rng(3)
    trials = 2_000
    a = rng.normal(0.5, 0.1, size=(trials, 8))
    called = sum(equivalence_test(row, np.zeros(8), within=0.5, paired=True).equivalent for row in a)
    assert_rate(called, trials, 0.05)


def test_equivalence_without_spread():
    assert equivalence_test([1, 1], [1.5, 1.5], within=0.6, paired=True).p_value == 0
    for within in (0.5, 0.25):
        apart = equivalence_test([1, 1], [1.5, 1.5], within=within, paired=False)
        assert (apart.p_value, apart.equivalent) == (1, False)


@pytest.mark.parametrize("within", [0, -1, np.inf, np.nan])
def test_margins_that_are_none(within):
    with pytest.raises(ValueError, match=r"within is .* above 0"):
        equivalence_test([1, 2], [1, 3], within=within, paired=True)


def test_equivalence_at_levels_below_a_half():
    with pytest.raises(ValueError, match=r"more than 0\.5"):
        equivalence_test([1, 2], [1, 3], within=1, paired=True, level=0.4)
