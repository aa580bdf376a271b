"""Papers from tables: any CSV whose columns can be named, and the records of ICLR 2022."""

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from ..errors import NavigatorError
from ..paper import DECISIONS, Paper
from .fields import arxiv_of, date, decision_of, doi_of, known, link, links, number, numbers, text, texts, whole, year
from .source import ListedSource, Refused

LARGEST_CELL = 64 << 20
"""Characters in one cell; the csv module's own limit of 131,072 would refuse what a paper merely cuts."""

Row: TypeAlias = dict[str, str]

NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "forum_id", "forum", "paper_id", "key"),
    "title": ("title", "name"),
    "authors": ("authors", "author"),
    "abstract": ("abstract", "summary"),
    "keywords": ("keywords", "keyword", "tags"),
    "tldr": ("tldr", "tl;dr", "tl_dr"),
    "venue": ("venue", "conference", "journal", "booktitle"),
    "year": ("year",),
    "decision": ("decision", "status"),
    "track": ("track",),
    "ratings": ("ratings", "rating", "scores"),
    "confidences": ("confidences", "confidence"),
    "published": ("published", "publication_date", "date"),
    "updated": ("updated",),
    "url": ("url", "link", "site", "paper"),
    "pdf": ("pdf", "pdf_url"),
    "review": ("review",),
    "code_urls": ("code_urls", "code", "code_url", "github"),
    "citations": ("citations", "cited_by_count", "citation_count", "gs_citation"),
    "references": ("references",),
    "categories": ("categories", "category"),
    "doi": ("doi",),
    "arxiv": ("arxiv", "arxiv_id", "eprint"),
    "history": ("history",),
    "urls": ("urls",),
    "raw": ("raw",),
    "source": ("source",),
}
"""What a field may be called in the head of a table, in lower case; the first that is there counts."""


class File(ListedSource):
    """A file of records.

    Args:
        path: The file.
        kind: What it is, for the source's name.
        max_items: How many records to read at most.

    Raises:
        NavigatorError: there is no such file.
    """

    def __init__(self, path: str | Path, kind: str, max_items: int | None = None) -> None:
        self.path = Path(path)
        super().__init__(f"{kind}:{self.path.absolute()}", max_items)
        self.kind = kind
        self._replaced = 0
        try:
            there = self.path.is_file()
        except (OSError, ValueError):  # a name that no file can have
            there = False
        if not there:
            raise NavigatorError(f"there is no file {str(path)!r:.200}")

    def mark(self) -> str:
        state = self.path.stat()
        return f"{state.st_size}-{state.st_mtime_ns}"

    def notes(self) -> list[str]:
        replaced, self._replaced = self._replaced, 0
        what = (
            "a character that is not UTF-8 was" if replaced == 1 else f"{replaced:,} characters that are not UTF-8 were"
        )
        return [f"{self.path.name}: {what} replaced"] if replaced else []

    def decoded(self, encoded: bytes) -> str:
        """The text, in UTF-8; what is not is replaced and counted."""
        try:
            return encoded.decode()
        except UnicodeDecodeError:
            replaced = encoded.decode(errors="replace")
            self._replaced += replaced.count("\ufffd") - encoded.count("\ufffd".encode())
            return replaced

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        try:
            with self.path.open("rb") as file:
                yield file
        except OSError as error:
            raise NavigatorError(f"{self.path} cannot be read: {error.strerror or error}") from None


