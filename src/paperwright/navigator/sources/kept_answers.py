"""Answers of servers, kept in a folder, so that what was asked a moment ago is not asked again."""

import time
from pathlib import Path

from paperwright.files import WriteError, write_bytes

from ..errors import LibraryError


class KeptAnswers:
    """Answers by name, each in a file of its own.

    Args:
        directory: Where they are kept; it is made when it is needed.
        seconds: How long an answer is good.
    """

    def __init__(self, directory: str | Path, seconds: float) -> None:
        self.directory = Path(directory)
        self.seconds = seconds

    def get(self, name: str) -> bytes | None:
        """The answer, unless there is none, or it is too old, which removes it."""
        path = self.directory / name
        try:
            if time.time() - path.stat().st_mtime > self.seconds:
                path.unlink()
                return None
            return path.read_bytes()
        except OSError:
            return None

    def put(self, name: str, answer: bytes) -> None:
        """Keeps an answer, whole or not at all.

        Raises:
            LibraryError: the folder cannot be written to.
        """
        try:
            write_bytes(self.directory / name, answer, parents=True)
        except WriteError as error:
            raise LibraryError(f"answers cannot be kept in {self.directory}: {error}") from None
