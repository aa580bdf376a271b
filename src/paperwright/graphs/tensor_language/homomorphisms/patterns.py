"""Small graphs as bit masks: reading a pattern, quotients by merging, and one form for all isomorphic ones."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import networkx as nx
from torch_geometric.data import Data, HeteroData

from paperwright.blocks.graph_input import integer_pairs

LARGEST_PATTERN = 12
"""Nodes; the searches over elimination orders and quotients below are exponential in this number."""


@dataclass(frozen=True)
class Pattern:
    """A simple graph on the nodes 0, 1, ... with a colour for each node.

    Attributes:
        neighbours: bit mask of the neighbours of each node.
        colors: of each node; nodes of different colours are not exchanged by an isomorphism.
    """

    neighbours: tuple[int, ...]
    colors: tuple[int, ...]

    @classmethod
    def read(cls, graph: Data | nx.Graph) -> "tuple[Pattern, list[Hashable]]":
        """The pattern and the names of its nodes (for `Data` their numbers); features and labels are not looked at.

        Raises:
            TypeError: neither `Data` nor a networkx graph, or a directed or a multigraph.
            ValueError: no nodes, more than 12, a self-loop, or an edge without its reverse.
        """
        nodes, edges = _nodes_and_edges(graph)
        if not 1 <= len(nodes) <= LARGEST_PATTERN:
            raise ValueError(f"The pattern has {len(nodes)} nodes; expected 1 to {LARGEST_PATTERN}.")
        loops = sorted({u for u, v in edges if u == v})
        if loops:
            raise ValueError(f"The pattern has a self-loop at node {nodes[loops[0]]!r}; expected a simple graph.")
        masks = [0] * len(nodes)
        for u, v in edges:
            masks[u] |= 1 << v
        return cls(tuple(masks), (0,) * len(nodes)), nodes

    def __len__(self) -> int:
        return len(self.neighbours)

    @property
    def edges(self) -> list[tuple[int, int]]:
        """Every edge once, as (smaller, larger) node."""
        return [(u, v) for v in range(len(self)) for u in members(self.neighbours[v]) if u < v]

    def recolor(self, colors: tuple[int, ...]) -> "Pattern":
        """The same graph in other colours."""
        return Pattern(self.neighbours, colors)

    def merge(self, u: int, v: int, color: int) -> "Pattern":
        """The quotient that identifies u < v, which must not be adjacent; the new node stands in place of u."""
        masks = list(self.neighbours)
        masks[u] |= masks[v]
        for w in members(masks[v]):
            masks[w] |= 1 << u
        below = (1 << v) - 1
        dropped = [(mask & below) | (mask >> v + 1 << v) for w, mask in enumerate(masks) if w != v]
        colors = list(self.colors)
        colors[u] = color
        return Pattern(tuple(dropped), (*colors[:v], *colors[v + 1 :]))

    def induced_subgraph(self, nodes: list[int]) -> "Pattern":
        """The subgraph on these nodes, numbered in the order given."""
        place = {node: x for x, node in enumerate(nodes)}
        masks = tuple(sum(1 << place[w] for w in members(self.neighbours[v]) if w in place) for v in nodes)
        return Pattern(masks, tuple(self.colors[v] for v in nodes))

    def components(self, within: int) -> list[int]:
        """Bit masks of the connected components of the subgraph on the nodes of the bit mask `within`."""
        found = []
        while within:
            component, frontier = 0, within & -within
            while frontier:
                component |= frontier
                frontier = self.near(frontier) & within & ~component
            found.append(component)
            within &= ~component
        return found

    def near(self, nodes: int) -> int:
        """Bit mask of the nodes next to some of these."""
        near = 0
        while nodes:
            lowest = nodes & -nodes
            near |= self.neighbours[lowest.bit_length() - 1]
            nodes ^= lowest
        return near

    def without_twins(self, nodes: Iterable[int]) -> list[int]:
        """The first of each set of twins: nodes of the same neighbours, but for each other, and of the same colour."""
        found: list[int] = []
        seen: set[tuple[int, bool, int]] = set()
        for v in nodes:
            kinds = {(self.colors[v], False, self.neighbours[v]), (self.colors[v], True, self.neighbours[v] | 1 << v)}
            if not kinds & seen:
                found.append(v)
            seen |= kinds
        return found

    @cached_property
    def canonical(self) -> "Pattern":
        """The same for isomorphic patterns and different for all others."""
        return _canonical(self)

    @cached_property
    def orbits(self) -> list[list[int]]:
        """The nodes that automorphisms exchange, in order of the smallest of each orbit."""
        marked: dict[Pattern, list[int]] = {}
        for v in range(len(self)):
            marked.setdefault(self.mark(v).canonical, []).append(v)
        return list(marked.values())

    @cached_property
    def num_automorphisms(self) -> int:
        """Order of the automorphism group: orbit of a node times the order of its stabiliser."""
        movable = next((v for v in range(len(self)) if self.colors.count(self.colors[v]) > 1), None)
        if movable is None:
            return 1
        orbit = next(orbit for orbit in self.orbits if movable in orbit)
        return len(orbit) * self.mark(movable).num_automorphisms

    def mark(self, node: int) -> "Pattern":
        """The same graph with one node in a colour of its own."""
        colors = list(self.colors)
        colors[node] = max(self.colors) + 1
        return self.recolor(tuple(colors))

    def to_networkx(self) -> nx.Graph:
        """The graph, without its colours."""
        graph = nx.empty_graph(len(self))
        graph.add_edges_from(self.edges)
        return graph


def members(mask: int) -> Iterator[int]:
    """The places of the ones of a bit mask, ascending."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _nodes_and_edges(graph: Data | nx.Graph) -> tuple[list[Hashable], set[tuple[int, int]]]:
    """Names of the nodes, and both arcs of every edge by the places of its ends."""
    if isinstance(graph, nx.Graph) and not graph.is_directed() and not graph.is_multigraph():
        nodes = list(graph)
        place = {node: x for x, node in enumerate(nodes)}
        edges = {(place[u], place[v]) for u, v in graph.edges}
        return nodes, edges | {(v, u) for u, v in edges}
    if not isinstance(graph, Data) or isinstance(graph, HeteroData):
        raise TypeError(
            f"The pattern is a {type(graph).__name__}; expected an undirected networkx.Graph or a PyG Data."
        )
    pairs = [] if graph.edge_index is None else integer_pairs(graph.edge_index, "The pattern's edge_index").T.tolist()
    arcs = {(int(u), int(v)) for u, v in pairs}
    one_way = sorted((u, v) for u, v in arcs if (v, u) not in arcs)
    if one_way:
        raise ValueError(f"The pattern has the arc {one_way[0]} but not its reverse; call to_undirected first.")
    nodes = list(range(graph.num_nodes or 0))
    outside = sorted(u for u, _ in arcs if not 0 <= u < len(nodes))
    if outside:
        raise ValueError(f"The pattern's edge_index names node {outside[0]}; expected 0 to {len(nodes) - 1}.")
    return nodes, arcs


