"""The terms that a query looks for in an index whose words are not in memory but in a table of its own.

The rule is that of `paperwright.navigator.lexical.Lexicon.weights`: a word that no paper holds is taken for a typing
error. Only the few words that could be meant are fetched, by their trigrams.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from .lexical import SYNONYM_WEIGHT
from .spelling import Vocabulary
from .text import SYNONYMS, expanded, tokens, trigrams

MOST_ALIKE = 50
"""Words whose edit distance to an unknown one is computed."""


class Words(Protocol):
    """The words of an index, each with the number of papers that hold it."""

    def counts(self, terms: Sequence[str]) -> Mapping[str, int]:
        """Of these terms, those that stand in a paper."""
        ...

    def alike(self, term: str, letters: tuple[int, int]) -> Mapping[str, int]:
        """The `MOST_ALIKE` words that share most trigrams with a term, with at least and at most so many letters."""
        ...

    def beginning_with(self, prefix: str) -> Mapping[str, int]:
        """The commonest words that begin so."""
        ...


def sought(query: str, words: Words, synonyms: Mapping[str, str] = SYNONYMS) -> dict[str, float]:
    """The terms of a query with their weights: typing errors mended, the last word completed, acronyms spelled out."""
    typed = tokens(query)
    candidates = expanded(typed, synonyms)
    known = words.counts(candidates) if candidates else {}
    found: dict[str, float] = {}
    for place, term in enumerate(typed):
        if term in known:
            found[term] = found.get(term, 0.0) + 1.0
            continue
        near = dict(words.alike(term, letters_near(term)))
        near.pop(term, None)  # a paper with it may have come in between
        meant = dict(Vocabulary(near).meant(term))
        if place == len(typed) - 1 and len(term) >= 2 and not query[-1:].isspace():
            meant |= Vocabulary(words.beginning_with(term)).beginning_with(term)
        for word, weight in meant.items():
            found[word] = max(found.get(word, 0.0), weight)
    for term in candidates[len(typed) :]:
        if term in known:
            found.setdefault(term, SYNONYM_WEIGHT)
    return found


def letters_near(term: str) -> tuple[int, int]:
    """How many letters a word may have to be meant by a term: two edits at the most are forgiven."""
    return max(1, len(term) - 2), len(term) + 2


def framed(term: str) -> list[str]:
    """The different trigrams of a term, in order."""
    return sorted(set(trigrams(term)))
