"""The bootstrap interval of any statistic: resample the cases, and read the interval off the resampled statistics."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any, SupportsFloat

import numpy as np
from numpy.typing import ArrayLike

from paperwright.stats._sample import FloatArray, confidence, finite
from paperwright.stats.interval import Interval

# Numbers held at a time by the vectorised path: 8 MB of floats.
_BATCH = 1_000_000


def bootstrap_interval(
    x: ArrayLike,
    statistic: Callable[..., Any] = np.mean,
    *,
    level: SupportsFloat = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> Interval:
    """The statistic of `x` with its bias-corrected and accelerated (BCa) bootstrap interval.

    Cases are drawn with replacement, n of n, `resamples` times. With the statistics of the resamples t*, their share
    below the estimate Φ(z0) and the acceleration a from the jackknife, the ends are the quantiles of t* at

        Φ(z0 + (z0 ± z) / (1 - a (z0 ± z))),    z = Φ⁻¹(1 - α/2).

    Where BCa is undefined, because all resampled statistics lie to one side of the estimate or no single case moves
    it, the percentile interval is given instead, and `method` says so. Statistics that do not vary give an interval
    of width 0.

    Few cases are too few: the resamples vary less than new samples would. 95% intervals of the mean cover, simulated,
    84, 89 and 93% of the time for 5, 10 and 20 normal values, and 74, 83 and 87% for lognormal ones. For means of few
    cases use `guarded_mean_interval` or `bounded_mean_interval`.

    Args:
        x: The cases: shape [n], or [n, ...] where a row is one case (a paper with its reviews, say, when those are
            not independent of each other). n >= 2.
        statistic: A function from an array of the shape of `x` to a number. If `x` is one-dimensional and the
            function takes `axis`, as numpy's do, all resamples are computed at once.
        level: The confidence level 1 - α.
        resamples: How many; 9999 make the ends stable to about a fiftieth of the interval.
        seed: Decides the resamples; the same seed gives the same interval.

    Raises:
        TypeError: `x` does not hold real numbers.
        ValueError: fewer than two cases, NaN or infinity in `x` or in the statistic, too few resamples, a level
            outside (0, 1).

    References:
        Efron (1987), Better bootstrap confidence intervals, JASA 82. Computed by `scipy.stats.bootstrap`.
    """
    from scipy.stats import bootstrap

    cases, level = finite(x, "x"), confidence(level)
    if cases.ndim == 0 or cases.shape[0] < 2:
        raise ValueError(f"x has shape {cases.shape}; at least 2 cases are needed along the first axis")
    if resamples < 100:
        raise ValueError(f"resamples is {resamples}; expected at least 100, and 9999 for figures that are quoted")
    estimate = float(statistic(cases))
    if not np.isfinite(estimate):
        raise ValueError(f"the statistic of x is {estimate}; expected a finite number")

    vectorized = cases.ndim == 1 and _takes_axis(statistic)
    rows = np.arange(cases.shape[0])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # scipy warns where BCa is undefined; that case is handled below.
        warnings.simplefilter("ignore", category=RuntimeWarning)
        result = bootstrap(
            (cases,) if vectorized else (rows,),
            statistic if vectorized else lambda drawn: float(statistic(cases[drawn])),
            vectorized=vectorized,
            n_resamples=resamples,
            confidence_level=level,
            method="BCa",
            batch=max(1, _BATCH // cases.shape[0]) if vectorized else None,
            rng=np.random.default_rng(seed),
        )
    drawn = np.asarray(result.bootstrap_distribution, dtype=np.float64)
    low, high = float(result.confidence_interval.low), float(result.confidence_interval.high)
    if np.isfinite(low) and np.isfinite(high):
        return Interval(estimate, low, high, level, "bootstrap BCa")
    return _percentile(estimate, drawn, level)


def _percentile(estimate: float, drawn: FloatArray, level: float) -> Interval:
    if not np.all(np.isfinite(drawn)):
        bad = int(np.count_nonzero(~np.isfinite(drawn)))
        raise ValueError(
            f"the statistic is NaN or infinite on {bad} of {drawn.size} resamples; expected a finite number"
        )
    tail = (1.0 - level) / 2
    low, high = np.quantile(drawn, [tail, 1.0 - tail])
    return Interval(estimate, float(low), float(high), level, "bootstrap percentile")


def _takes_axis(statistic: Callable[..., Any]) -> bool:
    try:
        return "axis" in inspect.signature(statistic).parameters
    except (TypeError, ValueError):  # a built-in without a signature
        return False
