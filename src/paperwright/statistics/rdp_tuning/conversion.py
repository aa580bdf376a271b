"""Rényi differential privacy to (epsilon, delta), and back (Canonne, Kamath & Steinke 2020)."""

import math
import warnings
from typing import NamedTuple, SupportsFloat

import numpy as np
from jaxtyping import Float

from ._inputs import ArrayLike, float_array, number

# dp-accounting's default grid and two orders below it: small orders decide when a search is cheap.
DEFAULT_ORDERS: Float[np.ndarray, " orders"] = np.array(
    [1.01, 1.05, *(1 + x / 10 for x in range(1, 100)), *range(11, 64), 128, 256, 512, 1024], dtype=np.float64
)
DEFAULT_ORDERS.flags.writeable = False

SMALLEST_ORDER = 1.01  # below it the conversion divides rounding errors by almost zero


class Guarantee(NamedTuple):
    """(epsilon, delta)-differential privacy, and the Rényi order that gave it (nan: none did)."""

    epsilon: float
    delta: float
    order: float


def checked_curve(orders: ArrayLike, rdp: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return `orders` and `rdp` as float64 arrays, or refuse what is wrong with them.

    Orders are rising and at least 1; the last may be inf (pure differential privacy). rdp is >= 0 and may be inf.
    """
    orders, rdp = float_array("orders", orders), float_array("rdp", rdp)
    if orders.ndim != 1 or orders.size == 0 or orders.shape != rdp.shape:
        raise ValueError(
            f"orders has shape {orders.shape} and rdp {rdp.shape}; expected two rows of one length. Pair them."
        )
    if not np.all(orders >= 1):
        raise ValueError(f"an order is {orders[~(orders >= 1)][0]}; expected at least 1. Leave out smaller orders.")
    if np.any(np.diff(orders) <= 0):
        raise ValueError(
            "orders falls or repeats a value; expected rising orders. Sort both with numpy.argsort(orders)."
        )
    if not np.all(rdp >= 0):
        raise ValueError(f"an rdp is {rdp[~(rdp >= 0)][0]}; expected non-negative numbers, or inf. Leave out nan.")
    return orders, rdp


def rdp_to_epsilon(orders: ArrayLike, rdp: ArrayLike, delta: SupportsFloat, *, warn: bool = True) -> Guarantee:
    r"""Return the smallest epsilon for a given delta.

    .. math:: \epsilon = \min_\lambda \epsilon(\lambda) + \log(1 - 1/\lambda) - \frac{\log(\delta\lambda)}{\lambda - 1},

    clipped at 0, and 0 where :math:`\delta^2 \ge 1 - e^{-\epsilon(\lambda)}` (by the KL divergence).

    Args:
        orders: Rényi orders, rising, shape ``[orders]``.
        rdp: epsilon(lambda) in nats at each of them.
        delta: in (0, 1).
        warn: whether to warn when the best order is an end of the grid: another grid would give less.

    Returns:
        Guarantee(epsilon, delta, order); epsilon is inf where no order gives a bound.

    Raises:
        TypeError: an argument that is no number.
        ValueError: a malformed curve, a delta out of range, or no order above 1.01.

    Warns:
        UserWarning: the best order is an end of the grid.

    Source: Canonne, Kamath & Steinke 2020, Proposition 12; the paper's Lemma 4.

    >>> from paperwright.statistics.rdp_tuning import gaussian_rdp, rdp_to_epsilon
    >>> orders, rdp = gaussian_rdp(2.0)
    >>> round(rdp_to_epsilon(orders, rdp, delta=1e-5).epsilon, 3)
    2.166
    """
    orders, rdp = checked_curve(orders, rdp)
    delta = checked_delta(delta)
    free = -np.expm1(-rdp) <= delta**2
    if np.any(free):
        return Guarantee(0.0, delta, float(orders[free][0]))
    usable = orders > SMALLEST_ORDER
    if not np.any(usable):
        raise ValueError(f"orders is {orders}; expected one above {SMALLEST_ORDER} at least. Pass larger orders.")
    order = orders[usable]
    epsilon = rdp[usable] + np.log1p(-1 / order) - _over(math.log(delta) + np.log(order), order - 1)
    best = int(np.argmin(epsilon))
    if not np.isfinite(epsilon[best]):
        return Guarantee(math.inf, delta, math.nan)
    if warn:
        _warn_at_the_end(order, best)
    return Guarantee(max(float(epsilon[best]), 0.0), delta, float(order[best]))


def rdp_to_delta(orders: ArrayLike, rdp: ArrayLike, epsilon: SupportsFloat) -> Guarantee:
    r"""Return the smallest delta for a given epsilon >= 0.

    .. math:: \delta = \min_\lambda \min\Big(\sqrt{1 - e^{-\epsilon(\lambda)}},\;
              \frac{e^{(\lambda-1)(\epsilon(\lambda) - \epsilon)}}{\lambda}(1 - 1/\lambda)^{\lambda-1}\Big).

    Args:
        orders: Rényi orders, rising, shape ``[orders]``.
        rdp: epsilon(lambda) in nats at each of them.
        epsilon: at least 0.

    Returns:
        Guarantee(epsilon, delta, order), delta at most 1.

    Raises:
        TypeError: an argument that is no number.
        ValueError: a malformed curve, or a negative epsilon.

    Source: Canonne, Kamath & Steinke 2020, Proposition 12; the KL term by Bretagnolle & Huber 1979.
    """
    orders, rdp = checked_curve(orders, rdp)
    epsilon = number("epsilon", epsilon)
    if not epsilon >= 0:
        raise ValueError(f"epsilon is {epsilon}; expected a number of at least 0. Take 1.")
    by_kl = 0.5 * _log_one_minus_exp(rdp)
    intercepts, slopes = delta_lines(orders, rdp)
    by_order = np.full(orders.size, np.inf)
    by_order[(orders > SMALLEST_ORDER) & np.isfinite(orders)] = intercepts - slopes * epsilon
    log_delta = np.minimum(by_kl, by_order)
    if math.isinf(orders[-1]) and rdp[-1] <= epsilon:
        log_delta[-1] = -math.inf
    best = int(np.argmin(log_delta))
    return Guarantee(epsilon, min(math.exp(log_delta[best]), 1.0), float(orders[best]))


def delta_lines(orders: np.ndarray, rdp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return intercepts and slopes of log delta = intercept - slope * epsilon, a line a usable order."""
    usable = (orders > SMALLEST_ORDER) & np.isfinite(orders)
    order = orders[usable]
    slopes = order - 1
    return slopes * (rdp[usable] + np.log1p(-1 / order)) - np.log(order), slopes


def log_deltas(orders: np.ndarray, rdp: np.ndarray, epsilons: np.ndarray) -> np.ndarray:
    """Return log delta for many epsilons at once: the lower envelope of the lines, in chunks, at most log 1."""
    intercepts, slopes = delta_lines(orders, rdp)
    ceiling = min(0.0, 0.5 * float(np.min(_log_one_minus_exp(rdp))))
    found = np.full(epsilons.size, ceiling)
    rows = max(1, 2**17 // max(slopes.size, 1))
    for start in range(0, epsilons.size if slopes.size else 0, rows):
        chunk = epsilons[start : start + rows, None] * -slopes
        chunk += intercepts
        np.minimum(found[start : start + rows], chunk.min(axis=1), out=found[start : start + rows])
    if math.isinf(orders[-1]):
        found[epsilons >= rdp[-1]] = -math.inf
    return found


def monotone(rdp: np.ndarray) -> np.ndarray:
    """Return the curve with every bound put to use below its order too: Rényi privacy does not fall with the order."""
    return np.minimum.accumulate(rdp[::-1])[::-1].copy()


def checked_delta(delta: SupportsFloat) -> float:
    """Return `delta` as a float, or refuse what is not strictly between 0 and 1."""
    delta = number("delta", delta)
    if not 0 < delta < 1:
        raise ValueError(f"delta is {delta}; expected a number strictly between 0 and 1. Take 1e-6.")
    return delta


def _log_one_minus_exp(x: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(-np.expm1(-x))


def _over(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """numerator / denominator, with x / inf = 0 even where the numerator is infinite too (order inf)."""
    return np.where(np.isinf(denominator), 0.0, numerator / np.where(np.isinf(denominator), 1.0, denominator))


def _warn_at_the_end(orders: np.ndarray, best: int) -> None:
    if orders.size > 1 and best in (0, orders.size - 1) and math.isfinite(orders[best]):
        end, way = ("first", "smaller") if best == 0 else ("last", "larger")
        warnings.warn(
            f"the best order, {orders[best]:g}, is the {end} of the grid: {way} orders would give a smaller epsilon",
            stacklevel=3,
        )
