"""Arrays that grow: appending costs O(1) a row, because the room for rows is doubled when it is used up."""

from typing import Any

import numpy as np


class Growing:
    """Rows of one kind, appended over time.

    Args:
        rows: The first rows; they are not copied until more are appended.
    """

    def __init__(self, rows: np.ndarray) -> None:
        self._room = rows
        self._used = len(rows)

    def __len__(self) -> int:
        return self._used

    @property
    def rows(self) -> np.ndarray:
        """The rows; a view that the next `append` may leave behind."""
        return self._room[: self._used]

    def append(self, rows: Any) -> None:
        """Puts rows at the end."""
        rows = np.asarray(rows, dtype=self._room.dtype)
        needed = self._used + len(rows)
        if needed > len(self._room) or not self._room.flags.writeable:
            grown = np.empty((max(needed, 2 * self._used), *self._room.shape[1:]), dtype=self._room.dtype)
            grown[: self._used] = self.rows
            self._room = grown
        self._room[self._used : needed] = rows
        self._used = needed
