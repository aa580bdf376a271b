"""A network that does what folklore 2-WL does: PPGN, or 2-FGNN, by matrix products of pair features (Section 5)."""

from itertools import pairwise

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from .dense import Level, atomic_types, dense_graphs, num_atomic_channels


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
        return self.mix(torch.cat([X, products], dim=-1)).tanh()


class FolkloreNetwork(nn.Module):
    """PPGN with tanh in float64; bounded by as many rounds of folklore 2-WL as it has layers.

    f(x, edge_index, batch) returns [graphs, width], sums over all pairs, or at vertex level [N, width], the diagonals.
    """

    def __init__(self, in_channels: int, width: int = 16, layers: int = 1, *, level: Level = "graph") -> None:
        super().__init__()
        widths = [num_atomic_channels(in_channels, 2), *[width] * layers]
        self.layers = nn.ModuleList(FolkloreLayer(a, b) for a, b in pairwise(widths))
        self.last = nn.Linear(widths[-1], width)
        self.in_channels, self.level = in_channels, level
        self.double()

    def forward(
        self, x: Float[Tensor, "N width"], edge_index: Int64[Tensor, "2 E"], batch: Int64[Tensor, " N"] | None = None
    ) -> Float[Tensor, "rows out"]:
        """Outputs of the graphs, or of their nodes."""
        outputs = []
        for features, adjacency in dense_graphs(x, edge_index, batch):
            X = atomic_types(features, adjacency, 2)
            for layer in self.layers:
                X = layer(X)
            X = self.last(X).tanh()
            outputs.append(X.sum(dim=(0, 1))[None] if self.level == "graph" else X.diagonal().T)
        return torch.cat(outputs)
