"""What the room takes for numbers, arrays and sources of randomness.

Numbers are Python numbers, sequences, numpy arrays and torch tensors. What it returns is numpy float64.
"""

import reprlib
from collections.abc import Sequence
from typing import Any, SupportsFloat

import numpy as np
from jaxtyping import Float

# Arrays and tensors have __float__ too. numpy's own ArrayLike refuses Python numbers when it is checked at run time.
ArrayLike = SupportsFloat | Sequence[Any]
Curve = tuple[Float[np.ndarray, " orders"], Float[np.ndarray, " orders"]]


def float_array(name: str, values: ArrayLike) -> Float[np.ndarray, "..."]:
    """Return `values` as float64, a tensor without its gradient."""
    plain: Any = values
    try:
        return np.asarray(plain.detach().cpu() if hasattr(plain, "detach") else plain, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        said = f"{name} is {reprlib.repr(values)}; expected numbers, in an array of one shape. Pass floats."
        raise TypeError(said) from None


def number(name: str, value: Any) -> float:
    """Return `value` as a float; text is refused, also where it spells a number."""
    try:
        if not isinstance(value, str | bytes):
            return float(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise TypeError(f"{name} is {reprlib.repr(value)}; expected a number. Pass a float.") from None


def distribution(name: str, values: ArrayLike) -> Float[np.ndarray, " outcomes"]:
    """Return `values` as one row of probabilities that sum to 1."""
    row = float_array(name, values)
    if row.ndim != 1 or not np.all(row >= 0) or abs(row.sum() - 1) > 1e-9:
        least = f", a least entry of {row.min()}" if row.size else ""
        raise ValueError(
            f"{name} has shape {row.shape}{least} and a sum of {row.sum()}; expected one row of probabilities that "
            "sum to 1. Divide by the sum."
        )
    return row


def fresh_generator() -> np.random.Generator:
    """Return a generator seeded with fresh entropy from the operating system: K has to be hard to predict."""
    return np.random.default_rng()


def checked_generator(rng: np.random.Generator | None) -> np.random.Generator:
    """Return `rng`, or a fresh generator where it is None."""
    if not isinstance(rng, np.random.Generator | None):
        raise TypeError(
            f"rng is {rng!r}; expected a numpy.random.Generator. Leave it out, or for a test pass "
            "numpy.random.default_rng(0)."
        )
    return fresh_generator() if rng is None else rng
