"""H-divergences: the closed forms, the invariants, what is refused, and the test's level."""

import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import config
from numpy.testing import assert_allclose
from scipy.stats import kstest

from paperwright.statistics.h_divergence import (
    HDivergence,
    HDrift,
    HTest,
    h_divergence,
    h_divergence_discrete,
    h_entropy,
    h_test,
    losses,
    null_bound,
)
from paperwright.statistics.h_divergence.mixtures import mixture_members, sample_weights

LOG2 = math.log(2)
LOSSES = [
    losses.KDE(0.5),
    losses.KDE(0.5, loo=True),
    losses.KDE("cv"),
    losses.Gaussian(),
    losses.Gaussian(shape="diag"),
    losses.Gaussian(shape="spherical"),
    losses.GaussianMixture(2, iters=3),
    losses.Kernel(),
    losses.Squared(),
    losses.PCA(1),
]


def rows(seed: int, count: int = 12, features: int = 2, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (count, features))


# Closed forms


@pytest.mark.parametrize(
    ("p", "q", "js", "smallest"),
    [((0.9, 0.1), (0.2, 0.8), 0.30, 0.35), ((0.9, 0.1), (0.6, 0.4), 0.0, 0.15)],
)
def test_two_actions_by_hand(p: Any, q: Any, js: float, smallest: float) -> None:
    table = [[0, 1], [1, 0]]
    assert h_divergence_discrete(p, q, table, "js") == pytest.approx(js, abs=1e-12)
    assert h_divergence_discrete(p, q, table, "min") == pytest.approx(smallest, abs=1e-12)


def test_finite_actions_on_codes_are_the_discrete_divergence() -> None:
    x, y = [0] * 9 + [1], [0] * 2 + [1] * 8
    loss = losses.FiniteActions([[0, 1], [1, 0]])
    assert h_divergence(x, y, loss, "js", "pooled") == pytest.approx(0.30)
    assert h_divergence(x, y, loss, "min", "pooled") == pytest.approx(0.35)


def test_utility_chooses_the_predictor_that_pays_best() -> None:
    loss = losses.Utility([lambda rows: rows, lambda rows: 1 - rows], ["rice", "wheat"])
    assert h_entropy([0.9, 0.7], loss) == pytest.approx(-0.8)
    assert h_divergence([0.9, 0.7], [0.1, 0.3], loss, "js", "pooled") == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("loss", "js", "smallest"),
    [(losses.Squared(), 4.0, 4.0), (losses.Gaussian(reg=0), 0.5 * math.log(5), 0.5 * math.log(5))],
)
def test_two_pairs_on_a_line(loss: losses.Loss, js: float, smallest: float) -> None:
    assert h_divergence([0, 2], [4, 6], loss, "js", "pooled") == pytest.approx(js, abs=1e-10)
    assert h_divergence([0, 2], [4, 6], loss, "min", "pooled") == pytest.approx(smallest, abs=1e-10)


def test_gaussian_entropy_in_closed_form() -> None:
    assert h_entropy([0, 2], losses.Gaussian(reg=0)) == pytest.approx(1.4189385332, abs=1e-10)


@pytest.mark.parametrize(
    ("mixture", "js", "smallest"),
    [([0, 2], 0.1735744866, 0.3471489731), ("pooled", 0.4633313801, 0.6369058667)],
)
def test_kde_by_direct_evaluation(mixture: Any, js: float, smallest: float) -> None:
    x, y, loss = [0.0, 1.0], [2.0, 4.0], losses.KDE(1.0)
    assert h_entropy(x, loss) == pytest.approx(1.1380087296, abs=1e-10)
    assert h_entropy(y, loss) == pytest.approx(1.4851577027, abs=1e-10)
    assert h_divergence(x, y, loss, "js", mixture) == pytest.approx(js, abs=1e-10)
    assert h_divergence(x, y, loss, "min", mixture) == pytest.approx(smallest, abs=1e-10)


def test_kde_of_a_mixture_scored_on_all_points() -> None:
    loss, pooled = losses.KDE(1.0), torch.tensor([0.0, 1.0, 2.0, 4.0], dtype=torch.float64)
    prepared = loss.prepare(pooled)
    _, action = loss.fit_entropy(prepared, torch.tensor([[0.5, 0, 0.5, 0]], dtype=torch.float64))
    assert float(loss.expected(action, prepared, torch.full((1, 4), 0.25, dtype=torch.float64))) == pytest.approx(
        1.9997159918, abs=1e-10
    )


