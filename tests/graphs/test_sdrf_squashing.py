"""Spectral gap, Cheeger constant, sensitivity, the paper's inequalities, the report, and the claims' experiments."""

import itertools
import math
from collections.abc import Callable, Iterator

import jaxtyping
import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data, HeteroData
from torch_geometric.nn import GCNConv
from torch_geometric.nn.models import GCN
from torch_geometric.utils import from_networkx

from paperwright.graphs.sdrf import balanced_forman_curvature, cheeger, sensitivity, spectral_gap, squashing_report
from paperwright.graphs.sdrf._bottlenecked_graphs import (
    arcs_of,
    bottlenecked_graph,
    double_star,
    random_graph_and_set,
    regular_tree,
    with_random_two_hop_edges,
)
from paperwright.graphs.sdrf.claims import bounds_on_sensitivity, change_beside_chance
from paperwright.graphs.sdrf.experiment import (
    Diffusion,
    Flow,
    Network,
    Rewiring,
    best_of_search,
    citation_split,
    classify,
    random_split,
    rewired,
)
from paperwright.graphs.sdrf.sensitivity import sensitivity_across
from paperwright.graphs.sdrf.theorems import (
    diffusion_bound,
    jacobian_bound,
    propagation,
    squashing_of_edges,
)

quick = settings(max_examples=15, deadline=None, derandomize=True)


@pytest.fixture
def as_users_meet_it() -> Iterator[None]:
    """Our own checks of bad input, which the type checks of the test run would forestall."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


# -- cuts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("graph", "gap"),
    [
        (nx.barbell_graph(5, 0), 0.0726005825),
        (nx.karate_club_graph(), 0.1322723292),
        (nx.complete_graph(7), 7 / 6),
        (nx.complete_bipartite_graph(3, 4), 1.0),
        (nx.cycle_graph(12), 1 - math.cos(2 * math.pi / 12)),
        (nx.cycle_graph(2100), 1 - math.cos(2 * math.pi / 2100)),  # factorisation, for Lanczos would take too long
        (nx.path_graph(4000), 1 - math.cos(math.pi / 3999)),  # the same
        (nx.hypercube_graph(11), 2 / 11),  # Lanczos, an eigenvalue eleven times over
    ],
)
def test_spectral_gap(graph: nx.Graph, gap: float) -> None:
    assert spectral_gap(arcs_of(graph)) == pytest.approx(gap, rel=1e-6)


def test_disconnected_graphs_are_measured_on_the_largest_component() -> None:
    graph = nx.disjoint_union(nx.cycle_graph(6), nx.complete_graph(4))
    with pytest.warns(UserWarning, match="2 components"):
        assert spectral_gap(arcs_of(graph), 10) == pytest.approx(0.5)
    with pytest.warns(UserWarning, match="components"):
        assert cheeger(arcs_of(graph), 12).value == pytest.approx(2 / 6)


def test_cheeger_of_known_graphs() -> None:
    barbell = cheeger(arcs_of(nx.barbell_graph(5, 0)))
    assert barbell.value == barbell.lower == barbell.upper == pytest.approx(1 / 21)
    assert barbell.set.tolist() in ([0, 1, 2, 3, 4], [5, 6, 7, 8, 9])
    assert cheeger(arcs_of(nx.cycle_graph(10))).value == pytest.approx(2 / 10)
    big = cheeger(arcs_of(nx.barbell_graph(15, 0)))
    assert big.upper == pytest.approx(1 / (15 * 14 + 1))
    assert big.lower == pytest.approx(spectral_gap(arcs_of(nx.barbell_graph(15, 0))) / 2)


@quick
@given(st.integers(0, 10**6))
def test_cheeger_against_all_cuts_and_the_inequality(seed: int) -> None:
    random = np.random.default_rng(seed)
    edges, n, _ = random_graph_and_set(random)
    if n > 9:
        keep = (edges < 9).all(dim=0)
        graph = nx.Graph(edges[:, keep].T.tolist())
        graph = graph.subgraph(max(nx.connected_components(graph), key=len)) if graph else nx.path_graph(3)
        edges, n = arcs_of(graph), graph.number_of_nodes()
    graph = nx.Graph(edges.T.tolist())
    everything = 2 * graph.number_of_edges()
    least = min(
        nx.cut_size(graph, nodes) / nx.volume(graph, nodes)
        for size in range(1, n)
        for nodes in itertools.combinations(range(n), size)
        if 2 * nx.volume(graph, nodes) <= everything
    )
    found, gap = cheeger(edges, n), spectral_gap(edges, n)
    assert found.value == pytest.approx(least)
    assert nx.cut_size(graph, found.set.tolist()) / nx.volume(graph, found.set.tolist()) == pytest.approx(least)
    assert gap / 2 - 1e-9 <= found.value <= math.sqrt(2 * gap) + 1e-9
    swept = cheeger(edges, n, "sweep")
    assert swept.lower - 1e-9 <= least <= swept.upper + 1e-9


def test_cuts_refuse() -> None:
    nothing = torch.empty(2, 0, dtype=torch.long)
    for measure in (spectral_gap, cheeger):
        with pytest.raises(ValueError, match="no edges"):
            measure(nothing, 3)
    with pytest.raises(ValueError, match="20 nodes"):
        cheeger(arcs_of(nx.cycle_graph(30)), method="exact")
    with pytest.raises(TypeError):
        spectral_gap(torch.zeros(2, 2))


# -- sensitivity -------------------------------------------------------------------------------------------------------


class TwoLayers(torch.nn.Module):
    """Linear GCN, so that d h_t / d x_s = (A^^2)_ts W^T."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = GCNConv(3, 4, bias=False).double(), GCNConv(4, 2, bias=False).double()

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x, edge_index), edge_index)


