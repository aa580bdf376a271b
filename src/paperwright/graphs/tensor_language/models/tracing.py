"""A copy of a model, ready to be run on small graphs that suit it."""

import copy
from collections.abc import Mapping
from contextlib import nullcontext
from itertools import count
from typing import Any

import networkx as nx
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.utils import from_networkx

from paperwright.blocks.counts import whole_number

from .forward import NAMES, output_of, parameters_of, takes_whole_graph
from .nested_sums import SumMarker
from .weights import SmoothActivations, Weights

SIZES = ("in_channels", "edge_dim", "num_relations")
LAZY_CHANNELS = 8
"""Width of the features for layers that take any."""


class Tracer:
    """One model's copy in evaluation mode and float64, without caches.

    Args:
        model: see `separation_power_of_model`, also for the errors.
        sizes: likewise.

    Attributes:
        name: of the model's class.
        model: the copy.
        pair: a batch of two small graphs, of a number of nodes that is no width of the model.
        takes_batch: whether the model is told which graph of a batch a node belongs to.
    """

    def __init__(self, model: nn.Module, sizes: Mapping[str, Any]) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"The model is a {type(model).__name__}; expected an nn.Module.")
        self.name, self._sizes, self._parameters = type(model).__name__, dict(sizes), parameters_of(model)
        unknown = sizes.keys() - set(SIZES) - self._parameters.keys()
        if unknown:
            raise ValueError(
                f"Unknown sizes {', '.join(sorted(unknown))}; expected {', '.join(SIZES)} or arguments of "
                f"{self.name}.forward."
            )
        self.model = copy.deepcopy(model).eval().double()
        for name, parameter in self.model.named_parameters():
            if _shape(parameter) and not bool(parameter.isfinite().all()):
                raise ValueError(f"The weights {name} of {self.name} hold NaN or infinity; expected finite numbers.")
        for module in self.model.modules():
            if getattr(module, "cached", False):  # a layer would keep the first graph's degrees
                setattr(module, "cached", False)  # noqa: B010 - its type is not known
        self.takes_batch = takes_whole_graph(self._parameters) or "batch" in self._parameters
        widths = {width for parameter in self.model.parameters() for width in _shape(parameter)}
        self._draw = 0
        self._weights: Weights | None = None
        self._nodes = next(n for n in count(5) if 2 * n + 1 not in widths)
        self.pair = self._pair()

    def graph(self, graph: nx.Graph) -> Data:
        """A graph with everything that the model's `forward` may ask for; every node has features of its own."""
        data = from_networkx(graph).sort(sort_by_row=False)  # some aggregations want the destinations in order
        nodes, arcs = data.num_nodes, data.num_edges
        width = self._in_channels()
        if width is None:
            data.x = torch.zeros(nodes, dtype=torch.long)
        else:
            generator = torch.Generator().manual_seed(self._draw)
            x = torch.randn(nodes, width, generator=generator, dtype=torch.float64)
            data.x = x if self._draw == 0 or self._draw % 2 else x.abs()
        required = {NAMES[name] for name, needed in self._parameters.items() if needed and name in NAMES}
        edge_dim = self._size("edge_dim")
        if edge_dim or "edge_attr" in required:
            data.edge_attr = torch.ones(arcs, edge_dim or 1, dtype=torch.float64)
        if "edge_weight" in required:
            data.edge_weight = torch.ones(arcs, dtype=torch.float64)
        if self._size("num_relations") or "edge_type" in required:
            data.edge_type = torch.zeros(arcs, dtype=torch.long)
        return data.to(next(self.model.parameters(), torch.empty(0)).device)

    def trace(self, data: Data, *, sums: bool = True) -> tuple[Tensor, SumMarker]:
        """The output on a graph, and the marks that were put on the way."""
        if not isinstance(data, Batch):
            data = Batch.from_data_list([data])
        marking = SumMarker(data.num_nodes, data.num_graphs, sums=sums)
        with torch.enable_grad(), marking.of(self.model):
            return self._call(data), marking

    def output(self, data: Data) -> Tensor:
        """The output on a graph, without gradient."""
        if not isinstance(data, Batch):
            data = Batch.from_data_list([data])
        with torch.no_grad():
            return self._call(data)

    def redraw(self, number: int) -> bool:
        """Draw weights and features anew, see `Weights.draw`, and make activations smooth; are the outputs finite then?

        Where they are not, as with a weight under a root, or the model refuses the weights, only their magnitudes are
        drawn. Number 0 is the model as it came.
        """
        if self._weights is None:
            self._weights = Weights(self.model)
        self._draw = number
        self.pair = self._pair()
        for same_signs in (False, True):
            self._weights.draw(number, same_signs=same_signs)
            try:
                output = self.output(self.pair)
            except ValueError:
                continue
            if not output.is_floating_point() or bool(output.isfinite().all()):
                return True
        return False

    def _pair(self) -> Batch:
        return Batch.from_data_list([self.graph(tadpole(self._nodes)), self.graph(tadpole(self._nodes + 1))])

    def _call(self, data: Batch) -> Tensor:
        given = {name: value for name, value in self._sizes.items() if name in self._parameters}
        with SmoothActivations() if self._draw else nullcontext():
            return output_of(self.model, data, given)

    def _in_channels(self) -> int | None:
        """Width of the features; None where nodes are numbers for an embedding."""
        if "in_channels" in self._sizes:
            return whole_number("in_channels", self._sizes["in_channels"], 1)
        for module in self.model.modules():
            for name in ("in_channels", "in_features", "num_features"):
                width = getattr(module, name, None)
                width = width[0] if isinstance(width, tuple) else width
                if isinstance(width, int) and width:
                    return width if width > 0 else LAZY_CHANNELS
            if isinstance(module, nn.Embedding):
                return None
        return 1

    def _size(self, name: str) -> int | None:
        if name in self._sizes:
            return whole_number(name, self._sizes[name], 0)
        found = (getattr(module, name, None) for module in self.model.modules())
        return next((size for size in found if isinstance(size, int) and size > 0), None)


def tadpole(n: int) -> nx.Graph:
    """A cycle of n - 1 nodes with a tail of one."""
    graph = nx.cycle_graph(n - 1)
    graph.add_edge(0, n - 1)
    return graph


def _shape(parameter: Tensor) -> tuple[int, ...]:
    return () if isinstance(parameter, nn.parameter.UninitializedParameter) else tuple(parameter.shape)
