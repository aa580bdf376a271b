"""The interval of a mean whose values have bounds: valid for every distribution between them."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from paperwright.stats import bounded_mean_interval

units = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def wealth(values, m):
    """K_n(m), as the docstring has it."""
    prior = [1 / ((k + 1) * (k + 2)) for k in range(25)]
    stakes = [2 ** (-k / 2) for k in range(25)]
    shares = [
        weight * math.prod(1 + stake * (x / m - 1) for x in values) for weight, stake in zip(prior, stakes, strict=True)
    ]
    return sum(shares) / sum(prior)


@given(units, st.sampled_from([0.8, 0.95, 0.999]))
@example([5e-324], 0.95)  # half of it is 0
def test_its_ends_are_where_the_wealth_crosses_the_threshold(values, level):
    interval = bounded_mean_interval(values, 0, 1, level)
    for low, column in ((interval.low, values), (1 - interval.high, [1 - x for x in values])):
        if low > 1e-6:
            assert wealth(column, low) == pytest.approx(2 / (1 - level), rel=1e-2)
            assert wealth(column, low * 0.99) > 2 / (1 - level)


@pytest.mark.parametrize("n", [1, 2, 5, 10, 20, 100])
def test_equal_values_leave_open_what_no_interval_may_exclude(n):
    """A share 1 - (α/2)^(1/n) of zeros goes unseen with probability α/2: no valid interval excludes that mean."""
    interval = bounded_mean_interval([1.0] * n, 0, 1)
    best = 0.025 ** (1 / n)
    assert interval.low <= best
    assert interval.high == 1
    assert 1 - interval.low < 1.2 * (1 - best) + 1e-9  # and ours gives away little more


@given(units, st.floats(-100, 100), st.floats(0.01, 100))
@settings(max_examples=50)
def test_units_do_not_matter(values, shift, width):
    plain = bounded_mean_interval(values, 0, 1)
    moved = bounded_mean_interval([min(shift + width * x, shift + width) for x in values], shift, shift + width)
    expected = [shift + width * end for end in (plain.low, plain.high)]
    assert [moved.low, moved.high] == pytest.approx(expected, abs=1e-6 * (abs(shift) + width))


@given(units)
@settings(max_examples=50)
def test_mirrored_values_and_another_order_give_the_mirrored_interval(values):
    plain, mirrored = bounded_mean_interval(values, 0, 1), bounded_mean_interval([1 - x for x in values[::-1]], 0, 1)
    assert [1 - mirrored.high, 1 - mirrored.low] == pytest.approx([plain.low, plain.high], abs=1e-6)
    assert plain.low <= plain.estimate <= plain.high


@pytest.mark.parametrize(
    ("draw", "mean"),
    [
        (lambda rng, shape: rng.random(shape) < 0.5, 0.5),
        (lambda rng, shape: rng.random(shape) < 0.05, 0.05),
        (lambda rng, shape: np.where(rng.random(shape) < 0.1, 0.0, 0.9), 0.81),
        (lambda rng, shape: rng.beta(0.2, 1.8, shape), 0.1),
    ],
    ids=["coin", "1 in 20", "0.9 with 1 in 10 at 0", "beta"],
)
@pytest.mark.parametrize("n", [5, 30])
def test_each_end_errs_at_most_1_time_in_40(draw, mean, n, assert_rate):
    samples = draw(np.random.default_rng(n), (600, n)).astype(float)
    found = [bounded_mean_interval(row, 0, 1) for row in samples]
    assert_rate(sum(one.low > mean for one in found), 600, 0.025, at_most=True)
    assert_rate(sum(one.high < mean for one in found), 600, 0.025, at_most=True)


def test_it_is_narrow_for_values_that_hardly_vary():
    values = 0.9 + 0.02 * np.random.default_rng(0).normal(size=100)
    assert bounded_mean_interval(values, 0, 1).width < 0.06
    assert bounded_mean_interval(values[:20], 0, 1).width < 0.2  # Hoeffding's inequality gives 0.61


def test_what_lies_outside_is_refused():
    with pytest.raises(ValueError, match=r"outside its bounds \[0.0, 1.0\]"):
        bounded_mean_interval([0.5, 1.5], 0, 1)
    for bounds in ((1, 0), (0, math.inf), (0, 0)):
        with pytest.raises(ValueError, match="low < high"):
            bounded_mean_interval([0.0], *bounds)
