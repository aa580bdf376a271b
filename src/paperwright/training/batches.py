"""The order of the data: which examples make up batch number n is a function of the seed and n alone.

Nothing has to be replayed to go on in the middle of an epoch, with any number of processes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import default_collate

from .randomness import derived_seed

Collate = Callable[[list[Any]], Any]


class Batches:
    """Shuffled batches without end, epoch after epoch, for each of several processes.

    Every epoch is a new permutation; examples that do not fill a batch for each process wait for another epoch.

    Args:
        data: A tensor or a tuple of tensors of equal length, indexed at once (the fast way); or a sequence of anything,
            such as a map-style `torch.utils.data.Dataset`, a list of graphs or a list of texts.
        batch_size: Examples in a batch of one process.
        seed: Decides the order.
        collate: Makes a batch of a list of examples of a sequence; torch's `default_collate` by default.
        count: How many processes share the data.
        index: Which of them this is.

    Raises:
        ValueError: There is less data than one batch for each process, or tensors differ in length.
    """

    def __init__(
        self,
        data: Any,
        *,
        batch_size: int,
        seed: int,
        collate: Collate | None = None,
        count: int = 1,
        index: int = 0,
    ) -> None:
        tensors = (data,) if isinstance(data, Tensor) else data
        self._tensors: tuple[Tensor, ...] | None = tensors if collate is None and _are_tensors(tensors) else None
        if self._tensors is not None and len({len(tensor) for tensor in self._tensors}) != 1:
            raise ValueError(f"tensors differ in length: {[len(tensor) for tensor in self._tensors]}")
        self.data, self.collate = data, collate or default_collate
        self.examples = len(self._tensors[0] if self._tensors is not None else data)
        self.batch_size, self.seed, self.count, self.index = batch_size, seed, count, index
        if batch_size < 1 or self.examples < batch_size * count:
            raise ValueError(
                f"{self.examples} examples do not make one batch of {batch_size} for each of {count} processes; "
                "choose a smaller batch_size"
            )
        self.per_epoch = self.examples // (batch_size * count)
        self._epoch, self._permutation = -1, torch.empty(0)

    def indices(self, number: int) -> Tensor:
        """Return the examples of this process's batch `number`, counted from 0 over all epochs."""
        epoch, place = divmod(number, self.per_epoch)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(derived_seed(self.seed, epoch))
            self._epoch, self._permutation = epoch, torch.randperm(self.examples, generator=generator)
        start = (place * self.count + self.index) * self.batch_size
        return self._permutation[start : start + self.batch_size]

    def start_at(self, number: int) -> Iterator[Any]:
        """Yield this process's batches from `number` on, without end."""
        while True:
            yield self._batch(self.indices(number))
            number += 1

    def _batch(self, indices: Tensor) -> Any:
        if self._tensors is None:
            return self.collate(_examples(self.data, indices.tolist()))
        parts = tuple(tensor[indices.to(tensor.device)] for tensor in self._tensors)
        return parts[0] if isinstance(self.data, Tensor) else parts


def _are_tensors(data: Any) -> bool:
    return isinstance(data, tuple) and all(isinstance(part, Tensor) for part in data)


def _examples(data: Any, indices: Sequence[int]) -> list[Any]:
    if hasattr(data, "__getitems__"):
        return list(data.__getitems__(indices))
    return [data[index] for index in indices]


def to_device(batch: Any, device: torch.device) -> Any:
    """Return the batch on the device: tensors, anything with `.to`, and tuples, lists and dictionaries of them."""
    if hasattr(batch, "to"):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(to_device(item, device) for item in batch))
    if isinstance(batch, (tuple, list)):
        return type(batch)(to_device(item, device) for item in batch)
    if isinstance(batch, Mapping):
        return {key: to_device(item, device) for key, item in batch.items()}
    return batch
