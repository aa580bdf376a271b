"""Generalised class-incremental learning (Mi et al., 2020): phases that differ in number, kind and share of classes."""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.optimize import brentq
from scipy.special import gammaln
from torch import Tensor

from paperwright.blocks.counts import check_counts

from ._inputs import check_samples
from .scenarios import Scenario, Task

ClassWeights = Literal["unif", "longtail"]

# Class c of the long-tailed setting is drawn with a weight of LONG_TAIL^c.
LONG_TAIL = 0.984


class GeneralisedClassIncremental(Scenario):
    """Phases of a fixed number of samples in which classes come, go, return, and are unequally frequent.

    In each phase the number of classes is uniform on {1, ..., min(`max_classes`, classes left)}, the classes are drawn
    uniformly among those with samples left, and the samples are spread over them by weight, given that each class gets
    at least one (the benchmark draws until that is so; see :func:`positive_multinomial`). Samples are never used twice;
    where a class has fewer left than were asked for, the phase gets those.
    Labels are renumbered by first appearance, as a learner without foresight would number them.

    Args:
        x, y: all training samples.
        phases: how many.
        samples: how many in each.
        max_classes: most classes in a phase.
        weights: `"unif"`, or `"longtail"` with weight 0.984^c for class c.
        seed: decides the phases; 1993 in the benchmark.

    Attributes:
        met: the original class numbers in the order of first appearance.
        met_after: how many of them were met by the end of each phase.

    Example:
        >>> x, y = torch.rand(400, 8), torch.arange(400) % 10
        >>> scenario = GeneralisedClassIncremental(x, y, phases=3, samples=40, max_classes=5)
        >>> [len(task) for task in scenario]
        [40, 40, 40]

    Raises:
        ValueError: unknown weights, a number below one, or samples that run out before the last phase.
    """

    def __init__(
        self,
        x: Float[Tensor, "samples ..."],
        y: Int[Tensor, " samples"],
        phases: int = 20,
        samples: int = 1000,
        max_classes: int = 50,
        weights: ClassWeights = "unif",
        *,
        seed: int = 1993,
    ) -> None:
        check_samples(x, y)
        if weights not in ("unif", "longtail"):
            raise ValueError(f"weights: expected 'unif' or 'longtail', got {weights!r}")
        check_counts(phases=phases, samples=samples, max_classes=max_classes)
        self.x, self.y = x, y
        self.met: list[int] = []
        self.met_after: list[int] = []
        self._phases: list[Tensor] = []
        random = np.random.default_rng(seed)
        left = {int(c): random.permutation(np.flatnonzero(y.cpu().numpy() == c)) for c in y.unique().tolist()}
        for phase in range(phases):
            if not any(map(len, left.values())):
                raise ValueError(f"the samples ran out after {phase} of {phases} phases of {samples}")
            self._phases.append(self._draw(left, random, samples, max_classes, weights))
            self.met_after.append(len(self.met))
        self.renumbered = torch.full((max(left) + 1,), -1)
        self.renumbered[self.met] = torch.arange(len(self.met))
        super().__init__(phases, self._task)

    def _draw(
        self, left: dict[int, np.ndarray], random: np.random.Generator, samples: int, max_classes: int, weights: str
    ) -> Tensor:
        available = [c for c in left if len(left[c])]
        chosen = random.choice(available, random.integers(1, min(max_classes, len(available), samples) + 1), False)
        weight = LONG_TAIL**chosen if weights == "longtail" else np.ones(len(chosen))
        counts = positive_multinomial(samples, weight / weight.sum(), random)
        taken = []
        for c, count in zip(chosen.tolist(), counts.tolist(), strict=True):
            taken.append(left[c][:count])
            left[c] = left[c][count:]
        self.met += [c for c in chosen.tolist() if c not in self.met]
        return torch.from_numpy(np.concatenate(taken))

    def _task(self, index: int) -> Task:
        chosen = self._phases[index].to(self.x.device)
        labels = self.renumbered.to(self.y.device)[self.y[chosen]]
        return Task(index, self.x[chosen], labels, tuple(sorted(labels.unique().tolist())))

    def test(self, x: Float[Tensor, "samples ..."], y: Int[Tensor, " samples"], phase: int) -> Task:
        """Return the test samples whose class was met by the end of a phase, with labels renumbered alike."""
        check_samples(x, y)
        if not 0 <= phase < len(self):
            raise IndexError(f"phase is {phase}; expected one of 0 to {len(self) - 1}. Ask for one that there is")
        met = self.met_after[phase]
        known = y.clamp(max=len(self.renumbered) - 1)
        labels = torch.where(y < len(self.renumbered), self.renumbered.to(y.device)[known], -1)
        kept = (labels >= 0) & (labels < met)
        return Task(phase, x[kept], labels[kept], tuple(range(met)))


