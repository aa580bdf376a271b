"""Networks that look at copies of the graph, each with a node or an edge marked or gone, and networks with counts."""

from collections.abc import Callable, Iterable
from functools import cache, reduce

import networkx as nx
import torch

from paperwright.blocks.counts import whole_number

from ..homomorphisms.patterns import Pattern
from ..language.builders import E, Features, apply, different, equal, indices, total
from ..language.expressions import Expression, Index
from .higher_order import concatenate
from .message_passing import State

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

    whole_number("layers", layers, 1)
    return lambda at: state(layers, at)


def id_gnn(layers: int = 3, *, readout: bool = False) -> Expression:
    """Each node reads its own state in the copy in which it is marked."""
    output = _on_copies(layers, E, lambda x: apply(concatenate, Features(x), equal(x, _U)))(_U)
    return total(_U, output) if readout else output


def node_marked_gnn(layers: int = 3, *, readout: bool = False) -> Expression:
    """A node's output is the readout of the copy in which it is marked."""
    return _with_readouts(_on_copies(layers, E, lambda x: apply(concatenate, Features(x), equal(x, _U))), readout)


def node_deleted_gnn(layers: int = 3, *, readout: bool = False) -> Expression:
    """A node's output is the readout of the copy from which it is gone."""

    def adjacent(x: Index, y: Index) -> Expression:
        return E(x, y) * different(x, _U) * different(y, _U)

    state = _on_copies(layers, adjacent, Features)
    output = total(_X, different(_X, _U) * state(_X))
    return total(_U, output) if readout else output


def ego_gnn(layers: int = 3, *, radius: int = 2, readout: bool = False) -> Expression:
    """A node's output is the readout of the subgraph of the nodes at most so many steps away from it."""

    @cache
    def near(steps: int, x: Index) -> Expression:
        if not steps:
            return equal(x, _U)
        spare = _Y if x == _X else _X
        return apply(torch.sign, near(steps - 1, x) + total(spare, E(x, spare) * near(steps - 1, spare)))

    whole_number("radius", radius, 1)

    def adjacent(x: Index, y: Index) -> Expression:
        return E(x, y) * near(radius, x) * near(radius, y)

    state = _on_copies(layers, adjacent, Features)
    output = total(_X, near(radius, _X) * state(_X))
    return total(_U, output) if readout else output


def edge_deleted_gnn(layers: int = 2, *, readout: bool = True) -> Expression:
    """The sum, over all edges, of the readout of the copy from which the edge is gone; or these readouts."""

    def adjacent(x: Index, y: Index) -> Expression:
        return E(x, y) * (1 - equal(x, _U) * equal(y, _V) - equal(x, _V) * equal(y, _U))

    output = E(_U, _V) * apply(torch.tanh, total(_X, _on_copies(layers, adjacent, Features)(_X)))
    return total((_U, _V), output) if readout else output


def _with_readouts(state: Callable[[Index], Expression], readout: bool) -> Expression:
    output = total(_X, state(_X))
    return total(_U, apply(torch.tanh, output)) if readout else output


# -- counts of patterns as features ------------------------------------------------------------------------------------


def homomorphism_gin(
    layers: int = 3, *, patterns: nx.Graph | Iterable[nx.Graph] | None = None, readout: bool = False
) -> Expression:
    """GIN on features and, for each pattern, the number of homomorphisms that send its first node to x.

    Args:
        layers: t.
        patterns: a small graph, or several; the triangle if not given.
        readout: whether to sum over all nodes at the end.
    """
    counts = [_count(pattern, injective=False) for pattern in _patterns(patterns)]
    return _gin_on(counts, layers, readout)


def gsn(layers: int = 3, *, patterns: nx.Graph | Iterable[nx.Graph] | None = None, readout: bool = False) -> Expression:
    """GIN on features and, for each pattern, the number of injective homomorphisms that send its first node to x.

    Args:
        layers: t.
        patterns: a small graph, or several; the triangle if not given.
        readout: whether to sum over all nodes at the end.
    """
    counts = [_count(pattern, injective=True) for pattern in _patterns(patterns)]
    return _gin_on(counts, layers, readout)


def _patterns(given: nx.Graph | Iterable[nx.Graph] | None) -> list[Pattern]:
    found = [nx.complete_graph(3)] if given is None else [given] if isinstance(given, nx.Graph) else list(given)
    if not found:
        raise ValueError("patterns is empty; expected one small graph or more.")
    return [Pattern.read(pattern)[0] for pattern in found]


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


def _count(pattern: Pattern, *, injective: bool) -> Callable[[Index], Expression]:
    return cache(lambda root: pattern_count(pattern, root, injective=injective))


def _gin_on(counts: list[Callable[[Index], Expression]], layers: int, readout: bool) -> Expression:
    def first(x: Index, _: Index) -> Expression:
        return apply(concatenate, Features(x), *(count(x) for count in counts))

    @cache
    def state(layer: int, x: Index, y: Index) -> Expression:
        if not layer:
            return first(x, y)
        before: State = lambda at, spare: state(layer - 1, at, spare)  # noqa: E731
        return apply(torch.tanh, 1.1 * before(x, y) + total(y, E(x, y) * before(y, x)))

    output = state(whole_number("layers", layers, 1), _X, _Y)
    return total(_X, output) if readout else output
