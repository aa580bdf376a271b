"""The embedded library, kept in the cache: while its sources are what they were, it is read and not made again.

A folder of the cache is named for a state of the sources: the cards, the table beside them, and the code that reads
them. In it lie the records and the index of their words, and in `meaning/`, from the day when somebody asked for a
vector, the encoder and an index with vectors. A folder comes into its place whole, by one rename, and is never changed;
the library itself is in memory, so that what a process does to its own reaches no other. A cache that cannot be read or
written costs time and nothing else.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from paperwright.data.cache import cache_directory, state_of
from paperwright.files import WriteError
from paperwright.registry import CARD, registry

from . import snapshot
from .errors import LibraryError
from .library import Library, embedded_table
from .lsa import LsaEncoder
from .memory_index import MemoryIndex
from .records import Records

FORMAT = 1
KEPT = 4
"""How many states are kept: with and without a table beside the cards, before an upgrade and after."""
RECORDS, INDEX, MEANING = "records", "index", "meaning"
_UNUSABLE = (OSError, LibraryError, WriteError, ValueError, KeyError)


class EmbeddedLibrary(Library):
    """The embedded library, which goes into the cache again when its vectors are made.

    Args:
        records: In memory.
        place: Its folder in the cache; None where there can be none.
    """

    def __init__(self, records: Records, place: Path | None) -> None:
        super().__init__(records, None, None)
        self._place = place
        self._kept_revision = records.revision

    def _with_vectors(self) -> None:
        missing = self._now.without_vectors
        super()._with_vectors()
        unchanged = self.records.revision == self._kept_revision  # else they are of other papers too
        if missing and unchanged and self._place is not None and not self._now.without_vectors:
            with suppress(*_UNUSABLE):
                _put(self._place / MEANING, self._write_meaning)

    def cache_file(self, name: str) -> Path | None:
        """Where to keep what is made of the library, such as its map; None where nothing can be kept."""
        super().cache_file(name)
        if self._place is None or not os.access(self._place, os.W_OK):
            return None
        folder = self._place / "derived"
        folder.mkdir(exist_ok=True)
        return folder / name

    def read_from(self, place: Path) -> None:
        """Takes over index and encoder from a folder of the cache.

        Raises:
            LibraryError: they are not of these records, or cannot be read.
        """
        folder = place / MEANING if (place / MEANING).is_dir() else place
        index = MemoryIndex(folder / INDEX)
        if index.revision != self.records.revision:
            raise LibraryError(f"{folder} does not fit its records: {index.damage or 'it is of others'}")
        index.directory = None
        encoder = LsaEncoder.load(folder) if folder != place else LsaEncoder.unfitted()
        self._now = replace(self._now, index=index, encoder=encoder)

    def write_words(self, folder: Path) -> None:
        """Writes the records and the index of their words into a folder."""
        content = np.frombuffer(self.records.dumped(), dtype=np.uint8)
        snapshot.write(folder / RECORDS, self.revision, {}, {"content": content})
        self._write_index(folder)

    def _write_meaning(self, folder: Path) -> None:
        encoder = self._now.encoder
        assert isinstance(encoder, LsaEncoder)
        encoder.save(folder)
        self._write_index(folder)

    def _write_index(self, folder: Path) -> None:
        index = self._now.index
        assert isinstance(index, MemoryIndex)
        index.directory = folder / INDEX
        try:
            index.snapshot()
        finally:
            index.directory = None


def embedded_library() -> Library:
    """The embedded library, from the cache where it is there and whole; else made, and put there."""
    place = _place()
    if place is not None and place.is_dir():
        try:
            return _read(place)
        except _UNUSABLE:
            shutil.rmtree(place, ignore_errors=True)
    made = Library.embedded()
    if place is None:
        return made
    with suppress(*_UNUSABLE):
        library = EmbeddedLibrary(made.records, place)
        library._now = made.generation
        _put(place, library.write_words)
        _let_go_of_old_ones(place)
        return library
    return made


def _place() -> Path | None:
    """The folder for the sources as they are now; None if they have no state, being no files."""
    here = Path(__file__).resolve().parent
    files = [room.path / CARD for room in registry().rooms()]
    files += [*sorted(here.rglob("*.py")), *sorted(here.parent.glob("*.py"))]
    files += [table] if (table := embedded_table()) is not None else []
    with suppress(OSError):
        return cache_directory().absolute() / "embedded" / state_of(f"embedded library {FORMAT}", files)[:32]
    return None


def _read(place: Path) -> Library:
    kept = snapshot.read(place / RECORDS)
    if kept is None:
        raise LibraryError(f"{place} has no records")
    records = Records.of_dump(kept.arrays["content"].tobytes())
    try:
        library = EmbeddedLibrary(records, place)
        library.read_from(place)
    except BaseException:
        records.close()
        raise
    with suppress(OSError):
        place.touch()  # the last that was used is the last to go
    return library


def _put(place: Path, write: Callable[[Path], None]) -> None:
    """Puts a folder in its place; another process may have been first, and then that one's stays."""
    place.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        write(new)
        new.rename(place)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _let_go_of_old_ones(place: Path) -> None:
    """Leaves the states that were used last."""
    folders = [(folder.stat().st_mtime, folder) for folder in place.parent.iterdir() if folder != place]
    for _, folder in sorted(folders, reverse=True)[KEPT - 1 :]:
        shutil.rmtree(folder, ignore_errors=True)
