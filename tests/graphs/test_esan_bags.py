"""Bags of subgraphs: the policies by their definitions, collation, sampling, and the graph sets."""

import gzip
import json
import math
import warnings
from collections import Counter
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data, HeteroData, InMemoryDataset
from torch_geometric.loader import DataLoader
from torch_geometric.transforms import AddSelfLoops, Compose, Constant, OneHotDegree, ToUndirected
from torch_geometric.utils import from_networkx, k_hop_subgraph, to_dense_adj, to_networkx

from paperwright import data
from paperwright.data.graph_pairs import as_data, csl_graphs
from paperwright.graphs.esan import SubgraphBag, SubgraphData, SubgraphSampler, exp_graphs
from paperwright.graphs.esan import _simple_graph as simple_graph_module
from paperwright.graphs.esan import policies as policies_module
from paperwright.graphs.esan.graph_sets import cycle_counting_graphs, cycle_counts, lifted_pairs
from paperwright.graphs.esan.policies import DENSE, within

quick = settings(max_examples=10, deadline=None, derandomize=True)
POLICIES = ["edge_deleted", "node_deleted", "ego", "ego_plus", "node_marked", "original"]


@pytest.fixture(params=["compiled", "tensors"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bags by the compiled kernels where numba is installed, and by tensor operations, as on a GPU."""
    if request.param == "tensors":
        monkeypatch.setattr(simple_graph_module, "ACCELERATED", False)


def random_graph(seed: int, *, loops: bool = True, largest: int = 12) -> Data:
    """A graph with features, edge attributes and self-loops, its columns in no order."""
    random = np.random.default_rng(seed)
    n = int(random.integers(1, largest))
    upper = np.triu(random.random((n, n)) < random.random(), k=0 if loops else 1)
    arcs = random.permutation(np.stack(np.nonzero(upper | upper.T)), axis=1)
    return Data(
        x=torch.from_numpy(random.standard_normal((n, 2))),
        edge_index=torch.from_numpy(arcs),
        edge_attr=torch.from_numpy(random.standard_normal((arcs.shape[1], 3))),
        y=torch.tensor([seed % 2]),
    )


def subgraph_edges(bag: SubgraphData, s: int) -> list[tuple[int, int]]:
    return [tuple(arc) for arc in bag.subgraph(s).edge_index.T.tolist()]


def counts(bag: SubgraphData) -> list[int]:
    """The number of directed edges of each subgraph."""
    return torch.bincount(bag.subgraph_batch[bag.edge_index[0]], minlength=bag.num_subgraphs).tolist()


def same(a: Data, b: Data) -> bool:
    """Whether two graphs carry equal attributes."""
    names = set(a.keys())
    return names == set(b.keys()) and all(
        torch.equal(torch.as_tensor(a[name]).reshape(-1), torch.as_tensor(b[name]).reshape(-1)) for name in names
    )


# -- the policies ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize(
    ("policy", "num_hops", "subgraphs", "edges"),
    [("edge_deleted", 1, 15, 28), ("node_deleted", 1, 10, 24), ("ego", 1, 10, 6), ("ego", 2, 10, 30),
     ("ego_plus", 2, 10, 30), ("node_marked", 1, 10, 30), ("original", 1, 1, 30)],
)  # fmt: skip
def test_counts_on_the_petersen_graph(policy: str, num_hops: int, subgraphs: int, edges: int) -> None:
    bag = SubgraphBag(policy, num_hops)(as_data(nx.petersen_graph()))
    assert counts(bag) == [edges] * subgraphs
    assert (bag.num_nodes, bag.num_original_nodes, bag.num_subgraphs) == (10 * subgraphs, 10, subgraphs)


@pytest.mark.usefixtures("both_ways")
def test_counts_on_the_path_of_five() -> None:
    assert counts(SubgraphBag("ego", 1)(as_data(nx.path_graph(5)))) == [2, 4, 4, 4, 2]


def by_definition(graph: Data, policy: str, num_hops: int) -> list[list[tuple[int, int]]]:
    """The edges of each subgraph, word for word from the description of the policy."""
    arcs = [tuple(arc) for arc in graph.edge_index.T.tolist()]
    nodes = range(graph.num_nodes)
    if policy == "edge_deleted":
        gone = [{(u, v), (v, u)} for u, v in arcs if u <= v]
        return [[arc for arc in arcs if arc not in pair] for pair in gone or [set()]]
    if policy == "node_deleted":
        return [[arc for arc in arcs if i not in arc] for i in nodes]
    if policy in ("ego", "ego_plus"):
        whole = to_networkx(graph, to_undirected=True)
        balls = [nx.single_source_shortest_path_length(whole, i, cutoff=num_hops) for i in nodes]
        return [[arc for arc in arcs if arc[0] in ball and arc[1] in ball] for ball in balls]
    return [arcs for _ in (nodes if policy == "node_marked" else [0])]


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(4))
def test_bags_are_what_the_policies_say(policy: str, seed: int) -> None:
    """Edges, features, marks and the attributes of both directions, loops and isolated nodes included."""
    graph = random_graph(seed)
    num_hops = 1 + seed % 3
    bag = SubgraphBag(policy, num_hops)(graph)
    expected = by_definition(graph, policy, num_hops)
    assert [subgraph_edges(bag, s) for s in range(bag.num_subgraphs)] == expected
    attributes = {tuple(arc): row for arc, row in zip(graph.edge_index.T.tolist(), graph.edge_attr, strict=True)}
    for s, part in enumerate(bag.subgraphs()):
        assert part.num_nodes == graph.num_nodes
        rows = [attributes[arc] for arc in expected[s]]
        assert torch.equal(part.edge_attr, torch.stack(rows) if rows else graph.edge_attr[:0])
        marks, x = part.x[:, :-2], part.x[:, -2:]
        assert torch.equal(x, graph.x)
        root = torch.arange(graph.num_nodes) == s
        marked = policy in ("ego_plus", "node_marked")
        assert torch.equal(marks, torch.stack([root, ~root], dim=1).to(x.dtype) if marked else x[:, :0])
    assert torch.equal(bag.original_edge_attr, graph.edge_attr)
    assert torch.equal(bag.original_edge_index, graph.edge_index)


@pytest.mark.parametrize("policy", POLICIES)
def test_large_graphs_are_built_in_parts(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = as_data(nx.gnm_random_graph(DENSE + 30, 300, seed=0))
    bag = SubgraphBag(policy, 3)
    one = bag(graph)
    monkeypatch.setattr(simple_graph_module, "ACCELERATED", False)
    monkeypatch.setattr(policies_module, "CHUNK", 7 * graph.num_edges + 1)
    assert same(bag(graph), one)


@pytest.mark.parametrize("nodes", [DENSE, DENSE + 1])
@pytest.mark.parametrize("num_hops", [1, 2, 5, 10**6])
def test_reachability_is_distance(nodes: int, num_hops: int) -> None:
    graph = nx.gnm_random_graph(nodes, nodes + 20, seed=1)
    roots = torch.tensor([3, 50, 7])
    found = within(as_data(graph).edge_index, nodes, roots, num_hops)
    for s, root in enumerate(roots.tolist()):
        ball = nx.single_source_shortest_path_length(graph, root, cutoff=num_hops)
        assert found[:, s].nonzero().squeeze(1).tolist() == sorted(ball)


def test_ego_nets_are_torch_geometrics_own() -> None:
    graph = as_data(nx.karate_club_graph())
    for num_hops in (1, 2, 3):
        bag = SubgraphBag("ego", num_hops)(graph)
        for node in range(graph.num_nodes):
            _, edges, _, _ = k_hop_subgraph(node, num_hops, graph.edge_index, num_nodes=graph.num_nodes)
            assert torch.equal(bag.subgraph(node).edge_index, edges)


def test_official_names() -> None:
    graph = random_graph(1)
    assert same(SubgraphBag("ego_nets", 2)(graph), SubgraphBag("ego", 2)(graph))
    assert same(SubgraphBag("ego_nets_plus", 1)(graph), SubgraphBag("ego_plus", 1)(graph))


def test_edges_go_in_the_order_of_the_columns_from_the_lesser_node() -> None:
    graph = Data(edge_index=torch.tensor([[2, 1, 0, 1, 2, 0], [1, 2, 1, 0, 0, 2]]), num_nodes=4)
    bag = SubgraphBag("edge_deleted")(graph)
    gone = [set(map(tuple, graph.edge_index.T.tolist())) - set(subgraph_edges(bag, s)) for s in range(3)]
    assert gone == [{(1, 2), (2, 1)}, {(0, 1), (1, 0)}, {(0, 2), (2, 0)}]


@pytest.mark.usefixtures("both_ways")
def test_a_self_loop_is_one_edge_and_keeps_its_attribute() -> None:
    graph = Data(edge_index=torch.tensor([[0, 1, 1], [1, 0, 1]]), edge_attr=torch.tensor([5.0, 6.0, 7.0]), num_nodes=2)
    bag = SubgraphBag("edge_deleted")(graph)
    assert [part.edge_attr.tolist() for part in bag.subgraphs()] == [[7.0], [5.0, 6.0]]


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("edge_index", [torch.empty(2, 0, dtype=torch.long), None])
def test_graphs_without_edges(policy: str, edge_index: torch.Tensor | None) -> None:
    graph = Data(x=torch.ones(3, 1), edge_index=edge_index)
    bag = SubgraphBag(policy)(graph)
    assert bag.num_subgraphs == (1 if policy in ("edge_deleted", "original") else 3)
    assert bag.edge_index.shape == bag.original_edge_index.shape == (2, 0)
    assert torch.equal(bag.x[:, -1:], torch.ones(bag.num_nodes, 1))


def test_a_graph_of_one_node() -> None:
    bag = SubgraphBag("ego_plus")(Data(x=torch.ones(1, 1), edge_index=torch.tensor([[0], [0]])))
    assert bag.x.tolist() == [[1, 0, 1]]
    assert bag.edge_index.tolist() == [[0], [0]]


@quick
@given(st.integers(0, 10**6), st.sampled_from(POLICIES))
def test_bags_of_a_renumbered_graph_are_the_bag_renumbered(seed: int, policy: str) -> None:
    """As multisets of subgraphs with their marks: the policies are equivariant."""
    graph = random_graph(seed, largest=9)
    order = torch.from_numpy(np.random.default_rng(seed + 1).permutation(graph.num_nodes))
    place = order.argsort()
    renumbered = Data(x=graph.x[place], edge_index=order[graph.edge_index], y=graph.y)

    def multiset(bag: SubgraphData, back: torch.Tensor, features: torch.Tensor) -> Counter:
        parts = []
        for part in bag.subgraphs():
            edges = frozenset(map(tuple, back[part.edge_index].T.tolist()))
            parts.append((edges, tuple(map(tuple, part.x[features].tolist()))))
        return Counter(parts)

    bag = SubgraphBag(policy, 2)
    identity = torch.arange(graph.num_nodes)
    assert multiset(bag(renumbered), place, order) == multiset(bag(graph), identity, identity)


# -- features, attributes and options ----------------------------------------------------------------------------------


def test_features_keep_their_type() -> None:
    path = as_data(nx.path_graph(3))
    for x in (torch.tensor([[4], [5], [6]]), torch.ones(3, 2, dtype=torch.float64), torch.ones(3)):
        bag = SubgraphBag("ego_plus", 1)(Data(x=x, edge_index=path.edge_index))
        assert bag.x.dtype == x.dtype
        assert bag.x.shape == (9, 2 + x.reshape(3, -1).size(1))
    assert SubgraphBag("ego_plus")(path).x.dtype == torch.get_default_dtype()
    assert "x" not in SubgraphBag("ego")(path)


def test_all_attributes_of_edges_follow_and_all_others_stay() -> None:
    graph = as_data(nx.path_graph(4))
    graph.edge_weight = torch.arange(6.0)
    graph.kind = torch.arange(12).reshape(6, 2)  # of edges, by its size alone
    graph.pos, graph.train_mask, graph.name, graph.y = torch.rand(4, 2), torch.ones(4, dtype=torch.bool), "p", 1.5
    bag = SubgraphBag("node_deleted")(graph)
    assert bag.subgraph(0).edge_weight.tolist() == [2, 3, 4, 5]
    assert torch.equal(bag.subgraph(3).kind, graph.kind[:4])
    assert torch.equal(bag.original_kind, graph.kind)
    for key in ("pos", "train_mask", "name", "y"):
        assert bag[key] is graph[key]
        assert bag.subgraph(1)[key] is graph[key]


def test_node_attributes_of_a_cycle_are_not_taken_for_edge_attributes() -> None:
    """A directed view of three nodes and three arcs: sizes coincide, names decide, as in torch_geometric."""
    graph = Data(edge_index=torch.tensor([[0, 1, 2], [1, 0, 2]]), pos=torch.rand(3, 2), edge_attr=torch.rand(3))
    graph.y, graph.num_nodes = torch.rand(3), 3
    bag = SubgraphBag("node_deleted")(graph)
    assert bag.pos is graph.pos
    assert bag.y is graph.y
    assert bag.edge_attr.shape == (bag.edge_index.size(1),)


def test_the_given_graph_stays_as_it_is() -> None:
    graph = random_graph(3)
    before = graph.clone()
    SubgraphBag("ego_plus", keep_original=True, fraction=0.5)(graph)
    assert same(graph, before)


def test_keep_original() -> None:
    graph = random_graph(5)
    for fraction in (None, 0.3):
        bag = SubgraphBag("ego_plus", 1, keep_original=True, fraction=fraction)(graph)
        last = bag.subgraph(bag.num_subgraphs - 1)
        assert bag.num_subgraphs == math.ceil((fraction or 1) * graph.num_nodes) + 1
        assert torch.equal(last.edge_index, graph.edge_index)
        assert torch.equal(last.edge_attr, graph.edge_attr)
        assert torch.equal(last.x, torch.cat([torch.zeros(graph.num_nodes, 2), graph.x], dim=1))


def test_then_sees_the_subgraphs() -> None:
    """Degrees are those in the subgraph: with the transform in the other order they would be the graph's."""
    star = as_data(nx.star_graph(3))
    bag = SubgraphBag("node_deleted", then=OneHotDegree(3))(star)
    assert bag.x.argmax(dim=1).reshape(4, 4).tolist() == [[0, 0, 0, 0], [2, 0, 1, 1], [2, 1, 0, 1], [2, 1, 1, 0]]
    assert same(bag, Compose([SubgraphBag("node_deleted"), OneHotDegree(3)])(star))
    marked = SubgraphBag("ego_plus", then=OneHotDegree(3))(star)
    assert marked.x.shape == (16, 2 + 4)


def test_a_policy_of_ones_own() -> None:
    """Pairs of deleted nodes, with a mark for each."""
    graph = random_graph(7, loops=False)
    n = graph.num_nodes
    pairs = torch.combinations(torch.arange(n))

    def node_pairs(graph: Data) -> tuple[torch.Tensor, torch.Tensor]:
        touched = (graph.edge_index[:, None, None, :] == pairs[None, :, :, None]).any(dim=0).any(dim=1)
        return ~touched, (torch.arange(n) == pairs.unsqueeze(2)).any(dim=1).unsqueeze(2).float()

    bag = SubgraphBag(node_pairs)(graph)
    assert bag.num_subgraphs == len(pairs)
    for s, pair in enumerate(pairs.tolist()):
        kept = [arc for arc in map(tuple, graph.edge_index.T.tolist()) if not set(arc) & set(pair)]
        assert subgraph_edges(bag, s) == kept
        assert bag.subgraph(s).x[:, 0].nonzero().squeeze(1).tolist() == pair
    sampled = SubgraphBag(node_pairs, count=2, generator=torch.Generator().manual_seed(0))(graph)
    drawn = SubgraphSampler(count=2, generator=torch.Generator().manual_seed(0))(bag)
    assert same(sampled, drawn)
    assert "node_pairs" in repr(SubgraphBag(node_pairs))
    assert " at 0x" not in repr(SubgraphBag(node_pairs))


def test_a_policy_of_ones_own_may_take_a_directed_graph() -> None:
    graph = Data(edge_index=torch.tensor([[0, 1], [1, 2]]), num_nodes=3)
    bag = SubgraphBag(lambda graph: (~torch.eye(graph.num_edges, dtype=torch.bool), None))(graph)
    assert [subgraph_edges(bag, s) for s in range(2)] == [[(1, 2)], [(0, 1)]]


@pytest.mark.usefixtures("both_ways")
def test_duplicate_edges_are_merged_with_a_warning() -> None:
    edge_index = torch.tensor([[0, 1, 0, 1, 1], [1, 0, 1, 1, 0]])
    graph = Data(edge_index=edge_index, edge_attr=torch.arange(5), num_nodes=2)
    with pytest.warns(UserWarning, match="2 duplicate edges were merged"):
        bag = SubgraphBag("edge_deleted")(graph)
    assert bag.original_edge_attr.tolist() == [0, 1, 3]
    assert [part.edge_attr.tolist() for part in bag.subgraphs()] == [[3], [0, 1]]


# -- batches -----------------------------------------------------------------------------------------------------------


def test_ids_of_a_batch_of_unequal_graphs() -> None:
    """By hand: a path of two and a path of three, bags of two and of three subgraphs."""
    bag = SubgraphBag("ego", 1)
    (batch,) = DataLoader([bag(as_data(nx.path_graph(n))) for n in (2, 3)], batch_size=2)
    assert batch.subgraph_batch.tolist() == [0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert batch.node_id.tolist() == [0, 1, 0, 1, 2, 3, 4, 2, 3, 4, 2, 3, 4]
    assert batch.bag_batch.tolist() == [0, 0, 1, 1, 1]
    assert batch.batch.tolist() == [0] * 4 + [1] * 9
    assert batch.num_subgraphs.tolist() == [2, 3]
    assert batch.num_original_nodes.tolist() == [2, 3]
    assert batch.original_edge_index.tolist() == [[0, 1, 2, 3, 3, 4], [1, 0, 3, 2, 4, 3]]
    edges = {0: [4, 5], 1: [7, 8, 8, 9], 2: [11, 12]}  # rows of subgraph s of the path of three start at 4 + 3 s
    assert batch.edge_index[0].tolist() == [0, 1, 2, 3, *edges[0], *edges[1], *edges[2]]
    assert batch.num_nodes == 13


@quick
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=5), st.sampled_from(POLICIES), st.sampled_from([None, 0.4]))
def test_a_batch_comes_apart_again(seeds: list[int], policy: str, fraction: float | None) -> None:
    bag = SubgraphBag(policy, 1, fraction=fraction, generator=torch.Generator().manual_seed(0))
    bags = [bag(random_graph(seed)) for seed in seeds]
    for number, one in enumerate(bags):
        one.root_index = torch.arange(one.num_original_nodes)  # a user's own numbers of nodes count on with the nodes
        one.title = f"graph {number}"
    batch = Batch.from_data_list(bags)
    offset = np.cumsum([0, *(one.num_original_nodes for one in bags)])
    assert torch.equal(batch.root_index, torch.arange(int(offset[-1])))
    assert batch.title == [one.title for one in bags]
    # Each edge lies within one subgraph, and joins copies of two nodes that are adjacent in the batch's graphs.
    assert torch.equal(*batch.subgraph_batch[batch.edge_index])
    adjacent = set(map(tuple, batch.original_edge_index.T.tolist()))
    assert set(map(tuple, batch.node_id[batch.edge_index].T.tolist())) <= adjacent
    assert torch.equal(batch.bag_batch[batch.subgraph_batch], batch.batch)
    for one, again in zip(bags, batch.to_data_list(), strict=True):
        assert type(again) is SubgraphData
        assert isinstance(again.num_subgraphs, int)
        assert again.title == one.title
        del one.title, again.title
        assert same(one, again)


def test_batches_of_batches() -> None:
    bag = SubgraphBag("node_deleted")
    bags = [bag(random_graph(seed)) for seed in range(4)]
    nested = Batch.from_data_list([Batch.from_data_list(bags[:2]), Batch.from_data_list(bags[2:])])
    flat = Batch.from_data_list(bags)
    for key in ("edge_index", "subgraph_batch", "node_id", "bag_batch", "original_edge_index", "num_original_nodes"):
        assert torch.equal(nested[key], flat[key]), key


def test_a_batch_of_graphs_becomes_a_batch_of_bags() -> None:
    graphs = [random_graph(seed) for seed in range(3)]
    bag = SubgraphBag("ego_plus", 1)
    assert same(bag(Batch.from_data_list(graphs)), Batch.from_data_list([bag(graph) for graph in graphs]))


class Paths(InMemoryDataset):
    """Three paths, stored by torch_geometric as any other set."""

    def __init__(self, root: str, **transforms: object) -> None:
        super().__init__(root, **transforms)
        self.load(self.processed_paths[0], data_cls=SubgraphData if transforms.get("pre_transform") else Data)

    processed_file_names = "paths.pt"

    def process(self) -> None:
        graphs = [as_data(nx.path_graph(n)) for n in (2, 3, 5)]
        self.save(
            [self.pre_transform(graph) if self.pre_transform else graph for graph in graphs], self.processed_paths[0]
        )


def quietly(root: Path, **transforms: object) -> Paths:
    return Paths(str(root), log=False, **transforms)


def test_bags_are_stored_by_a_data_set_and_sampled_at_each_access(tmp_path: Path) -> None:
    bag = SubgraphBag("ego_plus", 1)
    stored = quietly(tmp_path, pre_transform=bag)
    stored = quietly(tmp_path, pre_transform=bag, transform=SubgraphSampler(fraction=0.6))  # read from disk
    for n, sample in zip((2, 3, 5), stored, strict=True):
        assert type(sample) is SubgraphData
        assert sample.num_subgraphs == math.ceil(0.6 * n)
        assert sample.num_original_nodes == n
    (batch,) = DataLoader(quietly(tmp_path, pre_transform=bag), batch_size=3)
    assert same(batch, Batch.from_data_list([bag(as_data(nx.path_graph(n))) for n in (2, 3, 5)]))


def test_a_transform_draws_anew_at_each_access(tmp_path: Path) -> None:
    pipeline = Compose([Constant(), SubgraphBag("ego_plus", 1, count=1)])
    paths = quietly(tmp_path, transform=pipeline)
    torch.manual_seed(0)
    roots = {int(paths[2].x[:, 0].argmax()) for _ in range(60)}
    assert roots == set(range(5))


# -- taking a bag apart ------------------------------------------------------------------------------------------------


def test_selected_subgraphs_come_in_the_order_asked_for() -> None:
    bag = SubgraphBag("ego_plus", 1)(next(graph for graph in map(random_graph, range(99)) if graph.num_nodes == 8))
    part = bag.select(torch.tensor([4, 0, 2]))
    assert part.num_subgraphs == 3
    for s, t in enumerate([4, 0, 2]):
        assert same(part.subgraph(s), bag.subgraph(t))
    assert torch.equal(part.subgraph_batch[part.edge_index[0]].sort().values, part.subgraph_batch[part.edge_index[0]])
    whole = bag.select(torch.arange(bag.num_subgraphs))
    assert same(whole, bag)


def test_what_a_transform_added_is_selected_with_the_rest() -> None:
    bag = AddSelfLoops(attr="edge_weight")(SubgraphBag("ego", 1)(as_data(nx.path_graph(5))))
    bag.copies = torch.arange(bag.num_nodes)
    part = bag.select(torch.tensor([1, 3]))
    assert part.copies.tolist() == [*range(5, 10), *range(15, 20)]
    assert part.subgraph(0).edge_index.size(1) == 4 + 5


def test_untouched_attributes_survive_any_coincidence_of_sizes() -> None:
    """A bag of as many edges as nodes: `pos` is of the nodes even so."""
    graph = as_data(nx.path_graph(4))
    graph.pos = torch.rand(4, 3)
    bag = SubgraphBag("ego", 1)(graph).select(torch.tensor([1]))
    assert bag.edge_index.size(1) == 4
    assert torch.equal(bag.select(torch.tensor([0])).pos, graph.pos)


def test_subgraphs_of_a_batch_and_bad_numbers_are_refused() -> None:
    bag = SubgraphBag("ego")(random_graph(2))
    for s in (-1, bag.num_subgraphs):
        with pytest.raises(ValueError, match=f"s is {s}; expected .* number of a subgraph|s is -1; expected a whole"):
            bag.subgraph(s)
    for s in (torch.tensor([0, 1]), True, "0"):
        with pytest.raises(TypeError):
            bag.subgraph(s)  # type: ignore[arg-type]
    assert same(bag.select(torch.tensor([0], dtype=torch.int32)), bag.select(torch.tensor([0])))
    for chosen in ([0], torch.tensor([0.0]), torch.tensor([[0]]), torch.tensor([True])):
        with pytest.raises(TypeError):
            bag.select(chosen)  # type: ignore[arg-type]
    batch = Batch.from_data_list([bag, bag])
    with pytest.raises(ValueError, match="to_data_list"):
        batch.subgraph(0)
    with pytest.raises(ValueError, match="to_data_list"):
        batch.select(torch.tensor([0]))
    for chosen in ([], [0, 0], [-1], [bag.num_subgraphs]):
        with pytest.raises(ValueError, match="each once"):
            bag.select(torch.tensor(chosen, dtype=torch.long))
    with pytest.raises(AttributeError, match="num_subgraphs"):
        SubgraphData().num_subgraphs  # noqa: B018


# -- sampling ----------------------------------------------------------------------------------------------------------


@quick
@given(st.integers(0, 10**6), st.sampled_from(POLICIES), st.floats(0.01, 1.0))
def test_sampling_before_building_is_sampling_after(seed: int, policy: str, fraction: float) -> None:
    graph = random_graph(seed)
    first = SubgraphBag(policy, 1, fraction=fraction, generator=torch.Generator().manual_seed(seed))(graph)
    full = SubgraphBag(policy, 1)(graph)
    after = SubgraphSampler(fraction=fraction, generator=torch.Generator().manual_seed(seed))(full)
    assert same(first, after)
    assert first.num_subgraphs == min(math.ceil(fraction * full.num_subgraphs), full.num_subgraphs)


@pytest.mark.parametrize(
    ("fraction", "total", "part"), [(0.05, 20, 1), (0.05, 21, 2), (0.2, 44, 9), (0.07, 100, 7), (0.5, 1, 1), (1, 7, 7)]
)
def test_how_many_are_drawn(fraction: float, total: int, part: int) -> None:
    bag = SubgraphBag("node_deleted", fraction=fraction)(as_data(nx.path_graph(total)))
    assert bag.num_subgraphs == part


def test_a_full_fraction_is_no_sampling() -> None:
    graph = random_graph(13)
    before = torch.get_rng_state()
    assert same(SubgraphBag("ego_plus", fraction=1.0)(graph), SubgraphBag("ego_plus")(graph))
    assert same(SubgraphBag("ego_plus", count=10**6)(graph), SubgraphBag("ego_plus")(graph))
    assert torch.equal(torch.get_rng_state(), before)


def test_samples_are_without_replacement_and_uniform() -> None:
    graph = as_data(nx.cycle_graph(6))
    bag = SubgraphBag("node_marked", count=2, generator=torch.Generator().manual_seed(0))
    drawn = Counter(tuple((bag(graph).x[:, 0].reshape(2, 6) > 0).nonzero()[:, 1].tolist()) for _ in range(300))
    assert len(drawn) == 15  # every pair of different nodes, and no other
    assert min(drawn.values()) > 5
    assert max(drawn.values()) < 38  # 20 each expected, standard deviation 4.3


def test_batches_are_sampled_bag_by_bag() -> None:
    bags = [SubgraphBag("node_deleted")(as_data(nx.path_graph(n))) for n in (4, 10)]
    sampled = SubgraphSampler(fraction=0.5)(Batch.from_data_list(bags))
    assert sampled.num_subgraphs.tolist() == [2, 5]
    assert sampled.bag_batch.tolist() == [0] * 2 + [1] * 5


def stored_bytes(bag: Data) -> int:
    return sum(
        value.numel() * value.element_size() for value in bag.to_dict().values() if isinstance(value, torch.Tensor)
    )


@pytest.mark.parametrize("policy", ["edge_deleted", "node_deleted", "ego", "ego_plus"])
def test_a_fifth_of_the_bag_holds_at_most_a_quarter_of_the_memory(policy: str) -> None:
    graphs = lifted_pairs(10, 0)  # of the size of EXP's
    part, full = (
        sum(stored_bytes(SubgraphBag(policy, fraction=fraction)(graph)) for graph in graphs) for fraction in (0.2, None)
    )
    assert part <= 0.25 * full


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"policy": "edge_delete"}, "'edge_deleted', 'node_deleted', 'ego', 'ego_plus', 'node_marked', 'original'"),
        ({"num_hops": 0}, "num_hops is 0; expected a whole number"),
        ({"fraction": 0.5, "count": 3}, "Both fraction=0.5 and count=3"),
        ({"fraction": 0.0}, "fraction is 0.0"),
        ({"fraction": 1.1}, "fraction is 1.1"),
        ({"fraction": float("nan")}, "fraction is nan"),
        ({"count": 0}, "count is 0"),
        ({"max_subgraphs": 0}, "max_subgraphs is 0"),
        ({"policy": None}, "policy"),
        ({"policy": ["ego"]}, "policy"),
        ({"num_hops": 1.5}, "num_hops"),
        ({"fraction": "0.2"}, "fraction"),
        ({"fraction": True}, "fraction is True; expected a number"),
        ({"fraction": torch.tensor(0.2)}, "fraction"),
        ({"count": 1.5}, "count"),
        ({"generator": 0}, "generator"),
        ({"keep_original": "yes"}, "keep_original"),
        ({"then": "OneHotDegree"}, "then"),
    ],
)
def test_refuses_bad_parameters(arguments: dict, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        SubgraphBag(**arguments)


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2), r"ToUndirected\(\)"),
        (Data(edge_index=torch.empty(2, 0, dtype=torch.long), num_nodes=0), "no nodes"),
        (Data(edge_index=torch.tensor([[0, 5], [5, 0]]), num_nodes=3), "nodes 0 to 5; expected 0 to 2"),
        (Data(edge_index=torch.tensor([[0, -1], [-1, 0]]), num_nodes=3), "nodes -1 to 0"),
        (Data(adj_t=torch.eye(3).to_sparse(), num_nodes=3), "before ToSparseTensor"),
        (Data(edge_index=torch.tensor([[0], [0]]), num_nodes=1, node_id=torch.tensor([7])), "has node_id"),
        (Data(edge_index=torch.zeros(3, 4, dtype=torch.long), num_nodes=1), r"shape \[3, 4\]; expected \[2, E\]"),
        (Data(x=torch.ones(7, 2), edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=3), "each of 3 nodes"),
        (Data(edge_index=torch.tensor([[0, 1], [1, 0]]), edge_attr=torch.ones(3, 2), num_nodes=2), "of 2 edges"),
        (Data(edge_index=torch.tensor([[0, 1], [1, 0]]), edge_weight=[1.0, 1.0], num_nodes=2), "edge_weight is list"),
        (Data(x=torch.eye(2).to_sparse(), edge_index=torch.tensor([[0, 1], [1, 0]])), r"x\.to_dense\(\)"),
    ],
)
def test_refuses_bad_graphs(graph: Data, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SubgraphBag("node_deleted")(graph)


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("policy", POLICIES)
def test_every_built_in_policy_refuses_a_directed_graph(policy: str) -> None:
    directed = Data(edge_index=torch.tensor([[0, 1, 1], [1, 0, 2]]), num_nodes=3)
    with pytest.raises(ValueError, match="directed"):
        SubgraphBag(policy)(directed)
    assert SubgraphBag(policy)(ToUndirected()(directed)).num_original_nodes == 3


def test_refuses_what_is_no_graph_to_make_a_bag_of() -> None:
    with pytest.raises(TypeError):
        SubgraphBag()(HeteroData())  # type: ignore[arg-type]
    bag = SubgraphBag()(random_graph(0))
    for already in (bag, Batch.from_data_list([bag])):
        with pytest.raises(ValueError, match="already"):
            SubgraphBag()(already)
    pairs = torch.tensor([[0], [0]])
    for wrong in (pairs.float(), pairs.bool(), pairs.to_sparse(), pairs.numpy(), [[0], [0]]):
        with pytest.raises(TypeError, match=r"torch\.int64"):
            SubgraphBag()(Data(edge_index=wrong, num_nodes=1))
    for wrong in (np.ones((1, 2)), [[1.0]]):
        with pytest.raises(TypeError, match=r"\bx is|violates type hint"):
            SubgraphBag()(Data(x=wrong, edge_index=pairs, num_nodes=1))
    with pytest.raises(TypeError, match="then gave a NoneType"):
        SubgraphBag(then=lambda bag: None)(random_graph(0))


def test_a_bag_too_large_is_refused_before_it_is_built() -> None:
    graph = as_data(nx.path_graph(200))
    with pytest.raises(ValueError, match=r"200 subgraphs of 200 nodes.*max_subgraphs is 50.*fraction=0.25"):
        SubgraphBag(max_subgraphs=50)(graph)
    assert SubgraphBag(max_subgraphs=50, fraction=0.25)(graph).num_subgraphs == 50
    with pytest.raises(ValueError, match="51 subgraphs"):
        SubgraphBag(max_subgraphs=50, fraction=0.25, keep_original=True)(graph)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (lambda graph: (torch.ones(2, graph.num_edges), None), "torch.float32"),
        (lambda graph: (torch.ones(2, 3, dtype=torch.bool), None), r"\[2, 3\]; expected torch.bool \[S, 4\]"),
        (lambda graph: (torch.ones(0, graph.num_edges, dtype=torch.bool), None), "S at least 1"),
        (lambda graph: (torch.ones(2, 4, dtype=torch.bool), torch.ones(2, 4, 1)), r"marks \[2, 4, 1\]"),
        (lambda graph: (torch.ones(2, 4, dtype=torch.bool), torch.ones(2, 3)), r"expected \[2, 3, m\]"),
        (lambda graph: torch.ones(1, 4, dtype=torch.bool), r"pair \(keep_mask, marks"),
        (lambda graph: (np.ones((2, 4), dtype=bool), None), "a ndarray as keep_mask"),
        (lambda graph: (torch.ones(2, 4, dtype=torch.bool), [[[1.0]]]), "a list as marks"),
    ],
)
def test_refuses_what_a_policy_of_ones_own_must_not_give(policy: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SubgraphBag(policy)(as_data(nx.path_graph(3)))


def test_refuses_bad_samplers() -> None:
    with pytest.raises(ValueError, match="Neither"):
        SubgraphSampler()
    with pytest.raises(ValueError, match="Both"):
        SubgraphSampler(0.5, 3)
    with pytest.raises(ValueError, match="fraction is 2"):
        SubgraphSampler(2)
    with pytest.raises(TypeError):
        SubgraphSampler(0.5)(random_graph(0))  # type: ignore[arg-type]


# -- graphs to try it on -----------------------------------------------------------------------------------------------


def test_pairs_in_the_manner_of_exp() -> None:
    graphs = lifted_pairs(8, 3)
    assert [int(graph.y) for graph in graphs] == [1, 0] * 8
    for first, second in zip(graphs[::2], graphs[1::2], strict=True):
        assert 32 <= first.num_nodes == second.num_nodes <= 64
        hashes = []
        for graph in (first, second):
            nodes = to_networkx(graph, to_undirected=True, node_attrs=["x"])
            hashes.append(nx.weisfeiler_lehman_graph_hash(nodes, node_attr="x", iterations=20))
        assert hashes[0] == hashes[1]
        found = [cycle_counts(to_networkx(graph, to_undirected=True), [3, 4, 5]) for graph in (first, second)]
        assert found == [[0, 0, 2], [0, 0, 0]]
    assert all(map(same, graphs, lifted_pairs(8, 3)))
    with pytest.raises(ValueError, match="count is 0"):
        lifted_pairs(0, 0)


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (nx.petersen_graph(), [0, 0, 12, 10]),
        (nx.complete_graph(6), [20, 45, 72, 60]),
        (nx.complete_bipartite_graph(3, 3), [0, 9, 0, 6]),
        (nx.path_graph(6), [0, 0, 0, 0]),
        (nx.cycle_graph(6), [0, 0, 0, 1]),
    ],
)
def test_cycles_of_known_graphs(graph: nx.Graph, expected: list[int]) -> None:
    assert cycle_counts(graph, [3, 4, 5, 6]) == expected


