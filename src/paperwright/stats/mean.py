"""The t-interval of a mean."""

import math
from typing import SupportsFloat

import numpy as np
from numpy.typing import ArrayLike

from paperwright.stats._sample import FloatArray, confidence, sample
from paperwright.stats.interval import Interval


def mean_interval(x: ArrayLike, level: SupportsFloat = 0.95) -> Interval:
    """The mean of independent values with Student's interval.

        mean(x) ± t(1 - α/2; n - 1) · s / √n,    s² = Σ (x_i - mean(x))² / (n - 1)

    Exact for normal values, and close to it for means of many; for skewed or tied values see `guarded_mean_interval`,
    and `bounded_mean_interval` where they have bounds. Values that do not vary have s = 0 and an interval of width 0,
    which is arithmetic and no confidence: other values may come, and `note` says so.

    Args:
        x: The values, shape [n], n >= 2.
        level: The confidence level 1 - α.

    Raises:
        TypeError: `x` does not hold real numbers.
        ValueError: fewer than two values, more than one dimension, NaN or infinity, a level outside (0, 1).

    References:
        Student (1908), The probable error of a mean, Biometrika 6.
    """
    values, level = sample(x, "x", at_least=2), confidence(level)
    return t_interval(mean(values), math.sqrt(variance(values) / values.size), values.size - 1, level, "t")


def mean(values: FloatArray) -> float:
    """The mean; of values that are all alike, that very value, with no rounding."""
    return float(values[0] + np.mean(values - values[0]))


def variance(values: FloatArray) -> float:
    """The unbiased variance; of values that are all alike exactly 0, whatever their mean rounds to."""
    return float(np.var(values - values[0], ddof=1))


def t_interval(estimate: float, standard_error: float, degrees: SupportsFloat, level: float, method: str) -> Interval:
    """estimate ± t(1 - α/2; degrees) · standard_error."""
    if standard_error == 0:  # times an infinite quantile it would be NaN
        return Interval(
            estimate, estimate, estimate, level, method, "no spread was seen: a width of 0 is no confidence"
        )
    reach = t_quantile(level, degrees) * standard_error
    return Interval(estimate, estimate - reach, estimate + reach, level, method)


def t_quantile(level: float, degrees: SupportsFloat) -> float:
    """The two-sided critical value of Student's t, from its lower tail, where no digits are lost near a level of 1."""
    from scipy.special import stdtrit

    return -float(stdtrit(float(degrees), (1.0 - level) / 2))
