"""Hard pairs of graphs: they are what they are called, and no two of a pair are the same."""

import gzip
import itertools
import json

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright import data
from paperwright.data import graph_pairs as pairs

torch = pytest.importorskip("torch")
pytest.importorskip("torch_geometric")
from torch_geometric.utils import to_networkx  # noqa: E402


def drawn(graph):
    return to_networkx(graph, to_undirected=True)


@pytest.mark.parametrize("name", pairs.GRAPH_PAIRS)
def test_a_pair_is_two_graphs_of_equal_size_that_are_not_isomorphic(name):
    first, second = map(drawn, pairs.graph_pair(name))
    assert first.number_of_nodes() == second.number_of_nodes()
    assert first.number_of_edges() == second.number_of_edges()
    if pairs.GRAPH_PAIRS[name] == "strongly regular":
        assert parameters(first) == parameters(second)
        # What tells them apart is cheap here, while the search for an isomorphism is not.
        assert fingerprint(first) != fingerprint(second)
    else:
        assert not same_with_three_nodes_marked(first, second)
    if pairs.GRAPH_PAIRS[name] != "trees":
        assert refined(first, 30) == refined(second, 30)


def same_with_three_nodes_marked(first, second):
    """Whether colour refinement sees the same in both graphs, whichever three nodes are marked; if not, they differ.

    The search for an isomorphism takes half a minute to find that there is none between two CFI graphs.
    """
    return np.array_equal(*(refined_with_marks(nx.to_numpy_array(graph, dtype=np.uint64)) for graph in (first, second)))


def refined_with_marks(adjacency, marks=3, rounds=10):
    """For each choice of marked nodes the colours after some rounds of refinement, summed as hashes; sorted."""
    nodes = len(adjacency)
    marked = np.array(list(itertools.combinations(range(nodes), marks)))
    colors = np.zeros((len(marked), nodes), dtype=np.uint64)
    np.put_along_axis(colors, marked, np.uint64(1), axis=1)
    for _ in range(rounds):
        colors = mixed(colors + mixed(colors @ adjacency))
    return np.sort(colors.sum(axis=1))


def mixed(numbers):
    """Vigna's splitmix64, a hash of 64 bits."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    return numbers ^ (numbers >> np.uint64(31))


@given(st.integers(3, 9), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_the_order_of_the_nodes_is_not_seen(nodes, density, seed):
    graph = nx.gnp_random_graph(nodes, density, seed)
    order = np.random.default_rng(seed).permutation(nodes)
    assert same_with_three_nodes_marked(graph, nx.Graph(nx.to_numpy_array(graph, nodelist=order)))


def parameters(graph):
    """Nodes, degree, and the common neighbours of adjacent and of other pairs of a strongly regular graph."""
    A = nx.to_numpy_array(graph, dtype=int)
    square = A @ A
    (degree,) = set(np.diag(square))
    (adjacent,) = set(square[A == 1])
    (apart,) = set(square[(A == 0) & ~np.eye(len(A), dtype=bool)])
    return len(A), degree, adjacent, apart


def refined(graph, rounds):
    """networkx's own colour refinement, as a hash; the constant attribute makes it start from one colour."""
    nx.set_node_attributes(graph, "", "color")
    return nx.weisfeiler_lehman_graph_hash(graph, node_attr="color", iterations=rounds)


def fingerprint(graph):
    """The number of cliques of each size, and the edges among the neighbours of each node, as graphs."""
    cliques = sorted(len(clique) for clique in nx.find_cliques(graph))
    around = sorted(refined(graph.subgraph(graph[node]).copy(), 5) for node in graph)
    return cliques, around


def test_the_parameters_of_the_strongly_regular_pairs():
    found = {name: parameters(drawn(pairs.graph_pair(name)[0])) for name in pairs.GRAPH_PAIRS if name in SRG}
    assert found == SRG


SRG = {
    "rook-shrikhande": (16, 6, 2, 2),
    "latin-squares-5": (25, 12, 5, 6),
    "triangular-chang": (28, 12, 6, 4),
}


@pytest.mark.parametrize(
    ("base", "nodes"), [(nx.complete_graph(3), 6), (nx.complete_graph(4), 16), (nx.complete_graph(5), 40)]
)
def test_cfi_has_a_node_for_every_even_set_of_edges(base, nodes):
    first, second = pairs.cfi_pair(base)
    assert first.num_nodes == second.num_nodes == nodes == sum(2 ** (d - 1) for _, d in base.degree)
    assert not same_with_three_nodes_marked(drawn(first), drawn(second))


def test_it_does_not_matter_which_edge_is_turned_round():
    """Over a connected base, turning two edges round gives the first graph again (Cai et al. 1992, Lemma 6.2)."""
    edges = list(nx.complete_graph(4).edges)
    reordered = nx.Graph([edges[-1], *edges[:-1]])
    assert nx.vf2pp_is_isomorphic(*(pairs.cfi_graphs(base)[1] for base in (nx.complete_graph(4), reordered)))


