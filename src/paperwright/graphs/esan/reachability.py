"""Which nodes lie within k steps of which: by products for small graphs, along the edges for large ones."""

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

DENSE = 200
"""Up to this many nodes products of n x n matrices are faster than walking along the edges."""


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
