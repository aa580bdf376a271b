"""One decorator: compile a kernel with numba where numba is installed, leave it plain Python where it is not."""

import inspect
from collections.abc import Callable
from typing import Any

try:
    from numba import njit
except ImportError:  # the `accelerate` extra is a matter of speed only
    njit = None  # type: ignore[assignment]

ACCELERATED = njit is not None
"""Whether kernels run as machine code (extra `accelerate`) or as Python."""


def compiled(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel as machine code (kept on disk between processes), or the kernel itself without numba.

    Run-time type checkers wrap functions at import; numba needs the function below the wrapper.
    """
    bare = inspect.unwrap(kernel)
    return bare if njit is None else njit(cache=True)(bare)
