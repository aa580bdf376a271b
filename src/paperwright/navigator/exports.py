"""Exports: papers as BibTeX, RIS, CSV, JSON or an Atom feed, each escaped so that no title can be more than a title."""

import csv
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from paperwright.files import write_text

from .bibtex_text import bibtex_text
from .citations import citation_of, main_link
from .errors import NavigatorError
from .feed import Entry, atom
from .paper import PUBLICATION, Paper
from .ris_text import ris_text

if TYPE_CHECKING:
    from .search import Hit

MEDIA_TYPES = {
    "bib": "application/x-bibtex",
    "ris": "application/x-research-info-systems",
    "csv": "text/csv",
    "json": "application/json",
    "atom": "application/atom+xml",
}
"""The formats, each with its media type."""


def exported(papers: "Iterable[Paper | Hit]", format: str) -> str:
    """Papers as text.

    Args:
        papers: Papers, or hits of a search, in the order in which they are to stand.
        format: "bib", "ris", "csv", "json" (whole records; read back they are the same) or "atom".

    Raises:
        NavigatorError: there is no such format.
    """
    writers: dict[str, Callable[[list[Paper]], str]] = {
        "bib": bibtex_text,
        "ris": ris_text,
        "csv": _csv,
        "json": _json,
        "atom": _atom,
    }
    if format not in writers:
        raise NavigatorError(f"there is no format {format!r:.40}; there are {', '.join(MEDIA_TYPES)}")
    return writers[format]([one if isinstance(one, Paper) else one.paper for one in papers])


def export(papers: "Iterable[Paper | Hit]", path: str | Path, format: str | None = None) -> None:
    """Writes papers to a file, which is there whole or not at all.

    Args:
        papers: Papers or hits.
        path: The file; what was there is replaced.
        format: By default what the file's ending says.

    Raises:
        NavigatorError: the format is unknown, or the ending says none.
        WriteError: the file cannot be written.
    """
    path = Path(path)
    if format is None:
        format = {"bibtex": "bib", "xml": "atom"}.get(ending := path.suffix.lower().lstrip("."), ending)
        if format not in MEDIA_TYPES:
            raise NavigatorError(
                f"the ending of {path.name!r:.80} names no format; there are {', '.join(MEDIA_TYPES)}, or give format="
            )
    write_text(path, exported(papers, format))


def _json(papers: list[Paper]) -> str:
    return json.dumps([paper.as_dict() for paper in papers], ensure_ascii=False, indent=1) + "\n"


# -- CSV -------------------------------------------------------------------------------------------------------------

CSV_COLUMNS = (
    *("id", "title", "authors", "abstract", "keywords", "tldr", "venue", "year", "decision", "track"),
    *("ratings", "confidences", "published", "updated", "url", "code_urls", "citations", "categories", "source"),
    *("names", "doi", "arxiv", *PUBLICATION),
)


def _csv(papers: list[Paper]) -> str:
    """Lists are parted by semicolons. Histories, references and raw values are in JSON exports only."""
    text = io.StringIO(newline="")
    text.write("\ufeff")  # without this mark Excel takes UTF-8 for the encoding of its country
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    for paper in papers:
        cited = citation_of(paper)
        told = {"url": main_link(paper), "doi": cited.doi, "arxiv": cited.arxiv, **dict.fromkeys(PUBLICATION, "")}
        told |= paper.publication
        writer.writerow([_cell(told.get(name, getattr(paper, name, ""))) for name in CSV_COLUMNS])
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, tuple):
        value = ";".join(f"{one:g}" if isinstance(one, float) else str(one).replace(";", ",") for one in value)
    text = str(value)
    # A spreadsheet takes a cell that begins so for a formula; the apostrophe makes it a text.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")) else text


# -- Atom ------------------------------------------------------------------------------------------------------------


def entry_of(paper: Paper) -> Entry:
    """The paper as an entry of a feed."""
    links = (
        {"paper": main_link(paper)}
        | dict(paper.urls)
        | {f"code {n}": link for n, link in enumerate(paper.code_urls, 1)}
    )
    return Entry(
        id=f"urn:paperwright:{quote(paper.id, safe='')}",
        title=paper.title,
        summary=paper.tldr or paper.abstract,
        updated=paper.updated or paper.published or str(paper.year or ""),
        authors=paper.authors,
        categories=(*paper.categories, *paper.keywords),
        links={kind: link for kind, link in links.items() if link},
    )


def _atom(papers: list[Paper]) -> str:
    return atom(map(entry_of, papers), title="Papers", id="urn:paperwright:export")
