"""The standard scenarios: new classes, permuted pixels, rotated images."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from paperwright.blocks.counts import check_counts
from paperwright.lifelong.cls_er.rotation import rotate
from paperwright.lifelong.cls_er.tasks import Scenario, Task, check_images, check_samples, classes_of, only


def split_by_class(
    x: Float[Tensor, "samples ..."],
    y: Int[Tensor, " samples"],
    classes_per_task: int = 2,
    *,
    order: Sequence[int] | None = None,
) -> Scenario:
    """Class-incremental: each task brings classes that were not there before (S-MNIST, S-CIFAR-10).

    Args:
        x, y: all samples; call it with the same order for training and test samples.
        classes_per_task: how many new classes a task has; the last task takes what is left.
        order: the classes in the order of their coming; by default as they are numbered.

    Raises:
        ValueError: fewer than one class a task, or an order that is not one of the classes that occur.
    """
    check_samples(x, y)
    check_counts(classes_per_task=classes_per_task)
    coming = classes_of(y) if order is None else tuple(order)
    if sorted(coming) != list(classes_of(y)):
        raise ValueError(f"order: expected each of the classes {list(classes_of(y))} once, got {list(coming)}")
    groups = [coming[first : first + classes_per_task] for first in range(0, len(coming), classes_per_task)]
    return Scenario(len(groups), lambda index: Task(index, *only(x, y, groups[index]), groups[index]))


def permuted(
    x: Float[Tensor, "samples ..."], y: Int[Tensor, " samples"], n_tasks: int = 20, *, seed: int = 0
) -> Scenario:
    """Domain-incremental: each task shuffles the pixels in a way of its own (P-MNIST; the first task too).

    Args:
        x, y: all samples, in every task; the same seed gives training and test samples the same permutations.
        n_tasks: how many.
        seed: decides the permutations.
    """
    check_samples(x, y)
    check_counts(n_tasks=n_tasks)
    flat, classes = x.flatten(1), classes_of(y)

    def task(index: int) -> Task:
        generator = torch.Generator().manual_seed(seed)
        orders = [torch.randperm(flat.shape[1], generator=generator) for _ in range(index + 1)]
        return Task(index, flat.index_select(1, orders[-1].to(x.device)).reshape(x.shape), y, classes)

    return Scenario(n_tasks, task)


def rotated(
    x: Float[Tensor, "samples *channels height width"],
    y: Int[Tensor, " samples"],
    n_tasks: int = 20,
    max_degrees: float = 180.0,
    *,
    seed: int = 0,
) -> Scenario:
    """Domain-incremental: each task turns all images by one angle, uniform in [0°, `max_degrees`) (R-MNIST).

    Args:
        x, y: all samples, in every task; the same seed gives training and test samples the same angles.
        n_tasks: how many.
        max_degrees: the largest angle.
        seed: decides the angles.
    """
    check_samples(x, y)
    check_images(x)
    check_counts(n_tasks=n_tasks)
    generator = torch.Generator().manual_seed(seed)
    angles = (torch.rand(n_tasks, generator=generator, dtype=torch.float64) * max_degrees).tolist()
    classes = classes_of(y)
    return Scenario(n_tasks, lambda index: Task(index, rotate(x, angles[index]), y, classes))
