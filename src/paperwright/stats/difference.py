"""The difference of two means, paired or not."""

import math
from typing import SupportsFloat

from numpy.typing import ArrayLike

from paperwright.stats._sample import FloatArray, confidence, pair, sample
from paperwright.stats.interval import Interval
from paperwright.stats.mean import mean, t_interval, variance


def difference_interval(a: ArrayLike, b: ArrayLike, *, paired: bool, level: SupportsFloat = 0.95) -> Interval:
    """mean(a) - mean(b) with its t-interval.

    Paired: Student's interval of d_i = a_i - b_i with n - 1 degrees of freedom. Unpaired: Welch's,

        mean(a) - mean(b) ± t(1 - α/2; ν) · √(v_a + v_b),    v = s² / n,
        ν = (v_a + v_b)² / (v_a² / (n_a - 1) + v_b² / (n_b - 1))

    which allows the variances to differ.

    Args:
        a: The values of the one arm, shape [n].
        b: Those of the other, shape [n] if paired (the same seed at the same place), else [m].
        paired: Whether a_i and b_i belong together. There is no default: it is a fact about the experiment.
        level: The confidence level 1 - α.

    Raises:
        TypeError: an arm does not hold real numbers.
        ValueError: fewer than two values in an arm, pairs of unequal number, NaN or infinity, a level outside (0, 1).

    References:
        Student (1908), Biometrika 6. Welch (1947), The generalization of "Student's" problem when several different
        population variances are involved, Biometrika 34.
    """
    level = confidence(level)
    estimate, standard_error, degrees = mean_difference(a, b, paired=paired)
    return t_interval(estimate, standard_error, degrees, level, "paired t" if paired else "Welch t")


def mean_difference(a: ArrayLike, b: ArrayLike, *, paired: bool) -> tuple[float, float, float]:
    """The difference of the means, its standard error, and the degrees of freedom of that error."""
    if paired:
        first, second = pair(a, b, ("a", "b"), at_least=2)
        differences = first - second
        return mean(differences), math.sqrt(variance(differences) / differences.size), float(differences.size - 1)
    first, second = sample(a, "a", at_least=2), sample(b, "b", at_least=2)
    return mean(first) - mean(second), *welch(first, second)


def welch(a: FloatArray, b: FloatArray) -> tuple[float, float]:
    """The standard error of mean(a) - mean(b) and its degrees of freedom."""
    error_a, error_b = variance(a) / a.size, variance(b) / b.size
    total = error_a + error_b
    if total == 0:
        return 0.0, float(a.size + b.size - 2)
    # Shares of the total, not squares of the variances, which would underflow for small values.
    share_a, share_b = error_a / total, error_b / total
    return math.sqrt(total), 1.0 / (share_a**2 / (a.size - 1) + share_b**2 / (b.size - 1))
