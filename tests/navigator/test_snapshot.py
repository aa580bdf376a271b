"""Snapshots: what was written is read, and what was not written so is noticed."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paperwright.navigator import snapshot
from paperwright.navigator.errors import LibraryError

VALUES = {"texts": ["ä", "</script>"], "number": 3}
ARRAYS = {"one": np.arange(6, dtype=np.int32).reshape(2, 3), "none": np.zeros((0, 4), dtype=np.float16)}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert snapshot.read(tmp_path / "index") is None
    snapshot.write(tmp_path / "index", 1, VALUES, ARRAYS)
    snapshot.write(tmp_path / "index", 2, VALUES | {"number": 4}, ARRAYS)
    found = snapshot.read(tmp_path / "index")
    assert found is not None
    assert found.values == VALUES | {"number": 4}
    assert list(found.arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found.arrays[name].dtype == array.dtype
        assert found.arrays[name].tolist() == array.tolist()
    assert len(list(tmp_path.glob("index-*"))) == 1, "the one before is swept away"


@settings(deadline=None)
@given(st.data())
def test_a_changed_byte_is_noticed_and_the_file_named(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("snapshot")
    snapshot.write(folder / "index", 1, VALUES, ARRAYS)
    (written,) = folder.glob("index-*")
    file = data.draw(st.sampled_from(sorted(written.iterdir())))
    content = bytearray(file.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content)
    with pytest.raises(LibraryError, match=f"{file.name} cannot be read"):
        snapshot.read(folder / "index")


@pytest.mark.parametrize("damage", ["missing", "short", "empty"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    snapshot.write(tmp_path / "index", 1, VALUES, ARRAYS)
    (file,) = tmp_path.glob("index-*/0.npy")
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[: -4 if damage == "short" else 0])
    with pytest.raises(LibraryError, match=r"0\.npy cannot be read"):
        snapshot.read(tmp_path / "index")


def test_who_fails_in_the_midst_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot.write(tmp_path / "index", 1, VALUES, ARRAYS)

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="no space"):
        snapshot.write(tmp_path / "index", 2, {}, ARRAYS)
    found = snapshot.read(tmp_path / "index")
    assert found is not None
    assert found.values == VALUES
    assert not list(tmp_path.glob(".index-*"))


def test_what_a_killed_one_left_is_swept_away_when_it_is_old(tmp_path: Path) -> None:
    for name, age in ((".index-old", 4_000), (".index-new", 10)):
        (tmp_path / name).mkdir()
        then = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (then, then))
    snapshot.write(tmp_path / "index", 1, VALUES, ARRAYS)
    assert [path.name for path in tmp_path.glob(".index-*")] == [".index-new"]


def test_no_path_is_taken_on_trust(tmp_path: Path) -> None:
    snapshot.write(tmp_path / "elsewhere" / "index", 1, VALUES, ARRAYS)
    (folder,) = (tmp_path / "elsewhere").glob("index-*")
    (tmp_path / "index.current").write_text(f"elsewhere/{folder.name}")
    with pytest.raises(LibraryError):
        snapshot.read(tmp_path / "index")
