"""Networks whose hidden states belong to tuples of nodes, as expressions."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, reduce
from itertools import combinations

import torch
from torch import Tensor

from ..language.builders import E, Features, apply, different, equal, total
from ..language.expressions import Expression, Index, fresh_indices

Names = tuple[Index, ...]
TupleState = Callable[[Names], Expression]


def concatenate(values: Tensor) -> Tensor:
    """The arguments side by side, as they are."""
    return values


def atomic_type(nodes: Names) -> Expression:
    """What a tuple is before any layer: features, adjacencies and equalities."""
    pairs = list(combinations(nodes, 2))
    return apply(concatenate, *map(Features, nodes), *(E(x, y) for x, y in pairs), *(equal(x, y) for x, y in pairs))


def tuple_network(order: int, layers: int, step: Callable[[TupleState, Names], Expression]) -> Expression:
    """So many layers on tuples of nodes.

    Args:
        order: length of the tuples.
        layers: t.
        step: the next state of a tuple, given the states before it.
    """

    @cache
    def state(layer: int, nodes: Names) -> Expression:
        return step(lambda others: state(layer - 1, others), nodes) if layer else atomic_type(nodes)

    return state(layers, first_names(order))


def first_names(number: int) -> Names:
    """The first so many index names."""
    names = iter(fresh_indices())
    return tuple(next(names) for _ in range(number))


def spare_name(order: int, nodes: Names) -> Index:
    """Of order + 1 names, one that stands for none of these nodes."""
    return next(name for name in first_names(order + 1) if name not in nodes)


def replace_node(nodes: Names, place: int, by: Index) -> Names:
    """A tuple with another node at one place."""
    return (*nodes[:place], by, *nodes[place + 1 :])


def k_fgnn(layers: int = 2, *, k: int = 2) -> Expression:
    """Folklore GNN: h'(v) = f(h(v), sum_u of the product over i of m_i(h(v with u in place i)))."""
    parts = (torch.sin, torch.cos, torch.tanh, torch.sigmoid)

    def step(h: TupleState, nodes: Names) -> Expression:
        u = spare_name(k, nodes)
        messages = [apply(parts[i % len(parts)], h(replace_node(nodes, i, u))) for i in range(k)]
        return apply(torch.tanh, h(nodes) + total(u, _product(messages)))

    return tuple_network(k, layers, step)


def ppgn(layers: int = 2) -> Expression:
    """Provably powerful graph network: h' = f(h, m_1(h) m_2(h)), a product of matrices for each channel."""
    return k_fgnn(layers, k=2)


def k_gnn(layers: int = 2, *, k: int = 2) -> Expression:
    """h'(v) = f(h(v), the sums over u of h(v with u in place i), u any node)."""

    def step(h: TupleState, nodes: Names) -> Expression:
        return apply(torch.tanh, h(nodes) + _sum([(i + 1) * total(nodes[i], h(nodes)) for i in range(k)]))

    return tuple_network(k, layers, step)


def local_k_gnn(layers: int = 2, *, k: int = 2) -> Expression:
    """h'(v) = f(h(v), the sums over u of h(v with u in place i), u a neighbour of the node that it replaces)."""

    def step(h: TupleState, nodes: Names) -> Expression:
        u = spare_name(k, nodes)
        sums = [(i + 1) * total(u, E(nodes[i], u) * h(replace_node(nodes, i, u))) for i in range(k)]
        return apply(torch.tanh, h(nodes) + _sum(sums))

    return tuple_network(k, layers, step)


def walk_mpnn(layers: int = 1, *, length: int = 2) -> Expression:
    """h'(x, y) = f(h(x, y), the sum over walks x, z1, z2, ..., y of h(x, z1) h(z1, z2) ..., of so many steps)."""
    if length < 2:
        raise ValueError(f"length is {length}; expected walks of 2 steps or more.")
    names = first_names(length + 1)

    def step(h: TupleState, nodes: Names) -> Expression:
        inner = tuple(name for name in names if name not in nodes)
        walk = (nodes[0], *inner, nodes[1])
        product = _product([apply(torch.tanh, h(walk[i : i + 2])) for i in range(length)])
        return apply(torch.tanh, h(nodes) + total(inner, product))

    return tuple_network(2, layers, step)


