"""Power laws: y = coefficient · x^exponent, a straight line in the logarithms."""

import math
from dataclasses import dataclass
from typing import SupportsFloat

import numpy as np
from numpy.typing import ArrayLike

from paperwright.stats._sample import FloatArray, confidence, finite, pair
from paperwright.stats.interval import Interval
from paperwright.stats.mean import t_interval


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """y = coefficient · x^exponent, as `fit_power_law` found it.

    Attributes:
        coefficient: y at x = 1, with its interval (not symmetric: it is one of log y).
        exponent: The slope in the logarithms, with its interval.
        r_squared: The share of the variance of log y that the line explains.
        points: How many points were fitted.
    """

    coefficient: Interval
    exponent: Interval
    r_squared: float
    points: int

    def predict(self, x: ArrayLike) -> FloatArray:
        """coefficient · x^exponent, in the shape of `x`. Raises ValueError where x is not above 0."""
        values = _above_zero(finite(x, "x"), "x")
        return np.asarray(self.coefficient.estimate * values**self.exponent.estimate)


def fit_power_law(x: ArrayLike, y: ArrayLike, level: SupportsFloat = 0.95) -> PowerLaw:
    """Least squares of log y = log a + b log x, with Student's intervals (n - 2 degrees of freedom).

        b ± t · s / √S,    log a ± t · s · √(1/n + mean(log x)² / S),    S = Σ (log x_i - mean(log x))²

    Exact where the errors of log y are independent and normal, of one variance: relative errors of one size. A law
    that flattens out belongs to `fit_saturating`.

    Args:
        x: Sizes, above 0, shape [n], n >= 3, not all alike.
        y: What was measured, above 0, shape [n].
        level: The confidence level of both intervals, each for itself.

    Raises:
        TypeError: x or y do not hold real numbers.
        ValueError: fewer than three points, unequal numbers, values not above 0, NaN or infinity, a single distinct
            x, a level outside (0, 1).
    """
    sizes, values = pair(x, y, ("x", "y"), at_least=3)
    level = confidence(level)
    log_x, log_y = np.log(_above_zero(sizes, "x")), np.log(_above_zero(values, "y"))
    if np.all(sizes == sizes[0]):
        raise ValueError(f"all {sizes.size} values of x are {sizes[0]:g}; an exponent needs at least two sizes")
    n, centre = sizes.size, float(np.mean(log_x))
    away = log_x - centre
    spread = float(away @ away)
    slope = float(away @ (log_y - log_y[0])) / spread
    intercept = float(np.mean(log_y)) - slope * centre
    residuals = log_y - intercept - slope * log_x
    left = float(residuals @ residuals)
    variation = float(np.sum((log_y - np.mean(log_y)) ** 2))
    error = math.sqrt(left / (n - 2))
    exponent = t_interval(slope, error / math.sqrt(spread), n - 2, level, "log-log least squares, t")
    logarithm = t_interval(intercept, error * math.sqrt(1 / n + centre**2 / spread), n - 2, level, exponent.method)
    with np.errstate(over="ignore"):
        estimate, low, high = np.exp([logarithm.estimate, logarithm.low, logarithm.high]).tolist()
    return PowerLaw(
        coefficient=Interval(estimate, low, high, level, exponent.method),
        exponent=exponent,
        # A constant y is explained in full, by an exponent of 0.
        r_squared=1.0 - left / variation if variation > 0 else 1.0,
        points=n,
    )


def power_law_exponent(x: ArrayLike, y: ArrayLike) -> float:
    """The least-squares exponent alone, for two points or more: one number a seed, whose spread is over the seeds.

    Raises:
        TypeError: x or y do not hold real numbers.
        ValueError: fewer than two points, unequal numbers, values not above 0, NaN or infinity, a single distinct x.
    """
    sizes, values = pair(x, y, ("x", "y"), at_least=2)
    log_x, log_y = np.log(_above_zero(sizes, "x")), np.log(_above_zero(values, "y"))
    if np.all(sizes == sizes[0]):
        raise ValueError(f"all {sizes.size} values of x are {sizes[0]:g}; an exponent needs at least two sizes")
    away = log_x - np.mean(log_x)
    return float(away @ (log_y - log_y[0])) / float(away @ away)


def _above_zero(values: FloatArray, name: str) -> FloatArray:
    if values.size and values.min() <= 0:
        raise ValueError(f"the smallest value of {name} is {values.min():g}; a power law needs values above 0")
    return values
