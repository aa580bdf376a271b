"""Columns of S = alpha (I - (1 - alpha) H)^-1, H = D^-1/2 A D^-1/2, in three ways: solved, iterated, pushed.

Solving costs N^3 whatever the graph. Chebyshev's iteration costs N * nonzeros * iterations, some thirty of them, over
32 columns at a time. Pushing walks only where mass goes: quickest where a column stays near its node, slowest where it
spreads over a graph without structure.
"""

import time
import warnings
from collections.abc import Iterator
from typing import Literal

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from paperwright.blocks.compiled import ACCELERATED, compiled
from paperwright.blocks.real_numbers import real_number

Method = Literal["exact", "chebyshev", "push"]

BLOCK = 32  # columns at a time: a block stays in the cache
SOLVE_COST = 0.2  # of one of the N^3 steps of the solve, in steps of the iteration (LAPACK on one core)
PUSH_COST = 10  # of one arc that is pushed along, in the same
TRIED_COLUMNS = 8
LONG = 60
"""Seconds that need no word."""


def teleport_probability(alpha: float) -> float:
    """Return alpha as a float; what is not strictly between 0 and 1, also after rounding 1 - alpha, is refused."""
    return real_number("alpha", alpha, "a probability strictly between 0 and 1", lambda alpha: 0 < 1 - alpha < 1)


def cheapest_method(adjacency: sp.csr_array, alpha: float, tolerance: float) -> Method:
    """Return the method that takes the fewest steps; what decides is counted, not timed.

    Args:
        adjacency: with positive row sums; [N, N].
        alpha: teleport probability.
        tolerance: see `diffused_blocks` and `pushed_columns`.
    """
    if (adjacency != adjacency.T).nnz:
        return "exact"
    n, steps = adjacency.shape[0], adjacency.nnz * iterations(alpha, tolerance)
    if SOLVE_COST * n * n <= steps:
        return "exact"
    pusher = Pusher(adjacency, alpha, tolerance, most_steps=int(steps / PUSH_COST))
    tried = [pusher.column(source) for source in np.linspace(0, n - 1, TRIED_COLUMNS).astype(int).tolist()]
    return "push" if all(column is not None for column in tried) else "chebyshev"


# ---------------------------------------------------------------------------------------------------------------------


def solved_blocks(adjacency: sp.csr_array, alpha: float) -> Iterator[np.ndarray]:
    """S, a block of columns after the other, from the inverse of a dense matrix."""
    S = diffusion_matrix(adjacency, alpha)
    for first in range(0, len(S), BLOCK):
        yield S[:, first : first + BLOCK]


def diffusion_matrix(adjacency: sp.sparray, alpha: float) -> np.ndarray:
    """S = alpha (I - (1 - alpha) D^-1/2 A D^-1/2)^-1, dense float64 [N, N], for A with positive row sums."""
    system = -_damped(adjacency, alpha).toarray(order="F")
    system[np.diag_indices_from(system)] += 1
    if not np.array_equal(system, system.T):
        inverse: np.ndarray = alpha * np.linalg.inv(system)
        return inverse
    # symmetric, so I - (1 - alpha) H is positive definite: half the work, and in place
    factor, _ = scipy.linalg.lapack.dpotrf(system, lower=True, overwrite_a=True)
    S: np.ndarray
    S, _ = scipy.linalg.lapack.dpotri(factor, lower=True, overwrite_c=True)
    S *= alpha
    side = 256
    for first in range(0, len(S), side):
        block = slice(first, first + side)
        S[block, block] = np.tril(S[block, block]) + np.tril(S[block, block], -1).T
        S[block, first + side :] = S[first + side :, block].T
    return S


def _damped(adjacency: sp.sparray, alpha: float) -> sp.csr_array:
    """(1 - alpha) H."""
    scale = 1 / np.sqrt(adjacency.sum(axis=1))
    return (sp.diags_array(scale * (1 - alpha)) @ adjacency @ sp.diags_array(scale)).tocsr()


# ---------------------------------------------------------------------------------------------------------------------


def iterations(alpha: float, tolerance: float) -> int:
    """After how many steps Chebyshev's iteration is as near as `tolerance`, in the norm of a whole column."""
    damping = 1 - alpha
    rate = (1 - np.sqrt(1 - damping**2)) / damping
    return max(1, int(np.ceil(np.log(tolerance / 2) / np.log(rate))))


def iterated_blocks(adjacency: sp.csr_array, alpha: float, tolerance: float) -> Iterator[np.ndarray]:
    """S, a block of columns after the other, each column within `tolerance` of the exact one (Euclidean norm).

    Chebyshev's semi-iteration for x = (1 - alpha) H x + alpha e, whose matrix has its spectrum between -(1 - alpha) and
    1 - alpha: the error falls by (1 - sqrt(1 - (1 - alpha)^2)) / (1 - alpha) a step, 0.56 at alpha 0.15.

    Args:
        adjacency: symmetric, positive row sums, [N, N].
        alpha: teleport probability.
        tolerance: the largest error of a column.
    """
    n, matrix = adjacency.shape[0], _damped(adjacency, alpha)
    steps = iterations(alpha, tolerance)
    started = time.monotonic()
    for first in range(0, n, BLOCK):
        if first == BLOCK:
            _announce((time.monotonic() - started) * n / BLOCK, n)
        width = min(BLOCK, n - first)
        x, before = np.zeros((n, width)), np.zeros((n, width))
        omega = 1.0
        for step in range(steps):
            advance(matrix, x, before, first, alpha, omega)
            x, before = before, x
            omega = 1 / (1 - (1 - alpha) ** 2 * (omega / 4 if step else 0.5))
        yield x


