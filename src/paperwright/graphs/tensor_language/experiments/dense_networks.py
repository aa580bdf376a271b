"""Random networks on the dense tensors of graphs, in float64: PPGN, invariant graph networks, spectral filters."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric.nn import ChebConv, global_add_pool

Level = Literal["graph", "vertex"]


class DenseNetwork(nn.Module):
    """A network whose outputs for each graph come from its features and its adjacency matrix.

    f(x, edge_index, batch) returns [graphs, width], or at vertex level [N, width].
    """

    level: Level

    def outputs(self, x: Float[Tensor, "n width"], adjacency: Float[Tensor, "n n"]) -> Float[Tensor, "rows out"]:
        """Return one row for the graph, or one for each of its nodes."""
        raise NotImplementedError

    def forward(
        self, x: Float[Tensor, "N width"], edge_index: Int64[Tensor, "2 E"], batch: Int64[Tensor, " N"] | None = None
    ) -> Float[Tensor, "rows out"]:
        """Return the outputs of the graphs, or of their nodes."""
        return torch.cat([self.outputs(*graph) for graph in dense_graphs(x, edge_index, batch)])


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


# -- PPGN --------------------------------------------------------------------------------------------------------------


class FolkloreLayer(nn.Module):
    r"""One round on pairs, channel by channel a product of two matrices:

    .. math:: X'_{vw} = \mathrm{tanh}\bigl(W [X_{vw}, \sum_u f(X_{vu}) \odot g(X_{uw})]\bigr),

    f and g of one tanh layer each. An expression of 3 indices and depth 1: one round of 2-WL.

    Source: Maron et al., "Provably powerful graph networks", NeurIPS 2019, without its normalisation.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(channels, width), nn.Linear(channels, width)
        self.mix = nn.Linear(channels + width, width)

    def forward(self, X: Float[Tensor, "n n channels"]) -> Float[Tensor, "n n width"]:
        """The pairs' features after one round more."""
        products = torch.einsum("vuc,uwc->vwc", self.left(X).tanh(), self.right(X).tanh())
        mixed: Tensor = self.mix(torch.cat([X, products], dim=-1))
        return mixed.tanh()


class FolkloreNetwork(DenseNetwork):
    """PPGN with tanh; bounded by as many rounds of folklore 2-WL as it has layers.

    A graph's row is the sum over all pairs, a node's its pair with itself.
    """

    def __init__(self, in_channels: int, width: int = 16, layers: int = 1, *, level: Level = "graph") -> None:
        super().__init__()
        widths = [num_atomic_channels(in_channels, 2), *[width] * layers]
        self.layers = nn.ModuleList(FolkloreLayer(a, b) for a, b in pairwise(widths))
        self.last = nn.Linear(widths[-1], width)
        self.in_channels, self.level = in_channels, level
        self.double()

    def outputs(self, x: Float[Tensor, "n width"], adjacency: Float[Tensor, "n n"]) -> Float[Tensor, "rows out"]:
        """Return one row for the graph, or one for each of its nodes."""
        X = atomic_types(x, adjacency, 2)
        for layer in self.layers:
            X = layer(X)
        X = torch.tanh(self.last(X))
        return X.sum(dim=(0, 1))[None] if self.level == "graph" else X.diagonal().T


# -- invariant graph networks ------------------------------------------------------------------------------------------


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


