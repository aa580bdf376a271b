"""SDRF and DIGL as torch_geometric transforms: reference runs, what they keep, what they refuse, and their peers."""

import copy
import doctest
import importlib
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import jaxtyping
import networkx as nx
import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric import transforms
from torch_geometric.data import Batch, Data, HeteroData, InMemoryDataset
from torch_geometric.loader import DataLoader
from torch_geometric.transforms import BaseTransform
from torch_geometric.utils import (
    from_networkx,
    is_undirected,
    to_edge_index,
    to_torch_coo_tensor,
    to_torch_csc_tensor,
    to_torch_csr_tensor,
    to_undirected,
)

from paperwright import data as datasets
from paperwright.graphs.sdrf import (
    DIGL,
    SDRF,
    BalancedFormanCurvature,
    CurvatureState,
    _pagerank,
    balanced_forman_curvature,
    reachable_component,
)
from paperwright.graphs.sdrf._bottlenecked_graphs import arcs_of
from paperwright.graphs.sdrf._kernels import TIE

quick = settings(max_examples=15, deadline=None, derandomize=True)
deterministic = {"tau": math.inf}


def graph_of(graph: nx.Graph, **attributes: torch.Tensor) -> Data:
    return Data(edge_index=arcs_of(graph), num_nodes=graph.number_of_nodes(), **attributes)


def edge_set(data: Data) -> set[tuple[int, int]]:
    return {tuple(pair) for pair in data.edge_index.T.tolist()}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def karate() -> Data:
    return graph_of(nx.karate_club_graph())


# -- the flow ----------------------------------------------------------------------------------------------------------


def test_first_edge_on_the_barbell() -> None:
    rewired = SDRF(1, **deterministic, report=True)(graph_of(nx.barbell_graph(5, 0)))
    report = rewired.sdrf_report
    assert report.added == [(0, 5)]
    assert report.removed == []
    assert report.min_curvature == pytest.approx([-1.2])
    assert rewired.num_edges == 2 * (21 + 1)


@pytest.mark.parametrize("definition", ["paper", "official"])
def test_flow_equals_the_algorithm_recomputed(karate: Data, definition: str) -> None:
    """Every step again, from scratch: curvature of the whole graph, every candidate's own graph."""
    bound = 0.6
    rewired = SDRF(8, **deterministic, removal_bound=bound, definition=definition, report=True)(karate)
    edges, n, added, removed = karate.edge_index, 34, [], []
    for _ in range(8):
        before = _curvatures(edges, n, definition)
        i, j = min(edge for edge, value in before.items() if value <= min(before.values()) + TIE)
        candidates, values = CurvatureState(edges, n, definition).improvements(i, j)
        k, m = candidates[int((values >= values.max() - TIE).nonzero()[0])].tolist()
        edges = torch.cat([edges, torch.tensor([[k, m], [m, k]])], dim=1)
        added.append((k, m))
        looked_at = before if definition == "official" else _curvatures(edges, n, definition)
        u, v = min(edge for edge, value in looked_at.items() if value >= max(looked_at.values()) - TIE)
        if looked_at[u, v] > bound:
            edges = edges[:, (edges.sort(dim=0).values != torch.tensor([[u], [v]])).any(dim=0)]
            removed.append((u, v))
    assert (rewired.sdrf_report.added, rewired.sdrf_report.removed) == (added, removed)
    assert edge_set(rewired) == {tuple(pair) for pair in edges.T.tolist()}


def _curvatures(edges: torch.Tensor, n: int, definition: str) -> dict[tuple[int, int], float]:
    values = balanced_forman_curvature(edges, n, definition=definition).tolist()
    return {(u, v): value for (u, v), value in zip(edges.T.tolist(), values, strict=True) if u < v}


def test_randomness_comes_from_the_generator_alone(karate: Data) -> None:
    runs = [SDRF(20, tau=5.0, generator=seeded(seed))(karate).edge_index for seed in (3, 3, 4)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])
    torch.manual_seed(0)
    first = SDRF(20, tau=5.0)(karate).edge_index
    torch.manual_seed(0)
    assert torch.equal(first, SDRF(20, tau=5.0)(karate).edge_index)


