"""Group-sequential levels: published constants, simulation, and intervals computed look after look."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import stdtrit
from scipy.stats import norm

from paperwright.stats import crossing_probabilities, difference_interval, look_levels, mean_interval
from paperwright.stats import looks as looks_module


def critical_values(levels):
    return norm.isf((1 - np.array(levels)) / 2)


@pytest.mark.parametrize(
    ("looks", "constant"),
    # Pocock (1977); Jennison and Turnbull (2000), table 2.1, α = 0.05.
    [(2, 2.178), (3, 2.289), (4, 2.361), (5, 2.413), (10, 2.555)],
)
def test_pocock_boundaries_spend_5_percent(looks, constant):
    assert crossing_probabilities([constant] * looks, range(1, looks + 1)).sum() == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize(
    ("looks", "constant"),
    # O'Brien and Fleming (1979); Jennison and Turnbull (2000), table 2.3, α = 0.05.
    [(2, 1.977), (3, 2.004), (4, 2.024), (5, 2.040), (10, 2.087)],
)
def test_obrien_fleming_boundaries_spend_5_percent(looks, constant):
    fractions = np.arange(1, looks + 1) / looks
    assert crossing_probabilities(constant / np.sqrt(fractions), fractions).sum() == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize(("looks", "error"), [(2, 0.083), (3, 0.107), (4, 0.126), (5, 0.142), (10, 0.193), (20, 0.248)])
def test_repeated_looks_at_95_percent(looks, error):
    # Armitage, McPherson and Rowe (1969), table 2.
    boundaries = [norm.isf(0.025)] * looks
    assert crossing_probabilities(boundaries, range(1, looks + 1)).sum() == pytest.approx(error, abs=6e-4)


@pytest.mark.parametrize(
    ("looks", "level", "rho", "expected", "digits"),
    [
        # Lan and DeMets (1983), table 1: spending in proportion, five looks.
        ([1, 2, 3, 4, 5], 0.95, 1, [2.58, 2.49, 2.41, 2.34, 2.28], 2),
        # The R package gsDesign, example of sfPower (one-sided 0.025, rho = 3).
        ([1, 2, 3, 4], 0.95, 3, [3.36, 2.76, 2.36, 2.03], 2),
        # The R package rpact, tests of getDesignInverseNormal (Kim-DeMets, gamma = 2.2, one-sided 0.03): crossing
        # both boundaries of a two-sided design is so rare that they agree in all digits.
        ([0.3, 0.7, 1.0], 0.94, 2.2, [2.8594012, 2.2435708, 1.9735737], 6),
    ],
)
def test_power_family_boundaries_as_published(looks, level, rho, expected, digits):
    np.testing.assert_allclose(critical_values(look_levels(looks, level, rho)), expected, atol=0.51 * 10.0**-digits)


def test_three_looks_in_figures():
    levels = look_levels([5, 10, 20])
    # The first look is alone: its level is 1 - α t^ρ in closed form.
    assert levels[0] == pytest.approx(1 - 0.05 / 16, abs=1e-15)
    assert levels == pytest.approx([0.996875, 0.98951319, 0.95683556], abs=1e-8)


@pytest.mark.parametrize("boundary", [1e-9, 0.5, 1.0, 3.0])
def test_one_look_crosses_as_often_as_a_normal_number_does(boundary):
    for information in (1, 0.1, 400):
        assert crossing_probabilities([boundary], [information]) == pytest.approx([2 * norm.sf(boundary)], rel=1e-12)


@given(st.floats(0.05, 0.95), st.floats(0.2, 3), st.floats(0.2, 3))
def test_two_looks_cross_as_the_bivariate_normal_has_it(time, first, second):
    crossed = crossing_probabilities([first, second], [7 * time, 7])
    # |Z_2| > z_2 given Z_1 is a normal tail: integrated over what has not crossed at the first look.
    spread = (1 - time) ** 0.5
    stays = quad(
        lambda z: norm.pdf(z) * sum(norm.sf((second + side * z * time**0.5) / spread) for side in (-1, 1)),
        -first,
        first,
        epsabs=1e-12,
    )[0]
    np.testing.assert_allclose(crossed, [2 * norm.sf(first), stays], atol=1e-10)


rising = st.lists(st.integers(1, 60), min_size=1, max_size=7, unique=True).map(sorted)


@given(rising, st.sampled_from([0.8, 0.95, 0.99]), st.floats(0.5, 4))
def test_what_is_spent_is_what_the_spending_function_says(looks, level, rho):
    levels = look_levels(looks, level, rho)
    fractions = np.array(looks) / looks[-1]
    spent = np.cumsum(crossing_probabilities(critical_values(levels), looks))
    np.testing.assert_allclose(spent, (1 - level) * fractions**rho, rtol=1e-7)
    assert all(one >= level - 1e-12 for one in levels)


@given(rising, st.integers(1, 9))
def test_only_fractions_matter(looks, factor):
    np.testing.assert_allclose(look_levels([factor * n for n in looks]), look_levels(looks), rtol=1e-12)


def test_a_single_look_costs_nothing():
    assert look_levels([20]) == [0.95]
    assert look_levels([7], level=0.9, rho=1) == [0.9]


def test_more_looks_cost_more():
    last = [look_levels(looks)[-1] for looks in ([20], [10, 20], [5, 10, 20], range(1, 21))]
    assert last == sorted(last)


def test_the_grid_is_fine_enough(monkeypatch):
    plans = [[5, 10, 20], [10, 25], [1, 50], [49, 50], [5, 10, 20, 21, 40], list(range(1, 61))]
    coarse = [look_levels(plan) for plan in plans]
    for name, value in (("_NODES", 24), ("_PANEL", 1.0)):
        monkeypatch.setattr(looks_module, name, value)
    looks_module._levels.cache_clear()
    looks_module._panel.cache_clear()
    fine = [look_levels(plan) for plan in plans]
    monkeypatch.undo()
    looks_module._levels.cache_clear()
    looks_module._panel.cache_clear()
    for one, other in zip(coarse, fine, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-13)


def test_five_looks_cost_a_few_steps_of_newton(monkeypatch):
    """What time goes into: the density of each look on its grid, and a tail and a slope for each step."""
    asked = []
    density = looks_module._Paths.density
    monkeypatch.setattr(looks_module._Paths, "density", lambda paths, x: asked.append(x.size) or density(paths, x))
    looks_module._levels.cache_clear()
    look_levels([5, 10, 15, 20, 25])
    assert asked.count(1) <= 5 * 8
    assert max(asked) <= 200
    again = len(asked)
    look_levels([5, 10, 15, 20, 25])
    assert len(asked) == again


def test_the_answer_is_the_callers_own():
    look_levels([5, 10])[0] = 0.0
    assert look_levels([5, 10])[0] > 0.95


@pytest.mark.parametrize(
    ("looks", "message"),
    [
        ([], "at least 1"),
        ([0, 5], "each above the one before"),
        ([5, 5], "each above the one before"),
        ([10, 5], "each above the one before"),
        ([-1, 5], "each above the one before"),
        ([5, float("nan")], "NaN"),
        ([5, 1_000_000, 1_000_001], "closer than"),
        ([1, 10**9], "less than a level can show"),
    ],
)
def test_looks_that_are_none(looks, message):
    with pytest.raises(ValueError, match=message):
        look_levels(looks)


@pytest.mark.parametrize("rho", [0, -1, float("inf"), float("nan")])
def test_rho_must_be_above_0(rho):
    with pytest.raises(ValueError, match="rho"):
        look_levels([5, 10], rho=rho)


def test_boundaries_that_are_none():
    with pytest.raises(ValueError, match="2 boundaries for 3 looks"):
        crossing_probabilities([2, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="above 0"):
        crossing_probabilities([2, -2], [1, 2])


@pytest.mark.parametrize("rho", [1.0, 2.0, 3.0])
def test_known_variance_errs_1_time_in_20_over_all_looks(rho, assert_rate):
    looks, trials = [5, 10, 20], 200_000
    sums = np.cumsum(np.random.default_rng(int(rho)).normal(size=(trials, looks[-1])), axis=1)
    boundaries = critical_values(look_levels(looks, rho=rho))
    crossed = np.any([np.abs(sums[:, n - 1]) > z * n**0.5 for n, z in zip(looks, boundaries, strict=True)], axis=0)
    assert_rate(int(crossed.sum()), trials, 0.05)


def t_errors(looks, trials, seed):
    """How many of `trials` experiments under a true null have a t-interval that misses, at any look."""
    x = np.random.default_rng(seed).normal(size=(trials, looks[-1]))
    missed = np.zeros(trials, dtype=bool)
    for n, level in zip(looks, look_levels(looks), strict=True):
        head = x[:, :n]
        missed |= np.abs(head.mean(1)) > -stdtrit(n - 1, (1 - level) / 2) * head.std(1, ddof=1) / n**0.5
    return int(missed.sum())


@pytest.mark.parametrize(
    ("looks", "total"),
    # The total error, from 1 to 4 million simulated experiments (the levels are exact for known variance).
    [([5, 10, 20], 0.0520), ([10, 25], 0.0509), ([25, 100], 0.0500), ([3, 6, 12], 0.0528)],
)
def test_t_intervals_err_about_1_time_in_20_over_all_looks(looks, total, assert_rate):
    trials = 100_000
    missed = t_errors(looks, trials, seed=looks[0])
    assert_rate(missed, trials, total)
    assert missed / trials < 0.055


def test_adding_seeds_look_after_look_as_a_reader_would(assert_rate):
    looks, trials = [5, 10, 20], 1_000
    levels = look_levels(looks)
    x = np.random.default_rng(9).normal(size=(trials, looks[-1], 2))
    missed = naive = 0
    for run in x:
        head = [
            difference_interval(run[:n, 0], run[:n, 1], paired=True, level=level)
            for n, level in zip(looks, levels, strict=True)
        ]
        missed += any(interval.excludes(0) for interval in head)
        naive += any(mean_interval(run[:n, 0]).excludes(0) for n in looks)
    assert_rate(missed, trials, 0.052)
    # What the levels are for: at 95% in each look the error is more than twice as large.
    assert naive / trials > 0.075


def test_a_true_null_is_called_greater_1_time_in_40(assert_rate):
    looks, trials = [5, 10, 20], 2_000
    levels = look_levels(looks)
    x = np.random.default_rng(10).normal(size=(trials, looks[-1]))
    called = 0
    for run in x:
        decided = (mean_interval(run[:n], level) for n, level in zip(looks, levels, strict=True))
        first = next((interval for interval in decided if interval.excludes(0)), None)
        called += first is not None and first.above(0)
    assert_rate(called, trials, 0.026)
