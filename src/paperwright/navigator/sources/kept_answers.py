"""Answers of servers, kept in a folder, so that what was asked a moment ago is not asked again."""

import os
import tempfile
import time
from pathlib import Path

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
            self.directory.mkdir(parents=True, exist_ok=True)
            handle, unfinished = tempfile.mkstemp(dir=self.directory)
            with os.fdopen(handle, "wb") as file:
                file.write(answer)
            Path(unfinished).replace(self.directory / name)
        except OSError as error:
            raise LibraryError(f"answers cannot be kept in {self.directory}: {error.strerror or error}") from None
