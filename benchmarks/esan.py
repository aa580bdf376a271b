"""Bags of subgraphs, and a network's training step on them, beside their peers on the same graphs.

The first peer for the bags is the official policies' algorithm, transcribed here: one subgraph after the other, by
torch_geometric's `subgraph` and `k_hop_subgraph`, then `Batch.from_data_list`. The second is torch_geometric's own
`RootedEgoNets`, which knows ego-nets only, refuses nothing, and leaves out the nodes beyond them; its features are
gathered by `map_data`, so that both hand on what a network needs.
"""

import networkx as nx
import numpy as np
import torch
from harness import Benchmark, main
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import RootedEgoNets
from torch_geometric.utils import k_hop_subgraph, scatter, subgraph, to_undirected

from paperwright.data.graph_pairs import as_data
from paperwright.graphs.esan import DSSGNN, DSSConv, SubgraphBag, gin_conv

NODES_OF_EXP = 44
"""The mean number of nodes of a graph of EXP."""


def sparse_graph(nodes: int) -> Data:
    """A graph as sparse as those of EXP, 2.5 edges a node at most, with one feature; the same every time."""
    data = as_data(nx.gnm_random_graph(nodes, round(1.25 * nodes), seed=nodes))
    data.x = torch.from_numpy(np.random.default_rng(nodes).integers(0, 2, (nodes, 1))).float()
    return data


# -- the official policies, one subgraph after the other ---------------------------------------------------------------


def official_edge_deleted(graph: Data) -> list[Data]:
    upper = graph.edge_index[:, graph.edge_index[0] <= graph.edge_index[1]]
    found = []
    for edge in range(upper.size(1)):
        rest = torch.cat([upper[:, :edge], upper[:, edge + 1 :]], dim=1)
        found.append(Data(x=graph.x, edge_index=to_undirected(rest, num_nodes=graph.num_nodes)))
    return found


def official_node_deleted(graph: Data) -> list[Data]:
    nodes, found = torch.arange(graph.num_nodes), []
    for node in range(graph.num_nodes):
        edge_index, _ = subgraph(nodes[nodes != node], graph.edge_index, num_nodes=graph.num_nodes)
        found.append(Data(x=graph.x, edge_index=edge_index))
    return found


def official_ego(graph: Data) -> list[Data]:
    found = []
    for node in range(graph.num_nodes):
        _, edge_index, _, _ = k_hop_subgraph(node, 2, graph.edge_index, num_nodes=graph.num_nodes)
        found.append(Data(x=graph.x, edge_index=edge_index))
    return found


def official_ego_plus(graph: Data) -> list[Data]:
    found = official_ego(graph)
    for node, part in enumerate(found):
        marks = torch.tensor([[0.0, 1.0]]).repeat(graph.num_nodes, 1)
        marks[node] = torch.tensor([1.0, 0.0])
        part.x = torch.cat([marks, graph.x], dim=1)
    return found


def official_bag(policy, graph: Data) -> Data:
    """The official transform: the subgraphs, put together, and which nodes and subgraphs they hold."""
    bag = Batch.from_data_list(policy(graph))
    bag.subgraph_batch = bag.batch
    bag.node_id = torch.arange(graph.num_nodes).repeat(bag.num_graphs)
    return bag


def same_bags(ours: Data, theirs: Data) -> float:
    """How many edges and features differ."""
    if ours.edge_index.shape != theirs.edge_index.shape:
        return float("inf")
    codes = [(bag.edge_index[0] * ours.num_nodes + bag.edge_index[1]).sort().values for bag in (ours, theirs)]
    return float((codes[0] != codes[1]).sum() + (ours.x != theirs.x).sum())


def bagging(policy: str, official) -> Benchmark:
    """Ours against the official way, for one policy."""
    bench = Benchmark("esan", f"The bag of a graph, {policy}", unit="nodes")
    bench.sizes([NODES_OF_EXP, 100, 200, 400], quick=[NODES_OF_EXP])
    bench.aim(over="official algorithm", times=30, size=NODES_OF_EXP)
    bench.difference(same_bags)

    @bench.contender("paperwright", ours=True)
    def ours(nodes: int):
        graph, bag = sparse_graph(nodes), SubgraphBag(policy)
        return lambda: bag(graph)

    @bench.contender("official algorithm")
    def theirs(nodes: int):
        graph = sparse_graph(nodes)
        return lambda: official_bag(official, graph)

    return bench


bags = [
    bagging("edge_deleted", official_edge_deleted),
    bagging("node_deleted", official_node_deleted),
    bagging("ego", official_ego),
    bagging("ego_plus", official_ego_plus),
]

