"""Narrowing a search: the filters in a page's address, and the links that put one in or take it away."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import Request

from paperwright.navigator.filters import folded
from paperwright.web.parameters import Filters
from paperwright.web.templates import query_string

FACETS = ("decision", "year", "venue", "keyword", "category", "track")
SINGLE = ("has_code", "accepted")
"""Filters that have one value."""


def filters_in(address: Iterable[tuple[str, str]]) -> Filters:
    """The filters among the names and values of an address; what is none of them is passed over.

    Raises:
        ValueError: a filter cannot be read.
    """
    values: dict[str, list[str]] = {}
    for name, value in address:
        if name in Filters.model_fields and value:
            values.setdefault(name, []).append(value)
    return Filters.model_validate({name: given[-1] if name in SINGLE else given for name, given in values.items()})


def filters_of(request: Request) -> tuple[Filters, str]:
    """The filters in a page's address, and what is wrong with them: a page with bad filters is a page without."""
    try:
        return filters_in(request.query_params.multi_items()), ""
    except ValueError:
        return Filters(), "the filters in the address could not be read, and were left out"


def chosen_of(filters: Filters) -> dict[str, Any]:
    """The filters that are set, as they stand in an address."""
    return {name: value for name, value in filters.model_dump().items() if value not in (None, [])}


def facets_of(facets: Mapping[str, Mapping[Any, int]], chosen: dict[str, Any], q: str) -> list[dict[str, Any]]:
    """The columns with their commonest values, each with the address that puts it in or takes it away."""
    shown = []
    for column in FACETS:
        counts = {str(value): count for value, count in facets.get(column, {}).items()}
        picked = [folded(str(value)) for value in chosen.get(column, [])]
        counts = {value: 0 for value in picked if value not in counts} | counts
        if len(counts) < 2 and not picked:
            continue
        choices: list[dict[str, Any]] = []
        for value, count in list(counts.items())[: 8 if column == "keyword" else 12]:
            on = value in picked
            others = [one for one in picked if one != value] if on else [*picked, value]
            address = "/" + query_string({"q": q, **chosen, column: others})
            choices.append({"value": value, "count": count, "on": on, "address": address})
        shown.append({"name": column, "choices": choices})
    code = facets.get("has_code", {})
    with_code = next((count for value, count in code.items() if str(value).casefold() == "true"), 0)
    if with_code or chosen.get("has_code"):
        on = bool(chosen.get("has_code"))
        address = "/" + query_string({"q": q, **chosen, "has_code": None if on else True})
        shown.append(
            {"name": "code", "choices": [{"value": "with code", "count": with_code, "on": on, "address": address}]}
        )
    return shown