@pytest.mark.parametrize("kind", ["molecules", "regular"])
def test_graphs_whose_cycles_are_counted(kind: str) -> None:
    graphs = cycle_counting_graphs(kind, 12, 5)
    for graph in graphs:
        A = np.rint(to_dense_adj(graph.edge_index)[0].double().numpy())
        power = np.linalg.matrix_power
        degree, triangles = A.sum(axis=0), np.diag(power(A, 3)) / 2
        # Harary and Manvel: closed walks of five steps that are no cycle go round a triangle.
        fives = (np.trace(power(A, 5)) - 10 * (triangles * (degree - 2)).sum() - 5 * 2 * triangles.sum()) / 10
        assert graph.y[0, 0] == fives
        degree = torch.bincount(graph.edge_index[0])
        assert nx.is_connected(to_networkx(graph, to_undirected=True))
        assert degree.max() <= 4
        assert kind == "molecules" or set(degree.tolist()) == {3}
        assert (16 if kind == "regular" else 18) <= graph.num_nodes <= 28
        assert torch.equal(graph.x, torch.ones(graph.num_nodes, 1))
    assert len({tuple(graph.y.flatten().tolist()) for graph in graphs}) > 4
    assert all(map(same, graphs, cycle_counting_graphs(kind, 12, 5)))


