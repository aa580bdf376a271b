"""Real numbers that a caller hands over: temperatures, probabilities, tolerances."""

import numbers
from collections.abc import Callable
from typing import Any


def real_number(name: str, value: Any, expected: str, holds: Callable[[float], bool], advice: str = "") -> float:
    """Return a Python or NumPy number as a float; NaN is refused, and so are True, text and tensors.

    Args:
        name: what messages call it.
        value: what was given.
        expected: what it should be, for the message.
        holds: whether a number will do; NaN never does.
        advice: what to do about a refusal, a sentence.

    Raises:
        TypeError: no real number.
        ValueError: NaN, or a number that will not do.
    """
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    try:
        number = float(value) if real else 0.0
    except OverflowError:
        number = float("nan")
    if not real or number != number or not holds(number):
        refusal = ValueError if real else TypeError
        raise refusal(f"{name} is {value!r}; expected {expected}. {advice}".rstrip())
    return number
