"""A quadtree over the map: which points to draw from afar, and which only from near by.

The square from -1 to 1 is one tile at level 0, four at level 1, and so on. A tile holds at most so many points; what
does not fit is handed to the four below it. Whoever has loaded a tile and all above it sees an even sample of the
points there; all tiles together hold every point once.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from .errors import NavigatorError

CAPACITY = 20_000
DEEPEST = 16


@dataclass(frozen=True)
class Quadtree:
    """Points by tile.

    Attributes:
        levels: The level at which each point appears.
        columns, rows: The tile at that level.
    """

    levels: UInt8[np.ndarray, " points"]
    columns: Int64[np.ndarray, " points"]
    rows: Int64[np.ndarray, " points"]

    @property
    def depth(self) -> int:
        """The deepest level that holds a point."""
        return int(self.levels.max(initial=0))

    def points(self, level: int, column: int, row: int) -> Int64[np.ndarray, " some"]:
        """The points of a tile.

        Raises:
            NavigatorError: there is no such tile.
        """
        if not (0 <= level <= DEEPEST and 0 <= column < 2**level and 0 <= row < 2**level):
            raise NavigatorError(f"level {level} has no tile ({column}, {row}); a level n has 2^n columns and rows")
        return np.flatnonzero((self.levels == level) & (self.columns == column) & (self.rows == row))

    @classmethod
    def of(cls, positions: Float32[np.ndarray, "points 2"], capacity: int = CAPACITY, seed: int = 0) -> "Quadtree":
        """The quadtree of points between -1 and 1.

        Args:
            positions: Of the points.
            capacity: The most points of a tile; at the deepest level, 16, a tile takes what is left.
            seed: Decides which points come first.
        """
        count = len(positions)
        levels = np.zeros(count, dtype=np.uint8)
        columns, rows = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        left = np.random.default_rng(seed).permutation(count)
        for level in range(DEEPEST + 1):
            if not len(left):
                break
            across = 2**level
            cells = np.clip(((positions[left].astype(np.float64) + 1) / 2 * across).astype(np.int64), 0, across - 1)
            tile = cells[:, 1] * across + cells[:, 0]
            order = np.argsort(tile, kind="stable")
            begins = np.flatnonzero(np.diff(tile[order], prepend=-1))
            within = np.arange(len(left)) - np.repeat(begins, np.diff(begins, append=len(left)))
            kept = np.zeros(len(left), dtype=bool)
            kept[order] = (within < capacity) | (level == DEEPEST)
            points = left[kept]
            levels[points], columns[points], rows[points] = level, cells[kept, 0], cells[kept, 1]
            left = left[~kept]
        return cls(levels, columns, rows)
