"""Reservoir sampling (Vitter, 1985): a memory of fixed size that is a uniform sample of all that it was offered."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn

from paperwright.blocks.counts import whole_number
from paperwright.blocks.random_state import RandomState
from paperwright.blocks.rows import Rows


class ReservoirMemory(nn.Module):
    """A bounded memory that holds each sample of a stream with equal probability, however long the stream.

    Sample number t (from 0) goes to slot t while there is room; afterwards j is drawn uniformly from {0, ..., t}, and
    the sample replaces the one in slot j if j < capacity. After N samples each of them is held with probability
    capacity / N. Neither boundaries nor the length of the stream need to be known.

    The memory, its count and its random state are saved by `state_dict()` as plain tensors. It lives on the device of
    the first samples and moves with `.to(device)`.

    Args:
        capacity: number of samples held.
        seed: decides what is kept and what is sampled; `None` draws it from torch's global generator.
        storage: dtype for columns that are to be kept in another one than they come in; `{"inputs": torch.uint8}`
            keeps images exactly in a quarter of the memory (see :class:`~paperwright.blocks.Rows`).

    Example:
        >>> memory = ReservoirMemory(100, seed=0)
        >>> memory.add(inputs=torch.rand(1000, 3), labels=torch.arange(1000))
        >>> len(memory), memory.seen
        (100, 1000)
        >>> memory.sample(8)["inputs"].shape
        torch.Size([8, 3])

    Raises:
        ValueError: the capacity is below one, or columns change their shape between calls.
    """

    count: Tensor

    def __init__(
        self, capacity: int, seed: int | None = None, *, storage: Mapping[str, torch.dtype] | None = None
    ) -> None:
        super().__init__()
        self.rows = Rows(capacity, storage)
        self.random = RandomState(seed)
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @property
    def capacity(self) -> int:
        """How many samples it can hold."""
        return self.rows.capacity

    @property
    def seen(self) -> int:
        """How many samples it was offered."""
        return int(self.count)

    def __len__(self) -> int:
        return min(self.seen, self.capacity)

    def check(self, **columns: Tensor) -> int:
        """The number of rows of a batch, once it is sure that :meth:`add` will take it; nothing is added."""
        return self.rows.check(columns)

    def add(self, **columns: Tensor) -> None:
        """Offer a batch, one row after another; rows of the same batch may displace each other, and the later stays.

        Raises:
            ValueError, TypeError: it does not fit what is held; nothing has changed.
        """
        count, seen = self.check(**columns), self.seen
        if seen + count <= self.capacity:
            self.rows.write(slice(seen, seen + count), columns)
        elif kept := reservoir_slots(seen, count, self.capacity, self.random.generator):
            self.rows.write(torch.tensor(list(kept)), columns, rows=torch.tensor(list(kept.values())))
        self.count += count

    def sample(self, size: int) -> dict[str, Tensor]:
        """Distinct samples drawn uniformly: `size` of them, or all there are if they are fewer.

        Raises:
            ValueError: the size is below one, or nothing was added yet.
        """
        size = whole_number("size", size)
        if not len(self):
            raise ValueError("the memory is empty: add() comes before sample()")
        return self.rows.read(distinct(len(self), min(size, len(self)), self.random.generator))

    def contents(self) -> dict[str, Tensor]:
        """All samples held, in the order of their slots (views)."""
        return self.rows.read(slice(0, len(self)))

    def extra_repr(self) -> str:
        return f"capacity={self.capacity}, seen={self.seen}"


def reservoir_slots(seen: int, count: int, capacity: int, generator: torch.Generator) -> dict[int, int]:
    """Which slot takes which row of a batch of `count` samples, the first of which has number `seen`.

    The draws are made for the whole batch at once. Where two rows draw the same slot the later row is the one named, as
    if they had been offered one by one.
    """
    number = np.arange(seen, seen + count)
    # float64 keeps 53 bits: the bias of the floor is below 1e-6 even after 10^9 samples. NumPy's calls cost a few times
    # less than torch's, which shows at batches of ten.
    uniform = torch.rand(count, generator=generator, dtype=torch.float64).numpy()
    slots = np.where(number < capacity, number, (uniform * (number + 1)).astype(np.int64))
    rows = (slots < capacity).nonzero()[0]
    return dict(zip(slots[rows].tolist(), rows.tolist(), strict=True))


def distinct(population: int, size: int, generator: torch.Generator) -> Int[Tensor, " size"]:
    """`size` different numbers below `population`, every ordered choice equally likely.

    Small choices are drawn with replacement until enough different ones were seen, which costs O(size) however large
    the population.
    """
    if 2 * size >= population:
        return torch.randperm(population, generator=generator)[:size]
    chosen: dict[int, None] = {}
    while len(chosen) < size:
        more = torch.randint(population, (size - len(chosen),), generator=generator)
        chosen.update(dict.fromkeys(more.tolist()))
    return torch.tensor(list(chosen))