def ign(layers: int = 1, *, order: int = 2) -> Expression:
    """Invariant graph network: all linear maps between tensors of an order that commute with permutations.

    There is one map for each partition of the indices of output and input: indices of a class are one node, and a class
    without output indices is summed over. Two indices suffice for order 2, with 15 maps; three for order 3, with 203.
    """

    if order > 3:
        raise ValueError(f"order is {order}; expected at most 3: of order 4 there are 4,140 maps.")

    def step(h: TupleState, nodes: Names) -> Expression:
        maps = [(1 + 1 / (i + 2)) * term for i, term in enumerate(_equivariant_terms(h, nodes))]
        return apply(torch.tanh, _sum(maps))

    return tuple_network(order, layers, step)


def _equivariant_terms(h: TupleState, nodes: Names) -> Iterator[Expression]:
    """One term for each map; on a diagonal, where some of the nodes are one, for those that still differ there."""
    order = len(nodes)
    outputs = tuple(dict.fromkeys(nodes))
    count = len(outputs)
    for partition in _partitions(range(count + order)):
        split = [([i for i in group if i < count], [i - count for i in group if i >= count]) for group in partition]
        kept = {outputs[out[0]] for out, into in split if out and into}
        unused = iter([name for name in first_names(order) if name not in kept])
        names = [outputs[out[0]] if out else next(unused) for out, into in split if into]
        inputs = {i: name for name, into in zip(names, [into for _, into in split if into], strict=True) for i in into}
        bound = tuple(name for name in names if name not in kept)
        term = h(tuple(inputs[i] for i in range(order)))
        same = [equal(outputs[out[0]], outputs[i]) for out, _ in split for i in out[1:]]
        yield _product([*same, total(bound, term) if bound else term])


def _partitions(items: Sequence[int]) -> Iterator[list[list[int]]]:
    """All ways to group items; the groups in order of their first items."""
    if not items:
        yield []
        return
    *rest, last = items
    for groups in _partitions(rest):
        for i in range(len(groups)):
            yield [*groups[:i], [*groups[i], last], *groups[i + 1 :]]
        yield [*groups, [last]]


def simplicial(layers: int = 2, *, dimension: int = 2, lower: bool = False) -> Expression:
    """Message passing between cliques: from the faces, and between cliques that share a coface, or also a face.

    A message depends on both cliques; so one through a shared face, between cliques of p + 1 nodes, looks at p + 2
    nodes. It takes p layers until a node hears of the cliques of p + 1 nodes that it is in, and one more until it hears
    of what they heard of each other.

    Args:
        layers: t.
        dimension: p; cliques of up to p + 1 nodes.
        lower: whether cliques that share a face exchange messages too.
    """
    pool = first_names(dimension + 1 + lower)

    @cache
    def state(layer: int, nodes: Names) -> Expression:
        if not layer:
            return _sum([(i + 1) * Features(x) for i, x in enumerate(nodes)])
        before = state(layer - 1, nodes)
        found = [before]
        if len(nodes) > 1:
            found += [0.5 * state(layer - 1, face) for face in combinations(nodes, len(nodes) - 1)]
        if len(nodes) <= dimension + lower:
            z = next(name for name in pool if name not in nodes)
            found += [0.25 * message for message in messages(layer - 1, before, nodes, z)]
        return apply(torch.tanh, _sum(found))

    def messages(layer: int, before: Expression, nodes: Names, z: Index) -> Iterator[Expression]:
        """From each clique in which z stands in for one of the nodes, next to what is here."""
        for i in range(len(nodes)):
            both = before + 0.5 * state(layer, replace_node(nodes, i, z))
            face = _product([E(x, z) for j, x in enumerate(nodes) if j != i]) if len(nodes) > 1 else None
            if len(nodes) <= dimension:
                joined = E(nodes[i], z) if face is None else E(nodes[i], z) * face
                yield total(z, joined * apply(torch.tanh, both + 0.25 * state(layer, (*nodes, z))))
            if lower and face is not None:
                yield total(z, face * different(nodes[i], z) * apply(torch.sin, both))

    return state(layers, pool[:1])


def _sum(terms: Sequence[Expression]) -> Expression:
    return reduce(lambda found, new: found + new, terms)


def _product(factors: Sequence[Expression]) -> Expression:
    return reduce(lambda found, new: found * new, factors)
