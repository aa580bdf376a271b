"""The policies that make a bag of a graph: which edges each subgraph keeps, and which node it marks (Section 4)."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor
from torch_geometric.data import Data

from paperwright.blocks.graph_input import whole_number

from . import _kernels
from ._simple_graph import SimpleGraph

Own = Callable[[Data], tuple[Tensor, Tensor | None]]
"""A policy of the user's own: which edges each subgraph keeps, bool [S, E], and None or marks of nodes, [S, n, m]."""

CHUNK = 2**22
"""So many entries of a mask [S, E] are held at a time, of one byte each."""
DENSE = 200
"""Up to this many nodes products of n x n matrices are faster than walking along the edges."""


class Kept(NamedTuple):
    """The edges that S subgraphs keep, sorted by subgraph, then by column.

    Attributes:
        edge_index: int64 [2, E_b], subgraph s shifted by s * n.
        column: the graph's own column that each comes from, int64 [E_b].
    """

    edge_index: Int64[Tensor, "2 E_b"]
    column: Int64[Tensor, "E_b"]


class Policy(ABC):
    """Subgraphs of a graph that keep all its nodes and some of its edges."""

    marks_roots = False
    """Whether subgraph i gets two more features before the others: (1, 0) at node i, (0, 1) elsewhere."""

    @abstractmethod
    def size(self, graph: SimpleGraph) -> int:
        """How many subgraphs the full bag has."""

    @abstractmethod
    def mask(self, graph: SimpleGraph, chosen: Int64[Tensor, "S"]) -> Bool[Tensor, "S E"]:
        """Which edges the chosen subgraphs keep: the definition of the policy."""

    @abstractmethod
    def compiled(self, graph: SimpleGraph, chosen: Int64[Tensor, "S"]) -> tuple[np.ndarray, np.ndarray]:
        """The same edges by a compiled kernel, as in `Kept`."""

    def kept(self, graph: SimpleGraph, chosen: Int64[Tensor, "S"]) -> Kept:
        """The edges that the chosen subgraphs keep."""
        if graph.compiled:
            edge_index, column = self.compiled(graph, chosen)
            return Kept(torch.from_numpy(edge_index), torch.from_numpy(column))
        rows = max(CHUNK // max(graph.edge_index.size(1), 1), 1)
        parts = [by_mask(self.mask(graph, part), graph, rows * i) for i, part in enumerate(chosen.split(rows))]
        if len(parts) == 1:
            return parts[0]
        return Kept(torch.cat([part.edge_index for part in parts], dim=1), torch.cat([part.column for part in parts]))


def by_mask(mask: Bool[Tensor, "S E"], graph: SimpleGraph, first: int = 0) -> Kept:
    """The edges that a mask keeps; its first row is of subgraph `first`."""
    subgraph, column = mask.nonzero(as_tuple=True)
    return Kept(graph.edge_index.index_select(1, column).add_((subgraph + first) * graph.num_nodes), column)


class EdgeDeleted(Policy):
    """For every edge the graph without it, in both directions, in the order of the columns with source <= target.

    A self-loop counts as one edge. Without edges, the bag is the graph itself.
    """

    def size(self, graph: SimpleGraph) -> int:
        """The number of undirected edges."""
        return max(int((graph.edge_index[0] <= graph.edge_index[1]).sum()), 1)

    def mask(self, graph: SimpleGraph, chosen: Tensor) -> Tensor:
        """All but the two columns of one edge."""
        codes = graph.edge_index.amin(0) * graph.num_nodes + graph.edge_index.amax(0)
        deleted = codes[self._deleted(graph, chosen)].unsqueeze(1)
        return deleted != codes if len(codes) else chosen.new_empty(len(chosen), 0, dtype=torch.bool)

    def compiled(self, graph: SimpleGraph, chosen: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """By `_kernels.without_edges`."""
        deleted = self._deleted(graph, chosen).numpy()
        return _kernels.without_edges(graph.edge_index.numpy(), graph.num_nodes, deleted)

    @staticmethod
    def _deleted(graph: SimpleGraph, chosen: Tensor) -> Tensor:
        """The column with source <= target of each deleted edge; none in a graph without edges."""
        columns = (graph.edge_index[0] <= graph.edge_index[1]).nonzero().squeeze(1)
        return columns[chosen] if len(columns) else columns


class NodeDeleted(Policy):
    """Subgraph i is the graph without the edges at node i, which stays as an isolated node."""

    def size(self, graph: SimpleGraph) -> int:
        """The number of nodes."""
        return graph.num_nodes

    def mask(self, graph: SimpleGraph, chosen: Tensor) -> Tensor:
        """The columns that do not touch the node."""
        source, target = graph.edge_index
        node = chosen.unsqueeze(1)
        return (source != node) & (target != node)

    def compiled(self, graph: SimpleGraph, chosen: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """By `_kernels.without_nodes`."""
        return _kernels.without_nodes(graph.edge_index.numpy(), graph.num_nodes, chosen.numpy())


class Ego(Policy):
    """Subgraph i keeps the edges with both ends at distance `num_hops` or less from node i.

    Args:
        num_hops: 1 or more. Official: 3 for ZINC, 4 for CSL, 2 elsewhere.
        marks_roots: mark the root, as "ego_plus" does.
    """

    def __init__(self, num_hops: int, *, marks_roots: bool = False) -> None:
        self.num_hops = num_hops
        self.marks_roots = marks_roots

    def size(self, graph: SimpleGraph) -> int:
        """The number of nodes."""
        return graph.num_nodes

    def mask(self, graph: SimpleGraph, chosen: Tensor) -> Tensor:
        """The columns within the ego-net."""
        near = within(graph.edge_index, graph.num_nodes, chosen, self.num_hops)
        source, target = graph.edge_index
        return (near.index_select(0, source) & near.index_select(0, target)).T

    def compiled(self, graph: SimpleGraph, chosen: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """By `_kernels.ego_nets`."""
        return _kernels.ego_nets(
            graph.edge_index.numpy(), graph.num_nodes, chosen.numpy(), min(self.num_hops, graph.num_nodes)
        )


class Original(Policy):
    """The graph itself, alone."""

    def size(self, graph: SimpleGraph) -> int:
        """One."""
        return 1

    def mask(self, graph: SimpleGraph, chosen: Tensor) -> Tensor:
        """Every edge."""
        return chosen.new_ones(len(chosen), graph.edge_index.size(1), dtype=torch.bool)

    def compiled(self, graph: SimpleGraph, chosen: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """By `_kernels.copies`."""
        return _kernels.copies(graph.edge_index.numpy(), graph.num_nodes, len(chosen))


class NodeMarked(Original):
    """Subgraph i is the whole graph with node i marked.

    Source: Frasca et al., "Understanding and Extending Subgraph GNNs by Rethinking Their Symmetries", NeurIPS 2022.
    """

    marks_roots = True

    def size(self, graph: SimpleGraph) -> int:
        """The number of nodes."""
        return graph.num_nodes


NAMES = ("edge_deleted", "node_deleted", "ego", "ego_plus", "node_marked", "original")
OFFICIAL_NAMES = {"ego_nets": "ego", "ego_nets_plus": "ego_plus"}
"""What the official code calls two of them."""


def named_policy(name: str, num_hops: int) -> Policy:
    """The policy of that name, or of that official name.

    Raises:
        ValueError: no policy has that name, or `num_hops` is less than 1 or a fraction.
    """
    num_hops = whole_number("num_hops", num_hops, 1)
    name = OFFICIAL_NAMES.get(name, name) if isinstance(name, str) else name
    if name in ("ego", "ego_plus"):
        return Ego(num_hops, marks_roots=name == "ego_plus")
    policies: dict[str, type[Policy]] = {
        "edge_deleted": EdgeDeleted,
        "node_deleted": NodeDeleted,
        "node_marked": NodeMarked,
        "original": Original,
    }
    if not isinstance(name, str) or name not in policies:
        known = ", ".join(map(repr, [*NAMES, *OFFICIAL_NAMES]))
        raise ValueError(f"policy is {name!r}; expected one of {known}, or a callable data -> (keep_mask, marks).")
    return policies[name]()


def within(
    edge_index: Int64[Tensor, "2 E"], num_nodes: int, roots: Int64[Tensor, "S"], num_hops: int
) -> Bool[Tensor, "n S"]:
    """Whether node v is at distance `num_hops` or less from root s, in an undirected graph.

    Args:
        edge_index: both directions of every edge.
        num_nodes: n.
        roots: the nodes to start from.
        num_hops: k, 1 or more.
    """
    by = _by_products if num_nodes <= DENSE else _by_frontiers
    return by(edge_index, num_nodes, roots, num_hops)


def _by_products(edge_index: Tensor, num_nodes: int, roots: Tensor, num_hops: int) -> Tensor:
    step = torch.eye(num_nodes, device=edge_index.device)
    step[edge_index[0], edge_index[1]] = 1
    reached = step[roots].T
    for _ in range(min(num_hops, num_nodes) - 1):
        # Counts of walks would overflow; that they are above 0 is all that matters.
        reached = (step @ reached).clamp_(max=1)
    return reached > 0


def _by_frontiers(edge_index: Tensor, num_nodes: int, roots: Tensor, num_hops: int) -> Tensor:
    source, target = edge_index
    columns = source.argsort()
    degree = torch.bincount(source, minlength=num_nodes)
    start = degree.cumsum(0) - degree
    number = torch.arange(len(roots), device=roots.device)
    reached = torch.zeros(num_nodes, len(roots), dtype=torch.bool, device=roots.device)
    reached[roots, number] = True
    node = roots
    for _ in range(num_hops):
        # The edges out of the frontier: for each of its nodes `degree[node]` columns, in a row from `start[node]` on.
        place = torch.arange(len(node), device=node.device).repeat_interleave(degree[node])
        first = start[node] - (degree[node].cumsum(0) - degree[node])
        beyond = target[columns[torch.arange(len(place), device=node.device) + first[place]]]
        new = ~reached[beyond, number[place]]
        node, number = torch.stack([beyond[new], number[place][new]]).unique(dim=1)
        if len(node) == 0:
            break
        reached[node, number] = True
    return reached
