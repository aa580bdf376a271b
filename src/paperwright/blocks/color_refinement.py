"""Colour refinement, the 1-dimensional Weisfeiler-Leman test: cr'(v) = (cr(v), {{cr(u) : u in N(v)}}).

Rounds are kept apart, and yet all of them together cost O((n + m) log n) (after Hopcroft's "process the smaller half",
for colour refinement Cardon and Crochemore, 1982). Nodes of one colour agree on how many neighbours they have in each
class of the round before. So where a class fell apart, its fragments but the largest tell everything that is new: only
their arcs are followed, and a node lies in such a fragment at most log2(n) times.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from paperwright.blocks.colors import Multisets, color_codes, labels_of_runs, sums_of_runs
from paperwright.blocks.counts import whole_number
from paperwright.blocks.disjoint_union import DisjointUnion
from paperwright.blocks.partition import Partition, runs

FEW = 128  # arcs up to which a round walks them one by one: NumPy's calls cost as much as that


@dataclass(frozen=True)
class Coloring:
    """Colours of several graphs, comparable among them.

    Attributes:
        colors: for each graph the colour of its nodes, Int64 `[n]`, or of its k-tuples of nodes, Int64 `[n] * k`.
        num_colors: how many colours there are, over all graphs, after round 0, 1, 2, ...; only as far as the number
            still rises.
        stable: whether a round was seen that changed nothing, so that further rounds would not either.
    """

    colors: list[Tensor]
    num_colors: tuple[int, ...]
    stable: bool

    @property
    def rounds(self) -> int:
        """The last round that told more apart than the one before."""
        return len(self.num_colors) - 1

    @cached_property
    def graph_labels(self) -> Int64[Tensor, " graphs"]:
        """Equal for two graphs if and only if they hold each colour equally often."""
        flat = [colors.flatten().cpu().numpy() for colors in self.colors]
        sizes = np.array([len(colors) for colors in flat], dtype=np.int64)
        labels = Multisets.contiguous(sizes).labels(np.concatenate(flat))
        return torch.from_numpy(labels).to(self.colors[0].device)

    @property
    def vertex_colors(self) -> list[Tensor]:
        """For each graph the colour of its nodes, Int64 `[n]`: that of (v, ..., v) where tuples were coloured."""
        places = [torch.arange(len(colors), device=colors.device) for colors in self.colors]
        return [colors[(v,) * colors.dim()] for colors, v in zip(self.colors, places, strict=True)]


def color_refinement(
    graphs: Iterable[Any],
    rounds: int | None = None,
    node_colors: str | Sequence[Any] | None = None,
    exact: bool = False,
) -> Coloring:
    """Refine the colours of several graphs together: cr'(v) = (cr(v), {{cr(u) : u in N(v)}}).

    A round costs one sum of random 128-bit codes over the arcs that can tell something new, and a sort.

    Args:
        graphs: torch_geometric `Data` or networkx graphs; symmetric, without self-loops or repeated edges.
        rounds: how many; None for as many as change something. Fewer are done where nothing changes any more.
        node_colors: the colours of round 0: None for nodes that are all alike, the name of a node attribute such as
            "x", or for each graph an array or tensor `[n]` or `[n, width]`, whose equal rows are equal colours.
        exact: compare multisets by sorting instead of by codes, which err with probability 2^-80 for any two nodes.

    Returns:
        Colours `[n]` of each graph, on its device, and the number of colours after each round.

    Raises:
        TypeError: something else than graphs or colours was given.
        ValueError: a graph is not simple or not symmetric, colours do not fit, or `rounds` is negative.
    """
    if rounds is not None:
        rounds = whole_number("rounds", rounds, 0)
    union = DisjointUnion.of(graphs, node_colors)
    partition = Partition(union.labels, union.num_labels)
    num_colors = [partition.number]
    moved = np.arange(len(union.labels))  # nodes of the fragments that are news to their neighbours
    while len(moved) and (rounds is None or len(num_colors) <= rounds):
        moved = _round(union, partition, moved, exact)
        if len(moved):
            num_colors.append(partition.number)
    colors = torch.from_numpy(partition.color).to(union.device)
    return Coloring(list(torch.split(colors, union.sizes.tolist())), tuple(num_colors), stable=not len(moved))


def _round(union: DisjointUnion, partition: Partition, moved: np.ndarray, exact: bool) -> np.ndarray:
    """One round, of which only the nodes in `moved` tell anything new; returns those that tell something next time."""
    degrees = union.starts[moved + 1] - union.starts[moved]
    arcs = int(degrees.sum())
    if arcs <= FEW:
        return np.array(_few_arcs(union, partition, moved.tolist()), dtype=np.int64)
    if not exact and 4 * arcs > len(union.neighbours):
        nodes, rows = _pulled(union, partition, moved)
    else:
        nodes, rows = _pushed(union, partition, moved, degrees, exact)
    return partition.split(nodes, rows)


def _few_arcs(union: DisjointUnion, partition: Partition, moved: list[int]) -> list[int]:
    color, size = partition.color, partition.size
    seen: dict[int, list[int]] = {}
    for u in moved:
        news = int(color[u])
        for v in union.neighbours[union.starts[u] : union.starts[u + 1]].tolist():
            if size[color[v]] > 1:
                seen.setdefault(v, []).append(news)
    return partition.split_few({v: tuple(sorted(news)) for v, news in seen.items()})


def _pulled(union: DisjointUnion, partition: Partition, moved: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every node sums the codes of its neighbours in `moved`: a pass over all arcs, without sorting."""
    codes = np.zeros((2, len(partition.color)), dtype=np.uint64)
    codes[:, moved] = color_codes(partition.color[moved])
    sums = np.stack([sums_of_runs(word[union.neighbours], union.starts) for word in codes], axis=1)
    nodes = np.flatnonzero((sums[:, 0] | sums[:, 1] != 0) & (partition.size[partition.color] > 1))
    return nodes, sums[nodes]


def _pushed(
    union: DisjointUnion, partition: Partition, moved: np.ndarray, degrees: np.ndarray, exact: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The nodes in `moved` hand their colours to their neighbours: a pass over their own arcs, and a sort."""
    nodes = union.neighbours[runs(union.starts[moved], degrees)]
    news = np.repeat(partition.color[moved], degrees)
    open_to = partition.size[partition.color[nodes]] > 1
    nodes, news = nodes[open_to], news[open_to]
    order = np.lexsort((news, nodes)) if exact else np.argsort(nodes)
    nodes, news = nodes[order], news[order]
    first = np.flatnonzero(np.diff(nodes, prepend=-1))
    starts = np.append(first, len(nodes))
    if exact:
        return nodes[first], labels_of_runs(news, starts)[:, None]
    return nodes[first], np.stack([sums_of_runs(word, starts) for word in color_codes(news)], axis=1)
