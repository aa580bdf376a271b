"""Tests of separation beside their peers, on the same graphs; then homomorphism counts, and the analysis itself."""

import math

import networkx as nx
import numpy as np
import torch
from harness import Benchmark, main
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from paperwright.blocks.color_refinement import color_refinement
from paperwright.blocks.weisfeiler_leman import weisfeiler_leman
from paperwright.graphs.tensor_language import E, analyse, different, indices, total
from paperwright.graphs.tensor_language.homomorphisms import count_homomorphisms, count_subgraphs

ROUNDS = 6


def citation_like(nodes: int) -> Data:
    """About as many edges for each node as Cora has, two thirds of them at hubs; the same graph every time."""
    random = np.random.default_rng(nodes)
    hubs = np.array(nx.barabasi_albert_graph(nodes, 1, seed=nodes).edges).T
    return simple(np.concatenate([hubs, random.integers(0, nodes, (2, nodes))], axis=1), nodes)


def uniform(nodes: int) -> Data:
    """Five random edges for each node."""
    return simple(np.random.default_rng(nodes).integers(0, nodes, (2, 5 * nodes)), nodes)


def simple(pairs: np.ndarray, nodes: int) -> Data:
    edge_index = to_undirected(torch.from_numpy(pairs[:, pairs[0] != pairs[1]]), num_nodes=nodes)
    return Data(edge_index=edge_index, num_nodes=nodes)


def as_networkx(graph: Data) -> nx.Graph:
    """The graph with one label for all nodes: without any, networkx's rounds start from degrees."""
    found = nx.Graph()
    found.add_nodes_from(range(graph.num_nodes), label="a")
    found.add_edges_from(graph.edge_index.T.tolist())
    return found


# -- colour refinement, beside the peers -------------------------------------------------------------------------------
# Each contender is given the graph in its own form, and says how many colours there are after the last round.


def refinement(title: str, graph_of, rounds: int, sizes: list[int]) -> Benchmark:
    bench = Benchmark("tensor_language", title, unit="nodes")
    bench.sizes(sizes)
    for size in sizes[1:]:  # the smallest shows what a call costs at the least
        for peer in ("networkx", "grakel", "torch_geometric WLConv"):
            bench.aim(over=peer, times=10, size=size)

    @bench.contender("paperwright", ours=True)
    def ours(nodes: int):
        graph = graph_of(nodes)
        return lambda: color_refinement([graph], rounds).num_colors[-1]

    @bench.contender("paperwright, by sorting")
    def by_sorting(nodes: int):
        graph = graph_of(nodes)
        return lambda: color_refinement([graph], rounds, exact=True).num_colors[-1]

    @bench.contender("networkx")
    def networkx(nodes: int):
        graph = as_networkx(graph_of(nodes))

        def work() -> int:
            hashes = nx.weisfeiler_lehman_subgraph_hashes(graph, node_attr="label", iterations=rounds)
            return len({history[-1] for history in hashes.values()})

        return work

    @bench.contender("grakel")
    def grakel(nodes: int):
        from grakel import Graph, VertexHistogram, WeisfeilerLehman

        neighbours: dict[int, list[int]] = {node: [] for node in range(nodes)}
        for u, v in graph_of(nodes).edge_index.T.tolist():
            neighbours[u].append(v)
        graph = Graph(neighbours, node_labels=dict.fromkeys(neighbours, 0))

        def work() -> int:
            kernel = WeisfeilerLehman(n_iter=rounds, base_graph_kernel=VertexHistogram)
            kernel.fit_transform([graph])
            return len(kernel._inv_labels[rounds])

        return work

    @bench.contender("torch_geometric WLConv")
    def wlconv(nodes: int):
        from torch_geometric.nn import WLConv

        graph = graph_of(nodes)

        def work() -> int:
            convolution, colors = WLConv(), torch.zeros(nodes, dtype=torch.long)
            for _ in range(rounds):
                colors = convolution(colors, graph.edge_index)
            return len(colors.unique())

        return work

    @bench.difference
    def colours_apart(ours: int, theirs: int) -> float:
        return abs(ours - theirs)

    return bench


citations = refinement(
    f"Colour refinement, {ROUNDS} rounds, about as dense as Cora", citation_like, ROUNDS, [300, 2708, 20_000, 100_000]
)
dense = refinement("Colour refinement, 3 rounds, five edges for each node", uniform, 3, [1000, 10_000, 100_000])

# -- colour refinement to the end --------------------------------------------------------------------------------------

paths = Benchmark("tensor_language", "Colour refinement of a path, all of its n/2 rounds", unit="nodes")
paths.sizes([10_000, 100_000, 1_000_000])
paths.aim(seconds=10, size=1_000_000)


def path(nodes: int) -> Data:
    return simple(np.stack([np.arange(nodes - 1), np.arange(1, nodes)]), nodes)


@paths.contender("paperwright", ours=True)
def paths_ours(nodes: int):
    graph = path(nodes)
    return lambda: color_refinement([graph]).rounds


@paths.contender("paperwright, by sorting")
def paths_by_sorting(nodes: int):
    graph = path(nodes)
    return lambda: color_refinement([graph], exact=True).rounds


# -- folklore 2-WL: hashes by matrix products beside sorting -----------------------------------------------------------

pairs = Benchmark("tensor_language", "Folklore 2-WL, one round from random colours", unit="nodes")
pairs.sizes([32, 64, 128, 256, 512, 1000])
for size in (128, 256, 512):
    pairs.aim(over="sorting rows, NumPy", times=20, size=size)
pairs.aim(seconds=5, size=1000)


