"""How often a small graph occurs in a large one: homomorphisms, and through the spasm subgraphs (Section 5)."""

from collections.abc import Hashable
from math import prod
from typing import overload

import networkx as nx
import numpy as np
import torch
from jaxtyping import Int64
from scipy import sparse
from torch import Tensor
from torch_geometric.data import Data

from paperwright.blocks.disjoint_union import DisjointUnion

from .contraction import ExactContraction
from .elimination import eliminations
from .patterns import Pattern
from .spasm import quotients_of

Graph = Data | nx.Graph


@overload
def count_homomorphisms(pattern: Graph, data: Graph, root: None = None) -> int: ...
@overload
def count_homomorphisms(pattern: Graph, data: Graph, root: Hashable) -> Int64[Tensor, "n"]: ...
def count_homomorphisms(pattern: Graph, data: Graph, root: Hashable | None = None) -> int | Int64[Tensor, "n"]:
    r"""Number of maps from a pattern's nodes to a graph's that send every edge to an edge.

    .. math:: \hom(F, G) = \sum_{f : V(F) \to V(G)} \prod_{uv \in E(F)} A_{f(u) f(v)}

    The sums are nested by an elimination order of the pattern's treewidth w and cost O(n^(w+1)), for trees O(m). Up to
    treewidth 2 they are matrix products; beyond, they are joined over edges, so that cliques cost no more than there
    are. Counts that float64 would round are computed modulo primes, so the answer is always exact.

    Args:
        pattern: a simple graph F of 1 to 12 nodes. Labels and features are not looked at, here or in `data`.
        data: a simple undirected graph G.
        root: a node r of the pattern (its name in a networkx graph, its number in `Data`); count for each node v of G
            the homomorphisms that send r to v.

    Returns:
        The number as a Python integer; with `root` the numbers, [n], on the device of `data`.

    Raises:
        TypeError: not a networkx graph or homogeneous `Data`.
        ValueError: a pattern of no or more than 12 nodes, self-loops, repeated or one-way edges, a root that is not in
            the pattern, or rooted counts beyond int64.

    Source: Geerts and Reutter 2022, Proposition 4.5 and Section 5 (treewidth bounds the indices of these counts).
    """
    return _count(pattern, data, root, injective=False)


@overload
def count_subgraphs(pattern: Graph, data: Graph, root: None = None) -> int: ...
@overload
def count_subgraphs(pattern: Graph, data: Graph, root: Hashable) -> Int64[Tensor, "n"]: ...
def count_subgraphs(pattern: Graph, data: Graph, root: Hashable | None = None) -> int | Int64[Tensor, "n"]:
    r"""Number of subgraphs, induced or not, that are isomorphic to a pattern.

    .. math:: \mathrm{sub}(F, G) = \frac{1}{|\mathrm{Aut}(F)|} \sum_{H \in \mathrm{spasm}(F)} c_H \hom(H, G)

    Args:
        pattern: see `count_homomorphisms`; the cost grows with its spasm and its hereditary treewidth.
        data: see there.
        root: a node of the pattern; count for each node of G the subgraphs in which it plays that node's part, or that
            of another that automorphisms exchange with it.

    Returns, Raises: see `count_homomorphisms`.

    Source: Curticapean, Dell, Marx, STOC 2017; rooted counts are those of GSN (Bouritsas et al., 2020).
    """
    return _count(pattern, data, root, injective=True)


def _count(pattern: Graph, data: Graph, root: Hashable | None, *, injective: bool) -> int | Tensor:
    form, names = Pattern.read(pattern)
    if root is not None and root not in names:
        raise ValueError(f"root is {root!r}; expected a node of the pattern, one of {names}.")
    if not isinstance(data, Data | nx.Graph):
        raise TypeError(f"data is a {type(data).__name__}; expected one networkx.Graph or PyG Data.")
    union = DisjointUnion.of([data])
    place = None if root is None else names.index(root)
    count = subgraphs if injective else homomorphisms
    counts = count(form, ExactContraction(adjacency_of(union)), place)
    return counts if isinstance(counts, int) else torch.from_numpy(as_int64(counts)).to(union.device)


def adjacency_of(union: DisjointUnion) -> sparse.csr_array:
    """The 0/1 adjacency matrix of graphs side by side, float64."""
    n = len(union.labels)
    return sparse.csr_array((np.ones(len(union.neighbours)), union.neighbours, union.starts), shape=(n, n))


def homomorphisms(pattern: Pattern, graph: ExactContraction, root: int | None = None) -> int | np.ndarray:
    """Homomorphisms in all, or by the image of a root: [n] of int64, or of Python integers where it is too small."""
    counts = [graph.by_root(tables) for tables in eliminations(pattern, root)]
    totals = [sum(by_root.tolist()) for by_root in counts]  # of Python integers: a sum may leave int64
    if root is None:
        return prod(totals)
    return _scaled(counts[0], prod(totals[1:]))


def subgraphs(pattern: Pattern, graph: ExactContraction, root: int | None = None) -> int | np.ndarray:
    """Subgraphs in all, or by the node that plays the root."""
    marked = pattern if root is None else pattern.marked(root)
    total: int | np.ndarray = 0
    for quotient in quotients_of(marked):
        place = None if root is None else quotient.pattern.colors.index(1)
        counts = homomorphisms(quotient.pattern, graph, place)
        total = total + (counts * quotient.coefficient if root is None else _scaled(counts, quotient.coefficient))
    return total // marked.num_automorphisms


def _scaled(counts: np.ndarray, factor: int) -> np.ndarray:
    """The product, in Python integers where int64 could overflow."""
    most = int(max(counts.max(initial=0), -counts.min(initial=0)))
    return counts * factor if most * abs(factor) < 2**62 else counts.astype(object) * factor


def as_int64(counts: np.ndarray) -> np.ndarray:
    """Counts that may be Python integers as int64, if they fit."""
    if counts.dtype == object and len(counts) and max(counts) >= 2**63:
        raise ValueError(
            f"Node {int(np.argmax(counts))} has {max(counts)} of them, more than int64 holds; count without a root, "
            "which gives a Python integer, or a smaller pattern."
        )
    return counts.astype(np.int64)
