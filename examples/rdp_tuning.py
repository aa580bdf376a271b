"""Tune a DP-SGD learning rate on private data, and say what the tuning cost. A few seconds, no download."""

import numpy as np

from paperwright.statistics import RunCount, gaussian_rdp, plan_search, private_search, rdp_to_epsilon
from paperwright.statistics.rdp_tuning.experiment import LabelledRows, PrivateTraining, train_softmax

DELTA = 1e-4
BATCH, STEPS = 64, 100

examples = LabelledRows.load("digits")
sample_rate = BATCH / len(examples.y)


def one_run(noise_multiplier):
    """The Rényi curve of one training; the images that score it are public here."""
    return gaussian_rdp(noise_multiplier, sample_rate, STEPS)


# 1. How much noise does a search of 15 runs (on average) need, to cost epsilon = 3 in all?
plan = plan_search(one_run, target_epsilon=3.0, delta=DELTA, mean=15)
print(f"noise multiplier {plan.noise_multiplier:.2f}:")
print(f"one run costs epsilon {plan.epsilon_of_one_run:.2f}, the search {plan.epsilon:.2f}")


settings = PrivateTraining(
    "softmax",
    lowest=1e-2,
    highest=1e2,
    rates=30,
    mean=15,
    batch=BATCH,
    steps=STEPS,
    noise_multiplier=plan.noise_multiplier,
)


# 2. Search. `train` gets a learning rate and a generator, and returns (model, score).
def train(rate, rng):
    return train_softmax(examples, settings, rate, rng)


rates = np.geomspace(settings.lowest, settings.highest, settings.rates)
result = private_search(train, rates, runs=plan.runs, base=one_run(plan.noise_multiplier), delta=DELTA)
print(f"best rate {result.best_candidate:.3g} with accuracy {result.score:.3f}, at epsilon {result.epsilon:.2f}")

# 3. The search's own curve composes with whatever else is released about these data.
both = rdp_to_epsilon(result.orders, result.rdp + one_run(5.0)[1], DELTA)
print(f"together with one more training at noise 5: epsilon {both.epsilon:.2f}")

# 4. Fewer runs, a hard cap, a lighter tail: what would they have cost?
for name, runs in {
    "logarithmic, mean 5": RunCount.logarithmic(mean=5),
    "logarithmic, at most 40": RunCount.logarithmic(mean=15).truncated(40),
    "geometric, mean 15": RunCount.geometric(mean=15),
    "eta = -0.5, mean 15": RunCount.negative_binomial(eta=-0.5, mean=15),
}.items():
    cost = private_search(
        lambda rate, rng: (rate, 0.0), rates, runs=runs, base=one_run(plan.noise_multiplier), delta=DELTA
    )
    print(f"{name:25s} epsilon {cost.epsilon:.2f}, expected quantile of the winner {runs.expected_quantile():.3f}")
