"""The network that random initialisations of which attain colour refinement: GIN with tanh in float64 (Section 6.2)."""

from itertools import pairwise

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric.nn import GINConv, global_add_pool

from .dense import Level


class IsomorphismNetwork(nn.Module):
    """GIN layers with tanh in float64; bounded by as many rounds of colour refinement as it has layers.

    f(x, edge_index, batch) returns [graphs, width], sums over nodes, or at vertex level [N, width].

    A ReLU network of the same size finds far fewer classes: it is linear on large regions.
    """

    def __init__(self, in_channels: int, width: int = 16, layers: int = 3, *, level: Level = "graph") -> None:
        super().__init__()
        widths = [in_channels, *[width] * layers]
        self.convolutions = nn.ModuleList(
            GINConv(nn.Sequential(nn.Linear(a, width), nn.Tanh(), nn.Linear(width, b), nn.Tanh()), train_eps=True)
            for a, b in pairwise(widths)
        )
        self.level = level
        self.double()

    def forward(
        self, x: Float[Tensor, "N width"], edge_index: Int64[Tensor, "2 E"], batch: Int64[Tensor, " N"] | None = None
    ) -> Float[Tensor, "rows out"]:
        """Outputs of the graphs, or of their nodes."""
        for convolution in self.convolutions:
            x = convolution(x, edge_index)
        return global_add_pool(x, batch) if self.level == "graph" else x
