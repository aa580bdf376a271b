"""Intervals of proportions."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from paperwright.stats import proportion_interval

counts = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.sampled_from([0.8, 0.9, 0.95, 0.999])


@pytest.mark.parametrize("method", ["wilson", "exact"])
@given(counts, levels)
def test_as_scipy_has_it(method, count, level):
    interval = proportion_interval(*count, level, method)
    expected = scipy.stats.binomtest(*count).proportion_ci(level, method=method)
    np.testing.assert_allclose([interval.low, interval.high], [expected.low, expected.high], atol=1e-9)
    assert 0 <= interval.low <= interval.estimate <= interval.high <= 1


@pytest.mark.parametrize("method", ["wilson", "exact"])
@given(counts, levels)
def test_failures_are_the_mirror_of_successes(method, count, level):
    k, n = count
    one, other = proportion_interval(k, n, level, method), proportion_interval(n - k, n, level, method)
    np.testing.assert_allclose([one.low, one.high], [1 - other.high, 1 - other.low], atol=1e-12)


def test_none_of_n_in_closed_form():
    # The exact upper end solves (1 - p)^n = α/2; Wilson's is z² / (n + z²).
    assert proportion_interval(0, 10, method="exact").high == pytest.approx(1 - 0.025**0.1, rel=1e-12)
    z = scipy.stats.norm.ppf(0.975)
    assert proportion_interval(0, 10).high == pytest.approx(z**2 / (10 + z**2), rel=1e-12)
    assert proportion_interval(0, 10).low == 0
    assert proportion_interval(10, 10).high == 1
    assert [proportion_interval(0, 10, method=name).method for name in ("wilson", "exact")] == [
        "Wilson",
        "Clopper-Pearson",
    ]


@given(st.integers(1, 60), st.floats(1e-9, 1 - 1e-9))
def test_the_exact_interval_never_covers_less_than_its_level(n, p):
    covering = [k for k in range(n + 1) if proportion_interval(k, n, 0.95, "exact").contains(p)]
    assert scipy.stats.binom.pmf(covering, n, p).sum() >= 0.95 - 1e-12


def test_wilson_covers_at_its_level_on_average():
    n = 20
    intervals = [proportion_interval(k, n) for k in range(n + 1)]
    coverage = [
        sum(scipy.stats.binom.pmf(k, n, p) for k, interval in enumerate(intervals) if interval.contains(p))
        for p in np.linspace(0.005, 0.995, 100)
    ]
    assert np.mean(coverage) == pytest.approx(0.95, abs=0.01)


def test_whole_floats_and_numpy_counts_are_counts():
    expected = proportion_interval(3, 10)
    assert proportion_interval(3.0, np.int64(10)) == expected == proportion_interval(np.float32(3), 10)


@pytest.mark.parametrize(
    ("k", "n", "message"),
    [
        (1, 0, "at least one trial"),
        (11, 10, "no more successes than trials"),
        (-1, 10, "successes is -1"),
        (0.5, 10, "successes is 0.5"),
        (1, float("nan"), "trials is nan"),
        (1, float("inf"), "trials is inf"),
    ],
)
def test_counts_that_are_none(k, n, message):
    with pytest.raises(ValueError, match=message):
        proportion_interval(k, n)


def test_an_unknown_method():
    # A checker of types at run time may be quicker to refuse it.
    with pytest.raises(Exception, match="wald"):
        proportion_interval(1, 2, method="wald")
