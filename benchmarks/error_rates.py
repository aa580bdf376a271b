"""How often the rules of a claim decide wrongly at their border, how often their guards speak up, and their power.

    python benchmarks/error_rates.py            # prints the tables
    python benchmarks/error_rates.py --write    # and writes benchmarks/results/error_rates.md

A claim says "the mean is above 0", and it is 0: every verdict is wrong. The intervals are those of the engine, computed
for many samples at once; `tests/claims/test_error_rates.py` holds them to the engine's, sample by sample. "Before" is
the rule that the engine had at first: Student's interval, a point for values that are all equal, and Clopper and
Pearson's of attempts pooled over seeds.
"""

import argparse
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import betaincinv, chdtri, stdtrit

from paperwright.stats import bounded_mean_interval, look_levels

RESULTS = Path(__file__).parent / "results" / "error_rates.md"
LEVEL = 0.95
DESIGNS = ((5,), (10,), (20,), (100,), (5, 10, 20), (25, 100))


def lognormal(sigma):
    return lambda rng, shape: np.exp(sigma * rng.normal(size=shape)) - math.exp(sigma**2 / 2)


def gamma(shape_parameter):
    return lambda rng, shape: rng.gamma(shape_parameter, 1, shape) - shape_parameter


def rare(share, jitter=0.0):
    """Mean 0: 1 in most seeds, and with probability `share` so far below that it cancels."""

    def draw(rng, shape):
        values = np.where(rng.random(shape) < share, 1 - 1 / share, 1.0)
        return values + jitter * rng.normal(size=shape) if jitter else values

    return draw


def tied(share):
    return lambda rng, shape: np.where(rng.random(shape) < share, 0.0, rng.normal(size=shape))


# Mean 0 each; the skewness of the population in the name.
KINDS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "uniform": lambda rng, shape: rng.random(shape) - 0.5,
    "t with 3 degrees of freedom": lambda rng, shape: rng.standard_t(3, shape),
    "coin": lambda rng, shape: (rng.random(shape) < 0.5) - 0.5,
    "gamma, skewness 0.5": gamma(16),
    "gamma, skewness 1": gamma(4),
    "exponential, skewness 2": gamma(1),
    "lognormal(0.5), skewness 1.8": lognormal(0.5),
    "gamma, skewness 2.8": gamma(0.5),
    "lognormal(1), skewness 6.2": lognormal(1),
    "half tied": tied(0.5),
    "80% tied": tied(0.8),
    "1 in 5 bad": rare(0.2),
    "1 in 20 bad": rare(0.05),
    "1 in 20 bad, with jitter": rare(0.05, 0.2),
}


@dataclass(frozen=True)
class Ends:
    """Intervals of many samples; an open one runs from -inf to inf."""

    low: np.ndarray
    high: np.ndarray


def moments(values):
    away = values - values.mean(axis=1, keepdims=True)
    return values.mean(axis=1), np.mean(away**2, axis=1), np.mean(away**3, axis=1)


def commonest(values):
    """How often each row's commonest value occurs."""
    ordered = np.sort(values, axis=1)
    run = longest = np.ones(len(values), dtype=int)
    for column in range(1, values.shape[1]):
        run = np.where(ordered[:, column] == ordered[:, column - 1], run + 1, 1)
        longest = np.maximum(longest, run)
    return longest


def student(values, level):
    """Before: a point for equal values, if 2^(1-n) <= 1 - level."""
    n = values.shape[1]
    mean, squares, _ = moments(values)
    flat = np.ptp(values, axis=1) == 0
    reach = -stdtrit(n - 1, (1 - level) / 2) * np.sqrt(squares / (n - 1))
    reach = np.where(flat, math.inf if 2.0 ** (1 - n) > 1 - level else 0.0, reach)
    return Ends(mean - reach, mean + reach)


def guarded(values, level):
    """Now: `paperwright.stats.guarded_mean_interval`, row by row."""
    n = values.shape[1]
    mean, squares, cubes = moments(values)
    flat = np.ptp(values, axis=1) == 0
    skew = np.where(flat, 0.0, cubes / np.where(flat, 1.0, squares) ** 1.5) / math.sqrt(n)
    shut = (n - commonest(values) >= math.isqrt(n)) & (np.abs(skew) <= max(3.0 / math.sqrt(n), 0.3))
    t, error = -stdtrit(n - 1, (1 - level) / 2), np.sqrt(squares / (n - 1))
    longer = 2 * np.abs(skew) * (1 + 2 * t * t) / 6
    low = mean - error * (t + np.where(skew < 0, longer, 0.0))
    high = mean + error * (t + np.where(skew > 0, longer, 0.0))
    return Ends(np.where(shut, low, -math.inf), np.where(shut, high, math.inf))


