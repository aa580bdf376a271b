"""What random networks tell apart: two graphs, or the classes of many, beside those of a test."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import networkx as nx
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric.data import Batch, Data

from paperwright.blocks.counts import whole_number
from paperwright.blocks.disjoint_union import DisjointUnion
from paperwright.blocks.graph_input import graph_data, node_pairs

from ..analysis.bounds import Bound
from .forward import output_of

DIRECTIONS = 8
"""Random projections by which multisets of vectors are compared, besides their columns."""


@dataclass(frozen=True)
class Separation:
    """What a number of random initialisations did.

    Attributes:
        rate: share of them that gave the two graphs different outputs.
        margin: the largest difference between the outputs for the two graphs, over all of them.
        noise: the largest difference between the outputs for one graph and for the same graph numbered anew.
    """

    rate: float
    margin: float
    noise: float


def separates(
    factory: Callable[[int], nn.Module],
    g: Data | nx.Graph,
    h: Data | nx.Graph,
    trials: int = 20,
    level: Literal["graph", "vertex"] = "graph",
) -> Separation:
    r"""Try how often random networks separate two graphs.

    A trial counts as separating where the outputs differ by more than ten times what renumbering the nodes changes,
    and by more than :math:`\varepsilon^{3/4}` of the largest output (of a sum over nodes: of the sum of magnitudes),
    :math:`\varepsilon` the precision of the output's dtype (float64: 2e-12). What a bound allows is found by smooth
    networks in float64: random ReLU networks are constant on large regions, and separate less than their architecture
    can.

    Args:
        factory: a network for each seed. It is called with torch's global generator seeded with the same number.
        g, h: graphs; without `x`, every node gets the feature 1.
        trials: seeds 0 to trials - 1.
        level: "graph" compares the outputs for the graphs, the sum over the nodes where there is one for each node;
            "vertex" compares the multisets of the nodes' outputs. Graphs of different size differ there.

    Raises:
        TypeError: the factory returns no `nn.Module`, or a graph is heterogeneous or no graph.
        ValueError: `trials` below 1, an unknown level, a model whose two calls differ (training mode), NaN or infinite
            outputs, outputs that are not of the level, one-way edges, or self-loops.

    Source: Geerts and Reutter 2022, Section 6.2 (networks that attain the bound); the noise estimate is ours.
    """
    if isinstance(factory, nn.Module) or not callable(factory):
        raise TypeError(
            f"factory is a {type(factory).__name__}; expected a function from a seed to a model. For a single one, "
            "pass lambda seed: model."
        )
    trials = whole_number("trials", trials, 1)
    if level not in ("graph", "vertex"):
        raise ValueError(f"level is {level!r}; expected 'graph' or 'vertex'.")
    graphs = [_as_batch(graph) for graph in (g, h)]
    outcomes = [_trial(factory, seed, graphs, level) for seed in range(trials)]
    separated, margins, noises = zip(*outcomes, strict=True)
    return Separation(sum(separated) / trials, max(margins), max(noises))


def _trial(
    factory: Callable[[int], nn.Module], seed: int, graphs: list[Batch], level: str
) -> tuple[bool, float, float]:
    """Whether one network separates the graphs; difference and noise."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = factory(seed)
    if not isinstance(model, nn.Module):
        raise TypeError(f"factory({seed}) returned a {type(model).__name__}; expected an nn.Module.")
    generator = torch.Generator().manual_seed(seed)
    (ours, scale), (theirs, their_scale) = (_output(model, graph, level) for graph in graphs)
    if not torch.equal(ours, _output(model, graphs[0], level)[0]):
        raise ValueError(
            f"Two calls of {type(model).__name__} on the same graph differ: it is in training mode (dropout, batch "
            "statistics) or draws at random, and so no function of the graph. Call .eval() in the factory."
        )
    if ours.dim() == 2 and level == "vertex":
        directions = torch.randn(ours.size(1), DIRECTIONS, generator=generator, dtype=ours.dtype).to(ours.device)
    else:
        directions = None
    anew = [_output(model, _renumbered(graph, generator), level)[0] for graph in graphs]
    noise = max(_difference(ours, anew[0], directions), _difference(theirs, anew[1], directions))
    margin = _difference(ours, theirs, directions)
    rounding = torch.finfo(ours.dtype).eps ** 0.75 * max(scale, their_scale)
    return margin > max(10 * noise, rounding), margin, noise


