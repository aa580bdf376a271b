"""The two levels below the structural model: causal graphical and statistical models, and what each forgets."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from jaxtyping import Float
from torch import Tensor

from .mechanism_graph import topological_order
from .mechanisms import Categorical, Fixed, Mechanism, Parents, same
from .noise import NONE, Noise, seed_of, stream

MOST_CELLS = 10_000_000


class LevelError(ValueError):
    """A question that models of this level cannot answer."""


class ConditionalLaw(ABC):
    """p(node | parents)."""

    @abstractmethod
    def sample(self, parents: Parents, n: int, generator: torch.Generator) -> Tensor:
        """Draw one value for each row of the parents."""

    @abstractmethod
    def log_prob(self, x: Tensor, parents: Parents) -> Tensor:
        """Return the log-density of each row."""


@dataclass(frozen=True)
class MechanismLaw(ConditionalLaw):
    """The law that a mechanism and its noise entail."""

    mechanism: Mechanism
    noise: Noise

    def sample(self, parents: Parents, n: int, generator: torch.Generator) -> Tensor:
        """Draw one value for each row of the parents."""
        u = self.noise.sample(n, generator)
        x = self.mechanism.value(parents, u)
        return x.expand(n) if x.ndim == 0 else x

    def log_prob(self, x: Tensor, parents: Parents) -> Tensor:
        """Return the log-density of each row."""
        found = self.mechanism.log_prob(self.noise, parents, x)
        if found is None:
            raise ValueError(
                "the mechanism has no density; expected one that is affine in u, Invertible, Categorical or of finite "
                "noise. Give its inverse."
            )
        return found


class CausalGraphicalModel:
    r"""A graph with a conditional law for each node: it answers what an intervention does, and no counterfactual.

    .. math:: p(x) = \prod_i p(x_i | pa_i), \qquad p(x | do(x_j = v)) = [x_j = v] \prod_{i \ne j} p(x_i | pa_i)

    Args:
        graph: node -> parents.
        conditionals: node -> its law.
        dtype, device: of what is sampled.

    Source: survey, section on causal graphical models, equations of the Markov and the truncated factorisation.
    """

    def __init__(
        self,
        graph: Mapping[str, Iterable[str]],
        conditionals: Mapping[str, ConditionalLaw],
        *,
        dtype: torch.dtype = torch.float64,
        device: Any = None,
    ) -> None:
        self.parents = {name: tuple(above) for name, above in graph.items()}
        if set(self.parents) != set(conditionals):
            raise ValueError(f"conditionals has {sorted(conditionals)}; expected {sorted(self.parents)}. One a node.")
        self.order = topological_order(self.parents)
        self.conditionals = dict(conditionals)
        self.dtype, self.device = dtype, torch.device("cpu" if device is None else device)
        self._joint: Tensor | None = None

    def sample(self, n: int, rng: Any = None) -> dict[str, Tensor]:
        """Draw n rows along the order."""
        seed, values = seed_of(rng), dict[str, Tensor]()
        for name in self.order:
            given = {parent: values[parent] for parent in self.parents[name]}
            x = self.conditionals[name].sample(given, n, stream(seed, name)).to(self.device)
            values[name] = x.to(self.dtype) if x.is_floating_point() else x
        return {name: values[name] for name in self.parents}

    def log_prob(self, data: Mapping[str, Any]) -> Float[Tensor, " rows"]:
        """Return the log-density of complete rows."""
        if missing := [name for name in self.parents if name not in data]:
            raise ValueError(f"data has no {missing}; expected every node. Add them, or use abduct of the SCM.")
        tensors = {name: torch.as_tensor(data[name]) for name in self.parents}
        tensors = {name: x[None] if x.ndim == 0 else x for name, x in tensors.items()}
        parts = [
            self.conditionals[name].log_prob(tensors[name], {parent: tensors[parent] for parent in self.parents[name]})
            for name in self.order
        ]
        return torch.stack(parts).sum(0)

    def do(self, **values: Any) -> "CausalGraphicalModel":
        """Return the model with the factors of these nodes replaced by a point."""
        if unknown := [name for name in values if name not in self.parents]:
            raise ValueError(f"do got {unknown}; expected some of {list(self.parents)}. Check the names.")
        points = {name: MechanismLaw(_Point(value), NONE) for name, value in values.items()}
        graph = {name: () if name in values else above for name, above in self.parents.items()}
        return CausalGraphicalModel(graph, self.conditionals | points, dtype=self.dtype, device=self.device)

    def joint(self) -> tuple[tuple[str, ...], Tensor]:
        """Return the nodes and the table of their joint law, exactly, where all are categories; made once."""
        if self._joint is None:
            self._joint = self._joint_table()
        return self.order, self._joint

    def _joint_table(self) -> Tensor:
        sizes = dict[str, int]()
        for name in self.order:
            law = self.conditionals[name]
            mechanism = law.mechanism if isinstance(law, MechanismLaw) else None
            if isinstance(mechanism, _Point):
                sizes[name] = int(mechanism.constant) + 1
            elif isinstance(mechanism, Categorical):
                sizes[name] = mechanism.categories
            else:
                raise ValueError(f"{name} is no category; expected that of all nodes. Use sample(...).")
        if math.prod(sizes.values()) > MOST_CELLS:
            raise ValueError(f"the joint table has {math.prod(sizes.values())} cells; expected {MOST_CELLS}. Sample.")
        grid = torch.cartesian_prod(*(torch.arange(size) for size in sizes.values())).reshape(-1, len(sizes))
        data = {name: grid[:, i] for i, name in enumerate(self.order)}
        return self.log_prob(data).exp().reshape(tuple(sizes.values()))

    def probability(self, event: Mapping[str, int], given: Mapping[str, int] | None = None) -> float:
        """Return the probability of categories given others, exactly, where all nodes are categories."""
        order, joint = self.joint()

        def mass(fixed: Mapping[str, int]) -> float:
            return float(joint[tuple(fixed.get(name, slice(None)) for name in order)].sum())

        both, of = mass({**(given or {}), **event}), mass(given or {})
        if not of:
            raise ValueError(f"given is {given}, which has probability 0; expected what can be. Change it.")
        return both / of

    def to_statistical(self) -> "StatisticalModel":
        """Return the joint law, without the graph."""
        return StatisticalModel(tuple(self.parents), self.sample, self.log_prob)

    def counterfactual(self, *args: Any, **options: Any) -> NoReturn:
        """Refuse: two structural models with these same laws can differ in what would have been."""
        raise LevelError(
            "a causal graphical model has no noise of the unit; expected a structural model. "
            "Say how the noise makes the value: SCM(...)."
        )

    abduct = twin_network = counterfactual


class StatisticalModel:
    """A joint law and nothing else: it predicts what comes from the same law.

    Args:
        names: of the variables.
        sampler: ``(n, rng) -> rows``.
        log_density: ``rows -> log-densities``.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        sampler: Callable[[int, Any], dict[str, Tensor]],
        log_density: Callable[[Mapping[str, Any]], Tensor],
    ) -> None:
        self.names, self._sampler, self._log_density = names, sampler, log_density

    def sample(self, n: int, rng: Any = None) -> dict[str, Tensor]:
        """Draw n rows."""
        return self._sampler(n, rng)

    def log_prob(self, data: Mapping[str, Any]) -> Float[Tensor, " rows"]:
        """Return the log-density of complete rows."""
        return self._log_density(data)

    def predict(
        self, target: str, given: Mapping[str, Any], *, draws: int = 20_000, neighbours: int = 100, rng: Any = 0
    ) -> Float[Tensor, " rows"]:
        """Return E[target | given] for each row, as the mean of the nearest draws of the joint law."""
        from sklearn.neighbors import KNeighborsRegressor

        rows = self.sample(draws, rng)
        known = torch.stack([rows[name].to(torch.float64) for name in given], -1)
        asked = torch.stack([torch.as_tensor(x, dtype=torch.float64) for x in given.values()], -1)
        model = KNeighborsRegressor(neighbours).fit(known.numpy(), rows[target].numpy())
        return torch.from_numpy(model.predict(asked.reshape(-1, len(given)).numpy()))

    def do(self, **values: Any) -> NoReturn:
        """Refuse: models of every direction can have this joint law."""
        raise LevelError(
            "a statistical model has a joint law and no graph; expected a causal graphical model. Draw a graph."
        )

    def counterfactual(self, *args: Any, **options: Any) -> NoReturn:
        """Refuse: neither a graph nor the noise of the unit is known."""
        raise LevelError(
            "a statistical model has neither graph nor noise of the unit; expected a structural model. Build an SCM."
        )

    abduct = twin_network = counterfactual


class _Point(Fixed):
    """A constant whose probability is one where it is met."""

    def log_prob(self, law: Noise, parents: Parents, x: Tensor) -> Tensor:
        return same(self.value(parents, torch.zeros(len(x), dtype=torch.float64)), x).to(torch.float64).log()
