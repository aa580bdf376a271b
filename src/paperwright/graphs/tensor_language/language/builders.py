"""Building expressions: index variables, atoms, functions and sums (Section 3 of the paper)."""

from collections.abc import Callable
from functools import reduce
from typing import Literal

from torch import Tensor

from paperwright.blocks.counts import whole_number

from .expressions import (
    Aggregation,
    Application,
    Edge,
    Equality,
    Expression,
    FeatureRow,
    Index,
    Inequality,
    Label,
    Operand,
    Total,
    as_expression,
)

Aggregator = Literal["max", "min", "mean"]
AGGREGATORS: tuple[Aggregator, ...] = ("max", "min", "mean")


def indices(names: str) -> tuple[Index, ...]:
    """Return index variables with the given names: `x, y = indices("x y")`.

    Raises:
        TypeError: names is no string.
        ValueError: no name, one twice, or one that is not a letter followed by letters or digits.
    """
    if not isinstance(names, str):
        raise TypeError(f"names is {type(names).__name__}; expected one string such as 'x y z'.")
    found = names.replace(",", " ").split()
    if not found or len(set(found)) < len(found):
        raise ValueError(f"names is {names!r}; expected distinct names with spaces between, such as 'x y z'.")
    return tuple(Index(name) for name in found)


def E(x: Index, y: Index, *, type: int | None = None) -> Expression:  # noqa: N802 - the paper's symbol
    """Return the atom that is 1 where x and y are adjacent and 0 elsewhere; with `type`, by edges of that type."""
    return Edge(_index(x), _index(y), None if type is None else whole_number("type", type, 0))


def P(column: int, x: Index) -> Expression:  # noqa: N802
    """Return the label of x, a column of the graph's features."""
    number = whole_number("column", column, 0, "The column comes first: P(0, x).")
    return Label(_index(x), number)


def Features(x: Index) -> Expression:  # noqa: N802
    """Return all features of x: sugar for one expression per column."""
    return FeatureRow(_index(x))


def equal(x: Index, y: Index) -> Expression:
    """Return the atom that is 1 where x and y are the same node and 0 elsewhere."""
    return Equality(_index(x), _index(y))


def different(x: Index, y: Index) -> Expression:
    """Return the atom that is 1 where x and y are different nodes and 0 elsewhere."""
    return Inequality(_index(x), _index(y))


def apply(function: Callable[[Tensor], Tensor], *expressions: Operand, name: str | None = None) -> Expression:
    """Return f(phi_1, ..., phi_m), a function of the concatenation of the arguments.

    Args:
        function: any torch function or module that acts on the last axis: [..., w] to [..., w'].
        expressions: the arguments; their widths add up to w.
        name: what to print; the function's own name if not given.

    Raises:
        TypeError: the function cannot be called.
        ValueError: no argument.
    """
    if not callable(function):
        raise TypeError(f"function is {builtin_type(function).__name__}; expected a function or module on tensors.")
    if not expressions:
        raise ValueError("apply needs at least one expression to apply the function to.")
    shown = name or str(getattr(function, "__name__", builtin_type(function).__name__))
    return Application(function, tuple(as_expression(argument) for argument in expressions), shown)


def total(over: Index | tuple[Index, ...], phi: Operand) -> Expression:
    """Return the sum of phi over all nodes y, or over all tuples of nodes.

    Args:
        over: the index to sum over, or several; `total((y, z), phi)` is `total(y, total(z, phi))`.
        phi: the summand.
    """
    bound = over if isinstance(over, tuple) else (over,)
    if not bound or len(set(map(_index, bound))) < len(bound):
        raise ValueError(f"total sums over {bound}; expected one index or several distinct ones.")
    return reduce(lambda body, index: Total(_index(index), body), reversed(bound), as_expression(phi))


def aggregate(kind: Aggregator, over: Index, guard: Operand, phi: Operand) -> Expression:
    """Return the greatest, least or mean value of phi over the nodes y where the guard is not zero; 0 if it is nowhere.

    It counts like a sum: a colour fixes the multiset that it is taken of.

    Args:
        kind: "max", "min" or "mean".
        over: the index y.
        guard: which nodes take part, such as `E(x, y)`; 1 for all.
        phi: the values.
    """
    if kind not in AGGREGATORS:
        raise ValueError(f"kind is {kind!r}; expected 'max', 'min' or 'mean' (a sum is total(y, guard * phi)).")
    return Aggregation(_index(over), kind, as_expression(guard), as_expression(phi))


builtin_type = type  # `E` has an argument of that name


def _index(value: object) -> Index:
    if not isinstance(value, Index):
        raise TypeError(f"{value!r} is {builtin_type(value).__name__}; expected an index from indices('x y').")
    return value
