"""Curves that flatten out: y = c + a · x^(-b), as losses do over data, parameters or steps."""

import math
from dataclasses import dataclass
from typing import NamedTuple, SupportsFloat

import numpy as np
from numpy.typing import ArrayLike

from paperwright.stats._sample import FloatArray, confidence, finite, pair
from paperwright.stats.interval import Interval
from paperwright.stats.mean import t_quantile

# b · log(x_max / x_min): below the first the curve cannot be told from a + b log x, above the last only the smallest
# x differs from the limit.
_FLATTEST, _STEEPEST = 0.02, 40.0
_GRID = 400


@dataclass(frozen=True, slots=True)
class Saturation:
    """y = limit + amplitude · x^(-exponent), as `fit_saturating` found it.

    Attributes:
        limit: c, which y approaches for large x, with its interval. An end is infinite where the data leave it open.
        amplitude: a, with its interval; above 0 for a curve that falls, below 0 for one that rises.
        exponent: b > 0, with its interval.
        r_squared: The share of the variance of y that the curve explains.
        points: How many points were fitted.
    """

    limit: Interval
    amplitude: Interval
    exponent: Interval
    r_squared: float
    points: int

    def predict(self, x: ArrayLike) -> FloatArray:
        """limit + amplitude · x^(-exponent), in the shape of `x`. Raises ValueError where x is not above 0."""
        values = finite(x, "x")
        if values.size and values.min() <= 0:
            raise ValueError(f"the smallest value of x is {values.min():g}; expected values above 0")
        return np.asarray(self.limit.estimate + self.amplitude.estimate * values**-self.exponent.estimate)


def fit_saturating(x: ArrayLike, y: ArrayLike, level: SupportsFloat = 0.95) -> Saturation:
    """Least squares of y = c + a x^(-b), b > 0, with profile-likelihood intervals.

    For a given b the curve is linear in c and a, so that the fit is a search over b alone. The interval of each
    parameter is what the F-ratio does not reject,

        { θ : SSE(θ, others at their best) <= SSE_min · (1 + t² / (n - 3)) },    t = t(1 - α/2; n - 3),

    which, unlike estimate ± standard error, is right to be lopsided or open: three points on a nearly straight
    stretch say little about the limit. Exact where the model is nearly linear, and close to it elsewhere, for errors
    that are independent and normal, of one variance.

    Args:
        x: Sizes, above 0, shape [n], n >= 4, at least three of them distinct.
        y: What was measured, shape [n].
        level: The confidence level of the three intervals, each for itself.

    Raises:
        TypeError: x or y do not hold real numbers.
        ValueError: fewer than four points, unequal numbers, x not above 0, fewer than three distinct x, y that does
            not vary, NaN or infinity, a level outside (0, 1); or the best curve lies at an end of the search: the
            data do not bend (fit a line in log x, or a power law), bend the other way, or drop once and stay flat.

    References:
        Bates and Watts (1988), Nonlinear Regression Analysis and Its Applications, section 6.1 (profile intervals).
        Golub and Pereyra (1973), SIAM Journal on Numerical Analysis 10 (variable projection).
    """
    sizes, values = pair(x, y, ("x", "y"), at_least=4)
    level = confidence(level)
    if sizes.min() <= 0:
        raise ValueError(f"the smallest value of x is {sizes.min():g}; expected values above 0")
    if np.unique(sizes).size < 3:
        raise ValueError(f"x has {np.unique(sizes).size} distinct values; three parameters need at least 3")
    if np.all(values == values[0]):
        raise ValueError(f"all {values.size} values of y are {values[0]:g}; there is nothing that saturates")
    curve = _Curve(sizes, values)
    best = curve.best()
    fit = curve.fit(np.array([best]))
    left, degrees = float(fit.squares[0]), values.size - 3
    ratio = t_quantile(level, degrees) ** 2 / degrees
    limit, amplitude, exponent = curve.profile(best, left * (1 + ratio))
    method = "least squares, profile"
    variation = float(np.sum((values - np.mean(values)) ** 2))
    return Saturation(
        limit=Interval(float(fit.limit[0]), *limit, level, method),
        amplitude=Interval(float(curve.at_size_one(fit.amplitude, np.array([best]))[0]), *amplitude, level, method),
        exponent=Interval(best, *exponent, level, method),
        r_squared=1.0 - left / variation,
        points=values.size,
    )


class _Fit(NamedTuple):
    """The best curve for each of several exponents; all of shape [exponents]."""

    squares: FloatArray
    limit: FloatArray
    amplitude: FloatArray
    limit_variance: FloatArray  # per unit of error variance
    amplitude_variance: FloatArray


