"""The two-sample test: a permutation test whose statistic is an H-divergence."""

import warnings
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ._inputs import NanPolicy, generator, two_samples
from .divergence import Kind, check_loss, checked_mixture, combine, entropies, prepare
from .losses.loss import Loss
from .mixtures import Mixture, mixture_members, sample_weights

_BLOCK = 4_000_000
"""Weights that are held at once; the default of `batch`."""


@dataclass(frozen=True)
class HTestResult:
    """The result of `h_test`.

    Attributes:
        statistic: the H-divergence of the samples.
        pvalue: the share of orders whose statistic is at least as large, the observed one among them.
        null_distribution: the statistics of the permuted orders, shape [n_resamples].
        entropies: of x, of y and of the mixture.
        kind: "min", "js", or the name of the function.
        n_resamples: permuted orders.
    """

    statistic: float
    pvalue: float
    null_distribution: Float[np.ndarray, " resamples"] = field(repr=False)
    entropies: tuple[float, float, float]
    kind: str
    n_resamples: int


def h_test(
    x: Any,
    y: Any,
    *,
    loss: Loss | tuple[Loss, Loss, Loss],
    kind: Kind = "min",
    mixture: Mixture = "pooled_eval",
    balanced: bool = True,
    n_resamples: int = 999,
    permutations: Int[np.ndarray, "resamples rows"] | None = None,
    batch: int | None = None,
    alternative: Literal["greater"] = "greater",
    select: float | None = None,
    rng: Any = None,
    device: Any = None,
    nan_policy: NanPolicy = "raise",
) -> HTestResult:
    r"""Test whether two samples have one law, by the difference that it makes to a decision.

    .. math:: p = \frac{1 + \#\{\text{permuted } \hat D \ge \text{observed } \hat D\}}{1 + \text{n\_resamples}}

    Exactly valid at every sample size: each statistic is one function of the order of the pooled observations and of
    randomness of its own, the observed order's mixture drawn as every other's.

    Args:
        x: observations, shape [n, ...]: an array, a tensor, a column of a data frame.
        y: observations, shape [m, ...]; n and m may differ.
        loss: what counts, such as `losses.KDE()` for any difference or `losses.Newsvendor(9, 1)` for an order quantity;
            or three losses, of x, of y and of the mixture, as `Loss.select` chooses them on other data.
        kind: "min" (H-Min), "js" (H-Jensen-Shannon), or a function of theta and lambda.
        mixture: "pooled_eval" (its action from min(n, m) points, scored on all), "subsample" or "pooled".
        balanced: draw exact halves for the mixture; else a fair coin for each pair.
        n_resamples: permuted orders.
        permutations: those orders, instead of drawing them.
        batch: how many orders are computed at once; as many as 4 million weights if left out.
        alternative: "greater"; a divergence has no other.
        select: this share of each sample chooses the loss's hyperparameters and is then left out of the test.
        rng: a numpy generator or a seed.
        device: where to compute.
        nan_policy: "raise", or "omit" rows that are not finite.

    Raises:
        TypeError: no numbers, no loss.
        ValueError: samples that do not fit each other or are too small, permutations that are none, bad options.

    Source: Section 4.1; the p-value after Phipson and Smyth (2010).

    >>> from paperwright.statistics.h_divergence import losses
    >>> rng = np.random.default_rng(0)
    >>> result = h_test(rng.normal(size=50), rng.normal(1, size=50), loss=losses.Squared(), rng=0)
    >>> result.pvalue
    0.001
    """
    losses = loss if isinstance(loss, tuple) else (loss, loss, loss)
    for one in losses:
        check_loss(one)
    mixture = checked_mixture(mixture)
    if alternative != "greater":
        raise ValueError(f"alternative is {alternative!r}; expected 'greater': a divergence has no other direction.")
    if permutations is None and (not isinstance(n_resamples, int | np.integer) or n_resamples < 1):
        raise ValueError(f"n_resamples is {n_resamples!r}; expected a whole number of at least 1.")
    if batch is not None and (not isinstance(batch, int | np.integer) or batch < 1):
        raise ValueError(f"batch is {batch!r}; expected a whole number of at least 1.")
    rng = generator(rng)
    least = max(getattr(one, "least_rows", 2) for one in losses)
    first, second = two_samples(x, y, least=least, device=device, nan_policy=nan_policy)
    if select is not None:
        losses, first, second = _selected(losses[0], first, second, select, rng, least)
    pooled = torch.cat([first, second])
    _warn_of_shared_rows(first, second)
    orders = _orders(len(pooled), n_resamples, permutations, rng)
    if len(orders) < 20:
        warnings.warn(
            f"n_resamples is {len(orders) - 1}: p cannot fall to 0.05; expected 19 or more. Pass 999.", stacklevel=2
        )
    prepared = prepare(losses, pooled)
    members = mixture_members(orders, len(first), mixture, rng, balanced=balanced)
    step = int(batch) if batch else max(1, _BLOCK // len(pooled))
    blocks = []
    for start in range(0, len(orders), step):
        block = slice(start, start + step)
        parts = [part[block] for part in members]
        blocks.append(entropies(losses, prepared, sample_weights(orders[block], len(first), parts, mixture, pooled)))
    found = torch.cat(blocks, dim=1)
    values = combine(found[2] - found[0], found[2] - found[1], kind).double().cpu().numpy()
    observed, null = float(values[0]), values[1:]
    # Orders that tie on paper differ in their last digits.
    slack = 1e-10 * max(1.0, abs(observed)) if found.dtype == torch.float64 else 1e-5 * max(1.0, abs(observed))
    pvalue = (1 + int(np.count_nonzero(null >= observed - slack))) / (1 + len(null))
    entropy = tuple(float(one) for one in found[:, 0])
    name = kind if isinstance(kind, str) else getattr(kind, "__name__", "phi")
    return HTestResult(observed, pvalue, null, (entropy[0], entropy[1], entropy[2]), name, len(null))


def _selected(
    loss: Loss, first: Tensor, second: Tensor, share: float, rng: np.random.Generator, least: int
) -> tuple[tuple[Loss, Loss, Loss], Tensor, Tensor]:
    if not isinstance(share, float) or not 0 < share < 1:
        raise ValueError(f"select is {share!r}; expected a share between 0 and 1, such as 0.3.")
    parts = []
    for name, rows in (("x", first), ("y", second)):
        order = torch.as_tensor(rng.permutation(len(rows)), device=rows.device)
        cut = round(share * len(rows))
        if cut < 2 or len(rows) - cut < least:
            raise ValueError(
                f"select is {share} of {len(rows)} rows of {name}; expected 2 rows or more to select on and {least} "
                "to test. Choose another share."
            )
        parts.append((rows[order[:cut]], rows[order[cut:]]))
    return loss.select(parts[0][0], parts[1][0]), parts[0][1], parts[1][1]


def _orders(
    total: int, n_resamples: int, permutations: np.ndarray | None, rng: np.random.Generator
) -> Int[np.ndarray, "orders rows"]:
    """The observed order, then the permuted ones."""
    identity = np.arange(total)[None]
    if permutations is None:
        return np.concatenate([identity, rng.permuted(np.tile(identity, (int(n_resamples), 1)), axis=1)])
    given = np.asarray(permutations)
    if given.ndim != 2 or given.shape[1] != total or not (np.sort(given, axis=1) == identity).all():
        raise ValueError(
            f"permutations has shape {given.shape}; expected rows that each hold 0 to {total - 1} once, the rows of x "
            "first."
        )
    return np.concatenate([identity, given.astype(np.int64)])


def _warn_of_shared_rows(first: Tensor, second: Tensor) -> None:
    """Continuous observations that occur in both samples point to a row that was used twice."""
    one, other = (np.ascontiguousarray(rows.reshape(len(rows), -1).cpu().numpy()) for rows in (first, second))
    if one.shape[1] < 2:
        return
    shared = len({row.tobytes() for row in one} & {row.tobytes() for row in other})
    if shared:
        warnings.warn(
            f"x and y share {shared} equal rows; expected independent samples. Look for rows that stand in both.",
            stacklevel=3,
        )
