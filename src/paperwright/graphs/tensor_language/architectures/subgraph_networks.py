"""Networks that look at copies of the graph, each with a node or an edge marked or gone, and networks with counts."""

from collections.abc import Callable, Iterable
from functools import cache, reduce
from typing import TypeAlias

import networkx as nx
import torch

from ..homomorphisms.patterns import Pattern
from ..language.builders import E, Features, apply, different, equal, indices, total
from ..language.expressions import Expression, Index
from .higher_order import concatenate

Relation = Callable[[Index, Index], Expression]

_X, _Y, _U, _V = indices("x y u v")


def _on_copies(layers: int, adjacent: Relation, first: Callable[[Index], Expression]) -> Callable[[Index], Expression]:
    """The state after so many layers, in a copy whose edges and first states look at further indices."""

    @cache
    def state(layer: int, at: Index) -> Expression:
        if not layer:
            return first(at)
        spare = _Y if at == _X else _X
        heard = total(spare, adjacent(at, spare) * state(layer - 1, spare))
        return apply(torch.tanh, state(layer - 1, at) + 0.5 * heard)

    return lambda at: state(layers, at)


def _marked(layers: int) -> Callable[[Index], Expression]:
    return _on_copies(layers, E, lambda x: apply(concatenate, Features(x), equal(x, _U)))


def id_gnn(layers: int = 3) -> Expression:
    """Each node reads its own state in the copy in which it is marked."""
    return _marked(layers)(_U)


def node_marked_gnn(layers: int = 3) -> Expression:
    """A node's output is the readout of the copy in which it is marked."""
    return apply(torch.tanh, total(_X, _marked(layers)(_X)))


def node_deleted_gnn(layers: int = 3) -> Expression:
    """A node's output is the readout of the copy from which it is gone."""

    def adjacent(x: Index, y: Index) -> Expression:
        return E(x, y) * different(x, _U) * different(y, _U)

    state = _on_copies(layers, adjacent, Features)
    return total(_X, different(_X, _U) * state(_X))


def ego_gnn(layers: int = 3, *, radius: int = 2) -> Expression:
    """A node's output is the readout of the subgraph of the nodes at most so many steps away from it."""

    @cache
    def near(steps: int, x: Index) -> Expression:
        if not steps:
            return equal(x, _U)
        spare = _Y if x == _X else _X
        return apply(torch.sign, near(steps - 1, x) + total(spare, E(x, spare) * near(steps - 1, spare)))

    def adjacent(x: Index, y: Index) -> Expression:
        return E(x, y) * near(radius, x) * near(radius, y)

    state = _on_copies(layers, adjacent, Features)
    return total(_X, near(radius, _X) * state(_X))


def edge_deleted_gnn(layers: int = 2) -> Expression:
    """The sum, over all edges, of the readout of the copy from which the edge is gone; without readout, these."""

    def adjacent(x: Index, y: Index) -> Expression:
        return E(x, y) * (1 - equal(x, _U) * equal(y, _V) - equal(x, _V) * equal(y, _U))

    return E(_U, _V) * apply(torch.tanh, total(_X, _on_copies(layers, adjacent, Features)(_X)))


# -- counts of patterns as features ------------------------------------------------------------------------------------


Patterns: TypeAlias = nx.Graph | Iterable[nx.Graph] | None
"""One small graph or several; the triangle if None."""


def homomorphism_gin(layers: int = 3, *, patterns: Patterns = None) -> Expression:
    """GIN on features and, for each pattern, the number of homomorphisms that send its first node to x."""
    return _gin_on(patterns, layers, injective=False)


def gsn(layers: int = 3, *, patterns: Patterns = None) -> Expression:
    """GIN on features and, for each pattern, the number of injective homomorphisms that send its first node to x."""
    return _gin_on(patterns, layers, injective=True)


def pattern_count(pattern: Pattern, root: Index, *, injective: bool) -> Expression:
    """The homomorphisms from a pattern that send its first node to the root; with `injective`, the injective ones.

    Proposition 4.5: k + 1 indices suffice for a pattern of treewidth k. Injective ones need as many as the pattern's
    quotients by independent sets.
    """
    names = (root, *indices(" ".join(f"p{i}" for i in range(1, len(pattern))))) if len(pattern) > 1 else (root,)
    factors = [E(names[u], names[v]) for u, v in pattern.edges]
    if injective:
        pairs = [(u, v) for v in range(len(pattern)) for u in range(v) if (u, v) not in set(pattern.edges)]
        factors += [different(names[u], names[v]) for u, v in pairs]
    body = reduce(lambda found, new: found * new, factors, equal(root, root))
    return total(names[1:], body) if len(names) > 1 else body


def _gin_on(given: Patterns, layers: int, *, injective: bool) -> Expression:
    graphs = [nx.complete_graph(3)] if given is None else [given] if isinstance(given, nx.Graph) else list(given)
    if not graphs:
        raise ValueError("patterns is empty; expected one small graph or more.")
    patterns = [Pattern.read(graph)[0] for graph in graphs]

    @cache
    def first(x: Index) -> Expression:
        return apply(concatenate, Features(x), *(pattern_count(found, x, injective=injective) for found in patterns))

    @cache
    def state(layer: int, x: Index, y: Index) -> Expression:
        if not layer:
            return first(x)
        return apply(torch.tanh, 1.1 * state(layer - 1, x, y) + total(y, E(x, y) * state(layer - 1, y, x)))

    return state(layers, _X, _Y)
