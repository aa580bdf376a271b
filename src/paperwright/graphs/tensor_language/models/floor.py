"""The least error that any network of a class can have on given data (Theorem 6.1, Corollary 6.2)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import torch
from jaxtyping import Bool, Float, Int, Int64
from torch import Tensor
from torch_geometric.data import Data

from ..analysis.bounds import Bound

MOST_WITNESSES = 10


@dataclass(frozen=True)
class Witness:
    """Two vertices or graphs that the test does not tell apart, though their targets differ.

    Attributes:
        first, second: (graph, vertex), (graph,) at graph level, or (graph, v, w) of a pair, by their places.
        targets: their targets; of vectors the component that differs most.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    targets: tuple[float, float]


@dataclass(frozen=True)
class Floor:
    """What no network of the class undercuts, whatever its weights, on the data that the floor was computed from.

    Attributes:
        mse: least mean squared error, over all components of the targets.
        sup: least largest error.
        witnesses: one pair for each class of equal colours and different targets, at most 10, the costliest first.
    """

    mse: float
    sup: float
    majority: float | None
    witnesses: tuple[Witness, ...]

    @property
    def accuracy(self) -> float:
        """Greatest accuracy of a classifier: every class of equal colours gets its most frequent label.

        Raises:
            ValueError: the targets were not integers.
        """
        if self.majority is None:
            raise ValueError("The targets are floats or vectors; accuracy needs one integer label each: target.long().")
        return self.majority


def approximation_floor(
    target: Float[Tensor, "rows *width"] | Int[Tensor, "rows *width"] | Bool[Tensor, " rows"],
    graphs: Sequence[Data],
    bound: Bound,
    level: str | None = None,
) -> Floor:
    r"""Return the floor of a class of networks on data: they are constant on the classes c of equal colours.

    .. math:: \mathrm{mse} = \frac{1}{N} \sum_c \sum_{v \in c} (y_v - \bar y_c)^2, \quad
        \sup = \max_c \tfrac{1}{2} (\max_c y - \min_c y), \quad
        \mathrm{accuracy} = \frac{1}{N} \sum_c \max_l |\{v \in c : y_v = l\}|.

    By Corollary 6.2 they are attained in the limit, by classes closed under functions and concatenation.

    Args:
        target: a row for each vertex of each graph in turn, for each graph, or for each pair (v, w), v first. Integers
            and bools are class labels for `accuracy`, and numbers for `mse` and `sup`.
        graphs: symmetric graphs without self-loops; where they have features `x`, those are the first colours, as a
            network sees them. Leave them out of the graphs for the floor without features.
        bound: of the networks, see `separation_power`.
        level: what the targets belong to, "vertex", "graph" or "pair"; that of the bound if not given.

    Raises:
        ValueError: more or fewer targets than vertices (graphs, pairs); NaN in targets or features; no graphs; no bound
            (`test="none"`), or an unknown level.
        TypeError: heterogeneous graphs, one graph instead of a list, a target that is no tensor, or no bound.

    Source: Geerts and Reutter 2022, Theorem 6.1 and Corollary 6.2.
    """
    if not isinstance(bound, Bound):
        raise TypeError(f"bound is {type(bound).__name__}; expected a Bound, such as separation_power(model) returns.")
    if not isinstance(target, Tensor) or target.is_complex() or target.dim() < 1:
        came = f"a tensor {target.dtype} {list(target.shape)}" if isinstance(target, Tensor) else type(target).__name__
        raise TypeError(f"target is {came}; expected a tensor of real numbers or labels with a row for each vertex.")
    if not isinstance(graphs, Sequence) or isinstance(graphs, str):
        raise TypeError(f"graphs is {type(graphs).__name__}; expected a list of graphs: [graph].")
    at_level = bound if level is None else replace(bound, level=level)
    for place, graph in enumerate(graphs):
        x = getattr(graph, "x", None)
        if isinstance(x, Tensor) and x.is_floating_point() and bool(x.isnan().any()):
            raise ValueError(f"The features of graph {place} hold NaN; expected numbers.")
    if not graphs:
        raise ValueError("There are no graphs; expected at least one.")
    colors = at_level.colors(graphs)
    flat = torch.cat([own.flatten() for own in colors])
    if len(target) != len(flat):
        raise ValueError(
            f"There are {len(target)} targets for {len(flat)} rows; expected one for each {at_level.level}."
        )
    if not len(flat):
        raise ValueError(f"The graphs have no {at_level.level} at all; expected at least one. Leave out empty graphs.")
    if target.is_floating_point() and not bool(target.isfinite().all()):
        raise ValueError("The targets hold NaN or infinity; expected finite numbers. Leave out what has no target.")
    places = [(graph, *index) for graph, own in enumerate(colors) for index in product(*map(range, own.shape))]
    return _floor(target.to(flat.device), torch.unique(flat, return_inverse=True)[1], places)


def _floor(target: Tensor, classes: Int64[Tensor, " rows"], places: list[tuple[int, ...]]) -> Floor:
    number = int(classes.max()) + 1
    values = target.double().reshape(len(target), -1)
    sizes = torch.bincount(classes, minlength=number).double()[:, None]
    means = torch.zeros(number, values.size(1), dtype=torch.float64, device=values.device)
    means.index_add_(0, classes, values)
    squares = (values - (means / sizes)[classes]).square()
    index = classes[:, None].expand_as(values)
    largest = torch.full_like(means, -torch.inf).scatter_reduce_(0, index, values, "amax")
    least = torch.full_like(means, torch.inf).scatter_reduce_(0, index, values, "amin")
    cost = torch.zeros(number, dtype=torch.float64, device=values.device).index_add_(0, classes, squares.sum(dim=1))
    majority = None
    if not target.is_floating_point() and values.size(1) == 1:
        labels = torch.unique(target.flatten(), return_inverse=True)[1]
        frequency = torch.zeros(number, int(labels.max()) + 1, dtype=torch.int64, device=values.device)
        frequency.index_put_((classes, labels), torch.ones_like(labels), accumulate=True)
        most = frequency.amax(dim=1)
        cost = sizes[:, 0] - most
        majority = int(most.sum()) / len(target)
    width = largest - least
    costly = [c for c in cost.argsort(descending=True, stable=True)[:MOST_WITNESSES].tolist() if width[c].max() > 0]
    witnesses = tuple(_witness(values, classes == c, int(width[c].argmax()), places) for c in costly)
    return Floor(float(squares.mean()), float(width.max()) / 2, majority, witnesses)


def _witness(values: Tensor, inside: Tensor, component: int, places: list[tuple[int, ...]]) -> Witness:
    """The two members of a class whose targets lie furthest apart."""
    members = inside.nonzero()[:, 0]
    column = values[members, component]
    low, high = int(column.argmin()), int(column.argmax())
    first, second = (places[int(members[place])] for place in (low, high))
    return Witness(first, second, (float(column[low]), float(column[high])))
