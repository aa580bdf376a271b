"""Spearman's correlation."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

from paperwright.stats import spearman_interval

pairs = st.integers(4, 15).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(-4, 4).map(float), min_size=n, max_size=n)] * 2)
)


@given(pairs)
def test_as_scipy_has_it_ties_included(pair):
    x, y = pair
    assume(len(set(x)) > 1 and len(set(y)) > 1)
    interval = spearman_interval(x, y)
    assert interval.estimate == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-12)
    assert -1 <= interval.low <= interval.estimate <= interval.high <= 1
    swapped, mirrored = spearman_interval(y, x), spearman_interval(np.negative(x), y)
    assert [swapped.low, swapped.high] == pytest.approx([interval.low, interval.high])
    assert [-mirrored.high, -mirrored.low] == pytest.approx([interval.low, interval.high])


@given(pairs)
def test_only_the_order_matters(pair):
    x, y = pair
    assume(len(set(x)) > 1 and len(set(y)) > 1)
    assert spearman_interval(np.exp(x), np.array(y) ** 3) == spearman_interval(x, y)


def test_bonett_and_wright_by_hand():
    x, y = [1, 2, 3, 4, 5, 6, 7], [2, 1, 4, 3, 6, 5, 7]  # Σd² = 6: r = 1 - 36/336
    r = 1 - 36 / 336
    reach = 1.959963985 * math.sqrt((1 + r * r / 2) / 4)
    interval = spearman_interval(x, y)
    assert interval.estimate == pytest.approx(r)
    expected = [math.tanh(math.atanh(r) - reach), math.tanh(math.atanh(r) + reach)]
    assert [interval.low, interval.high] == pytest.approx(expected, abs=1e-9)


def test_a_perfect_order_is_not_certainty():
    widths = []
    for n in (4, 10, 50):
        rising, falling = spearman_interval(range(n), range(n)), spearman_interval(range(n), range(n, 0, -1))
        assert rising.estimate == rising.high == 1
        assert falling.estimate == falling.low == -1
        assert rising.low == pytest.approx(-falling.high)
        widths.append(rising.width)
    assert widths == sorted(widths, reverse=True)
    assert spearman_interval(range(4), range(4)).low < 0  # four points in order happen 1 time in 24


@pytest.mark.parametrize("n", [4, 5, 12])
def test_a_perfect_order_leaves_open_what_one_swap_of_neighbours_does(n):
    order, swapped = list(range(n)), [1, 0, *range(2, n)]
    r = 1 - 12 / (n**3 - n)
    low = math.tanh(math.atanh(r) - 1.959963985 * math.sqrt((1 + r * r / 2) / (n - 3)))
    assert [spearman_interval(order, other).low for other in (order, swapped)] == pytest.approx([low, low], rel=1e-7)


@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_it_misses_about_1_time_in_20(correlation):
    rng = np.random.default_rng(7)
    trials, n = 1_000, 25
    truth = 6 / math.pi * math.asin(correlation / 2)  # Spearman's of a binormal pair
    u, v = rng.normal(size=(2, trials, n))
    missed = sum(
        spearman_interval(a, correlation * a + math.sqrt(1 - correlation**2) * b).excludes(truth)
        for a, b in zip(u, v, strict=True)
    )
    # An approximation: 5% give or take 1.5 points and the binomial spread.
    assert abs(missed / trials - 0.05) < 0.03


def test_no_order_no_correlation():
    with pytest.raises(ValueError, match="values of y are 2"):
        spearman_interval([1, 2, 3, 4], [2, 2, 2, 2])
    with pytest.raises(ValueError, match="at least 4"):
        spearman_interval([1, 2, 3], [1, 2, 3])
