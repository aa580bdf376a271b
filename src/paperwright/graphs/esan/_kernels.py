"""The loops behind the policies, for graphs in main memory: what tensor operations say in `policies`, in one pass each.

A graph of EXP has 44 nodes, and a tensor operation on it costs more to start than to run; so it is these loops that
decide how fast a data set becomes bags. Kernels of policies return `edge_index`, int64 [2, E_b], shifted, and the
column that each edge comes from, int64 [E_b].
"""

import numpy as np

from paperwright.blocks.compiled import compiled

SIMPLE, DIRECTED, DUPLICATED, OUTSIDE = range(4)


@compiled
def kind_of_graph(edge_index, num_nodes):
    """Whether every edge is there once in each direction (SIMPLE), or what is wrong with the edges."""
    source, target = edge_index
    for e in range(len(source)):
        if min(source[e], target[e]) < 0 or max(source[e], target[e]) >= num_nodes:
            return OUTSIDE
    start, column = columns_by(source, num_nodes)
    back, backwards = columns_by(target, num_nodes)
    seen = np.full(num_nodes, -1, dtype=np.int64)
    kind = SIMPLE
    for u in range(num_nodes):
        for e in column[start[u] : start[u + 1]]:
            if seen[target[e]] == u:
                return DUPLICATED
            seen[target[e]] = u
        for e in backwards[back[u] : back[u + 1]]:
            if seen[source[e]] != u:
                kind = DIRECTED
    return kind


@compiled
def columns_by(ends, num_nodes):
    """The columns sorted by one of their ends: those of u are `column[start[u] : start[u + 1]]`, ascending."""
    start = np.zeros(num_nodes + 1, dtype=np.int64)
    for u in ends:
        start[u + 1] += 1
    start = np.cumsum(start)
    following, column = start.copy(), np.empty(len(ends), dtype=np.int64)
    for e in range(len(ends)):
        column[following[ends[e]]] = e
        following[ends[e]] += 1
    return start, column


@compiled
def without_edges(edge_index, num_nodes, deleted):
    """For each column in `deleted` the graph without it and its reverse."""
    source, target = edge_index
    size = 0
    for d in deleted:
        size += len(source) - (1 if source[d] == target[d] else 2)
    rest, column = np.empty((2, size), dtype=np.int64), np.empty(size, dtype=np.int64)
    k = 0
    for s in range(len(deleted)):
        a, b = source[deleted[s]], target[deleted[s]]
        for e in range(len(source)):
            u, v = source[e], target[e]
            if not ((u == a and v == b) or (u == b and v == a)):
                rest[0, k], rest[1, k], column[k] = u + s * num_nodes, v + s * num_nodes, e
                k += 1
    return rest, column


@compiled
def without_nodes(edge_index, num_nodes, deleted):
    """For each node in `deleted` the graph without its edges."""
    source, target = edge_index
    touching = np.zeros(num_nodes, dtype=np.int64)
    for e in range(len(source)):
        touching[source[e]] += 1
        if source[e] != target[e]:
            touching[target[e]] += 1
    size = 0
    for d in deleted:
        size += len(source) - touching[d]
    rest, column = np.empty((2, size), dtype=np.int64), np.empty(size, dtype=np.int64)
    k = 0
    for s in range(len(deleted)):
        for e in range(len(source)):
            u, v = source[e], target[e]
            if u != deleted[s] and v != deleted[s]:
                rest[0, k], rest[1, k], column[k] = u + s * num_nodes, v + s * num_nodes, e
                k += 1
    return rest, column


@compiled
def ego_nets(edge_index, num_nodes, roots, num_hops):
    """For each root the edges with both ends at distance `num_hops` or less from it."""
    source, target = edge_index
    near = np.zeros((len(roots), num_nodes), dtype=np.bool_)
    start, out = columns_by(source, num_nodes)
    queue = np.empty(num_nodes, dtype=np.int64)
    size = 0
    for s in range(len(roots)):
        near[s, roots[s]] = True
        queue[0], first, last = roots[s], 0, 1
        for _ in range(num_hops):
            if first == last:
                break
            end = last
            for place in range(first, end):
                for e in out[start[queue[place]] : start[queue[place] + 1]]:
                    if not near[s, target[e]]:
                        near[s, target[e]] = True
                        queue[last] = target[e]
                        last += 1
            first = end
        for u in queue[:last]:
            for e in out[start[u] : start[u + 1]]:
                size += near[s, target[e]]
    edges, column = np.empty((2, size), dtype=np.int64), np.empty(size, dtype=np.int64)
    k = 0
    for s in range(len(roots)):
        for e in range(len(source)):
            if near[s, source[e]] and near[s, target[e]]:
                edges[0, k], edges[1, k], column[k] = source[e] + s * num_nodes, target[e] + s * num_nodes, e
                k += 1
    return edges, column


@compiled
def copies(edge_index, num_nodes, number):
    """All edges, `number` times."""
    E = edge_index.shape[1]
    edges, column = np.empty((2, number * E), dtype=np.int64), np.empty(number * E, dtype=np.int64)
    for s in range(number):
        for e in range(E):
            k = s * E + e
            edges[0, k] = edge_index[0, e] + s * num_nodes
            edges[1, k] = edge_index[1, e] + s * num_nodes
            column[k] = e
    return edges, column
