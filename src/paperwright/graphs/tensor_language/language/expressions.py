"""Expressions of the tensor language (Section 3 of the paper): immutable values over index variables.

An expression with free indices x1, ..., xp is a function of p nodes of a graph: it evaluates to a tensor with one axis
of n entries for each free index, and a last axis for its width.
"""

import hashlib
import math
import numbers
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Union, cast

import torch
from torch import Tensor

Operand = Union["Expression", int, float]

LONGEST_REPR = 200
"""Parts of an expression that is written out where it is only shown in passing."""
MOST_PARTS = 10_000
"""Parts that are written out, about 100 kB: as parts may be shared, a whole formula may be exponentially long."""
MOST_LEVELS = 100
"""Levels of nesting that are written out; Python's own stack ends somewhere beyond."""

_INDEX_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")


@dataclass(frozen=True, order=True)
class Index:
    """An index variable, which runs over the nodes of a graph. Made by `indices`."""

    name: str

    def __post_init__(self) -> None:
        if not _INDEX_NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no index name; expected a letter, then letters or digits.")

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False, repr=False)
class Expression:
    """A formula of the tensor language; `+`, `-` and `*` (with numbers too) make new ones.

    Two expressions are equal if they are written the same, with the same function objects.

    Example:
        >>> from paperwright.graphs.tensor_language import E, P, indices, total
        >>> x, y = indices("x y")
        >>> str(1 - total(y, E(x, y) * P(0, y)))
        '1 - sum_y E(x, y) * P0(y)'
    """

    def __post_init__(self) -> None:
        # Worked out from the children's at once, a formula of a thousand layers needs no recursion.
        _ = self.free, self.indices, self.summation_depth, self._length, self._digest

    @cached_property
    def _values(self) -> tuple[Any, ...]:
        """What its fields hold: indices, expressions alone or in a tuple, and numbers, functions or words."""
        names: tuple[str, ...] = self.__match_args__
        return tuple(getattr(self, name) for name in names)

    @cached_property
    def children(self) -> tuple["Expression", ...]:
        """The expressions that this one is made of."""
        values = chain.from_iterable(value if isinstance(value, tuple) else (value,) for value in self._values)
        return tuple(value for value in values if isinstance(value, Expression))

    @cached_property
    def _named(self) -> tuple[Index, ...]:
        return tuple(value for value in self._values if isinstance(value, Index))

    @property
    def parts(self) -> list["Expression"]:
        """Every expression that this one is made of, each once, children before what is made of them, itself last."""
        found: dict[Expression, None] = {}
        waiting = [(self, False)]
        while waiting:
            part, children_found = waiting.pop()
            if children_found:
                found[part] = None
            elif part not in found:
                waiting.append((part, True))
                waiting.extend((child, False) for child in part.children)
        return list(found)

    @property
    def _content(self) -> tuple[object, ...]:
        """What tells this expression from others of its class, besides its children."""
        others = (value for value in self._values if not isinstance(value, Expression | tuple))
        return tuple(value.name if isinstance(value, Index) else value for value in others)

    @cached_property
    def free(self) -> tuple[Index, ...]:
        """The free indices, in the order of their names."""
        return tuple(sorted({*self._named, *(index for child in self.children for index in child.free)}))

    @cached_property
    def indices(self) -> tuple[Index, ...]:
        """Every index name in it, free or bound, in order of first appearance."""
        inner = (index for child in self.children for index in child.indices)
        return tuple(dict.fromkeys((*self._named, *inner)))

    @cached_property
    def summation_depth(self) -> int:
        """How deep sums (and aggregations) are nested: 0 for atoms, one more for each sum around."""
        return max((child.summation_depth for child in self.children), default=0)

    @cached_property
    def _length(self) -> int:
        return 1 + sum(child._length for child in self.children)

    @cached_property
    def _digest(self) -> bytes:
        # 128 bits stand for the whole formula, so that formulas that share parts are compared in no time.
        content = hashlib.blake2b(repr((type(self).__name__, self._content)).encode(), digest_size=16)
        for child in self.children:
            content.update(child._digest)
        return content.digest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def __add__(self, other: Operand) -> "Expression":
        return _sum(self, other)

    def __radd__(self, other: Operand) -> "Expression":
        return _sum(other, self)

    def __sub__(self, other: Operand) -> "Expression":
        return _sum(self, -as_expression(other))

    def __rsub__(self, other: Operand) -> "Expression":
        return _sum(other, -self)

    def __mul__(self, other: Operand) -> "Expression":
        return _product(self, other)

    def __rmul__(self, other: Operand) -> "Expression":
        return _product(other, self)

    def __neg__(self) -> "Expression":
        match self:
            case Number(value):
                return Number(-value)
            case Product((Number(value), *rest)) if rest:
                return rest[0] if value == -1 and len(rest) == 1 else _product(*([-value] * (value != -1)), *rest)
        return _product(-1, self)

    def __str__(self) -> str:
        return _text(self, PLAIN)

    def __repr__(self) -> str:
        short = self._length <= LONGEST_REPR
        text = str(self) if short else f"with {len(self.indices)} indices, depth {self.summation_depth}"
        return f"<{type(self).__name__} {text}>"

    def latex(self) -> str:
        """Return the formula as LaTeX mathematics, without dollar signs."""
        return _text(self, LATEX)

    def renamed(self, names: Mapping[Index, Index]) -> "Expression":
        """Return the expression with its free indices renamed.

        Bound indices step aside where they would catch a new name.
        """
        if not isinstance(names, Mapping) or not all(isinstance(i, Index) for i in (*names.keys(), *names.values())):
            raise TypeError(f"names is {names!r}; expected indices for indices, such as {{x: y}}.")
        return _rename(self, {old: new for old, new in names.items() if old != new}, {})

    def evaluate(
        self,
        data: object,
        *,
        order: Iterable[Index] | None = None,
        dtype: torch.dtype = torch.float64,
        modulus: int | None = None,
    ) -> Tensor:
        """Return the expression's values on a graph; see `analysis.evaluate`."""
        return _EVALUATOR[-1](self, data, order=order, dtype=dtype, modulus=modulus)


