"""The encoding of a file of text: by its mark, by its bytes, by what it states, or Cp1252 as Windows wrote it.

A character that was read wrongly is stored wrongly for ever: a file that may be in any of several encodings is refused
before a record of it is read.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ..errors import NavigatorError

AT_ONCE = 1 << 20
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before that of UTF-16, which it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# "% Encoding: Cp1252" of JabRef, "% -*- coding: latin-1 -*-" of Emacs.
_STATED = re.compile(rb"^%.*?\b(?:en)?coding[:=]\s*([-\w.]+)", re.IGNORECASE | re.MULTILINE)
_FOREIGN_RUN = 4
"""So many bytes above ASCII in a row are no Western word; Greek, Cyrillic and Chinese are made of such runs."""


@dataclass(frozen=True)
class Encoding:
    """How a file is to be decoded.

    Attributes:
        name: As Python calls it.
        errors: What becomes of a byte that is not in it, likewise.
        note: What a reader should know about it; empty where nothing was guessed.
    """

    name: str
    errors: str = "strict"
    note: str = ""


@dataclass
class _Count:
    """What stands above ASCII in a file that is not UTF-8.

    Attributes:
        characters: Those that are whole in UTF-8.
        strays: Bytes that belong to none.
        bytes: All bytes above ASCII.
        foreign: Those in runs of `_FOREIGN_RUN` and more.
    """

    characters: int = 0
    strays: int = 0
    bytes: int = 0
    foreign: int = 0


def encoding_of(file: BinaryIO, name: str) -> Encoding:
    """The encoding of a file, which is left at its beginning.

    UTF-16 and UTF-32 go by their mark. What is UTF-8 throughout is UTF-8, whatever it states, for no other text is by
    chance. Else the encoding counts that the file states in a line that begins with "%"; then UTF-8 with a few stray
    bytes; then Cp1252.

    Args:
        file: Its bytes.
        name: What messages call it.

    Raises:
        NavigatorError: it is in none of these, or not in the one that its mark or itself states.
    """
    beginning = file.read(2_000)
    marked = next((found for mark, found in _MARKS.items() if beginning.startswith(mark)), None)
    if marked is not None and marked != "utf-8-sig":
        return _checked(file, Encoding(marked), name)
    if _fits(file, "utf-8"):
        return Encoding("utf-8-sig")
    stated = _STATED.search(beginning)
    if marked is None and stated is not None and (found := _lookup(stated.group(1).decode())) is not None:
        return _checked(file, Encoding(found), name)
    count = _counted(file)
    if marked is not None or count.characters > count.strays:
        what = "a byte is not UTF-8 and was" if count.strays == 1 else f"{count.strays:,} bytes are not UTF-8 and were"
        return Encoding("utf-8-sig", _STRAYS, f"{name}: {what} read as Cp1252")
    if 2 * count.foreign > count.bytes:
        raise _refusal(name, "is neither UTF-8 nor Western text in Cp1252")
    return _checked(file, Encoding("cp1252", note=f"{name} is not UTF-8; it was read as Cp1252"), name)


def _lookup(stated: str) -> str | None:
    """An encoding by the name that a file gives it; None for UTF-8, which it is not, and for what is no encoding."""
    try:
        found = codecs.lookup(stated.removeprefix("x-")).name
        "".encode(found)
    except (LookupError, UnicodeError):
        return None
    return None if found in ("utf-8", "ascii") else found


def _checked(file: BinaryIO, encoding: Encoding, name: str) -> Encoding:
    if not _fits(file, encoding.name):
        raise _refusal(name, f"is neither UTF-8 nor {encoding.name} throughout")
    return encoding


def _refusal(name: str, what: str) -> NavigatorError:
    return NavigatorError(f"{name} {what}; expected UTF-8, or a mark that says what it is. Save it as UTF-8")


def _fits(file: BinaryIO, encoding: str) -> bool:
    """Whether every byte of a file is in an encoding."""
    try:
        for _ in _decoded(file, encoding, "strict"):
            pass
    except UnicodeError:
        return False
    finally:
        file.seek(0)
    return True


def _counted(file: BinaryIO) -> _Count:
    count = _Count()
    for text in _decoded(file, "utf-8", "surrogateescape"):
        strays = len(re.findall("[\udc80-\udcff]", text))
        count.strays += strays
        count.characters += len(re.findall("[^\x00-\x7f]", text)) - strays
    for part in _parts(file):
        runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", part)]
        count.bytes += sum(runs)
        count.foreign += sum(run for run in runs if run >= _FOREIGN_RUN)
    return count


def _decoded(file: BinaryIO, encoding: str, errors: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    for part in _parts(file):
        yield decoder.decode(part)
    yield decoder.decode(b"", True)


def _parts(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while part := file.read(AT_ONCE):
        yield part
    file.seek(0)


_STRAYS = "paperwright.strays"
"""The error handler that reads a stray byte as Cp1252, and half a character of UTF-8 as U+FFFD."""


def _stray(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bytes_ = error.object[error.start : error.end]
    return bytes_.decode("cp1252", "replace") if len(bytes_) == 1 else "\ufffd", error.end


_handler: Callable[[UnicodeError], tuple[str, int]] = _stray
codecs.register_error(_STRAYS, _handler)
