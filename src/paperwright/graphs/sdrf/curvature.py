"""Balanced Forman curvature of every edge of a graph (Definition 1 of the paper), and its released variant."""

from dataclasses import dataclass, fields
from typing import Literal, overload

import networkx as nx
import numpy as np
import torch
from jaxtyping import Float64, Int, Int64
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform

from paperwright.blocks.graph_input import graph_data

from . import _kernels as kernels
from ._arcs import SimpleArcs, numbered_edges, require_symmetric, simple_arcs
from ._engine import adjacency_both_ways

Definition = Literal["paper", "official", "forman", "augmented", "jost-liu"]

TAKEN = ("edge_index", "adj_t", "x", "y", "pos", "num_nodes", "batch", "ptr")
"""Names that a graph uses for something else than an attribute of its edges."""

_RULES: dict[str, int] = {
    "paper": kernels.PAPER,
    "official": kernels.OFFICIAL,
    "forman": kernels.FORMAN,
    "augmented": kernels.AUGMENTED,
    "jost-liu": kernels.JOST_LIU,
}


def rule_number(definition: str) -> int:
    """The kernels' number of a definition of curvature.

    Raises:
        ValueError: no such definition.
    """
    if not isinstance(definition, str) or definition not in _RULES:
        raise ValueError(f"definition is {definition!r}; expected one of {', '.join(map(repr, _RULES))}.")
    return _RULES[definition]


@dataclass(frozen=True)
class CurvatureParts:
    """The counts that an edge's curvature is made of, for each column (i, j) of an edge index; zeros for self-loops.

    Attributes:
        degree_i, degree_j: the degrees (official: in-degree of i and out-degree of j).
        triangles: common neighbours of i and j (official: paths i - w - j).
        squares_i, squares_j: |Q_i| and |Q_j|, neighbours of one end on a 4-cycle without diagonals that goes on to the
            other (official: nodes with a positive count of walks).
        gamma_max: the most such 4-cycles through one of them; 0 if there are none.
    """

    degree_i: Int64[Tensor, "E"]
    degree_j: Int64[Tensor, "E"]
    triangles: Int64[Tensor, "E"]
    squares_i: Int64[Tensor, "E"]
    squares_j: Int64[Tensor, "E"]
    gamma_max: Int64[Tensor, "E"]


@overload
def balanced_forman_curvature(
    edge_index: Tensor,
    num_nodes: int | None = None,
    *,
    definition: Definition = "paper",
    return_parts: Literal[False] = False,
) -> Tensor: ...


@overload
def balanced_forman_curvature(
    edge_index: Tensor, num_nodes: int | None = None, *, definition: Definition = "paper", return_parts: Literal[True]
) -> CurvatureParts: ...


