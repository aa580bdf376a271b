"""Mean of the truncated negative binomial, and its inverse: which gamma gives a wanted mean (section 3.2).

Everything is written in l = log(1/gamma) >= 0 and two functions that have no singular point,

    s(y) = log(sinh(y) / y)        and        g(x) = log((e^x - 1) / x) = x/2 + s(x/2),

so that eta = 0 (logarithmic), eta = 1 (geometric) and gamma near 1 need no case of their own. In these terms

    log E[K] = (1 + eta) l / 2 + s(l / 2) - s(eta l / 2).
"""

import math

import numpy as np
from scipy.optimize import brentq

SMALL = 0.1  # below it s(y) is taken from its series
LARGEST_LOG = 690.0  # log(1/gamma) beyond which gamma leaves the normal float64 range


def log_sinhc(y):
    """s(y) = log(sinh(y) / y), elementwise; even, with s(0) = 0. Relative error below 1e-13."""
    y = np.abs(np.asarray(y, dtype=np.float64))
    far = np.maximum(y, SMALL)
    return np.where(y < SMALL, _series(np.minimum(y, SMALL) ** 2), far + np.log(-np.expm1(-2 * far) / (2 * far)))


def _log_sinhc_of_number(y: float) -> float:
    """The same for one float, fast enough to be solved for."""
    y = abs(y)
    return _series(y * y) if y < SMALL else y + math.log(-math.expm1(-2 * y) / (2 * y))


def _series(square):
    """s(y) for y < SMALL, from y squared."""
    return square * (1 / 6 - square * (1 / 180 - square * (1 / 2835 - square * (1 / 37800 - square / 467775))))


def log_expm1_ratio(x):
    """g(x) = log((e^x - 1) / x), elementwise, with g(0) = 0; neither cancels nor overflows."""
    x = np.asarray(x, dtype=np.float64)
    return x / 2 + log_sinhc(x / 2)


def log_mean(eta: float, log_inverse_gamma: float) -> float:
    """log E[K] of the truncated negative binomial with shape `eta` and l = log(1/gamma) = `log_inverse_gamma`."""
    half = log_inverse_gamma / 2
    return (1 + eta) * half + _log_sinhc_of_number(half) - _log_sinhc_of_number(eta * half)


def gamma_for_mean(eta: float, mean: float) -> float:
    """A gamma with E[K] >= `mean`, within 1e-10 relative: the conservative side (more runs, larger bound).

    Raises:
        ValueError: if that gamma is too small for a float64, which only eta near -1 with a large mean reaches.
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
    return gamma
