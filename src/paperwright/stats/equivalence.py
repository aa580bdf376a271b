"""Equivalence: is the difference of two means certainly small? Two one-sided tests (TOST)."""

from dataclasses import dataclass
from typing import SupportsFloat

from numpy.typing import ArrayLike

from paperwright.stats._sample import confidence, positive
from paperwright.stats.difference import mean_difference
from paperwright.stats.interval import Interval
from paperwright.stats.mean import t_interval


@dataclass(frozen=True, slots=True)
class Equivalence:
    """The result of `equivalence_test`.

    Attributes:
        difference: mean(a) - mean(b) with its interval at level 1 - 2α, the one that TOST compares with the margin.
        within: The margin.
        p_value: The larger of the two one-sided p-values.
        equivalent: Whether p_value <= α. The interval lies inside (-within, within) exactly then.
    """

    difference: Interval
    within: float
    p_value: float
    equivalent: bool


def equivalence_test(
    a: ArrayLike, b: ArrayLike, *, within: SupportsFloat, paired: bool, level: SupportsFloat = 0.95
) -> Equivalence:
    """Two one-sided t-tests of |mean(a) - mean(b)| < within.

    The null hypothesis is that the difference is `within` or more in either direction. With d the difference, e its
    standard error and ν its degrees of freedom (Student's if paired, else Welch's),

        p = max( P(T_ν >= (d + within) / e),  P(T_ν <= (d - within) / e) ),

    and p <= α exactly if the interval of d at level 1 - 2α lies inside the margin. Arms that really differ by the
    margin are called equivalent with probability α at most. Differences that do not vary have e = 0: then p is 0
    inside the margin and 1 on it or outside.

    Args:
        a: The values of the one arm, shape [n].
        b: Those of the other, shape [n] if paired, else [m].
        within: The margin, above 0, in the units of the values. Choose it before looking.
        paired: Whether a_i and b_i belong together.
        level: 1 - α, above 0.5. At 0.95 the interval reported has level 0.90.

    Raises:
        TypeError: an arm does not hold real numbers.
        ValueError: fewer than two values in an arm, pairs of unequal number, NaN or infinity, a margin that is not
            above 0, a level outside (0.5, 1).

    References:
        Schuirmann (1987), A comparison of the two one-sided tests procedure and the power approach, Journal of
        Pharmacokinetics and Biopharmaceutics 15.
    """
    from scipy.special import stdtr

    margin, level = positive(within, "within"), confidence(level)
    if level <= 0.5:
        raise ValueError(f"level is {level}; expected more than 0.5, such as 0.95")
    estimate, error, degrees = mean_difference(a, b, paired=paired)
    method = "paired t, TOST" if paired else "Welch t, TOST"
    interval = t_interval(estimate, error, degrees, 2 * level - 1, method)
    if error > 0:
        p_value = float(stdtr(degrees, -(margin - abs(estimate)) / error))
    else:
        p_value = 0.0 if abs(estimate) < margin else 1.0
    return Equivalence(interval, margin, p_value, p_value <= 1.0 - level)
