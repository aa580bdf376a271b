"""Counterfactuals: infer the noise of the unit at hand, change the model, let the same noise run through it.

Exact where the model allows: pointwise for complete evidence, by matrices for linear Gaussian models, by enumeration
where all noises are finite. Otherwise by weighted draws.
"""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from .mechanism_graph import LinearSystem, MechanismGraph
from .mechanisms import ImpossibleEvidence, Mechanism, same
from .noise import Finite, stream

MOST_STATES = 1_000_000
FEW, TOO_FEW = 100, 10
"""Effective draws under which importance sampling warns, and refuses."""

Method = Literal["auto", "exact", "importance", "rejection"]


@dataclass(frozen=True)
class NoisePosterior:
    """The noise of each node given the evidence, as draws.

    Attributes:
        noise: draws, node by node. Shape (draws, rows, ...); one draw where the evidence decides the noise.
        method: how they were found: "pointwise", "linear Gaussian", "enumeration", "importance" or "rejection".
        effective_sample_size: the smallest over rows, for weighted draws; else None.
        random: whether the noise is left open by the evidence.
    """

    noise: Mapping[str, Tensor]
    method: str
    effective_sample_size: float | None = None
    random: bool = True
    means: Mapping[str, Tensor] = field(default_factory=dict, repr=False)

    def mean(self) -> dict[str, Tensor]:
        """Return the posterior mean of each noise, a row: exact for linear Gaussian models, else of the draws."""
        return dict(self.means) or {name: u.to(torch.float64).mean(0) for name, u in self.noise.items()}


def abduct(
    model: MechanismGraph, evidence: Mapping[str, Tensor], rows: int, draws: int, seed: int, method: Method, prior: int
) -> NoisePosterior:
    """Draw the noises given the evidence, by the first exact way that there is, or by weights.

    Args:
        model: nodes, mechanisms, noises.
        evidence: node -> values. Shape (rows, ...).
        rows: how many units.
        draws: how many draws of each unit's noise.
        seed: of the draws.
        method: "exact" refuses weights; "importance" and "rejection" ask for them.
        prior: draws from the prior, for weights.
    """
    if method in ("auto", "exact"):
        complete = all(name in evidence for name in model.order)
        found = _pointwise(model, evidence, rows, draws, seed) if complete else None
        if found is None and (system := model.linear_system()) is not None:
            found = _gaussian(model, system, evidence, rows, draws, seed)
        if found is None and all(isinstance(law, Finite) for law in model.noise.values()):
            found = _enumerate(model, evidence, rows, draws, seed)
        if found is not None:
            return found
        if method == "exact":
            raise ValueError(
                "method is 'exact'; expected a linear Gaussian or finite model, or evidence of every node and "
                "mechanisms that can be inverted. Use method='importance'."
            )
    return _weighted(model, evidence, rows, draws, seed, prior, exact_match=method == "rejection")


def _pointwise(
    model: MechanismGraph, evidence: Mapping[str, Tensor], rows: int, draws: int, seed: int
) -> NoisePosterior | None:
    """Node by node: with all values known, each noise depends on its own node only."""
    tiled = {name: x.repeat(draws, *([1] * (x.ndim - 1))) for name, x in evidence.items()}
    noise, random = {}, False
    for name in model.order:
        mechanism, law = model.mechanisms[name], model.noise[name]
        parents = {parent: tiled[parent] for parent in mechanism.parents}
        u = mechanism.draw_noise(law, parents, tiled[name], stream(seed, f"abduction/{name}"))
        if u is None:
            return None
        open_ = law.random and mechanism.noise_and_slope(parents, tiled[name]) is None
        random |= open_
        noise[name] = u.reshape(draws, rows, *u.shape[1:])
    if not random:
        noise = {name: u[:1] for name, u in noise.items()}
    return NoisePosterior(noise, "pointwise", random=random)


