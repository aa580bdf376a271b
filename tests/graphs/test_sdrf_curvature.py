"""Balanced Forman curvature: the reference figures, literal transcriptions of both definitions, and the invariants."""

from collections import Counter

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data, HeteroData

from paperwright.graphs.sdrf import BalancedFormanCurvature, CurvatureState, balanced_forman_curvature, spectral_gap
from paperwright.graphs.sdrf._bottlenecked_graphs import arcs_of

TIE = 1e-9
quick = settings(max_examples=25, deadline=None, derandomize=True)


# -- the two definitions, written down as they stand in the paper and in the released kernel ---------------------------


def paper_curvature(A: np.ndarray) -> np.ndarray:
    """Definition 1, with sets."""
    near = [set(np.flatnonzero(row).tolist()) for row in A]
    C = np.zeros(A.shape)

    def squares(i: int, j: int) -> dict[int, int]:
        through = {k: len((near[k] & near[j]) - near[i] - {i}) for k in near[i] - near[j] - {j}}
        return {k: count for k, count in through.items() if count}

    for i, j in zip(*np.nonzero(A), strict=True):
        m, M = sorted((len(near[i]), len(near[j])))
        if m > 1:
            t, Q = len(near[i] & near[j]), [*squares(i, j).values(), *squares(j, i).values()]
            C[i, j] = 2 / M + 2 / m - 2 + 2 * t / M + t / m + (len(Q) / (max(Q) * M) if Q else 0)
    return C


def official_at(A: np.ndarray, i: int, j: int, d_in: int, d_out: int) -> float:
    """One entry of the released kernel (curvature/cuda.py), for a 0/1 matrix that may be asymmetric."""
    M, m = max(d_in, d_out), min(d_in, d_out)
    if M * m == 0:
        return 0.0
    A2 = A @ A
    walks = np.concatenate([A[:, j] * (A2[i] - A[i]), A[i] * (A2[:, j] - A[:, j])])
    C = 2 / M + 2 / m - 2 + (2 / M + 1 / m) * A2[i, j]
    return C + ((walks > 0).sum() / (M * walks.max()) if walks.max() > 0 else 0.0)


def official_curvature(A: np.ndarray) -> np.ndarray:
    C = np.zeros(A.shape)
    for i, j in zip(*np.nonzero(A), strict=True):
        C[i, j] = official_at(A, i, j, A[:, i].sum(), A[j].sum())
    return C


def improved(A: np.ndarray, i: int, j: int, k: int, m: int, definition: str) -> float:
    """Curvature of i~j once k~m is there: recomputed, by the definition, on the changed graph."""
    B = A.copy()
    B[k, m] = 1
    if definition == "official":
        d_in, d_out = A[:, i].sum(), A[j].sum()
        return official_at(B, i, j, d_in + (m == i), d_out + (k == j and m != i))
    B[m, k] = 1
    return paper_curvature(B)[i, j]


LITERAL = {"paper": paper_curvature, "official": official_curvature}


def random_matrix(seed: int, *, directed: bool = False, largest: int = 13) -> np.ndarray:
    random = np.random.default_rng(seed)
    n = int(random.integers(2, largest))
    A = (random.random((n, n)) < random.random()).astype(np.int64)
    np.fill_diagonal(A, 0)
    return A if directed else np.triu(A) + np.triu(A).T


def edges_of(A: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack(np.nonzero(A)))


def matrix_of(edge_index: torch.Tensor, n: int) -> np.ndarray:
    A = np.zeros((n, n), dtype=np.int64)
    A[edge_index[0].numpy(), edge_index[1].numpy()] = 1
    return A


def values_of(graph: nx.Graph, definition: str = "paper") -> list[float]:
    """The values that occur, to six places, ascending."""
    values = balanced_forman_curvature(arcs_of(graph), graph.number_of_nodes(), definition=definition)
    return sorted(set(values.mul(1e6).round().div(1e6).add(0.0).tolist()))


def value_at(graph: nx.Graph, i: int, j: int, definition: str = "paper") -> float:
    return CurvatureState(arcs_of(graph), graph.number_of_nodes(), definition).curvature(i, j)


