"""DSS-GNN and DS-GNN: their equations recomputed, their symmetries, their checkpoints, and evaluation by votes."""

import doctest
import importlib
import itertools
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.loader import DataLoader
from torch_geometric.nn import (
    GAT,
    GCN,
    GIN,
    MLP,
    GATConv,
    GATv2Conv,
    GCNConv,
    GINConv,
    GINEConv,
    GraphConv,
    MessagePassing,
    PNAConv,
    SAGEConv,
    TransformerConv,
)
from torch_geometric.transforms import Compose, Constant, OneHotDegree
from torch_geometric.utils import to_dense_adj

from paperwright import data
from paperwright.data.graph_pairs import csl_graphs, graph_pair
from paperwright.graphs.esan import (
    DSGNN,
    DSSGNN,
    DSSConv,
    JumpingEncoder,
    SetLayer,
    SubgraphBag,
    SubgraphPool,
    SubgraphSampler,
    gin_conv,
    load_official_state_dict,
    predict,
    settle_batch_norm,
    subgraph_wl,
)
from paperwright.graphs.esan.experiment import (
    BagTraining,
    Learner,
    class_fold,
    pairs_split,
    predictions,
    run,
    standardized_errors,
)
from paperwright.graphs.esan.graph_sets import corrupted_pairs, lifted_pairs
from paperwright.graphs.esan.layers import out_channels_of

quick = settings(max_examples=8, deadline=None, derandomize=True)
POLICIES = [("edge_deleted", 1), ("node_deleted", 1), ("ego", 1), ("ego_plus", 2), ("node_marked", 1), ("original", 1)]


def random_graph(seed: int, features: int = 3, nodes: int | None = None) -> Data:
    """A random graph, in double precision, with an isolated node now and then."""
    generator = torch.Generator().manual_seed(seed)
    n = int(torch.randint(2, 9, (1,), generator=generator)) if nodes is None else nodes
    upper = torch.triu(torch.rand(n, n, generator=generator) < 0.4, diagonal=1)
    x = torch.randn(n, features, generator=generator, dtype=torch.float64)
    return Data(x=x, edge_index=(upper | upper.T).nonzero().T.contiguous(), y=torch.tensor([seed % 2]))


def settled(model: nn.Module, seed: int = 0) -> nn.Module:
    """In double precision and eval mode, with running statistics that are not those of a fresh model."""
    generator = torch.Generator().manual_seed(seed)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(0.3 * torch.randn(buffer.shape, generator=generator))
        if name.endswith("running_var"):
            buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator))
    return model.double().eval()


def dss(in_channels: int, seed: int = 0, layers: int = 3, out: int = 2) -> DSSGNN:
    torch.manual_seed(seed)
    return settled(DSSGNN(gin_conv, in_channels, 8, layers, out), seed)


def ds(in_channels: int, seed: int = 0, **options: object) -> DSGNN:
    torch.manual_seed(seed)
    return settled(DSGNN(JumpingEncoder(gin_conv, in_channels, 8, 3), [6, 5], 2, **options), seed)


def both(in_channels: int, seed: int = 0) -> list[nn.Module]:
    return [dss(in_channels, seed), ds(in_channels, seed)]


def width(policy: str, features: int = 3) -> int:
    return features + 2 * (policy in ("ego_plus", "node_marked"))


# -- the equations, recomputed -----------------------------------------------------------------------------------------


def dense(bag: Data) -> tuple[Tensor, Tensor, Tensor]:
    """x [S, n, F], adjacency of every subgraph [S, n, n], adjacency of the graph [n, n]."""
    S, n = bag.num_subgraphs, bag.num_original_nodes
    whole = to_dense_adj(bag.edge_index, max_num_nodes=S * n)[0].double()
    blocks = torch.stack([whole[s * n : (s + 1) * n, s * n : (s + 1) * n] for s in range(S)])
    return bag.x.view(S, n, -1), blocks, to_dense_adj(bag.original_edge_index, max_num_nodes=n)[0].double()


def linear(weights: dict[str, Tensor], name: str, h: Tensor) -> Tensor:
    return h @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def batch_norm(weights: dict[str, Tensor], name: str, h: Tensor) -> Tensor:
    scale = weights[f"{name}.weight"] / (weights[f"{name}.running_var"] + 1e-5).sqrt()
    return (h - weights[f"{name}.running_mean"]) * scale + weights[f"{name}.bias"]


def convolution(weights: dict[str, Tensor], name: str, h: Tensor, A: Tensor) -> Tensor:
    """GIN, or torch_geometric's GraphConv, by the authors' names."""
    if f"{name}.lin_root.weight" in weights:
        return linear(weights, f"{name}.lin_rel", A @ h) + h @ weights[f"{name}.lin_root.weight"].T
    summed = (1 + weights[f"{name}.layer.eps"]) * h + A @ h
    hidden = torch.relu(batch_norm(weights, f"{name}.layer.nn.1", linear(weights, f"{name}.layer.nn.0", summed)))
    return linear(weights, f"{name}.layer.nn.3", hidden)


def last_layers(weights: dict[str, Tensor], h: Tensor) -> Tensor:
    return linear(weights, "final_layers.2", torch.relu(linear(weights, "final_layers.0", h)))


