"""Message-passing networks as expressions: the hidden state of a node by two index names that change places."""

from collections.abc import Callable
from functools import cache
from typing import Literal

import torch
from torch import Tensor

from ..language.builders import E, Features, aggregate, apply, different, indices, total
from ..language.expressions import Expression, Index

State = Callable[[Index, Index], Expression]
"""The hidden state of the first index; the second is a name that may be bound within."""

X, Y = indices("x y")


def vertex_network(layers: int, step: Callable[[State, Index, Index], Expression]) -> Expression:
    """So many layers of a network, from the features on.

    Args:
        layers: t.
        step: the next state of x, given the state before it, x, and y, a name that may be bound.
    """

    @cache
    def state(layer: int, x: Index, y: Index) -> Expression:
        return step(lambda at, spare: state(layer - 1, at, spare), x, y) if layer else Features(x)

    for layer in range(layers):  # from the features on: recursion would end at some depth
        _ = state(layer, X, Y), state(layer, Y, X)
    return state(layers, X, Y)


def quotient(values: Tensor) -> Tensor:
    """The first half of the last axis divided by the second: [..., 2 w] to [..., w]."""
    dividend, divisor = values.chunk(2, dim=-1)
    return dividend / divisor


def inverse_root(values: Tensor) -> Tensor:
    """1 / sqrt(v); 0 where v is 0, the degree of a node on its own."""
    return torch.where(values > 0, values.clamp(min=torch.finfo(values.dtype).tiny).rsqrt(), 0)


def degree(x: Index, y: Index) -> Expression:
    """How many neighbours x has; y is bound."""
    return total(y, E(x, y))


def neighbour_sum(state: State, x: Index, y: Index) -> Expression:
    """The sum of a state over the neighbours of x; y is bound."""
    return total(y, E(x, y) * state(y, x))


def basic_gnn(layers: int = 3) -> Expression:
    """h'(x) = f(h(x), sum over neighbours of h)."""
    return vertex_network(layers, lambda h, x, y: apply(torch.tanh, h(x, y) - 0.5 * neighbour_sum(h, x, y)))


def gin(layers: int = 3, *, epsilon: float | int = 0.1) -> Expression:
    """h'(x) = f((1 + epsilon) h(x) + sum over neighbours of h)."""
    return vertex_network(layers, lambda h, x, y: apply(torch.tanh, (1 + epsilon) * h(x, y) + neighbour_sum(h, x, y)))


def graphsage(layers: int = 3, *, aggregation: Literal["sum", "mean", "max"] = "mean") -> Expression:
    """h'(x) = f(h(x), the neighbours' h aggregated)."""
    if aggregation not in ("sum", "mean", "max"):
        raise ValueError(f"aggregation is {aggregation!r}; expected 'sum', 'mean' or 'max'.")

    def step(h: State, x: Index, y: Index) -> Expression:
        collected = neighbour_sum(h, x, y) if aggregation == "sum" else aggregate(aggregation, y, E(x, y), h(y, x))
        return apply(torch.tanh, h(x, y) + 0.5 * collected)

    return vertex_network(layers, step)


def _score(h: State, x: Index, y: Index) -> Expression:
    """An attention score before normalisation, exp(a(h(x), h(y)))."""
    return apply(torch.exp, apply(torch.nn.functional.leaky_relu, h(x, y) - 0.5 * h(y, x)))


def gat(layers: int = 3) -> Expression:
    """Attention over x and its neighbours: weights softmax(a(h(x), h(y)))."""

    def step(h: State, x: Index, y: Index) -> Expression:
        own = apply(torch.exp, 0.5 * h(x, y))
        weighted = total(y, E(x, y) * _score(h, x, y) * h(y, x)) + own * h(x, y)
        weights = total(y, E(x, y) * _score(h, x, y)) + own
        return apply(torch.tanh, apply(quotient, weighted, weights))

    return vertex_network(layers, step)


def gated_gcn(layers: int = 3) -> Expression:
    """Messages weighted by gates on the edges, which have hidden states of their own."""

    @cache
    def edge(layer: int, x: Index, y: Index) -> Expression:
        ends = node(layer, x, y) + 0.5 * node(layer, y, x)
        return apply(torch.tanh, ends + edge(layer - 1, x, y)) if layer else ends

    @cache
    def node(layer: int, x: Index, y: Index) -> Expression:
        if not layer:
            return Features(x)
        gate = apply(torch.sigmoid, edge(layer - 1, x, y))
        gated = total(y, E(x, y) * gate * node(layer - 1, y, x))
        gates = total(y, E(x, y) * gate) + 1e-6
        return apply(torch.tanh, node(layer - 1, x, y) + apply(quotient, gated, gates))

    return node(layers, X, Y)


