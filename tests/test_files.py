"""Files are written whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from paperwright.files import WriteError, whole_file, write_bytes, write_text


def test_a_text_is_written_with_its_line_ends_as_they_are(tmp_path: Path) -> None:
    place = tmp_path / "new" / "folder" / "a.txt"
    with pytest.raises(WriteError, match="No such file or directory"):
        write_text(place, "a")
    write_text(place, "é\r\nü\n", parents=True)
    assert place.read_bytes() == "é\r\nü\n".encode()
    assert [path.name for path in place.parent.iterdir()] == ["a.txt"]
    assert stat.S_IMODE(place.stat().st_mode) == 0o666 & ~_umask(), "as any other file, not for its owner alone"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    place = tmp_path / "a.bin"
    write_bytes(place, b"old")

    def fail_half_way() -> None:
        with whole_file(place) as file:
            file.write(b"new")
            file.flush()
            assert place.read_bytes() == b"old", "a reader sees the old one until the new one is whole"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert place.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [place]


def test_the_disk_has_it_before_it_is_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append("fsync"), fsync(file)))
    monkeypatch.setattr(Path, "replace", lambda self, other: (done.append("replace"), replace(self, other))[1])
    write_text(tmp_path / "a.txt", "a")
    assert done == ["fsync", "replace"]


def test_a_full_disk_is_one_line_that_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    place = tmp_path / "a.txt"
    write_text(place, "old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match=rf"cannot write {place}: No space left on device"):
        write_text(place, "new")
    assert place.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [place]


def test_a_folder_or_a_path_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for place in (tmp_path, tmp_path / "file" / "below"):
        with pytest.raises(WriteError, match="cannot write"):
            write_text(place, "x")


def test_a_link_stays_a_link_and_a_device_a_device(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "new"
    write_text(Path("/dev/null"), "gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
