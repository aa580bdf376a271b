"""A batch of graphs as dense matrices, one after the other, for networks on pairs and triples of nodes."""

from collections.abc import Iterator
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

Level = Literal["graph", "vertex"]


def dense_graphs(
    x: Float[Tensor, "N width"], edge_index: Int64[Tensor, "2 E"], batch: Int64[Tensor, " N"] | None
) -> Iterator[tuple[Float[Tensor, "n width"], Float[Tensor, "n n"]]]:
    """Features and adjacency matrix of each graph of a batch."""
    batch = x.new_zeros(len(x), dtype=torch.long) if batch is None else batch
    start = 0
    for size in torch.bincount(batch).tolist():
        inside = (edge_index[0] >= start) & (edge_index[0] < start + size)
        adjacency = x.new_zeros(size, size)
        adjacency[tuple(edge_index[:, inside] - start)] = 1
        yield x[start : start + size], adjacency
        start += size


def atomic_types(x: Float[Tensor, "n width"], adjacency: Float[Tensor, "n n"], order: int) -> Tensor:
    """What is known of each tuple of nodes at first: equalities, adjacencies, features; [n] * order + [channels]."""
    n = len(x)
    equal = torch.eye(n, dtype=x.dtype, device=x.device)
    channels = []
    for i in range(order):
        shape = [1] * i + [n] + [1] * (order - 1 - i)
        channels.append(x.reshape(*shape, -1).expand(*[n] * order, -1))
        for j in range(i + 1, order):
            shape = [n if axis in (i, j) else 1 for axis in range(order)]
            channels += [relation.reshape(*shape, 1).expand(*[n] * order, 1) for relation in (equal, adjacency)]
    return torch.cat(channels, dim=-1)


def num_atomic_channels(width: int, order: int) -> int:
    """Channels of `atomic_types`."""
    return order * width + order * (order - 1)
