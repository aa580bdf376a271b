"""The options that several of the navigator's commands have, and the filter that some of them add up to."""

import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from .errors import NavigatorError
from .paper import DECISIONS

LibraryPath = Annotated[
    Path | None,
    typer.Option(
        "--library",
        help="The library's folder [default: $PAPERWRIGHT_LIBRARY, or your data folder; else the embedded one].",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Many = Annotated[int, typer.Option("--k", "-k", help="How many papers.")]
Export = Annotated[
    Path | None, typer.Option("--export", help="Write the papers to this file: .bib, .ris, .csv, .json or .atom.")
]
Form = Annotated[
    str | None, typer.Option("--format", help="The form of --export, where the file's name does not say it.")
]
Venue = Annotated[list[str] | None, typer.Option(help="Only of this venue; repeatable.")]
Year = Annotated[str | None, typer.Option(help="Only of 2022, or of 2020..2022, 2020.., ..2022.")]
Decision = Annotated[
    list[str] | None, typer.Option(help=f"Only with this decision: {', '.join(DECISIONS)}; repeatable.")
]
Author = Annotated[list[str] | None, typer.Option(help="Only with an author of this name, or part of one; repeatable.")]
Keyword = Annotated[list[str] | None, typer.Option(help="Only with this keyword; repeatable.")]
Category = Annotated[list[str] | None, typer.Option(help="Only of this category, such as cs.LG; repeatable.")]
Source = Annotated[list[str] | None, typer.Option(help="Only from this source; repeatable.")]
Code = Annotated[bool | None, typer.Option("--code/--no-code", help="Only with, or without, links to code.")]
Accepted = Annotated[bool | None, typer.Option("--accepted/--not-accepted", help="Only papers that were, or were not.")]
Rating = Annotated[str | None, typer.Option(help="Only with a mean rating of 6.., or 5..7.")]
Citations = Annotated[str | None, typer.Option(help="Only with so many citations: 10.., or 10..100.")]
Published = Annotated[str | None, typer.Option(help="Only of 2022-04, or of 2022-01-15..2022-03.")]
Tag = Annotated[list[str] | None, typer.Option(help="Only under this tag; repeatable.")]
WithoutTag = Annotated[list[str] | None, typer.Option(help="Only not under this tag; repeatable.")]


def marks(field: str, values: Sequence[str] | None) -> list[str]:
    """Values as pieces of a query: `author:"levine"`."""
    return [f'{field}:"{" ".join(value.replace(chr(34), " ").split())}"' for value in values or ()]


def filter_of(
    *,
    year: str | None,
    rating: str | None,
    citations: str | None,
    published: str | None,
    decision: Sequence[str] | None,
    **others: Any,
) -> Mapping[str, Any]:
    """The options as the plain form of a filter; those that were not given are left out.

    Raises:
        NavigatorError: a value that the option cannot have; the message names the option.
    """
    known = {name.casefold(): name for name in DECISIONS}
    for given in decision or ():
        if given.casefold() not in known:
            raise NavigatorError(f"--decision: there is no {given!r:.80}; there are {', '.join(DECISIONS)}")
    wanted = {
        "year": numbers("--year", year),
        "rating": numbers("--rating", rating),
        "citations": numbers("--citations", citations),
        "published": dates("--published", published),
        "decision": decision,
        **others,
    }
    return {column: value for column, value in wanted.items() if value is not None and value != []}


def numbers(option: str, given: str | None) -> tuple[float | None, float | None] | None:
    """A number as a closed range, or a range: "2022", "5..7", "6..", "..3"."""
    if given is None:
        return None
    ends = _ends(option, given)
    try:
        low, high = (None if end is None else float(end) for end in ends)
    except ValueError:
        raise NavigatorError(f"{option} wants a number or a range such as 3..7; got {given!r:.80}") from None
    if low != low or high != high:
        raise NavigatorError(f"{option} wants numbers; got {given!r:.80}")
    return low, high


def dates(option: str, given: str | None) -> tuple[str | None, str | None] | None:
    """A day, a month or a year as a closed range of dates, or a range of such: "2022-04", "2022-01-15..2022-03"."""
    if given is None:
        return None
    low, high = _ends(option, given)
    return low and _date(option, low, "-01-01"), high and _date(option, high, "-12-31")


def _date(option: str, given: str, rest: str) -> str:
    """A date with what it leaves open filled in: the first or the last day of its month or year."""
    if re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", given) is None:
        raise NavigatorError(f"{option} wants dates such as 2022-04-25, 2022-04 or 2022; got {given!r:.80}")
    whole = given + (rest if len(given) == 4 else rest[3:] if len(given) == 7 else "")
    try:
        # The 31st stands for the last day of any month: dates are compared as texts.
        datetime.date.fromisoformat(whole if len(given) == 10 else f"{whole[:7]}-01")
    except ValueError:
        raise NavigatorError(f"{option}: there is no date {given!r:.80}") from None
    return whole


def _ends(option: str, given: str) -> tuple[str | None, str | None]:
    low, dots, high = (part.strip() for part in given.partition(".."))
    if not low and not high:
        raise NavigatorError(f"{option} wants a value or a range such as 3..7; got {given!r:.80}")
    return (low, low) if not dots else (low or None, high or None)
