"""What the claims measure: the paper's blobs, rival tests with as many tries, stations, corrupted images."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from paperwright import data

from .divergence import h_divergence
from .losses import KDE, Gaussian, Pinball
from .losses.loss import squared_distances
from .permutation import h_test

Rows = Float[np.ndarray, "_ features"]
Images = Float[np.ndarray, "images ..."]
LEVEL = 0.05


def blob(per_mode: int, rng: np.random.Generator, *, changed: bool = False, even: bool = True) -> Rows:
    """Draw a 3 x 3 grid of Gaussians of variance 0.03, or the changed one whose modes are each correlated in their way.

    Args:
        per_mode: points of each mode.
        rng: draws them.
        changed: draw the changed grid.
        even: exactly so many points of each mode, as the official code; else so many on average, independent draws.

    Source: Section 4.1; the covariances of the official code.
    """
    sizes = [per_mode] * 9 if even else rng.multinomial(9 * per_mode, np.full(9, 1 / 9))
    modes = []
    for index, size in enumerate(sizes):
        tilt = 0.0 if not changed or index == 4 else (-0.02 - 0.002 * index if index < 4 else 0.01 + 0.002 * index)
        covariance = np.array([[0.03, tilt], [tilt, 0.03]])
        modes.append(rng.multivariate_normal([index // 3, index % 3], covariance, size))
    return rng.permutation(np.concatenate(modes))


def heavy_tailed(rows: int, rng: np.random.Generator) -> Rows:
    """Draw from Student's t with two degrees of freedom: no variance."""
    return rng.standard_t(2, (rows, 2))


# Tests. Each gets the same two samples, a training draw of the same size, permutations of its own and nothing more.


@dataclass(frozen=True)
class Test:
    """A two-sample test: which one, and how it chooses what it may choose on the training draw.

    Attributes:
        name: "h", "mmd", "mmd_aggregated", "c2st" or "h_of_two_rules" (a wrong one, for a control).
        kind: of the H-divergence.
        bandwidth: of the kernel of MMD: "power" (the ratio of the statistic to its deviation) or "median".
        network: C2ST's classifier is a network of 32 units, else logistic.
    """

    name: str
    kind: str = "min"
    bandwidth: str = "power"
    network: bool = False

    def p_value(self, samples: list[Rows], training: list[Rows], resamples: int, rng: np.random.Generator) -> float:
        """Return the p-value of two samples."""
        if self.name == "c2st":
            return classifier_p_value(samples, training, self.network, resamples, rng)
        if self.name.startswith("mmd"):
            return mmd_p_value(samples, training, self, resamples, rng)
        kind: Any = self.kind
        if self.name == "h_of_two_rules":
            (first, second), loss = samples, KDE(0.1)
            null = h_test(first, second, loss=loss, kind=kind, mixture="subsample", n_resamples=resamples, rng=rng)
            observed = float(h_divergence(first, second, loss, kind, "pooled"))
            return (1 + int(np.count_nonzero(null.null_distribution >= observed))) / (1 + resamples)
        losses = KDE("cv").select(torch.from_numpy(training[0]), torch.from_numpy(training[1]))
        return h_test(*samples, loss=losses, kind=kind, n_resamples=resamples, rng=rng).pvalue


def mmd_p_value(
    samples: list[Rows], training: list[Rows], test: Test, resamples: int, rng: np.random.Generator
) -> float:
    """Return the p-value of the maximum mean discrepancy with a Gaussian kernel, biased statistic, by permutation.

    "mmd" has one bandwidth, chosen on the training draw; "mmd_aggregated" takes the greatest of ten statistics, each
    in units of its own spread over the permutations, as MMDAgg's idea is.
    """
    first, second = (torch.from_numpy(rows) for rows in samples)
    pooled = torch.cat([first, second])
    squared = squared_distances(pooled)
    median = float(squared[squared > 0].median()) ** 0.5
    if test.name == "mmd_aggregated":
        bandwidths = [median * ratio for ratio in np.geomspace(0.03, 3, 10)]
    elif test.bandwidth == "median":
        bandwidths = [median]
    else:
        bandwidths = [_bandwidth_of_most_power(training, median)]
    total = len(pooled)
    orders = np.concatenate([np.arange(total)[None], rng.permuted(np.tile(np.arange(total), (resamples, 1)), axis=1)])
    signs = torch.full(orders.shape, -1 / len(second), dtype=torch.float64)
    signs.scatter_(1, torch.as_tensor(orders[:, : len(first)]), 1 / len(first))
    statistics = torch.stack([((signs @ torch.exp(squared / (-2 * h * h))) * signs).sum(1) for h in bandwidths])
    scale = statistics.std(1, keepdim=True).clamp(min=1e-12)
    values = ((statistics - statistics.mean(1, keepdim=True)) / scale).amax(0)
    return (1 + int((values[1:] >= values[0] - 1e-10).sum())) / (1 + resamples)


