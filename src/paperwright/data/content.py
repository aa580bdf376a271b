"""Checksums of decoded content: the same whether the bytes came from the hub, a mirror or a directory."""

import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Arrays: TypeAlias = Mapping[str, Array]


def checksum_of_arrays(arrays: Arrays) -> str:
    """SHA-256 over name, dtype (little endian), shape and bytes of every array, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"{name}\0{array.dtype.str}\0{arrays[name].shape}\0".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return f"sha256:{digest.hexdigest()}"


def checksum_of_parts(checksums: Mapping[str, str]) -> str:
    """The checksum of a set from those of its parts; a single part speaks for itself."""
    if len(checksums) == 1:
        return next(iter(checksums.values()))
    lines = "".join(f"{name}\0{checksums[name]}\n" for name in sorted(checksums))
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def text_as_array(text: str) -> Array:
    """UTF-8 bytes, so that text is checked and cached like any other content."""
    return np.frombuffer(text.encode("utf-8"), dtype=np.uint8)


def array_as_text(array: Array) -> str:
    return array.tobytes().decode("utf-8")