class Table(File):
    """The rows of a CSV, each a paper.

    The separator is what the head has most of: comma, semicolon or tab. Lists in a cell are separated by semicolons
    (keywords also by commas, authors also by " and "), or are JSON. A cell that an export guarded against formula
    injection with an apostrophe is read without it.

    Args:
        path: The file, with the names of the columns in its first row.
        columns: Which column a field is in, where the head does not say it in one of the usual ways.
        constant: Fields that are the same for all rows, such as `{"venue": "ICLR", "year": 2022}`.
    """

    def __init__(
        self,
        path: str | Path,
        columns: Mapping[str, str] | None = None,
        constant: Mapping[str, Any] | None = None,
        max_items: int | None = None,
        kind: str = "csv",
    ) -> None:
        super().__init__(path, kind, max_items)
        if unknown := sorted(set(columns or {}) - set(NAMES)):
            raise NavigatorError(f"a paper has no field {', '.join(unknown)}; columns maps {', '.join(NAMES)}")
        self._asked = dict(columns or {})
        self._constant = dict(constant or {})
        self._columns: dict[str, str] = {}

    def records(self) -> Iterator[Row | Refused]:
        with self.opened() as file:
            names, separator = _head(self.decoded(file.readline()))
            self._columns = self._found(names)
            # The limit on cells is the csv module's own, for the whole process: it is raised row by row, not for long.
            rows = csv.reader((self.decoded(line) for line in file), delimiter=separator)
            while True:
                try:
                    with _long_cells():
                        row = next(rows)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield Refused(f"line {rows.line_num + 1}: {error}")
                    continue
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) > len(names):
                    yield Refused(f"line {rows.line_num + 1}: {len(row)} cells under {len(names)} columns")
                    continue
                yield dict(zip(names, row, strict=False))

    def _found(self, names: list[str]) -> dict[str, str]:
        by_lower = {name.lower(): name for name in reversed(names)}
        if missing := [name for name in self._asked.values() if name not in names]:
            raise NavigatorError(f"{self.path.name} has no column {missing[0]!r:.80}; it has {', '.join(names):.500}")
        found = {
            field: self._asked.get(field) or next(by_lower[one] for one in usual if one in by_lower)
            for field, usual in NAMES.items()
            if field in self._asked or any(one in by_lower for one in usual)
        }
        if "title" not in found:
            raise NavigatorError(
                f"{self.path.name} has no column of titles; it has {', '.join(names):.500}. "
                "Say which one it is: columns={'title': ...}"
            )
        return found

    def paper(self, record: Row) -> Paper:
        cells = {field: _unguarded(record.get(name, "")) for field, name in self._columns.items()}
        return paper_of_cells(cells, self.kind, self._constant)


def head_of(path: str | Path) -> list[str]:
    """The names of a table's columns.

    Raises:
        NavigatorError: there is no such file.
    """
    file = Table(path)
    with file.opened() as opened:
        return _head(file.decoded(opened.readline()))[0]


def _head(line: str) -> tuple[list[str], str]:
    """The names of the columns, and what separates them."""
    line = line.removeprefix("\ufeff").rstrip("\r\n")
    separator = max(",;\t", key=line.count)
    with _long_cells():
        return [name.strip() for name in next(csv.reader([line], delimiter=separator), [])], separator


