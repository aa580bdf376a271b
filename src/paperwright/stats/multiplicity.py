"""Several tests at once: p-values adjusted so that one false alarm among all of them stays rare."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from paperwright.stats._sample import FloatArray, sample


def adjusted_p_values(p_values: ArrayLike, method: Literal["holm", "bonferroni"] = "holm") -> FloatArray:
    """p-values to hold against α itself, such that P(any false alarm) <= α, however the tests depend on each other.

    Bonferroni: m p_i. Holm: with p sorted, the running maximum of (m - i + 1) p_(i). Both stop at 1. Holm's are never
    larger than Bonferroni's.

    Args:
        p_values: Shape [m], each in [0, 1].
        method: "holm" or "bonferroni".

    Returns:
        The adjusted p-values, shape [m], in the order given.

    Raises:
        ValueError: a p-value outside [0, 1], none at all, NaN, an unknown method.

    References:
        Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6.
    """
    p = sample(p_values, "p_values", at_least=1)
    if p.min() < 0 or p.max() > 1:
        raise ValueError(f"p_values reach from {p.min()} to {p.max()}; expected numbers from 0 to 1")
    if method == "bonferroni":
        return np.minimum(1.0, p.size * p)
    if method == "holm":
        order = np.argsort(p, kind="stable")
        adjusted = np.empty_like(p)
        adjusted[order] = np.minimum(1.0, np.maximum.accumulate(np.arange(p.size, 0, -1) * p[order]))
        return adjusted
    raise ValueError(f"method is {method!r}; expected 'holm' or 'bonferroni'")
