"""Few actions: a table of losses, a function of outcome and action, or the utilities of given predictors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from .loss import Loss


@dataclass(frozen=True)
class FiniteActions(Loss):
    """A loss over finitely many actions; the best one is the least entry of one matrix product.

    Args:
        losses: a matrix, a row for each outcome code and a column for each action, for data that are integer codes; or
            a function of the rows that returns their losses, shape [rows, actions].
        actions: names of the actions.

    Raises:
        TypeError: codes that are no integers, for a matrix.
        ValueError: codes outside the matrix's rows; losses of another shape, or not finite.
    """

    losses: Any
    actions: Sequence[str] | None = None
    least_rows = 2

    def prepare(self, data: Tensor) -> Float[Tensor, "rows actions"]:
        if callable(self.losses):
            table = torch.as_tensor(self.losses(data))
        else:
            matrix = torch.as_tensor(np.asarray(self.losses, dtype=np.float64), device=data.device)
            codes = _codes(data)
            if matrix.ndim != 2 or int(codes.min()) < 0 or int(codes.max()) >= len(matrix):
                raise ValueError(
                    f"losses has shape {tuple(matrix.shape)} and codes reach from {int(codes.min())} to "
                    f"{int(codes.max())}; expected a row for each code from 0 on."
                )
            table = matrix[codes]
        if table.ndim != 2 or len(table) != len(data) or not bool(torch.isfinite(table).all()):
            raise ValueError(f"losses gives shape {tuple(table.shape)}; expected finite numbers, [rows, actions].")
        return table

    def fit_entropy(self, prepared: Any, weights: Float[Tensor, "batch rows"]) -> tuple[Float[Tensor, " batch"], Any]:
        best = (weights @ prepared.to(weights.dtype)).min(1)
        return best.values, best.indices

    def expected(self, action: Any, prepared: Any, weights: Float[Tensor, "batch rows"]) -> Float[Tensor, " batch"]:
        return (weights @ prepared.to(weights.dtype)).gather(1, action[:, None])[:, 0]


class Utility(FiniteActions):
    """Minus the utility that each of several predictors foretells: which action pays best?

    Args:
        models: for each action a predictor of its utility: an object with `predict(rows)`, as scikit-learn's
            regressors have it, or a function of the rows.
        actions: their names.

    Source: Section 5.2, the choice of a crop by the weather.
    """

    def __init__(self, models: Sequence[Any], actions: Sequence[str] | None = None) -> None:
        predictors: list[Callable[[Any], Any]] = [getattr(model, "predict", model) for model in models]
        if len(predictors) < 2:
            raise ValueError(f"models has {len(predictors)}; expected two or more, one for each action.")

        def losses(data: Tensor) -> Tensor:
            rows = data.detach().cpu().numpy()
            columns = [np.asarray(predict(rows), dtype=np.float64).reshape(len(rows)) for predict in predictors]
            return torch.as_tensor(-np.stack(columns, 1), device=data.device)

        super().__init__(losses, actions)


def _codes(data: Tensor) -> Tensor:
    values = data.reshape(-1) if data.numel() == len(data) else data
    if values.ndim != 1 or (values.is_floating_point() and not bool((values == values.round()).all())):
        raise TypeError(f"data has dtype {data.dtype} and shape {tuple(data.shape)}; expected one integer code a row.")
    return values.long()
