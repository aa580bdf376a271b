"""In which order to take the sums of a block: its treewidth and its tree-depth at once.

Indices are vertices, and two are joined where an atom holds both. For a connected set C of bound indices with outside
neighbours S, and at most k index names,

    D_k(C) = min over v in C, |S + v| <= k, of  1 + max(D_k of the parts of atoms that hold v and lie in S + v,
                                                        D_k of the components of C - v).

The sum over v stands outside those over the rest of C. k names suffice where D_k is finite, so k - 1 is the treewidth;
D_k is the depth of nested sums. A part of an atom that does not hold v stands beside the sum over v, not inside: a
colour of round t fixes what the colours of earlier rounds fix.
"""

import math
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import count

MOST_SETS = 1 << 12
"""Connected sets to look at: all those of 12 bound indices. Blocks that have more are ordered by min-fill."""

Depth = int | float
"""A number of nested sums; infinite where the names do not suffice."""

Shape = tuple[tuple[int, Depth], ...]
"""The parts around a connected set, by masks of renumbered vertices."""


class SummationOrder:
    """The best order for the bound indices of one block, with at most `names` index names.

    Args:
        bound: the bound vertices, as a bit mask.
        parts: parts of atoms: the vertices of each, as a bit mask, and the depth of its own sums.
        names: k, the most index names.

    Attributes:
        exact: whether the depth is the least; if not, an order by min-fill stands in for the best one.
    """

    def __init__(self, bound: int, parts: Iterable[tuple[int, Depth]], names: Depth) -> None:
        deepest: dict[int, Depth] = {}
        for support, depth in parts:
            deepest[support] = max(deepest.get(support, 0), depth)
        self.exact = True
        self._bound = bound
        self._names = names
        self._parts = deepest
        self._neighbours: dict[int, int] = {}
        for support in deepest:
            for v in _bits(support):
                self._neighbours[v] = self._neighbours.get(v, v) | support
        self._best: dict[int, tuple[Depth, int]] = {}

    @property
    def components(self) -> list[int]:
        """The connected sets of bound vertices that can be summed independently."""
        return list(self.split(self._bound))

    def boundary(self, connected: int) -> int:
        """The vertices outside that a connected set is joined to."""
        found = 0
        for v in _bits(connected):
            found |= self._neighbours.get(v, v)
        return found & ~connected

    def split(self, vertices: int) -> Iterator[int]:
        """The connected components of a set of bound vertices."""
        while vertices:
            found, fringe = 0, vertices & -vertices
            while fringe:
                found |= fringe
                reached = 0
                for v in _bits(fringe):
                    reached |= self._neighbours.get(v, v)
                fringe = reached & vertices & ~found
            yield found
            vertices &= ~found

    def shape(self, connected: int) -> Shape:
        """The parts around a connected set, vertices numbered by how they lie: sets that look alike mostly agree."""
        near = [(support, depth) for support, depth in self._parts.items() if support & connected]
        color = {v: int(bool(v & connected)) for v in _bits(connected | self.boundary(connected))}
        for _ in range(3):
            seen: dict[int, list[tuple[Depth, ...]]] = {v: [] for v in color}
            for support, depth in near:
                within = sorted(color[v] for v in _bits(support))
                for v in _bits(support):
                    seen[v].append((depth, *within))
            color = {v: hash((color[v], *sorted(seen[v]))) for v in color}
        boundary = self.boundary(connected)
        renamed = {v: 1 << i for i, v in enumerate(sorted(color, key=lambda v: (v & boundary != 0, color[v], v)))}
        shapes = [(sum(renamed[v] for v in _bits(support)), depth) for support, depth in near]
        return (connected.bit_count(), 0), *sorted(shapes)

    def depth(self, connected: int) -> Depth:
        """D_k of a connected set of bound vertices; infinite where k names do not suffice."""
        return self._choice(connected)[0]

    def outermost(self, connected: int) -> int:
        """The vertex that is summed last, as a mask."""
        return self._choice(connected)[1]

    @property
    def suffices(self) -> bool:
        """Whether so many names are enough, whatever the depth."""
        return all(math.isfinite(self.depth(component)) for component in self.components)

    def _choice(self, connected: int) -> tuple[Depth, int]:
        try:
            return self._solved(connected)
        except _TooManySets:
            self.exact = False
            self._best.clear()
            return self._solved(connected)

    def _solved(self, connected: int) -> tuple[Depth, int]:
        if connected in self._best:
            return self._best[connected]
        if self.exact and len(self._best) >= MOST_SETS:
            raise _TooManySets
        boundary = self.boundary(connected)
        best: tuple[Depth, int] = (math.inf, connected & -connected)
        if boundary.bit_count() < self._names:
            relevant = [(s, d) for s, d in self._parts.items() if s & connected and d]
            for v in _bits(connected) if self.exact else (self._last_by_min_fill(connected),):
                reach = boundary | v
                inner = max((d for s, d in relevant if s & v and not s & ~reach), default=0)
                for component in self.split(connected & ~v):
                    if inner + 1 >= best[0]:
                        break
                    inner = max(inner, self._solved(component)[0])
                if inner + 1 < best[0]:
                    best = inner + 1, v
        self._best[connected] = best
        return best

    def _last_by_min_fill(self, connected: int) -> int:
        return max(_bits(connected), key=self._min_fill.__getitem__)

    @cached_property
    def _min_fill(self) -> dict[int, int]:
        """When each bound vertex is eliminated, if the next one is always that which joins the fewest others anew."""
        near = {v: self._neighbours.get(v, v) & ~v for v in _bits(self._bound | self._outside)}
        when: dict[int, int] = {}
        while len(when) < self._bound.bit_count():
            left = [v for v in _bits(self._bound) if v not in when]
            v = min(left, key=lambda v: sum((near[v] & ~near[u] & ~u).bit_count() for u in _bits(near[v])))
            for u in _bits(near[v]):
                near[u] = (near[u] | near[v]) & ~(u | v)
            when[v] = len(when)
        return when

    @cached_property
    def _outside(self) -> int:
        found = 0
        for support in self._parts:
            found |= support
        return found & ~self._bound


def fewest_names(bound: int, parts: Iterable[tuple[int, Depth]], *, at_least: int = 1) -> int:
    """Return how many index names the best order needs: one more than the treewidth where all vertices are bound.

    Args:
        bound, parts: see `SummationOrder`.
        at_least: a lower bound from which to try.
    """
    listed = list(parts)
    return next(names for names in count(at_least) if SummationOrder(bound, listed, names).suffices)


class _TooManySets(Exception):
    pass


def _bits(mask: int) -> Iterator[int]:
    while mask:
        yield mask & -mask
        mask &= mask - 1
