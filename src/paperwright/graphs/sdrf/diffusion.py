"""DIGL, the rewiring by diffusion that the paper compares with: personalised PageRank, cut to the strongest edges."""

from typing import Literal

import networkx as nx
import numpy as np
import scipy.linalg
import scipy.sparse as sp
import torch
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform

from paperwright.blocks.counts import whole_number
from paperwright.blocks.graph_input import graph_data, node_pairs

from .components import adjacency_matrix
from .edges import require_symmetric, simple_arcs
from .push import pushed_columns

DENSE_BELOW = 10_000  # nodes; pushing is no quicker on smaller graphs without structure, and the solve takes 1 GB there
DEFAULT_TOP_K = 64
BLOCK = 256  # columns at a time


class DIGL(BaseTransform):
    r"""Replaces a graph by its sparsified personalised-PageRank diffusion, with weights.

    With A~ = A + I, H = D~^-1/2 A~ D~^-1/2 and

    .. math:: S = \alpha\,(I - (1-\alpha) H)^{-1},

    each column of S keeps its `top_k` largest entries (or those of at least `eps`) and is divided by its sum; with
    `symmetrize` the result is (S + S^T)/2. Entry (i, j) becomes the edge i -> j, its value `edge_weight`. A
    `Batch` is taken graph by graph.

    Args:
        alpha: teleport probability, in (0, 1).
        top_k: entries kept in each column; 64 unless `eps` is given.
        eps: least entry kept. Give `top_k` or `eps`, not both.
        symmetrize: average with the transpose at the end.
        method: "exact" (dense solve, n^3 steps and 8 n^2 bytes), "push" (sparse, for large undirected graphs: entries
            below about `tolerance` * degree are lost), or "auto": exact below 10,000 nodes.
        tolerance: residual of the push, for each unit of degree. A column takes O(1 / (alpha * tolerance)) steps at
            most; on random graphs it is all nodes that count: 7 ms at 6,000 nodes and 21 ms at 20,000 (7 minutes in
            all; with 1e-5 it is 14 s).

    Raises:
        TypeError: for heterogeneous graphs, or an `edge_index` that is not of integers.
        ValueError: alpha outside (0, 1), both `top_k` and `eps`, values of these out of range, a directed graph with
            "push".

    Warns:
        UserWarning: a push that will take more than a minute, by its first columns.

    Source: Gasteiger et al. 2019 (diffusion improves graph learning), as in the released code of Topping et al. 2022.
    """

    def __init__(
        self,
        alpha: float = 0.15,
        top_k: int | None = None,
        eps: float | int | None = None,
        symmetrize: bool = True,
        *,
        method: Literal["auto", "exact", "push"] = "auto",
        tolerance: float = 1e-7,
    ) -> None:
        if not 0 < alpha < 1:
            raise ValueError(f"alpha is {alpha}; expected a probability strictly between 0 and 1.")
        if top_k is not None and eps is not None:
            raise ValueError(f"top_k is {top_k} and eps is {eps}; expected one of the two. Leave out the other.")
        if eps is None:
            top_k = whole_number("top_k", DEFAULT_TOP_K if top_k is None else top_k, 1)
        if eps is not None and not eps > 0:
            raise ValueError(f"eps is {eps}; expected a positive number.")
        if not tolerance > 0:
            raise ValueError(f"tolerance is {tolerance}; expected a positive number.")
        if method not in ("auto", "exact", "push"):
            raise ValueError(f"method is {method!r}; expected 'auto', 'exact' or 'push'.")
        self.alpha, self.top_k, self.eps = alpha, top_k, eps
        self.symmetrize = symmetrize
        self.method, self.tolerance = method, tolerance

    def forward(self, data: Data | nx.Graph) -> Data:
        """The graph with new `edge_index` and `edge_weight`; existing weights and self-loops play no part."""
        data = graph_data(data)
        if isinstance(data, Batch):
            return Batch.from_data_list([self(graph) for graph in data.to_data_list()])
        given = data.edge_index
        node_pairs(given, data.num_nodes)
        if data.num_nodes == 0:
            return data
        kept = _column_normalised(self._kept_entries(data))
        if self.symmetrize:
            kept = (kept + kept.T) / 2
        kept = sp.coo_array(kept.tocsr())
        for name in [name for name in data.edge_attrs() if name != "edge_index"]:
            del data[name]  # rows of edges that are gone
        data.edge_index = torch.from_numpy(np.stack(kept.coords).astype(np.int64)).to(given.device, given.dtype)
        data.edge_weight = torch.from_numpy(kept.data).to(given.device, torch.get_default_dtype())
        return data

    def _kept_entries(self, data: Data) -> sp.csc_array:
        """The strongest entries of S, sparse [N, N]."""
        arcs = simple_arcs(data.edge_index, data.num_nodes)
        loops = adjacency_matrix(arcs) + sp.eye_array(arcs.num_nodes)
        if self.method == "exact" or (self.method == "auto" and arcs.num_nodes < DENSE_BELOW):
            S = diffusion_matrix(loops, self.alpha)
            return _largest_of_columns(S, self.top_k) if self.top_k is not None else sp.csc_array(S * (self.eps <= S))
        require_symmetric(arcs, "DIGL(method='push')")
        return pushed_columns(loops.tocsr(), self.alpha, self.tolerance, self.top_k, self.eps)

    def __repr__(self) -> str:
        kept = f"top_k={self.top_k}" if self.eps is None else f"eps={self.eps}"
        return f"{type(self).__name__}(alpha={self.alpha}, {kept}, symmetrize={self.symmetrize})"