# -- reference figures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (nx.cycle_graph(3), [3 / 2]),
        (nx.cycle_graph(4), [1]),
        (nx.cycle_graph(5), [0]),
        (nx.cycle_graph(9), [0]),
        (nx.complete_graph(5), [1.25]),
        (nx.complete_graph(8), [8 / 7]),
        (nx.grid_2d_graph(5, 5, periodic=True), [0]),
        (nx.balanced_tree(2, 3), [-2 / 3, -1 / 3, 0]),
        (nx.balanced_tree(4, 3), [2 / 5 + 2 / 4 - 2, 4 / 5 - 2, 0]),
        (nx.star_graph(7), [0]),
        (nx.petersen_graph(), [-2 / 3]),
        (nx.complete_bipartite_graph(2, 3), [1 / 6]),
        (nx.complete_bipartite_graph(3, 3), [0]),
        (nx.hypercube_graph(3), [2 / 3]),
        (nx.circular_ladder_graph(5), [0, 2 / 3]),
        (nx.wheel_graph(6), [1 / 3, 8 / 15]),
        (nx.barbell_graph(5, 0), [-1.2, 0.85, 1.25]),
    ],
)
def test_values_of_known_graphs(graph: nx.Graph, expected: list[float]) -> None:
    assert values_of(graph) == pytest.approx(sorted(expected), abs=1e-6)


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (nx.cycle_graph(5), [1]),
        (nx.complete_graph(5), [1.75]),
        (nx.grid_2d_graph(5, 5, periodic=True), [-0.5]),
        (nx.balanced_tree(2, 3), [0, 2 / 9, 10 / 9]),
        (nx.wheel_graph(6), [0.773333, 1]),
        (nx.barbell_graph(5, 0), [-0.8, 1.21, 1.75]),
    ],
)
def test_official_values_of_known_graphs(graph: nx.Graph, expected: list[float]) -> None:
    assert values_of(graph, "official") == pytest.approx(expected, abs=1e-6)


def test_karate_club() -> None:
    graph = nx.karate_club_graph()
    edge_index = arcs_of(graph)
    curvature = balanced_forman_curvature(edge_index)
    assert float(curvature.sum()) / 2 == pytest.approx(-17.2422303922, abs=1e-9)
    state = CurvatureState(edge_index)
    assert state.min_edge() == (0, 31)
    assert state.curvature(0, 31) == pytest.approx(-1.3958333, abs=1e-7)
    assert [state.curvature(5, 6), state.curvature(4, 10)] == pytest.approx([1.0, 1.0])
    assert state.max_edge() == (4, 10)  # a tie: the smallest pair
    assert state.curvature(0, 1) == pytest.approx(0.125)
    assert state.curvature(32, 33) == pytest.approx(0.3676470588, abs=1e-9)
    assert state.curvature(1, 30) == pytest.approx(-0.8888888889, abs=1e-9)
    official = CurvatureState(edge_index, definition="official")
    assert (official.min_edge(), official.curvature(0, 31)) == ((0, 31), pytest.approx(-1.4557292, abs=1e-7))


def test_parts_of_an_edge() -> None:
    edge_index = torch.tensor([[0, 31, 0], [31, 0, 1]])
    whole = torch.cat([edge_index, arcs_of(nx.karate_club_graph())], dim=1)
    parts = balanced_forman_curvature(whole, return_parts=True)
    row = [int(getattr(parts, name)[0]) for name in parts.__dataclass_fields__]
    assert row == [16, 6, 0, 4, 3, 3]
    turned = [int(getattr(parts, name)[1]) for name in parts.__dataclass_fields__]
    assert turned == [6, 16, 0, 3, 4, 3]
    assert (int(parts.triangles[2]), int(parts.squares_i[2]), int(parts.squares_j[2])) == (7, 1, 1)


