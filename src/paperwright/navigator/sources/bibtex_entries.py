"""Papers from BibTeX: macros resolved, names turned the right way round, LaTeX read as the letters that it means."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bibtex_text import MONTHS
from ..errors import NavigatorError
from ..names import authors_of
from ..paper import PUBLICATION, Paper
from .arxiv_feeds import code_in
from .bibtex_blocks import Entry, entries_of
from .fields import arxiv_of, date, decision_of, doi_of, forum_of, known, link, links, resolved, texts, unmarked, year
from .file_ids import Said, by_key, ids_of
from .latex import has_others, names_in, plain_text
from .source import Refused
from .tables import File

LARGEST = 64 << 20
"""Bytes of a file; a parser written in Python would be at a larger one for hours."""
LONGEST_OTHER = 10_000
"""Characters of a field that is no part of a paper's record; a longer one is not of a citation."""

_THESES = {"mathesis": "mastersthesis", "phdthesis": "phdthesis"}
_READ = frozenset(
    (
        *("title", "subtitle", "author", "abstract", "tldr", "keywords", "journal", "journaltitle", "booktitle"),
        *("date", "published", "note", "url", "pdf", "code", "issue", "eid", "location", "crossref", "xdata", "ids"),
        *PUBLICATION,
    )
)
"""Fields that a paper's record says; `type` and others may be said twice."""
_SECOND = (
    *(("issue", "number"), ("eid", "pages"), ("location", "address"), ("journal", "booktitle")),
    *(("journaltitle", "journal"), ("journaltitle", "booktitle")),
)
"""Fields that are read where there is not the other."""
_OF_THE_PROGRAM = re.compile(r"file|local-url|owner|timestamp|date-(?:added|modified)|bdsk-.*|__.*")
"""Fields of where a program keeps a file and when it was touched; nothing of these is of a citation."""


@dataclass(frozen=True)
class Identified:
    """An entry with the id of its paper."""

    entry: Entry
    id: str


class Bibliography(File):
    """A BibTeX file; see `bibtex`."""

    def __init__(self, path: str | Path, max_items: int | None) -> None:
        super().__init__(path, "bibtex", max_items)

    def records(self) -> Iterator[Identified | Refused]:
        if self.path.stat().st_size > LARGEST:
            raise NavigatorError(f"{self.path} has more than {LARGEST >> 20} MB; split it")
        with self.opened() as file:
            content = self.decoded(file.read()).removeprefix("\ufeff")
        found = entries_of(content)
        ids = iter(ids_of(map(_said, (one for one in found if isinstance(one, Entry)))))
        for one in found:
            if isinstance(one, Refused):
                yield one
            elif (identifier := next(ids)) is not None:
                yield Identified(one, identifier)
            else:
                yield Refused(f"line {one.line}: the key {one.key!r:.80} came before, with this title")

    def paper(self, record: Identified) -> Paper:
        entry, fields = record.entry, record.entry.fields

        def said(name: str) -> str:
            return unmarked(plain_text(fields.get(name, "")))

        note, journal = said("note"), said("journal") or said("journaltitle")
        doi, arxiv, forum = _identities(fields)
        when, month = _when(fields)
        code = (*map(link, map(_bare_link, fields.get("code", "").split())), *code_in(note))
        return Paper(
            id=record.id,
            title=_title(fields),
            abstract=said("abstract"),
            keywords=texts(said("keywords"), ",;"),
            tldr=said("tldr"),
            venue=said("booktitle") or ("" if _preprint(journal) else journal) or said("series"),
            year=when,
            decision=decision_of(note) if len(note) <= 40 else "",
            published=date(fields.get("date"))
            or date(fields.get("published"))
            or (f"{when}-{month:02d}" if when and month else None),
            urls=links(
                paper=link(_bare_link(fields.get("url", ""))) or resolved(doi, arxiv),
                pdf=_bare_link(fields.get("pdf", "")),
            ),
            code_urls=tuple(dict.fromkeys(filter(None, code))),
            categories=texts(fields.get("primaryclass") or fields.get("eprintclass"), " "),
            source="bibtex",
            raw=known(
                **{"key": _key(entry), "arxiv": arxiv, "doi": doi, "forum": forum, "note": note},
                others=has_others(fields.get("author", "")) or None,
                fields=_others(entry),
            ),
            publication=_publication(entry),
            **authors_of(names_in(fields.get("author", ""))),
        )


def bibtex(path: str | Path, *, max_items: int | None = None) -> Bibliography:
    """The entries of a BibTeX file.

    An entry goes by its arXiv id, its DOI or its forum on OpenReview, and by key and title where it has none, or where
    entries of other titles have the same one, as the chapters of a book may have its DOI. A part of a book has of the
    book, its `crossref`, what it does not say itself. Entries that cannot be parsed, and those whose key came before
    with the same title, are rejected with their line. What an entry says beyond a paper's record is in its
    `raw["fields"]`, and comes out again with it.

    Args:
        path: The file.
        max_items: How many entries to read at most.

    Raises:
        NavigatorError: there is no such file.
    """
    return Bibliography(path, max_items)


