"""Decoded arrays on disk, keyed by the checksum of their content.

Decoding 70,000 PNG files takes seconds; mapping the same pixels into memory takes milliseconds. A set's arrays lie
as `.npy` files in a directory named after their checksum, and are checked against it once a process. `index/` holds
one small JSON file for each state of the source files, so that their content is known without decoding them again.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from paperwright.files import WriteError, write_text

from .content import Arrays, checksum_of_arrays

VARIABLE = "PAPERWRIGHT_CACHE"
FORMAT = 1  # raised when decoded arrays of the same source change

_checked: set[tuple[str, int, int]] = set()


def cache_directory() -> Path:
    """`$PAPERWRIGHT_CACHE`, or the platform's cache directory."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("paperwright", appauthor=False))


def state_of(label: str, files: Sequence[Path]) -> str:
    """Names what `files` hold now, by path, size and time of change: cheap, and enough to look up what was decoded."""
    stats = [(path, path.stat()) for path in (file.resolve() for file in files)]
    facts = [FORMAT, label, [[str(path), stat.st_size, stat.st_mtime_ns] for path, stat in stats]]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def recall(state: str) -> str | None:
    """The checksum that was found for this state of the source files, if any."""
    try:
        record = json.loads((cache_directory() / "index" / f"{state}.json").read_text("utf-8"))
        checksum = record["checksum"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # It names a folder, which is emptied if what lies there is not what it should be.
    return checksum if isinstance(checksum, str) and re.fullmatch("sha256:[0-9a-f]{64}", checksum) else None


def remember(state: str, label: str, checksum: str) -> None:
    """Notes down the checksum of this state of the source files."""
    with contextlib.suppress(WriteError):  # then it is decoded again
        index = cache_directory() / "index" / f"{state}.json"
        write_text(index, json.dumps({"what": label, "checksum": checksum}), parents=True)


def read(checksum: str) -> Arrays | None:
    """The arrays with this checksum, mapped copy-on-write; None if they are not here or not intact."""
    folder = _folder(checksum)
    try:
        files = sorted(folder.glob("*.npy"))
        if not files:
            return None
        # mmap_mode "c": pages are read when touched, and the caller may write without touching the file.
        arrays = {file.stem: np.asarray(np.load(file, mmap_mode="c", allow_pickle=False)) for file in files}
        stamps = {(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files}
    except (OSError, ValueError):
        arrays, stamps = {}, set()
    if not arrays or not (stamps <= _checked or checksum_of_arrays(arrays) == checksum):
        shutil.rmtree(folder, ignore_errors=True)
        return None
    _checked.update(stamps)
    return arrays


def write(checksum: str, arrays: Arrays) -> None:
    """Keeps arrays under their checksum; another process may do the same at the same time.

    A cache that cannot be written to costs time, never correctness, so that is not an error.
    """
    folder = _folder(checksum)
    if folder.exists():
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))
    except OSError:
        return
    try:
        for name, array in arrays.items():
            np.save(scratch / f"{name}.npy", array, allow_pickle=False)
        scratch.rename(folder)
    except OSError:
        shutil.rmtree(scratch, ignore_errors=True)


def _folder(checksum: str) -> Path:
    return cache_directory() / "arrays" / checksum.removeprefix("sha256:")
