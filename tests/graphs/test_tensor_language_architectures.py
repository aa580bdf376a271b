"""Tensor language: every row of the table of architectures, and what the expressions of some of them compute."""

import inspect
import math
from typing import Any

import networkx as nx
import pytest
import torch
from torch_geometric.data import Data

from paperwright.data.graph_pairs import as_data, graph_pair
from paperwright.graphs.tensor_language import architectures, separation_power
from paperwright.graphs.tensor_language.analysis.analysis import analyse
from paperwright.graphs.tensor_language.architectures.higher_order import concatenate
from paperwright.graphs.tensor_language.architectures.message_passing import inverse_root, quotient
from paperwright.graphs.tensor_language.language.builders import E, P, indices, total

x, y = indices("x y")


def cr(rounds: int | None) -> tuple:
    return "cr", 1, rounds


def wl(k: int, rounds: int | None) -> tuple:
    return "wl", k, rounds


# -- the table ---------------------------------------------------------------------------------------------------------

T = 3
ROWS: list[tuple[str, dict[str, Any], tuple, str]] = [
    *[(name, {"layers": T}, cr(T), "vertex") for name in ("basic_gnn", "gin", "gat", "gated_gcn", "pna", "r_gcn")],
    *[("graphsage", {"layers": T, "aggregation": how}, cr(T), "vertex") for how in ("sum", "mean", "max")],
    ("gcn", {"layers": T}, cr(T + 1), "vertex"),
    ("sgc", {"hops": 5}, cr(6), "vertex"),
    ("appnp", {"hops": 6}, cr(7), "vertex"),
    *[("chebnet", {"layers": t, "terms": K}, cr(t * (K - 1) + 1), "vertex") for t, K in [(1, 2), (2, 4)]],
    ("chebnet_own_lambda_max", {"layers": 2}, wl(2, None), "vertex"),
    *[(name, {}, cr(None), "vertex") for name in ("cayleynet", "arma", "ppnp")],
    *[(name, {"layers": T}, wl(1, T), "vertex") for name in ("egin", "virtual_node", "full_attention")],
    ("graph_norm", {"layers": T}, wl(1, T + 1), "vertex"),
    *[(name, {"layers": T, "readout": True}, cr(T), "graph") for name in ("gin", "pna", "egin", "virtual_node")],
    ("gcn", {"layers": T, "readout": True}, cr(T + 1), "graph"),
    ("graph_norm", {"layers": T, "readout": True}, cr(T), "graph"),
    ("ppgn", {"layers": T}, wl(2, T), "pair"),
    ("k_fgnn", {"layers": 2, "k": 3}, wl(3, 2), "3-tuple"),
    *[("ign", {"layers": t, "order": 2}, wl(1, t + 1), "pair") for t in (1, 2, 3)],
    ("ign", {"layers": 1, "order": 3}, wl(2, 3), "3-tuple"),
    ("k_gnn", {"layers": T, "k": 2}, wl(1, T), "pair"),
    ("k_gnn", {"layers": T, "k": 3}, wl(2, T), "3-tuple"),
    ("local_k_gnn", {"layers": T, "k": 2}, wl(2, T), "pair"),
    ("delta_k_lgnn", {"layers": 2, "k": 3}, wl(3, 2), "3-tuple"),
    *[
        ("walk_mpnn", {"layers": t, "length": length}, wl(2, t * math.ceil(math.log2(length))), "pair")
        for t, length in [(1, 2), (1, 8), (2, 5)]
    ],
    ("id_gnn", {"layers": T}, wl(2, T), "vertex"),
    ("node_marked_gnn", {"layers": T}, wl(2, T + 1), "vertex"),
    ("node_deleted_gnn", {"layers": T}, wl(2, T + 1), "vertex"),
    ("ego_gnn", {"layers": T, "radius": 2}, wl(2, T + 2), "vertex"),
    ("edge_deleted_gnn", {"layers": 2}, wl(3, 5), "graph"),
    ("homomorphism_gin", {"layers": T, "patterns": [nx.star_graph(3)]}, cr(T + 1), "vertex"),
    ("homomorphism_gin", {"layers": T, "patterns": nx.complete_graph(3)}, wl(2, T + 2), "vertex"),
    ("homomorphism_gin", {"layers": T, "patterns": [nx.path_graph(3), nx.complete_graph(4)]}, wl(3, T + 3), "vertex"),
    ("homomorphism_gin", {"layers": T, "patterns": [nx.octahedral_graph()]}, wl(4, T + 4), "vertex"),
    ("gsn", {"layers": T, "patterns": [nx.star_graph(3)]}, cr(T + 1), "vertex"),
    ("gsn", {"layers": T, "patterns": [nx.cycle_graph(6)]}, wl(2, T + 3), "vertex"),
    ("simplicial", {"layers": 2, "dimension": 1}, cr(2), "vertex"),
    *[("simplicial", {"layers": p, "dimension": p}, wl(p, p), "vertex") for p in (2, 3)],
    *[("simplicial", {"layers": p + 1, "dimension": p, "lower": True}, wl(p + 1, p + 1), "vertex") for p in (1, 2)],
    *[
        (name, {}, ("none", 1, None), "vertex")
        for name in ("random_features", "node_ids", "lstm_aggregation", "top_k_pooling")
    ],
]


