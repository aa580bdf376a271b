"""Papers from BibTeX: macros resolved, names turned the right way round, LaTeX read as the letters that it means."""

import hashlib
import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError, NavigatorError
from ..names import authors_of
from ..paper import PUBLICATION, Paper
from ..titles import titles_agree
from .arxiv_feeds import code_in
from .fields import (
    arxiv_of,
    date,
    decision_of,
    doi_of,
    forum_of,
    known,
    link,
    links,
    shared_by_works,
    texts,
    unmarked,
    year,
)
from .latex import names_in, plain_text
from .source import Refused
from .tables import File

if TYPE_CHECKING:
    from bibtexparser.model import Entry

LARGEST = 64 << 20
"""Bytes of a file; a parser written in Python would be at a larger one for hours."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_OWN = frozenset(("title", "author", "abstract", "keywords", "doi", "url", "pages", "note", "crossref", "xdata", "ids"))
"""Fields that a part of a book does not have of the book."""


@dataclass(frozen=True)
class Keyed:
    """An entry's type, its key and its fields by their names in lower case, as they stand in the file."""

    key: str
    fields: Mapping[str, str]
    type: str = "misc"


class Bibliography(File):
    """A BibTeX file; see `bibtex`."""

    def __init__(self, path: str | Path, max_items: int | None) -> None:
        super().__init__(path, "bibtex", max_items)
        self._shared: frozenset[str] = frozenset()

    def records(self) -> Iterator[Keyed | Refused]:
        if self.path.stat().st_size > LARGEST:
            raise NavigatorError(f"{self.path} has more than {LARGEST >> 20} MB; split it")
        with self.opened() as file:
            content = self.decoded(file.read()).removeprefix("\ufeff")
        found = list(_entries(content))
        entries = {one.key.lower(): one for one in reversed(found) if isinstance(one, Keyed)}
        found = [_with_book(one, entries) if isinstance(one, Keyed) else one for one in found]
        self._shared = shared_by_works(
            (_doi(one.fields), plain_text(one.fields.get("title", ""))) for one in found if isinstance(one, Keyed)
        )
        yield from found

    def paper(self, record: Keyed) -> Paper:
        fields = dict(record.fields)

        def said(name: str) -> str:
            return unmarked(plain_text(fields.get(name, "")))

        title, note, journal = said("title"), said("note"), said("journal") or said("journaltitle")
        if subtitle := said("subtitle"):
            title = f"{title}: {subtitle}"
        url = _bare_link(fields.get("url", ""))
        archive = (fields.get("archiveprefix") or fields.get("eprinttype") or "").strip().lower()
        doi = _doi(fields) or doi_of(url)
        arxiv = arxiv_of(fields.get("eprint")) if archive in ("", "arxiv") else ""
        arxiv = arxiv or arxiv_of(url) or _preprint(journal) or arxiv_of(doi)
        forum = forum_of(url)
        when = year(fields.get("year")) or year((fields.get("date") or "")[:4])
        month = _month(fields.get("month", ""))
        resolved = f"https://doi.org/{doi}" if doi else f"https://arxiv.org/abs/{arxiv}" if arxiv else ""
        identifier = "" if doi in self._shared else doi
        return Paper(
            id=f"arxiv:{arxiv}" if arxiv else identifier or forum or by_key(record.key, title),
            title=title,
            abstract=said("abstract"),
            keywords=texts(said("keywords"), ",;"),
            tldr=said("tldr"),
            venue=said("booktitle") or ("" if _preprint(journal) else journal) or said("series"),
            year=when,
            decision=decision_of(note) if len(note) <= 40 else "",
            published=date(fields.get("date")) or (f"{when}-{month:02d}" if when and month else None),
            urls=links(paper=link(url) or resolved, pdf=_bare_link(fields.get("pdf", ""))),
            code_urls=tuple(filter(None, (link(fields.get("code", "")), *code_in(note)))),
            categories=texts(fields.get("primaryclass"), " "),
            source="bibtex",
            raw=known(key=record.key, arxiv=arxiv, doi=doi, forum=forum, note=note),
            publication=known(type=record.type, **{name: said(name) for name in PUBLICATION if name != "type"})
            | known(
                number=said("number") or said("issue"),
                pages=said("pages") or said("eid"),
                address=said("address") or said("location"),
                editor=_editors(fields.get("editor", "")),
            ),
            **authors_of(names_in(fields.get("author", ""))),
        )


def bibtex(path: str | Path, *, max_items: int | None = None) -> Bibliography:
    """The entries of a BibTeX file.

    An entry goes by its arXiv id, its DOI or its forum on OpenReview, and by key and title where it has none, or where
    entries of other titles have the same DOI, as the chapters of a book may. A part of a book has of the book, its
    `crossref`, what it does not say itself. Entries that cannot be parsed, and those whose key came before with the
    same title, are rejected with their line.

    Args:
        path: The file.
        max_items: How many entries to read at most.

    Raises:
        NavigatorError: there is no such file.
    """
    return Bibliography(path, max_items)


