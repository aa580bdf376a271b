"""The embedded library in the cache: read instead of made, the same, and never in the way."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paperwright.navigator import embedded
from paperwright.navigator.library import Library
from paperwright.navigator.lsa import LsaEncoder
from paperwright.navigator.paper import Paper

TABLE = """\
forum_id,title,keywords,decision,withdrawn,ratings_t0,ratings_t1,ratings_t2,ratings_t3
AbCdEfGhI1,Curvature of graphs,"graphs, curvature",Accept (Poster),0,6;8,6;8,6;8,6;8
AbCdEfGhI2,Offline learning of policies,reinforcement learning,Reject,0,3;5,3;5,3;5,3;5
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no library of the user's own, and a small table beside the cards."""
    table = tmp_path / "data" / "iclr2022" / "submissions.csv"
    table.parent.mkdir(parents=True)
    table.write_text(TABLE, encoding="utf-8")
    monkeypatch.setenv("PAPERWRIGHT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PAPERWRIGHT_LIBRARY", str(tmp_path / "own"))
    monkeypatch.setenv("PAPERWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "embedded"


@pytest.fixture
def never_made(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called on nothing is made anew."""

    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("it was made again")

    def from_now_on() -> None:
        monkeypatch.setattr(Library, "embedded", refused)
        monkeypatch.setattr(LsaEncoder, "fit", refused)

    return from_now_on


def found(library: Library) -> list[tuple[str, float]]:
    return [(hit.paper.id, hit.score) for hit in library.search("curvature of graphs", k=20)]


def test_it_is_made_once_and_read_from_then_on(never_made: Callable[[], None]) -> None:
    with Library.embedded() as made, Library.default() as first:
        expected, papers = found(made), {paper.id: paper for paper in made}
        near = [(hit.paper.id, hit.score) for hit in made.similar(expected[0][0])]
        vectors = made.vectors(sorted(papers))
        assert found(first) == expected
    with Library.default() as second:  # the words are kept, the vectors made when they are asked for
        assert not second.generation.encoder.fitted
        assert [(hit.paper.id, hit.score) for hit in second.similar(expected[0][0])] == near
    never_made()
    with Library.default() as third:
        assert {paper.id: paper for paper in third} == papers
        assert found(third) == expected
        assert np.array_equal(third.vectors(sorted(papers)), vectors)
        assert third.directory is None
        assert third.doctor() == []


def test_what_is_done_to_it_reaches_no_other(cache: Path) -> None:
    with Library.default() as first:
        first.tag("mine", ["AbCdEfGhI1"])
        first.add(Paper(id="new", title="of one's own"))
        assert first.encoder.fitted
    with Library.default() as second:
        assert second.tags() == {}
        assert "new" not in second
    (place,) = cache.iterdir()
    assert not (place / embedded.MEANING).exists()  # those vectors were of another library


def test_another_state_of_the_sources_is_another_library(tmp_path: Path, cache: Path) -> None:
    for number in range(6):
        table = tmp_path / "data" / "iclr2022" / "submissions.csv"
        with table.open("a", encoding="utf-8") as opened:
            opened.write(f"AbCdEfGhJ{number},Another paper {number},,Reject,0,1,1,1,1\n")
        with Library.default() as library:
            assert f"AbCdEfGhJ{number}" in library
    assert len(list(cache.iterdir())) == embedded.KEPT
    table.unlink()
    with Library.default() as library:
        assert "AbCdEfGhI1" not in library


def test_a_change_of_the_code_is_a_change_of_the_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    before = embedded._place()
    asked: list[Path] = []
    monkeypatch.setattr(embedded, "state_of", lambda label, files: asked.extend(files) or "0" * 64)
    assert embedded._place() != before
    assert {"text.py", "lexical.py", "room_cards.py", "paper.toml", "submissions.csv"} <= {one.name for one in asked}


def test_a_cache_that_cannot_be_written_is_no_hindrance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERWRIGHT_CACHE", "/dev/null/nowhere")
    with Library.default() as library:
        assert found(library)
        assert library.similar("AbCdEfGhI1")
        assert library.cache_file("map.npz") is None


def test_a_broken_file_of_it_is_made_again(cache: Path) -> None:
    with Library.default() as first:
        expected = found(first)
        near = [hit.paper.id for hit in first.similar("AbCdEfGhI1")]
    (place,) = cache.iterdir()
    names = sorted(str(one.relative_to(place)) for one in place.rglob("*") if one.is_file())
    kinds = {name.split("-")[0] + Path(name).suffix: name for name in names}  # one array of each snapshot will do
    assert len(kinds) >= 8
    for name in kinds.values():
        (broken,) = place.glob(f"{name.partition('-')[0]}*/{Path(name).name}") if "-" in name else [place / name]
        content = bytearray(broken.read_bytes())
        content[len(content) // 2] ^= 0x55
        broken.write_bytes(bytes(content))
        with Library.default() as library:
            assert found(library) == expected, name
            assert [hit.paper.id for hit in library.similar("AbCdEfGhI1")] == near, name


def test_the_map_of_it_is_kept_too(never_made: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    with Library.default() as first:
        positions = first.map().positions
    never_made()
    monkeypatch.setattr("paperwright.navigator.map_layout.laid_out", None)
    with Library.default() as second:
        assert np.array_equal(second.map().positions, positions)


def test_processes_at_once_do_not_hinder_each_other(cache: Path) -> None:
    code = (
        "from paperwright.navigator import Library; print(Library.default().search('Curvature of graphs')[0].paper.id)"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert said == [("AbCdEfGhI1\n", "")] * 2
    assert [one.name for one in cache.iterdir()] == [embedded._place().name]
