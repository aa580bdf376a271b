"""The least error of a class of networks: reference figures on graphs and citation networks, and by brute force."""

from collections.abc import Callable, Iterator

import networkx as nx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import config
from torch_geometric import nn as gnn
from torch_geometric.data import Data, HeteroData
from torch_geometric.utils import from_networkx, to_dense_adj

from paperwright import data as datasets
from paperwright.data.graph_pairs import atlas_graphs, graph_pair
from paperwright.graphs.tensor_language.analysis.bounds import Bound
from paperwright.graphs.tensor_language.experiments.message_passing import IsomorphismNetwork
from paperwright.graphs.tensor_language.models.depth import separation_power_of_model
from paperwright.graphs.tensor_language.models.floor import approximation_floor

quick = settings(max_examples=20, deadline=None, derandomize=True)


def rounds_of_cr(rounds: int | None, level: str = "vertex") -> Bound:
    return Bound("cr", 1, rounds, level)


def unit_variance(target: torch.Tensor) -> torch.Tensor:
    return (target - target.mean()) / target.std(unbiased=False)


# -- reference figures -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def seven_nodes() -> list[Data]:
    return atlas_graphs(7)


def walks_and_triangles(graphs: list[Data]) -> tuple[torch.Tensor, torch.Tensor]:
    """Walks of length 3 from each node, and triangles at it."""
    cubes = [torch.linalg.matrix_power(to_dense_adj(graph.edge_index)[0].double(), 3) for graph in graphs]
    return torch.cat([cube.sum(dim=1) for cube in cubes]), torch.cat([cube.diagonal() / 2 for cube in cubes])


def test_walks_need_three_rounds_and_triangles_more_than_any(seven_nodes: list[Data]) -> None:
    walks, triangles = (unit_variance(target) for target in walks_and_triangles(seven_nodes))
    floors = [approximation_floor(walks, seven_nodes, rounds_of_cr(t)) for t in (1, 2, 3)]
    assert [floor.mse for floor in floors] == pytest.approx([0.31151, 0.01245, 0], abs=5e-6)
    assert floors[2].sup == pytest.approx(0, abs=1e-12)
    assert floors[2].witnesses == ()
    one, stable = (approximation_floor(triangles, seven_nodes, rounds_of_cr(t)) for t in (1, None))
    assert one.mse == pytest.approx(0.28436, abs=5e-6)
    assert stable.mse > 1e-3
    assert approximation_floor(triangles, seven_nodes, Bound("wl", 2, 2)).mse == pytest.approx(0, abs=1e-20)


def data_set(name: str) -> Data:
    if not datasets.available(name):
        pytest.skip(f"{name} is not at hand (set PAPERWRIGHT_DATA)")
    return datasets.load(name).graph


def test_accuracy_ceilings_on_cora() -> None:
    graph = data_set("planetoid/cora")
    bare = Data(edge_index=graph.edge_index, num_nodes=graph.num_nodes)
    ceilings = [approximation_floor(graph.y, [bare], rounds_of_cr(t)).accuracy for t in (0, 1, 2, 3, None)]
    assert ceilings == pytest.approx([0.3021, 0.3143, 0.7640, 0.9465, 0.9627], abs=5e-5)
    model = separation_power_of_model(gnn.GIN(1433, 32, num_layers=4))
    assert approximation_floor(graph.y, [graph], model, level="vertex").accuracy == 1.0


def test_accuracy_ceilings_on_citeseer() -> None:
    graph = data_set("planetoid/citeseer")
    assert approximation_floor(graph.y, [graph], rounds_of_cr(0)).accuracy == pytest.approx(0.9994, abs=5e-5)


# -- what a floor is ---------------------------------------------------------------------------------------------------