def test_kernel_loss_is_the_biased_mmd() -> None:
    assert h_divergence([0.0, 1.0], [2.0, 4.0], losses.Kernel(1.0), "js", "pooled") == pytest.approx(
        0.9942777704, abs=1e-10
    )


@pytest.mark.parametrize(
    ("tau", "ours"),
    [
        (0.25, (0.375, 0.75, 0.125, 0.3125)),
        (0.5, (0.5, 1.0, 0.25, 0.5)),
        (0.75, (0.375, 0.75, 0.375, 0.5625)),
    ],
)
def test_pinball_by_hand(tau: float, ours: tuple[float, ...]) -> None:
    x, y, loss = [1, 2, 3, 4], [3, 5, 7, 9], losses.Pinball(tau)
    found = (
        h_entropy(x, loss),
        h_entropy(y, loss),
        h_divergence(x, y, loss, "js", "pooled"),
        h_divergence(x, y, loss, "min", "pooled"),
    )
    assert_allclose(found, ours, atol=1e-12)


def test_newsvendor_is_scaled_pinball() -> None:
    assert h_entropy(range(1, 11), losses.Pinball(0.9)) == pytest.approx(0.45)
    assert h_entropy(range(1, 11), losses.Newsvendor(9, 1)) == pytest.approx(4.5)


def test_pca_leaves_the_other_eigenvalues() -> None:
    data = rows(0, 50, 3)
    values = np.linalg.eigvalsh(np.cov(data.T, bias=True))
    assert h_entropy(data, losses.PCA(1)) == pytest.approx(values[:2].sum())


def test_null_bound_holds_what_it_says() -> None:
    assert null_bound(1000, 1, 0.1) == pytest.approx(3 * math.exp(-5))
    assert null_bound(1000, 1, 0.1, max) == pytest.approx(6 * math.exp(-5))
    assert null_bound(10, 1, 0) == 1


def test_kde_in_the_far_tail_is_what_log_sum_exp_says() -> None:
    x, far = torch.zeros(4, 1, dtype=torch.float64), 1000.0
    data = torch.cat([x, torch.full((1, 1), far, dtype=torch.float64)])
    loss = losses.KDE(1.0)
    prepared = loss.prepare(data)
    fitted = torch.tensor([[0.25, 0.25, 0.25, 0.25, 0]], dtype=torch.float64)
    scored = torch.tensor([[0, 0, 0, 0, 1.0]], dtype=torch.float64)
    found = float(loss.expected(fitted, prepared, scored))
    assert found == pytest.approx(far**2 / 2 + 0.5 * math.log(2 * math.pi))


# Invariants


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_batched_is_looped(loss: losses.Loss) -> None:
    data = torch.from_numpy(rows(1, 14))
    prepared = loss.prepare(data)
    orders = np.stack([np.random.default_rng(seed).permutation(14) for seed in range(5)])
    weights = sample_weights(orders, 7, [orders[:, :7]], "subsample", data).x
    together, _ = loss.fit_entropy(prepared, weights)
    alone = torch.cat([loss.fit_entropy(prepared, row[None])[0] for row in weights])
    assert_allclose(together, alone, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_fitted_action_costs_its_entropy(loss: losses.Loss) -> None:
    data = torch.from_numpy(rows(2, 14))
    prepared, weights = loss.prepare(data), torch.full((1, 14), 1 / 14, dtype=torch.float64)
    entropy, action = loss.fit_entropy(prepared, weights)
    assert_allclose(loss.expected(action, prepared, weights), entropy, rtol=1e-9)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_order_of_rows_and_the_side_change_nothing(loss: losses.Loss) -> None:
    x, y = rows(3), rows(4, shift=0.5)
    first = h_divergence(x, y, loss, "js", "pooled")
    assert h_divergence(x[::-1].copy(), y, loss, "js", "pooled") == pytest.approx(first, rel=1e-9, abs=1e-12)
    assert h_divergence(y, x, loss, "js", "pooled") == pytest.approx(first, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_float32_is_near_float64(loss: losses.Loss) -> None:
    x, y = torch.from_numpy(rows(5, 40)), torch.from_numpy(rows(6, 40, shift=1))
    wide = h_divergence(x, y, loss, "js", "pooled")
    narrow = h_divergence(x.float(), y.float(), loss, "js", "pooled")
    assert isinstance(narrow, torch.Tensor)
    assert narrow.dtype == torch.float32
    assert float(narrow) == pytest.approx(float(wide), abs=2e-3 if "cv" in repr(loss) else 1e-4)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
    st.lists(st.floats(-5, 5), min_size=6, max_size=6),
)
def test_exact_divergences_are_ordered_symmetric_and_blind_to_what_no_action_changes(
    p: list[float], q: list[float], entries: list[float]
) -> None:
    first, second = (np.array(row) + 0.01 for row in (p, q))
    first, second = first / first.sum(), second / second.sum()
    table = np.array(entries).reshape(3, 2)
    js, smallest = (h_divergence_discrete(first, second, table, kind) for kind in ("js", "min"))
    assert -1e-12 <= js <= smallest + 1e-12
    assert h_divergence_discrete(first, first, table, "min") == pytest.approx(0, abs=1e-12)
    assert h_divergence_discrete(second, first, table, "js") == pytest.approx(js, abs=1e-12)
    moved = table + np.array([[3.0], [-1.0], [0.5]])
    assert h_divergence_discrete(first, second, moved, "js") == pytest.approx(js, abs=1e-9)
    assert js <= (table.max() - table.min()) / 2 + 1e-12
    wider = np.c_[table, table.mean(1)]
    assert (first @ wider).min() <= (first @ table).min() + 1e-12


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 9), st.integers(2, 9), st.booleans(), st.integers(0, 99))
def test_weights_are_those_of_halves(n: int, m: int, balanced: bool, seed: int) -> None:
    like = torch.zeros(n + m, dtype=torch.float64)
    rng = np.random.default_rng(seed)
    orders = rng.permuted(np.tile(np.arange(n + m), (3, 1)), axis=1)
    members = mixture_members(orders, n, "subsample", rng, balanced=balanced)
    weights = sample_weights(orders, n, members, "pooled_eval", like)
    for row in itertools.chain(weights.x, weights.y, weights.fitted, weights.scored):
        assert float(row.sum()) == pytest.approx(1)
    size = min(n, m)
    assert ((weights.fitted > 0).sum(1) == size).all()
    if balanced:
        sides = (weights.fitted * (weights.x > 0)).sum(1)
        assert_allclose(sides, 0.5)


