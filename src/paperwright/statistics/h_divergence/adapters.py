"""The test in the form of other libraries: hyppo's `test`, alibi-detect's `predict`, a torchmetrics metric."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from .divergence import Kind, h_divergence
from .losses.loss import Loss
from .mixtures import Mixture
from .permutation import h_test


class HTest:
    """The test with hyppo's interface: `HTest(loss).test(x, y, reps=1000)` returns statistic and p-value.

    Args:
        loss: what counts.
        kind: "min" or "js".
        mixture: as in `h_test`.
    """

    def __init__(self, loss: Loss, kind: Kind = "min", mixture: Mixture = "pooled_eval") -> None:
        self.loss, self.kind, self.mixture = loss, kind, mixture

    def test(
        self, x: Any, y: Any, reps: int = 1000, workers: int = 1, random_state: int | None = None
    ) -> tuple[float, float]:
        """Return the statistic and the p-value of `reps` permutations. `workers` is accepted and not needed."""
        result = h_test(x, y, loss=self.loss, kind=self.kind, mixture=self.mixture, n_resamples=reps, rng=random_state)
        return result.statistic, result.pvalue


class HDrift:
    """A drift detector with alibi-detect's interface: `HDrift(reference, loss).predict(batch)`.

    Args:
        x_ref: the reference sample.
        loss: what counts.
        p_val: below it a batch has drifted.
        kind: "min" or "js".
        n_permutations: permuted orders.
        seed: of the permutations.

    >>> from paperwright.statistics.h_divergence import losses
    >>> drift = HDrift(range(50), losses.Newsvendor(9, 1), n_permutations=99, seed=0)
    >>> drift.predict(range(100, 150))["data"]["is_drift"]
    1
    """

    def __init__(
        self,
        x_ref: Any,
        loss: Loss,
        p_val: float = 0.05,
        *,
        kind: Kind = "min",
        n_permutations: int = 999,
        seed: int | None = None,
    ) -> None:
        if not 0 < p_val < 1:
            raise ValueError(f"p_val is {p_val}; expected a level between 0 and 1, such as 0.05.")
        self.x_ref, self.loss, self.p_val, self.kind = x_ref, loss, p_val, kind
        self.n_permutations, self.rng = n_permutations, np.random.default_rng(seed)

    def predict(self, x: Any, return_p_val: bool = True, return_distance: bool = True) -> dict[str, dict[str, Any]]:
        """Return `{"data": {"is_drift", "threshold", "p_val", "distance"}, "meta": {...}}`."""
        result = h_test(self.x_ref, x, loss=self.loss, kind=self.kind, n_resamples=self.n_permutations, rng=self.rng)
        data: dict[str, Any] = {"is_drift": int(result.pvalue < self.p_val), "threshold": self.p_val}
        if return_p_val:
            data["p_val"] = result.pvalue
        if return_distance:
            data["distance"] = result.statistic
        return {"data": data, "meta": {"name": "HDrift", "loss": repr(self.loss), "kind": result.kind}}


class HDivergence(Metric):
    """The H-divergence of generated and real samples as a torchmetrics metric.

    Args:
        loss: what counts.
        kind: "js" or "min".
        mixture: as in `h_divergence`.
        n_mixtures: draws of the mixture, whose mean is returned.
        kwargs: of `torchmetrics.Metric`.

    Shapes: `update(samples [batch, ...], real: bool)`; all samples are kept until `reset`.
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    real: list[Tensor]
    fake: list[Tensor]

    def __init__(
        self, loss: Loss, kind: Kind = "js", mixture: Mixture = "subsample", n_mixtures: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.loss, self.kind, self.mixture, self.n_mixtures = loss, kind, mixture, n_mixtures
        self.add_state("real", default=[], dist_reduce_fx="cat")
        self.add_state("fake", default=[], dist_reduce_fx="cat")

    def update(self, samples: Tensor, real: bool) -> None:
        """Keep a batch of real or of generated samples."""
        (self.real if real else self.fake).append(samples.detach())

    def compute(self) -> Tensor:
        """Return the divergence.

        Raises:
            ValueError: real or generated samples are missing.
        """
        if not len(self.real) or not len(self.fake):
            missing = "real" if not len(self.real) else "generated"
            raise ValueError(f"the metric has no {missing} samples; expected both. Call update(..., real=...) first.")
        return torch.as_tensor(
            h_divergence(
                dim_zero_cat(self.real),
                dim_zero_cat(self.fake),
                self.loss,
                self.kind,
                self.mixture,
                n_mixtures=self.n_mixtures,
            )
        )
