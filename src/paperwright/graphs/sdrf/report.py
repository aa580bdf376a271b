"""One look at a graph: where it is squashed, and how hard it is to cut."""

import warnings
from dataclasses import dataclass

import networkx as nx
import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.utils import remove_self_loops, to_undirected

from paperwright.blocks.graph_input import graph_data, node_pairs

from .curvature import balanced_forman_curvature
from .sensitivity import sensitivity_across
from .spectrum import Cheeger, cheeger, spectral_gap

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
BOTTLENECK = -1.0
PROBED_EDGES = 32


@dataclass(frozen=True)
class SquashingReport:
    """What `squashing_report` found; `print` it.

    Attributes:
        num_nodes, num_edges: size of the undirected simple graph.
        quantiles: curvature of the edges at the 0, 5, 25, 50, 75, 95 and 100% points.
        bottleneck_share: share of edges with curvature below -1.
        worst_edge: the edge of least curvature.
        spectral_gap: lambda_1 of the largest component.
        cheeger: bounds on its Cheeger constant, and the cut.
        worst_sensitivity, middle_sensitivity: mean of `sensitivity_across` for the 32 edges of least curvature, and for
            the 32 in the middle; None without a model.
    """

    num_nodes: int
    num_edges: int
    quantiles: dict[float, float]
    bottleneck_share: float
    worst_edge: tuple[int, int]
    spectral_gap: float
    cheeger: Cheeger
    worst_sensitivity: float | None = None
    middle_sensitivity: float | None = None

    def __str__(self) -> str:
        points = "  ".join(f"{share:.0%}: {value:+.3f}" for share, value in self.quantiles.items())
        bounds = f"{self.cheeger.lower:.4f} to {self.cheeger.upper:.4f}, cutting off {len(self.cheeger.set)} nodes"
        lines = [
            f"{self.num_nodes} nodes, {self.num_edges} undirected edges",
            f"curvature   {points}",
            f"bottlenecks {self.bottleneck_share:.1%} of edges below {BOTTLENECK:g}; the worst is {self.worst_edge}",
            f"cut         spectral gap {self.spectral_gap:.4f}; Cheeger constant {bounds}",
        ]
        if self.worst_sensitivity is not None:
            lines.append(
                f"sensitivity across the worst edges {self.worst_sensitivity:.2e}, "
                f"across those in the middle {self.middle_sensitivity:.2e}"
            )
        return "\n".join(lines)


def squashing_report(data: Data | nx.Graph, model: nn.Module | None = None) -> SquashingReport:
    """Curvature, spectral gap, Cheeger bounds and, with a model, its sensitivity across the worst edges.

    Directions are dropped first. Gap and Cheeger constant are those of the largest component.

    Args:
        data: a graph, also of networkx (and `x`, with a model).
        model: a module f(x, edge_index).

    Raises:
        TypeError: for heterogeneous graphs.
        ValueError: the graph has no edges.
    """
    data = graph_data(data)
    pairs, n = node_pairs(data.edge_index, data.num_nodes)
    edge_index = to_undirected(remove_self_loops(pairs)[0], num_nodes=n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the docstring says what happens to disconnected graphs
        gap, cut = spectral_gap(edge_index, n), cheeger(edge_index, n)
    edges = edge_index[:, edge_index[0] < edge_index[1]]
    curvature = balanced_forman_curvature(edge_index, n)[edge_index[0] < edge_index[1]]
    order = curvature.argsort(stable=True)
    points = torch.quantile(curvature.cpu(), torch.tensor(QUANTILES, dtype=torch.float64)).tolist()
    worst = middle = None
    if model is not None:
        middle_of = max(0, len(order) // 2 - PROBED_EDGES // 2)
        graph = Data(x=data.x, edge_index=edge_index, num_nodes=n)
        worst, middle = (
            float(sensitivity_across(model, graph, edges[:, order[first : first + PROBED_EDGES]]).nanmean())
            for first in (0, middle_of)
        )
    return SquashingReport(
        num_nodes=n,
        num_edges=edges.size(1),
        quantiles=dict(zip(QUANTILES, points, strict=True)),
        bottleneck_share=float((curvature < BOTTLENECK).double().mean()),
        worst_edge=tuple(edges[:, order[0]].tolist()),
        spectral_gap=gap,
        cheeger=cut,
        worst_sensitivity=worst,
        middle_sensitivity=middle,
    )
