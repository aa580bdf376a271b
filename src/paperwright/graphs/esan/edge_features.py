"""Which of a graph's edge features a convolution is given: those that it takes and was built for."""

import inspect
from collections.abc import Collection

from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import MessagePassing

EDGE_FEATURES = ("edge_attr", "edge_weight")


def taken_features(module: nn.Module) -> tuple[str, ...]:
    """The edge features that a convolution, or a network of them, can use.

    Its `forward` must have an argument of that name. Convolutions such as PNAConv, GATConv or TransformerConv have
    `edge_attr` whether or not they were built with `edge_dim`, and fail on it if they were not: where no part was, it
    is not taken.
    """
    arguments = inspect.signature(module.forward).parameters
    convolutions = (part for part in module.modules() if isinstance(part, MessagePassing))
    dims = [conv.edge_dim for conv in convolutions if hasattr(conv, "edge_dim")]
    unbuilt = bool(dims) and all(dim is None for dim in dims)
    return tuple(name for name in EDGE_FEATURES if name in arguments and not (name == "edge_attr" and unbuilt))


def features_for(module: nn.Module, given: dict[str, Tensor | None]) -> dict[str, Tensor]:
    """Those of the given edge features that are there and that the module can use."""
    taken = taken_features(module)
    return {name: value for name, value in given.items() if value is not None and name in taken}


def checked_names(names: Collection[str]) -> tuple[str, ...]:
    """The names of edge features, if they are.

    Raises:
        ValueError: one is none of `EDGE_FEATURES`, or a string came instead of several.
    """
    if isinstance(names, str) or not isinstance(names, Collection) or set(names) - set(EDGE_FEATURES):
        raise ValueError(f"edge_features is {names!r}; expected some of {EDGE_FEATURES}, or () for none of them.")
    return tuple(names)


def of_bag(batch: Data, names: Collection[str], prefix: str = "") -> dict[str, Tensor | None]:
    """Edge features of a bag by name: of the subgraphs, or with a prefix of the graphs themselves."""
    return {name: batch.get(f"{prefix}{name}") for name in names}
