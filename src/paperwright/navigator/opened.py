"""The library that a command works on: the one named, the user's own, or, to read, the embedded one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import LibraryError, NavigatorError
from .library import RECORDS, Library, user_directory


def folder_of(path: Path | None) -> Path | None:
    """`path`, or where the user's own library is; None if there is neither, and the embedded one would be read."""
    if path is not None:
        return path
    directory = user_directory()
    return directory if (directory / RECORDS).is_file() else None


@contextmanager
def reading(path: Path | None) -> Iterator[Library]:
    """The library at `path`, the user's own, or the embedded one."""
    with Library.default(path) as library:
        yield library


@contextmanager
def writing(path: Path | None) -> Iterator[Library]:
    """The same, to be written to: what is embedded is copied to the user's own library first."""
    with reading(path) as library:
        writable = library.writable()
        try:
            yield writable
        finally:
            if writable is not library:
                writable.close()


@contextmanager
def own(path: Path | None, index: str | None = None, encoder: str | None = None) -> Iterator[Library]:
    """The library at `path`, or the user's own; where there is none, a new one with this index and this encoder.

    Raises:
        NavigatorError: there is one, and it was to have another index or encoder.
    """
    directory = path or user_directory()
    if not (directory / RECORDS).is_file():
        library = Library.create(directory, encoder=encoder, index=index or "memory")
    elif index is None and encoder is None:
        library = Library.open(directory)
    else:
        raise NavigatorError(f"there is a library in {directory}; --index and --encoder are for a new one")
    with library:
        yield library


@contextmanager
def existing(path: Path | None) -> Iterator[Library]:
    """The library at `path`, or the user's own; the embedded one will not do.

    Raises:
        LibraryError: there is none.
    """
    directory = path or user_directory()
    if not (directory / RECORDS).is_file():
        raise LibraryError(f"there is no library in {directory}; `paperwright sync` makes one")
    with Library.open(directory) as library:
        yield library
