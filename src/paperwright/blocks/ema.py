"""Exponential moving average of a network's weights."""

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from paperwright.blocks.remainders import Remainders

Buffers = Literal["copy", "average", "own"]


class ExponentialMovingAverage(AveragedModel):
    """A slow copy of a network, θ̄ ← α θ̄ + (1 − α) θ at every `update_parameters(model)`.

    It is an `AveragedModel` of torch (`.module`, `.n_averaged`, `update_parameters`, `update_bn` work on it) with four
    differences: the copy made at construction counts, so that the first update averages instead of copying again; the
    copy asks for no gradients; all tensors are averaged by one fused call; and an average of bfloat16 or float16
    weights is kept in float32 (see :class:`~paperwright.blocks.remainders.Remainders`), since an update of
    (1 − α)(θ − θ̄) that is smaller than half a unit in the last place would be lost, every time.

    Args:
        model: the network to follow; it is copied.
        decay: α, or a function from the number of the update (1, 2, ...) to α for a warm-up.
        buffers: what becomes of buffers such as the running statistics of batch norm: `"copy"` takes them over from the
            model, `"average"` averages those of floating point, `"own"` leaves the copy's own alone.

    Example:
        >>> average = ExponentialMovingAverage(model, decay=0.999)
        >>> average.update_parameters(model)  # after every optimizer step
        >>> average(x)

    Raises:
        ValueError: the decay is outside [0, 1], or the policy for buffers is unknown.
    """

    def __init__(
        self, model: nn.Module, decay: float | Callable[[int], float] = 0.999, *, buffers: Buffers = "copy"
    ) -> None:
        if not callable(decay) and not 0 <= decay <= 1:
            raise ValueError(f"decay: expected a number in [0, 1], got {decay}")
        if buffers not in get_args(Buffers):
            raise ValueError(f"buffers: expected one of {list(get_args(Buffers))}, got {buffers!r}")
        super().__init__(model)
        self.module.requires_grad_(False)
        self.decay = decay
        self.buffer_policy = buffers
        self.remainders = Remainders()

    def decay_at(self, update: int) -> float:
        """α of the update with this number; the first has number 1."""
        return self.decay(update) if callable(self.decay) else self.decay

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Move the average towards `model`."""
        self.n_averaged += 1
        self._average(model, self.decay_at(int(self.n_averaged)))

    def _average(self, model: nn.Module, decay: float) -> None:
        averages: list[Tensor] = list(self.module.parameters())
        sources: list[Tensor] = list(model.parameters())
        if self.buffer_policy != "own":
            for average, source in zip(self.module.buffers(), model.buffers(), strict=True):
                if self.buffer_policy == "average" and average.is_floating_point():
                    averages.append(average)
                    sources.append(source)
                else:
                    average.copy_(source)
        exact = self.remainders.added_to(averages)
        sources = [source.to(average.dtype) for average, source in zip(exact, sources, strict=True)]
        torch._foreach_lerp_(exact, sources, 1 - decay)
        self.remainders.round_into(averages, exact)
