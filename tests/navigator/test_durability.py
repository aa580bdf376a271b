"""What a library is after the worst: kill -9 in mid-`add`, two processes at once, files that were damaged."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from word_encoder import WordEncoder

from paperwright.navigator import Library, Paper
from paperwright.navigator.doctor import diagnose
from paperwright.navigator.errors import LibraryError
from paperwright.navigator.filters import Filter
from paperwright.navigator.library import RECORDS
from paperwright.navigator.turns import turn

TESTS = Path(__file__).parents[1]
WHOLE = 1_000
"""Papers in a transaction."""

PROGRAM = """
import sys, time
from pathlib import Path
from word_encoder import WordEncoder
from paperwright.navigator import Library, Paper
from paperwright.navigator.library import RECORDS

def say(*words):
    print(*words, flush=True)

def step(what, done, total):
    say(what, done)
    time.sleep(0.02)

def paper(number, prefix="p"):
    return Paper(id=f"{prefix}{number}", title=f"paper {number} about subject{number % 7} by method{number % 11}")

path = Path(sys.argv[1])
encoder = WordEncoder() if "words" in sys.argv else None
library = (Library.open if (path / RECORDS).exists() else Library.create)(path, encoder)
"""
ADD = """
if "snapshot" in sys.argv:
    import paperwright.navigator.snapshot as snapshot
    import numpy
    save = numpy.save
    def slow(file, array, **rest):
        save(file, array, **rest)
        say("saved")
        time.sleep(0.05)
    numpy.save = slow
library.add((paper(number) for number in range(3_000)), progress=step)
say("done")
"""


def started(program: str, *arguments: str | Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PROGRAM + program, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def killed_at(line: str, *arguments: str | Path) -> None:
    """Lets a process add until it says something, then kills it at once."""
    process = started(ADD, *arguments)
    assert process.stdout is not None
    for said in process.stdout:
        if said.strip() == line:
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL, "it was to be killed in the midst"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "how", "least"),
    [
        ("records 1000", "", 1_000),
        ("vectors 1000", "", 3_000),
        ("saved", "snapshot", 3_000),
        ("records 1000", "words", 1_000),
        ("vectors 2000", "words", 3_000),
    ],
)
def test_kill_9_in_mid_add(tmp_path: Path, line: str, how: str, least: int) -> None:
    path = tmp_path / "library"
    killed_at(line, path, how)
    encoder = WordEncoder() if how == "words" else None
    with Library.open(path, encoder) as library:
        count = len(library)
        assert count >= least
        assert count % WHOLE == 0, "whole batches"
        assert library.index.count(Filter()) == count, "the index has caught up"
        assert library.doctor() == []
        assert library.search("paper 234")[0].paper.id == "p234"
        assert library.vectors([f"p{number}" for number in range(count)]).any(axis=1).all()
        report = library.add(
            Paper(id=f"p{n}", title=f"paper {n} about subject{n % 7} by method{n % 11}") for n in range(3_000)
        )
        assert (report.new, report.same) == (3_000 - count, count)
        assert len(library) == library.index.count(Filter()) == 3_000
        assert library.doctor() == []


BOTH = """
prefix = sys.argv[2]
say("ready")
sys.stdin.readline()
for start in range(0, 300, 50):
    library.add([paper(number, prefix) for number in range(start, start + 50)])
    library.add([paper(number, "shared") for number in range(start, start + 50)])
