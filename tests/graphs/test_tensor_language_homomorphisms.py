"""Homomorphism and subgraph counts: the reference figures, closed forms, brute force, and numbers beyond 64 bits."""

import itertools
import math
from collections.abc import Callable, Iterator

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jaxtyping import config
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.loader import DataLoader
from torch_geometric.transforms import Compose
from torch_geometric.utils import from_networkx

from paperwright.data.graph_pairs import graph_pair
from paperwright.graphs.tensor_language.homomorphisms.counts import (
    HomomorphismCounts,
    count_homomorphisms,
    count_subgraphs,
)
from paperwright.graphs.tensor_language.homomorphisms.elimination import treewidth
from paperwright.graphs.tensor_language.homomorphisms.patterns import Pattern
from paperwright.graphs.tensor_language.homomorphisms.spasm import hereditary_treewidth, spasm

quick = settings(max_examples=20, deadline=None, derandomize=True)

PATH, STAR, CYCLE, CLIQUE = nx.path_graph, nx.star_graph, nx.cycle_graph, nx.complete_graph
FIVE = [PATH(4), CYCLE(4), CYCLE(5), CYCLE(6), nx.complete_bipartite_graph(2, 3)]


def random_graph(seed: int, most: int, least: int = 1) -> nx.Graph:
    random = np.random.default_rng(seed)
    return nx.gnp_random_graph(int(random.integers(least, most + 1)), random.uniform(0.2, 0.9), seed=seed)


def matrix(graph: nx.Graph) -> np.ndarray:
    """The adjacency matrix in Python integers, which never overflow."""
    return nx.to_numpy_array(graph, dtype=np.int64).astype(object)


def brute_force(pattern: nx.Graph, graph: nx.Graph, *, injective: bool) -> list[int]:
    """Homomorphisms by the image of the pattern's first node: every map is tried."""
    counts = dict.fromkeys(graph, 0)
    nodes = list(pattern)
    maps = itertools.permutations(graph, len(nodes)) if injective else itertools.product(graph, repeat=len(nodes))
    for images in maps:
        image = dict(zip(nodes, images, strict=True))
        if all(graph.has_edge(image[u], image[v]) for u, v in pattern.edges):
            counts[images[0]] += 1
    return list(counts.values())


# -- reference figures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (nx.icosahedral_graph(), [1500, 780, 3120, 16380, 2460]),
        (nx.frucht_graph(), [324, 188, 210, 1206, 420]),
        (nx.wheel_graph(7), [324, 204, 600, 2436, 588]),
        (nx.lollipop_graph(4, 3), [154, 110, 270, 930, 268]),
    ],
)
def test_homomorphisms_of_known_graphs(graph: nx.Graph, expected: list[int]) -> None:
    assert [count_homomorphisms(pattern, graph) for pattern in FIVE] == expected


def test_cliques_and_roots_on_the_lollipop() -> None:
    lollipop = nx.lollipop_graph(4, 3)
    assert count_homomorphisms(CLIQUE(4), lollipop) == 24
    assert count_homomorphisms(CYCLE(4), lollipop, root=0).tolist() == [22, 22, 22, 29, 8, 5, 2]


@pytest.mark.parametrize(
    ("graph", "expected"),
    [(nx.petersen_graph(), [120, 0, 120, 120]), (nx.icosahedral_graph(), [840, 240, 720, 2880])],
)
def test_injective_homomorphisms(graph: nx.Graph, expected: list[int]) -> None:
    automorphisms = [2, 8, 10, 12]
    counts = [count_subgraphs(pattern, graph) for pattern in FIVE[:4]]
    assert [a * b for a, b in zip(automorphisms, counts, strict=True)] == expected


