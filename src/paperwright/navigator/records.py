"""The records of a library: papers, tags, notes, saved searches and how far each source was read, in one SQLite file.

The records are the truth; an index is made of them and can be made again. Every change has a number, the revision, so
that an index knows what it has not seen. A batch is one transaction, the source's cursor in it: whoever is killed in
the midst finds the batch whole or not there, and goes on behind the last one that is.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .errors import LibraryError, NavigatorError
from .known_items import unknown
from .paper import OF_FILES, Paper
from .reading import Reading, SavedSearch, parts, tag_name, time_now
from .titles import titles_agree

__all__ = ["AddReport", "OnConflict", "Records", "SavedSearch", "tag_name"]

FORMAT = 2
"""2 came with `Paper.names` and `Paper.publication`, which an older version would take for no fields of a paper."""

_SCHEMA = """
CREATE TABLE papers (
    id TEXT PRIMARY KEY, revision INTEGER NOT NULL, content TEXT NOT NULL, record TEXT, added TEXT NOT NULL
);
CREATE UNIQUE INDEX papers_by_revision ON papers (revision);
CREATE INDEX papers_there ON papers (id) WHERE record IS NOT NULL;
CREATE TABLE tags (
    tag TEXT NOT NULL, paper TEXT NOT NULL, added TEXT NOT NULL, PRIMARY KEY (tag, paper)
) WITHOUT ROWID;
CREATE TABLE notes (paper TEXT PRIMARY KEY, note TEXT NOT NULL, changed TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE seen (paper TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE searches (name TEXT PRIMARY KEY, query TEXT NOT NULL, filter TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE cursors (source TEXT PRIMARY KEY, cursor TEXT, finished TEXT) WITHOUT ROWID;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

OnConflict = Literal["update", "error"]


@dataclass
class AddReport:
    """What became of some records.

    Attributes:
        new: Papers that were not there.
        changed: Papers whose record is another now.
        same: Papers whose record is what it was.
        removed: Papers that were there and are not any more.
        rejected: What could not be taken in, each with the reason.
        notes: What else one should know.
    """

    new: int = 0
    changed: int = 0
    same: int = 0
    removed: int = 0
    rejected: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __add__(self, other: "AddReport") -> "AddReport":
        return AddReport(
            self.new + other.new,
            self.changed + other.changed,
            self.same + other.same,
            self.removed + other.removed,
            [*self.rejected, *other.rejected],
            [*self.notes, *other.notes],
        )

    def __str__(self) -> str:
        removed = f", {self.removed:,} removed" if self.removed else ""
        rejected = f", {len(self.rejected):,} rejected" if self.rejected else ""
        notes = "".join(f"; {note}" for note in self.notes)
        return f"{self.new:,} new, {self.changed:,} changed, {self.same:,} as they were{removed}{rejected}{notes}"


class Records(Reading):
    """The records in a file, or in memory where `path` is None.

    Several processes may write at once: each batch is a transaction, and who comes second waits.

    Raises:
        LibraryError: the file is not one of ours, was written by a newer version, or cannot be read or written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._counted = (0, 0)  # at a revision: how many papers
        with self._telling():
            self._connection = sqlite3.connect(
                path or ":memory:", timeout=60, isolation_level=None, check_same_thread=False
            )
        try:
            with self._telling():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        (tables,) = self._connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if version > FORMAT:
            raise LibraryError(
                f"{self.path} was written by a newer paperwright (format {version}); upgrade paperwright"
            )
        if version == 0 and tables:
            raise LibraryError(f"{self.path} is a database of something else")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if version == 0:
            with self.transaction() as connection:
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {FORMAT}")
        elif version < FORMAT:
            self._connection.execute(f"PRAGMA user_version = {FORMAT}")

    @classmethod
    def of_dump(cls, content: bytes) -> "Records":
        """Records in memory, of what `dumped` gave.

        Raises:
            LibraryError: it is not that.
        """
        records = cls(None)
        try:
            with records._telling():
                records._connection.deserialize(content)
                records._prepare()
        except BaseException:
            records.close()
            raise
        return records

    def dumped(self) -> bytes:
        """All that they hold."""
        with self._reading() as connection:
            return connection.serialize()

    def close(self) -> None:
        self._connection.close()

    # -- papers --------------------------------------------------------------------------------------------------------

    def put(
        self,
        papers: Iterable[Paper],
        *,
        on_conflict: OnConflict = "update",
        cursor: tuple[str, str | None] | None = None,
        removed: Iterable[str] = (),
        first_row: int = 1,
    ) -> AddReport:
        """Takes papers in, all of them in one transaction.

        Args:
            papers: The newest record of an id counts.
            on_conflict: "update" replaces the record of a known id; "error" refuses another one.
            cursor: A source's name and how far it has been read with these papers.
            removed: Ids of papers to take out with these coming in.
            first_row: The number of the first paper, for messages.

        Raises:
            NavigatorError: a paper is known with another record, and `on_conflict` is "error"; nothing is taken in.
        """
        if on_conflict not in ("update", "error"):
            raise NavigatorError(f"on_conflict is 'update' or 'error'; got {on_conflict!r}")
        rows = list(enumerate(papers, start=first_row))
        report = AddReport()
        with self.transaction() as connection:
            known = self._contents(connection, list({paper.id for _, paper in rows}))
            before = dict(known)
            written: dict[str, str] = {}
            latest: dict[str, Paper] = {}
            for row, paper in rows:
                if paper.id in latest:
                    report.notes += _in_place(latest[paper.id], paper)
                latest[paper.id] = paper
                record = paper.json
                content = hashlib.sha256(record.encode()).hexdigest()
                if known.get(paper.id) == content:
                    continue
                if known.get(paper.id) and on_conflict == "error":
                    where = "came before" if paper.id in written else "is in the library"
                    raise NavigatorError(
                        f"row {row}: paper {paper.id} {where} with another record; "
                        "on_conflict='update' takes the new one"
                    )
                known[paper.id] = content
                written[paper.id] = record
            for identifier, content in list(known.items()):
                if before.get(identifier) == content:
                    report.same += 1
                    written.pop(identifier, None)
                elif before.get(identifier):
                    report.changed += 1
                else:
                    report.new += 1
            report.notes += self._replaced(connection, {i: written[i] for i in written if before.get(i)})
            first, now = self._revision(connection) + 1, time_now()
            values = [
                (identifier, revision, known[identifier], record, now)
                for revision, (identifier, record) in enumerate(written.items(), start=first)
            ]
            connection.executemany(
                "INSERT INTO papers VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                "revision = excluded.revision, content = excluded.content, record = excluded.record",
                values,
            )
            report.removed = self.remove(removed)
            if cursor is not None:
                self._set_cursor(connection, *cursor)
        return report

    @staticmethod
    def _replaced(connection: sqlite3.Connection, written: Mapping[str, str]) -> list[str]:
        """What is said where records take the place of other works' that were there."""
        notes = []
        for part in parts(list(written)):
            marks = ", ".join("?" * len(part))
            for identifier, record in connection.execute(f"SELECT id, record FROM papers WHERE id IN ({marks})", part):
                notes += _in_place(_paper(record), _paper(written[identifier]))
        return notes

    def remove(self, ids: Iterable[str]) -> int:
        """Takes papers out; returns how many there were.

        Their ids stay known as removed, for indexes to follow, and their tags and notes for the day they come back.
        """
        with self.transaction() as connection:
            gone = [identifier for identifier, content in self._contents(connection, list(ids)).items() if content]
            connection.executemany(
                "UPDATE papers SET revision = ?, content = '', record = NULL WHERE id = ?",
                list(enumerate(sorted(gone), start=self._revision(connection) + 1)),
            )
        return len(gone)

    @property
    def revision(self) -> int:
        """The number of the newest change; 0 in an empty library."""
        with self._reading() as connection:
            return self._revision(connection)

    def changed_since(self, revision: int) -> Iterator[tuple[int, str, Paper | None]]:
        """(revision, id, paper or None if it was removed) of every paper changed after a revision, oldest first."""
        while True:
            with self._reading() as connection:
                rows = connection.execute(
                    "SELECT revision, id, record FROM papers WHERE revision > ? ORDER BY revision LIMIT 1000",
                    (revision,),
                ).fetchall()
            for number, identifier, record in rows:
                yield number, identifier, None if record is None else _paper(record)
            if not rows:
                return
            revision = rows[-1][0]

    def count_since(self, revision: int) -> int:
        """How many papers `changed_since` gives."""
        with self._reading() as connection:
            (count,) = connection.execute("SELECT COUNT(*) FROM papers WHERE revision > ?", (revision,)).fetchone()
            return int(count)

    def get(self, identifier: str) -> Paper:
        """The paper of this id.

        Raises:
            UnknownPaperId: there is none.
        """
        found = self.many([identifier])
        if identifier not in found:
            raise unknown(identifier)
        return found[identifier]

    def many(self, ids: Sequence[str]) -> dict[str, Paper]:
        """The papers of these ids, in this order; those that are not there are left out."""
        found: dict[str, Paper] = {}
        with self._reading() as connection:
            for part in parts(ids):
                marks = ", ".join("?" * len(part))
                for identifier, record in connection.execute(
                    f"SELECT id, record FROM papers WHERE record IS NOT NULL AND id IN ({marks})", part
                ):
                    found[identifier] = _paper(record)
        return {identifier: found[identifier] for identifier in ids if identifier in found}

    def ids(self) -> list[str]:
        """The ids of all papers, sorted."""
        with self._reading() as connection:
            return [row[0] for row in connection.execute("SELECT id FROM papers WHERE record IS NOT NULL ORDER BY id")]

    def arrivals(self) -> dict[str, str]:
        """When each paper first came, an ISO time in UTC, by id."""
        with self._reading() as connection:
            return dict(connection.execute("SELECT id, added FROM papers WHERE record IS NOT NULL").fetchall())

    def all(self) -> Iterator[Paper]:
        """All papers, by id; a thousand at a time are held."""
        last = ""
        while True:
            with self._reading() as connection:
                rows = connection.execute(
                    "SELECT id, record FROM papers WHERE record IS NOT NULL AND id > ? ORDER BY id LIMIT 1000", (last,)
                ).fetchall()
            for _, record in rows:
                yield _paper(record)
            if not rows:
                return
            last = rows[-1][0]

    def __len__(self) -> int:
        with self._reading() as connection:
            revision = self._revision(connection)
            if self._counted[0] != revision:
                (count,) = connection.execute("SELECT COUNT(*) FROM papers WHERE record IS NOT NULL").fetchone()
                self._counted = revision, int(count)
            return self._counted[1]

    def __contains__(self, identifier: object) -> bool:
        with self._reading() as connection:
            return isinstance(identifier, str) and bool(self._contents(connection, [identifier]).get(identifier))

    # -- sources -------------------------------------------------------------------------------------------------------

    def cursor(self, source: str) -> str | None:
        """How far a source was read; None if it was not begun, or read to its end."""
        with self._reading() as connection:
            row = connection.execute("SELECT cursor FROM cursors WHERE source = ?", (source,)).fetchone()
            return row[0] if row else None

    def finished(self, source: str) -> str | None:
        """When a source was last read to its end, an ISO time in UTC."""
        with self._reading() as connection:
            row = connection.execute("SELECT finished FROM cursors WHERE source = ?", (source,)).fetchone()
            return row[0] if row else None

    @staticmethod
    def _set_cursor(connection: sqlite3.Connection, source: str, cursor: str | None) -> None:
        connection.execute(
            "INSERT INTO cursors VALUES (?, ?, ?) ON CONFLICT (source) DO UPDATE SET cursor = excluded.cursor, "
            "finished = COALESCE(excluded.finished, finished)",
            (source, cursor, time_now() if cursor is None else None),
        )

    # -- settings ------------------------------------------------------------------------------------------------------

    def setting(self, name: str) -> str | None:
        """What is set under a name."""
        with self._reading() as connection:
            row = connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
            return row[0] if row else None

    def set_setting(self, name: str, value: str) -> None:
        """Sets a value in place of what had that name."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )

    # -- the file ------------------------------------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """What SQLite itself finds wrong with the file, and records that cannot be read; empty if all is well."""
        found: list[str] = []
        with self._lock:
            try:
                found += [row[0] for row in self._connection.execute("PRAGMA integrity_check(10)") if row[0] != "ok"]
                for identifier, record in self._connection.execute(
                    "SELECT id, record FROM papers WHERE record IS NOT NULL"
                ):
                    try:
                        _paper(record)
                    except (ValueError, TypeError) as error:
                        found.append(f"the record of {identifier} cannot be read: {error}")
            except sqlite3.Error as error:
                found.append(str(error))
        return found

    @staticmethod
    def _revision(connection: sqlite3.Connection) -> int:
        (revision,) = connection.execute("SELECT COALESCE(MAX(revision), 0) FROM papers").fetchone()
        return int(revision)

    @staticmethod
    def _contents(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in parts(ids):
            marks = ", ".join("?" * len(part))
            found |= dict(connection.execute(f"SELECT id, content FROM papers WHERE id IN ({marks})", part).fetchall())
        return found

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._telling():
            yield self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is done within is done as one, or not at all; one within another is part of it."""
        with self._lock, self._telling():
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise LibraryError(f"the records in {self.path or 'memory'} cannot be used: {error}") from error


def _in_place(before: Paper, now: Paper) -> list[str]:
    """What is said where a record takes the place of another work's: none goes without a word.

    A source that is no file knows its papers apart, and may give one of them another title.
    """
    if (before.source == now.source and now.source not in OF_FILES) or titles_agree(before.title, now.title):
        return []
    return [f"{before.id} was {before.title!r:.80} and is {now.title!r:.80} now"]


def _paper(record: str) -> Paper:
    return Paper.from_dict(json.loads(record))
