"""The loops of balanced Forman curvature: what an edge's neighbourhood holds, and how one more edge would change it.

All of them walk sorted neighbour lists (`Rows`) and use four arrays of N small integers (`Scratch`) that every kernel
leaves zeroed, so an edge i~j costs O(d_i + d_j + the smaller of the two sums of degrees around i and around j) in a
graph of any size. An undirected graph passes the same rows twice, as `out` and as `into`.

Everything rests on one count. For an edge i -> j let p run over out(i) and q over in(j); each arc p -> q closes a walk
i - p - q - j, and is counted once at p and once at q. The paper admits p and q that have no diagonal (p not next to j,
q not next to i); the released code admits all and then takes off one where there is a diagonal.

A candidate edge, the paper's k~l, is k -> m here.

These kernels stay in one file because numba's disk cache notices a change in a kernel's own file only.
"""

from typing import NamedTuple

import numpy as np

from paperwright.blocks.compiled import compiled

PAPER, OFFICIAL, FORMAN, AUGMENTED, JOST_LIU = range(5)
SUCCESSOR, PREDECESSOR, BOTH, ADJACENT = 1, 2, 3, 4  # bits of `Scratch.mark`
KINDS = 4
FRESH, USED, TOP, FLAT = range(KINDS)  # a neighbour on no square, on some, on the most; on a diagonal or triangle
TIE = 1e-9  # values this near count as equal
HUB = 16  # past this many times the other row's length, searching a row beats walking it


class Rows(NamedTuple):
    """Sorted neighbour lists in one pool: row u is `node[start[u] : start[u] + degree[u]]`, `edge` its edge numbers."""

    start: np.ndarray  # int64 [N]
    degree: np.ndarray  # int64 [N]
    node: np.ndarray  # int32 [pool]
    edge: np.ndarray  # int32 [pool]


class Scratch(NamedTuple):
    """Work space of the kernels, all zeros between calls."""

    mark: np.ndarray  # uint8 [N]
    count_i: np.ndarray  # int32 [N]: squares through p, a neighbour of i
    count_j: np.ndarray  # int32 [N]: squares through q, a neighbour of j
    tally: np.ndarray  # int32 [N + 3]: how many p and q have this count


def scratch(num_nodes: int) -> Scratch:
    """Fresh work space for graphs of `num_nodes` nodes."""
    counts = (np.zeros(num_nodes + extra, dtype=np.int32) for extra in (0, 0, 3))
    return Scratch(np.zeros(num_nodes, dtype=np.uint8), *counts)


@compiled
def find(rows, u, v):
    """Place of v in the pool if v is in row u, else the place where it belongs, as -1 - place."""
    low = rows.start[u]
    high = low + rows.degree[u]
    while low < high:
        middle = (low + high) // 2
        if rows.node[middle] < v:
            low = middle + 1
        else:
            high = middle
    if low < rows.start[u] + rows.degree[u] and rows.node[low] == v:
        return low
    return -1 - low


@compiled
def insert(rows, u, v, edge):
    """Put v into row u, which has room and does not hold v."""
    place = -1 - find(rows, u, v)
    for x in range(rows.start[u] + rows.degree[u], place, -1):
        rows.node[x] = rows.node[x - 1]
        rows.edge[x] = rows.edge[x - 1]
    rows.node[place] = v
    rows.edge[place] = edge
    rows.degree[u] += 1


@compiled
def delete(rows, u, v):
    """Take v out of row u, which holds it."""
    place = find(rows, u, v)
    rows.degree[u] -= 1
    for x in range(place, rows.start[u] + rows.degree[u]):
        rows.node[x] = rows.node[x + 1]
        rows.edge[x] = rows.edge[x + 1]


@compiled
def curvature(rule, d_i, d_j, triangles, squares, gamma):
    """An edge's value from its counts. Paper: Ric = 2/d_i + 2/d_j - 2 + 2t/M + t/m + |Q|/(gamma M), 0 at leaves."""
    large, small = max(d_i, d_j), min(d_i, d_j)
    if rule == FORMAN:
        return 4.0 - d_i - d_j
    if rule == AUGMENTED:
        return 4.0 - d_i - d_j + 3.0 * triangles
    if rule == JOST_LIU:
        rest = 1.0 - 1.0 / large - 1.0 / small
        return triangles / large - max(rest - triangles / small, 0.0) - max(rest - triangles / large, 0.0)
    if small == 0 or (rule == PAPER and small == 1):
        return 0.0
    value = 2.0 / large + 2.0 / small - 2.0 + 2.0 * triangles / large + triangles / small
    return value + squares / (gamma * large) if squares > 0 else value


