"""Bootstrap intervals and permutation tests."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from paperwright.stats import bootstrap_interval, mean_interval, permutation_test

small_samples = st.lists(st.integers(-3, 3).map(float), min_size=2, max_size=5)


def test_the_bootstrap_of_the_mean_is_close_to_the_t_interval():
    x = np.random.default_rng(0).normal(size=200)
    bootstrap, student = bootstrap_interval(x, seed=1), mean_interval(x)
    assert bootstrap.estimate == pytest.approx(student.estimate)
    assert [bootstrap.low, bootstrap.high] == pytest.approx([student.low, student.high], abs=0.02)
    assert bootstrap.method == "bootstrap BCa"


def test_the_seed_decides_the_resamples():
    x = np.random.default_rng(0).normal(size=20)
    assert bootstrap_interval(x, np.median, seed=1) == bootstrap_interval(x, np.median, seed=1)
    assert bootstrap_interval(x, seed=1) != bootstrap_interval(x, seed=2)


def test_a_statistic_with_and_without_axis_is_the_same():
    x = np.random.default_rng(0).exponential(size=15)
    one = bootstrap_interval(x, np.mean, resamples=500, seed=3)
    other = bootstrap_interval(x, lambda values: values.mean(), resamples=500, seed=3)
    assert [one.low, one.high] == pytest.approx([other.low, other.high], rel=1e-12)


@pytest.mark.parametrize("cases", [10, 3000])
def test_a_statistic_that_takes_an_axis_is_given_many_resamples_at_once(cases):
    sizes = []

    def mean(values, axis=None):
        sizes.append(values.size)
        return np.mean(values, axis=axis)

    bootstrap_interval(np.arange(float(cases)), mean, resamples=500)
    assert len(sizes) < 15  # the estimate, the resamples, and those with a case left out
    assert max(sizes) <= 1_000_000, "8 MB at a time"
    assert sum(sizes) > 500 * cases


def test_a_built_in_without_a_signature_is_a_statistic():
    interval = bootstrap_interval([1.0, 2.0, 4.0], max, resamples=200)
    assert (interval.estimate, interval.high) == (4, 4)


def test_unless_said_otherwise_9999_resamples_are_drawn_from_seed_0():
    x, y = np.random.default_rng(0).normal(size=(2, 40))
    assert bootstrap_interval(x) == bootstrap_interval(x, np.mean, resamples=9999, seed=0)
    assert permutation_test(x, y, paired=True) == permutation_test(x, y, paired=True, resamples=9999, seed=0)


def test_rows_are_cases():
    # Reviews of one paper are not independent: rows of ten alike say no more than one value each.
    means = np.random.default_rng(0).normal(size=25)
    rows = np.repeat(means[:, None], 10, axis=1)
    by_case = bootstrap_interval(rows, np.mean, resamples=999, seed=3)
    assert by_case.width == pytest.approx(bootstrap_interval(means, resamples=999, seed=3).width, rel=0.02)
    assert by_case.width > 2 * bootstrap_interval(rows.ravel(), resamples=999, seed=3).width


def test_a_statistic_without_spread_has_an_interval_of_width_0():
    interval = bootstrap_interval(np.full(6, 0.1), lambda values: values.max(), resamples=200)
    assert interval.estimate == interval.low == interval.high == 0.1


def test_where_bca_is_undefined_the_method_says_so():
    # The minimum of the resamples is never below that of the sample, and here always equal to it.
    interval = bootstrap_interval([1.0] * 40 + [2.0], np.min, resamples=200)
    assert interval.method == "bootstrap percentile"
    assert interval.contains(1.0)


@pytest.mark.parametrize(("level", "least"), [(0.7, 0), (0.9, 1), (0.995, 2)])
def test_the_percentile_interval_ends_at_the_quantiles_of_the_resampled_statistic(level, least):
    # Every extreme is there twice, so that no single case moves it. P(min >= k) = (1 - k/10)^20: .122, .012, .0008.
    twice = np.repeat(np.arange(10.0), 2)
    low, high = (bootstrap_interval(twice, extreme, level=level) for extreme in (np.min, np.max))
    assert low.method == high.method == "bootstrap percentile"
    assert (low.estimate, low.low, low.high) == (0, 0, least)
    assert (high.estimate, high.low, high.high) == (9, 9 - least, 9)


def test_the_bootstrap_of_a_skewed_sample_misses_rarely(assert_rate):
    rng = np.random.default_rng(5)
    trials = 300
    missed = sum(
        bootstrap_interval(row, resamples=499, seed=seed).excludes(1.0)
        for seed, row in enumerate(rng.exponential(size=(trials, 40)))
    )
    # Second-order accurate, not exact: at n = 40 about 6.5%.
    assert_rate(missed, trials, 0.065)


def test_few_values_are_covered_by_the_bootstrap_as_seldom_as_the_docstring_says(assert_rate):
    rng = np.random.default_rng(7)
    trials = 300
    missed = sum(bootstrap_interval(row, resamples=199).excludes(0.0) for row in rng.normal(size=(trials, 5)))
    assert_rate(missed, trials, 0.16)


def test_statistics_that_are_no_number():
    with pytest.raises(ValueError, match="the statistic of x is nan"):
        bootstrap_interval([1.0, 2.0], lambda values: math.nan)
    # One resample in nine draws the same value three times.
    said = r"^the statistic is NaN or infinite on [123]\d of 200 resamples; expected a finite number$"
    with pytest.raises(ValueError, match=said):
        bootstrap_interval([1.0, 2.0, 3.0], lambda values: 1.0 if np.ptp(values) else math.nan, resamples=200)
    with pytest.raises(ValueError, match="at least 100"):
        bootstrap_interval([1.0, 2.0], resamples=10)


def exact_p(differences):
    """Two-sided p over all labelled differences, the first of which was observed."""
    rounded = np.round(differences, 9)
    return min(1.0, 2 * min(np.mean(rounded >= rounded[0]), np.mean(rounded <= rounded[0])))


@given(small_samples, st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_permutations_of_pairs_by_enumeration(a, seed):
    b = np.random.default_rng(seed).integers(-3, 4, size=len(a)).astype(float)
    result = permutation_test(a, b, paired=True)
    signs = np.array(list(itertools.product([1, -1], repeat=len(a))))
    assert result.p_value == pytest.approx(exact_p(signs @ (a - b)))
    assert result.exact
    assert result.relabellings == 2 ** len(a)


@given(small_samples, small_samples)
@settings(max_examples=50)
def test_permutations_of_two_groups_by_enumeration(a, b):
    result = permutation_test(a, b, paired=False)
    pooled = np.array(a + b)
    sums = [pooled[list(chosen)].sum() for chosen in itertools.combinations(range(pooled.size), len(a))]
    assert result.p_value == pytest.approx(exact_p(np.array(sums)))
    assert result.relabellings == math.comb(pooled.size, len(a))


@given(small_samples, st.floats(-100, 100), st.floats(0.01, 1e3))
@settings(max_examples=50)
def test_units_do_not_matter_to_a_permutation_test(a, shift, factor):
    b = [0.0, 1.0, -2.0]
    p = permutation_test(a, b, paired=False).p_value
    moved = [factor * np.array(arm) + shift for arm in (a, b)]
    assert permutation_test(*moved, paired=False).p_value == pytest.approx(p)


@pytest.mark.parametrize("shift", [-(2.0**33), 2.0**33])
def test_values_far_from_0_tie_no_oftener(shift):
    # The deviations are a ten-billionth of the values, and differences are rounded to a billionth of the deviations.
    a, b = np.array([1.0, 2.0, 5.0, 7.0]), np.array([0.0, 3.0, 4.0])
    for paired, other in ((False, b), (True, np.append(b, 1.0))):
        near, far = permutation_test(a, other, paired=paired), permutation_test(a + shift, other + shift, paired=paired)
        assert far.p_value == near.p_value < 1


@pytest.mark.parametrize(("paired", "ways"), [(True, 16), (False, 70)])
def test_all_relabellings_are_tried_if_there_are_as_many_as_asked_for(paired, ways):
    a, b = [1.0, 2.0, 5.0, 7.0], [0.0, 3.0, 4.0, 1.0]
    full = permutation_test(a, b, paired=paired)
    assert permutation_test(a, b, paired=paired, resamples=ways) == full
    assert (full.exact, full.relabellings) == (True, ways)
    drawn = permutation_test(a, b, paired=paired, resamples=ways - 1)
    assert (drawn.exact, drawn.relabellings) == (False, ways - 1)


def test_one_sided_permutation_tests():
    a, b = [4.0, 5.0, 6.0], [1.0, 2.0, 3.0]
    assert permutation_test(a, b, paired=False, alternative="greater").p_value == pytest.approx(1 / 20)
    assert permutation_test(a, b, paired=False, alternative="less").p_value == 1
    assert permutation_test(a, b, paired=True, alternative="greater").p_value == pytest.approx(1 / 8)


def test_drawn_relabellings_come_near_the_t_test():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.4, 1, size=40), rng.normal(size=40)
    drawn = permutation_test(a, b, paired=False, seed=1)
    assert not drawn.exact
    assert drawn.relabellings == 9999
    assert drawn.p_value == pytest.approx(scipy.stats.ttest_ind(a, b).pvalue, abs=0.02)
    assert drawn == permutation_test(a, b, paired=False, seed=1)
    assert drawn.difference == pytest.approx(a.mean() - b.mean())


def test_p_is_never_0():
    assert permutation_test(np.arange(30.0) + 100, np.arange(30.0), paired=True, resamples=99).p_value >= 1 / 100


@pytest.mark.parametrize("paired", [True, False])
def test_a_true_null_is_rejected_by_permutation_at_most_1_time_in_20(paired, assert_rate):
    rng = np.random.default_rng(6)
    trials = 200
    arms = rng.standard_cauchy(size=(trials, 2, 6))  # no mean, no variance: nothing but the labels is used
    rejected = sum(permutation_test(a, b, paired=paired).p_value <= 0.05 for a, b in arms)
    assert_rate(rejected, trials, 0.05, at_most=True)


def test_a_permutation_test_of_nonsense_is_refused():
    # A checker of types at run time may be quicker to refuse it.
    with pytest.raises(Exception, match="bigger"):
        permutation_test([1, 2], [1, 2], paired=True, alternative="bigger")
    with pytest.raises(ValueError, match="resamples is 0"):
        permutation_test([1, 2], [1, 2], paired=True, resamples=0)
