"""The graph that a bag is made of: every edge once in each direction, or the graph is refused."""

import warnings
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor
from torch_geometric import EdgeIndex
from torch_geometric.data import Data

from paperwright.blocks.arcs import DistinctArcs, distinct_arcs
from paperwright.blocks.compiled import ACCELERATED
from paperwright.blocks.graph_input import integer_pairs, require_rows

from . import _kernels


@dataclass(frozen=True)
class SimpleGraph:
    """A graph's edges, each once.

    Attributes:
        edge_index: int64 [2, E], in the graph's own order, contiguous.
        num_nodes: n.
        attributes: what the graph knows of its edges, by name, each of E rows.
    """

    edge_index: Int64[Tensor, "2 E"]
    num_nodes: int
    attributes: dict[str, Tensor]

    @property
    def compiled(self) -> bool:
        """Whether compiled kernels can work on it."""
        return ACCELERATED and self.edge_index.device.type == "cpu"


def simple_graph(data: Data, *, undirected: bool) -> SimpleGraph:
    """Read a graph's edges; duplicates are merged with a warning.

    Args:
        data: the graph.
        undirected: refuse it unless every edge is there in both directions.

    Raises:
        ValueError: no nodes, edges at nodes that are not there, edges in `adj_t` only, features that are not a row for
            each node, or a directed graph.
        TypeError: `edge_index` is not of integers.
    """
    n, edge_index = data.num_nodes, _edge_index(data)
    require_rows("x", data.x, n or 0)
    if not n:
        raise ValueError("The graph has no nodes, so it has no subgraphs; leave empty graphs out (`pre_filter=`).")
    graph = SimpleGraph(edge_index, n, _attributes_of_edges(data, n, edge_index.size(1)))
    kind = _kernels.kind_of_graph(edge_index.numpy(), n) if graph.compiled else _kind_if_outside(edge_index, n)
    if kind == _kernels.OUTSIDE:
        low, high = (int(bound) for bound in edge_index.aminmax())
        raise ValueError(f"edge_index names nodes {low} to {high}; expected 0 to {n - 1}, as num_nodes is {n}.")
    if kind in (_kernels.DUPLICATED, None):
        arcs = distinct_arcs(edge_index, n)
        graph = _merged(graph, arcs) if len(arcs.codes) < edge_index.size(1) else graph
        kind = _kernels.SIMPLE if arcs.symmetric else _kernels.DIRECTED
    if undirected and kind == _kernels.DIRECTED:
        raise ValueError(
            "The graph is directed: some edge is there in one direction only. Apply ToUndirected() first, or pass a "
            "policy of your own, a callable data -> (keep_mask, marks)."
        )
    return graph


def _edge_index(data: Data) -> Tensor:
    edge_index = data.edge_index
    if edge_index is None:
        if "adj_t" in data or "adj" in data:
            raise ValueError("The graph has an adjacency and no edge_index; apply SubgraphBag before ToSparseTensor.")
        return torch.empty(2, 0, dtype=torch.long, device=data.x.device if data.x is not None else None)
    if isinstance(edge_index, EdgeIndex):  # what it knows of its order would not be true of the bag's
        edge_index = edge_index.as_tensor()
    return integer_pairs(edge_index).contiguous()


def _attributes_of_edges(data: Data, n: int, E: int) -> dict[str, Tensor]:
    """Tensors of E rows that are not `x` or `y`; where E is n, the name must speak of edges, as in torch_geometric."""
    return {
        key: value
        for key, value in data._store.items()
        if key not in ("edge_index", "x", "y")
        and isinstance(value, Tensor)
        and value.dim() > 0
        and value.size(0) == E
        and (n != E or "edge" in key)
    }


def _kind_if_outside(edge_index: Tensor, n: int) -> int | None:
    """OUTSIDE if an edge is at a node that is not there, otherwise unknown."""
    outside = edge_index.numel() > 0 and not 0 <= int(edge_index.min()) <= int(edge_index.max()) < n
    return _kernels.OUTSIDE if outside else None


def _merged(graph: SimpleGraph, arcs: DistinctArcs) -> SimpleGraph:
    """The graph with the first of every group of equal edges."""
    kept = arcs.columns.sort().values
    warnings.warn(
        f"{graph.edge_index.size(1) - len(kept)} duplicate edges were merged; each edge keeps the attributes of its "
        "first column. Apply torch_geometric's `coalesce` first to choose otherwise.",
        stacklevel=5,
    )
    attributes = {name: value[kept] for name, value in graph.attributes.items()}
    return SimpleGraph(graph.edge_index[:, kept], graph.num_nodes, attributes)