@pytest.mark.parametrize(("name", "sizes", "expected", "level"), ROWS, ids=lambda value: str(value)[:60])
def test_every_row_of_the_table(name: str, sizes: dict[str, Any], expected: tuple, level: str):
    bound = separation_power(name, **sizes)
    assert (bound.test, bound.k, bound.rounds) == expected
    assert bound.level == level


@pytest.mark.parametrize(
    ("pattern", "hereditary_treewidth"),
    [
        (nx.path_graph(4), 2),
        (nx.cycle_graph(4), 2),
        (nx.diamond_graph(), 2),
        (nx.complete_graph(4), 3),
    ],
    ids=str,
)
def test_subgraph_counts_need_the_hereditary_treewidth(pattern: nx.Graph, hereditary_treewidth: int):
    bound = separation_power("gsn", layers=1, patterns=pattern)
    assert (bound.test, bound.k) == ("wl", hereditary_treewidth)


def test_every_architecture_stands_in_the_table():
    assert {name for name, *_ in ROWS} == set(architectures)


@pytest.mark.parametrize("name", [name for name, found in architectures.items() if found.build is not None])
def test_expressions_can_be_evaluated_and_keep_to_their_bound(name: str):
    """Whatever stable test bounds it, its values agree where the colours do."""
    parameters = inspect.signature(architectures[name].build).parameters
    sizes = {size: 2 for size in ("layers", "hops", "terms") if size in parameters}
    expression = architectures[name](**sizes)
    bound = separation_power(name, **sizes)
    graphs = [*graph_pair("k33-prism"), *graph_pair("c6")]
    for graph in graphs:
        graph.x = torch.full((graph.num_nodes, 2), 0.7, dtype=torch.float64)
        edges = graph.edge_index
        graph.edge_type = torch.zeros(edges.size(1), dtype=torch.long)
    values = [expression.evaluate(graph) for graph in graphs]
    colors = bound.colors(graphs)
    rows = torch.cat([v.reshape(c.numel(), -1) for v, c in zip(values, colors, strict=True)])
    flat = torch.cat([c.reshape(-1) for c in colors])
    assert rows.isfinite().all()
    for color in flat.unique():
        alike = rows[flat == color]
        torch.testing.assert_close(alike, alike[:1].expand_as(alike), atol=1e-8, rtol=1e-8)


# -- what they compute -------------------------------------------------------------------------------------------------