class _Curve:
    """The data, and the fits for given exponents. Sizes are divided by the smallest, so that powers stay in (0, 1]."""

    def __init__(self, sizes: FloatArray, values: FloatArray) -> None:
        self.smallest = float(sizes.min())
        self.log_sizes = np.log(sizes / self.smallest)
        self.values = values
        span = float(self.log_sizes.max())
        self.flattest, self.steepest = _FLATTEST / span, _STEEPEST / span

    def fit(self, exponents: FloatArray) -> _Fit:
        powers = np.expm1(np.multiply.outer(-exponents, self.log_sizes))  # x^-b - 1: keeps its digits for small b
        centre = powers.mean(axis=1)
        away = powers - centre[:, None]
        spread = np.sum(away**2, axis=1)
        values_away = self.values - self.values.mean()
        amplitude = away @ values_away / spread
        squares = np.sum((values_away - amplitude[:, None] * away) ** 2, axis=1)
        limit = self.values.mean() - amplitude * (centre + 1)
        return _Fit(squares, limit, amplitude, 1 / self.values.size + (centre + 1) ** 2 / spread, 1 / spread)

    def at_size_one(self, amplitudes: FloatArray, exponents: FloatArray) -> FloatArray:
        """From the amplitudes at the smallest size to those at size 1."""
        return np.asarray(amplitudes * np.exp(exponents * math.log(self.smallest)))

    def best(self) -> float:
        """The exponent with the least squares."""
        from scipy.optimize import minimize_scalar

        grid = np.geomspace(self.flattest, self.steepest, _GRID)
        squares = self.fit(grid).squares
        at = int(np.argmin(squares))
        if at == 0:
            raise ValueError(
                "y does not flatten out over these x: no limit can be fitted; try fit_power_law, or larger x"
            )
        if squares[-1] <= squares[at] * (1 + 1e-12):  # the last is the least, but for rounding
            raise ValueError("y is flat after the smallest x: no exponent can be fitted; add smaller x")
        found = minimize_scalar(
            lambda log_b: float(self.fit(np.exp([log_b])).squares[0]),
            bounds=(math.log(grid[at - 1]), math.log(grid[at + 1])),
            method="bounded",
            options={"xatol": 1e-12},
        )
        return math.exp(float(found.x))

    def profile(self, best: float, threshold: float) -> tuple[tuple[float, float], ...]:
        """The intervals of limit, amplitude and exponent: the shadows of the region SSE <= threshold."""
        low, low_open = self._end(best, self.flattest, threshold)
        high, high_open = self._end(best, self.steepest, threshold)
        exponents = np.unique(np.concatenate([np.geomspace(low, high, _GRID), [best]]))
        fit = self.fit(exponents)
        room = np.maximum(threshold - fit.squares, 0.0)
        limits = _shadow(fit.limit, np.sqrt(room * fit.limit_variance))
        reach = np.sqrt(room * fit.amplitude_variance)
        amplitudes = _shadow(self.at_size_one(fit.amplitude, exponents), self.at_size_one(reach, exponents))
        # As b -> 0 the curve becomes a line in log x, and c and a run off in opposite directions.
        if low_open and fit.amplitude[0] + reach[0] > 0:
            limits, amplitudes = (-math.inf, limits[1]), (amplitudes[0], math.inf)
        if low_open and fit.amplitude[0] - reach[0] < 0:
            limits, amplitudes = (limits[0], math.inf), (-math.inf, amplitudes[1])
        # As b -> ∞ the amplitude at size 1, that at the smallest size times smallest^b, runs off or dies away.
        if high_open and self.smallest > 1:
            amplitudes = (
                -math.inf if fit.amplitude[-1] - reach[-1] < 0 else amplitudes[0],
                math.inf if fit.amplitude[-1] + reach[-1] > 0 else amplitudes[1],
            )
        if high_open and self.smallest < 1:
            amplitudes = (min(amplitudes[0], 0.0), max(amplitudes[1], 0.0))
        return limits, amplitudes, (0.0 if low_open else low, math.inf if high_open else high)

    def _end(self, best: float, edge: float, threshold: float) -> tuple[float, bool]:
        """Where SSE crosses the threshold between the best exponent and the edge, and whether it does not."""

        def excess(exponent: float) -> float:
            return float(self.fit(np.array([exponent])).squares[0]) - threshold

        # Outwards from the best to the first crossing: the threshold is that of the region around the minimum.
        path = np.geomspace(best, edge, _GRID)
        above = np.flatnonzero(self.fit(path).squares > threshold)
        if above.size == 0:
            return edge, True
        if above[0] == 0:  # a perfect fit: nothing but rounding is left
            return best, False
        from scipy.optimize import brentq

        return float(brentq(excess, path[above[0] - 1], path[above[0]], xtol=1e-14)), False


def _shadow(centres: FloatArray, reaches: FloatArray) -> tuple[float, float]:
    return float(np.min(centres - reaches)), float(np.max(centres + reaches))