@pytest.mark.parametrize(
    ("pattern", "size", "width"),
    [
        (PATH(4), 4, 2),
        (PATH(7), 30, 2),
        (PATH(8), 65, 3),
        (CYCLE(4), 3, 2),
        (CYCLE(6), 10, 2),
        (CYCLE(7), 12, 2),
        (CYCLE(8), 35, 3),
        (STAR(4), 4, 1),
        (nx.disjoint_union_all([PATH(2)] * 3), 8, 2),
        (nx.diamond_graph(), 2, 2),
        (CLIQUE(4), 1, 3),
    ],
)
def test_spasm_and_hereditary_treewidth(pattern: nx.Graph, size: int, width: int) -> None:
    assert (len(spasm(pattern)), hereditary_treewidth(pattern)) == (size, width)


@pytest.mark.parametrize(
    ("graph", "width"),
    [
        (nx.grid_2d_graph(3, 3), 3),
        (nx.hypercube_graph(3), 3),
        (nx.petersen_graph(), 4),
        (nx.octahedral_graph(), 4),
        (nx.icosahedral_graph(), 6),
        (nx.balanced_tree(2, 2), 1),
        (CYCLE(12), 2),
        (CLIQUE(12), 11),
        (nx.complete_bipartite_graph(4, 8), 4),
        (nx.empty_graph(3), 0),
        (nx.disjoint_union(CLIQUE(4), PATH(5)), 3),
    ],
)
def test_treewidth(graph: nx.Graph, width: int) -> None:
    assert treewidth(graph) == width


# -- closed forms ------------------------------------------------------------------------------------------------------


@quick
@given(st.integers(0, 10**6), st.integers(3, 12))
def test_cycles_are_traces_and_stars_sums_of_powers(seed: int, k: int) -> None:
    graph = random_graph(seed, 16)
    A = matrix(graph)
    closed = np.linalg.matrix_power(A, k).diagonal()
    assert count_homomorphisms(CYCLE(k), graph) == sum(closed)
    assert count_homomorphisms(CYCLE(k), graph, root=1).tolist() == list(closed)
    degrees = [degree for _, degree in graph.degree]
    assert count_homomorphisms(STAR(k - 1), graph) == sum(degree ** (k - 1) for degree in degrees)
    assert count_homomorphisms(PATH(k), graph) == np.linalg.matrix_power(A, k - 1).sum()
    assert count_homomorphisms(PATH(k), graph, root=0).tolist() == list(np.linalg.matrix_power(A, k - 1).sum(axis=1))


@quick
@example(193547)  # a node of the pattern left alone, in a graph without edges
@given(st.integers(0, 10**6))
def test_counts_in_a_tensor_product_multiply(seed: int) -> None:
    """hom(F, G x H) = hom(F, G) hom(F, H), for patterns whose maps are too many to try."""
    pattern = random_graph(seed, 9, least=4)
    g, h = random_graph(seed + 1, 6), random_graph(seed + 2, 6)
    both = count_homomorphisms(pattern, nx.tensor_product(g, h))
    assert both == count_homomorphisms(pattern, g) * count_homomorphisms(pattern, h)


def test_colourings() -> None:
    """Homomorphisms into a clique are proper colourings, which the chromatic polynomial counts."""
    polynomial = nx.chromatic_polynomial(nx.cubical_graph())
    (variable,) = polynomial.free_symbols
    for k in (2, 3, 5, 8):
        assert count_homomorphisms(nx.cubical_graph(), CLIQUE(k)) == polynomial.subs(variable, k)


@pytest.mark.parametrize("pattern", [PATH(6), CYCLE(7), nx.diamond_graph(), nx.house_graph(), STAR(5), nx.bull_graph()])
def test_injective_maps_into_a_clique(pattern: nx.Graph) -> None:
    size, n = len(pattern), 9
    injective = sum(
        quotient.coefficient * count_homomorphisms(quotient.graph, CLIQUE(n)) for quotient in spasm(pattern)
    )
    assert injective == math.perm(n, size)
    assert nx.is_isomorphic(spasm(pattern)[0].graph, pattern)
    assert spasm(pattern)[0].coefficient == 1


# -- brute force -------------------------------------------------------------------------------------------------------


