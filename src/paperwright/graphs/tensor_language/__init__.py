"""How much a graph network can tell apart, read off its formula (Geerts and Reutter, ICLR 2022).

Further names stand in the sub-packages: `language`, `analysis`, `architectures`, `homomorphisms` and `models`.
"""

from paperwright.blocks.color_refinement import color_refinement
from paperwright.blocks.weisfeiler_leman import first_separating_round, weisfeiler_leman
from paperwright.data.graph_pairs import cfi_pair
from paperwright.data.graph_pairs import graph_pair as graph_pairs

from .analysis import Bound, analyse
from .architectures import architectures
from .homomorphisms import HomomorphismCounts, count_homomorphisms, count_subgraphs, spasm, treewidth
from .language import E, Features, P, aggregate, apply, different, equal, indices, parse, total
from .models import approximation_floor, separates
from .power import separation_power

__all__ = [
    "Bound",
    "E",
    "Features",
    "HomomorphismCounts",
    "P",
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
