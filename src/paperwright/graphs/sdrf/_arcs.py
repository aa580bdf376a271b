"""What is read from an `edge_index`: the simple graph in it, and where each of its arcs came from."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from paperwright.blocks.arcs import distinct_arcs
from paperwright.blocks.graph_input import node_pairs

MOST_NODES = 2**31 - 1


@dataclass(frozen=True)
class SimpleArcs:
    """The arcs of a simple graph, each once, sorted by (head, tail), without self-loops.

    Attributes:
        heads, tails: int64 [A].
        columns: the column of the given `edge_index` that each arc came from (its own if there is one, otherwise the
            column of the opposite arc), int64 [A].
        loops: the columns that hold self-loops, the first of each node, int64 [L].
        num_nodes: number of nodes.
        duplicates: how many columns repeat an earlier one.
        self_loops: how many columns are self-loops.
        symmetric: whether every arc has its opposite.
    """

    heads: np.ndarray
    tails: np.ndarray
    columns: np.ndarray
    loops: np.ndarray
    num_nodes: int
    duplicates: int
    self_loops: int
    symmetric: bool

    @property
    def codes(self) -> np.ndarray:
        """head * N + tail, ascending: one sorted int64 for each arc."""
        codes: np.ndarray = self.heads * self.num_nodes + self.tails
        return codes


def simple_arcs(edge_index: Tensor, num_nodes: int | None = None, *, symmetrise: bool = False) -> SimpleArcs:
    """Read the simple graph in `edge_index`: duplicates merged, self-loops set aside, opposite arcs added if asked for.

    Args:
        edge_index: integers [2, E], any order.
        num_nodes: number of nodes; one more than the greatest node number if not given.
        symmetrise: add the opposite of every arc that lacks it.

    Raises:
        TypeError, ValueError: see `node_pairs`.
        ValueError: more nodes than int32 can number.
    """
    pairs, num_nodes = node_pairs(edge_index, num_nodes)
    if num_nodes > MOST_NODES:
        raise ValueError(
            f"num_nodes is {num_nodes}; expected at most {MOST_NODES}. Number the nodes without gaps, by "
            "torch.unique(edge_index, return_inverse=True)."
        )
    pairs = pairs.cpu()
    is_loop = pairs[0] == pairs[1]
    origin, loops = (~is_loop).nonzero().flatten(), is_loop.nonzero().flatten().numpy()
    _, first_loop = np.unique(pairs[0, loops].numpy(), return_index=True)
    proper = pairs[:, origin]
    arcs = distinct_arcs(proper, num_nodes)
    duplicates, symmetric = len(origin) - len(arcs.codes), arcs.symmetric
    if symmetrise and not symmetric:
        arcs, origin = distinct_arcs(torch.cat([proper, proper.flip(0)], dim=1), num_nodes), origin.repeat(2)
    heads, tails = np.divmod(arcs.codes.numpy(), max(num_nodes, 1))
    return SimpleArcs(
        heads=heads,
        tails=tails,
        columns=origin[arcs.columns].numpy(),
        loops=loops[first_loop],
        num_nodes=num_nodes,
        duplicates=duplicates,
        self_loops=len(loops),
        symmetric=symmetric or symmetrise,
    )


def require_symmetric(arcs: SimpleArcs, what: str) -> None:
    """Refuse a directed graph where only an undirected one makes sense.

    Raises:
        ValueError: some arc has no opposite.
    """
    if not arcs.symmetric:
        raise ValueError(
            f"edge_index is not symmetric, and {what} is about undirected graphs; "
            "pass it through torch_geometric.utils.to_undirected first."
        )


def numbered_edges(arcs: SimpleArcs, *, directed: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Heads and tails of the edges, and the edge that each arc belongs to: arc = edge, or both arcs of an i < j."""
    if directed:
        return arcs.heads, arcs.tails, np.arange(len(arcs.heads))
    upper = arcs.heads < arcs.tails
    low, high = np.minimum(arcs.heads, arcs.tails), np.maximum(arcs.heads, arcs.tails)
    heads, tails = arcs.heads[upper], arcs.tails[upper]
    edges = np.searchsorted(heads * arcs.num_nodes + tails, low * arcs.num_nodes + high)
    return heads, tails, edges


def as_edge_index(heads: np.ndarray, tails: np.ndarray) -> Tensor:
    """Two arrays of node numbers as an int64 tensor [2, E]."""
    return torch.from_numpy(np.stack([heads, tails]).astype(np.int64))


def adjacency_matrix(arcs: SimpleArcs) -> sp.csr_array:
    """The arcs as a sparse 0/1 matrix, float64 [N, N]."""
    shape = (arcs.num_nodes, arcs.num_nodes)
    return sp.csr_array((np.ones(len(arcs.heads)), (arcs.heads, arcs.tails)), shape=shape)


def neighbour_sets(edge_index: Tensor, num_nodes: int) -> list[set[int]]:
    """The targets of each node's arcs."""
    rows: list[set[int]] = [set() for _ in range(num_nodes)]
    for u, v in edge_index.T.tolist():
        rows[u].add(v)
    return rows