@compiled
def degrees_around(rows, u, along):
    """Sum of the degrees, in `along`, of the nodes of row u."""
    total = 0
    for x in range(rows.start[u], rows.start[u] + rows.degree[u]):
        total += along.degree[rows.node[x]]
    return total


@compiled
def count_walks(near, far, u, v, near_counts, far_counts, near_mask, near_bit, far_mask, far_bit, mark):
    """Count arcs p -> q, stepping along `near`, from the admitted p of row u of `near` to those q of row v of `far`.

    A hub p is not walked: its row is searched for each of the few q instead.
    """
    for x in range(near.start[u], near.start[u] + near.degree[u]):
        p = near.node[x]
        if mark[p] & near_mask != near_bit:
            continue
        if near.degree[p] > HUB * far.degree[v]:
            for y in range(far.start[v], far.start[v] + far.degree[v]):
                q = far.node[y]
                if mark[q] & far_mask == far_bit and find(near, p, q) >= 0:
                    near_counts[p] += 1
                    far_counts[q] += 1
        else:
            for y in range(near.start[p], near.start[p] + near.degree[p]):
                q = near.node[y]
                if mark[q] & far_mask == far_bit:
                    near_counts[p] += 1
                    far_counts[q] += 1


@compiled
def open_edge(rule, out, into, i, j, work):
    """Mark the neighbours of i -> j and count their squares; returns (triangles, |Q_i|, |Q_j|, gamma).

    Leaves `work.mark`, `count_i` and `count_j` filled; `close_edge` zeroes them again.
    """
    mark, count_i, count_j = work.mark, work.count_i, work.count_j
    for x in range(out.start[i], out.start[i] + out.degree[i]):
        mark[out.node[x]] |= SUCCESSOR
    for x in range(into.start[j], into.start[j] + into.degree[j]):
        mark[into.node[x]] |= PREDECESSOR
    mask_i, mask_j = SUCCESSOR, PREDECESSOR
    if rule != OFFICIAL:  # squares without diagonals, and not through i or j themselves
        mask_i = mask_j = BOTH
        mark[i] = mark[j] = 0
    if rule in (PAPER, OFFICIAL):
        if degrees_around(out, i, out) <= degrees_around(into, j, into):
            count_walks(out, into, i, j, count_i, count_j, mask_i, SUCCESSOR, mask_j, PREDECESSOR, mark)
        else:
            count_walks(into, out, j, i, count_j, count_i, mask_j, PREDECESSOR, mask_i, SUCCESSOR, mark)

    triangles = squares_i = squares_j = gamma = 0
    for x in range(out.start[i], out.start[i] + out.degree[i]):
        p = out.node[x]
        if mark[p] & BOTH == BOTH:
            triangles += 1
            if rule == OFFICIAL:
                count_i[p] -= 1
                count_j[p] -= 1
        if count_i[p] > 0:
            squares_i += 1
            gamma = max(gamma, count_i[p])
    for x in range(into.start[j], into.start[j] + into.degree[j]):
        q = into.node[x]
        if count_j[q] > 0:
            squares_j += 1
            gamma = max(gamma, count_j[q])
    return triangles, squares_i, squares_j, gamma


@compiled
def close_edge(out, into, i, j, work):
    """Zero what `open_edge` filled."""
    for x in range(out.start[i], out.start[i] + out.degree[i]):
        work.mark[out.node[x]] = 0
        work.count_i[out.node[x]] = 0
    for x in range(into.start[j], into.start[j] + into.degree[j]):
        work.mark[into.node[x]] = 0
        work.count_j[into.node[x]] = 0


