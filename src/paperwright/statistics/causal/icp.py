"""Invariant causal prediction: the predictors under which the law of the target is the same in all environments."""

import itertools
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.special import fdtr, fdtrc, stdtr

from ._rows import environment_codes, named_matrix, vector

MOST_PREDICTORS = 20
"""Above this, all subsets are more than a million: `max_size` has to be given."""
BATCH = 4096  # subsets whose regressions are solved together

Subset = frozenset[Hashable]


@dataclass(frozen=True)
class ICPResult:
    """What invariant causal prediction found.

    Attributes:
        predictors: the names of the columns, or their numbers from 0.
        parents: the predictors in every accepted set: parents of the target with probability at least 1 - alpha. An
            empty set says that nothing can be concluded; None that no set was accepted.
        accepted_sets: the sets under which the target's law may be invariant, by size.
        p_values: that of every set that was tested.
        model_rejected: no set was accepted: a parent is hidden, the target itself was intervened on, or the mechanism
            is not linear with additive noise.
        complete: every set up to the largest size was tested. Otherwise the search stopped when the intersection of
            the accepted sets was empty, which no further set can change.
    """

    predictors: tuple[Hashable, ...]
    parents: Subset | None
    accepted_sets: tuple[Subset, ...]
    p_values: Mapping[Subset, float]
    model_rejected: bool
    complete: bool

    def p_value_of(self, predictor: Hashable) -> float:
        """Return the p-value of "not a parent": the largest over the tested sets without this predictor.

        Where the search stopped early it is a lower bound, of a value above alpha in any case. It says nothing where
        the model was rejected.
        """
        if predictor not in self.predictors:
            raise ValueError(f"predictor is {predictor!r}; expected one of {list(self.predictors)}. Name a column.")
        return max(p for subset, p in self.p_values.items() if predictor not in subset)


def icp(
    X: Any,
    y: Any,
    environment: Any,
    alpha: float = 0.05,
    max_size: int | None = None,
    *,
    stop_early: bool = True,
) -> ICPResult:
    r"""Find the predictors that are parents of `y`, from how it behaves in several environments.

    A set S of predictors is invariant where the residuals of the pooled regression of y on :math:`X_S` have one mean
    and one variance in all environments. With Welch's test for the mean and the F-test for the variance, each
    environment against the rest,

    .. math::
        p_e = \min(1, 2 \min(p_e^{\text{mean}}, p_e^{\text{variance}})), \qquad p(S) = \min(1, E \min_e p_e),

    and the answer is the intersection of all sets with :math:`p(S) > \alpha`. It holds a variable that is no parent
    with probability alpha at most, if the target's own mechanism is linear with additive Gaussian noise and was not
    intervened on.

    All regressions share one Gram matrix for each environment, so a subset costs as much for ten rows as for a million.

    Args:
        X: predictors, an array, tensor, data frame or mapping of columns. Shape (rows, predictors).
        y: the target. Shape (rows,).
        environment: each row's label, of any kind. Shape (rows,).
        alpha: how often a wrong predictor may be named.
        max_size: the largest set that is tried; needed above 20 predictors. If the parents are more than this, all
            sets may be rejected.
        stop_early: stop when the intersection is empty.

    Raises:
        ValueError: one environment, fewer than 10 rows in one, too many predictors, NaN, shapes that do not fit.

    Source: Peters, Bühlmann and Meinshausen 2016, section 3.1.2 (method II); the survey's section on robustness.

    >>> rng = np.random.default_rng(0)
    >>> e = np.repeat([0, 1], 500); x = rng.normal(size=1000) * (1 + e)
    >>> y = x + rng.normal(size=1000); child = y + rng.normal(size=1000) * (1 + e)
    >>> sorted(icp({"x": x, "child": child}, y, e).parents)
    ['x']
    """
    names, rows = named_matrix("X", X)
    target = vector("y", y, len(rows))
    _, codes = environment_codes(environment, len(rows), least=10)
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; expected a number between 0 and 1. Pass 0.05.")
    if len(names) > MOST_PREDICTORS and max_size is None:
        raise ValueError(
            f"X has {len(names)} predictors; expected at most {MOST_PREDICTORS} without max_size. Pass max_size=3, or "
            "select candidates first."
        )
    if max_size is not None and max_size < 0:
        raise ValueError(f"max_size is {max_size}; expected 0 or more. Leave it out to try every set.")
    moments, counts = _moments(rows, target, codes)
    p_values: dict[Subset, float] = {}
    accepted: list[Subset] = []
    common: Subset | None = None
    complete = True
    for subsets in _batches(len(names), len(names) if max_size is None else min(max_size, len(names))):
        if stop_early and common is not None and not common:
            complete = False
            break
        for columns, p in zip(subsets, _invariance_p_values(moments, counts, subsets).tolist(), strict=True):
            subset = frozenset(names[column] for column in columns)
            p_values[subset] = p
            if p > alpha:
                accepted.append(subset)
                common = subset if common is None else common & subset
    return ICPResult(names, common, tuple(accepted), p_values, not accepted, complete)


