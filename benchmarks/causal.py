"""Sampling, intervening and asking counterfactuals beside dowhy and pgmpy; ICP and the race beside theirs."""

import numpy as np
import torch
from causal_invariance import BENCHMARKS
from harness import Benchmark, main

from paperwright.statistics.causal import SCM, Categorical, Linear, Normal
from paperwright.statistics.causal.interop import to_dowhy, to_pgmpy

torch.set_num_threads(1)


def ten_nodes():
    """A random linear model of ten nodes."""
    rng = np.random.default_rng(0)
    names = [f"V{i}" for i in range(10)]
    mechanisms = {
        name: Linear({parent: float(rng.normal()) for parent in names[:i] if rng.random() < 0.4})
        for i, name in enumerate(names)
    }
    return SCM(mechanisms, dict.fromkeys(names, Normal()))


def five_categories():
    """A chain with shortcuts of five nodes, three categories each."""
    rng = np.random.default_rng(0)
    parents = {"A": [], "B": ["A"], "C": ["A", "B"], "D": ["C"], "E": ["B", "D"]}
    return SCM(
        {name: Categorical(rng.dirichlet(np.ones(3), (3,) * len(above)), above, noise="monotone")
         for name, above in parents.items()}
    )  # fmt: skip


SIZES = [1000, 100_000]

drawing = Benchmark("causal", "draw rows of ten linear nodes", unit="rows")


@drawing.contender("paperwright", ours=True)
def our_draws(size):
    model = ten_nodes()
    return lambda: model.sample(size, 0)


@drawing.contender("dowhy")
def their_draws(size):
    from dowhy import gcm

    model = to_dowhy(ten_nodes())
    return lambda: gcm.draw_samples(model, size)


drawing.sizes(SIZES)
drawing.aim(over="dowhy", times=5)

intervening = Benchmark("causal", "draw rows after an intervention, ten linear nodes", unit="rows")


@intervening.contender("paperwright", ours=True)
def our_intervention(size):
    model = ten_nodes()
    return lambda: model.do(V4=1.0).sample(size, 0)


@intervening.contender("dowhy")
def their_intervention(size):
    from dowhy import gcm

    model = to_dowhy(ten_nodes())
    return lambda: gcm.interventional_samples(model, {"V4": lambda v: 1.0}, num_samples_to_draw=size)


intervening.sizes(SIZES)
intervening.aim(over="dowhy", times=5)

imagining = Benchmark("causal", "counterfactuals of observed rows, ten linear nodes", unit="rows")


@imagining.contender("paperwright", ours=True)
def our_counterfactuals(size):
    model = ten_nodes()
    rows = model.sample(size, 0)
    return lambda: model.counterfactual(rows, do={"V4": 1.0})["V9"].numpy()


@imagining.contender("dowhy")
def their_counterfactuals(size):
    import pandas as pd
    from dowhy import gcm

    model = to_dowhy(ten_nodes())
    rows = pd.DataFrame({name: x.numpy() for name, x in ten_nodes().sample(size, 0).items()})
    return lambda: gcm.counterfactual_samples(model, {"V4": lambda v: 1.0}, observed_data=rows)["V9"].to_numpy()


imagining.difference(lambda ours, theirs: float(np.abs(ours - theirs).max()))
imagining.sizes(SIZES)
imagining.aim(over="dowhy", times=5)

discrete = Benchmark("causal", "draw rows of five nodes of three categories", unit="rows")


@discrete.contender("paperwright", ours=True)
def our_categories(size):
    model = five_categories()
    return lambda: model.sample(size, 0)


@discrete.contender("pgmpy")
def their_categories(size):
    network = to_pgmpy(five_categories())
    return lambda: network.simulate(size, show_progress=False, seed=0)


discrete.sizes(SIZES)
discrete.aim(over="pgmpy", times=10, size=100_000)

query = Benchmark("causal", "p(E | A, C), exactly, asked again of one model of five nodes", unit="queries")


@query.contender("paperwright", ours=True)
def our_query(size):
    model = five_categories().to_graphical()
    return lambda: np.array([model.probability({"E": k}, {"A": 0, "C": 1}) for k in range(3)])


@query.contender("pgmpy")
def their_query(size):
    from pgmpy.inference import VariableElimination

    engine = VariableElimination(to_pgmpy(five_categories()))
    evidence = {"A": 0, "C": 1}
    return lambda: engine.query(["E"], evidence, show_progress=False).values


query.difference(lambda ours, theirs: float(np.abs(ours - theirs).max()))
query.sizes([1])

if __name__ == "__main__":
    main(drawing, intervening, imagining, discrete, query, *BENCHMARKS)
