r"""A sharper bound for any distribution of K: the lemma behind Theorems 2 and 6, evaluated instead of relaxed.

For neighbouring data sets the proof of Theorem 2 arrives at

.. math:: \epsilon'(\lambda) = \epsilon(\lambda) + \sup_{(p, p')}
          \Big[\frac{\lambda}{\lambda-1}\varphi(p) - \varphi(p')\Big], \qquad \varphi(p) = \log f'(1-p),

over the pairs of probabilities that one event ("the run scores better than this") can have under the two data sets,
and then bounds the supremum by hand. Here the pairs are kept: RDP at order :math:`\hat\lambda` allows
:math:`p' \le (p e^{\hat\epsilon})^{1 - 1/\hat\lambda}`, approximate privacy allows
:math:`p' \le e^{\hat\epsilon} p + \hat\delta`, and a known trade-off function says the most. :math:`\varphi` falls
with p, so p' is put at its largest, and one variable is left.

The supremum is an upper bound, not the maximum over a grid: on a cell [a, b] the bracket is at most its first term at a
minus its second at b, and cells whose bound stands out are split until it does not.

With S for e to the (lambda - 1) times the supremum, the returned bound is sharper than that and holds for every E[K]:

.. math:: e^{(\lambda-1)\,\epsilon'(\lambda)} = 1 + S\,\big(e^{(\lambda-1)\,\epsilon(\lambda)} - 1\big).

Proof. Let every run draw a uniform number that breaks ties; it costs nothing, and makes the score t, read as its own
cdf on x, uniform there. T(t) is its cdf on x', which rises and may jump where only x' has scores; T' is the derivative
almost everywhere. Let dU be the part of :math:`U = e^{(\lambda-1)\epsilon(\lambda)}` that the outputs of score t make,
:math:`v(t) = t^\lambda T^{1-\lambda}` and :math:`h(t) = f'(t)^\lambda f'(T)^{1-\lambda} \le S`. An output wins with
f'(t) times its density, and "no run" is an outcome of its own, equally likely on both sides, so the search's sum is
:math:`P[K=0] + \int h\,dU`, and the claim, :math:`\int (S - h)\,dU \ge S - (1 - P[K=0])`. It follows from four facts.

1. :math:`dU \ge T'^{1-\lambda} dt`: the score alone diverges less than the whole output.
2. :math:`T'^{1-\lambda} \ge v'`: the right side is the tangent of :math:`y^{1-\lambda}` at y = T/t, taken at T'.
3. :math:`h \le f'(v)` where v <= 1: :math:`a^\lambda b^{1-\lambda}` is convex and homogeneous, so it is subadditive
   over the terms of the power series.
4. M(t), the least v from t on, rises from 0 (where :math:`v \le \int_0^t dU`) to v(1) = 1, and only where M = v. It
   does not jump, since v jumps downwards only.

.. math:: \int (S - h)\,dU \ge \int_{M' > 0} v' (S - h)\,dt \ge \int M' (S - f'(M))\,dt = S - (1 - P[K=0]).

:math:`\epsilon(\lambda)` is read from x to x' and the limit on p' from x' to x: a curve has to hold for a pair of
neighbours in either order, as Rényi privacy does by definition.
"""

import math
from collections.abc import Callable

import numpy as np

from ._inputs import float_array
from .conversion import log_deltas
from .run_count import RunCount

CELLS = 2000
TOLERANCE = 4e-4  # by how much the bound may exceed the supremum, relative to max(1, supremum, 1/(lambda-1))
ROUNDS = 6  # of splitting at most, and
MOST_CELLS = 20_000  # cells in one round; what is left after either is still a bound
SPLIT = 8


def numeric_bound(
    orders: np.ndarray,
    rdp: np.ndarray,
    runs: RunCount,
    tradeoff: Callable[[np.ndarray], np.ndarray] | None = None,
    ceiling: np.ndarray | None = None,
) -> np.ndarray:
    """epsilon'(lambda) at each order, within TOLERANCE above the supremum; arguments as for `selected_rdp`.

    `ceiling` is a bound of the form epsilon(lambda) + log(S) / (lambda - 1), for an S known from elsewhere.
    """
    found = np.full(orders.size, np.inf)
    usable = (orders > 1) & np.isfinite(rdp)
    if np.any(usable):
        largest = _largest_neighbour(orders, rdp, tradeoff)
        weights = 1 + 1 / (orders[usable] - 1)  # lambda / (lambda - 1), to the last bit near order 1
        growth = _supremum(weights, runs, largest)
        if ceiling is not None:
            growth = np.minimum(growth, ceiling[usable] - rdp[usable])
        found[usable] = _selected(orders[usable], rdp[usable], growth)
    return found