def _moments(
    rows: Float[np.ndarray, "rows predictors"], target: Float[np.ndarray, " rows"], codes: Int[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, "environments columns columns"], Float[np.ndarray, " environments"]]:
    """The Gram matrix of (1, X, y) in each environment, standardised over all rows so that nothing cancels."""
    columns = np.column_stack([rows, target])
    spread = columns.std(0)
    if not spread[-1]:
        raise ValueError(f"y is {target[0]} in all rows; expected a target that varies. There is nothing to predict.")
    columns = (columns - columns.mean(0)) / np.where(spread > 0, spread, 1)
    columns = np.column_stack([np.ones(len(rows)), columns])
    grams = []
    for e in range(codes.max() + 1):
        part = columns[codes == e]
        grams.append(part.T @ part)
    return np.stack(grams), np.bincount(codes).astype(float)


def _batches(predictors: int, largest: int) -> Iterator[list[tuple[int, ...]]]:
    for size in range(largest + 1):
        subsets = itertools.combinations(range(predictors), size)
        while batch := list(itertools.islice(subsets, BATCH)):
            yield batch


def _invariance_p_values(
    moments: Float[np.ndarray, "environments columns columns"],
    counts: Float[np.ndarray, " environments"],
    subsets: list[tuple[int, ...]],
) -> Float[np.ndarray, " subsets"]:
    """p(S) for sets of one size."""
    total, n = moments.sum(0), counts.sum()
    chosen = np.array(subsets, dtype=int).reshape(len(subsets), -1) + 1
    design = np.column_stack([np.zeros(len(subsets), int), chosen])
    gram = total[design[:, :, None], design[:, None, :]]
    # The ridge is rounding: a column that repeats others leaves the residuals as they are, and nothing singular.
    gram = gram + 1e-13 * n * np.eye(design.shape[1])
    coefficients = np.linalg.solve(gram, total[design, -1][:, :, None])[:, :, 0]
    contrast = np.zeros((len(subsets), len(total)))  # residual = contrast . (1, X, y)
    np.put_along_axis(contrast, design, -coefficients, 1)
    contrast[:, -1] = 1
    sums = contrast @ moments[:, :, 0].T  # subsets x environments
    squares = np.einsum("si,eij,sj->se", contrast, moments, contrast, optimize=True)
    exact = squares.sum(1) < 1e-12 * n  # y is a linear function of these columns: nothing is left that could vary
    n_in, n_out = counts, n - counts
    mean_in, mean_out = sums / n_in, (sums.sum(1, keepdims=True) - sums) / n_out
    var_in = np.maximum(squares - n_in * mean_in**2, 1e-300) / (n_in - 1)
    rest = squares.sum(1, keepdims=True) - squares
    var_out = np.maximum(rest - n_out * mean_out**2, 1e-300) / (n_out - 1)
    error_in, error_out = var_in / n_in, var_out / n_out
    freedom = (error_in + error_out) ** 2 / (error_in**2 / (n_in - 1) + error_out**2 / (n_out - 1))
    p_mean = 2 * stdtr(freedom, -np.abs(mean_in - mean_out) / np.sqrt(error_in + error_out))
    ratio = var_in / var_out
    p_variance = 2 * np.minimum(fdtr(n_in - 1, n_out - 1, ratio), fdtrc(n_in - 1, n_out - 1, ratio))
    each = np.minimum(1, 2 * np.minimum(p_mean, p_variance))
    p: Float[np.ndarray, " subsets"] = np.minimum(1, len(counts) * each.min(1))
    return np.where(exact, 1.0, p)