@pytest.mark.parametrize("base", [nx.path_graph(2), nx.empty_graph(4), nx.DiGraph([(0, 1), (1, 2)]), nx.star_graph(11)])
def test_a_base_that_does_not_suit_is_refused(base):
    with pytest.raises(ValueError, match="the base of a CFI pair is"):
        pairs.cfi_pair(base)


def test_csl():
    graphs = pairs.csl_graphs(generator=torch.Generator().manual_seed(1))
    assert len(graphs) == 150
    assert all(graph.num_edges == 4 * 41 for graph in graphs)
    assert torch.stack([graph.y for graph in graphs]).flatten().bincount().tolist() == [15] * 10
    first, second = graphs[0], graphs[1]
    assert not torch.equal(first.edge_index, second.edge_index)
    assert nx.is_isomorphic(drawn(first), nx.circulant_graph(41, [1, 2]))
    again = pairs.csl_graphs(generator=torch.Generator().manual_seed(1))
    assert all(torch.equal(a.edge_index, b.edge_index) for a, b in zip(graphs, again, strict=True))
    loaded = data.load("csl", copies=2)
    assert [int(graph.y) for graph in loaded.graphs] == sorted([*range(10)] * 2)


def test_the_classes_of_csl_are_apart():
    spectra = [np.linalg.eigvalsh(nx.to_numpy_array(drawn(pairs.csl_graph(41, skip)))) for skip in pairs.CSL_SKIPS]
    for a, b in itertools.combinations(spectra, 2):
        assert np.abs(a - b).max() > 1e-3


@pytest.mark.parametrize(("nodes", "graphs"), [(4, 6), (5, 21), (6, 112), (7, 853)])
def test_the_atlas(nodes, graphs):
    found = pairs.atlas_graphs(nodes)
    assert len(found) == graphs
    assert {graph.num_nodes for graph in found} == {nodes}


def test_refusals():
    with pytest.raises(ValueError, match=r"no pair of graphs is called 'petersen'; there are: p4-k13, c6"):
        pairs.graph_pair("petersen")
    with pytest.raises(ValueError, match="got skip=6 for 11 nodes"):
        pairs.csl_graph(11, 6)
    with pytest.raises(ValueError, match="copies is 0"):
        pairs.csl_graphs(copies=0)
    with pytest.raises(ValueError, match="1 to 7 nodes; got 8"):
        pairs.atlas_graphs(8)


GRAPHS = [([0, 1, 1], [[0, 1, 1, 2], [1, 0, 2, 1]], 1), ([1, 0], [[], []], 0)]


def test_both_forms_of_exp_are_read_alike(tmp_path):
    lines = "".join(json.dumps({"x": x, "edge_index": arcs, "y": y}) + "\n" for x, arcs, y in GRAPHS)
    (tmp_path / "graphs.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "GRAPHSAT.txt").write_text("2\n3 1\n0 1 1\n1 2 0 2\n1 1 1\n2 0\n1 0\n0 0\n")
    objects, text = (pairs.read_exp(tmp_path / name) for name in ("graphs.jsonl.gz", "GRAPHSAT.txt"))
    assert objects.keys() == text.keys()
    assert all(np.array_equal(objects[name], text[name]) for name in objects)
    first, second = pairs.with_graphs(text)["graphs"]
    assert first.x.flatten().tolist() == [0, 1, 1]
    assert first.edge_index.tolist() == GRAPHS[0][1]
    assert (second.num_nodes, second.num_edges, int(second.y)) == (2, 0, 0)


@pytest.mark.parametrize(
    ("arcs", "said"), [([[0, 1], [1, 2]], "an arc without its reverse"), ([[0, 9], [9, 0]], "an arc to node 9")]
)
def test_a_graph_of_exp_that_cannot_be_is_refused(tmp_path, arcs, said):
    (tmp_path / "g.jsonl").write_text(json.dumps({"x": [0, 0, 0], "edge_index": arcs, "y": 0}) + "\n")
    with pytest.raises(ValueError, match=f"graph 0 of g.jsonl has .*{said}"):
        pairs.read_exp(tmp_path / "g.jsonl")


def test_exp_says_where_it_is_to_be_had(monkeypatch):
    monkeypatch.delenv("PAPERWRIGHT_DATA", raising=False)
    with pytest.raises(data.DataUnavailable, match=r"exp/graphs\.jsonl\.gz .*PAPERWRIGHT_DATA.*GNN-RNI"):
        data.load("exp")


@pytest.mark.skipif(not data.available("exp"), reason="exp is not in PAPERWRIGHT_DATA")
def test_exp_is_600_pairs():
    graphs = data.load("exp").graphs
    assert len(graphs) == 1200
    sizes = [graph.num_nodes for graph in graphs]
    assert (min(sizes), max(sizes)) == (32, 64)
    assert np.mean(sizes) == pytest.approx(44.4, abs=0.1)
    for first, second in zip(graphs[::2], graphs[1::2], strict=True):
        assert (int(first.y), int(second.y)) == (1, 0)
        assert (first.num_nodes, first.num_edges) == (second.num_nodes, second.num_edges)
        assert first.x.sum() == second.x.sum()
