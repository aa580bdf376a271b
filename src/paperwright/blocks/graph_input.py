"""Reading graphs at the border: every room that takes one accepts and refuses the same, in the same words."""

import sys
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from paperwright.blocks.counts import whole_number as whole_number

if TYPE_CHECKING:
    from torch_geometric.data import Data


def graph_data(graph: Any, name: str = "data") -> "Data":
    """The torch_geometric graph that was given, or made of a networkx graph by `from_networkx`.

    Raises:
        TypeError: a heterogeneous graph, or no graph.
    """
    from torch_geometric.data import Data, HeteroData
    from torch_geometric.utils import from_networkx

    if is_networkx(graph):
        return from_networkx(graph)
    if isinstance(graph, HeteroData):
        raise TypeError(f"{name} is a HeteroData; expected a homogeneous graph. Call {name}.to_homogeneous() first.")
    if not isinstance(graph, Data):
        raise TypeError(
            f"{name} is of type {type(graph).__name__}; expected a torch_geometric Data or a networkx graph. "
            "Make one by Data(edge_index=..., num_nodes=...)."
        )
    return graph


def is_networkx(graph: Any) -> bool:
    """Whether this is a graph of networkx, found without importing it."""
    networkx = sys.modules.get("networkx")
    return networkx is not None and isinstance(graph, networkx.Graph)


def integer_pairs(edge_index: Any, name: str = "edge_index") -> Tensor:
    """An edge index as int64 [2, E], its node numbers not looked at yet.

    Raises:
        TypeError: no tensor of integers.
        ValueError: another shape.
    """
    if edge_index is None:
        raise ValueError(f"{name} is None; expected integers of shape [2, E]. A graph in adj_t has none: give edges.")
    integers = isinstance(edge_index, Tensor) and not (
        edge_index.is_floating_point() or edge_index.is_complex() or edge_index.dtype == torch.bool
    )
    if not integers or edge_index.layout != torch.strided:
        tensor = isinstance(edge_index, Tensor)
        kind = type(edge_index).__name__ if not tensor else edge_index.layout if integers else edge_index.dtype
        raise TypeError(f"{name} is {kind}; expected an integer tensor of shape [2, E], such as torch.int64.")
    if edge_index.dim() != 2 or edge_index.size(0) != 2:
        raise ValueError(
            f"{name} has shape {list(edge_index.shape)}; expected [2, E], a column (source, target) for each edge. "
            "Transpose a list of pairs by .t()."
        )
    pairs: Tensor = edge_index.long()
    return pairs


def node_pairs(edge_index: Any, num_nodes: int | None = None, name: str = "edge_index") -> tuple[Tensor, int]:
    """An edge index as int64 [2, E] on its own device, and the number of nodes.

    Args:
        edge_index: integers of any width.
        num_nodes: one more than the greatest node number if not given.
        name: what messages call it.

    Raises:
        TypeError: no tensor of integers.
        ValueError: another shape, or a node number that is negative or not below `num_nodes`.
    """
    if num_nodes is not None:
        num_nodes = whole_number("num_nodes", num_nodes, 0)
    pairs = integer_pairs(edge_index, name)
    least, greatest = (int(bound) for bound in pairs.aminmax()) if pairs.numel() else (0, -1)
    if least < 0:
        raise ValueError(f"{name} holds the node number {least}; expected 0 or more. Node numbers start at 0.")
    if num_nodes is None:
        num_nodes = greatest + 1
    if greatest >= num_nodes:
        raise ValueError(
            f"{name} holds node {greatest}, but num_nodes is {num_nodes}; expected numbers below that. Set num_nodes."
        )
    return pairs, num_nodes


def require_rows(name: str, rows: Tensor | None, num_nodes: int) -> None:
    """Refuse features that are not a row for each node.

    Raises:
        ValueError: there are more rows, or fewer.
        TypeError: no tensor.
    """
    if rows is not None and not isinstance(rows, Tensor):
        raise TypeError(f"{name} is of type {type(rows).__name__}; expected a tensor. Convert it by torch.as_tensor.")
    if rows is not None and (rows.dim() == 0 or len(rows) != num_nodes):
        raise ValueError(
            f"{name} has shape {list(rows.shape)}; expected a row for each of {num_nodes} nodes. Set num_nodes if "
            "there are more of them."
        )
