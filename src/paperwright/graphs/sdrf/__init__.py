"""Discrete curvature of a graph's edges, and rewiring of its bottlenecks (Topping et al., ICLR 2022)."""

from .components import reachable_component
from .curvature import BalancedFormanCurvature, CurvatureParts, balanced_forman_curvature
from .curvature_state import CurvatureState
from .diffusion import DIGL
from .report import SquashingReport, squashing_report
from .rewiring import SDRF, RewiringReport
from .sensitivity import sensitivity
from .spectrum import Cheeger, cheeger, spectral_gap

__all__ = [
    "DIGL",
    "SDRF",
    "BalancedFormanCurvature",
    "Cheeger",
    "CurvatureParts",
    "CurvatureState",
    "RewiringReport",
    "SquashingReport",
    "balanced_forman_curvature",
    "cheeger",
    "reachable_component",
    "sensitivity",
    "spectral_gap",
    "squashing_report",
]