# -- one form for all isomorphic patterns ------------------------------------------------------------------------------


Sortable = tuple[int, tuple[int, ...], tuple[int, ...]]


@lru_cache(maxsize=1 << 16)
def _canonical(pattern: Pattern) -> Pattern:
    """Components are put into form one by one; a connected graph with connected complement needs a search."""
    everything = (1 << len(pattern)) - 1
    parts = pattern.components(everything)
    if len(parts) > 1:
        forms = sorted((_canonical(pattern.induced_subgraph(list(members(part)))) for part in parts), key=_sortable)
        return _side_by_side(forms)
    complement = Pattern(
        tuple(everything & ~mask & ~(1 << v) for v, mask in enumerate(pattern.neighbours)), pattern.colors
    )
    if len(complement.components(everything)) > 1:
        form = _canonical(complement)
        return Pattern(tuple(everything & ~mask & ~(1 << v) for v, mask in enumerate(form.neighbours)), form.colors)
    return pattern.induced_subgraph(_least_order(pattern))


def _sortable(pattern: Pattern) -> Sortable:
    return len(pattern), pattern.colors, pattern.neighbours


def _side_by_side(parts: list[Pattern]) -> Pattern:
    masks: list[int] = []
    for part in parts:
        masks += [mask << len(masks) for mask in part.neighbours]
    return Pattern(tuple(masks), tuple(color for part in parts for color in part.colors))


def _least_order(pattern: Pattern) -> list[int]:
    """Of all orders that colour refinement with individualisation leads to, the one with the least adjacency."""
    best: Sortable | None = None
    order: list[int] = []
    stack = [_refine(pattern, list(pattern.colors))]
    while stack:
        ranks = stack.pop()
        cells: dict[int, list[int]] = {}
        for v, rank in enumerate(ranks):
            cells.setdefault(rank, []).append(v)
        if len(cells) == len(pattern):
            candidate = sorted(range(len(pattern)), key=ranks.__getitem__)
            form = _sortable(pattern.induced_subgraph(candidate))
            if best is None or form < best:
                best, order = form, candidate
            continue
        cell = min((cell for cell in cells.values() if len(cell) > 1), key=lambda cell: (len(cell), ranks[cell[0]]))
        for v in pattern.without_twins(cell):  # an automorphism exchanges twins: one of them is enough
            single = [2 * rank + (u != v) for u, rank in enumerate(ranks)]
            stack.append(_refine(pattern, single))
    return order


def _refine(pattern: Pattern, ranks: list[int]) -> list[int]:
    """The stable colours, numbered so that isomorphic patterns get the same numbers."""
    count = 0
    while True:
        keys = [(ranks[v], sorted(ranks[w] for w in members(mask))) for v, mask in enumerate(pattern.neighbours)]
        distinct = sorted({(rank, tuple(near)) for rank, near in keys})
        number = {key: x for x, key in enumerate(distinct)}
        ranks = [number[rank, tuple(near)] for rank, near in keys]
        if len(distinct) == count:
            return ranks
        count = len(distinct)
