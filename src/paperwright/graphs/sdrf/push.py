"""Personalised PageRank by pushing: entries of the diffusion matrix without the matrix."""

import time
import warnings

import numpy as np
import scipy.sparse as sp

from paperwright.blocks.compiled import compiled

FIRST_COLUMNS = 200
"""After so many it is known how long all will take."""
LONG = 60
"""Seconds that need no word."""


@compiled
def push(pointer, nodes, degree, source, alpha, tolerance, mass, residual, queue, queued, reached):
    """PageRank of one source with teleport alpha; `reached[:n]` are the nodes touched, n is returned.

    Invariant: pagerank = mass + sum_u residual[u] * pagerank of u. A node is pushed while its residual exceeds
    tolerance * degree, so the work is O(1 / (alpha * tolerance)) whatever the size of the graph.
    """
    residual[source] = 1.0
    queue[0], queued[source] = source, True
    reached[0] = source
    first, waiting, size = 0, 1, 1
    while waiting > 0:
        u = queue[first]
        first = (first + 1) % len(queue)
        waiting -= 1
        queued[u] = False
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
    return size


def pushed_columns(
    adjacency: sp.csr_array, alpha: float, tolerance: float, top_k: int | None, eps: float | int | None
) -> sp.csc_array:
    """The largest entries of each column of S = alpha (I - (1 - alpha) D^-1/2 A D^-1/2)^-1, to within the tolerance.

    A column of S is PageRank in disguise: S[w, s] = sqrt(d_s / d_w) * pagerank_s(w).

    Args:
        adjacency: symmetric, positive row sums, [N, N].
        alpha: teleport probability.
        tolerance: residual left at a node, for each unit of its degree.
        top_k, eps: how many entries of a column to keep, or from what value on; one of them.
    """
    n = adjacency.shape[0]
    degree = adjacency.sum(axis=1)
    mass, residual = np.zeros(n), np.zeros(n)
    queue, reached, queued = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64), np.zeros(n, dtype=bool)
    columns: list[tuple[np.ndarray, np.ndarray]] = []
    started = time.monotonic()
    for source in range(n):
        if source == FIRST_COLUMNS:
            _announce((time.monotonic() - started) * n / source, n, tolerance)
        size = push(
            adjacency.indptr,
            adjacency.indices,
            degree,
            source,
            alpha,
            tolerance,
            mass,
            residual,
            queue,
            queued,
            reached,
        )
        rows = np.sort(reached[:size])
        values = np.sqrt(degree[source] / degree[rows]) * mass[rows]
        mass[rows] = residual[rows] = 0.0
        best = np.argsort(-values, kind="stable")[:top_k] if top_k is not None else np.flatnonzero(values >= eps)
        best = best[values[best] > 0]
        columns.append((rows[best], values[best]))
    lengths = [len(rows) for rows, _ in columns]
    pointer = np.concatenate([[0], np.cumsum(lengths)])
    rows, values = (np.concatenate(part) for part in zip(*columns, strict=True))
    return sp.csc_array((values, rows, pointer), shape=(n, n))


def _announce(seconds: float, columns: int, tolerance: float) -> None:
    """Say what is to come if it is long; how long a column takes depends on how far the graph spreads."""
    if seconds > LONG:
        warnings.warn(
            f"Pushing {columns:,} columns to tolerance {tolerance:g} will take about {seconds / 60:.0f} minutes; a "
            f"larger one is quicker, such as tolerance={100 * tolerance:g}, and loses entries below that * degree.",
            UserWarning,
            stacklevel=2,
        )
