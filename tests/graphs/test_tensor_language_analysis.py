"""Tensor language: the reference table of bounds, rewriting with few indices, and bounds against what the tests see."""

import itertools
import math

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from paperwright.data.graph_pairs import as_data, cfi_pair, graph_pair
from paperwright.graphs.tensor_language import architectures, parse, separation_power
from paperwright.graphs.tensor_language.analysis.analysis import analyse
from paperwright.graphs.tensor_language.analysis.bounds import Bound
from paperwright.graphs.tensor_language.analysis.normal_form import NormalForm
from paperwright.graphs.tensor_language.experiments.violations import (
    RandomExpressions,
    Trial,
)
from paperwright.graphs.tensor_language.homomorphisms.elimination import treewidth
from paperwright.graphs.tensor_language.language.builders import (
    E,
    Features,
    P,
    aggregate,
    apply,
    different,
    equal,
    indices,
    total,
)
from paperwright.graphs.tensor_language.language.expressions import Expression, Index

x, y, z = indices("x y z")
a, b, c, d = indices("a b c d")
quick = settings(max_examples=10, deadline=None, derandomize=True)
seeds = st.integers(0, 2**31)


def pattern(graph: nx.Graph, root: object = None, *, injective: bool = False) -> Expression:
    """Homomorphisms from a graph, with one of its nodes free if it is named; with `injective`, the injective ones."""
    names = dict(zip(graph, indices(" ".join(f"v{i}" for i in range(len(graph)))), strict=True))
    factors = [E(names[u], names[v]) for u, v in graph.edges]
    factors += [different(names[u], names[v]) for u, v in nx.complement(graph).edges if injective]
    return total(tuple(names[v] for v in graph if v != root), math.prod(factors[1:], start=factors[0]))


def row(expression: Expression) -> tuple:
    found = analyse(expression)
    return tuple(found.written), found.guarded, found.pareto


# -- reference figures -------------------------------------------------------------------------------------------------

TABLE = {
    "GCN, 3 layers": (lambda: architectures["gcn"](layers=3), (2, 4), 4, ((2, 4),)),
    "two hops": (lambda: total((b, c), E(x, b) * E(b, c)), (3, 2), 2, ((2, 2),)),
    "star": (lambda: total((b, c, d), E(x, b) * E(x, c) * E(x, d)), (4, 3), 1, ((2, 1),)),
    "A^3 F": (lambda: total((b, c, d), E(x, b) * E(b, c) * E(c, d) * Features(d)), (4, 3), 3, ((2, 3), (3, 2))),
    "8-node path, closed": (lambda: pattern(nx.path_graph(8)), (8, 8), 4, ((2, 5), (3, 4))),
    "C6 rooted": (lambda: pattern(nx.cycle_graph(6), 0), (6, 5), None, ((3, 3),)),
    "C8 closed": (lambda: pattern(nx.cycle_graph(8)), (8, 8), None, ((3, 4),)),
    "K4 rooted": (lambda: pattern(nx.complete_graph(4), 0), (4, 3), None, ((4, 3),)),
    "injective C6, closed": (lambda: pattern(nx.cycle_graph(6), injective=True), (6, 6), None, ((3, 4),)),
    "PPGN, 2 layers, pairs": (lambda: architectures["ppgn"](layers=2), (3, 2), None, ((3, 2),)),
    "PPGN, with readout": (lambda: architectures["ppgn"](layers=2, readout=True), (3, 4), None, ((3, 4),)),
    "2-IGN, 1 layer, pairs": (lambda: architectures["ign"](layers=1), (2, 2), None, ((2, 2),)),
    "2-IGN, 2 layers, pairs": (lambda: architectures["ign"](layers=2), (2, 4), None, ((2, 3),)),
    "walks of 8 steps": (lambda: architectures["walk_mpnn"](layers=1, length=8), (9, 7), None, ((3, 3),)),
    "edge-deleted GNN": (lambda: architectures["edge_deleted_gnn"](layers=2), (4, 5), None, ((4, 5),)),
}


@pytest.mark.parametrize("name", TABLE)
def test_reference_table(name: str):
    build, *expected = TABLE[name]
    assert row(build()) == tuple(expected)


def test_the_example_of_the_paper_needs_three_indices():
    found = analyse(total((y, z), E(x, y) * E(x, z) * E(y, z)))
    assert found.pareto == ((3, 2),)
    text = found.explain()
    assert "at most 2 rounds of folklore 2-WL (once stable the same as oblivious 3-WL)" in text
    assert "What costs 3 indices: sum_{y, z} E(" in text


def test_a_layer_is_explained():
    found = analyse(apply(torch.tanh, Features(x), total(y, E(x, y) * Features(y))))
    first = found.explain().splitlines()[0]
    assert first == "2 indices, guarded, depth 1: at most 1 round of colour refinement, on vertices"


