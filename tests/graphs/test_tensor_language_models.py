"""Bounds read off torch_geometric models, the networks that the bounds are tried on, and random separation."""

from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch_geometric import nn as gnn
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.utils import degree, from_networkx, scatter

from paperwright.data.graph_pairs import atlas_graphs, graph_pair
from paperwright.graphs.tensor_language.analysis.bounds import Bound
from paperwright.graphs.tensor_language.experiments.dense_networks import (
    CayleyNetwork,
    ChebyshevNetwork,
    EquivariantLinear,
    FolkloreLayer,
    FolkloreNetwork,
    InvariantNetwork,
)
from paperwright.graphs.tensor_language.experiments.message_passing import IsomorphismNetwork
from paperwright.graphs.tensor_language.models.depth import propagation_depth, separation_power_of_model
from paperwright.graphs.tensor_language.models.separation import Separation, separates


def mlp(width_in: int, width_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width_in, width_out), nn.Tanh(), nn.Linear(width_out, width_out))


def stack(*convolutions: nn.Module) -> nn.Module:
    """Convolutions in a row, with tanh between."""
    parts = [part for layer in convolutions for part in ((layer, "x, edge_index -> x"), nn.Tanh())]
    return gnn.Sequential("x, edge_index", parts)


class TypedEdges(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = gnn.RGCNConv(3, 8, num_relations=2), gnn.RGCNConv(8, 8, num_relations=2)

    def forward(self, x: Tensor, edge_index: Tensor, edge_type: Tensor) -> Tensor:
        return self.second(self.first(x, edge_index, edge_type).tanh(), edge_index, edge_type)


class Parallel(nn.Module):
    """Two convolutions of the same input, then one."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.other, self.last = gnn.SAGEConv(3, 4), gnn.SAGEConv(3, 4), gnn.SAGEConv(4, 4)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return self.last(self.first(x, edge_index) + self.other(x, edge_index).tanh(), edge_index)


class VirtualNode(nn.Module):
    """A node that is next to all others: it sums them after each layer, and they get its state before the next."""

    def __init__(self, layers: int, *, readout: bool = False) -> None:
        super().__init__()
        self.first = nn.Linear(3, 8)
        self.convolutions = nn.ModuleList(gnn.GINConv(mlp(8, 8)) for _ in range(layers))
        self.readout = readout

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        x = self.first(x)
        everyone = gnn.global_add_pool(x, batch)
        for convolution in self.convolutions:
            after = convolution(x, edge_index).tanh() + everyone[batch].tanh()
            everyone = everyone + gnn.global_add_pool(after, batch)
            x = after
        return gnn.global_mean_pool(x, batch) if self.readout else x


def normalised(norm: str, **options: object) -> nn.Module:
    """Three layers of GIN with a norm between."""
    return gnn.GIN(16, 32, num_layers=3, norm=norm, norm_kwargs=options)


class Transformer(nn.Module):
    def __init__(self, layers: int) -> None:
        super().__init__()
        self.first = nn.Linear(3, 8)
        self.layers = nn.ModuleList(gnn.GPSConv(8, gnn.GINConv(mlp(8, 8)), heads=2, norm=None) for _ in range(layers))

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        x = self.first(x)
        for layer in self.layers:
            x = layer(x, edge_index, batch)
        return x


class TopK(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.pool = gnn.GraphConv(3, 8), gnn.TopKPooling(8, ratio=0.5)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        x, edge_index, _, batch, *_ = self.pool(self.convolution(x, edge_index), edge_index, batch=batch)
        return gnn.global_add_pool(x, batch)


class OfTheGraph(nn.Module):
    """A model that takes the graph as one object."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = gnn.GCNConv(5, 8)

    def forward(self, data: Data) -> Tensor:
        return gnn.global_max_pool(self.convolution(data.x, data.edge_index).relu(), data.batch)


class Identity(nn.Module):
    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return x


def pna() -> nn.Module:
    histogram = torch.tensor([0, 2, 3, 1])
    return gnn.PNA(16, 32, 3, aggregators=["mean", "max", "std"], scalers=["amplification"], deg=histogram)


ARCHITECTURES: dict[str, tuple[Callable[[], nn.Module], tuple[str, int | None, str]]] = {
    "GIN": (lambda: gnn.GIN(16, 32, num_layers=4), ("cr", 4, "vertex")),
    "GCN": (lambda: gnn.GCN(16, 32, num_layers=3), ("cr", 4, "vertex")),
    "GraphSAGE": (lambda: gnn.GraphSAGE(16, 32, num_layers=3), ("cr", 3, "vertex")),
    "GraphSAGE, max": (lambda: gnn.GraphSAGE(16, 32, num_layers=3, aggr="max"), ("cr", 3, "vertex")),
    "GAT": (lambda: gnn.GAT(16, 32, num_layers=3, heads=2), ("cr", 3, "vertex")),
    "GATv2": (lambda: gnn.GAT(16, 32, num_layers=3, v2=True), ("cr", 3, "vertex")),
    "PNA": (pna, ("cr", 3, "vertex")),
    "GatedGraphConv": (lambda: gnn.GatedGraphConv(8, num_layers=4), ("cr", 4, "vertex")),
    "ResGatedGraphConv": (
        lambda: stack(gnn.ResGatedGraphConv(3, 8), gnn.ResGatedGraphConv(8, 8)), ("cr", 2, "vertex")
    ),
    "RGCN": (TypedEdges, ("cr", 2, "vertex")),
    "SGC": (lambda: gnn.SGConv(3, 8, K=4), ("cr", 5, "vertex")),
    "APPNP": (lambda: stack(gnn.APPNP(10, 0.1)), ("cr", 11, "vertex")),
    "ChebNet": (lambda: stack(gnn.ChebConv(3, 8, K=4), gnn.ChebConv(8, 8, K=4)), ("cr", 7, "vertex")),
    # A node's own degree cannot be told from its neighbours': the bound stands, but a round too high.
    "ChebConv, not normalised": (lambda: gnn.ChebConv(3, 8, K=4, normalization=None), ("cr", 4, "vertex")),
    "ARMA": (lambda: gnn.ARMAConv(3, 8, num_stacks=2, num_layers=3), ("cr", 4, "vertex")),
    "TransformerConv": (
        lambda: stack(gnn.TransformerConv(3, 8, heads=2), gnn.TransformerConv(16, 8)), ("cr", 2, "vertex")
    ),
    "EdgeConv": (lambda: gnn.EdgeCNN(16, 32, num_layers=3), ("cr", 3, "vertex")),
    "TAGConv": (lambda: gnn.TAGConv(3, 8, K=3), ("cr", 4, "vertex")),
    "parallel": (Parallel, ("cr", 2, "vertex")),
    "jumping knowledge": (lambda: gnn.GIN(16, 32, num_layers=3, jk="lstm"), ("cr", 3, "vertex")),
    "GIN before GCN": (lambda: stack(gnn.GINConv(mlp(3, 8)), gnn.GCNConv(8, 8)), ("cr", 2, "vertex")),
    "GCN before GIN": (lambda: stack(gnn.GCNConv(3, 8), gnn.GINConv(mlp(8, 8))), ("cr", 3, "vertex")),
    "virtual node": (lambda: VirtualNode(3), ("wl", 3, "vertex")),
    "virtual node and readout": (lambda: VirtualNode(3, readout=True), ("cr", 3, "graph")),
    "GPSConv": (lambda: Transformer(3), ("wl", 3, "vertex")),
    "GraphNorm": (lambda: normalised("graph_norm"), ("wl", 4, "vertex")),
    "PairNorm": (lambda: normalised("pair_norm"), ("wl", 4, "vertex")),
    "InstanceNorm": (lambda: normalised("instance_norm"), ("wl", 4, "vertex")),
    "LayerNorm over the graph": (lambda: normalised("layer_norm"), ("wl", 4, "vertex")),
    "LayerNorm over each node": (lambda: normalised("layer_norm", mode="node"), ("cr", 3, "vertex")),
    "BatchNorm": (lambda: normalised("batch_norm"), ("cr", 3, "vertex")),
    "AttentiveFP": (lambda: gnn.AttentiveFP(4, 8, 2, 3, num_layers=2, num_timesteps=2), ("cr", 2, "graph")),
    "of the graph": (OfTheGraph, ("cr", 2, "graph")),
    "no layer": (lambda: Identity(), ("cr", 0, "vertex")),
    "top-k pooling": (TopK, ("none", None, "graph")),
    "LSTM aggregation": (lambda: gnn.GraphSAGE(16, 32, num_layers=2, aggr="lstm"), ("none", None, "vertex")),
}  # fmt: skip


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_bounds_of_architectures(name: str) -> None:
    make, expected = ARCHITECTURES[name]
    bound = separation_power_of_model(make())
    assert (bound.test, bound.rounds, bound.level) == expected
    assert bound.k == 1
    assert "Geerts" in bound.source


@pytest.mark.parametrize(
    ("model", "depth"),
    [
        (gnn.GIN(16, 32, num_layers=3), 3),
        (Parallel(), 2),
        (gnn.ChebConv(3, 8, K=4), 3),
        (gnn.APPNP(10, 0.1), 10),
        (gnn.GCN(16, 32, num_layers=3), 3),
        (VirtualNode(3, readout=True), 3),
        (nn.Sequential(), 0),
    ],
)
def test_calls_of_propagate_on_the_longest_path(model: nn.Module, depth: int) -> None:
    if isinstance(model, nn.Sequential):
        model = Identity()
    assert propagation_depth(model) == depth


def test_known_code_rests_on_no_assumption_and_unknown_code_is_named() -> None:
    assert separation_power_of_model(gnn.GIN(16, 32, num_layers=2)).assumptions == ()
    (assumed,) = separation_power_of_model(Parallel()).assumptions
    assert "Parallel" in assumed
    assert "probed" in assumed
    dropping = separation_power_of_model(gnn.GIN(16, 32, num_layers=2, dropout=0.5))
    assert "evaluation mode" in dropping.assumptions[0]
    assert any("types or attributes" in assumed for assumed in separation_power_of_model(TypedEdges()).assumptions)


def test_the_model_itself_is_left_alone() -> None:
    model = gnn.GCN(16, 32, num_layers=2, cached=True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    separation_power_of_model(model)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.convs[0]._cached_edge_index is None
    assert not model.convs[0]._propagate_forward_hooks


def test_torch_geometric_sequential_embeddings_and_lazy_layers() -> None:
    sequential = gnn.Sequential(
        "x, edge_index, batch",
        [(gnn.GCNConv(-1, 8), "x, edge_index -> x"), nn.Tanh(), (gnn.GINConv(mlp(8, 8)), "x, edge_index -> x"),
         (gnn.global_add_pool, "x, batch -> x")],
    )  # fmt: skip
    bound = separation_power_of_model(sequential, in_channels=6)
    assert (bound.test, bound.rounds, bound.level) == ("cr", 3, "graph")

    class Embedded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.convolution = nn.Embedding(10, 8), gnn.SAGEConv(8, 8)

        def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
            return self.convolution(self.embedding(x), edge_index)

    assert separation_power_of_model(Embedded()).rounds == 1


# -- code that no one knows --------------------------------------------------------------------------------------------


class Unknown(nn.Module):
    """A layer that a user wrote."""

    def __init__(self, function: Callable) -> None:
        super().__init__()
        self.first, self.function = nn.Linear(3, 8), function

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        return self.function(self.first(x).tanh(), edge_index, batch)


def two_sums(x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
    for _ in range(2):
        x = scatter(x[edge_index[0]], edge_index[1], 0, len(x)).tanh()
    return x


def sum_in_place(x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
    found = torch.zeros_like(x)
    found.index_add_(0, edge_index[1], x[edge_index[0]])
    return found


def sum_by_degrees(x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
    scale = degree(edge_index[1], len(x), dtype=x.dtype).rsqrt()
    return torch.zeros_like(x).index_add_(0, edge_index[1], x[edge_index[0]] * scale[edge_index[0], None])


def adjacency_matrix(x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
    adjacency = x.new_zeros(len(x), len(x))
    adjacency[edge_index[0], edge_index[1]] = 1
    return adjacency @ x


def sparse_matrix(x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
    ones = torch.ones(edge_index.size(1), dtype=x.dtype)
    adjacency = torch.sparse_coo_tensor(edge_index, ones, (len(x), len(x)), check_invariants=True)
    return adjacency @ (adjacency @ x)


def attention(x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
    same = batch[:, None] == batch
    return (x @ x.T).masked_fill(~same, -torch.inf).softmax(dim=1) @ x


def mean_of_all(x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
    return x - gnn.global_mean_pool(x, batch)[batch]


def hidden_sum(x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
    """A sum over neighbours that leaves no trace in the autograd graph."""
    found = np.zeros(x.shape)
    np.add.at(found, edge_index[1].numpy(), x.detach().numpy()[edge_index[0].numpy()])
    return torch.from_numpy(found) + 0 * x


def random_features(x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
    return x + torch.randn_like(x)


def node_numbers(x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
    return x + torch.arange(len(x))[:, None]


def spectral_radius(x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
    adjacency = x.new_zeros(len(x), len(x))
    adjacency[edge_index[0], edge_index[1]] = 1
    return torch.linalg.eigvalsh(adjacency)[-1] * x


@pytest.mark.parametrize(
    ("function", "test", "rounds"),
    [
        (two_sums, "cr", 2),
        (sum_in_place, "cr", 1),
        (sum_by_degrees, "cr", 2),
        (sparse_matrix, "cr", 2),
        (adjacency_matrix, "wl", 1),
        (attention, "wl", 1),
        (mean_of_all, "wl", 1),
        (random_features, "none", None),
        (node_numbers, "none", None),
        (spectral_radius, "none", None),
    ],
)
def test_layers_of_ones_own(function: Callable, test: str, rounds: int | None) -> None:
    bound = separation_power_of_model(Unknown(function))
    assert (bound.test, bound.rounds, bound.level) == (test, rounds, "vertex")
    assert bound.assumptions


def distances(x: Tensor, edge_index: Tensor, within: int) -> Tensor:
    """How many nodes are exactly so far from each node."""
    step = (adjacency_of(x, edge_index) + torch.eye(len(x), dtype=x.dtype)) > 0
    near, before = torch.eye(len(x), dtype=x.dtype), torch.zeros_like(step)
    for _ in range(within):
        before, near = near > 0, ((near @ step.to(x.dtype)) > 0).to(x.dtype)
    return (near.bool() & ~before).sum(dim=1, keepdim=True).to(x.dtype)


def adjacency_of(x: Tensor, edge_index: Tensor) -> Tensor:
    adjacency = x.new_zeros(len(x), len(x))
    adjacency[edge_index[0], edge_index[1]] = 1
    return adjacency


def triangles(x: Tensor, edge_index: Tensor) -> Tensor:
    return adjacency_of(x, edge_index).matrix_power(3).diagonal()[:, None]


def random_walks(x: Tensor, edge_index: Tensor) -> Tensor:
    walk = adjacency_of(x, edge_index)
    walk = walk / walk.sum(dim=1, keepdim=True)
    return torch.stack([walk.matrix_power(length).diagonal() for length in (1, 2, 3)], dim=1)


class WithFeatures(nn.Module):
    """A narrow ReLU network on features that see more of the graph than its sums do, at first through a gate."""

    def __init__(self, features: Callable[[Tensor, Tensor], Tensor], width: int, gate: float = 1.0) -> None:
        super().__init__()
        self.features, self.gate, self.in_channels = features, nn.Parameter(torch.tensor(gate)), 1
        self.network = gnn.GIN(1 + width, 8, num_layers=2, out_channels=1)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        found = self.gate * self.features(x, edge_index)
        return self.network(torch.cat([x, found], dim=1), edge_index).relu()


@pytest.mark.parametrize(
    ("features", "width"),
    [
        (triangles, 1),
        (random_walks, 3),
        (lambda x, edge_index: distances(x, edge_index, 3), 1),
        (lambda x, edge_index: distances(x, edge_index, 5), 1),
    ],
    ids=["triangles", "random walks", "distance 3", "distance 5"],
)
def test_no_initialisation_hides_what_the_features_see(features: Callable, width: int) -> None:
    """The features tell pairs apart that no round does; narrow networks, half of which are dead as they are drawn."""
    for seed in range(3):
        torch.manual_seed(seed)
        bound = separation_power_of_model(WithFeatures(features, width))
        assert bound.test == "none", (seed, str(bound))


def test_a_gate_that_starts_closed_and_weights_in_buffers_hide_nothing() -> None:
    assert separation_power_of_model(WithFeatures(triangles, 1, gate=0.0)).test == "none"

    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.in_channels = 1
            self.register_buffer("weight", -torch.ones(1, 8))

        def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
            return (triangles(x, edge_index) @ self.weight).relu()

    assert separation_power_of_model(Frozen()).test == "none"


@pytest.mark.parametrize(
    "flat",
    [
        lambda t: t.clamp(min=1),
        lambda t: t.clip(1, 3),
        lambda t: t.clamp_max(-1),
        lambda t: nn.functional.hardshrink(t, 1.0),
    ],
    ids=["clamp", "clip", "clamp_max", "hardshrink"],
)
def test_no_initialisation_hides_what_is_seen_behind_clamps(flat: Callable) -> None:
    """Two clamps that are flat at most of what reaches them, in a channel of its own."""

    class Clamped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.in_channels = nn.Linear(1, 1), nn.Linear(1, 1), 1

        def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
            return flat(self.second(flat(self.first(triangles(x, edge_index)))))

    for seed in range(3):
        torch.manual_seed(seed)
        bound = separation_power_of_model(Clamped())
        assert bound.test == "none", (seed, str(bound))


class Constants(nn.Module):
    """A convolution behind a linear map that is no parameter."""

    def __init__(self, constants: Tensor | list[Tensor]) -> None:
        super().__init__()
        self.constants, self.convolution = constants, gnn.SAGEConv(3, 8)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        constants = self.constants[0] if isinstance(self.constants, list) else self.constants
        if not constants.is_sparse and not bool((constants > 0).all()):
            raise ValueError("a scale must be positive")
        constants = constants.to(x)
        return self.convolution((constants @ x.T).T if constants.is_sparse else x * constants, edge_index)


@pytest.mark.parametrize(
    "constants",
    [torch.ones(3), [torch.ones(3)], torch.ones(1).expand(3), torch.eye(3).to_sparse()],
    ids=["positive", "in a list", "expanded", "sparse"],
)
def test_constants_of_any_kind_leave_the_bound(constants: Tensor | list[Tensor]) -> None:
    bound = separation_power_of_model(Constants(constants))
    assert (bound.test, bound.rounds) == ("cr", 1)


def test_weights_in_a_list_hide_nothing() -> None:
    class Listed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.in_channels, self.weights = 1, [torch.zeros(1, 8)]

        def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
            return triangles(x, edge_index) @ self.weights[0].to(x)

    assert separation_power_of_model(Listed()).test == "none"


def test_functions_within_library_modules_are_unknown_code() -> None:
    model = gnn.Sequential("x, edge_index", [(gnn.GINConv(mlp(3, 8)), "x, edge_index -> x"), (nn.Tanh(), "x -> x")])
    assert separation_power_of_model(model, in_channels=3).assumptions == ()

    def centred(x: Tensor) -> Tensor:
        return x - x.mean(dim=0)

    (assumed,) = separation_power_of_model(gnn.GIN(3, 8, num_layers=1, act=centred)).assumptions
    assert "centred" in assumed


class UnderARoot(nn.Module):
    """A weight that must not be negative."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.convolution = nn.Parameter(torch.full((3,), 4.0)), gnn.SAGEConv(3, 8)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return self.convolution(x * self.scale.sqrt(), edge_index)


def test_weights_that_must_stay_positive_do() -> None:
    bound = separation_power_of_model(UnderARoot())
    assert (bound.test, bound.rounds) == ("cr", 1)


def test_a_model_that_fails_under_other_weights_has_no_bound() -> None:
    class Delicate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale, self.convolution = nn.Parameter(torch.ones(3)), gnn.SAGEConv(3, 8)

        def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
            return self.convolution(x / (self.scale == 1), edge_index)

    bound = separation_power_of_model(Delicate())
    assert bound.test == "none"
    assert "not finite" in str(bound)


def test_sums_that_are_not_seen_are_noticed() -> None:
    bound = separation_power_of_model(Unknown(hidden_sum))
    assert (bound.test, bound.rounds) == ("cr", None)
    assert "no limit" in bound.assumptions[0]

    class Cut(Parallel):
        def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
            return self.last(self.first(x, edge_index).detach(), edge_index)

    bound = separation_power_of_model(Cut())
    assert bound.rounds == 2
    assert "no differentiable path" in bound.assumptions[0]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (IsomorphismNetwork(1, layers=3), ("cr", 3)),
        (CayleyNetwork(1), ("cr", None)),
        (ChebyshevNetwork(1, own_lambda_max=True), ("none", None)),
        (FolkloreNetwork(1), ("none", None)),
    ],
)
def test_networks_of_this_room(model: nn.Module, expected: tuple[str, int | None]) -> None:
    bound = separation_power_of_model(model)
    assert (bound.test, bound.rounds) == expected
    assert bound.level == "graph"


@pytest.mark.parametrize("name", ["GIN", "GCN", "GAT", "GraphSAGE", "virtual node and readout", "ChebNet", "APPNP"])
def test_models_do_not_separate_what_their_bounds_do_not(name: str) -> None:
    make, (_, rounds, _) = ARCHITECTURES[name]
    models = [make().double().eval() for _ in range(3)]
    for g, h in map(graph_pair, ("decalin", "c6", "p4-k13")):
        for graph in (g, h):
            graph.x = torch.ones(graph.num_nodes, 16 if isinstance(models[0], gnn.models.basic_gnn.BasicGNN) else 3)
        found = separates(models.__getitem__, g, h, trials=3)
        if not Bound("cr", 1, rounds, "graph").separates(g, h):
            assert found.rate == 0.0
        elif name not in ("GAT", "GraphSAGE"):  # means of features that are all alike say nothing
            assert found.rate == 1.0


# -- the GCN's extra round ---------------------------------------------------------------------------------------------


def test_a_gcn_layer_sees_the_degrees_of_neighbours() -> None:
    star, path = nx.star_graph(3), nx.path_graph(3)
    layer = gnn.GCNConv(1, 1, bias=False).double()
    nn.init.ones_(layer.lin.weight)
    leaves = []
    for graph, leaf in ((star, 1), (path, 0)):
        data = from_networkx(graph)
        leaves.append(float(layer(torch.ones(len(graph), 1, dtype=torch.float64), data.edge_index)[leaf].detach()))
    assert leaves == pytest.approx([0.853553390593, 0.908248290464], abs=1e-12)
    both = [from_networkx(graph) for graph in (star, path)]
    colors = {rounds: Bound("cr", 1, rounds).colors(both) for rounds in (1, 2)}
    assert colors[1][0][1] == colors[1][1][0]
    assert colors[2][0][1] != colors[2][1][0]


# -- the networks ------------------------------------------------------------------------------------------------------


def test_numbers_of_equivariant_maps() -> None:
    bell = {(1, 1): 2, (2, 0): 2, (2, 1): 5, (2, 2): 15, (3, 0): 5, (3, 3): 203}
    assert {orders: EquivariantLinear(*orders, 1, 1).num_maps for orders in bell} == bell


@pytest.mark.parametrize(("order_in", "order_out"), [(2, 2), (2, 1), (1, 2)])
def test_equivariant_maps_are_equivariant_and_independent(order_in: int, order_out: int) -> None:
    torch.manual_seed(0)
    layer = EquivariantLinear(order_in, order_out, 2, 1).double()
    X = torch.randn(*[5] * order_in, 2, dtype=torch.float64)
    order = torch.tensor([3, 0, 4, 1, 2])

    def renumbered(tensor: Tensor, axes: int) -> Tensor:
        for axis in range(axes):
            tensor = tensor.index_select(axis, order)
        return tensor

    torch.testing.assert_close(layer(renumbered(X, order_in)), renumbered(layer(X), order_out))
    # On [n]^in with n as large as there are axes, the basis maps are linearly independent.
    images, n = [], order_in + order_out
    single = EquivariantLinear(order_in, order_out, 1, 1).double()
    nn.init.zeros_(single.bias)
    inputs = [torch.randn(*[n] * order_in, 1, dtype=torch.float64) for _ in range(6)]
    for place in range(single.num_maps):
        with torch.no_grad():
            single.weight.zero_()
            single.weight[place] = 1
            images.append(torch.cat([single(X).flatten() for X in inputs]))
    assert int(torch.linalg.matrix_rank(torch.stack(images))) == single.num_maps


def test_one_2_ign_layer_sees_more_than_one_round_of_1_wl() -> None:
    """An end of P4 and a node of 2 K2: the sum of all entries is 6 against 4, though one round does not show it."""
    path = from_networkx(nx.path_graph(4))
    edges = from_networkx(nx.disjoint_union(nx.path_graph(2), nx.path_graph(2)))
    colors = Bound("wl", 1, 1).colors([path, edges])
    assert colors[0][0] == colors[1][0]
    torch.manual_seed(0)
    layer = EquivariantLinear(2, 1, 1, 1).double()
    matrices = []
    for graph in (path, edges):
        A = torch.zeros(4, 4, 1, dtype=torch.float64)
        A[graph.edge_index[0], graph.edge_index[1]] = 1
        matrices.append(A)
    assert [float(A.sum()) for A in matrices] == [6, 4]
    assert abs(float((layer(matrices[0])[0] - layer(matrices[1])[0]).detach())) > 1e-3
    two = Bound("wl", 1, 2).colors([path, edges])
    assert two[0][0] != two[1][0]


@pytest.mark.parametrize(
    "make",
    [
        lambda level: IsomorphismNetwork(2, level=level),
        lambda level: FolkloreNetwork(2, layers=2, level=level),
        lambda level: InvariantNetwork(2, level=level),
        lambda level: InvariantNetwork(2, order=3, width=2, layers=1, level=level),
        lambda level: CayleyNetwork(2, level=level),
        lambda level: ChebyshevNetwork(2, own_lambda_max=True, level=level),
    ],
)
def test_networks_are_equivariant_and_take_batches(make: Callable[[str], nn.Module]) -> None:
    torch.manual_seed(0)
    graphs = [from_networkx(nx.gnp_random_graph(n, 0.6, seed=n)) for n in (5, 6)]
    for graph in graphs:
        graph.x = torch.randn(graph.num_nodes, 2, dtype=torch.float64)
    batch = Batch.from_data_list(graphs)
    of_graphs, of_nodes = make("graph"), make("vertex")
    together = of_graphs(batch.x, batch.edge_index, batch.batch)
    apart = torch.cat([of_graphs(graph.x, graph.edge_index) for graph in graphs])
    torch.testing.assert_close(together, apart)
    graph = graphs[0]
    order = torch.randperm(5)
    place = torch.argsort(order)
    outputs = of_nodes(graph.x, graph.edge_index)
    torch.testing.assert_close(of_nodes(graph.x[order], place[graph.edge_index]), outputs[order])
    assert outputs.shape[0] == 5
    assert together.shape[0] == 2


def classes_found(network: nn.Module, graphs: list[Data], precision: float = 1e-9) -> int:
    batch = Batch.from_data_list(graphs)
    x = torch.ones(batch.num_nodes, 1, dtype=torch.float64)
    with torch.no_grad():
        outputs = network(x, batch.edge_index, batch.batch)
    return len(torch.unique((outputs / precision).round(), dim=0))


@pytest.mark.parametrize(("rounds", "classes"), [(1, 236), (2, 768), (3, 832)])
def test_random_gin_finds_the_classes_of_colour_refinement(rounds: int, classes: int) -> None:
    graphs = atlas_graphs(7)
    torch.manual_seed(0)
    assert classes_found(IsomorphismNetwork(1, layers=rounds), graphs) == classes
    labels = torch.stack(Bound("cr", 1, rounds, "graph").colors(graphs))
    assert len(labels.unique()) == classes


def test_one_random_ppgn_layer_finds_the_classes_of_2_wl() -> None:
    torch.manual_seed(0)
    assert classes_found(FolkloreNetwork(1, layers=1), atlas_graphs(7)) == 853
    assert classes_found(FolkloreNetwork(1, layers=1), atlas_graphs(6)) == 112


def test_a_folklore_layer_is_two_walks_on_the_adjacency_matrix() -> None:
    """With f and g linear for small inputs, the products hold the numbers of walks of length 2."""
    layer = FolkloreLayer(1, 1).double()
    for part in (layer.left, layer.right):
        nn.init.constant_(part.weight, 1e-3)
        nn.init.zeros_(part.bias)
    with torch.no_grad():
        layer.mix.weight.copy_(torch.tensor([[0.0, 1.0]]))
        layer.mix.bias.zero_()
    A = torch.from_numpy(nx.to_numpy_array(nx.petersen_graph()))
    torch.testing.assert_close(layer(A[..., None])[..., 0] / 1e-6, A @ A, rtol=1e-4, atol=1e-4)


# -- separation --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", ["c6", "k33-prism", "decalin"])
def test_what_separates_pairs_that_colour_refinement_does_not(pair: str) -> None:
    g, h = graph_pair(pair)
    never: dict[str, Callable[[int], nn.Module]] = {
        "gin": lambda seed: IsomorphismNetwork(1),
        "2-ign": lambda seed: InvariantNetwork(1),
        "cayley": lambda seed: CayleyNetwork(1),
        "chebyshev": lambda seed: ChebyshevNetwork(1),
    }
    for factory in never.values():
        found = separates(factory, g, h, trials=2)
        assert found.rate == 0.0
        assert found.margin < 1e-12
        assert found.noise < 1e-12
    assert separates(lambda seed: FolkloreNetwork(1, layers=2), g, h, trials=2).rate == 1.0
    own = separates(lambda seed: ChebyshevNetwork(1, own_lambda_max=True), g, h, trials=2)
    # Regular graphs: constant features lie in the Laplacian's kernel, whatever its largest eigenvalue.
    assert own.rate == (1.0 if pair == "decalin" else 0.0)


def test_three_index_networks_separate_cycles_and_two_index_ones_do_not() -> None:
    g, h = graph_pair("c8")
    assert separates(lambda seed: InvariantNetwork(1, layers=2), g, h, trials=3).rate == 0.0
    assert separates(lambda seed: InvariantNetwork(1, order=3, width=4, layers=2), g, h, trials=1).rate == 1.0


def test_largest_eigenvalues_of_decalin_and_bicyclopentyl() -> None:
    from paperwright.graphs.tensor_language.experiments.dense_networks import largest_eigenvalue

    found = []
    for graph in graph_pair("decalin"):
        A = torch.zeros(10, 10, dtype=torch.float64)
        A[graph.edge_index[0], graph.edge_index[1]] = 1
        found.append(float(largest_eigenvalue(A)))
    assert found == pytest.approx([2, 1.8418], abs=1e-4)


def test_separation_is_repeatable_and_knows_its_noise() -> None:
    g, h = nx.path_graph(4), nx.star_graph(3)
    first, second = (separates(lambda seed: IsomorphismNetwork(1), g, h, trials=4) for _ in range(2))
    assert first == second == Separation(1.0, first.margin, first.noise)
    assert first.margin > 1e-4 > 1e-12 > first.noise
    single = separates(lambda seed: gnn.GIN(1, 16, num_layers=2, act="tanh").eval(), g, h, trials=4)
    assert single.rate == 1.0
    assert 1e-9 < single.noise < 1e-5
    assert separates(lambda seed: IsomorphismNetwork(1), g, g, trials=4).rate == 0.0


class Centred(nn.Module):
    """Layers of GIN with graph normalisation, whose nodes' outputs add up to nothing but rounding."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = gnn.GINConv(nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 8)), train_eps=True)
        self.norm = gnn.GraphNorm(8)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor | None = None) -> Tensor:
        return self.norm(self.layer(x, edge_index), batch)


def test_a_sum_that_cancels_does_not_separate_by_its_rounding() -> None:
    cycle_and_path = [nx.disjoint_union(nx.cycle_graph(3 + i), nx.path_graph(7 - i)) for i in (0, 1)]
    found = separates(lambda _: Centred().double(), *cycle_and_path, trials=20)
    assert (found.rate, found.margin < 1e-11) == (0.0, True)


def test_separation_of_vertices() -> None:
    g, h = graph_pair("p4-k13")
    assert separates(lambda seed: IsomorphismNetwork(1, level="vertex"), g, h, 3, level="vertex").rate == 1.0
    g, h = graph_pair("c6")
    assert separates(lambda seed: IsomorphismNetwork(1, level="vertex"), g, h, 3, level="vertex").rate == 0.0
    smaller = nx.cycle_graph(5)
    assert separates(lambda seed: IsomorphismNetwork(1, level="vertex"), g, smaller, 2, level="vertex").rate == 1.0


class Dropping(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.dropout = gnn.GINConv(mlp(1, 8)), nn.Dropout(0.5)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return self.dropout(self.convolution(x, edge_index))


class Undefined(nn.Module):
    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return x / 0 - x / 0


class Positional(nn.Module):
    def forward(self, x: Tensor, coordinates: Tensor) -> Tensor:
        return x


class OddRows(nn.Module):
    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        return x[:3]


def with_nan_weights() -> nn.Module:
    model = gnn.GIN(4, 8, num_layers=1)
    nn.init.constant_(next(model.parameters()), torch.nan)
    return model


C5, C6 = nx.cycle_graph(5), nx.cycle_graph(6)
ONE_WAY = Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2)
REFUSED: list[tuple[Callable[[], object], type[Exception], str | None]] = [
    (lambda: separates(lambda seed: Dropping(), C5, C6), ValueError, "training mode"),
    (lambda: separates(lambda seed: IsomorphismNetwork(1), C5, C6, trials=0), ValueError, "trials is 0"),
    (lambda: separates(lambda seed: IsomorphismNetwork(1), C5, C6, level="edge"), (ValueError, TypeError), None),
    (lambda: separates(lambda seed: IsomorphismNetwork(1), C5, C6, level="vertex"), ValueError, "row for each of 5"),
    (lambda: separates(lambda seed: Undefined(), C5, C6), ValueError, "NaN"),
    (lambda: separates(lambda seed: "GIN", C5, C6), TypeError, None),
    (lambda: separates(lambda seed: IsomorphismNetwork(3), C5, C6), ValueError, "does not run on a graph with x"),
    (lambda: separates(lambda seed: IsomorphismNetwork(1), C5, ONE_WAY), ValueError, "not symmetric"),
    (lambda: separates(lambda seed: IsomorphismNetwork(1), C5, HeteroData()), TypeError, None),
    (lambda: separates(IsomorphismNetwork(1), C5, C6), TypeError, "function from a seed|violates type hint"),
    (lambda: separation_power_of_model("GIN"), TypeError, None),
    (lambda: separation_power_of_model(Positional()), ValueError, "coordinates"),
    (lambda: separation_power_of_model(OddRows()), ValueError, "a row for each"),
    (lambda: separation_power_of_model(with_nan_weights()), ValueError, "NaN"),
    (lambda: separation_power_of_model(gnn.GIN(4, 8, 1), width=3), ValueError, "in_channels"),
    (lambda: separation_power_of_model(gnn.GIN(4, 8, 1), in_channels=3), ValueError, "does not run"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), REFUSED)
def test_refuses(call: Callable[[], object], kind: type[Exception], message: str | None) -> None:
    with pytest.raises(kind, match=message):
        call()
