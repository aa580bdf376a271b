"""A bound on what a network can tell apart: so many rounds of a Weisfeiler-Leman test, and that test on two graphs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from paperwright.blocks.color_refinement import Coloring, color_refinement
from paperwright.blocks.counts import whole_number
from paperwright.blocks.disjoint_union import DisjointUnion
from paperwright.blocks.weisfeiler_leman import weisfeiler_leman

Test = Literal["cr", "wl", "none"]

MOST_PARTS = 100_000_000
"""The colour of a tuple longer than the test's own is put together from those of its parts."""

_LEVELS = {0: "graph", 1: "vertex", 2: "pair"}
PLURALS = {"graph": "graphs", "vertex": "vertices", "pair": "pairs of vertices"}


def level_of(nodes: int) -> str:
    """What a function of so many nodes tells apart: "graph", "vertex", "pair", "3-tuple" and so on."""
    return _LEVELS.get(nodes, f"{nodes}-tuple")


@dataclass(frozen=True)
class Bound:
    """Whatever the weights: what this many rounds of this test do not tell apart, no member of the class does.

    Attributes:
        test: "cr" for colour refinement; "wl" for the folklore k-dimensional Weisfeiler-Leman test, which the paper
            calls k-WL; "none" for what is no function of the graph alone, so that no test bounds it.
        k: the dimension; 1 for colour refinement.
        rounds: how many; None for as many as change something.
        level: what is told apart: "vertex", "pair" (or "3-tuple" and so on) or "graph".
        assumptions: what the bound rests on.
        source: where it is stated.

    Example:
        >>> import networkx as nx
        >>> from paperwright.graphs.tensor_language import Bound
        >>> Bound("cr", 1, None, "graph").separates(nx.cycle_graph(6), nx.disjoint_union(*[nx.cycle_graph(3)] * 2))
        False
    """

    test: Test
    k: int
    rounds: int | None
    level: str = "vertex"
    assumptions: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        if self.test not in ("cr", "wl", "none"):
            raise ValueError(f"test is {self.test!r}; expected 'cr', 'wl' or 'none'.")
        whole_number("k", self.k, 1)
        if self.rounds is not None:
            whole_number("rounds", self.rounds, 0)
        if self.test == "cr" and self.k != 1:
            raise ValueError(f"k is {self.k}; expected 1 for colour refinement. Take test='wl' for higher dimensions.")
        self._nodes()

    def __str__(self) -> str:
        what = PLURALS.get(self.level, f"{self.level}s")
        if self.test == "none":
            return f"no bound on {what}: {'; '.join(self.assumptions)}"
        return f"{rounds_of(self.test, self.k, self.rounds)}, on {what}"

    def separates(self, g: Any, h: Any) -> bool:
        """Tell whether the test separates two graphs, so that a member of the class may.

        It does if their colours after that many rounds, of vertices, pairs or whatever the level says, differ as
        multisets. False means that no member ever gives the two graphs different outputs, whatever its weights.

        Args:
            g, h: torch_geometric `Data` or networkx graphs; where both have features `x`, these are the first colours.

        Raises:
            TypeError, ValueError: see `color_refinement` and `weisfeiler_leman`.
        """
        if self.test == "none":
            return True
        ours, theirs = (torch.sort(colors.flatten()).values for colors in self.colors([g, h]))
        return ours.shape != theirs.shape or bool((ours != theirs).any())

    def colors(self, graphs: Sequence[Any]) -> list[Int64[Tensor, "..."]]:
        """Return the colours of vertices, pairs or graphs after that many rounds: of equal colours, equal outputs.

        Args:
            graphs: torch_geometric `Data` or networkx graphs; their features `x`, if they have any, are the first
                colours.

        Returns:
            For each graph colours [n] of its vertices, [n, n] of its pairs (and so on), or [] of itself, comparable
            among the graphs.

        Raises:
            TypeError: see `color_refinement` and `weisfeiler_leman`.
            ValueError: see there; also if no test bounds the class, or only some of the graphs have features.
        """
        if self.test == "none":
            raise ValueError(f"There is {self}; so no test gives colours.")
        coloring = self._coloring(list(graphs))
        nodes = self._nodes()
        if nodes == 0:
            return list(coloring.graph_labels)
        rows = [_of_tuples(graph, colors, nodes) for graph, colors in zip(graphs, coloring.colors, strict=True)]
        _, labels = torch.unique(torch.cat(rows), dim=0, return_inverse=True)
        found = labels.split([len(row) for row in rows])
        return [flat.reshape([len(c)] * nodes) for flat, c in zip(found, coloring.colors, strict=True)]

    def _coloring(self, graphs: list[Any]) -> Coloring:
        labelled = [getattr(graph, "x", None) is not None for graph in graphs]
        if any(labelled) and not all(labelled):
            raise ValueError("Some graphs have features x and some have none; give them to all, or to none.")
        labels = "x" if graphs and all(labelled) else None
        if self.test == "cr":
            return color_refinement(graphs, rounds=self.rounds, node_colors=labels)
        return weisfeiler_leman(graphs, self.k, rounds=self.rounds, node_colors=labels)

    def _nodes(self) -> int:
        for nodes, level in _LEVELS.items():
            if level == self.level:
                return nodes
        number, _, word = str(self.level).partition("-")
        if word != "tuple" or not number.isdigit():
            raise ValueError(f"level is {self.level!r}; expected 'graph', 'vertex', 'pair', or '3-tuple' and so on.")
        return int(number)


