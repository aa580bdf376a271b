"""Interventions: what replaces a mechanism or the law of its noise, and environments made of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .mechanisms import Assignment, Fixed, Linear, Mechanism
from .noise import NONE, Noise, Normal, Scaled


@dataclass(frozen=True)
class Intervention:
    """Changes of some nodes' mechanisms or noises; others stay as they are.

    Attributes:
        mechanisms: node -> its new mechanism.
        noise: node -> the new law of its noise.
        factors: node -> by what its noise is multiplied.
        replaced: nodes whose noise is another variable than before, not to be inferred from evidence.
    """

    mechanisms: Mapping[str, Mechanism] = field(default_factory=dict)
    noise: Mapping[str, Noise] = field(default_factory=dict)
    factors: Mapping[str, float] = field(default_factory=dict)
    replaced: frozenset[str] = frozenset()

    def apply(
        self, mechanisms: Mapping[str, Mechanism], noise: Mapping[str, Noise]
    ) -> tuple[dict[str, Mechanism], dict[str, Noise]]:
        """Return the mechanisms and noises after it, in the same order."""
        if unknown := sorted({*self.mechanisms, *self.noise, *self.factors} - set(mechanisms)):
            raise ValueError(f"the intervention is on {unknown}; expected some of {list(mechanisms)}. Check the names.")
        laws = {name: self.noise.get(name, law) for name, law in noise.items()}
        for name, factor in self.factors.items():
            law = laws[name]
            scaled = Normal(law.mean * factor, law.deviation * factor) if isinstance(law, Normal) else None
            laws[name] = Scaled(law, factor) if scaled is None else scaled
        return {name: self.mechanisms.get(name, mechanism) for name, mechanism in mechanisms.items()}, laws


def do(**values: Any) -> Intervention:
    """Return the intervention that sets nodes: to a value, to draws of a law, or by a rule that reads other nodes.

    Args:
        values: node -> a number or tensor (one, or one a row), a noise law, or a function of other nodes without `u`.

    >>> do(H=2.0).mechanisms["H"].equation("H")
    'H := 2'
    """
    mechanisms: dict[str, Mechanism] = {}
    laws: dict[str, Noise] = {}
    for name, value in values.items():
        if isinstance(value, Noise):
            mechanisms[name], laws[name] = Linear({}), value
        elif callable(value) and not isinstance(value, Tensor):
            rule = Assignment(value)
            if rule.uses_noise:
                raise ValueError(f"do got a function of u for {name}; expected one of other nodes. Use shift(...).")
            mechanisms[name], laws[name] = rule, NONE
        else:
            plain = value if isinstance(value, Tensor) else np.asarray(value)
            if isinstance(plain, np.ndarray) and plain.dtype.kind not in "biuf":
                raise TypeError(f"do got {value!r} for {name}; expected numbers, a law or a function of nodes.")
            constant = torch.as_tensor(plain)
            if constant.is_floating_point() and not bool(constant.isfinite().all()):
                raise ValueError(f"do got {value!r} for {name}; expected finite numbers. Set another value.")
            mechanisms[name], laws[name] = Fixed(constant), NONE
    return Intervention(mechanisms, laws, replaced=frozenset(values))


def shift(**assignments: Mechanism | Callable[..., Any]) -> Intervention:
    """Return the soft intervention that gives nodes new assignments and leaves them their noise.

    Args:
        assignments: node -> a function of `u` and any other nodes, or a mechanism.

    >>> shift(H=lambda X, u: X + 2 * u).mechanisms["H"].parents
    ('X',)
    """
    given = {n: f if isinstance(f, Mechanism) else Assignment(f) for n, f in assignments.items()}
    return Intervention(given)


def scale_noise(**factors: float) -> Intervention:
    """Return the intervention that multiplies nodes' noises.

    >>> scale_noise(X=3.0).apply({"X": Linear({})}, {"X": Normal()})[1]["X"]
    Normal(mean=0.0, deviation=3.0)
    """
    return Intervention(factors=factors)


@dataclass(frozen=True)
class Environment:
    """A place or time where data come from, with what is different there.

    Args:
        name: its label.
        interventions: applied from left to right.
    """

    name: str
    interventions: tuple[Intervention, ...] = ()

    def __init__(self, name: str, *interventions: Intervention) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "interventions", interventions)
