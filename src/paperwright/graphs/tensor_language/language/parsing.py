"""Reading an expression from text, by a small recursive-descent parser; nothing is evaluated as code.

expression  = term { ("+" | "-") term }
term        = "-" term | "sum_" names term | factor [ "*" term ]
factor      = number | "(" expression ")" | atom | aggregation | function "(" expression { "," expression } ")"
atom        = "E" [type] "(" x "," y ")" | "P" column "(" x ")" | "Features" "(" x ")"
            | "1" "[" x ("=" | "!=") y "]"
aggregation = ("max" | "min" | "mean") "_" name "(" guard "," expression ")"
"""

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from .builders import AGGREGATORS, Aggregator, E, Features, P, aggregate, apply, different, equal, total
from .expressions import Expression, Index, Number

Function = Callable[[Tensor], Tensor]

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            torch.abs,
            torch.cos,
            torch.exp,
            torch.log1p,
            torch.reciprocal,
            torch.relu,
            torch.rsqrt,
            torch.sigmoid,
            torch.sign,
            torch.sin,
            torch.sqrt,
            torch.square,
            torch.tanh,
        )
    }
)
"""The functions that `parse` knows by name."""

DEEPEST = 40
"""Levels; Python's own stack ends somewhere beyond."""
LONGEST_NUMBER = 300
LONGEST_QUOTE = 200

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<indicator>1\s*\[)
    | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    | (?P<binder>(?:sum|max|min|mean)_(?=[{A-Za-z]))
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>!=|[-+*(){}\[\],=])
    )""",
    re.VERBOSE,
)


def parse(text: str, functions: Mapping[str, Function] | None = None) -> Expression:
    """Read an expression from text: `parse("sum_y E(x, y) * P0(y)")`. It reads back what `str` writes.

    A sum reaches to the end of its product. `E2` is the adjacency by edges of type 2.

    Args:
        text: the expression.
        functions: what further function names stand for; `FUNCTIONS` lists those that are known.

    Raises:
        TypeError: text is no string, or functions no dictionary.
        ValueError: what was expected, what stands there, and at which position, counted from 0.
    """
    if not isinstance(text, str):
        raise TypeError(f"text is {type(text).__name__}; expected a string such as 'sum_y E(x, y) * P0(y)'.")
    if not isinstance(functions, Mapping | None):
        raise TypeError(f"functions is {type(functions).__name__}; expected a dictionary from names to functions.")
    parser = _Parser(text, {**FUNCTIONS, **(functions or {})})
    expression = parser.expression()
    parser.expect("end of text")
    return expression


class _Parser:
    def __init__(self, text: str, functions: Mapping[str, Function]) -> None:
        self._text = text
        self._functions = functions
        self._place = self._depth = 0
        self._advance()

    # -- tokens --------------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        found = _TOKEN.match(self._text, self._place)
        if found is None:
            self._start = len(self._text) - len(self._text[self._place :].lstrip())
            self._kind, self._token = ("end of text", "") if self._start == len(self._text) else ("unknown", "")
            return
        self._kind = str(found.lastgroup)
        self._token = found[self._kind]
        self._start = found.start(self._kind)
        self._place = found.end()

    def _error(self, expected: str) -> ValueError:
        there = "the text ends" if self._start == len(self._text) else f"found {self._text[self._start :][:12]!r}"
        text = self._text
        if len(text) > LONGEST_QUOTE:
            text = f"... {text[max(self._start - LONGEST_QUOTE // 2, 0) :][:LONGEST_QUOTE]} ..."
        return ValueError(f"position {self._start} of {text!r}: expected {expected}, but {there}.")

    def expect(self, token: str) -> None:
        if token not in (self._token, self._kind):
            raise self._error(token if token == "end of text" else repr(token))
        self._advance()

    def _accept(self, *tokens: str) -> str | None:
        token = self._token if self._kind in ("sign", "end of text") else ""
        if token and token in tokens:
            self._advance()
            return token
        return None

    # -- grammar -------------------------------------------------------------------------------------------------------

    def expression(self) -> Expression:
        found = self._term()
        while sign := self._accept("+", "-"):
            term = self._term()
            found = found + term if sign == "+" else found - term
        return found

    def _term(self) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(f"at most {DEEPEST} levels of parentheses and signs")
        found = self._factors()
        self._depth -= 1
        return found

    def _factors(self) -> Expression:
        if self._accept("-"):
            return -self._term()
        if self._kind == "binder" and self._token == "sum_":
            self._advance()
            over = self._bound_indices()
            return total(over, self._term())
        factors = [self._factor()]
        while self._accept("*"):
            rest = self._token == "-" or (self._kind == "binder" and self._token == "sum_")
            factors.append(self._term() if rest else self._factor())
        found = factors.pop()
        while factors:
            found = factors.pop() * found
        return found

    def _factor(self) -> Expression:
        if self._accept("("):
            found = self.expression()
            self.expect(")")
            return found
        if self._kind == "number":
            text = self._token
            if len(text) > LONGEST_NUMBER or not math.isfinite(float(text)):
                raise self._error(f"a finite number of at most {LONGEST_NUMBER} characters")
            self._advance()
            return Number(int(text) if text.isdigit() else float(text))
        if self._kind == "indicator":
            return self._indicator()
        if self._kind == "binder":
            return self._aggregation()
        if self._kind == "name":
            return self._named()
        raise self._error("an expression")

    def _indicator(self) -> Expression:
        self._advance()
        x = self._index()
        sign = self._accept("=", "!=")
        if sign is None:
            raise self._error("'=' or '!='")
        y = self._index()
        self.expect("]")
        return equal(x, y) if sign == "=" else different(x, y)

    def _aggregation(self) -> Expression:
        kind: Aggregator = next(kind for kind in AGGREGATORS if self._token == f"{kind}_")
        self._advance()
        over = self._index()
        self.expect("(")
        guard = self.expression()
        self.expect(",")
        body = self.expression()
        self.expect(")")
        return aggregate(kind, over, guard, body)

    def _named(self) -> Expression:
        name = self._token
        atom = re.fullmatch(r"(E)(\d*)|(P)(\d+)|(Features)", name) if name not in self._functions else None
        if atom is not None and len(name) > LONGEST_NUMBER:
            raise self._error(f"a number of at most {LONGEST_NUMBER} digits in the name of an atom")
        if atom is None and name not in self._functions:
            known = ", ".join(sorted(self._functions))
            raise self._error(f"E, P0, Features, 1[x = y], sum_y or a function ({known}; more by functions=)")
        self._advance()
        self.expect("(")
        if atom is None:
            arguments = [self.expression()]
            while self._accept(","):
                arguments.append(self.expression())
            self.expect(")")
            return apply(self._functions[name], *arguments, name=name)
        found = self._atom(atom)
        self.expect(")")
        return found

    def _atom(self, atom: re.Match[str]) -> Expression:
        x = self._index()
        if atom[5]:
            return Features(x)
        if atom[3]:
            return P(int(atom[4]), x)
        self.expect(",")
        return E(x, self._index(), type=int(atom[2]) if atom[2] else None)

    def _bound_indices(self) -> tuple[Index, ...]:
        if not self._accept("{"):
            return (self._index(),)
        found = [self._index()]
        while self._accept(","):
            found.append(self._index())
        self.expect("}")
        return tuple(found)

    def _index(self) -> Index:
        if self._kind != "name" or "_" in self._token:
            raise self._error("an index such as x")
        index = Index(self._token)
        self._advance()
        return index
