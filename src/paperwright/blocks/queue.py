"""First in, first out: a memory of the most recent rows, such as the keys of momentum contrast (He et al., 2020)."""

import torch
from torch import Tensor, nn

from paperwright.blocks.rows import Rows


class FirstInFirstOut(nn.Module):
    """A bounded memory of the rows that came last.

    Rows are written round a ring, so that enqueueing moves nothing that is already there. It is saved by
    `state_dict()` as plain tensors and moves with `.to(device)`.

    Args:
        capacity: number of rows held.

    Example:
        >>> queue = FirstInFirstOut(4)
        >>> queue.enqueue(keys=torch.arange(6.0))
        >>> queue.contents()["keys"]
        tensor([4., 5., 2., 3.])

    Raises:
        ValueError: the capacity is below one, or columns change their shape between calls.
    """

    count: Tensor

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.rows = Rows(capacity)
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @property
    def capacity(self) -> int:
        """How many rows it can hold."""
        return self.rows.capacity

    def __len__(self) -> int:
        return min(int(self.count), self.capacity)

    def enqueue(self, **columns: Tensor) -> None:
        """Append a batch; where it is longer than the queue, its last rows stay."""
        count, start = self.rows.check(columns), int(self.count)
        first = max(count - self.capacity, 0)
        slots = torch.arange(start + first, start + count) % self.capacity
        self.rows.write(slots, {name: values[first:] for name, values in columns.items()})
        self.count += count

    def contents(self) -> dict[str, Tensor]:
        """All rows held, in the order of the ring (views): row number t stands at t modulo the capacity."""
        return self.rows.read(slice(0, len(self)))

    def extra_repr(self) -> str:
        return f"capacity={self.capacity}, held={len(self)}"
