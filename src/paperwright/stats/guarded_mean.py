"""Student's interval with two guards, for means of values without known bounds: against ties and against skew.

No interval for an unbounded mean is valid for every distribution (Bahadur and Savage 1956). Student's is right for
symmetric values. For skewed ones its end on the side of the long tail is too near, and the more so the fewer the
values; and of values that are nearly all equal it knows no spread. The guards answer both. With t the critical value,
γ the sample's skewness, and λ = γ / √n that of the mean,

    high = mean(x) + s/√n · ( t + 2 · max(0, λ) (1 + 2 t²) / 6 ),
    low  = mean(x) - s/√n · ( t + 2 · max(0, -λ) (1 + 2 t²) / 6 ):

the correction of Johnson (1978), on the long side alone and twice over, because a small sample shows about half of the
skewness it was drawn with (of exponential values, whose skewness is 2, samples of 5, 10 and 20 show 0.8, 1.1 and 1.4).
The interval is open, with the reason in its note, if

- fewer than ⌊√n⌋ values differ from the commonest one, or
- |λ| > max(2.5 / √n, 1/4): one or two of the values decide.

What this comes to, in errors and in width, stands in benchmarks/results/error_rates.md.

References:
    Bahadur and Savage (1956), The nonexistence of certain statistical procedures in nonparametric problems, Annals of
    Mathematical Statistics 27. Johnson (1978), Modified t tests and confidence intervals for asymmetrical populations,
    JASA 73. Hall (1992), On the removal of skewness by transformation, JRSS B 54.
"""

import math
from typing import SupportsFloat

import numpy as np
from numpy.typing import ArrayLike

from paperwright.stats._sample import FloatArray, confidence, sample
from paperwright.stats.difference import welch
from paperwright.stats.interval import Interval
from paperwright.stats.mean import mean, t_quantile, variance

_WAY_OUT = "state bounds=, or claim a share of seeds with Proportion"
_METHOD = "t, guarded"
# Values closer than this share of the largest are equal but for rounding.
_ROUNDING = 1e-11


def guarded_mean_interval(x: ArrayLike, level: SupportsFloat = 0.95, *, resolution: SupportsFloat = 0.0) -> Interval:
    """The mean of independent values with Student's interval, widened for skew, and open where it would mislead.

    Args:
        x: The values, shape [n], n >= 1. A single one leaves everything open.
        level: The confidence level 1 - α.
        resolution: Values that differ by no more than this are equal: the rounding of what they were computed from.

    Returns:
        The interval; if it is open, `note` says why.

    Raises:
        TypeError: `x` does not hold real numbers.
        ValueError: no values, more than one dimension, NaN or infinity, a level outside (0, 1).

    References:
        See the module's.
    """
    values, level = sample(x, "x"), confidence(level)
    values, scale = _scaled(values)
    estimate = scale * mean(values)
    if values.size < 2:
        return open_interval(estimate, level, "one value shows no spread: run more seeds")
    if reason := ties(values, float(resolution) / scale):
        return open_interval(estimate, level, reason)
    squares, cubes = _central_moments(values)
    skew = cubes / squares**1.5 / math.sqrt(values.size)
    if reason := _one_sided(skew, values.size):
        return open_interval(estimate, level, reason)
    error = scale * math.sqrt(variance(values) / values.size)
    return _skewed(estimate, error, t_quantile(level, values.size - 1), skew, level, _METHOD)


def guarded_difference_interval(a: ArrayLike, b: ArrayLike, level: SupportsFloat = 0.95) -> Interval:
    """mean(a) - mean(b) of independent arms with Welch's interval, guarded as `guarded_mean_interval` is.

    The skewness of the difference of the means is λ = (m3_a / n_a² - m3_b / n_b²) / (m2_a / n_a + m2_b / n_b)^(3/2)
    with the arms' central moments m2 and m3. For pairs, give the differences to `guarded_mean_interval`.

    Args:
        a: The values of the one arm, shape [n], n >= 1.
        b: Those of the other, shape [m], m >= 1.
        level: The confidence level 1 - α.

    Returns:
        The interval; if it is open, `note` says why.

    Raises:
        TypeError: an arm does not hold real numbers.
        ValueError: an arm without values, more than one dimension, NaN or infinity, a level outside (0, 1).

    References:
        Welch (1947), Biometrika 34; and the module's.
    """
    first, second, level = sample(a, "a"), sample(b, "b"), confidence(level)
    _, scale = _scaled(np.concatenate([first, second]))
    first, second = first / scale, second / scale
    estimate, fewest = scale * (mean(first) - mean(second)), min(first.size, second.size)
    if fewest < 2:
        return open_interval(estimate, level, "one value shows no spread: run more seeds")
    if reason := ties(first) or ties(second):
        return open_interval(estimate, level, reason)
    (squares_a, cubes_a), (squares_b, cubes_b) = _central_moments(first), _central_moments(second)
    spread = squares_a / first.size + squares_b / second.size
    skew = (cubes_a / first.size**2 - cubes_b / second.size**2) / spread**1.5
    if reason := _one_sided(skew, fewest):
        return open_interval(estimate, level, reason)
    error, degrees = welch(first, second)
    return _skewed(estimate, scale * error, t_quantile(level, degrees), skew, level, "Welch t, guarded")


def open_interval(estimate: float, level: float, reason: str) -> Interval:
    """An interval that leaves everything open, and says why."""
    return Interval(estimate, -math.inf, math.inf, level, "open", reason)


def ties(values: FloatArray, resolution: float = 0.0) -> str:
    """Why so many equal values show no spread; empty if enough of them differ: ⌊√n⌋ or more."""
    ordered = np.sort(values)
    resolution = max(resolution, _ROUNDING * float(np.abs(values).max()))
    equal = int(np.max(np.searchsorted(ordered, ordered + resolution, side="right") - np.arange(ordered.size)))
    if values.size - equal >= math.isqrt(values.size):
        return ""
    return f"{equal} of {values.size} values are equal: {_WAY_OUT}"


def _one_sided(skew: float, n: int) -> str:
    if abs(skew) <= max(2.5 / math.sqrt(n), 0.25):
        return ""
    return f"one or two of {n} values decide (skewness {skew * math.sqrt(n):.1f}): {_WAY_OUT}"


def _scaled(values: FloatArray) -> tuple[FloatArray, float]:
    """The values divided by the largest, so that their cubes neither overflow nor vanish."""
    scale = float(np.abs(values).max()) or 1.0
    return values / scale, scale


def _central_moments(values: FloatArray) -> tuple[float, float]:
    away = values - values[0]
    away = away - away.mean()
    return float(np.mean(away**2)), float(np.mean(away**3))


def _skewed(estimate: float, error: float, t: float, skew: float, level: float, method: str) -> Interval:
    longer = 2 * abs(skew) * (1 + 2 * t * t) / 6
    below, above = (t, t + longer) if skew > 0 else (t + longer, t)
    return Interval(estimate, estimate - below * error, estimate + above * error, level, method)
