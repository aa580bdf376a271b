"""Expressions of the tensor language (Section 3 of the paper): immutable values over index variables.

An expression with free indices x1, ..., xp is a function of p nodes of a graph: it evaluates to a tensor with one axis
of n entries for each free index, and a last axis for its width.
"""

import hashlib
import math
import numbers
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Literal, Union

import torch
from torch import Tensor

Aggregator = Literal["max", "min", "mean"]
Operand = Union["Expression", int, float]

LONGEST = 200
"""Formulas of more parts are not written out where they are only shown in passing."""

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


class Expression:
    """A formula of the tensor language; `+`, `-` and `*` (with numbers too) make new ones.

    Two expressions are equal if they are written the same, with the same function objects.
    """

    def __post_init__(self) -> None:
        # Worked out from the children's at once, a formula of a thousand layers needs no recursion.
        _ = self.free, self.indices, self.summation_depth, self._length, self._digest

    @property
    def children(self) -> tuple["Expression", ...]:
        """The expressions that this one is made of."""
        return ()

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
    def _parts(self) -> tuple[object, ...]:
        """What tells this expression from others of its class, besides its children."""
        return ()

    @cached_property
    def free(self) -> tuple[Index, ...]:
        """The free indices, in the order of their names."""
        return tuple(sorted({index for child in self.children for index in child.free}))

    @cached_property
    def indices(self) -> tuple[Index, ...]:
        """Every index name in it, free or bound, in order of first appearance."""
        return _distinct(index for child in self.children for index in child.indices)

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
        content = hashlib.blake2b(repr((type(self).__name__, self._parts)).encode(), digest_size=16)
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
        return _sum(self, -_expression(other))

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
        from .notation import plain

        return plain(self)

    def __repr__(self) -> str:
        # Parts may be shared, so that written out the formula is exponentially long.
        text = (
            str(self) if self._length <= LONGEST else f"with {len(self.indices)} indices, depth {self.summation_depth}"
        )
        return f"<{type(self).__name__} {text}>"

    def latex(self) -> str:
        """The formula as LaTeX mathematics, without dollar signs."""
        from .notation import latex

        return latex(self)

    def renamed(self, names: Mapping[Index, Index]) -> "Expression":
        """The expression with its free indices renamed; bound ones step aside where they would catch a new name."""
        from .renaming import renamed

        return renamed(self, names)

    def evaluate(
        self,
        data: object,
        *,
        order: Iterable[Index] | None = None,
        dtype: torch.dtype = torch.float64,
        modulus: int | None = None,
    ) -> Tensor:
        """The expression's values on a graph; see `evaluation.evaluate`."""
        from .evaluation import evaluate

        return evaluate(self, data, order=order, dtype=dtype, modulus=modulus)


def _distinct(found: Iterable[Index]) -> tuple[Index, ...]:
    return tuple(dict.fromkeys(found))


# -- the kinds of expression -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Number(Expression):
    """A constant."""

    value: int | float

    @property
    def _parts(self) -> tuple[object, ...]:
        return (float(self.value),) if float(self.value) == self.value else (self.value,)


@dataclass(frozen=True, eq=False, repr=False)
class Pair(Expression):
    """An atom that relates two indices."""

    left: Index
    right: Index

    @property
    def _parts(self) -> tuple[object, ...]:
        return self.left.name, self.right.name

    @cached_property
    def free(self) -> tuple[Index, ...]:
        return tuple(sorted({self.left, self.right}))

    @cached_property
    def indices(self) -> tuple[Index, ...]:
        return _distinct((self.left, self.right))


@dataclass(frozen=True, eq=False, repr=False)
class Edge(Pair):
    """1 if the two nodes are adjacent (by an edge of that type, if one is given), otherwise 0."""

    type: int | None = None

    @property
    def _parts(self) -> tuple[object, ...]:
        return self.left.name, self.right.name, self.type


class Equality(Pair):
    """1 if the two nodes are one, otherwise 0."""


class Inequality(Pair):
    """1 if the two nodes differ, otherwise 0."""


@dataclass(frozen=True, eq=False, repr=False)
class FeatureRow(Expression):
    """All features of a node: as wide as the graph's `x`."""

    index: Index

    @property
    def _parts(self) -> tuple[object, ...]:
        return (self.index.name,)

    @cached_property
    def free(self) -> tuple[Index, ...]:
        return (self.index,)

    @cached_property
    def indices(self) -> tuple[Index, ...]:
        return (self.index,)


@dataclass(frozen=True, eq=False, repr=False)
class Label(FeatureRow):
    """One feature of a node: a column of the graph's `x`."""

    column: int

    @property
    def _parts(self) -> tuple[object, ...]:
        return self.index.name, self.column


@dataclass(frozen=True, eq=False, repr=False)
class Sum(Expression):
    """The sum of several expressions."""

    terms: tuple[Expression, ...]

    @property
    def children(self) -> tuple[Expression, ...]:
        return self.terms


@dataclass(frozen=True, eq=False, repr=False)
class Product(Expression):
    """The product of several expressions, entry by entry."""

    factors: tuple[Expression, ...]

    @property
    def children(self) -> tuple[Expression, ...]:
        return self.factors


