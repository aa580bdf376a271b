"""Torch models: what bounds them, what random ones tell apart, and the least error that any of them can have."""

from .depth import propagation_depth, separation_power_of_model
from .floor import Floor, Witness, approximation_floor
from .separation import Separation, separates

__all__ = [
    "Floor",
    "Separation",
    "Witness",
    "approximation_floor",
    "propagation_depth",
    "separates",
    "separation_power_of_model",
]