def balanced_forman_curvature(
    edge_index: Int[Tensor, "2 E"],
    num_nodes: int | None = None,
    *,
    definition: Definition = "paper",
    return_parts: bool = False,
) -> Float64[Tensor, "E"] | CurvatureParts:
    r"""Balanced Forman curvature of every edge.

    With degrees d_i and d_j, M and m the larger and the smaller of them, t triangles on the edge, Q_i (Q_j) the
    neighbours of i (j) on a 4-cycle i-k-w-j without diagonals, and gamma the most such cycles through one of these:

    .. math::
        \mathrm{Ric}(i,j) = \frac{2}{d_i} + \frac{2}{d_j} - 2 + \frac{2t}{M} + \frac{t}{m}
            + \frac{|Q_i| + |Q_j|}{\gamma M}, \qquad \mathrm{Ric}(i,j) = 0 \text{ if } m \le 1.

    It lies in (-2, 2]: a clique's edges are near 1, a grid's at 0, a tree's near -2, and an edge near -2 is a
    bottleneck. Costs O(sum over edges of the degrees on the edge's smaller side) and O(E) memory.

    Args:
        edge_index: integers [2, E], in any order. Repeated columns count once; self-loops are left out of the degrees.
        num_nodes: number of nodes; one more than the greatest node number if not given.
        definition: "paper" (above), "official" (what the released code computes: it counts walks through i and j
            themselves and squares with diagonals, and does not zero leaves; directed graphs are allowed), or, from the
            same counts, "forman" (4 - d_i - d_j), "augmented" (the same + 3t) or "jost-liu" (the bound of Jost and Liu
            on Ollivier's curvature).
        return_parts: return the counts instead of the value.

    Returns:
        The value of each column of `edge_index`, float64 [E], 0 for self-loops; or a `CurvatureParts`. On the device of
        `edge_index`.

    Raises:
        TypeError: `edge_index` is not of integers.
        ValueError: node numbers out of range, an unknown definition, or a directed graph with any but "official".

    Source: Topping et al. 2022, Definition 1; for "official", `curvature/cuda.py` of the released code.
    """
    rule = rule_number(definition)
    arcs = simple_arcs(edge_index, num_nodes)
    if definition != "official":
        require_symmetric(arcs, f"the definition {definition!r}")
    directed = not arcs.symmetric
    heads, tails, edges = numbered_edges(arcs, directed=directed)
    out, into = adjacency_both_ways(arcs, edges, directed=directed)
    parts = np.zeros((len(heads), len(fields(CurvatureParts))), dtype=np.int64)
    kernels.measure(rule, out.rows, into.rows, heads, tails, kernels.scratch(arcs.num_nodes), parts)
    columns, edge, turned = _edge_of_columns(arcs, heads, edges, edge_index)
    if return_parts:
        counts = np.zeros((edge_index.size(1), parts.shape[1]), dtype=np.int64)
        counts[columns] = np.where(turned[:, None], parts[edge][:, [1, 0, 2, 4, 3, 5]], parts[edge])
        return CurvatureParts(*(torch.from_numpy(count).to(edge_index.device) for count in counts.T.copy()))
    values = np.zeros(edge_index.size(1))
    values[columns] = kernels.curvatures(rule, parts)[edge]
    return torch.from_numpy(values).to(edge_index.device)


def _edge_of_columns(
    arcs: SimpleArcs, heads: np.ndarray, edges: np.ndarray, edge_index: Tensor
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The columns that are no self-loops, the edge of each, and whether it runs from that edge's tail to its head."""
    sources, targets = edge_index.detach().cpu().numpy().astype(np.int64)
    columns = np.flatnonzero(sources != targets)
    edge = edges[np.searchsorted(arcs.codes, sources[columns] * arcs.num_nodes + targets[columns])]
    return columns, edge, heads[edge] != sources[columns]


class BalancedFormanCurvature(BaseTransform):
    """Stores the curvature of every edge, float32 [E], as an attribute of the graph, or of each graph of a `Batch`.

    Args:
        attr: name of the attribute.
        definition: see `balanced_forman_curvature`.

    Raises:
        ValueError: `attr` is no name, or that of the edges or the nodes; an unknown definition.

    Example:
        >>> from paperwright import data
        >>> BalancedFormanCurvature()(data.load("barbell").graph).edge_curvature.min()
        tensor(-1.2000)

    Source: Topping et al. 2022, Definition 1.
    """

    def __init__(self, attr: str = "edge_curvature", definition: Definition = "paper") -> None:
        rule_number(definition)
        if not isinstance(attr, str) or not attr.isidentifier() or attr in TAKEN:
            raise ValueError(f"attr is {attr!r}; expected a name of its own, such as 'edge_curvature'.")
        self.attr = attr
        self.definition = definition

    def forward(self, data: Data | nx.Graph) -> Data:
        """The graph with `data.<attr>`; a `TypeError` for heterogeneous graphs."""
        data = graph_data(data)
        if isinstance(data, Batch):
            return Batch.from_data_list([self(graph) for graph in data.to_data_list()])
        data[self.attr] = balanced_forman_curvature(data.edge_index, data.num_nodes, definition=self.definition).float()
        return data

    def __repr__(self) -> str:
        return f"{type(self).__name__}(attr={self.attr!r}, definition={self.definition!r})"
