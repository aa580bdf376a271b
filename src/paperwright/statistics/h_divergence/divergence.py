r"""H-entropies and H-divergences of samples and of discrete distributions.

Definitions 1 and 2 of the paper. With :math:`H(p) = \inf_a E_p[l(X, a)]` and the mixture :math:`m = (p + q) / 2`,

.. math:: \theta = H(m) - H(p), \quad \lambda = H(m) - H(q), \quad D = \phi(\theta, \lambda)
"""

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ._inputs import generator, sample, two_samples
from .losses.loss import Loss
from .mixtures import MIXTURES, Mixture, SampleWeights, mixture_members, sample_weights

Kind = Literal["min", "js"] | Callable[[Tensor, Tensor], Tensor]


def combine(theta: Tensor, lam: Tensor, kind: Kind) -> Tensor:
    r"""Return phi(theta, lambda): their maximum for "min" (H-Min), their mean for "js" (H-Jensen-Shannon).

    Raises:
        ValueError: an unknown kind.
    """
    if callable(kind):
        return kind(theta, lam)
    if kind == "min":
        return torch.maximum(theta, lam)
    if kind == "js":
        return (theta + lam) / 2
    raise ValueError(f"kind is {kind!r}; expected 'min', 'js' or a function of theta and lambda.")


def entropies(losses: tuple[Loss, Loss, Loss], prepared: tuple[Any, Any, Any], weights: SampleWeights) -> Tensor:
    """Return the entropies of x, of y and of the mixture, shape [3, orders]."""
    first, _ = losses[0].fit_entropy(prepared[0], weights.x)
    second, _ = losses[1].fit_entropy(prepared[1], weights.y)
    mixed, action = losses[2].fit_entropy(prepared[2], weights.fitted)
    if weights.scored is not weights.fitted:
        mixed = losses[2].expected(action, prepared[2], weights.scored)
    return torch.stack([first, second, mixed])


def prepare(losses: tuple[Loss, Loss, Loss], pooled: Tensor) -> tuple[Any, Any, Any]:
    """Return what each loss prepares; a loss that stands thrice prepares once."""
    done = {id(loss): loss.prepare(pooled) for loss in {id(loss): loss for loss in losses}.values()}
    first, second, mixed = (done[id(loss)] for loss in losses)
    return first, second, mixed


def check_loss(loss: Any) -> Loss:
    """Refuse what is no loss.

    Raises:
        TypeError: it lacks the methods of one.
    """
    if isinstance(loss, type) or not (hasattr(loss, "fit_entropy") and hasattr(loss, "expected")):
        raise TypeError(f"loss is {loss!r}; expected an object with the methods of losses.Loss. Try losses.KDE().")
    return loss


def h_entropy(x: Any, loss: Loss, weights: Any = None, *, device: Any = None) -> float | Tensor:
    r"""Return the H-entropy of a sample: the expected loss of the action that is best for it.

    .. math:: \hat H = \inf_a \sum_i w_i\, l(x_i, a)

    Args:
        x: observations, shape [n, ...].
        loss: the loss with its actions.
        weights: of the observations; equal if left out. They are divided by their sum.
        device: where to compute.

    Returns:
        A float; for a tensor, a tensor without dimensions, on its device.

    Raises:
        TypeError: no numbers, or no loss.
        ValueError: too few rows; weights that are negative or of another length.

    Source: Definition 1.

    >>> from paperwright.statistics.h_divergence import losses
    >>> h_entropy([0.0, 2.0], losses.Squared())
    1.0
    """
    rows = sample("x", x, device=device)
    share = _checked_weights("weights", weights, rows)
    entropy, _ = check_loss(loss).fit_entropy(loss.prepare(rows), share[None])
    return entropy[0] if isinstance(x, Tensor) else float(entropy[0])


def _checked_weights(name: str, weights: Any, rows: Tensor) -> Float[Tensor, " rows"]:
    if weights is None:
        return rows.new_full((len(rows),), 1 / len(rows))
    share = sample(name, weights).to(rows)
    if share.shape != (len(rows),) or bool((share < 0).any()) or float(share.sum()) <= 0:
        raise ValueError(
            f"{name} has shape {tuple(share.shape)} and a least value of {float(share.min()):g}; expected "
            f"{len(rows)} numbers of at least 0, not all 0."
        )
    return share / share.sum()


