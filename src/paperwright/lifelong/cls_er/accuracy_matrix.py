"""Continual-learning metrics of an accuracy matrix R, where R[t, i] is the accuracy on task i after learning task t.

A row may be shorter in truth than T: entries that were never measured are 0. Accuracies may be fractions or per cent.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def average_accuracy(R: Float[Tensor, "tasks tasks"]) -> float:
    """Mean accuracy over all tasks after the last: the figure of the paper's tables."""
    return float(R[-1].mean())


def backward_transfer(R: Float[Tensor, "tasks tasks"]) -> float:
    """mean over i < T of R[T, i] − R[i, i]: what learning the rest did to a task (Lopez-Paz & Ranzato, 2017)."""
    _check_several(R, "backward transfer")
    return float((R[-1] - R.diagonal())[:-1].mean())


def forward_transfer(R: Float[Tensor, "tasks tasks"], random: Float[Tensor, " tasks"]) -> float:
    """mean over i ≥ 2 of R[i − 1, i] − random[i]: what earlier tasks did for a task before it was learned.

    Args:
        R: the matrix; it must hold the accuracy on the next task before it is learned.
        random: the accuracies of the network before any training.
    """
    _check_several(R, "forward transfer")
    return float((R.diagonal(1) - random[1:]).mean())


def forgetting(R: Float[Tensor, "tasks tasks"], *, include_zero_shot: bool = True) -> float:
    """mean over i < T of (max over t of R[t, i]) − R[T, i]: how much of the best accuracy was lost.

    Args:
        R: the matrix.
        include_zero_shot: take the maximum over all rows, those before task i was learned included, as the authors'
            code does; otherwise over the rows from the task itself to the last but one (Chaudhry et al., 2018), where
            a task that still improves counts as negative.
    """
    _check_several(R, "forgetting")
    best = R.amax(0) if include_zero_shot else R[:-1].masked_fill(~_from_own_row(R)[:-1], -torch.inf).amax(0)
    return float((best - R[-1])[:-1].mean())


def _from_own_row(R: Tensor) -> Tensor:
    """Where t ≥ i: entries measured once the task was learned."""
    return torch.ones_like(R, dtype=torch.bool).tril()


def _check_several(R: Tensor, metric: str) -> None:
    if len(R) < 2:
        raise ValueError(f"{metric} needs two tasks or more, got {len(R)}")