def pna(layers: int = 3) -> Expression:
    """Mean, greatest, least and spread of the neighbours' h, each also scaled by the logarithm of the degree."""

    def step(h: State, x: Index, y: Index) -> Expression:
        mean, most, least = (aggregate(kind, y, E(x, y), h(y, x)) for kind in ("mean", "max", "min"))
        square = aggregate("mean", y, E(x, y), h(y, x) * h(y, x))
        spread = apply(torch.sqrt, apply(torch.relu, square - mean * mean) + 1e-5)
        scale = apply(torch.log1p, degree(x, y))
        collected = mean + 0.5 * most - 0.25 * least + 0.125 * spread
        return apply(torch.tanh, h(x, y) + collected + 0.5 * (scale * collected))

    return vertex_network(layers, step)


def r_gcn(layers: int = 3, *, relations: int = 2) -> Expression:
    """For each type of edges a sum over neighbours of its own, divided by their number."""

    def step(h: State, x: Index, y: Index) -> Expression:
        found = h(x, y)
        for relation in range(relations):
            found = found + (relation + 1) * aggregate("mean", y, E(x, y, type=relation), h(y, x))
        return apply(torch.tanh, found)

    return vertex_network(layers, step)


def propagate(h: State, x: Index, y: Index, *, loops: bool) -> Expression:
    """(D^-1/2 A D^-1/2 h)(x); with `loops`, A + I in place of A, as in the GCN."""

    def scale(at: Index, spare: Index) -> Expression:
        return apply(inverse_root, degree(at, spare) + 1 if loops else degree(at, spare))

    found = scale(x, y) * total(y, E(x, y) * scale(y, x) * h(y, x))
    return found + scale(x, y) * scale(x, y) * h(x, y) if loops else found


def gcn(layers: int = 3) -> Expression:
    """h' = f(D^-1/2 (A + I) D^-1/2 h): the degrees of the neighbours are a sum more."""
    return vertex_network(layers, lambda h, x, y: apply(torch.tanh, propagate(h, x, y, loops=True)))


# -- layers that look at all nodes -------------------------------------------------------------------------------------


def egin(layers: int = 3) -> Expression:
    """Extended GIN (Section 4 of the paper): a sum over neighbours and another one over all others."""

    def step(h: State, x: Index, y: Index) -> Expression:
        others = total(y, (1 - E(x, y)) * different(x, y) * h(y, x))
        return apply(torch.tanh, h(x, y) + 0.5 * neighbour_sum(h, x, y) - 0.25 * others)

    return vertex_network(layers, step)


def virtual_node(layers: int = 3) -> Expression:
    """A node joined to all others: the sum of all hidden states comes in at each layer."""
    return vertex_network(
        layers,
        lambda h, x, y: apply(torch.tanh, h(x, y) + neighbour_sum(h, x, y) - 0.5 * total(y, h(y, x))),
    )


def full_attention(layers: int = 3) -> Expression:
    """A layer of messages and, beside it, attention of every node to all nodes."""

    def step(h: State, x: Index, y: Index) -> Expression:
        score = _score(h, x, y)
        attended = apply(quotient, total(y, score * h(y, x)), total(y, score))
        return apply(torch.tanh, h(x, y) + neighbour_sum(h, x, y) + attended)

    return vertex_network(layers, step)


def graph_norm(layers: int = 3) -> Expression:
    """Hidden states are normalised by their mean and variance over the graph after each layer."""

    def step(h: State, x: Index, y: Index) -> Expression:
        def message(at: Index, spare: Index) -> Expression:
            return apply(torch.tanh, h(at, spare) + 0.5 * neighbour_sum(h, at, spare))

        mean = aggregate("mean", y, 1, message(y, x))
        square = aggregate("mean", y, 1, message(y, x) * message(y, x))
        deviation = apply(torch.sqrt, apply(torch.relu, square - mean * mean) + 1e-5)
        return apply(quotient, message(x, y) - mean, deviation)

    return vertex_network(layers, step)
