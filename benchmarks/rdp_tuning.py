"""Accounting for a private search beside dp-accounting, and drawing its number of runs beside numpy."""

import math

import numpy as np
from harness import Benchmark, main

from paperwright.statistics.rdp_tuning import DEFAULT_ORDERS, RunCount, gaussian_rdp, private_search, selected_rdp

SIZES = [157, 500, 1000, 2000]


def curve(size):
    """0.1-zCDP at `size` orders; 157 is about both packages' default grid."""
    orders = np.array(DEFAULT_ORDERS[-size:]) if size <= 158 else 1 + np.geomspace(0.01, 1023, size)
    return orders, 0.1 * orders


def largest_difference(ours, theirs):
    """Where the peer is monotone and its own minimum has converged; ours may be smaller elsewhere."""
    return float(np.max(ours - np.minimum.accumulate(np.asarray(theirs)[::-1])[::-1]))


def closed_form(shape, title):
    bench = Benchmark("rdp_tuning", title, unit="orders")

    @bench.contender("paperwright", ours=True)
    def ours(size):
        orders, rdp = curve(size)
        runs = RunCount.poisson(mean=10) if math.isinf(shape) else RunCount.negative_binomial(eta=shape, mean=10)
        return lambda: selected_rdp(orders, rdp, runs, "closed")

    @bench.contender("dp-accounting")
    def peer(size):
        from dp_accounting.rdp.rdp_privacy_accountant import _compute_rdp_repeat_and_select

        orders, rdp = curve(size)
        return lambda: _compute_rdp_repeat_and_select(orders, rdp, 10.0, shape)

    bench.difference(largest_difference)
    bench.sizes(SIZES)
    bench.aim(over="dp-accounting", times=30)
    if math.isinf(shape):
        bench.aim(seconds=60e-3, size=2000)
    else:
        bench.aim(seconds=0.15e-3, size=157)
        bench.aim(seconds=1e-3, size=2000)
    return bench


logarithmic = closed_form(0.0, "closed form, logarithmic K (largest excess over the peer as difference)")
poisson = closed_form(math.inf, "closed form, Poisson K (largest excess over the peer as difference)")

whole = Benchmark("rdp_tuning", "from the mean to the searched curve, gamma included", unit="orders")


@whole.contender("paperwright", ours=True)
def ours_from_mean(size):
    orders, rdp = curve(size)
    return lambda: selected_rdp(orders, rdp, RunCount.logarithmic(mean=10), "closed")


@whole.contender("dp-accounting")
def peer_from_mean(size):
    from dp_accounting.rdp.rdp_privacy_accountant import _compute_rdp_repeat_and_select

    orders, rdp = curve(size)
    return lambda: _compute_rdp_repeat_and_select(orders, rdp, 10.0, 0.0)


whole.sizes(SIZES)
whole.aim(over="dp-accounting", times=30)

numeric = Benchmark("rdp_tuning", "numeric bound, logarithmic K (no peer has one)", unit="orders")


@numeric.contender("paperwright", ours=True)
def ours_numeric(size):
    orders, rdp = curve(size)
    runs = RunCount.logarithmic(mean=10)
    return lambda: selected_rdp(orders, rdp, runs, "numeric")


numeric.sizes([40, 80, 157, 500])
numeric.aim(seconds=50e-3, size=157)

sampling = Benchmark("rdp_tuning", "draws of a logarithmic K, gamma = 1e-4", unit="draws")


@sampling.contender("paperwright", ours=True)
def ours_logarithmic(size):
    rng, runs = np.random.default_rng(0), RunCount.logarithmic(gamma=1e-4)
    return lambda: runs.sample(rng, size)


@sampling.contender("numpy logseries")
def numpy_logarithmic(size):
    rng = np.random.default_rng(0)
    return lambda: rng.logseries(1 - 1e-4, size)


sampling.sizes([10_000, 100_000, 1_000_000])
sampling.aim(seconds=0.2, size=1_000_000)

kinds = Benchmark("rdp_tuning", "draws of every kind of K, beside the logarithmic one", unit="draws")
KINDS = {
    "eta = -0.5": RunCount.negative_binomial(eta=-0.5, gamma=1e-4),
    "eta = 0.5": RunCount.negative_binomial(eta=0.5, gamma=1e-4),
    "geometric": RunCount.geometric(gamma=1e-4),
    "poisson": RunCount.poisson(mean=100),
    "at most 1,000": RunCount.geometric(gamma=1e-2).truncated(1000),
}


@kinds.contender("logarithmic", ours=True)
def every_logarithmic(size):
    return ours_logarithmic(size)


def draws_of(runs):
    def prepare(size):
        rng = np.random.default_rng(0)
        return lambda: runs.sample(rng, size)

    return prepare


for name, runs in KINDS.items():
    kinds.contender(name)(draws_of(runs))

kinds.sizes([10_000, 100_000, 1_000_000])

overhead = Benchmark("rdp_tuning", "a search whose trainings take no time", unit="runs")


@overhead.contender("paperwright", ours=True)
def empty_search(size):
    runs = RunCount.from_pmf({1: 1e-9, size: 1 - 1e-9})
    base = gaussian_rdp(3.0)
    return lambda: private_search(lambda rate, rng: (rate, rate), [0.1, 1.0], runs=runs, base=base, delta=1e-5)


overhead.sizes([1000, 10_000])
overhead.aim(seconds=1.0, size=1000)  # a millisecond a run

if __name__ == "__main__":
    main(logarithmic, poisson, whole, numeric, sampling, kinds, overhead)
