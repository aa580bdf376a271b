"""DIGL, the rewiring by diffusion that the paper compares with: personalised PageRank, cut to the strongest edges."""

from collections.abc import Iterable
from typing import Literal

import networkx as nx
import numpy as np
import scipy.sparse as sp
import torch
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform

from paperwright.blocks.counts import whole_number
from paperwright.blocks.graph_input import graph_data, node_pairs
from paperwright.blocks.real_numbers import real_number

from ._arcs import adjacency_matrix, require_symmetric, simple_arcs
from ._pagerank import (
    Method,
    cheapest_method,
    iterated_blocks,
    pushed_columns,
    solved_blocks,
    teleport_probability,
)

DEFAULT_TOP_K = 64


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
        method: how S is computed: "exact" (dense: N^3 steps, 8 N^2 bytes; the only one for directed graphs),
            "chebyshev" (iteration over blocks of columns: N * edges * about 30 steps), "push" (only where mass goes),
            or "auto": the one of fewest steps.
        tolerance: of "chebyshev", the error of a column (Euclidean norm); of "push", the residual left at a node for
            each unit of its degree.

    Raises:
        TypeError: for heterogeneous graphs, or an `edge_index` that is not of integers.
        ValueError: alpha outside (0, 1), both `top_k` and `eps`, values of these out of range, a directed graph with
            "chebyshev" or "push".

    Warns:
        UserWarning: it will take more than a minute, by its first columns.

    Example:
        >>> from paperwright import data
        >>> DIGL(alpha=0.15, top_k=10)(data.load("barbell").graph).num_edges
        100

    Source: Gasteiger et al. 2019 (diffusion improves graph learning), as in the released code of Topping et al. 2022.
    """

    def __init__(
        self,
        alpha: float = 0.15,
        top_k: int | None = None,
        eps: float | int | None = None,
        symmetrize: bool = True,
        *,
        method: Literal["auto", "exact", "chebyshev", "push"] = "auto",
        tolerance: float = 1e-7,
    ) -> None:
        alpha = teleport_probability(alpha)
        if top_k is not None and eps is not None:
            raise ValueError(f"top_k is {top_k} and eps is {eps}; expected one of the two. Leave out the other.")
        if eps is None:
            top_k = whole_number("top_k", DEFAULT_TOP_K if top_k is None else top_k, 1)
        else:
            eps = real_number("eps", eps, "a positive, finite number", _positive)
        tolerance = real_number("tolerance", tolerance, "a positive, finite number", _positive)
        if method not in ("auto", "exact", "chebyshev", "push"):
            raise ValueError(f"method is {method!r}; expected 'auto', 'exact', 'chebyshev' or 'push'.")
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
        loops = (adjacency_matrix(arcs) + sp.eye_array(arcs.num_nodes)).tocsr()
        method: Method = cheapest_method(loops, self.alpha, self.tolerance) if self.method == "auto" else self.method
        if method != "exact":
            require_symmetric(arcs, f"DIGL(method={method!r})")
        if method == "push":
            return _strongest_of_sparse(pushed_columns(loops, self.alpha, self.tolerance), self.top_k, self.eps)
        exact = method == "exact"
        blocks = solved_blocks(loops, self.alpha) if exact else iterated_blocks(loops, self.alpha, self.tolerance)
        return sp.hstack([_strongest(block, self.top_k, self.eps) for block in blocks], format="csc")

    def __repr__(self) -> str:
        kept = f"top_k={self.top_k}" if self.eps is None else f"eps={self.eps}"
        return f"{type(self).__name__}(alpha={self.alpha}, {kept}, symmetrize={self.symmetrize})"


def _positive(number: float) -> bool:
    return 0 < number < np.inf


def _strongest(block: np.ndarray, top_k: int | None, eps: float | None) -> sp.csc_array:
    """The `top_k` largest positive entries of each column (of equals, the lowest rows), or those from `eps` on."""
    if top_k is None:
        return sp.csc_array(block * (eps <= block))
    top_k = min(top_k, len(block))
    least = np.partition(block, -top_k, axis=0)[-top_k]
    equal = block == least
    kept = block > least
    equal &= np.cumsum(equal, axis=0) <= top_k - kept.sum(axis=0)
    return sp.csc_array(np.where((kept | equal) & (block > 0), block, 0.0))


def _strongest_of_sparse(
    columns: Iterable[tuple[np.ndarray, np.ndarray]], top_k: int | None, eps: float | None
) -> sp.csc_array:
    """The same of columns that are given by their rows, ascending, and positive values."""
    kept_rows, kept_values = [], []
    for rows, values in columns:
        best = np.argsort(-values, kind="stable")[:top_k] if top_k is not None else np.flatnonzero(values >= eps)
        kept_rows.append(rows[best])
        kept_values.append(values[best])
    pointer = np.cumsum([0, *(len(rows) for rows in kept_rows)])
    shape = (len(kept_rows), len(kept_rows))
    return sp.csc_array((np.concatenate(kept_values), np.concatenate(kept_rows), pointer), shape=shape)


def _column_normalised(matrix: sp.csc_array) -> sp.csc_array:
    """Columns divided by their sums; empty columns stay empty."""
    total = matrix.sum(axis=0)
    return sp.csc_array(matrix @ sp.diags_array(1 / np.where(total > 0, total, 1)))
