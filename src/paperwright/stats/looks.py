"""Looking at the data more than once without paying for it in errors: group-sequential levels.

Whoever computes a 95% interval after 5, after 10 and after 20 seeds and stops at the first that decides is wrong
oftener than 5% of the time. Here every look gets a level of its own, so that the errors of all looks sum to 1 - level.

The statistic at look k is a Brownian motion S read at the information fraction t_k = n_k / n_max:

    Z_k = S(t_k) / √t_k,    S(0) = 0,    S(t_k) - S(t_{k-1}) ~ N(0, t_k - t_{k-1}),  independent.

A spending function says how much error is used up by t (Kim and DeMets 1987: α t^ρ), and the boundary z_k solves

    P(|Z_1| <= z_1, ..., |Z_{k-1}| <= z_{k-1}, |Z_k| > z_k) = α (t_k^ρ - t_{k-1}^ρ).

The probability is computed as Armitage, McPherson and Rowe (1969) did: the density of S(t_k) over the paths that have
not crossed yet follows from the one before it by a one-dimensional integral over the continuation region,

    f_k(x) = ∫_{|y| <= z_{k-1} √t_{k-1}} f_{k-1}(y) φ((x - y) / s_k) / s_k dy,    s_k² = t_k - t_{k-1}.

References:
    Armitage, McPherson and Rowe (1969), Repeated significance tests on accumulating data, JRSS A 132.
    Lan and DeMets (1983), Discrete sequential boundaries for clinical trials, Biometrika 70.
    Kim and DeMets (1987), Design and analysis of group sequential tests based on the type I error spending rate
    function, Biometrika 74.
    Jennison and Turnbull (2000), Group Sequential Methods with Applications to Clinical Trials, chapters 7 and 19.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import SupportsFloat

import numpy as np
from numpy.typing import ArrayLike

from paperwright.stats._sample import FloatArray, confidence, positive, sample

# Gauss-Legendre panels: this many nodes on a panel no wider than this many standard deviations of a step integrate
# the Gaussian kernel to about 1e-14.
_NODES = 16
_PANEL = 2.0
# Two looks closer than this fraction of the last would need a grid too fine for memory, and tell nothing new.
_CLOSEST = 1e-4


def look_levels(looks: Sequence[SupportsFloat], level: SupportsFloat = 0.95, rho: SupportsFloat = 2.0) -> list[float]:
    """The confidence level for the interval at each look, so that all looks together err at most 1 - level.

    The levels are exact for normal means of known variance. t-intervals at these levels (the significance level
    approach, Jennison and Turnbull 2000, section 4.4) err a little oftener, because the first variances are guesses:
    at level 0.95 and rho 2, simulated, 5.4% for looks at 2, 4, 8; 5.3% at 3, 6, 12; 5.2% at 5, 10, 20; 5.1% at 10, 25;
    5.0% at 25, 100. Where 5% must not be passed at any price, use `anytime_mean_interval`.

    Args:
        looks: How many values have been seen at each look: positive, rising; the last is the largest sample planned.
        level: The confidence that all looks share, 1 - α.
        rho: The exponent of the spending function α t^ρ. 1 spends in proportion to the data (bold early looks, near
            Pocock's), 2 keeps more for the end, 3 is near O'Brien and Fleming's.

    Returns:
        One level for each look; a single look gets `level` itself.

    Raises:
        ValueError: looks that are empty, not positive, not rising, or closer together than 1/10,000 of the last; a
            level outside (0, 1); rho not above 0; a first look so early that its share of the error is below what a
            float can hold.

    References:
        Lan and DeMets (1983), Biometrika 70; Kim and DeMets (1987), Biometrika 74.
    """
    counts = sample([float(count) for count in looks], "looks", at_least=1)
    return list(_levels(tuple(counts.tolist()), confidence(level), positive(rho, "rho")))


def crossing_probabilities(boundaries: ArrayLike, information: ArrayLike) -> FloatArray:
    """The probability under the null that |Z_k| exceeds its boundary at look k, and none did before.

    Args:
        boundaries: The critical values z_k, positive, shape [looks].
        information: The information at each look, in any unit, positive and rising, shape [looks].

    Returns:
        Shape [looks]; the sum is the two-sided error of the design.

    Raises:
        ValueError: boundaries that are not positive, information that is not rising, unequal lengths.

    References:
        Armitage, McPherson and Rowe (1969), JRSS A 132.
    """
    z, times = sample(boundaries, "boundaries"), _fractions(sample(information, "information"), "information")
    if z.size != times.size:
        raise ValueError(f"{z.size} boundaries for {times.size} looks; expected one for each")
    if np.any(z <= 0):
        raise ValueError(f"the smallest boundary is {z.min()}; expected critical values above 0")
    paths = _Paths()
    crossed = []
    for time, critical in zip(times.tolist(), z.tolist(), strict=True):
        paths.advance(time)
        crossed.append(paths.beyond(critical * math.sqrt(time)))
        paths.stop_beyond(critical * math.sqrt(time))
    return np.array(crossed)


@lru_cache(maxsize=256)
def _levels(looks: tuple[float, ...], level: float, rho: float) -> tuple[float, ...]:
    from scipy.special import ndtr

    times = _fractions(np.array(looks), "looks")
    if len(looks) == 1:
        return (level,)
    spending = (1.0 - level) * np.diff(times**rho, prepend=0.0)
    paths = _Paths()
    levels = []
    for look, time, spent in zip(looks, times.tolist(), spending.tolist(), strict=True):
        paths.advance(time)
        limit = paths.limit_crossed_with(spent)
        paths.stop_beyond(limit)
        nominal = 1.0 - 2.0 * float(ndtr(-limit / math.sqrt(time)))
        if not nominal < 1.0:
            raise ValueError(
                f"the look at {look:g} of {looks[-1]:g} would spend an error of {spent:.1g}, "
                f"less than a level can show: drop it, or lower rho ({rho:g})"
            )
        levels.append(nominal)
    return tuple(levels)


def _fractions(information: FloatArray, name: str) -> FloatArray:
    steps = np.diff(information, prepend=0.0)
    if np.any(steps <= 0):
        raise ValueError(f"{name} is {information.tolist()}; expected positive numbers, each above the one before")
    if information.size > 1 and steps[1:].min() < _CLOSEST * information[-1]:
        raise ValueError(
            f"two {name} are closer than {_CLOSEST:g} of the last, {information[-1]:g}; leave one of them out"
        )
    return np.asarray(information / information[-1])


class _Paths:
    """The density f_k of S(t_k) over the paths that have not crossed; it is even, so x >= 0 is all that is kept."""

    def __init__(self) -> None:
        self.time = 0.0
        self.step = 0.0  # s_k, the standard deviation of the latest increment
        # All mass at 0: one node of weight 1/2, since every integral over x >= 0 is doubled.
        self.nodes = np.zeros(1)
        self.mass = np.full(1, 0.5)  # density times quadrature weight

    def advance(self, time: float) -> None:
        """Let the increment up to `time` begin; `beyond` and `density` then speak of S(time)."""
        self.step, self.time = math.sqrt(time - self.time), time

    def beyond(self, limit: float) -> float:
        """P(|S| > limit, not crossed before)."""
        from scipy.special import ndtr

        return 2.0 * float(
            self.mass @ (ndtr((self.nodes - limit) / self.step) + ndtr((-self.nodes - limit) / self.step))
        )

    def density(self, x: FloatArray) -> FloatArray:
        """f_k at x >= 0: the image of each kernel in the mirror stands for the paths at y < 0."""
        away = np.subtract.outer(x, self.nodes) / self.step
        back = np.add.outer(x, self.nodes) / self.step
        kernel = np.exp(-0.5 * away**2) + np.exp(-0.5 * back**2)
        return np.asarray(kernel @ self.mass / (self.step * math.sqrt(2.0 * math.pi)))

    def stop_beyond(self, limit: float) -> None:
        """Take the paths with |S| > limit out, and keep the others on a new grid over [0, limit]."""
        nodes, weights = _quadrature(limit, self.step)
        self.nodes, self.mass = nodes, weights * self.density(nodes)

    def limit_crossed_with(self, probability: float) -> float:
        """The c with P(|S| > c, not crossed before) = probability.

        Newton on the logarithm, which is concave here (a Gaussian over a symmetric interval, smoothed, stays
        log-concave), kept inside a bracket in case a tail underflows.
        """
        from scipy.special import ndtri

        low, high = 0.0, -float(ndtri(probability / 2)) * math.sqrt(self.time)
        limit = high
        for _ in range(200):
            tail = self.beyond(limit)
            low, high = (limit, high) if tail > probability else (low, limit)
            slope = 2.0 * float(self.density(np.array([limit]))[0])
            step = tail * math.log(tail / probability) / slope if tail > 0 and slope > 0 else math.inf
            if abs(step) <= 1e-13 * limit:
                return limit
            limit = limit + step if low < limit + step < high else (low + high) / 2
            if high - low <= 1e-15 * high:
                return limit
        raise ArithmeticError(f"no boundary found for a crossing probability of {probability}")


def _quadrature(limit: float, step: float) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of a composite Gauss-Legendre rule over [0, limit], fine enough for kernels of width `step`."""
    nodes, weights = _panel()
    panels = max(2, math.ceil(limit / (_PANEL * step)))
    half = limit / (2 * panels)
    centres = half * (2 * np.arange(panels) + 1)
    return np.add.outer(centres, half * nodes).ravel(), np.tile(half * weights, panels)


@lru_cache(maxsize=1)
def _panel() -> tuple[FloatArray, FloatArray]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return np.asarray(nodes), np.asarray(weights)
