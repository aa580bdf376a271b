"""The same random search of hyperparameters for every arm of the paper's experiment."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data

from .diffusion import DIGL
from .node_classification import Outcome, Settings, classify
from .rewiring import SDRF

ARMS = ("none", "paper", "official", "digl")


def rewiring(arm: str, flow: Mapping[str, Any], diffusion: Mapping[str, Any], seed: int) -> Callable[[Data], Data]:
    """The transform of an arm: nothing, SDRF by the paper's or the official curvature, or DIGL.

    Args:
        arm: "none", "paper", "official" or "digl".
        flow: `max_iterations`, `tau` and `removal_bound` of SDRF.
        diffusion: arguments of DIGL.
        seed: of SDRF's draws.
    """
    if arm not in ARMS:
        raise ValueError(f"arm is {arm!r}; expected one of {', '.join(map(repr, ARMS))}.")
    if arm == "none":
        return lambda data: data
    if arm == "digl":
        return DIGL(**diffusion)
    return SDRF(**flow, definition=arm, generator=torch.Generator().manual_seed(seed))


def best_of_search(data: Data, arm: str, settings: Settings, trials: int, seed: int, device: str) -> Outcome:
    """The outcome of the best of `trials` random settings, by validation accuracy.

    The network's settings and the rewiring's are drawn from the seed alone, so every arm tries the same networks, and
    as many of them.
    """
    random = np.random.default_rng([seed, 3])
    best = Outcome(-1.0, 0.0)
    for _ in range(trials):
        network, flow, diffusion = _drawn_settings(random, settings, data.num_edges // 2)
        outcome = classify(rewiring(arm, flow, diffusion, seed)(data), network, seed, device)
        if outcome.validation > best.validation:
            best = outcome
    return best


def _drawn_settings(
    random: np.random.Generator, settings: Settings, num_edges: int
) -> tuple[Settings, dict[str, Any], dict[str, Any]]:
    network = replace(
        settings,
        hidden=int(random.choice([16, 32, 64, 128])),
        dropout=float(random.uniform(0.1, 0.8)),
        lr=float(np.exp(random.uniform(np.log(0.002), np.log(0.05)))),
        weight_decay=float(np.exp(random.uniform(np.log(1e-4), np.log(0.3)))),
    )
    flow = {
        "max_iterations": int(random.integers(1, max(num_edges // 2, 2))),
        "tau": float(np.exp(random.uniform(np.log(5), np.log(500)))),
        "removal_bound": float(random.uniform(0.2, 2.0)),
    }
    diffusion = {"alpha": float(random.uniform(0.01, 0.3)), "top_k": int(random.choice([8, 16, 32, 64, 128]))}
    return network, flow, diffusion
