"""Whether anything is told apart that a bound says cannot be, and whether one round less would have been too few."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import networkx as nx
import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from paperwright.data.graph_pairs import as_data, graph_pair

from ..analysis.analysis import Analysis, analyse
from ..analysis.bounds import Bound
from ..analysis.evaluation import evaluate_together
from ..language.builders import AGGREGATORS, E, Features, P, aggregate, apply, different, equal, indices, total
from ..language.expressions import Expression, Index
from ..models.depth import separation_power_of_model
from ..models.separation import classes_of_test, distinctions, outputs_of, random_network
from .hard_pairs import Pair, separates_pair
from .message_passing import ARCHITECTURES

PRIME = (1 << 31) - 1
LARGEST_DIMENSION = 3
"""k-WL of six-node graphs takes 6^k colours; expressions have at most four names, so that k = 3 is all there is."""


@dataclass(frozen=True)
class RandomPolynomial:
    """v -> l + l^2 + l^3 modulo a prime, l = offset + sum_i slope^(i+1) v_i: a function of several numbers to one."""

    slope: int
    offset: int
    modulus: int = PRIME

    @property
    def __name__(self) -> str:
        return "f"

    def __call__(self, values: Tensor) -> Tensor:
        """int64 [..., width] to [..., 1]."""
        mixed, power = torch.full_like(values[..., :1], self.offset), 1
        for i in range(values.size(-1)):
            power = power * self.slope % self.modulus
            mixed = (mixed + power * values[..., i : i + 1]) % self.modulus
        return (mixed + mixed * mixed % self.modulus * (1 + mixed)) % self.modulus


class RandomExpressions:
    """A source of random expressions.

    Args:
        generator: source of randomness.
        names: how many index names they may use, 2 to 4.
        columns: how many label columns the graphs have.
        modulus: of the functions within.
    """

    def __init__(
        self, generator: np.random.Generator, names: int = 3, *, columns: int = 1, modulus: int = PRIME
    ) -> None:
        if not 2 <= names <= 4:
            raise ValueError(f"names is {names}; expected 2, 3 or 4.")
        self._random = generator
        self._names = indices("x y z w")[:names]
        self._columns = columns
        self._modulus = modulus

    def draw(self, free: int, depth: int) -> Expression:
        """A random expression.

        Args:
            free: at most so many free indices.
            depth: about how deep sums are nested; it may turn out a little less.
        """
        if free > len(self._names):
            raise ValueError(f"free is {free}; expected at most {len(self._names)}, the number of names.")
        return self._drawn(self._names[:free], depth)

    def _drawn(self, scope: tuple[Index, ...], depth: int) -> Expression:
        """An expression whose free indices lie in the scope."""
        if not depth or not scope:
            return self._sum(scope, depth) if depth else self._atoms(scope, int(self._random.integers(1, 4)))
        match self._random.choice(["sum", "function", "product", "combination"], p=[0.45, 0.35, 0.1, 0.1]):
            case "sum":
                return self._sum(scope, depth)
            case "function":
                more = [self._drawn(scope, self._less(depth)) for _ in range(self._random.integers(0, 3))]
                return apply(self._function(), self._drawn(scope, depth), *more)
            case "product":
                return self._drawn(scope, depth) * self._drawn(scope, self._less(depth))
            case _:
                coefficient = int(self._random.integers(1, 100))
                return coefficient * self._drawn(scope, depth) - self._drawn(scope, self._less(depth))

    def _sum(self, scope: tuple[Index, ...], depth: int) -> Expression:
        y = self._names[self._random.integers(len(self._names))]
        inner = tuple(dict.fromkeys((*scope, y)))
        if len(inner) > 1 and self._random.random() < 0.3:  # look only at the node that is summed over
            inner = (y,)
        body = self._drawn(inner, depth - 1)
        others = [index for index in scope if index != y]
        linked = others and self._random.random() < 0.75
        guard = E(others[self._random.integers(len(others))], y) if linked else None
        if self._random.random() < 0.2:
            kind = AGGREGATORS[self._random.integers(3)]
            return aggregate(kind, y, 1 if guard is None else guard, body)
        return total(y, body if guard is None else guard * body)

    def _less(self, depth: int) -> int:
        return int(self._random.integers(0, depth + 1))

    def _function(self) -> RandomPolynomial:
        slope, offset = (int(self._random.integers(1, self._modulus)) for _ in range(2))
        return RandomPolynomial(slope, offset, self._modulus)

    def _atoms(self, scope: tuple[Index, ...], count: int) -> Expression:
        found: Expression | None = None
        for _ in range(count if scope else 0):
            atom = self._atom(scope)
            found = atom if found is None else found * atom
        return found if found is not None else total(self._names[0], P(0, self._names[0]))

    def _atom(self, scope: tuple[Index, ...]) -> Expression:
        x, y = (scope[i] for i in self._random.integers(len(scope), size=2))
        kind = self._random.integers(6)
        if x == y or kind == 0:
            return P(int(self._random.integers(self._columns)), x) if self._random.random() < 0.7 else Features(x)
        return (E, E, E, equal, different)[kind - 1](x, y)


class Trial:
    """Graphs of one size, coloured once for each test, on which bounds are tried.

    Args:
        graphs: torch_geometric `Data` of n nodes each.
        modulus: a prime for exact arithmetic.
    """

    def __init__(self, graphs: Sequence[Any], modulus: int = PRIME) -> None:
        self.graphs = list(graphs)
        self._modulus = modulus
        self._colors: dict[tuple[str, int, int | None, str], Tensor] = {}

    def values(self, expression: Expression) -> Tensor:
        """The expression's values on all graphs, int64 [graphs, n, ..., n, width]."""
        return evaluate_together(expression, self.graphs, modulus=self._modulus)

    def holds(self, bound: Bound, values: Tensor) -> bool:
        """Whether everything that the bound's test gives one colour has one value.

        Args:
            bound: at the level of the values.
            values: from `values`.
        """
        colors = self._colors_of(bound)
        rows = values.reshape(len(colors), -1)
        order = torch.argsort(colors, stable=True)
        colors, rows = colors[order], rows[order]
        alike = colors[1:] == colors[:-1]
        return bool((rows[1:][alike] == rows[:-1][alike]).all())

    def _colors_of(self, bound: Bound) -> Tensor:
        key = bound.test, bound.k, bound.rounds, bound.level
        if key not in self._colors:
            self._colors[key] = torch.cat([colors.reshape(-1) for colors in bound.colors(self.graphs)])
        return self._colors[key]


def with_one_round_less(bound: Bound) -> Bound | None:
    """The control: a bound that should break for some expression; None where there is no round to take away."""
    return replace(bound, rounds=bound.rounds - 1) if bound.rounds else None


# -- tallies -----------------------------------------------------------------------------------------------------------


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


def tally_expressions(seed: int, count: int, *, labelled: bool, graphs: int = 25) -> Tally:
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


def tally_architecture(
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
        model = random_network(partial(ARCHITECTURES[name], depth), seed)
        bound = separation_power_of_model(model)
        control = with_one_round_less(bound)
        for pair in pairs.values():
            if not bound.separates(*pair):
                tally.add(separates_pair(model, pair))
            elif control is not None and not control.separates(*pair):
                tally.add_control(separates_pair(model, pair))
        outputs = outputs_of(model, graphs)
        tally.add(distinctions(outputs, classes_of_test(bound, graphs)).beyond > 0)
        if control is not None:
            tally.add_control(distinctions(outputs, classes_of_test(control, graphs)).beyond > 0)
    return tally
