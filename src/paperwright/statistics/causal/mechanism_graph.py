"""Nodes with mechanisms and noises, ordered along the graph: what sampling and counterfactuals share."""

import graphlib
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from .mechanisms import Assignment, Mechanism, broadcast
from .noise import NONE, Noise, Normal, seed_of, stream

NOISE_NODE = "noise of {}"
"""The name of a noise variable that stands as a node of its own, in a twin network."""


class CycleError(ValueError):
    """The parents go in a circle, which the message names."""


class LinearSystem(NamedTuple):
    """x = B x + c + D u, with Gaussian u of mean m and deviations s.

    Attributes:
        nodes: names, in order.
        reduced: A D, with A the inverse of I - B: how each x depends on each u. Shape (nodes, nodes).
        offset: A c. Shape (nodes,).
        mean, deviation: of the noises. Shape (nodes,).
    """

    nodes: tuple[str, ...]
    reduced: Float[Tensor, "nodes nodes"]
    offset: Float[Tensor, " nodes"]
    mean: Float[Tensor, " nodes"]
    deviation: Float[Tensor, " nodes"]


class MechanismGraph:
    """Mechanisms and noises by node, in topological order; checked once, never changed."""

    def __init__(
        self,
        assignments: Mapping[str, Mechanism | Callable[..., Any]],
        noise: Mapping[str, Noise] | None = None,
        *,
        dtype: torch.dtype = torch.float64,
        device: Any = None,
    ) -> None:
        if not assignments:
            raise ValueError("assignments is empty; expected at least one node. Pass {'X': lambda u: u}.")
        mechanisms: dict[str, Mechanism] = {}
        for name, given in assignments.items():
            if not isinstance(given, Mechanism) and not callable(given):
                raise TypeError(f"assignments[{name!r}] is {given!r}; expected a function or a mechanism. Wrap it.")
            mechanisms[name] = given if isinstance(given, Mechanism) else Assignment(given)
        noise = dict(noise or {})
        if unknown := sorted(set(noise) - set(mechanisms)):
            raise ValueError(f"noise has {unknown}; expected some of {list(mechanisms)}. Remove or rename them.")
        for name, mechanism in mechanisms.items():
            if unknown := [parent for parent in mechanism.parents if parent not in mechanisms]:
                raise ValueError(f"{name} reads {unknown}; expected some of {list(mechanisms)}. Add or rename them.")
            own = mechanism.default_noise()
            if name not in noise:
                deterministic = isinstance(mechanism, Assignment) and not mechanism.uses_noise
                if own is None and not deterministic:
                    raise ValueError(f"noise has no {name}; expected a law, such as Normal(). Add it.")
                noise[name] = NONE if own is None else own
            if isinstance(mechanism, Assignment) and not mechanism.uses_noise and noise[name].random:
                warnings.warn(f"the assignment of {name} has no argument u: its noise does nothing", stacklevel=3)
        self.mechanisms: Mapping[str, Mechanism] = mechanisms
        self.noise: Mapping[str, Noise] = {name: noise[name] for name in mechanisms}
        self.parents = {name: mechanism.parents for name, mechanism in mechanisms.items()}
        self.order = topological_order(self.parents)
        self.dtype = dtype
        self.device = torch.device("cpu" if device is None else device)
        self._system: LinearSystem | None = None
        self._linear: bool | None = None

    def known(self, names: Iterable[str], what: str) -> None:
        """Raise ValueError where a name is no node."""
        if unknown := [name for name in names if name not in self.mechanisms]:
            raise ValueError(f"{what} has {unknown}; expected some of {list(self.mechanisms)}. Check the names.")

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """Return the nodes from which a path leads to one of these, and these."""
        found: set[str] = set()
        left = list(names)
        while left:
            name = left.pop()
            if name not in found:
                found.add(name)
                left += self.parents[name]
        return found

    def draw_noise(self, n: int, rng: Any, names: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Draw each node's noise from its own stream."""
        seed = seed_of(rng)
        return {name: self.noise_rows(name, n, seed) for name in (self.order if names is None else names)}

    def noise_rows(self, name: str, n: int, seed: int) -> Tensor:
        """Draw one node's noise; a noise that is a node of a twin network has the stream of the node it serves."""
        key = name.removeprefix(NOISE_NODE.format(""))
        u = self.noise[name].sample(n, stream(seed, key))
        return u.to(self.device, self.dtype)

    def propagate(
        self, noise: Mapping[str, Tensor], names: Iterable[str] | None = None, given: Mapping[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """Return every node's value, along the order, from the noises; nodes in `given` have their value already."""
        needed = set(self.order if names is None else names)
        values: dict[str, Tensor] = dict(given or {})
        for name in self.order:
            if name in needed and name not in values:
                mechanism = self.mechanisms[name]
                x = mechanism.value({parent: values[parent] for parent in mechanism.parents}, noise[name])
                x = broadcast(x, noise[name])
                if len(x) != len(noise[name]):
                    raise ValueError(
                        f"{name} has shape {tuple(x.shape)} for {len(noise[name])} rows; expected one value a row. "
                        "Write the assignment for whole columns."
                    )
                values[name] = x.to(self.device, self.dtype if x.is_floating_point() else x.dtype)
        return values

    def linear_system(self) -> LinearSystem | None:
        """Return the whole model as matrices if it is linear with Gaussian noise, else None."""
        if self._linear is None:
            self._system = self._as_linear()
            self._linear = self._system is not None
        return self._system

    def _as_linear(self) -> LinearSystem | None:
        position = {name: i for i, name in enumerate(self.order)}
        B, D = torch.zeros(2, len(position), len(position), dtype=torch.float64)
        c, mean, deviation = torch.zeros(3, len(position), dtype=torch.float64)
        for name, i in position.items():
            law, form = self.noise[name], self.mechanisms[name].linear_form()
            if form is None or not (isinstance(law, Normal) or not law.random):
                return None
            if isinstance(law, Normal):
                mean[i], deviation[i] = law.mean, law.deviation
            for parent, weight in form.weights.items():
                B[i, position[parent]] = weight
            c[i], D[i, i] = form.intercept, form.scale
        A = torch.linalg.inv(torch.eye(len(position), dtype=torch.float64) - B)
        return LinearSystem(self.order, A @ D, A @ c, mean, deviation)


def topological_order(parents: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    try:
        return tuple(graphlib.TopologicalSorter(parents).static_order())
    except graphlib.CycleError as error:
        circle = " -> ".join(error.args[1])
        raise CycleError(f"the parents go in a circle, {circle}; expected none. Remove an edge.") from None
