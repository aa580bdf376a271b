"""Papers from tables: any CSV whose columns can be named, and the records of ICLR 2022."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TextIO, TypeAlias

from ..errors import NavigatorError
from ..paper import Paper
from .cells import paper_of_cells
from .columns import NAMES, Form, fields_of, form_of
from .encodings import encoding_of
from .fields import decision_of, known, numbers, texts
from .source import ListedSource, Refused

LARGEST_CELL = 64 << 20
"""Characters in one cell; the csv module's own limit of 131,072 would refuse what a paper merely cuts."""

Row: TypeAlias = dict[str, str]


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
        self._unsaid: list[str] = []
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
        notes, self._unsaid = self._unsaid, []
        return notes

    def note(self, text: str) -> None:
        """Has something said with the next batch."""
        if text:
            self._unsaid.append(text)

    def decoded(self, encoded: bytes) -> str:
        """The text of the whole file, in the encoding that `encoding_of` finds.

        Raises:
            NavigatorError: it finds none.
        """
        encoding = encoding_of(io.BytesIO(encoded), self.path.name)
        self.note(encoding.note)
        return encoded.decode(encoding.name, encoding.errors)

    @contextmanager
    def text(self) -> Iterator[TextIO]:
        """The file as text, to be read line by line; raises as `decoded`."""
        with self.opened() as file:
            encoding = encoding_of(file, self.path.name)
            self.note(encoding.note)
            yield io.TextIOWrapper(file, encoding.name, encoding.errors, newline="")

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        try:
            with self.path.open("rb") as file:
                yield file
        except OSError as error:
            raise NavigatorError(f"{self.path} cannot be read: {error.strerror or error}") from None


class Table(File):
    """The rows of a CSV, each a paper.

    The separator is what the head has most of: comma, semicolon or tab. The columns go by the names that
    `columns.NAMES` lists; of several for one field the first that is not empty counts, of keywords all. Columns that
    hold something and are of no use are named in a note. Lists in a cell are separated by semicolons (keywords also by
    commas; in tables of OpenAlex by "|"), or are JSON; names of authors are as `cells.people` says. A cell that an
    export guarded against formula injection with an apostrophe is read without it.

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
        self._columns: dict[str, tuple[str, ...]] = {}
        self._form: Form = "unknown"
        self._unused: set[str] = set()

    def records(self) -> Iterator[Row | Refused]:
        with self.text() as file:
            rows, names = _rows(file)
            self._columns = self._found(names)
            self._form = form_of(names)
            self._unused = set(names) - {name for columns in self._columns.values() for name in columns} - {""}
            # The limit on cells is the csv module's own, for the whole process: it is raised row by row, not for long.
            while True:
                try:
                    with _long_cells():
                        row = next(rows)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield Refused(f"line {rows.line_num}: {error}")
                    continue
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) > len(names):
                    yield Refused(f"line {rows.line_num}: {len(row)} cells under {len(names)} columns")
                    continue
                record = dict(zip(names, row, strict=False))
                self._name_unused(record)
                yield record

    def _found(self, names: list[str]) -> dict[str, tuple[str, ...]]:
        return fields_of(names, self._asked, self.path.name)

    def _name_unused(self, record: Row) -> None:
        """Has the columns named that this is the first row to have something in, and that no field is made of."""
        if holding := [name for name in record if name in self._unused and record[name].strip()]:
            self._unused -= set(holding)
            self.note(f"{self.path.name}: not used: {', '.join(holding)}")

    def notes(self) -> list[str]:
        """The notes, those on columns that are not used put together."""
        sign = f"{self.path.name}: not used: "
        notes = super().notes()
        unused = [note.removeprefix(sign) for note in notes if note.startswith(sign)]
        return [note for note in notes if not note.startswith(sign)] + (
            [f"{sign}{', '.join(unused):.500}"] if unused else []
        )

    def paper(self, record: Row) -> Paper:
        cells = {}
        for field, columns in self._columns.items():
            held = [cell for name in columns if (cell := _unguarded(record.get(name, ""))).strip()]
            cells[field] = ";".join(held) if field == "keywords" else next(iter(held), "")
        return paper_of_cells(cells, self.kind, self._constant, self._form)


def head_of(path: str | Path) -> list[str]:
    """The names of a table's columns.

    Raises:
        NavigatorError: there is no such file.
    """
    with Table(path).text() as file:
        return _rows(file)[1]


def _rows(file: TextIO) -> tuple[Any, list[str]]:
    """The rows of a table, as the csv module reads them, and the names of its columns, which stand in the first."""
    head = file.readline().removeprefix("\ufeff")
    said = re.fullmatch(r"sep=(.)\s*", head)  # a line of Excel's
    if said:
        head = file.readline()
    separator = said.group(1) if said else max(",;\t", key=head.count)
    rows = csv.reader(chain([head], file), delimiter=separator)
    with _long_cells():
        return rows, [name.strip() for name in next(rows, [])]


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


class Iclr(Table):
    """ICLR submissions with ratings at several times; see `iclr_csv`."""

    NEEDED = ("forum_id", "title", "keywords", "decision", "withdrawn")

    def __init__(self, path: str | Path, year: int, dates: tuple[str, ...], max_items: int | None) -> None:
        super().__init__(path, max_items=max_items, kind="iclr_csv")
        self.year = year
        self.dates = dates

    def _name_unused(self, record: Row) -> None:
        """Nothing: every column that such a table has is known."""

    @classmethod
    def recognises(cls, names: list[str]) -> bool:
        """Whether a table with these columns is one of these."""
        return {*cls.NEEDED, "ratings_t0"} <= set(names)

    def _found(self, names: list[str]) -> dict[str, tuple[str, ...]]:
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
