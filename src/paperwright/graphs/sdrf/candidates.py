"""The new edges that SDRF chooses from: k~l, k at or next to one end of a bottleneck i~j, l at or next to the other."""

import numpy as np

from . import kernels
from .adjacency import Adjacency
from .kernels import KINDS, TIE, Scratch, Survey


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
    def _edge(self) -> tuple:
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
