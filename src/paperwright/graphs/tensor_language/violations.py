"""Whether anything is told apart that a bound says cannot be, and whether one round less would have been too few."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import networkx as nx
import numpy as np
import torch
from torch_geometric.data import Data

from paperwright.data.graph_pairs import as_data, graph_pair

from .analysis import Analysis, analyse
from .bounds import Bound
from .distinctions import classes_by, distinctions, outputs_of, seeded
from .hard_pairs import Pair, told_apart
from .model_depth import separation_power_of_model
from .random_expressions import RandomExpressions, Trial, with_one_round_less
from .random_models import ARCHITECTURES

LARGEST_DIMENSION = 3
"""k-WL of six-node graphs takes 6^k colours; expressions have at most four names, so that k = 3 is all there is."""


@dataclass
class Tally:
    """What was tried.

    Attributes:
        bounds: bounds held against the values of whatever the test gives one colour.
        violations: those in which two such values differed.
        controls: bounds with one round taken away.
        control_violations: those that broke, which shows that the trial can fail.
    """

    bounds: int = 0
    violations: int = 0
    controls: int = 0
    control_violations: int = 0

    def add(self, violated: bool) -> None:
        """One bound more."""
        self.bounds += 1
        self.violations += violated

    def add_control(self, violated: bool) -> None:
        """One control more."""
        self.controls += 1
        self.control_violations += violated


def six_node_graphs(random: np.random.Generator, count: int, *, labelled: bool) -> list[Data]:
    """Two cubic graphs, two of degree two that colour refinement confuses with each other, and others of the atlas."""
    atlas = [graph for graph in nx.graph_atlas_g() if len(graph) == 6]
    drawn = [as_data(atlas[i]) for i in random.permutation(len(atlas))[:count]]
    graphs = [*graph_pair("c6"), *graph_pair("k33-prism"), *drawn]
    for graph in graphs if labelled else ():
        graph.x = torch.from_numpy(random.integers(0, 2, (6, 1))).double()
    return graphs


def tally_of_expressions(seed: int, count: int, *, labelled: bool, graphs: int = 25) -> Tally:
    """Random expressions of two to four names and depth up to about three, on four hard graphs and more drawn ones."""
    random = np.random.default_rng(seed)
    trial, tally = Trial(six_node_graphs(random, graphs, labelled=labelled)), Tally()
    for _ in range(count):
        names = int(random.choice([2, 2, 3, 3, 4]))
        source = RandomExpressions(random, names)
        expression = source.draw(int(random.integers(0, 3)), int(random.integers(1, 4)))
        values = trial.values(expression)
        for bound in bounds_of(analyse(expression)):
            tally.add(not trial.holds(bound, values))
            control = with_one_round_less(bound)
            if control is not None:
                tally.add_control(not trial.holds(control, values))
    return tally


def bounds_of(analysis: Analysis) -> set[Bound]:
    """The bound that an analysis calls the strongest, and one for every number of indices on its Pareto front."""
    strongest = analysis.bound
    front = {Bound("wl", max(names - 1, 1), depth, strongest.level) for names, depth in analysis.pareto}
    return {bound for bound in {strongest, *front} if bound.k <= LARGEST_DIMENSION}


def tally_of_architecture(
    name: str, seed: int, layers: Iterable[int], pairs: Mapping[str, Pair], graphs: Sequence[Data]
) -> Tally:
    """One random network for each number of layers, bounded by what it is.

    Args:
        name: of the architecture.
        seed: decides the weights.
        layers: how many, one network for each.
        pairs: whose outputs, summed over the nodes, are compared.
        graphs: all of whose nodes' outputs are compared with each other.
    """
    tally = Tally()
    for depth in layers:
        model = seeded(partial(ARCHITECTURES[name], depth), seed)
        bound = separation_power_of_model(model)
        control = with_one_round_less(bound)
        for pair in pairs.values():
            if not bound.separates(*pair):
                tally.add(told_apart(model, pair))
            elif control is not None and not control.separates(*pair):
                tally.add_control(told_apart(model, pair))
        outputs = outputs_of(model, graphs)
        tally.add(distinctions(outputs, classes_by(bound, graphs)).beyond > 0)
        if control is not None:
            tally.add_control(distinctions(outputs, classes_by(control, graphs)).beyond > 0)
    return tally