def _said(entry: Entry) -> Said:
    doi, arxiv, forum = _identities(entry.fields)
    title = _title(entry.fields)
    page = re.match(r"\w*", entry.fields.get("pages", "").strip())
    return Said(
        identity=f"arxiv:{arxiv}" if arxiv else doi or forum,
        title=title,
        page=page.group() if page else "",
        own=by_key(_key(entry), title),
    )


def _key(entry: Entry) -> str:
    """The key that an entry was cited by first: an export of ours writes it into `ids`, biblatex's field for these."""
    return next(filter(None, (one.strip() for one in entry.fields.get("ids", "").split(","))), entry.key)


def _identities(fields: Mapping[str, str]) -> tuple[str, str, str]:
    """The DOI, the arXiv id and the forum of an entry."""
    url, journal = _bare_link(fields.get("url", "")), fields.get("journal") or fields.get("journaltitle") or ""
    doi = doi_of(_bare_link(fields.get("doi", ""))) or doi_of(url)
    archive = (fields.get("archiveprefix") or fields.get("eprinttype") or "").strip().lower()
    arxiv = arxiv_of(fields.get("eprint")) if archive in ("", "arxiv") else ""
    return doi, arxiv or arxiv_of(url) or _preprint(journal) or arxiv_of(doi), forum_of(url)


def _title(fields: Mapping[str, str]) -> str:
    parts = (unmarked(plain_text(fields.get(name, ""))) for name in ("title", "subtitle"))
    return ": ".join(filter(None, parts))


def _when(fields: Mapping[str, str]) -> tuple[int | None, int | None]:
    """The year and the number of the month, of "apr", "April" or "4"."""
    said = fields.get("month", "").strip().lower()
    month = MONTHS.index(said[:3]) + 1 if said[:3] in MONTHS else None
    if said.isdecimal() and 1 <= int(said) <= 12:
        month = int(said)
    return year(fields.get("year")) or year((fields.get("date") or "")[:4]), month


def _publication(entry: Entry) -> dict[str, Any]:
    read = (*PUBLICATION, "issue", "eid", "location")
    said = {name: unmarked(plain_text(entry.fields[name])) for name in read if name in entry.fields}
    kind = _THESES.get(said.get("type", "").lower(), entry.type) if entry.type == "thesis" else entry.type
    found = said | {
        "type": kind,
        "number": said.get("number") or said.get("issue"),
        "pages": said.get("pages") or said.get("eid"),
        "address": said.get("address") or said.get("location"),
        "editor": " and ".join(name.inverted for name in names_in(entry.fields.get("editor", ""))),
    }
    if kind in _THESES.values() and not found.get("school"):
        found |= {"school": found.pop("institution", "")}
    return known(**{name: found.get(name) for name in PUBLICATION})


def _others(entry: Entry) -> dict[str, str]:
    """What an entry says that a paper's record does not, as text."""
    _, arxiv, _ = _identities(entry.fields)
    when, month = _when(entry.fields)
    told = _READ | {"doi"} if doi_of(_bare_link(entry.fields.get("doi", ""))) else _READ
    told |= {"year", "month"} if when and month else {"year"} if when else set()
    told |= {"eprint", "eprinttype", "archiveprefix", "primaryclass", "eprintclass"} if arxiv else {"primaryclass"}
    if entry.type != "thesis" or entry.fields.get("type", "").lower() not in _THESES:
        told -= {"type"}
    told -= {name for name, first in _SECOND if entry.fields.get(first)}
    return {
        name: text
        for name, value in entry.fields.items()
        if name not in told and not _OF_THE_PROGRAM.fullmatch(name) and len(value) <= LONGEST_OTHER
        if (text := " ".join(plain_text(value).split()))
    }


def _bare_link(url: str) -> str:
    """A link, or a DOI, without what LaTeX has around it and in it."""
    found = re.fullmatch(r"\s*\\url\s*\{(.*)\}\s*", url)
    url = re.sub(r"\\textasciitilde(?![A-Za-z])\s*", "~", found.group(1) if found else url)
    url = re.sub(r"\\text(less|greater)(?![A-Za-z])\s*", lambda sign: "<>"[sign[1] == "greater"], url)
    return re.sub(r"[\\{}]", "", url)


def _preprint(journal: str) -> str:
    """The id in "arXiv preprint arXiv:2102.07033"."""
    found = re.search(r"arxiv:\s*(\S+)", journal, re.IGNORECASE)
    return arxiv_of(found.group(1)) if found else ""