def reference_dss(weights: dict[str, Tensor], bag: Data, layers: int) -> Tensor:
    """The official DSS network on dense matrices, every copy of a node through conv_2."""
    h, A, original = dense(bag)
    for layer in range(layers):
        own = batch_norm(weights, f"bn_list.{layer}", convolution(weights, f"gnn_list.{layer}", h, A))
        mean = h.mean(dim=0).expand_as(h)
        shared = convolution(weights, f"gnn_sum_list.{layer}", mean, original)
        h = torch.relu(own + batch_norm(weights, f"bn_sum_list.{layer}", shared))
    return last_layers(weights, h.mean(dim=(0, 1)))


def reference_ds(weights: dict[str, Tensor], bag: Data, layers: int, set_layers: int, mode: str) -> Tensor:
    """The official DS network on dense matrices."""
    h, A, _ = dense(bag)
    joined, base = [h], "subgraph_gnn.gnn_node"
    for layer in range(layers):
        h = torch.relu(
            batch_norm(weights, f"{base}.batch_norms.{layer}", convolution(weights, f"{base}.convs.{layer}", h, A))
        )
        joined.append(h)
    s = torch.cat(joined, dim=-1).sum(dim=1)
    elu = nn.functional.elu
    if mode == "equivariant":
        for c in range(set_layers):
            s = elu(linear(weights, f"fc_list.{c}", s) + linear(weights, f"fc_sum_list.{c}", s.mean(dim=0)))
        return last_layers(weights, s.mean(dim=0))
    for c in range(set_layers):
        s = elu(linear(weights, f"fc_list.{c}", s))
    s = s.mean(dim=0)
    for c in range(set_layers):
        s = elu(linear(weights, f"fc_sum_list.{c}", s))
    return last_layers(weights, s)


def _linear_weights(name: str, before: int, after: int) -> dict[str, Tensor]:
    return {f"{name}.weight": torch.randn(after, before) / before**0.5, f"{name}.bias": torch.randn(after)}


def _norm_weights(name: str, size: int) -> dict[str, Tensor]:
    values = {"weight": 0.5 + torch.rand(size), "bias": torch.randn(size)}
    values |= {"running_mean": torch.randn(size), "running_var": 0.5 + torch.rand(size)}
    return {f"{name}.{key}": value for key, value in values.items()} | {f"{name}.num_batches_tracked": torch.tensor(7)}


def _conv_weights(name: str, before: int, after: int, kind: str) -> dict[str, Tensor]:
    if kind == "GraphConv":
        return _linear_weights(f"{name}.lin_rel", before, after) | {
            f"{name}.lin_root.weight": torch.randn(after, before)
        }
    return (
        {f"{name}.layer.eps": torch.zeros(1)}
        | _linear_weights(f"{name}.layer.nn.0", before, after)
        | _norm_weights(f"{name}.layer.nn.1", after)
        | _linear_weights(f"{name}.layer.nn.3", after, after)
    )


def official_dss(kind: str, features: int, hidden: int, layers: int, out: int) -> dict[str, Tensor]:
    """Random weights under the names of the authors' DSSnetwork."""
    weights: dict[str, Tensor] = {}
    for layer in range(layers):
        before = hidden if layer else features
        for conv, norm in (("gnn_list", "bn_list"), ("gnn_sum_list", "bn_sum_list")):
            weights |= _conv_weights(f"{conv}.{layer}", before, hidden, kind)
            weights |= _norm_weights(f"{norm}.{layer}", hidden)
    weights |= _linear_weights("final_layers.0", hidden, 2 * hidden)
    return weights | _linear_weights("final_layers.2", 2 * hidden, out)


def official_ds(
    kind: str, features: int, hidden: int, layers: int, set_widths: list[int], out: int, mode: str = "equivariant"
) -> dict[str, Tensor]:
    """Random weights under the names of the authors' DSnetwork; in the ZINC variant W2 keeps the width."""
    weights: dict[str, Tensor] = {}
    for layer in range(layers):
        weights |= _conv_weights(f"subgraph_gnn.gnn_node.convs.{layer}", hidden if layer else features, hidden, kind)
        weights |= _norm_weights(f"subgraph_gnn.gnn_node.batch_norms.{layer}", hidden)
    widths = [features + layers * hidden, *set_widths]
    for c, (before, after) in enumerate(itertools.pairwise(widths)):
        second = _linear_weights(f"fc_sum_list.{c}", after if mode == "invariant" else before, after)
        weights |= _linear_weights(f"fc_list.{c}", before, after) | second
    weights |= _linear_weights("final_layers.0", widths[-1], 2 * widths[-1])
    return weights | _linear_weights("final_layers.2", 2 * widths[-1], out)


CONVOLUTIONS = {"GIN": gin_conv, "GraphConv": GraphConv}


