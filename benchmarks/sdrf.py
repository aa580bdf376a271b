"""Curvature, rewiring and diffusion beside their peers, on the same graphs.

The peer for curvature and rewiring is the released code's algorithm: dense N x N matrices, N operations for an entry.
It is transcribed here, with numba as released, less the fault that left a row at its first zero.
"""

import networkx as nx
import numpy as np
import torch
from harness import Benchmark, main
from torch_geometric import transforms
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from paperwright.graphs.sdrf import DIGL, SDRF, balanced_forman_curvature

ITERATIONS = 20


def citation_like(nodes: int) -> Data:
    """About as many edges for each node as Cora has, two thirds of them at hubs; the same graph every time."""
    random = np.random.default_rng(nodes)
    hubs = np.array(nx.barabasi_albert_graph(nodes, 1, seed=nodes).edges).T
    others = random.integers(0, nodes, (2, nodes // 2))
    edge_index = to_undirected(torch.from_numpy(np.concatenate([hubs, others], axis=1)), num_nodes=nodes)
    return Data(edge_index=edge_index[:, edge_index[0] != edge_index[1]], num_nodes=nodes)


def matrix(graph: Data) -> np.ndarray:
    A = np.zeros((graph.num_nodes, graph.num_nodes), dtype=np.float32)
    A[graph.edge_index[0].numpy(), graph.edge_index[1].numpy()] = 1
    return A


# -- the released algorithm, dense -------------------------------------------------------------------------------------


def dense_kernels():
    """The released numba kernels, transcribed: every entry of the curvature, and every candidate's value."""
    from numba import njit

    @njit
    def entry(A, A2, walks_i, walks_j, i, j, d_in, d_out):
        large, small = max(d_in[i], d_out[j]), min(d_in[i], d_out[j])
        if small == 0:
            return 0.0
        positive, most = 0, 0.0
        for k in range(len(A)):
            for walks in (A[k, j] * (walks_i[k] - A[i, k]), A[i, k] * (walks_j[k] - A[k, j])):
                if walks > 0:
                    positive += 1
                    most = max(most, walks)
        value = 2 / large + 2 / small - 2 + (2 / large + 1 / small) * A2[i, j]
        return value + positive / (large * most) if most > 0 else value

    @njit
    def curvature(A, A2, C):
        d_in, d_out = A.sum(axis=0), A.sum(axis=1)
        for i in range(len(A)):
            for j in range(len(A)):
                C[i, j] = 0.0 if A[i, j] == 0 else entry(A, A2, A2[i], A2[:, j], i, j, d_in, d_out)

    @njit
    def candidate(A, A2, i, j, k, m):
        walks_i, walks_j = A2[i].copy(), A2[:, j].copy()
        if k == i:
            walks_i += A[m]
        if m == j:
            walks_j += A[:, k]
        walks_i[m] += A[i, k]
        walks_j[k] += A[m, j]
        large, small = A[:, i].sum(), A[j].sum()
        large, small = max(large, small), min(large, small)
        positive, most = 0, 0.0
        for z in range(len(A)):
            to_j = A[z, j] + (1.0 if z == k and m == j else 0.0)
            from_i = A[i, z] + (1.0 if z == m and k == i else 0.0)
            for walks in (to_j * (walks_i[z] - from_i), from_i * (walks_j[z] - to_j)):
                if walks > 0:
                    positive += 1
                    most = max(most, walks)
        value = 2 / large + 2 / small - 2 + (2 / large + 1 / small) * walks_i[j]
        return value + positive / (large * most) if most > 0 else value

    return curvature, candidate


def dense_curvature(graph: Data):
    kernel, _ = dense_kernels()
    A = matrix(graph)

    def work() -> np.ndarray:
        C = np.zeros_like(A)
        kernel(A, A @ A, C)
        return C[graph.edge_index[0].numpy(), graph.edge_index[1].numpy()]

    return work


def dense_flow(graph: Data):
    kernel, candidate = dense_kernels()

    def work() -> torch.Tensor:
        A = matrix(graph)
        C = np.zeros_like(A)
        for _ in range(ITERATIONS):
            A2 = A @ A
            kernel(A, A2, C)
            i, j = (int(x) for x in np.unravel_index(C.argmin(), C.shape))
            A2 = A @ A  # the released code multiplies again here
            ends = [(k, m) for k in [*np.flatnonzero(A[i]), i] for m in [*np.flatnonzero(A[j]), j]]
            ends = [(int(k), int(m)) for k, m in ends if k != m and A[k, m] == 0]
            if ends:
                k, m = ends[int(np.argmax([candidate(A, A2, i, j, k, m) for k, m in ends]))]
                A[k, m] = A[m, k] = 1
        return torch.from_numpy(np.stack(np.nonzero(A)))

    return work


# -- curvature ---------------------------------------------------------------------------------------------------------

curvature = Benchmark("sdrf", "Curvature of every edge, the paper's definition", unit="nodes")
curvature.sizes([300, 1000, 2500, 10_000, 100_000], quick=[300])
curvature.aim(seconds=0.2, size=2500)  # as many nodes as the largest component of Cora
curvature.aim(seconds=10, size=100_000)


@curvature.contender("paperwright", ours=True)
def curvature_ours(nodes: int):
    graph = citation_like(nodes)
    return lambda: balanced_forman_curvature(graph.edge_index, graph.num_nodes).numpy()


@curvature.contender("networkx, edge by edge", max_size=10_000)
def curvature_networkx(nodes: int):
    pairs = citation_like(nodes).edge_index.T.tolist()
    graph = nx.Graph(pairs)

    def ric(i: int, j: int) -> float:
        m, M = sorted((graph.degree[i], graph.degree[j]))
        if m <= 1:
            return 0.0
        t = len(list(nx.common_neighbors(graph, i, j)))
        most, squares = 0, 0
        for a, b in ((i, j), (j, i)):
            for k in set(graph[a]) - set(graph[b]) - {b}:
                count = sum(1 for w in nx.common_neighbors(graph, k, b) if w != a and not graph.has_edge(w, a))
                squares, most = squares + (count > 0), max(most, count)
        return 2 / M + 2 / m - 2 + 2 * t / M + t / m + (squares / (most * M) if squares else 0.0)

    def work() -> np.ndarray:
        values = {(i, j): ric(i, j) for i, j in graph.edges}
        return np.array([values[i, j] if (i, j) in values else values[j, i] for i, j in pairs])

    return work


@curvature.difference
def largest_gap(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).max())


# -- a simpler curvature, which a library has --------------------------------------------------------------------------

augmented = Benchmark("sdrf", "Augmented Forman curvature of every edge", unit="nodes")
augmented.sizes([300, 1000, 2500], quick=[300])


@augmented.contender("paperwright", ours=True)
def augmented_ours(nodes: int):
    graph = citation_like(nodes)
    return lambda: balanced_forman_curvature(graph.edge_index, graph.num_nodes, definition="augmented").numpy()


@augmented.contender("GraphRicciCurvature")
def augmented_library(nodes: int):
    from GraphRicciCurvature.FormanRicci import FormanRicci

    pairs = citation_like(nodes).edge_index.T.tolist()
    graph = nx.Graph(pairs)

    def work() -> np.ndarray:
        flow = FormanRicci(graph.copy(), verbose="ERROR")
        flow.compute_ricci_curvature()
        return np.array([flow.G[i][j]["formanCurvature"] for i, j in pairs])

    return work


augmented.difference(largest_gap)

# -- the released definition -------------------------------------------------------------------------------------------

official = Benchmark("sdrf", "Curvature of every edge, the released definition", unit="nodes")
official.sizes([300, 1000, 2500], quick=[300])


@official.contender("paperwright", ours=True)
def official_ours(nodes: int):
    graph = citation_like(nodes)
    return lambda: balanced_forman_curvature(graph.edge_index, graph.num_nodes, definition="official").numpy()


@official.contender("released kernel, repaired")
def official_dense(nodes: int):
    return dense_curvature(citation_like(nodes))


official.difference(largest_gap)

# -- rewiring ----------------------------------------------------------------------------------------------------------

flow = Benchmark("sdrf", f"{ITERATIONS} iterations of SDRF, the released definition, the best candidate", unit="nodes")
flow.sizes([300, 1000, 2500], quick=[300])
flow.aim(over="released algorithm, repaired", times=500, size=2500)


@flow.contender("paperwright", ours=True)
def flow_ours(nodes: int):
    graph = citation_like(nodes)
    transform = SDRF(ITERATIONS, tau=float("inf"), definition="official")
    return lambda: transform(graph).edge_index


@flow.contender("released algorithm, repaired")
def flow_dense(nodes: int):
    return dense_flow(citation_like(nodes))


large = Benchmark("sdrf", "1,000 iterations of SDRF, the paper's definition, tau 100", unit="nodes")
large.sizes([1000, 10_000, 100_000], quick=[1000])
large.aim(seconds=10, size=100_000)


@large.contender("paperwright", ours=True)
def large_ours(nodes: int):
    graph = citation_like(nodes)
    return lambda: SDRF(1000, 100.0, generator=torch.Generator().manual_seed(0))(graph).edge_index


# -- diffusion ---------------------------------------------------------------------------------------------------------

diffusion = Benchmark("sdrf", "DIGL, alpha 0.15, top 64", unit="nodes")
diffusion.sizes([300, 1000, 2500, 6000], quick=[300])
diffusion.aim(over="torch_geometric GDC", times=1, size=6000)


@diffusion.contender("paperwright", ours=True)
def diffusion_ours(nodes: int):
    graph = citation_like(nodes)
    return lambda: DIGL(0.15, 64, symmetrize=False)(graph).edge_weight


@diffusion.contender("torch_geometric GDC")
def diffusion_gdc(nodes: int):
    graph = citation_like(nodes)
    transform = transforms.GDC(
        self_loop_weight=1,
        normalization_in="sym",
        normalization_out="col",
        diffusion_kwargs={"method": "ppr", "alpha": 0.15},
        sparsification_kwargs={"method": "topk", "k": 64, "dim": 0},
        exact=True,
    )
    return lambda: transform(graph.clone()).edge_attr


@diffusion.contender("paperwright, solved")
def diffusion_exact(nodes: int):
    graph = citation_like(nodes)
    return lambda: DIGL(0.15, 64, symmetrize=False, method="exact")(graph).edge_weight


@diffusion.contender("paperwright, pushed")
def diffusion_pushed(nodes: int):
    graph = citation_like(nodes)
    return lambda: DIGL(0.15, 64, symmetrize=False, method="push", tolerance=1e-5)(graph).edge_weight


if __name__ == "__main__":
    main(curvature, augmented, official, flow, large, diffusion)