def test_temperatures_from_uniform_to_overflowing(karate: Data) -> None:
    for tau in (0.0, 250.0, 1e6):
        assert SDRF(5, tau=tau, generator=seeded(0))(karate).num_edges == karate.num_edges + 10


@quick
@given(st.integers(0, 10**6), st.floats(-1.0, 2.0))
def test_output_is_a_simple_sorted_undirected_graph(seed: int, bound: float) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(2, 30))
    edge_index = torch.from_numpy(random.integers(0, n, (2, int(random.integers(0, 80)))))
    graph = Data(edge_index=edge_index, num_nodes=n)
    rewired = SDRF(15, 10.0, bound, generator=seeded(seed), report=True)(graph)
    loops = {pair for pair in edge_set(graph) if pair[0] == pair[1]}
    assert {pair for pair in edge_set(rewired) if pair[0] == pair[1]} == loops
    codes = rewired.edge_index[0] * n + rewired.edge_index[1]
    assert bool((codes.diff() > 0).all())
    assert is_undirected(rewired.edge_index, num_nodes=n)
    report = rewired.sdrf_report
    proper = {(u, v) for u, v in edge_set(graph) if u != v}
    assert report.duplicates == int((edge_index[0] != edge_index[1]).sum()) - len(proper)
    assert report.self_loops == int((edge_index[0] == edge_index[1]).sum())
    simple = len({(min(e), max(e)) for e in proper})
    assert rewired.num_edges == 2 * (simple + len(report.added) - len(report.removed)) + len(loops)


def test_stops_when_stuck_or_idles() -> None:
    clique = graph_of(nx.complete_graph(5))
    stuck = SDRF(10, report=True)(clique)
    assert stuck.num_edges == clique.num_edges
    assert len(stuck.sdrf_report.min_curvature) == 1
    assert len(SDRF(10, stop_when_stuck=False, report=True)(clique).sdrf_report.min_curvature) == 10


def test_removes_only_with_a_bound() -> None:
    clique = graph_of(nx.complete_graph(5))
    assert SDRF(3, removal_bound=1.25)(clique).num_edges == 20  # 1.25 does not exceed 1.25
    assert SDRF(1, removal_bound=1.0, report=True)(clique).sdrf_report.removed == [(0, 1)]


def test_directed_graphs_by_the_official_definition() -> None:
    random = np.random.default_rng(0)
    graph = Data(edge_index=torch.from_numpy(random.integers(0, 20, (2, 60))), num_nodes=20)
    rewired = SDRF(10, definition="official", undirected=False, generator=seeded(0), report=True)(graph)
    assert not is_undirected(rewired.edge_index)
    proper = {(u, v) for u, v in edge_set(graph) if u != v}
    assert {(u, v) for u, v in edge_set(rewired) if u != v} == proper | set(rewired.sdrf_report.added)
    with pytest.raises(ValueError, match="to_undirected"):
        SDRF(undirected=False)(graph)


def test_unchanged_without_edges() -> None:
    for graph in (
        Data(),
        Data(num_nodes=3),
        Data(edge_index=torch.empty(2, 0, dtype=torch.long), num_nodes=3),
        Data(edge_index=torch.tensor([[1], [1]]), num_nodes=3),
    ):
        rewired = SDRF(5, removal_bound=0.1)(copy.copy(graph))
        given = graph.get("edge_index")
        assert (rewired.get("edge_index") is None) if given is None else torch.equal(rewired.edge_index, given)


# -- what the graph carries --------------------------------------------------------------------------------------------


def test_keeps_features_masks_dtype_and_the_input(karate: Data) -> None:
    karate.x, karate.y = torch.randn(34, 2), torch.arange(34)
    karate.train_mask = torch.arange(34) < 20
    karate.edge_index = karate.edge_index.int()
    before = karate.edge_index.clone()
    rewired = SDRF(4, generator=seeded(0))(karate)
    assert rewired.edge_index.dtype == torch.int32
    assert all(rewired[name] is karate[name] for name in ("x", "y", "train_mask"))
    assert torch.equal(karate.edge_index, before)