def test_other_curvatures_from_the_same_counts() -> None:
    graph = nx.barbell_graph(5, 0)
    assert value_at(graph, 4, 5, "forman") == 4 - 5 - 5
    assert value_at(graph, 0, 1, "augmented") == 4 - 4 - 4 + 3 * 3
    # Jost and Liu: a tree edge has -2 (1 - 1/d_i - 1/d_j)_+, a clique's (n-2)/(n-1)
    assert value_at(graph, 4, 5, "jost-liu") == pytest.approx(-2 * (1 - 2 / 5))
    assert values_of(nx.complete_graph(6), "jost-liu") == pytest.approx([4 / 5], abs=1e-6)


# -- against the literal transcriptions --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("definition", ["paper", "official"])
def test_agrees_with_the_definition(seed: int, definition: str) -> None:
    A = random_matrix(seed, directed=definition == "official" and seed % 2 == 1)
    edge_index = edges_of(A)
    curvature = balanced_forman_curvature(edge_index, len(A), definition=definition)
    expected = LITERAL[definition](A)[edge_index[0].numpy(), edge_index[1].numpy()]
    np.testing.assert_allclose(curvature.numpy(), expected, atol=1e-12)


@quick
@given(st.integers(0, 10**6), st.sampled_from(["paper", "official", "directed"]))
def test_state_equals_recomputation_after_any_flips(seed: int, kind: str) -> None:
    definition = "paper" if kind == "paper" else "official"
    A = random_matrix(seed, directed=kind == "directed")
    n, random = len(A), np.random.default_rng(seed)
    state = CurvatureState(edges_of(A), n, definition, directed=kind == "directed")
    for _ in range(12):
        u, v = random.choice(n, size=2, replace=False).tolist()
        state.remove_edge(u, v) if state.has_edge(u, v) else state.add_edge(u, v)
        edge_index = state.edge_index()
        A = matrix_of(edge_index, n)
        expected = LITERAL[definition](A)
        ends = [(i, j) for i, j in edge_index.T.tolist() if kind == "directed" or i < j]
        assert state.num_edges == len(ends)
        assert [state.curvature(i, j) for i, j in ends] == pytest.approx([expected[e] for e in ends], abs=1e-12)
        if ends:
            least, most = min(expected[e] for e in ends), max(expected[e] for e in ends)
            assert state.min_edge() == min(e for e in ends if expected[e] <= least + TIE)
            assert state.max_edge() == min(e for e in ends if expected[e] >= most - TIE)


@quick
@given(st.integers(0, 10**6), st.sampled_from(["paper", "official", "directed"]))
def test_improvements_equal_recomputation(seed: int, kind: str) -> None:
    definition = "paper" if kind == "paper" else "official"
    A = random_matrix(seed, directed=kind == "directed", largest=11)
    state = CurvatureState(edges_of(A), len(A), definition, directed=kind == "directed")
    for i, j in edges_of(A).T.tolist()[:4]:
        sources = sorted({*np.flatnonzero(A[i]).tolist(), i})
        targets = sorted({*np.flatnonzero(A[:, j]).tolist(), j})
        expected = {
            (k, m): improved(A, i, j, k, m, definition)
            for k in sources for m in targets if k != m and not A[k, m]
        }  # fmt: skip
        candidates, values = state.improvements(i, j)
        assert [tuple(pair) for pair in candidates.tolist()] == list(expected)
        assert values.tolist() == pytest.approx(list(expected.values()), abs=1e-12)
        drawn = state.draw(i, j, float("inf"))
        if expected:
            best = max(expected.values())
            assert drawn == min(pair for pair, value in expected.items() if value >= best - TIE)
        else:
            assert drawn is None


@pytest.mark.parametrize("kind", ["paper", "official", "directed"])
@pytest.mark.parametrize("tau", [0.0, 3.0, 40.0])
def test_draw_follows_the_softmax(kind: str, tau: float) -> None:
    """Over a fine grid of uniform numbers, every candidate is drawn as often as its probability says."""
    definition = "paper" if kind == "paper" else "official"
    A = random_matrix(7, directed=kind == "directed")
    if kind != "directed":
        A = nx.to_numpy_array(nx.karate_club_graph(), weight=None, dtype=np.int64)
    state = CurvatureState(edges_of(A), len(A), definition, directed=kind == "directed")
    i, j = state.min_edge()
    candidates, values = state.improvements(i, j)
    grid = 600
    drawn = Counter(state.draw(i, j, tau, (x + 0.5) / grid) for x in range(grid))
    chances = torch.softmax(tau * values, dim=0).tolist()
    assert len(candidates) > 5
    assert set(drawn) <= {tuple(pair) for pair in candidates.tolist()}
    for pair, chance in zip(candidates.tolist(), chances, strict=True):
        assert drawn[tuple(pair)] == pytest.approx(grid * chance, abs=3)


