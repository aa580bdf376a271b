"""Whole numbers that a caller hands over: sizes, capacities, numbers of passes."""

import numbers
from typing import Any


def whole_number(name: str, value: Any, least: int = 1, advice: str = "") -> int:
    """Return a count as an int; 3.0 is whole, 3.5, True and NaN are refused.

    Args:
        name: what messages call it.
        value: a Python or NumPy number.
        least: the smallest that will do.
        advice: what to do about a refusal, a sentence.

    Raises:
        TypeError: no number.
        ValueError: a fraction, or below the least.
    """
    real = not isinstance(value, bool) and isinstance(value, numbers.Real)
    whole = real and (isinstance(value, numbers.Integral) or float(value).is_integer())
    if not whole or value < least:
        refusal = ValueError if real else TypeError
        raise refusal(f"{name} is {value!r}; expected a whole number of at least {least}. {advice}".rstrip())
    return int(value)


def check_counts(**counts: object) -> None:
    """Refuse counts that are not ints of at least one, for callers that use them as they come.

    Raises:
        TypeError: one of them is no number; the message names it.
        ValueError: one of them is below one, or a float.
    """
    for name, count in counts.items():
        if isinstance(count, float):
            raise ValueError(f"{name} is {count!r}; expected a whole number of at least 1")
        whole_number(name, count)
