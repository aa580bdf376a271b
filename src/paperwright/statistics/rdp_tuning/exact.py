"""What the selection does exactly, where one run's output is fully known: the yardstick for bounds and audits."""

import math
from collections.abc import Callable
from typing import SupportsFloat

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from paperwright.statistics.rdp_tuning.arrays import ArrayLike
from paperwright.statistics.rdp_tuning.run_count import RunCount


def selected_pmf(pmf: ArrayLike, runs: RunCount) -> Float[np.ndarray, " outcomes"]:
    """Distribution of the selected outcome, outcomes sorted from worst to best: P[A=y] = f(Q(<=y)) - f(Q(<y)).

    `pmf` is one run's, shape ``[outcomes]``. The result sums to 1 - P[K=0].
    """
    pmf = np.asarray(pmf, dtype=np.float64)
    if pmf.ndim != 1 or not np.all(pmf >= 0) or abs(pmf.sum() - 1) > 1e-9:
        raise ValueError(f"pmf has shape {pmf.shape} and sum {pmf.sum()}; expected one row of probabilities, sum 1")
    below = np.minimum(np.concatenate([[0.0], np.cumsum(pmf)]), 1.0)
    below[-1] = 1.0
    return np.diff(runs.pgf(below))


def renyi_divergence(p: ArrayLike, q: ArrayLike, order: SupportsFloat) -> float:
    """D_order(P || Q) in nats of two discrete distributions; order 1 is the KL divergence, inf the top log ratio."""
    p, q = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    if p.shape != q.shape or not order >= 1:
        raise ValueError(
            f"p and q have shapes {p.shape} and {q.shape}, order is {order}; expected one shape, order >= 1"
        )
    seen = p > 0
    if np.any(q[seen] == 0):
        return math.inf
    log_p, log_q = np.log(p[seen]), np.log(q[seen])
    if order == 1:
        return max(float(p[seen] @ (log_p - log_q)), 0.0)  # rounding may leave -1e-17
    if math.isinf(order):
        return float(np.max(log_p - log_q))
    return max(float(logsumexp(order * log_p - (order - 1) * log_q) / (order - 1)), 0.0)


def selected_divergence(
    log_densities: tuple[ArrayLike, ArrayLike],
    survivals: tuple[ArrayLike, ArrayLike],
    weights: ArrayLike,
    runs: RunCount,
    order: SupportsFloat,
) -> float:
    """D_order(A || A') by quadrature, for runs that return a continuous score under two data sets.

    The selected score has density q(y) f'(F(y)), with f' at 1 minus the survival function.

    Args:
        log_densities: log q and log q' at the nodes, each of shape ``[nodes]``.
        survivals: 1 - F and 1 - F' at the nodes.
        weights: of the quadrature.
        runs: distribution of K; the outcome "no run" has the same probability on both sides and is counted.
        order: in (1, inf).
    """
    log_a, log_b = (
        np.asarray(log_density) + runs.log_pgf_derivative(survival)
        for log_density, survival in zip(log_densities, survivals, strict=True)
    )
    terms = order * log_a - (order - 1) * log_b + np.log(weights)
    nothing = math.log(runs.prob_no_run) if runs.prob_no_run > 0 else -math.inf
    return float(np.logaddexp(logsumexp(terms), nothing) / (order - 1))


def sample_best(
    quantile: Callable[[np.ndarray], np.ndarray], runs: RunCount, rng: np.random.Generator, size: int
) -> np.ndarray:
    """The winning scores of `size` searches, K drawn for each: quantile(U^(1/K)), with no loop over the K runs.

    Args:
        quantile: of one run's score, vectorised on (0, 1]; may be a step function.
        runs: distribution of K; nan marks the searches that had no run.
        rng: the source of K and of the scores.
        size: how many searches.
    """
    counts = runs.sample(rng, size)
    best = np.asarray(quantile((1 - rng.random(size)) ** (1 / np.maximum(counts, 1))), dtype=np.float64)
    return np.where(counts > 0, best, np.nan)
