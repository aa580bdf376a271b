"""Layers on bags of subgraphs (Section 3): the DSS layer, layers over the set of subgraphs, and pooling."""

import copy
from collections.abc import Callable

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric.nn import BatchNorm, MessagePassing
from torch_geometric.nn.resolver import activation_resolver
from torch_geometric.utils import scatter

from paperwright.blocks.counts import check_counts, whole_number

REDUCTIONS = ("mean", "sum", "max", "min")


def checked_reduction(argument: str, reduction: str) -> str:
    """The reduction, if it is one.

    Raises:
        ValueError: it is none of `REDUCTIONS`.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"{argument} is {reduction!r}; expected one of {', '.join(REDUCTIONS)}.")
    return reduction


def resolved_activation(activation: str | Callable[[Tensor], Tensor] | None) -> Callable[[Tensor], Tensor]:
    """The function that was given, or that torch.nn has by that name.

    Raises:
        TypeError: neither a name nor a function.
        ValueError: torch.nn has none of that name.
    """
    if activation is not None and not isinstance(activation, str) and not callable(activation):
        raise TypeError(f"activation is {activation!r}; expected a name in torch.nn, a function, or None.")
    return nn.Identity() if activation is None else activation_resolver(activation)


def require_owners(name: str, owners: Tensor, rows: Tensor) -> None:
    """Refuse a list of owners (of subgraphs, of nodes) that has not one for each row: scatter would repeat it."""
    if len(owners) != len(rows):
        raise ValueError(f"{name} has {len(owners)} entries for {len(rows)} rows; expected one for each row.")


class DSSConv(nn.Module):
    r"""Make a layer on bags of subgraphs from a convolution on graphs. For node v of subgraph s,

    .. math::
        h'_{v,s} = \sigma\Big( \mathrm{BN}_1\big(\mathrm{conv}_1(h_{\cdot,s}, E_s)_v\big)
        + \mathrm{BN}_2\big(\mathrm{conv}_2(\tfrac{1}{S} \textstyle\sum_{s'} h_{\cdot,s'}, E)_v\big) \Big),

    E_s the edges of the subgraph and E those of the original graph. conv_2 has one row for each original node, not one
    for each of its S copies: all copies of a node see the same mean, so its output is computed once and handed to them.

    Args:
        conv: conv_1, any convolution `(x, edge_index) -> [N, F']` of torch_geometric.
        conv_shared: conv_2; by default a copy of `conv` with fresh parameters.
        norm: batch norm on both; without, the sum is bare.
        activation: sigma, on the sum: the name of one in torch.nn, a function, or None for the identity.
        shared_reduce: how the copies of a node are joined: "mean", "sum", "max" or "min".
        channels: F', where it cannot be read off `conv`.

    Raises:
        ValueError: no such reduction; F' is needed for the norm, and neither given nor to be found.
        TypeError: a convolution that is no module, such as its class.

    Example:
        >>> import torch
        >>> from torch_geometric.nn import GraphConv
        >>> layer, loop = DSSConv(GraphConv(4, 8)), torch.tensor([[0, 1], [1, 0]])
        >>> layer(torch.rand(4, 4), torch.cat([loop, loop + 2], dim=1), torch.tensor([0, 1, 0, 1]), loop, 2).shape
        torch.Size([4, 8])

    Source: Section 3, the DSS-GNN layer; `DSSnetwork` of the official code.
    """

    def __init__(
        self,
        conv: nn.Module,
        conv_shared: nn.Module | None = None,
        norm: bool = True,
        activation: str | Callable[[Tensor], Tensor] | None = "relu",
        shared_reduce: str = "mean",
        *,
        channels: int | None = None,
    ) -> None:
        super().__init__()
        for name, part in (("conv", conv), ("conv_shared", conv if conv_shared is None else conv_shared)):
            if not isinstance(part, nn.Module):
                raise TypeError(f"{name} is {part!r}; expected a convolution that is made, such as GCNConv(16, 16).")
        self.conv = conv
        self.conv_shared = with_fresh_parameters(conv) if conv_shared is None else conv_shared
        self.shared_reduce = checked_reduction("shared_reduce", shared_reduce)
        self.activation = resolved_activation(activation)
        self.norm, self.norm_shared = nn.Identity(), nn.Identity()
        if norm:
            width = out_channels_of(conv) if channels is None else whole_number("channels", channels)
            # A batch of one graph with one node gives BN_2 a single row, which torch's own batch norm refuses.
            self.norm = BatchNorm(width, allow_single_element=True)
            self.norm_shared = BatchNorm(width, allow_single_element=True)

    def forward(
        self,
        x: Float[Tensor, "rows width"],
        edge_index: Int64[Tensor, "2 edges"],
        node_id: Int64[Tensor, " copies"],
        original_edge_index: Int64[Tensor, "2 original_edges"],
        num_nodes: int,
        edge_attr: Tensor | None = None,
        original_edge_attr: Tensor | None = None,
        edge_weight: Tensor | None = None,
        original_edge_weight: Tensor | None = None,
    ) -> Float[Tensor, "rows out"]:
        """New features of every node in every subgraph.

        Args:
            x: features of the copies of the nodes.
            edge_index: edges of the subgraphs, between rows of `x`.
            node_id: the original node of each row, 0 to `num_nodes` - 1.
            original_edge_index: edges of the original graphs, between original nodes.
            num_nodes: number of original nodes, of all graphs in the batch.
            edge_attr, original_edge_attr, edge_weight, original_edge_weight: handed to the convolutions if given.

        Raises:
            ValueError: `node_id` and `x` differ in length.
        """
        require_owners("node_id", node_id, x)
        own = self.norm(_convolved(self.conv, x, edge_index, edge_attr, edge_weight))
        joined = scatter(x, node_id, dim=0, dim_size=num_nodes, reduce=self.shared_reduce)
        of_graph = original_edge_index, original_edge_attr, original_edge_weight
        shared = self.norm_shared(_convolved(self.conv_shared, joined, *of_graph))
        return self.activation(own + shared.index_select(0, node_id))

    def reset_parameters(self) -> None:
        """Fresh parameters everywhere."""
        for part in (self.conv, self.conv_shared, self.norm, self.norm_shared):
            reset_all(part)


def _convolved(
    conv: nn.Module, x: Tensor, edge_index: Tensor, edge_attr: Tensor | None, edge_weight: Tensor | None
) -> Tensor:
    given = {"edge_attr": edge_attr, "edge_weight": edge_weight}
    return conv(x, edge_index, **{name: value for name, value in given.items() if value is not None})


def with_fresh_parameters(module: nn.Module) -> nn.Module:
    """A deep copy, its parameters drawn anew."""
    copied = copy.deepcopy(module)
    reset_all(copied)
    return copied


def reset_all(module: nn.Module) -> None:
    """Draw the parameters of the module and of all its parts anew; those that know no `reset_parameters` are kept."""
    # Parts first: a module that initialises its parts in a way of its own has the last word.
    for part in reversed(list(module.modules())):
        reset = getattr(part, "reset_parameters", None)
        if callable(reset):
            reset()


def out_channels_of(conv: nn.Module) -> int:
    """The width of a convolution's output, read off the module.

    Raises:
        ValueError: it does not say.
    """
    width = getattr(conv, "out_channels", None)
    if isinstance(width, int):
        return width * getattr(conv, "heads", 1) if getattr(conv, "concat", False) else width
    for part in reversed(list(conv.modules())[1:]):  # GINConv and its like: the last linear map of their network
        for name in ("out_features", "out_channels"):
            if isinstance(getattr(part, name, None), int) and not isinstance(part, MessagePassing):
                return getattr(part, name)
    raise ValueError(
        f"the width of {type(conv).__name__}'s output is not known, and batch norm needs it; pass channels=, or "
        "norm=False."
    )


class SetLayer(nn.Module):
    r"""A linear layer over a set that commutes with reordering it,

    .. math:: h'_s = \sigma\Big( W_1 h_s + b_1 + W_2 \frac{1}{S} \sum_{s'} h_{s'} + b_2 \Big).

    The mean, not the sum, so that a sample of the bag has the scale of the whole.

    Args:
        in_channels, out_channels: widths of h and h'.
        activation: sigma: the name of one in torch.nn, a function, or None for the identity.

    Example:
        >>> import torch
        >>> SetLayer(4, 8)(torch.rand(5, 4), torch.tensor([0, 0, 0, 1, 1])).shape
        torch.Size([5, 8])

    Source: Section 3 (the set encoder) after Zaheer et al. 2017; `fc_list`, `fc_sum_list` of the official code.
    """

    def __init__(
        self, in_channels: int, out_channels: int, activation: str | Callable[[Tensor], Tensor] | None = "elu"
    ) -> None:
        super().__init__()
        check_counts(in_channels=in_channels, out_channels=out_channels)
        self.own = nn.Linear(in_channels, out_channels)
        self.mean = nn.Linear(in_channels, out_channels)
        self.activation = resolved_activation(activation)

    def forward(
        self, h: Float[Tensor, "subgraphs width"], bag_batch: Int64[Tensor, " subgraphs"], num_bags: int | None = None
    ) -> Float[Tensor, "subgraphs out"]:
        """New features of every subgraph.

        Args:
            h: features of the subgraphs.
            bag_batch: the bag of each subgraph, 0 to `num_bags` - 1.
            num_bags: one more than the greatest of these if not given.

        Raises:
            ValueError: `bag_batch` and `h` differ in length.
        """
        require_owners("bag_batch", bag_batch, h)
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


class SubgraphPool(nn.Module):
    """Pool the nodes of every subgraph, then the subgraphs of every bag.

    Args:
        node_pool: over the nodes of a subgraph, isolated ones included: "mean", "sum", "max" or "min".
        bag_pool: over the subgraphs of a bag. "mean" by default, since with "sum" a sample of the bag would have
            another scale than the whole.

    Raises:
        ValueError: no such reduction.

    Example:
        >>> import torch
        >>> pool = SubgraphPool("sum", "mean")
        >>> pool(torch.ones(4, 1), torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0])).tolist()
        [[2.0]]

    Source: Section 3; `DSSnetwork` and `DSnetwork` of the official code.
    """

    def __init__(self, node_pool: str = "mean", bag_pool: str = "mean") -> None:
        super().__init__()
        self.node_pool = checked_reduction("node_pool", node_pool)
        self.bag_pool = checked_reduction("bag_pool", bag_pool)

    def forward(
        self,
        x: Float[Tensor, "rows width"],
        subgraph_batch: Int64[Tensor, " rows"],
        bag_batch: Int64[Tensor, " subgraphs"],
        num_graphs: int | None = None,
    ) -> Float[Tensor, "graphs width"]:
        """One row for every graph.

        Args:
            x: features of every node in every subgraph.
            subgraph_batch: the subgraph of each row.
            bag_batch: the graph of each subgraph.
            num_graphs: one more than the greatest of these if not given.

        Raises:
            ValueError: `subgraph_batch` and `x` differ in length.
        """
        return self.bags(self.subgraphs(x, subgraph_batch, len(bag_batch)), bag_batch, num_graphs)

    def subgraphs(
        self, x: Float[Tensor, "rows width"], subgraph_batch: Int64[Tensor, " rows"], num_subgraphs: int | None = None
    ) -> Float[Tensor, "subgraphs width"]:
        """One row for every subgraph."""
        require_owners("subgraph_batch", subgraph_batch, x)
        return scatter(x, subgraph_batch, dim=0, dim_size=num_subgraphs, reduce=self.node_pool)

    def bags(
        self, h: Float[Tensor, "subgraphs width"], bag_batch: Int64[Tensor, " subgraphs"], num_graphs: int | None = None
    ) -> Float[Tensor, "graphs width"]:
        """One row for every bag."""
        require_owners("bag_batch", bag_batch, h)
        return scatter(h, bag_batch, dim=0, dim_size=num_graphs, reduce=self.bag_pool)

    def extra_repr(self) -> str:
        return f"node_pool={self.node_pool!r}, bag_pool={self.bag_pool!r}"
