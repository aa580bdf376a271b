"""Colour refinement: literal definitions, closed forms, two other libraries, and that only what is new is looked at."""

from collections import Counter, defaultdict

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data, HeteroData
from torch_geometric.nn import WLConv
from torch_geometric.utils import remove_self_loops, to_undirected

from paperwright import data as datasets
from paperwright.blocks import color_refinement as module
from paperwright.blocks import colors as colors_module
from paperwright.blocks import partition as partition_module
from paperwright.blocks.color_refinement import color_refinement
from paperwright.blocks.colors import Multisets, labels_of_runs, relabelled
from paperwright.blocks.partition import Partition
from paperwright.data.graph_pairs import as_data, atlas_graphs

quick = settings(max_examples=60, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


def random_graph(seed: int, largest: int = 24) -> nx.Graph:
    """Sparse or dense, with isolated nodes, sometimes a tree."""
    random = np.random.default_rng(seed)
    n = int(random.integers(1, largest))
    if random.random() < 0.3:
        return nx.random_labeled_tree(n, seed=seed)
    return nx.gnp_random_graph(n, float(random.random() ** 2), seed=seed)


def literal(graphs: list[nx.Graph], rounds: int, start: list[list] | None = None) -> list[list[int]]:
    """The definition, with dictionaries."""
    colors = start or [[0] * len(graph) for graph in graphs]
    for _ in range(rounds):
        names: dict = {}
        colors = [
            [names.setdefault((c[v], tuple(sorted(c[u] for u in g[v]))), len(names)) for v in g]
            for g, c in zip(graphs, colors, strict=True)
        ]
    return colors


def partition_of(labels) -> set[frozenset]:
    """The classes as sets of positions."""
    classes = defaultdict(set)
    for place, label in enumerate(labels):
        classes[label].add(place)
    return {frozenset(members) for members in classes.values()}


def flat(colors) -> list:
    return [label for part in colors for label in (part.tolist() if isinstance(part, torch.Tensor) else part)]


# -- colours of rows and multisets -------------------------------------------------------------------------------------


@quick
@given(st.integers(0, 40).flatmap(lambda n: st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 3)), max_size=n)))
def test_equal_rows_and_no_others_share_a_number(rows):
    labels, number = relabelled(np.array(rows, dtype=np.int64).reshape(-1, 2))
    assert partition_of(labels.tolist()) == partition_of(rows)
    assert sorted(set(labels.tolist())) == list(range(number))


def test_rows_whose_keys_collide_are_told_apart(monkeypatch):
    monkeypatch.setattr(colors_module, "row_keys", lambda rows: np.zeros(len(rows), dtype=np.uint64))
    rows = np.random.default_rng(0).integers(0, 3, (200, 2))
    assert partition_of(relabelled(rows)[0].tolist()) == partition_of(map(tuple, rows.tolist()))


def test_rows_of_floats():
    labels, number = relabelled(np.array([[0.0, 1.5], [-0.0, 1.5], [0.0, -1.5]]))
    assert (labels[0], number) == (labels[1], 2)
    with pytest.raises(ValueError, match="NaN"):
        relabelled(np.array([0.0, np.nan]))
    with pytest.raises(TypeError, match="integers or floats"):
        relabelled(np.array(["a", "b"]))


def test_keys_of_round_floats_spread():
    """0 and 1 as floats differ in twelve bits only; the keys must not be as few."""
    rows = (np.random.default_rng(0).random((20_000, 64)) < 0.5).astype(np.float64)
    assert len(np.unique(colors_module.row_keys(rows.view(np.uint64)))) == len(np.unique(rows, axis=0))


@quick
@given(st.lists(st.lists(st.integers(0, 3), max_size=7), min_size=1, max_size=12), st.booleans())
def test_codes_and_labels_of_multisets(families, shuffled):
    items = np.array([item for family in families for item in family], dtype=np.int64)
    groups = np.repeat(np.arange(len(families)), [len(family) for family in families])
    order = np.random.default_rng(0).permutation(len(items)) if shuffled else np.arange(len(items))
    multisets = Multisets.of(groups[order], items[order], len(families))
    colors = np.array([7, 7, -5, 10**15])  # items 0 and 1 look alike
    expected = partition_of(tuple(sorted(colors[family].tolist())) for family in families)
    assert partition_of(map(tuple, multisets.codes(colors).tolist())) == expected
    assert partition_of(multisets.labels(colors).tolist()) == expected
    assert len(multisets) == len(families)


