"""Graphs as the tensor language sees them: adjacency and labels, dense or as a list of arcs."""

import math
from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64, Shaped
from torch import Tensor
from torch_geometric.data import Data

from paperwright.blocks.disjoint_union import DisjointUnion
from paperwright.blocks.graph_input import graph_data, require_rows


class Structure:
    """Graphs of n nodes each, on which expressions are evaluated together.

    A graph without features `x` is unlabelled: every node's row is (1). E(x, y) reads column (y, x) of `edge_index`,
    since torch_geometric's edge (j, i) sends from j to i; as graphs must be symmetric, nothing hangs on it.

    Args:
        graphs: `Data` or networkx graphs, symmetric, without self-loops or repeated edges (of one type).
        dtype: of the values, a floating type.
        modulus: a prime p below 2^31 for exact arithmetic modulo p, on int64; None for ordinary numbers.

    Raises:
        TypeError: something else than a graph, or a type of values that is not floating.
        ValueError: graphs of several sizes, not simple, not symmetric, features that are NaN or infinite, or, with a
            modulus, no integers.
    """

    def __init__(
        self, graphs: Sequence[object], dtype: torch.dtype = torch.float64, modulus: int | None = None
    ) -> None:
        self.graphs = [graph_data(graph) for graph in graphs]
        sizes = {int(graph.num_nodes or 0) for graph in self.graphs}
        if len(sizes) != 1:
            raise ValueError(
                f"The graphs have {sorted(sizes)} nodes; expected graphs of one size, one or more of them."
            )
        if modulus is not None and not _is_prime_below_31_bits(modulus):
            raise ValueError(f"modulus is {modulus!r}; expected a prime below 2^31, so that products fit into int64.")
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise TypeError(f"dtype is {dtype}; expected a floating type, such as torch.float64.")
        (self.nodes,) = sizes
        self.modulus = modulus
        self.dtype = torch.int64 if modulus is not None else dtype
        edges = self.graphs[0].edge_index
        self.device = edges.device if edges is not None else torch.device("cpu")
        self._unions: dict[int | None, DisjointUnion] = {}
        self._adjacencies: dict[int | None, Tensor] = {}
        self._union(None)  # refuses graphs that are not simple or not symmetric, whatever the expression

    @property
    def together(self) -> int:
        """How many graphs."""
        return len(self.graphs)

    @cached_property
    def features(self) -> Shaped[Tensor, "graphs n width"]:
        """Labels of all nodes, [graphs, n, width]."""
        rows = [self._rows(graph) for graph in self.graphs]
        widths = {row.size(1) for row in rows}
        if len(widths) > 1:
            raise ValueError(f"The graphs' features have widths {sorted(widths)}; expected one width.")
        found = torch.stack(rows).to(self.device)
        if found.is_floating_point() and not bool(found.isfinite().all()):
            raise ValueError("The graph's features x hold NaN or infinity; expected finite numbers.")
        if self.modulus is None:
            return found.to(self.dtype)
        if found.is_floating_point() and bool((found != found.round()).any()):
            raise ValueError("The graph's features x are no integers; arithmetic modulo a prime needs integers.")
        return found.to(torch.int64) % self.modulus

    def _rows(self, graph: Data) -> Tensor:
        x = graph.x
        if x is None:
            return torch.ones(self.nodes, 1)
        if not isinstance(x, Tensor) or x.is_complex() or x.layout != torch.strided:
            kind = f"a {x.dtype} tensor, {x.layout}" if isinstance(x, Tensor) else type(x).__name__
            raise TypeError(f"x is {kind}; expected a dense tensor of real numbers, a row for each node.")
        require_rows("x", x, self.nodes)
        return x.flatten(1) if x.dim() > 1 else x[:, None]

    @cached_property
    def identity(self) -> Shaped[Tensor, "1 n n"]:
        """1 on the diagonal, [1, n, n]."""
        return torch.eye(self.nodes, dtype=self.dtype, device=self.device)[None]

    def adjacency(self, kind: int | None) -> Shaped[Tensor, "graphs n n"]:
        """1 for adjacent nodes, [graphs, n, n]; by edges of one type, if one is given."""
        if kind not in self._adjacencies:
            found = torch.zeros(self.together * self.nodes, self.nodes, dtype=self.dtype, device=self.device)
            heads, tails = self._arcs(kind)
            found[heads, tails % max(self.nodes, 1)] = 1
            self._adjacencies[kind] = found.reshape(self.together, self.nodes, self.nodes)
        return self._adjacencies[kind]

    def arcs(self, kind: int | None) -> tuple[Int64[Tensor, "arcs"], Int64[Tensor, "arcs"]]:
        """Heads and tails of the arcs of a single graph, sorted."""
        if self.together != 1:
            raise ValueError(f"Arcs are listed for a single graph, not for {self.together} together.")
        return self._arcs(kind)

    def _arcs(self, kind: int | None) -> tuple[Tensor, Tensor]:
        union = self._union(kind)
        heads = np.repeat(np.arange(len(union.starts) - 1), np.diff(union.starts))
        return torch.from_numpy(heads).to(self.device), torch.from_numpy(union.neighbours).to(self.device)

    def _union(self, kind: int | None) -> DisjointUnion:
        if kind not in self._unions:
            self._unions[kind] = DisjointUnion.of([self._edges(graph, kind) for graph in self.graphs])
        return self._unions[kind]

    def _edges(self, graph: Data, kind: int | None) -> Data:
        edges: Any = graph.edge_index
        if edges is None:
            edges = torch.empty(2, 0, dtype=torch.long)
        types = graph.get("edge_type")
        if types is not None:
            if not isinstance(types, Tensor) or types.shape != edges.shape[1:]:
                came = list(types.shape) if isinstance(types, Tensor) else type(types).__name__
                raise ValueError(f"edge_type is {came}; expected one type for each of {edges.size(1)} edges.")
            # Two nodes may be joined by edges of several types.
            edges = edges.unique(dim=1) if kind is None else edges[:, types == kind]
        elif kind is not None:
            raise ValueError(f"The expression looks at edges of type {kind}, but the graph has no edge_type.")
        return Data(edge_index=edges, num_nodes=self.nodes)


@cache
def _is_prime_below_31_bits(number: object) -> bool:
    if isinstance(number, bool) or not isinstance(number, int) or not 2 <= number < 1 << 31:
        return False
    return all(number % divisor for divisor in range(2, math.isqrt(number) + 1))
