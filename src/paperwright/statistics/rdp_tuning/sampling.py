"""Exact draws of the number of runs, in O(1) per draw whatever its mean.

The truncated negative binomial is a zero-truncated Poisson whose rate has a density proportional to
rate^(eta-1) (1 - e^-rate) e^(-b rate), with b = gamma / (1 - gamma). Writing the truncation as "the first event of the
process came at time t <= 1" makes the joint density of t and the rate factor, for every eta > -1. With l = log(1/gamma)
and v = log(1 + t/b) it reads

    v on [0, l] with density ~ exp(-eta v),    G ~ Gamma(1 + eta),    K = 1 + Poisson(G (e^(l - v) - 1)).

For eta = 0 and 1 the mixture is a geometric variable that one logarithm draws.
"""

import math

import numpy as np

_TOO_LARGE = 2.0**63


def fresh_generator() -> np.random.Generator:
    """A generator seeded with fresh entropy from the operating system: K has to be hard to predict."""
    return np.random.default_rng()


def checked_generator(rng: np.random.Generator | None) -> np.random.Generator:
    """`rng`, or a fresh generator where it is None."""
    if not isinstance(rng, np.random.Generator | None):
        raise TypeError(
            f"rng is {rng!r}; expected a numpy.random.Generator. Leave it out, or for a test pass "
            "numpy.random.default_rng(0)."
        )
    return fresh_generator() if rng is None else rng


def draw_negative_binomial(rng: np.random.Generator, eta: float, length: float, shape) -> np.ndarray:
    """Draws from the truncated negative binomial of shape parameter `eta` with log(1/gamma) = `length`."""
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


def draw_table(rng: np.random.Generator, probabilities: np.ndarray, shape) -> np.ndarray:
    """Draws from P[K=k] = `probabilities[k]` by inversion."""
    steps = np.cumsum(probabilities)
    return np.searchsorted(steps, rng.random(shape) * steps[-1], side="right")


def _geometric(rng: np.random.Generator, log_failure: np.ndarray, shape) -> np.ndarray:
    """1 + floor(log V / log r): the number of trials up to the first success."""
    with np.errstate(divide="ignore"):
        drawn = 1 + np.floor(np.log1p(-rng.random(shape)) / log_failure)
    if np.any(drawn >= _TOO_LARGE):
        raise OverflowError(f"a run count of {np.max(drawn):.3g} was drawn, which does not fit into 64 bits")
    return drawn.astype(np.int64)


def _log_one_minus_exp(s: np.ndarray) -> np.ndarray:
    """log(1 - e^-s) for s >= 0: full precision at large s (small gamma); at s = 0 it is -inf, and K = 1."""
    with np.errstate(divide="ignore"):
        return np.log1p(-np.exp(-s))


def _truncated_exponential(rng: np.random.Generator, rate: float, length: float, shape) -> np.ndarray:
    """v on [0, length] with density proportional to exp(-rate v), for a rate of either sign."""
    drawn = -np.log1p(rng.random(shape) * math.expm1(-rate * length)) / rate
    return np.clip(drawn, 0.0, length)