@quick
@given(st.lists(st.lists(st.integers(0, 2), max_size=9), min_size=1, max_size=15))
def test_labels_of_sequences(sequences):
    values = np.array([value for sequence in sequences for value in sequence], dtype=np.int64)
    starts = np.cumsum([0, *map(len, sequences)])
    assert partition_of(labels_of_runs(values, starts).tolist()) == partition_of(map(tuple, sequences))


# -- a partition that is split -----------------------------------------------------------------------------------------


@quick
@given(seeds, st.booleans(), st.booleans())
def test_splitting_a_partition(seed, one_by_one, colliding):
    random = np.random.default_rng(seed)
    n = int(random.integers(1, 30))
    labels, number = relabelled(random.integers(0, 4, n))
    partition, expected = Partition(labels, number), [(label,) for label in labels.tolist()]
    with pytest.MonkeyPatch.context() as patch:
        if colliding:
            patch.setattr(partition_module, "row_keys", lambda rows: np.zeros(len(rows), dtype=np.uint64))
        for _ in range(4):
            before, counts = partition.color.copy(), Counter(partition.color.tolist())
            touched = np.flatnonzero(random.random(n) < random.random())
            rows = random.integers(0, 3, (len(touched), 2))
            if one_by_one:
                moved = partition.split_few(dict(zip(touched.tolist(), map(tuple, rows.tolist()), strict=True)))
            else:
                moved = partition.split(touched, rows).tolist()
            seen = dict(zip(touched.tolist(), map(tuple, rows.tolist()), strict=True))
            expected = [(*old, seen.get(element)) for element, old in enumerate(expected)]
            after = Counter(partition.color.tolist())
            assert partition_of(partition.color.tolist()) == partition_of(expected)
            assert sorted(after) == list(range(partition.number))
            assert partition.size[: partition.number].tolist() == [after[c] for c in range(partition.number)]
            assert sorted(moved) == np.flatnonzero(partition.color != before).tolist()
            for old in counts:  # the largest part kept the number
                assert after[old] == max(Counter(partition.color[before == old].tolist()).values())


# -- the definition ----------------------------------------------------------------------------------------------------


@quick
@given(seeds, st.booleans(), st.sampled_from([0, 6, 10**6]))
def test_every_round_is_the_definition(seed, exact, few):
    graphs = [random_graph(seed + i) for i in range(3)]
    random = np.random.default_rng(seed)
    start = [random.integers(0, 1 + seed % 3, len(graph)).tolist() for graph in graphs]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEW", few)
        stable = color_refinement(graphs, None, start, exact)
        for rounds in range(stable.rounds + 2):
            expected = literal(graphs, rounds, start)
            found = color_refinement(graphs, rounds, start, exact)
            assert partition_of(flat(found.colors)) == partition_of(flat(expected))
            assert found.num_colors[-1] == len(set(flat(expected)))
            assert found.num_colors == stable.num_colors[: rounds + 1]
            same = partition_of(found.graph_labels.tolist())
            assert same == partition_of(tuple(sorted(colors)) for colors in expected)
    assert stable.stable
    assert found.stable


@quick
@given(seeds)
def test_rounds_never_merge_and_colours_go_with_the_nodes(seed):
    graph = random_graph(seed)
    order = np.random.default_rng(seed).permutation(len(graph))
    renamed = nx.Graph()
    renamed.add_nodes_from(range(len(graph)))
    renamed.add_edges_from((int(order[u]), int(order[v])) for u, v in graph.edges)
    before = None
    for rounds in range(5):
        colors, theirs = color_refinement([graph, renamed], rounds).colors
        assert torch.equal(colors, theirs[torch.from_numpy(order)])
        if before is not None:
            assert len(set(zip(colors.tolist(), before.tolist(), strict=True))) == len(set(colors.tolist()))
        before = colors


