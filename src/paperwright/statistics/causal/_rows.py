"""What the room takes for rows of data from several environments: arrays, tensors, data frames and mappings."""

import reprlib
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped


def numbers(name: str, values: Any) -> Float[np.ndarray, "..."]:
    """Return `values` as float64, a tensor without its gradient; text, NaN and infinities are refused."""
    plain = values.detach().cpu() if hasattr(values, "detach") else values
    try:
        array = np.asarray(plain, dtype=np.float64)
    except (TypeError, ValueError):
        said = f"{name} is {reprlib.repr(values)}; expected numbers, in an array of one shape. Encode categories first."
        raise TypeError(said) from None
    if not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name} is {array[tuple(bad)]} at {bad}; expected finite numbers. Drop or impute such rows.")
    return array


def named_matrix(name: str, values: Any) -> tuple[tuple[Hashable, ...], Float[np.ndarray, "rows columns"]]:
    """Return the names of the columns, or their numbers from 0 where they have none, and the matrix."""
    if isinstance(values, Mapping):
        names: tuple[Hashable, ...] = tuple(values)
        matrix = np.column_stack([numbers(f"{name}[{key!r}]", values[key]) for key in names])
    else:
        matrix = numbers(name, values)
        names = tuple(getattr(values, "columns", range(matrix.shape[-1] if matrix.ndim else 0)))
    if matrix.ndim != 2 or not matrix.size:
        raise ValueError(f"{name} has shape {matrix.shape}; expected rows and columns. Reshape it to (rows, columns).")
    return names, matrix


def vector(name: str, values: Any, rows: int) -> Float[np.ndarray, " rows"]:
    """Return one number a row."""
    array = numbers(name, values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (rows,):
        raise ValueError(f"{name} has shape {array.shape}; expected ({rows},). Give one number for each row.")
    return array


def environment_codes(
    environment: Any, rows: int, *, least: int = 1, fewest: int = 2
) -> tuple[tuple[Any, ...], Int[np.ndarray, " rows"]]:
    """Return the environments' labels, sorted, and each row's position among them.

    Args:
        environment: one label a row: numbers, text or booleans.
        rows: how many rows there are.
        least: the fewest rows that an environment may have.
        fewest: the fewest environments.
    """
    plain = environment.detach().cpu() if hasattr(environment, "detach") else environment
    labels = np.asarray(plain)
    if labels.shape != (rows,):
        raise ValueError(
            f"environment has shape {labels.shape}; expected ({rows},). Give the environment's label for each row."
        )
    if _missing(labels).any():
        raise ValueError("environment is missing (NaN or None) in some row; expected a label. Drop those rows.")
    try:
        distinct, codes = np.unique(labels, return_inverse=True)
    except TypeError:
        distinct, codes = np.unique(labels.astype(str), return_inverse=True)
    counts = np.bincount(codes)
    if len(distinct) < fewest:
        raise ValueError(
            f"environment is {distinct.tolist()} in all rows; expected at least {fewest} environments. "
            "Invariance cannot be tested within one."
        )
    if counts.min() < least:
        small = distinct[counts.argmin()].item()
        raise ValueError(
            f"environment is {small!r} in {counts.min()} rows; expected at least {least} in each. "
            "Merge it with a similar one, or drop it."
        )
    return tuple(distinct.tolist()), codes.astype(np.int64)


def column_values(name: str, values: Any) -> Shaped[np.ndarray, " rows"]:
    """Return one column as an array of numbers, booleans or text; missing values are refused."""
    plain = values.detach().cpu() if hasattr(values, "detach") else values
    array = np.asarray(plain)
    if array.ndim != 1:
        raise ValueError(f"data[{name!r}] has shape {array.shape}; expected one value a row. Give each column a name.")
    missing = _missing(array) | (np.isinf(array) if array.dtype.kind == "f" else False)
    if np.any(missing):
        raise ValueError(
            f"data[{name!r}] is missing or infinite in {int(np.sum(missing))} rows; expected values in "
            "all. Drop or impute those rows."
        )
    return array.astype(str) if array.dtype.kind == "O" else array


def _missing(values: Shaped[np.ndarray, " rows"]) -> Bool[np.ndarray, " rows"]:
    if values.dtype.kind == "O":
        return np.array([value is None or value != value for value in values.tolist()], dtype=bool)
    return np.isnan(values) if values.dtype.kind in "fc" else np.zeros(len(values), bool)