@pytest.mark.parametrize("kind", CONVOLUTIONS)
@pytest.mark.parametrize(("policy", "hops"), POLICIES)
def test_dss_with_official_weights_is_the_official_network(kind: str, policy: str, hops: int) -> None:
    torch.manual_seed(1)
    weights = official_dss(kind, width(policy), 8, 3, 2)
    model = DSSGNN(CONVOLUTIONS[kind], width(policy), 8, 3, 2)
    load_official_state_dict(model, weights)
    model = model.double().eval()
    weights = {name: value.double() for name, value in weights.items()}
    for seed in range(4):
        bag = SubgraphBag(policy, hops)(random_graph(seed))
        torch.testing.assert_close(model(bag)[0], reference_dss(weights, bag, 3), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", CONVOLUTIONS)
@pytest.mark.parametrize("mode", ["equivariant", "invariant"])
def test_ds_with_official_weights_is_the_official_network(kind: str, mode: str) -> None:
    torch.manual_seed(2)
    set_widths = [12, 12] if mode == "invariant" else [6, 5]
    weights = official_ds(kind, 3, 8, 2, set_widths, 2, mode)
    model = DSGNN(JumpingEncoder(CONVOLUTIONS[kind], 3, 8, 2), set_widths, 2, set_mode=mode)
    load_official_state_dict(model, weights)
    model = model.double().eval()
    weights = {name: value.double() for name, value in weights.items()}
    for seed in range(4):
        bag = SubgraphBag("node_deleted")(random_graph(seed))
        expected = reference_ds(weights, bag, 2, len(set_widths), mode)
        torch.testing.assert_close(model(bag)[0], expected, rtol=1e-9, atol=1e-9)


def test_a_checkpoint_that_does_not_fit_is_refused() -> None:
    weights = official_dss("GIN", 3, 8, 2, 1)
    with pytest.raises(ValueError, match=r"missing: \['layers.2.conv"):
        load_official_state_dict(DSSGNN(gin_conv, 3, 8, 3, 1), weights)
    with pytest.raises(ValueError, match=r"of another shape: \['head.2.weight: \[1, 16\] for \[2, 16\]'"):
        load_official_state_dict(DSSGNN(gin_conv, 3, 8, 2, 2), weights)
    with pytest.raises(ValueError, match=r"has 'gnn_list.1.layer.eps', for which the model has no place"):
        load_official_state_dict(DSSGNN(gin_conv, 3, 8, 1, 1), weights)
    with pytest.raises(ValueError, match=r"has 'encoder\.weight'"):
        load_official_state_dict(DSSGNN(gin_conv, 3, 8, 2, 1), weights | {"encoder.weight": torch.zeros(1)})
    with pytest.raises(TypeError, match="got DSGNN of GIN"):
        load_official_state_dict(DSGNN(GIN(3, 8, 2), [4], 1), weights)
    for wrong in ("checkpoint.pt", None, {0: torch.zeros(1)}, {"final_layers.0.bias": [0.0]}):
        with pytest.raises(TypeError, match="state_dict"):
            load_official_state_dict(DSSGNN(gin_conv, 3, 8, 2, 1), wrong)
    old = {name: value for name, value in weights.items() if not name.endswith("num_batches_tracked")}
    load_official_state_dict(DSSGNN(gin_conv, 3, 8, 2, 1), old)


def test_on_the_graph_alone_dss_is_the_plain_network_of_two_convolutions() -> None:
    model, graph = dss(3), random_graph(5)
    h = graph.x
    for layer in model.layers:
        own = layer.norm(layer.conv(h, graph.edge_index))
        h = torch.relu(own + layer.norm_shared(layer.conv_shared(h, graph.edge_index)))
    torch.testing.assert_close(model(SubgraphBag("original")(graph))[0], model.head(h.mean(dim=0)))


def test_on_the_graph_alone_ds_without_set_layers_is_the_plain_network() -> None:
    gnn, graph = settled(JumpingEncoder(gin_conv, 3, 8, 2)), random_graph(6)
    model = DSGNN(gnn, [], 2).double().eval()
    expected = model.head(gnn(graph.x, graph.edge_index).sum(dim=0))
    torch.testing.assert_close(model(SubgraphBag("original")(graph))[0], expected)


# -- symmetries --------------------------------------------------------------------------------------------------------


def renumbered(graph: Data, seed: int) -> tuple[Data, Tensor]:
    """The graph with its nodes in another order, and the new number of each node."""
    number = torch.randperm(graph.num_nodes, generator=torch.Generator().manual_seed(seed))
    x = torch.empty_like(graph.x)
    x[number] = graph.x
    return Data(x=x, edge_index=number[graph.edge_index]), number


@quick
@given(st.integers(0, 10**6), st.sampled_from(POLICIES))
def test_the_order_of_nodes_and_subgraphs_plays_no_part(seed: int, chosen: tuple[str, int]) -> None:
    policy, hops = chosen
    graph, bag_of = random_graph(seed), SubgraphBag(policy, hops)
    other, number = renumbered(graph, seed)
    bag, other_bag = bag_of(graph), bag_of(other)
    order = torch.randperm(bag.num_subgraphs, generator=torch.Generator().manual_seed(seed))
    for model in both(width(policy), seed):
        close = {"rtol": 1e-8, "atol": 1e-8}
        torch.testing.assert_close(model(other_bag), model(bag), **close)
        torch.testing.assert_close(model(bag.select(order)), model(bag), **close)
        torch.testing.assert_close(model.node_embeddings(other_bag)[number], model.node_embeddings(bag), **close)


@quick
@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=5), st.sampled_from(POLICIES))
def test_a_batch_of_bags_is_so_many_single_bags(seeds: list[int], chosen: tuple[str, int]) -> None:
    policy, hops = chosen
    bags = [SubgraphBag(policy, hops)(random_graph(seed)) for seed in seeds]
    batch = next(iter(DataLoader(bags, batch_size=len(bags))))
    for model in both(width(policy), seeds[0]):
        torch.testing.assert_close(model(batch), torch.cat([model(bag) for bag in bags]))
        nodes = torch.cat([model.node_embeddings(bag) for bag in bags])
        torch.testing.assert_close(model.node_embeddings(batch), nodes)


@quick
@given(st.integers(0, 10**6))
def test_the_whole_bag_is_the_sample_of_fraction_one(seed: int) -> None:
    graph = random_graph(seed)
    whole = SubgraphBag("node_deleted")(graph)
    sample = SubgraphBag("node_deleted", fraction=1.0)(graph)
    for model in both(3):
        torch.testing.assert_close(model(sample), model(whole), rtol=0.0, atol=0.0)