class InvariantNetwork(DenseNetwork):
    """k-IGN with tanh, on tensors over k-tuples of nodes that start from the tuples' atomic types.

    Memory is n^k, time the Bell number of 2k times that.

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

    def outputs(self, x: Float[Tensor, "n width"], adjacency: Float[Tensor, "n n"]) -> Float[Tensor, "rows out"]:
        """Return one row for the graph, or one for each of its nodes."""
        X = atomic_types(x, adjacency, self.order)
        for layer in self.layers:
            X = layer(X).tanh()
        return torch.reshape(self.last(X), (-1, self.last.channels_out))


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


# -- spectral filters --------------------------------------------------------------------------------------------------


class CayleyFilter(nn.Module):
    r"""A rational filter of the normalised Laplacian L = I - D^{-1/2} A D^{-1/2}, solved exactly:

    .. math:: Y = X W_0 + 2\, \mathrm{Re} \sum_{j=1}^{r} \Bigl(\frac{hL - i}{hL + i}\Bigr)^j X W_j,

    with complex W_j.

    Source: Levie et al., "CayleyNets", IEEE Transactions on Signal Processing 2019, equation 5.
    """

    def __init__(self, in_channels: int, out_channels: int, order: int = 3, zoom: float = 1.0) -> None:
        super().__init__()
        shape = (order, in_channels, out_channels)
        self.constant = nn.Linear(in_channels, out_channels)
        self.real, self.imaginary = (nn.Parameter(torch.randn(shape) / in_channels**0.5) for _ in range(2))
        self.zoom = nn.Parameter(torch.tensor(zoom))

    def forward(
        self, x: Float[Tensor, "n in_channels"], laplacian: Float[Tensor, "n n"]
    ) -> Float[Tensor, "n out_channels"]:
        """The filtered signal."""
        scaled = torch.complex(self.zoom * laplacian, torch.zeros_like(laplacian))
        i = 1j * torch.eye(len(x), dtype=scaled.dtype, device=x.device)
        power = torch.complex(x, torch.zeros_like(x))
        filtered: Tensor = self.constant(x)
        for weight in torch.complex(self.real, self.imaginary):
            power = torch.linalg.solve(scaled + i, (scaled - i) @ power)
            filtered = filtered + 2 * (power @ weight).real
        return filtered


class CayleyNetwork(DenseNetwork):
    """Cayley filters with tanh: bounded by stable colour refinement, as every fixed function of L is."""

    def __init__(
        self, in_channels: int, width: int = 16, layers: int = 2, order: int = 3, *, level: Level = "graph"
    ) -> None:
        super().__init__()
        widths = [in_channels, *[width] * layers]
        self.filters = nn.ModuleList(CayleyFilter(a, b, order) for a, b in pairwise(widths))
        self.level = level
        self.double()

    def outputs(self, x: Float[Tensor, "n width"], adjacency: Float[Tensor, "n n"]) -> Float[Tensor, "rows out"]:
        """Return the sum over the nodes, or one row for each of them."""
        laplacian = normalised_laplacian(adjacency)
        for layer in self.filters:
            x = layer(x, laplacian).tanh()
        return x.sum(dim=0, keepdim=True) if self.level == "graph" else x


class ChebyshevNetwork(nn.Module):
    """Chebyshev filters of K terms with tanh.

    Args:
        own_lambda_max: scale each graph's Laplacian by its own largest eigenvalue, as ChebNet's paper does, instead of
            by the bound 2. That one number is a property of the whole graph, and tells more apart than colour
            refinement.
    """

    def __init__(
        self,
        in_channels: int,
        width: int = 16,
        layers: int = 2,
        K: int = 4,
        *,
        own_lambda_max: bool = False,
        level: Level = "graph",
    ) -> None:
        super().__init__()
        widths = [in_channels, *[width] * layers]
        self.filters = nn.ModuleList(ChebConv(a, b, K) for a, b in pairwise(widths))
        self.own_lambda_max, self.level = own_lambda_max, level
        self.double()

    def forward(
        self, x: Float[Tensor, "N width"], edge_index: Int64[Tensor, "2 E"], batch: Int64[Tensor, " N"] | None = None
    ) -> Float[Tensor, "rows out"]:
        """Outputs of the graphs, sums over their nodes, or of their nodes."""
        batch = x.new_zeros(len(x), dtype=torch.long) if batch is None else batch
        lambda_max = None
        if self.own_lambda_max:
            lambda_max = torch.stack([largest_eigenvalue(A) for _, A in dense_graphs(x, edge_index, batch)])
        for layer in self.filters:
            x = layer(x, edge_index, batch=batch, lambda_max=lambda_max).tanh()
        return global_add_pool(x, batch) if self.level == "graph" else x


def normalised_laplacian(adjacency: Float[Tensor, "n n"]) -> Float[Tensor, "n n"]:
    """I - D^{-1/2} A D^{-1/2}, with 1 on the diagonal for isolated nodes too, as in torch_geometric."""
    scale = adjacency.sum(dim=1).clamp(min=1).rsqrt()
    return (
        torch.eye(len(adjacency), dtype=adjacency.dtype, device=adjacency.device) - scale[:, None] * adjacency * scale
    )


def largest_eigenvalue(adjacency: Float[Tensor, "n n"]) -> Float[Tensor, ""]:
    """Of the normalised Laplacian: between 1 and 2."""
    eigenvalues: Tensor = torch.linalg.eigvalsh(normalised_laplacian(adjacency))
    return eigenvalues[-1]