@compiled
def measure(rule, out, into, heads, tails, work, parts):
    """Row e of `parts` becomes (d_i, d_j, triangles, |Q_i|, |Q_j|, gamma) of edge heads[e] -> tails[e]."""
    for e in range(len(heads)):
        i, j = heads[e], tails[e]
        triangles, squares_i, squares_j, gamma = open_edge(rule, out, into, i, j, work)
        close_edge(out, into, i, j, work)
        parts[e, 0], parts[e, 1] = into.degree[i], out.degree[j]
        parts[e, 2], parts[e, 3], parts[e, 4], parts[e, 5] = triangles, squares_i, squares_j, gamma


@compiled
def curvatures(rule, parts):
    """The value of each row of `parts`, float64."""
    values = np.empty(len(parts))
    for e in range(len(parts)):
        values[e] = curvature(rule, parts[e, 0], parts[e, 1], parts[e, 2], parts[e, 3] + parts[e, 4], parts[e, 5])
    return values


@compiled
def evaluate(rule, out, into, edges, heads, tails, work, values):
    """Set `values[e]` to the curvature of edge e, for each e of `edges`."""
    for e in edges:
        i, j = heads[e], tails[e]
        triangles, squares_i, squares_j, gamma = open_edge(rule, out, into, i, j, work)
        close_edge(out, into, i, j, work)
        values[e] = curvature(rule, into.degree[i], out.degree[j], triangles, squares_i + squares_j, gamma)


@compiled
def collect(rows, u, seen, turn, found, size):
    """Append the edges of row u that this turn has not seen; returns the new size."""
    for x in range(rows.start[u], rows.start[u] + rows.degree[u]):
        edge = rows.edge[x]
        if seen[edge] != turn:
            seen[edge] = turn
            found[size] = edge
            size += 1
    return size


@compiled
def collect_between(rows, along, u, bit, mark, seen, turn, found, size):
    """Append the edges from nodes of row u, stepping along `along`, to nodes marked `bit`; returns the new size."""
    for x in range(rows.start[u], rows.start[u] + rows.degree[u]):
        a = rows.node[x]
        for y in range(along.start[a], along.start[a] + along.degree[a]):
            edge = along.edge[y]
            if mark[along.node[y]] & bit and seen[edge] != turn:
                seen[edge] = turn
                found[size] = edge
                size += 1
    return size


@compiled
def affected(out, into, k, m, mark, seen, turn, found):
    """Edges whose curvature depends on the arc k -> m: those at k, at m, and between N(k) and N(m); returns how many.

    Call it while the arc is in the graph. `seen[e] == turn` tells which edges are in `found` already.
    """
    size = collect(out, k, seen, turn, found, 0)
    size = collect(into, k, seen, turn, found, size)
    size = collect(out, m, seen, turn, found, size)
    size = collect(into, m, seen, turn, found, size)
    from_k = degrees_around(into, k, out) <= degrees_around(out, m, into)
    far, node = (out, m) if from_k else (into, k)
    for x in range(far.start[node], far.start[node] + far.degree[node]):
        mark[far.node[x]] = ADJACENT
    if from_k:
        size = collect_between(into, out, k, ADJACENT, mark, seen, turn, found, size)
    else:
        size = collect_between(out, into, m, ADJACENT, mark, seen, turn, found, size)
    for x in range(far.start[node], far.start[node] + far.degree[node]):
        mark[far.node[x]] = 0
    return size


@compiled
def move(tally, count, step):
    """Change a node's count by `step` in the tally of positive counts; returns the change of how many are positive."""
    if count > 0:
        tally[count] -= 1
    if count + step > 0:
        tally[count + step] += 1
    return int(count + step > 0) - int(count > 0)


@compiled
def closing_without_diagonals(rows, x, own, other, bit, mark, tally, squares, gamma):
    """(|Q|, gamma) once x, a neighbour of one end only, is joined to the other end and so becomes a triangle.

    x leaves its side, and each partner p of its squares, on the other side (marked `bit`), loses one.
    """
    squares += move(tally, own[x], -own[x])
    for y in range(rows.start[x], rows.start[x] + rows.degree[x]):
        p = rows.node[y]
        if mark[p] & BOTH == bit:
            squares += move(tally, other[p], -1)
            other[p] -= 1
    while gamma > 0 and tally[gamma] == 0:
        gamma -= 1
    for y in range(rows.start[x], rows.start[x] + rows.degree[x]):
        p = rows.node[y]
        if mark[p] & BOTH == bit:
            move(tally, other[p], 1)
            other[p] += 1
    move(tally, 0, own[x])
    return squares, gamma


