"""Vectors as indexes take them: of one width, finite, one for each paper."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from .errors import EncoderMismatch, NavigatorError


def checked_rows(
    ids: Sequence[str], vectors: Float32[np.ndarray, "papers width"], width: int | None = None
) -> Float32[np.ndarray, "papers width"]:
    """The vectors of some papers, if they can be kept.

    Raises:
        EncoderMismatch: they are not as wide as those that are there.
        NavigatorError: not one for each paper, or one that is not finite; the message names the paper.
    """
    if vectors.ndim != 2 or len(vectors) != len(ids):
        raise NavigatorError(f"expected {len(ids)} vectors, one for each paper; got an array of shape {vectors.shape}")
    if width is not None and vectors.shape[1] != width:
        raise EncoderMismatch(
            f"the index has vectors of {width} numbers, these have {vectors.shape[1]}: they are of another encoder; "
            "rebuild the library"
        )
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise NavigatorError(f"the vector of paper {ids[int(np.argmin(finite))]} is not finite")
    return np.ascontiguousarray(vectors, dtype=np.float32)


def checked_query(vector: Float32[np.ndarray, " width"], width: int) -> Float32[np.ndarray, " width"]:
    """The vector of a query, if it can be compared.

    Raises:
        EncoderMismatch: it is not as wide as the index's.
        NavigatorError: it is not finite.
    """
    if vector.shape != (width,):
        raise EncoderMismatch(f"the query's vector has shape {vector.shape}; the index's have {width} numbers")
    if not np.isfinite(vector).all():
        raise NavigatorError("the query's vector is not finite")
    return np.ascontiguousarray(vector, dtype=np.float32)