# -- how sums are read -------------------------------------------------------------------------------------------------


SMALL = [g for g in nx.graph_atlas_g()[1:] if len(g) <= 5 and len(g.edges) and nx.is_connected(g)]
NAMED = {3: [nx.complete_bipartite_graph(3, 3), nx.cubical_graph(), nx.grid_2d_graph(3, 3)], 4: [nx.octahedral_graph()]}


def largest_degree_on_elimination(graph: nx.Graph, order: tuple) -> int:
    graph, most = graph.copy(), 0
    for v in order:
        near = list(graph[v])
        most = max(most, len(near))
        graph.add_edges_from(itertools.combinations(near, 2))
        graph.remove_node(v)
    return most


def test_one_index_more_than_the_treewidth():
    """Treewidth is the least, over all orders of elimination, of the largest degree at a node's turn."""
    for graph in SMALL:
        width = min(largest_degree_on_elimination(graph, order) for order in itertools.permutations(graph))
        assert analyse(pattern(graph)).pareto[0][0] == width + 1
        assert treewidth(graph) == width
    for width, graphs in NAMED.items():
        assert [analyse(pattern(graph)).pareto[0][0] for graph in graphs] == [width + 1] * len(graphs)


@pytest.mark.parametrize("n", range(2, 12))
def test_tree_depth_of_paths_and_cycles(n: int):
    path = analyse(pattern(nx.path_graph(n))).pareto
    assert path[-1][1] == math.ceil(math.log2(n + 1))
    assert path[0] == (2, n // 2 + 1)  # from the middle outwards
    if n > 2:
        assert analyse(pattern(nx.cycle_graph(n))).pareto[-1][1] == 1 + math.ceil(math.log2(n))


def test_closed_parts_and_parts_of_outer_nodes_stand_beside():
    deep = apply(torch.tanh, total(y, E(x, y) * apply(torch.tanh, total(x, E(x, y) * P(0, x)))))
    closed = total(x, deep)
    assert row(apply(torch.tanh, P(0, x), closed))[1:] == (None, ((2, 3),))
    # The sum over y is of a function of y's label: what x knows and what the graph is stand beside it.
    one = total(y, E(x, y) * apply(torch.tanh, deep, P(0, y), closed))
    assert analyse(one).pareto == ((2, 3),)
    assert analyse(total(y, E(x, y) * apply(torch.tanh, deep, P(0, y)))).guarded == 2
    assert analyse(total(y, E(x, y) * apply(torch.tanh, deep.renamed({x: y}), P(0, x)))).guarded == 3


def test_guards():
    h = apply(torch.tanh, P(0, x), P(0, y))
    assert analyse(total(y, E(x, y) * h)).guarded == 1
    assert analyse(total(y, h)).guarded is None
    assert analyse(total(y, (1 - E(x, y)) * h)).guarded is None
    assert analyse(total(x, total(y, (1 - E(x, y)) * P(0, y)))).guarded == 1  # degrees count
    assert analyse(total(y, E(x, y) * total(z, E(x, z) * E(y, z)))).guarded is None
    assert analyse(aggregate("max", y, E(x, y) * P(0, y), h)).guarded == 1
    assert analyse(aggregate("max", y, P(0, y), h)).guarded is None
    assert analyse(total(y, E(x, y, type=1) * h)).bound.assumptions != ()


def test_equalities_and_inequalities():
    assert row(total(y, equal(x, y) * P(0, y)))[1:] == (0, ((1, 0),))
    assert row(total((y, z), E(x, y) * different(x, y) * E(x, z)))[1:] == (1, ((2, 1),))
    assert row(total((y, z), E(x, y) * E(x, z) * different(y, z)))[1:] == (1, ((2, 1),))  # pairs of neighbours
    assert row(total((y, z), E(x, y) * E(y, z) * different(x, z)))[1:] == (2, ((2, 2),))  # non-backtracking
    assert analyse(total(y, E(y, y))).pareto == ((1, 0),)
    f = apply(torch.tanh, E(x, y), P(0, x))
    assert analyse(total(y, equal(x, y) * f)).pareto == ((1, 0),)


def test_levels():
    h = total(y, E(x, y) * P(0, y))
    assert (analyse(h).bound.level, analyse(h).bound.test) == ("vertex", "cr")
    pair = apply(torch.tanh, h, h.renamed({x: z}))
    assert (analyse(pair).bound.level, analyse(pair).bound.rounds, analyse(pair).bound.test) == ("pair", 1, "cr")
    graph = total(x, h)
    assert (analyse(graph).bound.level, analyse(graph).bound.rounds) == ("graph", 1)
    unguarded = total(x, apply(torch.tanh, total(y, apply(torch.tanh, P(0, x), P(0, y)))))
    assert analyse(unguarded).guarded is None
    assert (analyse(unguarded).bound.test, analyse(unguarded).bound.rounds) == ("cr", 1)  # Theorem 4.4: depth 2
    assert analyse(E(x, y) * E(y, z)).bound.level == "3-tuple"


def test_products_too_large_to_distribute_are_kept_closed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("paperwright.graphs.tensor_language.analysis.normal_form.MOST_PRODUCTS", 20)
    h = math.prod((P(0, x) + total(y, E(x, y) * P(i + 1, y)) for i in range(8)), start=P(0, x))
    assert analyse(h).pareto == ((2, 1),)  # each factor on its own
    found = analyse(total(x, E(x, z) * h))
    assert not found.exact
    assert found.guarded == 2
    assert "an upper bound" in found.explain()
    assert len(NormalForm().blocks(h)) <= 20


def test_more_sums_than_can_be_ordered_exactly(monkeypatch: pytest.MonkeyPatch):
    grid = pattern(nx.grid_2d_graph(3, 4))
    best = analyse(grid)
    assert best.exact
    assert best.pareto[0][0] == 4  # treewidth 3
    monkeypatch.setattr("paperwright.graphs.tensor_language.analysis.summation_order.MOST_SETS", 50)
    found = analyse(grid)
    assert not found.exact
    names, depth = found.pareto[0]
    assert names >= 4
    assert all(depth >= least for k, least in best.pareto if k >= names)
    assert len(found.rewritten(names).indices) == names


def test_deep_networks_that_share_parts_are_analysed_at_once():
    assert analyse(architectures["gat"](layers=12)).guarded == 12  # 5^12 parts if they were written out
    deep = architectures["gin"](layers=60)
    assert analyse(deep).pareto == ((2, 60),)
    assert deep.evaluate(as_data(nx.path_graph(3))).shape == (3, 1)
    assert len(repr(deep)) < 100


# -- rewriting ---------------------------------------------------------------------------------------------------------


def random_expression(seed: int, depth: int = 3) -> Expression:
    random = np.random.default_rng(seed)
    names = int(random.integers(2, 5))
    return RandomExpressions(random, names).draw(int(random.integers(0, 3)), int(random.integers(0, depth + 1)))


def some_graphs(seed: int) -> list[Data]:
    graphs = [*graph_pair("c6"), *graph_pair("k33-prism"), as_data(nx.gnp_random_graph(6, 0.5, seed=seed % 1000))]
    labels = torch.Generator().manual_seed(seed)
    for graph in graphs:
        graph.x = torch.randint(0, 3, (6, 1), generator=labels).double()
    return graphs


@quick
@given(seeds)
def test_rewritten_expressions_have_the_same_values(seed: int):
    expression = random_expression(seed)
    found, trial = analyse(expression), Trial(some_graphs(seed))
    values = trial.values(expression)
    for names, _ in found.pareto:
        rewritten = found.rewritten(names)
        assert len(rewritten.indices) <= names
        assert torch.equal(trial.values(rewritten), values)
        assert analyse(rewritten).pareto[0][0] <= names


@pytest.mark.parametrize("name", TABLE)
def test_rows_of_the_table_rewritten(name: str):
    expression = TABLE[name][0]()
    found = analyse(expression)
    graph = as_data(nx.gnp_random_graph(6, 0.6, seed=4))
    graph.x = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    values = expression.evaluate(graph)
    for names, depth in found.pareto:
        rewritten = found.rewritten(names)
        assert len(rewritten.indices) <= names
        assert rewritten.summation_depth >= depth
        scale = values.abs().max().clamp(min=1)
        torch.testing.assert_close(rewritten.evaluate(graph) / scale, values / scale, atol=1e-10, rtol=0)


def test_terms_that_cancel_leave_shape_and_width_behind():
    graph = as_data(nx.path_graph(3))
    graph.x = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    nothing = total(z, Features(x) * E(y, y) * P(0, z)) + 0.0
    assert analyse(nothing).rewritten(2).evaluate(graph).shape == (3, 3, 4) == nothing.evaluate(graph).shape
    wide = apply(torch.nn.Linear(4, 2).double(), Features(x) - Features(x))
    torch.testing.assert_close(analyse(wide).rewritten(1).evaluate(graph), wide.evaluate(graph))


def test_too_few_indices_are_refused():
    found = analyse(pattern(nx.complete_graph(4)))
    with pytest.raises(ValueError, match="indices is 3, but the expression needs 4"):
        found.rewritten(3)
    with pytest.raises((ValueError, TypeError), match=r"whole number|violates type hint"):
        found.rewritten(4.5)
    with pytest.raises(TypeError, match="expression"):
        analyse("E(x, y)")


@quick
@given(seeds)
def test_fewer_indices_never_need_fewer_rounds(seed: int):
    front = analyse(random_expression(seed)).pareto
    assert list(front) == sorted(front)
    assert all(one[1] > other[1] for one, other in itertools.pairwise(front))


@quick
@given(seeds)
def test_bounds_never_exceed_what_is_written(seed: int):
    expression = random_expression(seed)
    found = analyse(expression)
    names, depth = found.written
    assert any(k <= max(names, 1) and rounds <= depth for k, rounds in found.pareto)


# -- the bound holds ---------------------------------------------------------------------------------------------------


def test_a_bound_runs_its_test():
    vertices = Bound("cr", 1, None, "vertex")
    assert not vertices.separates(*graph_pair("c6"))
    assert vertices.separates(*graph_pair("p4-k13"))
    assert Bound("wl", 2, 1, "graph").separates(*graph_pair("c6"))
    assert Bound("wl", 2, 2, "vertex").separates(*graph_pair("c6"))
    assert not Bound("wl", 2, 1, "vertex").separates(*graph_pair("c6"))  # a node knows one round later
    assert not Bound("cr", 1, 0, "graph").separates(*graph_pair("p4-k13"))
    assert Bound("wl", 2, 2, "pair").separates(*cfi_pair(nx.cycle_graph(5)))
    assert not Bound("wl", 2, None, "pair").separates(*cfi_pair(nx.complete_graph(4)))
    assert Bound("none", 1, None, "vertex", ("it is random",)).separates(*graph_pair("c6"))


def test_a_bound_at_the_level_of_pairs_sees_the_edges():
    ours, theirs = graph_pair("c6")
    fewer = as_data(nx.empty_graph(6))
    assert not Bound("cr", 1, 0, "vertex").separates(ours, fewer)
    assert Bound("cr", 1, 0, "pair").separates(ours, fewer)
    assert not Bound("wl", 1, 2, "pair").separates(ours, theirs)
    (colors,) = Bound("wl", 1, 0, "pair").colors([ours])
    assert colors.shape == (6, 6)
    assert colors.unique().numel() == 3
    assert Bound("wl", 2, 0, "3-tuple").colors([ours])[0].shape == (6, 6, 6)


def test_graphs_of_different_sizes_are_told_apart():
    for level in ("vertex", "pair", "graph"):
        assert Bound("cr", 1, 0, level).separates(nx.path_graph(3), nx.path_graph(4))


def test_labels_are_the_first_colours():
    ours, theirs = graph_pair("c6")
    ours.x, theirs.x = torch.zeros(6, 1), torch.zeros(6, 1)
    assert not Bound("cr", 1, None).separates(ours, theirs)
    theirs.x = torch.tensor([[1.0]] + [[0.0]] * 5)
    assert Bound("cr", 1, 0).separates(ours, theirs)
    with pytest.raises(ValueError, match="give them to all"):
        Bound("cr", 1, 0).separates(ours, graph_pair("c6")[0])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Bound("cr", 0, 1), "k is 0; expected a whole number of at least 1"),
        (lambda: Bound("cr", 2, 1), "k is 2; expected 1 for colour refinement"),
        (lambda: Bound("wl", 2, -1), "rounds is -1; expected a whole number of at least 0"),
        (lambda: Bound("cr", 1, 1.5), "rounds is 1.5; expected a whole number|violates type hint"),
        (lambda: Bound("cr", 1, 1, None), "level is None|violates type hint"),
        (lambda: Bound("cr", 1, 1, "edge"), "'graph', 'vertex', 'pair'"),
        (lambda: Bound("none", 1, None, "graph", ("it is random",)).colors([nx.path_graph(2)]), "it is random"),
    ],
)
def test_bad_bounds_are_refused(build, message: str):
    with pytest.raises((ValueError, TypeError), match=message):
        build()


def test_a_bound_in_words():
    assert str(Bound("cr", 1, 1)) == "at most 1 round of colour refinement, on vertices"
    assert str(Bound("cr", 1, None, "graph")) == "any number of rounds of colour refinement, on graphs"
    wl = Bound("wl", 2, 3, "pair")
    assert str(wl) == "at most 3 rounds of folklore 2-WL (once stable the same as oblivious 3-WL), on pairs of vertices"
    assert separation_power(E(x, y)) == analyse(E(x, y)).bound


def test_an_index_is_a_name():
    assert str(Index("x1")) == "x1"
    assert sorted(indices("b a")) == list(indices("a b"))


def test_more_names_than_are_of_use_change_nothing() -> None:
    hops = parse("sum_{b, c} E(x, b) * E(b, c)")
    assert analyse(hops).rewritten(10**9) == analyse(hops).rewritten(3)


def test_tuples_that_are_too_many_are_refused() -> None:
    with pytest.raises(ValueError, match="9-tuples of 6 nodes have 362,797,056 parts"):
        Bound("wl", 2, 1, "9-tuple").colors([nx.cycle_graph(6)])