@dataclass(frozen=True)
class Rates:
    """Shares of all samples: decided above, decided below, and with an open interval at the last look."""

    holds: float
    fails: float
    open: float


def rates(values, looks: Sequence[int], interval: Callable[..., Ends], border: float = 0.0) -> Rates:
    """The verdicts on "the mean is above the border", that of the first look that decides."""
    levels = look_levels(looks, LEVEL) if len(looks) > 1 else [LEVEL]
    holds = fails = np.zeros(len(values), dtype=bool)
    for look, level in zip(looks, levels, strict=True):
        ends = interval(values[:, :look], level)
        decided = holds | fails
        # A point on the border failed under the old rule.
        below = (ends.high < border) | ((ends.low == ends.high) & (ends.low <= border))
        holds, fails = holds | (ends.low > border) & ~decided, fails | below & ~decided
    undecided = ~(holds | fails)
    return Rates(holds.mean(), fails.mean(), float(np.mean(np.isinf(ends.low) & undecided)))


def draw_clusters(rng, samples, seeds, attempts, proportion, icc):
    """Successes in each seed, beta-binomial with intra-class correlation `icc`."""
    shape = (samples, seeds)
    if icc == 0:
        chance = np.full(shape, proportion)
    elif icc == 1:
        chance = (rng.random(shape) < proportion).astype(float)
    else:
        strength = 1 / icc - 1
        chance = rng.beta(proportion * strength, (1 - proportion) * strength, shape)
    return rng.binomial(attempts, chance)


def clopper_pearson(share, attempts, level):
    tail, hits, misses = (1 - level) / 2, share * attempts, (1 - share) * attempts
    low = np.where(share == 0, 0.0, betaincinv(np.where(share == 0, 1.0, hits), misses + 1, tail))
    high = np.where(share == 1, 1.0, 1 - betaincinv(np.where(share == 1, 1.0, misses), hits + 1, tail))
    return Ends(low, high)


def pooled(hits, attempts, level):
    """Before: all attempts independent."""
    return clopper_pearson(hits.mean(axis=1) / attempts, hits.shape[1] * attempts, level)


def clustered(hits, attempts, level):
    """Now: `paperwright.stats.clustered_proportion_interval`, row by row, with as many attempts in each seed."""
    n, total = hits.shape[1], hits.shape[1] * attempts
    share = hits.mean(axis=1) / attempts
    variance = n / (n - 1) * np.sum((hits - share[:, None] * attempts) ** 2, axis=1) / total**2
    certain = (share == 0) | (share == 1)
    effect = variance / np.where(certain, 1.0, share * (1 - share) / total) * (n - 1) / chdtri(n - 1, 0.9)
    tail = (1 - level) / 2
    effective = total / np.maximum(1, effect) * (stdtrit(total - 1, tail) / stdtrit(n - 1, tail)) ** 2
    effective = np.where(n - commonest(hits) < math.isqrt(n), n, np.clip(effective, n, total))
    return clopper_pearson(share, effective, level)


def worse_side(ends: Ends, truth: float) -> float:
    """The greater of the two one-sided errors."""
    return float(max(np.mean(ends.low > truth + 1e-12), np.mean(ends.high < truth - 1e-12)))


# Values from 0 to 1, with their means.
BOUNDED = {
    "coin": (lambda rng, shape: (rng.random(shape) < 0.5).astype(float), 0.5),
    "1 in 10": (lambda rng, shape: (rng.random(shape) < 0.1).astype(float), 0.1),
    "1 in 50": (lambda rng, shape: (rng.random(shape) < 0.02).astype(float), 0.02),
    "uniform": (lambda rng, shape: rng.random(shape), 0.5),
    "beta(0.5, 4.5)": (lambda rng, shape: rng.beta(0.5, 4.5, shape), 0.1),
    "0.9 ± 0.02": (lambda rng, shape: np.clip(0.9 + 0.02 * rng.normal(size=shape), 0, 1), 0.9),
    "0.9, and 1 in 20 at 0": (lambda rng, shape: np.where(rng.random(shape) < 0.05, 0.0, 0.9), 0.855),
}


