"""Snapshots: arrays and texts in a folder, with checksums, put in place by one rename.

A snapshot is a folder NAME-NUMBER beside a file NAME.current that names it. It is written under another name first, so
that who is killed in the midst leaves the old one in force; what is left behind so is swept away by a later one.
"""

import json
import shutil
import tempfile
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from paperwright.files import write_text

from .errors import LibraryError

_STALE = 3_600  # seconds after which a half-written snapshot has no writer any more
_CONTENT = "content.json"


class Snapshot(NamedTuple):
    """What a snapshot holds: JSON values, and arrays by name."""

    values: dict[str, Any]
    arrays: dict[str, np.ndarray]


def write(place: Path, number: int, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Writes a snapshot, in place of the one before."""
    place.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        for at, array in enumerate(arrays.values()):
            np.save(new / f"{at}.npy", array, allow_pickle=False)
        checksums = {name: _checksum(new / f"{at}.npy") for at, name in enumerate(arrays)}
        text = json.dumps({"arrays": checksums, "values": dict(values)}, ensure_ascii=False, separators=(",", ":"))
        content = text.encode()
        (new / _CONTENT).write_bytes(b"%d\n" % zlib.crc32(content) + content)
        target = place.with_name(f"{place.name}-{number}-{new.name.rpartition('-')[2]}")
        new.rename(target)
        write_text(_pointer(place), target.name)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    for old in [*place.parent.glob(f"{place.name}-*"), *place.parent.glob(f".{place.name}-*")]:
        stale = not old.name.startswith(".") or time.time() - old.stat().st_mtime > _STALE
        if old != target and stale:
            shutil.rmtree(old, ignore_errors=True)


def read(place: Path) -> Snapshot | None:
    """The snapshot at a place; None if there is none.

    Raises:
        LibraryError: a file of it is missing, cannot be read or is not what was written; the message names it.
    """
    for attempt in range(3):
        try:
            folder = place.with_name(Path(_pointer(place).read_text(encoding="utf-8").strip()).name)
        except OSError:
            return None
        try:
            return _read(folder)
        except LibraryError:
            # Another process may have put a newer one in place meanwhile.
            if attempt == 2 or folder.exists():
                raise
    return None


def _read(folder: Path) -> Snapshot:
    file = folder / _CONTENT
    try:
        checksum, _, content = file.read_bytes().partition(b"\n")
        if checksum != b"%d" % zlib.crc32(content):
            raise ValueError("its checksum is another")
        written = json.loads(content)
        arrays = {}
        for at, (name, known) in enumerate(written["arrays"].items()):
            file = folder / f"{at}.npy"
            if _checksum(file) != known:
                raise ValueError("its checksum is another")
            arrays[name] = np.load(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise LibraryError(f"{file} cannot be read: {error}") from None
    return Snapshot(written["values"], arrays)


def _checksum(file: Path) -> int:
    checksum = 0
    with file.open("rb") as content:
        while part := content.read(1 << 22):
            checksum = zlib.crc32(part, checksum)
    return checksum


def _pointer(place: Path) -> Path:
    return place.with_name(f"{place.name}.current")
