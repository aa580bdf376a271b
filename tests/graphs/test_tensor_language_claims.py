"""What the claims' experiments compute: hard pairs, violations, distinctions, counts of patterns, fits to a floor."""

import math

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from paperwright.blocks.weisfeiler_leman import first_separating_round
from paperwright.data.graph_pairs import as_data, atlas_graphs
from paperwright.graphs.tensor_language import separation_power
from paperwright.graphs.tensor_language.analysis.bounds import Bound
from paperwright.graphs.tensor_language.claims import invariant_networks_are_bounded, separate_nodes
from paperwright.graphs.tensor_language.experiments import violations as module
from paperwright.graphs.tensor_language.experiments.dense_networks import FolkloreNetwork
from paperwright.graphs.tensor_language.experiments.floor_training import Regression, targets_of, train_to_floor
from paperwright.graphs.tensor_language.experiments.hard_pairs import (
    compare_counts,
    connected_patterns,
    cycle_beside_path,
    equivalent_pairs,
    hard_pairs,
    separates_pair,
    with_degrees,
)
from paperwright.graphs.tensor_language.experiments.message_passing import ARCHITECTURES, IsomorphismNetwork
from paperwright.graphs.tensor_language.experiments.violations import (
    six_node_graphs,
    tally_architecture,
    tally_expressions,
)
from paperwright.graphs.tensor_language.models.separation import (
    best_distinctions,
    classes_of,
    classes_of_test,
    distinctions,
    random_network,
)

ROUNDS = invariant_networks_are_bounded["rounds"]

# -- pairs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [3, 4, 7, 10])
def test_a_cycle_beside_a_path_is_as_hard_as_it_says(n):
    pair = cycle_beside_path(3, n), cycle_beside_path(4, n - 1)
    assert first_separating_round(*pair) == math.ceil(n / 2)


@pytest.mark.parametrize("n", [3, 4, 9, 17])
def test_a_cycle_and_its_halves_are_as_hard_as_they_say(n):
    pair = nx.cycle_graph(2 * n), nx.disjoint_union(nx.cycle_graph(n), nx.cycle_graph(n))
    assert first_separating_round(*pair) is None
    assert first_separating_round(*pair, "folklore", 2) == math.ceil(math.log2(n / 2))


def test_pairs_by_the_dimension_that_tells_them_apart():
    pairs = hard_pairs(["p4-k13", "c6", "rook-shrikhande", "cfi-k4"], paths=[3])
    assert list(pairs) == ["p4-k13", "c6", "rook-shrikhande", "cfi-k4", "c3+p3"]
    assert list(equivalent_pairs(pairs, 1)) == ["c6", "rook-shrikhande", "cfi-k4"]
    assert list(equivalent_pairs(pairs, 2)) == ["rook-shrikhande", "cfi-k4"]
    assert list(equivalent_pairs(pairs, 3)) == []


def test_degrees_are_features_of_copies():
    pairs = hard_pairs(["p4-k13"], degrees=True)
    plain, (path, star) = pairs["p4-k13"], pairs["p4-k13, degrees"]
    assert "x" not in plain[0]
    assert path.x[:, 0].tolist() == [1, 2, 2, 1]
    assert star.x[:, 0].tolist() == [3, 1, 1, 1]
    assert first_separating_round(path, star, node_colors="x") == 0


# -- partitions --------------------------------------------------------------------------------------------------------


def test_classes_are_chains_of_small_steps_in_every_column():
    outputs = torch.tensor([[1.0, 5.0], [1.0 + 1e-13, 5.0], [1.0, 6.0], [2.0, 5.0], [1.0 - 1e-13, 5.0]]).double()
    outputs[1, 0], outputs[4, 0] = 1 + 1e-13, 1 - 1e-13
    first, second, third, fourth, fifth = classes_of(outputs).tolist()
    assert first == second == fifth
    assert len({first, third, fourth}) == 3
    assert len(set(classes_of(outputs, tolerance=1e-15).tolist())) == 5


def test_distinctions_tell_what_is_missing_from_what_is_beyond():
    outputs = torch.tensor([[0.0], [0.0], [1.0], [1.0], [2.0]])
    found = distinctions(outputs, torch.tensor([0, 1, 2, 2, 2]))
    assert (found.found, found.allowed, found.missing, found.beyond) == (3, 3, 1, 1)


def test_random_networks_attain_the_tests_on_small_graphs():
    """All connected graphs of six nodes: the classes are counted by the tests, and there are 112 graphs."""
    graphs = atlas_graphs(6)
    for layers in (1, 2, 3):
        found = best_distinctions(
            lambda t=layers: IsomorphismNetwork(1, 16, t), [0], graphs, Bound("cr", 1, layers, "graph")
        )
        assert (found.missing, found.beyond) == (0, 0)
    found = best_distinctions(lambda: FolkloreNetwork(1, 16, 1), [0], graphs, Bound("wl", 2, 1, "graph"))
    assert (found.found, found.allowed, found.missing, found.beyond) == (112, 112, 0, 0)


def test_too_few_layers_miss_classes_and_too_many_go_beyond():
    graphs = atlas_graphs(6)
    assert best_distinctions(lambda: IsomorphismNetwork(1, 16, 1), [0], graphs, Bound("cr", 1, 2, "graph")).missing > 0
    assert best_distinctions(lambda: IsomorphismNetwork(1, 16, 2), [0], graphs, Bound("cr", 1, 1, "graph")).beyond > 0


@pytest.mark.parametrize("arm", ROUNDS.arms)
def test_a_round_fewer_would_break_the_claim_on_rounds_and_so_would_a_network_that_saw_more(arm):
    """At the desk budget the control breaks, and there are nodes left together that later rounds part."""
    found = separate_nodes(ROUNDS.arms[arm], seed=1000, device="cpu", **ROUNDS.budget("desk").config)
    assert found["beyond"] == 0
    assert found["beyond_a_round_fewer"] > 0
    assert found["left_together"] > 0


