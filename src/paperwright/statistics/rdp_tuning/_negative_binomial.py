r"""The truncated negative binomial: its mean, which gamma gives a wanted mean, and exact draws in O(1).

Everything is written in l = log(1/gamma) >= 0 and two functions that have no singular point,

.. math:: s(y) = \log(\sinh(y) / y), \qquad g(x) = \log((e^x - 1) / x) = x/2 + s(x/2),

so that eta = 0 (logarithmic), eta = 1 (geometric) and gamma near 1 need no case of their own. In these terms

.. math:: \log E[K] = (1 + \eta)\, l / 2 + s(l / 2) - s(\eta l / 2).

For the draws it is read as a zero-truncated Poisson whose rate has a density proportional to
:math:`r^{\eta-1} (1 - e^{-r}) e^{-br}`, with b = gamma / (1 - gamma). Writing the truncation as "the first event of the
process came at time t <= 1" makes the joint density of t and the rate factor, for every eta > -1. With
v = log(1 + t/b) it reads

.. math:: v \in [0, l] \text{ with density} \propto e^{-\eta v}, \quad G \sim \mathrm{Gamma}(1 + \eta), \quad
          K = 1 + \mathrm{Poisson}(G\, (e^{l - v} - 1)).

For eta = 0 and 1 the mixture is a geometric variable that one logarithm draws.

Source: Definition 1 of the paper; the draws are ours.
"""

import math
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

Values = Float[np.ndarray, "*k"] | float
Size = int | tuple[int, ...]

SMALL = 0.1  # below it s(y) is taken from its series
FAR = 500.0  # from it on e^-x is nothing beside 1, and x/2 + s(x/2) would cancel for a negative x
LARGEST_LOG = 690.0  # log(1/gamma) beyond which gamma leaves the normal float64 range
TOO_LARGE = 2.0**63


def log_sinhc(y: Values) -> Values:
    """Return s(y) = log(sinh(y) / y), elementwise; even, with s(0) = 0. Relative error below 1e-13."""
    y = np.abs(np.asarray(y, dtype=np.float64))
    far = np.maximum(y, SMALL)
    return np.where(y < SMALL, _series(np.minimum(y, SMALL) ** 2), far + np.log(-np.expm1(-2 * far) / (2 * far)))


def _log_sinhc_of_number(y: float) -> float:
    """The same for one float, fast enough to be solved for."""
    y = abs(y)
    return _series(y * y) if y < SMALL else y + math.log(-math.expm1(-2 * y) / (2 * y))


def _series(square: Any) -> Any:
    """s(y) for y < SMALL, from y squared."""
    return square * (1 / 6 - square * (1 / 180 - square * (1 / 2835 - square * (1 / 37800 - square / 467775))))


def log_expm1_ratio(x: Values) -> Values:
    """Return g(x) = log((e^x - 1) / x), elementwise, with g(0) = 0; neither cancels nor overflows."""
    x = np.asarray(x, dtype=np.float64)
    return np.where(x < -FAR, -np.log(np.maximum(-x, FAR)), x / 2 + log_sinhc(x / 2))


def log_mean(eta: float, log_inverse_gamma: float) -> float:
    """Return log E[K] of the truncated negative binomial with shape `eta` and l = `log_inverse_gamma`."""
    half = log_inverse_gamma / 2
    if eta * log_inverse_gamma > FAR:
        return half + _log_sinhc_of_number(half) + math.log(eta * log_inverse_gamma)
    return (1 + eta) * half + _log_sinhc_of_number(half) - _log_sinhc_of_number(eta * half)


def gamma_for_mean(eta: float, mean: float) -> float:
    """Return a gamma with E[K] >= `mean`, within 1e-10 relative: the conservative side (more runs, larger bound).

    Raises:
        ValueError: if that gamma is too small for a float64, which only eta near -1 with a large mean reaches, or too
            near 1, which only a large eta with a small mean reaches.
    """
    if mean == 1:
        return 1.0
    target = math.log1p(mean - 1)
    high = 1.0
    while log_mean(eta, high) < target:
        high *= 2
        if high > 2 * LARGEST_LOG:
            break
    if log_mean(eta, min(high, LARGEST_LOG)) < target:
        raise ValueError(
            f"mean is {mean}; expected at most {math.exp(log_mean(eta, LARGEST_LOG)):.4g} for eta = {eta}: beyond, "
            "gamma lies below 1e-299. Take a smaller mean or an eta further from -1."
        )
    solution = brentq(lambda log: log_mean(eta, log) - target, 0.0, high, xtol=1e-300, rtol=1e-15)
    gamma, step = math.exp(-solution), 2.0**-53
    while log_mean(eta, -math.log(gamma)) < target:
        gamma, step = gamma * (1 - step), 2 * step
    if log_mean(eta, -math.log(gamma)) > target + 5e-10:
        raise ValueError(
            f"eta is {eta}; expected less for mean = {mean}: a float64 gamma near 1 cannot tell so exactly. "
            "Take a smaller eta, or RunCount.poisson, which is its limit."
        )
    return gamma


def draw_negative_binomial(rng: np.random.Generator, eta: float, length: float, shape: Size) -> np.ndarray:
    """Draw from the truncated negative binomial of shape parameter `eta` with log(1/gamma) = `length`."""
    if eta == 0:
        # Kemp's LK: given U, K is geometric with failure probability r = 1 - gamma^U; log r without forming 1 - gamma.
        return _geometric(rng, _log_one_minus_exp(length * rng.random(shape)), shape)
    if eta == 1:
        return _geometric(rng, _log_one_minus_exp(np.full(1, length)), shape)
    remaining = length - _truncated_exponential(rng, eta, length, shape)
    rate = rng.standard_gamma(1 + eta, shape) * np.expm1(remaining)
    if np.any(rate >= 2.0**62):
        raise OverflowError(f"a run count near {np.max(rate):.3g} was drawn, which does not fit into 64 bits")
    return 1 + rng.poisson(rate)


def _geometric(rng: np.random.Generator, log_failure: np.ndarray, shape: Size) -> np.ndarray:
    """1 + floor(log V / log r): the number of trials up to the first success."""
    with np.errstate(divide="ignore"):
        drawn = 1 + np.floor(np.log1p(-rng.random(shape)) / log_failure)
    if np.any(drawn >= TOO_LARGE):
        raise OverflowError(f"a run count of {np.max(drawn):.3g} was drawn, which does not fit into 64 bits")
    return drawn.astype(np.int64)


def _log_one_minus_exp(s: np.ndarray) -> np.ndarray:
    """log(1 - e^-s) for s >= 0: full precision at large s (small gamma); at s = 0 it is -inf, and K = 1."""
    with np.errstate(divide="ignore"):
        return np.log1p(-np.exp(-s))


def _truncated_exponential(rng: np.random.Generator, rate: float, length: float, shape: Size) -> np.ndarray:
    """v on [0, length] with density proportional to exp(-rate v), for a rate of either sign."""
    drawn = -np.log1p(rng.random(shape) * math.expm1(-rate * length)) / rate
    return np.clip(drawn, 0.0, length)
