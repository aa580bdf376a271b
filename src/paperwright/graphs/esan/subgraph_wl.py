"""Colour refinement on bags of subgraphs: DS-WL and DSS-WL, what the two networks can separate at best (Section 3)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor
from torch_geometric.data import Batch, Data

from paperwright.blocks.colors import Multisets, relabelled
from paperwright.blocks.graph_input import graph_data, whole_number

from .bag import SubgraphBag
from .policies import Own
from .subgraph_data import SubgraphData


@dataclass(frozen=True)
class WLResult:
    """What a test found.

    Attributes:
        labels: a number for each graph, int64 [graphs]; equal numbers: not separated.
        rounds: rounds after which no more colours appeared, or `max_rounds`.
        colors: different colours of nodes in subgraphs, over all graphs together.
    """

    labels: Int64[Tensor, " graphs"]
    rounds: int
    colors: int

    @property
    def classes(self) -> int:
        """How many classes of graphs the test separates."""
        return len(self.labels.unique())


def subgraph_wl(
    graphs: Sequence[Data | nx.Graph],
    policy: str | Own = "ego_plus",
    num_hops: int = 2,
    test: str = "dss",
    node_colors: str | None = "x",
    max_rounds: int | None = None,
) -> WLResult:
    r"""Refine the colours of all graphs' bags together until they are stable, and compare the graphs.

    A node v in subgraph s starts with its features and its mark. With N_s its neighbours in the subgraph, N_G those in
    the graph, and C_v the multiset of v's colours over the bag, a round is

    .. math::
        \text{DS:}\quad & c'_{v,s} = \big(c_{v,s}, \{\!\{ c_{w,s} : w \in N_s(v) \}\!\}\big) \\
        \text{DSS:}\quad & c'_{v,s} = \big(c_{v,s}, \{\!\{ c_{w,s} : w \in N_s(v) \}\!\},
            C_v, \{\!\{ C_w : w \in N_G(v) \}\!\}\big).

    A subgraph's colour is the multiset of its nodes' colours, a graph's that of its subgraphs'. DSS-WL separates
    whatever 1-WL does; DS-WL with a policy that cuts too much, such as "ego" with one hop, may separate less.

    Args:
        graphs: `Data` or networkx graphs; edge attributes play no part.
        policy, num_hops: as for :class:`SubgraphBag`.
        test: "dss", "ds", or "wl" for colour refinement of the graphs themselves, whatever the policy.
        node_colors: "x": nodes of different features differ; None: features play no part.
        max_rounds: stop after so many rounds.

    Returns:
        The labels of the graphs, the rounds, and the number of colours.

    Example:
        >>> import networkx as nx
        >>> hexagon, triangles = nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))
        >>> [subgraph_wl([hexagon, triangles], "node_deleted", test=test).classes for test in ("wl", "dss")]
        [1, 2]

    Raises:
        TypeError: one graph instead of a list, a heterogeneous graph, or no graph.
        ValueError: no graphs, a bag instead of its graph, an unknown test, `node_colors` or policy, features of some
            graphs only or of different widths, `max_rounds` below 0.

    Source: Section 3 and the appendix on DS-WL and DSS-WL.
    """
    if isinstance(graphs, Data | nx.Graph):
        raise TypeError(f"graphs is one {type(graphs).__name__}; expected a list of graphs. Pass [graph].")
    if not isinstance(graphs, Iterable) or isinstance(graphs, str):
        raise TypeError(f"graphs is of type {type(graphs).__name__}; expected a list of graphs.")
    graphs = [graph_data(graph, f"graph {place}") for place, graph in enumerate(graphs)]
    if not graphs:
        raise ValueError("graphs is empty; expected at least one.")
    if max_rounds is not None:
        max_rounds = whole_number("max_rounds", max_rounds, 0)
    if test not in ("dss", "ds", "wl"):
        raise ValueError(f"test is {test!r}; expected 'dss', 'ds' or 'wl'.")
    if node_colors not in ("x", None):
        raise ValueError(f"node_colors is {node_colors!r}; expected 'x', the node features, or None.")
    # One subgraph, the graph itself: its bag's colours are those of 1-WL.
    bag = SubgraphBag("original") if test == "wl" else SubgraphBag(policy, num_hops)
    batch = Batch.from_data_list([bag(graph) for graph in _bare(graphs, node_colors)])
    colors, rounds = _refined(batch, max_rounds, over_bag=test == "dss")
    number, _ = relabelled(colors)
    rows = np.arange(len(colors))
    subgraphs = Multisets.of(batch.subgraph_batch.numpy(), rows, len(batch.bag_batch)).labels(number)
    labels = Multisets.of(batch.bag_batch.numpy(), np.arange(len(subgraphs)), len(graphs)).labels(subgraphs)
    return WLResult(torch.from_numpy(labels), rounds, len(np.unique(colors)))


def _bare(graphs: Sequence[Data], node_colors: str | None) -> list[Data]:
    """The graphs with nothing but what counts, on the CPU."""
    for place, graph in enumerate(graphs):
        if isinstance(graph, SubgraphData):
            raise ValueError(f"graph {place} is a bag already; expected the graph itself, which the test makes one of.")
    features = [graph.get("x") if node_colors == "x" else None for graph in graphs]
    if odd := {type(x).__name__ for x in features if not isinstance(x, Tensor | None)}:
        raise TypeError(
            f"x is of type {', '.join(odd)}; expected a tensor of a row for each node. Use torch.tensor(x)."
        )
    widths = {None if x is None else tuple(x.shape[1:]) for x in features}
    if len(widths) > 1:
        raise ValueError(
            f"the graphs' features x have the widths {sorted(map(str, widths))} (None: no features); expected the same "
            "of all, or node_colors=None."
        )
    bare = []
    for graph, x in zip(graphs, features, strict=True):
        edges = {key: graph[key] for key in ("edge_index", "adj", "adj_t") if key in graph}
        alone = Data(num_nodes=graph.num_nodes, **edges).cpu()
        if x is not None:  # NumPy knows no bfloat16; in double precision every float is itself
            alone.x = (x.double() if x.is_floating_point() else x).detach().cpu().reshape(len(x), -1)
        bare.append(alone)
    return bare


def _refined(batch: Data, max_rounds: int | None, *, over_bag: bool) -> tuple[np.ndarray, int]:
    """Colours of all nodes in all subgraphs, and the rounds that they took."""
    rows, nodes = len(batch.node_id), int(batch.num_original_nodes.sum())
    x = batch.get("x")
    start = np.zeros((rows, 1), dtype=np.int64) if x is None else x.numpy()
    source, target = batch.edge_index.numpy()
    neighbours = Multisets.of(target, source, rows)
    owner = batch.node_id.numpy()
    copies = Multisets.of(owner, np.arange(rows), nodes)
    source, target = batch.original_edge_index.numpy()
    around = Multisets.of(target, source, nodes)

    colors, count = relabelled(start)
    rounds = 0
    while max_rounds is None or rounds < max_rounds:
        known = [colors[:, None].view(np.uint64), neighbours.codes(colors)]
        if over_bag:
            joined, _ = relabelled(copies.codes(colors))
            shared, _ = relabelled(np.hstack([joined[:, None].view(np.uint64), around.codes(joined)]))
            known.append(shared[owner, None].view(np.uint64))
        finer, more = relabelled(np.hstack(known))
        if more == count:  # a round keeps what was known, so that as many colours are the same colours
            break
        colors, count, rounds = finer, more, rounds + 1
    return colors, rounds