def test_refuses_sets_that_there_are_not() -> None:
    with pytest.raises(ValueError, match="'molecules', 'regular'"):
        cycle_counting_graphs("trees", 1, 0)
    with pytest.raises(ValueError, match="count is 0"):
        cycle_counting_graphs("regular", 0, 0)


def test_exp_from_a_file(tmp_path: Path) -> None:
    lines = [
        {"x": [0, 1, 1], "edge_index": [[0, 1, 1, 2], [1, 0, 2, 1]], "y": 1},
        {"x": [1, 0], "edge_index": [[0, 1], [1, 0]], "y": 0},
    ]
    with gzip.open(tmp_path / "graphs.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    first, second = exp_graphs(tmp_path / "graphs.jsonl.gz")
    assert first.x.tolist() == [[0.0], [1.0], [1.0]]
    assert first.x.dtype == torch.float32
    assert (first.y.tolist(), second.y.tolist()) == ([1], [0])
    assert second.edge_index.tolist() == [[0, 1], [1, 0]]


def test_exp_itself() -> None:
    try:
        graphs = exp_graphs()
    except data.DataUnavailable:
        pytest.skip("EXP is not at hand: set PAPERWRIGHT_DATA")
    nodes = torch.tensor([graph.num_nodes for graph in graphs])
    assert len(graphs) == 1200
    assert [int(graph.y) for graph in graphs] == [1, 0] * 600
    assert (int(nodes.min()), int(nodes.max())) == (32, 64)
    assert float(nodes.double().mean()) == pytest.approx(44.4, abs=0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no graph of it is directed or has an edge twice
        bags = [SubgraphBag("ego_plus", fraction=0.2)(graph) for graph in graphs[:200]]
    assert {bag.x.size(1) for bag in bags} == {3}


def test_csl() -> None:
    graphs = csl_graphs(copies=2, generator=torch.Generator().manual_seed(0))
    assert [int(graph.y) for graph in graphs] == [label for label in range(10) for _ in range(2)]
    bag = SubgraphBag("ego", 4, then=OneHotDegree(5))(graphs[0])
    assert bag.x.shape == (41 * 41, 6)
    assert bag.x[:, 1:5].any()


def test_narrow_integers_and_networkx_graphs_are_read() -> None:
    graph = from_networkx(nx.petersen_graph())
    expected = SubgraphBag("ego", 1)(graph)
    narrow = Data(edge_index=graph.edge_index.int(), num_nodes=10)
    for bag in (SubgraphBag("ego", 1)(narrow), SubgraphBag("ego", 1)(nx.petersen_graph())):
        assert torch.equal(bag.edge_index, expected.edge_index)
        assert bag.edge_index.dtype == torch.int64