def test_by_hand() -> None:
    """The path of four: ends alike, middles alike."""
    path = from_networkx(nx.path_graph(4))
    floor = approximation_floor(torch.tensor([1.0, 5.0, 5.0, 3.0]), [path], rounds_of_cr(1))
    assert (floor.mse, floor.sup) == (0.5, 1.0)
    (witness,) = floor.witnesses
    assert (witness.first, witness.second, witness.targets) == ((0, 0), (0, 3), (1.0, 3.0))
    labels = approximation_floor(torch.tensor([0, 1, 2, 0]), [path], rounds_of_cr(1))
    assert labels.accuracy == 0.75
    assert labels.witnesses[0].targets == (1.0, 2.0)
    assert approximation_floor(torch.tensor([False, True, True, False]), [path], rounds_of_cr(0)).accuracy == 0.5


def test_labels_in_a_column_are_labels() -> None:
    labels, bound = torch.tensor([0, 1, 0, 1]), rounds_of_cr(1)
    graph = from_networkx(nx.path_graph(4))
    flat, column = (approximation_floor(target, [graph], bound) for target in (labels, labels[:, None]))
    assert column.accuracy == flat.accuracy == 0.5


def test_of_graphs_and_of_pairs() -> None:
    g, h = graph_pair("c6")
    target = torch.tensor([0.0, 2.0])
    floor = approximation_floor(target, [g, h], rounds_of_cr(None, "graph"))
    assert (floor.mse, floor.sup) == (1.0, 1.0)
    assert floor.witnesses[0].first == (0,)
    assert approximation_floor(target, [g, h], Bound("wl", 2, 1, "graph")).mse == 0
    path = from_networkx(nx.path_graph(3))
    pairs = torch.arange(9.0)
    of_pairs = approximation_floor(pairs, [path], rounds_of_cr(1), level="pair")
    # (0,1)~(2,1), (1,0)~(1,2), (0,0)~(2,2), (0,2)~(2,0), and (1,1) alone.
    halves = [(1, 7), (3, 5), (0, 8), (2, 6)]
    assert of_pairs.mse == pytest.approx(sum((b - a) ** 2 / 2 for a, b in halves) / 9)


