"""A library's own synonyms: `synonyms.json` in its folder says what acronyms of its field stand for.

    {"pinn": "physics informed neural network", "drl": "deep reinforcement learning"}

They add to those that every library knows (`paperwright.navigator.text.SYNONYMS`). The file is read again when it
changes.
"""

import functools
import json
from collections.abc import Mapping
from pathlib import Path

from .text import tokens

FILE = "synonyms.json"


def spelled_out(text: str, directory: Path | None) -> tuple[str, str | None]:
    """The text with what its acronyms stand for before it, and a note if the file cannot be used.

    Args:
        text: A query.
        directory: The library's folder; None for a library without.
    """
    if directory is None:
        return text, None
    file = directory / FILE
    try:
        state = file.stat()
    except OSError:  # most libraries have none
        return text, None
    try:
        known = _read(file, state.st_mtime_ns, state.st_size)
    except (OSError, ValueError) as error:
        return text, f"{FILE} was not used: {error}"
    meanings = [known[term] for term in dict.fromkeys(tokens(text)) if term in known]
    return " ".join([*meanings, text]), None


@functools.lru_cache(maxsize=8)
def _read(file: Path, modified: int, size: int) -> Mapping[str, str]:
    """Meanings by the term that their acronym is searched as."""
    known = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(known, dict) or not all(isinstance(meaning, str) for meaning in known.values()):
        raise ValueError('expected {"acronym": "what it stands for", ...}')
    return {term: meaning[:1_000] for acronym, meaning in known.items() for term in tokens(acronym)[:1]}
