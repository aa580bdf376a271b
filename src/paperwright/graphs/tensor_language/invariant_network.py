"""Invariant graph networks: layers of all linear maps between tensors over nodes that commute with renumbering."""

from collections.abc import Iterator
from itertools import pairwise

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from .dense import Level, atomic_types, dense_graphs, num_atomic_channels


class EquivariantLinear(nn.Module):
    r"""Every equivariant linear map from [n]^in to [n]^out tensors, with channels and bias.

    There is one for each partition of the in + out axes (15 for 2 to 2, 203 for 3 to 3): input axes in one block are
    set equal, blocks of input axes alone are averaged over, output axes in one block are equal or the entry is 0, and
    those in a block of their own repeat. Means stand in for sums, which span the same maps on graphs of one size.

    Source: Maron et al., "Invariant and equivariant graph networks", ICLR 2019, Theorem 1.
    """

    def __init__(self, order_in: int, order_out: int, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.maps = [(blocks[:order_in], blocks[order_in:]) for blocks in _partitions(order_in + order_out)]
        self.bias_blocks = list(_partitions(order_out))
        self.order_in, self.order_out, self.channels_out = order_in, order_out, channels_out
        deviation = (channels_in * len(self.maps)) ** -0.5
        self.weight = nn.Parameter(deviation * torch.randn(len(self.maps), channels_in, channels_out))
        self.bias = nn.Parameter(torch.randn(len(self.bias_blocks), channels_out))

    @property
    def num_maps(self) -> int:
        """Number of basis maps, the Bell number of in + out."""
        return len(self.maps)

    def forward(self, X: Float[Tensor, "*axes channels"]) -> Float[Tensor, "*out channels_out"]:
        """The image, [n] * out + [channels_out]."""
        n = len(X)
        image = X.new_zeros(*[n] * self.order_out, self.channels_out)
        for (before, after), weight in zip(self.maps, self.weight, strict=True):
            kept = sorted(set(before) & set(after))
            letters = "".join(map(_letter, before))
            contracted = torch.einsum(f"{letters}z->{''.join(map(_letter, kept))}z", X)
            contracted = contracted / n ** len(set(before) - set(after)) @ weight
            image = image + _spread(contracted, kept, after, n)
        for blocks, bias in zip(self.bias_blocks, self.bias, strict=True):
            image = image + _spread(bias, [], blocks, n)
        return image


class InvariantNetwork(nn.Module):
    """k-IGN with tanh in float64, on tensors over k-tuples of nodes that start from the tuples' atomic types.

    f(x, edge_index, batch) returns [graphs, width], or at vertex level [N, width]. Memory is n^k, time the Bell number
    of 2k times that.

    Source: Geerts and Reutter 2022, Theorem 5.1: (k+1)-IGN are bounded by k-WL.
    """

    def __init__(
        self, in_channels: int, order: int = 2, width: int = 8, layers: int = 2, *, level: Level = "graph"
    ) -> None:
        super().__init__()
        widths = [num_atomic_channels(in_channels, order), *[width] * layers]
        self.layers = nn.ModuleList(EquivariantLinear(order, order, a, b) for a, b in pairwise(widths))
        self.last = EquivariantLinear(order, 0 if level == "graph" else 1, widths[-1], width)
        self.in_channels, self.order, self.level = in_channels, order, level
        self.double()

    def forward(
        self, x: Float[Tensor, "N width"], edge_index: Int64[Tensor, "2 E"], batch: Int64[Tensor, " N"] | None = None
    ) -> Float[Tensor, "rows out"]:
        """Outputs of the graphs, or of their nodes."""
        outputs = []
        for features, adjacency in dense_graphs(x, edge_index, batch):
            X = atomic_types(features, adjacency, self.order)
            for layer in self.layers:
                X = layer(X).tanh()
            outputs.append(self.last(X).reshape(-1, self.last.channels_out))
        return torch.cat(outputs)


def _partitions(size: int) -> Iterator[tuple[int, ...]]:
    """All set partitions of so many axes, as the number of each axis's block, numbered as they first occur."""
    if size == 0:
        yield ()
        return
    for blocks in _partitions(size - 1):
        for block in range(max(blocks, default=-1) + 2):
            yield (*blocks, block)


def _letter(block: int) -> str:
    return chr(ord("a") + block)


def _spread(values: Tensor, kept: list[int], after: tuple[int, ...], n: int) -> Tensor:
    """A tensor over blocks, laid out over the output axes: 0 where axes of a block differ, repeated along new ones."""
    fresh = sorted(set(after) - set(kept))
    values = values.reshape(*values.shape[:-1], *[1] * len(fresh), -1).expand(*[n] * (len(kept) + len(fresh)), -1)
    order = [*kept, *fresh]
    if len(order) == len(after):
        return values.permute(*[order.index(block) for block in after], len(order))
    grid = torch.meshgrid(*[torch.arange(n, device=values.device)] * len(order), indexing="ij")
    image = values.new_zeros(*[n] * len(after), values.size(-1))
    return image.index_put(tuple(grid[order.index(block)] for block in after), values)