def test_edge_attributes_follow_their_edges(karate: Data) -> None:
    weight = (karate.edge_index[0] * 100 + karate.edge_index[1]).float()
    karate.edge_weight, karate.edge_attr = weight, torch.stack([weight, -weight], dim=1)
    with pytest.raises(ValueError, match="new_edge_attr"):
        SDRF(3)(karate)
    karate.edge_index = karate.edge_index.flip(1)  # any order of columns
    karate.edge_weight, karate.edge_attr = weight.flip(0), karate.edge_attr.flip(0)
    rewired = SDRF(3, new_edge_attr=-7.0, generator=seeded(0), report=True, mark_new=True)(karate)
    added = {*rewired.sdrf_report.added, *((v, u) for u, v in rewired.sdrf_report.added)}
    for (u, v), value, row, kind in zip(
        rewired.edge_index.T.tolist(), rewired.edge_weight.tolist(), rewired.edge_attr.tolist(),
        rewired.edge_type.tolist(), strict=True,
    ):  # fmt: skip
        assert value == (-7.0 if (u, v) in added else 100 * u + v)
        assert row == ([-7.0, -7.0] if (u, v) in added else [value, -value])
        assert kind == ((u, v) in added)
    mean = SDRF(3, new_edge_attr="mean", generator=seeded(0))(karate)
    assert mean.edge_weight.mean() == pytest.approx(float(weight.mean()), rel=1e-5)
    karate.edge_weight = karate.edge_weight.long()
    with pytest.raises(ValueError, match="floating point"):
        SDRF(3, new_edge_attr="mean", generator=seeded(0))(karate)


def test_mirrored_arcs_take_the_attribute_of_the_arc_they_mirror() -> None:
    path = Data(edge_index=torch.tensor([[0, 1], [1, 2]]), edge_attr=torch.tensor([5.0, 6.0]), num_nodes=3)
    rewired = SDRF(0, new_edge_attr=0.0)(path)
    assert rewired.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert rewired.edge_attr.tolist() == [5, 5, 6, 6]


@pytest.mark.filterwarnings("ignore:Sparse .* tensor support is in beta state:UserWarning")
@pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")
@pytest.mark.parametrize("build", [to_torch_csr_tensor, to_torch_csc_tensor, to_torch_coo_tensor])
def test_transposed_adjacency(karate: Data, build: Callable[..., torch.Tensor]) -> None:
    expected = SDRF(5, generator=seeded(0))(karate)
    sparse = Data(adj_t=build(karate.edge_index.flip(0), size=(34, 34)), num_nodes=34)
    rewired = SDRF(5, generator=seeded(0))(sparse)
    assert rewired.adj_t.layout == sparse.adj_t.layout
    (tails, heads), _ = to_edge_index(rewired.adj_t)
    assert {(u, v) for u, v in zip(heads.tolist(), tails.tolist(), strict=True)} == edge_set(expected)
    weighted = Data(adj_t=build(karate.edge_index.flip(0), torch.full((156,), 2.0), (34, 34)), num_nodes=34)
    rewired = SDRF(5, new_edge_attr=3.0, generator=seeded(0))(weighted)
    assert float(to_edge_index(rewired.adj_t)[1].sum()) == 156 * 2.0 + 10 * 3.0
    sparse.edge_index = karate.edge_index
    with pytest.raises(ValueError, match="both"):
        SDRF(5)(sparse)


# -- through torch_geometric -------------------------------------------------------------------------------------------


