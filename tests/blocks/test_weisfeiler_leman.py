"""The k-dimensional Weisfeiler-Leman tests: literal definitions, published pairs, closed forms, sorting as a peer."""

from collections import Counter
from itertools import product

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data, HeteroData

from paperwright import data as datasets
from paperwright.blocks import weisfeiler_leman as module
from paperwright.blocks.color_refinement import color_refinement
from paperwright.blocks.weisfeiler_leman import first_separating_round, weisfeiler_leman
from paperwright.data.graph_pairs import GRAPH_PAIRS, atlas_graphs, cfi_pair, csl_graph, graph_pair

quick = settings(max_examples=25, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
kinds = st.tuples(st.sampled_from([1, 2, 3]), st.sampled_from(["folklore", "oblivious"]))

TESTS = {"cr": ("cr", 1), "o2": ("oblivious", 2), "f2": ("folklore", 2), "o3": ("oblivious", 3), "f3": ("folklore", 3)}


@pytest.fixture
def as_users_meet_it():
    """Our own checks of bad input, which the type checks of the test run would forestall."""
    from jaxtyping import config

    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


def separating(pair, tests: str) -> list[int | None]:
    return [first_separating_round(*pair, *TESTS[test]) for test in tests.split()]


def random_graphs(seed: int, largest: int = 6) -> list[nx.Graph]:
    random = np.random.default_rng(seed)
    sizes = random.integers(1, largest + 1, 3).tolist()
    return [nx.gnp_random_graph(n, float(random.random()), seed=seed + i) for i, n in enumerate(sizes)]


def same_classes(ours, theirs) -> bool:
    both = set(zip(ours, theirs, strict=True))
    return len(both) == len(set(ours)) == len(set(theirs))


def flat(colors: list[torch.Tensor]) -> list[int]:
    return [color for part in colors for color in part.flatten().tolist()]


# -- the definition, with dictionaries ---------------------------------------------------------------------------------


def literal(graphs: list[nx.Graph], k: int, variant: str, rounds: int, labels: list[list[int]]) -> list:
    """Colours of all tuples of all graphs, in lexicographic order."""

    def atomic(g, label, v):
        relations = [(v[i] == v[j], g.has_edge(v[i], v[j])) for i in range(len(v)) for j in range(len(v))]
        return (*relations, *(label[x] for x in v))

    def replaced(v, i, u):
        return (*v[:i], u, *v[i + 1 :])

    colors = [{v: atomic(g, label, v) for v in product(g, repeat=k)} for g, label in zip(graphs, labels, strict=True)]
    names: dict = {}
    for _ in range(rounds):
        names = {}
        after = []
        for g, label, c in zip(graphs, labels, colors, strict=True):
            new = {}
            for v in c:
                if variant == "folklore":
                    seen = [(atomic(g, label, (*v, u)), *(c[replaced(v, i, u)] for i in range(k))) for u in g]
                    key = (c[v], tuple(sorted(map(repr, seen))))
                else:
                    key = (c[v], *(tuple(sorted(repr(c[replaced(v, i, u)]) for u in g)) for i in range(k)))
                new[v] = names.setdefault(key, len(names))
            after.append(new)
        colors = after
    return [color for c in colors for color in c.values()]


@quick
@given(seeds, kinds, st.booleans())
def test_every_round_is_the_definition(seed, kind, exact):
    k, variant = kind
    graphs = random_graphs(seed, 5 if k == 3 else 7)
    random = np.random.default_rng(seed)
    labels = [random.integers(0, 1 + seed % 2, len(graph)).tolist() for graph in graphs]
    stable = weisfeiler_leman(graphs, k, variant, node_colors=labels, exact=exact)
    for rounds in range(min(stable.rounds + 2, 4)):
        found = weisfeiler_leman(graphs, k, variant, rounds, node_colors=labels, exact=exact)
        expected = literal(graphs, k, variant, rounds, labels)
        assert same_classes(flat(found.colors), expected)
        assert found.num_colors == stable.num_colors[: rounds + 1]
    assert stable.stable


@quick
@given(seeds, kinds)
def test_rounds_never_merge_and_colours_go_with_the_nodes(seed, kind):
    k, variant = kind
    graph = random_graphs(seed)[0]
    order = np.random.default_rng(seed).permutation(len(graph))
    renamed = nx.Graph()
    renamed.add_nodes_from(range(len(graph)))
    renamed.add_edges_from((int(order[u]), int(order[v])) for u, v in graph.edges)
    before = None
    for rounds in range(4):
        colors, theirs = weisfeiler_leman([graph, renamed], k, variant, rounds).colors
        index = np.ix_(*[order] * k)
        assert np.array_equal(colors.numpy(), theirs.numpy()[index])
        after = colors.flatten().tolist()
        if before is not None:
            assert len(set(zip(after, before, strict=True))) == len(set(after))
        before = after


@quick
@given(seeds, st.sampled_from([2, 3]))
def test_folklore_refines_oblivious_round_by_round(seed, k):
    graphs = random_graphs(seed)
    for rounds in range(3):
        finer = flat(weisfeiler_leman(graphs, k, "folklore", rounds).colors)
        coarser = flat(weisfeiler_leman(graphs, k, "oblivious", rounds).colors)
        assert len(set(zip(finer, coarser, strict=True))) == len(set(finer))


@pytest.mark.parametrize("k", [1, 2])
def test_oblivious_of_one_more_place_is_folklore_when_stable(k):
    graphs = atlas_graphs(6) if k == 1 else atlas_graphs(5)
    graphs += [*graph_pair("c6"), *graph_pair("k33-prism"), *graph_pair("csl-11")]
    folklore = weisfeiler_leman(graphs, k, "folklore").graph_labels.tolist()
    oblivious = weisfeiler_leman(graphs, k + 1, "oblivious").graph_labels.tolist()
    assert same_classes(folklore, oblivious)
    assert len(set(folklore)) > 20


def test_folklore_of_one_place_sees_more_than_neighbours():
    """An end of a path of four and a node of two edges apart have the same neighbourhood, not the same rest."""
    graphs = [nx.path_graph(4), nx.Graph([(0, 1), (2, 3)])]
    path, edges = (colors[0] for colors in color_refinement(graphs, 1).colors)
    assert path == edges
    path, edges = (colors[0] for colors in weisfeiler_leman(graphs, 1, rounds=1).colors)
    assert path == edges  # its only news is who is not a neighbour: two others, of the same colour
    path, edges = (colors[0] for colors in weisfeiler_leman(graphs, 1, rounds=2).colors)
    assert path != edges


# -- figures -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pair", "tests", "expected"),
    [
        ("p4-k13", "cr o2 f2 o3 f3", [1, 1, 1, 0, 0]),
        ("c6", "cr o2 f2 o3 f3", [None, None, 1, 0, 0]),
        ("csl-11", "cr o2 f2 o3 f3", [None, None, 1, 0, 0]),
        ("c8", "cr o2 f2 o3 f3", [None, None, 1, 1, 1]),
        ("dodecahedral-desargues", "cr o2 f2 o3", [None, None, 2, 1]),
        ("cfi-k3", "cr o2 f2 o3 f3", [None, None, 1, 0, 0]),
        ("cfi-c5", "cr o2 f2 o3 f3", [None, None, 2, 1, 1]),
        ("cfi-k4", "cr o2 f2 o3 f3", [None, None, None, None, 1]),
        ("cfi-k5", "cr f2 f3", [None, None, None]),  # treewidth 4
        ("cfi-cube", "cr f2 f3", [None, None, 2]),  # treewidth 3
        ("decalin", "cr f2", [None, 2]),
        ("rook-shrikhande", "cr f2 f3", [None, None, 1]),
    ],
)
def test_first_separating_round(pair, tests, expected):
    assert separating(graph_pair(pair), tests) == expected


