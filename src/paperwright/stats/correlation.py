"""Spearman's rank correlation with its interval."""

import math
from typing import SupportsFloat

import numpy as np
from numpy.typing import ArrayLike

from paperwright.stats._sample import confidence, pair
from paperwright.stats.interval import Interval


def spearman_interval(x: ArrayLike, y: ArrayLike, level: SupportsFloat = 0.95) -> Interval:
    """The correlation r of the ranks of x and y, with the interval of Bonett and Wright on Fisher's scale.

        tanh( artanh(r) ± z √((1 + r²/2) / (n - 3)) )

    Ties share their mean rank. A perfect order has artanh(r) = ∞; its interval reaches from that of the next smaller
    r (one swap of neighbours, 1 - 12 / (n³ - n)) to 1 itself.

    Args:
        x: Shape [n], n >= 4.
        y: Shape [n].
        level: The confidence level 1 - α.

    Raises:
        TypeError: x or y do not hold real numbers.
        ValueError: fewer than four pairs, unequal numbers, NaN or infinity, values that are all alike (no order, no
            correlation), a level outside (0, 1).

    References:
        Spearman (1904), American Journal of Psychology 15. Bonett and Wright (2000), Sample size requirements for
        estimating Pearson, Kendall and Spearman correlations, Psychometrika 65.
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    first, second = pair(x, y, ("x", "y"), at_least=4)
    level = confidence(level)
    for values, name in ((first, "x"), (second, "y")):
        if np.all(values == values[0]):
            raise ValueError(
                f"all {values.size} values of {name} are {values[0]:g}; a correlation needs values that vary"
            )
    # Twice the centred ranks are whole numbers, so that a perfect order gives exactly 1.
    u = np.rint(2 * rankdata(first)) - (first.size + 1)
    v = np.rint(2 * rankdata(second)) - (second.size + 1)
    r = float(u @ v) / math.sqrt(float(u @ u) * float(v @ v))
    r = max(-1.0, min(1.0, r))

    n = first.size
    imperfect = 1.0 - 12.0 / (n**3 - n)
    used = max(-imperfect, min(imperfect, r))
    reach = -float(ndtri((1.0 - level) / 2)) * math.sqrt((1 + used**2 / 2) / (n - 3))
    low, high = math.tanh(math.atanh(used) - reach), math.tanh(math.atanh(used) + reach)
    return Interval(r, -1.0 if r == -1.0 else low, 1.0 if r == 1.0 else high, level, "Spearman, Bonett-Wright")
