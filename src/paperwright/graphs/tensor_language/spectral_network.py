"""Networks of spectral filters: Cayley polynomials, and Chebyshev ones with each graph's own largest eigenvalue."""

from itertools import pairwise

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric.nn import ChebConv, global_add_pool

from .dense import Level, dense_graphs


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
        power, filtered = torch.complex(x, torch.zeros_like(x)), self.constant(x)
        for weight in torch.complex(self.real, self.imaginary):
            power = torch.linalg.solve(scaled + i, (scaled - i) @ power)
            filtered = filtered + 2 * (power @ weight).real
        return filtered


class CayleyNetwork(nn.Module):
    """Cayley filters with tanh in float64: bounded by stable colour refinement, as every fixed function of L is."""

    def __init__(
        self, in_channels: int, width: int = 16, layers: int = 2, order: int = 3, *, level: Level = "graph"
    ) -> None:
        super().__init__()
        widths = [in_channels, *[width] * layers]
        self.filters = nn.ModuleList(CayleyFilter(a, b, order) for a, b in pairwise(widths))
        self.level = level
        self.double()

    def forward(
        self, x: Float[Tensor, "N width"], edge_index: Int64[Tensor, "2 E"], batch: Int64[Tensor, " N"] | None = None
    ) -> Float[Tensor, "rows out"]:
        """Outputs of the graphs, sums over their nodes, or of their nodes."""
        outputs = []
        for features, adjacency in dense_graphs(x, edge_index, batch):
            L, h = normalised_laplacian(adjacency), features
            for layer in self.filters:
                h = layer(h, L).tanh()
            outputs.append(h.sum(dim=0, keepdim=True) if self.level == "graph" else h)
        return torch.cat(outputs)


class ChebyshevNetwork(nn.Module):
    """Chebyshev filters of K terms with tanh in float64.

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
    return torch.linalg.eigvalsh(normalised_laplacian(adjacency))[-1]
