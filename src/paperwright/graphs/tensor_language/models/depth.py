"""The bound of a torch_geometric model: run on a small graph, it shows how deep its sums over neighbours are nested."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor, nn
from torch_geometric.nn import aggr, pool
from torch_geometric.nn import conv as convolutions

from ..analysis.bounds import PLURALS, Bound, Test
from .counterexamples import DRAWS, surviving_bound
from .nested_sums import Depth, depth_of
from .tracing import Tracer
from .weights import unknown_code

_BY_ORDER = "depends on the order of the neighbours"
_BY_NUMBER = "breaks ties by the numbering of the nodes"
_OWN_GRAPH = "makes a graph of its own from the features"
NOT_OF_THE_GRAPH: Mapping[type[nn.Module], str] = {
    aggr.LSTMAggregation: _BY_ORDER,
    aggr.GRUAggregation: _BY_ORDER,
    aggr.SortAggregation: _BY_NUMBER,
    pool.TopKPooling: _BY_NUMBER,
    pool.SAGPooling: _BY_NUMBER,
    pool.ASAPooling: _BY_NUMBER,
    pool.PANPooling: _BY_NUMBER,
    pool.EdgePooling: _BY_NUMBER,
    convolutions.DynamicEdgeConv: _OWN_GRAPH,
    convolutions.GravNetConv: _OWN_GRAPH,
    convolutions.XConv: _OWN_GRAPH,
}
"""Layers that no test bounds, and why."""


def separation_power_of_model(model: nn.Module, **sizes: Any) -> Bound:
    """Return what a torch_geometric model tells apart at most, whatever its weights.

    A copy of the model, in evaluation mode and float64, is run on a small graph. Behind every `propagate`, every other
    sum over neighbours (such as degrees) and every sum over all nodes stands a mark in the autograd graph, and the
    longest path of marks is the number of rounds (see `nested_sums`): exact for branches, residual connections and
    jumping knowledge. Layers that sum over all nodes (inner pooling, attention of all nodes to all, normalisation over
    a graph) make the test 1-WL instead of colour refinement. Code that is neither torch's nor torch_geometric's is also
    probed: its outputs must not change with the numbering of the nodes, nor where a disjoint graph is added, nor differ
    on graphs that so many rounds do not tell apart. One draw of weights may hide any of this, so the probes are
    repeated under twelve draws of all weights (see `counterexamples`), which takes about half a second. `assumptions`
    names what rests on such a probe.

    The level is read off the output: a row for each node, for each graph, or for each arc ("pair").

    Args:
        model: its `forward` names its arguments as torch_geometric's models do (x, edge_index, batch, edge_attr,
            edge_weight, edge_type), or takes one graph.
        sizes: `in_channels`, `edge_dim`, `num_relations` where they cannot be read off the model, and further
            arguments of `forward` by name.

    Returns:
        The bound. `rounds` is None where unknown code sees more rounds than it has sums. The test is "none" where the
        output is no function of the graph alone, as with LSTM aggregation, top-k pooling or random features, or where
        it depends on the whole graph in a way that was not recognised.

    Raises:
        TypeError: no `nn.Module`.
        ValueError: the model does not run on a small graph, has NaN among its weights, or returns rows of no known
            kind; a size that neither it nor its `forward` knows.

    Source: Geerts and Reutter 2022, Theorems 4.2 to 4.4, for expressions; reading the depth off the graph is ours.
    """
    tracer = Tracer(model, sizes)
    output, marking = tracer.trace(tracer.pair)
    level = _level_of(tracer, output)
    source = f"the longest path of sums through {tracer.name}; Geerts and Reutter 2022, Theorems 4.2 to 4.4"

    def unbounded(why: str) -> Bound:
        return Bound("none", 1, None, level, (why,), source)

    for module in tracer.model.modules():
        for kind, why in NOT_OF_THE_GRAPH.items():
            if isinstance(module, kind):
                return unbounded(f"{type(module).__name__} {why}")
    depth, known = depth_of(output)
    assumptions = _circumstances(model, tracer)
    lost = sum(mark not in known for _, _, mark in marking.propagated)
    if lost:
        depth = Depth(depth.open + lost, depth.closed, depth.guarded)
        assumptions.append(
            f"{lost} results of propagate reach the output on no differentiable path, or not at all; they are counted "
            "as if each came before the next"
        )
    rounds = max(depth.open, depth.closed)
    if level == "graph":
        # A readout of depth D of two indices sees what D - 1 rounds do, whether its sums are guarded or not.
        rounds = max(depth.open, depth.closed - 1)
    test: Test = "cr" if level == "graph" or depth.guarded else "wl"
    seen = Bound(test, 1, rounds, level, source=source)
    returning = any(getattr(mark, "kind", None) == "round" and not known[mark].guarded for mark in known)
    bound = surviving_bound(tracer, seen, coupled=returning or (level != "graph" and not depth.guarded))
    if isinstance(bound, str):
        return unbounded(bound)
    if bound != seen:
        assumptions.append(
            f"{rounds} nested sums were seen, but it tells {PLURALS[level]} apart that need more rounds: their number "
            "is taken to have no limit"
        )
    return replace(bound, assumptions=(*assumptions, *_assumption_on(tracer.model)))


def propagation_depth(model: nn.Module, **sizes: Any) -> int:
    """Count the calls of `propagate` on the longest path through a model; degrees and pooling do not count.

    Args, Raises: see `separation_power_of_model`.
    """
    tracer = Tracer(model, sizes)
    return depth_of(tracer.trace(tracer.pair, sums=False)[0])[0].open


def _level_of(tracer: Tracer, output: Tensor) -> str:
    """What the rows of an output belong to."""
    pair = tracer.pair
    rows = output.size(0) if output.dim() else 1
    graphs = pair.num_graphs if tracer.takes_batch else 1
    levels = {pair.num_nodes: "vertex", pair.num_edges: "pair", graphs: "graph"}
    if rows in levels:
        return levels[rows]
    if not tracer.takes_batch and pair.num_nodes not in output.shape:
        return "graph"  # a vector, for the one graph that such a model takes a batch for
    raise ValueError(
        f"{tracer.name} returned {list(output.shape)} for {pair.num_graphs} graphs of together {pair.num_nodes} "
        f"nodes and {pair.num_edges} arcs; expected a row for each graph, node or arc."
    )


def _circumstances(model: nn.Module, tracer: Tracer) -> list[str]:
    """What is assumed of how the model is used."""
    found = []
    if model.training and any(_differs_in_training(module) for module in model.modules()):
        found.append("the model is in evaluation mode: in training mode it is no function of the graph")
    if "edge_attr" in tracer.pair or "edge_type" in tracer.pair:
        found.append("all edges are alike: the test does not look at their types or attributes")
    return found


def _differs_in_training(module: nn.Module) -> bool:
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        return True
    probability = module.p if isinstance(module, nn.Dropout) else getattr(module, "dropout", 0)
    return isinstance(probability, float) and probability > 0


def _assumption_on(model: nn.Module) -> tuple[str, ...]:
    """What rests on probes."""
    unknown = unknown_code(model)
    if not unknown:
        return ()
    return (
        f"{', '.join(unknown)}: unknown code, probed on small graphs under {DRAWS} draws of its weights: it sums over "
        "neighbours, and over all nodes, only where that was seen",
    )
