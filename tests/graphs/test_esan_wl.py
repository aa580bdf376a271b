"""DS-WL and DSS-WL: what they separate (pairs, CSL, the atlas, trees, EXP), and a refinement written out by hand."""

import random
from collections import Counter
from collections.abc import Sequence

import networkx as nx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data
from torch_geometric.transforms import Constant

from paperwright import data
from paperwright.data.graph_pairs import CSL_SKIPS, as_data, atlas_graphs, csl_graph, graph_pair
from paperwright.graphs.esan import SubgraphBag, WLResult, subgraph_wl
from paperwright.graphs.esan.expressive_power import (
    RandomNetwork,
    graphs_of_list,
    regular_graphs,
    separated_by_first_alone,
)
from paperwright.graphs.esan.graph_sets import lifted_pairs

quick = settings(max_examples=8, deadline=None, derandomize=True)
needs_exp = pytest.mark.skipif(not data.available("exp"), reason="exp is not in PAPERWRIGHT_DATA")

COLUMNS = [("edge_deleted", 1), ("node_deleted", 1), ("ego", 1), ("ego", 2), ("ego", 3)]
COLUMNS += [("ego_plus", 1), ("ego_plus", 2), ("node_marked", 1)]
# An independent implementation's answers (DS and DSS agree): 1 where the pair is separated, in the order of COLUMNS.
TABLE = {
    "c6": "11111111",
    "decalin": "11011011",
    "k33-prism": "11100111",
    "csl-11": "11110111",
    "rook-shrikhande": "10000000",
}


def separated(result: WLResult) -> str:
    return str(int(result.classes > 1))


@pytest.mark.parametrize("test", ["ds", "dss"])
@pytest.mark.parametrize("name", TABLE)
def test_what_each_policy_separates(name: str, test: str) -> None:
    pair = graph_pair(name)
    assert separated(subgraph_wl(pair, test="wl")) == "0"
    assert "".join(separated(subgraph_wl(pair, *column, test=test)) for column in COLUMNS) == TABLE[name]


@pytest.mark.parametrize("test", ["ds", "dss"])
def test_classes_of_csl(test: str) -> None:
    graphs = [csl_graph(41, skip) for skip in CSL_SKIPS]
    assert subgraph_wl(graphs, test="wl").classes == 1
    expected = {("node_deleted", 1): 10, ("node_marked", 1): 10, ("ego", 1): 2, ("ego", 2): 5, ("ego", 3): 9}
    expected |= {("ego", 4): 10, ("ego_plus", 4): 10}
    assert {column: subgraph_wl(graphs, *column, test=test).classes for column in expected} == expected


@pytest.fixture(scope="module")
def confused() -> list[Data]:
    return graphs_of_list(["atlas-7-confused"])


def test_classes_of_the_atlas(confused: list[Data]) -> None:
    """Of 853 graphs, 836 classes: all that are not among the confused ones are alone in theirs."""
    assert len(atlas_graphs(7)) == 853
    assert 853 - len(confused) + subgraph_wl(confused, test="wl").classes == 836


@pytest.mark.parametrize("test", ["ds", "dss"])
def test_classes_of_the_graphs_that_refinement_confuses(confused: list[Data], test: str) -> None:
    assert len(confused) == 34
    assert subgraph_wl(confused, test="wl").classes == 17
    expected = dict.fromkeys([*COLUMNS, ("ego_plus", 3)], 34) | {("ego", 2): 24, ("ego", 3): 19}
    assert {column: subgraph_wl(confused, *column, test=test).classes for column in expected} == expected


def test_on_trees_ego_nets_alone_see_less_than_refinement_and_with_the_graph_more() -> None:
    trees = [as_data(tree) for tree in nx.nonisomorphic_trees(8)][:12]
    assert [subgraph_wl(trees, "ego", 1, test=test).classes for test in ("wl", "ds", "dss")] == [12, 5, 12]


@needs_exp
def test_pairs_of_exp() -> None:
    graphs = data.load("exp").graphs
    pairs = [(graphs[2 * i], graphs[2 * i + 1]) for i in random.Random(0).sample(range(600), 4)]
    assert sum(subgraph_wl(pair, test="wl").classes - 1 for pair in pairs) == 0
    expected = {("edge_deleted", 1): 4, ("node_deleted", 1): 4, ("ego", 1): 0, ("ego", 2): 4, ("ego", 3): 4}
    expected[("ego_plus", 2)] = 4
    for test in ("ds", "dss"):
        found = {column: sum(subgraph_wl(p, *column, test=test).classes - 1 for p in pairs) for column in expected}
        assert found == expected


