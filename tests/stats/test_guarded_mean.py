"""Student's interval with guards: never narrower than his, wider on the long side, open where it would mislead."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from paperwright.stats import difference_interval, guarded_difference_interval, guarded_mean_interval, mean_interval

values = arrays(np.float64, st.integers(2, 20), elements=st.floats(-1e6, 1e6, width=32))
levels = st.sampled_from([0.5, 0.8, 0.95, 0.9999])


def ends(interval):
    return interval.low, interval.high


def is_open(interval):
    return ends(interval) == (-math.inf, math.inf)


def test_by_hand():
    # mean 2, deviations -2, -2, 0, 0, 4, s² = 6, t(0.975; 4) = 2.7764451
    x = [0.0, 0.0, 2.0, 2.0, 6.0]
    interval = guarded_mean_interval(x)
    squares, cubes = 4.8, 48 / 5
    t, error, skew = 2.7764451, math.sqrt(6 / 5), cubes / squares**1.5 / math.sqrt(5)
    assert interval.low == pytest.approx(2 - t * error)
    assert interval.high == pytest.approx(2 + error * (t + 2 * skew * (1 + 2 * t * t) / 6))
    assert (interval.estimate, interval.note) == (2, "")


@given(values, levels)
def test_it_is_never_narrower_than_students(x, level):
    guarded, student = guarded_mean_interval(x, level), mean_interval(x, level)
    slack = 1e-9 * np.abs(x).max()
    assert guarded.low <= student.low + slack
    assert guarded.high >= student.high - slack
    assert is_open(guarded) == bool(guarded.note)


@given(values, values, levels)
def test_nor_than_welchs(a, b, level):
    guarded, welch = guarded_difference_interval(a, b, level), difference_interval(a, b, paired=False, level=level)
    slack = 1e-9 * max(np.abs(a).max(), np.abs(b).max())
    assert guarded.low <= welch.low + slack
    assert guarded.high >= welch.high - slack


@given(values, st.floats(0.01, 1e3), st.floats(-1e3, 1e3))
def test_it_moves_scales_and_mirrors_with_the_values(x, factor, shift):
    plain = guarded_mean_interval(x)
    if is_open(plain) or np.diff(np.sort(x)).max() < 1e-3:
        return
    moved, mirrored = guarded_mean_interval(factor * x + shift), guarded_mean_interval(-x)
    size = 1e-6 * (1 + factor * np.abs(x).max() + abs(shift))
    if not is_open(moved):  # a shift may make values equal but for rounding
        np.testing.assert_allclose(ends(moved), [factor * end + shift for end in ends(plain)], rtol=1e-6, atol=size)
    np.testing.assert_allclose(ends(mirrored), [-plain.high, -plain.low], rtol=1e-9, atol=1e-9 * np.abs(x).max())


@pytest.mark.parametrize("unit", [1.0, 0.01, 1000.0])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_difference_by_hand(unit, level):
    # m2 = 14/9 and m3 = 20/27 of a, m2 = 3/2 and m3 = -9/8 of b; their unbiased variances are 7/3 and 2.
    a, b = np.array([0.0, 1.0, 3.0]), np.array([1.0, 1.0, 3.0, 4.0, 1.0, 4.0, 3.0, 3.0])
    va, vb = 7 / 3 / 3, np.var(b, ddof=1) / 8
    m2, m3 = 14 / 9 / 3 + np.var(b) / 8, 20 / 27 / 9 - np.mean((b - b.mean()) ** 3) / 64
    degrees = (va + vb) ** 2 / (va**2 / 2 + vb**2 / 7)
    t = scipy.stats.t.isf((1 - level) / 2, degrees)
    longer = 2 * m3 / m2**1.5 * (1 + 2 * t * t) / 6
    gap, error = 4 / 3 - b.mean(), math.sqrt(va + vb)
    interval = guarded_difference_interval(unit * a, unit * b, level)
    assert longer > 0.1
    expected = [unit * end for end in (gap, gap - t * error, gap + (t + longer) * error)]
    assert [interval.estimate, *ends(interval)] == pytest.approx(expected)
    mirrored = guarded_difference_interval(unit * b, unit * a, level)
    assert ends(mirrored) == pytest.approx((-interval.high, -interval.low))


def test_two_values_in_an_arm_are_enough_and_one_is_not():
    for few in ([1.0, 2.0], [2.0, 1.5]):
        assert not is_open(guarded_difference_interval(few, [1.0, 4.0, 2.5]))
        assert not is_open(guarded_difference_interval([1.0, 4.0, 2.5], few))
        assert not is_open(guarded_mean_interval(few))


def test_the_difference_with_a_shifted_mirror_image_is_symmetric():
    a = np.array([0.0, 1.0, 1.5, 2.0, 9.0])
    interval = guarded_difference_interval(a, a + 3.0)  # the same skewness in both arms cancels
    assert interval.high + 3 == pytest.approx(-(interval.low + 3))
    skewed = guarded_difference_interval(a, -a)  # and here it adds up
    assert skewed.high - skewed.estimate > 1.1 * (skewed.estimate - skewed.low)


@pytest.mark.parametrize(
    ("n", "equal", "shut"),
    [(2, 2, True), (3, 3, True), (3, 2, False), (5, 4, True), (5, 3, False), (20, 17, True), (20, 16, False)],
)
def test_fewer_than_root_n_that_differ_leave_it_open(n, equal, shut):
    x = np.concatenate([np.zeros(equal), np.linspace(1, 2, n - equal)])
    interval = guarded_mean_interval(x)
    assert is_open(interval) == shut
    assert interval.note.startswith(f"{equal} of {n} values are equal: state bounds=") == shut
    for arms in ((x, np.arange(5.0)), (np.arange(5.0), x)):
        difference = guarded_difference_interval(*arms)
        assert is_open(difference) == shut
        assert difference.note == interval.note


def test_a_sample_that_one_value_decides_is_left_open():
    x = np.append(np.linspace(0, 1, 19), 50.0)
    assert guarded_mean_interval(x).note.startswith("one or two of 20 values decide (skewness 4.1)")
    for one, other in ((x, np.linspace(0, 1, 20)), (np.linspace(0, 1, 20), x)):
        assert guarded_difference_interval(one, other).note.startswith("one or two of 20 values decide (skewness ")
    assert guarded_mean_interval(np.append(np.linspace(0, 1, 999), 5.0)).note == ""  # among many it does not


def test_values_equal_but_for_rounding_are_equal():
    x = np.array([0.3 - 0.2, 0.7 - 0.6, 1.1 - 1.0, 0.5 - 0.4])
    assert len(set(x)) > 1
    assert is_open(guarded_mean_interval(x))
    noise = np.array([0.0, 1e-17, -1e-17, 2e-17])
    assert is_open(guarded_mean_interval(noise, resolution=1e-15))
    assert not is_open(guarded_mean_interval(noise))


def test_one_value_leaves_everything_open():
    for interval in (
        guarded_mean_interval([3.0]),
        guarded_difference_interval([4.0], [0.5, 1.5]),
        guarded_difference_interval([3.5, 4.5], [1.0]),
    ):
        assert is_open(interval)
        assert (interval.estimate, interval.note) == (3.0, "one value shows no spread: run more seeds")


@pytest.mark.parametrize("unit", [1e-300, 1e300, 1e307])
def test_neither_tiny_nor_huge_values_overflow(unit):
    x = np.array([0.5, 1.0, 3.0])
    plain = guarded_mean_interval(x)
    huge = guarded_mean_interval(x * unit)
    assert huge.estimate == pytest.approx(plain.estimate * unit)
    assert huge.low == pytest.approx(plain.low * unit)
    assert math.isfinite(guarded_difference_interval(x * unit, x * unit).estimate)
