"""A graph as sorted neighbour lists that can grow and shrink."""

import numpy as np

from . import kernels
from .edges import SimpleArcs
from .kernels import Rows


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