library.close()
say("done")
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["", "words"])
def test_two_processes_add_at_once(tmp_path: Path, how: str) -> None:
    """Both begin with an empty library, so that both make its first encoder."""
    path = tmp_path / "library"
    encoder = WordEncoder() if how == "words" else None
    with Library.create(path, encoder) as library:
        command = [sys.executable, "-c", PROGRAM + BOTH, str(path)]
        environment = os.environ | {"PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1"}
        processes = [
            subprocess.Popen(
                [*command, name, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
            )
            for name in ("a", "b")
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.close()
        seen = 0
        while any(process.poll() is None for process in processes):
            seen = max(seen, library.search("paper").total)  # a reader beside them follows, and never falls over
            time.sleep(0.05)
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.read() == "done\n"
            process.stdout.close()
            assert process.wait() == 0
        assert seen > 0
        assert library.search("paper 77", k=10)[0].paper.title.startswith("paper 77 ")
        assert len(library) == library.index.count(Filter()) == 900
        assert library.doctor() == []
    with Library.open(path, encoder) as library:
        assert len(library) == library.index.count(Filter()) == 900
        assert library.doctor() == []
        assert len(list(path.glob("generation-*"))) == 1, "nothing is left behind"


def made(path: Path, index: str = "memory") -> Library:
    library = Library.create(path, index=index)
    library.add(
        Paper(id=f"p{n}", title=f"paper {n} about subject{n % 7} by method{n % 11}", year=2020) for n in range(150)
    )
    return library


def found(library: Library) -> list[tuple[str, float]]:
    return [(hit.paper.id, hit.score) for hit in library.search("paper about subject3", k=50)]


def truncated(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def overwritten(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b"\xff" * (len(content) - len(content) // 2)
    path.write_bytes(content)


FILES = ["index*/content.json", "index*/0.npy", "index*/5.npy", "lsa.json", "lsa.npz"]


@pytest.mark.parametrize("damage", [truncated, overwritten, Path.unlink])
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_file_is_named_and_made_again(tmp_path: Path, file: str, damage: Callable[[Path], None]) -> None:
    path = tmp_path / "library"
    library = made(path)
    before = found(library)
    (damaged,) = path.glob(f"generation-*/{file}")
    damage(damaged)
    (problem,) = library.doctor()
    assert damaged.name in str(problem)
    assert "rebuild the library" in problem.remedy
    library.rebuild()
    assert library.doctor() == []
    assert found(library) == before
    library.close()

    (damaged,) = path.glob(f"generation-*/{file}")
    damage(damaged)
    with Library.open(path) as library:  # opened again, it mends itself, and says so
        (problem,) = library.doctor()
        assert damaged.name in str(problem)
        assert "made anew on opening" in problem.remedy
        assert found(library) == before
        assert library.vectors(["p7"]).any()
    assert diagnose(path) == []


def test_without_anything_but_its_records(tmp_path: Path) -> None:
    path = tmp_path / "library"
    with made(path) as library:
        before = found(library)
    for folder in path.glob("generation-*"):
        shutil.rmtree(folder)
    with Library.open(path) as library:
        assert found(library) == before
        assert library.doctor()
    assert diagnose(path) == []


def test_damaged_records_are_named(tmp_path: Path) -> None:
    path = tmp_path / "library"
    made(path).close()
    for name in (f"{RECORDS}-wal", f"{RECORDS}-shm"):
        (path / name).unlink(missing_ok=True)
    (path / RECORDS).write_bytes(b"\x00" * 5_000)
    with pytest.raises(LibraryError, match=r"records\.sqlite cannot be used"):
        Library.open(path)
    (problem,) = diagnose(path)
    assert problem.where.endswith(RECORDS)
    assert "restore it from a copy" in problem.remedy
    (nothing,) = diagnose(tmp_path / "nowhere")
    assert f"there is no {RECORDS}" in nothing.what


@pytest.mark.parametrize("setting", [None, "", "{}", '{"format": 1}', '{"format": 99}', "[]"])
def test_settings_that_are_not_what_was_written(tmp_path: Path, setting: str | None) -> None:
    path = tmp_path / "library"
    with made(path) as library:
        if setting is None:
            with library.records.transaction() as connection:
                connection.execute("DELETE FROM settings")
        else:
            library.records.set_setting("library", setting)
    with pytest.raises(LibraryError, match=r"does not say how its library was made|written by a newer paperwright"):
        Library.open(path)
    assert diagnose(path)


def test_a_folder_outside_the_library_is_never_taken(tmp_path: Path) -> None:
    """What the settings name as the generation's folder would be deleted with it."""
    path = tmp_path / "library"
    with made(path) as library:
        kept = library.records.setting("library") or ""
        folder = library.generation.settings.folder
        library.records.set_setting("library", kept.replace(folder, "../generation-x"))
    with pytest.raises(LibraryError, match=r"its folder is '\.\./generation-x'"):
        Library.open(path)


@pytest.mark.parametrize("more", [60, 200])
def test_records_from_an_older_copy(tmp_path: Path, more: int) -> None:
    """Somebody puts back last week's records: the index knows of papers that are not there, or is of a later make."""
    path, copy = tmp_path / "library", tmp_path / "copy"
    made(path).close()
    shutil.copytree(path, copy)
    with Library.open(path) as library:
        library.add(Paper(id=f"new{n}", title=f"new paper {n}") for n in range(more))
        assert library.generation.number == (1 if more == 60 else 2)
    for file in path.glob(f"{RECORDS}*"):
        file.unlink()
    shutil.copy(copy / RECORDS, path / RECORDS)
    with Library.open(path) as library:
        assert len(library) == library.index.count(Filter()) == 150
        assert not any(hit.paper.id.startswith("new") for hit in library.search("new paper"))


def test_what_a_killed_rebuild_left_is_swept_after_a_day(tmp_path: Path) -> None:
    path = tmp_path / "library"
    with made(path) as library:
        old, young = path / "generation-7-aaaa", path / "generation-8-bbbb"
        for folder in (old, young):
            folder.mkdir()
        yesterday = time.time() - 90_000
        os.utime(old, (yesterday, yesterday))
        library.rebuild()
        assert not old.exists()
        assert young.exists(), "somebody may be at work there"


def test_turns_are_taken_and_end_with_their_process(tmp_path: Path) -> None:
    program = "import sys, time; from pathlib import Path; from paperwright.navigator.turns import turn\n"
    program += "with turn(Path(sys.argv[1])):\n    print('mine', flush=True)\n    time.sleep(60)"
    command = [sys.executable, "-c", program, str(tmp_path)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "mine\n"
    taken: list[float] = []

    def take() -> None:
        with turn(tmp_path):
            taken.append(time.monotonic())

    waiting = threading.Thread(target=take)
    waiting.start()
    time.sleep(0.2)
    assert not taken, "it is the other's turn"
    first.kill()
    killed = time.monotonic()
    waiting.join(timeout=30)
    assert taken
    assert taken[0] >= killed
    first.stdout.close()
    first.wait()
    with pytest.raises(LibraryError, match=r"turn\.sqlite cannot be used"), turn(tmp_path / "nowhere"):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["lance", "postgres"])
def test_the_other_engines(tmp_path: Path, engine: str, request: pytest.FixtureRequest) -> None:
    if engine == "lance":
        pytest.importorskip("lancedb")
    index = request.getfixturevalue("postgres_address") if engine == "postgres" else engine
    path = tmp_path / "library"
    with made(path, index) as library, Library.in_memory() as plain:
        plain.add(library)
        assert {one for one, _ in found(library)} == {one for one, _ in found(plain)}
        assert library.doctor() == []
        library.add(Paper(id=f"n{n}", title=f"another paper {n} about subject3") for n in range(200))
        library.remove("p3")
        library.rebuild()
        assert library.index.count(Filter()) == len(library) == 349
        assert library.doctor() == []
        before = found(library)
    with Library.open(path) as library:
        assert library.index.count(Filter()) == len(library) == 349
        assert found(library) == before
        assert library.vectors(["p7"]).any()
        assert library.doctor() == []
