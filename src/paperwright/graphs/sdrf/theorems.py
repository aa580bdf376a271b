"""The paper's inequalities as functions: what each side of Lemma 1 and Theorems 4 and 6 comes to on a given graph."""

import itertools
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float64, Int
from torch import Tensor

from ._arcs import adjacency_matrix, require_symmetric, simple_arcs
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
    *,
    lipschitz: float | int = 1.0,
) -> Float64[Tensor, "N S"]:
    r"""Lemma 1: the most that input s can move output i, :math:`(\alpha\beta)^{depth} (\hat{A}^{depth})_{is}`.

    It holds for nodes at distance `depth` exactly, after `depth` layers h_i' = phi(h_i, sum_j a^_ij psi(h_i, h_j)).

    Args:
        edge_index: integers [2, E].
        num_nodes: number of nodes.
        sources: nodes s.
        depth: number of layers.
        lipschitz: alpha * beta, the bound on the product of the gradients of phi and psi.
    """
    matrix = propagation(edge_index, num_nodes)
    columns = np.zeros((matrix.shape[0], len(sources)))
    columns[sources.cpu().numpy(), np.arange(len(sources))] = 1
    for _ in range(depth):
        columns = lipschitz * (matrix @ columns)
    return torch.from_numpy(columns)


@dataclass(frozen=True)
class Squashing:
    """Theorem 4 on one edge i~j.

    Attributes:
        i, j: the edge, turned so that d_i <= d_j.
        delta: Ric(i, j) + 2.
        premise: whether 0 < delta < min(M^-1/2, 1/gamma), so that the theorem speaks of this edge.
        least_size: the set Q has more than 1/delta nodes.
        factor: the mean sensitivity over Q is below (alpha beta)^2 * factor, factor = delta^(1/4).
        beyond: neighbours of j at distance 2 from i, where Q lies.
    """

    i: int
    j: int
    delta: float
    premise: bool
    least_size: float
    factor: float
    beyond: list[int]


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
    upper = arcs.heads < arcs.tails
    edges = torch.from_numpy(np.stack([arcs.heads[upper], arcs.tails[upper]]))
    everything = torch.from_numpy(np.stack([arcs.heads, arcs.tails]))
    curvature = balanced_forman_curvature(everything, arcs.num_nodes)[torch.from_numpy(upper)]
    gamma = balanced_forman_curvature(everything, arcs.num_nodes, return_parts=True).gamma_max[torch.from_numpy(upper)]
    ends = np.searchsorted(arcs.heads, np.arange(arcs.num_nodes + 1))
    rows = [set(arcs.tails[a:b].tolist()) for a, b in itertools.pairwise(ends)]
    found = []
    for (u, v), ric, most in zip(edges.T.tolist(), curvature.tolist(), gamma.tolist(), strict=True):
        i, j = (u, v) if len(rows[u]) <= len(rows[v]) else (v, u)
        delta = ric + 2
        limit = min(len(rows[j]) ** -0.5, 1 / most if most else np.inf)
        beyond = sorted(rows[j] - rows[i] - {i})
        premise = len(rows[i]) > 1 and 0 < delta < limit
        found.append(Squashing(i, j, delta, premise, 1 / delta, delta**0.25, beyond))
    return found


def least_mean(values: np.ndarray, size: int) -> float:
    """The least mean over sets of at least `size` of the values: that of the `size` least ones."""
    if not 1 <= size <= len(values):
        raise ValueError(f"size is {size}; expected 1 to {len(values)}, the number of values.")
    return float(np.partition(values, size - 1)[:size].mean())


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
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; expected a probability strictly between 0 and 1.")
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