UNSEPARATED = [("rook-shrikhande", "node_deleted", 1), ("rook-shrikhande", "ego_plus", 2), ("decalin", "ego", 1)]
UNSEPARATED += [("decalin", "original", 1), ("k33-prism", "ego", 2), ("csl-11", "ego", 3)]


@quick
@given(st.integers(0, 10**6), st.sampled_from(UNSEPARATED))
def test_what_the_test_cannot_separate_no_weights_separate(seed: int, case: tuple[str, str, int]) -> None:
    pair, policy, hops = case
    bags = [SubgraphBag(policy, hops)(Constant()(graph)) for graph in graph_pair(pair)]
    for model in both(width(policy, 1), seed):
        first, second = (model(_as_double(bag)) for bag in bags)
        torch.testing.assert_close(first, second, rtol=1e-9, atol=1e-9)


def _as_double(bag: Data) -> Data:
    bag.x = bag.x.double()
    return bag


# -- the layer ---------------------------------------------------------------------------------------------------------


def layer_inputs(bag: Data) -> tuple[Tensor, Tensor, Tensor, Tensor, int]:
    return bag.x, bag.edge_index, bag.node_id, bag.original_edge_index, bag.num_original_nodes


def test_gradients_reach_both_convolutions() -> None:
    torch.manual_seed(0)
    model = DSSGNN(gin_conv, 3, 8, 3, 1).double()
    model(SubgraphBag("node_deleted")(random_graph(3))).sum().backward()
    for layer in model.layers:
        for conv in (layer.conv, layer.conv_shared):
            assert all(
                parameter.grad.abs().sum() > 0 for name, parameter in conv.named_parameters() if "bias" not in name
            )


@pytest.mark.parametrize(
    ("make", "channels"),
    [
        (lambda: GINConv(MLP([3, 5, 6])), 6),
        (lambda: GINConv(nn.Sequential(nn.Linear(3, 7), nn.ReLU())), 7),
        (lambda: GraphConv(3, 4), 4),
        (lambda: GCNConv(3, 4), 4),
        (lambda: SAGEConv(3, 4), 4),
        (lambda: GATConv(3, 4, heads=2), 8),
        (lambda: GATConv(3, 4, heads=2, concat=False), 4),
    ],
)
def test_any_convolution_of_torch_geometric_fits(make: Callable[[], MessagePassing], channels: int) -> None:
    torch.manual_seed(0)
    layer = DSSConv(make()).double()
    assert out_channels_of(layer.conv) == channels
    bag = SubgraphBag("node_deleted")(random_graph(1, nodes=6))
    assert layer(*layer_inputs(bag)).shape == (36, channels)
    own, shared = (dict(conv.named_parameters()) for conv in (layer.conv, layer.conv_shared))
    assert own.keys() == shared.keys()
    assert all(not torch.equal(own[name], shared[name]) for name in own if "bias" not in name and own[name].dim() > 1)


def test_edge_attributes_reach_both_convolutions() -> None:
    torch.manual_seed(0)
    graph = random_graph(2, nodes=6)
    graph.edge_attr = torch.rand(graph.num_edges, 3, dtype=torch.float64)
    bag = SubgraphBag("node_deleted")(graph)
    model = settled(DSSGNN(lambda i, o: GINEConv(nn.Linear(i, o), edge_dim=3), 3, 8, 2, 1))
    before = model(bag)
    for name in ("edge_attr", "original_edge_attr"):
        changed = bag.clone()
        changed[name] = changed[name] + 1
        assert not torch.allclose(model(changed), before)
    embedded = settled(
        DSSGNN(lambda i, o: GINEConv(nn.Linear(i, o), edge_dim=5), 3, 8, 2, 1, edge_encoder=nn.Linear(3, 5))
    )
    assert embedded(bag).shape == (1, 1)
    assert dss(3)(bag).shape == (1, 2)  # a convolution that knows no edge attributes leaves them
    gat = settled(DSGNN(JumpingEncoder(lambda i, o: GINEConv(nn.Linear(i, o), edge_dim=3), 3, 8, 2), [4], 1))
    changed = bag.clone()
    changed.edge_attr = changed.edge_attr + 1
    assert not torch.allclose(gat(changed), gat(bag))


def test_the_layer_without_norm_or_activation_is_a_bare_sum() -> None:
    bag = SubgraphBag("ego", 1)(random_graph(4, nodes=5))
    own, shared = GraphConv(3, 4).double(), GraphConv(3, 4).double()
    layer = DSSConv(own, shared, norm=False, activation=None, shared_reduce="sum")
    joined = bag.x.view(5, 5, 3).sum(dim=0)
    expected = own(bag.x, bag.edge_index) + shared(joined, bag.original_edge_index).repeat(5, 1)
    torch.testing.assert_close(layer(*layer_inputs(bag)), expected)


def test_fresh_parameters_again() -> None:
    layer = DSSConv(gin_conv(3, 4))
    before = [parameter.clone() for parameter in layer.parameters()]
    layer.reset_parameters()
    matrices = [(a, b) for a, b in zip(before, layer.parameters(), strict=True) if a.dim() == 2]
    assert matrices
    assert not any(torch.equal(a, b) for a, b in matrices)


class Silent(MessagePassing):
    """A convolution that does not say how wide its output is."""


