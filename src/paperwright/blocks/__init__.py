"""Parts that several papers share: weight averages, memories, and the random state that travels with them."""

from paperwright.blocks.ema import ExponentialMovingAverage as ExponentialMovingAverage
from paperwright.blocks.queue import FirstInFirstOut as FirstInFirstOut
from paperwright.blocks.random_state import RandomState as RandomState
from paperwright.blocks.reservoir import ReservoirMemory as ReservoirMemory
from paperwright.blocks.rows import Rows as Rows

__all__ = ["ExponentialMovingAverage", "FirstInFirstOut", "RandomState", "ReservoirMemory", "Rows"]