_EVALUATOR: list[Callable[..., Tensor]] = []


def evaluate_by(evaluator: Callable[..., Tensor]) -> None:
    """Make `Expression.evaluate` call this.

    To evaluate well takes an analysis of the expression, which stands above the language; so the evaluator comes from
    there when the room is imported.
    """
    _EVALUATOR[:] = [evaluator]


# -- the kinds of expression -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Number(Expression):
    """A constant."""

    value: int | float

    @property
    def _content(self) -> tuple[object, ...]:
        return (float(self.value),) if float(self.value) == self.value else (self.value,)


@dataclass(frozen=True, eq=False, repr=False)
class Pair(Expression):
    """An atom that relates two indices."""

    left: Index
    right: Index


@dataclass(frozen=True, eq=False, repr=False)
class Edge(Pair):
    """1 if the two nodes are adjacent (by an edge of that type, if one is given), otherwise 0."""

    type: int | None = None


class Equality(Pair):
    """1 if the two nodes are one, otherwise 0."""


class Inequality(Pair):
    """1 if the two nodes differ, otherwise 0."""


@dataclass(frozen=True, eq=False, repr=False)
class FeatureRow(Expression):
    """All features of a node: as wide as the graph's `x`."""

    index: Index


@dataclass(frozen=True, eq=False, repr=False)
class Label(FeatureRow):
    """One feature of a node: a column of the graph's `x`."""

    column: int


@dataclass(frozen=True, eq=False, repr=False)
class Sum(Expression):
    """The sum of several expressions."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Product(Expression):
    """The product of several expressions, entry by entry."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Application(Expression):
    """A function of the arguments' concatenation along the last axis."""

    function: Callable[[Tensor], Tensor]
    arguments: tuple[Expression, ...]
    name: str

    @property
    def _content(self) -> tuple[object, ...]:
        return (id(self.function),)


@dataclass(frozen=True, eq=False, repr=False)
class Binder(Expression):
    """An expression that binds an index."""

    index: Index

    @cached_property
    def free(self) -> tuple[Index, ...]:
        return tuple(index for index in super().free if index != self.index)

    @cached_property
    def summation_depth(self) -> int:
        return 1 + super().summation_depth


@dataclass(frozen=True, eq=False, repr=False)
class Total(Binder):
    """The sum of the body over all nodes."""

    body: Expression


@dataclass(frozen=True, eq=False, repr=False)
class Aggregation(Binder):
    """The greatest, least or mean value of the body over the nodes where the guard is not zero; 0 if there are none."""

    kind: str
    guard: Expression
    body: Expression


# -- operators ---------------------------------------------------------------------------------------------------------


def as_expression(value: object) -> Expression:
    """Return the expression itself, or a number as one."""
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{value!r} is {type(value).__name__}; expected an expression or a number.")
    if not math.isfinite(value):
        raise ValueError(f"{value!r} stands in an expression; expected a finite number.")
    return Number(int(value) if isinstance(value, numbers.Integral) else float(value))


def _sum(*terms: object) -> Expression:
    flat = [as_expression(term) for term in terms]
    return Sum(tuple(t for term in flat for t in (term.terms if isinstance(term, Sum) else (term,))))


def _product(*factors: object) -> Expression:
    flat = [as_expression(factor) for factor in factors]
    return Product(tuple(f for factor in flat for f in (factor.factors if isinstance(factor, Product) else (factor,))))


# -- text --------------------------------------------------------------------------------------------------------------

Notation = Mapping[str, str]
"""How each kind of expression looks, as templates for `str.format`."""

PLAIN: Notation = {
    "edge": "E({0}, {1})",
    "typed edge": "E{2}({0}, {1})",
    "equality": "1[{0} = {1}]",
    "inequality": "1[{0} != {1}]",
    "label": "P{1}({0})",
    "features": "Features({0})",
    "application": "{0}({1})",
    "total": "sum_{0} {1}",
    "aggregation": "{0}_{1}({2}, {3})",
    "brackets": "({0})",
    "times": " * ",
    "omission": "...",
}
"""What `parse` reads."""

