"""Sums and products of non-negative integers in floating point, and what to do where 53 bits are too few."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from scipy import sparse

Table: TypeAlias = np.ndarray | sparse.csr_array
"""Counts over no, one or two indices; two indices of many values each may be stored sparsely."""

EXACT = 2**53
"""Integers up to this one are float64 numbers."""
LARGEST_PRIME = 2**21
"""Products of two remainders stay below 2^42, and 2^11 of them sum up exactly in float64, 2^21 in int64."""
COLUMNS = EXACT // LARGEST_PRIME**2
LARGEST_TABLE = 2**28
"""Entries of a dense table: 2 GiB."""


def is_sparse(table: Table) -> TypeGuard[Any]:
    """Whether the table is stored sparsely; scipy's matrices have no types."""
    return bool(sparse.issparse(table))


class Arithmetic:
    """Counts as float64, either modulo a prime or as they are, with an eye on whether they are exact.

    Rounding a non-negative integer never brings it from above 2^53 to below: as long as no table holds more, nothing
    was rounded.

    Args:
        prime: modulus below 2^21; None for the integers themselves.
    """

    def __init__(self, prime: int | None = None) -> None:
        self.prime = prime
        self.largest = 0.0

    @property
    def exact(self) -> bool:
        """Whether no count so far was too large for float64."""
        return self.prime is not None or self.largest < EXACT

    def settle(self, table: Table) -> Table:
        """The table once it is reduced, or once its largest entry is noted."""
        entries = table.data if is_sparse(table) else table
        if self.prime is not None:
            np.remainder(entries, self.prime, out=entries)
        elif entries.size:
            self.largest = max(self.largest, float(entries.max()))
        return table

    def hadamard(self, left: Table, right: Table) -> Table:
        """The product entry by entry, with numpy's broadcasting where both are dense."""
        if is_sparse(left):
            return self.settle(sparse.csr_array(left.multiply(right)))
        return self.settle(sparse.csr_array(right.multiply(left)) if is_sparse(right) else left * right)

    def product(self, left: Table, right: Table) -> Table:
        """Sum over the last index of `left` and the first of `right`."""
        if not is_sparse(left) and not is_sparse(right):
            return self._dense_product(left, right)
        if is_sparse(left) and is_sparse(right) and _worth_dense(left, right):
            return self._dense_product(left.toarray(), right.toarray())
        if self.prime is None:
            return self.settle(left @ right)
        product: Table = self.settle(left.astype(np.int64) @ right.astype(np.int64)).astype(np.float64)
        return product

    def _dense_product(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        if self.prime is None or left.shape[-1] <= COLUMNS:
            return self.settle(np.asarray(left @ right))
        parts = range(0, left.shape[-1], COLUMNS)
        product = sum(self.settle(left[..., x : x + COLUMNS] @ right[x : x + COLUMNS]) for x in parts)
        return self.settle(np.asarray(product))


def _worth_dense(left: sparse.csr_array, right: sparse.csr_array) -> bool:
    """Whether a sparse product does so many multiplications that a dense one is faster, and fits."""
    multiplications = float(np.bincount(left.indices, minlength=left.shape[1]) @ np.diff(right.indptr))
    (rows, inner), columns = left.shape, right.shape[1]
    fits = max(rows * inner, inner * columns, rows * columns) <= LARGEST_TABLE
    # One sparse multiplication, with its search for the place of the sum, takes as long as some 50 dense ones.
    return bool(fits and 50 * multiplications > float(rows) * inner * columns)


def from_remainders(approximate: np.ndarray, remainders: Callable[[Arithmetic], np.ndarray]) -> np.ndarray:
    """Counts as Python integers [n], from as many primes as it takes to tell them by their remainders.

    Args:
        approximate: the counts to within a part in 10^6; float64 never errs more where nothing is subtracted.
        remainders: the counts by an arithmetic modulo a prime.
    """
    most = int(approximate.max() * (1 + 1e-6)) + 1
    modulus, residue = 1, np.zeros(approximate.shape, dtype=object)
    for prime in _primes_downwards():
        if modulus > most:
            break
        remainder = remainders(Arithmetic(prime)).astype(np.int64).astype(object)
        # Chinese remainders: the number below modulus * prime that leaves both.
        residue = residue + (remainder - residue) * pow(modulus, -1, prime) % prime * modulus
        modulus *= prime
    return residue


def _primes_downwards() -> Iterator[int]:
    return (
        number
        for number in count(LARGEST_PRIME - 1, -2)
        if all(number % divisor for divisor in range(3, int(number**0.5) + 1, 2))
    )
