"""The terms that a query looks for: typing errors mended, the last word completed, acronyms spelled out.

The rule is one for all engines; an index says only which words it has. A word that no paper holds is taken for a typing
error. So is one that hardly any paper holds, beside another of one letter's difference that fifty times as many do:
authors make slips of their own. Words are compared as they were typed, before their endings go: a slip in the ending
("understandign") leaves a stem that resembles nothing.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Protocol

from .spelling import MOST, Vocabulary, edit_distance, edits_allowed, marks_of, one_edit
from .text import STOP_WORDS, SYNONYMS, expanded, stem, trigrams, typed_terms, words

SYNONYM_WEIGHT = 0.5
"""What a word counts that an acronym of the query stands for, and was not typed."""
MENDED_WEIGHT = 0.9
"""What the nearest word counts that a slip may have meant; at twice the distance half of it."""
RARE, COMMONER = 5, 50
"""A word of so few papers may be their slip, if another is so many times commoner."""
RARE_WEIGHT = 0.4
"""What a word counts that may be a slip of its authors."""
FEW_WORDS = 6
"""Words of a query that somebody typed; a longer one is pasted, and its rare words are meant."""
_ENDING = 6
"""Letters at a word's end that its stem hangs on."""
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


def weighted_terms(query: str, index: Words, synonyms: Mapping[str, str] = SYNONYMS) -> dict[str, float]:
    """The terms that a query looks for, each with its weight."""
    typed = typed_terms(query)
    terms = [term for term, _ in typed]
    meanings = expanded(terms, synonyms)[len(terms) :]
    compounds = _compounds(query)
    known = index.counts([*terms, *meanings, *compounds]) if typed or compounds else {}
    found: dict[str, float] = {}
    for place, (term, word) in enumerate(typed):
        if term in known:
            commoner = _meant_by_a_rare(term, known[term], index) if len(typed) <= FEW_WORDS else []
            found[term] = found.get(term, 0.0) + (RARE_WEIGHT if commoner else 1.0)
            found |= {near: max(found.get(near, 0.0), MENDED_WEIGHT) for near in commoner}
            continue
        meant = dict(meant_by(word, term, index))
        if place == len(typed) - 1 and (len(term) >= 2 or not term.isascii()) and not query[-1:].isspace():
            meant |= Vocabulary(index.beginning_with(term)).beginning_with(term)
        for near, weight in meant.items():
            found[near] = max(found.get(near, 0.0), weight)
    for term in (*meanings, *compounds):
        if term in known:
            found.setdefault(term, SYNONYM_WEIGHT)
    return found


def meant_by(word: str, term: str, index: Words) -> dict[str, float]:
    """The terms that a word no paper holds most likely stands for, each with a weight below 1.

    One edit is forgiven in a word of three to five letters, two in a longer one. The nearest words come first, of equal
    distance the commonest. Digits and marks are never mended: 2022 is not a slip of 2012.
    """
    allowed = edits_allowed(word)
    if not allowed:
        return {}
    edits = one_edit(word)
    near = index.counts(list(_stems(edits - STOP_WORDS, word, term) - {term}))
    distance = 1
    if not near and any(one in STOP_WORDS and len(one) > 3 for one in edits):
        return {}
    if not near and allowed > 1:
        alike = index.alike(term, (max(1, len(term) - allowed), len(term) + allowed))
        apart = {one: edit_distance(term, one, allowed) for one in alike if marks_of(one) == marks_of(term)}
        distance = min((one for one in apart.values() if one > 0), default=allowed + 1)
        near = {one: alike[one] for one, edits_apart in apart.items() if edits_apart == distance <= allowed}
    commonest = sorted(near, key=lambda one: (-near[one], one))[:MOST]
    return dict.fromkeys(commonest, MENDED_WEIGHT / distance)


def _stems(edits: set[str], word: str, term: str) -> set[str]:
    """The stems of a word's edits. An edit before the ending loses what the word lost, without being looked through."""
    end, cut = word[-_ENDING:], len(word) - len(term)
    if len(word) < _ENDING + 4 or not word.startswith(term):
        return set(map(stem, edits))
    return {one[: len(one) - cut] if one.endswith(end) else stem(one) for one in edits}


def _meant_by_a_rare(term: str, papers: int, index: Words) -> list[str]:
    """The words that hardly anybody's word may be a slip of; a slip in the first letter is not thought of."""
    if papers > RARE or len(term) < 4 or not term.isalpha():
        return []
    near = index.counts([one for one in one_edit(term) if one[0] == term[0]])
    commoner = [one for one, count in near.items() if count >= COMMONER * papers]
    return sorted(commoner, key=lambda one: (-near[one], one))[:MOST]


def _compounds(query: str) -> list[str]:
    """A stop word and the word after it as one, as compounds are kept: "over smoothing" finds "over-smoothing"."""
    return list(dict.fromkeys(stem(a + b) for a, b in pairwise(words(query)) if a in STOP_WORDS and b.isalpha()))


def framed(term: str) -> list[str]:
    """The different trigrams of a term, in order."""
    return sorted(set(trigrams(term)))