def rounds_of(test: str, k: int, rounds: int | None) -> str:
    """So many rounds of a test, in words, with both names of a higher-dimensional one."""
    many = "any number of rounds" if rounds is None else f"at most {rounds} round{'s' * (rounds != 1)}"
    if test == "cr":
        return f"{many} of colour refinement"
    return f"{many} of folklore {k}-WL" + (f" (once stable the same as oblivious {k + 1}-WL)" if k > 1 else "")


def _of_tuples(graph: Any, colors: Tensor, nodes: int) -> Int64[Tensor, "tuples width"]:
    """What a test knows of each tuple of nodes: the colours of its sub-tuples, and which of its nodes are adjacent.

    Args:
        graph: `Data` or a networkx graph.
        colors: colours of k-tuples, [n] * k.
        nodes: p, how long the tuples are, at most k + 1, or anything for k = 1.
    """
    k, n = colors.dim(), len(colors)
    if (parts := n**nodes * comb(max(nodes, k), k)) > MOST_PARTS:
        raise ValueError(
            f"The {nodes}-tuples of {n} nodes have {parts:,} parts to colour; expected at most {MOST_PARTS:,}. Take a "
            "smaller graph, or a level of shorter tuples."
        )
    grid = torch.meshgrid(*[torch.arange(n, device=colors.device)] * nodes, indexing="ij")
    # The colour of a tuple shorter than k is that of its last node repeated.
    chosen = combinations(range(nodes), k) if nodes > k else [tuple(min(i, nodes - 1) for i in range(k))]
    columns = [colors[tuple(grid[i] for i in places)] for places in chosen]
    if k == 1 and nodes > 1:
        adjacency = _adjacency(graph, n).to(colors.device)
        for i, j in combinations(range(nodes), 2):
            columns += [adjacency[grid[i], grid[j]], (grid[i] == grid[j]).long()]
    return torch.stack([column.flatten() for column in columns], dim=1)


def _adjacency(graph: Any, n: int) -> Int64[Tensor, "n n"]:
    union = DisjointUnion.of([graph])
    heads = np.repeat(np.arange(n), np.diff(union.starts))
    adjacency = np.zeros((n, n), dtype=np.int64)
    adjacency[heads, union.neighbours] = 1
    return torch.from_numpy(adjacency)
