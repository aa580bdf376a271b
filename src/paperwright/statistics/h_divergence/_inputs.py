"""What the room takes for samples: numpy arrays, tensors, lists, columns of data frames."""

import reprlib
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

NanPolicy = Literal["raise", "omit"]


def sample(name: str, values: Any, *, device: Any = None, nan_policy: NanPolicy = "raise") -> Tensor:
    """Return observations as a floating-point tensor with a row for each; float64 unless they are a tensor of floats.

    Raises:
        TypeError: no numbers.
        ValueError: no rows; numbers that are not finite, unless `nan_policy` is "omit": their rows are left out.
    """
    if nan_policy not in ("raise", "omit"):
        raise ValueError(f"nan_policy is {nan_policy!r}; expected 'raise' or 'omit'.")
    if isinstance(values, Tensor):
        rows = values.detach()
        rows = rows if rows.is_floating_point() else rows.double()
        rows = rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows
    else:
        try:
            plain = np.asarray(values)
            if plain.dtype.kind in "USMmc":
                raise TypeError
            rows = torch.from_numpy(np.array(plain, dtype=np.float64))
        except (TypeError, ValueError):
            said = f"{name} is {reprlib.repr(values)}; expected rows of numbers, all of one shape. Pass floats."
            raise TypeError(said) from None
    if rows.ndim == 0 or rows.shape[0] == 0 or rows[0].numel() == 0:
        raise ValueError(f"{name} has shape {tuple(rows.shape)}; expected a row for each observation.")
    bad = ~torch.isfinite(rows.reshape(len(rows), -1)).all(1)
    if bad.any():
        if nan_policy == "raise":
            raise ValueError(
                f"{name} is not finite in row {int(bad.nonzero()[0, 0])} ({int(bad.sum())} rows in all); expected "
                'finite numbers. Drop those rows, or pass nan_policy="omit".'
            )
        rows = rows[~bad]
        if not len(rows):
            raise ValueError(f"{name} has no row of finite numbers; expected at least one.")
    return rows.to(device) if device is not None else rows


def two_samples(
    x: Any, y: Any, *, least: int, device: Any = None, nan_policy: NanPolicy = "raise"
) -> tuple[Tensor, Tensor]:
    """Return two samples of one shape after the first axis, of one dtype and device.

    Raises:
        TypeError: no numbers.
        ValueError: shapes that differ, fewer than `least` rows, numbers that are not finite.
    """
    first = sample("x", x, device=device, nan_policy=nan_policy)
    second = sample("y", y, device=device, nan_policy=nan_policy)
    if first.shape[1:] != second.shape[1:]:
        raise ValueError(
            f"x has shape {tuple(first.shape)} and y {tuple(second.shape)}; expected the same shape after the first "
            "axis, which counts observations. Transpose one."
        )
    for name, rows in (("x", first), ("y", second)):
        if len(rows) < least:
            raise ValueError(f"{name} has {len(rows)} rows; expected at least {least}. Collect more.")
    if first.device != second.device:
        raise ValueError(f"x is on {first.device} and y on {second.device}; expected one device. Pass device=.")
    dtype = torch.promote_types(first.dtype, second.dtype)
    return first.to(dtype), second.to(dtype)


def generator(rng: Any) -> np.random.Generator:
    """Return `rng` as a numpy generator: one already, a seed, or None for fresh entropy."""
    if rng is None or isinstance(rng, int | np.integer | np.random.Generator | np.random.SeedSequence):
        return np.random.default_rng(rng)
    raise TypeError(f"rng is {rng!r}; expected a numpy.random.Generator, a seed or None.")