def positive_multinomial(
    total: int, probabilities: Float[np.ndarray, " classes"], random: np.random.Generator
) -> Int[np.ndarray, " classes"]:
    r"""Draw (n_1, ..., n_k) from the multinomial distribution given that every n_i is at least 1.

    One plain draw is kept if no count is zero. Otherwise the counts are drawn one after another from the conditional
    distribution itself, so that the number of steps is fixed, however unlikely the condition. Independent Poisson
    counts with means θ p_i, each given to be positive, have this very distribution once their sum is given, for any θ:

    .. math:: P(n_i \mid n_1 + \dots + n_i = m) \propto t_i(n_i) \, s_{i-1}(m - n_i)

    with t_i the zero-truncated Poisson distribution and s_i that of the sum of the first i. θ is the one at which the
    expected sum is `total`, where the tables hold no tiny numbers.

    Args:
        total: sum of the counts, at least the number of classes.
        probabilities: positive, of sum 1.
        random: the generator.

    Raises:
        ValueError: there are fewer to spread than classes, or a probability is not positive.
    """
    classes = len(probabilities)
    if total < classes or not (probabilities > 0).all():
        raise ValueError(
            f"total is {total}; expected at least one for each of {classes} classes of positive probability"
        )
    counts = random.multinomial(total, probabilities)
    if counts.all():
        return counts
    if total == classes:
        return np.ones(classes, dtype=counts.dtype)
    tables = [_positive_poisson(mean, total - classes + 1) for mean in _means(total, probabilities)]
    sums = [np.ones(1)]  # sums[i][m]: the probability that the first i counts add up to i + m
    for table in tables[:-1]:
        sums.append(np.convolve(sums[-1], table)[: total - classes + 1])
    rest = total - classes
    for i in reversed(range(classes)):
        beyond = np.arange(max(0, rest - len(sums[i]) + 1), min(len(tables[i]), rest + 1))
        odds = tables[i][beyond] * sums[i][rest - beyond]
        counts[i] = 1 + random.choice(beyond, p=odds / odds.sum())
        rest -= counts[i] - 1
    return counts


def _means(total: int, probabilities: Float[np.ndarray, " classes"]) -> Float[np.ndarray, " classes"]:
    """θ p_i with θ such that the zero-truncated means θ p_i / (1 − exp(−θ p_i)) add up to `total`."""

    def excess(log_theta: float) -> float:
        means = np.exp(log_theta) * probabilities
        return float((means / -np.expm1(-means)).sum() - total)

    # A term lies between θ p_i and 1 + θ p_i: the sum is above `total` at θ = total, and below it at θ = 1/2.
    return np.exp(brentq(excess, np.log(0.5), np.log(total))) * probabilities


def _positive_poisson(mean: float, length: int) -> Float[np.ndarray, " counts"]:
    """Probabilities of the counts 1, 2, ... of a zero-truncated Poisson, as far as float64 can add them.

    Beyond mean + t lies at most exp(−t²/2 / (mean + t/3)) (Bernstein), here below 1e-25.
    """
    longest = min(length, int(mean + 12 * mean**0.5 + 40))
    n = np.arange(1, longest + 1)
    return np.exp(n * np.log(mean) - mean - gammaln(n + 1)) / -np.expm1(-mean)
