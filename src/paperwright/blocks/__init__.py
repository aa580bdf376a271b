"""Parts that several papers share: weight averages, memories, and the random state that travels with them.

The names load when they are first used: a block that needs no torch is there where torch is not.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from .ema import ExponentialMovingAverage
    from .queue import FirstInFirstOut
    from .random_state import RandomState
    from .reservoir import ReservoirMemory
    from .rows import Rows

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ema": ["ExponentialMovingAverage"],
        "queue": ["FirstInFirstOut"],
        "random_state": ["RandomState"],
        "reservoir": ["ReservoirMemory"],
        "rows": ["Rows"],
    },
)
__all__ = ["ExponentialMovingAverage", "FirstInFirstOut", "RandomState", "ReservoirMemory", "Rows"]
