"""Random message-passing networks, smooth and in float64: GIN, and twelve architectures that bounds are tried on."""

from collections.abc import Callable, Mapping
from itertools import accumulate, pairwise
from typing import Any, Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric import nn as gnn

WIDTH = 8
DEGREES = torch.tensor([0, 20, 60, 30, 20, 5, 5, 0, 0, 0, 0, 0, 1])  # how frequent; PNA scales by their mean logarithm


class IsomorphismNetwork(nn.Module):
    """GIN layers with tanh in float64; bounded by as many rounds of colour refinement as it has layers.

    f(x, edge_index, batch) returns [graphs, width], sums over nodes, or at vertex level [N, width]. A ReLU network of
    the same size finds far fewer classes: it is linear on large regions.
    """

    def __init__(
        self, in_channels: int, width: int = 16, layers: int = 3, *, level: Literal["graph", "vertex"] = "graph"
    ) -> None:
        super().__init__()
        widths = [in_channels, *[width] * layers]
        self.convolutions = nn.ModuleList(
            gnn.GINConv(nn.Sequential(nn.Linear(a, width), nn.Tanh(), nn.Linear(width, b), nn.Tanh()), train_eps=True)
            for a, b in pairwise(widths)
        )
        self.level = level
        self.double()

    def states(self, x: Float[Tensor, "N width"], edge_index: Int64[Tensor, "2 E"]) -> list[Tensor]:
        """Return the nodes' outputs after each layer."""
        return list(accumulate(self.convolutions, lambda x, layer: layer(x, edge_index), initial=x))[1:]

    def forward(
        self, x: Float[Tensor, "N width"], edge_index: Int64[Tensor, "2 E"], batch: Int64[Tensor, " N"] | None = None
    ) -> Float[Tensor, "rows out"]:
        """Return the outputs of the graphs, or of their nodes."""
        *_, last = self.states(x, edge_index)
        return gnn.global_add_pool(last, batch) if self.level == "graph" else last


class Stack(nn.Module):
    """Layers one after the other, each followed by tanh: [N, 1] to [N, 8].

    Args:
        layer: makes a layer of so many input and output channels.
        layers: how many.
        norm: makes a normalisation of so many channels, called with the batch behind each layer.
    """

    def __init__(
        self,
        layer: Callable[[int, int], nn.Module],
        layers: int,
        norm: Callable[[int], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        widths = [1, *[WIDTH] * layers]
        self.layers = nn.ModuleList(layer(a, b) for a, b in pairwise(widths))
        self.norms = nn.ModuleList([] if norm is None else [norm(WIDTH) for _ in range(layers)])

    def forward(
        self, x: Float[Tensor, "N 1"], edge_index: Int64[Tensor, "2 E"], batch: Int64[Tensor, " N"] | None = None
    ) -> Float[Tensor, "N width"]:
        """The nodes' outputs."""
        for place, layer in enumerate(self.layers):
            x = layer(x, edge_index).tanh()
            if self.norms:
                x = self.norms[place](x, batch)
        return x


class Propagated(nn.Module):
    """Personalised PageRank of a perceptron's outputs: APPNP as its paper uses it."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.perceptron = nn.Sequential(nn.Linear(1, WIDTH), nn.Tanh(), nn.Linear(WIDTH, WIDTH))
        self.propagation = gnn.APPNP(steps, alpha=0.1)

    def forward(self, x: Float[Tensor, "N 1"], edge_index: Int64[Tensor, "2 E"]) -> Float[Tensor, "N width"]:
        """The nodes' outputs."""
        found: Tensor = self.propagation(self.perceptron(x), edge_index)
        return found.tanh()


def _isomorphism_layer(a: int, b: int) -> Any:
    return gnn.GINConv(nn.Sequential(nn.Linear(a, WIDTH), nn.Tanh(), nn.Linear(WIDTH, b)), train_eps=True)


def _principal_layer(a: int, b: int) -> Any:
    return gnn.PNAConv(a, b, ["sum", "mean", "max", "std"], ["identity", "amplification", "attenuation"], deg=DEGREES)


ARCHITECTURES: Mapping[str, Callable[[int], nn.Module]] = {
    "GIN": lambda t: Stack(_isomorphism_layer, t),
    "GraphSAGE, mean": lambda t: Stack(lambda a, b: gnn.SAGEConv(a, b), t),
    "GraphSAGE, max": lambda t: Stack(lambda a, b: gnn.SAGEConv(a, b, aggr="max"), t),
    "GAT": lambda t: Stack(lambda a, b: gnn.GATConv(a, b, add_self_loops=False), t),
    "edge transformer": lambda t: Stack(lambda a, b: gnn.TransformerConv(a, b), t),
    "GatedGCN": lambda t: Stack(lambda a, b: gnn.ResGatedGraphConv(a, b), t),
    "PNA": lambda t: Stack(_principal_layer, t),
    "GCN": lambda t: Stack(lambda a, b: gnn.GCNConv(a, b), t),
    "SGC": lambda t: Stack(lambda a, b: gnn.SGConv(a, b, K=t), 1),
    "APPNP": lambda t: Propagated(t),
    "ChebNet": lambda t: Stack(lambda a, b: gnn.ChebConv(a, b, K=t + 1), 1),
    "GIN, graph norm": lambda t: Stack(_isomorphism_layer, t, norm=gnn.GraphNorm),
}
"""Each makes a model of t layers (filters: of t steps), with weights from torch's global generator."""
