"""The spasm of a pattern: its quotients by independent sets, through which homomorphism counts give subgraph counts."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from math import factorial, prod

import networkx as nx
from torch_geometric.data import Data

from .elimination import treewidth_of
from .patterns import Pattern


@dataclass(frozen=True)
class Quotient:
    """One graph of a spasm.

    Attributes:
        pattern: the quotient; colour 1 marks the image of the root, if there is one.
        coefficient: of its homomorphism count in the number of injective homomorphisms of the pattern.
    """

    pattern: Pattern
    coefficient: int

    @property
    def graph(self) -> nx.Graph:
        """The quotient as a networkx graph."""
        return self.pattern.to_networkx()


def spasm(pattern: Data | nx.Graph) -> tuple[Quotient, ...]:
    r"""Return the quotients F/\pi of a pattern F by partitions \pi into independent sets, up to isomorphism.

    .. math:: \mathrm{inj}(F, G) = \sum_{\pi} \Bigl(\prod_{B \in \pi} (-1)^{|B|-1} (|B|-1)!\Bigr) \hom(F/\pi, G),

    and `coefficient` collects the terms of isomorphic quotients. F itself comes first. Time and number grow quickly
    with the pattern: 30 quotients for a path of 7 nodes, 65 for one of 8.

    Args:
        pattern: a simple graph of 1 to 12 nodes.

    Raises:
        TypeError, ValueError: see `treewidth`.

    Source: Curticapean, Dell, Marx, "Homomorphisms are a good basis for counting small subgraphs", STOC 2017.
    """
    return quotients_of(Pattern.read(pattern)[0])


def hereditary_treewidth(pattern: Data | nx.Graph) -> int:
    """Return the largest treewidth in the spasm: the dimension of WL that counting copies of the pattern needs.

    Raises:
        TypeError, ValueError: see `treewidth`.

    Source: Neuen, "Homomorphism-distinguishing closedness for graphs of bounded tree-width", 2023.
    """
    return max(treewidth_of(quotient.pattern) for quotient in spasm(pattern))


@lru_cache(maxsize=256)
def quotients_of(pattern: Pattern) -> tuple[Quotient, ...]:
    """The spasm of a pattern whose root, if any, has colour 1 and whose other nodes have colour 0.

    Merging two nodes at a time reaches a partition along many chains. Nodes remember how many they stand for, so the
    partitions of one kind are counted as chains into it over chains into each.
    """
    # The colour of a node: twice the size of its block, plus 1 if the root is in it.
    level = {pattern.recolor(tuple(2 + color for color in pattern.colors)).canonical: 1}
    coefficients: dict[Pattern, int] = {}
    merged = 0
    while level:
        following: dict[Pattern, int] = defaultdict(int)
        for form, chains in level.items():
            sizes = [color // 2 for color in form.colors]
            partitions = chains // _chains_into(sizes)
            sign = (-1) ** merged
            weight = sign * prod(factorial(size - 1) for size in sizes)
            quotient = form.recolor(tuple(color % 2 for color in form.colors)).canonical
            coefficients[quotient] = coefficients.get(quotient, 0) + partitions * weight
            for merging, count in _mergings(form).items():
                following[merging] += chains * count
        level, merged = dict(following), merged + 1
    return tuple(Quotient(form, coefficient) for form, coefficient in coefficients.items())


def _mergings(form: Pattern) -> Counter[Pattern]:
    """The quotients that identify one more pair of nodes, and by how many pairs."""
    pairs = ((u, v) for v in range(len(form)) for u in range(v) if not form.neighbours[v] >> u & 1)
    return Counter(form.merge(u, v, _joint(form.colors[u], form.colors[v])).canonical for u, v in pairs)


def _joint(first: int, second: int) -> int:
    return 2 * (first // 2 + second // 2) + (first | second) % 2


def _chains_into(sizes: list[int]) -> int:
    """Maximal chains from the finest partition to one with blocks of these sizes."""
    steps = factorial(sum(size - 1 for size in sizes))
    for size in sizes:
        # A block of b nodes is built in b - 1 mergings; there are b! (b-1)! / 2^(b-1) ways, interleaved at will.
        steps = steps // factorial(size - 1) * (factorial(size) * factorial(size - 1) >> size - 1)
    return steps
