"""How hard a graph is to cut in two: the spectral gap and Cheeger's constant."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.linalg
import scipy.sparse as sp
import scipy.sparse.linalg
import torch
from jaxtyping import Int, Int64
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from ._arcs import adjacency_matrix, simple_arcs

DENSE_BELOW = 2000  # nodes; LAPACK is faster than Lanczos there
ENUMERATE_UP_TO = 20  # nodes; half a million cuts
RESTARTS = 20  # of Lanczos; graphs that need more fall apart so easily that factors of them stay sparse

Product = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Cheeger:
    """Cheeger's constant, or the bounds that are known of it.

    Attributes:
        value: the constant if `lower == upper`, otherwise its upper bound.
        lower, upper: bounds.
        set: nodes of the cut that reaches `upper`, the side of less volume.
    """

    value: float
    lower: float
    upper: float
    set: Int64[Tensor, "cut"]


def spectral_gap(edge_index: Int[Tensor, "2 E"], num_nodes: int | None = None) -> float:
    """Second least eigenvalue, lambda_1, of the normalised Laplacian I - D^-1/2 A D^-1/2.

    0 < lambda_1 <= N/(N-1) on a connected graph; a small one means that the graph falls into two parts with few edges
    between them (lambda_1/2 <= h <= sqrt(2 lambda_1), h Cheeger's constant). Directions and self-loops are dropped.
    Dense below 2,000 nodes, otherwise Lanczos from a fixed vector, so the result is the same every time; on paths,
    rings of cliques and the like, whose least eigenvalues lie too near together for it, by factorisation.

    Raises:
        TypeError: `edge_index` is not of integers.
        ValueError: no edges, or node numbers out of range.

    Warns:
        UserWarning: the graph is disconnected; the value is that of its largest component.
    """
    adjacency, _ = _connected(edge_index, num_nodes)
    return _fiedler(adjacency)[0]


def cheeger(
    edge_index: Int[Tensor, "2 E"], num_nodes: int | None = None, method: Literal["auto", "exact", "sweep"] = "auto"
) -> Cheeger:
    """Cheeger's constant h = min |boundary(S)| / vol(S), over sets with vol(S) <= vol(V)/2.

    Args:
        edge_index: integers [2, E]; directions and self-loops are dropped.
        num_nodes: number of nodes.
        method: "exact" tries every cut (at most 20 nodes); "sweep" takes the best of the N - 1 cuts along the Fiedler
            vector as upper and lambda_1/2 as lower bound; "auto" is exact where it can be.

    Raises:
        TypeError: `edge_index` is not of integers.
        ValueError: no edges, node numbers out of range, an unknown method, or "exact" above 20 nodes.

    Warns:
        UserWarning: the graph is disconnected; the value is that of its largest component.
    """
    if method not in ("auto", "exact", "sweep"):
        raise ValueError(f"method is {method!r}; expected 'auto', 'exact' or 'sweep'.")
    adjacency, nodes = _connected(edge_index, num_nodes)
    if method == "exact" and len(nodes) > ENUMERATE_UP_TO:
        raise ValueError(f"method='exact' tries every cut, at most {ENUMERATE_UP_TO} nodes; here are {len(nodes)}.")
    if method == "sweep" or len(nodes) > ENUMERATE_UP_TO:
        gap, fiedler = _fiedler(adjacency)
        upper, cut = _best_sweep_cut(adjacency, fiedler)
        lower = min(gap / 2, upper)
    else:
        upper, cut = _best_cut(adjacency)
        lower = upper
    return Cheeger(upper, lower, upper, torch.from_numpy(np.sort(nodes[cut])))


def _connected(edge_index: Tensor, num_nodes: int | None) -> tuple[sp.csr_array, np.ndarray]:
    """The largest component's adjacency, and its nodes."""
    arcs = simple_arcs(edge_index, num_nodes, symmetrise=True)
    if len(arcs.heads) == 0:
        raise ValueError("The graph has no edges (self-loops apart), so it has neither a spectral gap nor a cut.")
    adjacency = adjacency_matrix(arcs)
    components, label = connected_components(adjacency, directed=False)
    nodes = np.flatnonzero(label == np.bincount(label).argmax())
    if components > 1:
        warnings.warn(
            f"The graph has {components} components; only the largest, of {len(nodes)} nodes, is looked at.",
            UserWarning,
            stacklevel=3,
        )
        adjacency = adjacency[nodes][:, nodes]
    return adjacency, nodes


def _fiedler(adjacency: sp.csr_array) -> tuple[float, np.ndarray]:
    """lambda_1 and the vector D^-1/2 v of its eigenvector v, for a connected graph."""
    root = np.sqrt(adjacency.sum(axis=1))
    normalised = sp.diags_array(1 / root) @ adjacency @ sp.diags_array(1 / root)
    n = len(root)
    if n < DENSE_BELOW:
        values, vectors = scipy.linalg.eigh(np.eye(n) - normalised.toarray(), subset_by_index=[1, 1])
        return float(values[0]), vectors[:, 0] / root
    trivial = root / np.linalg.norm(root)  # of eigenvalue 1 of D^-1/2 A D^-1/2: taken out, shifted to -1
    start = np.cos(np.arange(n) * (1 + np.sqrt(5)) / 2)
    start -= trivial * (trivial @ start)

    def complement(x: np.ndarray) -> np.ndarray:
        x = x.ravel()
        product: np.ndarray = normalised @ x - 2 * trivial * (trivial @ x)
        return product

    try:
        value, vector = _greatest(complement, start, ncv=64, maxiter=RESTARTS)
        return 1 - value, vector / root
    except scipy.sparse.linalg.ArpackNoConvergence:
        value, vector = _greatest(_pseudo_inverse(sp.eye_array(n) - normalised, trivial), start)
        return 1 / value, vector / root


def _greatest(product: Product, start: np.ndarray, **settings: int) -> tuple[float, np.ndarray]:
    """The greatest eigenvalue of a symmetric operator, and its eigenvector."""
    operator = scipy.sparse.linalg.LinearOperator((len(start), len(start)), matvec=product, dtype=np.float64)
    values, vectors = scipy.sparse.linalg.eigsh(operator, k=1, which="LA", v0=start, **settings)
    return float(values[0]), vectors[:, 0]


def _pseudo_inverse(laplacian: sp.sparray, kernel: np.ndarray) -> Product:
    """L^+ as a product, for a Laplacian whose kernel is spanned by one unit vector; one node is held at 0."""
    others = np.delete(np.arange(len(kernel)), kernel.argmax())
    held = laplacian.tocsr()[others][:, others].tocsc()
    symmetric = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
    factors = scipy.sparse.linalg.splu(held, **symmetric)

    def product(x: np.ndarray) -> np.ndarray:
        x = x.ravel()
        solution = np.zeros(len(kernel))
        solution[others] = factors.solve((x - kernel * (kernel @ x))[others])
        projected: np.ndarray = solution - kernel * (kernel @ solution)
        return projected

    return product


def _best_sweep_cut(adjacency: sp.csr_array, order_by: np.ndarray) -> tuple[float, np.ndarray]:
    """The best of the cuts {nodes with the least values} | {the rest}: its ratio, and the side of less volume."""
    order = np.argsort(order_by, kind="stable")
    degree = adjacency.sum(axis=1)[order]
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    upper = sp.triu(adjacency).tocoo()
    a, b = place[upper.row], place[upper.col]
    # an edge is cut by every prefix that holds one of its ends
    change = np.bincount(np.minimum(a, b), minlength=len(order)) - np.bincount(np.maximum(a, b), minlength=len(order))
    boundary = np.cumsum(change)[:-1]
    volume = np.cumsum(degree)[:-1]
    rest = degree.sum() - volume
    ratio = boundary / np.minimum(volume, rest)
    best = int(ratio.argmin())
    return float(ratio[best]), order[: best + 1] if volume[best] <= rest[best] else order[best + 1 :]


def _best_cut(adjacency: sp.csr_array) -> tuple[float, np.ndarray]:
    """The best of all cuts, by trying them: its ratio, and the side of less volume."""
    n = adjacency.shape[0]
    sets = np.arange(1, 1 << (n - 1), dtype=np.int64)  # the last node stays outside: each cut once
    degree = adjacency.sum(axis=1)
    volume = np.zeros(len(sets))
    for node in range(n - 1):
        volume += degree[node] * (sets >> node & 1)
    boundary = np.zeros(len(sets))
    upper = sp.triu(adjacency).tocoo()
    for u, v in zip(upper.row.tolist(), upper.col.tolist(), strict=True):
        boundary += (sets >> u ^ sets >> v) & 1
    rest = degree.sum() - volume
    ratio = boundary / np.minimum(volume, rest)
    best = int(ratio.argmin())
    inside = (sets[best] >> np.arange(n) & 1).astype(bool)
    return float(ratio[best]), np.flatnonzero(inside if volume[best] <= rest[best] else ~inside)
