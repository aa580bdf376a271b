"""What counts as a sample, a level and a count; everything else is refused here, in one place and in one tone."""

from typing import SupportsFloat

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def sample(values: ArrayLike, name: str, *, at_least: int = 1) -> FloatArray:
    """`values` as a one-dimensional array of finite floats, `at_least` so many of them.

    Raises:
        TypeError: the values are not real numbers.
        ValueError: they are not one-dimensional, not finite, or too few.
    """
    array = finite(values, name)
    if array.ndim != 1:
        raise ValueError(
            f"{name} has shape {array.shape}; expected one dimension, a value for each run. Try {name}.ravel()"
        )
    if array.size < at_least:
        raise ValueError(
            f"{name} holds {array.size} value{'' if array.size == 1 else 's'}; "
            f"at least {at_least} are needed here. Add runs"
        )
    return array


def pair(
    first: ArrayLike, second: ArrayLike, names: tuple[str, str], *, at_least: int
) -> tuple[FloatArray, FloatArray]:
    """Two samples of equal length, whose entries belong together."""
    a, b = sample(first, names[0], at_least=at_least), sample(second, names[1], at_least=at_least)
    if a.size != b.size:
        raise ValueError(f"{names[0]} holds {a.size} values and {names[1]} {b.size}; pairs need as many of each")
    return a, b


def finite(values: ArrayLike, name: str) -> FloatArray:
    """`values` as an array of finite floats, of any shape."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} is not an array: {error}. Expected numbers in rows of equal length") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {array.dtype}; expected real numbers")
    array = array.astype(np.float64)
    bad = int(np.count_nonzero(~np.isfinite(array)))
    if bad:
        raise ValueError(
            f"{name} holds {bad} NaN or infinite value{'' if bad == 1 else 's'} of {array.size}; drop or mend them"
        )
    return array


def confidence(level: SupportsFloat, name: str = "level") -> float:
    """A confidence level as a float strictly between 0 and 1."""
    value = float(level)
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} is {value}; expected a number strictly between 0 and 1, such as 0.95")
    return value


def positive(number: SupportsFloat, name: str) -> float:
    """A finite float above 0."""
    value = float(number)
    if not 0.0 < value < np.inf:
        raise ValueError(f"{name} is {value}; expected a finite number above 0")
    return value


def whole(number: SupportsFloat, name: str) -> int:
    """A count: a whole number, not negative. A float that is whole will do."""
    value = float(number)
    if not (value >= 0 and value.is_integer()):
        raise ValueError(f"{name} is {value}; expected a whole number of 0 or more")
    return int(value)
