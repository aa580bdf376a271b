"""Graphs with bottlenecks, made from a seed: the material of the claims that need no file."""

import networkx as nx
import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor
from torch_geometric.utils import coalesce, from_networkx

from paperwright import data


def arcs_of(graph: nx.Graph) -> Int64[Tensor, "2 A"]:
    """Both arcs of every edge, sorted."""
    arcs: Tensor = coalesce(from_networkx(graph).edge_index)
    return arcs


def double_star(degree: int) -> Int64[Tensor, "2 A"]:
    """Two adjacent hubs of this degree, each with its own leaves; curvature 4/degree - 2 between the hubs."""
    leaves = [(hub, 2 + hub * (degree - 1) + leaf) for hub in (0, 1) for leaf in range(degree - 1)]
    return arcs_of(nx.Graph([(0, 1), *leaves]))


def regular_tree(degree: int) -> Int64[Tensor, "2 A"]:
    """A root and its children all of this degree, then leaves; curvature 4/degree - 2 at the root."""
    children = range(1, degree + 1)
    leaves = [(child, degree + 1 + (child - 1) * (degree - 1) + x) for child in children for x in range(degree - 1)]
    return arcs_of(nx.Graph([(0, child) for child in children] + leaves))


def bottlenecked_graph(kind: str, seed: int) -> Int64[Tensor, "2 A"]:
    """A connected graph with a bottleneck, of random size.

    Args:
        kind: "barbell" (two cliques of 4 to 12 nodes, 0 to 3 between), "blocks" (a stochastic block model of 2 to 4
            blocks of 12 to 30 nodes) or "cliques" (3 to 6 cliques of 4 to 9 nodes in a row).
        seed: decides the rest.
    """
    random = np.random.default_rng(seed)
    if kind == "barbell":
        size, path = int(random.integers(4, 13)), int(random.integers(0, 4))
        return _generated("barbell", clique=size, path=path)
    if kind == "cliques":
        sizes = random.integers(4, 10, size=int(random.integers(3, 7))).tolist()
        first = np.cumsum([0, *sizes])
        graph = nx.disjoint_union_all([nx.complete_graph(size) for size in sizes])
        graph.add_edges_from((int(start) - 1, int(start)) for start in first[1:-1])
        return arcs_of(graph)
    blocks = int(random.integers(2, 5))
    nodes, inside, across = (
        blocks * int(random.integers(12, 31)),
        random.uniform(0.25, 0.5),
        random.uniform(0.005, 0.02),
    )
    while True:
        drawn = int(random.integers(2**31))
        edges = _generated("block-model", nodes=nodes, classes=blocks, inside=inside, across=across, seed=drawn)
        if nx.is_connected(nx.Graph([(i, i) for i in range(nodes)] + edges.T.tolist())):
            return edges


def _generated(name: str, **settings: float) -> Int64[Tensor, "2 A"]:
    edges: Tensor = data.load(name, **settings).graph.edge_index
    return edges


def with_random_two_hop_edges(
    edge_index: Int64[Tensor, "2 A"], num_nodes: int, count: int, seed: int
) -> Int64[Tensor, "2 B"]:
    """The graph with `count` edges more, each between a random pair at distance 2 in the graph as it then is."""
    random = np.random.default_rng([seed, 1])
    A = np.zeros((num_nodes, num_nodes), dtype=np.int64)
    A[edge_index[0].numpy(), edge_index[1].numpy()] = 1
    for _ in range(count):
        u, v = np.nonzero(np.triu((A @ A > 0) & (A == 0), k=1))
        if len(u) == 0:
            break
        pick = int(random.integers(len(u)))
        A[u[pick], v[pick]] = A[v[pick], u[pick]] = 1
    return torch.from_numpy(np.stack(np.nonzero(A)))


def random_graph_and_set(random: np.random.Generator) -> tuple[Int64[Tensor, "2 A"], int, Int64[Tensor, "S"]]:
    """A connected random graph of 6 to 40 nodes, and a random set of at most half its volume."""
    while True:
        n = int(random.integers(6, 41))
        graph = nx.gnp_random_graph(n, float(random.uniform(0.08, 0.6)), seed=int(random.integers(2**31)))
        if not nx.is_connected(graph):
            continue
        degree = np.array([d for _, d in graph.degree])
        order = random.permutation(n)
        largest = int((2 * np.cumsum(degree[order]) <= degree.sum()).sum())
        if largest > 0:
            nodes = order[: int(random.integers(1, largest + 1))]
            return arcs_of(graph), n, torch.from_numpy(np.sort(nodes))