def test_a_layer_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="the width of Silent's output is not known"):
        DSSConv(Silent())
    DSSConv(Silent(), channels=4)
    DSSConv(Silent(), norm=False)
    with pytest.raises(ValueError, match="shared_reduce is 'median'; expected one of mean, sum, max, min"):
        DSSConv(GraphConv(3, 4), shared_reduce="median")
    bag = SubgraphBag("ego", 1)(random_graph(4, nodes=5))
    x, edge_index, node_id, *rest = layer_inputs(bag)
    with pytest.raises((ValueError, TypeError), match="node_id"):
        DSSConv(GraphConv(3, 4)).double()(x, edge_index, node_id[:-1], *rest)
    first = torch.zeros(1, dtype=torch.long)
    for scattered in (lambda: SetLayer(3, 4).double()(x, first), lambda: SubgraphPool()(x, first, first)):
        with pytest.raises((ValueError, TypeError), match="_batch"):  # one owner for all rows would be repeated
            scattered()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DSSConv("gin"), "conv"),
        (lambda: DSSConv(GINConv), "conv"),
        (lambda: DSSConv(GraphConv(3, 4), activation=3), "activation"),
        (lambda: DSSConv(GraphConv(3, 4), channels=0), "channels is 0"),
        (lambda: SetLayer(0, 3), "in_channels is 0"),
        (lambda: gin_conv(3, 0), "out_channels is 0"),
        (lambda: JumpingEncoder(gin_conv, 3, 8, 0), "num_layers is 0"),
        (lambda: DSSGNN(gin_conv, 3, 8, 0, 1), "num_layers is 0"),
        (lambda: DSSGNN(gin_conv, 3, 0, 2, 1), "hidden_channels is 0"),
        (lambda: DSSGNN(gin_conv, 0, 8, 2, 1), "in_channels is 0"),
        (lambda: DSSGNN(gin_conv, 3, 8, 2, 0), "out_channels is 0"),
        (lambda: DSSGNN(gin_conv, 3, 8, 1.5, 1), "num_layers"),
        (lambda: DSSGNN(GraphConv(3, 8), 3, 8, 2, 1), "conv_factory is GraphConv"),
        (lambda: DSSGNN("gin", 3, 8, 2, 1), "conv_factory"),
        (lambda: DSSGNN(gin_conv, 3, 8, 2, 1, encoder="embedding"), "encoder"),
        (lambda: DSSGNN(gin_conv, 3, 8, 2, 1, edge_features=None), "edge_features"),
        (lambda: DSSGNN(GCNConv, 3, 8, 2, 1, edge_features="edge_attr"), "edge_features is"),
        (lambda: DSSGNN(GCNConv, 3, 8, 2, 1, edge_features=("edge_type",)), "edge_features is"),
        (lambda: DSSGNN(gin_conv, 3, 8, 2, 1, bag_pool="median"), "bag_pool is 'median'"),
        (lambda: DSGNN(GIN(3, 8, 2), 8, 1), "set_channels"),
        (lambda: DSGNN(GIN(3, 8, 2), [0], 1), "set_channels is 0"),
        (lambda: DSGNN(GIN(3, 8, 2), [8], 0), "out_channels is 0"),
        (lambda: DSGNN(GIN(3, 8, 2), [8], 1, set_mode="deep"), "set_mode is 'deep'"),
        (lambda: DSGNN(GIN(3, 8, 2), [8, 4], 1, set_mode="invariant"), r"set_channels is \[8, 4\]; expected equal"),
        (lambda: DSGNN(nn.Linear(3, 3), [4], 1), "Linear has no out_channels; pass gnn_channels="),
    ],
)
def test_networks_refuse_what_they_cannot_be_made_of(make: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        make()


# -- the networks ------------------------------------------------------------------------------------------------------


def test_they_train_through_the_loader_of_torch_geometric() -> None:
    torch.manual_seed(0)
    graphs = [
        Compose([Constant(), SubgraphBag("ego_plus", 2)])(graph) for graph in graph_pair("decalin") for _ in range(4)
    ]
    for number, bag in enumerate(graphs):
        bag.y = torch.tensor([number // 4])
    loader = DataLoader(graphs, batch_size=4, shuffle=True, generator=torch.Generator().manual_seed(0))
    encoder = GIN(3, 16, 3, jk="cat")
    for model in (DSSGNN(lambda i, o: GINConv(MLP([i, o, o])), 3, 16, 3, 1), DSGNN(encoder, [16, 16], 1)):
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(20):
            for batch in loader:
                optimizer.zero_grad()
                output = model(batch).squeeze(-1)
                nn.functional.binary_cross_entropy_with_logits(output, batch.y.float()).backward()
                optimizer.step()
        settle_batch_norm(model, loader)
        assert predict(model, graphs).tolist() == [0] * 4 + [1] * 4


def test_encoders_and_pools() -> None:
    graph = random_graph(1, nodes=5)
    graph.x = torch.arange(5)[:, None] % 3
    bag = SubgraphBag("node_deleted")(graph)
    embedding = nn.Sequential(nn.Embedding(3, 4), nn.Flatten())
    model = DSSGNN(gin_conv, 4, 8, 2, 1, encoder=embedding, node_pool="max", bag_pool="sum")
    assert model(bag).shape == (1, 1)


def test_pooling_by_hand() -> None:
    x = torch.tensor([[1.0], [3.0], [5.0], [7.0], [2.0]])
    subgraph, bag = torch.tensor([0, 0, 1, 1, 2]), torch.tensor([0, 0, 1])
    assert SubgraphPool()(x, subgraph, bag).flatten().tolist() == [4.0, 2.0]
    assert SubgraphPool("sum", "max")(x, subgraph, bag).flatten().tolist() == [12.0, 2.0]
    assert SubgraphPool()(x, subgraph, bag, num_graphs=3).flatten().tolist() == [4.0, 2.0, 0.0]


def test_the_set_layer_by_hand() -> None:
    layer = SetLayer(2, 3)
    h, bag = torch.randn(5, 2), torch.tensor([0, 0, 1, 1, 1])
    means = torch.stack([h[:2].mean(dim=0)] * 2 + [h[2:].mean(dim=0)] * 3)
    torch.testing.assert_close(layer(h, bag), nn.functional.elu(layer.own(h) + layer.mean(means)))


def test_one_node_can_be_trained_on() -> None:
    lonely = Data(x=torch.ones(1, 3), edge_index=torch.zeros(2, 0, dtype=torch.long))
    bag = SubgraphBag("node_deleted")(lonely)
    for model in (DSSGNN(gin_conv, 3, 8, 2, 1), DSGNN(JumpingEncoder(gin_conv, 3, 8, 2), [4], 1)):
        model.train()(bag).sum().backward()
        assert all(parameter.grad.isfinite().all() for parameter in model.parameters() if parameter.grad is not None)


def test_networks_refuse_what_is_no_bag_or_has_no_features() -> None:
    for model in both(3):
        with pytest.raises(TypeError, match=r"expected a bag of subgraphs .* got Data; make bags with"):
            model(random_graph(0))
        with pytest.raises(ValueError, match=r"no node features x; use the policy 'ego_plus' .*Constant\(\)"):
            model(SubgraphBag("ego")(graph_pair("c6")[0]))
    with pytest.raises(ValueError, match=r"in_channels is 3; expected 5, .* add 2"):
        dss(3)(SubgraphBag("ego_plus")(random_graph(0)))
    assert DSSGNN(GraphConv, -1, 8, 2, 1).double()(SubgraphBag("ego_plus")(random_graph(0))).shape == (1, 1)


# -- evaluation --------------------------------------------------------------------------------------------------------


class Scripted(nn.Module):
    """Gives the outputs it was told to, one vote after the other."""

    def __init__(self, outputs: list[list[list[float]]]) -> None:
        super().__init__()
        self.outputs = iter(outputs)

    def forward(self, batch: Batch) -> Tensor:
        assert not self.training
        return torch.tensor(next(self.outputs))  # one batch holds all


def test_votes_are_counted_after_the_threshold() -> None:
    graphs = [SubgraphBag("original")(random_graph(seed)) for seed in (0, 1)]
    # The mean logit of the first graph is positive, of the second negative; the votes say otherwise.
    model = Scripted([[[9.0], [-9.0]], [[-1.0], [1.0]], [[-1.0], [1.0]]]).train()
    assert predict(model, graphs, votes=3).tolist() == [0, 1]
    assert model.training
    classes = Scripted([[[9.0, 0.0, 1.0]] * 2, [[0.0, 0.1, 0.2]] * 2, [[0.0, 0.1, 0.2]] * 2])
    assert predict(classes, graphs, votes=3).tolist() == [2, 2]
    labels = Scripted([[[9.0, -1.0]] * 2, [[-1.0, 2.0]] * 2, [[-1.0, 2.0]] * 2])
    assert predict(labels, graphs, votes=3, task="multilabel").tolist() == [[0, 1], [0, 1]]
    means = Scripted([[[1.0], [2.0]], [[3.0], [6.0]]])
    assert predict(means, graphs, votes=2, task="regression").tolist() == [[2.0], [4.0]]


def test_each_vote_sees_a_fresh_sample() -> None:
    graphs, seen = [random_graph(seed, nodes=8) for seed in range(3)], []

    class Watching(nn.Module):
        def forward(self, batch: Batch) -> Tensor:
            seen.append(batch.edge_index.size(1))
            return torch.zeros(batch.num_graphs, 1)

    bag = SubgraphBag("node_deleted", count=2, generator=torch.Generator().manual_seed(0))
    predict(Watching(), graphs, votes=6, transform=bag)
    assert len(seen) == 6
    assert len(set(seen)) > 1
    whole = [SubgraphBag("node_deleted")(graph) for graph in graphs]
    seen.clear()
    sampler = SubgraphSampler(count=2, generator=torch.Generator().manual_seed(0))
    predict(Watching(), whole, votes=6, transform=sampler, batch_size=2)
    assert len(seen) == 12
    assert len(set(seen)) > 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"votes": 0}, "votes is 0"),
        ({"votes": 1.5}, "votes"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"task": "ranking"}, "task is 'ranking'"),
        ({"data_list": []}, "data_list is empty"),
        ({"data_list": SubgraphBag("original")(random_graph(0))}, "data_list"),
        ({"data_list": DataLoader([SubgraphBag("original")(random_graph(0))])}, "data_list"),
        ({"transform": "bag"}, "transform"),
        ({"model": lambda batch: torch.zeros(1, 1)}, "model"),
        ({"model": Scripted([[[float("nan")]]])}, "not finite"),
        ({"model": Scripted([[1.0]])}, r"gave \[1\]; expected \[1, outputs\]"),  # squeezed: graphs, taken for classes
        ({"model": Scripted([[[1.0]] * 2])}, r"gave \[2, 1\]; expected \[1, outputs\]"),
    ],
)
def test_predict_refuses_what_makes_no_sense(arguments: dict, message: str) -> None:
    given = {"model": dss(3), "data_list": [SubgraphBag("original")(random_graph(0))], "votes": 1} | arguments
    with pytest.raises((ValueError, TypeError), match=message):
        predict(**given)


