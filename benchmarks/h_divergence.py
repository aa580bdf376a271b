"""Two-sample tests by permutation: H-divergence beside the official loop, hyppo and frouros, on one task."""

import numpy as np
from harness import Benchmark, main

from paperwright.statistics.h_divergence import h_test, losses

RESAMPLES = 100


def samples(size):
    rng = np.random.default_rng(0)
    return rng.normal(size=(size, 2)), rng.normal(size=(size, 2))


tests = Benchmark("h_divergence", "100 permutations of two samples in two dimensions", unit="rows of each sample")


@tests.contender("paperwright, KDE", ours=True)
def ours(size):
    x, y = samples(size)
    return lambda: h_test(x, y, loss=losses.KDE(0.3), n_resamples=RESAMPLES, rng=0).pvalue


@tests.contender("paperwright, kernel (MMD)")
def kernel(size):
    x, y = samples(size)
    return lambda: h_test(x, y, loss=losses.Kernel(), kind="js", mixture="pooled", n_resamples=RESAMPLES, rng=0).pvalue


@tests.contender("scikit-learn KDE in a loop, as the official script", max_size=360)
def official(size):
    from sklearn.neighbors import KernelDensity

    x, y = samples(size)
    pooled = np.concatenate([x, y])

    def entropy(rows, scored):
        return -KernelDensity(bandwidth=0.3).fit(rows).score_samples(scored).mean()

    def call():
        rng = np.random.default_rng(0)
        for _ in range(RESAMPLES + 1):
            order = rng.permutation(len(pooled))
            first, second = pooled[order[:size]], pooled[order[size:]]
            mixture = np.concatenate([first[: size // 2], second[: size - size // 2]])
            entropy(mixture, pooled) - min(entropy(first, first), entropy(second, second))

    return call


@tests.contender("hyppo, MMD")
def hyppo(size):
    from hyppo.ksample import MMD

    x, y = samples(size)
    return lambda: MMD().test(x, y, reps=RESAMPLES, workers=1, auto=False)[1]


@tests.contender("frouros, MMD", max_size=1000)
def frouros(size):
    from frouros.callbacks.batch import PermutationTestDistanceBased
    from frouros.detectors.data_drift import MMD

    x, y = samples(size)

    def call():
        test = PermutationTestDistanceBased(num_permutations=RESAMPLES, random_state=0, num_jobs=1, name="test")
        detector = MMD(callbacks=[test])
        detector.fit(X=x)
        return detector.compare(X=y)[1]["test"]["p_value"]

    return call


tests.sizes([90, 360, 1000, 2000])
tests.aim(over="scikit-learn KDE in a loop, as the official script", times=50)

if __name__ == "__main__":
    main(tests)
