"""The least and the greatest edge of a graph whose values change all the time."""

import numpy as np

from paperwright.blocks.compiled import compiled


@compiled
def winner(a, b, sign, rank, heads, tails):
    """The better of two entries (-1: nobody): the smaller sign * rank, then the smaller (head, tail)."""
    if a < 0 or b < 0:
        return max(a, b)
    if rank[a] != rank[b]:
        return a if sign * rank[a] < sign * rank[b] else b
    if heads[a] != heads[b]:
        return a if heads[a] < heads[b] else b
    return a if tails[a] < tails[b] else b


@compiled
def play_all(tree, sign, rank, heads, tails):
    """Fill every inner node of the tree from its leaves."""
    for node in range(len(tree) // 2 - 1, 0, -1):
        tree[node] = winner(tree[2 * node], tree[2 * node + 1], sign, rank, heads, tails)


@compiled
def play(tree, entries, sign, rank, heads, tails):
    """Play again the matches above each of `entries`."""
    for entry in entries:
        node = (len(tree) // 2 + entry) // 2
        while node > 0:
            tree[node] = winner(tree[2 * node], tree[2 * node + 1], sign, rank, heads, tails)
            node //= 2


class Tournament:
    """A binary tree of matches; its root is the least (`sign=1`) or greatest (`sign=-1`) entry.

    Building costs O(E), changing an entry O(log E), and nothing stale is ever kept. Entries are ranked by value on a
    grid of 1e-9, so values that differ by rounding alone are equal, and equals go by the smallest (head, tail).

    Args:
        sign: 1 to find the least entry, -1 to find the greatest.
        capacity: number of entries there is room for.
    """

    def __init__(self, sign: int, capacity: int) -> None:
        self.sign = sign
        leaves = 1 << max(capacity - 1, 1).bit_length()
        self.tree = np.full(2 * leaves, -1, dtype=np.int32)

    def enter(self, entries: np.ndarray) -> None:
        """Let these entries take part (their matches are not played yet)."""
        self.tree[len(self.tree) // 2 + entries] = entries

    def leave(self, entry: int) -> None:
        """Take an entry out (its matches are not played yet)."""
        self.tree[len(self.tree) // 2 + entry] = -1

    def play_all(self, rank: np.ndarray, heads: np.ndarray, tails: np.ndarray) -> None:
        """Play every match."""
        play_all(self.tree, self.sign, rank, heads, tails)

    def play(self, entries: np.ndarray, rank: np.ndarray, heads: np.ndarray, tails: np.ndarray) -> None:
        """Play again the matches of these entries, after their ranks changed."""
        play(self.tree, entries, self.sign, rank, heads, tails)

    @property
    def best(self) -> int:
        """The entry at the root; -1 if nobody takes part."""
        return int(self.tree[1])
