"""The query language of the search box: words, and a few marks that anyone can guess.

    offline rl "distribution shift" -robotics title:conservative author:levine keyword:"meta learning"
    year:2020..2022 decision:oral|spotlight has:code tag:to-read -tag:done id:Lm8T39vLDTE

"without replay" at the end of a query that was typed in small letters is read as -replay, with a note.

Nothing that is typed is an error: what cannot be understood is searched as text, and a note says so.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from .filters import Condition, folded
from .paper import DECISIONS, Paper
from .text import STOP_WORDS, sequence, stem

LONGEST_QUERY = 2_000
_PIECE = re.compile(r'(?P<minus>-?)(?:(?P<field>[a-z]+):)?(?:"(?P<phrase>[^"]*)"|(?P<word>\S+))', re.IGNORECASE)
_WITHOUT = re.compile(r"(?P<rest>[^A-Z\"]*[^A-Z\"\s])\s+without\s+(?P<what>[^A-Z\"\s:]+(?:\s[^A-Z\"\s:]+)?)\s*")
_STOP_STEMS = frozenset(map(stem, STOP_WORDS))
_YEARS = re.compile(r"(\d{4})?(\.\.)?(\d{4})?")


class Words(NamedTuple):
    """Words that must stand in a paper one after the other, or must not.

    Attributes:
        words: As `paperwright.navigator.text.sequence` gives them.
        field: "title" or "author"; empty for anywhere.
        negated: Whether they must not stand there.
    """

    words: tuple[str, ...]
    field: str = ""
    negated: bool = False

    @property
    def terms(self) -> list[str]:
        """Terms that a paper with these words has among those it is searched by."""
        return [word for word in self.words if word.isascii() and word not in _STOP_STEMS]

    def hold(self, paper: Paper) -> bool:
        """Whether the paper is as they say."""
        fields = {"title": (paper.title,), "author": paper.authors}.get(self.field) or (
            *(paper.title, paper.tldr, paper.abstract),
            *paper.keywords,
            *paper.authors,
        )
        wanted = f" {' '.join(self.words)} "
        return any(wanted in f" {' '.join(sequence(field))} " for field in fields) != self.negated


@dataclass
class ParsedQuery:
    """What a query asks for.

    Attributes:
        text: The words to rank by, as they were typed; a phrase that must occur is among them.
        words: What must stand in a paper, and what must not.
        conditions: Conditions on columns.
        tags, without_tags: Tags: a paper must be under one of each set, and under none of `without_tags`.
        notes: What was searched as text because it was not understood.
    """

    text: str = ""
    words: list[Words] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    tags: list[tuple[str, ...]] = field(default_factory=list)
    without_tags: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def parsed(query: str) -> ParsedQuery:
    """Reads a query; never raises."""
    found = ParsedQuery()
    text: list[str] = []
    if len(query) > LONGEST_QUERY:
        query = query[:LONGEST_QUERY]
        found.notes.append(f"only the first {LONGEST_QUERY:,} characters were read")
    if left_out := _WITHOUT.fullmatch(query):
        query = f'{left_out["rest"]} -"{left_out["what"]}"'
        found.notes.append(f'“without {left_out["what"]}” is read as -"{left_out["what"]}"; in quotes it is text')
    for piece in _PIECE.finditer(query):
        name, minus = (piece["field"] or "").lower(), bool(piece["minus"])
        value = piece["phrase"] if piece["phrase"] is not None else piece["word"]
        if name in _FIELDS:
            if _FIELDS[name](found, value, minus):
                text += [value] * (name in _RANKED and not minus)
            else:
                found.notes.append(f"{piece[0]!r:.80} was searched as text: {_EXPECTED[name]}")
                text.append(value)
        elif name:
            if not value.startswith("//"):
                found.notes.append(f"{piece[0]!r:.80} was searched as text: the fields are {', '.join(_FIELDS)}")
            text.append(f"{name} {value}")
        elif minus and sequence(value):
            found.words.append(Words(sequence(value), negated=True))
        else:
            if piece["phrase"] is not None and sequence(value):
                found.words.append(Words(sequence(value)))
            text.append(value)
    found.text = " ".join(text) + " " * query[-1:].isspace()
    return found


def _in(field: str) -> Callable[[ParsedQuery, str, bool], bool]:
    def read(found: ParsedQuery, value: str, minus: bool) -> bool:
        if words := sequence(value):
            found.words.append(Words(words, field, minus))
        return bool(words)

    return read


def _texts(column: str) -> Callable[[ParsedQuery, str, bool], bool]:
    def read(found: ParsedQuery, value: str, minus: bool) -> bool:
        values = tuple(filter(None, map(folded, value.split("|"))))
        if values:
            found.conditions.append(Condition(column, values, negated=minus))
        return bool(values)

    return read


def _year(found: ParsedQuery, value: str, minus: bool) -> bool:
    years = _YEARS.fullmatch(value)
    if years is None or not (years[1] or years[3]):
        return False
    low, high = (int(year) if year else None for year in (years[1], years[3]))
    if years[2] is None:
        low, high = (low, low) if years[3] is None else (None, None)
        if low is None:
            return False
    found.conditions.append(Condition("year", None, low, high, minus))
    return True


def _decision(found: ParsedQuery, value: str, minus: bool) -> bool:
    known = {folded(decision).replace(" ", ""): folded(decision) for decision in DECISIONS}
    known |= {"withdraw": "withdrawn", "rejected": "reject"}
    wanted = [known.get(part.casefold().replace(" ", "").replace("-", "")) for part in value.split("|")]
    if value.casefold() == "accepted":
        found.conditions.append(Condition("accepted", (True,), negated=minus))
        return True
    if not all(wanted):
        return False
    found.conditions.append(Condition("decision", tuple(one for one in wanted if one), negated=minus))
    return True


def _has(found: ParsedQuery, value: str, minus: bool) -> bool:
    if value.casefold() != "code":
        return False
    found.conditions.append(Condition("has_code", (True,), negated=minus))
    return True


def _tag(found: ParsedQuery, value: str, minus: bool) -> bool:
    names = tuple(filter(None, (" ".join(name.split()) for name in value.split("|"))))
    if minus:
        found.without_tags += names
    elif names:
        found.tags.append(names)
    return bool(names)


def _id(found: ParsedQuery, value: str, minus: bool) -> bool:
    ids = tuple(filter(None, value.split("|")))
    if ids:
        found.conditions.append(Condition("id", ids, negated=minus))
    return bool(ids)


_FIELDS: dict[str, Callable[[ParsedQuery, str, bool], bool]] = {
    "title": _in("title"),
    "author": _in("author"),
    "keyword": _texts("keyword"),
    "category": _texts("category"),
    "venue": _texts("venue"),
    "source": _texts("source"),
    "year": _year,
    "decision": _decision,
    "has": _has,
    "tag": _tag,
    "id": _id,
}
_RANKED = ("title", "author")
"""Fields whose words stand in the texts that are searched, and so find papers and rank them."""
_EXPECTED = {
    "title": 'title: wants a word or a "phrase"',
    "author": "author: wants a name",
    "keyword": "keyword: wants a keyword",
    "category": "category: wants one such as cs.LG",
    "venue": "venue: wants one such as iclr",
    "source": "source: wants the name of a source",
    "year": "year: wants 2022, 2020..2022, 2020.. or ..2022",
    "decision": f"decision: wants one of {', '.join(DECISIONS).lower()}, accepted",
    "has": "has: knows only has:code",
    "tag": "tag: wants the name of a tag",
    "id": "id: wants a paper's id",
}