@quick
@given(st.integers(0, 10**6), st.sampled_from([0, 1, 2, None]), st.integers(1, 3))
def test_by_brute_force(seed: int, rounds: int | None, width: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    graphs = [from_networkx(nx.gnp_random_graph(6, 0.4, seed=seed + x)) for x in range(3)]
    target = torch.randn(18, width, generator=generator, dtype=torch.float64)
    labels = torch.randint(3, (18,), generator=generator)
    bound = rounds_of_cr(rounds)
    colors = torch.cat(bound.colors(graphs)).tolist()
    classes = [[place for place in range(18) if colors[place] == color] for color in set(colors)]
    floor = approximation_floor(target, graphs, bound)
    squares = [(target[own] - target[own].mean(dim=0)).square().sum() for own in classes]
    assert floor.mse == pytest.approx(float(sum(squares)) / target.numel())
    ranges = [float((target[own].amax(dim=0) - target[own].amin(dim=0)).max()) for own in classes]
    assert floor.sup == pytest.approx(max(ranges) / 2)
    frequent = [int(torch.bincount(labels[own]).max()) for own in classes]
    assert approximation_floor(labels, graphs, bound).accuracy == pytest.approx(sum(frequent) / 18)
    for witness in floor.witnesses:
        (a, v), (b, w) = witness.first, witness.second
        assert colors[6 * a + v] == colors[6 * b + w]
        assert witness.targets[0] < witness.targets[1]


def test_more_rounds_and_features_never_raise_the_floor(seven_nodes: list[Data]) -> None:
    graphs = seven_nodes[::20]
    target = torch.randn(sum(graph.num_nodes for graph in graphs), generator=torch.Generator().manual_seed(0))
    floors = [approximation_floor(target, graphs, rounds_of_cr(t)).mse for t in (0, 1, 2, 3, None)]
    assert floors == sorted(floors, reverse=True)
    with_features = [graph.clone() for graph in graphs]
    for graph in with_features:
        graph.x = torch.arange(graph.num_nodes)[:, None]
    assert approximation_floor(target, with_features, rounds_of_cr(1)).mse < floors[-1]


def test_no_network_undercuts_it(seven_nodes: list[Data]) -> None:
    """Least squares on random features of a network is a member of the closed class."""
    graphs = seven_nodes[::30]
    walks, _ = walks_and_triangles(graphs)
    target = unit_variance(walks)
    torch.manual_seed(0)
    network = IsomorphismNetwork(1, width=64, layers=1, level="vertex")
    x = torch.ones(7, 1, dtype=torch.float64)
    with torch.no_grad():
        features = torch.cat([network(x, graph.edge_index) for graph in graphs])
    features = torch.cat([features, torch.ones(len(features), 1, dtype=torch.float64)], dim=1)
    fitted = features @ torch.linalg.lstsq(features, target[:, None], driver="gelsd").solution
    reached = float((fitted[:, 0] - target).square().mean())
    floor = approximation_floor(target, graphs, rounds_of_cr(1)).mse
    assert floor - 1e-9 <= reached < floor + 1e-3


# -- bad input ---------------------------------------------------------------------------------------------------------

PATH = from_networkx(nx.path_graph(3))
NAN = Data(edge_index=PATH.edge_index, x=torch.tensor([[1.0], [torch.nan], [0.0]]))
THREE = torch.tensor([0.0, 1.0, 2.0])
REFUSED: list[tuple[Callable[[], object], type[Exception], str | None]] = [
    (lambda: approximation_floor(THREE, [PATH], rounds_of_cr(1)).accuracy, ValueError, "integer label"),
    (lambda: approximation_floor(THREE, [PATH, PATH], rounds_of_cr(1)), ValueError, "3 targets for 6"),
    (lambda: approximation_floor(THREE * torch.nan, [PATH], rounds_of_cr(1)), ValueError, "NaN"),
    (lambda: approximation_floor(THREE, [NAN], rounds_of_cr(1)), ValueError, "graph 0 hold NaN"),
    (lambda: approximation_floor(THREE, [], rounds_of_cr(1)), ValueError, "no graphs"),
    (lambda: approximation_floor(THREE, [PATH], rounds_of_cr(1), level="edge"), ValueError, "level is 'edge'"),
    (lambda: approximation_floor(THREE, [PATH], Bound("none", 1, None)), ValueError, "no test"),
    (lambda: approximation_floor(THREE, [HeteroData()], rounds_of_cr(1)), TypeError, None),
    (lambda: approximation_floor([0.0, 1.0, 2.0], [PATH], rounds_of_cr(1)), TypeError, "target is list"),
    (lambda: approximation_floor(THREE.numpy(), [PATH], rounds_of_cr(1)), TypeError, "target is ndarray"),
    (lambda: approximation_floor(THREE[0], [PATH], rounds_of_cr(1)), TypeError, "a row for each vertex"),
    (lambda: approximation_floor(THREE, PATH, rounds_of_cr(1)), TypeError, "graphs is Data; expected a list"),
    (lambda: approximation_floor(THREE, nx.path_graph(3), rounds_of_cr(1)), TypeError, "graphs is Graph; expect"),
    (lambda: approximation_floor(THREE, None, rounds_of_cr(1)), TypeError, "graphs is NoneType"),
    (lambda: approximation_floor(THREE[:0], [nx.empty_graph(0)], rounds_of_cr(1)), ValueError, "have no vertex at all"),
    (lambda: approximation_floor(THREE.long()[:, None].repeat(1, 2), [PATH], rounds_of_cr(1)).accuracy, ValueError,
     "floats or vectors"),
    (lambda: approximation_floor(THREE, [PATH], "cr"), TypeError, "bound is str; expected a Bound"),
]  # fmt: skip


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Annotations are not executed, so that the room's own refusals are met."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("call", "kind", "message"), REFUSED)
def test_refuses(call: Callable[[], object], kind: type[Exception], message: str | None) -> None:
    with pytest.raises(kind, match=message):
        call()
