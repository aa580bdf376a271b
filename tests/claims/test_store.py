"""The evidence store: what it keeps, what it refuses, and how it fails."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from paperwright.claims import Plan, Record, Store, StoreError, select
from paperwright.claims.check import Campaign
from paperwright.claims.evidence.store import LEASE_SECONDS, Key, Lease
from paperwright.claims.evidence.valid_records import judged
from paperwright.claims.fingerprint.context import Context
from paperwright.claims.reports.report import report_html
from paperwright.claims.reports.tables import store_text
from paperwright.claims.trial import Outcome
from paperwright.registry import registry

CONTEXT = Context("claim", "source", "cpu", {"python": "3"}, {})


def key(seed: int, arm: str = "a", **change: object) -> Key:
    return Key(
        **({"paper": "toy", "claim": "adds", "budget": "desk", "arm": arm, "seed": seed, "context": CONTEXT} | change)
    )  # type: ignore[arg-type]


def outcome(score: float | None = 1.0) -> Outcome:
    numbers = None if score is None else {"score": score}
    return Outcome(numbers, None if numbers else "failed", None, time.time(), 0.1, 1000, {"device": "cpu"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evidence.sqlite"


def test_a_record_comes_back_as_it_went_in(path: Path) -> None:
    with Store(path) as store:
        assert store.add(key(3), outcome(0.1 + 0.2))
    with Store(path) as store:
        (record,) = store.records()
    assert record.key == key(3)
    assert record.outcome.numbers == {"score": 0.1 + 0.2}
    assert record.outcome.machine == {"device": "cpu"}


def test_a_result_is_never_replaced(path: Path) -> None:
    with Store(path) as store:
        assert store.add(key(0), outcome(1.0))
        assert not store.add(key(0), outcome(2.0))
        assert store.add(key(0, config={"epochs": 2}), outcome(3.0))
        assert store.add(key(0, context=Context("claim", "other", "cpu")), outcome(4.0))
        assert [record.outcome.numbers for record in store.records()] == [
            {"score": 1.0},
            {"score": 3.0},
            {"score": 4.0},
        ]


def test_a_lease_is_one_process_at_a_time(path: Path) -> None:
    with Store(path) as one, Store(path) as other:
        assert one.lease(key(0))
        assert one.lease(key(0)), "one's own lease is taken again"
        assert not other.lease(key(0))
        one.add(key(0), outcome())
        assert not other.lease(key(0)), "it has a result"
        assert one.lease(key(1))
        one.release_leases()
        assert other.lease(key(1))


def test_many_threads_write_at_once(path: Path) -> None:
    def write(first: int) -> None:
        with Store(path) as store:
            for seed in range(first, first + 40):
                store.add(key(seed % 60), outcome(float(seed % 60)))

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 20, 40, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Store(path) as store:
        seeds = [record.key.seed for record in store.records()]
    assert sorted(seeds) == list(range(60))


def test_merge_takes_each_record_once_with_its_provenance(tmp_path: Path, path: Path) -> None:
    with Store(tmp_path / "gpu.sqlite") as other, Store(path) as store:
        other.add(key(0), outcome(9.0))
        other.add(key(1), outcome(9.0))
        other.add(key(2), outcome(None))
        store.add(key(0), outcome(1.0))
        assert store.merge(other.records()) == (2, 1)
        assert store.merge(other.records()) == (0, 3)
        origins = {record.key.seed: record.origin for record in store.records()}
        scores = {record.key.seed: record.outcome.numbers for record in store.records()}
        assert origins == {0: store.origin, 1: other.origin, 2: other.origin}
        assert scores[0] == {"score": 1.0}


MANY = """
budgets = {"desk": Budget(seeds=500, effect=1.0)}
rule = Greater("score", "a", than="b")
many = Claim("Many.", arms=["a", "b"], rule=rule, budgets=budgets, trial=noisy, scale=WHOLE)
"""


def test_every_record_of_many_is_reported_and_exported(toy: Path, path: Path) -> None:
    (toy / "claims.py").write_text((toy / "claims.py").read_text(encoding="utf-8") + MANY, encoding="utf-8")
    (entry,) = select(["toy/many"])
    with Store(path) as store:
        campaign = Campaign(entry, store, Plan())
        store.merge(
            Record(campaign.key(task), outcome(task.seed % 7 + (task.arm == "a")), str(task), store.origin)
            for task in campaign.todo
        )
    with Store(path, read_only=True) as store:
        judgements = [judgement for judgement in judged(registry().room("toy"), store, "desk") if judgement.recorded]
        assert "toy/many" in report_html(judgements)
        assert store_text(store, "csv").count("\n") == 1_001
        assert len(json.loads(store_text(store, "json"))) == 1_000
    assert [judgement.recorded for judgement in judgements] == [1_000]


@pytest.mark.parametrize("left", [0.5, 0.9, 0.1])
def test_a_truncated_store_says_so_and_is_left_alone(path: Path, left: float) -> None:
    with Store(path) as store:
        for seed in range(300):
            store.add(key(seed), outcome(float(seed)))
    content = path.read_bytes()
    path.write_bytes(content[: int(left * len(content))])
    damaged = path.read_bytes()
    with pytest.raises(StoreError, match="is damaged") as caught:
        Store(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == damaged


def test_what_is_not_a_store_is_refused(path: Path, tmp_path: Path) -> None:
    path.write_text("a letter to a friend, not a database at all " * 50, encoding="utf-8")
    with pytest.raises(StoreError, match="damaged"):
        Store(path)
    with sqlite3.connect(tmp_path / "music.sqlite") as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    other.close()
    with pytest.raises(StoreError, match="something else"):
        Store(tmp_path / "music.sqlite")
    with pytest.raises(StoreError, match="no evidence store"):
        Store(tmp_path / "nowhere.sqlite", create=False)


def test_a_newer_store_is_refused(path: Path) -> None:
    Store(path).close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE store SET value = '99' WHERE key = 'version'")
    database.close()
    with pytest.raises(StoreError, match="newer paperwright"):
        Store(path)


def test_a_folder_that_cannot_be_written(
    toy: Path, paperwright: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    found = paperwright("check", "toy/adds", "--store", str(blocked / "evidence.sqlite"))
    assert found.returncode == 4
    assert_one_line(found.stderr)


def assert_one_line(said: str) -> None:
    assert said.startswith("paperwright: ")
    assert said.count("\n") == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 KiB; where one cannot be mounted there is no such test."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if not mount or os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root")
    mounted = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_loses_nothing_recorded(small_disk: Path) -> None:
    path = small_disk / "evidence.sqlite"
    store = Store(path)
    written = 0

    def fill() -> None:
        nonlocal written
        for seed in range(100_000):
            store.add(key(seed), outcome())
            written += 1

    with pytest.raises(StoreError, match="the disk is full: make room; everything recorded before is safe"):
        fill()
    assert written > 10
    assert len(list(store.records())) == written
    store.close()


def test_a_full_disk_ends_a_check_with_one_line(
    toy: Path, small_disk: Path, paperwright: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    found = paperwright("check", "toy/quick", "--store", str(small_disk / "evidence.sqlite"))
    assert found.returncode == 4
    last = found.stderr.strip().splitlines()[-1]
    assert last.startswith("paperwright: cannot write to the evidence store")
    assert "Traceback" not in found.stderr


def test_a_read_only_folder(
    toy: Path, tmp_path: Path, paperwright: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    folder = tmp_path / "sealed"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        folder.chmod(0o500)
        if os.access(folder, os.W_OK):
            pytest.skip("this user may write everywhere")
    try:
        found = paperwright("check", "toy/adds", "--store", str(folder / "evidence.sqlite"))
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", "-l", str(folder)], check=True)
    assert found.returncode == 4
    assert_one_line(found.stderr)
    assert "--store" in found.stderr


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """A folder that can be written until the second thing of the pair is called."""
    folder = tmp_path / "sealed"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], capture_output=True, check=False)

    def seal() -> None:
        if not mounted.returncode:
            subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
            return
        for path in folder.iterdir():
            path.chmod(0o400)
        folder.chmod(0o500)
        if os.access(folder, os.W_OK):
            pytest.skip("this user may write everywhere")

    yield folder, seal
    if not mounted.returncode:
        subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.chmod(0o700)


def test_a_read_only_store_is_read(
    toy: Path,
    sealed: tuple[Path, Callable[[], None]],
    tmp_path: Path,
    paperwright: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    folder, seal = sealed
    path = folder / "evidence.sqlite"
    assert paperwright("check", "toy/adds", "--store", str(path)).returncode == 0
    seal()
    assert len(json.loads(paperwright("export", "toy", "--store", str(path)).stdout)) == 10
    report = paperwright("report", "toy", "--store", str(path), "-o", str(tmp_path / "report.html"))
    assert (report.returncode, (tmp_path / "report.html").is_file()) == (0, True)
    assert "10 records taken in" in paperwright("merge", str(path)).stdout
    assert paperwright("check", "toy/adds", "--store", str(path)).returncode == 4


def test_a_read_only_store_has_the_records_of_its_log(sealed: tuple[Path, Callable[[], None]], tmp_path: Path) -> None:
    folder, seal = sealed
    kill_while_writing(tmp_path / "evidence.sqlite", 7)
    for suffix in ("", "-wal"):
        shutil.copy(tmp_path / f"evidence.sqlite{suffix}", folder)
    seal()
    with Store(folder / "evidence.sqlite", read_only=True) as store:
        assert [record.key.seed for record in store.records()] == list(range(7))


def kill_while_writing(path: Path, records: int) -> None:
    """A store whose process was killed: its records lie in the write-ahead log."""
    script = (
        "import os; from test_store import key, outcome; from paperwright.claims import Store\n"
        f"store = Store({str(path)!r})\n"
        f"for seed in range({records}): store.add(key(seed), outcome())\n"
        "os._exit(0)"
    )
    there = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    subprocess.run([sys.executable, "-c", script], check=True, env=os.environ | {"PYTHONPATH": there})
    assert Path(f"{path}-wal").stat().st_size > 0


@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_records_lost_with_the_log_are_counted(path: Path, harm: str) -> None:
    with Store(path) as store:
        store.add(key(100), outcome())
    kill_while_writing(path, 40)
    log = Path(f"{path}-wal")
    content = bytearray(log.read_bytes())
    half = len(content) // 2
    if harm == "remove":
        log.unlink()
    else:
        content[half] ^= 0xFF
        log.write_bytes(content if harm == "flip" else content[:half])
    with Store(path) as store:
        left = len(list(store.records()))
        assert 0 < left < 41
        assert store.missing == 41 - left


def test_a_lost_record_is_named_by_the_commands(
    toy: Path, path: Path, paperwright: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    assert paperwright("check", "toy/adds").returncode == 0
    store = path.parent / "evidence.sqlite"
    with sqlite3.connect(store) as database:
        database.execute("DELETE FROM records WHERE id > 7")
    database.close()
    assert "3 records that were written to" in paperwright("export", "toy").stderr
    assert "3 records that were written to" in paperwright("check", "toy/adds").stderr
    assert paperwright("export", "toy").stderr == "", "they were run again"
    store.unlink()
    assert "records that were written" not in paperwright("check", "toy/adds").stderr, "another store"


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE records SET numbers = '{\"score\": 1.'",
        "UPDATE records SET numbers = '[1]'",
        "UPDATE records SET machine = 'x'",
        "UPDATE records SET config = '{'",
        "UPDATE records SET seed = 'x'",
        "UPDATE contexts SET content = '{'",
        "UPDATE contexts SET content = '{\"colour\": 1}'",
        "DELETE FROM contexts",
        "UPDATE store SET value = 'x1' WHERE key = 'version'",
        "DELETE FROM store WHERE key = 'origin'",
    ],
)
def test_damaged_content_is_named(path: Path, harm: str) -> None:
    with Store(path) as store:
        store.add(key(0), outcome())
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(harm)
        database.commit()
    with pytest.raises(StoreError, match="is damaged"), Store(path) as store:
        list(store.records())


def test_any_error_message_can_be_kept(path: Path) -> None:
    with Store(path) as store:
        store.add(key(0), replace(outcome(None), error="a \udcff", traceback="\ud800"))
        (record,) = store.records()
    assert (record.outcome.error, record.outcome.traceback) == (r"a \udcff", r"\ud800")


def test_a_lease_ends_after_its_own_length_whatever_the_clocks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(path) as store:
        for seed, ahead in ((0, 3600.0), (1, -3600.0)):
            lease = (str(key(seed)), "another", "elsewhere", 1, time.time() + ahead)
            store._db.execute("INSERT INTO leases VALUES (?, ?, ?, ?, ?)", lease)
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now)
        assert store.lease(key(1)) is Lease.TAKEN_OVER
        assert not store.lease(key(0))
        now += LEASE_SECONDS - 1
        assert not store.lease(key(0))
        store._db.execute("UPDATE leases SET renewed = renewed + 10 WHERE host = 'elsewhere'")
        now += 2
        assert not store.lease(key(0)), "it was renewed"
        now += LEASE_SECONDS - 1
        assert not store.lease(key(0))
        now += 2
        assert store.lease(key(0)) is Lease.TAKEN_OVER


def test_records_of_one_context(path: Path) -> None:
    other = Context("claim", "other", "cpu")
    with Store(path) as store:
        store.add(key(0), outcome(1.0))
        store.add(key(0, context=other), outcome(2.0))
        assert [record.key.context for record in store.records(context=other)] == [other]
        assert list(store.records(context=Context("claim", "a third", "cpu"))) == []


def test_import_costs_no_torch() -> None:
    script = "import sys, paperwright.claims; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
