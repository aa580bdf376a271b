"""The graphs that networks are tried on: EXP, and made ones of its kind, corrupted, or with cycles to count."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import networkx as nx
import numpy as np
import torch
from torch_geometric.data import Data
from torch_geometric.utils import to_dense_adj

from paperwright import data
from paperwright.data.graph_pairs import as_data, read_exp, with_graphs

RING_SIZES = {3: 0.05, 4: 0.05, 5: 0.35, 6: 0.45, 7: 0.10}
"""How often a ring of a molecule-like graph has so many atoms: about as in drug-like molecules, where 5 and 6 rule."""
VALENCE = 4
"""The most neighbours of a node of a molecule-like graph."""
PENTAGON = 5
"""The shortest cycle that the ego-nets of two hops see and those of one hop do not, unless it has 4 nodes."""


def exp_graphs(path: str | Path | None = None) -> list[Data]:
    """EXP: 600 pairs (2i, 2i + 1) of graphs that colour refinement cannot tell apart, labels 1 and 0.

    Each graph has `x` (0 or 1 for each node, float [n, 1]), `edge_index` and `y`, int64 [1].

    Args:
        path: the file, JSON Lines (`.jsonl`, `.jsonl.gz`) or the authors' text; None: `paperwright.data.load("exp")`.

    Raises:
        DataUnavailable: no path is given, and the set is not at hand.
        ValueError: the file has a graph with an arc without its reverse, or to a node that is not there.

    Source: Abboud et al., "The Surprising Power of Graph Neural Networks with Random Node Initialization", IJCAI 2021.
    """
    return data.load("exp").graphs if path is None else with_graphs(read_exp(Path(path)))["graphs"]


# --- Pairs in the manner of EXP ---------------------------------------------------------------------------------------


def lifted_pairs(count: int, seed: int) -> list[Data]:
    """`count` pairs (2i, 2i + 1) in the manner of EXP, labels 1 and 0, without a file.

    Both graphs of a pair are double covers of one random graph with a single pentagon, so no network bounded by colour
    refinement tells them apart: every node of either looks like the node that it covers. In the first the pentagon is
    covered by two pentagons, in the second by a cycle of ten; everything else is covered alike. Ego-nets of two hops
    see the difference, those of one hop do not. Graphs have 32 to 64 nodes, with `x` 0 or 1, float [n, 1], as in EXP.

    Args:
        count: number of pairs.
        seed: decides all of them.
    """
    if count < 1:
        raise ValueError(f"count is {count}; expected 1 pair or more.")
    random = np.random.default_rng(seed)
    return [graph for _ in range(count) for graph in _lifted_pair(random)]


def _lifted_pair(random: np.random.Generator) -> tuple[Data, Data]:
    base = _with_one_pentagon(int(random.integers(16, 33)), random)
    edges = np.array(base.edges)
    crossed = random.random(len(edges)) < 0.5
    crossed[(edges < PENTAGON).all(axis=1)] = False
    x = random.integers(0, 2, len(base))
    at_pentagon = np.flatnonzero((edges < PENTAGON).all(axis=1))[0]
    pair = []
    for label in (1, 0):
        crossed[at_pentagon] = label == 0
        pair.append(_double_cover(edges, crossed, x, label, random))
    return pair[0], pair[1]


def _with_one_pentagon(nodes: int, random: np.random.Generator) -> nx.Graph:
    """A pentagon, trees on it, and edges that close longer cycles: of 7 nodes and more."""
    graph = nx.cycle_graph(PENTAGON)
    for node in range(PENTAGON, nodes):
        graph.add_edge(int(random.integers(node)), node)
    for _ in range(nodes // 8):
        u, v = (int(end) for end in random.integers(nodes, size=2))
        if nx.shortest_path_length(graph, u, v) >= 6:
            graph.add_edge(u, v)
    return graph


def _double_cover(
    edges: np.ndarray, crossed: np.ndarray, x: np.ndarray, label: int, random: np.random.Generator
) -> Data:
    """Nodes v and v + n for each node v; an edge uv is covered by u-v and u'-v', or if it is crossed u-v' and u'-v."""
    n = len(x)
    u, v = edges.T
    heads, tails = np.concatenate([u, u + n]), np.concatenate([v + n * crossed, v + n * ~crossed])
    number = random.permutation(2 * n)
    arcs = number[np.stack([np.concatenate([heads, tails]), np.concatenate([tails, heads])])]
    features = np.empty((2 * n, 1), dtype=np.float32)
    features[number, 0] = np.concatenate([x, x])
    arcs = arcs[:, np.lexsort((arcs[1], arcs[0]))]
    return Data(x=torch.from_numpy(features), edge_index=torch.from_numpy(arcs), y=torch.tensor([label]))


# --- Pairs in the manner of CEXP --------------------------------------------------------------------------------------


def corrupted_pairs(graphs: Sequence[Data], seed: int) -> list[Data]:
    """Pairs (2i, 2i + 1) in the manner of CEXP: every other pair of EXP made one that 1-WL separates, by an edge.

    The first graph of the pairs 0, 2, 4, ... gets one edge more, at random between two of its nodes that have none;
    `alike`, bool, says of each graph whether 1-WL still takes it for its partner. (The authors' CEXP adds edges that
    keep the formula behind the graph satisfiable.)

    Args:
        graphs: pairs that 1-WL does not separate.
        seed: decides the edges.
    """
    random = np.random.default_rng(seed)
    copies = [graph.clone() for graph in graphs]
    for number, graph in enumerate(copies):
        graph.alike = number // 2 % 2 == 1
        if number % 4 == 0:
            absent = to_dense_adj(graph.edge_index, max_num_nodes=graph.num_nodes)[0] == 0
            pairs = absent.triu(diagonal=1).nonzero()
            edge = pairs[int(random.integers(len(pairs)))]
            graph.edge_index = torch.cat([graph.edge_index, edge.unsqueeze(1), edge.flip(0).unsqueeze(1)], dim=1)
    return copies


# --- Counting cycles --------------------------------------------------------------------------------------------------


def cycle_counting_graphs(kind: str, count: int, seed: int) -> list[Data]:
    """Graphs with the numbers of their cycles of 5 and of 6 nodes as `y`, float [1, 2]; `x` is 1 for each node.

    Args:
        kind: "molecules", 18 to 28 nodes, trees and rings that share edges or are joined by them; or "regular", random
            connected cubic graphs of 16 to 26 nodes, on which message passing sees nothing but their size.
        count: number of graphs.
        seed: decides all of them.
    """
    if kind not in _KINDS:
        raise ValueError(f"kind is {kind!r}; expected one of {', '.join(map(repr, _KINDS))}.")
    if count < 1:
        raise ValueError(f"count is {count}; expected 1 graph or more.")
    random = np.random.default_rng(seed)
    return [_with_cycle_counts(_KINDS[kind](random)) for _ in range(count)]


def _with_cycle_counts(graph: nx.Graph) -> Data:
    counted = as_data(graph)
    counted.x, counted.y = torch.ones(len(graph), 1), torch.tensor([cycle_counts(graph)], dtype=torch.float)
    return counted


def _molecule(random: np.random.Generator) -> nx.Graph:
    sizes, shares = list(RING_SIZES), list(RING_SIZES.values())
    graph = nx.cycle_graph(int(random.choice(sizes, p=shares)))
    atoms = int(random.integers(18, 29))
    while len(graph) < atoms:
        step = random.choice(["fused ring", "joined ring", "atom"], p=[0.2, 0.15, 0.65])
        room = atoms - len(graph)
        ring = int(random.choice(sizes, p=shares))
        free = [node for node in graph if graph.degree[node] < VALENCE]
        edges = [(u, v) for u, v in graph.edges if max(graph.degree[u], graph.degree[v]) < VALENCE]
        new = list(range(len(graph), len(graph) + ring))
        at = free[int(random.integers(len(free)))]
        if step == "fused ring" and ring - 2 <= room and edges:
            u, v = edges[int(random.integers(len(edges)))]
            nx.add_path(graph, [u, *new[: ring - 2], v])
        elif step == "joined ring" and ring <= room:
            nx.add_cycle(graph, new)
            graph.add_edge(at, new[0])
        else:
            graph.add_edge(at, new[0])
    return graph


def _cubic(random: np.random.Generator) -> nx.Graph:
    nodes = 2 * int(random.integers(8, 14))
    while True:
        graph = nx.random_regular_graph(3, nodes, seed=int(random.integers(2**31)))
        if nx.is_connected(graph):
            return nx.relabel_nodes(graph, {node: node for node in sorted(graph)})


_KINDS: dict[str, Callable[[np.random.Generator], nx.Graph]] = {"molecules": _molecule, "regular": _cubic}


def cycle_counts(graph: nx.Graph, lengths: Sequence[int] = (5, 6)) -> list[int]:
    """The number of cycles of each length, which need not be induced; for sparse graphs."""
    found = Counter(map(len, nx.simple_cycles(graph, length_bound=max(lengths))))
    return [found[length] for length in lengths]
