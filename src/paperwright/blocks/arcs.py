"""The arcs of an edge index as sorted numbers: which columns repeat one another, and whether each has its opposite."""

from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor


@dataclass(frozen=True)
class DistinctArcs:
    """The arcs of an edge index, each once.

    Attributes:
        codes: source * num_nodes + target of each, ascending.
        columns: the first column of the edge index that holds it.
        symmetric: whether every arc has its opposite.
    """

    codes: Int64[Tensor, " A"]
    columns: Int64[Tensor, " A"]
    symmetric: bool


def distinct_arcs(edge_index: Int64[Tensor, "2 E"], num_nodes: int) -> DistinctArcs:
    """Merge equal columns, on their own device: O(E log E) steps.

    Args:
        edge_index: nodes from 0 to num_nodes - 1, any order; a self-loop is its own opposite.
        num_nodes: at most 2^31, or the codes would not fit.
    """
    sources, targets = edge_index
    ordered, order = (sources * num_nodes + targets).sort(stable=True)
    first = torch.ones_like(ordered, dtype=torch.bool)
    first[1:] = ordered[1:] != ordered[:-1]
    codes, columns = ordered[first], order[first]
    opposite = (targets * num_nodes + sources)[columns].sort().values
    return DistinctArcs(codes, columns, torch.equal(codes, opposite))
