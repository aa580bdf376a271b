"""The interval of a proportion: so many successes of so many trials."""

import math
from typing import Literal, SupportsFloat

from paperwright.stats._sample import confidence, whole
from paperwright.stats.interval import Interval


def proportion_interval(
    successes: SupportsFloat,
    trials: SupportsFloat,
    level: SupportsFloat = 0.95,
    method: Literal["wilson", "exact"] = "wilson",
) -> Interval:
    """k successes of n independent trials, with the interval of their probability.

    `wilson` inverts the score test, and covers at `level` on average over p:

        (k + z²/2) / (n + z²) ± z / (n + z²) · √(k (n - k) / n + z²/4)

    `exact` inverts the binomial's two tails (Clopper and Pearson) and never covers less than `level`:

        low = BetaInv(α/2; k, n - k + 1),    high = BetaInv(1 - α/2; k + 1, n - k)

    Args:
        successes: k, a whole number from 0 to n.
        trials: n, a whole number of 1 or more.
        level: The confidence level 1 - α.
        method: "wilson" or "exact".

    Raises:
        ValueError: counts that are not whole, negative, or more successes than trials; no trials; a level outside
            (0, 1); an unknown method.

    References:
        Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22.
        Clopper and Pearson (1934), The use of confidence or fiducial limits, Biometrika 26.
    """
    k, n, level = whole(successes, "successes"), whole(trials, "trials"), confidence(level)
    if n == 0:
        raise ValueError("trials is 0; a proportion needs at least one trial")
    if k > n:
        raise ValueError(f"{k} successes of {n} trials; expected no more successes than trials")
    if method == "wilson":
        low, high = _wilson(k, n, level)
        return Interval(k / n, low, high, level, "Wilson")
    if method == "exact":
        low, high = _clopper_pearson(k, n, level)
        return Interval(k / n, low, high, level, "Clopper-Pearson")
    raise ValueError(f"method is {method!r}; expected 'wilson' or 'exact'")


def _wilson(k: int, n: int, level: float) -> tuple[float, float]:
    from scipy.special import ndtri

    z = -float(ndtri((1.0 - level) / 2))
    centre = (k + z * z / 2) / (n + z * z)
    reach = z / (n + z * z) * math.sqrt(k * (n - k) / n + z * z / 4)
    # At k = 0 and k = n the ends are 0 and 1 exactly; rounding would put them a hair outside.
    return (0.0 if k == 0 else centre - reach), (1.0 if k == n else centre + reach)


def _clopper_pearson(k: int, n: int, level: float) -> tuple[float, float]:
    from scipy.special import betaincinv

    tail = (1.0 - level) / 2
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    # The upper end by symmetry from the failures' lower end: 1 - tail would round for tails below 1e-16.
    high = 1.0 if k == n else 1.0 - float(betaincinv(n - k, k + 1, tail))
    return low, high