# -- ego-nets, which torch_geometric has -------------------------------------------------------------------------------

rooted = Benchmark("esan", "The ego-nets of a graph, two hops", unit="nodes")
rooted.sizes([NODES_OF_EXP, 100, 200, 400, 800, 1600], quick=[NODES_OF_EXP])
rooted.aim(over="torch_geometric RootedEgoNets", times=4, size=NODES_OF_EXP)


@rooted.contender("paperwright", ours=True)
def rooted_ours(nodes: int):
    graph, bag = sparse_graph(nodes), SubgraphBag("ego")
    return lambda: bag(graph)


@rooted.contender("torch_geometric RootedEgoNets")
def rooted_geometric(nodes: int):
    graph, transform = sparse_graph(nodes), RootedEgoNets(2)
    return lambda: transform(graph).map_data()


@rooted.difference
def edges_apart(ours: Data, theirs: Data) -> float:
    """How many edges more or less: the nodes are numbered otherwise, the edges are the same."""
    return float(abs(ours.edge_index.size(1) - theirs.edge_index.size(1)))


# -- a sample of the bag -----------------------------------------------------------------------------------------------

sample = Benchmark("esan", "A fifth of a bag, ego_plus", unit="nodes")
sample.sizes([NODES_OF_EXP, 200, 800, 1600, 3200], quick=[NODES_OF_EXP])


@sample.contender("drawn, then built", ours=True)
def sample_first(nodes: int):
    graph, bag = sparse_graph(nodes), SubgraphBag("ego_plus", fraction=0.2)
    return lambda: bag(graph)


@sample.contender("the full bag", max_size=1600)
def sample_none(nodes: int):
    graph, bag = sparse_graph(nodes), SubgraphBag("ego_plus")
    return lambda: bag(graph)


# -- a training step ---------------------------------------------------------------------------------------------------

GRAPHS = 8
"""In a batch."""

step = Benchmark("esan", f"A training step of DSS-GNN, 4 layers of width 32, {GRAPHS} bags, node_deleted", unit="nodes")
step.sizes([NODES_OF_EXP, 88], quick=[NODES_OF_EXP])
step.aim(over="every copy through both convolutions", times=1.5, size=NODES_OF_EXP)


class CopiedDSSConv(DSSConv):
    """The layer as its equation reads: the mean over the bag is handed to all copies of a node, then convolved."""

    def forward(self, x, edge_index, node_id, original_edge_index, num_nodes, **attributes):
        mean = scatter(x, node_id, dim=0, dim_size=num_nodes, reduce="mean")[node_id]
        own, shared = self.conv(x, edge_index), self.conv_shared(mean, self.copied_edge_index)
        return self.activation(self.norm(own) + self.norm_shared(shared))


def copied_edges(bag: Data) -> torch.Tensor:
    """The edges of the graph itself, once for every subgraph."""
    shift = torch.arange(bag.num_subgraphs) * bag.num_original_nodes
    return (bag.original_edge_index.unsqueeze(1) + shift.view(1, -1, 1)).flatten(1)


def training_step(nodes: int, layer: type[DSSConv]):
    """Forward and backward; the same weights and graphs for either layer."""
    bag = SubgraphBag("node_deleted")
    bags = [bag(sparse_graph(nodes + number)) for number in range(GRAPHS)]
    batch = Batch.from_data_list(bags)
    torch.manual_seed(0)
    model = DSSGNN(gin_conv, 1, 32, 4, 1)
    ends = np.cumsum([0] + [one.num_nodes for one in bags])
    copied = torch.cat([copied_edges(one) + int(end) for one, end in zip(bags, ends, strict=False)], dim=1)
    for part in model.layers:
        part.__class__, part.copied_edge_index = layer, copied

    def work() -> torch.Tensor:
        model.zero_grad()
        output = model(batch)
        torch.nn.functional.binary_cross_entropy_with_logits(output[:, 0], torch.ones(GRAPHS)).backward()
        return output.detach()

    return work


@step.contender("paperwright", ours=True)
def step_ours(nodes: int):
    return training_step(nodes, DSSConv)


@step.contender("every copy through both convolutions")
def step_copied(nodes: int):
    return training_step(nodes, CopiedDSSConv)


@step.difference
def outputs_apart(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Batch norm weighs the graphs of a batch by their nodes here, by their copies there; hence not zero."""
    return float((ours - theirs).abs().max())


if __name__ == "__main__":
    main(*bags, rooted, sample, step)
