"""The nested sums of an elimination, on one graph: products of matrices, and joins over edges where those are wide."""

from collections.abc import Iterable
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from ._exact_arithmetic import Arithmetic, Table, from_remainders, is_sparse
from .elimination import Elimination, Rooted

FEW_NODES = 512
"""Up to here matrices are dense: a product takes 20 ms, and sparse ones cost more to set up than small ones to do."""
FEW_AXES = 256
"""Intersections of neighbourhoods that are remembered: those of the indices of one step."""
LARGEST_STORE = 2**27
"""Numbers in the tables that are kept for later: 1 GiB."""

Axis = np.ndarray | None
"""The nodes, ascending, that an index may be at; elsewhere a table is 0. None for all nodes."""


class Counts(NamedTuple):
    """A table over at most two indices, and the nodes that each is over."""

    axes: tuple[Axis, ...]
    values: Table


Placed = tuple[tuple[int, ...], Counts]
"""A table, and the index that each of its axes stands for."""


class ExactContraction:
    """Homomorphism counts of several patterns in one graph, exact whatever their size; patterns share their tables.

    Args:
        adjacency: symmetric, 0 and 1, float64.
    """

    def __init__(self, adjacency: sparse.csr_array) -> None:
        self._adjacency = adjacency
        self._floating = Contraction(adjacency, Arithmetic())

    def by_root(self, tables: Rooted) -> np.ndarray:
        """The product of tables over one index, [n]: int64 where float64 is exact, else Python integers."""
        counts = self._floating.by_root(tables)
        if self._floating.arithmetic.exact:
            return counts.astype(np.int64)
        self._floating = Contraction(self._adjacency, Arithmetic())
        return from_remainders(counts, lambda modular: Contraction(self._adjacency, modular).by_root(tables))


