"""What only the claims need: runs of known distribution, DP-SGD that is small enough to be one run, and the trials."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr

from paperwright import data

from .audit import AuditResult, audit_epsilon, renyi_divergence, sample_best, selected_divergence, selected_pmf
from .base import gaussian_rdp, gaussian_tradeoff
from .conversion import DEFAULT_ORDERS, rdp_to_epsilon
from .run_count import RunCount
from .search import private_search
from .selection import Tradeoff, selected_rdp

Numbers = dict[str, float]
Training = Callable[[float, np.random.Generator], tuple[Any, float]]  # (learning rate, generator) -> (model, accuracy)
Row = Float[np.ndarray, " *row"]


@dataclass(frozen=True)
class Shape:
    """A distribution of the number of runs: eta, or None for Poisson, and either its tail parameter or its mean."""

    eta: float | None
    gamma: float | None = None
    mean: float | None = None

    def run_count(self) -> RunCount:
        """Return the distribution."""
        if self.eta is None and self.mean is not None:
            return RunCount.poisson(mean=self.mean)
        return RunCount.negative_binomial(eta=self.eta or 0.0, gamma=self.gamma, mean=self.mean)


# Runs of known distribution, to hold the bounds against


@dataclass(frozen=True)
class KnownBase:
    """One run that returns its score, on two neighbouring data sets "here" and "there".

    Attributes:
        kind: "gaussian" (scores N(0, 1) and N(strength, 1)), "laplace" (scale 1, shifted by strength) or
            "randomised response" (1 with probability 1/(1 + e^-strength), or its complement).
        strength: the sensitivity over the noise; for the last two it is also the pure epsilon.

    Source: Mironov 2017, Table II.
    """

    kind: Literal["gaussian", "laplace", "randomised response"]
    strength: float

    def rdp(self, orders: Row) -> Row:
        """Return the exact RDP curve of one run, at finite orders above 1."""
        epsilon = self.strength
        if self.kind == "gaussian":
            return orders * epsilon**2 / 2
        if self.kind == "laplace":
            shrinks = np.log(orders / (2 * orders - 1)) + (orders - 1) * epsilon
            grows = np.log((orders - 1) / (2 * orders - 1)) - orders * epsilon
            return np.asarray(np.logaddexp(shrinks, grows) / (orders - 1))
        return np.array([renyi_divergence(*self._answers(), order) for order in orders])

    @property
    def tradeoff(self) -> Tradeoff | None:
        """The trade-off function, for the Gaussian."""
        return gaussian_tradeoff(1 / self.strength) if self.kind == "gaussian" else None

    def selected_divergence(self, runs: RunCount, order: float, *, reverse: bool = False) -> float:
        """Return the exact D_order of the search's output here from there (or, reversed, there from here)."""
        if self.kind == "randomised response":
            answers = self._answers()[:: -1 if reverse else 1]
            here, there = (np.append(selected_pmf(pmf, runs), runs.prob_no_run) for pmf in answers)
            return renyi_divergence(here, there, order)
        centres = (0.0, -self.strength if reverse else self.strength)  # only the difference matters
        if self.kind == "gaussian":
            y, weights = _panels(-14 - self.strength * order, 14 + self.strength * order)
            densities = [-((y - c) ** 2) / 2 - math.log(2 * math.pi) / 2 for c in centres]
            survivals = [ndtr(c - y) for c in centres]
        else:
            y, weights = _panels(-45.0, 45.0, centres)
            densities = [-np.abs(y - c) - math.log(2) for c in centres]
            survivals = [np.where(y > c, tail, 1 - tail) for c in centres for tail in [np.exp(-np.abs(y - c)) / 2]]
        return selected_divergence((densities[0], densities[1]), (survivals[0], survivals[1]), weights, runs, order)

    def _answers(self) -> tuple[Row, Row]:
        truth = 1 / (1 + math.exp(-self.strength))
        return np.array([1 - truth, truth]), np.array([truth, 1 - truth])


