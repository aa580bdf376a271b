"""What is refused at the door: arguments of another type, numbers out of range, batches that do not fit."""

from typing import Any

import torch
from torch import Tensor

from paperwright.blocks.real_numbers import real_number


def check_types(**values: tuple[object, type]) -> None:
    """Refuse arguments of another type than they must have.

    Args:
        values: by their names, the arguments with their types.
    """
    for name, (value, kind) in values.items():
        if not isinstance(value, kind):
            raise TypeError(f"{name} is {value!r:.60}; expected an instance of {kind.__name__}. Make one and pass it")


def number_within(
    name: str, value: Any, low: float = 0.0, high: float = float("inf"), *, below: bool = True, advice: str = ""
) -> float:
    """Return a number, once it is sure that it lies in [low, high), or in [low, high] without `below`.

    Raises:
        TypeError: no number.
        ValueError: outside, or NaN.
    """

    def inside(number: float) -> bool:
        return low <= number <= high and not (below and number == high)

    return real_number(name, value, f"a number in [{low:g}, {high:g}{')' if below else ']'}", inside, advice)


def check_batch(x: Tensor, y: Tensor, stored: Tensor | None, check_finite: bool) -> None:
    """Refuse a batch that cannot be learned from."""
    for name, values in {"x": x, "y": y, **({} if stored is None else {"stored": stored})}.items():
        _check_tensor(name, values)
        if not values.ndim:
            raise ValueError(f"{name} is a single number; expected a batch. Use {name}[None]")
    check_samples(x, y)
    if y.ndim != 1:
        raise ValueError(f"labels: expected one class number a sample, got shape {tuple(y.shape)}")
    if stored is not None and len(stored) != len(x):
        raise ValueError(f"stored: expected the {len(x)} samples of x before augmentation, got {len(stored)}")
    if check_finite and not bool(x.isfinite().all()):
        raise ValueError("x: expected finite inputs, got NaN or infinity")


def check_samples(x: Tensor, y: Tensor) -> None:
    """Refuse inputs and labels that do not belong together."""
    _check_tensor("x", x)
    _check_tensor("y", y)
    if y.dtype.is_floating_point or y.dtype.is_complex or y.dtype == torch.bool:
        raise TypeError(f"labels: expected integers (class numbers), got {y.dtype}")
    if len(x) != len(y):
        raise ValueError(f"x and y: expected the same length, got {len(x)} inputs and {len(y)} labels")
    if not len(x):
        raise ValueError("expected at least one sample, got none (an empty batch)")


def check_images(x: Tensor) -> None:
    """Refuse what is not a batch of images."""
    if x.ndim < 3:
        raise ValueError(f"expected images [samples, ..., height, width], got shape {tuple(x.shape)}")


def _check_tensor(name: str, values: object) -> None:
    if not isinstance(values, Tensor):
        raise TypeError(f"{name} is a {type(values).__name__}; expected a tensor. Use torch.as_tensor({name})")
