"""Filters: which papers a search may find, said once and understood by every index.

`where={"decision": ["Oral", "Spotlight"], "has_code": True, "year": (2020, 2022)}` becomes a `Filter`, a tuple of
conditions that must all hold. A list means any of these, a pair of bounds in a tuple means a closed range (None for
an open end), a single value means that value; a name with a leading "-" means none of these.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .errors import NavigatorError
from .paper import DATE, LONGEST_TITLE, Paper, clean

Kind = Literal["text", "texts", "number", "truth"]

COLUMNS: Mapping[str, Kind] = {
    "id": "text",
    "venue": "text",
    "year": "number",
    "decision": "text",
    "track": "text",
    "source": "text",
    "published": "text",
    "rating": "number",
    "citations": "number",
    "has_code": "truth",
    "accepted": "truth",
    "author": "texts",
    "keyword": "texts",
    "category": "texts",
}
"""The columns that a filter may name, with their kinds. Texts are compared folded (lower case)."""


def columns_of(paper: Paper) -> dict[str, Any]:
    """The values of `COLUMNS` for a paper; texts folded, "texts" as sorted tuples, None where unknown."""
    return {
        "id": paper.id,
        "venue": folded(paper.venue),
        "year": paper.year,
        "decision": folded(paper.decision),
        "track": folded(paper.track),
        "source": folded(paper.source),
        "published": paper.published,
        "rating": paper.rating,
        "citations": paper.citations,
        "has_code": bool(paper.code_urls),
        "accepted": paper.accepted,
        "author": tuple(sorted({folded(author) for author in paper.authors})),
        "keyword": tuple(sorted({folded(keyword) for keyword in paper.keywords})),
        "category": tuple(sorted({folded(category) for category in paper.categories})),
    }


def folded(text: str) -> str:
    """How texts are compared: lower case, white space folded."""
    return " ".join(text.casefold().split())


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on one column.

    Attributes:
        column: One of `COLUMNS`.
        values: Any of these; None for a range.
        low, high: The ends of a closed range, None for an open end.
        negated: Whether the condition must not hold. An unknown value meets no condition, and so every negated one.
    """

    column: str
    values: tuple[Any, ...] | None = None
    low: Any = None
    high: Any = None
    negated: bool = False

    def holds(self, columns: Mapping[str, Any]) -> bool:
        value = columns[self.column]
        found: bool
        if value is None or value == "":
            found = False
        elif self.values is None:
            found = (self.low is None or value >= self.low) and (self.high is None or value <= self.high)
        elif COLUMNS[self.column] == "texts":
            found = any(one in self.values for one in value)
        else:
            found = value in self.values
        return found != self.negated


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that must all hold."""

    conditions: tuple[Condition, ...] = ()

    def holds(self, columns: Mapping[str, Any]) -> bool:
        return all(condition.holds(columns) for condition in self.conditions)

    def __bool__(self) -> bool:
        return bool(self.conditions)

    def also(self, *conditions: Condition) -> "Filter":
        return Filter(self.conditions + conditions)

    @classmethod
    def of(cls, where: "Filter | Mapping[str, Any] | None") -> "Filter":
        """Reads the plain form.

        Raises:
            NavigatorError: an unknown column (the known are listed), or a value that does not suit its kind.
        """
        if where is None:
            return cls()
        if isinstance(where, Filter):
            return where
        if not isinstance(where, Mapping):
            raise NavigatorError(f"a filter is a mapping such as {{'year': 2022}}; got {where!r:.80}")
        return cls(tuple(_condition(str(name), wanted) for name, wanted in where.items()))


def _condition(name: str, wanted: Any) -> Condition:
    column = name.removeprefix("-")
    if column not in COLUMNS:
        raise NavigatorError(f"there is no column {column!r} to filter by; there are {', '.join(COLUMNS)}")
    negated = name.startswith("-")
    if isinstance(wanted, tuple):
        if len(wanted) != 2 or (COLUMNS[column] != "number" and column != "published"):
            raise NavigatorError(f"{column}: a range is a pair (low, high) of a number or a date; got {wanted!r:.80}")
        low, high = (None if end is None else _value(column, end) for end in wanted)
        if column == "published" and high is not None:
            high += "-99"  # a month or a year is meant to its end
        return Condition(column, None, low, high, negated)
    if isinstance(wanted, str) or not isinstance(wanted, Iterable):
        wanted = [wanted]
    return Condition(column, tuple(_value(column, value) for value in wanted), negated=negated)


def _value(column: str, value: Any) -> Any:
    kind = COLUMNS[column]
    if kind == "truth":
        if not isinstance(value, bool):
            raise NavigatorError(f"{column}: expected True or False; got {value!r:.80}")
        return value
    if kind == "number":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not -(2**53) <= value <= 2**53:
            raise NavigatorError(f"{column}: expected a number below 2^53, or None for an open end; got {value!r:.80}")
        return value
    if not isinstance(value, str):
        raise NavigatorError(f"{column}: expected a text; got {value!r:.80}")
    if column == "published" and not DATE.fullmatch(value):
        raise NavigatorError(f"{column}: expected a date such as 2022-04-25, 2022-04 or 2022; got {value!r:.80}")
    return value if column in ("id", "published") else folded(clean(value, LONGEST_TITLE))


def only_ids(ids: Sequence[str], *, negated: bool = False) -> Condition:
    """The condition that a paper is one of these."""
    return Condition("id", tuple(ids), negated=negated)