def test_settled_batch_norm_is_the_average_over_the_batches() -> None:
    torch.manual_seed(0)
    bags = [SubgraphBag("node_deleted")(random_graph(seed)) for seed in range(6)]
    loader = DataLoader(bags, batch_size=2)
    model = DSSGNN(lambda i, o: GraphConv(i, o), 3, 4, 1, 1).double().eval()
    weights = {name: value.clone() for name, value in model.named_parameters()}
    settle_batch_norm(model, loader)
    layer, outputs = model.layers[0], []
    with torch.no_grad():
        outputs = [layer.conv(batch.x, batch.edge_index) for batch in loader]
    norm = layer.norm.module
    torch.testing.assert_close(norm.running_mean, torch.stack([h.mean(dim=0) for h in outputs]).mean(dim=0))
    torch.testing.assert_close(norm.running_var, torch.stack([h.var(dim=0) for h in outputs]).mean(dim=0))
    assert not model.training
    assert all(torch.equal(weights[name], value) for name, value in model.named_parameters())
    for loader, message in (([], "the loader is empty"), (bags[0], "loader"), (None, "loader")):
        with pytest.raises((ValueError, TypeError), match=message):
            settle_batch_norm(model, loader)


# -- experiments -------------------------------------------------------------------------------------------------------


