"""The entries of a BibTeX file: macros resolved, `crossref` followed, and what cannot be read told with its line."""

import dataclasses
import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError
from ..titles import titles_agree
from .latex import plain_text
from .source import Refused

if TYPE_CHECKING:
    from bibtexparser.model import Entry as Block

_OF_THE_PART = frozenset(
    (
        *("title", "subtitle", "titleaddon", "shorttitle", "author", "abstract", "tldr", "keywords", "pages", "eid"),
        *("doi", "url", "pdf", "code", "file", "eprint", "eprinttype", "eprintclass", "archiveprefix", "primaryclass"),
        *("note", "type", "crossref", "xdata", "ids"),
    )
)
"""Fields that a part of a book does not have of the book."""


@dataclass(frozen=True)
class Entry:
    """An entry.

    Attributes:
        key: What it is cited by.
        type: In lower case.
        fields: By their names in lower case, as they stand in the file.
        line: Where it begins.
    """

    key: str
    type: str
    fields: Mapping[str, str]
    line: int


def entries_of(content: str) -> list[Entry | Refused]:
    """What a file holds, in its order; an entry has of the books and containers that it names what it does not say.

    Raises:
        LibraryError: there is no parser.
    """
    found = list(_blocks(content))
    entries = {one.key.lower(): one for one in reversed(found) if isinstance(one, Entry)}
    return [
        _with_book(one, entries) if isinstance(one, Entry) else one
        for one in found
        if not isinstance(one, Entry) or one.type != "xdata"
    ]


def _blocks(content: str) -> Iterator[Entry | Refused]:
    try:
        from bibtexparser.entrypoint import parse_string
        from bibtexparser.model import DuplicateBlockKeyBlock, ParsingFailedBlock
        from bibtexparser.model import Entry as Block
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
        line = (block.start_line or 0) + 1
        if isinstance(entry, Block):
            one = Entry(entry.key, entry.entry_type.lower(), _fields(entry, macros), line)
            title = plain_text(one.fields.get("title", ""))
            if again and any(titles_agree(title, before) for before in titles[one.key]):
                yield Refused(f"line {line}: the key {one.key!r:.80} came before, with this title")
            else:
                titles[one.key].append(title)
                yield one
        elif isinstance(block, ParsingFailedBlock):
            reason = getattr(block.error, "abort_reason", "") or str(block.error) or "it cannot be read"
            yield Refused(f"line {line}: {' '.join(reason.split()):.200}")


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


def _with_book(entry: Entry, entries: Mapping[str, Entry]) -> Entry:
    """An entry with what it has of others, the nearest first: all of an `xdata`; of a book, whose title is then that of
    what holds the part, what a part has of it.
    """
    fields, seen = dict(entry.fields), {entry.key.lower()}
    named = _named(entry.fields)
    while named:
        kind, key = named.pop(0)
        if key in seen or key not in entries:
            continue
        seen.add(key)
        other = entries[key].fields
        given = {name: value for name, value in other.items() if kind == "xdata" or name not in _OF_THE_PART}
        if kind == "crossref" and "title" in other:
            given.setdefault("booktitle", ": ".join(other[name] for name in ("title", "subtitle") if other.get(name)))
        fields = {**given, **fields}
        named += _named(other)
    return dataclasses.replace(entry, fields=fields)


def _named(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """The entries that an entry names, each with the field that names it."""
    return [(kind, key.strip().lower()) for kind in ("crossref", "xdata") for key in fields.get(kind, "").split(",")]


def _fields(entry: "Block", macros: Mapping[str, str]) -> dict[str, str]:
    """The fields by name; the first of two of one name counts."""
    enclosed = entry.parser_metadata.get("removed_enclosing")
    found = {}
    for one in reversed(entry.fields):
        value, text = str(one.value), _bare(one.value)
        # What stood in braces or quotes is a text; a bare value may be put together. The parser leaves the marks of an
        # entry whose key came before.
        if enclosed is None:
            bare, value = value == text, macros.get(value.lower(), text)
        else:
            bare = enclosed.get(one.key) == "no-enclosing"
        found[one.key.lower()] = _joined(value, macros) if bare else value
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
