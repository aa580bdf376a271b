"""Networks that filter by the spectrum of the graph, as expressions.

A filter g(L) by a fixed function g is a limit of polynomials in L, whose coefficients do not depend on the graph; these
are guarded, so whatever g, the filter stays within stable colour refinement. Only a filter that is scaled by a constant
of the whole graph, such as its greatest eigenvalue, leaves it.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial, reduce

import numpy as np
import torch
from numpy.polynomial import Chebyshev
from torch import Tensor

from ..language.builders import E, Features, apply, indices, total
from ..language.expressions import Expression, Index
from .message_passing import State, X, Y, degree, inverse_root, propagate, vertex_network


def sgc(hops: int = 2) -> Expression:
    """(D^-1/2 (A + I) D^-1/2)^K X, with K hops."""
    return _propagation_steps(hops, 0.0)


def appnp(hops: int = 10, *, alpha: float | int = 0.1) -> Expression:
    """K steps of h' = (1 - alpha) D^-1/2 (A + I) D^-1/2 h + alpha X."""
    return _propagation_steps(hops, alpha)


def _propagation_steps(hops: int, alpha: float | int) -> Expression:

    def step(h: State, x: Index, y: Index) -> Expression:
        moved = propagate(h, x, y, loops=True)
        return (1 - alpha) * moved + alpha * Features(x) if alpha else moved

    return vertex_network(hops, step)


Operator = Callable[[State, Index, Index], Expression]


def _chebyshev(operator: Operator, weights: Sequence[float | int], h: State, x: Index, y: Index) -> Expression:
    """sum_k w_k T_k(M) h at x, with T_k = 2 M T_(k-1) - T_(k-2)."""

    @cache
    def term(k: int, x: Index, y: Index) -> Expression:
        if k == 0:
            return h(x, y)
        moved = operator(lambda at, spare: term(k - 1, at, spare), x, y)
        return moved if k == 1 else 2 * moved - term(k - 2, x, y)

    return reduce(lambda found, new: found + new, [weight * term(k, x, y) for k, weight in enumerate(weights)])


def _minus_adjacency(h: State, x: Index, y: Index) -> Expression:
    """(L - I) h = -D^-1/2 A D^-1/2 h: the normalised Laplacian, whose spectrum lies in [0, 2], shifted to [-1, 1]."""
    return -propagate(h, x, y, loops=False)


def chebnet(layers: int = 2, *, terms: int = 3) -> Expression:
    """Polynomials of degree K - 1 in 2 L / lambda_max - I, with lambda_max = 2 whatever the graph.

    Args:
        layers: t.
        terms: K, of which the first is the hidden state itself.
    """
    weights = [1 / (k + 1) for k in range(terms)]

    def step(h: State, x: Index, y: Index) -> Expression:
        return apply(torch.tanh, _chebyshev(_minus_adjacency, weights, h, x, y))

    return vertex_network(layers, step)


def chebnet_own_lambda_max(layers: int = 2, *, terms: int = 3, nodes: int = 6) -> Expression:
    """ChebNet with the greatest eigenvalue of each graph's own Laplacian, on graphs of so many nodes.

    The eigenvalue is a function of the traces of the first n powers of D^-1/2 A D^-1/2, which are closed walks.

    Args:
        layers: t.
        terms: K, of which the first is the hidden state itself.
        nodes: n, the number of nodes of the graphs that the expression speaks of.
    """
    weights = [1 / (k + 1) for k in range(terms)]
    traces = [_trace(power) for power in range(1, nodes + 1)]
    scale = apply(_twice_over_greatest_eigenvalue, *traces)

    def operator(h: State, x: Index, y: Index) -> Expression:
        return scale * (h(x, y) - propagate(h, x, y, loops=False)) - h(x, y)

    def step(h: State, x: Index, y: Index) -> Expression:
        return apply(torch.tanh, _chebyshev(operator, weights, h, x, y))

    return vertex_network(layers, step)


def _trace(power: int) -> Expression:
    """The trace of (D^-1/2 A D^-1/2)^power: closed walks, each step from u to v weighted by 1 / sqrt(d_u d_v)."""
    walk = indices(" ".join(f"v{i}" for i in range(power)))
    spare = indices("w")[0]
    steps = [E(walk[i], walk[(i + 1) % power]) for i in range(power)]
    inverse = [apply(torch.square, apply(inverse_root, degree(v, spare))) for v in walk]
    return total(walk, reduce(lambda found, new: found * new, [*steps, *inverse]))


def _twice_over_greatest_eigenvalue(traces: Tensor) -> Tensor:
    """2 / lambda_max of I - N from the traces of N, ..., N^n, by Newton's identities; [..., n] to [..., 1]."""
    n = traces.size(-1)
    coefficients = [torch.ones_like(traces[..., 0])]
    for k in range(1, n + 1):
        earlier = torch.stack([coefficients[k - i] * traces[..., i - 1] for i in range(1, k + 1)])
        coefficients.append(-earlier.sum(dim=0) / k)
    companion = torch.zeros(*traces.shape[:-1], n, n, dtype=traces.dtype, device=traces.device)
    companion[..., range(1, n), range(n - 1)] = 1
    companion[..., -1] = -torch.stack(coefficients[:0:-1], dim=-1)
    least: Tensor = torch.linalg.eigvals(companion).real.amin(dim=-1, keepdim=True)
    return 2 / (1 - least)


def _filter(response: Callable[[np.ndarray], np.ndarray], terms: int, *, loops: bool) -> Expression:
    """g(L) X, with g by its Chebyshev polynomial of so many terms on [0, 2]."""
    weights = Chebyshev.interpolate(response, terms - 1, domain=[0, 2]).coef.tolist()

    def operator(h: State, x: Index, y: Index) -> Expression:
        return -propagate(h, x, y, loops=loops)

    return _chebyshev(operator, weights, lambda at, spare: Features(at), X, Y)


def cayleynet(terms: int = 8, *, order: int = 2, zoom: float | int = 1.0) -> Expression:
    """One Cayley filter, 2 Re sum_j ((h L - i) / (h L + i))^j X, by so many terms of its Chebyshev series.

    Args:
        terms: of the series; the filter itself is the limit of more and more.
        order: the greatest j.
        zoom: h.
    """

    def response(eigenvalue: np.ndarray) -> np.ndarray:
        turn = (zoom * eigenvalue - 1j) / (zoom * eigenvalue + 1j)
        powers = np.stack([(turn**j).real for j in range(1, order + 1)])
        values: np.ndarray = 1 + 2 * powers.sum(axis=0)
        return values

    return _filter(response, terms, loops=False)


def arma(terms: int = 8, *, pole: float | int = 0.5) -> Expression:
    """One ARMA filter of first order, (I - a (I - L))^-1 X, by so many terms of its Chebyshev series."""
    return _filter(partial(_rational, pole=pole), terms, loops=False)


def ppnp(terms: int = 8, *, alpha: float | int = 0.1) -> Expression:
    """alpha (I - (1 - alpha) D^-1/2 (A + I) D^-1/2)^-1 X, by so many terms of its Chebyshev series."""

    def response(eigenvalue: np.ndarray) -> np.ndarray:
        return alpha * _rational(eigenvalue, pole=1 - alpha)

    return _filter(response, terms, loops=True)


def _rational(eigenvalue: np.ndarray, *, pole: float | int) -> np.ndarray:
    return 1 / (1 - pole * (1 - eigenvalue))
