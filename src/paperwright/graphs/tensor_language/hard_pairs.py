"""The pairs of graphs that networks are tried on: hard ones by name, and two families of any difficulty."""

from collections.abc import Iterable, Mapping
from typing import Literal

import networkx as nx
import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.utils import degree

from paperwright.blocks.weisfeiler_leman import first_separating_round
from paperwright.data.graph_pairs import GRAPH_PAIRS, as_data, graph_pair

from .separation import separates

Pair = tuple[Data, Data]


def cycle_beside_path(cycle: int, path: int) -> Data:
    """A cycle and a path, not joined.

    C_3 with P_n and C_4 with P_(n-1) are told apart by colour refinement in round ceil(n / 2), not before.
    """
    return as_data(nx.disjoint_union(nx.cycle_graph(cycle), nx.path_graph(path)))


def cycle_and_halves(n: int) -> Pair:
    """C_2n and 2 C_n: alike for colour refinement, told apart by folklore 2-WL in round ceil(log2(n / 2))."""
    half = nx.cycle_graph(n)
    return as_data(nx.cycle_graph(2 * n)), as_data(nx.disjoint_union(half, half))


def hard_pairs(
    names: Iterable[str] = tuple(GRAPH_PAIRS),
    *,
    paths: Iterable[int] = (),
    cycles: Iterable[int] = (),
    degrees: bool = False,
) -> dict[str, Pair]:
    """Pairs by name, and such as need many rounds of colour refinement (paths) or of 2-WL (cycles).

    Args:
        names: of `paperwright.data.graph_pairs`.
        paths: lengths n, each for C_3 with P_n and C_4 with P_(n-1).
        cycles: lengths n, each for C_2n and 2 C_n.
        degrees: every pair once more, with the degrees as features.
    """
    pairs = {name: graph_pair(name) for name in names}
    for n in paths:
        pairs[f"c3+p{n}"] = cycle_beside_path(3, n), cycle_beside_path(4, n - 1)
    pairs |= {f"c{2 * n}": cycle_and_halves(n) for n in cycles}
    if degrees:
        pairs |= {f"{name}, degrees": with_degrees(pair) for name, pair in pairs.items()}
    return pairs


def equivalent_pairs(pairs: Mapping[str, Pair], k: int) -> dict[str, Pair]:
    """Those that k-WL never tells apart; for k = 1 the same as colour refinement of whole graphs."""
    test: Literal["cr", "folklore"] = "cr" if k == 1 else "folklore"
    return {name: pair for name, pair in pairs.items() if first_separating_round(*pair, test, k) is None}


def with_degrees(pair: Pair) -> Pair:
    """The same graphs with each node's degree as its feature, float64 [n, 1]."""
    first, second = (graph.clone() for graph in pair)
    for graph in (first, second):
        graph.x = degree(graph.edge_index[0], graph.num_nodes, torch.float64)[:, None]
    return first, second


def told_apart(model: nn.Module, pair: Pair) -> bool:
    """Whether a network's outputs for the two graphs differ by more than rounding; of nodes' outputs the sums."""
    return separates(lambda _: model, *pair, trials=1).rate == 1
