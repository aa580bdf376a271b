"""What a reader adds to a library: tags, notes, what was seen, and searches that are kept."""

import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .errors import NavigatorError
from .known_items import unknown

_AT_ONCE = 500  # ids in one query; SQLite's limit on variables may be as low as 999


@dataclass(frozen=True)
class SavedSearch:
    """A search that is kept under a name: its query and the plain form of its filter."""

    name: str
    query: str
    where: Mapping[str, Any]


class Reading(ABC):
    """The part of a library's records that is the reader's own."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[sqlite3.Connection]: ...

    @abstractmethod
    def _reading(self) -> AbstractContextManager[sqlite3.Connection]: ...

    @staticmethod
    @abstractmethod
    def _contents(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, str]: ...

    def tag(self, name: str, ids: Iterable[str]) -> None:
        """Puts papers under a tag.

        Raises:
            UnknownPaperId: one of them is not in the library; none is tagged.
        """
        name, ids = tag_name(name), list(ids)
        with self.transaction() as connection:
            known = self._contents(connection, ids)
            if missing := [identifier for identifier in ids if not known.get(identifier)]:
                raise unknown(missing[0])
            now = time_now()
            connection.executemany(
                "INSERT INTO tags VALUES (?, ?, ?) ON CONFLICT DO NOTHING", [(name, one, now) for one in ids]
            )

    def untag(self, name: str, ids: Iterable[str] | None = None) -> None:
        """Takes papers from under a tag; without `ids`, all of them."""
        name = tag_name(name)
        with self.transaction() as connection:
            if ids is None:
                connection.execute("DELETE FROM tags WHERE tag = ?", (name,))
            else:
                connection.executemany(
                    "DELETE FROM tags WHERE tag = ? AND paper = ?", [(name, storable(one)) for one in ids]
                )

    def hand_on(self, ids: Iterable[str], to: str) -> None:
        """Gives what the reader has put on some papers, tags, notes and that they were seen, to another paper."""
        with self.transaction() as connection:
            for one in map(storable, ids):
                connection.execute(
                    "INSERT INTO tags SELECT tag, ?, added FROM tags WHERE paper = ? ON CONFLICT DO NOTHING", (to, one)
                )
                connection.execute(
                    "INSERT INTO seen SELECT ?, at FROM seen WHERE paper = ? ON CONFLICT DO NOTHING", (to, one)
                )
                connection.execute(
                    "INSERT INTO notes SELECT ?, note, changed FROM notes WHERE paper = ? "
                    "ON CONFLICT (paper) DO UPDATE SET note = notes.note || char(10) || excluded.note, "
                    "changed = MAX(notes.changed, excluded.changed)",
                    (to, one),
                )
                for table in ("tags", "seen", "notes"):
                    connection.execute(f"DELETE FROM {table} WHERE paper = ?", (one,))

    def tags(self) -> dict[str, int]:
        """The tags, each with how many papers it has."""
        with self._reading() as connection:
            return dict(
                connection.execute(
                    "SELECT tag, COUNT(*) FROM tags JOIN papers ON paper = id WHERE record IS NOT NULL "
                    "GROUP BY tag ORDER BY tag"
                ).fetchall()
            )

    def tagged(self, name: str) -> list[str]:
        """The ids of the papers under a tag, in the order in which they came there."""
        with self._reading() as connection:
            return [
                row[0]
                for row in connection.execute(
                    "SELECT paper FROM tags JOIN papers ON paper = id WHERE tag = ? AND record IS NOT NULL "
                    "ORDER BY tags.added, paper",
                    (tag_name(name),),
                )
            ]

    def tags_of(self, identifier: str) -> list[str]:
        """The tags of a paper."""
        with self._reading() as connection:
            return [
                row[0]
                for row in connection.execute(
                    "SELECT tag FROM tags WHERE paper = ? ORDER BY tag", (storable(identifier),)
                )
            ]

    def write_note(self, identifier: str, note: str) -> None:
        """Keeps a note on a paper; an empty one takes it away."""
        with self.transaction() as connection:
            if not self._contents(connection, [identifier]).get(identifier):
                raise unknown(identifier)
            connection.execute("DELETE FROM notes WHERE paper = ?", (identifier,))
            if note.strip():
                connection.execute(
                    "INSERT INTO notes VALUES (?, ?, ?)", (identifier, storable(note[:100_000]), time_now())
                )

    def note(self, identifier: str) -> str:
        """The note on a paper; empty where there is none."""
        with self._reading() as connection:
            row = connection.execute("SELECT note FROM notes WHERE paper = ?", (storable(identifier),)).fetchone()
            return row[0] if row else ""

    def mark_seen(self, ids: Iterable[str]) -> None:
        """Remembers that papers were read or passed over."""
        with self.transaction() as connection:
            connection.executemany(
                "INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING", [(storable(one), time_now()) for one in ids]
            )

    def seen(self) -> set[str]:
        with self._reading() as connection:
            return {row[0] for row in connection.execute("SELECT paper FROM seen")}

    def save_search(self, name: str, query: str, where: Mapping[str, Any] | None = None) -> None:
        """Keeps a search under a name, in place of what had that name."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO searches VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
                "query = excluded.query, filter = excluded.filter",
                (tag_name(name), storable(query[:10_000]), _written(where or {})),
            )

    def forget_search(self, name: str) -> None:
        with self.transaction() as connection:
            connection.execute("DELETE FROM searches WHERE name = ?", (tag_name(name),))

    def searches(self) -> dict[str, SavedSearch]:
        """The saved searches by name."""
        with self._reading() as connection:
            rows = connection.execute("SELECT name, query, filter FROM searches ORDER BY name").fetchall()
        return {name: SavedSearch(name, query, _read(where)) for name, query, where in rows}


# JSON has no pairs: a range (low, high) would come back as a list, which means "any of these".
def _written(where: Mapping[str, Any]) -> str:
    return json.dumps({name: {"range": one} if isinstance(one, tuple) else one for name, one in where.items()})


def _read(where: str) -> dict[str, Any]:
    return {name: tuple(one["range"]) if isinstance(one, dict) else one for name, one in json.loads(where).items()}


def tag_name(name: str) -> str:
    """A tag's name in its one spelling.

    Raises:
        NavigatorError: it is not 1 to 60 letters, digits, spaces and `-_.:/+`.
    """
    folded = " ".join(str(name).split())
    if not 1 <= len(folded) <= 60 or not all(one.isalnum() or one in " -_.:/+" for one in folded) or ".." in folded:
        raise NavigatorError(f"a name is 1 to 60 letters, digits, spaces and any of -_.:/+; got {name!r:.80}")
    return folded


def parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    ids = [identifier for identifier in ids if storable(identifier) == identifier]
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]


def storable(text: str) -> str:
    """The text without lone surrogates, which SQLite refuses."""
    return text.encode("utf-8", "replace").decode("utf-8")


def time_now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
