"""Colours of items, and of multisets of items: the two moves of every Weisfeiler-Leman test.

A colour is an integer that stands for what is known of an item. A test renames what it knows by dense numbers
(`relabelled`) and looks at multisets of colours (`Multisets`), over and over. Colours mean something only beside the
other colours of the same call: what is to be compared is coloured together.
"""

from itertools import pairwise

import numpy as np
from jaxtyping import Int64, Integer, Shaped, UInt64


def relabelled(rows: Shaped[np.ndarray, " n"] | Shaped[np.ndarray, "n width"]) -> tuple[Int64[np.ndarray, " n"], int]:
    """Number the distinct rows: equal rows get equal numbers, from 0 without gaps. Exact.

    Args:
        rows: integers of 64 bits at most, or floats, whose two zeros count as one.

    Returns:
        The number of each row, and how many there are.

    Raises:
        TypeError: the rows are neither integers nor floats.
        ValueError: a row holds NaN, which is not equal to itself.
    """
    words = _words(rows)
    count, width = words.shape
    if not count or not width:
        return np.zeros(count, dtype=np.int64), min(count, 1)
    key = row_keys(words) if width > 1 else words[:, 0]
    order = np.argsort(key)
    fresh = np.ones(count, dtype=np.bool_)
    fresh[1:] = key[order[1:]] != key[order[:-1]]
    alike = np.flatnonzero(~fresh)
    if width > 1 and (words[order[alike]] != words[order[alike - 1]]).any():  # rows share a key: sort by them instead
        order = np.lexsort(words.T)
        fresh[1:] = (words[order[1:]] != words[order[:-1]]).any(axis=1)
    labels = np.empty(count, dtype=np.int64)
    labels[order] = np.cumsum(fresh) - 1
    return labels, int(fresh.sum())


def row_keys(rows: Int64[np.ndarray, "n width"] | UInt64[np.ndarray, "n width"]) -> UInt64[np.ndarray, " n"]:
    """One number for each row: equal rows have equal keys, and others differ, near certainly."""
    words = rows.view(np.uint64)
    words = words ^ (words >> np.uint64(32))  # or the many trailing zeros of floats would leave few bits of a product
    multipliers = _scattered(np.arange(rows.shape[1], dtype=np.uint64), -1) | np.uint64(1)
    keys: np.ndarray = words @ multipliers
    return keys


def color_codes(colors: Integer[np.ndarray, "..."], salt: int = 0) -> UInt64[np.ndarray, "2 ..."]:
    """A pseudo-random code of 128 bits, as two words, for each colour; each salt gives codes of its own.

    Sums of such codes, modulo 2^64 in each word, stand for multisets: two different multisets that hold no colour more
    than 2^a times have equal sums with probability below 2^(2a - 128).
    """
    words = np.asarray(colors).astype(np.uint64)
    return np.stack([_scattered(words, 2 * salt), _scattered(words, 2 * salt + 1)])


class Multisets:
    """A fixed family of multisets of items, whose colours may change.

    Args:
        starts: multiset g holds `items[starts[g] : starts[g + 1]]`.
        items: numbers of items, in any order.
    """

    def __init__(self, starts: Int64[np.ndarray, " multisets_and_1"], items: Int64[np.ndarray, " members"]) -> None:
        self.starts, self.items = starts, items

    @classmethod
    def of(
        cls, groups: Int64[np.ndarray, " members"], items: Int64[np.ndarray, " members"], num_groups: int
    ) -> "Multisets":
        """Multiset g holds each `items[i]` whose `groups[i]` is g; groups must lie below `num_groups`."""
        starts = np.concatenate([[0], np.cumsum(np.bincount(groups, minlength=num_groups))]).astype(np.int64)
        return cls(starts, items if (groups[1:] >= groups[:-1]).all() else items[np.argsort(groups, kind="stable")])

    @classmethod
    def contiguous(cls, sizes: Int64[np.ndarray, " multisets"]) -> "Multisets":
        """Items in a row: the first `sizes[0]` of them make the first multiset, and so on."""
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        return cls(starts, np.arange(starts[-1]))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def codes(self, colors: Int64[np.ndarray, " items"], salt: int = 0) -> UInt64[np.ndarray, "multisets 2"]:
        """The sum of the members' `color_codes`: equal for equal multisets, and different for others, near certainly.

        O(members), no sorting. Columns fit into the rows that `relabelled` takes.
        """
        codes = np.empty((len(self), 2), dtype=np.uint64)
        for column, word in zip(codes.T, color_codes(colors, salt), strict=True):
            column[:] = sums_of_runs(word[self.items], self.starts)
        return codes

    def labels(self, colors: Int64[np.ndarray, " items"]) -> Int64[np.ndarray, " multisets"]:
        """Equal multisets, and no others, get equal numbers. Exact, by sorting: O(members log members)."""
        owner = np.repeat(np.arange(len(self)), np.diff(self.starts))
        dense, number = relabelled(colors)
        ordered = np.sort(owner * max(number, 1) + dense[self.items]) - owner * max(number, 1)
        return labels_of_runs(ordered, self.starts)


def sums_of_runs(
    values: UInt64[np.ndarray, " members"], starts: Int64[np.ndarray, " runs_and_1"]
) -> UInt64[np.ndarray, " runs"]:
    """The sum, modulo 2^64, of each `values[starts[g] : starts[g + 1]]`; the runs must follow one another."""
    until = np.zeros(len(values) + 1, dtype=np.uint64)
    np.cumsum(values, out=until[1:])  # wraps around, and so does the difference
    sums: np.ndarray = until[starts[1:]] - until[starts[:-1]]
    return sums


def labels_of_runs(
    values: Int64[np.ndarray, " members"], starts: Int64[np.ndarray, " runs_and_1"]
) -> Int64[np.ndarray, " runs"]:
    """Number the distinct sequences `values[starts[g] : starts[g + 1]]`, which must follow one another. Exact."""
    names: dict[bytes, int] = {}
    raw = values.tobytes()
    runs = pairwise((starts * values.itemsize).tolist())
    return np.array([names.setdefault(raw[begin:end], len(names)) for begin, end in runs], dtype=np.int64)


def _words(rows: np.ndarray) -> np.ndarray:
    """The rows as uint64 [n, width], equal where they are equal."""
    matrix = rows if rows.ndim == 2 else rows[:, None]
    if np.issubdtype(matrix.dtype, np.floating):
        if np.isnan(matrix).any():
            raise ValueError(
                "a row holds NaN, which is not equal to itself; replace it, for instance by torch.nan_to_num"
            )
        return (matrix.astype(np.float64) + 0.0).view(np.uint64)  # + 0.0 makes -0.0 a 0.0
    if not (np.issubdtype(matrix.dtype, np.integer) or matrix.dtype == np.bool_):
        raise TypeError(f"expected rows of integers or floats, got {matrix.dtype}")
    return np.ascontiguousarray(matrix, dtype=None if matrix.dtype == np.uint64 else np.int64).view(np.uint64)


def _scattered(words: np.ndarray, salt: int) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), a fixed permutation of the 64-bit words."""
    z = words + np.uint64((salt * 0xD1342543DE82EF95 + 0x9E3779B97F4A7C15) % 2**64)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
