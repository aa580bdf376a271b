"""Filters in Lance's SQL. It takes no parameters, so that values are written as literals, with quotes doubled."""

from collections.abc import Sequence

from .filters import COLUMNS, Condition, Filter


def condition(where: Filter) -> str:
    """A filter as a condition on the columns of a table."""
    return " AND ".join(map(_holds, where.conditions)) or "true"


def _holds(one: Condition) -> str:
    column, kind = one.column, COLUMNS[one.column]
    literal = number if kind == "number" else text
    if one.values is None:
        ends = [
            f"{column} {sign} {literal(end)}" for sign, end in ((">=", one.low), ("<=", one.high)) if end is not None
        ]
        known = [f"{column} IS NOT NULL"] if kind == "number" else [f"{column} <> ''"]
        held = " AND ".join(known + ends)
    elif kind == "truth":
        held = " OR ".join(f"{column} = {'true' if value else 'false'}" for value in one.values)
    elif kind == "number":
        held = " OR ".join(f"{column} = {number(value)}" for value in one.values)
    elif kind == "texts":
        wanted = [text(value) for value in one.values if value]
        held = f"array_has_any({column}, [{', '.join(wanted)}])" if wanted else ""
    else:
        held = among(column, [value for value in one.values if value])
    held = held or "false"
    return f"NOT coalesce({held}, false)" if one.negated else f"({held})"


def among(column: str, values: Sequence[str]) -> str:
    """That a column has one of some values."""
    return f"{column} IN ({', '.join(map(text, values))})" if values else "false"


def text(value: str) -> str:
    """A text as a literal; nothing but the quote has a meaning within quotes."""
    return "'" + value.encode("utf-8", "replace").decode().replace("'", "''") + "'"


def number(value: float) -> str:
    """A number as a literal, also one that SQL has no way to write, such as infinity."""
    return f"CAST('{float(value)!r}' AS DOUBLE)"
