"""The form of a source: batches of papers, each with the place from which to go on."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import NavigatorError, SourceError
from ..paper import Paper

if TYPE_CHECKING:
    from .http import Client

AT_ONCE = 500
"""Records of a file in one batch."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some papers of a source, in its order.

    Attributes:
        papers: What could be read.
        cursor: Where to go on behind them; None at the end.
        rejected: What could not be read, each with its place in the source and the reason.
        removed: The ids of papers that the source has taken back.
        notes: What a reader should know, though nothing was lost: characters that were replaced, say.
        done: How many records of the source lie behind the cursor, this batch included.
        total: How many records the source has; None where it does not say.
    """

    papers: tuple[Paper, ...]
    cursor: str | None
    rejected: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    done: int = 0
    total: int | None = None


class Source(Protocol):
    """Where papers come from; any object with these two will do.

    Attributes:
        name: Unique to what is read, such as `openreview:ICLR.cc/2022/Conference`: a library remembers under it how far
            it has read. It begins with what its papers have as their `source`.
    """

    name: str

    def batches(self, cursor: str | None = None) -> Iterator[Batch]:
        """The papers from the beginning, or from behind the batch that had this cursor.

        Raises:
            SourceError: the source cannot go on; its `cursor` is where to try again.
        """
        ...


class NoSuchPlace(SourceError):
    """The place from which to go on is not, or no longer, one of the source."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A record that says that a paper is no longer there."""

    id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that could not even be read."""

    reason: str


@dataclass(slots=True)
class Page:
    """Records in the form that the source gives them.

    Attributes:
        records: In the source's order.
        following: Where the next page is, as the source counts; None at the end.
        total: How many records there are in all, if the source says so.
        ahead: In place of a total: how many records come behind this page, as far as the source says.
        notes: As in a batch.
    """

    records: Sequence[Any]
    following: str | None
    total: int | None = None
    notes: list[str] = field(default_factory=list)
    ahead: int | None = None


class RecordSource(ABC):
    """A source whose records are turned into papers one by one.

    A record that cannot be a paper is rejected with the reason and never stops the others.

    Args:
        name: As in `Source`.
        max_items: How many records to read at most, counted from the beginning.

    Raises:
        NavigatorError: `max_items` cannot be.
    """

    def __init__(self, name: str, max_items: int | None = None) -> None:
        if max_items is not None and (isinstance(max_items, bool) or not isinstance(max_items, int) or max_items < 1):
            raise NavigatorError(f"max_items is a whole number of at least 1, or None; got {max_items!r:.80}")
        self.name = name
        self.max_items = max_items

    @abstractmethod
    def paper(self, record: Any) -> Paper | Removed:
        """The paper of a record.

        Raises:
            ValueError, TypeError, LookupError, AttributeError: the record is not what it should be.
        """

    @abstractmethod
    def batches(self, cursor: str | None = None) -> Iterator[Batch]:
        """As in `Source`; what is not a cursor of this source begins anew."""

    def _behind(self, cursor: str | None) -> tuple[int, str]:
        """How many records lie behind a cursor, and the place that it names."""
        done, _, place = (cursor or "").partition(":")
        return (int(done), place) if done.isdecimal() else (0, "")

    def _batch(self, page: Page, done: int, cursor: str | None) -> Batch:
        """A page as a batch; `done` and `cursor` are behind it."""
        papers, rejected, removed = papers_of(page.records, self.paper, done - len(page.records) + 1)
        total = page.total if page.ahead is None else done + page.ahead
        if total is not None and self.max_items is not None:
            total = min(total, self.max_items)
        return Batch(tuple(papers), cursor, tuple(rejected), tuple(removed), tuple(page.notes), done, total)


class WebSource(RecordSource):
    """A source on the network, which gives its records page by page.

    A place that the server does not know any more, as tokens do not last for ever, means reading from the beginning: a
    record that is read twice is the same record.

    Args:
        name, max_items: As for `RecordSource`.
        client: What it asks with.
    """

    def __init__(self, name: str, client: "Client", max_items: int | None = None) -> None:
        super().__init__(name, max_items)
        self.client = client

    @abstractmethod
    def page(self, place: str) -> Page:
        """The page at a place; the first one is at "".

        Raises:
            NoSuchPlace: there is no such place, or no longer.
            SourceError: the source cannot go on.
        """

    def batches(self, cursor: str | None = None) -> Iterator[Batch]:
        done, place = self._behind(cursor)
        kept_from_before = bool(place)
        notes: list[str] = []
        try:
            while True:
                try:
                    page = self.page(place)
                except SourceError as error:
                    if isinstance(error, NoSuchPlace) and kept_from_before:
                        notes = [f"{self.name}: read from the beginning, for where it stopped is no longer known there"]
                        done, place, cursor, kept_from_before = 0, "", None, False
                        continue
                    error.cursor = cursor
                    raise
                kept_from_before = False
                page.notes, notes = [*notes, *page.notes], []
                if self.max_items is not None:
                    page.records = page.records[: max(0, self.max_items - done)]
                done += len(page.records)
                cut = self.max_items is not None and done >= self.max_items
                cursor = None if cut or page.following is None else f"{done}:{page.following}"
                yield self._batch(page, done, cursor)
                if cursor is None:
                    return
                place = cursor.partition(":")[2]
        finally:
            if self.client.of_one_source:
                self.client.close()


class ListedSource(RecordSource):
    """A source whose records can be listed from the beginning at any time, such as a file.

    Its cursor holds a mark of what is listed: a file that has changed since is read from the beginning.
    """

    @abstractmethod
    def records(self) -> Iterator[Any]:
        """All records; one that cannot be read as a `Refused`."""

    @abstractmethod
    def mark(self) -> str:
        """What changes when the records do."""

    def notes(self) -> list[str]:
        """What reading the records has shown so far and was not said before."""
        return []

    def total(self) -> int | None:
        """How many records there are, where that is known before they are read."""
        return None

    def batches(self, cursor: str | None = None) -> Iterator[Batch]:
        mark = self.mark()
        done, before = self._behind(cursor)
        if before != mark:
            done = 0
        records = islice(self.records(), done, self.max_items)
        part = list(islice(records, AT_ONCE))
        while True:
            following = list(islice(records, AT_ONCE))
            done += len(part)
            cursor = f"{done}:{mark}" if following else None
            yield self._batch(Page(part, None, self.total(), self.notes()), done, cursor)
            if not following:
                return
            part = following


def whole_place(place: str) -> int:
    """A place that is a number of records; 0 for the first.

    Raises:
        NoSuchPlace: it is none.
    """
    if place and not place.isdecimal():
        raise NoSuchPlace(f"expected a number of records, got {place!r:.80}")
    return int(place or 0)


def papers_of(
    records: Sequence[Any], paper: Callable[[Any], Paper | Removed], first: int
) -> tuple[list[Paper], list[str], list[str]]:
    papers, rejected, removed = [], [], []
    for number, record in enumerate(records, start=first):
        if isinstance(record, Refused):
            rejected.append(f"record {number}: {record.reason}")
            continue
        try:
            read = paper(record)
        except NavigatorError as error:
            rejected.append(f"record {number}: {error}")
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
            rejected.append(f"record {number}: not in the form of this source ({type(error).__name__}: {error!s:.200})")
        else:
            if isinstance(read, Removed):
                removed.append(read.id)
            else:
                papers.append(read)
    return papers, rejected, removed
