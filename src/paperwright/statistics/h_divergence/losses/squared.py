"""Losses of reconstruction in closed form: squared error, and projection onto few directions."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from .loss import Loss, matrix, moments, spread_about


@dataclass(frozen=True)
class Squared(Loss):
    r"""Squared distance to a point: l(x, a) = |x - a|^2, whose best action is the mean.

    With `kind="js"` and `mixture="pooled"` the divergence is a quarter of the squared distance of the means.
    """

    def prepare(self, data: Tensor) -> tuple[Tensor, Tensor]:
        rows = matrix(data)
        rows = rows - rows.mean(0)
        return rows, rows.square().sum(1)

    def fit_entropy(self, prepared: Any, weights: Float[Tensor, "batch rows"]) -> tuple[Float[Tensor, " batch"], Any]:
        action = weights @ prepared[0]
        return self.expected(action, prepared, weights), action

    def expected(self, action: Any, prepared: Any, weights: Float[Tensor, "batch rows"]) -> Float[Tensor, " batch"]:
        rows, squares = prepared
        mean = weights @ rows
        return weights @ squares - 2 * (mean * action).sum(1) + action.square().sum(1)


@dataclass(frozen=True)
class PCA(Loss):
    r"""Squared error of a linear autoencoder: actions are a mean and `rank` directions.

    .. math:: l(x, (\mu, V)) = \lVert (I - VV^\top)(x - \mu)\rVert^2

    The best action is the principal subspace; its loss the sum of the other eigenvalues of the covariance.

    Args:
        rank: directions.

    Raises:
        ValueError: a rank below 1, or not below the number of features when it is fitted.
    """

    rank: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.rank, int) or self.rank < 1:
            raise ValueError(f"rank is {self.rank!r}; expected a whole number of at least 1.")

    def prepare(self, data: Tensor) -> Tensor:
        rows = matrix(data)
        if rows.shape[1] <= self.rank:
            raise ValueError(f"data has {rows.shape[1]} features; expected more than the rank {self.rank}.")
        return rows

    def fit_entropy(self, prepared: Any, weights: Float[Tensor, "batch rows"]) -> tuple[Float[Tensor, " batch"], Any]:
        mean, covariance = moments(prepared, weights)
        values, vectors = torch.linalg.eigh(covariance)
        rest = values.shape[1] - self.rank
        return values[:, :rest].clamp(min=0).sum(1), (mean, vectors[:, :, :rest])

    def expected(self, action: Any, prepared: Any, weights: Float[Tensor, "batch rows"]) -> Float[Tensor, " batch"]:
        centre, left_out = action
        spread = spread_about(*moments(prepared, weights), centre)
        return torch.einsum("bdr,bde,ber->b", left_out, spread, left_out)