def test_weighted_rows_are_repeated_rows() -> None:
    loss = losses.Gaussian()
    plain = h_divergence([0.0, 0, 1, 3], [2.0, 5, 5, 6], loss, "js", "pooled")
    weighted = h_divergence([0.0, 1, 3], [2.0, 5, 6], loss, "js", "pooled", weights=([2, 1, 1], [1, 2, 1]))
    assert weighted == pytest.approx(plain)


# The test


def test_p_value_is_the_share_of_orders_at_least_as_large() -> None:
    x, y = rows(7, 20), rows(8, 20, shift=0.4)
    result = h_test(x, y, loss=losses.Gaussian(), n_resamples=99, rng=0)
    assert result.pvalue == (1 + np.sum(result.null_distribution >= result.statistic)) / 100
    assert result.n_resamples == 99
    assert "null_distribution" not in repr(result)


@pytest.mark.parametrize("mixture", ["pooled_eval", "subsample", "pooled"])
@pytest.mark.parametrize("loss", [losses.KDE(0.5), losses.Newsvendor(3, 1), losses.GaussianMixture(2, iters=3)])
def test_batches_change_nothing(mixture: Any, loss: losses.Loss) -> None:
    x, y = rows(9, 11, 1), rows(10, 14, 1)
    together, apart = (
        h_test(x, y, loss=loss, mixture=mixture, n_resamples=39, rng=3, batch=batch) for batch in (None, 7)
    )
    assert_allclose(together.null_distribution, apart.null_distribution, rtol=1e-9, atol=1e-12)
    assert together.pvalue == apart.pvalue


def test_given_permutations_are_used() -> None:
    x, y = rows(11, 6), rows(12, 6)
    orders = np.stack([np.random.default_rng(seed).permutation(12) for seed in range(30)])
    result = h_test(x, y, loss=losses.Squared(), kind="js", mixture="pooled", permutations=orders)
    pooled = np.concatenate([x, y])
    expected = [h_divergence(pooled[o[:6]], pooled[o[6:]], losses.Squared(), "js", "pooled") for o in orders]
    assert_allclose(result.null_distribution, expected)


@pytest.mark.parametrize("sizes", [(15, 15), (9, 21)])
@pytest.mark.parametrize("loss", [losses.KDE(0.5), losses.Pinball(0.8)])
def test_p_values_are_uniform_where_nothing_changed(sizes: tuple[int, int], loss: losses.Loss) -> None:
    rng = np.random.default_rng(5)
    found = [
        h_test(rng.normal(size=sizes[0]), rng.normal(size=sizes[1]), loss=loss, n_resamples=99, rng=rng).pvalue
        for _ in range(300)
    ]
    jittered = np.array(found) - rng.random(300) / 100
    assert kstest(jittered, "uniform").pvalue > 1e-3


