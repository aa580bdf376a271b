"""Losses whose best action is trained: autoencoders, variational ones, and any estimator of one's own.

One training for each weighting: a few seconds for each hundred permutations of a small network, where the losses in
closed form take milliseconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .loss import Loss, matrix


class _Looped(Loss):
    """A loss that fits one action after the other."""

    def fit_entropy(self, prepared: Any, weights: Float[Tensor, "batch rows"]) -> tuple[Float[Tensor, " batch"], Any]:
        actions = [self._fit(prepared, row) for row in weights]
        return self.expected(actions, prepared, weights), actions

    def expected(self, action: Any, prepared: Any, weights: Float[Tensor, "batch rows"]) -> Float[Tensor, " batch"]:
        scores = [self._scores(one, prepared) for one in action]
        return (torch.stack(scores).to(weights) * weights).sum(1)

    def _fit(self, data: Any, weights: Float[Tensor, " rows"]) -> Any:
        raise NotImplementedError

    def _scores(self, action: Any, data: Any) -> Float[Tensor, " rows"]:
        raise NotImplementedError


@dataclass(frozen=True)
class Autoencoder(_Looped):
    """Squared reconstruction error of a network, trained anew for each sample from the same initial weights.

    Args:
        module_factory: returns a new network from rows to rows.
        steps: full-batch steps of Adam.
        lr: its learning rate.
        seed: of the initial weights, the same for all samples.
    """

    module_factory: Callable[[], nn.Module]
    steps: int = 200
    lr: float = 1e-2
    seed: int = 0

    def prepare(self, data: Tensor) -> Tensor:
        return matrix(data).float()

    def _fit(self, data: Tensor, weights: Float[Tensor, " rows"]) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            module = self.module_factory().to(data.device)
            optimizer = torch.optim.Adam(module.parameters(), lr=self.lr)
            used = weights > 0
            rows, share = data[used], weights[used].to(data.dtype)
            for _ in range(self.steps):
                optimizer.zero_grad()
                (self._losses(module, rows) * share).sum().backward()
                optimizer.step()
            return module

    def _scores(self, action: nn.Module, data: Tensor) -> Float[Tensor, " rows"]:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return self._losses(action, data)

    def _losses(self, module: nn.Module, rows: Tensor) -> Float[Tensor, " rows"]:
        return (module(rows) - rows).square().flatten(1).sum(1)


@dataclass(frozen=True)
class VAE(Autoencoder):
    """Minus the evidence bound of a variational autoencoder with Bernoulli outputs, for rows in [0, 1].

    Args:
        module_factory: returns a new network from rows to (logits, mean, log variance).

    Source: Section 5.3, the sample-quality experiment.
    """

    def prepare(self, data: Tensor) -> Tensor:
        rows = matrix(data).float()
        if float(rows.min()) < 0 or float(rows.max()) > 1:
            raise ValueError(f"data reaches from {rows.min():.3g} to {rows.max():.3g}; expected 0 to 1. Scale it.")
        return rows

    def _losses(self, module: nn.Module, rows: Tensor) -> Float[Tensor, " rows"]:
        logits, mean, log_variance = module(rows)
        error = nn.functional.binary_cross_entropy_with_logits(logits, rows, reduction="none").sum(1)
        return error - 0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1)


class _Estimator(_Looped):
    def __init__(self, estimator: Any, score: Callable[[Any, Any], Any]) -> None:
        self.estimator, self.score = estimator, score

    def __repr__(self) -> str:
        return f"from_estimator({self.estimator!r})"

    def _fit(self, data: Tensor, weights: Float[Tensor, " rows"]) -> Any:
        from sklearn.base import clone

        used = (weights > 0).cpu().numpy()
        rows, share = matrix(data).cpu().numpy()[used], weights.cpu().numpy()[used]
        return clone(self.estimator).fit(rows, sample_weight=share * len(share))

    def _scores(self, action: Any, data: Tensor) -> Float[Tensor, " rows"]:
        rows = matrix(data).cpu().numpy()
        scores = torch.as_tensor(self.score(action, rows), device=data.device)
        if scores.shape != (len(data),):
            raise ValueError(
                f"score returns shape {tuple(scores.shape)}; expected a loss for each of {len(data)} rows."
            )
        return scores


def from_estimator(estimator: Any, score: Callable[[Any, Any], Any]) -> Loss:
    """Return the loss of a scikit-learn estimator, fitted anew for each sample.

    Args:
        estimator: an object with `fit(rows, sample_weight=)`; it is cloned.
        score: a function of the fitted estimator and rows that returns the loss of each row.

    >>> from sklearn.neighbors import KernelDensity
    >>> from_estimator(KernelDensity(), lambda fitted, rows: -fitted.score_samples(rows))
    from_estimator(KernelDensity())
    """
    return _Estimator(estimator, score)
