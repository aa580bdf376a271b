"""From a graph to the bag of its subgraphs, as a torch_geometric transform (Section 3.1)."""

import copy
from collections.abc import Callable
from typing import Any

import networkx as nx
import torch
from torch import Generator, Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform

from paperwright.blocks.graph_input import graph_data, whole_number

from ._simple_graph import SimpleGraph, simple_graph
from .edge_features import EDGE_FEATURES
from .policies import Kept, Own, Policy, by_mask, named_policy
from .sampling import Share
from .subgraph_data import PREFIX, SubgraphData


class SubgraphBag(BaseTransform):
    r"""Replace a graph by the bag of its subgraphs; `Data -> SubgraphData`.

    All S subgraphs keep all n nodes and their features, only edges go:

    ================  ====================  ============================================================
    policy            S                     subgraph
    ================  ====================  ============================================================
    `edge_deleted`    undirected edges      one edge is gone, in both directions
    `node_deleted`    n                     the edges at node i are gone, and i stays, isolated
    `ego`             n                     edges with both ends within `num_hops` of node i
    `ego_plus`        n                     the same, with two more features: (1, 0) at i, (0, 1) elsewhere
    `node_marked`     n                     all edges, with the same two features
    `original`        1                     the graph itself
    ================  ====================  ============================================================

    Time and memory are O(S (n + E)), with `fraction` or `count` for the subgraphs that are drawn alone, because they
    are drawn before anything is built. As `transform=` of a torch_geometric data set it draws anew at every access, as
    `pre_transform=` once. A `Batch` becomes a batch of bags. As in torch_geometric, an attribute of E rows is taken
    for one of the edges; what belongs to the graph wants another shape, such as [1, E].

    Args:
        policy: a name of the table, "ego_nets" or "ego_nets_plus" as in the official code, or a callable
            `data -> (keep_mask, marks)`: which edges each subgraph keeps, bool [S, E], and None or further features of
            its nodes, [S, n, m], which come before the others.
        num_hops: radius of the ego-nets. Official: 3 for ZINC, 4 for CSL, 2 elsewhere.
        fraction: draw ceil(fraction * S) subgraphs without replacement, 0 < fraction <= 1 (paper: 0.05, 0.2, 0.5).
        count: draw this many, or take all of a bag that has fewer.
        generator: source of randomness; torch's global one if not given. Leave it out under a `DataLoader` with
            workers: torch seeds its global one anew for every worker and epoch, a generator of your own is copied.
        keep_original: put the graph itself last into the bag, whatever is drawn; its marks are all 0.
        max_subgraphs: refuse to build a bag of more subgraphs than this.
        then: a transform of the finished bag, such as `OneHotDegree(5)`, which then counts each subgraph's own degrees
            (official for CSL and IMDB).

    Raises:
        TypeError: a `HeteroData`, parameters of another kind, or a `then` that gives no graph.
        ValueError: parameters out of range; a graph without nodes; a directed graph, unless the policy is a callable;
            a bag of more than `max_subgraphs`; a graph that is a bag already; features that are no row for each node,
            edge attributes or weights that are no row for each edge.

    Example:
        >>> from torch_geometric.data import Data
        >>> path = Data(edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=3)
        >>> SubgraphBag("node_deleted")(path).edge_index.tolist()
        [[1, 2, 6, 7], [2, 1, 7, 6]]

    Source: Sections 3.1, 3.3 and 4.
    """

    def __init__(
        self,
        policy: str | Own = "ego_plus",
        num_hops: int = 2,
        *,
        fraction: float | int | None = None,
        count: int | None = None,
        generator: Generator | None = None,
        keep_original: bool = False,
        max_subgraphs: int | None = None,
        then: Callable[[Any], Any] | None = None,
    ) -> None:
        if max_subgraphs is not None:
            max_subgraphs = whole_number("max_subgraphs", max_subgraphs, 1)
        if then is not None and not callable(then):
            raise TypeError(f"then is of type {type(then).__name__}; expected a transform, such as OneHotDegree(5).")
        if not isinstance(keep_original, bool):
            raise TypeError(f"keep_original is {keep_original!r}; expected True or False.")
        self.policy = policy
        self.num_hops = num_hops
        self.share = Share(fraction, count, generator)
        self.keep_original = keep_original
        self.max_subgraphs = max_subgraphs
        self.then = then
        self._policy: Policy | Own = policy if callable(policy) else named_policy(policy, num_hops)

    def forward(self, data: Data | nx.Graph) -> SubgraphData:
        """The bag of a graph."""
        data = graph_data(data)
        if isinstance(data, SubgraphData):
            raise ValueError("This graph is a bag already; apply SubgraphBag once, to the graph itself.")
        if isinstance(data, Batch):
            return Batch.from_data_list([self.forward(graph) for graph in data.to_data_list()])
        policy = self._policy
        graph = simple_graph(data, undirected=isinstance(policy, Policy))
        parts = self._built_in(policy, graph) if isinstance(policy, Policy) else self._own(policy, data, graph)
        kept, marks, S = parts
        if self.keep_original:
            kept, marks, S = _with_original(graph, kept, marks, S)
        bag = _assembled(data, graph, kept, marks, S)
        if self.then is None:
            return bag
        transformed = self.then(bag)
        if not isinstance(transformed, Data):
            raise TypeError(f"then gave a {type(transformed).__name__}; expected the bag. Return it.")
        return transformed

    def _built_in(self, policy: Policy, graph: SimpleGraph) -> tuple[Kept, Tensor | None, int]:
        chosen = self._chosen(policy.size(graph), graph)
        marks = None
        if policy.marks_roots:
            root = chosen.unsqueeze(1) == torch.arange(graph.num_nodes, device=chosen.device)
            marks = torch.stack([root, ~root], dim=2)
        return policy.kept(graph, chosen), marks, len(chosen)

    def _own(self, policy: Own, data: Data, graph: SimpleGraph) -> tuple[Kept, Tensor | None, int]:
        simple = copy.copy(data).update({"edge_index": graph.edge_index, **graph.attributes})
        given = policy(simple)
        if not isinstance(given, tuple) or len(given) != 2:
            raise ValueError(f"The policy gave a {type(given).__name__}; expected a pair (keep_mask, marks or None).")
        mask, marks = given
        for name, part in (("keep_mask", mask), ("marks", marks)):
            if not isinstance(part, Tensor) and (part is not None or name == "keep_mask"):
                raise ValueError(f"The policy gave a {type(part).__name__} as {name}; expected a tensor. Convert it.")
        E, n = graph.edge_index.size(1), graph.num_nodes
        if mask.dtype != torch.bool or mask.dim() != 2 or mask.size(1) != E or len(mask) == 0:
            raise ValueError(
                f"The policy gave a keep_mask of {mask.dtype} {list(mask.shape)}; expected torch.bool [S, {E}], "
                "S at least 1, a row for each subgraph and a column for each edge."
            )
        if marks is not None and (marks.dim() != 3 or marks.shape[:2] != (len(mask), n)):
            raise ValueError(f"The policy gave marks {list(marks.shape)}; expected [{len(mask)}, {n}, m], or None.")
        chosen = self._chosen(len(mask), graph)
        if len(chosen) < len(mask):
            mask, marks = mask[chosen], None if marks is None else marks[chosen]
        return by_mask(mask, graph), marks, len(chosen)

    def _chosen(self, size: int, graph: SimpleGraph) -> Tensor:
        """The subgraphs to build, drawn before any is built."""
        taken, more = self.share.of(size), int(self.keep_original)
        if self.max_subgraphs is not None and taken + more > self.max_subgraphs:
            enough = max(self.max_subgraphs - more, 1) / size
            raise ValueError(
                f"The bag would have {taken + more} subgraphs of {graph.num_nodes} nodes, and max_subgraphs is "
                f"{self.max_subgraphs}; draw a part of it, such as fraction={enough:.2g}, or raise max_subgraphs."
            )
        return self.share.draw(size, graph.edge_index.device)

    def __repr__(self) -> str:
        # A data set keeps the text of its `pre_transform` and compares it at the next start: no addresses in it.
        policy = self.policy.__qualname__ if hasattr(self.policy, "__qualname__") else repr(self.policy)
        given = [policy, f"num_hops={self.num_hops}", str(self.share), f"keep_original={self.keep_original}"]
        return f"{type(self).__name__}({', '.join(given)}, max_subgraphs={self.max_subgraphs}, then={self.then})"