@dataclass(frozen=True, eq=False, repr=False)
class Application(Expression):
    """A function of the arguments' concatenation along the last axis."""

    function: Callable[[Tensor], Tensor]
    arguments: tuple[Expression, ...]
    name: str

    @property
    def children(self) -> tuple[Expression, ...]:
        return self.arguments

    @property
    def _parts(self) -> tuple[object, ...]:
        return (id(self.function),)


@dataclass(frozen=True, eq=False, repr=False)
class Binder(Expression):
    """An expression that binds an index."""

    index: Index

    @property
    def _parts(self) -> tuple[object, ...]:
        return (self.index.name,)

    @cached_property
    def free(self) -> tuple[Index, ...]:
        return tuple(index for index in super().free if index != self.index)

    @cached_property
    def indices(self) -> tuple[Index, ...]:
        return _distinct((self.index, *super().indices))

    @cached_property
    def summation_depth(self) -> int:
        return 1 + super().summation_depth


@dataclass(frozen=True, eq=False, repr=False)
class Total(Binder):
    """The sum of the body over all nodes."""

    body: Expression

    @property
    def children(self) -> tuple[Expression, ...]:
        return (self.body,)


@dataclass(frozen=True, eq=False, repr=False)
class Aggregation(Binder):
    """The greatest, least or mean value of the body over the nodes where the guard is not zero; 0 if there are none."""

    kind: str
    guard: Expression
    body: Expression

    @property
    def children(self) -> tuple[Expression, ...]:
        return self.guard, self.body

    @property
    def _parts(self) -> tuple[object, ...]:
        return self.index.name, self.kind


# -- building ----------------------------------------------------------------------------------------------------------


def indices(names: str) -> tuple[Index, ...]:
    """Index variables with the given names: `x, y = indices("x y")`.

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
    """1 if x and y are adjacent, otherwise 0; with `type`, only edges with that `edge_type` count."""
    if type is not None and (isinstance(type, bool) or not isinstance(type, int) or type < 0):
        raise ValueError(f"type is {type!r}; expected an edge type, an integer of 0 or more.")
    return Edge(_index(x), _index(y), type)


def P(column: int, x: Index) -> Expression:  # noqa: N802
    """The label of x in a column of the graph's features."""
    if isinstance(column, bool) or not isinstance(column, int):
        raise TypeError(f"column is {column!r}; expected an integer, then an index: P(0, x).")
    if column < 0:
        raise ValueError(f"column is {column}; expected 0 or more.")
    return Label(_index(x), column)


def Features(x: Index) -> Expression:  # noqa: N802
    """All features of x: sugar for one expression per column."""
    return FeatureRow(_index(x))


def equal(x: Index, y: Index) -> Expression:
    """1 if x and y are the same node, otherwise 0."""
    return Equality(_index(x), _index(y))


def different(x: Index, y: Index) -> Expression:
    """1 if x and y are different nodes, otherwise 0."""
    return Inequality(_index(x), _index(y))


def apply(function: Callable[[Tensor], Tensor], *expressions: Operand, name: str | None = None) -> Expression:
    """f(phi_1, ..., phi_m): a function of the concatenation of the arguments.

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
    name = name or getattr(function, "__name__", builtin_type(function).__name__)
    return Application(function, tuple(_expression(argument) for argument in expressions), name)


def total(over: Index | tuple[Index, ...], phi: Operand) -> Expression:
    """The sum of phi over all nodes y, or over all tuples of nodes.

    Args:
        over: the index to sum over, or several; `total((y, z), phi)` is `total(y, total(z, phi))`.
        phi: the summand.
    """
    bound = over if isinstance(over, tuple) else (over,)
    if not bound or len(set(bound)) < len(bound):
        raise ValueError(f"total sums over {bound}; expected one index or several distinct ones.")
    return reduce(lambda body, index: Total(_index(index), body), reversed(bound), _expression(phi))


def aggregate(kind: Aggregator, over: Index, guard: Operand, phi: Operand) -> Expression:
    """The greatest, least or mean value of phi over the nodes y at which the guard is not zero; 0 if there are none.

    It counts like a sum: a colour fixes the multiset that it is taken of.

    Args:
        kind: "max", "min" or "mean".
        over: the index y.
        guard: which nodes take part, such as `E(x, y)`; 1 for all.
        phi: the values.
    """
    if kind not in ("max", "min", "mean"):
        raise ValueError(f"kind is {kind!r}; expected 'max', 'min' or 'mean' (a sum is total(y, guard * phi)).")
    return Aggregation(_index(over), kind, _expression(guard), _expression(phi))


builtin_type = type  # `E` has an argument of that name


def _index(value: object) -> Index:
    if not isinstance(value, Index):
        raise TypeError(f"{value!r} is {builtin_type(value).__name__}; expected an index from indices('x y').")
    return value


def _expression(value: object) -> Expression:
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{value!r} is {builtin_type(value).__name__}; expected an expression or a number.")
    if not math.isfinite(value):
        raise ValueError(f"{value!r} stands in an expression; expected a finite number.")
    return Number(int(value) if isinstance(value, numbers.Integral) else float(value))


def _sum(*terms: object) -> Expression:
    flat = [_expression(term) for term in terms]
    return Sum(tuple(t for term in flat for t in (term.terms if isinstance(term, Sum) else (term,))))


def _product(*factors: object) -> Expression:
    flat = [_expression(factor) for factor in factors]
    return Product(tuple(f for factor in flat for f in (factor.factors if isinstance(factor, Product) else (factor,))))
