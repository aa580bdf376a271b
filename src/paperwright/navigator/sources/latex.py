"""LaTeX as the text that it prints, and the names in a BibTeX field."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from ..names import Name

# What the decoder has no letters for, or takes away.
_LETTERS = {
    **{"textbraceleft": r"\\{", "textbraceright": r"\\}", "textasciicircum": "^", "textless": "<", "textgreater": ">"},
    **{"LaTeX": "LaTeX", "LaTeXe": "LaTeX2e", "TeX": "TeX", "BibTeX": "BibTeX", "textbar": "|", "slash": "/"},
    **{"textunderscore": r"\\_", "pounds": "£", "copyright": "©", "S": "§", "P": "¶", "nobreakspace": " "},
}
_COMMANDS = [(re.compile(rf"\\{name}(\{{\}}|(?![A-Za-z])\s?)"), letter) for name, letter in _LETTERS.items()]
_BOX = re.compile(r"\\(?:mbox|hbox|text|textnormal|textup|textsc|textsf|texttt|texorpdfstring\{[^{}]*\})(?=\{)")
_ACCENT = re.compile(r"(\\[a-zA-Z])\s+(?=\\?[a-zA-Z])")  # \v S: a command of one letter takes what follows


def plain_text(latex: str) -> str:
    """The text that LaTeX would print; formulas stay as they are."""
    if not re.search(r"[\\{}~]|--|``|''", latex):
        return latex
    from bibtexparser.model import Entry, Field

    for command, letter in _COMMANDS:
        latex = command.sub(letter, latex)
    latex = _BOX.sub("", latex)
    # BibTeX knows no comments, but a decoder of LaTeX would take what follows a bare % for one.
    latex = re.sub(r"(?<!\\)%", r"\\%", latex)
    decoded = _decoder().transform_entry(Entry("misc", "one", [Field("text", latex)]), None)
    value = decoded.fields_dict["text"].value if hasattr(decoded, "fields_dict") else latex
    return str(value)


@cache
def _decoder() -> Any:
    from bibtexparser.middlewares import LatexDecodingMiddleware

    return LatexDecodingMiddleware()


def names_in(field: str) -> tuple[Name, ...]:
    """The names in a field such as `author`; "others", who have none, are left out."""
    found = (_name(part) for part in _split(" ".join(field.split()), r"\s+and\s+"))
    return tuple(name for name in found if name.family and str(name).lower() != "others")


def _name(latex: str) -> Name:
    """One name, by the rules of BibTeX: commas that stand in no braces part it, and a body is in braces whole."""
    latex = latex.strip(" ,")
    if re.match(r"\{(?!\\)", latex) and _closes(latex) == len(latex) - 1:
        return Name(" ".join(plain_text(latex[1:-1]).split()), body=True)
    named = dict(re.findall(r"(family|given|prefix|suffix)\s*=\s*(\{[^{}]*\}|\"[^\"]*\"|[^,]*)", latex))
    if "family" in named:  # the extended format of biblatex, Section 3.4
        said = {part: plain_text(text.strip('"{} ')) for part, text in named.items()}
        return Name.of(
            family=said["family"],
            given=said.get("given", ""),
            particle=said.get("prefix", ""),
            suffix=said.get("suffix", ""),
        )
    parts = [_words(part) for part in _split(latex, r",")]
    if len(parts) == 1:
        words = parts[0]
        # A small letter after the first word begins the family name: Ludwig van Beethoven.
        first = next((i for i, word in enumerate(words[:-1]) if i and word[:1].islower()), len(words) - 1)
        return Name.of(family=" ".join(words[first:]), given=" ".join(words[:first]))
    surname, *middle, given = (" ".join(words) for words in parts)
    return Name.of(family=surname, given=given, suffix=" ".join(middle))


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
