"""LaTeX as the text that it prints, and the names in a BibTeX field."""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from ..names import Name, begins_small

# What the decoder has no letters for, or takes away.
_LETTERS = {
    **{"textbraceleft": r"\\{", "textbraceright": r"\\}", "textasciicircum": "^", "textless": "<", "textgreater": ">"},
    **{"LaTeX": "LaTeX", "LaTeXe": "LaTeX2e", "TeX": "TeX", "BibTeX": "BibTeX", "textbar": "|", "slash": "/"},
    **{"textunderscore": r"\\_", "pounds": "£", "copyright": "©", "S": "§", "P": "¶", "nobreakspace": " "},
}
_COMMANDS = [(re.compile(rf"\\{name}(\{{\}}|(?![A-Za-z])\s?)"), letter) for name, letter in _LETTERS.items()]
# Boxes whose content is the text, and marks of where a word may be broken, which print nothing.
_BOX = re.compile(
    r"\\(?:mbox|hbox|text|textnormal|textup|textsc|textsf|texttt|texorpdfstring\{[^{}]*\}|href\{[^{}]*\})(?=\{)|\\-"
)
_VERB = re.compile(r"\\verb\*?([^A-Za-z*\s])(.*?)\1")
_ACCENT = re.compile(r"(\\[a-zA-Z])\s+(?=\\?[a-zA-Z])")  # \v S: a command of one letter takes what follows

_EXTENDED = re.compile(r'"?([a-z]+(?:-i)?)\s*=\s*"?(.*)', re.DOTALL)  # a part of a name, by biblatex's Section 3.4


def plain_text(latex: str) -> str:
    """The text that LaTeX would print; formulas stay as they are."""
    if not re.search(r"[\\{}~]|--|``|''", latex):
        return latex
    # Titles and names come more than once, and decoding is slow; abstracts come once.
    return _short(latex) if len(latex) <= 500 else _decoded(latex)


def _decoded(latex: str) -> str:
    from bibtexparser.model import Entry, Field

    for command, letter in _COMMANDS:
        latex = command.sub(letter, latex)
    latex = _BOX.sub("", _VERB.sub(r"\2", latex))
    # BibTeX knows neither comments nor columns; a decoder of LaTeX would take a bare % or & for the mark of one.
    latex = re.sub(r"(?<!\\)([%&])", r"\\\1", latex)
    decoded = _decoder().transform_entry(Entry("misc", "one", [Field("text", latex)]), None)
    value = decoded.fields_dict["text"].value if hasattr(decoded, "fields_dict") else latex
    return str(value)


_short = lru_cache(1 << 14)(_decoded)


@cache
def _decoder() -> Any:
    from bibtexparser.middlewares import LatexDecodingMiddleware

    return LatexDecodingMiddleware()


def names_in(field: str) -> tuple[Name, ...]:
    """The names in a field such as `author`; "others", who have none, are left out."""
    found = (_name(part) for part in _split(" ".join(field.split()), r"\s+and\s+"))
    return tuple(name for name in found if name.family and str(name).lower() != "others")


def has_others(field: str) -> bool:
    """Whether a field of names ends in "and others", people who are not named."""
    return bool(re.search(r"(?:^|\s)and\s+others\s*$", field, re.IGNORECASE))


def _name(latex: str) -> Name:
    """One name, by the rules of BibTeX: commas that stand in no braces part it, and a body is in braces whole."""
    latex = latex.strip(" ,")
    if re.match(r"\{(?!\\)", latex) and _closes(latex) == len(latex) - 1:
        return Name(" ".join(plain_text(latex[1:-1]).split()), body=True)
    pieces = list(_split(latex, r","))
    extended = [found for piece in pieces if (found := _EXTENDED.fullmatch(piece.strip()))]
    if len(extended) == len(pieces) and any(found.group(1) == "family" for found in extended):
        return _extended_name({found.group(1): found.group(2).rstrip('" ') for found in extended})
    parts = [_words(piece) for piece in pieces]
    if len(parts) == 1:
        words = parts[0]
        # A small letter after the first word begins the family name: Ludwig van Beethoven.
        first = next((i for i, word in enumerate(words[:-1]) if i and begins_small(word)), len(words) - 1)
        return Name.of(family=" ".join(words[first:]), given=" ".join(words[:first]))
    surname, *middle, given = (" ".join(words) for words in parts)
    return Name.of(family=surname, given=given, suffix=" ".join(middle))


def _extended_name(said: Mapping[str, str]) -> Name:
    """A name whose parts are named; a family name in braces that stands alone is that of a body."""
    family, given, prefix, suffix = (said.get(part, "") for part in ("family", "given", "prefix", "suffix"))
    plain = [" ".join(plain_text(part).split()) for part in (family, given, prefix, suffix)]
    if family.startswith("{") and not any(plain[1:]):
        return Name(plain[0], body=True)
    return Name.of(family=plain[0], given=plain[1], particle=plain[2], suffix=plain[3])


def _words(latex: str) -> list[str]:
    """The words of a name, each as it prints; what is in braces is part of one."""
    latex = _ACCENT.sub(r"\1{}", re.sub(r"(?<![A-Za-z])(\\[A-Za-z]+)\s+", r"\1{}", latex))
    latex = re.sub(r"(\\[a-zA-Z])\{\}(\\?[a-zA-Z])", _accented, latex)
    return [word for part in _split(latex, r"\s+|(?<!\\)~") if (word := " ".join(plain_text(part).split()))]


def _accented(found: "re.Match[str]") -> str:
    """An accent and its letter as one, `\\v S` as `\\v{S}`; letters such as `\\O` end where they did."""
    command, letter = found.groups()
    return f"{command}{{{letter}}}" if command[1] in "bcdHkrtuv" else found.group()


def _split(latex: str, separator: str) -> Iterator[str]:
    """The pieces between separators that stand in no braces."""
    begin = at = depth = 0
    pattern = re.compile(separator, re.IGNORECASE)
    while at < len(latex):
        if latex[at] == "\\":
            at += 2
            continue
        depth += (latex[at] == "{") - (latex[at] == "}")
        found = pattern.match(latex, at) if depth == 0 else None
        if found:
            yield latex[begin:at]
            begin = at = found.end()
        else:
            at += 1
    yield latex[begin:]


def _closes(latex: str) -> int:
    """Where the brace that a text begins with is closed."""
    depth = 0
    for at, one in enumerate(latex):
        if latex[at - 1 : at] != "\\":
            depth += (one == "{") - (one == "}")
        if depth == 0:
            return at
    return -1
