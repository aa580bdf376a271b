"""What rounding to half precision cuts off, kept so that a sum of small updates is not lost."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from paperwright.blocks.tensor_state import TensorState


class Remainders(TensorState):
    """Keeps tensors of bfloat16 or float16 exact to float32: each tensor plus its remainder is the float32 value.

    A bfloat16 weight of 0.25 cannot be raised by 0.00075: the sum rounds to 0.25 again. Here the sum is made in
    float32, the tensor gets the nearest number of its own dtype, and the rest waits for the next update. Tensors of
    float32 and wider are left alone and cost nothing. Remainders stay in float32 whatever dtype the module is cast to;
    `state_dict()` holds those that there are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.of: dict[int, Tensor] = {}

    def added_to(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The exact values: float32 copies of half-precision tensors, and the other tensors themselves."""
        return [
            self._exact(number, values) if is_narrow(values.dtype) else values for number, values in enumerate(tensors)
        ]

    def round_into(self, tensors: Sequence[Tensor], exact: Sequence[Tensor]) -> None:
        """Give half-precision tensors their exact values, rounded, and keep the rest."""
        for number, (values, wide) in enumerate(zip(tensors, exact, strict=True)):
            if is_narrow(values.dtype):
                values.copy_(wide)
                self.of[number] = wide - values.float()

    def _exact(self, number: int, values: Tensor) -> Tensor:
        rest = self.of.get(number)
        return values.float() if rest is None else values.float() + rest.to(values.device)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Remainders":
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.of = {number: rest.to(fn(rest).device) for number, rest in self.of.items()}
        return self

    def _tensors(self) -> dict[str, Tensor]:
        return {str(number): rest for number, rest in self.of.items()}

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        self.of = {int(number): rest.detach().clone() for number, rest in tensors.items()}


def is_narrow(dtype: torch.dtype) -> bool:
    """Whether numbers of this dtype have fewer bits than float32."""
    return dtype.is_floating_point and torch.finfo(dtype).bits < 32
