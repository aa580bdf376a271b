"""The doctor: what is wrong with a library, file by file, and what mends it."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import snapshot
from .duplicate_groups import sure_duplicates
from .encoders import Encoder
from .errors import LibraryError, NavigatorError
from .filters import Filter
from .lsa import LsaEncoder
from .problem import REBUILD, Problem

if TYPE_CHECKING:
    from .generation import Generation
    from .library import Library

__all__ = ["Problem", "diagnose", "examine"]

RESTORE = "restore it from a copy, or add the papers to a new library: everything else is made of it"
_AT_ONCE = 1_000


def examine(library: "Library") -> list[Problem]:
    """What is wrong with an open library; nothing if all is well.

    Every record is read, the files of the generation in force are read again, and the index is compared with the
    records. What was found damaged and mended when the library was opened is told too. Nothing is changed.
    """
    generation = library.generation
    where = str(library.records.path or "the records in memory")
    damaged = [Problem(where, what, RESTORE) for what in library.records.problems()]
    return [
        *generation.damage,
        *damaged,
        *_files(generation),
        *_index(generation),
        *([] if damaged else _twice(library)),
        *_environment(),
    ]


def diagnose(path: str | Path, encoder: Encoder | str | None = None) -> list[Problem]:
    """What is wrong with the library in a folder, whether it opens or not."""
    from .library import RECORDS, Library

    directory = Path(path)
    if not (directory / RECORDS).is_file():
        return [Problem(str(directory), f"there is no {RECORDS}", "make a library there, or name another folder")]
    try:
        with Library.open(directory, encoder) as library:
            return examine(library)
    except LibraryError as error:
        return [Problem(str(directory / RECORDS), str(error), RESTORE)]
    except NavigatorError as error:
        return [Problem(str(directory), str(error), "the rest was not looked at")]


def _files(generation: "Generation") -> list[Problem]:
    folder = generation.folder
    if folder is None or not generation.number:
        return []
    found = []
    checks: list[Callable[[], object]] = []
    if isinstance(generation.encoder, LsaEncoder):
        checks.append(lambda: LsaEncoder.load(folder))
    if generation.settings.index == "memory":
        checks.append(lambda: snapshot.read(folder / "index"))
    for check in checks:
        try:
            check()
        except LibraryError as error:
            found.append(Problem(folder.name, str(error), REBUILD))
    return found


def _index(generation: "Generation") -> list[Problem]:
    index, records, found = generation.index, generation.records, []
    where = f"the index ({generation.settings.index.partition(':')[0]})"
    if index.revision != records.revision:
        what = f"it is at change {index.revision}, the records at {records.revision}"
        found.append(Problem(where, what, "`Library.refresh` catches it up"))
    papers, counted = len(records), index.count(Filter())
    if papers != counted:
        found.append(Problem(where, f"it holds {counted:,} papers, the records {papers:,}", REBUILD))
    ids, missing, wrong = records.ids(), 0, 0
    for start in range(0, len(ids), _AT_ONCE):
        lengths = np.linalg.norm(index.vectors(ids[start : start + _AT_ONCE]), axis=1)
        missing += int((lengths == 0).sum())
        wrong += int((~((lengths == 0) | (np.abs(lengths - 1) < 0.01))).sum())
    if wrong:
        found.append(Problem(where, f"{wrong:,} vectors are not of length 1", REBUILD))
    if missing and generation.brought:
        found.append(Problem(where, f"{missing:,} papers have no vector", REBUILD))
    return found


def _twice(library: "Library") -> list[Problem]:
    groups = sure_duplicates(library)
    if not groups:
        return []
    named = "; ".join(" = ".join(group.ids) for group in groups[:3]) + ("; ..." if groups[3:] else "")
    are = "paper is" if len(groups) == 1 else "papers are"
    what = f"{len(groups):,} {are} there more than once: {named}"
    return [Problem("the records", what, "`paperwright duplicates` shows them, with --join it joins them")]


def _environment() -> list[Problem]:
    return [
        Problem("the environment", f"{module} is not installed", "pip install 'paperwright[navigator]'")
        for module in ("sklearn",)
        if importlib.util.find_spec(module) is None
    ]