def _bandwidth_of_most_power(training: list[Rows], median: float) -> float:
    """The bandwidth whose unbiased MMD is greatest in units of its standard deviation (Sutherland et al. 2017)."""
    size = min(map(len, training))
    first, second = (torch.from_numpy(rows[:size]) for rows in training)
    squared = squared_distances(torch.cat([first, second]))

    def ratio(h: float) -> float:
        gram = torch.exp(squared / (-2 * h * h))
        cross = gram[:size, size:]
        pairs = gram[:size, :size] + gram[size:, size:] - cross - cross.T
        pairs = pairs - torch.diag(pairs.diagonal())
        mean = float(pairs.sum()) / (size * (size - 1))
        variance = 4 * float((pairs.sum(1) / size).square().mean() - (pairs.sum() / size**2).square())
        return mean / max(variance, 1e-8) ** 0.5

    return max((median * float(step) for step in np.geomspace(0.03, 3, 20)), key=ratio)


def classifier_p_value(
    samples: list[Rows], training: list[Rows], network: bool, resamples: int, rng: np.random.Generator
) -> float:
    """Return the p-value of a classifier two-sample test: trained on the training draw, scored on the samples."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    seed = int(rng.integers(2**31))
    chosen = MLPClassifier((32,), max_iter=400, tol=0, n_iter_no_change=400, batch_size=64, random_state=seed)
    model = make_pipeline(StandardScaler(), chosen if network else LogisticRegression())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged after its 400 epochs
        model.fit(np.concatenate(training), np.repeat([0, 1], [len(rows) for rows in training]))
    scores = model.predict_proba(np.concatenate(samples))[:, 1]
    labels = np.repeat([0, 1], [len(rows) for rows in samples])
    orders = rng.permuted(np.tile(labels, (resamples, 1)), axis=1)
    null = orders @ scores / labels.sum() - (1 - orders) @ scores / (1 - labels).sum()
    observed = scores[labels == 1].mean() - scores[labels == 0].mean()
    return (1 + int(np.count_nonzero(null >= observed - 1e-12))) / (1 + resamples)


def power_on_blob(test: Test, *, seed: int, device: Any, per_mode: int, tests: int, resamples: int) -> dict[str, float]:
    """Return the share of rejections of a changed blob, over several pairs of samples."""
    rejections = 0
    for number in range(tests):
        rng, own = (np.random.default_rng([seed, number, stream]) for stream in range(2))
        training, samples = ([blob(per_mode, rng), blob(per_mode, rng, changed=True)] for _ in range(2))
        rejections += test.p_value(samples, training, resamples, own) <= LEVEL
    return {"power": rejections / tests}


@dataclass(frozen=True)
class Null:
    """Two samples of one law.

    Attributes:
        draw: "blob" or "heavy tails".
        rows: of each sample.
        test: what is tried on them.
    """

    draw: str
    rows: tuple[int, int]
    test: Test = Test("h")


def rejected_null(arm: Null, *, seed: int, device: Any, resamples: int) -> dict[str, float]:
    """Return whether one pair of samples of one law is rejected at 5%."""
    rng = np.random.default_rng(seed)

    def drawn(rows: int) -> Rows:
        return heavy_tailed(rows, rng) if arm.draw == "heavy tails" else blob(-(-rows // 9), rng, even=False)[:rows]

    training, samples = ([drawn(rows) for rows in arm.rows] for _ in range(2))
    return {"rejected": float(arm.test.p_value(samples, training, resamples, rng) <= LEVEL)}


def deviation_from_zero(
    size: int, *, seed: int, device: Any, bandwidths: list[float], repeats: int
) -> dict[str, float]:
    """Return the root mean square of the divergence of two samples of one normal law, whose true value is 0.

    For each bandwidth, over repeats; and by how much the pooled mixture's mean exceeds the mixture's of equal size.
    """
    rng = np.random.default_rng([seed, size])
    found: dict[str, list[float]] = {f"rms at {h:g}": [] for h in bandwidths}
    biases: list[float] = []
    for _ in range(repeats):
        x, y = rng.normal(size=size), rng.normal(size=size)
        for h in bandwidths:
            divergence = float(h_divergence(x, y, KDE(h), "js", "subsample", rng=rng))
            found[f"rms at {h:g}"].append(divergence)
            if h == bandwidths[0]:
                pooled = float(h_divergence(x, y, KDE(h), "js", "pooled"))
                biases.append(pooled - divergence)
    deviations = {name: float(np.sqrt(np.mean(np.square(values)))) for name, values in found.items()}
    return deviations | {"bias": float(np.mean(biases))}


# Stations


def station_days(source: str, rng: np.random.Generator) -> Float[np.ndarray, "stations years"]:
    """Return rainy days a year: counted ones, or drawn for stations whose wet, dry or no years change."""
    if source != "synthetic":
        return np.asarray(data.load(source).days, dtype=np.float64)
    stations, years = 300, 39
    days = rng.normal(rng.uniform(60, 180, (stations, 1)), 15, (stations, years))
    kind = np.arange(stations)[:, None] % 3
    late = np.arange(years)[None] >= 19
    strength = rng.uniform(0, 40, (stations, 1))
    centre = np.median(days[:, :19], axis=1, keepdims=True)
    return (
        days
        + np.where(late & (kind == 1) & (days > centre), strength, 0)
        - np.where(late & (kind == 2) & (days < centre), strength, 0)
    )


def agreement_of_rankings(
    levels: list[float], *, seed: int, device: Any, source: str, stations: int
) -> dict[str, float]:
    """Return Spearman's correlation of two rankings of stations, each by the change that one stakeholder would feel.

    The rankings rest on two random halves of the years, so that noise alone keeps them from agreeing even for one
    stakeholder: that is what two are held against.
    """
    from scipy.stats import spearmanr

    rng = np.random.default_rng(seed)
    days = station_days(source, rng)
    days = days[rng.permutation(len(days))[:stations]]
    early, late = np.arange(19), np.arange(19, days.shape[1])
    halves = rng.permutation(early), rng.permutation(late)
    rankings = [
        [h_divergence(row[halves[0][half::2]], row[halves[1][half::2]], Pinball(level), "js", "pooled") for row in days]
        for half, level in enumerate(levels)
    ]
    return {"agreement": float(spearmanr(*rankings).statistic)}


# Images


def _blurred(images: Images, strength: float, rng: np.random.Generator) -> Images:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(images, (0, strength, strength, 0)[: images.ndim])


def _noisy(images: Images, strength: float, rng: np.random.Generator) -> Images:
    return images + rng.normal(0, strength, images.shape)


CORRUPTIONS: dict[str, Callable[[Images, float, np.random.Generator], Images]] = {"noise": _noisy, "blur": _blurred}


def divergence_of_corrupted(
    strength: float, *, seed: int, device: Any, images: str, corruption: str, rows: int, components: int
) -> dict[str, float]:
    """Return the H-divergence of images and other, corrupted ones, over principal components of a third draw."""
    loaded = np.asarray(data.load(images).train.images)
    rng = np.random.default_rng(seed)
    drawn = loaded[rng.permutation(len(loaded))[: 3 * rows]].astype(np.float64)
    third, clean, other = np.split(drawn / drawn.max(), 3)
    changed = CORRUPTIONS[corruption](other, strength, rng) if strength else other
    centre = third.reshape(rows, -1).mean(0)
    directions = np.linalg.svd(third.reshape(rows, -1) - centre, full_matrices=False)[2][:components]
    first, second = ((part.reshape(rows, -1) - centre) @ directions.T for part in (clean, changed))
    return {"divergence": float(h_divergence(first, second, Gaussian(), "js", "subsample", n_mixtures=10))}
