"""Generalised class-incremental learning (Mi et al., 2020): phases that differ in number, kind and share of classes."""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from paperwright.blocks.counts import check_counts
from paperwright.lifelong.cls_er.positive_multinomial import positive_multinomial
from paperwright.lifelong.cls_er.tasks import Scenario, Task, check_samples

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
        """All of the test samples given whose class was met by the end of a phase, with labels renumbered alike."""
        check_samples(x, y)
        met = self.met_after[phase]
        known = y.clamp(max=len(self.renumbered) - 1)
        labels = torch.where(y < len(self.renumbered), self.renumbered.to(y.device)[known], -1)
        kept = (labels >= 0) & (labels < met)
        return Task(phase, x[kept], labels[kept], tuple(range(met)))


def generalised_class_incremental(
    x: Float[Tensor, "samples ..."],
    y: Int[Tensor, " samples"],
    phases: int = 20,
    samples: int = 1000,
    max_classes: int = 50,
    weights: ClassWeights = "unif",
    *,
    seed: int = 1993,
) -> GeneralisedClassIncremental:
    """The scenario GCIL. See :class:`GeneralisedClassIncremental`."""
    return GeneralisedClassIncremental(x, y, phases, samples, max_classes, weights, seed=seed)
