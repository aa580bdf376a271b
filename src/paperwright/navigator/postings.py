"""Postings: for each term the texts that hold it and how often, as columns of a sparse matrix.

Texts come in order and are never changed. New ones make a small set of postings of their own, and sets are merged when
a newer one has grown to half of the one before it: a text is moved O(log n) times, and one more text in a large index
costs next to nothing. No term's weight is in here, so that merging changes no score.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32, Int64, UInt16

MOST = int(np.iinfo(np.uint16).max)


@dataclass(frozen=True)
class Postings:
    """The postings of some consecutive texts.

    Attributes:
        terms: The numbers of the terms, rising.
        starts: Where each term's postings begin, and at the end their number.
        texts: Positions of texts, rising within a term.
        counts: How often the term stands there, at most 65,535.
    """

    terms: Int32[np.ndarray, " terms"]
    starts: Int64[np.ndarray, " terms+1"]
    texts: Int32[np.ndarray, " postings"]
    counts: UInt16[np.ndarray, " postings"]

    @classmethod
    def of(cls, numbers: np.ndarray, lengths: np.ndarray, first: int) -> "Postings":
        """The postings of texts.

        Args:
            numbers: The terms' numbers of one text after the other.
            lengths: How many terms each text has.
            first: The position of the first text.
        """
        texts = np.repeat(np.arange(first, first + len(lengths), dtype=np.int64), lengths)
        pairs = (numbers.astype(np.int64) << 32) | texts
        pairs.sort()
        new = np.flatnonzero(np.diff(pairs, prepend=-1))
        counts = np.minimum(np.diff(new, append=len(pairs)), MOST).astype(np.uint16)
        pairs = pairs[new]
        held = (pairs >> 32).astype(np.int32)
        begin = np.flatnonzero(np.diff(held, prepend=-1))
        starts = np.append(begin, len(held)).astype(np.int64)
        return cls(held[begin], starts, (pairs & 0xFFFFFFFF).astype(np.int32), counts)

    def __len__(self) -> int:
        return len(self.texts)

    def of_term(self, term: int) -> tuple[Int32[np.ndarray, " texts"], UInt16[np.ndarray, " texts"]]:
        """The texts that hold a term, and how often each does."""
        place = int(np.searchsorted(self.terms, term))
        if place == len(self.terms) or self.terms[place] != term:
            return self.texts[:0], self.counts[:0]
        here = slice(self.starts[place], self.starts[place + 1])
        return self.texts[here], self.counts[here]


def merged(parts: Sequence[Postings]) -> Postings:
    """The postings of consecutive sets of texts as one, in O(postings)."""
    terms = np.unique(np.concatenate([part.terms for part in parts]))
    sizes = np.zeros((len(parts), len(terms)), dtype=np.int64)
    for row, part in enumerate(parts):
        sizes[row, np.searchsorted(terms, part.terms)] = np.diff(part.starts)
    starts = np.concatenate([[0], np.cumsum(sizes.sum(axis=0))])
    before = starts[:-1] + np.cumsum(sizes, axis=0) - sizes  # where a part's postings of a term go
    texts, counts = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1], dtype=np.uint16)
    for row, part in enumerate(parts):
        shift = before[row, np.searchsorted(terms, part.terms)] - part.starts[:-1]
        goes = np.arange(len(part)) + np.repeat(shift, np.diff(part.starts))
        texts[goes], counts[goes] = part.texts, part.counts
    return Postings(terms.astype(np.int32), starts, texts, counts)
