"""One reader for the hub's Parquet tables, wherever the file lies."""

from pathlib import Path
from typing import Any, cast

import numpy as np

from .content import Array


def column(file: Path, name: str) -> Array:
    """A column of numbers; no value may be missing."""
    return np.asarray(_read(file, name).to_numpy())


def strings(file: Path, name: str) -> list[str]:
    """A column of text; no value may be missing."""
    return cast(list[str], _read(file, name).to_pylist())


def image_bytes(file: Path, name: str) -> list[bytes]:
    """A column of encoded images, which the hub stores as {bytes, path}."""
    images = [image["bytes"] for image in _read(file, name).to_pylist()]
    if None in images:
        raise ValueError(f"column {name!r} lacks the bytes of {images.count(None)} images")
    return images


def _read(file: Path, name: str) -> Any:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(file) as table:
        if name not in table.schema_arrow.names:
            raise ValueError(f"no column {name!r}; there are {table.schema_arrow.names}")
        values = table.read(columns=[name]).column(name)
    if values.null_count:
        raise ValueError(f"column {name!r} lacks {values.null_count} values")
    return values
