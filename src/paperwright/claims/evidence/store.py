"""The evidence store: every finished trial as one record, in an SQLite file.

Each record is written in a transaction of its own (write-ahead log), so that a process killed at any moment loses no
finished trial and leaves a file that opens. Several processes may write at once: a trial is *leased* before it runs,
so that two checks share the work, and a lease whose process died is taken over. Records are only ever added: one whose
context (code, versions, data) no longer fits is stale and stays.
"""

import contextlib
import functools
import hashlib
import io
import json
import os
import platform
import shutil
import sqlite3
import tempfile
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final

from paperwright.claims.containment import encodable
from paperwright.claims.evidence.revision import Revision, with_earlier_code
from paperwright.claims.fingerprint.context import Context
from paperwright.claims.trial import PILOT_SEEDS, Outcome

LEASE_SECONDS: Final = 60.0
VERSION: Final = 2

BUSY_SECONDS: Final = 60
"""How long to wait for another process that writes."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS store (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS contexts (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    paper TEXT NOT NULL, claim TEXT NOT NULL, budget TEXT NOT NULL, arm TEXT NOT NULL, seed INTEGER NOT NULL,
    context INTEGER NOT NULL REFERENCES contexts (id),
    config TEXT NOT NULL,
    numbers TEXT, error TEXT, traceback TEXT,
    started REAL NOT NULL, seconds REAL NOT NULL, peak_memory INTEGER,
    machine TEXT NOT NULL, origin TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_result ON records (paper, claim, budget, arm, seed, context, config)
    WHERE numbers IS NOT NULL;
CREATE INDEX IF NOT EXISTS of_claim ON records (paper, claim, budget);
CREATE TABLE IF NOT EXISTS revisions (
    paper TEXT NOT NULL, claim TEXT NOT NULL, budget TEXT NOT NULL, digest TEXT NOT NULL,
    number INTEGER NOT NULL, first_seed INTEGER NOT NULL, registered REAL NOT NULL, terms TEXT NOT NULL, came_to TEXT,
    PRIMARY KEY (paper, claim, budget, digest)
);
CREATE TABLE IF NOT EXISTS leases (
    trial TEXT PRIMARY KEY, owner TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, renewed REAL NOT NULL
);
"""


class StoreError(RuntimeError):
    """The store cannot be opened, read or written; the message says which file and what to do."""

    exit_code = 4


class Lease(Enum):
    """What asking for a trial came to; true where it was given."""

    REFUSED = 0
    GIVEN = 1
    TAKEN_OVER = 2

    def __bool__(self) -> bool:
        return self is not Lease.REFUSED


@dataclass(frozen=True)
class Key:
    """Which trial of which claim: a claim at a budget, an arm, a seed, in a context, with a configuration."""

    paper: str
    claim: str
    budget: str
    arm: str
    seed: int
    context: Context
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pilot(self) -> bool:
        return self.seed >= PILOT_SEEDS

    def __str__(self) -> str:
        plain = [self.paper, self.claim, self.budget, self.arm, self.seed, digest_of(self.context), _json(self.config)]
        return json.dumps(plain, separators=(",", ":"))


@dataclass(frozen=True)
class Record:
    """A finished trial: which it was, what became of it, and the store it was first written to.

    Attributes:
        failed_before: how often the same trial failed before it ran, where they are counted (`valid_records`).
    """

    key: Key
    outcome: Outcome
    uid: str
    origin: str
    failed_before: int = 0

    @property
    def ok(self) -> bool:
        return self.outcome.numbers is not None


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), sort_keys=True, separators=(",", ":"))


def _text(text: str | None) -> str | None:
    return None if text is None else encodable(text)


def _mapping(text: Any) -> dict[str, Any]:
    """What a column of JSON holds."""
    try:
        content = json.loads(text)
    except (TypeError, ValueError) as error:
        raise sqlite3.DatabaseError(f"not JSON: {error}") from None
    if not isinstance(content, dict):
        raise sqlite3.DatabaseError(f"not a JSON object: {content!r:.40}")
    return content


def digest_of(context: Context) -> str:
    """A short name for a context."""
    return hashlib.sha256(_json(asdict(context)).encode()).hexdigest()[:16]


