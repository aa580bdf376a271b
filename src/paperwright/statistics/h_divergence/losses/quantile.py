"""Losses of one number to be decided: pinball (a quantile) and newsvendor (an order quantity)."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from paperwright.blocks.real_numbers import real_number

from .loss import Loss


@dataclass(frozen=True)
class Newsvendor(Loss):
    r"""Cost of ordering a when the demand is x.

    .. math:: l(x, a) = \mathrm{under}\,(x - a)_+ + \mathrm{over}\,(a - x)_+

    The best order is the quantile at under / (under + over): for all weightings by cumulative sums over data that are
    sorted once.

    Args:
        under: cost of each unit that is missing.
        over: cost of each unit that is left over.

    Raises:
        ValueError: a cost of 0 or below; data of more than one number a row.

    >>> from paperwright.statistics.h_divergence import h_entropy
    >>> h_entropy(range(1, 11), Newsvendor(under=9, over=1))
    4.5
    """

    under: float = 1.0
    over: float = 1.0

    def __post_init__(self) -> None:
        for name in ("under", "over"):
            real_number(name, getattr(self, name), "a cost above 0", lambda cost: 0 < cost < math.inf)

    def prepare(self, data: Tensor) -> dict[str, Tensor]:
        values = data.reshape(len(data), -1)
        if values.shape[1] != 1:
            raise ValueError(f"data has {values.shape[1]} numbers a row; expected one, the demand. Choose a column.")
        ordered, order = values[:, 0].sort()
        return {"values": ordered, "order": order}

    def fit_entropy(self, prepared: Any, weights: Float[Tensor, "batch rows"]) -> tuple[Float[Tensor, " batch"], Any]:
        reached = weights[:, prepared["order"]].cumsum(1)
        level = self.under / (self.under + self.over) * reached[:, -1:]
        slack = len(prepared["values"]) * torch.finfo(weights.dtype).eps
        place = torch.searchsorted(reached, level - slack).clamp(max=reached.shape[1] - 1)
        action = prepared["values"][place[:, 0]]
        return self.expected(action, prepared, weights), action

    def expected(self, action: Any, prepared: Any, weights: Float[Tensor, "batch rows"]) -> Float[Tensor, " batch"]:
        gap = prepared["values"] - action[:, None]
        cost = torch.where(gap > 0, self.under * gap, -self.over * gap)
        return (weights[:, prepared["order"]] * cost).sum(1)


class Pinball(Newsvendor):
    r"""The loss whose best action is the quantile at tau.

    .. math:: l(x, a) = \tau\,(x - a)_+ + (1 - \tau)\,(a - x)_+

    Args:
        tau: the level of the quantile, between 0 and 1.

    Raises:
        ValueError: tau is not between 0 and 1.
    """

    def __init__(self, tau: float = 0.5) -> None:
        level = real_number("tau", tau, "a level between 0 and 1", lambda value: 0 < value < 1)
        super().__init__(under=level, over=1 - level)

    def __repr__(self) -> str:
        return f"Pinball(tau={self.under:g})"
