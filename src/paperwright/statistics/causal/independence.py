"""Whether two samples depend on each other in any way: the Hilbert-Schmidt independence criterion.

Level "structural" of the ladder needs it: a residual that depends on the regressor betrays the wrong direction.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from scipy import stats as distributions
from scipy.spatial.distance import pdist, squareform

from ._rows import numbers

MOST_ROWS = 5000
"""A kernel matrix of more rows than this takes more than 200 MB."""


@dataclass(frozen=True)
class IndependenceTest:
    """What a test of independence found.

    Attributes:
        statistic: n times the criterion; 0 where the samples are independent and n is large.
        p_value: how often independent samples come this far.
    """

    statistic: float
    p_value: float


def hsic_test(
    x: Any,
    y: Any,
    *,
    method: Literal["gamma", "permutation"] = "gamma",
    permutations: int = 500,
    rng: np.random.Generator | int | None = None,
) -> IndependenceTest:
    r"""Test whether two samples are independent, against every kind of dependence.

    .. math:: n\,\mathrm{HSIC} = \tfrac1n \operatorname{tr}(K H L H), \qquad H = I - \tfrac1n 1 1^\top

    with Gaussian kernels :math:`K, L` whose width is the median distance.

    Args:
        x: Shape (rows,) or (rows, features).
        y: likewise, of as many rows.
        method: the null law: a gamma distribution with the right mean and variance (from about 100 rows on), or
            random permutations of `y` (exact for every number of rows).
        permutations: how many.
        rng: the source of the permutations, a generator or a seed.

    Raises:
        ValueError: fewer than 6 rows or more than 5,000, unequal numbers of rows, NaN, a constant sample.

    Source: Gretton et al. 2008, "A kernel statistical test of independence", equations 4, 8 and 9.

    >>> x = np.random.default_rng(0).normal(size=200)
    >>> hsic_test(x, x**2).p_value < 0.001, bool(abs(np.corrcoef(x, x**2)[0, 1]) < 0.2)
    (True, True)
    """
    first, second = _samples(x, y)
    K, L = _gaussian_kernel("x", first), _gaussian_kernel("y", second)
    n = len(K)
    centred = _centred(K)
    statistic = float(np.sum(centred * L)) / n
    if method == "permutation":
        source = np.random.default_rng(rng)
        orders = (source.permutation(n) for _ in range(permutations))
        beaten = sum(float(np.sum(centred * L[np.ix_(order, order)])) / n >= statistic for order in orders)
        return IndependenceTest(statistic, (1 + beaten) / (1 + permutations))
    if method != "gamma":
        raise ValueError(f"method is {method!r}; expected 'gamma' or 'permutation'. Choose one.")
    both = (centred * _centred(L) / 6) ** 2
    variance = (both.sum() - np.trace(both)) / n / (n - 1)
    variance *= 72 * (n - 4) * (n - 5) / n / (n - 1) / (n - 2) / (n - 3)
    mean_k, mean_l = ((M.sum() - n) / n / (n - 1) for M in (K, L))
    mean = (1 + mean_k * mean_l - mean_k - mean_l) / n
    shape, scale = mean**2 / variance, variance * n / mean
    return IndependenceTest(statistic, float(distributions.gamma.sf(statistic, shape, scale=scale)))


def _samples(x: Any, y: Any) -> list[Float[np.ndarray, "rows _"]]:
    samples = [numbers(name, values) for name, values in (("x", x), ("y", y))]
    samples = [sample[:, None] if sample.ndim == 1 else sample for sample in samples]
    if any(sample.ndim != 2 for sample in samples) or len(samples[0]) != len(samples[1]):
        shapes = " and ".join(str(sample.shape) for sample in samples)
        raise ValueError(f"x and y have shapes {shapes}; expected as many rows in both. Pair the observations.")
    if not 6 <= len(samples[0]) <= MOST_ROWS:
        raise ValueError(f"x has {len(samples[0])} rows; expected 6 to {MOST_ROWS}. Test a random part of the rows.")
    return samples


def _gaussian_kernel(name: str, sample: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows rows"]:
    squared = pdist(sample, "sqeuclidean")
    width = float(np.median(squared[squared > 0])) if squared.any() else 0.0
    if not width:
        raise ValueError(f"{name} is the same in all rows; expected a sample that varies. Nothing depends on it.")
    kernel: Float[np.ndarray, "rows rows"] = squareform(np.exp(-squared / width)) + np.eye(len(sample))
    return kernel


def _centred(kernel: Float[np.ndarray, "rows rows"]) -> Float[np.ndarray, "rows rows"]:
    rows = kernel.mean(0)
    centred: Float[np.ndarray, "rows rows"] = kernel - rows - rows[:, None] + rows.mean()
    return centred
