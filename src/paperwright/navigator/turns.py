"""Turns: one process at a time at what several would spoil for each other."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from .errors import LibraryError

TURN = "turn.sqlite"
_PATIENCE = 600.0  # seconds


@contextmanager
def turn(directory: Path | None) -> Iterator[None]:
    """Waits until no other process, and no other thread, has its turn in this folder; a process that dies ends its own.

    The lock is SQLite's, on an empty database of its own: it is the same on every system, and needs no library.

    Raises:
        LibraryError: ten minutes were not enough, or the folder cannot be written to.
    """
    if directory is None:
        yield
        return
    try:
        connection = sqlite3.connect(directory / TURN, timeout=_PATIENCE, isolation_level=None)
    except sqlite3.Error as error:
        raise LibraryError(f"{directory / TURN} cannot be used: {error}") from error
    with closing(connection):
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            raise LibraryError(f"{directory / TURN} cannot be used: {error}") from error
        yield
