"""What the room takes for numbers and arrays: Python numbers, sequences, numpy arrays, torch tensors.

What it returns is numpy float64.
"""

import numbers
import reprlib
from collections.abc import Sequence
from typing import Any, SupportsFloat

import numpy as np

# Arrays and tensors have __float__ too. numpy's own ArrayLike refuses Python numbers when it is checked at run time.
ArrayLike = SupportsFloat | Sequence[Any]


def float_array(name: str, values: ArrayLike) -> np.ndarray:
    """`values` as float64, a tensor without its gradient."""
    try:
        return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} is {reprlib.repr(values)}; expected numbers, in an array of one shape") from None


def number(name: str, value: Any) -> float:
    """`value` as a float; text is refused, also where it spells a number."""
    try:
        if not isinstance(value, str | bytes):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise TypeError(f"{name} is {reprlib.repr(value)}; expected a number") from None


def whole_number(name: str, value: Any, least: int, advice: str = "") -> int:
    """`value` as an int of at least `least`; 3.0 is whole, 3.5, True and nan are refused with `advice`."""
    real = not isinstance(value, bool) and isinstance(value, numbers.Real)
    whole = real and (isinstance(value, numbers.Integral) or float(value).is_integer())
    if not whole or value < least:
        refusal = ValueError if real else TypeError
        raise refusal(f"{name} is {value!r}; expected a whole number of at least {least}. {advice}".rstrip())
    return int(value)