def pairs_of_exp_and_like() -> list[Data]:
    """Pairs that refinement cannot tell apart; of EXP, too, where it is at hand."""
    return lifted_pairs(10, seed=0) + (data.load("exp").graphs[:40] if data.available("exp") else [])


def test_message_passing_is_at_chance_and_exactly_so() -> None:
    graphs = pairs_of_exp_and_like()
    torch.manual_seed(0)
    model = settled(DSGNN(GIN(1, 16, 4, jk="cat", norm="BatchNorm"), [], 1))
    bag = SubgraphBag("original")
    outputs = model(Batch.from_data_list([_as_double(bag(graph)) for graph in graphs])).squeeze(1)
    torch.testing.assert_close(outputs[::2], outputs[1::2], rtol=1e-12, atol=0.0)
    quick_run = {"layers": 2, "width": 8, "epochs": 2, "batch_size": 8}
    found = run(quick_run, seed=0, device="cpu", learner=Learner("gin"), train=graphs[4:], test=graphs[:4])
    assert (found["accuracy"], found["off_chance"], found["epochs"]) == (0.5, 0.0, 2)


def test_random_features_tell_the_graphs_of_a_pair_apart_and_differ_from_call_to_call() -> None:
    model = Learner("random features").network(1, 1, BagTraining(layers=3, width=8)).eval()
    batch = Batch.from_data_list([SubgraphBag("original")(graph) for graph in lifted_pairs(4, seed=0)])
    torch.manual_seed(0)
    first, second = model(batch).squeeze(1), model(batch).squeeze(1)
    assert not torch.isclose(first, second).any()
    assert not torch.isclose(first[::2], first[1::2]).any()


@pytest.mark.parametrize("kind", ["ds", "dss", "random features"])
def test_a_run_is_decided_by_its_seed(kind: str) -> None:
    graphs = [graph for graph in map(random_graph, range(12)) if graph.num_nodes > 2]
    for number, graph in enumerate(graphs):
        graph.x, graph.y = graph.x.float(), torch.randn(1, 2, generator=torch.Generator().manual_seed(number))
    learner = Learner(kind, "node_deleted", fraction=0.5)
    quick_run = {"layers": 3, "width": 8, "set_width": 8, "epochs": 3, "batch_size": 4}

    def errors(seed: int) -> Tensor:
        return standardized_errors(quick_run, seed=seed, device="cpu", learner=learner, train=graphs, test=graphs)[0]

    state = torch.get_rng_state()
    first = errors(1)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.shape == (len(graphs), 2)
    assert torch.equal(first, errors(1))
    assert not torch.equal(first, errors(2))


def test_a_run_stops_when_it_has_learned() -> None:
    graphs = lifted_pairs(4, seed=0)
    with_goal = {"epochs": 9, "batch_size": 8, "stop_below": 100.0, "layers": 1, "width": 4}
    how = {"seed": 0, "device": "cpu", "outputs": 1, "loss": lambda output, y: output.square().mean()}
    assert predictions(Learner("gin"), graphs, graphs, with_goal, **how)[1]["epochs"] == 1
    without, capped = with_goal | {"stop_below": 0.0}, Learner("gin", most_epochs=2)
    assert predictions(capped, graphs, graphs, without, **how)[1]["epochs"] == 2