LATEX: Notation = {
    "edge": "E({0}, {1})",
    "typed edge": "E_{{{2}}}({0}, {1})",
    "equality": r"\mathbf{{1}}[{0} = {1}]",
    "inequality": r"\mathbf{{1}}[{0} \neq {1}]",
    "label": "P_{{{1}}}({0})",
    "features": "F({0})",
    "application": r"\operatorname{{{0}}}\left({1}\right)",
    "total": r"\sum_{{{0}}} {1}",
    "aggregation": r"\operatorname{{{0}}}_{{{1} :\, {2} \neq 0}} {3}",
    "brackets": r"\left({0}\right)",
    "times": r"\, ",
    "omission": r"\dots",
}


def _text(
    expression: Expression,
    notation: Notation,
    parts: int = MOST_PARTS,
    levels: int = MOST_LEVELS,
    *,
    bracketed: bool = False,
) -> str:
    """Write an expression, of at most so many parts and so deep."""
    if parts < 1 or levels < 1:
        return notation["omission"]
    if bracketed:
        return notation["brackets"].format(_text(expression, notation, parts, levels))
    inner = parts - 1
    if expression._length > parts:
        inner //= max(1, len(expression.children))
    room = notation, inner, levels - 1
    match expression:
        case Number(value):
            return repr(value)
        case Edge(x, y, None):
            return notation["edge"].format(x, y)
        case Edge(x, y, kind):
            return notation["typed edge"].format(x, y, kind)
        case Equality(x, y):
            return notation["equality"].format(x, y)
        case Inequality(x, y):
            return notation["inequality"].format(x, y)
        case Label(x, column):
            return notation["label"].format(x, column)
        case FeatureRow(x):
            return notation["features"].format(x)
        case Sum((first, *terms)):
            signed = [("+", term) if (negated := _without_minus(term)) is None else ("-", negated) for term in terms]
            rest = [f" {sign} {_text(term, *room, bracketed=isinstance(term, Sum))}" for sign, term in signed]
            return _text(first, *room, bracketed=isinstance(first, Sum)) + "".join(rest)
        case Product((first, *rest)):
            minus = bool(rest) and first == Number(-1) and not isinstance(rest[0], Number)
            *factors, last = rest if minus else (first, *rest)
            # A sum over an index reaches to the end of its product, so it needs brackets anywhere else.
            texts = [_text(child, *room, bracketed=isinstance(child, Sum | Product | Total)) for child in factors]
            texts.append(_text(last, *room, bracketed=isinstance(last, Sum | Product)))
            return "-" * minus + notation["times"].join(texts)
        case Application(_, arguments, name):
            shown = name.replace("_", r"\_") if notation is LATEX else name
            return notation["application"].format(shown, ", ".join(_text(argument, *room) for argument in arguments))
        case Total(y, body):
            return notation["total"].format(y, _text(body, *room, bracketed=isinstance(body, Sum)))
        case Aggregation(y, kind, guard, body):
            values = _text(body, *room, bracketed=notation is LATEX)
            return notation["aggregation"].format(kind, y, _text(guard, *room), values)
    raise TypeError(f"{type(expression).__name__} is no expression of the tensor language.")


def _without_minus(term: Expression) -> Expression | None:
    """Return the term without its minus sign; None if it has none."""
    match term:
        case Number(value) if value < 0:
            return Number(-value)
        case Product((Number(value), *rest)) if value == -1 and not isinstance(rest[0], Number):
            return rest[0] if len(rest) == 1 else Product(tuple(rest))
        case Product((Number(value), *rest)) if value < 0:
            return Product((Number(-value), *rest))
    return None


# -- other indices -----------------------------------------------------------------------------------------------------

Names = dict[Index, Index]


def rebuild(
    expression: Expression, index: Callable[[Index], Index], child: Callable[[Expression], Expression]
) -> Expression:
    """Return the same kind of expression with other indices and children."""

    def renew(value: Any) -> Any:
        if isinstance(value, Index):
            return index(value)
        if isinstance(value, tuple):
            return tuple(map(child, value))
        return child(value) if isinstance(value, Expression) else value

    return cast(Expression, cast(Any, type(expression))(*map(renew, expression._values)))


def _rename(
    expression: Expression, names: Names, known: dict[tuple[Expression, tuple[tuple[Index, Index], ...]], Expression]
) -> Expression:
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
        known[key] = rebuild(expression, lambda index: inner.get(index, index), lambda e: _rename(e, inner, known))
    return known[key]


def _spare(expression: Expression, taken: set[Index]) -> Index:
    """Return an index name that is not taken: one that the expression uses already, if there is one."""
    return next(index for index in chain(expression.indices, fresh_indices()) if index not in taken)


def fresh_indices() -> Iterator[Index]:
    """Yield names without end: x, y, z, u, v, w, then x1, y1 and so on."""
    yield from (Index(letter) for letter in "xyzuvw")
    number = 1
    while True:
        yield from (Index(f"{letter}{number}") for letter in "xyzuvw")
        number += 1
