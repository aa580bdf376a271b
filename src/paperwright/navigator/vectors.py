"""Vectors of a library's texts: made in pieces, here or on other machines, and kept by the text that they are of.

Encoding, not searching, is what a neural library costs. A text that was encoded once is not encoded again, whatever
else changes in its paper's record, and an encoding that was cut short goes on where it stopped.
"""

import contextlib
import hashlib
import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from .encoders import AdaptedEncoder
from .errors import LibraryError, NavigatorError

if TYPE_CHECKING:
    from paperwright.executors import Place

PIECE = 256
"""Texts that are encoded in one call."""
_AT_ONCE = 500


class VectorCache:
    """Vectors in half precision by encoder and text, in an SQLite file or, without a path, in memory.

    A file that cannot be read is begun again: all in it can be made anew.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self._connection = self._opened()
        except sqlite3.DatabaseError:
            if path is None:
                raise
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
            self._connection = self._opened()

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path or ":memory:", timeout=60, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (text BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
            )
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    def get(self, keys: Sequence[bytes], width: int) -> dict[bytes, Float32[np.ndarray, " width"]]:
        """The vectors that are there."""
        found: dict[bytes, np.ndarray] = {}
        with self._lock:
            for start in range(0, len(keys), _AT_ONCE):
                part = keys[start : start + _AT_ONCE]
                marks = ", ".join("?" * len(part))
                for key, blob in self._connection.execute(
                    f"SELECT text, vector FROM vectors WHERE text IN ({marks})", part
                ):
                    if len(blob) == 2 * width:
                        found[key] = np.frombuffer(blob, dtype="<f2").astype(np.float32)
        return found

    def put(self, keys: Sequence[bytes], vectors: Float32[np.ndarray, "texts width"]) -> None:
        """Keeps some vectors, in one transaction."""
        rows = [(key, vector.tobytes()) for key, vector in zip(keys, vectors.astype("<f2"), strict=True)]
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def __len__(self) -> int:
        with self._lock:
            return int(self._connection.execute("SELECT COUNT(*) FROM vectors").fetchone()[0])

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()


def text_key(encoder: AdaptedEncoder, text: str) -> bytes:
    """What a text's vector is kept under: a hash of the text and the encoder's identity."""
    about = f"{encoder.identity.width} {encoder.identity.fingerprint}\n"
    return hashlib.sha256(about.encode() + text.encode("utf-8", "replace")).digest()[:16]


def encoded(
    encoder: AdaptedEncoder,
    ids: Sequence[str],
    texts: Sequence[str],
    cache: VectorCache,
    on: "Place | Executor | None" = None,
    progress: Callable[[int], None] | None = None,
    *,
    lenient: bool = False,
) -> Float32[np.ndarray, "texts width"]:
    """The unit vectors of some papers' texts, from the cache where they are there.

    They are rounded to half precision, as they are kept, so that a library gives the same numbers after it was closed.

    Args:
        encoder: Makes them.
        ids: Of the papers, for messages.
        texts: What is encoded.
        cache: Where they are kept, each piece as soon as it is there.
        on: Where they are made; None is here.
        progress: Is told how many more are there.
        lenient: Whether a vector that cannot be is left out, a row of zeros, instead of being refused.

    Raises:
        NavigatorError: a vector holds NaN or is zero; the message names the paper.
        EncoderMismatch: the vectors have another width than the library's.
    """
    keys = [text_key(encoder, text) for text in texts]
    known = cache.get(keys, encoder.width)
    missing = {key: row for row, key in enumerate(keys) if key not in known}
    rows = list(missing.values())
    if progress is not None and len(rows) < len(texts):
        progress(len(texts) - len(rows))
    pieces = [rows[start : start + PIECE] for start in range(0, len(rows), PIECE)]
    for piece, vectors in _made(encoder, texts, pieces, on):
        if lenient:
            good = np.isfinite(vectors).all(axis=1) & vectors.any(axis=1)
            piece, vectors = list(itertools.compress(piece, good)), vectors[good]
        checked([ids[row] for row in piece], vectors, encoder.name)
        vectors = vectors.astype(np.float16).astype(np.float32)
        cache.put([keys[row] for row in piece], vectors)
        known |= {keys[row]: vector for row, vector in zip(piece, vectors, strict=True)}
        if progress is not None:
            progress(len(piece))
    found = np.zeros((len(texts), encoder.width), dtype=np.float32)
    for row, key in enumerate(keys):
        if key in known:
            found[row] = known[key]
    return found


def checked(ids: Sequence[str], vectors: Float32[np.ndarray, "papers width"], name: str) -> None:
    """Refuses vectors that cannot be searched.

    Raises:
        NavigatorError: one holds NaN or infinity, or is zero; the message names the paper.
    """
    for what, wrong in (
        ("with NaN or infinity", ~np.isfinite(vectors).all(axis=1)),
        ("of zeros", ~vectors.any(axis=1)),
    ):
        if wrong.any():
            raise NavigatorError(
                f"the encoder {name} gives the paper {ids[int(np.argmax(wrong))]} a vector {what}; "
                "it needs a direction to be found by"
            )


def _made(
    encoder: AdaptedEncoder, texts: Sequence[str], pieces: list[list[int]], on: "Place | Executor | None"
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Each piece with its vectors, in the order in which they are ready; a few at a time are under way."""
    if on is None:
        for piece in pieces:
            yield piece, _piece(encoder, [texts[row] for row in piece])
        return
    executor: Executor = on if isinstance(on, Executor) else on.executor
    width = width_of(on)
    todo = iter(pieces)
    running: dict[Future[np.ndarray], list[int]] = {}
    try:
        while True:
            for piece in itertools.islice(todo, max(0, 2 * width - len(running))):
                running[executor.submit(_piece, encoder, [texts[row] for row in piece])] = piece
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                piece = running.pop(future)
                try:
                    yield piece, future.result()
                except NavigatorError:
                    raise
                except Exception as error:
                    raise LibraryError(
                        f"encoding failed where it was sent: {type(error).__name__}: {error}; what came before is kept"
                    ) from error
    finally:
        for future in running:
            with contextlib.suppress(Exception):
                future.cancel()


def width_of(on: "Place | Executor | None") -> int:
    """How many calls run at once; 1 for a call here."""
    if isinstance(on, Executor):  # it does not say, in so many words
        return int(getattr(on, "_max_workers", 2))
    return 1 if on is None else on.width


def _piece(encoder: AdaptedEncoder, texts: list[str]) -> np.ndarray:
    """What is sent to a worker."""
    return encoder.encode_document(texts)