def diffusion_matrix(adjacency: sp.sparray, alpha: float) -> np.ndarray:
    """S = alpha (I - (1 - alpha) D^-1/2 A D^-1/2)^-1, dense float64 [N, N], for A with positive row sums."""
    scale = 1 / np.sqrt(adjacency.sum(axis=1))
    system = (sp.diags_array(scale * (alpha - 1)) @ adjacency @ sp.diags_array(scale)).toarray(order="F")
    system[np.diag_indices_from(system)] += 1
    if not np.array_equal(system, system.T):
        return alpha * np.linalg.inv(system)
    # symmetric, so I - (1 - alpha) H is positive definite: half the work, and in place
    factor, _ = scipy.linalg.lapack.dpotrf(system, lower=True, overwrite_a=True)
    S, _ = scipy.linalg.lapack.dpotri(factor, lower=True, overwrite_c=True)
    S *= alpha
    for first in range(0, len(S), BLOCK):
        block = slice(first, first + BLOCK)
        S[block, block] = np.tril(S[block, block]) + np.tril(S[block, block], -1).T
        S[block, first + BLOCK :] = S[first + BLOCK :, block].T
    return S


def _largest_of_columns(S: np.ndarray, top_k: int) -> sp.csc_array:
    """The `top_k` largest positive entries of each column; among equals, those of the lowest rows."""
    top_k = min(top_k, len(S))
    blocks = []
    for first in range(0, len(S), BLOCK):
        block = S[:, first : first + BLOCK]
        least = np.partition(block, -top_k, axis=0)[-top_k]
        equal = block == least
        kept = block > least
        equal &= np.cumsum(equal, axis=0) <= top_k - kept.sum(axis=0)
        blocks.append(sp.csc_array(np.where((kept | equal) & (block > 0), block, 0.0)))
    return sp.hstack(blocks, format="csc")


def _column_normalised(matrix: sp.csc_array) -> sp.csc_array:
    """Columns divided by their sums; empty columns stay empty."""
    total = matrix.sum(axis=0)
    return sp.csc_array(matrix @ sp.diags_array(1 / np.where(total > 0, total, 1)))
