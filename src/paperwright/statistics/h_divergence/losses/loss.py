"""What a loss is to the H-entropy: the best action on weighted data, for many weightings at once.

Section 3.1 of the paper: H(p) = inf over actions a of E[l(X, a)]. A sample is a row of weights over data that are
handed over once, so that a permutation test is a matrix of weights and no loop. A loss knows nothing of permutations.
"""

from abc import ABC, abstractmethod
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


class Loss(ABC):
    """A loss l(x, a) with its set of actions.

    A loss of one's own implements `fit_entropy` and `expected`; `prepare` where something is computed once for all
    weightings, and `select` where it has hyperparameters to choose on data of their own.
    """

    least_rows = 4
    """Rows that a sample must have for the best action to mean anything."""

    def prepare(self, data: Tensor) -> Any:
        """Return what `fit_entropy` and `expected` take: pair distances, a sorted order. The data themselves here.

        It must not depend on the order of the rows, or a permutation test loses its level.
        """
        return data

    @abstractmethod
    def fit_entropy(self, prepared: Any, weights: Float[Tensor, "batch rows"]) -> tuple[Float[Tensor, " batch"], Any]:
        """Return inf over a of sum_i w_i l(x_i, a) for every row of weights, and the actions that reach it.

        Args:
            prepared: from `prepare`.
            weights: a row for each sample, each summing to 1.
        """

    @abstractmethod
    def expected(self, action: Any, prepared: Any, weights: Float[Tensor, "batch rows"]) -> Float[Tensor, " batch"]:
        """Return sum_i w_i l(x_i, a) for every row of weights and its action."""

    def select(self, x: Tensor, y: Tensor) -> "tuple[Loss, Loss, Loss]":
        """Return the losses of x, of y and of their mixture, hyperparameters chosen on data that are not tested."""
        return self, self, self


def matrix(data: Tensor, name: str = "data") -> Float[Tensor, "rows features"]:
    """Return data as rows of numbers: scalars as one column, images flat."""
    if not data.is_floating_point():
        raise TypeError(f"{name} has dtype {data.dtype}; expected floating point. Call .double().")
    return data.reshape(len(data), -1)


def moments(
    rows: Float[Tensor, "rows features"], weights: Float[Tensor, "batch rows"]
) -> tuple[Float[Tensor, "batch features"], Float[Tensor, "batch features features"]]:
    """Return the weighted means and covariances of every row of weights, from two matrix products.

    Rows are centred first: the difference E[xx'] - mm' cancels for data far from 0.
    """
    centre = rows.mean(0)
    rows = rows - centre
    size = rows.shape[1]
    outer = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), size * size)
    mean = weights @ rows
    second = (weights @ outer).reshape(-1, size, size)
    return mean + centre, second - mean[:, :, None] * mean[:, None, :]


def spread_about(
    mean: Float[Tensor, "batch features"],
    covariance: Float[Tensor, "batch features features"],
    point: Float[Tensor, "batch features"],
) -> Float[Tensor, "batch features features"]:
    """Return E[(x - point)(x - point)'] from mean and covariance."""
    gap = mean - point
    return covariance + gap[:, :, None] * gap[:, None, :]


def squared_distances(rows: Float[Tensor, "rows features"]) -> Float[Tensor, "rows rows"]:
    """Return the squared Euclidean distance of every pair of rows."""
    return torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist").square()
