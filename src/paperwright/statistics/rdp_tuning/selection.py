"""Rényi privacy of returning the best of K runs: the closed forms of Theorems 2 and 6, and the choice of bound."""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float

from paperwright.statistics.rdp_tuning.arrays import ArrayLike
from paperwright.statistics.rdp_tuning.conversion import checked_curve, log_deltas
from paperwright.statistics.rdp_tuning.numeric import numeric_bound
from paperwright.statistics.rdp_tuning.run_count import RunCount

Tradeoff = Callable[[np.ndarray], np.ndarray]


def selected_rdp(
    orders: ArrayLike,
    rdp: ArrayLike,
    runs: RunCount,
    method: Literal["closed", "numeric", "best"] = "best",
    tradeoff: Tradeoff | None = None,
) -> Float[np.ndarray, " orders"]:
    r"""RDP of a search that runs its base mechanism K times and returns the best run only.

    ``closed``, for the truncated negative binomial (Theorem 2), over every :math:`\hat\lambda` of the grid, the virtual
    :math:`\hat\lambda = 1` and, where `orders` ends with ``inf``, pure differential privacy:

    .. math:: \epsilon'(\lambda) = \epsilon(\lambda) + \frac{\log E[K]}{\lambda - 1}
              + (1+\eta) \min_{\hat\lambda}\Big[\Big(1 - \frac{1}{\hat\lambda}\Big)\hat\epsilon
              + \frac{\log(1/\gamma)}{\hat\lambda}\Big],

    and for Poisson (Theorem 6), with :math:`\hat\delta` at :math:`\hat\epsilon = \log(1 + 1/(\lambda-1))`,

    .. math:: \epsilon'(\lambda) = \epsilon(\lambda) + \mu\hat\delta + \frac{\log \mu}{\lambda - 1}.

    ``numeric`` evaluates the lemma behind both, see :func:`.numeric_bound`; it serves every distribution of K. ``best``
    is the smaller of the two at each order. RDP does not fall with the order, so every bound also holds below it.

    Args:
        orders: Rényi orders, rising, at least 1; the last may be inf.
        rdp: epsilon(lambda) of *one* run, which draws a candidate, trains it and scores it; inf allowed.
        runs: the distribution of K.
        method: which bound.
        tradeoff: p -> the largest probability that a neighbouring data set can give to an event of probability p, where
            more than the RDP curve is known (:func:`.gaussian_tradeoff`). Used by the numeric bound.

    Returns:
        epsilon'(lambda) at the same orders, float64; inf where there is no bound (order 1, say).

    Raises:
        ValueError: for a malformed curve, an unknown method, or ``closed`` with a tabulated distribution.
    """
    orders, rdp = checked_curve(orders, rdp)
    if method not in ("closed", "numeric", "best"):
        raise ValueError(f"method must be 'closed', 'numeric' or 'best', got {method!r}")
    if method == "closed" and runs.kind == "table":
        raise ValueError("there is no closed form for a tabulated run count; use method='numeric' or 'best'")
    bounds = []
    if method != "numeric" and runs.kind != "table":
        bounds.append(_poisson_bound(orders, rdp, runs) if runs.kind == "poisson" else _closed_bound(orders, rdp, runs))
    if method != "closed":
        bounds.append(numeric_bound(orders, rdp, runs, tradeoff))
    return _monotone(np.minimum.reduce(bounds))


def _closed_bound(orders: np.ndarray, rdp: np.ndarray, runs: RunCount) -> np.ndarray:
    length = runs.log_inverse_gamma
    with np.errstate(invalid="ignore"):  # (1 - 1/1) * inf: order 1 contributes log(1/gamma) whatever its rdp
        terms = (1 - 1 / orders) * rdp + length / orders
    terms[orders == 1] = length
    tail = (1 + runs.eta) * min(length, float(np.min(terms)))
    return rdp + per_order(runs.log_mean, orders) + tail


def _poisson_bound(orders: np.ndarray, rdp: np.ndarray, runs: RunCount) -> np.ndarray:
    found = np.full(orders.size, np.inf)
    above = orders > 1
    epsilons = -np.log1p(-1 / orders[above])
    deltas = np.exp(log_deltas(orders, rdp, epsilons))
    found[above] = rdp[above] + runs.mean * deltas + per_order(runs.log_mean, orders[above])
    return found


def per_order(total: float, orders: np.ndarray) -> np.ndarray:
    """total / (order - 1): inf at order 1, also for a total of 0, where Rényi divergence is not this formula's."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(orders == 1, math.inf, total / (orders - 1))


def _monotone(rdp: np.ndarray) -> np.ndarray:
    return np.minimum.accumulate(rdp[::-1])[::-1].copy()
