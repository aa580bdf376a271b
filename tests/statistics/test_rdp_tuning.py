"""The accountant of private tuning, against closed forms, exact divergences and dp-accounting."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from paperwright.statistics.rdp_tuning import (
    DEFAULT_ORDERS,
    RunCount,
    audit_epsilon,
    gaussian_rdp,
    gaussian_tradeoff,
    plan_search,
    rdp_to_delta,
    rdp_to_epsilon,
    selected_rdp,
)
from paperwright.statistics.rdp_tuning._table import DerivativeBounds, log_power_sum
from paperwright.statistics.rdp_tuning.audit import renyi_divergence, sample_best, selected_pmf
from paperwright.statistics.rdp_tuning.experiment import KnownBase

examples = settings(max_examples=25, deadline=None)

ETAS = st.floats(-0.95, 5)
GAMMAS = st.floats(2e-3, 1)
MEANS = st.floats(1, 1e4)

# The spec's grid and base: 0.1-zCDP.
ORDERS = np.array([*range(2, 65), 128, 256, 512, 1024], dtype=np.float64)
ZCDP = 0.1 * ORDERS


def epsilon_of(rdp, orders=ORDERS, delta=1e-6):
    return rdp_to_epsilon(orders, rdp, delta, warn=False)


# Run counts


@pytest.mark.parametrize(
    ("eta", "gamma", "pmf", "mean", "quantile"),
    [
        (0, 0.1, [0.3908650337, 0.1758892652, 0.1055335591, 0.07123515239], 3.90865033713, 0.676816629208),
        (0.5, 0.1, [0.208113883, 0.140476871, 0.1053576533, 0.08296915195], 6.58113883008, 0.759746926648),
        (1, 0.1, [0.1, 0.09, 0.081, 0.0729], 10, 0.826841346544),
        (-0.5, 0.1, [0.658113883, 0.1480756237, 0.06663403065, 0.03748164224], 2.08113883008, 0.586582308883),
        (2, 0.3, [0.1384615385, 0.1453846154, 0.1356923077, 0.1187307692], 5.12820512821, 10 / 13),
    ],
)
def test_run_count_figures_from_60_digits(eta, gamma, pmf, mean, quantile):
    runs = RunCount.negative_binomial(eta=eta, gamma=gamma)
    np.testing.assert_allclose(runs.pmf([1, 2, 3, 4]), pmf, rtol=1e-9)
    assert runs.mean == pytest.approx(mean, rel=1e-11)
    assert runs.expected_quantile() == pytest.approx(quantile, rel=1e-11)
    assert runs.pmf(0) == 0
    assert runs.prob_no_run == 0


@examples
@given(eta=ETAS, gamma=GAMMAS)
@example(eta=0.0, gamma=0.9999999999999999)
@example(eta=2.0, gamma=1 - 1e-12)
def test_run_count_agrees_with_itself(eta, gamma):
    runs = RunCount.negative_binomial(eta=eta, gamma=gamma)
    k = np.arange(1, 15_000)
    pmf = runs.pmf(k)
    assert pmf.sum() + 1 - runs.cdf(k[-1]) == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(
        pmf[1:200], pmf[:199] * (1 - gamma) * (k[:199] + eta) / (k[:199] + 1), rtol=1e-9, atol=1e-250
    )
    assert math.exp(runs.log_pgf_derivative(0.0)) == pytest.approx(runs.mean, rel=1e-12)
    for x in (0.0, 0.3, 0.5, 0.9, 0.999, 1.0):
        assert runs.pgf(x) == pytest.approx(float(pmf @ x**k), abs=1e-8)
        slope = float(pmf @ (k * x ** (k - 1.0)))
        assert math.exp(runs.log_pgf_derivative(1 - x)) == pytest.approx(slope, rel=1e-6)
    np.testing.assert_allclose(runs.cdf(k[:40]), np.cumsum(pmf)[:40], atol=1e-11)


@examples
@given(eta=st.floats(-0.9, 5), mean=MEANS)
def test_gamma_for_a_mean_is_on_the_conservative_side(eta, mean):
    runs = RunCount.negative_binomial(eta=eta, mean=mean)
    drawn = math.exp(runs.log_mean)
    assert mean * (1 - 1e-15) <= drawn <= mean * (1 + 1e-10)


def test_mean_one_is_exactly_one_run():
    for eta in (-0.5, 0, 0.3, 1, 4):
        assert RunCount.negative_binomial(eta=eta, mean=1).gamma == 1
    runs = RunCount.logarithmic(mean=1 + 1e-12)  # E[K] - 1 = (1 + eta) (1 - gamma) / 2 to first order
    assert 1 - runs.gamma == pytest.approx(2e-12, rel=1e-3)


@pytest.mark.parametrize("u", [0.0, 0.3, 0.9, 0.999])
@pytest.mark.parametrize(
    "runs",
    [
        RunCount.logarithmic(mean=20),
        RunCount.negative_binomial(eta=-0.5, gamma=1e-6),
        RunCount.geometric(mean=50),
        RunCount.poisson(mean=3),
        RunCount.geometric(mean=5).truncated(9),
    ],
    ids=lambda runs: runs.kind,
)
def test_quantile_inverts_the_cdf(runs, u):
    k = runs.quantile(u)
    assert runs.cdf(k) >= u
    assert runs.cdf(k - 1) < u or k == runs.quantile(0.0)


@pytest.mark.parametrize(
    ("eta", "gamma"), [(100, 1e-6), (100, 0.1), (30, 0.7), (0.05, 1e-6), (0, 1e-3), (-0.9, 1e-5), (1, 1 - 1e-10)]
)
def test_cdf_rises_from_0_and_sums_the_pmf(eta, gamma):
    runs = RunCount.negative_binomial(eta=eta, gamma=gamma)
    assert runs.cdf([-1, 0]).tolist() == [0, 0]
    cdf = runs.cdf([1, 2, 5, 10, 100, 10**4, 10**6, 10**8, 10**10])
    assert np.all(np.diff(cdf) >= 0)
    np.testing.assert_allclose(runs.cdf(np.arange(1, 50)), np.cumsum(runs.pmf(np.arange(1, 50))), atol=1e-12)


def test_cdf_reaches_counts_that_no_sum_could():
    runs = RunCount.logarithmic(gamma=1e-12)
    # P[K > k] is close to E1(gamma k) / log(1/gamma); E1(1) = 0.219383934
    assert 1 - runs.cdf(10**12) == pytest.approx(0.21938393439552 / math.log(1e12), rel=1e-9)


@pytest.mark.parametrize(
    "runs",
    [
        RunCount.logarithmic(gamma=0.05),
        RunCount.geometric(gamma=0.2),
        RunCount.negative_binomial(eta=-0.5, gamma=0.01),
        RunCount.negative_binomial(eta=-0.9, gamma=1e-4),
        RunCount.negative_binomial(eta=0.01, gamma=0.05),
        RunCount.negative_binomial(eta=2.5, gamma=0.3),
        RunCount.poisson(mean=2.0),
        RunCount.from_pmf({0: 0.1, 1: 0.4, 7: 0.5}),
    ],
    ids=str,
)
def test_samples_follow_the_distribution(runs):
    n, cells = 200_000, np.arange(0, 12)
    drawn = runs.sample(np.random.default_rng(7), n)
    assert drawn.dtype == np.int64
    expected = n * np.append(runs.pmf(cells), 1 - runs.cdf(cells[-1]))
    counts = np.append([np.sum(drawn == k) for k in cells], np.sum(drawn > cells[-1]))
    used = expected > 5
    statistic = np.sum((counts - expected)[used] ** 2 / expected[used])
    assert statistic < used.sum() + 5 * math.sqrt(2 * used.sum())  # chi-square, five sigma
    assert np.all(counts[expected == 0] == 0)


def test_samples_of_tiny_gamma_match_the_exact_quantiles():
    for runs in (RunCount.logarithmic(gamma=1e-12), RunCount.negative_binomial(eta=-0.2, gamma=1e-12)):
        drawn = runs.sample(np.random.default_rng(3), 100_000)
        for u in (0.5, 0.9):
            assert np.mean(drawn <= runs.quantile(u)) == pytest.approx(float(runs.cdf(runs.quantile(u))), abs=0.006)


def test_samples_of_one_run_and_of_no_cap():
    assert np.all(RunCount.logarithmic(gamma=1).sample(np.random.default_rng(0), 100) == 1)
    assert np.all(RunCount.negative_binomial(eta=2, gamma=1).sample(np.random.default_rng(0), 100) == 1)
    assert isinstance(RunCount.geometric(mean=4).sample(np.random.default_rng(0)), int)
    assert RunCount.geometric(mean=4).sample(np.random.default_rng(0), (2, 3)).shape == (2, 3)
    for huge in (RunCount.logarithmic(gamma=1e-25), RunCount.poisson(mean=1e20)):
        with pytest.raises(OverflowError, match="64 bits"):
            huge.sample(np.random.default_rng(0), 1000)
        with pytest.raises(OverflowError, match="64 bits"):
            huge.quantile(0.999)
    assert RunCount.poisson(mean=2).sample(np.random.default_rng(0), 0).shape == (0,)


def test_default_randomness_is_fresh():
    runs = RunCount.geometric(mean=1e6)
    assert runs.sample() != runs.sample()


def test_expected_best_is_the_exact_expectation():
    scores = [0.1, 0.9, 0.5, 0.4]
    runs = RunCount.geometric(mean=3)
    k = np.arange(1, 400)
    best = np.sort(scores) @ np.diff((np.arange(5)[:, None] / 4) ** k, axis=0)  # E[best | K=k]
    assert runs.expected_best(scores) == pytest.approx(float(best @ runs.pmf(k)), rel=1e-12)
    assert runs.expected_best(scores[::-1]) == runs.expected_best(scores)
    # "no run" is an answer, with a score of 0
    assert RunCount.poisson(mean=2).expected_best([0.7, 0.7]) == pytest.approx(0.7 * (1 - math.exp(-2)))
    assert RunCount.from_pmf({0: 0.75, 1: 0.25}).expected_best([0.2, 0.6]) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "runs",
    [
        RunCount.logarithmic(gamma=0.3),
        RunCount.geometric(gamma=0.3),
        RunCount.negative_binomial(eta=-0.5, gamma=0.3),
        RunCount.poisson(mean=3),
        RunCount.from_pmf({0: 0.5, 2: 0.2, 9: 0.3}),
        RunCount.logarithmic(gamma=1),
    ],
    ids=str,
)
def test_exponential_moments(runs):
    k = np.arange(0, 600)
    for t in (0.0, 1e-9, 0.1, 0.3):
        assert runs.log_mgf(t) == pytest.approx(math.log(runs.pmf(k) @ np.exp(t * k)), rel=1e-9, abs=1e-15)
    if runs.kind in ("logarithmic", "geometric", "negative_binomial") and runs.gamma < 1:
        assert runs.log_mgf(-math.log(0.7)) == runs.log_mgf(800.0) == math.inf  # the radius of convergence


@pytest.mark.parametrize("eta", [1e4, 1e7, 1e9])
def test_a_huge_eta(eta):
    # Near a Poisson variable of rate G / (1/gamma - 1) with G a gamma variable: its mean is eta (1 - gamma) / gamma.
    runs = RunCount.negative_binomial(eta=eta, gamma=0.5)
    assert runs.mean == pytest.approx(eta, rel=1e-14)
    assert runs.log_mgf(1e-20) == pytest.approx(1e-20 * eta, rel=1e-9)
    assert 1 - runs.expected_quantile() == pytest.approx(1 / (eta - 1), rel=1e-6)
    assert runs.quantile(0.5) == pytest.approx(eta, rel=1e-3)
    near_one = RunCount.negative_binomial(eta=eta, gamma=1 - 0.5 / eta)
    assert near_one.expected_quantile() == pytest.approx(0.5, abs=0.1)


@examples
@given(mean=st.floats(1, 100))
def test_poisson_pieces(mean):
    runs = RunCount.poisson(mean=mean)
    assert runs.prob_no_run == pytest.approx(math.exp(-mean))
    k = np.arange(0, 400)
    assert runs.expected_quantile() == pytest.approx(float(runs.pmf(k) @ (k / (k + 1))), rel=1e-10)
    assert runs.pgf(0.3) == pytest.approx(float(runs.pmf(k) @ 0.3**k), rel=1e-10)


def test_a_table_is_the_distribution_it_was_made_from():
    runs = RunCount.negative_binomial(eta=0.5, mean=4).truncated(6)
    k = np.arange(0, 7)
    parent = RunCount.negative_binomial(eta=0.5, mean=4)
    np.testing.assert_allclose(runs.pmf(k), parent.pmf(k) / parent.cdf(6), rtol=1e-12)
    assert runs.pmf(7) == 0
    assert runs.cdf(6) == pytest.approx(1)
    assert runs.mean == pytest.approx(float(runs.pmf(k) @ k))
    slope = float(runs.pmf(k) @ (k * 0.7 ** np.maximum(k - 1.0, 0)))
    assert math.exp(runs.log_pgf_derivative(0.3)) == pytest.approx(slope)
    assert runs.expected_quantile() == pytest.approx(float(runs.pmf(k) @ (k / (k + 1))))


# Closed forms

FROM_PEER = {  # dp-accounting 0.6.0, mean 10: epsilon' at orders 2, 4, 8, 16, 32; epsilon at 1e-6 and its order
    0.0: ([2.16300876, 2.16300876, 2.23143247, 2.85599741, 4.37676868], 3.45187789, 13),
    0.5: ([2.49229364, 2.49229364, 2.56071734, 3.18528229, 4.70605356], 3.78116277, 13),
    1.0: ([2.78155106, 2.78155106, 2.84997476, 3.47453971, 4.99531098], 4.07042019, 13),
    2.0: ([3.28587397, 3.28587397, 3.35429768, 3.97886263, 5.49963389], 4.57474310, 13),
}


@pytest.mark.parametrize(("eta", "gamma"), [(0, 0.02691825959), (0.5, 0.0625), (1, 0.1), (2, 0.170820393)])
def test_closed_form_figures(eta, gamma):
    runs = RunCount.negative_binomial(eta=eta, mean=10)
    assert runs.gamma == pytest.approx(gamma, rel=5e-9)
    rdp = selected_rdp(ORDERS, ZCDP, runs, "closed")
    figures, epsilon, order = FROM_PEER[eta]
    np.testing.assert_allclose(rdp[np.searchsorted(ORDERS, [2, 4, 8, 16, 32])], figures, atol=1e-8)
    assert epsilon_of(rdp) == pytest.approx((epsilon, 1e-6, order), abs=1e-8)


def test_poisson_closed_form_figures():
    rdp = selected_rdp(ORDERS, ZCDP, RunCount.poisson(mean=10), "closed")
    figures = [2.64480207, 3.19569585, 4.12605619, 5.80763366]
    np.testing.assert_allclose(rdp[np.searchsorted(ORDERS, [4, 8, 16, 32])], figures, atol=1e-8)
    assert rdp[0] == rdp[1] < 2.88090477  # the peer's figure at order 2, where it leaves monotonicity out
    assert epsilon_of(rdp) == pytest.approx((4.60764809, 1e-6, 11), abs=1e-8)


@pytest.mark.parametrize("shape", [0.0, 0.5, 1.0, 2.0, math.inf])
@pytest.mark.parametrize("mean", [2.0, 10.0, 300.0])
def test_closed_form_is_never_above_the_peer(shape, mean):
    peer = pytest.importorskip("dp_accounting.rdp.rdp_privacy_accountant")
    orders = np.array(DEFAULT_ORDERS)
    rdp = 0.05 * orders
    theirs = peer._compute_rdp_repeat_and_select(orders, rdp, mean, shape)
    runs = RunCount.poisson(mean=mean) if math.isinf(shape) else RunCount.negative_binomial(eta=shape, mean=mean)
    ours = selected_rdp(orders, rdp, runs, "closed")
    assert np.all(ours <= theirs * (1 + 1e-9))
    if math.isinf(shape):
        theirs = np.minimum.accumulate(theirs[::-1])[::-1]
    np.testing.assert_allclose(ours, theirs, rtol=1e-8)


@pytest.mark.parametrize("method", ["closed", "numeric", "best"])
@pytest.mark.parametrize("eta", [-0.5, 0, 1])
def test_one_run_costs_what_one_run_costs(eta, method):
    runs = RunCount.negative_binomial(eta=eta, mean=1)
    np.testing.assert_allclose(selected_rdp(ORDERS, ZCDP, runs, method), ZCDP, rtol=1e-12)
    assert epsilon_of(ZCDP).epsilon == pytest.approx(2.143, abs=5e-4)


@pytest.mark.parametrize(("eta", "factor"), [(0, 2), (1, 3), (-0.5, 1.5), (-0.999, 1.001)])
def test_pure_privacy_corollary(eta, factor):
    runs = RunCount.negative_binomial(eta=eta, gamma=1e-3)
    assert selected_rdp([math.inf], [0.5], runs, "closed")[0] == pytest.approx(factor * 0.5)
    assert selected_rdp([2.0, math.inf], [0.4, 0.5], runs, "best")[-1] <= factor * 0.5 + 1e-12
    assert rdp_to_epsilon([2.0, math.inf], [0.4, 0.5], 1e-9).epsilon == pytest.approx(0.5)


# The numeric bound


@pytest.mark.parametrize(
    ("runs", "from_rdp", "with_tradeoff"),
    [
        (RunCount.logarithmic(mean=10), 3.004, 2.879),
        (RunCount.logarithmic(mean=100), 3.591, 3.452),
        (RunCount.geometric(mean=10), 3.241, 3.030),
        (RunCount.geometric(mean=100), 4.149, 3.882),
        (RunCount.poisson(mean=10), 4.630, 3.794),
        (RunCount.poisson(mean=100), 19.09, 13.92),
        (RunCount.poisson(mean=1000), 58.13, 36.15),
    ],
    ids=lambda value: str(value) if isinstance(value, float) else f"{value.kind} {value.mean:g}",
)
def test_numeric_bound_reaches_the_reference(runs, from_rdp, with_tradeoff):
    # The reference used coarser cells: a smaller figure is a sharper bound, and the tests below hold it to be one.
    closed = epsilon_of(selected_rdp(ORDERS, ZCDP, runs, "closed")).epsilon
    ours = epsilon_of(selected_rdp(ORDERS, ZCDP, runs, "numeric")).epsilon
    tradeoff = gaussian_tradeoff(1 / math.sqrt(0.2))
    sharper = epsilon_of(selected_rdp(ORDERS, ZCDP, runs, "numeric", tradeoff)).epsilon
    assert 0.93 * from_rdp < ours < from_rdp + 1e-3
    assert ours <= closed
    assert 0.93 * with_tradeoff < sharper < with_tradeoff + 1e-3


@pytest.mark.parametrize(
    ("eta", "gamma", "sigma", "order", "exact", "closed", "numeric"),
    [
        (0, 0.1, 1, 1.5, 0.89712, 5.12235, 4.00933),
        (0, 0.1, 1, 4, 2.38173, 4.10037, 3.38571),
        # exact at order 16: 8 + log(E[K]) / 15, the density ratio at p = 0 having all the weight
        (0, 0.1, 1, 16, 8 + math.log(3.90865033713) / 15, 9.73685, 9.14811),
        (1, 0.1, 10, 16, 0.13264, 0.65270, 0.35778),
        (-0.5, 0.1, 1, 4, 2.19887, 3.06729, 2.70996),
    ],
)
def test_gaussian_exact_closed_numeric(eta, gamma, sigma, order, exact, closed, numeric):
    base, runs = KnownBase("gaussian", 1 / sigma), RunCount.negative_binomial(eta=eta, gamma=gamma)
    fine = [*np.round(np.arange(1.01, 3, 0.01), 2), *np.arange(3, 64.1, 0.25), *np.geomspace(65, 1e5, 400)]
    orders = np.array(fine)
    here = int(np.argmin(np.abs(orders - order)))
    found = max(base.selected_divergence(runs, order, reverse=reverse) for reverse in (False, True))
    assert found == pytest.approx(exact, abs=1e-5)
    # at these orders the references are before monotonicity, which can only lower them
    assert found <= selected_rdp(orders, base.rdp(orders), runs, "closed")[here] <= closed + 1e-5
    assert found <= selected_rdp(orders, base.rdp(orders), runs, "numeric")[here] <= numeric + 5e-4


@pytest.mark.parametrize(
    ("eta", "gamma", "loss"),
    [(0, 1e-3, 0.9228527393), (1, 1e-3, 1.3497017802), (0, 1e-2, 0.9010647410), (1, 1e-2, 1.3056159881)],
)
def test_three_outcomes(eta, gamma, loss):
    runs = RunCount.negative_binomial(eta=eta, gamma=gamma)
    there = np.array([0.78, 0.02, 0.2])
    here = there * np.exp([0, 0.5, -0.5])
    here[0] = 1 - here[1:].sum()
    assert math.log(selected_pmf(here, runs)[1] / selected_pmf(there, runs)[1]) == pytest.approx(loss, abs=1e-9)
    assert loss <= selected_rdp([math.inf], [0.5], runs)[0]


def test_the_released_figure_script_is_unsound_where_the_theorem_is_not():
    base, runs = KnownBase("gaussian", 1.0), RunCount.logarithmic(gamma=0.9)
    exact = base.selected_divergence(runs, 4.0, reverse=True)
    assert exact == pytest.approx(2.016, abs=5e-4)
    # The script has log(1/gamma - 1) where the theorem has log(1/gamma).
    orders = np.arange(1.01, 20, 0.01)
    script = 2.0 + math.log(runs.mean) / 3 + np.min((1 - 1 / orders) * orders / 2 + math.log(1 / 0.9 - 1) / orders)
    assert script == pytest.approx(-0.153, abs=0.02)
    assert exact <= selected_rdp(orders, orders / 2, runs, "best")[np.searchsorted(orders, 4.0)] <= 2.127


WEIGHTS = st.floats(1e-3, 1)
TABLES = st.dictionaries(st.integers(0, 40), WEIGHTS, min_size=1, max_size=5).filter(lambda table: max(table) > 0)
RUN_COUNTS = st.one_of(
    st.fixed_dictionaries({"eta": ETAS, "gamma": st.floats(0.03, 1)}),
    st.fixed_dictionaries({"mean": st.floats(1, 30)}),
    TABLES,
)


def run_count(made_of, cap=None):
    """A negative binomial, Poisson or (weights) tabulated run count, capped or not."""
    if "eta" in made_of:
        runs = RunCount.negative_binomial(**made_of)
    elif "mean" in made_of:
        runs = RunCount.poisson(**made_of)
    else:
        runs = RunCount.from_pmf({k: weight / sum(made_of.values()) for k, weight in made_of.items()})
    return runs if cap is None or (runs.kind == "table" and cap < min(filter(None, made_of))) else runs.truncated(cap)


def searched(pmf, runs):
    """What a search returns, summed over K and nothing else: the outcomes from worst to best, and "no run"."""
    k = np.arange(1, 2000)[:, None]
    up_to = np.cumsum(pmf)
    with np.errstate(divide="ignore"):  # nothing is worse than the worst
        selected = runs.pmf(k) * up_to**k * -np.expm1(k * np.log1p(-pmf / up_to))  # P[K=k] (F^k - (F - pmf)^k)
    return np.append(selected.sum(axis=0), runs.pmf(0))


@settings(max_examples=60, deadline=None)
@given(
    made_of=RUN_COUNTS,
    cap=st.none() | st.integers(1, 60),
    weights=st.lists(st.tuples(WEIGHTS, WEIGHTS), min_size=2, max_size=6),
    orders=st.lists(st.floats(1.02, 40), min_size=1, max_size=8, unique=True),
    pure=st.booleans(),
)
@example({0: 0.5, 1: 0.5}, None, [(0.3, 0.6), (0.7, 0.4)], [1.1, 2.0, 8.0], True)
@example({0: 0.7, 2: 0.3}, None, [(0.01, 0.4), (0.9, 0.5)], [1.5, 2.0, 8.0], True)
@example({0: 0.99, 40: 0.01}, None, [(0.9, 0.99), (0.1, 0.01)], [1.5, 2.0, 8.0], False)
@example({5: 1.0}, None, [(0.01, 0.4), (0.9, 0.5)], [1.5, 2.0], True)
@example({"mean": 1}, None, [(0.9, 0.99), (0.1, 0.01)], [1.05, 1.5, 2.0], False)
def test_no_discrete_mechanism_exceeds_any_bound(made_of, cap, weights, orders, pure):
    runs = run_count(made_of, cap)
    here, there = np.array(weights).T / np.sum(weights, axis=0)[:, None]
    orders = np.array(sorted(orders) + [math.inf] * pure)
    after = searched(here, runs), searched(there, runs)
    base, exact = (
        np.array([max(renyi_divergence(p, q, order), renyi_divergence(q, p, order)) for order in orders])
        for p, q in ((here, there), after)
    )
    for method in ("numeric", "best") if runs.kind == "table" else ("closed", "numeric", "best"):
        assert np.all(exact <= selected_rdp(orders, base, runs, method) * (1 + 1e-9) + 1e-9), method


def largest_by_event(here, there):
    """p -> the largest probability, under one distribution, of an event that has p under the other, both ways."""

    def one_way(p, q):
        likeliest = np.argsort(-q / p)
        corners = [np.append(0.0, np.cumsum(mass[likeliest])).clip(max=1) for mass in (p, q)]
        return lambda x: np.interp(x, *corners)

    ways = one_way(here, there), one_way(there, here)
    return lambda x: np.maximum(x, np.max([way(x) for way in ways], axis=0))


def hockey_stick(p, q, epsilon):
    return float(np.sum(np.maximum(p - math.exp(epsilon) * q, 0)))


@examples
@given(
    made_of=RUN_COUNTS,
    weights=st.lists(st.tuples(WEIGHTS, WEIGHTS), min_size=2, max_size=6),
    orders=st.lists(st.floats(1.02, 40), min_size=1, max_size=8, unique=True),
    log_delta=st.floats(-20, -0.1),
    pure=st.booleans(),
)
@example({0: 0.5, 1: 0.5}, [(0.3, 0.6), (0.7, 0.4)], [1.1, 2.0, 8.0], -3.0, True)
@example({5: 1.0}, [(0.01, 0.4), (0.9, 0.5)], [1.5, 2.0], -2.0, False)
def test_what_is_said_of_a_search_holds_for_its_events(made_of, weights, orders, log_delta, pure):
    # All the way: the exact delta of a searched mechanism, at the epsilon that is said of it.
    runs = run_count(made_of)
    here, there = np.array(weights).T / np.sum(weights, axis=0)[:, None]
    orders = np.array(sorted(orders) + [math.inf] * pure)
    base = [max(renyi_divergence(here, there, order), renyi_divergence(there, here, order)) for order in orders]
    after = searched(here, runs), searched(there, runs)
    for tradeoff in (None, largest_by_event(here, there)):
        curve = selected_rdp(orders, base, runs, tradeoff=tradeoff)
        exact = [max(renyi_divergence(*pair, order) for pair in (after, after[::-1])) for order in orders]
        assert np.all(exact <= curve * (1 + 1e-9) + 1e-9)
        said = rdp_to_epsilon(orders, curve, math.exp(log_delta), warn=False)
        back = rdp_to_delta(orders, curve, min(said.epsilon, 5.0))
        for epsilon, delta in ((said.epsilon, said.delta), (back.epsilon, back.delta)):
            if epsilon < 700:
                assert max(hockey_stick(*pair, epsilon) for pair in (after, after[::-1])) <= delta * (1 + 1e-9) + 1e-9


@pytest.mark.parametrize(("rate", "noise"), [(0.1, 1e8), (1e-4, 1e5), (1e-8, 1.0), (1e-8, 1e3), (0.5, 1e6)])
def test_subsampled_noise_is_not_lost_in_rounding(rate, noise):
    pytest.importorskip("dp_accounting")
    _, rdp = gaussian_rdp(noise, rate, steps=1000, orders=[1.0, 1.2, 2.0, 2.5, 3.0, 10.0])
    # At order 2 it is log(1 + rate^2 (e^(1/noise^2) - 1)), and it does not fall with the order.
    exact = 1000 * math.log1p(rate**2 * math.expm1(noise**-2))
    assert rdp[2] == pytest.approx(exact, rel=1e-9)
    assert np.all(np.diff(rdp) >= 0)
    assert exact / 2 <= rdp[0]
    if noise > 1:  # close to order * steps * rate^2 / (2 noise^2)
        np.testing.assert_allclose(rdp[4:] / rdp[2], [1.5, 5.0], rtol=1e-5)


def test_a_run_that_may_not_happen_is_priced_exactly():
    # K is 0 or 1: the search is the run, or nothing.
    for p in (0.5, 0.01):
        bound = selected_rdp([2.0, 3.0], [1.0, 1.5], RunCount.from_pmf({0: 1 - p, 1: p}))
        assert bound[0] == pytest.approx(math.log(1 - p + p * math.e), rel=1e-3)
        assert 0 < bound[0] < bound[1]


@pytest.mark.parametrize("method", ["numeric", "best"])
@pytest.mark.parametrize("mean", [1, 3, 10, 100, 1000])
def test_poisson_numeric_is_never_above_closed(mean, method):
    runs = RunCount.poisson(mean=mean)
    for rho in (1e-3, 0.1, 3):
        closed, ours = (selected_rdp(ORDERS, rho * ORDERS, runs, which) for which in ("closed", method))
        assert np.all(ours <= closed * (1 + 1e-12))


def test_composition_is_used_where_it_is_less():
    fixed = selected_rdp(ORDERS, ZCDP, RunCount.from_pmf({5: 1.0}))
    np.testing.assert_allclose(fixed, 5 * ZCDP)
    assert epsilon_of(fixed).epsilon == pytest.approx(epsilon_of(5 * ZCDP).epsilon)
    assert selected_rdp([math.inf], [0.5], RunCount.from_pmf({2: 1.0}))[0] == pytest.approx(1.0)
    maybe = selected_rdp([2.0], [0.2], RunCount.from_pmf({0: 0.7, 2: 0.3}))[0]
    assert maybe == pytest.approx(math.log(0.7 + 0.3 * math.exp(0.4)))
    many = RunCount.poisson(mean=3)
    assert selected_rdp([2.0], [1e-4], many, "closed")[0] > math.log(3)
    assert selected_rdp([2.0], [1e-4], many)[0] <= 3 * math.expm1(1e-4)


@pytest.mark.parametrize(
    "runs",
    [
        RunCount.logarithmic(gamma=0.9),
        RunCount.negative_binomial(eta=7, mean=20),
        RunCount.negative_binomial(eta=-0.5, mean=3),
        RunCount.poisson(mean=2),
        RunCount.from_pmf({0: 0.99, 1: 0.01}),
        RunCount.logarithmic(mean=20).truncated(30),
    ],
)
def test_a_tiny_cost_is_not_rounded_below_its_price(runs):
    # log E[e^tK] is t E[K] + t^2 E[K^2] / 2 + ... for a tiny t, and never below the first term.
    t = np.geomspace(1e-18, 1e-9, 10)
    np.testing.assert_allclose(runs.log_mgf(t), t * math.exp(runs.log_mean), rtol=1e-6)
    assert np.all(runs.log_mgf(t) >= t * math.exp(runs.log_mean) * (1 - 1e-13))
    cost = selected_rdp([1.0001], [3e-13], runs)[0]
    assert cost >= 3e-13 * math.exp(runs.log_mean) * (1 - 1e-12)


@pytest.mark.parametrize("kind", ["power", "bell", "mostly many", "scattered"])
def test_no_table_is_priced_below_its_values_at_points(kind):
    rng = np.random.default_rng(len(kind))
    k = np.arange(1, 5001)
    weights = {
        "power": k**-1.3,
        "bell": np.exp(-(((k - 3000) / 40) ** 2) / 2),
        "mostly many": np.where(k == 1, 1e-200, k == 5000),
        "scattered": rng.exponential(size=k.size) ** 4,
    }[kind]
    table = np.append(weights.sum() * rng.random(), weights)
    runs = RunCount.from_pmf(table / table.sum())
    orders = np.array([1.0001, 1.5, 2.0, 8.0, 64.0])
    rdp = 0.05 * orders
    p = np.append(0.0, np.geomspace(1e-12, 1 - 1e-9, 300))
    neighbour = np.min(
        [(p * math.exp(epsilon)) ** (1 - 1 / order) for order, epsilon in zip(orders, rdp, strict=True)], axis=0
    )
    # An event of probability p' > p, and what two outcomes, split at it, cost the search.
    here = runs.log_pgf_derivative(p)
    there = runs.log_pgf_derivative(np.minimum(p * math.exp(0.05), np.minimum(neighbour, 1.0)))
    log_s = np.max(np.multiply.outer(orders, here) - np.multiply.outer(orders - 1, there), axis=1)
    least = np.logaddexp(0, log_s + np.log(np.expm1((orders - 1) * rdp))) / (orders - 1)
    least = np.minimum.accumulate(least[::-1])[::-1]  # the bound of an order holds below it
    assert np.all(selected_rdp(orders, rdp, runs, "numeric") >= least * (1 - 1e-9))


@examples
@given(weights=TABLES, p=st.lists(st.floats(0, 1), min_size=1, max_size=20))
@example({0: 0.5, 1: 0.5}, [0.0, 1e-300, 0.5, 1.0])
@example({7: 1.0}, [0.0, 1e-300, 0.5, 1 - 2**-53, 1.0])
def test_a_table_is_enclosed(weights, p):
    runs = run_count(weights)
    p = np.array(p)
    above, below = runs.derivative_bounds
    exact = np.maximum(runs.log_pgf_derivative(p), -1e300)  # -inf at p = 1 where K is never 1
    room = 1e-12 * (1 + np.abs(exact))
    assert np.all(above(p) >= exact - room)
    assert np.all(np.maximum(below(p), -1e300) <= exact + room)


def test_a_long_table_costs_what_a_short_one_does():
    # A cap that is hardly ever reached changes nothing, and nodes are as many as for a table of 100.
    free = RunCount.logarithmic(mean=20)
    capped = free.truncated(20_000)
    short, long = (
        DerivativeBounds.of(np.array(table.table), table.crowding) for table in (free.truncated(100), capped)
    )
    assert long.z.size < 1.2 * short.z.size
    numeric = selected_rdp(ORDERS, ZCDP, free, "numeric")
    np.testing.assert_allclose(selected_rdp(ORDERS, ZCDP, capped), numeric, rtol=2e-3)
    np.testing.assert_allclose(np.exp(log_power_sum(np.array(capped.table), np.log([0.5]))), free.pgf(0.5), rtol=1e-6)


@examples
@given(eta=st.floats(-0.9, 5), mean=st.floats(1, 500), rho=st.floats(1e-3, 2))
def test_bounds_have_the_right_shape(eta, mean, rho):
    runs = RunCount.negative_binomial(eta=eta, mean=mean)
    more = RunCount.negative_binomial(eta=eta, mean=2 * mean)
    lighter = RunCount.negative_binomial(eta=eta + 0.5, mean=mean)
    rdp = rho * ORDERS
    closed, best = selected_rdp(ORDERS, rdp, runs, "closed"), selected_rdp(ORDERS, rdp, runs, "best")
    assert np.all(best <= closed * (1 + 1e-12))
    assert np.all(best >= rdp * (1 - 1e-12))
    for bound in (closed, best):
        assert np.all(np.diff(bound) >= 0)
    assert np.all(selected_rdp(ORDERS, rdp, more, "closed") >= closed - 1e-12)
    assert np.all(selected_rdp(ORDERS, rdp, lighter, "closed") >= closed - 1e-12)


def test_a_hard_cap_has_a_price_of_its_own():
    free, capped = RunCount.logarithmic(mean=10), RunCount.logarithmic(mean=10).truncated(40)
    assert capped.sample(np.random.default_rng(0), 10_000).max() <= 40
    costs = [epsilon_of(selected_rdp(ORDERS, ZCDP, runs)).epsilon for runs in (free, capped)]
    assert 2.143 < costs[1] < 4
    with pytest.raises(ValueError, match="no closed form"):
        selected_rdp(ORDERS, ZCDP, capped, "closed")


def test_a_cap_far_below_all_likely_counts():
    capped = RunCount.negative_binomial(eta=100, gamma=1e-6).truncated(5)  # P[K <= 5] is about 1e-592
    assert capped.pmf(5) == pytest.approx(20 / 21, rel=0.2)
    assert capped.pmf(np.arange(6)).sum() == pytest.approx(1)


def test_unknown_and_useless_orders():
    runs = RunCount.logarithmic(mean=5)
    rdp = selected_rdp([1.0, 2.0, 3.0], [0.0, 0.2, math.inf], runs)
    assert rdp[0] == rdp[1] < math.inf == rdp[2]
    assert np.all(np.isinf(selected_rdp([1.0], [0.0], runs, "numeric")))
    assert np.all(np.isinf(selected_rdp([2.0, 3.0], [math.inf, math.inf], runs)))
    assert np.all(selected_rdp(ORDERS, np.zeros(ORDERS.size), runs) >= 0)


# Conversions


@examples
@given(delta=st.floats(1e-12, 0.1), rho=st.floats(1e-3, 3))
def test_conversions_are_inverse(delta, rho):
    there = rdp_to_epsilon(DEFAULT_ORDERS, rho * DEFAULT_ORDERS, delta, warn=False)
    back = rdp_to_delta(DEFAULT_ORDERS, rho * DEFAULT_ORDERS, there.epsilon)
    assert back.delta <= delta * (1 + 1e-6)


@pytest.mark.parametrize("rho", [1e-14, 1e-4, 0.1, 3.0])
def test_conversions_agree_with_the_peer(rho):
    peer = pytest.importorskip("dp_accounting.rdp.rdp_privacy_accountant")
    orders = np.array(DEFAULT_ORDERS)
    rdp = rho * orders
    for delta in (1e-9, 1e-5, 0.01):
        epsilon, order = peer.compute_epsilon(orders, rdp, delta)
        ours = rdp_to_epsilon(orders, rdp, delta, warn=False)
        assert ours.epsilon == pytest.approx(epsilon, abs=1e-12)
        assert ours.order == order or epsilon == 0
        if epsilon > 0:
            assert rdp_to_delta(orders, rdp, epsilon).delta == pytest.approx(
                peer.compute_delta(orders, rdp, epsilon)[0], rel=1e-9
            )


def test_an_order_at_the_end_of_the_grid_is_said():
    with pytest.warns(UserWarning, match="last of the grid"):
        rdp_to_epsilon([2.0, 3.0], [0.01, 0.015], 1e-6)
    with pytest.warns(UserWarning, match="first of the grid"):
        rdp_to_epsilon([8.0, 9.0], [40.0, 50.0], 1e-2)


def test_gaussian_rdp_and_plan():
    orders, rdp = gaussian_rdp(2.0, steps=3.0)
    np.testing.assert_allclose(rdp, 3 * orders / 8)
    assert not np.any(gaussian_rdp(2.0, 0.01, steps=0)[1])
    assert not np.any(gaussian_rdp(2.0, steps=0)[1])
    plan = plan_search(lambda sigma: gaussian_rdp(sigma, steps=100), 3.0, 1e-5, mean=20)
    assert plan.epsilon <= 3.0
    assert plan.epsilon_of_one_run < plan.epsilon
    louder = rdp_to_epsilon(
        *(lambda curve: (curve[0], selected_rdp(*curve, plan.runs)))(
            gaussian_rdp(plan.noise_multiplier * 0.99, steps=100)
        ),
        1e-5,
    )
    assert louder.epsilon > 3.0
    assert float(plan) == plan.noise_multiplier
    assert plan.as_dict()["runs"]["kind"] == "logarithmic"
    with pytest.raises(ValueError, match=r"target_epsilon is 0.1; expected at least 7.643, .*Take fewer runs"):
        plan_search(lambda sigma: ([2.0, 3.0], [1.0, 2.0]), 0.1, 1e-5, mean=2)


# Audit


def test_audit_stays_between_the_truth_and_nothing():
    runs = RunCount.geometric(gamma=1e-2)
    there = np.array([0.78, 0.02, 0.2])
    here = there * np.exp([0, 0.5, -0.5])
    here[0] = 1 - here[1:].sum()

    def search(pmf):
        return lambda rng, n: sample_best(lambda u: np.searchsorted(np.cumsum(pmf)[:-1], u), runs, rng, n)

    found = audit_epsilon(
        search(here), search(there), lambda y: y == 1, 200_000, rng=np.random.default_rng(1), upper=1.5
    )
    assert 1.0 < found.lower < 1.3056
    assert not found.contradicts
    assert audit_epsilon(search(here), search(here), lambda y: y == 1, 1000, rng=np.random.default_rng(1)).lower == 0
    bad = audit_epsilon(search(here), search(there), lambda y: y == 1, 200_000, rng=np.random.default_rng(1), upper=0.5)
    assert bad.contradicts


def test_best_of_no_run_is_nan():
    best = sample_best(lambda u: u, RunCount.poisson(mean=1), np.random.default_rng(0), 10_000)
    assert np.mean(np.isnan(best)) == pytest.approx(math.exp(-1), abs=0.02)


# Bad input


def uniform(rng, n):
    return rng.random(n)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: RunCount.negative_binomial(eta=-1, mean=2), ValueError, "greater than -1"),
        (lambda: RunCount.negative_binomial(eta=math.nan, mean=2), ValueError, "greater than -1"),
        (lambda: RunCount.negative_binomial(eta=math.inf, mean=2), ValueError, "poisson"),
        (lambda: RunCount.logarithmic(gamma=0), ValueError, "gamma"),
        (lambda: RunCount.logarithmic(gamma=1.1), ValueError, "gamma"),
        (lambda: RunCount.logarithmic(gamma=math.nan), ValueError, "gamma"),
        (lambda: RunCount.logarithmic(mean=0.5), ValueError, "at least 1"),
        (lambda: RunCount.logarithmic(mean=math.inf), ValueError, "at least 1"),
        (lambda: RunCount.logarithmic(), ValueError, "exactly one"),
        (lambda: RunCount.logarithmic(mean=2, gamma=0.5), ValueError, "exactly one"),
        (lambda: RunCount.negative_binomial(eta=0, mean=[2]), TypeError, "mean"),
        (
            lambda: RunCount.negative_binomial(eta=-0.999, mean=1e6),
            ValueError,
            r"mean is 1000000.0; expected at most .*1e-299",
        ),
        (lambda: RunCount.poisson(mean=0.9), ValueError, "Theorem 6"),
        (
            lambda: RunCount.negative_binomial(eta=1e12, mean=3),
            ValueError,
            "eta is 1000000000000.*poisson",
        ),
        (lambda: RunCount.negative_binomial(eta=1e9, mean=3), ValueError, "expected less for mean = 3"),
        (lambda: RunCount.logarithmic(gamma=5e-324), ValueError, "gamma is 5e-324; expected .*1e-299"),
        (lambda: RunCount.from_pmf({1: -0.5, 2: 1.5}), ValueError, "least entry of -0.5"),
        (lambda: RunCount.logarithmic(mean=2).cdf(10**30), ValueError, "whole numbers of 64 bits"),
        (lambda: RunCount.logarithmic(mean=2).sample(size=-1), ValueError, "size is -1; expected a whole number"),
        (lambda: gaussian_rdp(1e200), ValueError, "noise_multiplier is 1e.200; expected"),
        (lambda: gaussian_rdp(1e-200, 0.1), ValueError, "noise_multiplier is 1e-200; expected"),
        (lambda: gaussian_rdp(1.0, steps=10**400), ValueError, "expected at most that"),
        (lambda: renyi_divergence([0.5, math.nan], [0.5, 0.5], 2), ValueError, "expected probabilities"),
        (lambda: renyi_divergence([1.5, -0.5], [0.5, 0.5], 2), ValueError, "expected probabilities"),
        (lambda: RunCount.from_pmf({1: 0.5}), ValueError, "sum to 1"),
        (lambda: RunCount.from_pmf({-1: 1.0}), ValueError, "whole number of at least 0"),
        (lambda: RunCount.from_pmf([1.0, 0.0]), ValueError, "never runs"),
        (lambda: RunCount.from_pmf({10**12: 1.0}), ValueError, "1000000000000; expected at most 1000000"),
        (lambda: RunCount.from_pmf({}), ValueError, "at least one possible run"),
        (lambda: RunCount("foo", 0.0, 0.5, 2.0), ValueError, "kind is 'foo'.*RunCount.logarithmic"),
        (lambda: RunCount("table", 0.0, 0.5, 2.0), ValueError, "kind is 'table'"),
        (lambda: RunCount("logarithmic", 0.0, 2.0, -3.0), ValueError, "contradicts itself; expected"),
        (lambda: RunCount("geometric", 1.0, 0.5, 50.0), ValueError, "contradicts itself"),
        (lambda: RunCount("logarithmic", 1.0, 0.5, 2.0), ValueError, "contradicts itself"),
        (lambda: RunCount("table", math.nan, math.nan, 1.0, (0.0, 0.5)), ValueError, "contradicts itself"),
        (lambda: RunCount("poisson", math.inf, math.nan, 0.5), ValueError, "contradicts itself"),
        (lambda: RunCount.logarithmic(mean=2).log_mgf(-1.0), ValueError, "t is -1.0; expected"),
        (lambda: RunCount.logarithmic(mean=2).truncated(0), ValueError, "largest"),
        (lambda: RunCount.from_pmf({7: 1.0}).truncated(6), ValueError, "smallest possible number of runs"),
        (lambda: RunCount.logarithmic(mean=2).truncated(2.5), ValueError, "largest is 2.5; expected a whole number"),
        (lambda: RunCount.logarithmic(mean=2).truncated(math.nan), ValueError, "whole"),
        (lambda: RunCount.logarithmic(mean=2).truncated(10**7), ValueError, "at most 1000000"),
        (lambda: RunCount.logarithmic(mean=2).pmf(1.5), ValueError, "whole"),
        (lambda: RunCount.logarithmic(mean=2).pgf(1.5), ValueError, r"\[0, 1\]"),
        (lambda: RunCount.logarithmic(mean=2).quantile(1.0), ValueError, "less than 1"),
        (lambda: RunCount.logarithmic(mean=2).expected_best([]), ValueError, "non-empty"),
        (lambda: RunCount.logarithmic(mean=2).expected_best([math.nan]), ValueError, "finite"),
        (lambda: RunCount.negative_binomial(eta=-0.5, mean=2).to_dp_event(None), ValueError, "eta >= 0"),
        (lambda: selected_rdp([2, 3], [1.0], RunCount.poisson(mean=2)), ValueError, "one length"),
        (lambda: selected_rdp([3, 2], [1, 1], RunCount.poisson(mean=2)), ValueError, "rising"),
        (lambda: selected_rdp([0.5, 2], [1, 1], RunCount.poisson(mean=2)), ValueError, "at least 1"),
        (lambda: selected_rdp([2], [-1], RunCount.poisson(mean=2)), ValueError, "non-negative"),
        (lambda: selected_rdp([2], [math.nan], RunCount.poisson(mean=2)), ValueError, "non-negative"),
        (lambda: rdp_to_epsilon([2], [1], 0), ValueError, "delta"),
        (lambda: rdp_to_epsilon([2], [1], 1), ValueError, "delta"),
        (lambda: rdp_to_epsilon([1.0], [1], 0.1), ValueError, "larger orders"),
        (lambda: rdp_to_delta([2], [1], -1), ValueError, "epsilon"),
        (lambda: gaussian_rdp(0.0), ValueError, "noise_multiplier"),
        (lambda: gaussian_rdp(1.0, 1.5), ValueError, "sample_rate"),
        (lambda: gaussian_rdp(1.0, 0.01, 2343.75), ValueError, r"steps is 2343.75; .* math\.ceil"),
        (lambda: gaussian_rdp(1.0, 1.0, 2343.75), ValueError, "whole number"),
        (lambda: gaussian_rdp(1.0, steps=-1), ValueError, "at least 0"),
        (lambda: gaussian_rdp(1.0, steps=math.nan), ValueError, "whole"),
        (lambda: gaussian_rdp(1.0, steps=True), TypeError, "whole"),
        (lambda: gaussian_tradeoff(1.0, 2.5), ValueError, "steps is 2.5"),
        (lambda: audit_epsilon(uniform, uniform, lambda y: y > 0, 9.5), ValueError, "trials is 9.5"),
        (lambda: gaussian_tradeoff(0.0), ValueError, "noise"),
        (lambda: audit_epsilon(uniform, uniform, lambda y: y > 0, 0), ValueError, "trials"),
        (lambda: audit_epsilon(uniform, uniform, lambda y: y > 0, 9, delta=1), ValueError, "delta"),
        (lambda: audit_epsilon(uniform, uniform, lambda y: y, 5), ValueError, "booleans"),
        (lambda: plan_search(gaussian_rdp, -1, 1e-5, 2), ValueError, "target_epsilon"),
        (lambda: plan_search(gaussian_rdp, 3, 1e-5, 2, rtol=0.0), ValueError, "rtol is 0.0; expected"),  # never ended
        (lambda: plan_search(gaussian_rdp, 3, 1e-5, 2, -math.inf), ValueError, "eta is -inf; expected"),
        (lambda: plan_search(lambda noise: None, 1, 1e-5, 2), TypeError, "base is NoneType; expected"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_order_of_a_delta_is_its_own():
    # order 3 gives it, and pure privacy does not reach that far down
    found = rdp_to_delta([2.0, 3.0, math.inf], [0.5, 0.6, 4.0], 3.0)
    assert found.order == 3.0
    assert found.delta == rdp_to_delta([2.0, 3.0], [0.5, 0.6], 3.0).delta


def test_method_and_tradeoff_are_checked():
    with pytest.raises(ValueError, match="rise with p"):
        selected_rdp([2, 3], [1, 1], RunCount.poisson(mean=2), tradeoff=lambda p: np.where(p > 0.5, p, 1.0))
    with pytest.raises(ValueError, match="probabilities >= p"):
        selected_rdp([2, 3], [1, 1], RunCount.poisson(mean=2), tradeoff=lambda p: p / 2)