def test_draw_at_huge_inverse_temperatures() -> None:
    state = CurvatureState(arcs_of(nx.karate_club_graph()))
    candidates, values = state.improvements(0, 31)
    best = [tuple(pair) for pair in candidates[values >= values.max() - TIE].tolist()]
    assert all(state.draw(0, 31, 1e8, uniform) in best for uniform in (0.0, 0.5, 1 - 2**-53))


def test_a_flip_touches_few_edges() -> None:
    graph = nx.random_regular_graph(4, 2000, seed=0)
    state = CurvatureState(arcs_of(graph), 2000)
    u, v = state.min_edge()
    assert 1 <= state.remove_edge(u, v) <= 4 * 4 * 2 + 8
    assert state.add_edge(u, v) >= 1


# -- invariants --------------------------------------------------------------------------------------------------------


@quick
@given(st.integers(0, 10**6), st.sampled_from(["paper", "official"]))
def test_permutation_equivariance_and_locality(seed: int, definition: str) -> None:
    A = random_matrix(seed)
    edge_index, n = edges_of(A), len(A)
    curvature = balanced_forman_curvature(edge_index, n, definition=definition)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(n))
    torch.testing.assert_close(balanced_forman_curvature(order[edge_index], n, definition=definition), curvature)
    torch.testing.assert_close(balanced_forman_curvature(edge_index, n + 3, definition=definition), curvature)
    twice = torch.cat([edge_index, edge_index + n], dim=1)
    torch.testing.assert_close(balanced_forman_curvature(twice, definition=definition), curvature.repeat(2))


@quick
@given(st.integers(0, 10**6))
def test_range_and_spectral_gap(seed: int) -> None:
    A = random_matrix(seed)
    edge_index = edges_of(A)
    curvature = balanced_forman_curvature(edge_index, len(A))
    if len(curvature):
        assert -2 < float(curvature.min()) <= float(curvature.max()) <= 2
        graph = nx.from_numpy_array(A)
        if nx.is_connected(graph) and curvature.min() > 0:  # Theorem 2 with Cheeger's inequality
            assert spectral_gap(edge_index, len(A)) >= float(curvature.min()) - 1e-9


def lin_lu_yau(graph: nx.Graph, i: int, j: int) -> float:
    """Ollivier's curvature in the limit of Lin, Lu and Yau, as a linear programme over 1-Lipschitz functions."""
    from scipy.optimize import linprog

    nodes = sorted({i, j, *graph[i], *graph[j]})
    place = {node: x for x, node in enumerate(nodes)}
    distance = {u: nx.single_source_shortest_path_length(graph, u, cutoff=3) for u in nodes}
    # kappa = min over f with f(j) - f(i) = 1, 1-Lipschitz, of Lap f(i) - Lap f(j), Lap f(x) = mean f(y) - f(x)
    cost = np.zeros(len(nodes))
    for node, sign in ((i, 1), (j, -1)):
        for other in graph[node]:
            cost[place[other]] += sign / graph.degree[node]
        cost[place[node]] -= sign
    pairs = [(u, v) for u in nodes for v in nodes if u != v]
    rows = np.zeros((len(pairs), len(nodes)))
    for row, (u, v) in zip(rows, pairs, strict=True):
        row[place[u]], row[place[v]] = 1, -1
    equal = np.zeros((2, len(nodes)))
    equal[0, place[i]] = 1
    equal[1, place[j]] = 1
    found = linprog(cost, rows, [distance[u][v] for u, v in pairs], equal, [0, 1], bounds=(None, None))
    assert found.success
    return float(found.fun)