def test_hyperparameters_are_chosen_on_rows_that_are_not_tested() -> None:
    x, y = rows(13, 60), rows(14, 60, shift=2)
    result = h_test(x, y, loss=losses.KDE(), select=0.5, n_resamples=99, rng=0)
    assert result.pvalue == 0.01
    first, second, mixed = losses.KDE().select(torch.from_numpy(x), torch.from_numpy(y))
    assert len({one.bandwidth for one in (first, second, mixed) if isinstance(one, losses.KDE)}) == 3


def test_an_estimator_is_a_loss() -> None:
    from sklearn.neighbors import KernelDensity

    loss = losses.from_estimator(KernelDensity(bandwidth=0.7), lambda fitted, rows: -fitted.score_samples(rows))
    x, y = rows(15, 8), rows(16, 8)
    assert h_divergence(x, y, loss, "js", "pooled") == pytest.approx(
        h_divergence(x, y, losses.KDE(0.7), "js", "pooled"), rel=1e-6
    )


def test_networks_are_trained_for_each_sample() -> None:
    def network() -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Linear(1, 3))

    x = np.outer(np.linspace(-1, 1, 20), [1, 2, 3])
    loss = losses.Autoencoder(network, steps=300)
    assert float(h_entropy(x, loss)) < 0.2 * float(h_entropy(x, losses.Squared()))

    class Variational(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Linear(3, 4)
            self.outer = torch.nn.Linear(2, 3)

        def forward(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            mean, log_variance = self.inner(rows).chunk(2, 1)
            return self.outer(mean + torch.randn_like(mean) * (log_variance / 2).exp()), mean, log_variance

    vae = losses.VAE(Variational, steps=50)
    assert math.isfinite(float(h_entropy(np.clip(x, 0, 1), vae)))
    with pytest.raises(ValueError, match="expected 0 to 1"):
        h_entropy(x, vae)


# Other libraries' forms


def test_forms_of_other_libraries() -> None:
    x, y = rows(17, 30), rows(18, 30, shift=3)
    statistic, p = HTest(losses.Squared()).test(x, y, reps=99, random_state=0)
    assert statistic > 0
    assert p == 0.01
    said = HDrift(x, losses.Squared(), n_permutations=99, seed=0).predict(y)["data"]
    assert (said["is_drift"], said["p_val"]) == (1, 0.01)
    metric = HDivergence(losses.Gaussian(), mixture="pooled")
    for half in np.split(x, 2):
        metric.update(torch.from_numpy(half), real=True)
    metric.update(torch.from_numpy(y), real=False)
    assert float(metric.compute()) == pytest.approx(float(h_divergence(x, y, losses.Gaussian(), "js", "pooled")))
    metric.reset()
    metric.update(torch.from_numpy(y), real=False)
    with pytest.raises(ValueError, match="no real samples"):
        metric.compute()


# What is refused


X, Y = rows(19, 6), rows(20, 6)
REFUSED: list[tuple[Any, type[Exception], str]] = [
    (lambda: h_test(X, Y[:, :1], loss=losses.KDE()), ValueError, "the same shape after the first"),
    (lambda: h_test(X[:3], Y, loss=losses.KDE()), ValueError, "x has 3 rows; expected at least 4"),
    (lambda: h_test([math.nan, 1, 2, 3], [1, 2, 3, 4], loss=losses.KDE()), ValueError, "x is not finite in row 0"),
    (lambda: h_test(X, Y, loss=losses.KDE), TypeError, "expected an object with the methods of losses.Loss"),
    (lambda: h_test(X, Y, loss=losses.KDE(), kind="max"), ValueError, "kind is 'max'"),
    (lambda: h_test(X, Y, loss=losses.KDE(), mixture="half"), ValueError, "mixture is 'half'"),
    (lambda: h_test(X, Y, loss=losses.KDE(), n_resamples=0), ValueError, "n_resamples is 0"),
    (lambda: h_test(X, Y, loss=losses.KDE(), batch=0), ValueError, "batch is 0"),
    (lambda: h_test(X, Y, loss=losses.KDE(), rng="now"), TypeError, "rng is 'now'"),
    (lambda: h_test(X, Y, loss=losses.KDE(), alternative="less"), ValueError, "alternative is 'less'"),
    (lambda: h_test(X, Y, loss=losses.KDE(), select=1.5), ValueError, "select is 1.5"),
    (lambda: h_test(X, Y, loss=losses.KDE(), select=0.9), ValueError, "select is 0.9 of 6 rows"),
    (lambda: h_test(X, Y, loss=losses.KDE(), nan_policy="drop"), ValueError, "nan_policy is 'drop'"),
    (lambda: h_test(X, Y, loss=losses.KDE(), permutations=[[0, 0]]), ValueError, "permutations has shape"),
    (lambda: h_test(["a"] * 4, ["b"] * 4, loss=losses.KDE()), TypeError, "expected rows of numbers"),
    (lambda: h_test([], [1, 2, 3, 4], loss=losses.KDE()), ValueError, "a row for each observation"),
    (lambda: losses.KDE(0), ValueError, "bandwidth is 0"),
    (lambda: losses.KDE("best"), ValueError, "bandwidth is 'best'"),
    (lambda: losses.Kernel(-1), ValueError, "kernel is -1"),
    (lambda: losses.Kernel("mean"), ValueError, "kernel is 'mean'"),
    (lambda: losses.Pinball(1), ValueError, "tau is 1"),
    (lambda: losses.Newsvendor(under=0), ValueError, "under is 0"),
    (lambda: losses.Gaussian(shape="round"), ValueError, "shape is 'round'"),  # type: ignore[arg-type]
    (lambda: losses.Gaussian(reg=-1), ValueError, "reg is -1"),
    (lambda: losses.GaussianMixture(0), ValueError, "k is 0"),
    (lambda: losses.PCA(0), ValueError, "rank is 0"),
    (lambda: losses.Utility([len]), ValueError, "models has 1"),
    (lambda: h_entropy(np.ones((5, 2)), losses.Gaussian(reg=0)), ValueError, "data is constant in a direction"),
    (lambda: h_entropy(np.ones(5), losses.KDE("cv")), ValueError, "data is constant"),
    (lambda: h_entropy(X, losses.Pinball(0.5)), ValueError, "data has 2 numbers a row"),
    (lambda: h_entropy(X, losses.PCA(2)), ValueError, "data has 2 features"),
    (lambda: h_entropy([0.5, 1], losses.FiniteActions([[0, 1], [1, 0]])), TypeError, "one integer code a row"),
    (lambda: h_entropy([0, 2], losses.FiniteActions([[0, 1], [1, 0]])), ValueError, "codes reach from 0 to 2"),
    (lambda: h_entropy([0, 1], losses.Squared(), [1, -1]), ValueError, "weights has shape"),
    (lambda: h_divergence(X, Y, losses.KDE(1), weights=([1], [1])), ValueError, 'mixture="pooled"'),
    (lambda: h_divergence(X, Y, losses.KDE(1), mixture=[99]), ValueError, "mixture names row 99"),
    (lambda: h_divergence(X, Y, losses.KDE(1), n_mixtures=0), ValueError, "n_mixtures is 0"),
    (lambda: h_divergence_discrete([0.5, 0.6], [0.5, 0.5], [[0], [1]]), ValueError, "p is"),
    (lambda: h_divergence_discrete([0.5, 0.5], [0.5, 0.5], [[0]]), ValueError, "losses has shape"),
    (lambda: null_bound(0, 1, 1), ValueError, "n is 0"),
    (lambda: HDrift(X, losses.KDE(), p_val=2), ValueError, "p_val is 2"),
]


@pytest.fixture
def unchecked() -> Iterator[None]:
    """What a user meets, whose annotations are not executed."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("call", "error", "said"), REFUSED, ids=[said for _, _, said in REFUSED])
def test_bad_input_is_refused_with_the_way_out(call: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=re.escape(said)) as caught:
        call()
    assert "expected" in str(caught.value)


def test_rows_that_are_not_finite_are_left_out_when_asked() -> None:
    x = np.array([1.0, math.nan, 2, 3, 4])
    result = h_test(x, [2.0, 3, 4, 5], loss=losses.Squared(), nan_policy="omit", n_resamples=19, rng=0)
    assert result.entropies[0] == pytest.approx(1.25)


def test_what_deserves_a_word_gets_one() -> None:
    with pytest.warns(UserWarning, match="p cannot fall to 0.05"):
        h_test(X, Y, loss=losses.Squared(), n_resamples=10, rng=0)
    with pytest.warns(UserWarning, match="share 6 equal rows"):
        h_test(X, X, loss=losses.Squared(), n_resamples=19, rng=0)
    with pytest.warns(UserWarning, match="end of the grid"):
        h_entropy(np.repeat(X, 2, axis=0), losses.KDE("cv"))
