"""Evidence: why a paper was found. The words of the query that it holds, its rank in each leg, and the sentence that
says most of it; every word shown is the paper's own.
"""

import functools
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from .paper import Paper
from .text import WORD, tokens

LONGEST_SENTENCE = 400
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\sa-z])")


@dataclass(frozen=True)
class Why:
    """Why a paper is a hit.

    Attributes:
        terms: The terms of the query that the paper holds, as stems; `highlighted` finds them in a text.
        legs: For each leg that found it its rank, from 1, and its score there.
        text: The sentence of the paper, beside its title, that holds most of the terms; empty where there is none.
        reason: What there is to say beside: "its id", "its title", "like the papers under to-read".
        words: The terms as the paper spells them where it first has them.
    """

    terms: tuple[str, ...] = ()
    legs: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    text: str = ""
    reason: str = ""
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        legs = [f"{leg} {rank} ({score:.3g})" for leg, (rank, score) in self.legs.items()]
        said = ", ".join(self.words or self.terms)
        return " · ".join(filter(None, [self.reason, "" if said in self.reason else said, *legs]))

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        legs = {leg: {"rank": rank, "score": score} for leg, (rank, score) in self.legs.items()}
        return {
            "terms": list(self.terms),
            "words": list(self.words),
            "legs": legs,
            "text": self.text,
            "reason": self.reason,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Why":
        legs = {leg: (place["rank"], place["score"]) for leg, place in values["legs"].items()}
        return cls(tuple(values["terms"]), legs, values["text"], values["reason"], tuple(values["words"]))


def why(paper: Paper, terms: Collection[str], legs: Mapping[str, tuple[int, float]], reason: str = "") -> Why:
    """Why a paper is a hit for a query of these terms."""
    said = sentences(paper)
    held = [set(tokens(sentence)) & set(terms) for sentence in said]
    everywhere = set(tokens(" ; ".join((paper.title, *paper.authors)))).intersection(terms).union(*held)
    best = max(range(len(said)), key=lambda place: (len(held[place]), -place), default=None)
    text = said[best] if best is not None and held[best] else ""
    found = tuple(term for term in terms if term in everywhere)
    return Why(found, dict(legs), _cut(text), reason, _spelled(paper, found))


def _spelled(paper: Paper, terms: Collection[str]) -> tuple[str, ...]:
    """Each term as a word of the paper, the first that is one."""
    found: dict[str, str] = {}
    for text in (paper.title, *paper.authors, *sentences(paper)):
        if len(found) == len(terms):
            break
        for word in WORD.findall(text):
            for term in _terms_of(word).intersection(terms):
                found.setdefault(term, word)
    return tuple(dict.fromkeys(found[term] for term in terms if term in found))


@functools.lru_cache(maxsize=100_000)
def _terms_of(word: str) -> frozenset[str]:
    return frozenset(tokens(word))


def sentences(paper: Paper) -> list[str]:
    """The sentences of TL;DR and abstract, and the keywords as the last one."""
    found = [one for text in (paper.tldr, paper.abstract) if text for one in _SENTENCE.split(text)]
    return [*found, *(["; ".join(paper.keywords)] if paper.keywords else [])]


def highlighted(text: str, terms: Collection[str]) -> list[tuple[str, bool]]:
    """The text in pieces, each with whether it is a word of the terms; joined, the pieces are the text."""
    pieces: list[tuple[str, bool]] = []
    end = 0
    for word in WORD.finditer(text):
        if not _terms_of(word[0]).isdisjoint(terms):
            pieces += [(text[end : word.start()], False)] * (word.start() > end) + [(word[0], True)]
            end = word.end()
    return pieces + [(text[end:], False)] * (end < len(text))


def _cut(sentence: str) -> str:
    if len(sentence) <= LONGEST_SENTENCE:
        return sentence
    return sentence[:LONGEST_SENTENCE].rsplit(" ", 1)[0] + " …"