@pytest.mark.parametrize("seed", range(8))
def test_ollivier_curvature_is_no_less(seed: int) -> None:
    graph = nx.connected_watts_strogatz_graph(14, 4, 0.3 + 0.05 * seed, seed=seed)
    state = CurvatureState(arcs_of(graph), 14)
    assert lin_lu_yau(nx.cycle_graph(6), 0, 1) == pytest.approx(0.0, abs=1e-9)
    for i, j in list(graph.edges)[::4]:
        assert lin_lu_yau(graph, i, j) >= state.curvature(i, j) - 1e-9


# -- the public surface ------------------------------------------------------------------------------------------------


def test_order_duplicates_and_self_loops() -> None:
    edge_index = torch.tensor([[1, 0, 2, 2, 1, 0, 1], [0, 1, 1, 2, 2, 2, 0]])
    triangle = torch.cat([edge_index, torch.tensor([[2], [0]])], dim=1)
    assert balanced_forman_curvature(triangle).tolist() == pytest.approx([1.5, 1.5, 1.5, 0, 1.5, 1.5, 1.5, 1.5])
    assert balanced_forman_curvature(triangle, definition="forman")[3] == 0


def test_empty_graphs() -> None:
    nothing = torch.empty(2, 0, dtype=torch.long)
    assert balanced_forman_curvature(nothing).shape == (0,)
    assert balanced_forman_curvature(nothing, 4, return_parts=True).triangles.shape == (0,)
    state = CurvatureState(nothing, 4)
    with pytest.raises(ValueError, match="no edges"):
        state.min_edge()
    state.add_edge(3, 1)
    assert (state.min_edge(), state.edge_index().tolist()) == ((1, 3), [[1, 3], [3, 1]])


def test_hub_is_searched_not_walked() -> None:
    graph = nx.star_graph(400)
    graph.add_edges_from([(1, 401), (401, 2), (2, 402), (402, 3)])
    A = nx.to_numpy_array(graph, nodelist=sorted(graph), dtype=np.int64)
    edge_index = edges_of(A)
    expected = paper_curvature(A)[edge_index[0].numpy(), edge_index[1].numpy()]
    np.testing.assert_allclose(balanced_forman_curvature(edge_index).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("edges", "nodes", "message"),
    [
        ([[0, 1], [1, 2]], None, "to_undirected"),
        ([[0, 1], [1, 5]], 3, "below that"),
        ([[0, -1], [-1, 0]], None, "start at 0"),
        ([[0, 1], [1, 0]], -1, "num_nodes"),
    ],
)
def test_refuses_bad_edges(edges: list[list[int]], nodes: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        balanced_forman_curvature(torch.tensor(edges), nodes)


def test_refuses_bad_types_and_definitions() -> None:
    pair = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(TypeError):
        balanced_forman_curvature(pair.float())
    with pytest.raises((ValueError, TypeError)):
        balanced_forman_curvature(pair, definition="ollivier")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="official"):
        CurvatureState(pair, directed=True)


def test_state_refuses_impossible_changes() -> None:
    state = CurvatureState(torch.tensor([[0, 1], [1, 0]]), 3)
    with pytest.raises(ValueError, match="already"):
        state.add_edge(0, 1)
    with pytest.raises(ValueError, match="self-loop"):
        state.add_edge(2, 2)
    with pytest.raises(ValueError, match="no node 3"):
        state.add_edge(0, 3)
    for refused in (state.remove_edge, state.curvature, state.improvements):
        with pytest.raises(ValueError, match="no edge"):
            refused(0, 2)


def test_transform_stores_curvature() -> None:
    data = Data(edge_index=arcs_of(nx.complete_graph(4)), num_nodes=4)
    transformed = BalancedFormanCurvature()(data)
    assert transformed.edge_curvature.dtype == torch.float32
    assert transformed.edge_curvature.tolist() == pytest.approx([4 / 3] * 12)
    assert "edge_curvature" not in data
    assert "curve" in BalancedFormanCurvature("curve", "official")(data)
    with pytest.raises(TypeError):
        BalancedFormanCurvature()(HeteroData())