def _as_batch(graph: Data | nx.Graph) -> Batch:
    data = graph_data(graph, "graph")
    pairs, nodes = node_pairs(data.edge_index, data.num_nodes)
    DisjointUnion.of([Data(edge_index=pairs.unique(dim=1), num_nodes=nodes)])  # refuses one-way edges and self-loops
    return Batch.from_data_list([data])


def _output(model: nn.Module, batch: Batch, level: str) -> tuple[Tensor, float]:
    """The model's output for a graph, [width] or a row for each node, and the size that its rounding goes by.

    Rows that are summed may cancel, as behind a normalisation over the graph, and their sum be no larger than rounding;
    so the size is that of the sum of their magnitudes.
    """
    batch = batch.clone()
    parameters = [parameter for parameter in model.parameters() if parameter.is_floating_point()]
    dtype = parameters[0].dtype if parameters else torch.get_default_dtype()
    if batch.get("x") is None:
        batch.x = torch.ones(batch.num_nodes, 1, dtype=dtype)
    elif batch.x.is_floating_point():
        batch.x = batch.x.to(dtype)
    if parameters:
        batch = batch.to(parameters[0].device)
    with torch.no_grad():
        output = output_of(model, batch)
    if not output.is_floating_point() or not bool(torch.isfinite(output).all()):
        raise ValueError(f"{type(model).__name__} returned NaN, infinity or integers; expected finite numbers.")
    nodes = output.dim() > 0 and output.size(0) == batch.num_nodes
    if level == "vertex":
        if not nodes:
            raise ValueError(f"The output is {list(output.shape)}; expected a row for each of {batch.num_nodes} nodes.")
        output = output.flatten(1) if output.dim() > 1 else output[:, None]
        return output, float(output.abs().max())
    if nodes:
        return output.sum(dim=0).flatten(), float(output.abs().sum(dim=0).max())
    return output.flatten(), float(output.abs().max())


def _renumbered(batch: Batch, generator: torch.Generator) -> Batch:
    """The same graph, with its nodes and arcs in another order."""
    n, arcs = batch.num_nodes, batch.num_edges
    order, arc_order = (torch.randperm(size, generator=generator).to(batch.edge_index.device) for size in (n, arcs))
    place = torch.empty_like(order)
    place[order] = torch.arange(n, device=order.device)
    graph = batch.to_data_list()[0]
    for name in graph.keys():  # noqa: SIM118 - Data iterates over pairs
        if name == "edge_index":
            graph.edge_index = place[graph.edge_index[:, arc_order]]
        elif graph.is_edge_attr(name):
            graph[name] = graph[name][arc_order]
        elif graph.is_node_attr(name):
            graph[name] = graph[name][order]
    return Batch.from_data_list([graph])


def _difference(first: Tensor, second: Tensor, directions: Tensor | None) -> float:
    """The largest difference of two vectors; with directions, of two multisets of rows along each of them."""
    if first.shape != second.shape:
        return math.inf
    if directions is not None:
        first, second = (torch.cat([rows, rows @ directions], dim=1).sort(dim=0).values for rows in (first, second))
    return float((first - second).abs().max())


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


def best_distinctions(
    factory: Callable[[], nn.Module], seeds: Sequence[int], graphs: Sequence[Data], bound: Bound
) -> Distinctions:
    """Of several random networks the one that misses least; `beyond` is that of the worst of them."""
    allowed = classes_of_test(bound, graphs)
    partitions = [distinctions(outputs_of(random_network(factory, seed), graphs), allowed) for seed in seeds]
    best = min(partitions, key=lambda one: one.missing)
    return Distinctions(best.found, best.allowed, best.missing, max(one.beyond for one in partitions))


def random_network(factory: Callable[[], nn.Module], seed: int) -> nn.Module:
    """A network in float64 and evaluation mode whose random weights are decided by the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return factory().double().eval()


def classes_of_test(bound: Bound, graphs: Sequence[Data]) -> Int64[Tensor, " rows"]:
    """The test's colours of everything on the bound's level, graph after graph."""
    return torch.cat([colors.flatten() for colors in bound.colors(list(graphs))])


def outputs_of(model: nn.Module, graphs: Sequence[Data]) -> Float[Tensor, "rows width"]:
    """A network's outputs for graphs without features, or for their nodes; every node gets the feature 1."""
    with torch.no_grad():
        return output_of(model, Batch.from_data_list([with_unit_features(graph) for graph in graphs]))


def with_unit_features(graph: Data) -> Data:
    """The graph with the feature 1 at every node, float64."""
    x = torch.ones(graph.num_nodes, 1, dtype=torch.float64)
    return Data(x=x, edge_index=graph.edge_index, num_nodes=graph.num_nodes)