@quick
@given(st.integers(0, 10**6))
def test_homomorphisms_by_brute_force(seed: int) -> None:
    pattern, graph = random_graph(seed, 5), random_graph(seed + 1, 6)
    expected = brute_force(pattern, graph, injective=False)
    assert count_homomorphisms(pattern, graph) == sum(expected)
    assert count_homomorphisms(pattern, graph, root=0).tolist() == expected


@quick
@given(st.integers(0, 10**6))
def test_subgraphs_by_brute_force(seed: int) -> None:
    pattern, graph = random_graph(seed, 5), random_graph(seed + 1, 7)
    expected = brute_force(pattern, graph, injective=True)
    automorphisms = sum(brute_force(pattern, pattern, injective=True))
    fixing_the_root = brute_force(pattern, pattern, injective=True)[0]
    assert count_subgraphs(pattern, graph) == sum(expected) // automorphisms
    assert count_subgraphs(pattern, graph, root=0).tolist() == [count // fixing_the_root for count in expected]


@quick
@given(st.integers(0, 10**6))
def test_canonical_forms(seed: int) -> None:
    graph = random_graph(seed, 9)
    order = np.random.default_rng(seed).permutation(len(graph))
    renamed = nx.relabel_nodes(graph, dict(zip(graph, order.tolist(), strict=True)))
    anew = nx.Graph()
    anew.add_nodes_from(range(len(graph)))
    anew.add_edges_from(renamed.edges)
    first, second = Pattern.read(graph)[0], Pattern.read(anew)[0]
    assert first.canonical == second.canonical
    assert nx.is_isomorphic(first.canonical.to_networkx(), graph)
    automorphisms = nx.algorithms.isomorphism.GraphMatcher(graph, graph).isomorphisms_iter()
    if len(graph) <= 6:
        assert first.num_automorphisms == sum(1 for _ in automorphisms)


def test_canonical_forms_tell_all_six_node_graphs_apart() -> None:
    atlas = [graph for graph in nx.graph_atlas_g() if len(graph) == 6]
    assert len({Pattern.read(graph)[0].canonical for graph in atlas}) == len(atlas) == 156


# -- large graphs and large numbers ------------------------------------------------------------------------------------


def test_numbers_beyond_64_bits() -> None:
    clique = CLIQUE(300)
    assert count_homomorphisms(PATH(12), clique) == 300 * 299**11
    assert count_homomorphisms(CYCLE(12), clique) == 299**12 + 299
    assert count_homomorphisms(CLIQUE(5), CLIQUE(20)) == math.perm(20, 5)
    with pytest.raises(ValueError, match="int64"):
        count_homomorphisms(PATH(12), clique, root=0)


def test_numbers_between_53_and_63_bits_are_exact() -> None:
    closed_walks = (59**11 - 59) // 60
    assert 2**53 < closed_walks < 2**63
    assert set(count_homomorphisms(CYCLE(11), CLIQUE(60), root=0).tolist()) == {closed_walks}


def test_sums_of_exact_counts_may_leave_int64() -> None:
    """Each rooted count of closed walks fits into float64, but not the total of 1,400 of them into int64."""
    graph = nx.circulant_graph(1400, range(1, 31))  # regular of degree 60, and so 60^9 walks of length 9 from each node
    assert 60**9 * 1400 > 2**63 > 60**9
    assert count_homomorphisms(PATH(10), graph) == 60**9 * 1400
    assert count_homomorphisms(nx.disjoint_union(PATH(3), CLIQUE(2)), graph, root=0).tolist() == [60**3 * 1400] * 1400


def test_sparse_and_dense_tables_agree() -> None:
    """Beyond 512 nodes tables are sparse; a graph and many isolated nodes beside it must count the same."""
    graph = nx.gnp_random_graph(16, 0.4, seed=1)
    larger = nx.disjoint_union(graph, nx.empty_graph(500))
    patterns = [*FIVE, CLIQUE(4), nx.complete_bipartite_graph(3, 3), nx.wheel_graph(6), PATH(11)]
    for pattern in patterns:
        rooted = count_homomorphisms(pattern, graph, root=0)
        assert count_homomorphisms(pattern, larger, root=0).tolist() == rooted.tolist() + [0] * 500


def test_dense_products_on_a_large_dense_graph() -> None:
    graph = nx.complete_multipartite_graph(300, 300)
    closed = 2 * 300**6  # eigenvalues 300 and -300
    assert count_homomorphisms(CYCLE(6), graph) == closed
    assert count_homomorphisms(CYCLE(5), graph) == 0
    assert count_homomorphisms(CYCLE(10), graph) == 2 * 300**10


def test_cliques_of_a_random_graph() -> None:
    graph = nx.gnp_random_graph(40, 0.35, seed=3)
    sizes = [len(clique) for clique in nx.enumerate_all_cliques(graph)]
    for k in (3, 4, 5):
        assert count_homomorphisms(CLIQUE(k), graph) == math.factorial(k) * sizes.count(k)
        assert count_subgraphs(CLIQUE(k), graph) == sizes.count(k)


def test_nodes_edges_and_nothing() -> None:
    assert count_homomorphisms(CLIQUE(1), nx.empty_graph(4)) == 4
    assert count_homomorphisms(nx.empty_graph(3), nx.empty_graph(4)) == 64
    assert count_homomorphisms(CLIQUE(2), nx.empty_graph(4), root=0).tolist() == [0] * 4
    assert count_homomorphisms(CLIQUE(2), nx.empty_graph(0)) == 0
    assert count_subgraphs(nx.empty_graph(3), nx.empty_graph(4)) == 4


def test_roots_by_name_and_number() -> None:
    pattern = nx.Graph([("hub", "a"), ("hub", "b")])
    graph = from_networkx(STAR(3))
    assert count_homomorphisms(pattern, graph, root="hub").tolist() == [9, 1, 1, 1]
    assert count_homomorphisms(pattern, graph, root="a").tolist() == [3, 3, 3, 3]
    assert count_subgraphs(from_networkx(PATH(3)), graph, root=1).tolist() == [3, 0, 0, 0]


# -- what the counts tell apart ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["c6", "decalin", "k33-prism", "csl-11"])
def test_trees_do_not_separate_what_colour_refinement_does_not(name: str) -> None:
    g, h = graph_pair(name)
    patterns = [graph for graph in nx.graph_atlas_g() if 0 < len(graph) <= 5 and nx.is_connected(graph)]
    patterns += [CYCLE(6), CYCLE(7), nx.balanced_tree(2, 2), PATH(7)]
    differ = {1: 0, 2: 0}
    for pattern in patterns:
        width = treewidth(pattern)
        if width in differ:
            differ[width] += count_homomorphisms(pattern, g) != count_homomorphisms(pattern, h)
    assert differ[1] == 0
    assert differ[2] > 0


def test_width_two_does_not_separate_the_rook_and_shrikhande_graphs() -> None:
    g, h = graph_pair("rook-shrikhande")
    for pattern in (CYCLE(6), nx.diamond_graph(), nx.complete_bipartite_graph(2, 3)):
        assert count_homomorphisms(pattern, g) == count_homomorphisms(pattern, h)
    assert count_homomorphisms(CLIQUE(4), g) > count_homomorphisms(CLIQUE(4), h) == 0


# -- the transform -----------------------------------------------------------------------------------------------------


def test_transform_appends_a_column_for_every_orbit() -> None:
    transform = HomomorphismCounts([CYCLE(4), STAR(2)])
    graph = from_networkx(nx.lollipop_graph(4, 3))
    graph.x = torch.zeros(7, 2, dtype=torch.float64)
    counted = transform(graph)
    assert transform.columns == [(0, 0), (1, 0), (1, 1)]
    assert counted.x.dtype == torch.float64
    assert counted.x[:, 2].tolist() == [22, 22, 22, 29, 8, 5, 2]
    degrees = [3, 3, 3, 4, 2, 2, 1]
    assert counted.x[:, 3].tolist() == [d**2 for d in degrees]
    assert graph.x.shape == (7, 2)
    assert "2 patterns" in repr(transform)


def test_transform_counts_subgraphs_of_rooted_patterns_through_a_loader() -> None:
    transform = Compose([HomomorphismCounts([(CLIQUE(3), 0), (PATH(3), 1)], subgraphs=True)])
    graphs = [from_networkx(nx.gnp_random_graph(12, 0.4, seed=seed)) for seed in range(6)]
    batch = next(iter(DataLoader([transform(graph) for graph in graphs], batch_size=6)))
    triangles = [nx.triangles(nx.gnp_random_graph(12, 0.4, seed=seed)) for seed in range(6)]
    assert batch.x[:, 0].tolist() == [own[v] for own in triangles for v in range(12)]
    whole = HomomorphismCounts([(CLIQUE(3), 0), (PATH(3), 1)], subgraphs=True)(Batch.from_data_list(graphs))
    assert torch.equal(whole.x, batch.x)


def test_transform_without_features_or_on_a_vector() -> None:
    graph = from_networkx(CYCLE(5))
    assert HomomorphismCounts([CYCLE(5)])(graph).x.tolist() == [[2 + 0.0]] * 5
    graph.x = torch.arange(5.0)
    assert HomomorphismCounts([CLIQUE(2)])(graph).x.shape == (5, 2)


# -- bad input ---------------------------------------------------------------------------------------------------------

ONE_WAY = Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2)
LOOP = Data(edge_index=torch.tensor([[0, 0, 1], [0, 1, 0]]), num_nodes=2)
REFUSED: list[tuple[Callable[[], object], type[Exception], str | None]] = [
    (lambda: treewidth(nx.empty_graph(0)), ValueError, "1 to 12"),
    (lambda: count_homomorphisms(PATH(13), CYCLE(5)), ValueError, "13 nodes"),
    (lambda: spasm(nx.Graph([(0, 0)])), ValueError, "self-loop"),
    (lambda: count_homomorphisms(ONE_WAY, CYCLE(5)), ValueError, "to_undirected"),
    (lambda: count_homomorphisms(LOOP, CYCLE(5)), ValueError, "self-loop"),
    (lambda: treewidth(Data(edge_index=torch.tensor([[0, 7], [7, 0]]), num_nodes=2)), ValueError, "node 7"),
    (lambda: count_homomorphisms(CYCLE(3), ONE_WAY), ValueError, "not symmetric"),
    (lambda: count_subgraphs(CYCLE(3), LOOP), ValueError, "itself"),
    (lambda: count_homomorphisms(CYCLE(3), CYCLE(5), root=9), ValueError, "root is 9"),
    (lambda: HomomorphismCounts([]), ValueError, "empty"),
    (lambda: HomomorphismCounts([(CYCLE(3), 5)]), ValueError, "root of pattern 0"),
    (lambda: HomomorphismCounts(CYCLE(3)), TypeError, None),
    (lambda: HomomorphismCounts(3), TypeError, "patterns is int"),  # type: ignore[arg-type]
    (lambda: HomomorphismCounts([(CYCLE(3), 0, 1)]), ValueError, "a tuple of 3"),  # type: ignore[list-item]
    (lambda: HomomorphismCounts([CYCLE(3)])(HeteroData()), TypeError, None),
    (lambda: treewidth(nx.DiGraph([(0, 1)])), TypeError, "undirected"),
    (lambda: treewidth(nx.MultiGraph([(0, 1)])), TypeError, "undirected"),
    (lambda: treewidth("C6"), TypeError, None),  # type: ignore[arg-type]
    (lambda: count_homomorphisms(CYCLE(3), HeteroData()), TypeError, None),  # type: ignore[arg-type]
    *[(lambda kind=kind: HomomorphismCounts([STAR(4)])(
        Data(x=torch.ones(40, 1).to(kind), edge_index=from_networkx(nx.complete_graph(40)).edge_index)),
       ValueError, "which does not hold the count") for kind in (torch.bool, torch.uint8, torch.float16)],
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