@needs_exp
def test_every_pair_of_exp_is_equivalent_under_refinement() -> None:
    labels = subgraph_wl(data.load("exp").graphs, test="wl").labels
    assert torch.equal(labels[::2], labels[1::2])


def test_pairs_in_the_manner_of_exp_need_two_hops() -> None:
    graphs = lifted_pairs(5, seed=3)
    for pair in zip(graphs[::2], graphs[1::2], strict=True):
        found = [
            subgraph_wl(pair, "ego", hops, test=test).classes for test, hops in (("wl", 1), ("dss", 1), ("dss", 2))
        ]
        assert found == [1, 1, 2]


# -- against the definition --------------------------------------------------------------------------------------------


def random_graph(seed: int, largest: int = 6) -> Data:
    generator = torch.Generator().manual_seed(seed)
    n = int(torch.randint(2, largest + 1, (1,), generator=generator))
    upper = torch.triu(torch.rand(n, n, generator=generator) < 0.5, diagonal=1)
    x = torch.randint(0, 2, (n, 1), generator=generator).float()
    return Data(x=x, edge_index=(upper | upper.T).nonzero().T.contiguous())


def multiset(values: Sequence[object]) -> frozenset:
    return frozenset(Counter(values).items())


def by_hand(graphs: Sequence[Data], policy: str, hops: int, test: str, rounds: int) -> list[object]:
    """Graph colours after some rounds, as nested tuples and multisets: no numbers, no joint dictionary."""
    found = []
    for graph in graphs:
        bag = SubgraphBag(policy, hops)(graph)
        S, n = bag.num_subgraphs, bag.num_original_nodes
        edges, original = bag.edge_index.T.tolist(), bag.original_edge_index.T.tolist()
        c = {s * n + v: tuple(bag.x[s * n + v].tolist()) for s in range(S) for v in range(n)}
        for _ in range(rounds):
            around = {i: multiset([c[a] for a, b in edges if b == i]) for i in c}
            if test == "ds":
                c = {i: (c[i], around[i]) for i in c}
                continue
            C = [multiset([c[s * n + v] for s in range(S)]) for v in range(n)]
            shared = [(C[v], multiset([C[a] for a, b in original if b == v])) for v in range(n)]
            c = {i: (c[i], around[i], shared[i % n]) for i in c}
        found.append(multiset([multiset([c[s * n + v] for v in range(n)]) for s in range(S)]))
    return found


@quick
@given(
    st.lists(st.integers(0, 10**6), min_size=2, max_size=4),
    st.sampled_from(COLUMNS),
    st.sampled_from(["ds", "dss"]),
    st.integers(0, 3),
)
def test_each_round_is_the_definition(seeds: list[int], column: tuple[str, int], test: str, rounds: int) -> None:
    graphs = [random_graph(seed) for seed in seeds]
    expected = by_hand(graphs, *column, test, rounds)
    labels = subgraph_wl(graphs, *column, test=test, max_rounds=rounds).labels.tolist()
    for i in range(len(graphs)):
        for j in range(i):
            assert (labels[i] == labels[j]) == (expected[i] == expected[j])


@quick
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.sampled_from(COLUMNS))
def test_isomorphic_graphs_are_never_separated_and_refinement_never_sees_more(
    seeds: list[int], column: tuple[str, int]
) -> None:
    graphs = [random_graph(seed) for seed in seeds]
    number = [torch.randperm(graph.num_nodes, generator=torch.Generator().manual_seed(1)) for graph in graphs]
    others = [
        Data(x=graph.x[new.argsort()], edge_index=new[graph.edge_index])
        for graph, new in zip(graphs, number, strict=True)
    ]
    for test in ("ds", "dss"):
        labels = subgraph_wl(graphs + others, *column, test=test).labels
        assert torch.equal(labels[: len(graphs)], labels[len(graphs) :])
    assert separated_by_first_alone(subgraph_wl(graphs, test="wl").labels, subgraph_wl(graphs, *column).labels) == 0


