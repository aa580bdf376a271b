"""The architectures by name: each makes an expression of given sizes, and is bounded by it."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from paperwright.blocks.counts import whole_number
from paperwright.blocks.real_numbers import real_number

from ..analysis.analysis import analyse
from ..analysis.bounds import Bound
from ..language.builders import total
from ..language.expressions import Expression
from . import higher_order, message_passing, spectral_filters, subgraph_networks

LARGEST: Mapping[str, int] = MappingProxyType(
    {"layers": 1000, "hops": 1000, "radius": 100, "relations": 100, "k": 9, "length": 33, "dimension": 9, "order": 9,
     "terms": 40, "nodes": 12}
)  # fmt: skip
"""Sizes that are whole numbers, from 1 to what an analysis of seconds can bear."""
NUMBERS = ("epsilon", "alpha", "pole", "zoom")
FLAGS = ("lower", "readout")


@dataclass(frozen=True)
class Architecture:
    """A class of networks: call it with sizes for its expression, and with `readout=True` for its sum over all nodes.

    Attributes:
        name: as in `architectures`.
        build: makes the expression; None for what is no function of the graph alone.
        reason: why there is no bound, or, of a limit, why its bound holds.
        readout: whether there is a readout if nothing is said.
        stable: whether the networks are limits of the expressions, so that only the stable test bounds them.
    """

    name: str
    build: Callable[..., Expression] | None
    reason: str = ""
    readout: bool = False
    stable: bool = False

    def __call__(self, **sizes: Any) -> Expression:
        """The expression of the networks of these sizes.

        Raises:
            TypeError: a size that the architecture does not have.
            ValueError: a size out of range, or an architecture that is no function of the graph alone.
        """
        if self.build is None:
            raise ValueError(f"{self.name} has no expression: {self.reason}.")
        known = (*inspect.signature(self.build).parameters, "readout")
        unknown = [size for size in sizes if size not in known]
        if unknown:
            raise TypeError(f"{self.name} has no size {', '.join(unknown)}; its sizes are {', '.join(known)}.")
        read = {size: _read(size, value) for size, value in sizes.items()}
        readout = read.pop("readout", self.readout)
        found = self.build(**read)
        return total(found.free, found) if readout else found

    def bound(self, **sizes: Any) -> Bound:
        """What bounds all networks of these sizes."""
        if self.build is None:
            return Bound("none", 1, None, "vertex", (self.reason,))
        found = analyse(self(**sizes)).bound
        return replace(found, rounds=None, assumptions=(*found.assumptions, self.reason)) if self.stable else found


def _read(size: str, value: Any) -> Any:
    if size in FLAGS and not isinstance(value, bool):
        raise TypeError(f"{size} is {value!r}; expected True or False.")
    if size in LARGEST:
        value = whole_number(size, value, 1)
        if value > LARGEST[size]:
            raise ValueError(f"{size} is {value}; expected at most {LARGEST[size]}, so that its analysis ends soon.")
    return real_number(size, value, "a finite number", math.isfinite) if size in NUMBERS else value


_POLYNOMIALS = (
    "the filter is a fixed function of the Laplacian, a limit of the polynomials that the expression stands for"
)
_TRACES = "the greatest eigenvalue is read off closed walks as long as the graph has nodes"

_BUILT: tuple[Architecture, ...] = (
    *(
        Architecture(build.__name__, build)
        for build in (
            message_passing.basic_gnn,
            message_passing.gin,
            message_passing.graphsage,
            message_passing.gat,
            message_passing.gated_gcn,
            message_passing.pna,
            message_passing.r_gcn,
            message_passing.gcn,
            spectral_filters.sgc,
            spectral_filters.appnp,
            spectral_filters.chebnet,
            message_passing.egin,
            message_passing.virtual_node,
            message_passing.full_attention,
            message_passing.graph_norm,
            higher_order.k_fgnn,
            higher_order.ppgn,
            higher_order.ign,
            higher_order.k_gnn,
            higher_order.local_k_gnn,
            higher_order.walk_mpnn,
            higher_order.simplicial,
            subgraph_networks.id_gnn,
            subgraph_networks.node_marked_gnn,
            subgraph_networks.node_deleted_gnn,
            subgraph_networks.ego_gnn,
            subgraph_networks.homomorphism_gin,
            subgraph_networks.gsn,
        )
    ),
    Architecture("edge_deleted_gnn", subgraph_networks.edge_deleted_gnn, readout=True),
    Architecture("delta_k_lgnn", higher_order.local_k_gnn),
    Architecture("chebnet_own_lambda_max", spectral_filters.chebnet_own_lambda_max, _TRACES, stable=True),
    Architecture("cayleynet", spectral_filters.cayleynet, _POLYNOMIALS, stable=True),
    Architecture("arma", spectral_filters.arma, _POLYNOMIALS, stable=True),
    Architecture("ppnp", spectral_filters.ppnp, _POLYNOMIALS, stable=True),
    Architecture("random_features", None, "random features make the output depend on the draw"),
    Architecture("node_ids", None, "node ids make the output depend on the numbering of the nodes"),
    Architecture("lstm_aggregation", None, "an LSTM depends on the order of the neighbours"),
    Architecture("top_k_pooling", None, "ties between scores are broken by the numbering of the nodes"),
)

architectures: Mapping[str, Architecture] = MappingProxyType({found.name: found for found in _BUILT})
"""Architectures by name: `architectures["gin"](layers=4)` is an expression."""
