"""The logic of tags: which papers one wants, said with several tags at once.

`a | b` wants papers like those under either tag, `a & b` like those under both, `! a` unlike those under a; brackets
group, `!` binds before `&`, and `&` before `|`. As in fuzzy logic, the score of `|` is the greater, of `&` the lesser
one, and of `!` the opposite (Zadeh, "Fuzzy sets", Information and Control 8, 1965).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64

from .errors import NavigatorError

_PIECE = re.compile(r"\s*([|&!()]|[^|&!()]+)")
DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Wish:
    """Tags and how they are joined.

    Attributes:
        kind: "tag" or one of the operations.
        tag: The name, of a "tag".
        parts: What an operation joins.
    """

    kind: Literal["tag", "|", "&", "!"]
    tag: str = ""
    parts: tuple["Wish", ...] = ()

    def tags(self) -> list[str]:
        """Every tag in it, each once, in the order of the text."""
        found = [self.tag] if self.kind == "tag" else [tag for part in self.parts for tag in part.tags()]
        return list(dict.fromkeys(found))

    def scores(self, of_tag: Callable[[str], Float64[np.ndarray, " papers"]]) -> Float64[np.ndarray, " papers"]:
        """How well each paper suits."""
        if self.kind == "tag":
            return of_tag(self.tag)
        parts = [part.scores(of_tag) for part in self.parts]
        joined: Float64[np.ndarray, " papers"]
        if self.kind == "!":
            joined = -parts[0]
        else:
            joined = np.maximum.reduce(parts) if self.kind == "|" else np.minimum.reduce(parts)
        return joined


def wish(text: str) -> Wish:
    """What a text asks for.

    Raises:
        NavigatorError: it is not names joined by `|`, `&`, `!` and brackets.
    """
    pieces = [piece.strip() for piece in _PIECE.findall(text) if piece.strip()]
    read, rest = _either(pieces, text, 0)
    if rest:
        raise _wrong(text)
    return read


def _either(pieces: list[str], text: str, depth: int) -> tuple[Wish, list[str]]:
    return _joined("|", pieces, text, depth)


def _joined(kind: Literal["|", "&"], pieces: list[str], text: str, depth: int) -> tuple[Wish, list[str]]:
    part, rest = _joined("&", pieces, text, depth) if kind == "|" else _single(pieces, text, depth)
    parts = [part]
    while rest and rest[0] == kind:
        part, rest = _joined("&", rest[1:], text, depth) if kind == "|" else _single(rest[1:], text, depth)
        parts.append(part)
    return (parts[0] if len(parts) == 1 else Wish(kind, parts=tuple(parts))), rest


def _single(pieces: list[str], text: str, depth: int) -> tuple[Wish, list[str]]:
    if not pieces or depth > DEEPEST:
        raise _wrong(text)
    first, rest = pieces[0], pieces[1:]
    if first == "!":
        part, rest = _single(rest, text, depth + 1)
        return Wish("!", parts=(part,)), rest
    if first == "(":
        part, rest = _either(rest, text, depth + 1)
        if not rest or rest[0] != ")":
            raise _wrong(text)
        return part, rest[1:]
    if first in "|&)":
        raise _wrong(text)
    return Wish("tag", first), rest


def _wrong(text: str) -> NavigatorError:
    return NavigatorError(f"tags are joined as in 'a & (b | c) & !d'; got {text!r:.100}")
