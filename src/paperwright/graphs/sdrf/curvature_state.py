"""A graph that knows the curvature of all its edges while edges come and go."""

import numpy as np
from jaxtyping import Float64, Int, Int64
from torch import Tensor, from_numpy

from paperwright.blocks.real_numbers import real_number

from . import _kernels as kernels
from ._arcs import as_edge_index, numbered_edges, require_symmetric, simple_arcs
from ._engine import Candidates, Tournament, adjacency_both_ways
from .curvature import Definition, rule_number


class CurvatureState:
    """The incremental engine: curvature of every edge, kept up to date by local work.

    Adding or removing k~l can change the curvature of the edges at k, of those at l, and of those between N(k) and
    N(l); nothing else. These alone are evaluated again, and two tournaments keep the least and the greatest edge, so a
    change costs O(local neighbourhood + changed edges * log E) and memory is O(N + E).

    Equal values (to 1e-9) are ordered by the smallest (i, j), with i < j in undirected graphs.

    Args:
        edge_index: integers [2, E]; duplicates and self-loops are dropped.
        num_nodes: number of nodes.
        definition: see `balanced_forman_curvature`.
        directed: keep single arcs (needs "official"); by default, what the graph is.

    Raises:
        TypeError: `edge_index` is not of integers.
        ValueError: node numbers out of range, an unknown definition, a directed graph with any but "official".

    Example:
        >>> from paperwright import data
        >>> state = CurvatureState(data.load("barbell").graph.edge_index)
        >>> state.min_edge(), state.draw(*state.min_edge(), tau=float("inf"))
        ((4, 5), (0, 5))

    Source: Topping et al. 2022, Definition 1 and Algorithm 1; the locality and the closed forms are ours.
    """

    def __init__(
        self,
        edge_index: Int[Tensor, "2 E"],
        num_nodes: int | None = None,
        definition: Definition = "paper",
        *,
        directed: bool | None = None,
    ) -> None:
        arcs = simple_arcs(edge_index, num_nodes)
        self.definition = definition
        self._rule = rule_number(definition)
        self.directed = (definition == "official" and not arcs.symmetric) if directed is None else directed
        if not self.directed:
            require_symmetric(arcs, "an undirected state")
        elif definition != "official":
            raise ValueError(f"directed=True needs definition='official'; {definition!r} is about undirected graphs.")
        self.num_nodes = arcs.num_nodes
        heads, tails, edges = numbered_edges(arcs, directed=self.directed)
        self._out, self._into = adjacency_both_ways(arcs, edges, directed=self.directed)
        self._work = kernels.scratch(self.num_nodes)
        self._heads, self._tails = heads.copy(), tails.copy()
        self._alive = np.ones(len(heads), dtype=bool)
        self._free: list[int] = []
        self._values = np.zeros(len(heads))
        self._seen = np.zeros(len(heads), dtype=np.int64)
        self._turn = 0
        self._evaluate(np.arange(len(heads), dtype=np.int32))
        self._rank = _ranks(self._values)
        self._build_tournaments()

    # -- reading ---------------------------------------------------------------------------------------------------

    @property
    def num_edges(self) -> int:
        """Number of edges now (of arcs, if directed)."""
        return len(self._heads) - len(self._free)

    def has_edge(self, u: int, v: int) -> bool:
        """Whether u~v (directed: u -> v) is in the graph."""
        return self._edge(u, v) >= 0

    def curvature(self, u: int, v: int) -> float:
        """Curvature of the edge u~v; `ValueError` if it is not in the graph."""
        return float(self._values[self._existing(u, v)])

    def min_edge(self) -> tuple[int, int]:
        """The edge of least curvature; `ValueError` if there are no edges."""
        return self._ends(self._least.best)

    def max_edge(self) -> tuple[int, int]:
        """The edge of greatest curvature; `ValueError` if there are no edges."""
        return self._ends(self._greatest.best)

    def edge_index(self) -> Int64[Tensor, "2 A"]:
        """The graph now: every arc once, sorted, int64 [2, arcs]."""
        heads, tails = self._heads[self._alive], self._tails[self._alive]
        if not self.directed:
            heads, tails = np.concatenate([heads, tails]), np.concatenate([tails, heads])
        order = np.lexsort((tails, heads))
        return as_edge_index(heads[order], tails[order])

    def improvements(self, i: int, j: int) -> tuple[Int64[Tensor, "C 2"], Float64[Tensor, "C"]]:
        """What each possible new edge near i~j would make of its curvature.

        Candidates are the ordered pairs (k, l), k in N(i) + {i}, l in N(j) + {j}, that differ and are not adjacent
        (directed: k a successor of i, l a predecessor of j, no arc k -> l). Closed forms: O(1) for each pair after
        O(sum of degrees around i and j). With "official" the value is that of the graph plus the single arc k -> l.

        Returns:
            candidates int64 [C, 2] in lexicographic order, and Ric_kl(i, j) for each, float64 [C].

        Raises:
            ValueError: i~j is not in the graph.
        """
        self._existing(i, j)
        candidates, values = Candidates(self._rule, self._out, self._into, i, j, self._work).all()
        return from_numpy(candidates), from_numpy(values)

    def draw(self, i: int, j: int, tau: float | int, uniform: float | int = 0.0) -> tuple[int, int] | None:
        """One candidate (k, l) for i~j with probability softmax(tau * improvement); None if there is no candidate.

        Args:
            i, j: an edge.
            tau: inverse temperature, 0 or more; infinite takes the best, and the smallest (k, l) among equals.
            uniform: a random number in [0, 1), which decides the draw.

        Raises:
            ValueError: i~j is not in the graph, `tau` is negative or NaN, or `uniform` is not in [0, 1).
        """
        self._existing(i, j)
        tau = inverse_temperature(tau)
        uniform = real_number("uniform", uniform, "a number from 0 to below 1", lambda number: 0 <= number < 1)
        return Candidates(self._rule, self._out, self._into, i, j, self._work).draw(tau, uniform)

    # -- changing --------------------------------------------------------------------------------------------------

    def add_edge(self, u: int, v: int) -> int:
        """Add u~v (directed: the arc u -> v); returns how many edges were evaluated again.

        Raises:
            ValueError: a self-loop, an edge that is there already, or a node that is not.
        """
        if self._edge(u, v) >= 0:
            raise ValueError(f"The edge ({u}, {v}) is in the graph already.")
        if u == v:
            raise ValueError(f"({u}, {v}) is a self-loop; curvature is defined on simple graphs.")
        if not self._free:
            self._make_room()
        edge = self._free.pop()
        self._heads[edge], self._tails[edge] = (u, v) if self.directed else (min(u, v), max(u, v))
        self._alive[edge] = True
        self._out.insert(u, v, edge)
        self._into.insert(v, u, edge)
        changed = self._affected(u, v)
        for tournament in (self._least, self._greatest):
            tournament.enter(np.array([edge]))
        self._update(changed)
        return len(changed)

    def remove_edge(self, u: int, v: int) -> int:
        """Remove u~v (directed: the arc u -> v); returns how many edges were evaluated again.

        Raises:
            ValueError: no such edge.
        """
        edge = self._existing(u, v)
        changed = self._affected(u, v)
        self._out.remove(u, v)
        self._into.remove(v, u)
        self._alive[edge] = False
        self._free.append(edge)
        for tournament in (self._least, self._greatest):
            tournament.leave(edge)
            tournament.play(np.array([edge], dtype=np.int32), self._rank, self._heads, self._tails)
        changed = changed[changed != edge]
        self._update(changed)
        return len(changed)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _edge(self, u: int, v: int) -> int:
        for node in (u, v):
            whole = isinstance(node, int | np.integer)  # not `numbers.Integral`, which costs as much as the search
            if not whole or not 0 <= node < self.num_nodes:
                refusal = ValueError if whole else TypeError
                raise refusal(f"There is no node {node!r}; expected a whole number from 0 to {self.num_nodes - 1}.")
        return self._out.edge(u, v)

    def _existing(self, u: int, v: int) -> int:
        edge = self._edge(u, v)
        if edge < 0:
            raise ValueError(f"There is no edge ({u}, {v}) in the graph.")
        return edge

    def _ends(self, edge: int) -> tuple[int, int]:
        if edge < 0:
            raise ValueError("The graph has no edges, so none is the least or the greatest.")
        return int(self._heads[edge]), int(self._tails[edge])

    def _affected(self, u: int, v: int) -> np.ndarray:
        self._turn += 1
        found = np.empty(self.num_edges, dtype=np.int32)
        size = kernels.affected(self._out.rows, self._into.rows, u, v, self._work.mark, self._seen, self._turn, found)
        return found[:size]

    def _evaluate(self, edges: np.ndarray) -> None:
        kernels.evaluate(
            self._rule, self._out.rows, self._into.rows, edges, self._heads, self._tails, self._work, self._values
        )

    def _update(self, edges: np.ndarray) -> None:
        self._evaluate(edges)
        self._rank[edges] = _ranks(self._values[edges])
        for tournament in (self._least, self._greatest):
            tournament.play(edges, self._rank, self._heads, self._tails)

    def _build_tournaments(self) -> None:
        self._least, self._greatest = (Tournament(sign, len(self._heads)) for sign in (1, -1))
        for tournament in (self._least, self._greatest):
            tournament.enter(np.flatnonzero(self._alive))
            tournament.play_all(self._rank, self._heads, self._tails)

    def _make_room(self) -> None:
        """Half as many edges more; called when every edge number is taken, so it is rare."""
        old = len(self._heads)
        more = old // 2 + 16
        self._heads, self._tails, self._values, self._seen, self._rank, self._alive = (
            np.concatenate([array, np.zeros(more, dtype=array.dtype)])
            for array in (self._heads, self._tails, self._values, self._seen, self._rank, self._alive)
        )
        self._free = list(range(old + more - 1, old - 1, -1))
        self._build_tournaments()


def inverse_temperature(tau: float) -> float:
    """Return tau as a float; NaN and what is below 0 is refused."""
    expected = "an inverse temperature of 0 or more"
    return real_number("tau", tau, expected, lambda tau: tau >= 0, "math.inf takes the best.")


def _ranks(values: np.ndarray) -> np.ndarray:
    """Values on a grid of 1e-9, int64; an irrational offset keeps fractions off its lines."""
    ranks: np.ndarray = np.floor(values / kernels.TIE + np.exp(-1.0)).astype(np.int64)
    return ranks
