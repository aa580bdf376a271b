"""How often a small graph occurs in a large one: homomorphisms, subgraphs, and both as node features (Section 5)."""

from collections.abc import Hashable, Sequence
from math import prod
from typing import TypeAlias, overload

import networkx as nx
import numpy as np
import torch
from jaxtyping import Int64
from scipy import sparse
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform

from paperwright.blocks.disjoint_union import DisjointUnion
from paperwright.blocks.graph_input import graph_data

from ._contraction import ExactContraction
from .elimination import eliminations
from .patterns import Pattern
from .spasm import quotients_of

Graph: TypeAlias = Data | nx.Graph
Counts: TypeAlias = int | np.ndarray


@overload
def count_homomorphisms(pattern: Graph, data: Graph, root: None = None) -> int: ...  # type: ignore[overload-overlap]
@overload
def count_homomorphisms(pattern: Graph, data: Graph, root: Hashable) -> Int64[Tensor, "n"]: ...
def count_homomorphisms(pattern: Graph, data: Graph, root: Hashable | None = None) -> int | Int64[Tensor, "n"]:
    r"""Count the maps from a pattern's nodes to a graph's that send every edge to an edge.

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
def count_subgraphs(pattern: Graph, data: Graph, root: None = None) -> int: ...  # type: ignore[overload-overlap]
@overload
def count_subgraphs(pattern: Graph, data: Graph, root: Hashable) -> Int64[Tensor, "n"]: ...
def count_subgraphs(pattern: Graph, data: Graph, root: Hashable | None = None) -> int | Int64[Tensor, "n"]:
    r"""Count the subgraphs, induced or not, that are isomorphic to a pattern.

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


def homomorphisms(pattern: Pattern, graph: ExactContraction, root: int | None = None) -> Counts:
    """Homomorphisms in all, or by the image of a root: [n] of int64, or of Python integers where it is too small."""
    counts = [graph.by_root(tables) for tables in eliminations(pattern, root)]
    totals: list[int] = [sum(by_root.tolist()) for by_root in counts]  # of Python integers: a sum may leave int64
    if root is None:
        return prod(totals)
    return _scale(counts[0], prod(totals[1:]))


def subgraphs(pattern: Pattern, graph: ExactContraction, root: int | None = None) -> Counts:
    """Subgraphs in all, or by the node that plays the root."""
    marked = pattern if root is None else pattern.mark(root)
    total: Counts = 0
    for quotient in quotients_of(marked):
        place = None if root is None else quotient.pattern.colors.index(1)
        counts = homomorphisms(quotient.pattern, graph, place)
        total = total + _scale(counts, quotient.coefficient)
    return total // marked.num_automorphisms


def _scale(counts: Counts, factor: int) -> Counts:
    """The product, in Python integers where int64 could overflow."""
    if isinstance(counts, int):
        return counts * factor
    most = int(max(counts.max(initial=0), -counts.min(initial=0)))
    return counts * factor if most * abs(factor) < 2**62 else counts.astype(object) * factor


def as_int64(rooted: Counts) -> np.ndarray:
    """Rooted counts that may be Python integers as int64, if they fit."""
    counts = np.asarray(rooted)
    if counts.dtype == object and len(counts) and max(counts) >= 2**63:
        raise ValueError(
            f"Node {int(np.argmax(counts))} has {max(counts)} of them, more than int64 holds; count without a root, "
            "which gives a Python integer, or a smaller pattern."
        )
    return counts.astype(np.int64)


class HomomorphismCounts(BaseTransform):
    r"""Append to `data.x` how often each pattern is found at each node.

    With the counts of patterns of treewidth at most k, message passing is bounded by k-WL (by colour refinement for
    trees); with subgraph counts, the largest treewidth of their spasms takes the place of theirs.

    Args:
        patterns: each a networkx graph or `Data` of 1 to 12 nodes, which gives one column for every orbit of its nodes
            under automorphisms (one for a cycle, two for a star); or a pair (pattern, root), which gives one column.
        subgraphs: count subgraphs, as GSN does, instead of homomorphisms.

    The columns are of the dtype of `data.x`, or of torch's default where there is none: float32 rounds counts beyond
    2^24. `columns` says what they are, as (pattern's place in the list, root's place in the pattern).

    Raises:
        TypeError: a heterogeneous graph, or no list of patterns.
        ValueError: no pattern, one that `count_homomorphisms` refuses, a graph that it refuses, or counts that the type
            of `data.x` does not hold.

    Example:
        >>> import networkx as nx
        >>> from paperwright.graphs.tensor_language import HomomorphismCounts
        >>> HomomorphismCounts([nx.cycle_graph(3)])(nx.lollipop_graph(3, 1)).x.T
        tensor([[2., 2., 2., 0.]])

    Source: Geerts and Reutter 2022, Section 5; Barceló et al., "Graph neural networks with local graph parameters",
    NeurIPS 2021.
    """

    def __init__(self, patterns: Sequence[Graph | tuple[Graph, Hashable]], *, subgraphs: bool = False) -> None:
        if isinstance(patterns, nx.Graph | Data):
            raise TypeError("patterns is one graph; expected a list of them: HomomorphismCounts([graph]).")
        if isinstance(patterns, str) or not isinstance(patterns, Sequence):
            raise TypeError(f"patterns is {type(patterns).__name__}; expected a list of small graphs.")
        if not patterns:
            raise ValueError("patterns is empty; expected at least one.")
        self.subgraphs = subgraphs
        self.patterns: list[Pattern] = []
        self.columns: list[tuple[int, int]] = []
        for place, given in enumerate(patterns):
            if isinstance(given, tuple) and len(given) != 2:
                raise ValueError(f"Pattern {place} is a tuple of {len(given)}; expected (graph, root), or a graph.")
            graph, *root = given if isinstance(given, tuple) else (given,)
            form, names = Pattern.read(graph)
            if root and root[0] not in names:
                raise ValueError(f"The root of pattern {place} is {root[0]!r}; expected one of its nodes, {names}.")
            self.patterns.append(form)
            roots = [names.index(root[0])] if root else [orbit[0] for orbit in form.orbits]
            self.columns += [(place, node) for node in roots]

    def forward(self, data: Data | nx.Graph) -> Data:
        """The graph with more columns (`__call__` copies the given one first, so it stays as it is)."""
        data = graph_data(data)
        if isinstance(data, Batch):
            return Batch.from_data_list([self(graph) for graph in data.to_data_list()])
        union = DisjointUnion.of([data])
        graph = ExactContraction(adjacency_of(union))
        count = subgraphs if self.subgraphs else homomorphisms
        columns = [torch.from_numpy(as_int64(count(self.patterns[p], graph, root))) for p, root in self.columns]
        x = data.get("x")
        if x is None:
            x = torch.empty(data.num_nodes, 0, device=union.device)
        exact = torch.stack(columns, dim=1).to(x.device)
        counts = exact.to(x.dtype)
        lost = counts.isinf() if x.is_floating_point() else counts.long() != exact
        if bool(lost.any()):
            raise ValueError(
                f"x is {x.dtype}, which does not hold the count {int(exact[lost].max())}; expected a wider type. "
                "Call data.x.float() first."
            )
        data.x = torch.cat([x[:, None] if x.dim() == 1 else x, counts], dim=1)
        return data

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.patterns)} patterns, subgraphs={self.subgraphs})"
