"""The lexical leg: BM25 over the terms of texts, with typing errors mended in the query.

score(q, d) = sum over the query's terms of idf(t) tf / (tf + k1 (1 - b + b |d| / avgdl)), with idf(t) =
ln(1 + (N - df + 1/2) / (df + 1/2)), which is positive for every term (Lucene's variant; the classic one is negative for
a term in more than half of the texts, and ranks backwards).

N, df and avgdl are those of the texts that are there when a query comes, so that scores depend neither on the order in
which texts came nor on what was there once. bm25s, whose scores these are, keeps each term's finished contributions,
which one more text would change all of.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float32

from .growing import Growing
from .postings import Postings, merged
from .query_terms import MOST_ALIKE, weighted_terms
from .spelling import Vocabulary
from .text import SYNONYMS, tokens

K1 = 1.2
B = 0.75
_REMEMBERED = 1_000  # queries whose terms are kept
_AT_ONCE = 4_000_000  # terms that one set of postings is made of, about 100 MB of sorting


class Lexicon:
    """The terms of texts, by position: a text keeps its position for ever, also when it is taken out."""

    def __init__(self, synonyms: Mapping[str, str] = SYNONYMS) -> None:
        self._synonyms = synonyms
        self._number: dict[str, int] = {}
        self._words: list[str] = []
        self._lengths = Growing(np.zeros(0, dtype=np.int32))
        self._out = Growing(np.zeros(0, dtype=bool))
        self._gaps = False  # whether any text was taken out
        self._parts: list[Postings] = []
        self._new = Growing(np.zeros(0, dtype=np.int32))  # the terms' numbers of texts that are in no part yet
        self._settled = 0  # how many texts are
        self._norms: Float32[np.ndarray, " texts"] | None = None
        self._vocabulary: Vocabulary | None = None
        self._scored: tuple[str, Float32[np.ndarray, " texts"]] | None = None  # by the last query
        self._weights: dict[str, dict[str, float]] = {}  # of the queries since the last change

    def __len__(self) -> int:
        """How many positions there are."""
        return len(self._lengths)

    def append(self, text: str) -> int:
        """Puts a text at the end; its position."""
        terms = tokens(text)
        number = self._number
        self._new.append([number.setdefault(term, len(number)) for term in terms])
        if len(number) > len(self._words):
            self._words += [term for term in dict.fromkeys(terms) if number[term] >= len(self._words)]
        self._lengths.append([len(terms)])
        self._out.append([False])
        self._changed()
        if len(self._new) >= _AT_ONCE:
            self._settle()
        return len(self._lengths) - 1

    def take_out(self, position: int) -> None:
        """The text of this position is found no more."""
        self._out.rows[position] = True
        self._gaps = True
        self._changed()

    def weights(self, query: str) -> dict[str, float]:
        """The terms that a query looks for, each with its weight (see `query_terms`)."""
        found = self._weights.get(query)
        if found is None:
            if len(self._weights) >= _REMEMBERED:
                self._weights.clear()
            self._weights[query] = found = weighted_terms(query, self, self._synonyms)
        return dict(found)

    def counts(self, terms: Sequence[str]) -> dict[str, int]:
        """See `query_terms.Words.counts`."""
        held = {term: self.held_by(term) for term in terms if term in self._number}
        return {term: papers for term, papers in held.items() if papers}

    def alike(self, term: str, letters: tuple[int, int]) -> dict[str, int]:
        """See `query_terms.Words.alike`."""
        return self.vocabulary.alike(term, letters, MOST_ALIKE)

    def beginning_with(self, prefix: str) -> dict[str, int]:
        """See `query_terms.Words.beginning_with`."""
        return {term: self.vocabulary.counts[term] for term in self.vocabulary.beginning_with(prefix)}

    def scores(self, query: str) -> Float32[np.ndarray, " texts"]:
        """The score of the text of every position; 0 where there is none any more."""
        if self._scored is not None and self._scored[0] == query:
            return self._scored[1]
        total = np.zeros(len(self), dtype=np.float32)
        out = self._out.rows
        texts = len(self) - int(out.sum())
        if not texts:
            return total
        norms = self._lengths_weighed()
        for term, weight in self.weights(query).items():
            held = self.held_by(term)
            idf = np.float32(weight * math.log1p((texts - held + 0.5) / (held + 0.5)))
            for part in self._parts:
                at, counts = part.of_term(self._number[term])
                tf = counts.astype(np.float32)
                total[at] += idf * (tf / (tf + norms[at]))
        total[out] = 0
        total.flags.writeable = False
        self._scored = query, total
        return total

    def holding(self, terms: Sequence[str]) -> Bool[np.ndarray, " texts"]:
        """Which texts hold all of some terms."""
        self._settle()
        found = ~self._out.rows
        for term in terms:
            holds = np.zeros(len(self), dtype=bool)
            for part in self._parts:
                holds[part.of_term(self._number.get(term, -1))[0]] = True
            found &= holds
        return found

    def held_by(self, term: str) -> int:
        """How many texts hold a term."""
        number = self._number.get(term)
        if number is None:
            return 0
        self._settle()
        at = [part.of_term(number)[0] for part in self._parts]
        gone = sum(int(self._out.rows[one].sum()) for one in at) if self._gaps else 0
        return sum(map(len, at)) - gone

    @property
    def vocabulary(self) -> Vocabulary:
        """The terms of the texts, with how many hold each."""
        if self._vocabulary is None:
            self._settle()
            counts = np.zeros(len(self._words), dtype=np.int64)
            out = self._out.rows
            for part in self._parts:
                inside = np.concatenate([[0], np.cumsum(~out[part.texts])])
                counts[part.terms] += inside[part.starts[1:]] - inside[part.starts[:-1]]
            self._vocabulary = Vocabulary(dict(zip(self._words, counts.tolist(), strict=True)))
        return self._vocabulary

    def _changed(self) -> None:
        self._norms = self._vocabulary = self._scored = None
        self._weights.clear()

    def _lengths_weighed(self) -> Float32[np.ndarray, " texts"]:
        """k1 (1 - b + b |d| / avgdl) of every text."""
        if self._norms is None:
            lengths, inside = self._lengths.rows, ~self._out.rows
            average = max(lengths[inside].sum(dtype=np.int64) / max(inside.sum(), 1), 1e-9)
            self._norms = (K1 * (1 - B + B * (lengths / average))).astype(np.float32)
        return self._norms

    def _settle(self) -> None:
        """Makes postings of the texts that came since the last time."""
        if self._settled == len(self):
            return
        lengths = self._lengths.rows[self._settled :]
        self._parts.append(Postings.of(self._new.rows, lengths, self._settled))
        self._new = Growing(np.zeros(0, dtype=np.int32))
        self._settled = len(self)
        first = len(self._parts) - 1
        while first > 0 and 2 * sum(map(len, self._parts[first:])) >= len(self._parts[first - 1]):
            first -= 1
        if first < len(self._parts) - 1:
            self._parts[first:] = [merged(self._parts[first:])]

    def close_gaps(self) -> None:
        """Numbers the texts that are left anew, in their order, from 0."""
        self._settle()
        stay = ~self._out.rows
        position = np.cumsum(stay, dtype=np.int32) - 1
        parts = []
        for part in self._parts:
            left = stay[part.texts]
            starts = np.concatenate([[0], np.cumsum(left)])[part.starts]
            parts.append(Postings(part.terms, starts, position[part.texts[left]], part.counts[left]))
        self._parts = parts
        self._lengths = Growing(self._lengths.rows[stay])
        self._out = Growing(np.zeros(len(self._lengths), dtype=bool))
        self._settled = len(self._lengths)
        self._gaps = False
        self._changed()

    # -- on disk -------------------------------------------------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """All there is beside the words, in few arrays."""
        self._settle()
        if len(self._parts) > 1:
            self._parts = [merged(self._parts)]
        (part,) = self._parts or [Postings.of(np.zeros(0, np.int32), np.zeros(0, np.int32), 0)]
        return {
            "terms": part.terms,
            "starts": part.starts,
            "texts": part.texts,
            "counts": part.counts,
            "lengths": self._lengths.rows,
        }

    @property
    def words(self) -> Sequence[str]:
        """The terms by their numbers."""
        return self._words

    @classmethod
    def read(
        cls, words: Sequence[str], arrays: Mapping[str, np.ndarray], synonyms: Mapping[str, str] = SYNONYMS
    ) -> "Lexicon":
        """The lexicon of these words and arrays."""
        self = cls(synonyms)
        self._words = list(words)
        self._number = {word: number for number, word in enumerate(words)}
        self._lengths = Growing(arrays["lengths"])
        self._out = Growing(np.zeros(len(arrays["lengths"]), dtype=bool))
        self._settled = len(self._lengths)
        part = Postings(*(arrays[name] for name in ("terms", "starts", "texts", "counts")))
        if self._settled:
            self._parts = [part]
        return self
