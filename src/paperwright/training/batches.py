"""The order of the data: which examples make up batch number n is a function of the seed and n alone.

Nothing has to be replayed to go on in the middle of an epoch, with any number of processes or loading workers.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .randomness import derived_seed, preserved_randomness


class Batches:
    """Shuffled batches without end, epoch after epoch, for each of several processes.

    Every epoch is a new permutation; examples that do not fill a batch for each process wait for another epoch.

    Args:
        data: A tensor or a tuple of tensors of equal length, indexed at once (the fast way for what fits in memory);
            or a map-style `torch.utils.data.Dataset`. Random transforms of a data set are seeded for each batch.
        batch_size: Examples in a batch of one process.
        seed: Decides the order, and the transforms' randomness.
        count: How many processes share the data.
        index: Which of them this is.
        workers: Loading processes of a `Dataset`; 0 loads in this one.

    Raises:
        ValueError: There is less data than one batch for each process, or tensors differ in length.
    """

    def __init__(
        self, data: Any, *, batch_size: int, seed: int, count: int = 1, index: int = 0, workers: int = 0
    ) -> None:
        tensors = (data,) if isinstance(data, Tensor) else data
        self._tensors: tuple[Tensor, ...] | None = tensors if isinstance(tensors, tuple) else None
        if self._tensors is not None and len({len(tensor) for tensor in self._tensors}) != 1:
            raise ValueError(f"tensors differ in length: {[len(tensor) for tensor in self._tensors]}")
        self.data = data
        self.examples = len(self._tensors[0] if self._tensors is not None else data)
        self.batch_size, self.seed, self.count, self.index, self.workers = batch_size, seed, count, index, workers
        if batch_size < 1 or self.examples < batch_size * count:
            raise ValueError(
                f"{self.examples} examples do not make one batch of {batch_size} for each of {count} processes; "
                "choose a smaller batch_size"
            )
        self.per_epoch = self.examples // (batch_size * count)
        self._epoch, self._permutation = -1, torch.empty(0)

    def indices(self, number: int) -> Tensor:
        """The examples of this process's batch `number`, counted from 0 over all epochs."""
        epoch, place = divmod(number, self.per_epoch)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(derived_seed(self.seed, epoch))
            self._epoch, self._permutation = epoch, torch.randperm(self.examples, generator=generator)
        start = (place * self.count + self.index) * self.batch_size
        return self._permutation[start : start + self.batch_size]

    def start_at(self, number: int) -> Iterator[Any]:
        """This process's batches from `number` on, without end."""
        if self._tensors is not None:
            single = isinstance(self.data, Tensor)
            while True:
                indices = self.indices(number)
                parts = tuple(tensor[indices.to(tensor.device)] for tensor in self._tensors)
                yield parts[0] if single else parts
                number += 1
        loader = DataLoader(
            _SeededFetches(self.data, self.seed, self.index),
            batch_sampler=_Numbered(self, number),
            num_workers=self.workers,
            generator=torch.Generator().manual_seed(0),  # or it would draw from the global one whenever it starts
        )
        yield from loader


class _Numbered:
    """A batch sampler whose batches begin with their number."""

    def __init__(self, batches: Batches, start: int) -> None:
        self.batches, self.start = batches, start

    def __iter__(self) -> Iterator[list[int]]:
        number = self.start
        while True:
            yield [number, *self.batches.indices(number).tolist()]
            number += 1


class _SeededFetches(Dataset[Any]):
    """Draws the random transforms of a batch from a seed of its own, whichever worker loads it."""

    def __init__(self, data: Any, seed: int, index: int) -> None:
        self.data, self.seed, self.index = data, seed, index

    def __getitems__(self, numbered: Sequence[int]) -> list[Any]:
        number, *indices = numbered
        with preserved_randomness(derived_seed(self.seed, number, self.index, 1)):
            if hasattr(self.data, "__getitems__"):
                return list(self.data.__getitems__(indices))
            return [self.data[index] for index in indices]


def moved(batch: Any, device: torch.device) -> Any:
    """The batch on the device: tensors, anything with `.to`, and tuples, lists and dictionaries of them."""
    if hasattr(batch, "to"):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(moved(item, device) for item in batch))
    if isinstance(batch, (tuple, list)):
        return type(batch)(moved(item, device) for item in batch)
    if isinstance(batch, Mapping):
        return {key: moved(item, device) for key, item in batch.items()}
    return batch
