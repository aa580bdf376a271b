"""Names in their parts: family, given, particle and suffix, or the one name of a body.

The parts are BibTeX's (Patashnik, "BibTeXing", 1988, Section 4) under the names that CSL gives them. A name is kept as
the text that BibTeX writes for it, which says where each part begins: `van der Berg, Jr., Anna`, and in braces
`{Open Science Collaboration}`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

_SUFFIX = re.compile(r"(?:jr|sr|ii|iii|iv|ph\.?d|m\.?d|esq)\.?", re.IGNORECASE)
_COMPANY = re.compile(r"(?:inc|ltd|llc|corp|co|gmbh|ag|plc|s\.a)\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Name:
    """A name.

    Attributes:
        family: The surname, or the whole name of a body.
        given: First names or initials.
        particle: What stands before the family name and is not sorted by, "van der".
        suffix: "Jr.", "III".
        body: It is an institution or a group, whose name has no parts.
    """

    family: str
    given: str = ""
    particle: str = ""
    suffix: str = ""
    body: bool = False

    @classmethod
    def of(cls, *, family: str, given: str = "", particle: str = "", suffix: str = "") -> "Name":
        """The name of a person, of parts as a record has them: "van" before the family name is its particle."""
        family, given, particle, suffix = (" ".join(part.split()) for part in (family, given, particle, suffix))
        if not particle:
            particle, family = _parted(family)
        return cls(family, given, particle, suffix)

    @classmethod
    def read(cls, text: str) -> "Name":
        """The name that `inverted` wrote, or that a bibliography writes so: "Byron, Ada", "King, Jr., Martin"."""
        text = " ".join(text.split())
        if text.startswith("{") and text.endswith("}"):
            return cls(text[1:-1].strip(), body=True)
        family, *rest = (part.strip() for part in text.split(","))
        rest = [part for part in rest if part]
        if rest and (not family or any(map(_COMPANY.fullmatch, rest))):
            return cls(text, body=True)
        suffixes = [part for part in rest if _SUFFIX.fullmatch(part)]
        given = [part for part in rest if part not in suffixes]
        return cls.of(family=family, given=" ".join(given), suffix=" ".join(suffixes))

    @classmethod
    def said(cls, text: str) -> "Name":
        """The name that is said so, "Ludwig van Beethoven": the last word is the family name, unless more is known."""
        text = " ".join(text.split())
        if "," in text:
            return cls.read(text)
        words = text.split()
        if re.search(r"\band\b|&", text, re.IGNORECASE):
            return cls(text, body=True)
        suffix = words.pop() if len(words) not in (0, 2) and _SUFFIX.fullmatch(words[-1]) else ""
        first = next((i for i, word in enumerate(words[:-1]) if i and begins_small(word)), len(words) - 1)
        return cls.of(family=" ".join(words[first:]), given=" ".join(words[:first]), suffix=suffix)

    @property
    def surname(self) -> str:
        """The family name with its particle."""
        return f"{self.particle} {self.family}".strip()

    def __str__(self) -> str:
        """The name as one says it."""
        return " ".join(filter(None, (self.given, self.surname, self.suffix)))

    @property
    def inverted(self) -> str:
        """The name as a bibliography writes it; that of a body in braces."""
        if self.body:
            return f"{{{self.family}}}"
        return ", ".join(filter(None, (self.surname, self.suffix, self.given)))


def begins_small(word: str) -> bool:
    """Whether a word begins with a small letter, in any script, as particles do: "von", "'t", but not "Émile"."""
    return word.lstrip("'’‘`")[:1].islower()


def _parted(family: str) -> tuple[str, str]:
    """The particle before a family name, and the name."""
    words = family.split()
    count = next((i for i, word in enumerate(words) if not begins_small(word)), 0)
    return " ".join(words[:count]), " ".join(words[count:])


class Authors(TypedDict):
    """Authors as a record holds them: as one says them, and in their parts where these say more."""

    authors: tuple[str, ...]
    names: tuple[str, ...]


def authors_of(names: Iterable[Name]) -> Authors:
    """The authors of a record. Parts that anyone would read out of the name, as of "Jane Doe", are not written down."""
    people = [name for name in names if str(name)]
    telling = any(Name.said(str(name)) != name for name in people)
    return Authors(authors=tuple(map(str, people)), names=tuple(name.inverted for name in people) if telling else ())
