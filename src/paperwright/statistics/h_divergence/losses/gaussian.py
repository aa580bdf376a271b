"""Log loss over Gaussians, and over mixtures of them fitted by EM."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from paperwright.blocks.real_numbers import real_number

from .loss import Loss, matrix, moments, spread_about

Shape = Literal["full", "diag", "spherical"]
LOG_2PI = math.log(2 * math.pi)


def shaped(covariance: Float[Tensor, "*batch d d"], shape: Shape, reg: float) -> Float[Tensor, "*batch d d"]:
    """Return covariances of a shape, with `reg` added to the diagonal."""
    eye = torch.eye(covariance.shape[-1], dtype=covariance.dtype, device=covariance.device)
    if shape == "diag":
        covariance = covariance * eye
    elif shape == "spherical":
        covariance = covariance.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None] * eye
    return covariance + reg * eye


def cholesky(covariance: Float[Tensor, "*batch d d"]) -> Float[Tensor, "*batch d d"]:
    """Return the Cholesky factors.

    Raises:
        ValueError: a covariance is singular.
    """
    factor, failed = torch.linalg.cholesky_ex(covariance)
    if failed.any() or not torch.isfinite(factor).all() or (factor.diagonal(dim1=-2, dim2=-1) == 0).any():
        raise ValueError(
            "data is constant in a direction; expected rows that span all features, or reg above 0. Pass reg=1e-6."
        )
    return factor


def check_shape(shape: str, reg: float) -> None:
    """Refuse an unknown shape or a regulariser below 0."""
    if shape not in ("full", "diag", "spherical"):
        raise ValueError(f"shape is {shape!r}; expected 'full', 'diag' or 'spherical'.")
    real_number("reg", reg, "a number of at least 0", lambda value: 0 <= value < math.inf)


@dataclass(frozen=True)
class Gaussian(Loss):
    r"""Log loss whose actions are Gaussians.

    .. math:: H = \tfrac12 \log\det\hat\Sigma + \tfrac12 \mathrm{tr}(\hat\Sigma^{-1} S) + \tfrac d2 \log 2\pi,
        \qquad \hat\Sigma = S + \mathrm{reg}\, I

    Args:
        reg: added to the diagonal of the covariance.
        shape: "full", "diag" or "spherical".

    Raises:
        ValueError: an unknown shape, reg below 0; constant data with reg = 0 when it is fitted.
    """

    reg: float = 1e-6
    shape: Shape = "full"

    def __post_init__(self) -> None:
        check_shape(self.shape, self.reg)

    def prepare(self, data: Tensor) -> Tensor:
        return matrix(data)

    def fit_entropy(self, prepared: Any, weights: Float[Tensor, "batch rows"]) -> tuple[Float[Tensor, " batch"], Any]:
        mean, covariance = moments(prepared, weights)
        factor = cholesky(shaped(covariance, self.shape, self.reg))
        return _log_loss(factor, covariance), (mean, factor)

    def expected(self, action: Any, prepared: Any, weights: Float[Tensor, "batch rows"]) -> Float[Tensor, " batch"]:
        centre, factor = action
        return _log_loss(factor, spread_about(*moments(prepared, weights), centre))


def _log_loss(factor: Float[Tensor, "batch d d"], spread: Float[Tensor, "batch d d"]) -> Float[Tensor, " batch"]:
    trace = torch.cholesky_solve(spread, factor).diagonal(dim1=-2, dim2=-1).sum(-1)
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1) + trace / 2 + factor.shape[-1] / 2 * LOG_2PI


@dataclass(frozen=True)
class GaussianMixture(Loss):
    """Log loss whose actions are mixtures of Gaussians, fitted by a fixed number of EM steps.

    All weightings start from the same means, k-means++ on the sorted rows: a start of its own for each permutation
    would add noise and cost power, and one that knew the order of the rows would cost the test its level.

    Args:
        k: components.
        shape: of the covariances.
        iters: EM steps.
        reg: added to the covariances' diagonals, in units of the data's mean variance.

    Raises:
        ValueError: fewer than one component or step, an unknown shape, reg of 0 or below; fewer rows than components.

    Source: Section 4.1, the Blob and HDGM experiments.
    """

    k: int = 4
    shape: Shape = "full"
    iters: int = 15
    reg: float = 1e-3

    def __post_init__(self) -> None:
        check_shape(self.shape, self.reg)
        for name, value in (("k", self.k), ("iters", self.iters)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r}; expected a whole number of at least 1.")

    def prepare(self, data: Tensor) -> dict[str, Any]:
        rows = matrix(data)
        if len(rows) < self.k:
            raise ValueError(f"data has {len(rows)} rows; expected at least k = {self.k}, a row for each component.")
        return {"rows": rows, "start": _spread_means(rows, self.k), "floor": self.reg * float(rows.var(0).mean())}

    def fit_entropy(self, prepared: Any, weights: Float[Tensor, "batch rows"]) -> tuple[Float[Tensor, " batch"], Any]:
        rows, start = prepared["rows"], prepared["start"]
        batch, size = len(weights), rows.shape[1]
        mean = start.expand(batch, -1, -1)
        _, pooled = moments(rows, weights)
        factor = cholesky(shaped(pooled / self.k, self.shape, prepared["floor"]))[:, None].expand(-1, self.k, -1, -1)
        share = rows.new_full((batch, self.k), 1 / self.k)
        outer = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), -1)
        for _ in range(self.iters):
            joint = _joint_log_density(rows, share, mean, factor)
            duty = torch.softmax(joint, -1) * weights[:, :, None]
            mass = duty.sum(1).clamp(min=torch.finfo(rows.dtype).tiny ** 0.5)
            mean = torch.einsum("bnk,nd->bkd", duty, rows) / mass[..., None]
            second = torch.einsum("bnk,ne->bke", duty, outer).reshape(batch, self.k, size, size) / mass[..., None, None]
            covariance = second - mean[..., :, None] * mean[..., None, :]
            factor = cholesky(shaped(covariance, self.shape, prepared["floor"]))
            share = mass / mass.sum(1, keepdim=True)
        action = share, mean, factor
        return self.expected(action, prepared, weights), action

    def expected(self, action: Any, prepared: Any, weights: Float[Tensor, "batch rows"]) -> Float[Tensor, " batch"]:
        logs = torch.logsumexp(_joint_log_density(prepared["rows"], *action), -1)
        return -(weights * logs).sum(1)


def _joint_log_density(rows: Tensor, share: Tensor, mean: Tensor, factor: Tensor) -> Float[Tensor, "batch rows k"]:
    """Log of share times density, of every row under every component."""
    columns = []
    for one in range(share.shape[1]):
        gap = (rows[None] - mean[:, one, None]).transpose(1, 2)
        white = torch.linalg.solve_triangular(factor[:, one], gap, upper=False)
        log_det = factor[:, one].diagonal(dim1=-2, dim2=-1).log().sum(-1)
        constant = torch.log(share[:, one]) - log_det - rows.shape[1] / 2 * LOG_2PI
        columns.append(constant[:, None] - white.square().sum(1) / 2)
    return torch.stack(columns, -1)


def _spread_means(rows: Float[Tensor, "rows features"], k: int) -> Float[Tensor, "k features"]:
    """k-means++ on the sorted rows: the same for every order of them."""
    plain = rows.detach().cpu().numpy()
    ordered = plain[np.lexsort(plain.T[::-1])]
    rng = np.random.default_rng(0)
    means = ordered[rng.integers(len(ordered), size=1)]
    while len(means) < k:
        nearest = np.square(ordered[:, None] - means[None]).sum(-1).min(1)
        total = nearest.sum()
        share = nearest / total if total > 0 else np.full(len(ordered), 1 / len(ordered))
        means = np.concatenate([means, ordered[rng.choice(len(ordered), size=1, p=share)]])
    return torch.as_tensor(means, dtype=rows.dtype, device=rows.device)
