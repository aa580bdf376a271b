"""Looking for counterexamples to the bound of unknown code: outputs that see more of a graph than its sums do."""

from collections.abc import Iterator
from dataclasses import replace

import networkx as nx
import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from ..analysis.bounds import PLURALS, Bound, rounds_of
from .tracing import Tracer, tadpole
from .weights import unknown_code

TOLERANCE = 1e-8
"""Of the largest output, in float64: what probes call equal."""
SMALLEST = 1e-3
"""Outputs below this one are compared as if they were as large: a norm of equal features returns only rounding."""


DRAWS = 12
"""How often unknown code is probed: as it came, and under 11 draws of all its weights and features.

Narrow ReLU networks on triangle counts, distances or return probabilities hide these from up to 80% of their own
initialisations, a gate that starts at 0 from all. Of 2,200 draws as in `redraw`, on 22 such networks, none hid them;
even if one in four did, eleven in a row would with probability 3e-7.
"""


def surviving_bound(tracer: Tracer, bound: Bound, *, coupled: bool) -> Bound | str:
    """The bound if the model stays within it; else one without limit to the rounds, or why none was found.

    What a model sees beyond its sums may not show under one draw of its weights: so there are `DRAWS`, and one
    counterexample is enough. Where all code is torch's or torch_geometric's, the bound rests on its sums, and its own
    weights will do.

    Args:
        tracer: the model.
        bound: what its sums say.
        coupled: whether sums over all nodes were seen that come back to nodes; then a graph beside another shows.
    """
    # The model's own weights come last: they hide the most.
    draws = (*range(1, DRAWS), 0) if unknown_code(tracer.model) else (0,)
    for candidate in (bound, replace(bound, rounds=None)):
        probes = [_color(tracer, candidate, graphs) for graphs in _hard_to_tell_apart(candidate.rounds)]
        for number in draws:
            if not tracer.redraw(number):
                return (
                    "under other weights than its own it fails, or its outputs are not finite: no probe shows anything"
                )
            fault = _fault_of(tracer, bound.level, coupled=coupled)
            if fault is not None:
                return fault
            if not all(_stays_within(tracer, *probe) for probe in probes):
                break
        else:
            return candidate
    return f"it tells {PLURALS[bound.level]} apart that {rounds_of(bound.test, 1, None)} do not"


def _fault_of(tracer: Tracer, level: str, *, coupled: bool) -> str | None:
    """Why the output is no function of the graph, or sees more of it than its sums; None if it passes."""
    output = tracer.output(tracer.pair)
    if differ(output, tracer.output(tracer.pair)):
        return "two calls differ: something is drawn at random"
    order, renumbered = _reverse(tracer.pair)
    if level != "pair" and differ(output[order] if level == "vertex" else output, tracer.output(renumbered)):
        return "the output changes with the numbering of the nodes"
    if not coupled and _sees_disjoint_graphs(tracer, level):
        return "what the model makes of a node changes with a graph beside its own, by no sum over all nodes"
    return None


def _hard_to_tell_apart(rounds: int | None) -> Iterator[list[nx.Graph]]:
    """Graphs that need one round more than so many, and graphs that no round tells apart."""
    rounds = 3 if rounds is None else rounds
    handle = nx.path_graph(rounds + 1).edges
    yield [nx.Graph([*handle, *((rounds, rounds + 1 + bristle) for bristle in range(n))]) for n in (1, 3)]
    n = 2 * rounds + 1
    yield [
        nx.disjoint_union(nx.cycle_graph(3), nx.path_graph(n)),
        nx.disjoint_union(nx.cycle_graph(4), nx.path_graph(n - 1)),
    ]
    hexagons, pentagons = nx.cycle_graph(10), nx.disjoint_union(nx.cycle_graph(5), nx.cycle_graph(5))
    for graph in (hexagons, pentagons):
        graph.add_edge(0, 5)
    yield [hexagons, pentagons]
    yield [nx.complete_bipartite_graph(3, 3), nx.circular_ladder_graph(3)]


def _color(tracer: Tracer, bound: Bound, graphs: list[nx.Graph]) -> tuple[list[Data], list[Tensor]]:
    """Graphs of nodes that are all alike, and the test's colour of each row that a model gives for them."""
    data = [_all_alike(tracer, tracer.graph(graph)) for graph in graphs]
    colors = zip(data, bound.colors(data), strict=True)
    return data, [own[tuple(graph.edge_index)] if bound.level == "pair" else own.reshape(-1) for graph, own in colors]


def _all_alike(tracer: Tracer, graph: Data) -> Data:
    """The graph with the features of one node, as they are drawn now, at all its nodes."""
    graph.x = tracer.pair.x[:1].repeat(graph.num_nodes, *[1] * (graph.x.dim() - 1))
    return graph


def _stays_within(tracer: Tracer, graphs: list[Data], colors: list[Tensor]) -> bool:
    """Whether what the test does not tell apart gets equal outputs."""
    given = zip(graphs, colors, strict=True)
    outputs = torch.cat([tracer.output(_all_alike(tracer, graph)).reshape(len(own), -1) for graph, own in given])
    classes = torch.cat(colors)
    return all(
        not differ(own, own[:1].expand_as(own)) for own in (outputs[classes == c] for c in torch.unique(classes))
    )


def differ(first: Tensor, second: Tensor) -> bool:
    """Whether two outputs are not equal, to rounding."""
    if first.shape != second.shape:
        return True
    if first.numel() == 0 or not first.is_floating_point():
        return not torch.equal(first, second)
    scale = max(float(first.abs().max()), float(second.abs().max()), SMALLEST)
    return not bool(((first - second).abs() <= TOLERANCE * scale).all())


def _sees_disjoint_graphs(tracer: Tracer, level: str) -> bool:
    """Whether the nodes of a graph get something else, after any `propagate`, once another graph is added to theirs."""
    alone = tadpole(5)
    nodes = len(alone)
    data, both = tracer.graph(alone), tracer.graph(nx.disjoint_union(alone, nx.complete_graph(4)))
    both.x[:nodes] = data.x
    (ours, first), (theirs, second) = tracer.trace(data), tracer.trace(both)
    if level == "vertex" and differ(ours.detach(), theirs.detach()[:nodes]):
        return True
    calls = zip(first.propagated, second.propagated, strict=False)
    return any(a.size(dim) == nodes and differ(a, b.narrow(dim, 0, nodes)) for (a, dim, _), (b, _, _) in calls)


def _reverse(batch: Batch) -> tuple[Tensor, Batch]:
    """The batch with the nodes of each graph in reverse order, and the old number of each node."""
    graphs, orders, start = [], [], 0
    for graph in batch.to_data_list():
        n = graph.num_nodes
        order = torch.arange(n - 1, -1, -1, device=graph.x.device)
        orders.append(start + order)
        graph.x, graph.edge_index = graph.x[order], n - 1 - graph.edge_index
        graphs.append(graph.sort(sort_by_row=False))
        start += n
    return torch.cat(orders), Batch.from_data_list(graphs)
