"""What networks distinguish, as partitions of graphs or nodes, held against the partition of a test."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric.data import Batch, Data

from .bounds import Bound
from .model_call import output_of

TOLERANCE = 1e-11
"""Outputs that differ by less, relative to the largest, are called equal: some hundred times what rounding does to
sums of a hundred terms in float64, and less than a tenth of the least difference met between 7-node graphs."""


@dataclass(frozen=True)
class Distinctions:
    """A network's partition beside a test's.

    Attributes:
        found: classes of the network.
        allowed: classes of the test.
        missing: classes of the test that the network puts together with others.
        beyond: classes that the network parts and the test does not.
    """

    found: int
    allowed: int
    missing: int
    beyond: int


def distinctions(outputs: Float[Tensor, "rows width"], allowed: Int64[Tensor, " rows"]) -> Distinctions:
    """The classes of equal outputs beside those of a test."""
    found = classes_of(outputs)
    both = num_classes(torch.stack([found, allowed], dim=1))
    numbers = num_classes(found[:, None]), num_classes(allowed[:, None])
    return Distinctions(*numbers, missing=both - numbers[0], beyond=both - numbers[1])


def classes_of(outputs: Float[Tensor, "rows width"], tolerance: float = TOLERANCE) -> Int64[Tensor, " rows"]:
    """Rows are of one class if in every column a chain of small steps, through rows of the class, joins them."""
    classes = torch.zeros(len(outputs), dtype=torch.int64, device=outputs.device)
    least = tolerance * float(outputs.abs().max())
    for column in outputs.T:
        order = column.argsort()
        order = order[classes[order].argsort(stable=True)]
        change = (column[order].diff() > least) | (classes[order].diff() != 0)
        classes[order[1:]] = change.cumsum(0)
        classes[order[0]] = 0
    return classes


def num_classes(labels: Int64[Tensor, "rows columns"]) -> int:
    """How many different rows there are."""
    return len(torch.unique(labels, dim=0))


def best_of(
    factory: Callable[[], nn.Module], seeds: Sequence[int], graphs: Sequence[Data], bound: Bound
) -> Distinctions:
    """Of several random networks the one that misses least; `beyond` is that of the worst of them."""
    allowed = classes_by(bound, graphs)
    tried = [distinctions(outputs_of(seeded(factory, seed), graphs), allowed) for seed in seeds]
    best = min(tried, key=lambda one: one.missing)
    return Distinctions(best.found, best.allowed, best.missing, max(one.beyond for one in tried))


def seeded(factory: Callable[[], nn.Module], seed: int) -> nn.Module:
    """A network in float64 and evaluation mode whose random weights are decided by the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return factory().double().eval()


def classes_by(bound: Bound, graphs: Sequence[Data]) -> Int64[Tensor, " rows"]:
    """The test's colours of everything on the bound's level, graph after graph."""
    return torch.cat([colors.flatten() for colors in bound.colors(list(graphs))])


def outputs_of(model: nn.Module, graphs: Sequence[Data]) -> Float[Tensor, "rows width"]:
    """A network's outputs for graphs without features, or for their nodes; every node gets the feature 1."""
    with torch.no_grad():
        return output_of(model, Batch.from_data_list([unlabelled(graph) for graph in graphs]))


def unlabelled(graph: Data) -> Data:
    """The graph with the feature 1 at every node, float64."""
    x = torch.ones(graph.num_nodes, 1, dtype=torch.float64)
    return Data(x=x, edge_index=graph.edge_index, num_nodes=graph.num_nodes)
