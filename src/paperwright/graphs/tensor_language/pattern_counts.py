"""Homomorphism counts of all small patterns on pairs of graphs that k-WL does not tell apart (Proposition 4.5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import networkx as nx

from .elimination import treewidth
from .hard_pairs import Pair
from .homomorphisms import count_homomorphisms
from .patterns import Pattern


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