def bounded(values, level):
    found = [bounded_mean_interval(row, 0, 1, level) for row in values]
    return Ends(np.array([one.low for one in found]), np.array([one.high for one in found]))


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def means_at_the_border(samples: int) -> Iterable[str]:
    for looks in DESIGNS:
        rows = []
        for name, draw in KINDS.items():
            values = draw(np.random.default_rng(1), (samples, looks[-1]))
            before, now = rates(values, looks, student), rates(values, looks, guarded)
            cells = (before.holds, before.fails, now.holds, now.fails, now.open)
            rows.append([name, *map(percent, cells)])
        title = f"Seeds looked at: {', '.join(map(str, looks))}"
        head = ["data", "before: holds", "before: fails", "holds", "fails", "guarded"]
        yield f"### {title}\n\n{table(head, rows)}"


def power(samples: int) -> str:
    seeds = (3, 5, 8, 10, 20, 40)
    rows = []
    for name, draw in KINDS.items():
        values = draw(np.random.default_rng(2), (samples, seeds[-1]))
        spread = draw(np.random.default_rng(3), (200_000,)).std()
        cells = []
        for n in seeds:
            old, new = (rates(values + spread, (n,), interval).holds for interval in (student, guarded))
            cells.append(f"{100 * old:.0f} → {100 * new:.0f}")
        rows.append([name, *cells])
    return table(["data", *(f"{n} seeds" for n in seeds)], rows)


def proportions(samples: int) -> str:
    correlations = (0, 0.02, 0.1, 0.5, 1)
    rows = []
    for proportion in (0.5, 0.1, 0.02):
        for seeds in (5, 10, 20, 40):
            for attempts in (15, 100):
                cells = []
                for icc in correlations:
                    rng = np.random.default_rng(4)
                    hits = draw_clusters(rng, samples, seeds, attempts, proportion, icc)
                    before, now = (worse_side(rule(hits, attempts, LEVEL), proportion) for rule in (pooled, clustered))
                    cells.append(f"{percent(before)} → {percent(now)}")
                rows.append([f"{proportion:g}, {seeds} x {attempts}", *cells])
    return table(["proportion, seeds x attempts", *(f"icc {icc:g}" for icc in correlations)], rows)


def bounded_means(samples: int) -> str:
    rows = []
    for name, (draw, mean) in BOUNDED.items():
        cells = []
        for n in (5, 20, 100):
            values = draw(np.random.default_rng(5), (samples, n))
            ends = bounded(values, LEVEL)
            cells += [percent(worse_side(student(values, LEVEL), mean)), percent(worse_side(ends, mean))]
            cells.append(f"{np.mean(ends.high - ends.low):.3f}")
        rows.append([name, *cells])
    head = [f"{n} seeds: {what}" for n in (5, 20, 100) for what in ("before", "now", "width")]
    return table(["data in [0, 1]", *head], rows)


def report(samples: int) -> str:
    margin = 3 * math.sqrt(0.025 * 0.975 / samples)
    borders = "\n\n".join(means_at_the_border(samples))
    return f"""# Error rates of the rules

Per cent of {samples:,} simulated claims (a quarter as many for bounded means), level {LEVEL:g}: at most 2.5 of each
wrong verdict are promised where the promise covers the data, give or take {100 * margin:.2f} of simulation noise.

## Means without bounds, at the border

The true mean is 0 and the claim says "above 0": each verdict is wrong. "Guarded": no verdict, because ties or skew
leave the interval open at the last look. A claim that says "below 0" errs as the mirror image does.

{borders}

## Means without bounds: power

Per cent of claims that hold at a single look, when the mean lies one standard deviation above the border: before → now.

{power(samples)}

## Means with stated bounds

The greater of the two one-sided errors, before and now, and the mean width of the interval now.

{bounded_means(samples // 4)}

## Proportions of attempts that come in seeds

The greater of the two one-sided errors, before → now, by the correlation of attempts within a seed (icc).

{proportions(samples)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=20_000, help="simulated claims a cell")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} too")
    arguments = parser.parse_args()
    text = report(arguments.samples)
    print(text)
    if arguments.write:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
