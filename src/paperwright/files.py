"""Files written whole or not at all: what stood there stands until the new content has reached the disk."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


class WriteError(RuntimeError):
    """A file cannot be written; the message names it. What stood there before still does."""

    exit_code = 4


@contextmanager
def whole_file(path: Path, *, parents: bool = False) -> Iterator[BinaryIO]:
    """Open a file to be written whole: beside its place first, then into it when the block ends without an error.

    A link stays a link, and a device or a pipe (`/dev/stdout`) is written to as it is.

    Args:
        path: the file.
        parents: make the folders that are missing.

    Raises:
        WriteError: it cannot be written.
    """
    try:
        place = path.resolve()
        if parents:
            place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists() and not (place.is_file() or place.is_dir()):
            with place.open("wb") as file:
                yield file
            return
        half = place.with_name(f".{secrets.token_hex(8)}.half")
        try:
            with half.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            half.replace(place)
        finally:
            half.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(f"cannot write {path}: {error.strerror or error}") from error


def write_bytes(path: Path, content: bytes, *, parents: bool = False) -> None:
    """Write a file whole or not at all; with `parents`, in folders made for it.

    Raises:
        WriteError: it cannot be written.
    """
    with whole_file(path, parents=parents) as file:
        file.write(content)


def write_text(path: Path, text: str, *, parents: bool = False) -> None:
    """Write a text in UTF-8, its line ends as they are, whole or not at all; with `parents`, in folders made for it.

    Raises:
        WriteError: it cannot be written.
    """
    write_bytes(path, text.encode(), parents=parents)