def advance(matrix: sp.csr_array, x: np.ndarray, before: np.ndarray, first: int, alpha: float, omega: float) -> None:
    """Turn `before` into the step after x: omega (M x + alpha E - before) + before, E the columns from `first` on."""
    if ACCELERATED:
        advance_rows(matrix.indptr, matrix.indices, matrix.data, x, before, omega)
    else:
        before *= 1 - omega
        before += omega * (matrix @ x)
    diagonal = np.arange(x.shape[1])
    before[first + diagonal, diagonal] += omega * alpha


@compiled
def advance_rows(pointer, nodes, weights, x, before, omega):
    """`before` becomes omega (M x - before) + before, for M in rows of (nodes, weights)."""
    columns = x.shape[1]
    row = np.empty(columns)
    for i in range(len(pointer) - 1):
        row[:] = 0.0
        for place in range(pointer[i], pointer[i + 1]):
            weight, other = weights[place], x[nodes[place]]
            for b in range(columns):
                row[b] += weight * other[b]
        for b in range(columns):
            before[i, b] = omega * (row[b] - before[i, b]) + before[i, b]


# ---------------------------------------------------------------------------------------------------------------------


@compiled
def push(pointer, nodes, degree, source, alpha, tolerance, most_steps, mass, residual, queue, queued, reached):
    """PageRank of one source with teleport alpha; `reached[:n]` are the nodes touched, (n, arcs walked) is returned.

    Invariant: pagerank = mass + sum_u residual[u] * pagerank of u. A node is pushed while its residual exceeds
    tolerance * degree, so the work is O(1 / (alpha * tolerance)) whatever the size of the graph.
    """
    residual[source] = 1.0
    queue[0], queued[source] = source, True
    reached[0] = source
    first, waiting, size, steps = 0, 1, 1, 0
    while waiting > 0:
        u = queue[first]
        first = (first + 1) % len(queue)
        waiting -= 1
        queued[u] = False
        if steps > most_steps:
            continue
        steps += pointer[u + 1] - pointer[u]
        amount = residual[u]
        residual[u] = 0.0
        mass[u] += alpha * amount
        share = (1.0 - alpha) * amount / degree[u]
        for x in range(pointer[u], pointer[u + 1]):
            v = nodes[x]
            if residual[v] == 0.0 and mass[v] == 0.0 and v != source:
                reached[size] = v
                size += 1
            residual[v] += share
            if residual[v] > tolerance * degree[v] and not queued[v]:
                queued[v] = True
                queue[(first + waiting) % len(queue)] = v
                waiting += 1
    return size, steps


class Pusher:
    """Pushes columns of S, one at a time, in work space of its own.

    A column of S is PageRank in disguise: S[w, s] = sqrt(d_s / d_w) * pagerank_s(w).

    Args:
        adjacency: symmetric, positive row sums, [N, N].
        alpha: teleport probability.
        tolerance: residual left at a node, for each unit of its degree.
        most_steps: arcs walked for one column before it is given up.
    """

    def __init__(self, adjacency: sp.csr_array, alpha: float, tolerance: float, *, most_steps: int = 2**62) -> None:
        n = adjacency.shape[0]
        self._graph = adjacency.indptr, adjacency.indices, adjacency.sum(axis=1)
        self._settings = alpha, tolerance, most_steps
        self._mass, self._residual = np.zeros(n), np.zeros(n)
        self._queue, self._queued, self._reached = np.empty(n, np.int64), np.zeros(n, bool), np.empty(n, np.int64)

    def column(self, source: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Rows, ascending, and values of one column; None if it was given up."""
        mass, residual, degree = self._mass, self._residual, self._graph[2]
        size, steps = push(
            *self._graph, source, *self._settings, mass, residual, self._queue, self._queued, self._reached
        )
        rows = np.sort(self._reached[:size])
        values = np.sqrt(degree[source] / degree[rows]) * mass[rows]
        mass[rows] = residual[rows] = 0.0
        return (rows, values) if steps <= self._settings[2] else None


def pushed_columns(adjacency: sp.csr_array, alpha: float, tolerance: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows and values of each column of S; what falls short of about `tolerance` * degree is lost."""
    pusher, n = Pusher(adjacency, alpha, tolerance), adjacency.shape[0]
    started = time.monotonic()
    for source in range(n):
        if source == 8 * BLOCK:
            _announce((time.monotonic() - started) * n / source, n)
        column = pusher.column(source)
        assert column is not None, "no bound was set on its steps"
        yield column


def _announce(seconds: float, columns: int) -> None:
    """Say what is to come if it is long."""
    if seconds > LONG:
        warnings.warn(
            f"Diffusing {columns:,} columns will take about {max(1, round(seconds / 60))} minutes. A larger tolerance "
            "is quicker, such as tolerance=1e-05.",
            UserWarning,
            stacklevel=2,
        )
