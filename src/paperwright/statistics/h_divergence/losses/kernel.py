"""The kernel loss, whose H-Jensen-Shannon divergence is the squared maximum mean discrepancy."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from paperwright.blocks.real_numbers import real_number

from .loss import Loss, matrix, squared_distances


@dataclass(frozen=True)
class Kernel(Loss):
    r"""Four times the squared distance in a kernel's feature space.

    .. math:: l(x, a) = 4\,\lVert k(x, \cdot) - a \rVert^2, \qquad H = 4\,(E\,k(X, X) - \lVert\mu_p\rVert^2)

    With `kind="js"` and `mixture="pooled"` the divergence is the biased (V-statistic) MMD squared.

    Args:
        kernel: the bandwidth h of a Gaussian kernel exp(-|x - x'|^2 / 2h^2); "median" for the median distance of the
            pooled rows; or a function of the rows that returns the matrix of all pairs.

    Raises:
        ValueError: a bandwidth of 0 or below; a function that does not return a symmetric matrix of all pairs.

    Source: Theorem 1 and Appendix A (the MMD family is contained in the H-JS family).
    """

    kernel: float | str | Callable[[Tensor], Tensor] = "median"

    def __post_init__(self) -> None:
        if isinstance(self.kernel, str):
            if self.kernel != "median":
                raise ValueError(f"kernel is {self.kernel!r}; expected a bandwidth above 0, 'median' or a function.")
        elif not callable(self.kernel):
            real_number("kernel", self.kernel, "a bandwidth above 0", lambda h: 0 < h < math.inf)

    def prepare(self, data: Tensor) -> Float[Tensor, "rows rows"]:
        rows = matrix(data)
        if callable(self.kernel):
            gram = self.kernel(rows)
            if gram.shape != (len(rows), len(rows)) or not torch.allclose(gram, gram.T):
                raise ValueError(
                    f"kernel returns shape {tuple(gram.shape)}; expected a symmetric matrix of all pairs of rows."
                )
            return gram
        squared = squared_distances(rows)
        h = median_distance(squared) if isinstance(self.kernel, str) else self.kernel
        return torch.exp(squared / (-2 * h * h))

    def fit_entropy(self, prepared: Any, weights: Float[Tensor, "batch rows"]) -> tuple[Float[Tensor, " batch"], Any]:
        return self.expected(weights, prepared, weights), weights

    def expected(self, action: Any, prepared: Any, weights: Float[Tensor, "batch rows"]) -> Float[Tensor, " batch"]:
        image = action @ prepared
        own = weights @ prepared.diagonal()
        return 4 * (own - 2 * (image * weights).sum(1) + (image * action).sum(1))


def median_distance(squared: Float[Tensor, "rows rows"]) -> float:
    """Return the median distance of two different rows.

    Raises:
        ValueError: it is 0.
    """
    upper = squared[torch.triu_indices(len(squared), len(squared), 1).unbind()]
    median = float(upper.median()) ** 0.5
    if median == 0:
        raise ValueError("kernel is 'median' and most rows are equal; expected rows that differ. Pass a bandwidth.")
    return median