def h_divergence(
    x: Any,
    y: Any,
    loss: Loss,
    kind: Kind = "js",
    mixture: Mixture | Any = "subsample",
    *,
    weights: tuple[Any, Any] | None = None,
    rng: Any = 0,
    n_mixtures: int = 1,
    device: Any = None,
) -> float | Tensor:
    r"""Return the H-divergence of two samples: how much worse one decides for not knowing which is which.

    .. math:: \hat D = \phi\bigl(\hat H(m) - \hat H(x),\; \hat H(m) - \hat H(y)\bigr)

    Args:
        x: observations, shape [n, ...].
        y: observations, shape [m, ...].
        loss: the loss with its actions.
        kind: "js", "min", or a function of theta and lambda.
        mixture: "subsample" (a mixture of min(n, m) points: the paper's estimator), "pooled_eval", "pooled" (all
            points, each sample weighing half; biased upwards for rich actions), or an array of indices into the pooled
            sample whose points are the mixture.
        weights: of the observations of x and of y, with `mixture="pooled"`.
        rng: draws the mixture; a seed or a generator.
        n_mixtures: draws of the mixture, whose mean is returned.
        device: where to compute.

    Returns:
        A float; for tensors, a tensor without dimensions, on their device.

    Raises:
        TypeError: no numbers, or no loss.
        ValueError: samples that do not fit each other, an unknown kind or mixture.

    Source: Definition 2 and Section 3.3.

    >>> from paperwright.statistics.h_divergence import losses
    >>> h_divergence([0.0, 2.0], [4.0, 6.0], losses.Squared(), mixture="pooled")
    4.0
    """
    check_loss(loss)
    first, second = two_samples(x, y, least=1, device=device)
    pooled = torch.cat([first, second])
    if weights is not None and mixture != "pooled":
        raise ValueError('weights come with mixture="pooled"; expected no weights otherwise. Pass mixture="pooled".')
    if not isinstance(n_mixtures, int) or n_mixtures < 1:
        raise ValueError(f"n_mixtures is {n_mixtures!r}; expected a whole number of at least 1.")
    if isinstance(mixture, str):
        name = checked_mixture(mixture)
        orders = np.tile(np.arange(len(pooled)), (n_mixtures if name != "pooled" else 1, 1))
        members = mixture_members(orders, len(first), name, generator(rng))
        drawn = sample_weights(orders, len(first), members, name, pooled)
    else:
        drawn = _mixture_of(np.asarray(mixture), len(first), pooled)
    if weights is not None:
        left = pooled.new_zeros((1, len(pooled)))
        right = left.clone()
        left[0, : len(first)] = _checked_weights("weights[0]", weights[0], first)
        right[0, len(first) :] = _checked_weights("weights[1]", weights[1], second)
        drawn = SampleWeights(left, right, (left + right) / 2, (left + right) / 2)
    found = entropies((loss, loss, loss), prepare((loss, loss, loss), pooled), drawn)
    divergence = combine(found[2] - found[0], found[2] - found[1], kind).mean()
    return divergence if isinstance(x, Tensor) else float(divergence)


def checked_mixture(mixture: str) -> Mixture:
    """Return `mixture`, or refuse an unknown one."""
    for known in MIXTURES:
        if mixture == known:
            return known
    raise ValueError(f"mixture is {mixture!r}; expected one of {', '.join(map(repr, MIXTURES))}.")


def _mixture_of(indices: np.ndarray, n: int, pooled: Tensor) -> SampleWeights:
    total = len(pooled)
    if indices.ndim != 1 or indices.dtype.kind not in "iu" or not indices.size or not (indices >= 0).all():
        raise ValueError(f"mixture is {indices!r}; expected a name, or indices into the {total} pooled rows.")
    if int(indices.max()) >= total:
        raise ValueError(f"mixture names row {indices.max()}; expected indices below {total}, the pooled rows.")
    identity = np.arange(total)[None]
    plain = sample_weights(identity, n, [], "pooled", pooled)
    share = np.bincount(indices, minlength=total) / indices.size
    points = torch.as_tensor(share, dtype=pooled.dtype, device=pooled.device)[None]
    return SampleWeights(plain.x, plain.y, points, points)


def h_divergence_discrete(p: Any, q: Any, losses: Any, kind: Kind = "js") -> float:
    r"""Return the exact H-divergence of two distributions over finitely many outcomes.

    .. math:: H(p) = \min_a \sum_x p(x)\, l(x, a)

    H-Min may be above 0 where both have the same best action: it also sees that one is easier to decide for.

    Args:
        p: probabilities of the outcomes.
        q: probabilities of the outcomes.
        losses: a row for each outcome, a column for each action.
        kind: "js", "min", or a function of theta and lambda.

    Raises:
        ValueError: rows that are no distributions, or a matrix of another number of rows.

    >>> round(h_divergence_discrete([0.9, 0.1], [0.2, 0.8], [[0, 1], [1, 0]], kind="min"), 12)
    0.35
    """
    table = np.asarray(losses, dtype=np.float64)
    first, second = (np.asarray(row, dtype=np.float64) for row in (p, q))
    for name, row in (("p", first), ("q", second)):
        if row.ndim != 1 or not np.all(row >= 0) or abs(row.sum() - 1) > 1e-9:
            raise ValueError(f"{name} is {row}; expected probabilities that sum to 1. Divide by the sum.")
    if table.ndim != 2 or len(table) != len(first) or len(first) != len(second) or not np.isfinite(table).all():
        raise ValueError(
            f"losses has shape {table.shape} for {len(first)} and {len(second)} outcomes; expected finite numbers, a "
            "row for each outcome."
        )
    one, other, mixed = (float((row @ table).min()) for row in (first, second, (first + second) / 2))
    pair = torch.tensor([mixed - one, mixed - other], dtype=torch.float64)
    return float(combine(pair[0], pair[1], kind))


def null_bound(n: int, loss_range: float, t: float, kind: Kind = "min") -> float:
    r"""Return a bound on P(D >= t) when both samples have one law, free of the size of the action set.

    .. math:: P(\hat D \ge t) \le c \exp\left(-\frac{t^2 n}{2 C^2}\right)

    c is 3 for H-Min and H-JS, 6 for any other phi that is 1-Lipschitz in the maximum norm: McDiarmid's inequality for
    each of the three entropies, added up. For `mixture="subsample"` and equal sizes n.

    Args:
        n: observations of each sample.
        loss_range: C; losses lie in an interval of this length.
        t: the threshold.
        kind: "min", "js", or another phi.

    Raises:
        ValueError: n below 1, a range of 0 or below, a negative threshold.

    Source: Theorem 2; the constants are derived here.

    >>> round(null_bound(1000, 1.0, 0.1), 4)
    0.0202
    """
    if n < 1 or not loss_range > 0 or not t >= 0:
        raise ValueError(f"n is {n}, loss_range {loss_range}, t {t}; expected n >= 1, a range above 0 and t >= 0.")
    constant = 6 if callable(kind) else 3
    return min(1.0, constant * math.exp(-t * t * n / (2 * loss_range**2)))
