"""How much a graph network can tell apart, read off its formula (Geerts and Reutter, ICLR 2022).

Further names stand in the sub-packages: `language`, `analysis`, `architectures`, `homomorphisms` and `models`.
"""

from .analysis import Bound, analyse
from .architectures import architectures
from .homomorphisms import HomomorphismCounts
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
    "different",
    "equal",
    "indices",
    "parse",
    "separates",
    "separation_power",
    "total",
]
