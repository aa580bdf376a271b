"""Tables of one's own results: a CSV, TSV, JSON or Parquet file as a data frame, for the commands of rooms.

Needs pandas, which comes with the extra of the rooms that read tables.
"""

import codecs
import csv
import difflib
import io
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = ",;\t|"
_SAMPLE = 1 << 16
_DECIMAL_COMMA = re.compile(r"(?:^|[;\t|])\s*[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*(?=[;\t|\r\n]|$)", re.MULTILINE)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")


def read_table(path: str | Path) -> "pd.DataFrame":
    """Return the rows of a file, a column for each of its fields.

    The suffix says what the file is: `.parquet`, `.json` (a list of objects), `.jsonl` (an object a line); everything
    else is text with a first line of names, separated by commas, semicolons, tabs or bars as that line has them, in
    UTF-8, UTF-16 with its mark, or else Windows-1252. Where another sign than the comma separates, numbers may have a
    decimal comma. `-` is the standard input.

    Args:
        path: the file.

    Raises:
        ValueError: it holds no table, or two columns of one name.
        FileNotFoundError: there is none.
    """
    import pandas as pd

    suffix = Path(path).suffix.lower()
    try:
        if suffix == ".parquet":
            table = pd.read_parquet(path)
        elif suffix in (".json", ".jsonl", ".ndjson"):
            table = pd.read_json(io.StringIO(_text(path)), lines=suffix != ".json")
        else:
            table = _separated(_text(path), path)
    except OSError as error:
        if type(error) is not OSError:  # pyarrow's own errors are plain ones
            raise
        raise _no_table(path, error) from error
    except ValueError as error:
        if "; expected " in str(error):
            raise
        raise _no_table(path, error) from error
    if not len(table):
        raise ValueError(f"{path} is a table without rows; expected at least one. Is it the right file?")
    return table


def _text(path: str | Path) -> str:
    encoded = sys.stdin.buffer.read() if str(path) == "-" else Path(path).read_bytes()
    if encoded.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return encoded.decode("utf-16")
    try:
        text = encoded.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = encoded.decode("cp1252", errors="replace")
    if "\0" in text:
        raise ValueError("it is no text")
    return text


def _separated(text: str, path: str | Path) -> "pd.DataFrame":
    import pandas as pd

    lines = text.lstrip("\r\n").splitlines()
    if not lines:
        raise ValueError(f"{path} is empty; expected a first line of column names and a line a row.")
    names = max((next(csv.reader(lines, delimiter=sign)) for sign in SEPARATORS), key=len)
    separator = next(sign for sign in SEPARATORS if next(csv.reader(lines, delimiter=sign)) == names)
    names = [name.strip() for name in names]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{path} is a table with two columns {twice[0]!r}; expected names that differ. Rename one.")
    decimal = "," if separator != "," and _DECIMAL_COMMA.search(text[:_SAMPLE]) else "."
    return pd.read_csv(io.StringIO(text), sep=separator, decimal=decimal, skipinitialspace=True).rename(
        columns=str.strip
    )


def _no_table(path: str | Path, error: Exception) -> ValueError:
    said = " ".join(str(error).split())
    return ValueError(f"{path} is unreadable ({said:.200}); expected a table: CSV, TSV, JSON or Parquet.")


def require_columns(table: "pd.DataFrame", names: Iterable[str]) -> None:
    """Refuse a table that lacks a column.

    Raises:
        ValueError: a column is missing; the message names the nearest, or all there are.
    """
    known = [str(name) for name in table.columns]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(map(repr, known)):.300}."
            raise ValueError(f"column is {name!r}; expected one of the table's. {hint}")


def number_column(table: "pd.DataFrame", name: str, *, missing: bool = False) -> Float[np.ndarray, " rows"]:
    """Return a column as numbers; "1,013.01" is one.

    Args:
        table: as `read_table` gives it.
        name: of the column.
        missing: let empty cells be NaN; else they are refused.

    Raises:
        ValueError: there is no such column, or a cell is no number; the message names its row, the first being 1.
    """
    import pandas as pd

    require_columns(table, [name])
    column: Any = table[name]
    if column.dtype == object or isinstance(column.dtype, pd.StringDtype):
        column = column.map(_without_thousands)
    numbers: Any = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.isnan(numbers) & (~table[name].isna().to_numpy() | (not missing))
    if wrong.any():
        row = int(np.argmax(wrong))
        cell = table[name].iloc[row]
        came = "empty" if pd.isna(cell) else repr(cell)
        more = f" ({wrong.sum() - 1} more like it)" if wrong.sum() > 1 else ""
        raise ValueError(f"{name} in row {row + 1} is {came}{more}; expected a number.")
    return np.asarray(numbers, dtype=np.float64)


def _without_thousands(cell: Any) -> Any:
    return cell.replace(",", "") if isinstance(cell, str) and _THOUSANDS.fullmatch(cell.strip()) else cell