def _with_original(graph: SimpleGraph, kept: Kept, marks: Tensor | None, S: int) -> tuple[Kept, Tensor | None, int]:
    """The bag and, as its last subgraph, the graph itself."""
    every = torch.arange(graph.edge_index.size(1), device=graph.edge_index.device)
    edges = torch.cat([kept.edge_index, graph.edge_index + S * graph.num_nodes], dim=1)
    kept = Kept(edges, torch.cat([kept.column, every]))
    if marks is not None:
        marks = torch.cat([marks, marks.new_zeros(1, *marks.shape[1:])])
    return kept, marks, S + 1


def _assembled(data: Data, graph: SimpleGraph, kept: Kept, marks: Tensor | None, S: int) -> SubgraphData:
    """The bag: node copies, their features and ids, and the kept edges with their attributes."""
    n, device = graph.num_nodes, graph.edge_index.device
    x = _features(data.x, marks, S)
    own = {
        **({} if x is None else {"x": x}),
        "edge_index": kept.edge_index,
        **{name: value[kept.column] for name, value in graph.attributes.items()},
        "subgraph_batch": torch.arange(S, device=device).repeat_interleave(n),
        "node_id": torch.arange(n, device=device).expand(S, n).reshape(-1),
        "bag_batch": torch.zeros(S, dtype=torch.long, device=device),
        "num_subgraphs": S,
        "num_original_nodes": n,
        "num_nodes": S * n,
        f"{PREFIX}edge_index": graph.edge_index,
        **{f"{PREFIX}{name}": value for name, value in graph.attributes.items()},
    }
    replaced = {"x", "edge_index", "num_nodes", *graph.attributes}
    untouched = {key: value for key, value in data._store.items() if key not in replaced}
    if taken := own.keys() & untouched.keys():
        raise ValueError(
            f"The graph has {', '.join(sorted(taken))}, which is a name of the bag's own; rename it first."
        )
    for name in EDGE_FEATURES:  # what is of the edges stands in `graph.attributes`
        if name in untouched:
            shape = list(getattr(untouched[name], "shape", [])) or type(untouched[name]).__name__
            raise ValueError(
                f"{name} is {shape}; expected a tensor of a row for each of {graph.edge_index.size(1)} edges."
            )
    return SubgraphData.of_attributes(**untouched, **own)


def _features(x: Tensor | None, marks: Tensor | None, S: int) -> Tensor | None:
    """Features of the node copies, [S*n, m + F]: marks first, then those of the graph."""
    if x is None:
        return None if marks is None else marks.flatten(0, 1).to(torch.get_default_dtype())
    if x.layout != torch.strided:
        raise ValueError(f"x is {x.layout}; expected dense features. Apply x.to_dense().")
    x = x.unsqueeze(1) if x.dim() == 1 else x
    if x.dim() > 2 and marks is not None:
        raise ValueError(
            f"x has shape {list(x.shape)}; expected [nodes, width] beside marks. Flatten it: x.flatten(1)."
        )
    if marks is None:
        return x.repeat(S, *[1] * (x.dim() - 1))
    return torch.cat([marks.to(x.dtype), x.expand(S, *x.shape)], dim=2).flatten(0, 1)