@compiled
def closing_with_diagonals(rows, x, own, bit, mark, tally, squares, gamma):
    """(number of positive counts, their largest) by the released formula, once the single arc to x is added.

    The count of x falls by one (its diagonal), those of its successors on its own side (marked `bit`) rise by one, and
    x enters the other side with as many walks as it has such successors, less its diagonal.
    """
    successors = 0
    squares += move(tally, own[x], -1)
    for y in range(rows.start[x], rows.start[x] + rows.degree[x]):
        q = rows.node[y]
        if mark[q] & bit:
            successors += 1
            squares += move(tally, own[q], 1)
    gamma += 1
    while gamma > 0 and tally[gamma] == 0:
        gamma -= 1
    for y in range(rows.start[x], rows.start[x] + rows.degree[x]):
        q = rows.node[y]
        if mark[q] & bit:
            move(tally, own[q] + 1, -1)
    move(tally, own[x] - 1, 1)
    return squares + int(successors > 1), max(gamma, successors - 1)


@compiled
def kind(rule, node_mark, bit, count, gamma):
    """What a neighbour of one end (marked `bit`) brings to a new square; equal kinds of k and m make equal values."""
    if rule != OFFICIAL and node_mark & BOTH != bit:
        return FLAT
    if count == 0:
        return FRESH
    return TOP if 0 < count == gamma else USED


@compiled
def bridged(rule, d_i, d_j, counts, kind_k, kind_m):
    """Curvature of i -> j after adding k -> m, k next to i and m next to j: at most one more square through each."""
    triangles, squares, gamma = counts
    if kind_k != FLAT and kind_m != FLAT:
        squares += int(kind_k == FRESH) + int(kind_m == FRESH)
        if kind_k == TOP or kind_m == TOP:
            gamma += 1
        elif kind_k == FRESH or kind_m == FRESH:
            gamma = max(gamma, 1)
    return curvature(rule, d_i, d_j, triangles, squares, gamma)


@compiled
def candidate(rule, out, into, i, j, k, m, counts, work):
    """Curvature of i -> j after adding k -> m, which is not there; the edge i -> j is open, with these counts.

    `counts` is (triangles, |Q|, gamma).
    """
    triangles, squares, gamma = counts
    mark, count_i, count_j, tally = work.mark, work.count_i, work.count_j, work.tally
    d_i, d_j = into.degree[i], out.degree[j]
    grows = int(rule != OFFICIAL)  # the released kernel adds one arc even to an undirected graph
    if k == i:
        if rule == OFFICIAL:
            s, g = closing_with_diagonals(out, m, count_j, PREDECESSOR, mark, tally, squares, gamma)
        else:
            s, g = closing_without_diagonals(out, m, count_j, count_i, SUCCESSOR, mark, tally, squares, gamma)
        return curvature(rule, d_i + grows, d_j, triangles + 1, s, g)
    if m == j:
        if rule == OFFICIAL:
            s, g = closing_with_diagonals(into, k, count_i, SUCCESSOR, mark, tally, squares, gamma)
        else:
            s, g = closing_without_diagonals(into, k, count_i, count_j, PREDECESSOR, mark, tally, squares, gamma)
        return curvature(rule, d_i, d_j + grows, triangles + 1, s, g)
    if rule == OFFICIAL:  # the released kernel changes one degree, never both
        if m == i:
            d_i += 1
        elif k == j:
            d_j += 1
    kind_k = kind(rule, mark[k], SUCCESSOR, count_i[k], gamma)
    kind_m = kind(rule, mark[m], PREDECESSOR, count_j[m], gamma)
    return bridged(rule, d_i, d_j, counts, kind_k, kind_m)


@compiled
def candidate_row(rule, out, into, i, j, k, targets, counts, work, row):
    """`row[x]` becomes the curvature of i -> j after adding k -> targets[x]; NaN where that is no candidate."""
    mark = work.mark
    for x in range(out.start[k], out.start[k] + out.degree[k]):
        mark[out.node[x]] |= ADJACENT
    for x in range(len(targets)):
        m = targets[x]
        row[x] = np.nan
        if m != k and not mark[m] & ADJACENT:
            row[x] = candidate(rule, out, into, i, j, k, m, counts, work)
    for x in range(out.start[k], out.start[k] + out.degree[k]):
        mark[out.node[x]] &= BOTH


