"""The tensor language: expressions over index variables, their text, and the graphs on which they have values."""

from .builders import E, Features, P, aggregate, apply, different, equal, indices, total
from .expressions import Expression, Index
from .parsing import parse

__all__ = [
    "E",
    "Expression",
    "Features",
    "Index",
    "P",
    "aggregate",
    "apply",
    "different",
    "equal",
    "indices",
    "parse",
    "total",
]
