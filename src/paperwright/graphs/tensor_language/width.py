"""How wide an expression's values are, kept apart from what they are: for terms that cancel but whose width stays."""

from .expressions import (
    Aggregation,
    Application,
    Expression,
    FeatureRow,
    Index,
    Label,
    Number,
    Product,
    Sum,
    Total,
)


def as_wide(expression: Expression, x: Index, known: dict[Expression, Expression | None] | None = None):
    """An expression of one index, without sums, whose values are as wide; None if they have width 1 for certain.

    It takes for granted that the width of a function's values depends on the width of its argument alone.
    """
    known = {} if known is None else known
    if expression not in known:
        known[expression] = _as_wide(expression, x, known)
    return known[expression]


def _as_wide(expression: Expression, x: Index, known: dict[Expression, Expression | None]) -> Expression | None:
    match expression:
        case Label():
            return None
        case FeatureRow():
            return FeatureRow(x)
        case Application(function, arguments, name):
            inner = tuple(as_wide(argument, x, known) or Number(1) for argument in arguments)
            return Application(function, inner, name)
        case Total(_, body) | Aggregation(_, _, _, body):
            return as_wide(body, x, known)
        case Sum(children) | Product(children):
            found = [wide for child in children if (wide := as_wide(child, x, known)) is not None]
            wide = dict.fromkeys(found)
            return None if not wide else next(iter(wide)) if len(wide) == 1 else Sum(tuple(wide))
    return None


def width_sources(expression: Expression, known: dict[Expression, frozenset] | None = None) -> frozenset:
    """What may make an expression's values wider than 1: the features, and functions."""
    known = {} if known is None else known
    if expression not in known:
        match expression:
            case Label():
                found = frozenset()
            case FeatureRow():
                found = frozenset({FeatureRow})
            case Application(function, _, _):
                found = frozenset({id(function)})
            case Total(_, body) | Aggregation(_, _, _, body):
                found = width_sources(body, known)
            case _:
                found = frozenset().union(*(width_sources(child, known) for child in expression.children))
        known[expression] = found
    return known[expression]