def _entries(content: str) -> Iterator[Keyed | Refused]:
    """What a file holds, in its order."""
    try:
        from bibtexparser.entrypoint import parse_string
        from bibtexparser.model import DuplicateBlockKeyBlock, Entry, ParsingFailedBlock
    except ModuleNotFoundError:
        raise LibraryError(
            "reading BibTeX needs bibtexparser 2, which is not installed: pip install 'paperwright[navigator]'"
        ) from None
    with _silence("bibtexparser"):
        parsed = parse_string(content)
    macros = {name.lower(): _bare(found.value) for name, found in parsed.strings_dict.items()}
    titles: dict[str, list[str]] = defaultdict(list)
    for block in parsed.blocks:
        again = isinstance(block, DuplicateBlockKeyBlock)
        # An entry whose key came before, or that says a field twice, is there to be read.
        entry = block.ignore_error_block if isinstance(block, ParsingFailedBlock) else block
        if isinstance(entry, Entry):
            one = Keyed(entry.key, _fields(entry, macros), entry.entry_type.lower())
            title = plain_text(one.fields.get("title", ""))
            if again and any(titles_agree(title, before) for before in titles[one.key]):
                yield Refused(f"{_line(block)}: the key {one.key!r:.80} came before, with this title")
            else:
                titles[one.key].append(title)
                yield one
        elif isinstance(block, ParsingFailedBlock):
            reason = getattr(block.error, "abort_reason", "") or str(block.error) or "it cannot be read"
            yield Refused(f"{_line(block)}: {' '.join(reason.split()):.200}")


def _line(block: Any) -> str:
    return f"line {(block.start_line or 0) + 1}"


@contextmanager
def _silence(name: str) -> Iterator[None]:
    """Keeps a library's own log lines from the terminal: what they say is told as reasons."""
    loggers = [logging.getLogger(one) for one in (name, *logging.root.manager.loggerDict) if one.split(".")[0] == name]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, was in zip(loggers, before, strict=True):
            logger.disabled = was


def _with_book(entry: Keyed, entries: Mapping[str, Keyed]) -> Keyed:
    """An entry with what it has of the books that it names, the nearest first; a title is then the book's."""
    fields, seen = dict(entry.fields), {entry.key.lower()}
    named = [key for name in ("crossref", "xdata") for key in fields.get(name, "").split(",")]
    while named:
        key = named.pop(0).strip().lower()
        if key in seen or key not in entries:
            continue
        seen.add(key)
        book = entries[key].fields
        given = {name: value for name, value in book.items() if name not in _OWN}
        if "title" in book:
            given.setdefault("booktitle", book["title"])
        fields = {**given, **fields}
        named += [key for name in ("crossref", "xdata") for key in book.get(name, "").split(",")]
    return Keyed(entry.key, fields, entry.type)


def _doi(fields: Mapping[str, str]) -> str:
    return doi_of(re.sub(r"[\\{}]", "", fields.get("doi", "")))


def _bare_link(url: str) -> str:
    """A link without what LaTeX has around it and in it."""
    found = re.fullmatch(r"\s*\\url\s*\{(.*)\}\s*", url)
    return (found.group(1) if found else url).replace("\\", "")


def _editors(field: str) -> str:
    return " and ".join(name.inverted for name in names_in(field))


def _fields(entry: "Entry", macros: Mapping[str, str]) -> dict[str, str]:
    """The fields by name; the first of two of one name counts."""
    enclosed = entry.parser_metadata.get("removed_enclosing") or {}
    found = {}
    for one in reversed(entry.fields):
        value = str(one.value)
        # What stood in braces or quotes is a text; a bare value may be put together.
        found[one.key.lower()] = _joined(value, macros) if enclosed.get(one.key) == "no-enclosing" else value
    return found


def _bare(value: Any) -> str:
    found = str(value).strip()
    return found[1:-1] if found[:1] + found[-1:] in ('""', "{}") else found


def _joined(value: str, macros: Mapping[str, str]) -> str:
    """A value that is put together of macros and texts, `iclr # " 2022"`; any other as it is."""
    parts = re.findall(r'\s*("[^"]*"|\{[^{}]*\}|[A-Za-z][\w:.-]*|\d+)\s*(?:#|$)', value)
    if "#" not in value or "".join(parts).replace(" ", "") != re.sub(r"[#\s]", "", value):
        return value
    return "".join(macros.get(part.lower(), part) if part[0].isalpha() else _bare(part) for part in parts)


def by_key(key: str, title: str) -> str:
    """An id of a key, which is unique in its file only, and of the title, which tells the files' entries apart."""
    letters = "".join(one for one in title.casefold() if one.isalnum())
    sign = f"-{hashlib.sha256(letters.encode(errors='replace')).hexdigest()[:6]}"
    return f"{re.sub(r'[^!-~]', '', key).removesuffix(sign)[:190]}{sign}"


def _month(said: str) -> int | None:
    """The number of a month: of "apr", "April" or "4"."""
    found = said.strip().lower()
    if found[:3] in _MONTHS:
        return _MONTHS.index(found[:3]) + 1
    return int(found) if found.isdecimal() and 1 <= int(found) <= 12 else None


def _preprint(journal: str) -> str:
    """The id in "arXiv preprint arXiv:2102.07033"."""
    found = re.search(r"arxiv:\s*(\S+)", journal, re.IGNORECASE)
    return arxiv_of(found.group(1)) if found else ""
