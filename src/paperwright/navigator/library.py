"""The library: papers in one place on this machine, found by words and by meaning, mapped, recommended and counted.

    >>> from paperwright.navigator import Library, sources
    >>> with Library.create("iclr22") as library:                              # doctest: +SKIP
    ...     print(library.add(sources.iclr_csv("submissions.csv")))
    ...     for hit in library.search("offline rl with uncertainty"):
    ...         print(hit.rank, hit.paper.title, hit.why)

A library is a folder: `records.sqlite` is the truth (papers, tags, notes, how far each source was read), everything
else is made of it and can be made again: the encoder, the vectors it gave, the index that is searched. Encoder and
index are of one generation, which is changed in one transaction, so that vectors of two encoders are never together.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from jaxtyping import Float32

from .derived import Derived
from .encoders import Encoder
from .errors import LibraryError, NavigatorError
from .filling import AT_ONCE, MOST_AT_ONCE, Progress, incoming
from .filters import Filter, columns_of
from .finding import Finding
from .generation import Generation, Settings
from .index import Index
from .known_items import unknown
from .paper import Paper
from .records import AddReport, OnConflict, Records, SavedSearch
from .vectors import width_of

if TYPE_CHECKING:
    from paperwright.executors import Place

    from .sources import Source

T = TypeVar("T")
RECORDS = "records.sqlite"


class Library(Finding):
    """Papers, and what one does with them. Safe to use from many threads; several processes may share a folder.

    Made by `create`, `open`, `embedded` or `default`, and closed by `close` or a `with` statement.

    Attributes:
        directory: Its folder; None for a library in memory.
        records: What is known about the papers, and what a reader added: the truth that all else is made of.
    """

    def __init__(self, records: Records, directory: Path | None, encoder: Encoder | str | None) -> None:
        self.directory = directory
        self.records = records
        self._given = encoder
        self._writing = threading.RLock()
        self._derived = Derived()
        self._now = Generation.open(records, directory, encoder)
        self._before: Generation | None = None

    # -- where libraries come from -------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls, path: str | os.PathLike[str], encoder: Encoder | str | None = None, index: str = "memory"
    ) -> "Library":
        """A new, empty library in a folder.

        Args:
            path: The folder, which is made; it must be empty or not there.
            encoder: Any object with the `encode` of sentence-transformers, or a name such as
                "sentence-transformers:FOLDER" or "model2vec:FOLDER"; None for latent semantic analysis of the papers
                themselves, which needs no weights.
            index: "memory", "lance", or a postgresql:// address.

        Raises:
            LibraryError: there is a library already, or the folder cannot be made.
        """
        directory = Path(path)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            occupied = next(directory.iterdir(), None) is not None
        except OSError as error:
            raise LibraryError(f"a library cannot be made in {directory}: {error}") from None
        if occupied:
            what = "there is a library" if (directory / RECORDS).exists() else "there are other files"
            raise LibraryError(f"{what} in {directory} already; open it, or choose an empty folder")
        records = Records(directory / RECORDS)
        try:
            Settings.begin(records, encoder, index)
            return cls(records, directory, encoder)
        except BaseException:
            records.close()
            shutil.rmtree(directory)
            raise

    @classmethod
    def open(cls, path: str | os.PathLike[str], encoder: Encoder | str | None = None) -> "Library":
        """The library in a folder, its index caught up with its records.

        Args:
            path: The folder.
            encoder: What it was created with, unless that was None or a name.

        Raises:
            LibraryError: there is none, or it cannot be read; `paperwright doctor` says more.
            EncoderMismatch: its vectors are of another encoder.
        """
        directory = Path(path)
        if not (directory / RECORDS).is_file():
            raise LibraryError(f"there is no library in {directory}; `Library.create` makes one")
        records = Records(directory / RECORDS)
        try:
            library = cls(records, directory, encoder)
            library.refresh()
            return library
        except BaseException:
            records.close()
            raise

    @classmethod
    def in_memory(cls, encoder: Encoder | str | None = None) -> "Library":
        """An empty library without a folder, gone when it is closed."""
        records = Records(None)
        Settings.begin(records, encoder, "memory")
        return cls(records, None, encoder)

    @classmethod
    def embedded(cls) -> "Library":
        """What one has with no network and no file: the rooms' own papers and every paper that their cards name.

        With `PAPERWRIGHT_DATA`, the ICLR 2022 submissions beside them. In memory.
        """
        from . import sources
        from .sync import sync

        library = cls.in_memory()
        sync(library, sources.cards())
        if (table := embedded_table()) is not None:
            sync(library, sources.iclr_csv(table))
        return library

    @classmethod
    def default(cls, path: str | os.PathLike[str] | None = None) -> "Library":
        """The library at `path`, at `$PAPERWRIGHT_LIBRARY`, or in the user's data folder; else the embedded one.

        The embedded one is read from the cache, where it is kept for as long as its sources do not change.
        """
        if path is not None:
            return cls.open(path)
        directory = user_directory()
        if (directory / RECORDS).is_file():
            return cls.open(directory)
        from .embedded import embedded_library

        return embedded_library()

    def writable(self) -> "Library":
        """This library if it has a folder; else one in the user's folder (`$PAPERWRIGHT_LIBRARY`) with its papers."""
        if self.directory is not None:
            return self
        directory = user_directory()
        if (directory / RECORDS).is_file():
            return Library.open(directory)
        library = Library.create(directory)
        library.add(self.records.all())
        return library

    def close(self) -> None:
        """Lets go of its files. What was added is on disk already."""
        with self._writing:
            if self._before is not None:
                self._before.close()
            self._now.close()
            self.records.close()
            self._derived.forget()

    def __enter__(self) -> "Library":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Library of {len(self):,} papers in {self.directory or 'memory'}>"

    # -- what it is made of --------------------------------------------------------------------------------------------

    @property
    def generation(self) -> Generation:
        """Encoder and index in force, which belong together: for who needs both to be of one moment."""
        return self._now

    @property
    def index(self) -> Index:
        """What is searched."""
        return self._now.index

    @property
    def encoder(self) -> Encoder:
        """What turns texts into vectors: an `LsaEncoder`, or what the library was created with, adapted."""
        self._with_vectors()
        return self._now.encoder

    @property
    def neural(self) -> bool:
        """Whether the encoder was brought by the user; False for latent semantic analysis."""
        return self._now.brought

    @property
    def revision(self) -> int:
        """The number of the newest change that searches see; it grows with every change."""
        return self._now.index.revision

    # -- papers --------------------------------------------------------------------------------------------------------

    def add(
        self,
        papers: "Paper | Iterable[Paper] | Source",
        on_conflict: OnConflict = "update",
        progress: Progress | None = None,
        on: "Place | Executor | None" = None,
    ) -> AddReport:
        """Takes papers in; adding the same twice is adding it once.

        A thousand at a time are one transaction, or as many thousands as there are workers that encode them; who is
        killed in the midst finds whole transactions.

        Args:
            papers: Papers, or a source of them, which is read from its beginning (`sync` goes on where it stopped).
            on_conflict: What a known id with another record means: "update" takes the new record; "error" takes none.
            progress: Is told ("records" or "vectors", how many are done, how many there are or None).
            on: Where texts are encoded (`paperwright.executors.place`), if not here.

        Raises:
            NavigatorError: a record or a vector that cannot be; the message says which.
        """
        with self._writing:
            report = self._add_records(papers, on_conflict, progress, on)
            self.refresh(progress=progress, on=on)
            self._with_vectors()
            report.notes += self._now.notes()
        return report

    def _add_records(
        self,
        papers: "Paper | Iterable[Paper] | Source",
        on_conflict: OnConflict = "update",
        progress: Progress | None = None,
        on: "Place | Executor | None" = None,
    ) -> AddReport:
        report, row = AddReport(), 1
        at_once = AT_ONCE * min(MOST_AT_ONCE, width_of(on))
        for batch in incoming(papers, whole=on_conflict == "error", at_once=at_once):
            report += self.put(
                batch.papers,
                on_conflict=on_conflict,
                cursor=batch.cursor,
                removed=batch.removed,
                first_row=row,
                on=on,
            )
            report += AddReport(rejected=batch.rejected, notes=batch.notes)
            row += len(batch.papers) + len(batch.rejected) + len(batch.removed)
            if progress is not None:
                progress("records", batch.done, batch.total)
        return report

    def put(
        self,
        papers: Sequence[Paper],
        *,
        on_conflict: OnConflict = "update",
        cursor: tuple[str, str | None] | None = None,
        removed: Iterable[str] = (),
        first_row: int = 1,
        on: "Place | Executor | None" = None,
    ) -> AddReport:
        """Takes papers into the records in one transaction; searches see them after `refresh`.

        Args:
            papers, on_conflict, on: As for `add`.
            cursor: A source's name, and how far it has been read with these.
            removed: Ids of papers to take out in the same transaction.
            first_row: The number of the first paper, for messages.

        Raises:
            NavigatorError: as for `add`; none is taken in.
        """
        self._now.check(papers, on)
        return self.records.put(papers, on_conflict=on_conflict, cursor=cursor, removed=removed, first_row=first_row)

    def remove(self, ids: str | Iterable[str]) -> int:
        """Takes papers out, with their tags; returns how many there were."""
        with self._writing:
            removed = self.records.remove([ids] if isinstance(ids, str) else ids)
            self.refresh()
        return removed

    def join(self, ids: Sequence[str]) -> Paper:
        """Makes one of papers that are one; see `paperwright.navigator.duplicate_groups.join`."""
        from .duplicate_groups import join

        with self._writing:
            return join(self, [ids])[0]

    def refresh(
        self, progress: Progress | None = None, on: "Place | Executor | None" = None, *, wait: bool = True
    ) -> None:
        """Catches up with the records, whoever changed them.

        Args:
            progress, on: As for `add`.
            wait: Whether to wait for another thread that does the same.
        """
        if not self._writing.acquire(blocking=wait):
            return
        try:
            self._put_in_force(self._now.caught_up(self._given, progress, on))
        finally:
            self._writing.release()

    def rebuild(self, progress: Progress | None = None, on: "Place | Executor | None" = None) -> None:
        """Makes encoder and index anew from the records; searches go on with the old ones until they are there."""
        with self._writing:
            self._put_in_force(self._now.renewed(progress, on))

    def _with_vectors(self) -> None:
        """Makes the vectors of a library that has put that off until they are needed."""
        if self._now.without_vectors and len(self.records):
            with self._writing:
                if self._now.without_vectors:
                    self._put_in_force(self._now.renewed(None, None))

    def _put_in_force(self, generation: Generation) -> None:
        if generation is self._now:
            return
        # The one before is still being searched, maybe; the one before that is not any more.
        if self._before is not None:
            self._before.close()
        self._before, self._now = self._now, generation

    def __len__(self) -> int:
        return len(self.records)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self.records

    def __getitem__(self, identifier: str) -> Paper:
        return self.records.get(identifier)

    def __iter__(self) -> Iterator[Paper]:
        return self.papers()

    def many(self, ids: Sequence[str]) -> dict[str, Paper]:
        """The papers of these ids, in this order; those that are not there are left out."""
        return self.records.many(ids)

    def papers(self, where: Filter | Mapping[str, Any] | None = None) -> Iterator[Paper]:
        """The papers that pass a filter, by id."""
        wanted = Filter.of(where)
        for paper in self.records.all():
            if not wanted or wanted.holds(columns_of(paper)):
                yield paper

    def vectors(self, ids: Sequence[str]) -> Float32[np.ndarray, "papers width"]:
        """The unit vectors of some papers; a row of zeros for a paper of whose words the encoder knows none.

        Raises:
            UnknownPaperId: a paper is not in the library.
        """
        self._with_vectors()
        found = self._now.index.vectors(ids)
        for row in np.flatnonzero(~found.any(axis=1)).tolist():
            if ids[row] not in self.records:
                raise unknown(ids[row])
        return found

    def derived(self, name: str, make: Callable[[], T]) -> T:
        """A value computed from the whole library: made once, kept until the library changes."""
        return self._derived.value(name, (self._now.number, self.revision), make)

    def cache_file(self, name: str) -> Path | None:
        """Where to keep what is worth keeping between runs; None for a library in memory.

        Raises:
            NavigatorError: the name is not a plain file name.
        """
        if not name or Path(name).name != name or name.startswith("."):
            raise NavigatorError(f"a cache file has a plain name; got {name!r:.80}")
        if self.directory is None:
            return None
        folder = self.directory / "derived"
        folder.mkdir(exist_ok=True)
        return folder / name

    def _itself(self) -> "Library":
        return self

    def _seen(self) -> "Library":
        """Takes in what another process has written; where a thread is at it already, goes on with what there is."""
        if self._now.behind:
            self.refresh(wait=False)
        return self

    # -- what a reader adds --------------------------------------------------------------------------------------------

    def tag(self, name: str, ids: str | Iterable[str]) -> None:
        """Puts papers under a tag; UnknownPaperId if one is not there."""
        self.records.tag(name, [ids] if isinstance(ids, str) else ids)

    def untag(self, name: str, ids: str | Iterable[str] | None = None) -> None:
        """Takes papers from under a tag; without `ids`, all of them."""
        self.records.untag(name, [ids] if isinstance(ids, str) else ids)

    def tags(self) -> dict[str, int]:
        """The tags, each with how many papers it has."""
        return self.records.tags()

    def tagged(self, name: str) -> list[str]:
        """The ids of the papers under a tag, in the order in which they came there."""
        return self.records.tagged(name)

    def mark_seen(self, ids: str | Iterable[str]) -> None:
        """Remembers that papers were read or passed over."""
        self.records.mark_seen([ids] if isinstance(ids, str) else ids)

    def note(self, identifier: str) -> str:
        """The note on a paper; empty where there is none."""
        return self.records.note(identifier)

    def write_note(self, identifier: str, note: str) -> None:
        """Keeps a note on a paper; an empty one takes it away."""
        self.records.write_note(identifier, note)

    def save_search(self, name: str, query: str, where: Mapping[str, Any] | None = None) -> None:
        """Keeps a search under a name, after its filter is found to be one."""
        Filter.of(where)
        self.records.save_search(name, query, where)

    def searches(self) -> dict[str, SavedSearch]:
        """The saved searches by name."""
        return self.records.searches()


def embedded_table() -> Path | None:
    """The table of submissions that the embedded library has beside the cards, if `PAPERWRIGHT_DATA` holds it."""
    folder = os.environ.get("PAPERWRIGHT_DATA")
    table = Path(folder) / "iclr2022" / "submissions.csv" if folder else None
    return table if table is not None and table.is_file() else None


def user_directory() -> Path:
    """Where a user's own library is: `$PAPERWRIGHT_LIBRARY`, else in the user's data folder."""
    if named := os.environ.get("PAPERWRIGHT_LIBRARY"):
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("paperwright") / "library"