def _gaussian(
    model: MechanismGraph, system: LinearSystem, evidence: Mapping[str, Tensor], rows: int, draws: int, seed: int
) -> NoisePosterior:
    r"""Condition u ~ N(m, S) on x_O = offset_O + R_O u.

    .. math:: K = S R_O^\top (R_O S R_O^\top)^{-1}, \quad m + K (x_O - \text{offset}_O - R_O m), \quad S - K R_O S
    """
    observed = [i for i, name in enumerate(system.nodes) if name in evidence]
    R, S = system.reduced[observed], torch.diag(system.deviation**2)
    mean = system.mean.expand(rows, -1)
    covariance = S
    if observed:
        x = torch.stack([evidence[system.nodes[i]].to(torch.float64) for i in observed], -1)
        gain = S @ R.T @ torch.linalg.pinv(R @ S @ R.T, hermitian=True)
        surprise = x - system.offset[observed] - system.mean @ R.T
        mean = system.mean + surprise @ gain.T
        covariance = S - gain @ R @ S
        left = (system.offset[observed] + mean @ R.T - x).abs().max()
        if float(left) > 1e-6 * (1 + float(x.abs().max())):
            raise ImpossibleEvidence("the evidence contradicts equations without noise; expected values that agree")
    values, vectors = torch.linalg.eigh((covariance + covariance.T) / 2)
    root = vectors * values.clamp_min(0).sqrt()
    random = bool((covariance.diagonal() > 1e-9 * (1e-300 + system.deviation.max() ** 2)).any())
    draws = draws if random else 1
    white = torch.stack([torch.randn(draws * rows, generator=stream(seed, f"abduction/{n}"), dtype=torch.float64)
                         for n in system.nodes], -1)  # fmt: skip
    u = (mean + white.reshape(draws, rows, -1) @ root.T) if random else mean[None]
    noise = {name: u[..., i].to(model.dtype) for i, name in enumerate(system.nodes)}
    return NoisePosterior(noise, "linear Gaussian", random=random,
                          means={name: mean[:, i] for i, name in enumerate(system.nodes)})  # fmt: skip


def _enumerate(
    model: MechanismGraph, evidence: Mapping[str, Tensor], rows: int, draws: int, seed: int
) -> NoisePosterior:
    """Weigh every combination of the noises by whether it gives the evidence."""
    laws = {name: model.noise[name] for name in model.order}
    sizes = [len(law.values) for law in laws.values() if isinstance(law, Finite)]
    if math.prod(sizes) > MOST_STATES:
        raise ValueError(f"the noises have {math.prod(sizes)} states; expected {MOST_STATES}. Use method='importance'.")
    grid = torch.cartesian_prod(*(torch.arange(size) for size in sizes)).reshape(-1, len(sizes))
    noise, log_weight = {}, torch.zeros(len(grid), dtype=torch.float64)
    for i, (name, law) in enumerate(laws.items()):
        noise[name] = torch.tensor(law.values, dtype=torch.float64)[grid[:, i]]  # type: ignore[attr-defined]
        log_weight += law.log_prob(noise[name])
    values = model.propagate(noise)
    chosen = torch.empty(draws, rows, dtype=torch.int64)
    for row in range(rows):
        fits = torch.ones(len(grid), dtype=torch.bool)
        for name, x in evidence.items():
            fits &= same(values[name], x[row].expand_as(values[name]))
        weights = torch.where(fits, log_weight.exp(), 0.0)
        if not bool(weights.sum() > 0):
            said = {name: x[row].tolist() for name, x in evidence.items()}
            raise ImpossibleEvidence(f"evidence is {said}, which has probability 0; expected what the model can give")
        chosen[:, row] = torch.multinomial(weights, draws, replacement=True, generator=stream(seed, f"abduction/{row}"))
    return NoisePosterior({name: u[chosen] for name, u in noise.items()}, "enumeration")


def _weighted(
    model: MechanismGraph,
    evidence: Mapping[str, Tensor],
    rows: int,
    draws: int,
    seed: int,
    prior: int,
    exact_match: bool,
) -> NoisePosterior:
    """Draw prior noises, put the evidence in along the order, and weigh by its likelihood; then draw by weight.

    With `exact_match` nothing is put in: draws that give other values are thrown away.
    """
    noise = {
        name: u.repeat_interleave(rows, 0).clone() for name, u in model.draw_noise(prior, seed).items()
    }  # (prior * rows, ...), the same draws for each row
    tiled = {name: x.repeat(prior, *([1] * (x.ndim - 1))) for name, x in evidence.items()}
    log_weight = torch.zeros(prior * rows, dtype=torch.float64)
    values: dict[str, Tensor] = {}
    for name in model.order:
        mechanism = model.mechanisms[name]
        parents = {parent: values[parent] for parent in mechanism.parents}
        values[name] = model.propagate(noise, [name], parents)[name]
        if name not in tiled:
            continue
        if exact_match:
            log_weight += same(values[name], tiled[name]).to(torch.float64).log()
        else:
            noise[name], density = _put_in(mechanism, model, name, parents, tiled[name], seed)
            log_weight += density
            values[name] = tiled[name]
    weights = log_weight.reshape(prior, rows)
    best = weights.max(0).values
    if bool((best == -math.inf).any()):
        raise ImpossibleEvidence(f"none of {prior} draws agrees with the evidence; expected some. Raise n, or mend it.")
    weights = (weights - best).exp()
    effective = float((weights.sum(0) ** 2 / (weights**2).sum(0)).min())
    if effective < TOO_FEW:
        raise ImpossibleEvidence(f"{effective:.1f} effective draws of {prior}; expected {TOO_FEW}. Raise n.")
    if effective < FEW:
        warnings.warn(f"{effective:.0f} effective draws of {prior} support the evidence; raise n", stacklevel=4)
    picked = torch.multinomial(weights.T, draws, replacement=True, generator=stream(seed, "abduction")).T
    index = picked * rows + torch.arange(rows)
    kept = {name: u[index.flatten()].reshape(draws, rows, *u.shape[1:]) for name, u in noise.items()}
    return NoisePosterior(kept, "rejection" if exact_match else "importance", effective)


