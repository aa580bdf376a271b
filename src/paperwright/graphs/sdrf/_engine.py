"""What `CurvatureState` runs on: neighbour lists that grow and shrink, candidates for new edges, and a tournament."""

import numpy as np

from paperwright.blocks.compiled import compiled

from . import _kernels as kernels
from ._arcs import SimpleArcs
from ._kernels import KINDS, TIE, Rows, Scratch, Survey


class Adjacency:
    """Sorted rows of neighbours in one pool of int32; a full row moves to the pool's end, half as long again.

    Memory is O(arcs); inserting into or removing from row u costs O(d_u).

    Args:
        heads: row of each arc, sorted, int64 [arcs].
        tails: neighbour of each arc, sorted within a row, int64 [arcs].
        edges: number of the edge that each arc belongs to, int64 [arcs].
        num_nodes: number of rows.
    """

    def __init__(self, heads: np.ndarray, tails: np.ndarray, edges: np.ndarray, num_nodes: int) -> None:
        degree = np.bincount(heads, minlength=num_nodes).astype(np.int64)
        start = np.cumsum(degree) - degree
        self.rows = Rows(start, degree, tails.astype(np.int32), edges.astype(np.int32))
        self._room = degree.copy()
        self._used = len(tails)

    def neighbours(self, u: int) -> np.ndarray:
        """The nodes of row u, ascending (a view: copy it before changing the row)."""
        start = self.rows.start[u]
        return self.rows.node[start : start + self.rows.degree[u]]

    def edge(self, u: int, v: int) -> int:
        """Number of the edge from u to v; -1 if there is none."""
        place = kernels.find(self.rows, u, v)
        return int(self.rows.edge[place]) if place >= 0 else -1

    def insert(self, u: int, v: int, edge: int) -> None:
        """Put v into row u, which must not hold it."""
        if self.rows.degree[u] == self._room[u]:
            self._move_to_end(u)
        kernels.insert(self.rows, u, v, edge)

    def remove(self, u: int, v: int) -> None:
        """Take v out of row u, which must hold it."""
        kernels.delete(self.rows, u, v)

    def _move_to_end(self, u: int) -> None:
        start, degree = int(self.rows.start[u]), int(self.rows.degree[u])
        room = degree + degree // 2 + 4
        if self._used + room > len(self.rows.node):
            longer = max(self._used + room, len(self.rows.node) + len(self.rows.node) // 2)
            self.rows = self.rows._replace(
                node=_lengthened(self.rows.node, longer), edge=_lengthened(self.rows.edge, longer)
            )
        for pool in (self.rows.node, self.rows.edge):
            pool[self._used : self._used + degree] = pool[start : start + degree]
        self.rows.start[u] = self._used
        self._room[u] = room
        self._used += room


def adjacency_both_ways(arcs: SimpleArcs, edges: np.ndarray, *, directed: bool) -> tuple[Adjacency, Adjacency]:
    """Successors and predecessors of every node; one and the same object if the graph is not directed.

    Args:
        arcs: a simple graph.
        edges: the number of the edge that each arc belongs to, int64 [A].
        directed: whether each arc is an edge of its own.
    """
    out = Adjacency(arcs.heads, arcs.tails, edges, arcs.num_nodes)
    if not directed:
        return out, out
    order = np.lexsort((arcs.heads, arcs.tails))
    return out, Adjacency(arcs.tails[order], arcs.heads[order], edges[order], arcs.num_nodes)


def _lengthened(values: np.ndarray, length: int) -> np.ndarray:
    longer = np.empty(length, dtype=values.dtype)
    longer[: len(values)] = values
    return longer


class Candidates:
    """The ordered pairs (k, l), k in N(i) + {i}, l in N(j) + {j}, that differ and are not adjacent.

    (Directed: k a successor of i or i, l a predecessor of j or j, no arc k -> l.)

    Args:
        rule: number of the definition of curvature.
        out, into: the graph; one object if it is undirected.
        i, j: an edge of it.
        work: the kernels' work space.
    """

    def __init__(self, rule: int, out: Adjacency, into: Adjacency, i: int, j: int, work: Scratch) -> None:
        self._rule, self._out, self._into, self._work = rule, out, into, work
        self._i, self._j = i, j
        self.sources, self.targets = _with(out.neighbours(i), i), _with(into.neighbours(j), j)

    def all(self) -> tuple[np.ndarray, np.ndarray]:
        """Every candidate, int64 [C, 2], in lexicographic order, and the curvature of i~j with it, float64 [C]."""
        table = np.empty((len(self.sources), len(self.targets)))
        kernels.improve(*self._edge, self.sources, self.targets, self._work, table)
        a, b = np.nonzero(~np.isnan(table))
        return np.stack([self.sources[a], self.targets[b]], axis=1), table[a, b]

    def draw(self, tau: float, uniform: float) -> tuple[int, int] | None:
        """One candidate with probability softmax(tau * curvature with it); None if there is none.

        Costs O(sum of degrees around i and j), not the number of candidates, because most share a handful of values.

        Args:
            tau: inverse temperature; infinite takes the best, the smallest (k, l) among equals (to 1e-9).
            uniform: in [0, 1), decides the draw.
        """
        counts = kernels.open_candidates(*self._edge, self._work)
        try:
            found = self._blank_survey()
            kernels.survey(*self._edge, self.sources, self.targets, counts, self._work, found)
            values, number = self._values_and_numbers(found)
            there = number > 0
            if not there.any():
                return None
            best = values[there].max()
            if np.isinf(tau):
                return self._first_of(best - TIE, found, counts)
            weights = np.zeros(len(values))
            weights[there] = number[there] * np.exp(tau * (values[there] - best))
            return self._pair_at(uniform, weights, number, found)
        finally:
            kernels.close_candidates(self._out.rows, self._into.rows, self._i, self._j, counts[2], self._work)

    @property
    def _edge(self) -> tuple[int, Rows, Rows, int, int]:
        return self._rule, self._out.rows, self._into.rows, self._i, self._j

    def _blank_survey(self) -> Survey:
        rows, columns = len(self.sources), len(self.targets)
        return Survey(
            row_i=np.full(columns, np.nan),
            row_j=np.full(columns, np.nan),
            to_j=np.full(rows, np.nan),
            to_i=np.full(rows, np.nan),
            free=np.zeros((rows, KINDS), dtype=np.int64),
            values=np.empty((KINDS, KINDS)),
            source_kind=np.empty(rows, dtype=np.int64),
            target_kind=np.empty(columns, dtype=np.int64),
        )

    def _values_and_numbers(self, found: Survey) -> tuple[np.ndarray, np.ndarray]:
        """Values that occur, those of particular candidates first, and how many candidates have each."""
        particular = np.concatenate([found.row_i, found.row_j, found.to_j, found.to_i])
        number = np.zeros((KINDS, KINDS), dtype=np.int64)
        np.add.at(number, found.source_kind[found.source_kind >= 0], found.free[found.source_kind >= 0])
        values = np.concatenate([particular, found.values.ravel()])
        return values, np.concatenate([~np.isnan(particular), number.ravel()]).astype(np.int64)

    def _first_of(self, least: float, found: Survey, counts: tuple[int, int, int]) -> tuple[int, int]:
        """The smallest (k, l) of value `least` or more, of which there must be one."""
        good = (found.to_j >= least) | (found.to_i >= least)
        good |= ((found.free > 0) & (found.values[found.source_kind] >= least)).any(axis=1)
        good |= (self.sources == self._i) & bool((found.row_i >= least).any())
        good |= (self.sources == self._j) & bool((found.row_j >= least).any())
        k = int(self.sources[good.argmax()])
        row = np.empty(len(self.targets))
        kernels.candidate_row(*self._edge, k, self.targets, counts, self._work, row)
        return k, int(self.targets[(row >= least).argmax()])

    def _pair_at(self, uniform: float, weights: np.ndarray, number: np.ndarray, found: Survey) -> tuple[int, int]:
        """The candidate at which the running sum of the weights passes `uniform` of the whole."""
        running = np.cumsum(weights)
        passed = uniform * running[-1]
        x = min(int(np.searchsorted(running, passed, side="right")), int(np.flatnonzero(weights)[-1]))
        rows, columns = len(self.sources), len(self.targets)
        if x < 2 * columns:
            return (self._i, self._j)[x // columns], int(self.targets[x % columns])
        x_to = x - 2 * columns
        if x_to < 2 * rows:
            return int(self.sources[x_to % rows]), (self._j, self._i)[x_to // rows]
        kinds = divmod(x_to - 2 * rows, KINDS)
        share = (passed - running[x] + weights[x]) / weights[x]
        return self._nth_of_kinds(*kinds, min(max(int(share * number[x]), 0), int(number[x]) - 1), found)

    def _nth_of_kinds(self, source_kind: int, target_kind: int, n: int, found: Survey) -> tuple[int, int]:
        """The n-th candidate, in order, whose ends are of these kinds."""
        running = np.cumsum(np.where(found.source_kind == source_kind, found.free[:, target_kind], 0))
        a = int(np.searchsorted(running, n, side="right"))
        k = int(self.sources[a])
        targets = self.targets[(found.target_kind == target_kind) & (self.targets != k)]
        targets = targets[~np.isin(targets, self._out.neighbours(k))]
        return k, int(targets[n - (running[a - 1] if a else 0)])


def _with(row: np.ndarray, node: int) -> np.ndarray:
    """A sorted row with one more node in its place, int64."""
    place = int(np.searchsorted(row, node))
    return np.concatenate([row[:place], [node], row[place:]]).astype(np.int64)


@compiled
def winner(a, b, sign, rank, heads, tails):
    """The better of two entries (-1: nobody): the smaller sign * rank, then the smaller (head, tail)."""
    if a < 0 or b < 0:
        return max(a, b)
    if rank[a] != rank[b]:
        return a if sign * rank[a] < sign * rank[b] else b
    if heads[a] != heads[b]:
        return a if heads[a] < heads[b] else b
    return a if tails[a] < tails[b] else b


@compiled
def play_all(tree, sign, rank, heads, tails):
    """Fill every inner node of the tree from its leaves."""
    for node in range(len(tree) // 2 - 1, 0, -1):
        tree[node] = winner(tree[2 * node], tree[2 * node + 1], sign, rank, heads, tails)


@compiled
def play(tree, entries, sign, rank, heads, tails):
    """Play again the matches above each of `entries`."""
    for entry in entries:
        node = (len(tree) // 2 + entry) // 2
        while node > 0:
            tree[node] = winner(tree[2 * node], tree[2 * node + 1], sign, rank, heads, tails)
            node //= 2


class Tournament:
    """A binary tree of matches; its root is the least (`sign=1`) or greatest (`sign=-1`) entry.

    Building costs O(E), changing an entry O(log E), and nothing stale is ever kept. Entries are ranked by value on a
    grid of 1e-9, so values that differ by rounding alone are equal, and equals go by the smallest (head, tail).

    Args:
        sign: 1 to find the least entry, -1 to find the greatest.
        capacity: number of entries there is room for.
    """

    def __init__(self, sign: int, capacity: int) -> None:
        self.sign = sign
        leaves = 1 << max(capacity - 1, 1).bit_length()
        self.tree = np.full(2 * leaves, -1, dtype=np.int32)

    def enter(self, entries: np.ndarray) -> None:
        """Let these entries take part (their matches are not played yet)."""
        self.tree[len(self.tree) // 2 + entries] = entries

    def leave(self, entry: int) -> None:
        """Take an entry out (its matches are not played yet)."""
        self.tree[len(self.tree) // 2 + entry] = -1

    def play_all(self, rank: np.ndarray, heads: np.ndarray, tails: np.ndarray) -> None:
        """Play every match."""
        play_all(self.tree, self.sign, rank, heads, tails)

    def play(self, entries: np.ndarray, rank: np.ndarray, heads: np.ndarray, tails: np.ndarray) -> None:
        """Play again the matches of these entries, after their ranks changed."""
        play(self.tree, entries, self.sign, rank, heads, tails)

    @property
    def best(self) -> int:
        """The entry at the root; -1 if nobody takes part."""
        return int(self.tree[1])
