"""The convolution and the message-passing encoder of the paper's experiments."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric.nn import BatchNorm, GINConv

from .edge_features import features_for

ConvFactory = Callable[[int, int], nn.Module]


def gin_conv(in_channels: int, out_channels: int) -> GINConv:
    """The GIN convolution: h_v = MLP(x_v + sum over neighbours of x_w), MLP = Linear, batch norm, ReLU, Linear.

    Source: `models.py` of the official code; epsilon stays 0.
    """
    return GINConv(
        nn.Sequential(
            nn.Linear(in_channels, out_channels),
            BatchNorm(out_channels, allow_single_element=True),
            nn.ReLU(),
            nn.Linear(out_channels, out_channels),
        )
    )


class JumpingEncoder(nn.Module):
    """Convolution, batch norm, ReLU, layer by layer; the output joins the input and every layer's output.

    Its width, `out_channels`, is in_channels + num_layers * hidden_channels.

    Args:
        conv_factory: (in, out) -> a convolution.
        in_channels, hidden_channels, num_layers: the widths of input and layers, and how many there are.

    Source: `GNN_node` of the official code, jumping knowledge "concat".
    """

    def __init__(self, conv_factory: ConvFactory, in_channels: int, hidden_channels: int, num_layers: int) -> None:
        super().__init__()
        widths = [in_channels] + [hidden_channels] * (num_layers - 1)
        self.convs = nn.ModuleList(conv_factory(width, hidden_channels) for width in widths)
        self.norms = nn.ModuleList(BatchNorm(hidden_channels, allow_single_element=True) for _ in widths)
        self.out_channels = in_channels + num_layers * hidden_channels

    def forward(
        self,
        x: Float[Tensor, "nodes width"],
        edge_index: Int64[Tensor, "2 edges"],
        edge_attr: Tensor | None = None,
        edge_weight: Tensor | None = None,
    ) -> Float[Tensor, "nodes out"]:
        """The joined features of every node; edge features reach the convolutions that can use them."""
        layers = [x]
        for conv, norm in zip(self.convs, self.norms, strict=True):
            attributes = features_for(conv, {"edge_attr": edge_attr, "edge_weight": edge_weight})
            layers.append(torch.relu(norm(conv(layers[-1], edge_index, **attributes))))
        return torch.cat(layers, dim=1)
