"""The paper's inequalities as functions: what each side of Lemma 1 and Theorems 4 and 6 comes to on a given graph."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float64, Int
from torch import Tensor

from ._arcs import adjacency_matrix, as_edge_index, neighbour_sets, require_symmetric, simple_arcs
from ._pagerank import teleport_probability
from .curvature import balanced_forman_curvature


def propagation(edge_index: Int[Tensor, "2 E"], num_nodes: int | None = None) -> sp.csr_array:
    """The GCN's matrix A^ = D~^-1/2 (A + I) D~^-1/2, sparse float64 [N, N]."""
    arcs = simple_arcs(edge_index, num_nodes)
    loops = adjacency_matrix(arcs) + sp.eye_array(arcs.num_nodes)
    scale = sp.diags_array(1 / np.sqrt(loops.sum(axis=1)))
    return (scale @ loops @ scale).tocsr()


def jacobian_bound(
    edge_index: Int[Tensor, "2 E"],
    num_nodes: int | None,
    sources: Int[Tensor, "S"],
    depth: int,
) -> Float64[Tensor, "N S"]:
    r"""Lemma 1: the most that input s can move output i, as a multiple of (alpha beta)^depth.

    .. math:: |\partial h_i / \partial x_s| \le (\alpha\beta)^{depth} (\hat{A}^{depth})_{is}

    It holds for nodes at distance `depth` exactly, after `depth` layers h_i' = phi(h_i, sum_j a^_ij psi(h_i, h_j)),
    alpha and beta the bounds on the gradients of phi and psi.

    Args:
        edge_index: integers [2, E].
        num_nodes: number of nodes.
        sources: nodes s.
        depth: number of layers.
    """
    matrix = propagation(edge_index, num_nodes)
    columns = np.zeros((matrix.shape[0], len(sources)))
    columns[sources.cpu().numpy(), np.arange(len(sources))] = 1
    for _ in range(depth):
        columns = matrix @ columns
    return torch.from_numpy(columns)


@dataclass(frozen=True)
class Squashing:
    """Theorem 4 on one edge i~j.

    Attributes:
        i, j: the edge, turned so that d_i <= d_j.
        curvature: Ric(i, j).
        delta: Ric(i, j) + 2.
        premise: whether 0 < delta < min(M^-1/2, 1/gamma), so that the theorem speaks of this edge.
        least_size: the set Q has more than 1/delta nodes.
        factor: the mean sensitivity over Q is below (alpha beta)^2 * factor, factor = delta^(1/4).
        beyond: neighbours of j at distance 2 from i, where Q lies.
    """

    i: int
    j: int
    curvature: float
    premise: bool
    beyond: list[int]

    @property
    def delta(self) -> float:
        return self.curvature + 2

    @property
    def least_size(self) -> float:
        return 1 / self.delta

    @property
    def factor(self) -> float:
        return self.delta**0.25


def squashing_of_edges(edge_index: Int[Tensor, "2 E"], num_nodes: int | None = None) -> list[Squashing]:
    """What Theorem 4 says of each undirected edge.

    d_i <= d_j, 0 < delta < M^-1/2, delta < 1/gamma and Ric(i, j) <= -2 + delta together imply that some set Q of more
    than 1/delta nodes at distance 2 from i, all neighbours of j, has a mean of |d h_k^(2) / d x_i| below
    (alpha beta)^2 delta^(1/4).

    Raises:
        ValueError: the graph is directed.
    """
    arcs = simple_arcs(edge_index, num_nodes)
    require_symmetric(arcs, "Theorem 4")
    everything = as_edge_index(arcs.heads, arcs.tails)
    curvature = balanced_forman_curvature(everything, arcs.num_nodes).tolist()
    gamma = balanced_forman_curvature(everything, arcs.num_nodes, return_parts=True).gamma_max.tolist()
    rows = neighbour_sets(everything, arcs.num_nodes)
    found = []
    for (u, v), ric, most in zip(everything.T.tolist(), curvature, gamma, strict=True):
        if u < v:
            i, j = (u, v) if len(rows[u]) <= len(rows[v]) else (v, u)
            limit = min(len(rows[j]) ** -0.5, 1 / most if most else np.inf)
            premise = len(rows[i]) > 1 and 0 < ric + 2 < limit
            found.append(Squashing(i, j, ric, premise, sorted(rows[j] - rows[i] - {i})))
    return found


@dataclass(frozen=True)
class DiffusionBound:
    """Theorem 6 on one set S of nodes: `after` <= `bound`.

    Attributes:
        before: h_S = |boundary S| / vol(S).
        after: h_S,alpha = (1/|S|) sum of R_ij over i in S, j outside.
        bound: ((1 - alpha)/alpha) * (mean degree in S / least degree in S) * h_S.
    """

    before: float
    after: float
    bound: float


def diffusion_bound(
    edge_index: Int[Tensor, "2 E"], num_nodes: int | None, nodes: Int[Tensor, "S"], alpha: float
) -> DiffusionBound:
    r"""Theorem 6: diffusion cannot lift a bottleneck by much.

    With :math:`R = \alpha \sum_n (1-\alpha)^n (D^{-1}A)^n` (dense, O(N^3)) and vol(S) <= vol(V)/2,

    .. math:: h_{S,\alpha} \le \frac{1-\alpha}{\alpha} \frac{\bar d_S}{\min_S d}\, h_S.

    Raises:
        ValueError: isolated nodes, an empty set, one of more than half the volume, or alpha outside (0, 1).
    """
    alpha = teleport_probability(alpha)
    arcs = simple_arcs(edge_index, num_nodes)
    require_symmetric(arcs, "Theorem 6")
    A = adjacency_matrix(arcs).toarray()
    degree = A.sum(axis=1)
    if (degree == 0).any():
        raise ValueError("The graph has isolated nodes; D^-1 A needs a neighbour for each.")
    inside = np.zeros(len(A), dtype=bool)
    inside[nodes.cpu().numpy()] = True
    volume = degree[inside].sum()
    if not 0 < volume <= degree.sum() / 2:
        raise ValueError(f"The set has volume {volume:g}; expected more than 0 and at most half of {degree.sum():g}.")
    R = alpha * np.linalg.inv(np.eye(len(A)) - (1 - alpha) * A / degree[:, None])
    before = float(A[inside][:, ~inside].sum() / volume)
    after = float(R[inside][:, ~inside].sum() / inside.sum())
    spread = degree[inside].mean() / degree[inside].min()
    return DiffusionBound(before, after, float((1 - alpha) / alpha * spread * before))
