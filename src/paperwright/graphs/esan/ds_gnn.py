"""The two networks on bags of subgraphs, DS-GNN and DSS-GNN, and the encoder of the paper's experiments (Section 3)."""

import itertools
from collections.abc import Callable, Collection, Iterable
from typing import cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import BatchNorm, GINConv
from torch_geometric.utils import scatter

from paperwright.blocks.counts import check_counts

from .edge_features import EDGE_FEATURES, checked_names, features_for, of_bag
from .layers import DSSConv, InvariantSetLayer, SetLayer, SubgraphPool
from .subgraph_data import PREFIX

ConvFactory = Callable[[int, int], nn.Module]


def gin_conv(in_channels: int, out_channels: int) -> GINConv:
    r"""The GIN convolution of the paper's experiments, its MLP Linear, batch norm, ReLU, Linear:

    .. math:: h_v = \mathrm{MLP}\Big( x_v + \sum_{w \in N(v)} x_w \Big).

    Args:
        in_channels, out_channels: widths of x and h.

    Source: `models.py` of the official code; epsilon stays 0.
    """
    check_counts(in_channels=in_channels, out_channels=out_channels)
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

    Its width, `out_channels`, is in_channels + num_layers * hidden_channels. (`torch_geometric.nn.GIN(jk="cat")` leaves
    the input out, and checkpoints of the official code do not fit it.)

    Args:
        conv_factory: (in, out) -> a convolution.
        in_channels, hidden_channels, num_layers: the widths of input and layers, and how many there are.

    Raises:
        ValueError: no layers, or a width that is no positive number.
        TypeError: `conv_factory` is no function.

    Example:
        >>> encoder = JumpingEncoder(gin_conv, 3, 16, num_layers=2)
        >>> encoder(torch.rand(4, 3), torch.tensor([[0, 1], [1, 0]])).shape
        torch.Size([4, 35])

    Source: `GNN_node` of the official code, jumping knowledge "concat".
    """

    def __init__(self, conv_factory: ConvFactory, in_channels: int, hidden_channels: int, num_layers: int) -> None:
        super().__init__()
        make = checked_factory(conv_factory, in_channels)
        check_counts(hidden_channels=hidden_channels, num_layers=num_layers)
        widths = [in_channels] + [hidden_channels] * (num_layers - 1)
        self.convs = nn.ModuleList(make(width, hidden_channels) for width in widths)
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


class DSSGNN(nn.Module):
    """DSS-GNN: :class:`DSSConv` layers, the mean over nodes and subgraphs, and an MLP (Linear d-2d, ReLU, Linear).

    Args:
        conv_factory: (in, out) -> a convolution of torch_geometric; called twice for every layer.
        in_channels: width of `x`, or of what `encoder` makes of it. The policies "ego_plus" and "node_marked" add 2.
        hidden_channels, num_layers: width and number of the layers.
        out_channels: width of the output.
        encoder: applied to `x` first, such as an embedding of atom types.
        edge_encoder: applied to `edge_attr` and `original_edge_attr`.
        node_pool, bag_pool: see :class:`SubgraphPool`.
        edge_features: which of the bag's edge features reach the convolutions; () for none.

    Edge attributes and weights reach the convolutions that can use them: whose `forward` takes `edge_attr` or
    `edge_weight` and which, if they have an `edge_dim`, were built with one. To others they mean nothing.

    Example:
        >>> from torch_geometric.nn import GraphConv
        >>> from paperwright.graphs.esan import SubgraphBag
        >>> path = Data(edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=3)
        >>> DSSGNN(GraphConv, 2, 16, 3, out_channels=1)(SubgraphBag("ego_plus")(path)).shape
        torch.Size([1, 1])

    Raises:
        ValueError: no layers, a width that is no positive number, or an unknown reduction or edge feature.
        TypeError: `conv_factory` is no function.

    Source: Section 3; `DSSnetwork` of the official code.
    """

    def __init__(
        self,
        conv_factory: ConvFactory,
        in_channels: int,
        hidden_channels: int,
        num_layers: int,
        out_channels: int,
        *,
        encoder: nn.Module | None = None,
        edge_encoder: nn.Module | None = None,
        node_pool: str = "mean",
        bag_pool: str = "mean",
        edge_features: Collection[str] = EDGE_FEATURES,
    ) -> None:
        super().__init__()
        self.edge_features = checked_names(edge_features)
        make = checked_factory(conv_factory, in_channels)
        check_counts(hidden_channels=hidden_channels, num_layers=num_layers, out_channels=out_channels)
        for name, given in (("encoder", encoder), ("edge_encoder", edge_encoder)):
            if given is not None and not callable(given):
                raise TypeError(f"{name} is {given!r}; expected a module, such as torch.nn.Linear(8, 16).")
        self.in_channels = in_channels
        self.encoder = encoder if encoder is not None else nn.Identity()
        self.edge_encoder = edge_encoder if edge_encoder is not None else nn.Identity()
        widths = [in_channels] + [hidden_channels] * (num_layers - 1)
        self.layers = nn.ModuleList(
            DSSConv(make(width, hidden_channels), make(width, hidden_channels), channels=hidden_channels)
            for width in widths
        )
        self.pool = SubgraphPool(node_pool, bag_pool)
        self.head = head(hidden_channels, out_channels)

    def forward(self, batch: Data) -> Float[Tensor, "graphs out"]:
        """One row for every graph.

        Args:
            batch: a bag of subgraphs, or a batch of bags.

        Raises:
            ValueError: `x` is missing, or of another width than `in_channels`.
            TypeError: it is no bag.
        """
        x = self._layers(batch)
        return self.head(self.pool(x, batch.subgraph_batch, batch.bag_batch, num_graphs(batch)))

    def node_embeddings(self, batch: Data) -> Float[Tensor, "nodes hidden"]:
        """One row for every original node: the mean over its copies in the bag."""
        return mean_over_bag(self._layers(batch), batch)

    def _layers(self, batch: Data) -> Float[Tensor, "rows hidden"]:
        """Features of every node in every subgraph after the last layer."""
        x = self.encoder(features(batch))
        if x.size(-1) != self.in_channels > 0:
            raise ValueError(
                f"in_channels is {self.in_channels}; expected {x.size(-1)}, the width of the bag's features. "
                "The policies 'ego_plus' and 'node_marked' add 2."
            )
        conv = cast(DSSConv, self.layers[0]).conv
        own = features_for(conv, of_bag(batch, self.edge_features))
        shared = features_for(conv, of_bag(batch, self.edge_features, PREFIX))
        for taken in (own, shared):
            if "edge_attr" in taken:
                taken["edge_attr"] = self.edge_encoder(taken["edge_attr"])
        attributes = own | {f"{PREFIX}{name}": value for name, value in shared.items()}
        nodes = num_original_nodes(batch)
        for layer in self.layers:
            x = layer(x, batch.edge_index, batch.node_id, batch.original_edge_index, nodes, **attributes)
        return x


class DSGNN(nn.Module):
    """DS-GNN: one network on every subgraph by itself, set layers over the bag, the mean over it, and an MLP.

    With the policy "original" and no set layers it is the plain network.

    Args:
        gnn: `(x, edge_index) -> [N, F]`, such as :class:`JumpingEncoder` or `torch_geometric.nn.GIN`; edge attributes
            and weights reach it as they do in :class:`DSSGNN`.
        set_channels: widths of the set layers, one each; none is allowed. In the mode "invariant" they are all equal.
        out_channels: width of the output.
        node_pool: over the nodes of a subgraph; the paper's experiments sum.
        bag_pool: over the subgraphs.
        set_mode: "equivariant", layers h_s <- ELU(W1 h_s + W2 mean h); or "invariant", which applies all the W1 first,
            each with ELU, then takes the mean, then applies all the W2, which keep the width. The paper's ZINC
            experiment is of this kind.
        gnn_channels: F, where `gnn.out_channels` does not say.
        edge_features: which of the bag's edge features reach the network; () for none.

    Raises:
        ValueError: F is not known; an unknown `set_mode`; "invariant" with set layers of unequal widths.

    Example:
        >>> from torch_geometric.nn import GIN
        >>> from paperwright.graphs.esan import SubgraphBag
        >>> path = Data(edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=3)
        >>> DSGNN(GIN(2, 16, 3, jk="cat"), [16, 16], out_channels=1)(SubgraphBag("ego_plus")(path)).shape
        torch.Size([1, 1])

    Source: Section 3; `DSnetwork` and `ZincDSnetwork` of the official code.
    """

    def __init__(
        self,
        gnn: nn.Module,
        set_channels: Iterable[int],
        out_channels: int,
        *,
        node_pool: str = "sum",
        bag_pool: str = "mean",
        set_mode: str = "equivariant",
        gnn_channels: int | None = None,
        edge_features: Collection[str] = EDGE_FEATURES,
    ) -> None:
        super().__init__()
        self.edge_features = checked_names(edge_features)
        width = getattr(gnn, "out_channels", None) if gnn_channels is None else gnn_channels
        if not isinstance(width, int):
            raise ValueError(f"{type(gnn).__name__} has no out_channels; pass gnn_channels=, the width of its output.")
        if isinstance(set_channels, str) or not isinstance(set_channels, Iterable):
            raise TypeError(
                f"set_channels is {set_channels!r}; expected the widths of the set layers, such as [32, 32]."
            )
        widths = [width, *set_channels]
        check_counts(gnn_channels=width, out_channels=out_channels)
        for size in widths[1:]:
            check_counts(set_channels=size)
        if set_mode not in ("equivariant", "invariant"):
            raise ValueError(f"set_mode is {set_mode!r}; expected 'equivariant' or 'invariant'.")
        if set_mode == "invariant" and len(set(widths[1:])) > 1:
            raise ValueError(
                f"set_channels is {widths[1:]}; expected equal widths with set_mode='invariant', which applies every "
                "W1 before the first W2. Repeat one width."
            )
        self.gnn = gnn
        self.set_mode = set_mode
        kind = SetLayer if set_mode == "equivariant" else InvariantSetLayer
        self.set_layers = nn.ModuleList(kind(before, after) for before, after in itertools.pairwise(widths))
        self.pool = SubgraphPool(node_pool, bag_pool)
        self.head = head(widths[-1], out_channels)

    def forward(self, batch: Data) -> Float[Tensor, "graphs out"]:
        """One row for every graph.

        Args:
            batch: a bag of subgraphs, or a batch of bags.

        Raises:
            ValueError: `x` is missing.
            TypeError: it is no bag.
        """
        x = self._nodes(batch)
        graphs, bag_batch = num_graphs(batch), batch.bag_batch
        h = self.pool.subgraphs(x, batch.subgraph_batch, len(bag_batch))
        if self.set_mode == "equivariant":
            for layer in self.set_layers:
                h = layer(h, bag_batch, graphs)
            return self.head(self.pool.bags(h, bag_batch, graphs))
        layers = cast("list[InvariantSetLayer]", self.set_layers)
        for layer in layers:
            h = layer.before(h)
        h = self.pool.bags(h, bag_batch, graphs)
        for layer in layers:
            h = layer.after(h)
        return self.head(h)

    def node_embeddings(self, batch: Data) -> Float[Tensor, "nodes hidden"]:
        """One row for every original node: the mean over its copies in the bag, before the set layers."""
        return mean_over_bag(self._nodes(batch), batch)

    def _nodes(self, batch: Data) -> Float[Tensor, "rows hidden"]:
        taken = features_for(self.gnn, of_bag(batch, self.edge_features))
        return self.gnn(features(batch), batch.edge_index, **taken)


def checked_factory(conv_factory: ConvFactory, in_channels: int) -> ConvFactory:
    """The function that makes convolutions, the first of them for so many channels; -1 where they find out themselves.

    Raises:
        TypeError: it is none, or a convolution that is made already.
        ValueError: no such number of channels.
    """
    if in_channels != -1:
        check_counts(in_channels=in_channels)
    if isinstance(conv_factory, nn.Module) or not callable(conv_factory):
        raise TypeError(
            f"conv_factory is {conv_factory!r}; expected a function (in, out) -> convolution, such as GraphConv or "
            "lambda i, o: GINConv(MLP([i, o, o]))."
        )
    return conv_factory


def head(width: int, out_channels: int) -> nn.Sequential:
    """The last MLP: Linear d -> 2d, ReLU, Linear 2d -> out."""
    return nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, out_channels))


def features(batch: Data) -> Tensor:
    """The features of every node in every subgraph.

    Raises:
        TypeError: the batch is no bag.
        ValueError: it has no features.
    """
    if not isinstance(batch, Data) or "subgraph_batch" not in batch:
        raise TypeError(
            f"expected a bag of subgraphs (SubgraphData, or a batch of them), got {type(batch).__name__}; "
            "make bags with the transform SubgraphBag."
        )
    if batch.get("x") is None:
        raise ValueError(
            "the bag has no node features x; use the policy 'ego_plus' or 'node_marked', which add some, or the "
            "transform torch_geometric.transforms.Constant() before SubgraphBag."
        )
    return batch.x


def num_graphs(batch: Data) -> int:
    """How many bags a batch holds; 1 for a single bag."""
    return batch.num_original_nodes.numel() if isinstance(batch.num_original_nodes, Tensor) else 1


def num_original_nodes(batch: Data) -> int:
    """The nodes of all original graphs in the batch."""
    return int(torch.as_tensor(batch.num_original_nodes).sum())


def mean_over_bag(x: Float[Tensor, "rows width"], batch: Data) -> Float[Tensor, "nodes width"]:
    """The mean of every original node over its copies."""
    return scatter(x, batch.node_id, dim=0, dim_size=num_original_nodes(batch), reduce="mean")
