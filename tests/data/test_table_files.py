"""Tables of one's own: separators, encodings, decimal commas, and what is no table."""

import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from paperwright.data.table_files import number_column, read_table, require_columns

ROWS = "size,loss\n1,0.5\n2,0.25\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("runs.csv", ROWS.encode()),
        ("runs.txt", ROWS.encode("utf-8-sig")),
        ("runs.csv", ROWS.replace("\n", "\r\n").encode("utf-16")),
        ("runs.csv", ROWS.replace(",", ";").replace("0.", "0,").encode()),
        ("runs.tsv", ROWS.replace(",", "\t").encode()),
        ("runs.csv", b"size , loss\n1, 0.5\n2, 0.25\n"),
        ("runs.csv", b'"size","loss"\n"1","0.5"\n"2","0.25"\n'),
        ("runs.jsonl", b'{"size": 1, "loss": 0.5}\n{"size": 2, "loss": 0.25}\n'),
        ("runs.json", json.dumps([{"size": 1, "loss": 0.5}, {"size": 2, "loss": 0.25}]).encode()),
    ],
)
def test_a_table_is_read_as_programs_write_it(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    table = read_table(tmp_path / name)
    assert list(table.columns) == ["size", "loss"]
    np.testing.assert_array_equal(number_column(table, "size"), [1, 2])
    np.testing.assert_array_equal(number_column(table, "loss"), [0.5, 0.25])


def test_parquet_and_the_standard_input_are_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pd.DataFrame({"loss": [0.5, 0.25]}).to_parquet(tmp_path / "runs.parquet")
    np.testing.assert_array_equal(number_column(read_table(tmp_path / "runs.parquet"), "loss"), [0.5, 0.25])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ROWS.encode())))
    np.testing.assert_array_equal(number_column(read_table("-"), "loss"), [0.5, 0.25])


def test_thousands_and_names_of_windows_are_read(tmp_path: Path) -> None:
    (tmp_path / "models.csv").write_bytes('modèle,params\nà,"1,013.01"\nb,12.5\n'.encode("cp1252"))
    table = read_table(tmp_path / "models.csv")
    np.testing.assert_array_equal(number_column(table, "params"), [1013.01, 12.5])
    assert list(table["modèle"]) == ["à", "b"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "a.csv is empty; expected a first line of column names"),
        ("a.csv", b"\n\n", "a.csv is empty; expected a first line"),
        ("a.csv", b"size,loss\n", "a.csv is a table without rows; expected at least one"),
        ("a.csv", b"x,x\n1,2\n", "two columns 'x'; expected names that differ"),
        ("a.csv", b"x,y\n1,2\n1,2,3,4\n", "a.csv is unreadable"),
        ("a.csv", b"PK\x03\x04\0\0\0\0", "a.csv is unreadable (it is no text); expected a table"),
        ("a.json", b"{", "a.json is unreadable"),
        ("a.parquet", b"not one", "a.parquet is unreadable"),
    ],
)
def test_what_is_no_table_is_refused_by_its_name(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(said)):
        read_table(tmp_path / name)


def test_a_file_that_is_not_there_or_a_folder_stays_the_error_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "none.csv")
    with pytest.raises(IsADirectoryError):
        read_table(tmp_path)


def test_a_missing_column_is_answered_with_the_nearest_or_all() -> None:
    table = pd.DataFrame({"params": [1.0], "loss": [2.0]})
    with pytest.raises(ValueError, match=r"column is 'param'; expected one of the table's. Did you mean 'params'\?"):
        require_columns(table, ["param"])
    with pytest.raises(ValueError, match=r"There are 'params', 'loss'."):
        number_column(table, "width")


def test_a_cell_that_is_no_number_is_named_by_its_row() -> None:
    table = pd.DataFrame({"loss": [0.5, "n/a", None, "1e-3"]})
    with pytest.raises(ValueError, match=r"loss in row 2 is 'n/a' \(1 more like it\); expected a number"):
        number_column(table, "loss")
    with pytest.raises(ValueError, match=r"loss in row 2 is 'n/a'; expected a number"):
        number_column(table, "loss", missing=True)
    np.testing.assert_array_equal(number_column(table.drop(index=1), "loss", missing=True), [0.5, np.nan, 1e-3])
