"""A proportion of attempts that come in clusters: attempts of one trained run are not independent of each other."""

import math
from typing import SupportsFloat

import numpy as np
from numpy.typing import ArrayLike

from paperwright.stats._sample import FloatArray, confidence, pair
from paperwright.stats.interval import Interval
from paperwright.stats.mean import t_quantile

# The design effect is an estimate, and a poor one of few clusters: its upper limit at this level is what is used.
_ASSURANCE = 0.9
# A design effect above this is worth a word.
_LARGE = 2.0


def clustered_proportion_interval(successes: ArrayLike, attempts: ArrayLike, level: SupportsFloat = 0.95) -> Interval:
    """k_i successes of m_i attempts in each of n clusters, with the interval of the probability of success.

    Clopper and Pearson's interval, for an effective number of attempts N* (Korn and Graubard 1998). With N = Σ m_i,
    p = Σ k_i / N and the ratio estimator's variance over clusters,

        v = n/(n-1) Σ (k_i - p m_i)² / N²,    D = v / (p (1-p) / N),
        N* = N / max(1, D (n-1) / χ²(0.1; n-1)) · ( t(1 - α/2; N-1) / t(1 - α/2; n-1) )²,

    kept between n and N: D, the design effect, is taken at its upper 90% limit. If fewer than ⌊√n⌋ clusters differ
    from the commonest share of successes, they tell nothing of how alike attempts within a cluster are, and N* = n:
    twenty clusters of 15 successes out of 15 are twenty successes. Never narrower than the interval that takes all
    attempts for independent.

    Args:
        successes: k_i, whole numbers, shape [n].
        attempts: m_i, whole numbers, at least as many; clusters without attempts do not count.
        level: The confidence level 1 - α.

    Raises:
        TypeError: counts that are not real numbers.
        ValueError: counts that are not whole, negative, or more successes than attempts; no attempts; unequal
            numbers; a level outside (0, 1).

    References:
        Korn and Graubard (1998), Confidence intervals for proportions with small expected number of positive counts
        estimated from survey data, Survey Methodology 24. Clopper and Pearson (1934), Biometrika 26.
    """
    hits, tries = pair(successes, attempts, ("successes", "attempts"), at_least=1)
    level = confidence(level)
    if np.any((hits < 0) | (hits > tries) | (hits % 1 != 0) | (tries % 1 != 0)):
        raise ValueError(
            f"successes are {hits.tolist()} of {tries.tolist()} attempts; expected whole numbers, "
            "no more successes than attempts"
        )
    hits, tries = hits[tries > 0], tries[tries > 0]
    if tries.size == 0:
        raise ValueError("attempts are 0 in every cluster; a proportion needs at least one")
    total, share = float(tries.sum()), float(hits.sum() / tries.sum())
    effective = _effective_attempts(hits, tries, level)
    low, high = _clopper_pearson(share, effective, level)
    note = ""
    if total / effective > _LARGE:
        note = f"{total:.0f} attempts in {tries.size} clusters count as {effective:.0f} independent ones"
    return Interval(share, low, high, level, "clustered Clopper-Pearson", note)


def _effective_attempts(hits: FloatArray, tries: FloatArray, level: float) -> float:
    from scipy.special import chdtri

    n, total, share = tries.size, float(tries.sum()), float(hits.sum() / tries.sum())
    shares = np.sort(hits / tries)
    commonest = int(np.max(np.searchsorted(shares, shares + 1e-12, side="right") - np.arange(n)))
    if n < 2 or n - commonest < math.isqrt(n):
        return float(n)
    variance = n / (n - 1) * float(np.sum((hits - share * tries) ** 2)) / total**2
    design_effect = variance / (share * (1 - share) / total) * (n - 1) / float(chdtri(n - 1, _ASSURANCE))
    few_clusters = (t_quantile(level, total - 1) / t_quantile(level, n - 1)) ** 2
    return min(total, max(float(n), total / max(1.0, design_effect) * few_clusters))


def _clopper_pearson(share: float, attempts: float, level: float) -> tuple[float, float]:
    from scipy.special import betaincinv

    tail, hits, misses = (1.0 - level) / 2, share * attempts, (1 - share) * attempts
    low = 0.0 if share == 0 else float(betaincinv(hits, misses + 1, tail))
    high = 1.0 if share == 1 else 1.0 - float(betaincinv(misses, hits + 1, tail))
    return min(low, share), max(high, share)