def _put_in(
    mechanism: Mechanism, model: MechanismGraph, name: str, parents: Mapping[str, Tensor], x: Tensor, seed: int
) -> tuple[Tensor, Tensor]:
    """The noise that gives x, and the density of x; rows where there is none get density zero."""
    law = model.noise[name]
    density = mechanism.log_prob(law, parents, x)
    if density is None:
        raise ValueError(
            f"evidence has {name}, whose mechanism has no density; expected one that is affine in u, Invertible, "
            "Categorical or of finite noise. Give its inverse, or use method='rejection'."
        )
    possible = density > -math.inf
    solved = mechanism.noise_and_slope(parents, x)
    if solved is not None:
        return solved[0], density
    u = law.sample(len(x), stream(seed, f"abduction/spare/{name}"))
    if bool(possible.any()):
        some = {parent: value[possible] for parent, value in parents.items()}
        drawn = mechanism.draw_noise(law, some, x[possible], stream(seed, f"abduction/{name}"))
        if drawn is not None:
            u[possible] = drawn
    return u, density


def read_evidence(model: MechanismGraph, evidence: Mapping[str, Any]) -> tuple[dict[str, Tensor], int, bool]:
    """Return the evidence as rows, how many there are, and whether it was one unit without an axis for rows."""
    model.known(evidence, "evidence")
    tensors = {}
    for name, given in evidence.items():
        # numpy reads Python's numbers as float64, torch as float32.
        plain = given if isinstance(given, Tensor) else np.asarray(given)
        if isinstance(plain, np.ndarray) and plain.dtype.kind not in "biuf":
            raise TypeError(f"evidence[{name!r}] is {given!r}; expected numbers. Give categories by their codes.")
        x = torch.as_tensor(plain, device=model.device)
        x = x.to(model.dtype) if x.is_floating_point() else x
        if x.is_floating_point() and not bool(x.isfinite().all()):
            raise ValueError(f"evidence[{name!r}] is {given!r}; expected finite numbers. Leave unknown nodes out.")
        # Whole numbers are good enough for a mechanism of real values.
        tensors[name] = x if model.mechanisms[name].default_noise() is not None else x.to(model.dtype)
    scalar = all(x.ndim == 0 for x in tensors.values())
    tensors = {name: x[None] if x.ndim == 0 else x for name, x in tensors.items()}
    lengths = {name: len(x) for name, x in tensors.items()}
    rows = max(lengths.values(), default=1)
    if any(length not in (1, rows) for length in lengths.values()):
        raise ValueError(f"evidence has {lengths} rows; expected one number, or as many in each. Align them.")
    tensors = {name: x.expand(rows, *x.shape[1:]) for name, x in tensors.items()}
    return tensors, rows, scalar


def run_again(
    changed: MechanismGraph,
    posterior: NoisePosterior,
    replaced: set[str],
    draws: int,
    seed: int,
    targets: list[str] | None,
) -> dict[str, Tensor]:
    """Propagate the posterior noise through the changed model; nodes with a new law draw new noise.

    Returns:
        Values, shape (draws, rows, ...).
    """
    fresh = any(changed.noise[name].random for name in replaced)
    first = next(iter(posterior.noise.values()))
    count, rows = (draws if fresh else len(first)), first.shape[1]
    noise = {}
    for name in changed.order:
        if name in replaced:
            noise[name] = changed.noise_rows(name, count * rows, seed)
        else:
            u = posterior.noise[name]
            noise[name] = u.expand(count, *u.shape[1:]).reshape(count * rows, *u.shape[2:])
    names = changed.ancestors(targets or changed.order)
    values = changed.propagate(noise, names)
    return {
        name: values[name].reshape(count, rows, *values[name].shape[1:]) for name in (targets or changed.mechanisms)
    }
