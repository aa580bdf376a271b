"""What the store promises of keys, leases, revisions, merges and its own words, each held to the letter."""

import contextlib
import math
import os
import platform
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from paperwright.claims import Store, StoreError
from paperwright.claims.evidence.revision import Revision
from paperwright.claims.evidence.store import BUSY_SECONDS, LEASE_SECONDS, VERSION, Key, Lease, digest_of
from paperwright.claims.fingerprint.context import Context
from paperwright.claims.trial import PILOT_SEEDS, Outcome

CONTEXT = Context("terms-1", "source", "cpu", {"python": "3"}, {})
OUTCOME = Outcome({"score": 0.5}, None, None, 1000.0, 0.25, 4096, {"device": "cpu"})
REVISION = Revision(1, {"looks": [5], "statement": "s"}, "terms-1", 0, 1000.0, None)


def key(
    seed: int = 0, paper: str = "toy", claim: str = "adds", budget: str = "desk", context: Context = CONTEXT
) -> Key:
    return Key(paper, claim, budget, "a", seed, context, {"b": 1, "a": [2]})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some" / "folder" / "evidence.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path) as opened:
        yield opened


def changed(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def test_a_key_is_one_text_whatever_the_order_of_its_parts() -> None:
    assert str(key(3)) == f'["toy","adds","desk","a",3,"{digest_of(CONTEXT)}","{{\\"a\\":[2],\\"b\\":1}}"]'
    assert str(replace(key(3), config={"a": [2], "b": 1})) == str(key(3))
    assert len(digest_of(CONTEXT)) == 16
    assert key(PILOT_SEEDS).pilot
    assert not key(PILOT_SEEDS - 1).pilot


def test_any_mapping_is_a_configuration(store: Store) -> None:
    assert store.add(replace(key(), config=MappingProxyType({"b": 1, "a": [2]})), OUTCOME)
    assert not store.add(key(), OUTCOME)


def test_a_record_is_the_whole_outcome(store: Store) -> None:
    store.add(key(), OUTCOME)
    store.add(key(1), replace(OUTCOME, numbers=None, error="e", traceback="t", peak_memory=None))
    first, second = store.records()
    assert (first.key, first.outcome) == (key(), OUTCOME)
    assert second.outcome == replace(OUTCOME, numbers=None, error="e", traceback="t", peak_memory=None)
    assert (first.ok, second.ok, store.missing) == (True, False, 0)


def test_records_are_counted_by_paper_claim_and_budget(store: Store) -> None:
    for one in (key(), key(paper="b"), key(claim="b"), key(budget="smoke"), key(1)):
        store.add(one, OUTCOME)
    assert store.claims() == [
        ("b", "adds", "desk"),
        *(("toy", *rest) for rest in (("adds", "desk"), ("adds", "smoke"), ("b", "desk"))),
    ]
    assert [record.key.seed for record in store.records("toy", "adds", "desk")] == [0, 1]


def test_last_seeds_are_those_of_verdicts(store: Store) -> None:
    other = replace(CONTEXT, source="changed")
    for one in (key(4), key(9, context=other), key(2, budget="paper"), key(30, budget="smoke"), key(PILOT_SEEDS)):
        store.add(one, OUTCOME)
    store.add(key(3, context=replace(CONTEXT, claim="terms-2")), OUTCOME)
    assert store.last_seeds("toy", "adds") == {"terms-1": 9, "terms-2": 3}
    store.add(key(8, context=replace(CONTEXT, source="changed again")), OUTCOME)
    assert store.last_seeds("toy", "adds")["terms-1"] == 9, "whichever code came first"
    assert store.last_seeds("toy", "other") == store.last_seeds("other", "adds") == {}


# -- leases ------------------------------------------------------------------------------------------------------------


def test_a_lease_is_given_kept_and_given_back(store: Store, path: Path) -> None:
    assert store.lease(key(0)) is Lease.GIVEN
    assert store.lease(key(0)) is Lease.GIVEN, "one's own"
    with Store(path) as other:
        assert other.lease(key(0)) is Lease.REFUSED
        assert other.lease(key(1)) is Lease.GIVEN
        store.release_leases()
        assert other.lease(key(0)) is Lease.GIVEN
        assert store.lease(key(1)) is Lease.REFUSED, "another's is not given back"
    assert store.lease(key(1)) is Lease.GIVEN, "closing gave it back"
    store.lease(key(2))
    store.add(key(1), OUTCOME)
    assert store.lease(key(1)) is Lease.REFUSED, "it has a result"
    with Store(path) as other:
        assert other.lease(key(2)) is Lease.REFUSED, "recording one trial gives back that one only"


def test_a_trial_that_failed_is_free_for_another(store: Store, path: Path) -> None:
    store.lease(key())
    store.add(key(), replace(OUTCOME, numbers=None, error="e"))
    with Store(path) as other:
        assert other.lease(key()) is Lease.GIVEN


def test_every_lease_of_another_host_ends_by_itself(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two owners whose clocks are ahead, asked for in turn: each is watched for the length of a lease."""
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    for seed, owner in enumerate("xy"):
        lease = (str(key(seed)), owner, "elsewhere", 1, time.time() + 3600)
        store._db.execute("INSERT INTO leases VALUES (?, ?, ?, ?, ?)", lease)
        assert store.lease(key(seed)) is Lease.REFUSED
    now = LEASE_SECONDS
    assert [store.lease(key(seed)) for seed in range(2)] == [Lease.REFUSED] * 2
    now += 1
    assert [store.lease(key(seed)) for seed in range(2)] == [Lease.TAKEN_OVER] * 2


@pytest.mark.parametrize(("age", "lease"), [(LEASE_SECONDS, Lease.REFUSED), (LEASE_SECONDS + 1, Lease.TAKEN_OVER)])
def test_a_lease_is_as_long_as_it_says(store: Store, monkeypatch: pytest.MonkeyPatch, age: float, lease: Lease) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000.0 + age)
    store._db.execute("INSERT INTO leases VALUES (?, ?, ?, ?, ?)", (str(key()), "x", "elsewhere", 1, 1000.0))
    assert store.lease(key()) is lease


def test_a_process_that_may_not_be_asked_is_taken_to_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(pid: int, signal: int) -> None:
        raise PermissionError(f"{pid} is not yours to send {signal}")

    monkeypatch.setattr(os, "kill", kill)
    lease = (str(key()), "x", platform.node(), 1, time.time())
    store._db.execute("INSERT INTO leases VALUES (?, ?, ?, ?, ?)", lease)
    assert store.lease(key()) is Lease.REFUSED


def test_renewing_is_of_ones_own_leases(store: Store, path: Path) -> None:
    with Store(path) as other:
        store.lease(key(0))
        other.lease(key(1))
        changed(path, "UPDATE leases SET renewed = 0")
        store.renew_leases()
        with contextlib.closing(sqlite3.connect(path)) as database:
            renewed = dict(database.execute("SELECT trial, renewed FROM leases").fetchall())
    assert renewed[str(key(1))] == 0
    assert abs(renewed[str(key(0))] - time.time()) < 60


@pytest.mark.parametrize("ended", [True, False])
def test_a_lease_of_a_process_that_ended_is_taken_over(store: Store, ended: bool) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        if ended:
            process.communicate(b"\n")
        lease = (str(key()), "another", platform.node(), process.pid, time.time())
        store._db.execute("INSERT INTO leases VALUES (?, ?, ?, ?, ?)", lease)
        assert store.lease(key()) is (Lease.TAKEN_OVER if ended else Lease.REFUSED)
        if not ended:
            assert process.poll() is None, "asking whether it lives does it no harm"
            process.communicate(b"\n")


def test_a_process_of_another_host_is_taken_to_run(store: Store) -> None:
    store._db.execute(
        "INSERT INTO leases VALUES (?, ?, ?, ?, ?)", (str(key()), "x", "elsewhere", os.getpid(), time.time())
    )
    assert store.lease(key()) is Lease.REFUSED


# -- revisions ---------------------------------------------------------------------------------------------------------


def test_a_revision_stays_once_its_seeds_ran(store: Store) -> None:
    place = ("toy", "adds", "desk")
    assert store.register(*place, REVISION) == REVISION
    moved = replace(REVISION, first_seed=7, registered=2000.0)
    assert store.register(*place, moved) == moved, "none of its seeds ran"
    store.add(key(), OUTCOME)
    assert store.register(*place, REVISION) == moved
    second = replace(REVISION, number=2, digest="terms-2", first_seed=12)
    store.register(*place, second)
    assert store.revisions(*place) == [moved, second]
    assert store.revisions("toy", "adds", "paper") == []


def test_what_a_revision_came_to_under_earlier_code_is_kept(store: Store) -> None:
    place, other = ("toy", "adds", "desk"), replace(REVISION, number=2, digest="terms-2")
    store.register(*place, REVISION)
    store.register(*place, other)
    store.note(*place, "terms-1", {"verdict": "holds", "source": "s1"})
    store.note(*place, "terms-1", {"verdict": "fails", "source": "s2"})
    first, second = store.revisions(*place)
    earlier = [{"verdict": "holds", "source": "s1"}]
    assert first.came_to == {"verdict": "fails", "source": "s2", "under_earlier_code": earlier}
    assert second.came_to is None


def test_a_note_on_what_was_never_registered_is_none(store: Store) -> None:
    store.register("toy", "adds", "desk", REVISION)
    store.note("toy", "adds", "desk", "terms-9", {"verdict": "holds"})
    assert store.revisions("toy", "adds", "desk") == [REVISION]


@pytest.mark.parametrize(("there", "kept"), [(900.0, 900.0), (1100.0, 1000.0)])
def test_the_earlier_registration_counts(store: Store, tmp_path: Path, there: float, kept: float) -> None:
    place = ("toy", "adds", "desk")
    store.register(*place, REVISION)
    with Store(tmp_path / "other.sqlite") as other:
        other.register(*place, replace(REVISION, registered=there))
        other.register("toy", "new", "desk", REVISION)
        assert store.merge(other) == (0, 0)
    assert [each.registered for each in store.revisions(*place)] == [kept]
    assert store.revisions("toy", "new", "desk") == [REVISION]


def test_one_revision_with_other_seeds_is_not_merged(store: Store, tmp_path: Path) -> None:
    place = ("toy", "adds", "desk")
    store.register(*place, REVISION)
    with Store(tmp_path / "other.sqlite") as other:
        other.register(*place, replace(REVISION, first_seed=40))
        other.add(key(40), OUTCOME)
        with pytest.raises(StoreError) as refused:
            store.merge(other)
    assert str(refused.value) == (
        "toy/adds ran there from seed 40 and here from 0, with the same terms; nothing was merged. Keep one of the "
        "stores"
    )
    assert list(store.records()) == []


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("read_only", [True, False])
def test_a_store_of_the_first_format_is_read_and_goes_on(path: Path, read_only: bool) -> None:
    with Store(path) as store:
        store.add(key(), OUTCOME)
    changed(path, "DROP TABLE revisions", "UPDATE store SET value = '1' WHERE key = 'version'")
    with Store(path, read_only=read_only) as store:
        assert [record.outcome for record in store.records()] == [OUTCOME]
        assert store.revisions("toy", "adds", "desk") == []
        if not read_only:
            assert store.register("toy", "adds", "desk", REVISION) == REVISION
    with contextlib.closing(sqlite3.connect(path)) as database:
        (version,) = database.execute("SELECT value FROM store WHERE key = 'version'").fetchone()
    assert version == ("1" if read_only else str(VERSION))


def test_who_opens_a_new_file_while_another_makes_it_waits(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as database:
        database.execute("BEGIN EXCLUSIVE")
        database.execute("CREATE TABLE store (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        release = threading.Timer(0.3, database.execute, ["ROLLBACK"])
        release.start()
        with Store(path) as store:
            assert store.add(key(), OUTCOME)
        release.join()


class Busy:
    """A database that others hold for some time, or one with another fault."""

    def __init__(self, times: float, said: str = "database is locked") -> None:
        self.left, self.said = times, said

    def execute(self, statement: str) -> None:
        if self.left > 0:
            self.left -= 1
            raise sqlite3.OperationalError(self.said)


def test_setting_the_log_ahead_waits_its_time_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += 10 * seconds / 0.01

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: now)
    waiting = object.__new__(Store)
    waiting._db = Busy(3)  # type: ignore[assignment]
    waiting._write_ahead()
    assert now == 30
    waiting._db = Busy(math.inf)  # type: ignore[assignment]
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        waiting._write_ahead()
    assert now == 30 + BUSY_SECONDS + 10
    waiting._db = Busy(1, "disk I/O error")  # type: ignore[assignment]
    with pytest.raises(sqlite3.OperationalError, match="disk"):
        waiting._write_ahead()
    assert now == 30 + BUSY_SECONDS + 10


@pytest.mark.parametrize(
    ("said", "copied"),
    [
        ("attempt to write a readonly database", True),
        ("unable to open database file", True),
        ("database is locked", False),
        ("disk I/O error", False),
    ],
)
def test_a_store_that_may_not_be_written_is_read_through_a_copy(
    path: Path, monkeypatch: pytest.MonkeyPatch, said: str, copied: bool
) -> None:
    with Store(path) as store:
        store.add(key(), OUTCOME)
    opened, open_there = [], Store._open

    def open_elsewhere(self: Store, there: Path) -> None:
        opened.append(there)
        if there == path:
            raise sqlite3.OperationalError(said)
        open_there(self, there)

    monkeypatch.setattr(Store, "_open", open_elsewhere)
    if copied:
        with Store(path, read_only=True) as store:
            assert [record.outcome for record in store.records()] == [OUTCOME]
        assert [there.name for there in opened] == [path.name] * 2
        assert not opened[1].exists(), "the copy is gone with the store"
    else:
        with pytest.raises(StoreError, match=f"cannot open the evidence store {path}: {said}; "):
            Store(path, read_only=True)
        assert opened == [path]


def test_what_must_survive_a_power_cut_is_on_the_disk_when_it_is_said_to_be(store: Store, tmp_path: Path) -> None:
    place, statements = ("toy", "adds", "desk"), []
    store._db.set_trace_callback(statements.append)

    def settings(call: Callable[[], object]) -> list[str]:
        statements.clear()
        call()
        return [statement for statement in statements if statement.startswith("PRAGMA")]

    for durable in (
        lambda: store.add(key(), OUTCOME),
        lambda: store.merge([]),
        lambda: store.register(*place, REVISION),
    ):
        assert settings(durable) == ["PRAGMA synchronous = FULL"]
    for quick in (
        lambda: store.lease(key(1)),
        store.renew_leases,
        store.release_leases,
        lambda: store.note(*place, "terms-1", {"verdict": "holds"}),
    ):
        assert settings(quick) == ["PRAGMA synchronous = NORMAL"]


def test_the_number_of_records_is_beside_the_store_at_once(store: Store, path: Path) -> None:
    for count in (1, 2):
        store.add(key(count), OUTCOME)
        assert Path(f"{path}.count").read_text(encoding="ascii").split() == [store.origin, str(count)]


def test_a_store_goes_on_where_its_number_of_records_cannot_be_kept(path: Path) -> None:
    Path(f"{path}.count").mkdir(parents=True)
    with Store(path) as store:
        assert store.add(key(), OUTCOME)
    with Store(path) as store:
        assert (len(list(store.records())), store.missing) == (1, 0)


def test_threads_share_a_store(store: Store) -> None:
    threads = [threading.Thread(target=store.add, args=(key(seed), OUTCOME)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(record.key.seed for record in store.records()) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE records SET numbers = '{'", "not JSON: "),
        ("UPDATE records SET numbers = '[1]'", "not a JSON object: [1]"),
        ("UPDATE records SET seed = 'x'", "a seed is 'x'"),
        ("UPDATE contexts SET content = '{\"colour\": 1}'", "a context is no context: "),
        ("UPDATE store SET value = 'x1' WHERE key = 'version'", "its format is 'x1'"),
        ("DELETE FROM store WHERE key = 'origin'", "the setting 'origin' is missing"),
    ],
)
def test_damage_is_named(path: Path, harm: str, said: str) -> None:
    with Store(path) as store:
        store.add(key(), OUTCOME)
    changed(path, harm)
    with pytest.raises(StoreError) as refused, Store(path) as store:
        list(store.records())
    assert f"the evidence store {path} is damaged ({said}" in str(refused.value)


def test_a_database_of_something_else_is_named_with_its_tables(path: Path) -> None:
    path.parent.mkdir(parents=True)
    changed(path, "CREATE TABLE birds (name TEXT)", "CREATE TABLE ants (name TEXT)")
    with pytest.raises(StoreError, match=r"is a database of something else \(tables ants, birds\)$"):
        Store(path)


CALLS: list[tuple[str, str, Callable[[Store], object]]] = [
    ("write to", "leases", lambda store: store.lease(key())),
    ("write to", "leases", lambda store: store.renew_leases()),
    ("write to", "leases", lambda store: store.release_leases()),
    ("write to", "records", lambda store: store.add(key(), OUTCOME)),
    ("write to", "records", lambda store: store.merge([])),
    ("read", "records", lambda store: list(store.records())),
    ("read", "records", lambda store: store.claims()),
    ("read", "records", lambda store: store.last_seeds("toy", "adds")),
    ("read", "contexts", lambda store: list(store.records(context=CONTEXT))),
    ("read", "revisions", lambda store: store.revisions("toy", "adds", "desk")),
    ("read", "records", lambda store: store.register("toy", "adds", "desk", REVISION)),
    ("write to", "revisions", lambda store: store.register("toy", "adds", "desk", REVISION)),
    ("read", "revisions", lambda store: store.note("toy", "adds", "desk", "terms-1", {"verdict": "holds"})),
]


@pytest.mark.parametrize(("what", "table", "call"), CALLS)
def test_what_could_not_be_done_is_said(
    store: Store, path: Path, what: str, table: str, call: Callable[[Store], object]
) -> None:
    changed(path, f"DROP TABLE {table}")
    with pytest.raises(StoreError) as refused:
        call(store)
    assert str(refused.value) == (
        f"cannot {what} the evidence store {path}: no such table: {table}; move it aside (mv {path} {path}.damaged) to "
        "begin a new one"
    )
    assert not store._db.in_transaction


def test_a_note_that_cannot_be_written_is_said(store: Store) -> None:
    store.register("toy", "adds", "desk", REVISION)
    store._db.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match=r"^cannot write to the evidence store .*; is its folder writable\?"):
        store.note("toy", "adds", "desk", "terms-1", {"verdict": "holds"})
