"""Mechanisms whose every density is known, to hold the bounds against: Gaussian, Laplace, randomised response.

Each is one run that returns its score, on two neighbouring data sets "here" and "there".
"""

import math
from dataclasses import dataclass
from typing import Literal, SupportsFloat

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from paperwright.statistics.rdp_tuning.exact import renyi_divergence, selected_divergence, selected_pmf
from paperwright.statistics.rdp_tuning.numeric import gaussian_tradeoff
from paperwright.statistics.rdp_tuning.run_count import RunCount
from paperwright.statistics.rdp_tuning.selection import Tradeoff


@dataclass(frozen=True)
class KnownBase:
    """One run of known distribution.

    Attributes:
        kind: "gaussian" (scores N(0, 1) and N(strength, 1)), "laplace" (scale 1, shifted by strength) or
            "randomised response" (1 with probability 1/(1 + e^-strength), or its complement).
        strength: the sensitivity over the noise; for the last two it is also the pure epsilon.
    """

    kind: Literal["gaussian", "laplace", "randomised response"]
    strength: float

    def rdp(self, orders: np.ndarray) -> Float[np.ndarray, " orders"]:
        """The exact RDP curve of one run (Mironov 2017, Table II), at finite orders above 1."""
        epsilon = self.strength
        if self.kind == "gaussian":
            return orders * epsilon**2 / 2
        if self.kind == "laplace":
            shrinks = np.log(orders / (2 * orders - 1)) + (orders - 1) * epsilon
            grows = np.log((orders - 1) / (2 * orders - 1)) - orders * epsilon
            return np.logaddexp(shrinks, grows) / (orders - 1)
        return np.array([renyi_divergence(*self._answers(), order) for order in orders])

    @property
    def tradeoff(self) -> Tradeoff | None:
        """The trade-off function, for the Gaussian."""
        return gaussian_tradeoff(1 / self.strength) if self.kind == "gaussian" else None

    def selected_divergence(self, runs: RunCount, order: SupportsFloat, *, reverse: bool = False) -> float:
        """Exact D_order of the search's output here from there (or, reversed, there from here)."""
        if self.kind == "randomised response":
            answers = self._answers()[:: -1 if reverse else 1]
            here, there = (np.append(selected_pmf(pmf, runs), runs.prob_no_run) for pmf in answers)
            return renyi_divergence(here, there, order)
        centres = (0.0, -self.strength if reverse else self.strength)  # only the difference matters
        if self.kind == "gaussian":
            y, weights = _panels(-14 - self.strength * order, 14 + self.strength * order)
            densities = tuple(-((y - c) ** 2) / 2 - math.log(2 * math.pi) / 2 for c in centres)
            survivals = tuple(ndtr(c - y) for c in centres)
        else:
            y, weights = _panels(-45.0, 45.0, centres)
            densities = tuple(-np.abs(y - c) - math.log(2) for c in centres)
            survivals = tuple(np.where(y > c, tail, 1 - tail) for c in centres for tail in [np.exp(-np.abs(y - c)) / 2])
        return selected_divergence(densities, survivals, weights, runs, order)

    def _answers(self) -> tuple[np.ndarray, np.ndarray]:
        truth = 1 / (1 + math.exp(-self.strength))
        return np.array([1 - truth, truth]), np.array([truth, 1 - truth])


def _panels(low: float, high: float, kinks: tuple[float, ...] = ()) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights in panels of width at most 1/4, with panel borders at the kinks."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    edges = np.unique(np.concatenate([np.linspace(low, high, int(4 * (high - low)) + 2), kinks]))
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (1 + nodes)).ravel(), (half * weights).ravel()