def karate(features: int = 3) -> Data:
    edge_index = arcs_of(nx.karate_club_graph())
    x = torch.randn(34, features, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return Data(x=x, edge_index=edge_index)


@pytest.mark.parametrize("norm", ["spectral", "frobenius"])
def test_sensitivity_of_a_linear_network(norm: str) -> None:
    torch.manual_seed(0)
    model, data = TwoLayers(), karate()
    weight = model.second.lin.weight @ model.first.lin.weight
    size = torch.linalg.matrix_norm(weight, 2 if norm == "spectral" else "fro")
    square = torch.from_numpy((propagation(data.edge_index, 34) @ propagation(data.edge_index, 34)).toarray())
    sources, targets = torch.arange(34), torch.tensor([0, 5, 33])
    found = sensitivity(model, data, sources, targets, norm=norm)
    torch.testing.assert_close(found, square[targets] * size.detach())
    assert model.training


def test_sensitivity_across_is_the_mean_over_nodes_beyond() -> None:
    torch.manual_seed(0)
    model, data = GCN(3, 4, 2, 2).double(), karate()
    graph = nx.karate_club_graph()
    edges = data.edge_index[:, data.edge_index[0] < data.edge_index[1]]
    found = sensitivity_across(model, data, edges)
    everything = sensitivity(model, data, torch.arange(34), torch.arange(34))
    for (u, v), value in zip(edges.T.tolist(), found.tolist(), strict=True):
        pairs = [(k, i) for i, j in ((u, v), (v, u)) for k in set(graph[j]) - set(graph[i]) - {i, j}]
        assert value == pytest.approx(float(np.mean([everything[pair] for pair in pairs])), nan_ok=not pairs)


def returns(answer: Callable[[torch.Tensor], object]) -> torch.nn.Module:
    """A module that makes this of the features."""
    module = torch.nn.Module()
    module.forward = lambda x, edge_index: answer(x)
    return module


@pytest.mark.usefixtures("as_users_meet_it")
@pytest.mark.parametrize(
    ("model", "changes", "nodes", "kind", "message"),
    [
        ("gcn", {}, [0], TypeError, "model is of type str; expected a torch.nn.Module"),
        (None, {"edge_index": None}, [0], ValueError, "edge_index is None"),
        (None, {"x": None}, [0], ValueError, r"data\.x is missing"),
        (None, {"x": torch.ones(34)}, [0], ValueError, r"data\.x has shape \[34\]"),
        (None, {"x": torch.ones(34, 3, dtype=torch.long)}, [0], TypeError, r"data\.x is torch\.int64"),
        (None, {"x": torch.full((34, 3), torch.nan)}, [0], ValueError, "NaN"),
        (None, {}, [34], ValueError, "targets holds a node"),
        (None, {}, [0.5], TypeError, "targets is torch.float32"),
        (None, {}, [[0], [1, 2]], TypeError, "targets is .*expected node numbers"),
        (None, {}, "ab", TypeError, "targets is 'ab'; expected node numbers"),
        (None, {}, None, TypeError, "targets is None; expected node numbers"),
        (returns(lambda x: x.sum(0)), {}, [0], ValueError, r"returned shape \[3\]"),
        (returns(lambda x: x[:, :, None]), {}, [0], ValueError, r"returned shape \[34, 3, 1\]"),
        (returns(lambda x: (x, x)), {}, [0], ValueError, "returned type tuple"),
        (returns(lambda x: x / 0), {}, [0], ValueError, "returned NaN or infinity"),
        (returns(lambda x: torch.ones(34, 2)), {}, [0], ValueError, "returned a constant"),
    ],
)
def test_sensitivity_refuses(model: object, changes: dict, nodes: object, kind: type[Exception], message: str) -> None:
    data = karate()
    for name, value in changes.items():
        data[name] = value
    with pytest.raises(kind, match=message):
        sensitivity(TwoLayers() if model is None else model, data, [0], nodes)


def test_sensitivity_takes_lists_inference_mode_and_half_precision() -> None:
    model, data = GCN(3, 4, 1, 2), karate()
    data.x = data.x.float()
    ours = sensitivity(model, data, [0, 1], [2])
    torch.testing.assert_close(ours, sensitivity(model, data, torch.tensor([0, 1]), torch.tensor([2])))
    with torch.inference_mode():
        torch.testing.assert_close(ours, sensitivity(model, data, [0, 1], [2]))
        torch.testing.assert_close(
            ours, sensitivity(model, Data(x=data.x * 1, edge_index=data.edge_index), [0, 1], [2])
        )
    half = sensitivity(model.half(), Data(x=data.x.half(), edge_index=data.edge_index), [0, 1], [2])
    torch.testing.assert_close(half.float(), ours, rtol=0.02, atol=1e-3)


# -- the paper's inequalities ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degree", [20, 100])
def test_theorem_4_speaks_of_bottlenecks(degree: int) -> None:
    for edges in (double_star(degree), *([regular_tree(degree)] if degree == 20 else [])):
        found = [edge for edge in squashing_of_edges(edges) if edge.premise]
        assert found
        for edge in found:
            assert edge.delta == pytest.approx(4 / degree)
            assert len(edge.beyond) == degree - 1 > edge.least_size
            # the largest that the mean can be, by Lemma 1, is below the theorem's bound
            reach = jacobian_bound(edges, None, torch.tensor([edge.i]), depth=2)[torch.tensor(edge.beyond), 0].numpy()
            assert np.sort(reach)[: math.floor(edge.least_size) + 1].mean() < edge.factor
    assert not any(edge.premise for edge in squashing_of_edges(arcs_of(nx.complete_graph(6))))


@quick
@given(st.integers(0, 10**6), st.sampled_from([0.05, 0.15, 0.5]))
def test_theorem_6(seed: int, alpha: float) -> None:
    edges, n, nodes = random_graph_and_set(np.random.default_rng(seed))
    bound = diffusion_bound(edges, n, nodes, alpha)
    assert bound.before > 0
    assert bound.after <= bound.bound * (1 + 1e-9)


def test_theorem_6_refuses() -> None:
    cycle = arcs_of(nx.cycle_graph(6))
    with pytest.raises(ValueError, match="volume"):
        diffusion_bound(cycle, 6, torch.arange(4), 0.1)
    with pytest.raises(ValueError, match="isolated"):
        diffusion_bound(cycle, 7, torch.arange(2), 0.1)
    with pytest.raises(ValueError, match="alpha"):
        diffusion_bound(cycle, 6, torch.arange(2), 1.0)


# -- the report --------------------------------------------------------------------------------------------------------


def test_report_of_the_barbell() -> None:
    data = Data(edge_index=arcs_of(nx.barbell_graph(5, 0)), x=torch.randn(10, 3))
    report = squashing_report(data)
    assert (report.num_nodes, report.num_edges, report.worst_edge) == (10, 21, (4, 5))
    assert report.bottleneck_share == pytest.approx(1 / 21)
    assert report.quantiles[0.0] == pytest.approx(-1.2)
    assert report.spectral_gap == pytest.approx(0.0726005825)
    assert "4.8%" in str(report)
    assert "sensitivity" not in str(report)
    with pytest.raises(TypeError):
        squashing_report(HeteroData())
    with pytest.raises(ValueError, match="no edges"):
        squashing_report(Data(edge_index=torch.empty(2, 0, dtype=torch.long), num_nodes=3))


def test_report_with_a_model_and_directed_disconnected_input() -> None:
    arcs = torch.cat([arcs_of(nx.karate_club_graph())[:, ::2], torch.tensor([[34, 36], [35, 36]])], dim=1)
    report = squashing_report(Data(edge_index=arcs, x=torch.randn(37, 3)), GCN(3, 8, 2, 2))
    assert report.worst_sensitivity is not None
    assert 0 < report.worst_sensitivity < report.middle_sensitivity
    assert "sensitivity across" in str(report)


# -- the experiments of the claims -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["barbell", "blocks", "cliques"])
def test_generated_graphs_are_connected_and_squashed(kind: str) -> None:
    edges = bottlenecked_graph(kind, 3)
    assert torch.equal(edges, bottlenecked_graph(kind, 3))
    graph = nx.Graph(edges.T.tolist())
    assert nx.is_connected(graph)
    assert float(balanced_forman_curvature(edges).min()) < -0.3
    more = with_random_two_hop_edges(edges, graph.number_of_nodes(), 4, seed=0)
    assert more.size(1) == edges.size(1) + 8
    for u, v in {tuple(e) for e in more.T.tolist()} - {tuple(e) for e in edges.T.tolist()}:
        assert nx.shortest_path_length(graph, u, v) <= 3


def labelled_graph() -> Data:
    data = karate()
    data.y = torch.tensor([int(club == "Officer") for _, club in nx.karate_club_graph().nodes(data="club")])
    data.x = torch.eye(34)
    return data


def test_classification_depends_on_the_seed_alone() -> None:
    graph, few = random_split(labelled_graph(), 1), Network(hidden=8)
    state = torch.random.get_rng_state()
    first = classify(graph, few, 1, "cpu", epochs=30)
    assert torch.equal(state, torch.random.get_rng_state())
    assert classify(graph, few, 1, "cpu", epochs=30) == first
    assert len({classify(graph, few, seed, "cpu", epochs=1)["accuracy"] for seed in range(5)}) > 1
    assert 0 <= first["accuracy"] <= 100
    assert first["validation_accuracy"] > 50


def test_splits_have_the_documented_sizes() -> None:
    graph = random_split(labelled_graph(), 5)
    assert [int(graph[mask].sum()) for mask in ("train_mask", "val_mask", "test_mask")] == [20, 7, 7]
    assert bool((graph.train_mask.int() + graph.val_mask.int() + graph.test_mask.int() == 1).all())
    assert not torch.equal(graph.test_mask, random_split(labelled_graph(), 6).test_mask)
    papers = citation_split(Data(y=torch.arange(1800) % 3, num_nodes=1800), 0)
    assert [int(papers[mask].sum()) for mask in ("train_mask", "val_mask", "test_mask")] == [60, 1440, 300]
    assert papers.y[papers.train_mask].bincount().tolist() == [20, 20, 20]


@pytest.mark.parametrize(
    "rewiring", [None, Flow(4, 10.0, 1.0), Flow(4, 10.0, 1.0, "official"), Diffusion(0.1, 4)], ids=repr
)
def test_every_arm_rewires_and_searches(rewiring: Rewiring) -> None:
    graph = random_split(labelled_graph(), 0)
    assert (rewired(graph.clone(), rewiring, seed=0).num_edges == graph.num_edges) == (rewiring is None)
    first, again = (best_of_search(graph, rewiring, Network(), 2, 0, "cpu", epochs=5) for _ in range(2))
    assert first == again


def test_lemma_1_is_attained_where_the_network_is_linear_and_missed_where_it_is_not() -> None:
    common = {"seed": 3, "device": "cpu", "pool": 3, "edges": 2, "training_epochs": 3, "largest_degree": 30}
    assert bounds_on_sensitivity("attained", **common)["nearest"] == pytest.approx(1, abs=1e-9)
    trained = bounds_on_sensitivity("double star", **common)
    assert 0 < trained["nearest"] < 0.95
    assert trained["violations"] == 0


def test_chance_moves_degrees_as_far_where_edges_are_only_added() -> None:
    found = change_beside_chance(Flow(6, 50.0), seed=0, device="cpu", graph="block-model")
    assert found["share"] == pytest.approx(1)
    assert found["sdrf_edges_added"] == found["chance_edges_added"] > 0
    both = change_beside_chance(Flow(6, 50.0, -1.0), seed=0, device="cpu", graph="block-model")
    assert both["sdrf_edges_removed"] == both["chance_edges_removed"] > 0
    assert both["share"] != pytest.approx(1)


def test_a_report_reads_networkx_graphs_and_refuses_bad_edges() -> None:
    graph = nx.barbell_graph(4, 0)
    assert str(squashing_report(graph)) == str(squashing_report(from_networkx(graph)))
    with pytest.raises(ValueError, match=r"shape \[3, 2\]"):
        squashing_report(Data(edge_index=torch.zeros(3, 2, dtype=torch.long), num_nodes=3))
