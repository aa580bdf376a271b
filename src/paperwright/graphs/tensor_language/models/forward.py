"""How a graph network is called: the arguments of its `forward`, by their names, from a graph that holds them."""

import inspect
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch_geometric.data import Data, HeteroData

NAMES: Mapping[str, str] = {
    "x": "x", "features": "x", "feat": "x", "h": "x", "node_features": "x",
    "edge_index": "edge_index", "edges": "edge_index",
    "edge_weight": "edge_weight", "edge_weights": "edge_weight",
    "edge_attr": "edge_attr", "edge_features": "edge_attr", "edge_type": "edge_type",
    "batch": "batch", "batch_size": "num_graphs", "num_graphs": "num_graphs", "num_nodes": "num_nodes",
}  # fmt: skip
"""Parameters of `forward` that are understood, and the attribute of a graph that each gets."""
FAILURES = (RuntimeError, IndexError, TypeError, AssertionError, ValueError)
"""What torch and torch_geometric raise on inputs that do not fit."""
WHOLE = ("data", "graph", "graphs", "g", "batch", "batch_data")
"""Names of the only required parameter of a `forward` that takes the graph as one object."""


def parameters_of(model: nn.Module) -> dict[str, bool]:
    """The parameters of a model's `forward`, with whether each is required."""
    named = _named(model)
    if named:
        return {parameter.name: parameter.default is inspect.Parameter.empty for parameter in named}
    signature = getattr(model, "signature", None)  # torch_geometric.nn.Sequential: forward(*args, **kwargs)
    return dict.fromkeys(["x", "edge_index"] if signature is None else signature.param_dict, True)


def takes_whole_graph(parameters: Mapping[str, bool]) -> bool:
    """Whether `forward` takes the graph as one object."""
    required = [name for name, needed in parameters.items() if needed]
    return len(required) == 1 and required[0] in WHOLE


def output_of(model: nn.Module, data: Data, given: Mapping[str, Any] | None = None) -> Tensor:
    """What a model returns for a graph; of several tensors the first.

    Args:
        model: any module whose `forward` names its arguments as torch_geometric's models do, or takes the graph.
        data: a graph or a `Batch`.
        given: arguments by name that no graph holds.

    Raises:
        TypeError: a heterogeneous graph.
        ValueError: `forward` requires what neither the graph nor `given` has, fails, or does not return a tensor.
    """
    if isinstance(data, HeteroData):
        raise TypeError("data is a HeteroData; expected a homogeneous graph, such as data.to_homogeneous().")
    parameters = parameters_of(model)
    if takes_whole_graph(parameters):
        arguments: dict[str, Any] = {next(name for name, needed in parameters.items() if needed): data}
    else:
        found = {name: getattr(data, NAMES[name], None) for name in parameters if name in NAMES}
        found.update({name: value for name, value in (given or {}).items() if name in parameters})
        arguments = {name: found[name] for name in parameters if found.get(name) is not None}
        missing = [name for name, needed in parameters.items() if needed and name not in arguments]
        if missing:
            raise ValueError(
                f"{type(model).__name__}.forward needs {', '.join(missing)}, which the graph does not hold; expected "
                f"arguments named {', '.join(NAMES)}, or a graph as the only one. Wrap the model."
            )
    try:
        output = model(**arguments) if _named(model) else model(*arguments.values())
    except FAILURES as error:
        x = data.get("x")
        raise ValueError(
            f"{type(model).__name__} does not run on a graph with x {None if x is None else list(x.shape)} and "
            f"{data.num_edges} arcs: {error}. Give features as wide as it expects; for a bound, pass in_channels=, "
            "edge_dim=, num_relations= or other arguments of forward by name."
        ) from error
    while isinstance(output, tuple | list) and output:
        output = output[0]
    if not isinstance(output, Tensor):
        raise ValueError(f"{type(model).__name__} returned a {type(output).__name__}; expected a tensor.")
    return output


def _named(model: nn.Module) -> list[inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [parameter for parameter in inspect.signature(model.forward).parameters.values() if parameter.kind in kinds]
