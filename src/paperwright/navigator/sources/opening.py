"""From a line of text to a source, as the command line takes it."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Unpack

from ..errors import NavigatorError
from .arxiv_feeds import arxiv, arxiv_oai
from .bibtex_entries import bibtex
from .http import Reach
from .json_records import paperlists
from .openalex_works import openalex
from .openreview_notes import openreview
from .ris_entries import ris
from .room_cards import cards
from .semantic_scholar_graph import semantic_scholar
from .source import Source, WebSource
from .tables import Iclr, csv_table, head_of, iclr_csv

FORMS = (
    "openreview:ICLR.cc/2022/Conference, arxiv:cs.LG, arxiv-oai:cs, openalex:publication_year:2022, "
    "semanticscholar:graph curvature, cards, or the path of a .csv, .bib, .ris or .json file"
)


def open_source(
    source: str,
    *,
    max_items: int | None = None,
    columns: Mapping[str, str] | None = None,
    **reach: Unpack[Reach],
) -> Source:
    """The source that a text names.

    Args:
        source: `openreview:VENUE` (`openreview1:` and `openreview2:` say which interface), `arxiv:CATEGORY-OR-QUERY`,
            `arxiv-oai:SET` (`arxiv-oai:cs,from=2024-01-31` for what has changed since), `openalex:FILTER` or
            `openalex:WORDS`, `semanticscholar:WORDS` or `semanticscholar:ARXIV:2106.15928,...`, `cards`, or the path of
            a .csv, .bib, .ris or .json file.
        max_items: How many records to read at most.
        columns: Which column of a table a field is in, as for `csv_table`.
        **reach: See `Reach`; for sources on the network.

    Raises:
        NavigatorError: it names none; the message says what does. Or it has no columns, and some were given.
    """
    asked = source.strip()
    ending = Path(asked).suffix.lower()
    if ending in (".csv", ".tsv") and asked.partition(":")[0].lower() not in _NETWORK:
        return _table(asked, max_items, columns)
    if columns:
        raise NavigatorError(f"columns are those of a table; got {asked!r:.200}. Leave them out, or name a .csv file")
    if asked == "cards":
        return cards(max_items)
    kind, colon, rest = asked.partition(":")
    if colon and kind.lower() in _NETWORK:
        if not rest.strip():
            raise NavigatorError(f"{kind}: says no more; expected one of {FORMS}")
        return _NETWORK[kind.lower()](rest.strip(), max_items, reach)
    if ending in (".bib", ".bibtex"):
        return bibtex(asked, max_items=max_items)
    if ending == ".ris":
        return ris(asked, max_items=max_items)
    if ending in (".json", ".jsonl"):
        return paperlists(asked, max_items=max_items)
    raise NavigatorError(f"{asked!r:.200} names no source; expected one of {FORMS}")


def _table(path: str, max_items: int | None, columns: Mapping[str, str] | None) -> Source:
    if not columns and Iclr.recognises(head_of(path)):
        return iclr_csv(path, max_items=max_items)
    return csv_table(path, columns, max_items=max_items)


def columns_asked(asked: Sequence[str]) -> dict[str, str]:
    """Columns by field, of texts such as `title=Heading` or `title=Heading,year=Published in`.

    Raises:
        NavigatorError: a text is not in this form.
    """
    columns: dict[str, str] = {}
    for text in asked:
        # A comma may stand in a column's name: what follows it is another field's only if it begins as one does.
        for part in re.split(r",(?=\s*[a-z_]+\s*=)", text):
            field, sign, column = (piece.strip() for piece in part.partition("="))
            if not field or not sign or not column:
                raise NavigatorError(f"--columns is {part!r:.80}; expected FIELD=COLUMN, such as title=Heading")
            columns[field] = column
    return columns


def _openreview(version: int | None) -> Callable[[str, int | None, Reach], WebSource]:
    return lambda venue, max_items, reach: openreview(venue, version=version, max_items=max_items, **reach)


def _harvest(rest: str, max_items: int | None, reach: Reach) -> WebSource:
    set, *options = (part.strip() for part in rest.split(","))
    days: dict[str, str | None] = {"from": None, "until": None}
    for option in options:
        name, _, day = option.partition("=")
        if name not in days:
            raise NavigatorError(f"arxiv-oai takes from= and until=, each a day such as 2024-01-31; got {option!r:.80}")
        days[name] = day
    return arxiv_oai(set or None, since=days["from"], until=days["until"], max_items=max_items, **reach)


def _openalex(rest: str, max_items: int | None, reach: Reach) -> WebSource:
    # A filter is attribute:value, with commas between several; anything else is words.
    if all(re.fullmatch(r"[a-z_]+(\.[a-z_]+)*:\S.*", part.strip()) for part in rest.split(",")):
        return openalex(rest, max_items=max_items, **reach)
    return openalex(search=rest, max_items=max_items, **reach)


def _semantic_scholar(rest: str, max_items: int | None, reach: Reach) -> WebSource:
    ids = [part.strip() for part in rest.split(",")]
    if all(re.fullmatch(r"(ARXIV|DOI|CorpusId|MAG|ACL|PMID|PMCID|URL):\S+|[0-9a-f]{40}", one) for one in ids):
        return semantic_scholar(ids=ids, max_items=max_items, **reach)
    return semantic_scholar(rest, max_items=max_items, **reach)


_NETWORK: dict[str, Callable[[str, int | None, Reach], WebSource]] = {
    "openreview": _openreview(None),
    "openreview1": _openreview(1),
    "openreview2": _openreview(2),
    "arxiv": lambda query, max_items, reach: arxiv(query, max_items=max_items, **reach),
    "arxiv-oai": _harvest,
    "openalex": _openalex,
    "semanticscholar": _semantic_scholar,
}
