"""Layers over the set of a bag's subgraphs (the DS part of DS-GNN): each subgraph for itself, and beside its bag."""

from collections.abc import Callable

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric.nn.resolver import activation_resolver
from torch_geometric.utils import scatter


class SetLayer(nn.Module):
    r"""A linear layer over a set that commutes with reordering it,

    .. math:: h'_s = \sigma\Big( W_1 h_s + b_1 + W_2 \frac{1}{S} \sum_{s'} h_{s'} + b_2 \Big).

    The mean, not the sum, so that a sample of the bag has the scale of the whole.

    Args:
        in_channels, out_channels: widths of h and h'.
        activation: sigma: the name of one in torch.nn, a function, or None for the identity.

    Source: Section 3 (the set encoder) after Zaheer et al. 2017; `fc_list`, `fc_sum_list` of the official code.
    """

    def __init__(
        self, in_channels: int, out_channels: int, activation: str | Callable[[Tensor], Tensor] | None = "elu"
    ) -> None:
        super().__init__()
        self.own = nn.Linear(in_channels, out_channels)
        self.mean = nn.Linear(in_channels, out_channels)
        self.activation = nn.Identity() if activation is None else activation_resolver(activation)

    def forward(
        self, h: Float[Tensor, "subgraphs width"], bag_batch: Int64[Tensor, " subgraphs"], num_bags: int | None = None
    ) -> Float[Tensor, "subgraphs out"]:
        """New features of every subgraph.

        Args:
            h: features of the subgraphs.
            bag_batch: the bag of each subgraph, 0 to `num_bags` - 1.
            num_bags: one more than the greatest of these if not given.
        """
        mean = scatter(h, bag_batch, dim=0, dim_size=num_bags, reduce="mean")
        return self.activation(self.own(h) + self.mean(mean).index_select(0, bag_batch))


class InvariantSetLayer(nn.Module):
    r"""The two maps of the invariant set network: :math:`\sigma(W_1 h_s + b_1)` before the mean over the bag, and
    :math:`\sigma(W_2 h + b_2)` after it.

    Args:
        in_channels, out_channels: widths before and after W1; W2 keeps the latter.

    Source: `DSnetwork(invariant=True)` of the official code, which applies all the W1 first, then all the W2.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.own = nn.Linear(in_channels, out_channels)
        self.mean = nn.Linear(out_channels, out_channels)
        self.activation = nn.ELU()

    def before(self, h: Float[Tensor, "subgraphs width"]) -> Float[Tensor, "subgraphs out"]:
        """New features of every subgraph."""
        return self.activation(self.own(h))

    def after(self, h: Float[Tensor, "bags out"]) -> Float[Tensor, "bags out"]:
        """New features of every bag."""
        return self.activation(self.mean(h))