def test_a_pair_that_is_as_hard_as_is_asked():
    """A base of treewidth 2 is told apart by pairs, of treewidth 3 by triples."""
    assert separating(cfi_pair(nx.cycle_graph(4)), "cr f2") == [None, 1]
    assert separating(cfi_pair(nx.complete_graph(4)), "f2 f3") == [None, 1]


@pytest.mark.parametrize("pair", [name for name, kind in GRAPH_PAIRS.items() if kind == "strongly regular"])
def test_strongly_regular_graphs_of_the_same_parameters_are_one_to_two_places(pair):
    assert separating(graph_pair(pair), "cr o2 f2") == [None, None, None]


@pytest.mark.parametrize("n", [3, 4, 5, 6, 8, 9, 16, 17, 32, 64, 100])
def test_a_cycle_and_two_of_half_its_length(n):
    halves = nx.disjoint_union(nx.cycle_graph(n), nx.cycle_graph(n))
    assert separating((nx.cycle_graph(2 * n), halves), "cr f2") == [None, int(np.ceil(np.log2(n / 2)))]


@pytest.mark.parametrize("n", range(5, 18))
def test_a_cycle_beside_a_path(n):
    pair = [nx.disjoint_union(nx.cycle_graph(c), nx.path_graph(p)) for c, p in ((3, n), (4, n - 1))]
    assert separating(pair, "cr o2 f2") == [-(-n // 2), n // 2, 1]


@pytest.mark.parametrize(
    ("variant", "expected"), [("oblivious", [16, 598, 820, 834, 836, 836]), ("folklore", [16, 853, 853])]
)
def test_classes_of_the_graphs_of_seven_nodes(variant, expected):
    graphs = atlas_graphs(7)
    found = [weisfeiler_leman(graphs, 2, variant, rounds).graph_labels for rounds in range(len(expected))]
    assert [len(set(labels.tolist())) for labels in found] == expected


def test_csl_graphs_are_told_apart_by_pairs():
    labels = weisfeiler_leman([csl_graph(41, skip) for skip in (2, 3, 4, 5, 6, 9, 11, 12, 13, 16)], 2).graph_labels
    assert len(set(labels.tolist())) == 10


def test_pairs_of_exp_are_told_apart_in_the_second_round_of_pairs():
    if not datasets.available("exp"):
        pytest.skip("exp is not at hand (set PAPERWRIGHT_DATA)")
    graphs = datasets.load("exp").graphs
    for node_colors in (None, "x"):
        by_round = [weisfeiler_leman(graphs[:80], 2, rounds=r, node_colors=node_colors).graph_labels for r in (1, 2)]
        assert torch.equal(by_round[0][::2], by_round[0][1::2])
        assert (by_round[1][::2] != by_round[1][1::2]).all()
    assert separating(graphs[:2], "cr f2") == [None, 2]


# -- the hash ----------------------------------------------------------------------------------------------------------


def test_the_products_are_exact():
    random = np.random.default_rng(0)
    A = random.choice([-(2.0**22), 2.0**22 - 1, 3.0], size=(4, 1500))
    B = random.choice([-(2.0**22), 2.0**22 - 1, -5.0], size=(1500, 4))
    A[0], B[:, 0] = -(2.0**22), -(2.0**22)  # as large as a sum can get: 1500 * 2^44, past what float64 holds exactly
    assert module._exact_product(A, B).tolist() == (A.astype(np.int64) @ B.astype(np.int64)).tolist()


def test_the_primes_are():
    assert all(prime < 2**23 and all(prime % d for d in range(2, 2897)) for prime in module.PRIMES)


@pytest.mark.parametrize(("k", "n"), [(2, 40), (3, 10)])
def test_sorting_finds_the_same_colours(k, n):
    graphs = [nx.random_regular_graph(3, n, seed=seed) for seed in range(3)] + [nx.cycle_graph(n), nx.path_graph(n - 3)]
    ours, sorted_ = (weisfeiler_leman(graphs, k, exact=exact) for exact in (False, True))
    assert ours.num_colors == sorted_.num_colors
    assert same_classes(flat(ours.colors), flat(sorted_.colors))
    assert same_classes(ours.graph_labels.tolist(), sorted_.graph_labels.tolist())


# -- what goes in and what comes out -----------------------------------------------------------------------------------


def test_shapes():
    found = weisfeiler_leman([nx.path_graph(4), nx.path_graph(3), nx.empty_graph(0)], 3)
    assert [tuple(colors.shape) for colors in found.colors] == [(4, 4, 4), (3, 3, 3), (0, 0, 0)]
    assert found.colors[0].dtype == torch.int64
    assert [tuple(colors.shape) for colors in found.vertex_colors] == [(4,), (3,), (0,)]
    assert found.vertex_colors[0][1] == found.colors[0][1, 1, 1]
    assert Counter(flat(found.colors)).total() == 64 + 27


def test_labels_matter():
    graph = nx.path_graph(2)
    assert first_separating_round(graph, graph, node_colors=[[0, 0], [0, 1]]) == 0
    assert first_separating_round(graph, graph, "folklore", 2, node_colors=[[0, 1], [1, 0]]) is None


def test_sizes_matter():
    assert separating((nx.empty_graph(2), nx.empty_graph(3)), "cr o2 f2 f3") == [0, 0, 0, 0]


ARC = torch.tensor([[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("graphs", "options", "error", "words"),
    [
        ([Data(edge_index=ARC[:, :1], num_nodes=2)], {"k": 2}, ValueError, "not symmetric"),
        ([nx.Graph([(0, 0)])], {"k": 2}, ValueError, "edge to itself"),
        ([nx.path_graph(2)], {"k": 0}, ValueError, "k: expected at least 1, got 0"),
        ([nx.path_graph(400)], {"k": 3}, ValueError, r"n\^k = 400\^3 = 64,000,000\), more than max_tuples=50,000,000"),
        ([nx.path_graph(4)], {"k": 2, "max_tuples": 15}, ValueError, "16 tuples"),
        ([nx.path_graph(2)], {"k": 2, "variant": "forgetful"}, ValueError, "or 'oblivious', got 'forgetful'"),
        ([nx.path_graph(2)], {"k": 2, "rounds": -1}, ValueError, "rounds is -1; expected a whole number of at least 0"),
        ([nx.path_graph(2)] * 2, {"k": 2, "node_colors": [[[1], [2]], [[1, 1], [2, 2]]]}, ValueError, "widths"),
        ([nx.path_graph(2)], {"k": 2, "node_colors": [[0.0, float("nan")]]}, ValueError, "NaN"),
        ([HeteroData()], {"k": 2}, TypeError, "got HeteroData"),
        ([nx.path_graph(2)], {"k": True}, TypeError, "k: expected an integer, got bool"),
    ],
)  # fmt: skip
def test_refusals(graphs, options, error, words, as_users_meet_it):
    with pytest.raises(error, match=words):
        weisfeiler_leman(graphs, **options)


def test_refusals_of_a_pair(as_users_meet_it):
    with pytest.raises(ValueError, match="test: expected 'cr', 'folklore' or 'oblivious', got 'wl'"):
        first_separating_round(nx.path_graph(2), nx.path_graph(2), "wl")
    with pytest.raises(ValueError, match="max_tuples"):
        first_separating_round(nx.path_graph(9), nx.path_graph(9), "folklore", 9)
