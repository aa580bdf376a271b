"""How often small graphs occur in large ones, and what that costs: homomorphisms, treewidth, spasms."""

from .counts import HomomorphismCounts, count_homomorphisms, count_subgraphs
from .elimination import treewidth
from .spasm import Quotient, hereditary_treewidth, spasm

__all__ = [
    "HomomorphismCounts",
    "Quotient",
    "count_homomorphisms",
    "count_subgraphs",
    "hereditary_treewidth",
    "spasm",
    "treewidth",
]
