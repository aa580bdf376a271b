"""Putting new edges into a torch_geometric graph: which columns are kept, and what becomes of edge attributes."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.typing import SparseTensor
from torch_geometric.utils import to_edge_index, to_torch_csc_tensor, to_torch_csr_tensor

from paperwright.blocks.graph_input import integer_pairs

from ._arcs import SimpleArcs


@dataclass
class EdgeStore:
    """A graph's edges and edge attributes, wherever the graph keeps them.

    Attributes:
        edge_index: [2, E].
        attributes: edge attributes by name, each of E rows.
        adj_t: the graph's `adj_t`, if that is where its edges are.
    """

    edge_index: Tensor
    attributes: dict[str, Tensor]
    adj_t: Any = None


def edge_store(data: Data) -> EdgeStore | None:
    """Where a graph keeps its edges; None if it has none.

    Raises:
        TypeError: an edge attribute is no tensor.
        ValueError: it keeps both an `edge_index` and an `adj_t`, which could then disagree, or an edge attribute has
            not a row for each edge.
    """
    if data.get("adj_t") is not None:
        if data.get("edge_index") is not None:
            raise ValueError("The graph has both edge_index and adj_t; delete one, or the two would disagree.")
        transposed, values = to_edge_index(data.adj_t)
        weighted = values is not None and values.numel() and bool((values != 1).any())
        return EdgeStore(transposed.flip(0), {"adj_t": values} if weighted else {}, data.adj_t)
    if data.get("edge_index") is None:
        return None
    names = [name for name in data.keys() if name != "edge_index" and data.is_edge_attr(name)]  # noqa: SIM118
    for name in {*names, *({"edge_attr", "edge_weight"} & set(data.keys()))}:
        _require_edge_rows(name, data[name], integer_pairs(data.edge_index).size(1))
    return EdgeStore(data.edge_index, {name: data[name] for name in names})


def _require_edge_rows(name: str, rows: Any, num_edges: int) -> None:
    if not isinstance(rows, Tensor):
        raise TypeError(
            f"{name} is of type {type(rows).__name__}; expected a tensor of a row for each edge. Delete it."
        )
    if rows.dim() == 0 or len(rows) != num_edges:
        raise ValueError(f"{name} has shape {list(rows.shape)}; expected a row for each of {num_edges} edges.")


def rewired_data(
    data: Data,
    store: EdgeStore,
    arcs: SimpleArcs,
    edge_index: Tensor,
    new_edge_attr: float | int | Literal["mean"] | None,
    *,
    mark_new: bool,
) -> Data:
    """The graph with the simple arcs `edge_index` in place of its own, and its self-loops put back.

    Args:
        data: the graph, changed in place.
        store: its edges and edge attributes.
        arcs: what was read from them.
        edge_index: the new arcs, int64 [2, A], each once.
        new_edge_attr: attribute of new edges, a number or "mean" of the kept ones.
        mark_new: store `edge_type`, 0 for kept and 1 for new edges.
    """
    heads, tails, columns = _with_loops(store.edge_index, arcs, edge_index.numpy())
    like = store.edge_index
    result = torch.from_numpy(np.stack([heads, tails])).to(device=like.device, dtype=like.dtype)
    origin = torch.from_numpy(columns).to(like.device)
    attributes = {name: _carried(name, value, origin, new_edge_attr) for name, value in store.attributes.items()}
    if store.adj_t is not None:
        data.adj_t = _like_adj_t(store.adj_t, result.flip(0), attributes.get("adj_t"), arcs.num_nodes)
    else:
        data.edge_index = result
        for name, value in attributes.items():
            data[name] = value
    if mark_new:
        data.edge_type = (origin < 0).long()
    return data


def _with_loops(given: Tensor, arcs: SimpleArcs, new: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """New arcs and old self-loops, sorted, with the given column that each comes from (-1: a new edge)."""
    codes = new[0] * arcs.num_nodes + new[1]
    place = np.minimum(np.searchsorted(arcs.codes, codes), max(len(arcs.codes) - 1, 0))
    kept = arcs.codes[place] == codes if len(arcs.codes) else np.zeros(len(codes), dtype=bool)
    columns = np.where(kept, arcs.columns[place] if len(arcs.columns) else -1, -1)
    loops = given[0].cpu().numpy().astype(np.int64)[arcs.loops]
    heads, tails = np.concatenate([new[0], loops]), np.concatenate([new[1], loops])
    columns = np.concatenate([columns, arcs.loops])
    order = np.lexsort((tails, heads))
    return heads[order], tails[order], columns[order]


def _carried(name: str, value: Tensor, origin: Tensor, new_edge_attr: float | int | Literal["mean"] | None) -> Tensor:
    """Rows of an edge attribute for the new columns."""
    fresh = origin < 0
    rows = value[origin.clamp(min=0)]
    if not fresh.any():
        return rows
    if new_edge_attr == "mean":
        if not value.is_floating_point():
            raise ValueError(f"new_edge_attr='mean' needs floating point, but {name} is {value.dtype}; pass a number.")
        mean = value[origin[~fresh]].mean(dim=0)
        if not bool(mean.isfinite().all()):
            raise ValueError(f"new_edge_attr='mean' needs finite numbers, but {name} holds NaN or infinity.")
        rows[fresh] = mean
    else:
        if not value.is_floating_point() and isinstance(new_edge_attr, float) and not new_edge_attr.is_integer():
            raise ValueError(
                f"new_edge_attr is {new_edge_attr}; expected a whole number, since {name} is {value.dtype}."
            )
        rows[fresh] = torch.as_tensor(new_edge_attr, dtype=value.dtype, device=value.device)
    return rows


def _like_adj_t(adj_t: Any, edge_index: Tensor, values: Tensor | None, num_nodes: int) -> object:
    """An adjacency of the kind that the graph had: torch_sparse's, or torch's in COO, CSR or CSC layout."""
    size = (num_nodes, num_nodes)
    if isinstance(adj_t, SparseTensor):
        return SparseTensor.from_edge_index(edge_index, values, sparse_sizes=size)
    if adj_t.layout == torch.sparse_csr:
        return to_torch_csr_tensor(edge_index, values, size=size)
    if adj_t.layout == torch.sparse_csc:
        return to_torch_csc_tensor(edge_index, values, size=size)
    ones = torch.ones(edge_index.size(1), device=edge_index.device) if values is None else values
    return torch.sparse_coo_tensor(edge_index, ones, size=(*size, *ones.shape[1:])).coalesce()
