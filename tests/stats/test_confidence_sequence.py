"""Anytime-valid intervals: closed forms, and errors at any n of a long run."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import quad
from scipy.stats import norm

from paperwright.stats import anytime_mean_interval, bounded_mean_interval, mean_interval
from paperwright.stats.confidence_sequence import _mixture_variance

units = arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 1))


def test_the_normal_mixture_is_where_its_wealth_reaches_1_over_alpha():
    # Integrate the likelihood ratio over N(0, g) instead of using the closed form.
    n, total, g = 30, 11.0, _mixture_variance(20.0, 0.05)
    interval = anytime_mean_interval(np.full(n, total / n), scale=1.0)

    def wealth(m):
        drift = total - n * m
        return quad(lambda d: math.exp(d * drift - n * d * d / 2) * norm.pdf(d, scale=g**0.5), -12, 12, limit=200)[0]

    assert wealth(interval.low) == pytest.approx(20, rel=1e-6)
    assert wealth(interval.high) == pytest.approx(20, rel=1e-6)


def test_the_t_mixture_is_where_its_wealth_reaches_1_over_alpha():
    # Integrate both parameters out numerically: effect size d ~ N(0, g), and 1/σ over the scale.
    x = np.random.default_rng(0).normal(1, 2, size=8)
    g = _mixture_variance(20.0, 0.05)
    interval = anytime_mean_interval(x)
    squares = float(np.sum((x - x.mean()) ** 2))

    def wealth(m):
        gap = x.mean() - m
        total = squares + x.size * gap**2

        peak = math.sqrt(x.size / total)

        def integral(d):
            # ∫ exp(-Σ (x_i - m - d σ)² / 2σ²) σ^(-n-1) dσ, with u = 1/σ.
            def integrand(u):
                squared = total * u * u - 2 * x.size * gap * d * u + x.size * d * d
                return (u / peak) ** (x.size - 1) * math.exp(-squared / 2)

            return quad(integrand, 0, 12 * peak)[0]

        nothing = integral(0.0)
        return quad(lambda d: integral(d) / nothing * norm.pdf(d, scale=g**0.5), -6, 6, limit=200)[0]

    assert wealth(interval.high) == pytest.approx(20, rel=1e-5)
    assert wealth(interval.low) == pytest.approx(20, rel=1e-5)


@pytest.mark.parametrize("alpha", [0.3, 0.05, 1e-6])
def test_the_tuned_mixture_solves_the_equation_of_its_narrowest_point(alpha):
    # d/dg of (n + 1/g) log((1 + n g) / α²) is 0 at n g = log((1 + n g) / α²).
    for n in (1, 20, 3000):
        growth = n * _mixture_variance(n, alpha)
        assert growth == pytest.approx(math.log((1 + growth) / alpha**2), rel=1e-12)


def test_the_mixture_is_tuned_for_the_n_it_names():
    def reach(n, tuned_for):
        return anytime_mean_interval(np.zeros(n), scale=1.0, tuned_for=tuned_for).high

    for n in (5, 20, 300):
        assert reach(n, n) < min(reach(n, 0.7 * n), reach(n, 1.4 * n))


@given(arrays(np.float64, st.integers(2, 30), elements=st.floats(-1e3, 1e3, width=32)))
def test_never_narrower_than_the_interval_for_one_look(x):
    once, always = mean_interval(x), anytime_mean_interval(x)
    assert always.low <= once.low
    assert always.high >= once.high
    assert always.contains(always.estimate)


def test_few_values_leave_everything_open_and_many_close_in():
    x = np.random.default_rng(1).normal(size=2_000)
    assert anytime_mean_interval(x[:2]).width == math.inf
    widths = [anytime_mean_interval(x[:n]).width for n in (5, 20, 200, 2_000)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.2


def anytime_errors(draw, interval, truth, trials, looks):
    return sum(any(interval(row[:n]).excludes(truth) for n in looks) for row in draw(trials))


def test_normal_values_err_at_most_1_time_in_20_at_any_n(assert_rate):
    rng = np.random.default_rng(2)
    trials, looks = 400, range(2, 101, 4)
    errors = anytime_errors(lambda t: rng.normal(5, 3, size=(t, 100)), anytime_mean_interval, 5.0, trials, looks)
    assert_rate(errors, trials, 0.05, at_most=True)
    assert errors > 0  # not wasteful beyond reason: by n = 100 most of the error is used


def test_sub_gaussian_values_err_at_most_1_time_in_20_at_any_n(assert_rate):
    rng = np.random.default_rng(3)
    trials, looks = 400, range(1, 101, 4)
    errors = anytime_errors(
        lambda t: rng.choice([-1.0, 1.0], size=(t, 100)),
        lambda x: anytime_mean_interval(x, scale=1),
        0.0,
        trials,
        looks,
    )
    assert_rate(errors, trials, 0.05, at_most=True)
    assert errors > 0


@pytest.mark.parametrize("p", [0.5, 0.9])
def test_bounded_values_err_at_most_1_time_in_20_at_any_n(p, assert_rate):
    rng = np.random.default_rng(4)
    trials, looks = 200, range(5, 101, 10)
    errors = anytime_errors(
        lambda t: rng.binomial(1, p, size=(t, 100)).astype(float),
        lambda x: bounded_mean_interval(x, 0, 1),
        p,
        trials,
        looks,
    )
    assert_rate(errors, trials, 0.05, at_most=True)


@pytest.mark.parametrize("argument", ["scale", "tuned_for"])
def test_scales_must_be_above_0(argument):
    with pytest.raises(ValueError, match=f"{argument} is 0"):
        anytime_mean_interval([1.0, 2.0], **{argument: 0})