def _selected(orders: np.ndarray, rdp: np.ndarray, growth: np.ndarray) -> np.ndarray:
    """log(1 + S (e^((lambda-1) epsilon) - 1)) / (lambda - 1), where log S = (lambda-1) `growth`; its limit at inf."""
    pure = np.isinf(orders)
    scale = np.where(pure, 1.0, orders - 1)
    with np.errstate(divide="ignore", invalid="ignore"):  # a run that costs nothing, whose log 0 may meet S = inf
        log_excess = scale * rdp + np.log(-np.expm1(-scale * rdp))
        searched = np.logaddexp(0.0, scale * growth + log_excess) / scale
    return np.where(rdp == 0, 0.0, np.where(pure, np.maximum(rdp + growth, 0.0), searched))


def _supremum(weights: np.ndarray, runs: RunCount, largest: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Upper bound on sup over p of weight * phi(p) - phi(largest(p)), for each weight = lambda / (lambda - 1)."""
    above, below = runs.derivative_bounds
    lowest = -math.log(max(runs.crowding, 1.0)) - 40
    edges = np.exp(np.linspace(lowest, 0, CELLS + 1))
    edges[-1] = 1.0
    left, right = np.append(0.0, edges[:-1]), edges
    settled = np.full(weights.size, -np.inf)  # the bound over the cells that need no splitting
    attained = settled  # about the largest value at a point: where to stop splitting
    for _ in range(ROUNDS):
        neighbour = below(largest(right))
        upper = np.multiply.outer(weights, above(left)) - neighbour
        with np.errstate(invalid="ignore"):  # -inf - -inf at p = p' = 1 if K = 1 never happens: not a point to count
            attained = np.fmax(attained, np.fmax.reduce(np.multiply.outer(weights, above(right)) - neighbour, axis=1))
        enough = attained + TOLERANCE * np.maximum(np.maximum(1.0, attained), weights - 1)  # weight - 1 = 1/(lambda-1)
        open_cells = np.any(upper > enough[:, None], axis=0)
        if not np.any(open_cells) or SPLIT * np.count_nonzero(open_cells) > MOST_CELLS:
            break
        settled = np.maximum(settled, np.max(upper, axis=1, where=~open_cells, initial=-np.inf))
        left, right = _split(left[open_cells], right[open_cells])
    return np.maximum(settled, np.max(upper, axis=1))


def _split(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each cell cut into SPLIT, evenly in log p; the cell at 0, which has no logarithm, is cut towards its end."""
    low = np.where(left > 0, left, right * 1e-9)
    edges = low[:, None] * (right / low)[:, None] ** (np.arange(SPLIT + 1) / SPLIT)
    edges[:, 0], edges[:, -1] = left, right
    return edges[:, :-1].ravel(), edges[:, 1:].ravel()


def _largest_neighbour(
    orders: np.ndarray, rdp: np.ndarray, tradeoff: Callable[[np.ndarray], np.ndarray] | None
) -> Callable[[np.ndarray], np.ndarray]:
    """p -> the largest p' that every constraint allows, non-decreasing in p."""
    usable = (orders > 1) & np.isfinite(rdp)
    log_probe = np.linspace(-80.0, 0.0, 800)
    powers = 1 - 1 / orders[usable]
    powers, shifts = _active(powers, powers * rdp[usable], log_probe)
    epsilons = np.unique(np.concatenate([[0.0], np.geomspace(1e-3, 30, 59), -np.log1p(-1 / orders[usable])]))
    factors, deltas = _active(np.exp(epsilons), np.exp(log_deltas(orders, rdp, epsilons)), np.exp(log_probe))

    def largest(p: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            log_p = np.log(p)
        found = np.minimum(_envelope(powers, shifts, log_p), 0.0)
        found = np.minimum(np.exp(found), _envelope(factors, deltas, p))
        return found if tradeoff is None else np.minimum(found, _checked_tradeoff(tradeoff, p))

    return largest


def _active(slopes: np.ndarray, intercepts: np.ndarray, probe: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lines that are lowest at a `probe` point. Dropping others can only loosen the bound, never break it."""
    kept = np.unique(np.argmin(np.multiply.outer(probe, slopes) + intercepts, axis=1))
    return slopes[kept], intercepts[kept]


def _envelope(slopes: np.ndarray, intercepts: np.ndarray, x: np.ndarray) -> np.ndarray:
    """min over lines of slope * x + intercept, in chunks."""
    found = np.empty(x.size)
    rows = max(1, 2**16 // slopes.size)
    for start in range(0, x.size, rows):
        found[start : start + rows] = (x[start : start + rows, None] * slopes + intercepts).min(axis=1)
    return found


def _checked_tradeoff(tradeoff: Callable[[np.ndarray], np.ndarray], p: np.ndarray) -> np.ndarray:
    largest = float_array("tradeoff(p)", tradeoff(p))
    possible = largest.shape == p.shape and np.all((largest >= p * (1 - 1e-9)) & (largest <= 1))
    if not possible or np.any(np.diff(largest) < -1e-9 * largest[1:]):  # p rises
        raise ValueError(
            f"tradeoff gives shape {largest.shape} with values {largest.ravel()[:3]}...; "
            f"expected probabilities >= p that rise with p, of p's shape {p.shape}. Try gaussian_tradeoff(1.0)."
        )
    return largest
