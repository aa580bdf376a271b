"""What a continual learner is fed with: tasks, and the standard sequences of them (new classes, pixels, angles)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from paperwright.blocks.counts import check_counts

from ._inputs import check_images, check_samples, number_within
from .transforms import rotate


@dataclass(frozen=True, eq=False)
class Task:
    """One stretch of a stream within which the distribution stays put; :meth:`batches` is what a learner learns from.

    Attributes:
        index: its number in the scenario, from 0.
        inputs: all inputs.
        labels: their class numbers.
        classes: the classes that this task is about, for task-incremental evaluation.

    Example:
        >>> task = Task(0, torch.rand(20, 8), torch.arange(20) % 2, (0, 1))
        >>> len(task.batches(5, epochs=2))
        8
    """

    index: int
    inputs: Float[Tensor, "samples ..."]
    labels: Int[Tensor, " samples"]
    classes: tuple[int, ...]

    def batches(
        self,
        batch_size: int,
        *,
        epochs: int = 1,
        shuffle: bool = True,
        drop_last: bool = True,
        seed: int | None = None,
    ) -> Iterable[tuple[Tensor, Tensor]]:
        """Return batches (x, y) to learn from, as :class:`TaskBatches`, a data set that a `DataLoader` takes."""
        return TaskBatches(
            self.inputs, self.labels, batch_size, epochs=epochs, shuffle=shuffle, drop_last=drop_last, seed=seed
        )

    def __len__(self) -> int:
        return len(self.inputs)


class TaskBatches(IterableDataset[tuple[Tensor, Tensor]]):
    """Batches of tensors that belong together; give it to a `DataLoader` with `batch_size=None`, or iterate it.

    Args:
        inputs, labels: the samples.
        batch_size: samples a batch.
        epochs: passes over the samples, each in an order of its own.
        shuffle: whether to mix them.
        drop_last: whether to leave out the last, smaller batch of each pass (as the paper's experiments do).
        seed: decides the orders, alike in every iteration; `None` draws it from torch's global generator.

    Raises:
        ValueError: batch size or epochs are below one, or fewer samples than one batch are left.
    """

    def __init__(
        self,
        inputs: Float[Tensor, "samples ..."],
        labels: Int[Tensor, " samples"],
        batch_size: int,
        *,
        epochs: int = 1,
        shuffle: bool = True,
        drop_last: bool = True,
        seed: int | None = None,
    ) -> None:
        check_counts(batch_size=batch_size, epochs=epochs)
        if drop_last and len(inputs) < batch_size:
            raise ValueError(f"batch_size: {len(inputs)} samples make no batch of {batch_size}; see drop_last=False")
        self.inputs, self.labels = inputs, labels
        self.batch_size, self.epochs, self.shuffle, self.drop_last = batch_size, epochs, shuffle, drop_last
        self.seed = int(torch.randint(2**62, ())) if seed is None else seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker = get_worker_info()
        first, every = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for number, chosen in enumerate(self._choices()):
            if number % every == first:
                yield self.inputs[chosen], self.labels[chosen]

    def _choices(self) -> Iterator[Tensor]:
        generator = torch.Generator().manual_seed(self.seed)
        count = len(self.inputs)
        for _ in range(self.epochs):
            order = torch.randperm(count, generator=generator) if self.shuffle else torch.arange(count)
            kept = count - count % self.batch_size if self.drop_last else count
            yield from order[:kept].split(self.batch_size)

    def __len__(self) -> int:
        whole, rest = divmod(len(self.inputs), self.batch_size)
        return self.epochs * (whole + bool(rest and not self.drop_last))


class Scenario(Sequence[Task]):
    """A sequence of tasks, each made when it is asked for, so that twenty copies of a data set need not fit in memory.

    Args:
        tasks: how many.
        make: the task with a given number.
    """

    def __init__(self, tasks: int, make: Callable[[int], Task]) -> None:
        self._tasks = tasks
        self._make = make

    def __len__(self) -> int:
        return self._tasks

    @overload
    def __getitem__(self, index: int) -> Task: ...

    @overload
    def __getitem__(self, index: slice) -> "Scenario": ...

    def __getitem__(self, index: int | slice) -> "Task | Scenario":
        if isinstance(index, slice):
            chosen = range(len(self))[index]
            return Scenario(len(chosen), lambda number: self._make(chosen[number]))
        if not -len(self) <= index < len(self):
            raise IndexError(f"there are {len(self)} tasks, got number {index}")
        return self._make(index % len(self))


def split_by_class(
    x: Float[Tensor, "samples ..."],
    y: Int[Tensor, " samples"],
    classes_per_task: int = 2,
    *,
    order: Sequence[int] | None = None,
) -> Scenario:
    """Return the class-incremental scenario: each task brings new classes (S-MNIST, S-CIFAR-10).

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
    return Scenario(len(groups), lambda index: Task(index, *select_classes(x, y, groups[index]), groups[index]))


def permuted(
    x: Float[Tensor, "samples ..."], y: Int[Tensor, " samples"], n_tasks: int = 20, *, seed: int = 0
) -> Scenario:
    """Return a domain-incremental scenario: each task, the first too, shuffles the pixels in its own way (P-MNIST).

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
    """Return a domain-incremental scenario: each task turns all images by one angle (R-MNIST).

    Args:
        x, y: all samples, in every task; the same seed gives training and test samples the same angles.
        n_tasks: how many.
        max_degrees: angles are uniform in [0°, `max_degrees`).
        seed: decides the angles.
    """
    check_samples(x, y)
    check_images(x)
    check_counts(n_tasks=n_tasks)
    number_within("max_degrees", max_degrees)
    generator = torch.Generator().manual_seed(seed)
    angles = (torch.rand(n_tasks, generator=generator, dtype=torch.float64) * max_degrees).tolist()
    classes = classes_of(y)
    return Scenario(n_tasks, lambda index: Task(index, rotate(x, angles[index]), y, classes))


def classes_of(y: Int[Tensor, " samples"]) -> tuple[int, ...]:
    """Return the class numbers that occur, in order."""
    return tuple(y.unique().tolist())


def select_classes(x: Tensor, y: Tensor, classes: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return the samples of some classes, in their order."""
    kept = torch.isin(y, torch.tensor(classes, device=y.device))
    return x[kept], y[kept]
