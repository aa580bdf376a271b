"""Two-sample tests and distances that count what matters for a decision: Zhao et al., ICLR 2022."""

from typing import TYPE_CHECKING, Any

from . import losses
from .divergence import h_divergence, h_divergence_discrete, h_entropy, null_bound
from .permutation import HTestResult, h_test

if TYPE_CHECKING:
    from .adapters import HDivergence, HDrift, HTest

__all__ = [
    "HDivergence",
    "HDrift",
    "HTest",
    "HTestResult",
    "h_divergence",
    "h_divergence_discrete",
    "h_entropy",
    "h_test",
    "losses",
    "null_bound",
]


def __getattr__(name: str) -> Any:
    # The names that need torchmetrics.
    if name in ("HDivergence", "HDrift", "HTest"):
        from . import adapters

        return getattr(adapters, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
