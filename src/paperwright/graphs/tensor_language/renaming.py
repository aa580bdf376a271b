"""Other names for the indices of an expression."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain

from .expressions import (
    Aggregation,
    Application,
    Binder,
    Edge,
    Expression,
    FeatureRow,
    Index,
    Label,
    Pair,
    Product,
    Sum,
    Total,
)

Names = dict[Index, Index]


def rebuilt(expression: Expression, index: Callable[[Index], Index], child: Callable[[Expression], Expression]):
    """The same kind of expression with other indices and children."""
    match expression:
        case Edge(left, right, kind):
            return Edge(index(left), index(right), kind)
        case Pair(left, right):
            return type(expression)(index(left), index(right))
        case Label(row, column):
            return Label(index(row), column)
        case FeatureRow(row):
            return FeatureRow(index(row))
        case Sum(terms):
            return Sum(tuple(map(child, terms)))
        case Product(factors):
            return Product(tuple(map(child, factors)))
        case Application(function, arguments, name):
            return Application(function, tuple(map(child, arguments)), name)
        case Total(bound, body):
            return Total(index(bound), child(body))
        case Aggregation(bound, kind, guard, body):
            return Aggregation(index(bound), kind, child(guard), child(body))
    return expression


def renamed(expression: Expression, names: Mapping[Index, Index]) -> Expression:
    """The expression with its free indices renamed; bound ones step aside where they would catch a new name."""
    return _renamed(expression, {old: new for old, new in names.items() if old != new}, {})


def _renamed(expression: Expression, names: Names, known: dict[tuple[Expression, tuple], Expression]) -> Expression:
    names = {old: new for old, new in names.items() if old in expression.free}
    if not names:
        return expression
    key = expression, tuple(sorted(names.items()))
    if key not in known:
        inner = names
        if isinstance(expression, Binder):
            taken = {names.get(index, index) for index in expression.free}
            bound = expression.index if expression.index not in taken else _spare(expression, taken)
            inner = names | {expression.index: bound}
        inner = {old: new for old, new in inner.items() if old != new}
        known[key] = rebuilt(expression, lambda index: inner.get(index, index), lambda e: _renamed(e, inner, known))
    return known[key]


def _spare(expression: Expression, taken: set[Index]) -> Index:
    """An index name that is not taken: one that the expression uses already, if there is one."""
    return next(index for index in chain(expression.indices, fresh_indices()) if index not in taken)


def fresh_indices() -> Iterable[Index]:
    """Names without end: x, y, z, u, v, w, then x1, y1 and so on."""
    yield from (Index(letter) for letter in "xyzuvw")
    number = 1
    while True:
        yield from (Index(f"{letter}{number}") for letter in "xyzuvw")
        number += 1
