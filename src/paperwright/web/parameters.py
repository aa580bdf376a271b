"""What may stand in an address: the query, the page, the filters. Unknown names are refused, never passed over."""

import re
from typing import Annotated, Any, Final, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from paperwright.navigator.errors import NavigatorError

MOST: Final = 200
"""The most papers on one page."""
Text = Annotated[str, Field(max_length=2_000)]
Texts = Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=50)]
Mode = Literal["auto", "lexical", "dense", "convex", "rrf"]

_RANGE = re.compile(r"(?P<low>[^.]*(?:\.\d+)?)\.\.(?P<high>.*)")


class Filters(BaseModel):
    """Which papers; a name that stands several times means any of these. Ranges: 2020..2022, 2020.. or ..2022."""

    model_config = ConfigDict(extra="forbid")

    venue: Texts = []
    year: Texts = []
    decision: Texts = []
    track: Texts = []
    source: Texts = []
    published: Texts = []
    rating: Texts = []
    citations: Texts = []
    author: Texts = []
    keyword: Texts = []
    category: Texts = []
    has_code: bool | None = None
    accepted: bool | None = None

    def where(self) -> dict[str, Any]:
        """The filter in the plain form of `paperwright.navigator.filters`.

        Raises:
            NavigatorError: a year, rating, number of citations or date that is none.
        """
        found: dict[str, Any] = {}
        for name in ("venue", "decision", "track", "source", "author", "keyword", "category"):
            if values := getattr(self, name):
                found[name] = list(values)
        for name in ("has_code", "accepted"):
            if (value := getattr(self, name)) is not None:
                found[name] = value
        for name in ("year", "rating", "citations", "published"):
            if values := getattr(self, name):
                found[name] = _several(name, values)
        return found


class SearchOf(Filters):
    """A search."""

    q: Text = ""
    k: Annotated[int, Field(ge=1, le=MOST)] = 20
    mode: Mode = "auto"
    cursor: Annotated[str | None, Field(max_length=500)] = None
    facets: bool = False


class ExportOf(Filters):
    """What is to be exported: a search's papers, or a tag's."""

    format: Literal["bib", "ris", "csv", "json", "atom"] = "bib"
    q: Text = ""
    k: Annotated[int, Field(ge=1, le=1_000)] = 100
    tag: Annotated[str | None, Field(max_length=60)] = None


class Nothing(BaseModel):
    """An address without parameters."""

    model_config = ConfigDict(extra="forbid")


class Only(Nothing):
    """How many."""

    k: Annotated[int, Field(ge=1, le=MOST)] = 10


class ExpertsOf(Only):
    q: Text


class TrendOf(Nothing):
    term: Text


class DigestOf(Nothing):
    since: Annotated[str | None, Field(max_length=10)] = None
    until: Annotated[str | None, Field(max_length=10)] = None
    n: Annotated[int, Field(ge=1, le=50)] = 10
    by: Annotated[str | None, Field(max_length=60)] = None
    format: Literal["json", "markdown", "html", "atom", "text"] = "json"


class RecommendationsOf(Nothing):
    k: Annotated[int, Field(ge=1, le=MOST)] = 20
    exclude_seen: bool = True


class HitsOf(Filters):
    """Which points of the map a search finds."""

    q: Text = ""
    k: Annotated[int, Field(ge=1, le=5_000)] = 500


class TileOf(Nothing):
    """A part of the map; without it, the whole."""

    tile: Annotated[str | None, Field(max_length=40, pattern=r"^\d{1,2}/\d{1,9}/\d{1,9}$")] = None


class PointsOf(Nothing):
    """Points of the map by their id-index."""

    point: Annotated[list[Annotated[int, Field(ge=0, lt=2**32)]], Field(max_length=500)] = []


class ValuesOf(Nothing):
    by: Literal["rating", "year"]


Parameters = Query()


def _several(name: str, values: list[str]) -> Any:
    """Numbers or dates as a list of values, or one range."""
    ranges = [_RANGE.fullmatch(value) for value in values]
    if not any(ranges):
        return [_one(name, value) for value in values]
    if len(values) > 1 or ranges[0] is None:
        raise NavigatorError(f"{name}: one range such as 2020..2022, or single values; got {', '.join(values)[:80]}")
    low, high = (None if end == "" else _one(name, end) for end in (ranges[0]["low"], ranges[0]["high"]))
    return (low, high)


def _one(name: str, value: str) -> Any:
    if name == "published":
        return value
    try:
        return float(value) if name == "rating" else int(value)
    except ValueError:
        raise NavigatorError(f"{name}: expected a number or a range such as 2020..2022; got {value!r:.80}") from None
