"""Tasks, streams of batches, and sequences of tasks: what a continual learner is fed with."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from paperwright.blocks.counts import check_counts


@dataclass(frozen=True, eq=False)
class Task:
    """One stretch of a stream within which the distribution stays put; :meth:`batches` is what a learner learns from.

    Attributes:
        index: its number in the scenario, from 0.
        inputs: all inputs.
        labels: their class numbers.
        classes: the classes that this task is about, for task-incremental evaluation.
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
        """Batches (x, y) to learn from, as :class:`Batches`, a data set that a `DataLoader` takes."""
        return Batches(
            self.inputs, self.labels, batch_size, epochs=epochs, shuffle=shuffle, drop_last=drop_last, seed=seed
        )

    def __len__(self) -> int:
        return len(self.inputs)


class Batches(IterableDataset):
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


def check_samples(x: Tensor, y: Tensor) -> None:
    """Refuse inputs and labels that do not belong together."""
    if y.dtype.is_floating_point or y.dtype == torch.bool:
        raise TypeError(f"labels: expected integers (class numbers), got {y.dtype}")
    if len(x) != len(y):
        raise ValueError(f"x and y: expected the same length, got {len(x)} inputs and {len(y)} labels")
    if not len(x):
        raise ValueError("expected at least one sample, got none")


def check_images(x: Tensor) -> None:
    """Refuse what is not a batch of images."""
    if x.ndim < 3:
        raise ValueError(f"expected images [samples, ..., height, width], got shape {tuple(x.shape)}")


def classes_of(y: Int[Tensor, " samples"]) -> tuple[int, ...]:
    """The class numbers that occur, in order."""
    return tuple(y.unique().tolist())


def only(x: Tensor, y: Tensor, classes: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The samples of some classes, in their order."""
    kept = torch.isin(y, torch.tensor(classes, device=y.device))
    return x[kept], y[kept]