class Store:
    """An evidence store at `path`, made if it is not there. Usable as a context manager, from several threads.

    Args:
        path: the file.
        create: make it if it is not there.
        read_only: only read; then the file and its folder need not be writable.

    Attributes:
        missing: how many records were written here and are lost, by damage that the file itself does not show.

    Raises:
        StoreError: the file is damaged, of a newer version, in a folder that cannot be written, or the disk is full.
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = True, read_only: bool = False) -> None:
        self.path = Path(path)
        self._read_only = read_only
        self.owner = uuid.uuid4().hex
        self.missing = 0
        self._lock = threading.RLock()
        self._contexts: dict[int, Context] = {}
        self._ids: dict[str, int] = {}
        self._watched: dict[str, tuple[tuple[str, float], float]] = {}  # leases of others, and since when they are so
        self._counted: io.FileIO | None = None  # the open file of the counter
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        if (not create or read_only) and not self.path.is_file():
            raise StoreError(f"there is no evidence store at {self.path}")
        with self._failing("open"):
            if read_only:
                self._open_to_read()
            else:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._open(self.path)

    def _open_to_read(self) -> None:
        """Open a store that this process may not write: as it is, else through a copy.

        SQLite reads what lies in a write-ahead log only where it may write beside it; so the copy has the log too.
        """
        try:
            self._open(self.path)
        except sqlite3.OperationalError as error:
            if not any(said in str(error) for said in ("readonly", "unable to open")):
                raise
            self._copy = tempfile.TemporaryDirectory(prefix="paperwright-")
            for suffix in ("", "-wal"):
                if (source := Path(f"{self.path}{suffix}")).is_file():
                    shutil.copyfile(source, Path(self._copy.name) / f"{self.path.name}{suffix}")
            self._open(Path(self._copy.name) / self.path.name)

    def _open(self, path: Path) -> None:
        self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
            self._count_missing()
        except BaseException:
            self._db.close()
            raise

    def _write_ahead(self) -> None:
        """Set the log ahead; who opens a new file at once with others waits, which SQLite's own timeout leaves out."""
        until = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
            time.sleep(0.01)

    def _prepare(self) -> None:
        self._write_ahead()
        problem = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise sqlite3.DatabaseError(problem)
        tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and "records" not in tables:
            raise StoreError(f"{self.path} is a database of something else (tables {', '.join(sorted(tables))})")
        if not tables:
            self._create()
        version, self.origin = (self._setting(key) for key in ("version", "origin"))
        if not version.isdecimal():
            raise sqlite3.DatabaseError(f"its format is {version!r}")
        if int(version) > VERSION:
            raise StoreError(
                f"{self.path} was written by a newer paperwright (format {version}, this one reads {VERSION})"
            )
        self._registers = "revisions" in tables or not self._read_only
        if int(version) < VERSION and not self._read_only:  # what is new stands in tables of its own
            self._create()
            with self._transaction():
                self._db.execute("UPDATE store SET value = ? WHERE key = 'version'", (str(VERSION),))

    def _create(self) -> None:
        with self._transaction():
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            for key, value in (("version", str(VERSION)), ("origin", uuid.uuid4().hex)):
                self._db.execute("INSERT OR IGNORE INTO store VALUES (?, ?)", (key, value))

    def _setting(self, key: str) -> str:
        row = self._db.execute("SELECT value FROM store WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise sqlite3.DatabaseError(f"the setting {key!r} is missing")
        return str(row[0])

    @contextlib.contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        """Turns what SQLite and the system say into one line that names the file and the way out."""
        try:
            yield
        except sqlite3.OperationalError as error:
            said = str(error)
            if "full" in said:
                way = "the disk is full: make room; everything recorded before is safe"
            elif "readonly" in said or "unable to open" in said:
                way = "is its folder writable? Name another file with --store"
            elif "locked" in said:
                way = "another process holds it; try again"
            else:
                way = f"move it aside (mv {self.path} {self.path}.damaged) to begin a new one"
            raise StoreError(f"cannot {what} the evidence store {self.path}: {said}; {way}") from None
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"the evidence store {self.path} is damaged ({str(error).splitlines()[0]}); nothing was changed in it. "
                f"Save what is readable with `sqlite3 {self.path} .recover`, and move it aside to begin a new one"
            ) from None
        except OSError as error:
            raise StoreError(f"cannot {what} the evidence store {self.path}: {error.strerror or error}") from None

    @contextlib.contextmanager
    def _transaction(self, *, durable: bool = True) -> Iterator[None]:
        """One transaction; a durable one has reached the disk when it ends, and would survive a power cut."""
        with self._lock:
            self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            try:  # around all of it: an interrupt may come between any two of these lines
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Gives back what this process still leases, and closes the file."""
        with self._lock:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("DELETE FROM leases WHERE owner = ?", (self.owner,))
            self._db.close()
            if self._counted is not None:
                self._counted.close()
            if self._copy is not None:
                self._copy.cleanup()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _context_id(self, context: Context) -> int:
        digest = digest_of(context)
        if digest not in self._ids:
            self._db.execute(
                "INSERT OR IGNORE INTO contexts (digest, content) VALUES (?, ?)", (digest, _json(asdict(context)))
            )
            (self._ids[digest],) = self._db.execute("SELECT id FROM contexts WHERE digest = ?", (digest,)).fetchone()
        return self._ids[digest]

    def _context(self, identifier: int) -> Context:
        if identifier not in self._contexts:
            row = self._db.execute("SELECT content FROM contexts WHERE id = ?", (identifier,)).fetchone()
            try:
                self._contexts[identifier] = Context(**_mapping(row and row[0]))
            except TypeError as error:  # names that it has not
                raise sqlite3.DatabaseError(f"a context is no context: {error}") from None
        return self._contexts[identifier]

    def add(self, key: Key, outcome: Outcome, *, uid: str | None = None, origin: str | None = None) -> bool:
        """Writes one finished trial, in a transaction of its own, and gives back its lease.

        Returns:
            Whether it was written; False if this trial has a result already (which then stays).
        """
        with self._failing("write to"), self._transaction():
            written = self._insert(key, outcome, uid or uuid.uuid4().hex, origin or self.origin)
            self._db.execute("DELETE FROM leases WHERE trial = ?", (str(key),))
            count = self._count()
        self._note_count(count)
        return written

    def _insert(self, key: Key, outcome: Outcome, uid: str, origin: str) -> bool:
        numbers = None if outcome.numbers is None else _json(outcome.numbers)
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO records (uid, paper, claim, budget, arm, seed, context, config, numbers, error,"
            " traceback, started, seconds, peak_memory, machine, origin)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                uid,
                *(
                    key.paper,
                    key.claim,
                    key.budget,
                    key.arm,
                    key.seed,
                    self._context_id(key.context),
                    _json(key.config),
                ),
                *(numbers, _text(outcome.error), _text(outcome.traceback)),
                *(outcome.started, outcome.seconds, outcome.peak_memory),
                *(_json(outcome.machine), origin),
            ),
        )
        return cursor.rowcount == 1

    def lease(self, key: Key) -> Lease:
        """Takes a trial for this process, from a dead one too; refused if it has a result or a living one has it."""
        trial = str(key)
        with self._failing("write to"), self._transaction(durable=False):
            if self._has(key):
                return Lease.REFUSED
            row = self._db.execute("SELECT owner, host, pid, renewed FROM leases WHERE trial = ?", (trial,)).fetchone()
            others = row is not None and row[0] != self.owner
            if others and self._alive(trial, *row):
                return Lease.REFUSED
            self._db.execute(
                "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)",
                (trial, self.owner, platform.node(), os.getpid(), time.time()),
            )
        return Lease.TAKEN_OVER if others else Lease.GIVEN

    def _alive(self, trial: str, owner: str, host: str, pid: int, renewed: float) -> bool:
        """Whether the process that holds a lease still lives: asked of the system on this host, by the clock elsewhere.

        Clocks differ: one that is ahead makes a lease look fresh for long. So a lease that was not renewed for its own
        length while this process looked on is dead as well.
        """
        seen, since = self._watched.setdefault(trial, ((owner, renewed), time.monotonic()))
        if seen != (owner, renewed):
            self._watched[trial] = ((owner, renewed), time.monotonic())
        elif time.monotonic() - since > LEASE_SECONDS:
            return False
        return time.time() - renewed <= LEASE_SECONDS and _runs(host, pid)

    def renew_leases(self) -> None:
        """Keeps this process's leases from running out; called every few seconds while trials run."""
        with self._failing("write to"), self._transaction(durable=False):
            self._db.execute("UPDATE leases SET renewed = ? WHERE owner = ?", (time.time(), self.owner))

    def release_leases(self) -> None:
        """Gives back every lease of this process."""
        with self._failing("write to"), self._transaction(durable=False):
            self._db.execute("DELETE FROM leases WHERE owner = ?", (self.owner,))

    def _has(self, key: Key) -> bool:
        return (
            self._db.execute(
                "SELECT 1 FROM records WHERE paper = ? AND claim = ? AND budget = ? AND arm = ? AND seed = ?"
                " AND context = ? AND config = ? AND numbers IS NOT NULL",
                (key.paper, key.claim, key.budget, key.arm, key.seed, self._context_id(key.context), _json(key.config)),
            ).fetchone()
            is not None
        )

    def records(
        self,
        paper: str | None = None,
        claim: str | None = None,
        budget: str | None = None,
        context: Context | None = None,
    ) -> Iterator[Record]:
        """Every record there is, in the order of writing; of one paper, claim, budget or context where it is given."""
        columns = {"paper": paper, "claim": claim, "budget": budget, "context": self._known(context)}
        given = {name: value for name, value in columns.items() if value is not None}
        where = " AND ".join(f"{name} = ?" for name in given) or "1"
        with self._failing("read"), self._lock:
            rows = self._db.execute(
                "SELECT paper, claim, budget, arm, seed, context, config, numbers, error, traceback, started, seconds,"
                f" peak_memory, machine, uid, origin FROM records WHERE {where} ORDER BY id",
                tuple(given.values()),
            ).fetchall()
            repeated = functools.cache(_mapping)  # configurations and machines are few
            for row in rows:
                if not isinstance(row[4], int):
                    raise sqlite3.DatabaseError(f"a seed is {row[4]!r}")
                key = Key(row[0], row[1], row[2], row[3], row[4], self._context(row[5]), repeated(row[6]))
                numbers = None if row[7] is None else _mapping(row[7])
                outcome = Outcome(numbers, row[8], row[9], row[10], row[11], row[12], repeated(row[13]))
                yield Record(key, outcome, row[14], row[15])

    def register(self, paper: str, claim: str, budget: str, revision: Revision) -> Revision:
        """Writes down a revision before its first seed runs, and returns it as it stands.

        One of which seeds ran stays as it was registered; one that never ran may be given other seeds.
        """
        ran = revision.digest in self.last_seeds(paper, claim)
        with self._failing("write to"), self._transaction():
            self._insert_revision(paper, claim, budget, revision, "IGNORE" if ran else "REPLACE")
        return next(each for each in self.revisions(paper, claim, budget) if each.digest == revision.digest)

    def _insert_revision(self, paper: str, claim: str, budget: str, revision: Revision, conflict: str) -> None:
        self._db.execute(
            f"INSERT OR {conflict} INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(paper, claim, budget, revision.digest, revision.number, revision.first_seed),
                *(revision.registered, _json(revision.terms)),
                None if revision.came_to is None else _json(revision.came_to),
            ),
        )

    def note(self, paper: str, claim: str, budget: str, digest: str, came_to: Mapping[str, Any]) -> None:
        """Writes down what a revision came to, for the time when its rule is no longer there to judge by.

        What the same seeds came to under other code stays beside it.
        """
        before = next((each.came_to for each in self.revisions(paper, claim, budget) if each.digest == digest), None)
        came_to = with_earlier_code(came_to, before)
        with self._failing("write to"), self._transaction(durable=False):
            self._db.execute(
                "UPDATE revisions SET came_to = ? WHERE paper = ? AND claim = ? AND budget = ? AND digest = ?",
                (_json(came_to), paper, claim, budget, digest),
            )

    def revisions(self, paper: str, claim: str, budget: str) -> list[Revision]:
        """The revisions of a claim that are registered here, in their order."""
        return self._registered().get((paper, claim, budget), [])

    def _registered(self) -> dict[tuple[str, str, str], list[Revision]]:
        """Every revision that is registered here, by paper, claim and budget."""
        found: dict[tuple[str, str, str], list[Revision]] = {}
        if not self._registers:
            return found
        with self._failing("read"), self._lock:
            rows = self._db.execute(
                "SELECT paper, claim, budget, number, terms, digest, first_seed, registered, came_to FROM revisions"
                " ORDER BY number, registered"
            ).fetchall()
            for paper, claim, budget, number, terms, digest, first, registered, said in rows:
                came_to = None if said is None else _mapping(said)
                revision = Revision(number, _mapping(terms), digest, first, registered, came_to)
                found.setdefault((paper, claim, budget), []).append(revision)
        return found

    def last_seeds(self, paper: str, claim: str) -> dict[str, int]:
        """For each hash of terms under which verdict seeds of a claim ran here, at any budget, the greatest of them."""
        with self._failing("read"), self._lock:
            rows = self._db.execute(
                "SELECT context, max(seed) FROM records"
                " WHERE paper = ? AND claim = ? AND budget != 'smoke' AND seed < ? GROUP BY context",
                (paper, claim, PILOT_SEEDS),
            ).fetchall()
        found: dict[str, int] = {}
        for identifier, seed in rows:
            digest = self._context(identifier).claim
            found[digest] = max(seed, found.get(digest, seed))
        return found

    def _known(self, context: Context | None) -> int | None:
        """The number of a context here, 0 for one that no record has."""
        if context is None:
            return None
        with self._failing("read"), self._lock:
            row = self._db.execute("SELECT id FROM contexts WHERE digest = ?", (digest_of(context),)).fetchone()
        return 0 if row is None else int(row[0])

    def claims(self) -> list[tuple[str, str, str]]:
        """Each (paper, claim, budget) that has records."""
        with self._failing("read"), self._lock:
            rows = self._db.execute("SELECT DISTINCT paper, claim, budget FROM records ORDER BY 1, 2, 3").fetchall()
        return [(paper, claim, budget) for paper, claim, budget in rows]

    def merge(self, source: "Store | Iterable[Record]") -> tuple[int, int]:
        """Takes in records made elsewhere with their provenance, and of a store its revisions, all or none.

        Returns:
            How many were new, and how many trials had a result here already (or had been merged before).
        """
        new = known = 0
        registered = source._registered() if isinstance(source, Store) else {}
        records = source.records() if isinstance(source, Store) else source
        here = self._registered()
        with self._failing("write to"), self._transaction():
            for claim, revisions in registered.items():
                there = {each.digest: each for each in here.get(claim, [])}
                for revision in revisions:
                    mine = there.get(revision.digest, revision)
                    if mine.first_seed != revision.first_seed:
                        raise StoreError(
                            f"{'/'.join(claim[:2])} ran there from seed {revision.first_seed} and here from"
                            f" {mine.first_seed}, with the same terms; nothing was merged. Keep one of the stores"
                        )
                    if (revision.registered or 0) <= (mine.registered or 0):  # the earlier registration is the true one
                        self._insert_revision(*claim, revision, "REPLACE")
            for record in records:
                if self._insert(record.key, record.outcome, record.uid, record.origin):
                    new += 1
                else:
                    known += 1
            count = self._count()
        self._note_count(count)
        return new, known

    def _count(self) -> int:
        """How many records were ever written: their numbers rise, and none is deleted."""
        return int(self._db.execute("SELECT coalesce(max(id), 0) FROM records").fetchone()[0])

    @property
    def _counter(self) -> Path:
        return self.path.with_name(f"{self.path.name}.count")

    def _note_count(self, count: int) -> None:
        """Keep the number of records beside the store. Unlike a record it need not survive a power cut: a number that
        is too small only says less."""
        with contextlib.suppress(OSError), self._lock:
            if self._counted is None:
                self._counted = self._counter.open("wb", buffering=0)
            self._counted.seek(0)
            self._counted.write(f"{self.origin} {count:20d}\n".encode("ascii"))

    def _count_missing(self) -> None:
        """How many records were written and are not there any more, because a damaged or shortened log lost them.

        SQLite drops what follows a fault in its write-ahead log without a word. What a power cut or a copy of the
        store without its counter hides is not noticed.
        """
        try:
            origin, noted = self._counter.read_text(encoding="ascii").split()
            missing = int(noted) - self._count()
        except (OSError, ValueError):
            return
        self.missing = max(0, missing) if origin == self.origin else 0


def _runs(host: str, pid: int) -> bool:
    """Whether a process runs; one of another host is taken to."""
    if host != platform.node():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
