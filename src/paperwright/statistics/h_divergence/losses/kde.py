"""Log loss over kernel density estimates: the H-entropy is the cross-entropy of a smoothed sample with itself."""

import dataclasses
import math
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from paperwright.blocks.real_numbers import real_number

from .loss import Loss, matrix, squared_distances

GRID_SIZE = 30


@dataclass(frozen=True)
class KDE(Loss):
    r"""Log loss whose actions are Gaussian kernel density estimates of one bandwidth.

    .. math:: l(x, a) = -\log \sum_j a_j \, (2\pi h^2)^{-d/2} \exp(-\lVert x - x_j\rVert^2 / 2h^2)

    The density of all points under all weightings is one matrix product of weights and kernel.

    Args:
        bandwidth: h; "scott" or "silverman" for their rules on the pooled data; "cv" for the bandwidth of the greatest
            leave-one-out likelihood on the pooled data, or with `select=` on data of their own, where each sample and
            the mixture get one each.
        loo: leave each point out of the density at itself.

    Raises:
        ValueError: a bandwidth of 0 or below, or an unknown rule.

    Source: Section 4.1; the Blob and HIGGS experiments.

    >>> KDE(bandwidth=0.5)
    KDE(bandwidth=0.5, loo=False)
    """

    bandwidth: float | str = "cv"
    loo: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.bandwidth, str):
            if self.bandwidth not in ("scott", "silverman", "cv"):
                raise ValueError(
                    f"bandwidth is {self.bandwidth!r}; expected a number above 0, 'scott', 'silverman' or 'cv'."
                )
        else:
            real_number("bandwidth", self.bandwidth, "a number above 0", lambda h: 0 < h < math.inf, "Or pass 'cv'.")

    def prepare(self, data: Tensor) -> dict[str, Any]:
        rows = matrix(data)
        squared = squared_distances(rows)
        h = self.bandwidth if not isinstance(self.bandwidth, str) else chosen_bandwidth(rows, self.bandwidth, squared)
        log_norm = rows.shape[1] * (math.log(h) + 0.5 * math.log(2 * math.pi))
        return {"exponents": squared / (-2 * h * h), "kernel": torch.exp(squared / (-2 * h * h)), "log_norm": log_norm}

    def fit_entropy(self, prepared: Any, weights: Float[Tensor, "batch rows"]) -> tuple[Float[Tensor, " batch"], Any]:
        return self._cross_entropy(weights, prepared, weights, self.loo), weights

    def expected(self, action: Any, prepared: Any, weights: Float[Tensor, "batch rows"]) -> Float[Tensor, " batch"]:
        return self._cross_entropy(action, prepared, weights, self.loo)

    def _cross_entropy(self, action: Tensor, prepared: Any, weights: Tensor, loo: bool) -> Float[Tensor, " batch"]:
        sums = action @ prepared["kernel"]
        if loo:
            sums = (sums - action) / (1 - action)
        empty = (sums < torch.finfo(sums.dtype).tiny * 1e8) & (weights > 0)
        logs = torch.log(sums.clamp(min=torch.finfo(sums.dtype).tiny))
        if empty.any():
            logs = _logs_of_far_points(logs, empty, action, prepared["exponents"], loo)
        return prepared["log_norm"] * weights.sum(1) - (weights * logs).sum(1)

    def select(self, x: Tensor, y: Tensor) -> tuple[Loss, Loss, Loss]:
        if not isinstance(self.bandwidth, str):
            return self, self, self
        half = min(len(x), len(y)) // 2
        samples = (x, y, torch.cat([x[:half], y[:half]]))
        chosen = [chosen_bandwidth(matrix(sample), self.bandwidth) for sample in samples]
        first, second, mixed = (dataclasses.replace(self, bandwidth=h) for h in chosen)
        return first, second, mixed


def _logs_of_far_points(logs: Tensor, empty: Tensor, action: Tensor, exponents: Tensor, loo: bool) -> Tensor:
    """Log densities where the kernel underflowed, by log-sum-exp, a block of points at a time."""
    logs = logs.clone()
    batches, points = empty.nonzero(as_tuple=True)
    for block in torch.arange(len(batches), device=logs.device).split(max(1, 8_000_000 // logs.shape[1])):
        b, i = batches[block], points[block]
        weight = action[b].clone()
        if loo:
            own = weight.gather(1, i[:, None])
            weight = weight.scatter(1, i[:, None], 0.0) / (1 - own)
        logs[b, i] = torch.logsumexp(exponents[i] + torch.log(weight), dim=1)
    return logs


def chosen_bandwidth(
    rows: Float[Tensor, "rows features"], rule: str, squared: Float[Tensor, "rows rows"] | None = None
) -> float:
    """Return a bandwidth by Scott's or Silverman's rule, or the one of the greatest leave-one-out likelihood.

    The grid has 30 values in equal ratios, from a hundredth of the mean standard deviation to twice it.

    Raises:
        ValueError: all rows are equal.
    """
    count, size = rows.shape
    scale = float(rows.std(0, correction=0).mean())
    if scale == 0:
        raise ValueError("data is constant; expected rows that differ, to choose a bandwidth. Pass bandwidth=NUMBER.")
    if rule == "scott":
        return scale * float(count ** (-1 / (size + 4)))
    if rule == "silverman":
        return scale * float((count * (size + 2) / 4) ** (-1 / (size + 4)))
    squared = squared_distances(rows) if squared is None else squared
    grid = [scale * float(ratio) for ratio in torch.logspace(-2, math.log10(2), GRID_SIZE, dtype=torch.float64)]
    scores = [_left_out_likelihood(squared, h, size) for h in grid]
    best = max(range(len(grid)), key=scores.__getitem__)
    if best in (0, len(grid) - 1):
        warnings.warn(
            f"bandwidth {grid[best]:.3g} lies at the end of the grid from {grid[0]:.3g} to {grid[-1]:.3g}; "
            "expected one within. Pass bandwidth=NUMBER, or look for rows that occur twice.",
            stacklevel=2,
        )
    return grid[best]


def _left_out_likelihood(squared: Tensor, h: float, size: int) -> float:
    exponents = squared / (-2 * h * h)
    exponents = exponents - torch.diag(torch.full((len(squared),), math.inf, dtype=squared.dtype).to(squared))
    return float(torch.logsumexp(exponents, 1).mean()) - size * math.log(h)