class Contraction:
    """Tables of eliminations on one graph.

    No table is over more than two free indices. Where an elimination asks for more, indices are fixed from the outside
    in, one node after the other, and those next to a fixed one run over its neighbours only: the join over edges that
    counts a clique in time of the number of cliques. What does not depend on a fixed index is kept, so that a pattern
    of treewidth w costs O(n^(w+1)) and no more.

    Args:
        adjacency: symmetric, 0 and 1, float64.
        arithmetic: of the counts.
    """

    def __init__(self, adjacency: sparse.csr_array, arithmetic: Arithmetic) -> None:
        self.size = adjacency.shape[0]
        self.arithmetic = arithmetic
        self._starts, self._neighbours = adjacency.indptr, adjacency.indices
        self._sparse = adjacency
        self._dense = adjacency.toarray() if self.size <= FEW_NODES else None
        self._near: dict[int, np.ndarray] = {}
        self._met: dict[tuple[int, int], tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._last_block: tuple[Axis, Axis, Table] | None = None
        self._kept: dict[tuple[Elimination, tuple[int | None, ...]], Counts] = {}
        self._numbers_kept = 0

    def by_root(self, tables: Rooted) -> np.ndarray:
        """The product of tables over one index, [n]."""
        factors = [self._table(table, (None,), fixed_above=False) for table in tables]
        product = np.ones(self.size)
        for (axis,), values in factors:
            product = self.arithmetic.hadamard(
                product, values if axis is None else _spread_out(values, axis, self.size)
            )
        return product

    def _table(self, node: Elimination, fixed: tuple[int | None, ...], *, fixed_above: bool) -> Counts:
        """The table over the indices that are not fixed.

        Args:
            node: the elimination.
            fixed: for each outer index its node, or None.
            fixed_above: whether an index that this table does not depend on is fixed: then it is asked for again.
        """
        keep = fixed_above or all(image is None for image in fixed)
        key = (node, fixed)
        if keep and key in self._kept:
            return self._kept[key]
        free = tuple(image is None for image in fixed)
        wide = [wide_in(places, part, node.arity, free) for places, part in node.parts]
        table = _Step(self, node, fixed, fixed_above, wide).table()
        if keep:
            self._numbers_kept += table.values.nnz if is_sparse(table.values) else table.values.size
            if self._numbers_kept > LARGEST_STORE:
                self._kept.clear()
                self._numbers_kept = 0
            self._kept[key] = table
        return table

    def nodes(self, axis: Axis) -> np.ndarray:
        """The nodes of an axis."""
        return np.arange(self.size) if axis is None else axis

    def near(self, node: int) -> np.ndarray:
        """The neighbours of a node, ascending; the same array every time."""
        if node not in self._near:
            self._near[node] = self._neighbours[self._starts[node] : self._starts[node + 1]]
        return self._near[node]

    def intersection(self, first: Axis, second: Axis) -> Axis:
        """The nodes of both; the same array for the same two, if they come again soon."""
        if first is None or second is None or first is second:
            return second if first is None else first
        key = min(id(first), id(second)), max(id(first), id(second))
        if key not in self._met:
            if len(self._met) >= FEW_AXES:
                self._met.clear()
            both = np.intersect1d(first, second, assume_unique=True)
            self._met[key] = first, second, both  # held on to, so that no other array gets their ids
        return self._met[key][2]

    def reach(self, axis: Axis) -> Axis:
        """The nodes next to some of these; None if looking them up is as long as taking all."""
        if axis is None or 2 * len(axis) > self.size:
            return None
        return np.unique(self._arcs(axis)[1])

    def block(self, rows: Axis, columns: Axis) -> Table:
        """The adjacency between two sets of nodes."""
        if rows is None and columns is None:
            return self._sparse if self._dense is None else self._dense
        if self._last_block is None or self._last_block[0] is not rows or self._last_block[1] is not columns:
            self._last_block = rows, columns, self._cut_block(rows, columns)
        return self._last_block[2]

    def _cut_block(self, rows: Axis, columns: Axis) -> Table:
        if self._dense is not None:
            return self._dense[_grid(rows, columns)]
        if rows is None:
            return _transpose(self.block(columns, None))
        if columns is None or len(rows) * len(columns) > FEW_NODES**2:
            return self._sparse[rows] if columns is None else self._sparse[rows][:, columns]
        place, near = self._arcs(rows)
        spot = np.minimum(np.searchsorted(columns, near), max(len(columns) - 1, 0))
        inside = columns[spot] == near if len(columns) else np.zeros(len(near), dtype=bool)
        found = np.zeros((len(rows), len(columns)))
        found[place[inside], spot[inside]] = 1
        return found

    def _arcs(self, axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All arcs from these nodes: the place of the node, and its neighbour."""
        first, degree = self._starts[axis], self._starts[axis + 1] - self._starts[axis]
        place = np.repeat(np.arange(len(axis)), degree)
        within = np.arange(len(place)) - np.repeat(np.cumsum(degree) - degree, degree)
        return place, self._neighbours[np.repeat(first, degree) + within]


class _Step:
    """The sum over one index v of an elimination, some of the outer ones being fixed.

    Args:
        graph: the contraction.
        node, fixed, fixed_above: see `Contraction._table`.
        wide: for each part whether v has to be fixed in it.
    """

    def __init__(
        self,
        graph: Contraction,
        node: Elimination,
        fixed: tuple[int | None, ...],
        fixed_above: bool,
        wide: list[bool],
    ) -> None:
        self.graph, self.node, self.fixed, self.fixed_above = graph, node, fixed, fixed_above
        self.v = node.arity
        self.free = [place for place, image in enumerate(fixed) if image is None]
        self.wide = [part for part, is_wide in zip(node.parts, wide, strict=True) if is_wide]
        narrow = [part for part, is_wide in zip(node.parts, wide, strict=True) if not is_wide]
        self.tables = [self._part(places, part, (*fixed, None)) for places, part in narrow]
        self.axes = self._axes()

    def table(self) -> Counts:
        """The table over the free outer indices."""
        return self._by_loop() if self.wide else self._by_products()

    def _part(self, places: tuple[int, ...], part: Elimination, fixed: tuple[int | None, ...]) -> Placed:
        """The table of a part, with the free indices it is over."""
        inner = tuple(fixed[place] for place in places)
        others = any(image is not None for place, image in enumerate(fixed) if place not in places)
        table = self.graph._table(part, inner, fixed_above=self.fixed_above or others)
        return tuple(place for place, image in zip(places, inner, strict=True) if image is None), table

    def _axes(self) -> list[Axis]:
        """Where each index may be, by the fixed ones next to it, the tables it occurs in, and the edges to v."""
        axes: list[Axis] = [None] * (self.v + 1)
        pairs = [*self.node.edges, *((place, self.v) for place in self.node.adjacent)]
        for a, b in pairs:
            for one, other in ((a, b), (b, a)):
                image = None if other == self.v else self.fixed[other]
                if image is not None:
                    axes[one] = self.graph.intersection(axes[one], self.graph.near(image))
        for places, table in self.tables:
            for place, axis in zip(places, table.axes, strict=True):
                axes[place] = self.graph.intersection(axes[place], axis)
        beside = [place for place in self.node.adjacent if place in self.free]
        for place in beside:
            if axes[self.v] is None:
                axes[self.v] = self.graph.reach(axes[place])
        for place in beside:
            if axes[place] is None:
                axes[place] = self.graph.reach(axes[self.v])
        return axes

    def _by_products(self) -> Counts:
        """Sum over v at once: of a vector, a matrix by a vector, or a matrix by a matrix."""
        axes, v, multiply = self.axes, self.v, self.graph.arithmetic.hadamard
        factors: dict[int, list[Table]] = {place: [] for place in self.free}
        for place in self.free:
            if place in self.node.adjacent:
                factors[place].append(self.graph.block(axes[place], axes[v]))
        weights: list[Table] = []
        for places, table in self.tables:
            values = _cut(table, [axes[place] for place in places])
            if places == (v,):
                weights.append(values)
            else:
                factors[next(place for place in places if place != v)].append(values if places[1] == v else values.T)
        matrices = [reduce(multiply, factors[place]) for place in self.free]
        weight = reduce(multiply, weights) if weights else np.ones(len(self.graph.nodes(axes[v])))
        if not matrices:
            values = self.graph.arithmetic.settle(np.asarray(weight.sum()))
        elif len(matrices) == 1:
            values = self.graph.arithmetic.product(matrices[0], weight)
        else:
            left = multiply(matrices[0], weight[None, :]) if weights else matrices[0]
            values = self.graph.arithmetic.product(left, _transpose(matrices[1]))
        return Counts(tuple(axes[place] for place in self.free), values)

    def _by_loop(self) -> Counts:
        """Sum over v one node at a time, so that the tables within have one index less."""
        arithmetic, v = self.graph.arithmetic, self.v
        outer = tuple(self.axes[place] for place in self.free)
        total = _Sum(outer, self.graph.size)
        for image in self.graph.nodes(self.axes[v]).tolist():
            tables = [(_without(places, v), _slice(table, places, v, image)) for places, table in self.tables]
            here = [self.graph.intersection(axis, self.graph.near(image)) if place in self.node.adjacent else axis
                    for place, axis in zip(self.free, outer, strict=True)]  # fmt: skip
            here = self._narrow(here, tables)
            if any(axis is not None and not len(axis) for axis in here) or any(not np.any(t.values) for _, t in tables):
                continue
            tables += [self._part(places, part, (*self.fixed, image)) for places, part in self.wide]
            here = self._narrow(here, tables)
            term = np.ones(tuple(self.graph.size if axis is None else len(axis) for axis in here))
            for places, table in tables:
                values = _cut(table, [here[self.free.index(place)] for place in places])
                values = values.toarray() if is_sparse(values) else values
                values = values if list(places) == sorted(places) else values.T
                shape = [size if place in places else 1 for place, size in zip(self.free, term.shape, strict=True)]
                term = arithmetic.hadamard(term, values.reshape(shape))
            total.add(here, term)
        return Counts(outer, arithmetic.settle(total.table()))

    def _narrow(self, axes: list[Axis], tables: Iterable[Placed]) -> list[Axis]:
        """The axes within those of the tables; of vectors, where they are not 0."""
        axes = list(axes)
        for places, table in tables:
            for place, axis in zip(places, table.axes, strict=True):
                if len(places) == 1:
                    there = np.flatnonzero(table.values)
                    axis = there if axis is None else axis[there]
                axes[self.free.index(place)] = self.graph.intersection(axes[self.free.index(place)], axis)
        return axes


class _Sum:
    """A sum of tables, each on some of the nodes of the axes."""

    def __init__(self, axes: tuple[Axis, ...], size: int) -> None:
        self._axes = axes
        self._shape = tuple(size if axis is None else len(axis) for axis in axes)
        self._sparse = len(axes) == 2 and np.prod(self._shape) > FEW_NODES**2
        self._values = np.zeros(() if self._sparse else self._shape)
        self._entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add(self, axes: list[Axis], values: np.ndarray) -> None:
        """Add a table on these axes, which must be within those of the sum."""
        spots = [_spots(whole, part, n) for whole, part, n in zip(self._axes, axes, self._shape, strict=True)]
        if self._sparse:
            rows, columns = np.nonzero(values)
            self._entries.append((spots[0][rows], spots[1][columns], values[rows, columns]))
        else:
            self._values[np.ix_(*spots) if spots else ()] += values

    def table(self) -> Table:
        """The sum."""
        if not self._sparse:
            return self._values
        if not self._entries:
            return sparse.csr_array(self._shape)
        rows, columns, values = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        return sparse.csr_array((values, (rows, columns)), shape=self._shape)


# -- axes --------------------------------------------------------------------------------------------------------------


def _spots(whole: Axis, part: Axis, size: int) -> np.ndarray:
    """Where the nodes of an axis stand in a larger one."""
    if part is None:
        return np.arange(size)
    return part if whole is None else np.searchsorted(whole, part)


def _cut(table: Counts, axes: list[Axis]) -> Table:
    """The values on smaller axes."""
    values = table.values
    for place, (whole, part) in enumerate(zip(table.axes, axes, strict=True)):
        if part is not None and part is not whole:
            spots = _spots(whole, part, 0)
            values = values[spots] if place == 0 else values[:, spots]
    if is_sparse(values) and values.shape[0] * values.shape[1] <= FEW_NODES**2:
        return values.toarray()
    return values


def _slice(table: Counts, places: tuple[int, ...], v: int, image: int) -> Counts:
    """The table with one of its indices at a node; 0 if it cannot be there."""
    if v not in places:
        return table
    at = places.index(v)
    axis, rest = table.axes[at], table.axes[:at] + table.axes[at + 1 :]
    spot = image if axis is None else int(np.searchsorted(axis, image))
    values: Any = table.values
    row = values[spot] if at == 0 else values[:, [spot]]
    row = row.toarray() if is_sparse(values) else np.asarray(row)  # of one index a number is left
    return Counts(rest, row.reshape([-1] * len(rest)))


def _without(places: tuple[int, ...], v: int) -> tuple[int, ...]:
    return tuple(place for place in places if place != v)


def _spread_out(values: np.ndarray, axis: np.ndarray, size: int) -> np.ndarray:
    whole = np.zeros(size)
    whole[axis] = values
    return whole


def _grid(rows: Axis, columns: Axis) -> tuple[Any, ...]:
    if rows is None or columns is None:
        return (slice(None) if rows is None else rows, slice(None) if columns is None else columns)
    return np.ix_(rows, columns)


def _transpose(table: Table) -> Table:
    return table.T.tocsr() if is_sparse(table) else table.T


@lru_cache(maxsize=1 << 14)
def wide_in(places: tuple[int, ...], part: Elimination, index: int, free: tuple[bool, ...]) -> bool:
    """Whether a part, or some part within it, is over an index and at least two free ones more.

    Args:
        places: the indices that the part is over, of an elimination whose own index is number `len(free)`.
        part: the part.
        index: one of these indices.
        free: for each outer index of the elimination whether it is free.
    """
    if index not in places:
        return False
    inside = (*free, True)
    below = tuple(inside[place] for place in places)
    return sum(below) > 2 or any(
        wide_in(inner, part_within, places.index(index), below) for inner, part_within in part.parts
    )