def _panels(low: float, high: float, kinks: tuple[float, ...] = ()) -> tuple[Row, Row]:
    """Gauss-Legendre nodes and weights in panels of width at most 1/4, with panel borders at the kinks."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    edges = np.unique(np.concatenate([np.linspace(low, high, int(4 * (high - low)) + 2), kinks]))
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (1 + nodes)).ravel(), (half * weights).ravel()


# Private training


class LabelledRows(NamedTuple):
    """Inputs scaled to [0, 1] with a constant column, and labels, for training and for scoring."""

    x: Float[np.ndarray, "examples features"]
    y: Int[np.ndarray, " examples"]
    x_score: Float[np.ndarray, "scored features"]
    y_score: Int[np.ndarray, " scored"]

    @classmethod
    def load(cls, images: str) -> "LabelledRows":
        """Return a data set of images by its name."""
        loaded = data.load(images)
        top = float(np.max(loaded.train.images))

        def rows(split: Any) -> Float[np.ndarray, "examples features"]:
            flat = np.asarray(split.images).reshape(len(split.images), -1).astype(np.float32) / top
            return np.hstack([flat, np.ones((len(flat), 1), np.float32)])

        x, x_score = rows(loaded.train), rows(loaded.test)
        return cls(x, np.asarray(loaded.train.labels), x_score, np.asarray(loaded.test.labels))


@dataclass(frozen=True)
class PrivateTraining:
    """DP-SGD on images, and the learning rates and the run count of the search over it.

    Attributes:
        model: "softmax" or "cnn".
        lowest, highest: of `rates` learning rates at equal ratios.
        mean: number of runs of a search, on average (geometric).
        batch, steps: of one training.
        noise_multiplier, clip: of DP-SGD.
    """

    model: str
    lowest: float
    highest: float
    rates: int
    mean: int
    batch: int
    steps: int
    noise_multiplier: float = 1.1
    clip: float = 1.0

    def training(self, rows: LabelledRows, device: str) -> Training:
        """Return one run as a function of the learning rate and a generator."""
        if self.model == "cnn":
            return lambda rate, rng: train_cnn(rows, self, rate, rng, device)
        return lambda rate, rng: train_softmax(rows, self, rate, rng)


def train_softmax(
    rows: LabelledRows, settings: PrivateTraining, rate: float, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "features classes"], float]:
    r"""Train softmax regression by DP-SGD and return (weights, accuracy on the scoring rows).

    .. math:: W \leftarrow W - \frac{\text{rate}}{\text{batch}} \Big(\sum_{i \in B} g_i \min(1, C / \lVert g_i \rVert)
              + \sigma C\, N(0, I)\Big),

    where every example is in B with probability batch / examples. The gradient of one example is the outer product of
    its input and its residual, so its norm is the product of two norms and clipping needs no gradient per example. One
    run has the RDP of ``gaussian_rdp(noise_multiplier, batch / examples, steps)``, the scoring rows being public.

    Source: Abadi et al. 2016, Algorithm 1.
    """
    examples, features = rows.x.shape
    classes = int(rows.y.max()) + 1
    one_hot = np.eye(classes, dtype=np.float32)[rows.y]
    squared_norms = np.einsum("ij,ij->i", rows.x, rows.x)
    weights = np.zeros((features, classes), dtype=np.float32)
    for _ in range(settings.steps):
        chosen = _poisson_batch(examples, settings.batch, rng)
        x = rows.x[chosen]
        logits = x @ weights
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        residual = powers / powers.sum(axis=1, keepdims=True) - one_hot[chosen]
        norms = np.sqrt(squared_norms[chosen] * np.einsum("ij,ij->i", residual, residual))
        clipped = residual * np.minimum(1, settings.clip / np.maximum(norms, 1e-12))[:, None]
        noise = settings.noise_multiplier * settings.clip * rng.standard_normal(weights.shape, dtype=np.float32)
        weights -= np.float32(rate / settings.batch) * (x.T @ clipped + noise)
    accuracy = float(np.mean(np.argmax(rows.x_score @ weights, axis=1) == rows.y_score))
    return weights, accuracy


def _poisson_batch(examples: int, batch: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Indices of a batch that holds each example with probability batch / examples."""
    return rng.choice(examples, rng.binomial(examples, batch / examples), replace=False, shuffle=False)


def small_cnn() -> Any:
    """Return the TF Privacy tutorial's network for 28x28 images: two convolutions, two dense layers, 26,010 weights."""
    from torch import nn

    convolutions = [nn.Conv2d(1, 16, 8, stride=2, padding=3), nn.ReLU(), nn.MaxPool2d(2, 1)]
    convolutions += [nn.Conv2d(16, 32, 4, stride=2), nn.ReLU(), nn.MaxPool2d(2, 1), nn.Flatten()]
    return nn.Sequential(*convolutions, nn.Linear(32 * 4 * 4, 32), nn.ReLU(), nn.Linear(32, 10))


