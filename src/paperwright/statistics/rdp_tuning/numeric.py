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
"""

import math
from collections.abc import Callable
from typing import SupportsFloat

import numpy as np
from scipy.special import ndtr, ndtri

from paperwright.statistics.rdp_tuning.conversion import log_deltas
from paperwright.statistics.rdp_tuning.run_count import RunCount

CELLS = 2000
TOLERANCE = 4e-4  # by how much the bound may exceed the supremum, relative to max(1, supremum, 1/(lambda-1))
ROUNDS = 6  # of splitting at most, and
MOST_CELLS = 20_000  # cells in one round; what is left after either is still a bound
SPLIT = 8


def gaussian_tradeoff(noise_multiplier: SupportsFloat, steps: int = 1) -> Callable[[np.ndarray], np.ndarray]:
    """p -> Phi(Phi^-1(p) + sqrt(steps) / noise_multiplier), the trade-off of `steps` Gaussian mechanisms."""
    if not noise_multiplier > 0 or steps < 1:
        raise ValueError(f"need a positive noise multiplier and at least one step, got {noise_multiplier} and {steps}")
    shift = math.sqrt(steps) / noise_multiplier
    return lambda p: ndtr(ndtri(p) + shift)


def numeric_bound(
    orders: np.ndarray,
    rdp: np.ndarray,
    runs: RunCount,
    tradeoff: Callable[[np.ndarray], np.ndarray] | None = None,
    cells: int = CELLS,
) -> np.ndarray:
    """epsilon'(lambda) at each order, within TOLERANCE above the supremum; arguments as for `selected_rdp`."""
    found = np.full(orders.size, np.inf)
    usable = (orders > 1) & np.isfinite(rdp)
    if np.any(usable):
        largest = _largest_neighbour(orders, rdp, tradeoff)
        with np.errstate(divide="ignore"):
            weights = np.where(np.isinf(orders[usable]), 1.0, 1 / (1 - 1 / orders[usable]))
        found[usable] = rdp[usable] + _supremum(weights, runs, largest, cells)
    return found


def _supremum(
    weights: np.ndarray, runs: RunCount, largest: Callable[[np.ndarray], np.ndarray], cells: int
) -> np.ndarray:
    """Upper bound on sup over p of weight * phi(p) - phi(largest(p)), for each weight = lambda / (lambda - 1)."""
    lowest = -math.log(max(runs.crowding, 1.0)) - 40
    edges = np.exp(np.linspace(lowest, 0, cells + 1))
    edges[-1] = 1.0
    left, right = np.append(0.0, edges[:-1]), edges
    settled = np.full(weights.size, -np.inf)  # the bound over the cells that need no splitting
    attained = settled  # the largest value seen at a point
    for _ in range(ROUNDS):
        at_left, at_right = runs.log_pgf_derivative(left), runs.log_pgf_derivative(right)
        below = runs.log_pgf_derivative(largest(right))
        upper = np.multiply.outer(weights, at_left) - below
        with np.errstate(invalid="ignore"):  # -inf - -inf at p = p' = 1 if K = 1 never happens: not a point to count
            attained = np.fmax(attained, np.fmax.reduce(np.multiply.outer(weights, at_right) - below, axis=1))
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
    largest = np.asarray(tradeoff(p), dtype=np.float64)
    if largest.shape != p.shape or not np.all((largest >= p * (1 - 1e-9)) & (largest <= 1)):
        raise ValueError("tradeoff must map probabilities p to probabilities >= p of the same shape")
    return largest
