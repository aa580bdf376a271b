"""A table of fixed length with named columns of tensors: what the bounded memories are made of."""

from collections.abc import Callable, Iterator, Mapping

import torch
from jaxtyping import Int
from torch import Tensor

from paperwright.blocks.counts import whole_number
from paperwright.blocks.tensor_state import TensorState


class Rows(TensorState):
    """A fixed number of rows with named columns, one tensor for each column.

    The first write decides the columns, their shapes, dtypes and device; later writes must agree. The table moves with
    `.to(device)` and is saved in `state_dict()` as plain tensors.

    Args:
        capacity: number of rows.
        storage: columns to keep in another dtype than they come in. `torch.uint8` is for images: float32 values k/255
            are kept as k, a quarter of the memory, and come back exactly; other floating dtypes are a plain cast. Such
            columns come back as float32.

    Raises:
        ValueError: the capacity is below one, or a write does not fit the table.
        TypeError: a column is not a tensor, or its dtype does not fit.
    """

    def __init__(self, capacity: int, storage: Mapping[str, torch.dtype] | None = None) -> None:
        super().__init__()
        self.capacity = whole_number("capacity", capacity)
        self.storage = dict(storage or {})
        self.columns: dict[str, Tensor] = {}

    def write(
        self,
        slots: slice | Int[Tensor, " rows"],
        columns: Mapping[str, Tensor],
        rows: Int[Tensor, " rows"] | None = None,
    ) -> None:
        """Put rows of `columns` into `slots`; :meth:`check` comes before.

        Args:
            slots: where to; no slot twice.
            columns: what came in.
            rows: which rows of what came in; all of them by default.
        """
        for name, values in columns.items():
            chosen = values.detach() if rows is None else values.detach().index_select(0, rows.to(values.device))
            chosen = encode(chosen, self.storage.get(name), name)
            if name not in self.columns:
                self.columns[name] = chosen.new_zeros((self.capacity, *chosen.shape[1:]))
            target = self.columns[name]
            if isinstance(slots, slice):
                target[slots] = chosen.to(target.device)
            else:
                target.index_copy_(0, slots.to(target.device), chosen.to(target.device))

    def read(self, slots: slice | Int[Tensor, " rows"]) -> dict[str, Tensor]:
        """The rows in `slots`, as new tensors where `slots` are numbers and as views where they are a slice."""
        taken = {
            # index_select, since indexing with a tensor is several times slower
            name: values[slots] if isinstance(slots, slice) else values.index_select(0, slots.to(values.device))
            for name, values in self.columns.items()
        }
        return {name: decode(values, name in self.storage) for name, values in taken.items()}

    def check(self, columns: Mapping[str, Tensor]) -> int:
        """The common length of `columns`, once it is sure that they fit the table and can be stored; writes nothing."""
        if not columns:
            raise ValueError("expected at least one named column, such as inputs=x, got none")
        for name, values in columns.items():
            if not isinstance(values, Tensor):
                raise TypeError(f"column {name!r}: expected a tensor, got {type(values).__name__}")
            if values.ndim == 0:
                raise ValueError(f"column {name!r}: expected one row a sample, got a scalar")
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"expected columns of one length, got {lengths}")
        if self.columns:
            self._check_against_earlier(columns)
        for name, dtype in self.storage.items():
            if name in columns:
                encode(columns[name].detach(), dtype, name)
        return next(iter(lengths.values()))

    def _check_against_earlier(self, columns: Mapping[str, Tensor]) -> None:
        if columns.keys() != self.columns.keys():
            raise ValueError(f"expected the columns {sorted(self.columns)} as before, got {sorted(columns)}")
        for name, values in columns.items():
            earlier = self.columns[name]
            if values.shape[1:] != earlier.shape[1:]:
                raise ValueError(
                    f"column {name!r}: expected rows of shape {tuple(earlier.shape[1:])} as before, "
                    f"got {tuple(values.shape[1:])}"
                )
            if name not in self.storage and values.dtype != earlier.dtype:
                raise TypeError(f"column {name!r}: expected {earlier.dtype} as before, got {values.dtype}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def extra_repr(self) -> str:
        return f"capacity={self.capacity}, columns={list(self.columns)}"

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Rows":
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.columns = {name: fn(values) for name, values in self.columns.items()}
        return self

    def _tensors(self) -> dict[str, Tensor]:
        return self.columns

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        for name, values in tensors.items():
            if len(values) != self.capacity:
                raise ValueError(f"{name} has {len(values)} rows, this memory has a capacity of {self.capacity}")
        self.columns = {
            name: values.detach().to(self.columns.get(name, values).device, copy=True)
            for name, values in tensors.items()
        }


def encode(values: Tensor, dtype: torch.dtype | None, name: str = "") -> Tensor:
    """`values` as they are kept in `dtype`; float32 pixels k/255 become the byte k.

    Raises:
        TypeError: they are not float32.
        ValueError: bytes were asked for, and the values are not all k/255.
    """
    if dtype is None:
        return values
    if values.dtype != torch.float32:
        raise TypeError(f"column {name!r}: storage={dtype} expects float32, got {values.dtype}")
    if dtype != torch.uint8:
        return values.to(dtype)
    kept = (values * 255).round().clamp(0, 255).to(torch.uint8)
    if not torch.equal(decode(kept, True), values):
        raise ValueError(
            f"column {name!r}: storage=torch.uint8 keeps pixels k/255 with k in 0..255, and these values are others; "
            "store images before normalisation and augmentation, or leave out storage="
        )
    return kept


def decode(values: Tensor, encoded: bool) -> Tensor:
    """What :func:`encode` was given."""
    if not encoded:
        return values
    return values.to(torch.float32) / 255 if values.dtype == torch.uint8 else values.to(torch.float32)