class Barbells(InMemoryDataset):
    """Ten barbells, rewired once when the data set is made."""

    def __init__(self, root: Path, pre_transform: object = None) -> None:
        super().__init__(str(root), pre_transform=pre_transform)
        self.load(self.processed_paths[0])

    @property
    def processed_file_names(self) -> list[str]:
        return ["graphs.pt"]

    def process(self) -> None:
        graphs = [graph_of(nx.barbell_graph(4, size)) for size in range(10)]
        self.save([self.pre_transform(graph) for graph in graphs], self.processed_paths[0])


def test_in_a_data_set_a_compose_and_a_loader(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline = transforms.Compose(
        [transforms.ToUndirected(), SDRF(3, **deterministic, report=True), transforms.LocalDegreeProfile()]
    )
    for _ in range(2):  # made, then read back
        dataset = Barbells(tmp_path, pre_transform=pipeline)
        assert [len(graph.sdrf_report.added) for graph in dataset] == [3] * 10
        assert dataset[2].num_edges == graph_of(nx.barbell_graph(4, 2)).num_edges + 6
    for batch in DataLoader(dataset, batch_size=5):
        assert batch.num_graphs == 5
        assert batch.x.size() == (batch.num_nodes, 5)


def test_repr_tells_two_settings_apart() -> None:
    assert repr(SDRF(5, 2.0)) != repr(SDRF(5, 2.0, removal_bound=1.0))
    assert eval(repr(SDRF(5, 2.0)), {"SDRF": SDRF}).max_iterations == 5
    assert "top_k=64" in repr(DIGL())


def test_refuses_heterogeneous_graphs_and_bad_nodes() -> None:
    for transform in (SDRF(), DIGL()):
        with pytest.raises(TypeError):
            transform(HeteroData())
    with pytest.raises(ValueError, match="below that"):
        SDRF()(Data(edge_index=torch.tensor([[0, 9], [9, 0]]), num_nodes=3))
    with pytest.raises(TypeError):
        SDRF()(Data(edge_index=torch.tensor([[0.0, 1.0], [1.0, 0.0]]), num_nodes=2))


def test_without_numba_the_same_rewiring(karate: Data) -> None:
    """The plain-Python path, in a process that cannot import numba, against this one."""
    script = (
        "import sys; sys.modules['numba'] = None\n"
        "import warnings; warnings.simplefilter('ignore')\n"
        "import networkx as nx, torch\n"
        "from torch_geometric.data import Data\n"
        "from paperwright.blocks import compiled\nfrom paperwright.graphs.sdrf import SDRF, DIGL\n"
        "from paperwright.graphs.sdrf._bottlenecked_graphs import arcs_of\n"
        "assert not compiled.ACCELERATED\n"
        "karate = Data(edge_index=arcs_of(nx.karate_club_graph()), num_nodes=34)\n"
        "for definition in ('paper', 'official'):\n"
        "    flow = SDRF(15, 20.0, 0.8, definition=definition, generator=torch.Generator().manual_seed(1))\n"
        "    print(flow(karate).edge_index.tolist())\n"
        "print(DIGL(method='push')(karate).edge_weight.sum().item())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *plain, diffused = done.stdout.splitlines()
    for definition, line in zip(("paper", "official"), plain, strict=True):
        flow = SDRF(15, 20.0, 0.8, definition=definition, generator=seeded(1))
        assert str(flow(karate).edge_index.tolist()) == line
    assert float(DIGL(method="push")(karate).edge_weight.sum()) == pytest.approx(float(diffused))


# -- diffusion ---------------------------------------------------------------------------------------------------------


def dense(data: Data) -> torch.Tensor:
    weight = data.edge_weight if data.get("edge_weight") is not None else data.edge_attr
    matrix = torch.zeros(data.num_nodes, data.num_nodes, dtype=torch.float64)
    matrix[data.edge_index[0], data.edge_index[1]] = weight.double()
    return matrix


@pytest.mark.parametrize("sparsification", [{"method": "topk", "k": 5, "dim": 0}, {"method": "threshold", "eps": 0.02}])
def test_diffusion_agrees_with_gdc(sparsification: dict) -> None:
    graph = graph_of(nx.connected_watts_strogatz_graph(40, 4, 0.4, seed=1))
    peer = transforms.GDC(
        self_loop_weight=1,
        normalization_in="sym",
        normalization_out="col",
        diffusion_kwargs={"method": "ppr", "alpha": 0.15},
        sparsification_kwargs=sparsification,
        exact=True,
    )
    kept = {"top_k": 5} if "k" in sparsification else {"eps": 0.02}
    ours, theirs = dense(DIGL(0.15, **kept, symmetrize=False)(graph)), dense(peer(graph))
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(dense(DIGL(0.15, **kept)(graph)), (ours + ours.T) / 2, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("method", ["chebyshev", "push"])
def test_approximate_diffusion_is_near_the_exact_one(method: str) -> None:
    graph = graph_of(nx.connected_watts_strogatz_graph(70, 6, 0.5, seed=0))  # more nodes than a block has columns
    for kept in ({"top_k": 6}, {"eps": 0.01}):
        exact, near = (dense(DIGL(0.1, **kept, method=how)(graph)) for how in ("exact", method))
        assert float((exact - near).abs().max()) < 1e-3


@pytest.mark.parametrize(("alpha", "tolerance"), [(0.05, 1e-3), (0.15, 1e-7), (0.9, 1e-10)])
def test_an_iterated_column_is_within_its_tolerance(alpha: float, tolerance: float) -> None:
    graph = scipy.sparse.csr_array(nx.to_scipy_sparse_array(nx.barbell_graph(20, 9), format="csr", dtype=float))
    graph = (graph + scipy.sparse.eye_array(49)).tocsr()
    iterated = np.concatenate(list(_pagerank.iterated_blocks(graph, alpha, tolerance)), axis=1)
    errors = np.linalg.norm(iterated - _pagerank.diffusion_matrix(graph, alpha), axis=0)
    assert 1e-3 * tolerance < errors.max() <= tolerance  # and not by working much harder than it has to


def test_diffusion_of_directed_graphs_columns_and_attributes() -> None:
    graph = Data(edge_index=torch.tensor([[0, 1, 2, 0], [1, 2, 0, 2]]), edge_attr=torch.ones(4), num_nodes=4)
    diffused = DIGL(top_k=2, symmetrize=False)(graph)
    torch.testing.assert_close(dense(diffused).sum(0), torch.ones(4, dtype=torch.float64))
    assert "edge_attr" not in diffused
    for method in ("chebyshev", "push"):
        with pytest.raises(ValueError, match=method):
            DIGL(top_k=2, method=method)(graph)


# -- real graphs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "nodes"), [("cornell", 140), ("texas", 135), ("wisconsin", 184)])
def test_released_component_has_the_paper_s_size(name: str, nodes: int) -> None:
    graph = _stored(f"webkb/{name}")
    assert reachable_component(graph).num_nodes == nodes


def test_reachable_component_follows_arcs() -> None:
    graph = Data(x=torch.arange(5.0)[:, None], edge_index=torch.tensor([[1, 2, 3, 4], [0, 1, 2, 0]]), num_nodes=5)
    assert reachable_component(graph).x.flatten().tolist() == [0, 1, 2, 3]


def test_cora() -> None:
    graph = transforms.LargestConnectedComponents()(_stored("planetoid/cora"))
    curvature = balanced_forman_curvature(graph.edge_index, graph.num_nodes)
    assert (graph.num_nodes, graph.num_edges) == (2485, 2 * 5069)
    assert float(curvature.min()) == pytest.approx(-1.8123543, abs=1e-7)
    assert float(curvature.max()) == pytest.approx(1.5)
    rewired = SDRF(100, 163, 0.95, generator=seeded(0), report=True)(graph)
    assert len(rewired.sdrf_report.added) == 100


def _stored(name: str) -> Data:
    if not datasets.available(name):
        pytest.skip(f"{name} is not at hand (set PAPERWRIGHT_DATA)")
    graph = datasets.load(name).graph
    assert to_undirected(graph.edge_index).size(1) > 0
    return graph


def two_graphs() -> Batch:
    graphs = [from_networkx(graph) for graph in (nx.barbell_graph(4, 1), nx.cycle_graph(5), nx.path_graph(3))]
    return Batch.from_data_list(graphs)


@pytest.mark.parametrize(
    "transform", [DIGL(top_k=3), SDRF(3, tau=math.inf), BalancedFormanCurvature(), reachable_component]
)
def test_a_batch_is_taken_graph_by_graph(transform: Callable) -> None:
    batch = two_graphs()
    together = transform(batch).to_data_list()
    for own, graph in zip(together, batch.to_data_list(), strict=True):
        alone = transform(graph)
        assert own.num_nodes == graph.num_nodes
        assert int(own.edge_index.min()) == 0
        assert set(own.keys()) == set(alone.keys())
        for name in ("edge_index", "edge_weight", "edge_curvature"):
            if name in alone:
                torch.testing.assert_close(own[name], alone[name])


@pytest.mark.parametrize("transform", [DIGL(top_k=3), SDRF(3, tau=math.inf), BalancedFormanCurvature()])
def test_networkx_graphs_are_read_and_other_objects_refused(transform: BaseTransform) -> None:
    graph = nx.barbell_graph(4, 1)
    assert torch.equal(transform(graph).edge_index, transform(from_networkx(graph)).edge_index)
    with pytest.raises((TypeError, ValueError)):
        transform([graph])
    for edge_index in (torch.ones(2, 4, dtype=torch.bool), torch.zeros(3, 4, dtype=torch.long)):
        with pytest.raises((TypeError, ValueError)):
            transform(Data(edge_index=edge_index, num_nodes=5))


@pytest.fixture
def as_users_meet_it() -> Iterator[None]:
    """Our own checks of bad input, which the type checks of the test run would forestall."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def karate_state() -> CurvatureState:
    return CurvatureState(arcs_of(nx.karate_club_graph()), 34)


def on_karate(transform: BaseTransform, **attributes: object) -> Data:
    return transform(graph_of(nx.karate_club_graph(), **attributes))


@pytest.mark.usefixtures("as_users_meet_it")
@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: SDRF(-1), ValueError, "max_iterations is -1; expected a whole number of at least 0"),
        (lambda: SDRF(2.5), ValueError, "max_iterations is 2.5; expected a whole number"),
        (lambda: SDRF(None), TypeError, "max_iterations is None; expected a whole number"),
        (lambda: SDRF(tau=-1.0), ValueError, "tau is -1.0; expected an inverse temperature"),
        (lambda: SDRF(tau=math.nan), ValueError, "tau is nan"),
        (lambda: SDRF(tau="10"), TypeError, "tau is '10'"),
        (lambda: SDRF(tau=10**400), ValueError, "tau is 10"),
        (lambda: SDRF(removal_bound=math.nan), ValueError, "removal_bound is nan; expected a number, or None"),
        (lambda: SDRF(removal_bound=[0.5]), TypeError, r"removal_bound is \[0.5\]"),
        (lambda: SDRF(new_edge_attr=math.nan), ValueError, "new_edge_attr is nan; expected a finite number, 'mean'"),
        (lambda: SDRF(new_edge_attr=math.inf), ValueError, "new_edge_attr is inf"),
        (lambda: SDRF(new_edge_attr="max"), TypeError, "new_edge_attr is 'max'"),
        (lambda: SDRF(generator=3), TypeError, "generator is 3; expected a torch.Generator"),
        (lambda: SDRF(definition=["paper"]), ValueError, "definition is .*; expected one of 'paper'"),
        (lambda: on_karate(SDRF(3, new_edge_attr=0.5), edge_attr=torch.ones(156).long()), ValueError, "whole number"),
        (lambda: on_karate(SDRF(3, new_edge_attr="mean"), edge_attr=torch.full((156,), math.nan)), ValueError, "NaN"),
        (lambda: on_karate(SDRF(3), edge_attr=torch.ones(10)), ValueError, r"edge_attr has shape \[10\]"),
        (lambda: SDRF(3)(nx.Graph([(0, 1, {"kind": "road"})])), TypeError, "kind is of type list; expected a tensor"),
        (lambda: DIGL(top_k=2.5), ValueError, "top_k is 2.5; expected a whole number of at least 1"),
        (lambda: DIGL(top_k=0), ValueError, "top_k is 0"),
        (lambda: DIGL(top_k="default"), TypeError, "top_k is 'default'; expected a whole number"),
        (lambda: DIGL(top_k=5, eps=0.1), ValueError, "expected one of the two"),
        (lambda: DIGL(alpha=0.0), ValueError, "alpha is 0.0; expected a probability"),
        (lambda: DIGL(alpha=1), ValueError, "alpha is 1"),
        (lambda: DIGL(alpha=1e-17), ValueError, "alpha is 1e-17"),
        (lambda: DIGL(alpha=None), TypeError, "alpha is None"),
        (lambda: DIGL(eps=-1.0), ValueError, "eps is -1.0; expected a positive, finite number"),
        (lambda: DIGL(eps=math.inf), ValueError, "eps is inf"),
        (lambda: DIGL(tolerance=0.0), ValueError, "tolerance is 0.0; expected a positive, finite number"),
        (lambda: DIGL(tolerance="a"), TypeError, "tolerance is 'a'"),
        (lambda: DIGL(method="solve"), ValueError, "method is 'solve'; expected 'auto', 'exact', 'chebyshev' or"),
        (lambda: BalancedFormanCurvature("edge_index"), ValueError, "attr is 'edge_index'; expected a name of its own"),
        (lambda: BalancedFormanCurvature(3), ValueError, "attr is 3"),
        (lambda: balanced_forman_curvature(torch.tensor([[0, 2**40], [2**40, 0]])), ValueError, "without gaps"),
        (lambda: karate_state().add_edge(0.5, 2), TypeError, "no node 0.5; expected a whole number from 0 to 33"),
        (lambda: karate_state().draw(0, 31, math.nan), ValueError, "tau is nan"),
        (lambda: karate_state().draw(0, 31, 1.0, 2.0), ValueError, "uniform is 2.0; expected a number from 0 to below"),
        (lambda: reachable_component(None), TypeError, "data is of type NoneType"),
        (lambda: reachable_component(HeteroData()), TypeError, "HeteroData"),
    ],
)
def test_bad_input_is_refused(make: Callable, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        make()


@pytest.mark.parametrize("method", ["chebyshev", "push"])
def test_a_long_diffusion_says_so_beforehand(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr(_pagerank, "LONG", 0)
    with pytest.warns(UserWarning, match=r"300 columns.*tolerance=1e-05"):
        DIGL(top_k=3, method=method)(from_networkx(nx.cycle_graph(300)))


@pytest.mark.parametrize(
    ("graph", "tolerance", "cheapest"),
    [
        (nx.complete_graph(60), 1e-7, "exact"),  # every step of the iteration costs N^2
        (nx.barabasi_albert_graph(3000, 2, seed=0), 1e-7, "chebyshev"),  # mass goes everywhere
        (nx.cycle_graph(3000), 1e-5, "push"),  # and here it stays
        (nx.path_graph(3000, create_using=nx.DiGraph), 1e-7, "exact"),  # the only one for directed graphs
    ],
)
def test_the_method_is_the_one_of_fewest_steps(graph: nx.Graph, tolerance: float, cheapest: str) -> None:
    n = graph.number_of_nodes()
    adjacency = nx.to_scipy_sparse_array(graph, format="csr", dtype=float) + scipy.sparse.eye_array(n)
    assert _pagerank.cheapest_method(adjacency.tocsr(), 0.15, tolerance) == cheapest


@pytest.mark.parametrize("name", ["curvature", "curvature_state", "diffusion", "rewiring"])
def test_the_examples_run(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"paperwright.graphs.sdrf.{name}"))
    assert found.failed == 0 < found.attempted