@contextmanager
def _long_cells() -> Iterator[None]:
    before = csv.field_size_limit(LARGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


_GUARDED = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also in full width


def _unguarded(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _GUARDED else cell


def paper_of_cells(cells: Mapping[str, str], kind: str, constant: Mapping[str, Any]) -> Paper:
    """The paper of one row, from the texts of its cells by field."""

    def listed(field: str, separators: str = ";") -> tuple[str, ...]:
        cell = cells.get(field, "").strip()
        if cell.startswith("["):
            try:
                return texts(json.loads(cell))
            except (ValueError, TypeError, RecursionError):
                pass
        return texts(cell, separators)

    def stored(field: str) -> Any:
        cell = cells.get(field, "").strip()
        try:
            return json.loads(cell) if cell else None
        except (ValueError, RecursionError):
            raise ValueError(f"{field} is not JSON: {cell!r:.80}") from None

    doi, arxiv = doi_of(cells.get("doi")), arxiv_of(cells.get("arxiv"))
    authors = cells.get("authors", "")
    decision = cells.get("decision", "").strip()
    urls = dict(stored("urls") or {})
    where = links(paper=cells.get("url"), pdf=cells.get("pdf"), review=cells.get("review"))
    if doi:
        where.setdefault("paper", f"https://doi.org/{doi}")
    elif arxiv:
        where.setdefault("paper", f"https://arxiv.org/abs/{arxiv}")
    values: dict[str, Any] = {
        "id": cells.get("id", "").strip() or (f"arxiv:{arxiv}" if arxiv else doi) or _unnamed(kind, cells),
        "title": cells.get("title", ""),
        "authors": listed("authors") if ";" in authors or authors.startswith("[") else _people(authors),
        "abstract": cells.get("abstract", ""),
        "keywords": listed("keywords", ",;"),
        "tldr": cells.get("tldr", ""),
        "venue": cells.get("venue", ""),
        "year": year(cells.get("year")),
        "decision": decision if decision in DECISIONS else decision_of(decision),
        "track": cells.get("track", ""),
        "ratings": tuple(found for one in listed("ratings") if (found := number(one)) is not None),
        "confidences": tuple(found for one in listed("confidences") if (found := number(one)) is not None),
        "history": tuple((text(when), numbers(given)) for when, given in stored("history") or ()),
        "published": date(cells.get("published")),
        "updated": date(cells.get("updated")),
        "urls": {name: link(found) for name, found in {**where, **urls}.items() if link(found)},
        "code_urls": tuple(filter(None, map(link, listed("code_urls", "; ")))),
        "citations": whole(cells.get("citations")),
        "references": listed("references"),
        "categories": listed("categories", "; "),
        "source": cells.get("source", "").strip() or kind,
        "raw": {**(stored("raw") or {}), **known(doi=doi, arxiv=arxiv)},
    }
    return Paper(**{**values, **constant})


def _unnamed(kind: str, cells: Mapping[str, str]) -> str:
    """An id for a row that has none: the same for the same title, authors and year."""
    told = "\n".join(" ".join(cells.get(field, "").split()) for field in ("title", "authors", "year"))
    return f"{kind}:{hashlib.sha256(told.encode(errors='replace')).hexdigest()[:16]}"


def _people(cell: str) -> tuple[str, ...]:
    """Names that are separated by "and" or by commas; "Doe, Jane" alone is one name."""
    if " and " in cell:
        return tuple(part.strip() for part in cell.split(" and ") if part.strip())
    parts = [part.strip() for part in cell.split(",") if part.strip()]
    return (cell.strip(),) if len(parts) == 2 and " " not in parts[0] and cell.strip() else tuple(parts)


class Iclr(Table):
    """ICLR submissions with ratings at several times; see `iclr_csv`."""

    NEEDED = ("forum_id", "title", "keywords", "decision", "withdrawn")

    def __init__(self, path: str | Path, year: int, dates: tuple[str, ...], max_items: int | None) -> None:
        super().__init__(path, max_items=max_items, kind="iclr_csv")
        self.year = year
        self.dates = dates

    @classmethod
    def recognises(cls, names: list[str]) -> bool:
        """Whether a table with these columns is one of these."""
        return {*cls.NEEDED, "ratings_t0"} <= set(names)

    def _found(self, names: list[str]) -> dict[str, str]:
        needed = [*self.NEEDED, *(f"ratings_t{time}" for time in range(len(self.dates) + 1))]
        if missing := [name for name in needed if name not in names]:
            raise NavigatorError(
                f"{self.path.name} has no column {', '.join(missing)}; an ICLR table has {', '.join(needed)}"
            )
        return {}

    def paper(self, record: Row) -> Paper:
        forum = record.get("forum_id", "").strip()
        ratings = [numbers(record.get(f"ratings_t{time}", "")) for time in range(len(self.dates) + 1)]
        withdrawn = record.get("withdrawn", "").strip() == "1"
        said = record.get("decision", "")
        return Paper(
            id=forum,
            title=record.get("title", ""),
            keywords=texts(record.get("keywords"), ",;"),
            venue="ICLR",
            year=self.year,
            decision="Withdrawn" if withdrawn else decision_of(said),
            track="main",
            ratings=ratings[-1],
            history=tuple(zip(self.dates, ratings[:-1], strict=True)),
            urls=forum_links(forum),
            source="iclr_csv",
            raw=known(forum=forum, decision=said),
        )


def forum_links(forum: str) -> dict[str, str]:
    """Where a forum id leads."""
    page = f"https://openreview.net/forum?id={forum}"
    return {"paper": page, "review": page, "pdf": f"https://openreview.net/pdf?id={forum}"}


def csv_table(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    constant: Mapping[str, Any] | None = None,
    max_items: int | None = None,
) -> Table:
    """A CSV as a source: see `Table`.

    Raises:
        NavigatorError: there is no such file, or `columns` names a field that papers do not have.
    """
    return Table(path, columns, constant, max_items)


def iclr_csv(
    path: str | Path,
    *,
    year: int = 2022,
    dates: tuple[str, ...] = ("2021-11-09", "2021-11-26", "2021-12-01"),
    max_items: int | None = None,
) -> Iclr:
    """The submissions to an ICLR, with their ratings at several times.

    The columns are `forum_id, title, keywords, decision, withdrawn, ratings_t0, ratings_t1, ...`, ratings separated by
    semicolons. The last ratings become `ratings`, the earlier ones `history`.

    Args:
        path: The file.
        year: The year of the conference.
        dates: When the earlier ratings were collected, oldest first; the last came after the decisions.
        max_items: How many submissions to read at most.
    """
    return Iclr(path, year, dates, max_items)
