"""Permutation tests of a difference of means: nothing is assumed but that labels could have been swapped."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from paperwright.stats._sample import FloatArray, pair, sample


@dataclass(frozen=True, slots=True)
class Permutation:
    """The result of `permutation_test`.

    Attributes:
        difference: mean(a) - mean(b) as observed.
        p_value: The share of relabellings at least as extreme, the observed one among them.
        relabellings: How many were tried.
        exact: Whether those were all there are.
    """

    difference: float
    p_value: float
    relabellings: int
    exact: bool


def permutation_test(
    a: ArrayLike,
    b: ArrayLike,
    *,
    paired: bool,
    alternative: Literal["two-sided", "greater", "less"] = "two-sided",
    resamples: int = 9999,
    seed: int = 0,
) -> Permutation:
    """Test mean(a) = mean(b) by swapping labels.

    Paired: within each pair the two values may be swapped, 2^n ways; the null is that a_i - b_i is symmetric about 0.
    Unpaired: all values may be dealt to the arms anew, C(n + m, n) ways; the null is that both arms are drawn from
    the same distribution. If there are no more than `resamples` ways, all are tried and p is exact; otherwise so many
    are drawn, and p = (1 + as extreme) / (1 + resamples). Two-sided p is twice the smaller one-sided p, at most 1.
    In all cases P(p <= α) <= α under the null, for every sample size.

    Args:
        a: The values of the one arm, shape [n].
        b: Those of the other, shape [n] if paired, else [m].
        paired: Whether a_i and b_i belong together.
        alternative: "greater" if the alternative is mean(a) > mean(b).
        resamples: The largest number of relabellings to try.
        seed: Decides the relabellings where they are drawn.

    Raises:
        TypeError: an arm does not hold real numbers.
        ValueError: fewer than two values in an arm, pairs of unequal number, NaN or infinity, resamples below 1, an
            unknown alternative.

    References:
        Fisher (1935), The Design of Experiments. Phipson and Smyth (2010), Permutation p-values should never be zero,
        Statistical Applications in Genetics and Molecular Biology 9. Computed by `scipy.stats.permutation_test`.
    """
    from scipy.stats import permutation_test as relabel

    if alternative not in ("two-sided", "greater", "less"):
        raise ValueError(f"alternative is {alternative!r}; expected 'two-sided', 'greater' or 'less'")
    if resamples < 1:
        raise ValueError(f"resamples is {resamples}; expected at least 1")
    if paired:
        first, second = pair(a, b, ("a", "b"), at_least=2)
        ways = 2**first.size
    else:
        first, second = sample(a, "a", at_least=2), sample(b, "b", at_least=2)
        ways = math.comb(first.size + second.size, first.size)
    centre = float(np.mean(np.concatenate([first, second])))
    scale = max(float(np.abs(first - centre).max()), float(np.abs(second - centre).max())) or 1.0

    def difference(one: FloatArray, other: FloatArray, axis: int) -> Any:
        # Rounded to a billionth of the largest deviation: relabellings that tie on paper differ in their last digits,
        # the more so the farther the values lie from 0, and would not be counted as ties.
        return np.round(np.mean(one, axis=axis) - np.mean(other, axis=axis), 9)

    result = relabel(
        ((first - centre) / scale, (second - centre) / scale),
        difference,
        permutation_type="samples" if paired else "independent",
        vectorized=True,
        n_resamples=resamples,
        batch=max(1, 1_000_000 // (first.size + second.size)),
        alternative=alternative,
        rng=np.random.default_rng(seed),
    )
    exact = ways <= resamples
    observed = float(np.mean(first) - np.mean(second))
    return Permutation(observed, float(result.pvalue), ways if exact else resamples, exact)
