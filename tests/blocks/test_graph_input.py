"""Reading graphs at the border: what is taken, what is refused, and in which words."""

from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import HeteroData

from paperwright.blocks.counts import whole_number
from paperwright.blocks.graph_input import graph_data, integer_pairs, node_pairs, require_rows


@pytest.mark.parametrize("dtype", [torch.int16, torch.int32, torch.int64, torch.uint8])
def test_integers_of_any_width_become_int64(dtype: torch.dtype) -> None:
    pairs, nodes = node_pairs(torch.tensor([[0, 1], [1, 2]], dtype=dtype))
    assert (pairs.dtype, pairs.tolist(), nodes) == (torch.int64, [[0, 1], [1, 2]], 3)


def test_whole_numbers_become_ints() -> None:
    found = [whole_number("count", value, 0) for value in (3, 3.0, np.int32(3), np.float64(0), 10**30)]
    assert found == [3, 3, 3, 0, 10**30]
    assert all(type(value) is int for value in found)


def test_networkx_graphs_are_read() -> None:
    data = graph_data(nx.path_graph(3))
    assert data.num_nodes == 3
    assert data.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert graph_data(data) is data


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: graph_data(HeteroData()), TypeError, "data is a HeteroData.*to_homogeneous"),
        (lambda: graph_data([], "graph 3"), TypeError, "graph 3 is of type list; expected"),
        (lambda: node_pairs(None), ValueError, "edge_index is None; expected"),
        (lambda: node_pairs([[0], [1]]), TypeError, "edge_index is list; expected"),
        (lambda: node_pairs(torch.ones(2, 1)), TypeError, r"edge_index is torch\.float32; expected"),
        (lambda: node_pairs(torch.ones(2, 1, dtype=torch.bool)), TypeError, r"edge_index is torch\.bool; expected"),
        (lambda: integer_pairs(torch.ones(3, 4, dtype=torch.long)), ValueError, r"\[3, 4\]; expected \[2, E\]"),
        (lambda: node_pairs(torch.tensor([[0], [3]]), 3), ValueError, "node 3, but num_nodes is 3; expected"),
        (lambda: node_pairs(torch.tensor([[0], [-1]]), 3), ValueError, "node number -1; expected"),
        (lambda: node_pairs(torch.empty(2, 0, dtype=torch.long), -1), ValueError, "num_nodes is -1; expected"),
        (
            lambda: integer_pairs(torch.eye(2).long().to_sparse()),
            TypeError,
            r"is torch.sparse_coo; expected an integer",
        ),
        (lambda: require_rows("x", torch.ones(7, 2), 3), ValueError, r"x has shape \[7, 2\]; expected.*3 nodes"),
        (lambda: whole_number("num_hops", 1.5, 1), ValueError, "num_hops is 1.5; expected a whole number of at"),
        (lambda: whole_number("num_hops", 0, 1), ValueError, "num_hops is 0; expected"),
        (lambda: whole_number("count", float("nan"), 1), ValueError, "count is nan; expected"),
        (lambda: whole_number("count", True, 1), TypeError, "count is True; expected"),
        (lambda: whole_number("count", None, 1), TypeError, "count is None; expected"),
        (lambda: whole_number("steps", 2.5, advice="Round up."), ValueError, "at least 1. Round up.$"),
    ],
)
def test_refuses_in_one_form(call: Callable, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()
