"""Known architectures as expressions: message passing, networks on tuples and on subgraphs, spectral filters."""

from .catalogue import Architecture, architectures

__all__ = ["Architecture", "architectures"]
