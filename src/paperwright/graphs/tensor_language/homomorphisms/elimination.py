"""In which order to sum over a pattern's nodes: treewidth, and the cheapest nested sums (Proposition 4.5)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import networkx as nx
from torch_geometric.data import Data

from ..analysis.summation_order import fewest_names
from .patterns import Pattern, members

STEPS = 1 << 6
"""More sums than a pattern of 12 nodes has, so that costs compare by the highest exponent first."""


@dataclass(frozen=True, order=True)
class Elimination:
    r"""A table T over `arity` outer indices o, made by a sum over one more index v:

    .. math:: T[o] = \sum_v \prod_{a \in \text{adjacent}} E(o_a, v) \prod_{(p, Q) \in \text{parts}} Q[(o, v)_p].

    Equal sub-patterns give equal objects, whatever their nodes are called.

    Attributes:
        arity: number of outer indices.
        edges: pairs of outer indices that are adjacent in the pattern; E for these stands further out.
        adjacent: outer indices adjacent to v.
        parts: tables of what remains without v, each with the indices it is over, v being index `arity`.
    """

    arity: int
    edges: tuple[tuple[int, int], ...]
    adjacent: tuple[int, ...]
    parts: tuple[tuple[tuple[int, ...], "Elimination"], ...]


Rooted = tuple[Elimination, ...]
"""Tables over the image of one node, whose product is the number of homomorphisms that send the node there."""


def treewidth(pattern: Data | nx.Graph) -> int:
    """Return the exact treewidth of a small graph: one less than the number of indices that its count needs.

    The same search orders the sums of a formula: dynamic programming over the connected sets that an order leaves.

    Args:
        pattern: a simple undirected graph of 1 to 12 nodes, as a networkx graph or `Data`; labels are not looked at.

    Raises:
        TypeError: neither of these, or a directed or a multigraph.
        ValueError: no nodes, more than 12, a self-loop, or an edge without its reverse.

    Source: Geerts and Reutter 2022, Proposition 4.5; Bodlaender et al., "On exact algorithms for treewidth", 2012.
    """
    return treewidth_of(Pattern.read(pattern)[0])


def treewidth_of(pattern: Pattern) -> int:
    """Treewidth, remembered for all isomorphic patterns."""
    return _treewidth(pattern.recolor((0,) * len(pattern)).canonical)


@lru_cache(maxsize=1 << 14)
def _treewidth(pattern: Pattern) -> int:
    edges = [(1 << u | 1 << v, 0) for u, v in pattern.edges]
    degeneracy = max(nx.core_number(pattern.to_networkx()).values())
    return fewest_names((1 << len(pattern)) - 1, edges, at_least=degeneracy + 1) - 1


@lru_cache(maxsize=1 << 12)
def eliminations(pattern: Pattern, root: int | None = None) -> tuple[Rooted, ...]:
    """For each component, how to count its homomorphisms by the image of one node; the root's component comes first.

    No order costs less: fewest sums over the greatest number of indices, then over the next.
    """
    search = _CheapestElimination(pattern)
    components = pattern.components((1 << len(pattern)) - 1)
    if root is None:
        return tuple(search.cheapest_root(component)[1] for component in components)
    own = next(component for component in components if component >> root & 1)
    others = (search.cheapest_root(component)[1] for component in components if component != own)
    return (search.at_root(own, root)[1], *others)


class _Remains(NamedTuple):
    """What is left of a set of nodes: its components with their outside neighbours, ascending, and their least cost."""

    least: int
    pieces: tuple[tuple[int, tuple[int, ...]], ...]


class _CheapestElimination:
    """The cheapest elimination of every connected set of a pattern's nodes.

    Eliminating a set C with outside neighbours S by some v in C first leaves the components of C - v. It costs
    n^(|S|+1) operations, which is one more digit |S| in base `STEPS`.
    """

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern
        self._found: dict[int, tuple[int, Elimination]] = {}
        self._remains: dict[int, _Remains] = {}

    def cheapest_root(self, component: int) -> tuple[int, Rooted]:
        """Cost and tables of a component at the node where they cost least."""
        return min(self.at_root(component, root) for root in self.pattern.without_twins(members(component)))

    def at_root(self, component: int, root: int) -> tuple[int, Rooted]:
        """Cost and tables of a component over the image of one of its nodes."""
        cost, parts = self._assemble(self._without(component, root), (root,))
        return cost, tuple(part for _, part in parts)

    def _elimination(self, nodes: int, outer: tuple[int, ...]) -> tuple[int, Elimination]:
        """Cost and table of a connected set, over its outside neighbours."""
        if nodes in self._found:
            return self._found[nodes]
        near = self.pattern.neighbours
        edges = tuple((a, b) for b, u in enumerate(outer) for a in range(b) if near[u] >> outer[a] & 1)
        choices = [(self._without(nodes, v), v) for v in self.pattern.without_twins(members(nodes))]
        found: list[tuple[int, Elimination]] = []
        for remains, v in sorted(choices):
            if found and remains.least > min(found)[0]:
                break
            cost, parts = self._assemble(remains, (*outer, v))
            adjacent = tuple(a for a, u in enumerate(outer) if near[v] >> u & 1)
            found.append((cost, Elimination(len(outer), edges, adjacent, parts)))
        least, elimination = min(found)
        self._found[nodes] = least + STEPS ** len(outer), elimination
        return self._found[nodes]

    def _without(self, nodes: int, v: int) -> _Remains:
        rest = nodes & ~(1 << v)
        if rest not in self._remains:
            pieces = [
                (piece, tuple(members(self.pattern.near(piece) & ~piece))) for piece in self.pattern.components(rest)
            ]
            self._remains[rest] = _Remains(sum(STEPS ** len(outside) for _, outside in pieces), tuple(pieces))
        return self._remains[rest]

    def _assemble(
        self, remains: _Remains, indices: tuple[int, ...]
    ) -> tuple[int, tuple[tuple[tuple[int, ...], Elimination], ...]]:
        """Cost and tables of the pieces, in terms of these indices."""
        total, parts = 0, []
        for piece, outside in remains.pieces:
            cost, table = self._elimination(piece, outside)
            total += cost
            parts.append((tuple(indices.index(s) for s in outside), table))
        return total, tuple(sorted(parts))
