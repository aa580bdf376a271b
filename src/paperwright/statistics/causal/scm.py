"""Structural causal models: sample, intervene, and ask what would have been."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from .counterfactuals import Method, NoisePosterior, abduct, read_evidence, run_again
from .interventions import Environment, Intervention, scale_noise, shift
from .interventions import do as do_intervention
from .levels import CausalGraphicalModel, MechanismLaw
from .mechanism_graph import NOISE_NODE, MechanismGraph
from .mechanisms import Mechanism, Parents
from .noise import NONE, Noise, seed_of

PRIOR_DRAWS = 10_000
"""Draws from the prior that are weighed where no exact way to infer the noise exists."""


class SCM(MechanismGraph):
    r"""A structural causal model.

    .. math:: X_i := f_i(PA_i, U_i), \qquad U_1, \dots, U_d \text{ independent}

    It is never changed: an intervention returns another model that shares the mechanisms.

    Args:
        assignments: node -> a function whose arguments are its parents' names and `u`, its noise, written for whole
            columns in torch; or a mechanism: `Linear`, `AdditiveNoise`, `Categorical`, `Invertible`, `NeuralMechanism`.
        noise: node -> the law of its noise; categorical mechanisms bring their own.
        dtype, device: of what is sampled.

    Raises:
        CycleError: the parents go in a circle.
        ValueError: an unknown parent, or a noise that is missing.

    Source: survey, section on structural causal models, definition 1.

    >>> from paperwright.statistics.causal import Normal
    >>> scm = SCM({"X": lambda u: u, "H": lambda X, u: 0.5 * X + u, "Y": lambda X, H, u: 0.7 * X + 0.4 * H + u},
    ...           noise=dict.fromkeys("XHY", Normal()))
    >>> round(float(scm.counterfactual({"X": 0.5, "H": 1.0, "Y": 1.5}, do={"H": 2.0})["Y"]), 6)
    1.9
    """

    def sample(self, n: int, rng: Any = None, *, targets: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Draw n rows.

        Args:
            n: how many.
            rng: a seed, a generator of numpy or torch, or None for fresh randomness. The same seed gives the same
                noise to every model with a node of that name: before and after an intervention, say.
            targets: nodes that are wanted; nothing is computed that they do not need.
        """
        if n < 1:
            raise ValueError(f"n is {n}; expected at least 1. Ask for rows.")
        wanted = list(self.mechanisms) if targets is None else list(targets)
        self.known(wanted, "targets")
        names = self.ancestors(wanted)
        values = self.propagate(self.draw_noise(n, rng, names), names)
        return {name: values[name] for name in wanted}

    def intervene(self, *interventions: Intervention) -> "SCM":
        """Return the model after interventions, applied from left to right; of two on one node the later counts."""
        mechanisms, noise = dict(self.mechanisms), dict(self.noise)
        for each in interventions:
            mechanisms, noise = each.apply(mechanisms, noise)
        return SCM(mechanisms, noise, dtype=self.dtype, device=self.device)

    def do(self, **values: Any) -> "SCM":
        """Return the model in which nodes are set; see :func:`.do`."""
        return self.intervene(do_intervention(**values))

    def shift(self, **assignments: Any) -> "SCM":
        """Return the model in which nodes have other assignments; see :func:`.shift`."""
        return self.intervene(shift(**assignments))

    def scale_noise(self, **factors: float) -> "SCM":
        """Return the model in which noises are multiplied; see :func:`.scale_noise`."""
        return self.intervene(scale_noise(**factors))

    def environments(
        self, environments: Sequence[Environment], n: int, rng: Any = None, column: str = "environment"
    ) -> dict[str, Any]:
        """Draw n rows in each environment; one more column holds its name."""
        seed = seed_of(rng)
        parts = [self.intervene(*each.interventions).sample(n, seed + i) for i, each in enumerate(environments)]
        table: dict[str, Any] = {name: torch.cat([part[name] for part in parts]) for name in self.mechanisms}
        return table | {column: np.repeat([each.name for each in environments], n)}

    def abduct(
        self, evidence: Mapping[str, Any], method: Method = "auto", n: int = PRIOR_DRAWS, rng: Any = None
    ) -> NoisePosterior:
        """Infer the noises of units of which something was observed.

        Args:
            evidence: node -> its value, or one for each unit; nodes may be missing.
            method: "exact" refuses to approximate; "importance" weighs draws by the evidence's density, "rejection"
                throws away those that differ, for discrete evidence.
            n: draws: of the posterior where it is exact, of the prior where draws are weighed.
            rng: as in :meth:`sample`.

        Raises:
            ImpossibleEvidence: probability zero, or fewer than 10 effective draws.
        """
        rows, count, _ = read_evidence(self, evidence)
        return abduct(self, rows, count, n, seed_of(rng), method, n)

    def counterfactual(
        self,
        evidence: Mapping[str, Any],
        do: Mapping[str, Any] | Intervention,
        n: int = 1,
        target: str | Iterable[str] | None = None,
        *,
        method: Method = "auto",
        rng: Any = None,
    ) -> dict[str, Tensor]:
        """Say what would have been: the same units, hence the same noise, in the changed model.

        Args:
            evidence: what was observed. Shape () for one unit or (rows,).
            do: what is changed: node -> value, law or rule as for :func:`.do`, or any intervention.
            n: draws, where the evidence leaves the answer open; they add a leading axis if more than one.
            target: the nodes that are wanted; all by default.
            method, rng: as in :meth:`abduct`.

        Returns:
            node -> values. Shape () or (rows,), with n > 1 and an open answer (n, ...).

        Source: survey, section on counterfactuals; Pearl 2009, theorem 7.1.7.
        """
        if n < 1:
            raise ValueError(f"n is {n}; expected at least 1. Ask for a draw.")
        rows, count, scalar = read_evidence(self, evidence)
        change = do if isinstance(do, Intervention) else do_intervention(**do)
        changed = self.intervene(change)
        targets = [target] if isinstance(target, str) else None if target is None else list(target)
        changed.known(targets or (), "target")
        seed = seed_of(rng)
        posterior = abduct(self, rows, count, n, seed, method, max(n, PRIOR_DRAWS))
        values = run_again(changed, posterior, set(change.replaced), n, seed, targets)
        if len(next(iter(values.values()))) == 1:
            values = {name: x[0] for name, x in values.items()}
            return {name: x[0] for name, x in values.items()} if scalar else values
        return {name: x[:, 0] for name, x in values.items()} if scalar else values

    def twin_network(self, do: Mapping[str, Any] | Intervention) -> "SCM":
        """Return the model of both worlds at once: each node, and ``NODE*`` after the change, with shared noise.

        Source: Balke and Pearl 1994.
        """
        change = do if isinstance(do, Intervention) else do_intervention(**do)
        changed = self.intervene(change)
        mechanisms: dict[str, Mechanism] = {}
        noise: dict[str, Noise] = {}
        for name in self.order:
            shared = NOISE_NODE.format(name)
            mechanisms[shared], noise[shared] = _Itself(), self.noise[name]
            mechanisms[name] = _Shared(self.mechanisms[name], shared, "")
            if name in change.replaced:
                mechanisms[f"{name}*"], noise[f"{name}*"] = _Renamed(changed.mechanisms[name]), changed.noise[name]
            else:
                mechanisms[f"{name}*"] = _Shared(changed.mechanisms[name], shared, "*")
        return SCM(mechanisms, {**dict.fromkeys(mechanisms, NONE), **noise}, dtype=self.dtype, device=self.device)

    def mean(self) -> dict[str, float]:
        """Return each node's mean, exactly, for a linear Gaussian model."""
        system = self._gaussian()
        return dict(zip(system.nodes, (system.offset + system.reduced @ system.mean).tolist(), strict=True))

    def covariance(self, names: Sequence[str] | None = None) -> Float[Tensor, "nodes nodes"]:
        """Return the covariance matrix, exactly, for a linear Gaussian model; nodes in the order of `names`."""
        system = self._gaussian()
        names = list(self.mechanisms) if names is None else list(names)
        self.known(names, "names")
        rows = [system.nodes.index(name) for name in names]
        root = (system.reduced * system.deviation)[rows]
        return root @ root.T

    def _gaussian(self) -> Any:
        system = self.linear_system()
        if system is None:
            raise ValueError(
                "the model is not linear with Normal noise; expected that for closed forms. Use sample(...)."
            )
        return system

    def to_graphical(self) -> CausalGraphicalModel:
        """Return the causal graphical model: it keeps p(node | parents) and forgets how noise makes the value."""
        laws = {name: MechanismLaw(self.mechanisms[name], self.noise[name]) for name in self.mechanisms}
        return CausalGraphicalModel(self.parents, laws, dtype=self.dtype, device=self.device)

    def log_prob(self, data: Mapping[str, Any]) -> Float[Tensor, " rows"]:
        """Return the log-density of rows, by the Markov factorisation."""
        return self.to_graphical().log_prob(data)

    def equations(self) -> str:
        """Return all assignments as text, one a line, in topological order, with the laws of the noises."""
        lines = []
        for name in self.order:
            law = f"   U_{name} ~ {self.noise[name]}" if self.noise[name].random else ""
            lines.append(self.mechanisms[name].equation(name) + law)
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"SCM({', '.join(self.order)})"

    def to_networkx(self) -> Any:
        """Return a networkx DiGraph with each node's "mechanism" and "noise"."""
        import networkx

        graph = networkx.DiGraph()
        for name in self.mechanisms:
            graph.add_node(name, mechanism=self.mechanisms[name], noise=self.noise[name])
        graph.add_edges_from((parent, name) for name, above in self.parents.items() for parent in above)
        return graph

    @classmethod
    def from_networkx(cls, graph: Any, mechanisms: Mapping[str, Any] | None = None, **options: Any) -> "SCM":
        """Return the model of a DiGraph whose nodes carry a "mechanism" and a "noise", or of `mechanisms` for it."""
        given = mechanisms or {name: data["mechanism"] for name, data in graph.nodes(data=True)}
        noise = {name: data["noise"] for name, data in graph.nodes(data=True) if "noise" in data}
        model = cls({name: given[name] for name in graph.nodes}, noise, **options)
        edges = {(parent, name) for name, above in model.parents.items() for parent in above}
        if edges - set(graph.edges):
            raise ValueError(
                f"mechanisms read {sorted(edges - set(graph.edges))}; expected edges of the graph. Add them."
            )
        return model


class _Itself(Mechanism):
    """A node that is its noise."""

    def value(self, parents: Parents, u: Tensor) -> Tensor:
        return u


class _Renamed(Mechanism):
    """A mechanism that reads the changed world's nodes."""

    def __init__(self, mechanism: Mechanism) -> None:
        self.mechanism = mechanism
        self.parents = tuple(f"{name}*" for name in mechanism.parents)

    def value(self, parents: Parents, u: Tensor) -> Tensor:
        return self.mechanism.value({name: parents[f"{name}*"] for name in self.mechanism.parents}, u)


class _Shared(Mechanism):
    """A mechanism that reads its noise from a node."""

    def __init__(self, mechanism: Mechanism, noise: str, mark: str) -> None:
        self.mechanism, self.noise, self.mark = mechanism, noise, mark
        self.parents = (*(f"{name}{mark}" for name in mechanism.parents), noise)

    def value(self, parents: Parents, u: Tensor) -> Tensor:
        own = {name: parents[f"{name}{self.mark}"] for name in self.mechanism.parents}
        return self.mechanism.value(own, parents[self.noise])