def train_cnn(
    rows: LabelledRows, settings: PrivateTraining, rate: float, rng: np.random.Generator, device: str
) -> tuple[Any, float]:
    """Train `small_cnn` as `train_softmax` does: per-example gradients by `vmap`, clipped, plus Gaussian noise.

    Opacus does the same to a module and a loader; here the batches and the noise follow `rng`, as every trial must.
    """
    import torch
    from torch import Tensor, nn
    from torch.func import functional_call, grad, vmap

    if rows.x.shape[1] != 28 * 28 + 1:
        raise ValueError(f"rows has {rows.x.shape[1] - 1} pixels an image; expected 28x28. Load 'mnist'.")
    train, score = (torch.as_tensor(x[:, :-1], device=device).reshape(-1, 1, 28, 28) for x in (rows.x, rows.x_score))
    labels = torch.as_tensor(rows.y, device=device)
    generator = torch.Generator(device).manual_seed(int(rng.integers(2**63)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        model = small_cnn().to(device)
    weights = {name: value.detach() for name, value in model.named_parameters()}

    def loss(weights: Mapping[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        return nn.functional.cross_entropy(functional_call(model, dict(weights), image[None]), label[None])

    gradients = vmap(grad(loss), in_dims=(None, 0, 0))
    for _ in range(settings.steps):
        chosen = torch.as_tensor(_poisson_batch(len(labels), settings.batch, rng), device=device)
        each = gradients(weights, train[chosen], labels[chosen])
        norms = torch.stack([gradient.flatten(1).square().sum(1) for gradient in each.values()]).sum(0).sqrt()
        scale = (settings.clip / norms.clamp_min(1e-12)).clamp_max(1)
        for name, gradient in each.items():
            noise = torch.randn(weights[name].shape, generator=generator, device=device)
            clipped = torch.tensordot(scale, gradient, dims=1)
            moved = clipped + settings.noise_multiplier * settings.clip * noise
            weights[name] = weights[name] - rate / settings.batch * moved
    model.load_state_dict(weights)
    with torch.no_grad():
        predicted = torch.cat([model(part).argmax(1) for part in torch.split(score, 2000)])
    return model, float((predicted.cpu().numpy() == rows.y_score).mean())


# The trials


def audit_three_outcomes(shape: Shape, *, seed: int, device: str, epsilon: float, searches: int) -> Numbers:
    """Search many times on two neighbouring data sets and bound epsilon from how often the middle outcome wins.

    One run returns worst, middle or best with probabilities (0.78, 0.02, 0.2) on one data set; on its neighbour the
    middle is e^epsilon likelier and the best e^epsilon less likely, so that a run is exactly epsilon-private. Whether
    the middle wins depends on both, and a search therefore tells more than a run does.
    """
    runs = shape.run_count()
    neighbour = np.array([0.0, 0.02, 0.2])
    here = neighbour * np.exp([0.0, epsilon, -epsilon])
    here[0], neighbour[0] = 1 - here.sum(), 1 - neighbour.sum()
    bound = selected_rdp([math.inf], [epsilon], runs, "closed")[0]
    audit = audit_epsilon(
        _search_among(here, runs),
        _search_among(neighbour, runs),
        event=lambda outcome: outcome == 1,
        trials=searches,
        rng=np.random.default_rng(seed),
    )
    return {
        "audited_epsilon": audit.lower,
        "bound": bound,
        "numeric_bound": selected_rdp([math.inf], [epsilon], runs, "numeric")[0],
        "true_loss": math.log(selected_pmf(here, runs)[1] / selected_pmf(neighbour, runs)[1]),
        "above_the_bound": audit.lower - bound,
        "below_one_run": epsilon - audit.lower,
    }


def _search_among(pmf: Row, runs: RunCount) -> Callable[[np.random.Generator, int], Row]:
    steps = np.cumsum(pmf)
    return lambda rng, size: sample_best(lambda u: np.searchsorted(steps[:-1], u, side="left"), runs, rng, size)


def choose_with_and_without_an_outlier(arm: str, *, seed: int, device: str, draws: int, searches: int) -> Numbers:
    """Tune a linear SVM on data with and without one outlier; audit a private search over the same scores."""
    rng = np.random.default_rng(seed)
    flips, worst = 0, {"excess": -math.inf, "audited_epsilon": 0.0, "epsilon": 0.0}
    for _ in range(draws):
        scores = _validation_scores(rng)
        flips += int(np.argmax(scores[0]) != np.argmax(scores[1]))
        audit, upper = _audit_private_choice(scores, rng, searches)
        if audit.lower - upper > worst["excess"]:
            worst = {"excess": audit.lower - upper, "audited_epsilon": audit.lower, "epsilon": upper}
    return {"changed_winners": float(flips), "draws": float(draws), **worst}


def _validation_scores(rng: np.random.Generator) -> Float[np.ndarray, "2 strengths"]:
    """Accuracy of six linear SVMs on fresh points, trained without (row 0) and with (row 1) the outlier."""
    from sklearn.svm import SVC

    def points(each: int) -> tuple[Float[np.ndarray, "points 2"], Int[np.ndarray, " points"]]:
        labels = np.repeat([1, -1], each)
        return rng.normal(size=(2 * each, 2)) * [0.5, 1.0] + np.outer(labels, [1.5, 0.0]), labels

    (x, y), (x_fresh, y_fresh) = points(20), points(500)
    with_outlier = np.vstack([x, [[0.6, 3.0]]]), np.append(y, -1)
    return np.array(
        [
            [SVC(kernel="linear", C=C).fit(*train).score(x_fresh, y_fresh) for C in (0.01, 0.1, 1, 10, 100, 1000)]
            for train in ((x, y), with_outlier)
        ]
    )


def _audit_private_choice(
    scores: Float[np.ndarray, "2 strengths"],
    rng: np.random.Generator,
    searches: int,
    noise: float = 0.05,
    delta: float = 1e-6,
) -> tuple[AuditResult, float]:
    """Audit a search whose scores carry Gaussian noise, and its own guarantee for exactly these two data sets."""
    runs = RunCount.logarithmic(mean=10)
    sensitivity = max(float(np.max(np.abs(scores[0] - scores[1]))), 1e-3)  # measured on this pair; 1e-3 is one point
    orders, rdp = gaussian_rdp(noise / sensitivity)
    tradeoff = gaussian_tradeoff(noise / sensitivity)
    upper = rdp_to_epsilon(orders, selected_rdp(orders, rdp, runs, tradeoff=tradeoff), delta, warn=False).epsilon

    def winners(row: Row) -> Callable[[np.random.Generator, int], Int[np.ndarray, " searches"]]:
        return lambda rng, size: _noisy_winners(row, noise, runs, rng, size)

    pilot = [np.bincount(winners(row)(rng, searches // 4), minlength=row.size) + 1 for row in scores]
    target = int(np.argmax(np.log(pilot[0] / pilot[1])))
    here, there = map(winners, scores)
    audit = audit_epsilon(here, there, lambda chosen: chosen == target, searches, delta, rng=rng, upper=upper)
    return audit, upper


def _noisy_winners(
    scores: Row, noise: float, runs: RunCount, rng: np.random.Generator, size: int
) -> Int[np.ndarray, " searches"]:
    """The candidates chosen by `size` searches, all runs of all searches at once."""
    counts = np.asarray(runs.sample(rng, size))
    candidates = rng.integers(scores.size, size=counts.sum())
    noisy = scores[candidates] + noise * rng.normal(size=candidates.size)
    search = np.repeat(np.arange(size), counts)
    last = np.cumsum(counts) - 1
    return candidates[np.lexsort((noisy, search))[last]]


CHECKED_RUNS = [RunCount.negative_binomial(eta=eta, gamma=g) for eta in (-0.5, 0.0, 1.0, 2.0) for g in (0.5, 0.05)] + [
    RunCount.poisson(mean=mean) for mean in (1.0, 3.0, 10.0)
]
CHECKED_ORDERS = (1.1, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0)


def compare_with_exact_divergence(base: str, *, seed: int, device: str, strengths: list[float], stride: int) -> Numbers:
    """Count the cells (strength, run count, order, direction) in which the exact divergence exceeds a bound."""
    cells = np.array(
        [
            cell
            for strength in strengths
            for runs in CHECKED_RUNS[::stride]
            for cell in _exact_and_bounds(KnownBase(base, strength), runs)  # type: ignore[arg-type]  # an arm is text
        ]
    )
    exact, bound, single = cells.T
    return {
        "cells": float(exact.size),
        "violations": float(np.sum(bound - exact < -1e-7)),
        "above_one_run": float(np.sum(single - exact < -1e-7)),
        "smallest_margin": float((bound - exact).min()),
        "median_margin": float(np.median(bound - exact)),
    }


def _exact_and_bounds(base: KnownBase, runs: RunCount) -> Iterator[tuple[float, float, float]]:
    """(exact divergence, smallest of all our bounds, that of one run) at each order, in both directions."""
    orders = np.unique(np.concatenate([DEFAULT_ORDERS, CHECKED_ORDERS]))
    single = base.rdp(orders)
    bounds = selected_rdp(orders, single, runs, tradeoff=base.tradeoff)
    for order in CHECKED_ORDERS:
        at = np.searchsorted(orders, order)
        for reverse in (False, True):
            yield base.selected_divergence(runs, order, reverse=reverse), bounds[at], single[at]


def price_by_mean(
    eta: float | None, *, seed: int, device: str, means: list[int], rho: float, delta: float, orders: list[int]
) -> Numbers:
    """Return epsilon of a search over a rho-zCDP run, for growing mean run counts, by the paper's closed form."""
    alphas = np.array(orders, dtype=np.float64)
    rdp = rho * alphas
    single = rdp_to_epsilon(alphas, rdp, delta, warn=False).epsilon
    numbers = {"epsilon_of_one_run": single}
    for mean in means:
        runs = Shape(eta, mean=mean).run_count()
        for name, searched in (
            ("epsilon", selected_rdp(alphas, rdp, runs, "closed")),
            ("numeric_epsilon", selected_rdp(alphas, rdp, runs, "best")),
        ):
            numbers[f"{name}_{mean}"] = rdp_to_epsilon(alphas, searched, delta, warn=False).epsilon
        numbers[f"ratio_{mean}"] = numbers[f"epsilon_{mean}"] / single
    return numbers


def expected_accuracy_on_the_table(shape: Shape, *, seed: int, device: str, rates: int) -> Numbers:
    """Return the winner's exact expected accuracy over the best of the authors' 1,000 log-spaced learning rates."""
    table = data.load("rdp_tuning/lr_acc")
    grid = np.log(np.logspace(-4, 0, 1000))
    distance = np.abs(np.log(table["learning_rate"])[:, None] - grid).min(axis=1)
    accuracies = np.sort(table["accuracy"][distance < 1e-9])[-rates:]
    runs = shape.run_count()
    expected = runs.expected_best(accuracies)
    best = float(accuracies.max())
    return {"accuracy": expected, "best": best, "gap": best - expected, "expected_runs": runs.mean}


def run(settings: PrivateTraining, *, seed: int, device: str, images: str, searches: int) -> Numbers:
    """Train once at every rate, predict the searched accuracy exactly from that table, and run searches beside it."""
    rows = LabelledRows.load(images)
    train = settings.training(rows, device)
    rates = np.geomspace(settings.lowest, settings.highest, settings.rates)
    streams = np.random.default_rng(seed).spawn(len(rates) + searches)
    table = [train(rate, rng)[1] for rate, rng in zip(rates, streams, strict=False)]
    runs = RunCount.geometric(mean=settings.mean)
    base = gaussian_rdp(settings.noise_multiplier, settings.batch / len(rows.y), settings.steps)
    results = [private_search(train, rates, runs=runs, base=base, delta=1e-5, rng=rng) for rng in streams[len(rates) :]]
    best = max(table)
    return {
        "accuracy": float(np.mean([result.score for result in results])),
        "predicted_accuracy": runs.expected_best(table),
        "best": best,
        "gap_at_100_runs": best - RunCount.geometric(mean=100).expected_best(table),
        "epsilon": rdp_to_epsilon(results[0].orders, results[0].rdp, 1e-5, warn=False).epsilon,
        "epsilon_of_one_run": rdp_to_epsilon(*base, 1e-5, warn=False).epsilon,
    }