def labelled(graph: nx.Graph, seed: int = 0) -> Data:
    data = as_data(graph)
    data.x = torch.randn(len(graph), 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return data


def adjacency(graph: nx.Graph, *, loops: bool) -> torch.Tensor:
    A = torch.from_numpy(nx.to_numpy_array(graph)) + (torch.eye(len(graph), dtype=torch.float64) if loops else 0)
    scale = A.sum(dim=1).rsqrt()
    return scale[:, None] * A * scale


GRAPH = nx.gnp_random_graph(7, 0.5, seed=3)


def test_propagation_is_a_power_of_the_normalised_adjacency():
    data = labelled(GRAPH)
    N = adjacency(GRAPH, loops=True)
    torch.testing.assert_close(architectures["sgc"](hops=3).evaluate(data), torch.linalg.matrix_power(N, 3) @ data.x)
    h = data.x
    for _ in range(4):
        h = 0.9 * N @ h + 0.1 * data.x
    torch.testing.assert_close(architectures["appnp"](hops=4).evaluate(data), h)


def test_filters_are_the_limits_of_their_expressions():
    data = labelled(GRAPH)
    I = torch.eye(7, dtype=torch.float64)  # noqa: E741 - the identity
    exact = 0.5 * torch.linalg.solve(I - 0.5 * adjacency(GRAPH, loops=True), data.x)
    found = architectures["ppnp"](terms=16, alpha=0.5).evaluate(data)
    torch.testing.assert_close(found, exact, atol=1e-8, rtol=1e-8)
    N = adjacency(GRAPH, loops=False)
    exact = torch.linalg.solve(I - 0.5 * N, data.x)
    torch.testing.assert_close(architectures["arma"](terms=16).evaluate(data), exact, atol=1e-8, rtol=1e-8)
    L = (I - N).to(torch.complex128)
    turn = (L - 1j * I) @ torch.linalg.inv(L + 1j * I)
    exact = data.x + 2 * ((turn + turn @ turn) @ data.x.to(torch.complex128)).real
    torch.testing.assert_close(
        architectures["cayleynet"](terms=24, order=2).evaluate(data), exact, atol=1e-8, rtol=1e-8
    )


def test_chebnet_with_the_graphs_own_eigenvalue():
    graph = nx.lollipop_graph(4, 2)
    data = labelled(graph)
    L = torch.eye(6, dtype=torch.float64) - adjacency(graph, loops=False)
    scaled = 2 / torch.linalg.eigvalsh(L)[-1] * L - torch.eye(6, dtype=torch.float64)
    T = [data.x, scaled @ data.x, 2 * scaled @ (scaled @ data.x) - data.x]
    exact = torch.tanh(T[0] + T[1] / 2 + T[2] / 3)
    found = architectures["chebnet_own_lambda_max"](layers=1, terms=3, nodes=6).evaluate(data)
    torch.testing.assert_close(found, exact, atol=1e-6, rtol=1e-6)


def test_a_layer_of_an_ign_has_every_linear_equivariant_map():
    """One step of order 2 mixes 15 maps: as many as there are partitions of four indices, and they are independent."""
    from paperwright.graphs.tensor_language.architectures.higher_order import _equivariant_terms

    nodes = indices("x y")
    for order, count in ((2, 15), (3, 203)):
        names = indices("x y z")[:order]
        terms = list(
            _equivariant_terms(lambda at: math.prod([P(i, v) for i, v in enumerate(at)], start=1 * E(*at[:2])), names)
        )
        assert len(terms) == count
    entries = torch.randn(5, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    columns = []
    for k in range(3):
        data = as_data(nx.complete_graph(5))
        data.x = entries[..., k]

        def entry(at: tuple) -> Any:
            # Any matrix M as an expression: sum_j M_uj [v = j], told by the columns of x and of the identity.
            return sum((P(j, at[0]) * P(j + 5, at[1]) for j in range(1, 5)), start=P(0, at[0]) * P(5, at[1]))

        data.x = torch.cat([data.x, torch.eye(5, dtype=torch.float64)], dim=1)
        values = [term.evaluate(data, order=term.free) for term in _equivariant_terms(entry, nodes)]
        wide = [
            _on_pairs(value, term.free) for value, term in zip(values, _equivariant_terms(entry, nodes), strict=True)
        ]
        columns.append(torch.stack([value.flatten() for value in wide]))
    assert torch.linalg.matrix_rank(torch.cat(columns, dim=1)).item() == 15


def _on_pairs(values: torch.Tensor, free: tuple) -> torch.Tensor:
    """Values over some of x and y as a matrix over both."""
    flat = values[..., 0]
    if free == (x,):
        flat = flat[:, None]
    elif free == (y,):
        flat = flat[None, :]
    return flat.expand(5, 5)


def test_readouts_see_the_parity_of_cycles_only_with_marks():
    """C6 and two triangles: a marked node tells the cycle's length, message passing does not."""
    ours, theirs = graph_pair("c6")
    for name, told in (
        ("gin", False),
        ("id_gnn", True),
        ("node_marked_gnn", True),
        ("ppgn", True),
        ("virtual_node", False),
    ):
        sizes = {"layers": 3, "readout": True}
        values = [architectures[name](**sizes).evaluate(graph) for graph in (ours, theirs)]
        assert bool((values[0] - values[1]).abs().max() > 1e-9) is told
        assert separation_power(name, **sizes).separates(ours, theirs) is told


def test_counts_as_features_are_the_counts():
    data = as_data(nx.gnp_random_graph(8, 0.6, seed=2))
    A = torch.from_numpy(nx.to_numpy_array(nx.gnp_random_graph(8, 0.6, seed=2)))
    from paperwright.graphs.tensor_language.architectures.subgraph_networks import pattern_count
    from paperwright.graphs.tensor_language.homomorphisms.patterns import Pattern

    triangle, square = (Pattern.read(nx.cycle_graph(n))[0] for n in (3, 4))
    rooted = pattern_count(triangle, x, injective=False).evaluate(data)[:, 0]
    torch.testing.assert_close(rooted, torch.linalg.matrix_power(A, 3).diagonal())
    paths = (A @ A - torch.diag(A.sum(1))) * (1 - torch.eye(8, dtype=torch.float64))
    injective = (paths * (paths - 1)).sum(dim=1)
    torch.testing.assert_close(pattern_count(square, x, injective=True).evaluate(data)[:, 0], injective)


def test_functions_of_the_builders():
    pair = torch.tensor([[1.0, 4.0, 2.0, 8.0]])
    assert quotient(pair).tolist() == [[0.5, 0.5]]
    assert inverse_root(torch.tensor([0.0, 4.0])).tolist() == [0.0, 0.5]
    assert concatenate(pair) is pair


# -- models and bad input ----------------------------------------------------------------------------------------------


def test_models_are_handed_on():
    from torch_geometric.nn import GIN

    bound = separation_power(GIN(4, 8, num_layers=3).eval())
    assert (bound.test, bound.rounds, bound.level) == ("cr", 3, "vertex")


def test_expressions_are_handed_on():
    degree = total(y, E(x, y))
    assert separation_power(degree) == analyse(degree).bound
    with pytest.raises(TypeError, match="no sizes"):
        separation_power(degree, layers=2)


@pytest.fixture
def unchecked():
    """Annotations are not executed, so that the room's own refusals are met."""
    from jaxtyping import config

    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("target", "sizes", "error", "message"),
    [
        ("transformer", {}, ValueError, "expected one of basic_gnn, gin"),
        ("gin", {"width": 3}, TypeError, "no size width; its sizes are layers, epsilon, readout"),
        ("gin", {"layers": 0}, ValueError, "layers is 0; expected a whole number of at least 1"),
        ("gin", {"layers": 10**6}, ValueError, "layers is 1000000; expected at most 1000"),
        ("gin", {"readout": "yes"}, TypeError, "readout is 'yes'; expected True or False"),
        ("ign", {"order": 4}, ValueError, "order is 4; expected at most 3"),
        ("graphsage", {"aggregation": "median"}, ValueError, "'sum', 'mean' or 'max'"),
        ("walk_mpnn", {"length": 1}, ValueError, "2 steps or more"),
        ("gsn", {"patterns": []}, ValueError, "patterns is empty"),
        ("gin", {"epsilon": "a"}, TypeError, "epsilon is 'a'; expected a finite number"),
        ("arma", {"pole": "a"}, TypeError, "pole is 'a'; expected a finite number"),
        ("cayleynet", {"zoom": math.nan}, ValueError, "zoom is nan; expected a finite number"),
        ("ppnp", {"alpha": None}, TypeError, "alpha is None; expected a finite number"),
        (3, {}, TypeError, "expected an expression, an architecture's name, or a model"),
    ],
)
def test_bad_targets_are_refused(target: Any, sizes: dict[str, Any], error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        separation_power(target, **sizes)


def test_what_is_no_function_of_the_graph_has_no_expression():
    with pytest.raises(ValueError, match="depend on the draw"):
        architectures["random_features"]()
    assert "no bound" in str(separation_power("lstm_aggregation"))
    with pytest.raises(TypeError):
        architectures["gin"] = architectures["gat"]