def cubic(nodes: int) -> tuple[Data, torch.Tensor]:
    """A random cubic graph, and labels that give its pairs some hundred colours."""
    graph = simple(np.array(nx.random_regular_graph(3, nodes, seed=nodes).edges).T, nodes)
    return graph, torch.from_numpy(np.random.default_rng(nodes).integers(0, 10, nodes))


@pairs.contender("paperwright", ours=True)
def pairs_ours(nodes: int):
    graph, labels = cubic(nodes)
    return lambda: weisfeiler_leman([graph], 2, rounds=1, node_colors=[labels]).num_colors[-1]


@pairs.contender("paperwright, by sorting", max_size=256)  # memory grows as n^3
def pairs_by_sorting(nodes: int):
    graph, labels = cubic(nodes)
    return lambda: weisfeiler_leman([graph], 2, rounds=1, node_colors=[labels], exact=True).num_colors[-1]


@pairs.contender("sorting rows, NumPy", max_size=512)
def pairs_numpy(nodes: int):
    graph, labels = cubic(nodes)
    relation = 2 * np.eye(nodes, dtype=np.int64)
    relation[graph.edge_index[0], graph.edge_index[1]] = 1
    ends = labels.numpy()

    def work() -> int:
        start = (ends[:, None] * 10 + ends[None, :]) * 3 + relation
        names, colors = np.unique(start, return_inverse=True)
        colors = colors.reshape(start.shape)
        after: set[tuple[int, bytes]] = set()
        for v in range(nodes):
            seen = np.sort(colors[v][None, :] * len(names) + colors.T, axis=1)  # [w, u]
            after.update(zip(colors[v].tolist(), map(bytes, seen), strict=True))
        return len(after)

    return work


@pairs.difference
def colours_of_pairs_apart(ours: int, theirs: int) -> float:
    return abs(ours - theirs)


# -- homomorphism counts -----------------------------------------------------------------------------------------------
# In random graphs with a tenth of all edges. opt_einsum contracts the pattern's tensor network, with dense matrices.


def counting(title: str, pattern: nx.Graph, expression: str, sizes: list[int], largest: dict[str, int]) -> Benchmark:
    bench = Benchmark("tensor_language", title, unit="nodes")
    bench.sizes(sizes)

    @bench.contender("paperwright", ours=True)
    def ours(nodes: int):
        graph = tenth(nodes)
        return lambda: count_homomorphisms(pattern, graph)

    @bench.contender("opt_einsum", max_size=largest["opt_einsum"])
    def einsum(nodes: int):
        from opt_einsum import contract

        A = nx.to_numpy_array(as_networkx(tenth(nodes)))
        factors = [A] * pattern.number_of_edges()
        return lambda: round(float(contract(expression, *factors, optimize="dp")))

    @bench.contender("networkx, one by one", max_size=largest["networkx"])
    def one_by_one(nodes: int):
        graph = as_networkx(tenth(nodes))
        order = list(nx.dfs_preorder_nodes(pattern))

        def extensions(images: dict) -> int:
            if len(images) == len(order):
                return 1
            node = order[len(images)]
            near = [set(graph[images[other]]) for other in pattern[node] if other in images]
            choices = set.intersection(*near) if near else graph
            return sum(extensions({**images, node: choice}) for choice in choices)

        return lambda: extensions({})

    @bench.difference
    def counts_apart(ours: int, theirs: int) -> float:
        return abs(ours - theirs) / max(ours, 1)

    return bench


def tenth(nodes: int) -> Data:
    return simple(np.array(nx.gnp_random_graph(nodes, 0.1, seed=nodes).edges).T, nodes)


hexagons = counting(
    "Homomorphisms of C6", nx.cycle_graph(6), "ab,bc,cd,de,ef,fa->", [50, 100, 200, 500, 2000],
    {"opt_einsum": 2000, "networkx": 100},
)  # fmt: skip
hexagons.aim(seconds=0.17, size=500)
cliques = counting(
    "Homomorphisms of K4", nx.complete_graph(4), "ab,ac,ad,bc,bd,cd->", [50, 100, 200, 500, 2000],
    {"opt_einsum": 200, "networkx": 500},  # opt_einsum holds n^3 numbers and takes n^4 steps
)  # fmt: skip
cliques.aim(seconds=1, size=500)

rings = Benchmark("tensor_language", "Cycles of length 6, counted as subgraphs", unit="nodes")
rings.sizes([25, 50, 100, 500])


@rings.contender("paperwright", ours=True)
def rings_ours(nodes: int):
    graph, ring = tenth(nodes), nx.cycle_graph(6)
    return lambda: count_subgraphs(ring, graph)


@rings.contender("networkx, simple_cycles", max_size=50)
def rings_networkx(nodes: int):
    graph = as_networkx(tenth(nodes))
    return lambda: sum(len(cycle) == 6 for cycle in nx.simple_cycles(graph, length_bound=6))


rings.difference(colours_of_pairs_apart)

# -- analysis of formulas ----------------------------------------------------------------------------------------------

formulas = Benchmark("tensor_language", "Analysis of a formula: the injective homomorphisms of a cycle", unit="nodes")
formulas.sizes([4, 5, 6, 7])
formulas.aim(seconds=0.5, size=6)


@formulas.contender("paperwright", ours=True)
def formulas_ours(nodes: int):
    names = indices(" ".join(f"v{i}" for i in range(nodes)))
    ring = [E(names[i - 1], names[i]) for i in range(nodes)]
    apart = [different(names[u], names[v]) for u, v in nx.complement(nx.cycle_graph(nodes)).edges]
    count = total(names, math.prod((*ring[1:], *apart), start=ring[0]))
    return lambda: analyse(count).pareto


if __name__ == "__main__":
    main(citations, dense, paths, pairs, hexagons, cliques, rings, formulas)
