"""The columns of many papers as arrays, so that a filter over a million papers is a few array operations.

Texts are numbers into a list of the values that occur; a paper's several values (authors, keywords) stand in one long
array, each with the paper's position beside it.
"""

import heapq
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from .filters import COLUMNS, Condition, Filter
from .growing import Growing
from .index import date_number


class Values:
    """The texts that occur in a column, numbered as they came; number 0 is "unknown"."""

    def __init__(self, texts: Sequence[str] = ("",)) -> None:
        self.texts = list(texts)
        self.number = {text: number for number, text in enumerate(self.texts)}

    def __getitem__(self, text: str) -> int:
        """The number of a text, which may be new."""
        number = self.number.setdefault(text, len(self.texts))
        if number == len(self.texts):
            self.texts.append(text)
        return number

    def flags(self, condition: Condition) -> Bool[np.ndarray, " values"]:
        """Which of the texts meet a condition, its negation aside."""
        if condition.values is not None:
            found = np.zeros(len(self.texts), dtype=bool)
            found[[self.number[value] for value in condition.values if value in self.number]] = True
        else:
            low, high = condition.low, condition.high
            found = np.array([(low is None or low <= one) and (high is None or one <= high) for one in self.texts])
        found[0] = False
        return found


class ColumnTable:
    """Papers by position, each with its `columns_of`. A paper that is put again gets a new position."""

    def __init__(self) -> None:
        self.ids: list[str | None] = []
        self.place: dict[str, int] = {}
        self._inside = Growing(np.zeros(0, dtype=bool))
        self._values = {
            column: Values() for column, kind in COLUMNS.items() if kind in ("text", "texts") and column != "id"
        }
        self._arrays: dict[str, Growing] = {}
        for column, kind in COLUMNS.items():
            if kind == "texts":
                self._arrays[column] = Growing(np.zeros(0, dtype=np.int32))
                self._arrays[f"{column} of"] = Growing(np.zeros(0, dtype=np.int32))
            elif column != "id":
                self._arrays[column] = Growing(np.zeros(0, dtype=np.int32 if kind == "text" else np.float64))
        self._arrays["date"] = Growing(np.zeros(0, dtype=np.float64))

    def __len__(self) -> int:
        return len(self.place)

    def put(self, ids: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> range:
        """Puts papers of different ids that are not there at the end; their positions."""
        start = len(self.ids)
        self.ids += ids
        self.place |= {identifier: start + number for number, identifier in enumerate(ids)}
        self._inside.append(np.ones(len(ids), dtype=bool))
        for column, kind in COLUMNS.items():
            if kind == "texts":
                values = self._values[column]
                pairs = [(values[one], start + at) for at, row in enumerate(rows) for one in row[column]]
                self._arrays[column].append([value for value, _ in pairs])
                self._arrays[f"{column} of"].append([place for _, place in pairs])
            elif kind == "text" and column != "id":
                values = self._values[column]
                self._arrays[column].append([values[row[column] or ""] for row in rows])
            elif kind in ("number", "truth"):
                self._arrays[column].append([np.nan if row[column] is None else row[column] for row in rows])
        self._arrays["date"].append([date_number(row) for row in rows])
        return range(start, len(self.ids))

    def take_out(self, identifier: str) -> int | None:
        """The position that the paper had, which nobody has now."""
        place = self.place.pop(identifier, None)
        if place is not None:
            self.ids[place] = None
            self._inside.rows[place] = False
        return place

    def mask(self, where: Filter) -> Bool[np.ndarray, " positions"]:
        """Which positions hold a paper that passes the filter."""
        passing = self._inside.rows.copy()
        for condition in where.conditions:
            passing &= self._holds(condition)
        return passing

    def dates(self) -> Float[np.ndarray, " positions"]:
        """When the papers appeared (`date_number`)."""
        return self._arrays["date"].rows

    def tally(self, columns: Sequence[str], mask: Bool[np.ndarray, " positions"]) -> dict[str, dict[Any, int]]:
        """For each column how many papers of some positions have each value, unknown ones left out."""
        return {column: self._counts(column, mask) for column in columns}

    def _counts(self, column: str, mask: Bool[np.ndarray, " positions"]) -> dict[Any, int]:
        rows, kind = self._arrays[column].rows, COLUMNS[column]
        rows = rows[mask[self._arrays[f"{column} of"].rows] if kind == "texts" else mask]
        if kind in ("text", "texts"):
            counts, texts = np.bincount(rows, minlength=1), self._values[column].texts
            return {texts[number]: int(counts[number]) for number in np.flatnonzero(counts) if number}
        values, counts = np.unique(rows[~np.isnan(rows)], return_counts=True)
        plain = [bool(one) if kind == "truth" else int(one) if one == int(one) else one for one in values.tolist()]
        return dict(zip(plain, counts.tolist(), strict=True))

    def _holds(self, condition: Condition) -> Bool[np.ndarray, " positions"]:
        column, kind = condition.column, COLUMNS[condition.column]
        found = np.zeros(len(self.ids), dtype=bool)
        if column == "id":
            found[[self.place[one] for one in condition.values or () if one in self.place]] = True
        elif kind == "text":
            found = self._values[column].flags(condition)[self._arrays[column].rows]
        elif kind == "texts":
            met = self._values[column].flags(condition)[self._arrays[column].rows]
            found[self._arrays[f"{column} of"].rows[met]] = True
        else:
            values = self._arrays[column].rows
            if condition.values is None:
                low = -np.inf if condition.low is None else condition.low
                high = np.inf if condition.high is None else condition.high
                found = (values >= low) & (values <= high)
            else:
                found = np.isin(values, np.array(condition.values, dtype=np.float64))
        return found ^ condition.negated

    def close_gaps(self) -> Int[np.ndarray, " papers"]:
        """Numbers the papers that are left anew, in their order, from 0; the positions that they had."""
        stay = self._inside.rows
        position = np.cumsum(stay, dtype=np.int32) - 1
        for column, kind in COLUMNS.items():
            if kind == "texts":
                of = self._arrays[f"{column} of"].rows
                self._arrays[column] = Growing(self._arrays[column].rows[stay[of]])
                self._arrays[f"{column} of"] = Growing(position[of[stay[of]]])
            elif column != "id":
                self._arrays[column] = Growing(self._arrays[column].rows[stay])
        self._arrays["date"] = Growing(self._arrays["date"].rows[stay])
        self.ids = [identifier for identifier in self.ids if identifier is not None]
        self.place = {str(identifier): place for place, identifier in enumerate(self.ids)}
        kept: np.ndarray = np.flatnonzero(stay)
        self._inside = Growing(np.ones(len(kept), dtype=bool))
        return kept

    # -- on disk -------------------------------------------------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """The columns, of papers without gaps."""
        return {name: array.rows for name, array in self._arrays.items()}

    def texts(self) -> dict[str, list[str]]:
        """The ids, and the values of the columns by their numbers."""
        return {"id": [str(one) for one in self.ids]} | {column: one.texts for column, one in self._values.items()}

    @classmethod
    def read(cls, texts: Mapping[str, Sequence[str]], arrays: Mapping[str, np.ndarray]) -> "ColumnTable":
        """The table of these ids, values and columns."""
        self = cls()
        self.ids = list(texts["id"])
        self.place = {identifier: place for place, identifier in enumerate(texts["id"])}
        self._inside = Growing(np.ones(len(self.ids), dtype=bool))
        self._values = {column: Values(texts[column]) for column in self._values}
        self._arrays = {name: Growing(arrays[name]) for name in self._arrays}
        return self


def by_score(ids: Sequence[str | None], scores: np.ndarray, positions: np.ndarray, k: int) -> list[tuple[str, float]]:
    """The best k of some positions, best first, equal scores by id."""
    if len(positions) > k:
        # Of those that tie with the k-th, the ids decide.
        least = np.partition(scores[positions], len(positions) - k)[len(positions) - k]
        above, tied = positions[scores[positions] > least], positions[scores[positions] == least]
    else:
        least, above, tied = 0.0, positions, positions[:0]
    ranked = sorted((-float(scores[place]), str(ids[place])) for place in above)
    last = heapq.nsmallest(k - len(above), (str(ids[place]) for place in tied))
    return [(identifier, -negative) for negative, identifier in ranked] + [(one, float(least)) for one in last]
