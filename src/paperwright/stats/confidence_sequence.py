"""Intervals that may be looked at after every value: anytime-valid, for as long as one likes.

A confidence sequence is a rule that gives an interval after each value, such that

    P(some interval, at any n, misses the true mean) <= α.

Unlike the levels of `look_levels` it needs no plan of looks and no last one; its intervals are wider for that. Both
rules here invert an e-process: a wealth that starts at 1 and is a fair (or losing) game if m is the mean, so that by
Ville's inequality it ever reaches 1/α with probability α at most. The interval holds every m whose wealth has not.
"""

import math
from typing import SupportsFloat

from numpy.typing import ArrayLike

from paperwright.stats._sample import confidence, positive, sample
from paperwright.stats.interval import Interval
from paperwright.stats.mean import mean, variance


def anytime_mean_interval(
    x: ArrayLike,
    level: SupportsFloat = 0.95,
    *,
    scale: SupportsFloat | None = None,
    tuned_for: SupportsFloat = 20,
) -> Interval:
    """The mean of the values so far, with an interval that holds at every n at once.

    With `scale` σ given, for values whose deviations are sub-Gaussian with that σ (normal ones, say): the normal
    mixture of Robbins. With g the variance of the mixture,

        |m - mean(x)| < σ/n · √( (n + 1/g) · log((1 + n g) / α²) ).

    Without `scale`, for normal values of unknown variance: the t-mixture, which puts N(0, g) on the effect size μ/σ
    and Jeffreys' right Haar prior on σ. Its wealth against m is, with t² = n (mean(x) - m)² / s² and G = 1 + n g,

        E_n(m) = G^(-1/2) · [ (1 + t²/(n-1)) / (1 + t²/(G (n-1))) ]^(n/2),

    and the interval {m: E_n(m) < 1/α} is in closed form. The first few n give an infinite interval.

    Args:
        x: All values so far, shape [n], in the order they came; n >= 2 without `scale`, else n >= 1.
        level: 1 - α, for the whole sequence.
        scale: The known σ, in the units of x.
        tuned_for: The n at which the interval is about as narrow as it can be; it is valid at every n. Must be fixed
            before looking.

    Raises:
        TypeError: `x` does not hold real numbers.
        ValueError: too few values, more than one dimension, NaN or infinity, a level outside (0, 1), a scale or
            `tuned_for` not above 0.

    References:
        Robbins (1970), Statistical methods related to the law of the iterated logarithm, Annals of Mathematical
        Statistics 41. Howard, Ramdas, McAuliffe and Sekhon (2021), Time-uniform, nonparametric, nonasymptotic
        confidence sequences, Annals of Statistics 49, equation 14. Wang and Ramdas (2025), Anytime-valid t-tests and
        confidence sequences for Gaussian means with unknown variance, Sequential Analysis 44.
    """
    values = sample(x, "x", at_least=2 if scale is None else 1)
    level, planned = confidence(level), positive(tuned_for, "tuned_for")
    alpha, n, estimate = 1.0 - level, values.size, mean(values)
    mixture = _mixture_variance(planned, alpha)
    growth = 1 + n * mixture
    if scale is not None:
        reach = positive(scale, "scale") / n * math.sqrt((n + 1 / mixture) * math.log(growth / alpha**2))
        return Interval(estimate, estimate - reach, estimate + reach, level, "anytime, normal mixture")

    spread = variance(values)
    if spread == 0:
        return Interval(estimate, estimate, estimate, level, "anytime, t-mixture")
    # E_n(m) < 1/α is (1 + r) / (1 + r/G) < K for r = t²/(n-1); its left side never exceeds G.
    bound = math.exp(2 / n * math.log(math.sqrt(growth) / alpha))
    reach = math.sqrt((bound - 1) / (1 - bound / growth) * (n - 1) * spread / n) if bound < growth else math.inf
    return Interval(estimate, estimate - reach, estimate + reach, level, "anytime, t-mixture")


def _mixture_variance(planned: float, alpha: float) -> float:
    """The g that makes the normal mixture narrowest at n = planned (Howard et al. 2021, proposition 3)."""
    from scipy.special import lambertw

    return (-float(lambertw(-(alpha**2) / math.e, -1).real) - 1) / planned
