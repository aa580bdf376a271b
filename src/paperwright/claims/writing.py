"""Files written whole or not at all."""

import os
from pathlib import Path


class WriteError(RuntimeError):
    """A file could not be written; the message names it. What stood there before still does."""

    exit_code = 4


def write_text(path: Path, text: str) -> None:
    """Writes a text file: beside its place first, then into it, so that nothing half-written is ever seen.

    Raises:
        WriteError: it cannot be written.
    """
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            half.write_text(text, encoding="utf-8")
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(f"cannot write {path}: {error.strerror or error}") from None