@quick
@given(seeds)
def test_two_libraries_agree(seed):
    """The hashes of networkx, and PyG's WLConv."""
    graph = random_graph(seed)
    found = as_data(graph)
    # Without labels of its own choosing networkx starts from degrees, and joins them without a gap: 1, 12 as 11, 2.
    nx.set_node_attributes(graph, "a", "label")
    hashes = nx.weisfeiler_lehman_subgraph_hashes(graph, node_attr="label", iterations=3, digest_size=32)
    convolution, x = WLConv(), torch.zeros(len(graph), dtype=torch.long)
    for rounds in (1, 2, 3):
        ours = partition_of(color_refinement([found], rounds).colors[0].tolist())
        x = convolution(x, found.edge_index)
        assert ours == partition_of(x.tolist())
        assert ours == partition_of(hashes[v][rounds - 1] for v in graph)


# -- figures -----------------------------------------------------------------------------------------------------------


def test_classes_of_the_graphs_of_seven_nodes():
    graphs = atlas_graphs(7)
    found = [int(color_refinement(graphs, rounds).graph_labels.max()) + 1 for rounds in range(6)]
    assert found == [1, 236, 768, 832, 836, 836]


@pytest.mark.parametrize("n", [2, 3, 10, 11, 400, 40_001])
def test_paths_need_half_their_length(n):
    pairs = torch.stack([torch.arange(n - 1), torch.arange(1, n)])
    path = Data(edge_index=torch.cat([pairs, pairs.flip(0)], dim=1), num_nodes=n)
    found = color_refinement([path])
    assert found.num_colors == tuple(range(1, (n + 1) // 2 + 1))
    assert torch.equal(found.colors[0], found.colors[0].flip(0))


def test_only_news_is_looked_at(monkeypatch):
    """All rounds together follow each arc once, and again whenever the class of its node halves: log2 n times more."""
    followed = []
    one_round = module._round

    def counted(union, partition, moved, exact):
        followed.append(int((union.starts[moved + 1] - union.starts[moved]).sum()))
        return one_round(union, partition, moved, exact)

    monkeypatch.setattr(module, "_round", counted)
    side = np.arange(120 * 120).reshape(120, 120)
    down, right = np.stack([side[1:], side[:-1]]), np.stack([side[:, 1:], side[:, :-1]])
    edge_index = to_undirected(torch.from_numpy(np.concatenate([down.reshape(2, -1), right.reshape(2, -1)], axis=1)))
    found = color_refinement([Data(edge_index=edge_index, num_nodes=side.size)])
    assert found.rounds == 59
    assert found.num_colors[-1] == 60 * 61 // 2  # a square has eight symmetries
    assert sum(followed) <= edge_index.size(1) * (1 + np.log2(side.size))
    assert sum(followed) < edge_index.size(1) * found.rounds / 10


def stored(name: str):
    if not datasets.available(name):
        pytest.skip(f"{name} is not at hand (set PAPERWRIGHT_DATA)")
    return datasets.load(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("planetoid/cora", (1, 37, 1589, 2301, 2363, 2365)),
        ("planetoid/citeseer", (1, 32, 983, 1835, 2044, 2088, 2090)),
        ("webkb/texas", (1, 12, 90, 124, 126)),
    ],
)
def test_colours_of_published_graphs(name, expected):
    graph = stored(name).graph
    edge_index = remove_self_loops(to_undirected(graph.edge_index, num_nodes=graph.num_nodes))[0]
    for exact in (False, True):
        assert (
            color_refinement([Data(edge_index=edge_index, num_nodes=graph.num_nodes)], exact=exact).num_colors
            == expected
        )


def majority(colors: torch.Tensor, y: torch.Tensor) -> float:
    counts: dict[int, Counter] = defaultdict(Counter)
    for color, label in zip(colors.tolist(), y.tolist(), strict=True):
        counts[color][label] += 1
    return sum(count.most_common(1)[0][1] for count in counts.values()) / len(y)


def test_ceilings_of_accuracy():
    graph = stored("planetoid/cora").graph
    by_round = [majority(color_refinement([graph], rounds).colors[0], graph.y) for rounds in (0, 1, 2, 3, None)]
    assert by_round == pytest.approx([0.3021, 0.3143, 0.7640, 0.9465, 0.9627], abs=5e-5)
    assert majority(color_refinement([graph], node_colors="x").colors[0], graph.y) == 1.0
    graph = stored("planetoid/citeseer").graph
    first = color_refinement([graph], 0, node_colors="x").colors[0]
    assert majority(first, graph.y) == pytest.approx(0.9994, abs=5e-5)


@pytest.mark.parametrize("node_colors", [None, "x"])
def test_no_pair_of_exp_is_told_apart(node_colors):
    labels = color_refinement(stored("exp").graphs, node_colors=node_colors).graph_labels
    assert torch.equal(labels[::2], labels[1::2])
    assert len(set(labels.tolist())) > 1


# -- what goes in and what comes out -----------------------------------------------------------------------------------


def test_node_colours_by_name_by_array_and_for_networkx():
    graph = nx.path_graph(3)
    nx.set_node_attributes(graph, {0: 1.0, 1: 0.0, 2: -0.0}, "x")
    named = color_refinement([graph], 0, node_colors="x")
    assert named.num_colors == (2,)
    tensors = [torch.tensor([[1.0, 2.0], [0.0, 2.0], [0.0, 2.0]])]
    assert torch.equal(color_refinement([graph], 0, node_colors=tensors).colors[0], named.colors[0])
    assert color_refinement([as_data(graph)], 0, [np.array([True, False, False])]).num_colors == (2,)


def test_empty_graphs_and_single_nodes():
    found = color_refinement([nx.empty_graph(0), nx.empty_graph(1), nx.empty_graph(1), nx.empty_graph(2)])
    assert [len(colors) for colors in found.colors] == [0, 1, 1, 2]
    assert found.num_colors == (1,)
    assert partition_of(found.graph_labels.tolist()) == partition_of([0, 1, 1, 2])
    assert color_refinement([nx.empty_graph(0)]).num_colors == (0,)


def test_dtypes():
    found = color_refinement([nx.path_graph(4)])
    assert found.colors[0].dtype == found.graph_labels.dtype == torch.int64
    assert torch.equal(found.vertex_colors[0], found.colors[0])


ARC = torch.tensor([[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("graphs", "options", "error", "words"),
    [
        ([Data(edge_index=ARC[:, :1], num_nodes=2)], {}, ValueError, "graph 0: edge_index is not symm.*to_undirected"),
        ([nx.path_graph(2), nx.DiGraph([(0, 1)])], {}, ValueError, "graph 1 is directed.*to_undirected"),
        ([nx.path_graph(3), nx.Graph([(0, 0)])], {}, ValueError, "graph 1: a node has an edge to itself.*remove_self"),
        ([Data(edge_index=ARC.repeat(1, 2), num_nodes=2)], {}, ValueError, "graph 0: an edge is there twice.*coalesce"),
        ([nx.MultiGraph([(0, 1), (0, 1)])], {}, ValueError, "twice"),
        ([Data(edge_index=ARC, num_nodes=1)], {}, ValueError, "graph 0 holds node 1, but num_nodes is 1"),
        ([Data(edge_index=ARC.float(), num_nodes=2)], {}, TypeError, "integer tensor of shape"),
        ([Data(edge_index=ARC[0], num_nodes=2)], {}, ValueError, r"has shape \[2\]"),
        ([], {}, ValueError, "at least one graph"),
        ([nx.path_graph(2)], {"rounds": -1}, ValueError, "rounds is -1; expected a whole number of at least 0"),
        ([nx.path_graph(2)], {"node_colors": "x"}, ValueError, "graph 0 has no such attribute"),
        ([nx.path_graph(2)], {"node_colors": [[1]]}, ValueError, r"expected 2 rows, got shape \[1\]"),
        ([nx.path_graph(2)], {"node_colors": []}, ValueError, "one array for each of 1 graphs, got 0"),
        ([nx.path_graph(2)], {"node_colors": [[0.0, float("nan")]]}, ValueError, "NaN"),
        ([nx.path_graph(2)] * 2, {"node_colors": [[[1], [2]], [[1, 1], [2, 2]]]}, ValueError, r"widths \[1, 2\]"),
        ([HeteroData()], {}, TypeError, "got HeteroData"),
        ([3], {}, TypeError, "graph 0: expected a torch_geometric Data"),
    ],
)  # fmt: skip
def test_refusals(graphs, options, error, words):
    with pytest.raises(error, match=words):
        color_refinement(graphs, **options)


@pytest.mark.parametrize("graph", [nx.path_graph(2), Data(edge_index=ARC, num_nodes=2), "graph"])
def test_a_single_graph_is_no_list(graph):
    with pytest.raises(TypeError, match=r"expected a list of graphs.*\[graph\]"):
        color_refinement(graph)
