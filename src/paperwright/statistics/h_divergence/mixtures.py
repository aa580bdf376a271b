r"""Samples and their mixture as rows of weights over the pooled data.

Section 3.3 of the paper: the infimum over an empirical sample is biased low, the more so the smaller the sample. The
mixture is therefore estimated from as many points as each sample has, so that the biases cancel when p = q.

An *order* is a row that names pooled observations: the first n make up x, the others y. The mixture's points are drawn
within the order by one rule, the same for the observed order as for permuted ones: that makes the test exact.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

Mixture = Literal["pooled_eval", "subsample", "pooled"]
MIXTURES: tuple[Mixture, ...] = ("pooled_eval", "subsample", "pooled")


@dataclass(frozen=True)
class SampleWeights:
    """Rows of weights, one for each order.

    Attributes:
        x: of the first sample.
        y: of the second.
        fitted: on which the mixture's action is chosen.
        scored: on which that action's loss is taken.
    """

    x: Float[Tensor, "orders rows"]
    y: Float[Tensor, "orders rows"]
    fitted: Float[Tensor, "orders rows"]
    scored: Float[Tensor, "orders rows"]


Members = list[Int[np.ndarray, "_ _"]]
"""The points of the mixture for each order, in parts that weigh the same."""


def mixture_members(
    orders: Int[np.ndarray, "orders rows"], n: int, mixture: Mixture, rng: np.random.Generator, *, balanced: bool = True
) -> Members:
    """Return the points of the mixture for every order, in parts that weigh the same.

    Args:
        orders: permutations of the pooled rows.
        n: rows of x; the others are y's.
        mixture: "subsample" and "pooled_eval" draw min(n, m) points, half of them from each side, an odd one from x;
            "pooled" takes all.
        rng: draws them.
        balanced: draw exact halves; else a fair coin decides for each of min(n, m) pairs.
    """
    first, second = orders[:, :n], orders[:, n:]
    size = min(first.shape[1], second.shape[1])
    if mixture == "pooled":
        return [first, second]
    if not balanced:
        return [np.where(rng.random((len(orders), size)) < 0.5, first[:, :size], second[:, :size])]
    halves = [rng.permuted(first, axis=1)[:, : (size + 1) // 2], rng.permuted(second, axis=1)[:, : size // 2]]
    return [half for half in halves if half.shape[1]]


def sample_weights(
    orders: Int[np.ndarray, "orders rows"], n: int, members: Members, mixture: Mixture, like: Tensor
) -> SampleWeights:
    """Return the weights of x, y and the mixture for every order.

    Args:
        orders: permutations of the pooled rows.
        n: rows of x; the others are y's.
        members: the mixture's points, from `mixture_members`.
        mixture: "subsample" scores the mixture's action on its points; "pooled_eval" and "pooled" on all points, each
            side weighing half.
        like: a tensor of the dtype and device that the weights are to have.
    """
    total = orders.shape[1]
    x, y = _rows(orders[:, :n], total, like), _rows(orders[:, n:], total, like)
    pooled = (x + y) / 2
    if mixture == "pooled":
        return SampleWeights(x, y, pooled, pooled)
    fitted = torch.stack([_rows(part, total, like) for part in members]).mean(0)
    return SampleWeights(x, y, fitted, pooled if mixture == "pooled_eval" else fitted)


def _rows(members: Int[np.ndarray, "orders members"], total: int, like: Tensor) -> Float[Tensor, "orders rows"]:
    """Equal weights on the members of each row; one that occurs twice counts twice."""
    rows = like.new_zeros((len(members), total))
    index = torch.as_tensor(np.ascontiguousarray(members), device=like.device)
    return rows.scatter_add_(1, index, like.new_full(members.shape, 1 / members.shape[1]))
