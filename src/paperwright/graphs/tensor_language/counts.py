"""Homomorphism or subgraph counts as node features: message passing that sees the patterns (Section 5, item 4)."""

from collections.abc import Hashable, Sequence

import networkx as nx
import torch
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform

from paperwright.blocks.disjoint_union import DisjointUnion
from paperwright.blocks.graph_input import graph_data

from .contraction import ExactContraction
from .homomorphisms import Graph, adjacency_of, as_int64, homomorphisms, subgraphs
from .patterns import Pattern


class HomomorphismCounts(BaseTransform):
    r"""Appends to `data.x` how often each pattern is found at each node.

    With the counts of patterns of treewidth at most k, message passing is bounded by k-WL (by colour refinement for
    trees); with subgraph counts, the largest treewidth of their spasms takes the place of theirs.

    Args:
        patterns: each a networkx graph or `Data` of 1 to 12 nodes, which gives one column for every orbit of its nodes
            under automorphisms (one for a cycle, two for a star); or a pair (pattern, root), which gives one column.
        subgraphs: count subgraphs, as GSN does, instead of homomorphisms.

    The columns are of the dtype of `data.x`, or of torch's default where there is none: float32 rounds counts beyond
    2^24. `columns` says what they are, as (pattern's place in the list, root's place in the pattern).

    Raises:
        TypeError: a heterogeneous graph, or no list of patterns.
        ValueError: no pattern, one that `count_homomorphisms` refuses, or a graph that it refuses.

    Source: Geerts and Reutter 2022, Section 5; Barceló et al., "Graph neural networks with local graph parameters",
    NeurIPS 2021.
    """

    def __init__(self, patterns: Sequence[Graph | tuple[Graph, Hashable]], *, subgraphs: bool = False) -> None:
        if isinstance(patterns, nx.Graph | Data):
            raise TypeError("patterns is one graph; expected a list of them: HomomorphismCounts([graph]).")
        if not patterns:
            raise ValueError("patterns is empty; expected at least one.")
        self.subgraphs = subgraphs
        self.patterns: list[Pattern] = []
        self.columns: list[tuple[int, int]] = []
        for place, given in enumerate(patterns):
            graph, *root = given if isinstance(given, tuple) else (given,)
            form, names = Pattern.read(graph)
            if root and root[0] not in names:
                raise ValueError(f"The root of pattern {place} is {root[0]!r}; expected one of its nodes, {names}.")
            self.patterns.append(form)
            roots = [names.index(root[0])] if root else [orbit[0] for orbit in form.orbits]
            self.columns += [(place, node) for node in roots]

    def forward(self, data: Data | nx.Graph) -> Data:
        """The graph with more columns (`__call__` copies the given one first, so it stays as it is)."""
        data = graph_data(data)
        if isinstance(data, Batch):
            return Batch.from_data_list([self(graph) for graph in data.to_data_list()])
        union = DisjointUnion.of([data])
        graph = ExactContraction(adjacency_of(union))
        count = subgraphs if self.subgraphs else homomorphisms
        columns = [torch.from_numpy(as_int64(count(self.patterns[p], graph, root))) for p, root in self.columns]
        x = data.get("x")
        if x is None:
            x = torch.empty(data.num_nodes, 0, device=union.device)
        counts = torch.stack(columns, dim=1).to(x)
        data.x = torch.cat([x[:, None] if x.dim() == 1 else x, counts], dim=1)
        return data

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.patterns)} patterns, subgraphs={self.subgraphs})"
