"""The engines that an index may be of, each named by a text that a library keeps.

    memory                                  in this process, with a snapshot on disk
    lance                                   LanceDB, beside the library's records
    lance:s3://bucket/folder                LanceDB, in object storage
    postgresql://user@host/database         PostgreSQL with pgvector

An index outside the library's folder needs a name there. It is drawn at random, and kept in the folder together with
the folder's own path: a folder that was copied or moved leaves the original's index alone, and fills one of its own.
"""

import json
import re
import secrets
from pathlib import Path
from typing import cast

from paperwright.files import WriteError, write_text

from .errors import LibraryError, NavigatorError
from .index import Index

_EXPECTED = 'expected "memory", "lance", "lance:s3://bucket/folder" or "postgresql://user@host/database"'
PLACE = "place.json"


def open_index(engine: str, directory: Path | None) -> Index:
    """The index of an engine, made if it is not there.

    Args:
        engine: One of the above.
        directory: The index's own folder, made if it is not there; None is for "memory" only.

    Raises:
        NavigatorError: there is no such engine, or its library is not installed.
        LibraryError: it cannot be reached or opened.
    """
    if engine == "memory":
        from .memory_index import MemoryIndex

        return MemoryIndex(directory)
    name, _, address = engine.partition(":")
    if engine != "lance" and not (name == "lance" and address) and name not in ("postgresql", "postgres"):
        # What follows the colon is not repeated: it may hold a password.
        raise NavigatorError(f"there is no index of the kind {name!r:.40}; {_EXPECTED}")
    if directory is None:
        raise LibraryError(
            f"an index of the kind {name!r} belongs to a library with a folder; create one with `Library.create`"
        )
    # `cast`: their revision is a property, read from what all processes see; the protocol has an attribute.
    if name == "lance":
        from .lance_index import LanceIndex

        place = f"{address.rstrip('/')}/{name_of(directory)}" if address else directory
        return cast("Index", LanceIndex(place))
    from .postgres_index import PostgresIndex

    return cast("Index", PostgresIndex(engine, name_of(directory)))


def name_of(directory: Path) -> str:
    """The name of the index that belongs to a folder, such as `paperwright_iclr22_5f0c9a31d2e84b67`."""
    here = str(directory.resolve())
    kept = directory / PLACE
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if kept.exists():
            said = json.loads(kept.read_text(encoding="utf-8"))
            if said["directory"] == here and re.fullmatch(r"paperwright_[a-z0-9_]{1,50}", said["name"]):
                return str(said["name"])
        library = next(
            (part for part in reversed(directory.parts) if part != "index" and "generation-" not in part), ""
        )
        spoken = re.sub(r"[^a-z0-9]+", "_", library.casefold()).strip("_")[:30]
        name = f"paperwright_{spoken or 'library'}_{secrets.token_hex(8)}"
        write_text(kept, json.dumps({"name": name, "directory": here}))
    except (OSError, WriteError, ValueError, KeyError, TypeError) as error:
        raise LibraryError(f"{kept} cannot be read or written: {error}") from None
    return str(json.loads(kept.read_text(encoding="utf-8"))["name"])
