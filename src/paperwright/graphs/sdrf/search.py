"""The rewirings of the paper's experiment as settings, and the same random search of hyperparameters for each."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch_geometric.data import Data

from .diffusion import DIGL
from .node_classification import Outcome, Settings, classify
from .rewiring import SDRF


@dataclass(frozen=True)
class Flow:
    """SDRF's settings.

    Attributes:
        max_iterations: edges added at most.
        tau: inverse temperature of the draw.
        removal_bound: edges of greater curvature are removed; None removes none.
        definition: of curvature: the paper's, or the one that the released code computes.
    """

    max_iterations: int
    tau: float
    removal_bound: float | None = None
    definition: Literal["paper", "official"] = "paper"

    def transform(self, seed: int) -> SDRF:
        """The transform, its draws decided by the seed."""
        generator = torch.Generator().manual_seed(seed)
        return SDRF(self.max_iterations, self.tau, self.removal_bound, definition=self.definition, generator=generator)


@dataclass(frozen=True)
class Diffusion:
    """DIGL's settings: teleport probability, and entries kept in each column."""

    alpha: float
    top_k: int

    def transform(self, seed: int) -> DIGL:
        """The transform, which draws nothing."""
        return DIGL(self.alpha, self.top_k)


Rewiring = Flow | Diffusion | None
"""How a graph is rewired; None leaves it as it is."""


def rewired(data: Data, rewiring: Rewiring, seed: int) -> Data:
    """The graph after a rewiring."""
    return data if rewiring is None else rewiring.transform(seed)(data)


def best_of_search(data: Data, rewiring: Rewiring, network: Settings, trials: int, seed: int, device: str) -> Outcome:
    """The outcome of the best of `trials` random settings, by validation accuracy.

    The network's settings and the rewiring's are drawn from the seed alone, so every rewiring tries the same networks,
    and as many of them.
    """
    random = np.random.default_rng([seed, 3])
    best = Outcome(-1.0, 0.0)
    for _ in range(trials):
        drawn_network, drawn_rewiring = _drawn(random, network, rewiring, data.num_edges // 2)
        outcome = classify(rewired(data, drawn_rewiring, seed), drawn_network, seed, device)
        if outcome.validation > best.validation:
            best = outcome
    return best


def _drawn(
    random: np.random.Generator, network: Settings, rewiring: Rewiring, num_edges: int
) -> tuple[Settings, Rewiring]:
    network = replace(
        network,
        hidden=int(random.choice([16, 32, 64, 128])),
        dropout=float(random.uniform(0.1, 0.8)),
        lr=float(np.exp(random.uniform(np.log(0.002), np.log(0.05)))),
        weight_decay=float(np.exp(random.uniform(np.log(1e-4), np.log(0.3)))),
    )
    flow = Flow(
        max_iterations=int(random.integers(1, max(num_edges // 2, 2))),
        tau=float(np.exp(random.uniform(np.log(5), np.log(500)))),
        removal_bound=float(random.uniform(0.2, 2.0)),
    )
    diffusion = Diffusion(alpha=float(random.uniform(0.01, 0.3)), top_k=int(random.choice([8, 16, 32, 64, 128])))
    if isinstance(rewiring, Flow):
        return network, replace(flow, definition=rewiring.definition)
    return network, None if rewiring is None else diffusion
