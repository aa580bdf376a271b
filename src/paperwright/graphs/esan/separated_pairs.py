"""What tests and networks separate, counted over pairs of graphs: the material of the claims on expressive power."""

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
import torch
from jaxtyping import Int64
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import GINConv
from torch_geometric.transforms import Constant

from paperwright.data.graph_pairs import as_data, atlas_graphs, graph_pair

from .bag import SubgraphBag
from .networks import DSSGNN
from .subgraph_wl import subgraph_wl

NOISE = 1e-9
"""Outputs that lie nearer, relative to their size, are equal but for rounding (float64, a few layers)."""

EPSILON = math.sqrt(2) - 1
"""Irrational, as the theorem on GIN asks. With the 0 of the paper's experiments a node and its neighbours melt into one
sum: in a regular graph the marked root then looks like its neighbours, and K_{3,3} is not told from the prism."""


def separated_by_first_alone(first: Int64[Tensor, " graphs"], second: Int64[Tensor, " graphs"]) -> int:
    """How many pairs of graphs have different labels in `first` and equal ones in `second`."""
    joint = torch.stack([first, second]).unique(dim=1, return_counts=True)[1]
    return _equal_pairs(second.unique(return_counts=True)[1]) - _equal_pairs(joint)


def _equal_pairs(sizes: Int64[Tensor, " classes"]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def graphs_of_list(names: Sequence[str]) -> list[Data]:
    """The graphs of several lists, one after the other.

    Args:
        names: "atlas-N", the connected graphs of N nodes; "atlas-N-confused", those 1-WL takes for another;
            "trees-N"; "regular-N"; or a pair of `paperwright.data.graph_pairs`.
    """
    return [graph for name in names for graph in _list(name)]


@functools.cache
def _list(name: str) -> Sequence[Data]:
    kind, _, rest = name.partition("-")
    if kind == "trees":
        return [as_data(tree) for tree in nx.nonisomorphic_trees(int(rest))]
    if kind == "regular":
        return regular_graphs(int(rest))
    if kind != "atlas":
        return graph_pair(name)
    nodes, _, confused = rest.partition("-")
    graphs = atlas_graphs(int(nodes))
    if not confused:
        return graphs
    labels = subgraph_wl(graphs, test="wl").labels
    alike = labels.bincount()[labels] > 1
    return [graph for graph, chosen in zip(graphs, alike, strict=True) if chosen]


def regular_graphs(nodes: int) -> list[Data]:
    """Every regular graph of so many nodes, up to isomorphism, connected or not; 22 of 8 nodes.

    Those of one degree come from each other by switching two edges at a time (ab, cd to ac, bd). Above half the
    degree, complements are taken.
    """
    found = []
    for degree in range((nodes + 1) // 2):
        if nodes * degree % 2 == 0:
            for graph in _closed_under_switching(nx.random_regular_graph(degree, nodes, seed=0)):
                found += [graph, nx.complement(graph)]
    return [as_data(nx.convert_node_labels_to_integers(graph, ordering="sorted")) for graph in found]


def _closed_under_switching(graph: nx.Graph) -> list[nx.Graph]:
    found = [graph]
    for known in found:  # grows while it is walked
        for (a, b), (c, d) in itertools.permutations(known.edges, 2):
            for c_, d_ in ((c, d), (d, c)):
                if len({a, b, c, d}) == 4 and not known.has_edge(a, c_) and not known.has_edge(b, d_):
                    switched = known.copy()
                    switched.remove_edges_from([(a, b), (c, d)])
                    switched.add_edges_from([(a, c_), (b, d_)])
                    if not any(
                        nx.faster_could_be_isomorphic(switched, g) and nx.is_isomorphic(switched, g) for g in found
                    ):
                        found.append(switched)
    return found


@dataclass(frozen=True)
class RandomNetwork:
    """A DSS-GNN with random weights, in float64, whose convolutions are GIN without batch norm:

        h_v = Linear(activation(Linear((1 + epsilon) x_v + sum_w x_w))).

    A random network of ReLUs may happen to be linear on all the nodes of near-regular graphs. It then counts walks, of
    which strongly regular graphs of the same parameters have as many.

    Attributes:
        policy, num_hops: of the bags.
        epsilon: the weight of the node itself, less 1.
        activation: between the two linear maps.
        width: channels.
    """

    policy: str
    num_hops: int = 1
    epsilon: float = EPSILON
    activation: type[nn.Module] = nn.SiLU
    width: int = 32

    def labels(self, graphs: Sequence[Data], layers: int, seed: int) -> tuple[Int64[Tensor, " graphs"], float]:
        """Labels by the network's output: equal up to rounding, equal label.

        Returns:
            The labels, and the widest gap, relative to the outputs, that was taken for rounding over the narrowest that
            was not: how clear the decision was (below 1e-2 or so: very).
        """
        bag = SubgraphBag(self.policy, self.num_hops)
        bags = [bag(Constant(cat=False)(graph.clone())) for graph in graphs]
        for one in bags:
            one.x = one.x.double()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = DSSGNN(self._conv, bags[0].x.size(1), self.width, layers, 1).double().eval()
        with torch.no_grad():
            output = model(Batch.from_data_list(bags)).squeeze(1)
        order = output.argsort()
        gaps = output[order].diff() / output.abs().max()
        apart = gaps > NOISE
        labels = torch.empty(len(graphs), dtype=torch.int64)
        labels[order] = torch.cat([torch.zeros(1, dtype=torch.int64), apart.long().cumsum(0)])
        widest = float(gaps[~apart].max()) if (~apart).any() else 0.0
        return labels, widest / float(gaps[apart].min()) if apart.any() else 0.0

    def _conv(self, in_channels: int, out_channels: int) -> GINConv:
        layers = nn.Linear(in_channels, out_channels), self.activation(), nn.Linear(out_channels, out_channels)
        return GINConv(nn.Sequential(*layers), eps=self.epsilon)
