"""MNIST-360: a stream without boundaries in which digits turn slowly and return (Buzzega et al., 2020, section 4.4)."""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.data import IterableDataset

from paperwright.blocks.counts import check_counts

from ._inputs import check_images, check_samples
from .scenarios import Task, select_classes
from .transforms import rotate

# Digit 9 is left out: turned, it looks like a 6.
DIGITS = 9
PAIRS = [(digit, (digit + 1) % DIGITS) for digit in range(DIGITS)]
# Digit c starts at (c − 1) · 60 degrees.
START_STEP = 60


class MNIST360(IterableDataset[tuple[Tensor, Tensor]]):
    """Batches that mix two neighbouring digits, each turning a little from image to image.

    The pairs are (0, 1), (1, 2), ..., (7, 8), (8, 0), `rounds` times over. The images of a digit are cut, in the order
    given, into 2 · `rounds` equal chunks of ⌊n / 2·rounds⌋ + 1 (the last is shorter), one for each pair that it is in,
    used from the last to the first. A batch takes from the first digit in proportion to what is left of the two chunks,
    the rest from the second; the pair changes as soon as either is used up. The i-th image of digit c to appear is
    turned by (c − 1) · 60 + i · 360 / n_c degrees. Iterating again gives the same batches.

    Args:
        x, y: images and labels; those of digit 9 are left out.
        batch_size: samples a batch.
        rounds: how often all pairs come; the benchmark's 3.
        seed: decides the order within a chunk.
        replacement: draw from a chunk with replacement, as the original code did by oversight.

    Example:
        >>> stream = MNIST360(torch.rand(90, 8, 8), torch.arange(90) % 10, batch_size=4, rounds=1)
        >>> sorted(next(iter(stream))[1].unique().tolist())
        [0, 1]

    Raises:
        ValueError: a digit of 0 to 8 is missing, or the numbers are below one.
    """

    def __init__(
        self,
        x: Float[Tensor, "samples *channels height width"],
        y: Int[Tensor, " samples"],
        batch_size: int = 16,
        *,
        rounds: int = 3,
        seed: int = 0,
        replacement: bool = False,
    ) -> None:
        _check(x, y)
        check_counts(batch_size=batch_size, rounds=rounds)
        self.batch_size, self.rounds, self.seed, self.replacement = batch_size, rounds, seed, replacement
        self._images = [x[y == digit] for digit in range(DIGITS)]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(self.seed)
        chunks = [self._chunks(digit, generator) for digit in range(DIGITS)]
        shown = [0] * DIGITS
        for _ in range(self.rounds):
            for pair in PAIRS:
                yield from self._batches(pair, [chunks[digit].pop() for digit in pair], shown)

    def __len__(self) -> int:
        return sum(1 for _ in _counts_of(self._chunk_pairs(), self.batch_size))

    @staticmethod
    def test(x: Float[Tensor, "samples *channels height width"], y: Int[Tensor, " samples"]) -> Task:
        """Return the test samples: image number i of a digit with n images is turned by i · 360 / n degrees."""
        _check(x, y)
        x, y = select_classes(x, y, range(DIGITS))
        angles = torch.zeros(len(y), dtype=torch.float64)
        for digit in range(DIGITS):
            count = int((y == digit).sum())
            angles[(y == digit).cpu()] = torch.arange(count, dtype=torch.float64) * 360 / count
        return Task(0, rotate(x, angles), y, tuple(range(DIGITS)))

    def _chunks(self, digit: int, generator: torch.Generator) -> list[Tensor]:
        """Return which images of a digit make each chunk, shuffled; the first to be used stands last."""
        chunks = []
        for numbers in self._cuts(digit):
            if self.replacement and len(numbers):
                chosen = torch.randint(len(numbers), (len(numbers),), generator=generator)
            else:
                chosen = torch.randperm(len(numbers), generator=generator)
            chunks.append(numbers[chosen])
        return chunks

    def _cuts(self, digit: int) -> list[Tensor]:
        """Return the numbers of a digit's images, chunk by chunk; of few images the last chunks may be empty."""
        count, chunks = len(self._images[digit]), 2 * self.rounds
        size = count // chunks + 1
        return [torch.arange(count)[first : first + size] for first in range(0, chunks * size, size)]

    def _chunk_pairs(self) -> Iterator[tuple[int, int]]:
        sizes = [[len(chunk) for chunk in self._cuts(digit)] for digit in range(DIGITS)]
        for _ in range(self.rounds):
            for first, second in PAIRS:
                yield sizes[first].pop(), sizes[second].pop()

    def _batches(
        self, pair: tuple[int, int], chunks: list[Tensor], shown: list[int]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        turned = [self._turned(*each) for each in zip(pair, chunks, (shown[digit] for digit in pair), strict=True)]
        used = [0, 0]
        for counts in batch_counts(len(chunks[0]), len(chunks[1]), self.batch_size):
            ends = [start + count for start, count in zip(used, counts, strict=True)]
            inputs = [images[start:end] for images, start, end in zip(turned, used, ends, strict=True)]
            labels = torch.tensor(pair, device=inputs[0].device).repeat_interleave(
                torch.tensor(counts, device=inputs[0].device)
            )
            yield torch.cat(inputs), labels
            used = ends
        for digit, count in zip(pair, used, strict=True):
            shown[digit] += count

    def _turned(self, digit: int, chosen: Tensor, shown: int) -> Tensor:
        """Return the chosen images of a digit, turned on from where the last chunk stopped."""
        angles = digit_angles(digit, len(self._images[digit]))[shown : shown + len(chosen)]
        return rotate(self._images[digit][chosen], angles)


def digit_angles(digit: int, count: int) -> Float[Tensor, " count"]:
    """Return by how many degrees the images of a digit are turned, in the order of their appearance."""
    return ((digit - 1) * START_STEP + torch.arange(count, dtype=torch.float64) * 360 / count) % 360


def batch_counts(first: int, second: int, batch_size: int) -> Iterator[tuple[int, int]]:
    """Yield how many samples of each digit the batches of one pair hold, until either digit is used up."""
    while first and second:
        from_first = min(round(first / (first + second) * batch_size), first)
        from_second = min(batch_size - from_first, second)
        yield from_first, from_second
        first, second = first - from_first, second - from_second


def _counts_of(pairs: Iterator[tuple[int, int]], batch_size: int) -> Iterator[tuple[int, int]]:
    for first, second in pairs:
        yield from batch_counts(first, second, batch_size)


def _check(x: Tensor, y: Tensor) -> None:
    check_samples(x, y)
    check_images(x)
    if missing := sorted(set(range(DIGITS)) - set(y.unique().tolist())):
        raise ValueError(f"MNIST-360 needs images of all digits 0 to 8, got none of {missing}")
