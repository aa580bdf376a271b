"""Learning from environments: ICP beside causalicp, the adaptation race beside one loop over draws, steps and samples.

The rows of `causal.py` that need no structural model; it runs them with its own.
"""

import numpy as np
import torch
from harness import Benchmark

from paperwright.statistics.causal.adaptation import TableFactorisation, adaptation_race, draw_shifts, race_on_tables
from paperwright.statistics.causal.experiment import draw_four_candidates
from paperwright.statistics.causal.icp import icp

invariance = Benchmark("causal", "ICP, four predictors, three environments, all sixteen sets", unit="rows a place")


@invariance.contender("paperwright", ours=True)
def our_icp(size):
    X, y, environment = draw_four_candidates(np.random.default_rng(0), size)
    return lambda: icp(X, y, environment, stop_early=False).parents


@invariance.contender("causalicp")
def their_icp(size):
    import causalicp

    X, y, environment = draw_four_candidates(np.random.default_rng(0), size)
    table = np.column_stack([X, y])
    places = [table[environment == e] for e in range(3)]
    return lambda: frozenset(causalicp.fit(places, 4, alpha=0.05, verbose=False).estimate or ())


invariance.difference(lambda ours, theirs: float(ours != theirs))
invariance.sizes([150, 1500, 15_000])
invariance.aim(seconds=10e-3, size=150)
invariance.aim(over="causalicp", times=10, size=150)

subsets = Benchmark("causal", "ICP, all sets of so many predictors (500 rows a place)", unit="predictors")


@subsets.contender("paperwright", ours=True)
def our_many(size):
    rng = np.random.default_rng(0)
    environment = np.repeat([0, 1, 2], 500)
    X = rng.normal(size=(1500, size)) * (1 + environment[:, None])
    y = X[:, 0] + rng.normal(size=1500)
    return lambda: icp(X, y, environment, stop_early=False).parents


@subsets.contender("causalicp", max_size=8)
def their_many(size):
    import causalicp

    rng = np.random.default_rng(0)
    environment = np.repeat([0, 1, 2], 500)
    X = rng.normal(size=(1500, size)) * (1 + environment[:, None])
    table = np.column_stack([X, X[:, 0] + rng.normal(size=1500)])
    places = [table[environment == e] for e in range(3)]
    return lambda: frozenset(causalicp.fit(places, size, alpha=0.05, verbose=False).estimate or ())


subsets.sizes([4, 8, 12, 16])
subsets.aim(over="causalicp", times=10)

race = Benchmark("causal", "the adaptation race: 10 values, 50 steps of 10 samples, both sides", unit="draws")


@race.contender("paperwright", ours=True)
def our_race(size):
    rng = torch.Generator().manual_seed(0)
    pair = draw_shifts(10, size, rng=rng)
    return lambda: race_on_tables(pair, steps=50, batch=10, rng=rng).mean().item()


@race.contender("the same through modules, draw by draw", max_size=10)
def through_modules(size):
    rng = torch.Generator().manual_seed(0)
    pair = draw_shifts(10, size, rng=rng)

    def work():
        for before, after in zip(*pair, strict=True):
            cells = torch.multinomial(after.flatten(), 500, replacement=True, generator=rng).reshape(50, 10)
            batches = [torch.stack([each // 10, each % 10], -1) for each in cells]
            models = TableFactorisation(before), TableFactorisation(before, "second")
            adaptation_race(*models, batches, batches[0], lr=1.0, steps=50)

    return work


@race.contender("a loop over samples, as in the authors' code", max_size=10)
def by_samples(size):
    """Each sample is a draw of the cause and one of the effect, and each side a torch module under SGD."""
    rng = np.random.default_rng(0)
    pair = draw_shifts(10, size, rng=torch.Generator().manual_seed(0))

    def work():
        for before, after in zip(*pair, strict=True):
            cause = after.sum(-1).numpy()
            effect = (after / after.sum(-1, keepdim=True)).numpy()
            models = TableFactorisation(before), TableFactorisation(before, "second")
            optimizers = [torch.optim.SGD(model.parameters(), lr=1.0) for model in models]
            for _ in range(50):
                rows = []
                for _ in range(10):
                    a = int(rng.multinomial(1, cause / cause.sum()).argmax())
                    rows.append((a, int(rng.multinomial(1, effect[a] / effect[a].sum()).argmax())))
                batch = torch.tensor(rows)
                for model, optimizer in zip(models, optimizers, strict=True):
                    optimizer.zero_grad()
                    (-model.log_prob(batch).mean()).backward()
                    optimizer.step()

    return work


race.sizes([1, 10, 100, 1000])
race.aim(over="a loop over samples, as in the authors' code", times=10, size=10)

BENCHMARKS = (invariance, subsets, race)
