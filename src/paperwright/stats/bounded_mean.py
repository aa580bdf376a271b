"""The mean of values whose range is known: an interval that is right for every distribution in that range."""

import math
from typing import SupportsFloat

import numpy as np
from numpy.typing import ArrayLike

from paperwright.stats._sample import FloatArray, confidence, sample
from paperwright.stats.interval import Interval
from paperwright.stats.mean import mean

# The stakes λ_k = 2^(-k/2), the smallest of which still pays at 20,000 values, and their prior 1/((k+1)(k+2)): half of
# the money on staking everything, which is best for values that hardly vary.
_STAKES = 2.0 ** (-np.arange(25) / 2)
_PRIOR = 1 / ((np.arange(25) + 1.0) * (np.arange(25) + 2.0))
_LOG_PRIOR = np.log(_PRIOR / _PRIOR.sum())
_TINY = 1e-12  # of the range: as good as its end
_BLOCK = 1024  # values at a time: with all stakes they fit into a cache


def bounded_mean_interval(
    x: ArrayLike, low: SupportsFloat, high: SupportsFloat, level: SupportsFloat = 0.95
) -> Interval:
    """The mean of independent values in [low, high], with an interval valid for every such distribution at every n.

    With the values scaled to [0, 1], gamblers bet against "the mean is m or less", each a share λ_k of all they have:

        K_n(m) = Σ_k π_k Π_i ( 1 + λ_k (x_i / m - 1) ),    λ_k = 2^(-k/2),    π_k ∝ 1 / ((k + 1)(k + 2)).

    If the mean is m or less, no gambler gains on average, so that K_n(m) >= 2/α happens with probability α/2 at most
    (Markov; by Ville at any n ever, so that looks need no correction). K_n falls in m: the lower end is where it
    crosses 2/α, and the upper end is that of high + low - x, mirrored. The order of the values does not matter.

    What has never been seen may still happen: n equal values v leave open that a share of about 1 - (α/2)^(1/n) of
    all values lies at an end (0.52 at n = 5, 0.17 at n = 20), and no valid interval is narrower than that. So bounds
    should be as narrow as the metric allows.

    Args:
        x: The values, shape [n], n >= 1.
        low: The smallest value possible (not the smallest seen).
        high: The largest value possible.
        level: The confidence level 1 - α; each end errs with probability α/2 at most.

    Raises:
        TypeError: `x` does not hold real numbers.
        ValueError: no values, more than one dimension, NaN or infinity, values outside [low, high], bounds that are
            not finite or not low < high, a level outside (0, 1).

    References:
        Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting, JRSS B 86.
        Cover (1991), Universal portfolios, Mathematical Finance 1 (mixing over constant stakes).
        Hoeffding (1963), Probability inequalities for sums of bounded random variables, JASA 58 (the bound that this
        one replaces; it does not adapt to the spread).
    """
    values, level = sample(x, "x", at_least=1), confidence(level)
    bottom, top = float(low), float(high)
    if not (math.isfinite(bottom) and math.isfinite(top) and bottom < top):
        raise ValueError(f"the bounds are {bottom} and {top}; expected finite numbers, low < high")
    if values.min() < bottom or values.max() > top:
        raise ValueError(f"x reaches from {values.min()} to {values.max()}, outside its bounds [{bottom}, {top}]")
    width = top - bottom
    unit = np.clip((values - bottom) / width, 0.0, 1.0)
    threshold = math.log(2 / (1 - level))
    estimate = mean(values)
    lower = bottom + width * _lower_end(unit, threshold)
    upper = top - width * _lower_end(1 - unit, threshold)
    return Interval(estimate, min(lower, estimate), max(upper, estimate), level, "bounded, betting")


def _lower_end(unit: FloatArray, threshold: float) -> float:
    """The m at which log K_n(m) falls through the threshold, rounded down."""
    from scipy.optimize import brentq

    centre = float(unit.mean())
    if centre < _TINY:
        return 0.0
    # About where a normal mean would put it, and a little further; then down until it is passed.
    below = max(centre / 2, centre - 2 * math.sqrt(2 * threshold * float(unit.var()) / unit.size))
    if below == centre:
        below = centre / 2
    while _log_wealth(unit, below) < threshold:
        below /= 2
        if below < _TINY:
            return 0.0
    # At the mean itself no gambler has won (Jensen).
    return max(
        0.0, float(brentq(lambda m: _log_wealth(unit, m) - threshold, below, centre, xtol=1e-10, rtol=1e-10)) - 1e-9
    )


def _log_wealth(unit: FloatArray, m: float) -> float:
    gains = unit / m - 1
    logs = _LOG_PRIOR.copy()
    with np.errstate(divide="ignore"):  # who stakes everything is ruined by a 0
        for start in range(0, gains.size, _BLOCK):
            logs += np.log1p(np.multiply.outer(_STAKES, gains[start : start + _BLOCK])).sum(axis=1)
    return float(np.logaddexp.reduce(logs))