def test_features_count_unless_told_otherwise() -> None:
    plain = Data(x=torch.zeros(3, 1), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
    end, middle = plain.clone(), plain.clone()
    end.x, middle.x = torch.tensor([[1.0], [0.0], [0.0]]), torch.tensor([[0.0], [1.0], [0.0]])
    graphs = [plain, end, middle]
    assert subgraph_wl(graphs, "node_deleted").classes == 3
    assert subgraph_wl(graphs, "node_deleted", node_colors=None).classes == 1
    plain_label, end_label, middle_label = subgraph_wl(graphs, test="wl", max_rounds=0).labels.tolist()
    assert plain_label != end_label == middle_label


def test_a_policy_of_ones_own() -> None:
    def nothing(graph: Data) -> tuple[torch.Tensor, None]:
        return torch.zeros(1, graph.num_edges, dtype=torch.bool), None

    trees = graph_pair("p4-k13")
    assert subgraph_wl(trees, nothing, test="ds").classes == 1
    assert subgraph_wl(trees, nothing, test="dss").classes == 2


def test_what_makes_no_sense_is_refused() -> None:
    pair = graph_pair("c6")
    for wrong, said in (
        ({"graphs": []}, "graphs is empty"),
        ({"test": "3wl"}, "test is '3wl'; expected 'dss', 'ds' or 'wl'"),
        ({"node_colors": "y"}, "node_colors is 'y'"),
        ({"max_rounds": -1}, "max_rounds is -1"),
        ({"policy": "edges"}, "edges"),
        ({"num_hops": 0}, "num_hops"),
        ({"graphs": [pair[0], Constant()(pair[1].clone())]}, "expected the same of all"),
        ({"graphs": [SubgraphBag("ego")(pair[0])]}, "graph 0 is a bag already"),
        ({"graphs": [Data(adj_t=torch.eye(3).to_sparse(), num_nodes=3)]}, "before ToSparseTensor"),
        ({"max_rounds": 1.5}, "max_rounds"),
        ({"graphs": pair[0]}, "graphs"),
        ({"graphs": nx.cycle_graph(6)}, "graphs"),
        ({"graphs": None}, "graphs"),
        ({"graphs": "C6"}, "graphs"),
        ({"graphs": ["C6"]}, "graph"),
        ({"graphs": [Data(x=[[1.0]], edge_index=pair[0].edge_index, num_nodes=1)]}, "x is of type list"),
    ):
        with pytest.raises((ValueError, TypeError), match=said):
            subgraph_wl(**({"graphs": pair} | wrong))


# -- the material of the claims ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("nodes", "known"), [(6, [1, 1, 2, 2, 1, 1]), (7, [1, 0, 2, 0, 2, 0, 1])])
def test_every_regular_graph_of_a_size(nodes: int, known: list[int]) -> None:
    graphs = regular_graphs(nodes)
    degrees = Counter(graph.num_edges // nodes for graph in graphs)
    assert [degrees[degree] for degree in range(nodes)] == known  # OEIS A051031
    assert subgraph_wl(graphs, test="wl").classes == len(degrees)  # 1-WL sees the degree alone
    assert subgraph_wl(graphs, "node_marked").classes == len(graphs)


@quick
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=8))
def test_counting_separated_pairs(labels: list[tuple[int, int]]) -> None:
    first, second = torch.tensor(labels).T
    pairs = [(a, b) for i, a in enumerate(labels) for b in labels[:i]]
    assert separated_by_first_alone(first, second) == sum(a[0] != b[0] and a[1] == b[1] for a, b in pairs)


def test_epsilon_zero_melts_the_marked_root_into_its_neighbours() -> None:
    pair = graph_pair("k33-prism")
    assert len(RandomNetwork("node_marked").labels(pair, 4, seed=0)[0].unique()) == 2
    assert len(RandomNetwork("node_marked", epsilon=0.0).labels(pair, 4, seed=0)[0].unique()) == 1


@pytest.mark.parametrize("column", COLUMNS[::3])
def test_random_networks_separate_what_the_test_separates(confused: list[Data], column: tuple[str, int]) -> None:
    test = subgraph_wl(confused, *column)
    labels, unclear = RandomNetwork(*column).labels(confused, test.rounds + 1, seed=0)
    assert separated_by_first_alone(test.labels, labels) == separated_by_first_alone(labels, test.labels) == 0
    assert unclear < 0.01


def test_reads_networkx_graphs_graphs_without_edges_and_half_precision() -> None:
    cycle, triangles = nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))
    assert subgraph_wl([cycle, triangles], "node_deleted", node_colors=None).classes == 2
    assert subgraph_wl([Data(num_nodes=3), Data(num_nodes=4)], "node_deleted").classes == 2
    halves = [Constant(cat=False)(graph) for graph in graph_pair("c6")]
    for graph in halves:
        graph.x = graph.x.bfloat16()
    assert subgraph_wl(halves, "node_deleted").classes == 2
