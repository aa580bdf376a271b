"""Papers from BibTeX: macros resolved, names turned the right way round, LaTeX read as the letters that it means."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError, NavigatorError
from ..paper import Paper
from .arxiv_feeds import code_in
from .fields import arxiv_of, date, decision_of, doi_of, forum_of, known, link, links, texts, year
from .source import Refused
from .tables import File

if TYPE_CHECKING:
    from bibtexparser.model import Entry

LARGEST = 64 << 20
"""Bytes of a file; a parser written in Python would be at a larger one for hours."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_BRACES = {"textbraceleft": r"\\{", "textbraceright": r"\\}", "textasciicircum": "^"}
_TEXTS = ("title", "abstract", "keywords", "booktitle", "journal", "series", "note", "tldr")


@dataclass(frozen=True)
class Keyed:
    """An entry's key and its fields by their names in lower case, as they stand in the file."""

    key: str
    fields: Mapping[str, str]


class Bibliography(File):
    """A BibTeX file; see `bibtex`."""

    def __init__(self, path: str | Path, max_items: int | None) -> None:
        super().__init__(path, "bibtex", max_items)

    def records(self) -> Iterator[Keyed | Refused]:
        if self.path.stat().st_size > LARGEST:
            raise NavigatorError(f"{self.path} has more than {LARGEST >> 20} MB; split it")
        with self.opened() as file:
            content = self.decoded(file.read()).removeprefix("\ufeff")
        parse, entries, failures = _parser()
        parsed = parse(content)
        macros = {name.lower(): _bare(found.value) for name, found in parsed.strings_dict.items()}
        for block in parsed.blocks:
            if isinstance(block, failures):
                line = (block.start_line or 0) + 1
                yield Refused(f"line {line}: {' '.join(str(block.error).split()):.200}")
            elif isinstance(block, entries):
                yield Keyed(block.key, _fields(block, macros))

    @cached_property
    def _decoder(self) -> Any:
        from bibtexparser.middlewares import LatexDecodingMiddleware

        return LatexDecodingMiddleware()

    def _plain(self, latex: str) -> str:
        """The text that LaTeX would print; formulas stay as they are."""
        if not re.search(r"[\\{}~]|--|``|''", latex):
            return latex
        from bibtexparser.model import Entry, Field

        for command, letter in _BRACES.items():  # the decoder has no letters for these
            latex = re.sub(rf"\\{command}(\{{\}}|(?![A-Za-z])\s?)", letter, latex)
        # BibTeX knows no comments, but a decoder of LaTeX would take what follows a bare % for one.
        latex = re.sub(r"(?<!\\)%", r"\\%", latex)
        decoded = self._decoder.transform_entry(Entry("misc", "one", [Field("text", latex)]), None)
        value = decoded.fields_dict["text"].value if hasattr(decoded, "fields_dict") else latex
        return str(value)

    def _people(self, names: str) -> tuple[str, ...]:
        """Names in the order in which one says them: "Müller, Hans" is Hans Müller; a name in braces is one word."""
        from bibtexparser.middlewares.names import parse_single_name_into_parts, split_multiple_persons_names

        found = []
        for name in split_multiple_persons_names(" ".join(names.split())):
            if name.strip().lower() == "others":
                continue
            turned = name
            if "," in re.sub(r"\{[^{}]*\}", "", name):
                turned = parse_single_name_into_parts(name, strict=False).merge_first_name_first
            found.append(self._plain(turned))
        return tuple(found)

    def paper(self, record: Keyed) -> Paper:
        fields = dict(record.fields)
        said = {name: self._plain(fields.get(name, "")) for name in _TEXTS}
        url = fields.get("url", "").replace("\\", "")
        archive = (fields.get("archiveprefix") or fields.get("eprinttype") or "").strip().lower()
        arxiv = arxiv_of(fields.get("eprint")) if archive in ("", "arxiv") else ""
        arxiv = arxiv or arxiv_of(url) or _preprint(said["journal"])
        doi, forum = doi_of(fields.get("doi", "").replace("\\", "")) or doi_of(url), forum_of(url)
        when = year(fields.get("year")) or year((fields.get("date") or "")[:4])
        month = _month(fields.get("month", ""))
        venue = said["booktitle"] or ("" if _preprint(said["journal"]) else said["journal"]) or said["series"]
        resolved = f"https://doi.org/{doi}" if doi else f"https://arxiv.org/abs/{arxiv}" if arxiv else ""
        return Paper(
            id=f"arxiv:{arxiv}" if arxiv else doi or forum or _by_key(record.key, said["title"]),
            title=said["title"],
            authors=self._people(fields.get("author", "")),
            abstract=said["abstract"],
            keywords=texts(said["keywords"], ",;"),
            tldr=said["tldr"],
            venue=venue,
            year=when,
            decision=decision_of(said["note"]) if len(said["note"]) <= 40 else "",
            published=date(fields.get("date")) or (f"{when}-{month:02d}" if when and month else None),
            urls=links(paper=link(url) or resolved, pdf=fields.get("pdf", "").replace("\\", "")),
            code_urls=tuple(filter(None, (link(fields.get("code", "")), *code_in(said["note"])))),
            categories=texts(fields.get("primaryclass"), " "),
            source="bibtex",
            raw=known(key=record.key, arxiv=arxiv, doi=doi, forum=forum, note=said["note"]),
        )


def bibtex(path: str | Path, *, max_items: int | None = None) -> Bibliography:
    """The entries of a BibTeX file.

    An entry goes by its arXiv id, its DOI or its forum on OpenReview, and by key and title where it has none. Entries
    that cannot be parsed, and keys that came before, are rejected with their line.

    Args:
        path: The file.
        max_items: How many entries to read at most.

    Raises:
        NavigatorError: there is no such file.
    """
    return Bibliography(path, max_items)


def _parser() -> Any:
    try:
        from bibtexparser.entrypoint import parse_string
        from bibtexparser.model import Entry, ParsingFailedBlock
    except ModuleNotFoundError:
        raise LibraryError(
            "reading BibTeX needs bibtexparser 2, which is not installed: pip install 'paperwright[navigator]'"
        ) from None
    return parse_string, Entry, ParsingFailedBlock


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


def _by_key(key: str, title: str) -> str:
    """An id of a key, which is unique in its file only, and of the title, which tells the files' entries apart."""
    letters = "".join(one for one in title.casefold() if one.isalnum())
    return f"{re.sub(r'[^!-~]', '', key)}-{hashlib.sha256(letters.encode(errors='replace')).hexdigest()[:6]}"


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
