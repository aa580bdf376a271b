"""Whole numbers that a caller hands over: sizes, capacities, numbers of passes."""

from numbers import Integral


def check_counts(**counts: object) -> None:
    """Refuse numbers that are not whole or below one.

    Raises:
        ValueError: one of them is; the message names it.
    """
    for name, count in counts.items():
        if not isinstance(count, Integral) or count < 1:
            raise ValueError(f"{name} is {count!r}; expected a whole number of at least 1")