@compiled
def open_candidates(rule, out, into, i, j, work):
    """Open i -> j and tally its positive counts; returns (triangles, |Q|, gamma)."""
    triangles, squares_i, squares_j, gamma = open_edge(rule, out, into, i, j, work)
    for x in range(out.start[i], out.start[i] + out.degree[i]):
        move(work.tally, 0, work.count_i[out.node[x]])
    for x in range(into.start[j], into.start[j] + into.degree[j]):
        move(work.tally, 0, work.count_j[into.node[x]])
    return triangles, squares_i + squares_j, gamma


@compiled
def close_candidates(out, into, i, j, gamma, work):
    """Zero what `open_candidates` filled."""
    work.tally[: gamma + 2] = 0
    close_edge(out, into, i, j, work)


@compiled
def improve(rule, out, into, i, j, sources, targets, work, table):
    """`table[a, b]` becomes the curvature of i -> j after adding sources[a] -> targets[b]; NaN where no candidate."""
    counts = open_candidates(rule, out, into, i, j, work)
    for a in range(len(sources)):
        candidate_row(rule, out, into, i, j, sources[a], targets, counts, work, table[a])
    close_candidates(out, into, i, j, counts[2], work)


class Survey(NamedTuple):
    """The candidates of an open edge i -> j, with sources N(i) + {i} and targets N(j) + {j}, sorted by what they do.

    Few are particular and have a value each, NaN for no candidate. The others, k -> m with k next to i and m next to j,
    go by the kinds of their ends, sixteen values in all.
    """

    row_i: np.ndarray  # [targets]: i -> m
    row_j: np.ndarray  # [targets]: j -> m, which only directed graphs have
    to_j: np.ndarray  # [sources]: k -> j
    to_i: np.ndarray  # [sources]: k -> i, which only directed graphs have
    free: np.ndarray  # int64 [sources, KINDS]: number of other candidates k -> m by the kind of m
    values: np.ndarray  # [KINDS, KINDS]: value of the others by the kinds of k and m
    source_kind: np.ndarray  # int64 [sources]: -1 for i and j
    target_kind: np.ndarray  # int64 [targets]: -1 for i and j


@compiled
def survey(rule, out, into, i, j, sources, targets, counts, work, found):
    """Fill `found`, a `Survey` of NaN and zeros, in O(sum of the degrees around i and j)."""
    mark, gamma = work.mark, counts[2]
    total = np.zeros(KINDS, dtype=np.int64)
    for b in range(len(targets)):
        m = targets[b]
        found.target_kind[b] = -1
        if m not in (i, j):
            found.target_kind[b] = kind(rule, mark[m], PREDECESSOR, work.count_j[m], gamma)
            total[found.target_kind[b]] += 1
    for a in range(len(sources)):
        k = sources[a]
        found.source_kind[a] = -1
        if k == i:
            candidate_row(rule, out, into, i, j, k, targets, counts, work, found.row_i)
        elif k == j:
            if rule == OFFICIAL:
                candidate_row(rule, out, into, i, j, k, targets, counts, work, found.row_j)
        else:
            if not mark[k] & PREDECESSOR:
                found.to_j[a] = candidate(rule, out, into, i, j, k, j, counts, work)
            if rule == OFFICIAL and find(out, k, i) < 0:
                found.to_i[a] = candidate(rule, out, into, i, j, k, i, counts, work)
            found.source_kind[a] = kind(rule, mark[k], SUCCESSOR, work.count_i[k], gamma)
            for b in range(KINDS):
                found.free[a, b] = total[b]
            if mark[k] & PREDECESSOR:
                found.free[a, kind(rule, mark[k], PREDECESSOR, work.count_j[k], gamma)] -= 1
            for x in range(out.start[k], out.start[k] + out.degree[k]):
                m = out.node[x]
                if mark[m] & PREDECESSOR and m not in (i, j):
                    found.free[a, kind(rule, mark[m], PREDECESSOR, work.count_j[m], gamma)] -= 1
    for a in range(KINDS):
        for b in range(KINDS):
            found.values[a, b] = bridged(rule, into.degree[i], out.degree[j], counts, a, b)
