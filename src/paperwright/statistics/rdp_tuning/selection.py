"""Rényi privacy of returning the best of K runs: the closed forms of Theorems 2 and 6, and the choice of bound."""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float

from ._inputs import ArrayLike
from ._numeric_bound import numeric_bound
from .conversion import checked_curve, log_deltas, monotone
from .run_count import RunCount

Method = Literal["closed", "numeric", "best"]
Tradeoff = Callable[[np.ndarray], np.ndarray]  # p -> p'


def selected_rdp(
    orders: ArrayLike,
    rdp: ArrayLike,
    runs: RunCount,
    method: Method = "best",
    tradeoff: Tradeoff | None = None,
) -> Float[np.ndarray, " orders"]:
    r"""Return the RDP of a search that runs its base mechanism K times and tells the best run only.

    ``closed``, for the truncated negative binomial (Theorem 2), over every :math:`\hat\lambda` of the grid, the virtual
    :math:`\hat\lambda = 1` and, where `orders` ends with ``inf``, pure differential privacy:

    .. math:: \epsilon'(\lambda) = \epsilon(\lambda) + \frac{\log E[K]}{\lambda - 1}
              + (1+\eta) \min_{\hat\lambda}\Big[\Big(1 - \frac{1}{\hat\lambda}\Big)\hat\epsilon
              + \frac{\log(1/\gamma)}{\hat\lambda}\Big],

    and for Poisson (Theorem 6), with :math:`\hat\delta` at :math:`\hat\epsilon = \log(1 + 1/(\lambda-1))`,

    .. math:: \epsilon'(\lambda) = \epsilon(\lambda) + \mu\hat\delta + \frac{\log \mu}{\lambda - 1}.

    ``numeric`` evaluates the lemma behind both, see :func:`.numeric_bound`; it serves every distribution of K and is
    never above ``closed``. ``best`` is at each order the smaller of that and of the price of publishing K and all K
    runs, from which the search's answer can be read off:

    .. math:: \epsilon'(\lambda) = \frac{1}{\lambda-1} \log E\big[e^{(\lambda-1)\,\epsilon(\lambda)\,K}\big].

    RDP does not fall with the order, so every bound also holds below it.

    Args:
        orders: Rényi orders, rising, at least 1; the last may be inf.
        rdp: epsilon(lambda) of *one* run, which draws a candidate, trains it and scores it; inf allowed. It bounds both
            divergences of two neighbours, D(Q||Q') and D(Q'||Q): the bounds use one of each.
        runs: the distribution of K.
        method: which bound.
        tradeoff: p -> the largest probability that a neighbouring data set can give to an event of probability p, where
            more than the RDP curve is known (:func:`.gaussian_tradeoff`). Used by the numeric bound.

    Returns:
        epsilon'(lambda) at the same orders, float64; inf where there is no bound (order 1, say).

    Raises:
        TypeError: `runs` is no RunCount, or `tradeoff` no function.
        ValueError: a malformed curve, an unknown method, or ``closed`` with a tabulated distribution.

    Source: Theorem 2 and Theorem 6; the numeric bound is ours.

    >>> from paperwright.statistics.rdp_tuning import RunCount, gaussian_rdp, selected_rdp
    >>> selected_rdp(*gaussian_rdp(4.0, orders=[2.0, 8.0, 32.0]), RunCount.logarithmic(mean=10)).round(3)
    array([0.514, 0.842, 1.461])
    """
    orders, rdp = checked_curve(orders, rdp)
    if not isinstance(runs, RunCount):
        raise TypeError(f"runs is {runs!r}; expected a RunCount. Try RunCount.logarithmic(mean=10).")
    if not callable(tradeoff) and tradeoff is not None:
        raise TypeError(f"tradeoff is {type(tradeoff).__name__}; expected a function of p. Try gaussian_tradeoff(1.0).")
    if method not in ("closed", "numeric", "best"):
        raise ValueError(f"method is {method!r}; expected 'closed', 'numeric' or 'best'. Take 'best'.")
    closed = None
    if runs.kind != "table":
        closed = _poisson_bound(orders, rdp, runs) if runs.kind == "poisson" else _closed_bound(orders, rdp, runs)
    if method == "closed":
        if closed is None:
            raise ValueError("runs is a table, which has no closed form; expected a named family. Take 'best'.")
        return monotone(closed)
    bound = numeric_bound(orders, rdp, runs, tradeoff, ceiling=closed)
    return monotone(bound if method == "numeric" else _composed_where_less(bound, orders, rdp, runs))


def _composed_where_less(bound: np.ndarray, orders: np.ndarray, rdp: np.ndarray, runs: RunCount) -> np.ndarray:
    """`bound`, or the price of publishing every run where that is less; by Jensen it is never below E[K] epsilon."""
    found = bound.copy()
    hopeful = np.flatnonzero((runs.mean * rdp < bound) & (orders > 1))
    pure = np.isinf(orders[hopeful])
    scale = np.where(pure, 1.0, orders[hopeful] - 1)
    composed = np.where(pure, runs.largest * rdp[hopeful], runs.log_mgf(scale * rdp[hopeful]) / scale)
    found[hopeful] = np.minimum(bound[hopeful], composed)
    return found


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