def test_batch_norm_is_settled_on_batches_of_mixed_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training graphs may come sorted by class; statistics of one class at a time miss what lies between them."""
    graphs = csl_graphs(11, (2, 3), 10, torch.Generator().manual_seed(0))
    assert [int(graph.y) for graph in graphs] == [0] * 10 + [1] * 10
    seen: list[set[int]] = []
    monkeypatch.setattr(
        "paperwright.graphs.esan.experiment.settle_batch_norm",
        lambda model, batches: seen.extend(set(batch.y.tolist()) for batch in batches),
    )
    quick_run = {"layers": 1, "width": 4, "epochs": 1, "batch_size": 10}
    run(quick_run, seed=0, device="cpu", learner=Learner("gin"), train=graphs, test=graphs, then=OneHotDegree(4))
    assert seen == [{0, 1}, {0, 1}]


def test_splits_keep_pairs_together_and_classes_in_proportion() -> None:
    graphs = lifted_pairs(10, seed=0)
    train, test = pairs_split(graphs, 12, 6, seed=1)
    assert (len(train), len(test)) == (12, 6)
    number = {id(graph): i for i, graph in enumerate(graphs)}
    sides = [{number[id(graph)] // 2 for graph in side} for side in (train, test)]
    assert [len(side) for side in sides] == [6, 3]
    assert not sides[0] & sides[1]
    assert [int(graph.y) for graph in train] == [1, 0] * 6
    circulants = csl_graphs(11, (2, 3), 10, torch.Generator().manual_seed(0))
    folds = [class_fold(circulants, 5, fold, seed=3) for fold in range(5)]
    assert sorted(id(graph) for _, held_out in folds for graph in held_out) == sorted(map(id, circulants))
    for rest, held_out in folds:
        assert len(rest) == 16
        assert sorted(int(graph.y) for graph in held_out) == [0, 0, 1, 1]


def test_every_other_pair_is_corrupted_by_one_edge() -> None:
    graphs = lifted_pairs(4, seed=0)
    made = corrupted_pairs(graphs, seed=1)
    assert [graph.alike for graph in made] == [False, False, True, True] * 2
    assert [new.num_edges - old.num_edges for new, old in zip(made, graphs, strict=True)] == [2, 0, 0, 0] * 2
    assert all(new.is_undirected() and not new.has_self_loops() for new in made)
    assert all(new.coalesce().num_edges == new.num_edges for new in made)
    labels = subgraph_wl(made, test="wl").labels
    assert (labels[::2] == labels[1::2]).tolist() == [False, True] * 2


@pytest.mark.parametrize("module", ["bag", "sampling", "subgraph_data", "layers", "ds_gnn", "subgraph_wl"])
def test_examples_run(module: str) -> None:
    found = doctest.testmod(importlib.import_module(f"paperwright.graphs.esan.{module}"))
    assert found.attempted > 0
    assert found.failed == 0


# -- edge features -----------------------------------------------------------------------------------------------------


def with_edge_features(seed: int = 3) -> Data:
    graph = random_graph(seed, nodes=7)
    columns, generator = graph.num_edges, torch.Generator().manual_seed(seed)
    graph.edge_attr = torch.rand(columns, 3, generator=generator, dtype=torch.float64)
    graph.edge_weight = 0.5 + torch.rand(columns, generator=generator, dtype=torch.float64)
    return graph


def outputs(model: nn.Module, graph: Data) -> Tensor:
    return model(SubgraphBag("node_deleted")(graph))


@pytest.mark.parametrize("conv", [GCNConv, GraphConv])
@pytest.mark.parametrize("network", ["DSS", "DS", "DS of torch_geometric"])
def test_edge_weights_reach_the_convolutions(conv: type[nn.Module], network: str) -> None:
    def make(**more: object) -> nn.Module:
        torch.manual_seed(0)
        if network == "DSS":
            return DSSGNN(conv, 3, 8, 2, 1, **more).double().eval()
        if network == "DS":
            return DSGNN(JumpingEncoder(conv, 3, 8, 2), [4], 1, **more).double().eval()
        return DSGNN(GCN(3, 8, 2), [4], 1, **more).double().eval()

    graph = with_edge_features()
    heavier = graph.clone()
    heavier.edge_weight = graph.edge_weight.square()
    assert not torch.allclose(outputs(make(), graph), outputs(make(), heavier))
    none = make(edge_features=())
    torch.testing.assert_close(outputs(none, graph), outputs(none, heavier))


def test_edge_weights_on_the_graph_alone_are_those_of_the_plain_convolution() -> None:
    graph, model = with_edge_features(), settled(DSSGNN(GraphConv, 3, 8, 2, 1))
    h = graph.x
    for layer in model.layers:
        own = layer.norm(layer.conv(h, graph.edge_index, graph.edge_weight))
        h = torch.relu(own + layer.norm_shared(layer.conv_shared(h, graph.edge_index, graph.edge_weight)))
    torch.testing.assert_close(model(SubgraphBag("original")(graph))[0], model.head(h.mean(dim=0)))


UNBUILT = {
    "PNAConv": lambda i, o: PNAConv(i, o, ["mean", "max"], ["identity"], torch.tensor([0, 2, 3])),
    "GATv2Conv": GATv2Conv,
    "GATConv": GATConv,
    "TransformerConv": TransformerConv,
}


@pytest.mark.parametrize("name", UNBUILT)
def test_edge_attributes_are_kept_from_convolutions_that_were_built_without(name: str) -> None:
    graph, bare = with_edge_features(), with_edge_features()
    del bare.edge_attr
    for model in (DSSGNN(UNBUILT[name], 3, 8, 2, 1), DSGNN(JumpingEncoder(UNBUILT[name], 3, 8, 2), [4], 1)):
        model.double().eval()
        torch.testing.assert_close(outputs(model, graph), outputs(model, bare))
    plain = DSGNN(GAT(3, 8, 2), [4], 1).double().eval()
    torch.testing.assert_close(outputs(plain, graph), outputs(plain, bare))


def test_edge_attributes_reach_convolutions_that_were_built_for_them() -> None:
    graph, other = with_edge_features(), with_edge_features()
    other.edge_attr = graph.edge_attr.square()
    for model in (
        DSSGNN(lambda i, o: GATv2Conv(i, o, edge_dim=3), 3, 8, 2, 1),
        DSGNN(GAT(3, 8, 2, edge_dim=3), [4], 1),
    ):
        model.double().eval()
        assert not torch.allclose(outputs(model, graph), outputs(model, other))