def test_told_apart_by_a_network():
    pairs = hard_pairs(["p4-k13", "c6"])
    network = random_network(lambda: IsomorphismNetwork(1, 8, 2), 0)
    assert separates_pair(network, pairs["p4-k13"])
    assert not separates_pair(network, pairs["c6"])


# -- bounds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labelled", [False, True])
def test_random_expressions_keep_to_their_bounds_and_break_smaller_ones(labelled):
    tally = tally_expressions(0, 30, labelled=labelled, graphs=5)
    assert tally.bounds >= 30
    assert tally.violations == 0
    assert 0 < tally.control_violations < tally.controls


def test_a_violation_would_be_seen(monkeypatch):
    """With an analysis that says one round too few, there are violations."""
    right = module.bounds_of

    def too_few(analysis):
        return {module.with_one_round_less(bound) or bound for bound in right(analysis)}

    monkeypatch.setattr(module, "bounds_of", too_few)
    assert tally_expressions(0, 30, labelled=False, graphs=5).violations > 0


def test_labels_of_six_node_graphs():
    plain = six_node_graphs(np.random.default_rng(0), 3, labelled=False)
    labelled = six_node_graphs(np.random.default_rng(0), 3, labelled=True)
    assert [graph.num_nodes for graph in plain] == [6] * 7
    assert all("x" not in graph for graph in plain)
    assert set(torch.cat([graph.x for graph in labelled]).flatten().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("name", ["APPNP", "GIN, graph norm"])
def test_bounds_of_some_of_the_twelve_architectures(name):
    """The normalisation by degrees, and the readouts of a graph norm, cost one round more than the layers."""
    bound = separation_power(random_network(lambda: ARCHITECTURES[name](2), 0))
    assert (bound.test, bound.rounds) == ("wl" if "norm" in name else "cr", 3)


def test_a_tally_of_an_architecture():
    pairs = hard_pairs(["p4-k13", "c6", "decalin"], paths=[3, 4], degrees=True)
    tally = tally_architecture("GIN, graph norm", 0, [1, 2], pairs, atlas_graphs(5))
    assert tally.violations == 0
    assert tally.bounds >= 10
    assert tally.control_violations > 0


# -- patterns ----------------------------------------------------------------------------------------------------------


def test_there_are_as_many_patterns_as_connected_graphs():
    sizes = [len(pattern) for pattern in connected_patterns(6)]
    assert [sizes.count(n) for n in range(1, 7)] == [1, 1, 2, 6, 21, 112]  # OEIS A001349
    grown, atlas = connected_patterns(5), [nx.from_edgelist(g.edge_index.T.tolist()) for g in atlas_graphs(5)]
    assert all(any(nx.is_isomorphic(graph, pattern) for pattern in grown) for graph in atlas)


def test_what_patterns_of_each_treewidth_tell_apart():
    """K_{3,3} has no triangle and the prism two; Shrikhande's graph has no K_4 and the rook's graph eight."""
    pairs = hard_pairs(["k33-prism", "rook-shrikhande"])
    trees = compare_counts(connected_patterns(4), equivalent_pairs(pairs, 1), 1)
    assert (trees.compared, trees.differing, trees.most_edges) == (2 * 5, 0, 3)
    assert trees.pairs_told_apart == 1
    assert trees.differing_wider == 4  # the triangle, with a tail or not, the diamond, and C4: 162 and 114
    wide = compare_counts(connected_patterns(4), equivalent_pairs(pairs, 2), 2)
    assert (wide.pairs, wide.compared, wide.differing) == (1, 9, 0)
    assert (wide.pairs_told_apart, wide.differing_wider) == (1, 1)


# -- floors ------------------------------------------------------------------------------------------------------------


def test_targets_are_what_they_say():
    graphs = [as_data(nx.complete_graph(4)), as_data(nx.lollipop_graph(4, 2)), as_data(nx.cycle_graph(5))]
    as_networkx = [nx.complete_graph(4), nx.lollipop_graph(4, 2), nx.cycle_graph(5)]
    walks = np.concatenate(
        [(nx.to_numpy_array(g) @ nx.to_numpy_array(g) @ nx.to_numpy_array(g)).sum(1) for g in as_networkx]
    )
    triangles = np.concatenate([[2 * nx.triangles(g, v) for v in g] for g in as_networkx])
    for name, expected in (("walks", walks), ("triangles", triangles)):
        expected = (expected - expected.mean()) / expected.std()
        assert torch.allclose(targets_of(name, graphs), torch.from_numpy(expected))


def test_a_fit_stays_above_its_floor_and_is_decided_by_its_seed():
    graphs = atlas_graphs(5)
    settings = {"steps": 20, "iterations": 20, "width": 16}
    first, again, other = (train_to_floor(graphs, "walks", 1, seed=seed, **settings) for seed in (0, 0, 1))
    assert first == again
    assert first.mse != other.mse
    assert first.floor == other.floor > 0.1
    assert first.floor - 1e-6 <= first.mse < 0.7


def test_a_network_for_regression_is_bounded_by_its_layers():
    assert separation_power(Regression(3, 8)).rounds == 3
    assert isinstance(with_degrees((Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=2),) * 2)[0], Data)


def test_colours_of_everything_on_a_level():
    graphs = atlas_graphs(4)
    assert len(classes_of_test(Bound("cr", 1, 1, "vertex"), graphs)) == 4 * len(graphs)
    assert len(classes_of_test(Bound("cr", 1, 1, "graph"), graphs)) == len(graphs)
