"""Multinomial counts given that none is zero, drawn without trying until it happens."""

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import brentq
from scipy.signal import convolve
from scipy.stats import poisson


def positive_multinomial(
    total: int, probabilities: Float[np.ndarray, " classes"], random: np.random.Generator
) -> Int[np.ndarray, " classes"]:
    """Draw (n_1, ..., n_k) from the multinomial distribution given that every n_i is at least 1.

    One plain draw is kept if no count is zero. Otherwise the counts are drawn one after another from the conditional
    distribution itself, so that the number of steps is fixed, however unlikely the condition. Independent Poisson
    counts with means θ p_i, each given to be positive, have this very distribution once their sum is given, for any θ:

        P(n_i | n_1 + ... + n_i = m) ∝ t_i(n_i) s_{i−1}(m − n_i),

    with t_i the zero-truncated Poisson distribution and s_i that of the sum of the first i. θ is the one at which the
    expected sum is `total`, where the tables hold no tiny numbers.

    Args:
        total: sum of the counts, at least the number of classes.
        probabilities: positive, of sum 1.
        random: the generator.

    Raises:
        ValueError: there are fewer to spread than classes, or a probability is not positive.
    """
    classes = len(probabilities)
    if total < classes or not (probabilities > 0).all():
        raise ValueError(
            f"total is {total}; expected at least one for each of {classes} classes of positive probability"
        )
    counts = random.multinomial(total, probabilities)
    if counts.all():
        return counts
    if total == classes:
        return np.ones(classes, dtype=counts.dtype)
    tables = [_positive_poisson(mean, total - classes + 1) for mean in _means(total, probabilities)]
    sums = [np.ones(1)]  # sums[i][m]: the probability that the first i counts add up to i + m
    for table in tables[:-1]:
        sums.append(convolve(sums[-1], table)[: total - classes + 1].clip(min=0))
    rest = total - classes
    for i in reversed(range(classes)):
        beyond = np.arange(max(0, rest - len(sums[i]) + 1), min(len(tables[i]), rest + 1))
        odds = tables[i][beyond] * sums[i][rest - beyond]
        counts[i] = 1 + random.choice(beyond, p=odds / odds.sum())
        rest -= counts[i] - 1
    return counts


def _means(total: int, probabilities: Float[np.ndarray, " classes"]) -> Float[np.ndarray, " classes"]:
    """θ p_i with θ such that the zero-truncated means θ p_i / (1 − exp(−θ p_i)) add up to `total`."""

    def excess(log_theta: float) -> float:
        means = np.exp(log_theta) * probabilities
        return float((means / -np.expm1(-means)).sum() - total)

    # A term lies between θ p_i and 1 + θ p_i: the sum is above `total` at θ = total, and below it at θ = 1/2.
    return np.exp(brentq(excess, np.log(0.5), np.log(total))) * probabilities


def _positive_poisson(mean: float, length: int) -> Float[np.ndarray, " counts"]:
    """Probabilities of the counts 1, 2, ... of a zero-truncated Poisson, as far as float64 can add them.

    Beyond mean + t lies at most exp(−t²/2 / (mean + t/3)) (Bernstein), here below 1e-25.
    """
    longest = min(length, int(mean + 12 * mean**0.5 + 40))
    return poisson.pmf(np.arange(1, longest + 1), mean) / -np.expm1(-mean)
