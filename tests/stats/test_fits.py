"""Power laws and curves that flatten out."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from paperwright.stats import fit_power_law, fit_saturating, power_law_exponent

sizes = st.lists(st.floats(0.01, 1e4), min_size=3, max_size=12, unique_by=lambda x: round(math.log(x), 2))
doubling = 2.0 ** np.arange(8)


@given(sizes, st.floats(1e-3, 1e3), st.floats(-3, 3))
def test_a_power_law_is_found(x, coefficient, exponent):
    law = fit_power_law(x, coefficient * np.array(x) ** exponent)
    assert law.exponent.estimate == pytest.approx(exponent, abs=1e-6)
    assert law.coefficient.estimate == pytest.approx(coefficient, rel=1e-4)
    assert law.exponent.width < 1e-4
    assert power_law_exponent(x, coefficient * np.array(x) ** exponent) == law.exponent.estimate
    np.testing.assert_allclose(law.predict(x), coefficient * np.array(x) ** exponent, rtol=1e-6)


def test_the_line_in_the_logarithms_as_scipy_has_it():
    rng = np.random.default_rng(0)
    y = 3 * doubling**-0.5 * np.exp(0.1 * rng.normal(size=8))
    law = fit_power_law(doubling, y)
    peer = scipy.stats.linregress(np.log(doubling), np.log(y))
    t = scipy.stats.t.ppf(0.975, 6)
    assert law.exponent.estimate == pytest.approx(peer.slope)
    assert law.exponent.high - law.exponent.estimate == pytest.approx(t * peer.stderr)
    assert law.coefficient.estimate == pytest.approx(math.exp(peer.intercept))
    assert law.coefficient.high == pytest.approx(math.exp(peer.intercept + t * peer.intercept_stderr))
    assert law.r_squared == pytest.approx(peer.rvalue**2)
    assert law.points == 8


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.integers(0, 2**32 - 1))
def test_units_change_the_coefficient_only(unit_x, unit_y, seed):
    y = doubling**-0.5 * np.exp(0.1 * np.random.default_rng(seed).normal(size=8))
    law, other = fit_power_law(doubling, y), fit_power_law(unit_x * doubling, unit_y * y)
    assert other.exponent.low == pytest.approx(law.exponent.low, abs=1e-9)
    assert other.r_squared == pytest.approx(law.r_squared, abs=1e-9)


def test_what_a_line_explains_of_little_variation():
    y = 1 + 0.01 * np.random.default_rng(5).normal(size=8)
    assert fit_power_law(doubling, y).r_squared == pytest.approx(
        scipy.stats.linregress(np.log(doubling), np.log(y)).rvalue ** 2
    )


def test_a_coefficient_far_from_all_sizes_is_open_above():
    law = fit_power_law([1e9, 1.1e9, 1.2e9], [1, 3, 2])
    assert law.coefficient.high == math.inf
    assert law.coefficient.contains(law.coefficient.estimate)


def test_a_constant_has_exponent_0():
    law = fit_power_law([1, 2, 4], [0.1, 0.1, 0.1])
    assert law.exponent.estimate == law.exponent.width == 0
    assert law.r_squared == 1


def test_the_exponent_misses_1_time_in_20(assert_rate):
    rng = np.random.default_rng(1)
    trials = 1_500
    laws = [fit_power_law(doubling[:5], row) for row in doubling[:5] ** -0.5 * np.exp(rng.normal(size=(trials, 5)))]
    assert_rate(sum(law.exponent.excludes(-0.5) for law in laws), trials, 0.05)
    assert_rate(sum(law.coefficient.excludes(1) for law in laws), trials, 0.05)


@pytest.mark.parametrize("function", [fit_power_law, power_law_exponent])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([0, 1, 2], [1, 1, 1], "smallest value of x is 0"),
        ([1, 2, 3], [1, -1, 1], "smallest value of y is -1"),
        ([2, 2, 2], [1, 2, 3], "at least two sizes"),
        ([1], [1], "at least"),
    ],
)
def test_points_without_a_power_law(function, x, y, message):
    with pytest.raises(ValueError, match=message):
        function(x, y)


def test_two_points_have_an_exponent_but_no_interval():
    assert power_law_exponent([10, 1000], [1, 100]) == pytest.approx(1)
    with pytest.raises(ValueError, match="at least 3"):
        fit_power_law([10, 1000], [1, 100])


@given(
    st.floats(-5, 5), st.floats(0.5, 5), st.sampled_from([-1, 1]), st.floats(0.2, 2), st.sampled_from([1e-3, 1.0, 1e3])
)
def test_a_saturating_curve_is_found(limit, amplitude, sign, exponent, unit):
    # The amplitude is set at the smallest x, so that the curve bends as much in every unit.
    y = limit + sign * amplitude * doubling**-exponent
    curve = fit_saturating(unit * doubling, y)
    assert curve.limit.estimate == pytest.approx(limit, abs=1e-4)
    assert curve.exponent.estimate == pytest.approx(exponent, abs=1e-4)
    assert curve.amplitude.estimate == pytest.approx(sign * amplitude * unit**exponent, rel=1e-3)
    np.testing.assert_allclose(curve.predict(unit * doubling), y, atol=1e-6)
    for interval in (curve.limit, curve.amplitude, curve.exponent):
        assert interval.contains(interval.estimate)


def test_the_least_squares_and_their_profile_as_a_direct_search_has_them():
    rng = np.random.default_rng(2)
    y = 0.5 + 3 * doubling**-0.6 + 0.05 * rng.normal(size=8)
    curve = fit_saturating(doubling, y)

    def squares(parameters):
        c, a, b = parameters
        return float(np.sum((y - c - a * doubling**-b) ** 2))

    def search(function, start):
        return minimize(
            function, start, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14, "maxiter": 5000}
        )

    best = search(squares, [0.5, 3, 0.6])
    estimates = [curve.limit.estimate, curve.amplitude.estimate, curve.exponent.estimate]
    np.testing.assert_allclose(estimates, best.x, atol=1e-6)
    assert curve.r_squared == pytest.approx(1 - best.fun / np.sum((y - y.mean()) ** 2))
    assert curve.points == 8
    threshold = best.fun * (1 + scipy.stats.t.ppf(0.975, 5) ** 2 / 5)
    for index, interval in enumerate((curve.limit, curve.amplitude, curve.exponent)):
        for end in (interval.low, interval.high):
            start = np.delete(best.x, index)
            at_end = search(lambda others, i=index, e=end: squares(np.insert(others, i, e)), start)
            assert at_end.fun == pytest.approx(threshold, rel=2e-3)


@pytest.mark.parametrize("noise", [0.02, 0.2])
def test_each_parameter_misses_about_1_time_in_20(noise):
    rng = np.random.default_rng(3)
    trials = 300
    missed = np.zeros(3)
    for _ in range(trials):
        curve = fit_saturating(doubling, 0.5 + 3 * doubling**-0.6 + noise * rng.normal(size=8))
        missed += [curve.limit.excludes(0.5), curve.amplitude.excludes(3), curve.exponent.excludes(0.6)]
    # Approximate intervals: 5% give or take the model's curvature and the trials' binomial spread.
    assert np.all(np.abs(missed / trials - 0.05) < 0.04), missed / trials


def test_a_nearly_straight_stretch_leaves_the_limit_open():
    rng = np.random.default_rng(4)
    curve = fit_saturating(doubling, 3 * doubling**-0.1 + 0.05 * rng.normal(size=8))
    assert curve.limit.low == -math.inf
    assert curve.amplitude.high == math.inf
    assert curve.exponent.low == 0
    assert curve.limit.contains(0)


def test_a_drop_that_may_be_a_step_leaves_the_exponent_open():
    curve = fit_saturating([2, 4, 8, 16, 32], [5.0, 1.1, 0.9, 1.1, 0.9])
    assert curve.exponent.high == math.inf
    assert curve.amplitude.high == math.inf
    assert curve.amplitude.low > 0
    assert math.isfinite(curve.limit.low)
    assert math.isfinite(curve.limit.high)


def test_in_sizes_below_1_a_step_leaves_the_amplitude_open_towards_0():
    # Sizes are 2^-6 of those above: the amplitude at size 1 is that at the smallest size times smallest^b, b → ∞.
    y = [5.0, 1.1, 0.9, 1.1, 0.9]
    small, large = fit_saturating([x / 64 for x in (2, 4, 8, 16, 32)], y), fit_saturating([2, 4, 8, 16, 32], y)
    assert (small.amplitude.low, small.exponent.high) == (0, math.inf)
    assert 0 < small.amplitude.estimate < small.amplitude.high < large.amplitude.low
    assert [small.limit.low, small.limit.high] == pytest.approx([large.limit.low, large.limit.high])


@pytest.mark.parametrize("unit", [2.0, 2.0**-9])
def test_what_may_as_well_rise_as_fall_leaves_everything_open(unit):
    curve = fit_saturating(unit * doubling, [0.3, 0.8, 0.3, -1.3, 0.9, 0.4, -0.5, 0.6])
    for interval in (curve.limit, curve.amplitude):
        assert (interval.low, interval.high) == (-math.inf, math.inf)
    assert (curve.exponent.low, curve.exponent.high) == (0, math.inf)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (doubling, 0.5 + 3 * doubling**-0.6 + 0.05 * np.cos(np.arange(8.0))),
        (doubling / 300, 3 * doubling**-0.1 + 0.05 * np.cos(np.arange(8.0))),
        (doubling * 2, 3 * doubling**-0.1 + 0.05 * np.cos(np.arange(8.0))),
        ([2, 4, 8, 16, 32], [5.0, 1.1, 0.9, 1.1, 0.9]),
        ([0.02, 0.04, 0.08, 0.16, 0.32], [5.0, 1.1, 0.9, 1.1, 0.9]),
    ],
    ids=["bent", "straight, small", "straight, large", "step, large", "step, small"],
)
def test_what_rises_is_the_mirror_image_of_what_falls(x, y):
    falls, rises = fit_saturating(x, y), fit_saturating(x, -np.array(y))
    for fall, rise in ((falls.limit, rises.limit), (falls.amplitude, rises.amplitude)):
        assert (-rise.high, -rise.estimate, -rise.low) == pytest.approx((fall.low, fall.estimate, fall.high), rel=1e-6)
    assert (rises.exponent.low, rises.exponent.high) == pytest.approx((falls.exponent.low, falls.exponent.high))
    assert rises.r_squared == pytest.approx(falls.r_squared)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2, 4, 8], [1, 2, 3, 4], "does not flatten out"),
        ([1, 2, 4, 8], [1, 2, 4, 8], "does not flatten out"),
        ([1, 2, 4, 8], [5, 1, 1, 1], "flat after the smallest x"),
        ([1, 2, 4, 8], [1, 1, 1, 1], "nothing that saturates"),
        ([1, 1, 2, 2], [1, 2, 3, 4], "2 distinct values"),
        ([0, 1, 2, 3], [1, 2, 3, 4], "smallest value of x is 0"),
        ([1, 2, 4], [3, 2, 1.5], "at least 4"),
    ],
)
def test_points_that_do_not_saturate(x, y, message):
    with pytest.raises(ValueError, match=message):
        fit_saturating(x, y)


def test_predictions_need_sizes_above_0():
    law = fit_power_law([1, 2, 4], [1, 2, 4])
    curve = fit_saturating([1, 2, 4, 8], [3, 2, 1.5, 1.25])
    for fitted in (law, curve):
        assert fitted.predict([[1.0, 2.0]]).shape == (1, 2)
        with pytest.raises(ValueError, match="above 0"):
            fitted.predict([0.0])
