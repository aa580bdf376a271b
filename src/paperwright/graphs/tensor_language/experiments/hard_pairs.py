"""Pairs of graphs that are hard to tell apart, and what counts of patterns make of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import networkx as nx
import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.utils import degree

from paperwright import data
from paperwright.blocks.weisfeiler_leman import first_separating_round
from paperwright.data.graph_pairs import GRAPH_PAIRS, as_data, atlas_graphs, graph_pair

from ..homomorphisms.counts import count_homomorphisms
from ..homomorphisms.elimination import treewidth
from ..homomorphisms.patterns import Pattern
from ..models.separation import separates

Pair = tuple[Data, Data]


def cycle_beside_path(cycle: int, path: int) -> Data:
    """A cycle and a path, not joined.

    C_3 with P_n and C_4 with P_(n-1) are told apart by colour refinement in round ceil(n / 2), not before.
    """
    return as_data(nx.disjoint_union(nx.cycle_graph(cycle), nx.path_graph(path)))


def hard_pairs(
    names: Iterable[str] = tuple(GRAPH_PAIRS),
    *,
    paths: Iterable[int] = (),
    degrees: bool = False,
) -> dict[str, Pair]:
    """Pairs by name, and such as need many rounds of colour refinement.

    Args:
        names: of `paperwright.data.graph_pairs`.
        paths: lengths n, each for C_3 with P_n and C_4 with P_(n-1).
        degrees: every pair once more, with the degrees as features.
    """
    pairs = {name: graph_pair(name) for name in names}
    for n in paths:
        pairs[f"c3+p{n}"] = cycle_beside_path(3, n), cycle_beside_path(4, n - 1)
    if degrees:
        pairs |= {f"{name}, degrees": with_degrees(pair) for name, pair in pairs.items()}
    return pairs


def equivalent_pairs(pairs: Mapping[str, Pair], k: int) -> dict[str, Pair]:
    """Those that k-WL never tells apart; for k = 1 the same as colour refinement of whole graphs."""
    test: Literal["cr", "folklore"] = "cr" if k == 1 else "folklore"
    return {name: pair for name, pair in pairs.items() if first_separating_round(*pair, test, k) is None}


def with_degrees(pair: Pair) -> Pair:
    """The same graphs with each node's degree as its feature, float64 [n, 1]."""
    first, second = (graph.clone() for graph in pair)
    for graph in (first, second):
        graph.x = degree(graph.edge_index[0], graph.num_nodes, torch.float64)[:, None]
    return first, second


def separates_pair(model: nn.Module, pair: Pair) -> bool:
    """Whether a network's outputs for the two graphs differ by more than rounding; of nodes' outputs the sums."""
    return separates(lambda _: model, *pair, trials=1).rate == 1


@dataclass(frozen=True)
class PatternCounts:
    """How the counts of patterns of small and of larger treewidth did.

    Attributes:
        pairs: pairs of graphs.
        compared: pairs of a pattern of treewidth at most k and a pair of graphs.
        differing: those with different counts for the two graphs.
        differing_wider: pairs of a pattern of treewidth k + 1 and a pair of graphs with different counts.
        pairs_told_apart: pairs of graphs that some pattern of treewidth k + 1 tells apart.
        most_edges: of a pattern compared, so of the multiplications in its formula.
    """

    pairs: int
    compared: int
    differing: int
    differing_wider: int
    pairs_told_apart: int
    most_edges: int


def connected_patterns(nodes: int) -> list[nx.Graph]:
    """Every connected graph of one to so many nodes: 1, 2, 4, 10, 31, 143 of up to 1, ..., 6.

    Each but the first is a smaller one and a node joined to some of its nodes.
    """
    found = [Pattern((0,), (0,))]
    level = found
    for size in range(1, nodes):
        grown: dict[Pattern, None] = {}
        for pattern in level:
            for joined in range(1, 1 << size):
                masks = [mask | (joined >> v & 1) << size for v, mask in enumerate(pattern.neighbours)]
                grown[Pattern((*masks, joined), (0,) * (size + 1)).canonical] = None
        level = list(grown)
        found += level
    return [pattern.to_networkx() for pattern in found]


def compare_counts(patterns: Iterable[nx.Graph], pairs: Mapping[str, Pair], k: int) -> PatternCounts:
    """Counts on pairs that k-WL does not tell apart, for patterns of treewidth at most k and of k + 1."""
    widths = [(pattern, treewidth(pattern)) for pattern in patterns]
    differing: dict[int, list[str]] = {k: [], k + 1: []}
    compared = most_edges = 0
    for pattern, width in widths:
        if width > k + 1:
            continue
        if width <= k:
            compared += len(pairs)
            most_edges = max(most_edges, pattern.number_of_edges())
        for name, (g, h) in pairs.items():
            if count_homomorphisms(pattern, g) != count_homomorphisms(pattern, h):
                differing[max(width, k)].append(name)
    wider = differing[k + 1]
    return PatternCounts(len(pairs), compared, len(differing[k]), len(wider), len(set(wider)), most_edges)


def graphs_of(graphs: int | str) -> list[Data]:
    """Return all connected graphs of so many nodes, or the graph of a data set by its name, without features."""
    if isinstance(graphs, str):
        graph = data.load(graphs).graph
        return [Data(edge_index=graph.edge_index, num_nodes=graph.num_nodes)]
    if graphs <= 7:
        return atlas_graphs(graphs)
    return [as_data(graph) for graph in connected_patterns(graphs) if len(graph) == graphs]
