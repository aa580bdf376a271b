"""Stochastic discrete Ricci flow (Algorithm 1): support the worst bottleneck, drop the most redundant edge."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import networkx as nx
import torch
from torch import Generator
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform

from paperwright.blocks.counts import whole_number
from paperwright.blocks.graph_input import graph_data
from paperwright.blocks.real_numbers import real_number

from ._arcs import as_edge_index, require_symmetric, simple_arcs
from ._edge_store import edge_store, rewired_data
from .curvature import Definition, rule_number
from .curvature_state import CurvatureState, inverse_temperature


@dataclass(repr=False)
class RewiringReport:
    """What a rewiring did.

    Attributes:
        added, removed: the changed edges (k, l), in order.
        min_curvature: least curvature before each iteration.
        max_curvature: the greatest curvature that each iteration compared with `removal_bound`.
        duplicates, self_loops: columns of the given edge index that were merged, or set aside and put back.
    """

    added: list[tuple[int, int]] = field(default_factory=list)
    removed: list[tuple[int, int]] = field(default_factory=list)
    min_curvature: list[float] = field(default_factory=list)
    max_curvature: list[float] = field(default_factory=list)
    duplicates: int = 0
    self_loops: int = 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.added)} edges added, {len(self.removed)} removed)"


# A data set that kept reports can then be loaded again by torch's safe reader.
torch.serialization.add_safe_globals([RewiringReport])


class SDRF(BaseTransform):
    r"""Rewires a graph by stochastic discrete Ricci flow: edges are added around its bottlenecks.

    One iteration takes the edge i~j of least curvature, draws a new edge k~l, k in N(i) + {i}, l in N(j) + {j}, with
    probability

    .. math:: \mathrm{softmax}_{kl}\bigl(\tau\,[\mathrm{Ric}_{kl}(i,j) - \mathrm{Ric}(i,j)]\bigr)

    and adds it; then it removes the edge of greatest curvature, if that exceeds `removal_bound`. An iteration costs
    O(local neighbourhood + log E), the whole O(E) memory.

    The graph keeps `x`, `y`, masks and self-loops; kept edges keep their attributes. The new `edge_index` is sorted and
    coalesced, of the given dtype and device. In a graph given as `adj_t`, that is rewired instead. A `Batch` is rewired
    graph by graph.

    Args:
        max_iterations: at most this many iterations.
        tau: inverse temperature of the draw, as in the released code. Infinite makes it deterministic: the best
            candidate, and among equals (to 1e-9) the smallest (k, l).
        removal_bound: the paper's C+; None never removes.
        definition: the curvature, see `balanced_forman_curvature`. "paper" compares `removal_bound` with the curvature
            after the addition, "official" with that from before it.
        undirected: make the graph undirected first. If False, a directed graph needs `definition="official"`.
        new_edge_attr: what new edges get as edge attributes: a number, or "mean" of the kept ones.
        stop_when_stuck: end at the first iteration that changes nothing; otherwise idle until `max_iterations`.
        generator: source of randomness; torch's global one if not given.
        report: store a `RewiringReport` as `data.sdrf_report`.
        mark_new: store `data.edge_type`, 0 for kept and 1 for new edges, for relational layers.

    Raises:
        TypeError: for heterogeneous graphs, and if `edge_index` is not of integers.
        ValueError: for parameters out of range, for edge attributes without `new_edge_attr`, and for a directed graph
            with `undirected=False` and any definition but "official".

    Example:
        >>> from paperwright import data
        >>> SDRF(max_iterations=1, tau=math.inf, report=True)(data.load("barbell").graph).sdrf_report.added
        [(0, 5)]

    Source: Topping et al. 2022, Algorithm 1.
    """

    def __init__(
        self,
        max_iterations: int = 100,
        tau: float | int = 100.0,
        removal_bound: float | int | None = None,
        *,
        definition: Definition = "paper",
        undirected: bool = True,
        new_edge_attr: float | int | Literal["mean"] | None = None,
        stop_when_stuck: bool = True,
        generator: Generator | None = None,
        report: bool = False,
        mark_new: bool = False,
    ) -> None:
        rule_number(definition)
        max_iterations = whole_number("max_iterations", max_iterations, 0)
        if removal_bound is not None:
            real_number("removal_bound", removal_bound, "a number, or None to remove nothing", lambda bound: True)
        if new_edge_attr is not None and new_edge_attr != "mean":
            real_number("new_edge_attr", new_edge_attr, "a finite number, 'mean' or None", math.isfinite)
        if not isinstance(generator, Generator | None):
            raise TypeError(
                f"generator is {generator!r}; expected a torch.Generator. Make one by torch.Generator().manual_seed(0)."
            )
        self.max_iterations = max_iterations
        self.tau = inverse_temperature(tau)
        self.removal_bound = removal_bound
        self.definition = definition
        self.undirected = undirected
        self.new_edge_attr = new_edge_attr
        self.stop_when_stuck = stop_when_stuck
        self.generator = generator
        self.report = report
        self.mark_new = mark_new

    def forward(self, data: Data | nx.Graph) -> Data:
        """The rewired graph (`__call__` copies the given one first, so it stays as it is)."""
        data = graph_data(data)
        if isinstance(data, Batch):
            return Batch.from_data_list([self(graph) for graph in data.to_data_list()])
        store = edge_store(data)
        if store is None:  # no edges of any kind: nothing to rewire
            return data
        arcs = simple_arcs(store.edge_index, data.num_nodes, symmetrise=self.undirected)
        directed = not self.undirected and self.definition == "official"
        if not directed:
            require_symmetric(arcs, f"SDRF(definition={self.definition!r})")
        if store.attributes and self.new_edge_attr is None:
            raise ValueError(
                f"The graph has edge attributes ({', '.join(store.attributes)}), and new edges need a value for them: "
                "pass new_edge_attr=NUMBER or new_edge_attr='mean'."
            )
        edges = as_edge_index(arcs.heads, arcs.tails)
        state = CurvatureState(edges, arcs.num_nodes, self.definition, directed=directed)
        report = RewiringReport(duplicates=arcs.duplicates, self_loops=arcs.self_loops)
        for _ in self._iterations(state, report):
            pass
        rewired = rewired_data(data, store, arcs, state.edge_index(), self.new_edge_attr, mark_new=self.mark_new)
        if self.report:
            rewired.sdrf_report = report
        return rewired

    def _iterations(self, state: CurvatureState, report: RewiringReport) -> Iterator[None]:
        """Run the flow on the state, one iteration at a time."""
        for _ in range(self.max_iterations):
            if state.num_edges == 0:
                return
            highest = state.max_edge()
            highest_curvature = state.curvature(*highest)
            report.min_curvature.append(state.curvature(*state.min_edge()))
            added = self._add(state, report)
            if self.definition != "official":
                highest = state.max_edge()
                highest_curvature = state.curvature(*highest)
            report.max_curvature.append(highest_curvature)
            removed = self.removal_bound is not None and highest_curvature > self.removal_bound
            if removed:
                state.remove_edge(*highest)
                report.removed.append(highest)
            if self.stop_when_stuck and not added and not removed:
                return
            yield

    def _add(self, state: CurvatureState, report: RewiringReport) -> bool:
        """Add one edge around the edge of least curvature, if there is a candidate."""
        uniform = 0.0
        if self.tau < math.inf:
            device = self.generator.device if self.generator is not None else None
            uniform = torch.rand((), dtype=torch.float64, generator=self.generator, device=device).item()
        chosen = state.draw(*state.min_edge(), self.tau, uniform)
        if chosen is None:
            return False
        state.add_edge(*chosen)
        report.added.append(chosen)
        return True

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(max_iterations={self.max_iterations}, tau={self.tau}, "
            f"removal_bound={self.removal_bound}, definition={self.definition!r}, undirected={self.undirected}, "
            f"new_edge_attr={self.new_edge_attr!r}, stop_when_stuck={self.stop_when_stuck})"
        )
