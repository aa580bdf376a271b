"""How much a graph network can tell apart, read off its formula (Geerts and Reutter, ICLR 2022)."""

from paperwright.blocks.color_refinement import Coloring, color_refinement
from paperwright.blocks.weisfeiler_leman import first_separating_round, weisfeiler_leman
from paperwright.data.graph_pairs import cfi_pair
from paperwright.data.graph_pairs import graph_pair as graph_pairs

from .analysis import Analysis, analyse
from .architectures import Architecture, architectures, separation_power
from .bounds import Bound
from .counts import HomomorphismCounts
from .elimination import treewidth
from .expressions import E, Expression, Features, Index, P, aggregate, apply, different, equal, indices, total
from .floor import Floor, approximation_floor
from .homomorphisms import count_homomorphisms, count_subgraphs
from .parsing import parse
from .separation import Separation, separates
from .spasm import spasm

__all__ = [
    "Analysis",
    "Architecture",
    "Bound",
    "Coloring",
    "E",
    "Expression",
    "Features",
    "Floor",
    "HomomorphismCounts",
    "Index",
    "P",
    "Separation",
    "aggregate",
    "analyse",
    "apply",
    "approximation_floor",
    "architectures",
    "cfi_pair",
    "color_refinement",
    "count_homomorphisms",
    "count_subgraphs",
    "different",
    "equal",
    "first_separating_round",
    "graph_pairs",
    "indices",
    "parse",
    "separates",
    "separation_power",
    "spasm",
    "total",
    "treewidth",
    "weisfeiler_leman",
]
