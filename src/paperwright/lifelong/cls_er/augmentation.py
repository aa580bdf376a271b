"""Random crops and flips of a whole batch at once, for replayed images."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad

from paperwright.blocks import RandomState


class RandomCropFlip(nn.Module):
    """Pads images with zeros, cuts a window of the old size at a random place, and mirrors every other one.

    Each image draws its own window and flip; one gather serves the batch. The random state is saved with the module.

    Args:
        padding: pixels added on each side.
        flip: probability of a horizontal flip.
        seed: decides the draws; `None` draws it from torch's global generator.

    Raises:
        ValueError: the padding is negative, the probability is outside [0, 1], or the input is not a batch of images.
    """

    def __init__(self, padding: int = 4, flip: float = 0.5, *, seed: int | None = None) -> None:
        super().__init__()
        if padding < 0:
            raise ValueError(f"padding: expected at least 0 pixels, got {padding}")
        if not 0 <= flip <= 1:
            raise ValueError(f"flip: expected a probability in [0, 1], got {flip}")
        self.padding = padding
        self.flip = flip
        self.random = RandomState(seed)

    def forward(self, x: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch *shape"]:
        """Augmented copies of images [batch, channels, height, width]."""
        if x.ndim != 4:
            raise ValueError(f"expected images [batch, channels, height, width], got shape {tuple(x.shape)}")
        count, channels, height, width = x.shape
        top, left = self._offsets(count), self._offsets(count)
        rows = top[:, None] + torch.arange(height)
        columns = left[:, None] + torch.arange(width)
        mirrored = torch.rand(count, generator=self.random.generator) < self.flip
        columns = torch.where(mirrored[:, None], columns.flip(1), columns)
        padded = pad(x, [self.padding] * 4)
        image = torch.arange(count, device=x.device)[:, None, None, None]
        channel = torch.arange(channels, device=x.device)[None, :, None, None]
        return padded[image, channel, rows.to(x.device)[:, None, :, None], columns.to(x.device)[:, None, None, :]]

    def _offsets(self, count: int) -> Tensor:
        return torch.randint(2 * self.padding + 1, (count,), generator=self.random.generator)
