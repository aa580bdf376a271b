"""Several graphs as one: what a joint run of a Weisfeiler-Leman test works on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from paperwright.blocks.colors import relabelled
from paperwright.blocks.graph_input import is_networkx, node_pairs


@dataclass(frozen=True)
class DisjointUnion:
    """Simple undirected graphs side by side, numbered through, with the colours that their nodes start from.

    Attributes:
        sizes: nodes of each graph.
        starts, neighbours: the neighbours of node v are `neighbours[starts[v] : starts[v + 1]]`, ascending.
        labels: colour of each node, from 0 without gaps.
        num_labels: how many colours there are.
        device: where the graphs' tensors were.
    """

    sizes: Int64[np.ndarray, " graphs"]
    starts: Int64[np.ndarray, " nodes_and_1"]
    neighbours: Int64[np.ndarray, " arcs"]
    labels: Int64[np.ndarray, " nodes"]
    num_labels: int
    device: torch.device

    @property
    def offsets(self) -> Int64[np.ndarray, " graphs_and_1"]:
        """The first node of each graph, and the number of nodes."""
        return np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.int64)

    @classmethod
    def of(cls, graphs: Iterable[Any], node_colors: str | Sequence[Any] | None = None) -> "DisjointUnion":
        """Read torch_geometric `Data` or networkx graphs.

        Args:
            graphs: symmetric, without self-loops or repeated edges. Nodes of a networkx graph are taken in its order.
            node_colors: None for nodes that are all alike; the name of an attribute of the nodes, such as "x"; or for
                each graph an array or tensor `[n]` or `[n, width]`. Rows of equal numbers are equal colours.

        Raises:
            TypeError: something else than graphs or colours was given.
            ValueError: a graph is not simple or not symmetric, or colours do not fit.
        """
        if isinstance(graphs, str) or not isinstance(graphs, Iterable) or is_networkx(graphs) or _is_data(graphs):
            raise TypeError(f"graphs: expected a list of graphs, got {type(graphs).__name__}; a single one is [graph]")
        graphs = list(graphs)
        if not graphs:
            raise ValueError("graphs: expected at least one graph, got an empty list")
        read = [_arcs(graph, place) for place, graph in enumerate(graphs)]
        sizes = np.array([size for _, size in read], dtype=np.int64)
        shift = np.repeat(np.cumsum(sizes) - sizes, [arcs.shape[1] for arcs, _ in read])
        starts, neighbours = _simple(np.concatenate([arcs for arcs, _ in read], axis=1) + shift, sizes)
        labels, number = _labels(graphs, node_colors, sizes)
        devices = [graph.edge_index.device for graph in graphs if _is_data(graph)]
        device = devices[0] if devices else torch.device("cpu")
        return cls(sizes, starts, neighbours, labels, number, device)


def _is_data(graph: Any) -> bool:
    return isinstance(getattr(graph, "edge_index", None), Tensor)


def _arcs(graph: Any, place: int) -> tuple[np.ndarray, int]:
    """Both directions of every edge as int64 [2, arcs], and the number of nodes."""
    if is_networkx(graph):
        if graph.is_directed():
            raise ValueError(f"graph {place} is directed; expected an undirected one, such as graph.to_undirected()")
        number = {node: index for index, node in enumerate(graph)}
        pairs = np.array([(number[u], number[v]) for u, v in graph.edges()], dtype=np.int64).reshape(-1, 2).T
        return np.concatenate([pairs, pairs[::-1, pairs[0] != pairs[1]]], axis=1), len(number)
    if not _is_data(graph):
        raise TypeError(
            f"graph {place}: expected a torch_geometric Data with edge_index or a networkx graph, "
            f"got {type(graph).__name__}"
        )
    columns, size = node_pairs(graph.edge_index, int(graph.num_nodes or 0), f"edge_index of graph {place}")
    arcs: np.ndarray = columns.cpu().numpy()
    return arcs, size


def _simple(arcs: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Neighbour lists, once it is sure that the graphs are simple and symmetric."""
    nodes = int(sizes.sum())
    loops = arcs[0, arcs[0] == arcs[1]]
    _refuse(loops, sizes, "a node has an edge to itself; see torch_geometric.utils.remove_self_loops")
    codes = arcs[0] * nodes + arcs[1]
    if not (codes[1:] > codes[:-1]).all():
        codes = np.sort(codes)
    heads = codes // max(nodes, 1)
    _refuse(heads[1:][codes[1:] == codes[:-1]], sizes, "an edge is there twice; see torch_geometric.utils.coalesce")
    opposite = np.sort(arcs[1] * nodes + arcs[0])
    _refuse(heads[codes != opposite], sizes, "edge_index is not symmetric; see torch_geometric.utils.to_undirected")
    starts = np.concatenate([[0], np.cumsum(np.bincount(heads, minlength=nodes))]).astype(np.int64)
    return starts, codes - heads * nodes


def _refuse(nodes: np.ndarray, sizes: np.ndarray, why: str) -> None:
    """Name the graph of the first of these nodes, if there are any."""
    if len(nodes):
        raise ValueError(f"graph {np.searchsorted(np.cumsum(sizes), nodes[0], side='right')}: {why}")


def _labels(
    graphs: Sequence[Any], node_colors: str | Sequence[Any] | None, sizes: np.ndarray
) -> tuple[np.ndarray, int]:
    if node_colors is None:
        return np.zeros(sizes.sum(), dtype=np.int64), min(int(sizes.sum()), 1)
    if isinstance(node_colors, str):
        node_colors = [_attribute(graph, node_colors, place) for place, graph in enumerate(graphs)]
    elif len(node_colors) != len(graphs):
        raise ValueError(f"node_colors: expected one array for each of {len(graphs)} graphs, got {len(node_colors)}")
    rows = []
    for place, (given, size) in enumerate(zip(node_colors, sizes.tolist(), strict=True)):
        array = given.detach().cpu().numpy() if isinstance(given, Tensor) else np.asarray(given)
        if array.ndim == 0 or len(array) != size:
            raise ValueError(f"node_colors of graph {place}: expected {size} rows, got shape {list(array.shape)}")
        rows.append(array.reshape(size, -1) if array.size else array.reshape(size, int(np.prod(array.shape[1:]))))
    widths = {row.shape[1] for row in rows}
    if len(widths) > 1:
        raise ValueError(f"node_colors: expected the same width in every graph, got widths {sorted(widths)}")
    return relabelled(np.concatenate(rows))


def _attribute(graph: Any, name: str, place: int) -> Any:
    if is_networkx(graph):
        values = [attributes.get(name) for _, attributes in graph.nodes(data=True)]
        found = None if any(value is None for value in values) else np.asarray(values)
    else:
        found = getattr(graph, name, None)
    if found is None:
        raise ValueError(f"node_colors={name!r}: graph {place} has no such attribute; None colours all nodes alike")
    return found
