"""What a word that nobody wrote was meant to be: the nearest words of a vocabulary, found by their trigrams.

A word of one edit is looked up among all that one edit makes (Norvig 2007); for two, trigrams of #word# find the words
that look alike, and the edit distance picks the nearest. Swapped neighbours are one edit.
"""

import heapq
from bisect import bisect_left
from collections.abc import Mapping

import numpy as np

MOST = 4  # words that one unknown word may stand for
LONGEST = 40  # letters of a word that is worth mending
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


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

    def __contains__(self, word: str) -> bool:
        return word in self.counts

    def beginning_with(self, prefix: str, most: int = MOST) -> dict[str, float]:
        """The commonest words that begin so, each with a weight, 1 for the commonest."""
        start = bisect_left(self._words, prefix)
        end = bisect_left(self._words, prefix + "\U0010ffff", lo=start)
        found = heapq.nsmallest(most, self._words[start:end], key=lambda word: (-self.counts[word], word))
        return {word: (self.counts[word] / self.counts[found[0]]) ** 0.5 for word in found}

    def alike(self, word: str, letters: tuple[int, int], most: int) -> dict[str, int]:
        """The words that share most trigrams with one, of at least and at most so many letters."""
        written = np.frombuffer(f"#{word}#".encode("utf-32-le", "replace"), dtype=np.uint32)
        codes = np.unique(_codes(written, np.arange(len(written) - 2)))
        starts, ends = (np.searchsorted(self._trigrams, codes, side) for side in ("left", "right"))
        holders = np.concatenate([self._holders[start:end] for start, end in zip(starts, ends, strict=True)])
        candidates, shared = np.unique(holders, return_counts=True)
        found: dict[str, int] = {}
        for place in candidates[np.lexsort((candidates, -shared))]:
            candidate = self._words[place]
            if letters[0] <= len(candidate) <= letters[1]:
                found[candidate] = self.counts[candidate]
                if len(found) == most:
                    break
        return found


def edits_allowed(word: str) -> int:
    """How many edits are forgiven in a word, by its letters; none in a short or an endless one."""
    letters = sum(map(str.isalpha, word))
    return 0 if letters < 3 or len(word) > LONGEST else 1 if letters <= 5 else 2


def marks_of(word: str) -> str:
    """What of a word is not a letter: digits and marks, which are never mended."""
    return "" if word.isalpha() else "".join(one for one in word if not one.isalpha())


def one_edit(word: str) -> set[str]:
    """The words that one edit of a letter makes, swapped neighbours included; letters are a to z and the word's own."""
    letters = sorted({*_ALPHABET, *filter(str.isalpha, word)})
    found: set[str] = set()
    for at in range(len(word) + 1):
        before, after = word[:at], word[at:]
        found.update([before + letter + after for letter in letters])
        if after and after[0].isalpha():
            rest = after[1:]
            found.add(before + rest)
            found.update([before + letter + rest for letter in letters])
            if rest and rest[0].isalpha():
                found.add(before + rest[0] + after[0] + rest[1:])
    return found - {word}


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
