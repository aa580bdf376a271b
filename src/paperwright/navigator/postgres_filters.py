"""Filters in PostgreSQL's SQL: columns named by `COLUMNS` only, every value a parameter."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .filters import COLUMNS, Condition, Filter

if TYPE_CHECKING:
    from psycopg.sql import Composed


def condition(where: Filter) -> "tuple[Composed, dict[str, Any]]":
    """A filter as a condition on the columns of the table of papers, and the parameters that it names."""
    from psycopg.sql import SQL

    values: dict[str, Any] = {}
    held = [_holds(one, f"filter_{place}_", values) for place, one in enumerate(where.conditions)]
    return SQL(" AND ").join([SQL("true"), *held]), values


def _holds(one: Condition, prefix: str, values: dict[str, Any]) -> "Composed":
    from psycopg.sql import SQL, Composed, Identifier, Placeholder

    def given(name: str, value: Any) -> Placeholder:
        values[prefix + name] = value
        return Placeholder(prefix + name)

    column, kind = Identifier(one.column), COLUMNS[one.column]
    parts: list[Composed] = []
    if one.values is None:
        parts.append(SQL("{} IS NOT NULL").format(column) if kind == "number" else SQL("{} <> ''").format(column))
        if one.low is not None:
            parts.append(SQL("{} >= {}").format(column, given("low", one.low)))
        if one.high is not None:
            parts.append(SQL("{} <= {}").format(column, given("high", one.high)))
    elif kind == "truth":
        parts.append(SQL("{} = ANY({}::boolean[])").format(column, given("any", list(one.values))))
    elif kind == "number":
        wanted = [float(value) for value in one.values]
        parts.append(SQL("{} = ANY({}::double precision[])").format(column, given("any", wanted)))
    else:
        compared = "{} && {}::text[]" if kind == "texts" else "{} = ANY({}::text[])"
        parts.append(SQL(compared).format(column, given("any", [value for value in storable(one.values) if value])))
    joined = SQL(" AND ").join(parts)
    return SQL("({}) IS NOT TRUE").format(joined) if one.negated else SQL("({})").format(joined)


def storable(texts: Sequence[str]) -> list[str]:
    """Those that PostgreSQL can hold: a text with a NUL or half a surrogate pair is in no column."""
    return [text for text in texts if "\0" not in text and not any("\ud800" <= one <= "\udfff" for one in text)]
