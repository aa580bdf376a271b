"""Images turned, cropped and flipped: whole batches and data sets at once."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import pad

from paperwright.blocks import RandomState
from paperwright.blocks.counts import whole_number

from ._inputs import number_within

# Images turned at once when each has an angle of its own: bounds the memory for source positions.
CHUNK = 4096


def rotate(
    x: Float[Tensor, "samples *channels height width"], degrees: float | Float[Tensor, " samples"]
) -> Float[Tensor, "samples *channels height width"]:
    """Return images turned counter-clockwise about their centre, each pixel from its nearest source, zero outside.

    Args:
        x: images.
        degrees: one angle for all, or one for each.

    Raises:
        ValueError: an angle is not finite, or there are not as many angles as images.
    """
    angles = torch.as_tensor(degrees, dtype=torch.float64).reshape(-1)
    if len(angles) not in (1, len(x)):
        raise ValueError(f"degrees: expected one angle or one for each of {len(x)} images, got {len(angles)}")
    if not bool(angles.isfinite().all()):
        raise ValueError("degrees: expected finite angles")
    height, width = x.shape[-2:]
    if len(angles) == 1:
        source, inside = _sources(height, width, angles)
        turned = x.flatten(-2).index_select(-1, source[0].to(x.device)).mul_(inside[0].to(x))
        return turned.reshape(x.shape)
    return torch.cat([_rotate_each(*parts) for parts in zip(x.split(CHUNK), angles.split(CHUNK), strict=True)])


class RandomCropFlip(nn.Module):
    """Pads images with zeros, cuts a window of the old size at a random place, and mirrors every other one.

    Each image draws its own window and flip; one gather serves the batch. The random state is saved with the module.

    Args:
        padding: pixels added on each side.
        flip: probability of a horizontal flip.
        seed: decides the draws; `None` draws it from torch's global generator.

    Example:
        >>> RandomCropFlip(padding=4, seed=0)(torch.rand(2, 3, 32, 32)).shape
        torch.Size([2, 3, 32, 32])

    Raises:
        ValueError: the padding is negative, the probability is outside [0, 1], or the input is not a batch of images.
    """

    def __init__(self, padding: int = 4, flip: float = 0.5, *, seed: int | None = None) -> None:
        super().__init__()
        self.padding = whole_number("padding", padding, least=0)
        self.flip = number_within("flip", flip, 0, 1, below=False)
        self.random = RandomState(seed)

    def forward(self, x: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch *shape"]:
        """Return augmented copies of images [batch, channels, height, width]."""
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


def _rotate_each(x: Tensor, degrees: Tensor) -> Tensor:
    pixels = x.flatten(1, -3).flatten(-2) if x.ndim > 3 else x.flatten(1)[:, None]
    source, inside = _sources(x.shape[-2], x.shape[-1], degrees)
    turned = pixels.gather(2, source.to(x.device)[:, None].expand_as(pixels)).mul_(inside.to(x)[:, None])
    return turned.reshape(x.shape)


def _sources(
    height: int, width: int, degrees: Float[Tensor, " angles"]
) -> tuple[Int[Tensor, "angles pixels"], Float[Tensor, "angles pixels"]]:
    """Return for each angle and pixel the number of its source pixel, and 1 where that lies in the image, else 0.

    Pixel centres stand at half-integers, so that the centre of an image of even size falls between its pixels.
    """
    radians = degrees.cpu() * (math.pi / 180)
    # Rounding takes sin 180° = 1e-16 to 0: quarter turns would otherwise lose a border to the floor below.
    cosine, sine = (f(radians).mul(1e12).round().div(1e12)[:, None] for f in (torch.cos, torch.sin))
    row = torch.arange(height, dtype=torch.float64).repeat_interleave(width) + 0.5 - height / 2
    column = torch.arange(width, dtype=torch.float64).repeat(height) + 0.5 - width / 2
    from_column = (cosine * column - sine * row + width / 2).floor().long()
    from_row = (sine * column + cosine * row + height / 2).floor().long()
    inside = (from_column >= 0) & (from_column < width) & (from_row >= 0) & (from_row < height)
    return torch.where(inside, from_row * width + from_column, 0), inside.double()
