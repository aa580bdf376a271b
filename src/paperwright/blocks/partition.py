"""A partition that is refined in place, at a cost that depends on the elements touched and not on all of them."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Int64, Shaped

from paperwright.blocks.colors import row_keys


class Partition:
    """Elements 0..n-1 in classes, each of which is a slice of one array (Valmari and Lehtinen's refinable partition).

    Args:
        labels: class of each element, from 0 without gaps.
        number: how many classes there are.

    Attributes:
        color: class of each element; where a class falls apart, the largest part keeps its number.
        size: elements of each class.
        number: how many classes there are.
    """

    def __init__(self, labels: Int64[np.ndarray, " n"], number: int) -> None:
        count = len(labels)
        self.color, self.number = labels.copy(), number
        self.size, self._start = (np.zeros(max(count, 1), dtype=np.int64) for _ in range(2))
        self.size[:number] = np.bincount(labels, minlength=number)
        np.cumsum(self.size[: number - 1], out=self._start[1:number])
        self._members = np.argsort(labels, kind="stable")  # class c: _members[_start[c] : _start[c] + size[c]]
        self._place = np.empty(count, dtype=np.int64)  # where each element stands in _members
        self._place[self._members] = np.arange(count)
        self._touched = np.zeros(count, dtype=np.bool_)
        # Views that read and write single entries at twice NumPy's speed, as Python integers.
        arrays = (self.color, self.size, self._start, self._members, self._place)
        self._views: tuple[Any, ...] = tuple(array.data for array in arrays)

    def split(
        self, elements: Int64[np.ndarray, " touched"], rows: Shaped[np.ndarray, "touched width"]
    ) -> Int64[np.ndarray, " moved"]:
        """Tell elements of a class apart where their rows differ, and all of them from those that are not named.

        Args:
            elements: no element twice.
            rows: integers of 64 bits.

        Returns:
            The elements whose class has a new number.
        """
        if not len(elements):
            return elements
        elements, classes, first = self._parts(elements, rows)
        sizes = np.diff(first, append=len(elements))
        leads = np.flatnonzero(np.diff(classes[first], prepend=-1))  # the first part of each class
        parted = classes[first[leads]]
        owner = np.repeat(np.arange(len(parted)), np.diff(leads, append=len(first)))  # of each part, in `parted`
        touched = np.add.reduceat(sizes, leads)
        rest = self.size[parted] - touched
        base = self._start[parted] + rest  # the touched go to the end of the class's slice
        starts = (base - first[leads])[owner] + first
        self._arrange(elements, np.repeat(base, touched), np.repeat(starts - first, sizes) + np.arange(len(elements)))

        largest = np.maximum.reduceat(sizes, leads)
        heirs = np.flatnonzero(sizes == largest[owner])
        heirs = heirs[np.diff(owner[heirs], prepend=-1) > 0]  # one largest part of each class
        untouched_stay = rest >= largest
        fresh = np.ones(len(first), dtype=np.bool_)
        fresh[heirs[~untouched_stay]] = False
        leave = ~untouched_stay & (rest > 0)  # the untouched get a new number
        new_starts = np.concatenate([starts[fresh], self._start[parted[leave]]])
        new_sizes = np.concatenate([sizes[fresh], rest[leave]])
        self.size[parted] = np.where(untouched_stay, rest, largest)
        self._start[parted[~untouched_stay]] = starts[heirs[~untouched_stay]]
        return self._number(new_starts, new_sizes)

    def _parts(self, elements: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The elements sorted by class and row, their classes, and where each run of equal class and row begins."""
        classes = self.color[elements]
        bits = 63 - self.number.bit_length()
        key = (classes << bits) | (row_keys(rows) >> np.uint64(64 - bits)).astype(np.int64)
        order = np.argsort(key)
        fresh = _fresh(classes[order], rows[order])
        if (fresh[1:] & (key[order[1:]] == key[order[:-1]])).any():  # two rows share a key: sort by the rows themselves
            order = np.lexsort((*rows.T, classes))
            fresh = _fresh(classes[order], rows[order])
        return elements[order], classes[order], np.flatnonzero(fresh)

    def _arrange(self, elements: np.ndarray, base: np.ndarray, places: np.ndarray) -> None:
        """Put the elements, sorted by class, in their places, which begin at `base` in their class's slice."""
        self._touched[elements] = True
        there = self._members[places]
        displaced = there[~self._touched[there]]
        vacated = self._place[elements]
        vacated = vacated[vacated < base]  # as many in each class as are displaced in it
        self._members[vacated], self._place[displaced] = displaced, vacated
        self._members[places], self._place[elements] = elements, places
        self._touched[elements] = False

    def _number(self, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Make new classes of slices, and return their elements."""
        numbers = np.arange(self.number, self.number + len(starts))
        self._start[numbers], self.size[numbers] = starts, sizes
        self.number += len(starts)
        elements: np.ndarray = self._members[runs(starts, sizes)]
        self.color[elements] = np.repeat(numbers, sizes)
        return elements

    def split_few(self, rows: Mapping[int, Hashable]) -> list[int]:
        """As `split`, element by element: quicker for some hundred of them. `rows` gives the row of each."""
        color, size, start, members, place = self._views
        parts: dict[int, dict[Hashable, list[int]]] = {}
        for element, row in rows.items():
            parts.setdefault(color[element], {}).setdefault(row, []).append(element)
        moved: list[int] = []
        for number, of_class in parts.items():
            begin, end = start[number], start[number] + size[number]
            slices = []
            for part in of_class.values():
                stop = end
                for element in part:
                    end -= 1
                    other, hole = members[end], place[element]
                    members[hole], place[other] = other, hole
                    members[end], place[element] = element, end
                slices.append((stop - end, end))
            if end > begin:
                slices.append((end - begin, begin))
            slices.sort()
            size[number], start[number] = slices.pop()  # the largest keeps the number
            for count, begin in slices:
                size[self.number], start[self.number] = count, begin
                for at in range(begin, begin + count):
                    color[members[at]] = self.number
                    moved.append(members[at])
                self.number += 1
        return moved


def runs(starts: Int64[np.ndarray, " runs"], sizes: Int64[np.ndarray, " runs"]) -> Int64[np.ndarray, " total"]:
    """starts[0], starts[0] + 1, ... (sizes[0] of them), and so on for each run."""
    ends = np.cumsum(sizes)
    return np.repeat(starts - (ends - sizes), sizes) + np.arange(ends[-1] if len(ends) else 0)


def _fresh(classes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Whether an element differs from the one before in class or row."""
    fresh = np.ones(len(classes), dtype=np.bool_)
    fresh[1:] = classes[1:] != classes[:-1]
    for column in rows.T:
        fresh[1:] |= column[1:] != column[:-1]
    return fresh
