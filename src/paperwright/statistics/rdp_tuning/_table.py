r"""The generating function of a tabulated run count: exact at a point, and enclosed everywhere at the price of a few.

With z = -log(1-p),

.. math:: \varphi(z) = \log f'(e^{-z}) = \log \sum_k k\, P[K=k]\, e^{-(k-1) z}

is convex and falling, so it lies below its chords and above its tangents. A bound that needs it at many points reads
chords and tangents between nodes, whose number does not grow with the table.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

SPACING = 0.02  # of the nodes, in log z: chord and tangent differ by some 1e-4
LAST = 37.0  # no float64 p below 1 has a larger z
AT_ONCE = 2**20  # terms in memory


def log_power_sum(table: np.ndarray, log_x: np.ndarray, derivatives: int = 0) -> np.ndarray:
    """log of f(x) = E[x^K], or of f'(x) with `derivatives` = 1, at x = exp(`log_x`), elementwise."""
    counts = np.flatnonzero(table)
    counts = counts[counts >= derivatives]
    powers = counts - derivatives
    log_weights = np.log(table[counts]) + (np.log(counts) if derivatives else 0.0)
    flat = np.asarray(log_x, dtype=np.float64).ravel()
    found = np.empty(flat.size)
    rows = max(1, AT_ONCE // counts.size)
    for start in range(0, flat.size, rows):
        part = flat[start : start + rows, None]
        terms = np.where(powers == 0, 0.0, powers * np.where(powers == 0, 0.0, part))  # 0 * log 0 is 0
        found[start : start + rows] = logsumexp(log_weights + terms, axis=1)
    return found.reshape(np.shape(log_x))


def log_power_excess(table: np.ndarray, log_x: np.ndarray) -> np.ndarray:
    """log(f(x) - 1) at x = exp(`log_x`) >= 1, elementwise, at full relative precision near x = 1."""
    counts = np.flatnonzero(table)
    counts = counts[counts > 0]
    log_weights = np.log(table[counts])
    flat = np.asarray(log_x, dtype=np.float64).ravel()
    found = np.empty(flat.size)
    rows = max(1, AT_ONCE // counts.size)
    for start in range(0, flat.size, rows):
        powers = counts * flat[start : start + rows, None]
        with np.errstate(divide="ignore"):
            found[start : start + rows] = logsumexp(log_weights + powers + np.log(-np.expm1(-powers)), axis=1)
    return found.reshape(np.shape(log_x))


def draw_table(rng: np.random.Generator, probabilities: np.ndarray, shape: int | tuple[int, ...]) -> np.ndarray:
    """Draw from P[K=k] = `probabilities[k]` by inversion."""
    steps = np.cumsum(probabilities)
    return np.searchsorted(steps, rng.random(shape) * steps[-1], side="right")


@dataclass(frozen=True, eq=False)
class DerivativeBounds:
    """phi(p) = log f'(1-p) of a table, enclosed between two functions that cost a look-up.

    Attributes:
        z: nodes, from 0 to `LAST`.
        phi: its value at the nodes.
        slope: its derivative there.
        at_one: log f'(0) = log P[K=1].
    """

    z: np.ndarray
    phi: np.ndarray
    slope: np.ndarray
    at_one: float

    @classmethod
    def of(cls, table: np.ndarray, crowding: float) -> "DerivativeBounds":
        """Enclose it for P[K=k] = `table[k]`, where phi starts to fall near z = 1 / `crowding`."""
        first = 1e-4 / max(crowding, 1.0)
        z = np.append(0.0, np.geomspace(first, LAST, math.ceil(math.log(LAST / first) / SPACING)))
        counts = np.flatnonzero(table)
        counts = counts[counts > 0]
        log_weights, powers = np.log(counts) + np.log(table[counts]), counts - 1.0
        phi, slope = np.empty(z.size), np.empty(z.size)
        rows = max(1, AT_ONCE // counts.size)
        for start in range(0, z.size, rows):
            here = slice(start, start + rows)
            terms = log_weights - powers * z[here, None]
            top = terms.max(axis=1)
            np.exp(terms - top[:, None], out=terms)
            total = terms.sum(axis=1)
            phi[here], slope[here] = top + np.log(total), -(terms @ powers) / total
        return cls(z, phi, slope, math.log(table[1]) if table[1] > 0 else -math.inf)

    def above(self, p: np.ndarray) -> np.ndarray:
        """An upper bound on phi: the chord between neighbouring nodes."""
        return np.interp(_depth(p), self.z, self.phi)

    def below(self, p: np.ndarray) -> np.ndarray:
        """A lower bound on phi: the higher of the tangents at both neighbouring nodes."""
        z = np.minimum(_depth(p), LAST)
        right = np.searchsorted(self.z, z).clip(1, self.z.size - 1)
        tangents = [self.phi[node] + self.slope[node] * (z - self.z[node]) for node in (right - 1, right)]
        return np.where(p == 1, self.at_one, np.maximum(*tangents))


def _depth(p: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return -np.log1p(-p)
