"""What a word that nobody wrote was meant to be: the nearest words of a vocabulary, found by their trigrams.

A query word that no paper holds is a typing error, or the beginning of a word that is still being typed. Trigrams of
#word# find the words that look alike, the edit distance (with swapped neighbours as one edit) picks the nearest.
"""

import functools
import heapq
from bisect import bisect_left
from collections.abc import Mapping

import numpy as np

MOST = 4  # words that one unknown word may stand for
LONGEST = 40  # letters of a word that is worth mending
_LOOKED_AT = 50  # words of suitable length whose edit distance is computed


class Vocabulary:
    """The words of a library.

    Args:
        counts: For each word how many papers hold it; words of none are left out.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = {word: count for word, count in counts.items() if count > 0}
        self._words = sorted(self.counts)
        # Trigrams as numbers, of all words at once: the letters of "#word#" one after the other, three at a time.
        letters = np.frombuffer("".join(f"#{word}#" for word in self._words).encode("utf-32-le"), dtype=np.uint32)
        sizes = np.array([len(word) for word in self._words], dtype=np.int64)
        ends = np.cumsum(sizes + 2)
        first = np.arange(len(letters)) - np.repeat(ends - sizes - 2, sizes + 2) if len(sizes) else letters
        begins = np.flatnonzero(first < np.repeat(sizes, sizes + 2)) if len(sizes) else np.zeros(0, dtype=np.int64)
        codes = _codes(letters, begins)
        order = np.argsort(codes, kind="stable")
        self._trigrams = codes[order]
        self._holders = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)[order]
        self.meant = functools.lru_cache(maxsize=10_000)(self._meant)

    def __contains__(self, word: str) -> bool:
        return word in self.counts

    def beginning_with(self, prefix: str, most: int = MOST) -> dict[str, float]:
        """The commonest words that begin so, each with a weight, 1 for the commonest."""
        start = bisect_left(self._words, prefix)
        end = bisect_left(self._words, prefix + "\U0010ffff", lo=start)
        found = heapq.nsmallest(most, self._words[start:end], key=lambda word: (-self.counts[word], word))
        return {word: (self.counts[word] / self.counts[found[0]]) ** 0.5 for word in found}

    def _meant(self, word: str) -> dict[str, float]:
        """The words that a misspelt one most likely stands for, each with a weight below 1.

        One edit is forgiven in a word of up to five letters, two in a longer one. The nearest words come first, of
        equal distance the commonest; a word at twice the distance has half the weight.
        """
        if len(word) > LONGEST:
            return {}
        allowed = 1 if len(word) <= 5 else 2
        letters = np.frombuffer(f"#{word}#".encode("utf-32-le", "replace"), dtype=np.uint32)
        codes = np.unique(_codes(letters, np.arange(len(letters) - 2)))
        starts, ends = (np.searchsorted(self._trigrams, codes, side) for side in ("left", "right"))
        holders = np.concatenate([self._holders[start:end] for start, end in zip(starts, ends, strict=True)])
        candidates, shared = np.unique(holders, return_counts=True)
        # Swapped neighbours in a short word may leave no trigram.
        swaps = {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)} - {word}
        near = [(1, -self.counts[swapped], swapped) for swapped in swaps if swapped in self.counts]
        looked_at = 0
        for place in candidates[np.lexsort((candidates, -shared))]:
            candidate = self._words[place]
            if abs(len(candidate) - len(word)) > allowed or candidate in swaps:
                continue
            distance = edit_distance(word, candidate, allowed)
            if distance <= allowed:
                near.append((distance, -self.counts[candidate], candidate))
            looked_at += 1
            if looked_at == _LOOKED_AT:
                break
        near.sort()
        return {word: 0.9 / distance for distance, _, word in near[:MOST] if distance <= near[0][0]}


def _codes(letters: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """Three letters as one number; there are fewer than 2^21 letters."""
    wide = letters.astype(np.int64)
    codes: np.ndarray = (wide[begins] << 42) | (wide[begins + 1] << 21) | wide[begins + 2]
    return codes


def edit_distance(a: str, b: str, most: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that turn a into b; `most` + 1 if there are more.

    The optimal string alignment distance (Damerau 1964).
    """
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        earlier, before, row = before, row, [i] + [0] * len(b)
        for j, other in enumerate(b, start=1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                row[j] = min(row[j], earlier[j - 2] + 1)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
