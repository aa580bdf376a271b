"""The k-dimensional Weisfeiler-Leman tests, which colour k-tuples of nodes, and the round in which a test separates.

Folklore (Cai, Fürer, Immerman 1992; what Geerts and Reutter 2022, among others, call k-WL):
    wl0(v) = atp(v), the equalities, adjacencies and labels of v = (v1, ..., vk);
    wl'(v) = (wl(v), {{ (atp(v, u), wl(v[u/1]), ..., wl(v[u/k])) : u in V }}).
Oblivious:
    wl'(v) = (wl(v), {{ wl(v[u/1]) : u in V }}, ..., {{ wl(v[u/k]) : u in V }}).
Once stable, oblivious (k+1)-WL separates what folklore k-WL does. What other papers call 3-WL is often oblivious 3-WL.

A multiset is not sorted but summed: each of its members gives a random number, {{ (a, b) }} the sum of R(a) S(b). Over
a prime field that is one matrix product for all pairs of nodes.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations, islice
from typing import Any, Literal

import numpy as np
import torch

from paperwright.blocks.color_refinement import Coloring, color_refinement
from paperwright.blocks.colors import Multisets, color_codes, labels_of_runs, relabelled
from paperwright.blocks.counts import whole_number
from paperwright.blocks.disjoint_union import DisjointUnion

Variant = Literal["folklore", "oblivious"]
Test = Literal["cr", "folklore", "oblivious"]
Refinement = Callable[[np.ndarray, int], np.ndarray]

PRIMES = (8_388_593, 8_388_587, 8_388_581)  # the largest below 2^23: wrong for a pair with probability about 2^-66
EXACT_COLUMNS = 512  # numbers of 22 bits and a sign: so many products of two add up exactly in float64


def weisfeiler_leman(
    graphs: Iterable[Any],
    k: int,
    variant: Variant = "folklore",
    rounds: int | None = None,
    max_tuples: int = 5 * 10**7,
    *,
    node_colors: str | Sequence[Any] | None = None,
    exact: bool = False,
) -> Coloring:
    """Refine the colours of the k-tuples of nodes of several graphs together.

    For k = 1 folklore a node sees its neighbours apart from the others, of which it sees both: it tells a little more
    apart than colour refinement. For k = 1 oblivious, read literally, it sees no edges at all.

    A round of the folklore test on n nodes takes O(n^(k+1)) steps and O(n^k) memory, for k = 2 as matrix products; of
    the oblivious test O(n^k) steps. Sorting (`exact`) takes O(n^(k+1) log n) steps and O(n^(k+1)) memory.

    Args:
        graphs: torch_geometric `Data` or networkx graphs; symmetric, without self-loops or repeated edges.
        k: nodes in a tuple.
        variant: "folklore" or "oblivious".
        rounds: how many; None for as many as change something. Fewer are done where nothing changes any more.
        max_tuples: refuse to colour more than so many.
        node_colors: labels: None for nodes that are all alike, the name of a node attribute such as "x", or for each
            graph an array or tensor `[n]` or `[n, width]`.
        exact: compare multisets by sorting.

    Returns:
        Colours `[n] * k` of each graph, on its device, and the number of colours after each round.

    Raises:
        TypeError: something else than graphs or colours was given, or k is no integer.
        ValueError: a graph is not simple or not symmetric, colours do not fit, k is below one, `rounds` is negative,
            the variant is unknown, or there are too many tuples.
    """
    if variant not in ("folklore", "oblivious"):
        raise ValueError(f"variant: expected 'folklore' or 'oblivious', got {variant!r}")
    if rounds is not None:
        rounds = whole_number("rounds", rounds, 0)
    union = _union(graphs, k, node_colors, max_tuples)
    num_colors = []
    for coloring in islice(_colorings(union, k, variant, exact), None if rounds is None else rounds + 1):
        num_colors.append(coloring[1])
    colors = [torch.from_numpy(part).to(union.device) for part in _parts(coloring[0], union.sizes, k)]
    return Coloring(colors, tuple(num_colors), stable=rounds is None or len(num_colors) <= rounds)


def first_separating_round(
    g: Any,
    h: Any,
    test: Test = "cr",
    k: int = 1,
    *,
    node_colors: str | Sequence[Any] | None = None,
    max_tuples: int = 5 * 10**7,
) -> int | None:
    """The first round after which two graphs hold different multisets of colours; None if they never do.

    Args:
        g, h: torch_geometric `Data` or networkx graphs.
        test: "cr", colour refinement, or the "folklore" or "oblivious" test of dimension k.
        k: nodes in a tuple; colour refinement has no use for it.
        node_colors, max_tuples: as in `weisfeiler_leman`.

    Raises:
        TypeError, ValueError: as in `weisfeiler_leman`.
    """
    if test not in ("cr", "folklore", "oblivious"):
        raise ValueError(f"test: expected 'cr', 'folklore' or 'oblivious', got {test!r}")
    if test == "cr":
        # A path of n nodes needs n/2 rounds, of which comparing all colours would make O(n^2) steps.
        def separated(rounds: int) -> bool:
            return len(set(color_refinement([g, h], rounds, node_colors).graph_labels.tolist())) == 2

        last = color_refinement([g, h], None, node_colors).rounds
        found = bisect_left(range(last + 1), True, key=separated)
        return found if found <= last else None
    union = _union([g, h], k, node_colors, max_tuples)
    for rounds, (colors, number) in enumerate(_colorings(union, k, test, exact=False)):
        ours, theirs = np.split(colors, [int(union.sizes[0]) ** k])
        if not np.array_equal(np.bincount(ours, minlength=number), np.bincount(theirs, minlength=number)):
            return rounds
    return None


def _union(graphs: Iterable[Any], k: int, node_colors: str | Sequence[Any] | None, max_tuples: int) -> DisjointUnion:
    if isinstance(k, bool) or not isinstance(k, int):
        raise TypeError(f"k: expected an integer, got {type(k).__name__}")
    if k < 1:
        raise ValueError(f"k: expected at least 1, got {k}; color_refinement is the test that sees neighbours only")
    union = DisjointUnion.of(graphs, node_colors)
    tuples, n = sum(size**k for size in union.sizes.tolist()), int(union.sizes.max())
    if tuples > max_tuples:
        raise ValueError(
            f"{tuples:,} tuples to colour (the largest graph has n^k = {n}^{k} = {n**k:,}), more than "
            f"max_tuples={max_tuples:,}; take a smaller k or fewer graphs, or raise max_tuples if memory allows"
        )
    return union


def _colorings(union: DisjointUnion, k: int, variant: Variant, exact: bool) -> Iterator[tuple[np.ndarray, int]]:
    """Colours of all tuples, one graph after another, and their number, round by round as long as the number rises."""
    refine = _refinement(union, k, variant, exact)
    before, (colors, number) = -1, _atomic_types(union, k)
    while number > before:
        yield colors, number
        before, (colors, number) = number, relabelled(refine(colors, number))


def _refinement(union: DisjointUnion, k: int, variant: Variant, exact: bool) -> Refinement:
    if variant == "oblivious":
        return _replaced_apart(union.sizes, k, exact)
    if k == 1:
        return _neighbours_and_all(union, exact)
    if exact:
        return _replaced_together_sorted(union.sizes, k)
    return _replaced_in_pairs(union.sizes) if k == 2 else _replaced_together(union.sizes, k)


# -- round 0 -----------------------------------------------------------------------------------------------------------


def _atomic_types(union: DisjointUnion, k: int) -> tuple[np.ndarray, int]:
    """Labels, equalities and adjacencies of each tuple."""
    if k == 1:
        return union.labels, union.num_labels
    labels = np.split(union.labels, union.offsets[1:-1])
    relations = [_relation(union, int(begin), len(part)) for begin, part in zip(union.offsets, labels, strict=False)]
    columns = [([_along(values, (i,), k) for values in labels], union.num_labels) for i in range(k)]
    for i, j in combinations(range(k), 2):
        columns.append(([_along(values, (i, j), k) for values in relations], 3))
    return relabelled(_combined(columns))


def _relation(union: DisjointUnion, begin: int, n: int) -> np.ndarray:
    """[n, n] of one graph: 2 on the diagonal, 1 for neighbours, 0 elsewhere."""
    relation = 2 * np.eye(n, dtype=np.int64)
    starts = union.starts[begin : begin + n + 1]
    relation[np.repeat(np.arange(n), np.diff(starts)), union.neighbours[starts[0] : starts[-1]] - begin] = 1
    return relation


def _along(values: np.ndarray, axes: tuple[int, ...], k: int) -> np.ndarray:
    """Values that depend on some of k places, as a view [n] * k."""
    n = len(values)
    return np.broadcast_to(values.reshape([n if axis in axes else 1 for axis in range(k)]), (n,) * k)


def _combined(columns: Sequence[tuple[list[np.ndarray], int]]) -> np.ndarray:
    """One number for each row of some columns; each column comes in parts, with a bound that its values are below."""
    numbers, bound = np.zeros(1, dtype=np.int64), 1
    for parts, width in columns:
        if bound * width >= 2**62:
            numbers, bound = relabelled(numbers)
        numbers = numbers * width + np.concatenate([part.ravel() for part in parts])
        bound *= width
    return numbers


# -- rounds: each returns rows that are equal where the next colours are -----------------------------------------------


def _parts(flat: np.ndarray, sizes: np.ndarray, k: int) -> list[np.ndarray]:
    """The tuples of each graph, as views [n] * k."""
    parts = np.split(flat, np.cumsum(sizes**k)[:-1])
    return [part.reshape((n,) * k) for part, n in zip(parts, sizes.tolist(), strict=True)]


def _neighbours_and_all(union: DisjointUnion, exact: bool) -> Refinement:
    """Folklore, k = 1: atp(v, u) tells v itself, its neighbours and the others apart; two of the three will do."""
    adjacent, together = Multisets(union.starts, union.neighbours), Multisets.contiguous(union.sizes)

    def refine(colors: np.ndarray, number: int) -> np.ndarray:
        if exact:
            everyone = np.repeat(together.labels(colors), union.sizes)
            return np.stack([colors, adjacent.labels(colors), everyone], axis=1)
        everyone = np.repeat(together.codes(colors, salt=1), union.sizes, axis=0)
        rows: np.ndarray = color_codes(colors, salt=2).T + adjacent.codes(colors) + everyone
        return rows

    return refine


def _replaced_apart(sizes: np.ndarray, k: int, exact: bool) -> Refinement:
    """Oblivious: for each place i, the multiset over u of the colours of v[u/i]."""
    lengths = np.repeat(sizes, sizes ** (k - 1))
    starts = np.concatenate([[0], np.cumsum(lengths)])
    lines = []  # for each place: the lines of tuples that differ there only, and the line of each tuple
    for i in range(k):
        numbers = _parts(np.arange((sizes**k).sum()), sizes, k)
        tuples = np.concatenate([np.moveaxis(part, i, -1).ravel() for part in numbers])
        line = np.empty_like(tuples)
        line[tuples] = np.repeat(np.arange(len(lengths)), lengths)
        lines.append((Multisets(starts, tuples), line))

    def refine(colors: np.ndarray, number: int) -> np.ndarray:
        if exact:
            return np.stack([colors, *(multisets.labels(colors)[line] for multisets, line in lines)], axis=1)
        rows = color_codes(colors).T
        for salt, (multisets, line) in enumerate(lines, start=1):
            rows = rows + multisets.codes(colors, salt)[line]
        return rows

    return refine


def _replaced_in_pairs(sizes: np.ndarray) -> Refinement:
    """Folklore, k = 2: {{ (wl(v, u), wl(u, w)) : u in V }} as sum_u R(wl(v, u)) S(wl(u, w)) modulo three primes."""

    def refine(colors: np.ndarray, number: int) -> np.ndarray:
        codes = [*color_codes(np.arange(number)), *color_codes(np.arange(number), salt=1)]
        residues = []
        for word, prime in zip(codes, PRIMES, strict=False):
            left, right = ((word >> np.uint64(shift)).astype(np.int64) % 2**23 - 2**22 for shift in (0, 23))
            products = [
                _exact_product(left.astype(np.float64)[c], right.astype(np.float64)[c]).ravel()
                for c in _parts(colors, sizes, 2)
            ]
            residues.append(np.concatenate(products) % prime)
        return np.stack([residues[0] | residues[1] << 23, residues[2] | colors << 23], axis=1)

    return refine


def _exact_product(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """A @ B as int64, of integers of magnitude up to 2^22."""
    total = np.zeros((len(A), B.shape[1]), dtype=np.int64)
    for begin in range(0, len(B), EXACT_COLUMNS):
        chunk = slice(begin, begin + EXACT_COLUMNS)
        total += (A[:, chunk] @ B[chunk]).astype(np.int64)
    return total


def _replaced_together(sizes: np.ndarray, k: int) -> Refinement:
    """Folklore, any k: {{ (wl(v[u/1]), ..., wl(v[u/k])) : u in V }} as a sum over u of products of k codes."""

    def refine(colors: np.ndarray, number: int) -> np.ndarray:
        rows = []
        for c in _parts(colors, sizes, k):
            sums = color_codes(c, salt=k)
            for_place = [np.moveaxis(color_codes(c, salt=i), i + 1, 0) for i in range(k)]  # u comes first
            for u in range(len(c)):
                product = np.ones((), dtype=np.uint64)
                for i in range(k):
                    product = product * np.expand_dims(for_place[i][u], i + 1)
                sums += product
            rows.append(sums.reshape(2, -1))
        return np.concatenate(rows, axis=1).T

    return refine


def _replaced_together_sorted(sizes: np.ndarray, k: int) -> Refinement:
    """Folklore, any k, by sorting the n tuples of colours that each tuple sees."""
    lengths = np.repeat(sizes, sizes**k)
    starts = np.concatenate([[0], np.cumsum(lengths)])

    def refine(colors: np.ndarray, number: int) -> np.ndarray:
        columns = []
        for i in range(k):
            replaced = [np.expand_dims(np.moveaxis(c, i, -1), i) for c in _parts(colors, sizes, k)]
            columns.append(([np.broadcast_to(c, (c.shape[-1],) * (k + 1)) for c in replaced], number))
        seen = _parts(_combined(columns), sizes, k + 1)
        return np.stack([colors, labels_of_runs(np.concatenate([np.sort(s).ravel() for s in seen]), starts)], axis=1)

    return refine
