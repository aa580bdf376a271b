"""The engine at work: resume, interruption, kill -9, several processes, dead workers, a real Dask cluster."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paperwright.claims import Place, Plan, Store, UsageError, Verdict, check, place, select
from paperwright.executors import SubmititExecutor

Run = Callable[..., "subprocess.CompletedProcess[str]"]

FELL_OVER = "1 of 4 trials raised an error, first: RuntimeError: the trial fell over (toy_paper/claims.py:"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "evidence.sqlite") as opened:
        yield opened


def log_of(path: Path) -> list[tuple[str, str]]:
    """The (arm, seed) of each trial that ran, as the toy's trials note them down."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(arm, seed) for _, arm, seed in (line.split() for line in lines)]


@pytest.mark.parametrize(
    ("name", "verdict", "seeds"),
    [("adds", "holds", 5), ("subtracts", "fails", 5), ("nothing", "undecided", 20), ("exact", "holds", 1)],
)
def test_verdicts(toy: Path, store: Store, name: str, verdict: str, seeds: int) -> None:
    (judgement,) = check(select([f"toy/{name}"]), store)
    assert (judgement.verdict, judgement.seeds) == (verdict, seeds)
    assert judgement.recorded == seeds * len(judgement.arms)


def test_what_is_recorded_is_not_run_again(
    toy: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    first = check(select(["toy/nothing"]), store, Plan(seeds=7))
    assert (first[0].verdict, first[0].seeds, len(log_of(tmp_path / "log"))) == (Verdict.UNDECIDED, 5, 14)
    second = check(select(["toy/nothing"]), store)
    assert (second[0].verdict, second[0].seeds) == (Verdict.UNDECIDED, 20)
    ran = log_of(tmp_path / "log")
    assert len(ran) == len(set(ran)) == 40


def test_more_seeds_than_planned_are_refused(toy: Path, store: Store) -> None:
    with pytest.raises(UsageError, match="inflate the verdict's error"):
        check(select(["toy/adds"]), store, Plan(seeds=21))
    with pytest.raises(UsageError, match="pilot"):
        check(select(["toy/adds"]), store, Plan(config={"effect": 3.0}))
    with pytest.raises(UsageError, match="has no setting efect; its settings: effect"):
        check(select(["toy/adds"]), store, Plan(pilot=True, config={"efect": 3.0}))
    with pytest.raises(UsageError, match="no budget 'paper'"):
        check(select(["toy/adds"]), store, Plan("paper"))


def test_pilot_seeds_never_count(toy: Path, store: Store) -> None:
    (pilot,) = check(select(["toy/adds"]), store, Plan(pilot=True, seeds=6))
    assert pilot.verdict is Verdict.NO_VERDICT
    assert {record.key.seed for record in store.records()} == set(range(1_000_000, 1_000_006))
    (verdict,) = check(select(["toy/adds"]), store)
    assert (verdict.verdict, verdict.recorded) == ("holds", 10)


def test_an_error_is_recorded_and_the_rest_goes_on(toy: Path, store: Store) -> None:
    judgements = check(
        select(["toy/falls_over", "toy/returns_nan", "toy/wrong_key", "toy/needs_data", "toy/adds"]), store
    )
    problems = [judgement.problem for judgement in judgements]
    assert FELL_OVER in str(problems[0])
    assert problems[1] is not None
    assert "must be finite" in problems[1]
    assert problems[2] is not None
    assert "the rule needs ['score'], the trial returned ['scroe']" in problems[2]
    assert problems[3] is not None
    assert "mnist" in problems[3]
    assert judgements[4].verdict == "holds"
    (failed,) = [record for record in store.records("toy", "falls_over") if not record.ok]
    assert 'raise RuntimeError("the trial fell over")' in (failed.outcome.traceback or "")
    assert len([record for record in store.records("toy", "falls_over") if record.ok]) == 3


@pytest.mark.parametrize("where", ["inprocess", "processes:1"])
def test_a_trial_that_exits_is_an_error_of_the_trial(toy: Path, store: Store, where: str) -> None:
    there = place(where)
    leaves, adds = check(select(["toy/leaves", "toy/adds"]), store, place=there)
    there.close(False)
    assert "2 of 2 trials raised an error, first: SystemExit: 3 (toy_paper/claims.py:" in str(leaves.problem)
    assert adds.verdict == "holds"


def test_fewer_seeds_than_the_first_look_leave_a_claim_unfinished(toy: Path, store: Store) -> None:
    (judgement,) = check(select(["toy/adds"]), store, Plan(seeds=3))
    assert (judgement.verdict, judgement.recorded) == ("unfinished", 6)


def test_a_failed_trial_is_tried_again_next_time(toy: Path, store: Store) -> None:
    check(select(["toy/falls_over"]), store)
    check(select(["toy/falls_over"]), store)
    assert len(list(store.records("toy", "falls_over"))) == 5


@pytest.mark.parametrize(
    ("old", "new", "stale"),
    [
        ("OFFSET = 1.0", "OFFSET = 1.0  # a remark", False),
        ('"""A number around 0, or', '"""Some number around 0, or', False),
        ('raise RuntimeError("the trial fell over")', 'raise RuntimeError("another claim\'s trial")', False),
        ("shift = effect", "shift = 1.5 * effect", True),
        ("OFFSET * 5", "OFFSET * 6", True),
        ("Adding a number raises", "Adding any number raises", True),
    ],
)
def test_evidence_is_stale_when_the_trial_or_the_claim_changed(
    edit: Callable[[str, str], None], store: Store, old: str, new: str, stale: bool
) -> None:
    check(select(["toy/adds"]), store)
    edit(old, new)
    (judgement,) = check(select(["toy/adds"]), store)
    assert judgement.verdict == "holds"
    assert len(list(store.records("toy", "adds"))) == (20 if stale else 10), "old records stay, new ones only where due"


def test_processes_give_the_same_numbers(toy: Path, store: Store, tmp_path: Path) -> None:
    alone = check(select(["toy/nothing"]), store)
    where = place("processes:2")
    with Store(tmp_path / "other.sqlite") as other:
        together = check(select(["toy/nothing"]), other, place=where)
        where.close(False)
        assert numbers(other) == numbers(store)
    assert [str(finding) for finding in alone[0].findings] == [str(finding) for finding in together[0].findings]


def numbers(store: Store) -> dict[tuple[str, str, int], object]:
    return {(record.key.claim, record.key.arm, record.key.seed): record.outcome.numbers for record in store.records()}


@pytest.mark.parametrize("workers", [1, 3])
def test_a_worker_that_dies_is_named_and_the_rest_goes_on(toy: Path, store: Store, workers: int) -> None:
    where = place(f"processes:{workers}")
    dies, adds = check(select(["toy/dies", "toy/adds"]), store, place=where)
    where.close(True)
    assert dies.problem is not None
    assert "worker process died" in dies.problem
    assert dies.recorded == 3
    assert adds.verdict == "holds"


def test_two_processes_share_one_store(toy: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-m", "paperwright", "check", "toy/long"]
    environment = os.environ | {"TOY_LOG": str(log)}
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in "ab"
    ]
    codes = [process.wait(timeout=60) for process in both]
    assert codes == [3, 3]
    with Store(tmp_path / "evidence.sqlite") as store:
        recorded = Counter((record.key.claim, record.key.arm, record.key.seed) for record in store.records())
    assert set(recorded.values()) == {1}
    assert len(recorded) == 40
    assert len(log_of(log)) == 40, "each trial also ran once only"
    assert len({line.split()[0] for line in log.read_text(encoding="utf-8").splitlines()}) == 2, "and both took part"


def test_kill_at_random_moments_loses_nothing(toy: Path, tmp_path: Path) -> None:
    """kill -9, again and again: the store opens, no finished trial is lost or doubled, the verdict is the same.

    Every other kill comes early, while the process starts or makes the store; the others while it records.
    """
    command = [sys.executable, "-m", "paperwright", "check", "toy/long", "toy/nothing"]
    path = tmp_path / "evidence.sqlite"
    moments = random.Random(5)
    before: set[str] = set()
    grew = 0
    for number in range(14):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if number % 2:
            while process.poll() is None and recorded_in(path) <= len(before):
                time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.15 if number % 2 else 0.8))
        process.kill()
        process.wait()
        if path.exists():
            with Store(path) as store:
                now = {record.uid for record in store.records()}
            assert before <= now, "a finished trial was lost"
            grew += before < now
            before = now
    assert grew >= 7, "the kills were to come in the midst of the work"
    assert len(before) < 80
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 3
    with Store(path) as store, Store(tmp_path / "unbroken.sqlite") as unbroken:
        keys = [str(record.key) for record in store.records()]
        assert len(keys) == len(set(keys)) == 80, "a trial was recorded twice, or not at all"
        assert before <= {record.uid for record in store.records()}
        words = [judgement.verdict for judgement in check(select(["toy/long", "toy/nothing"]), unbroken)]
        assert numbers(store) == numbers(unbroken)
    assert words == ["undecided", "undecided"]


def test_interrupt_keeps_what_finished_and_says_how_to_go_on(toy: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "paperwright", "check", "toy/long", "--on", "inprocess"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    path = tmp_path / "evidence.sqlite"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not recorded_in(path):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    finished = recorded_in(path)
    assert 0 < finished < 40
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 3
    assert recorded_in(path) == 40


def recorded_in(path: Path) -> int:
    try:
        with Store(path, create=False) as store:
            return len(list(store.records()))
    except Exception:  # not there yet
        return 0


def test_a_lease_of_a_dead_process_is_taken_over(toy: Path, store: Store, tmp_path: Path) -> None:
    """A process that died while a trial ran leaves its lease behind; the next check does not wait for it."""
    script = (
        "import os; from paperwright.claims import *; from paperwright.claims.check import Campaign\n"
        f"store = Store({str(store.path)!r}); campaign = Campaign(select(['toy/adds'])[0], store, Plan())\n"
        "assert all(store.lease(campaign.key(task)) for task in campaign.todo); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    (judgement,) = check(select(["toy/adds"]), store)
    assert judgement.verdict == "holds"


@pytest.mark.slow
def test_on_a_dask_cluster(toy: Path, store: Store, tmp_path: Path) -> None:
    """A real scheduler and two real workers, as processes of their own."""
    pytest.importorskip("distributed")
    scheduler_file = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    with contextlib.ExitStack() as stack:
        start = [
            *command,
            "--port",
            "0",
            "--no-dashboard",
            "--host",
            "127.0.0.1",
            "--scheduler-file",
            str(scheduler_file),
        ]
        stack.enter_context(running(start, quiet))
        address = wait_for(lambda: address_in(scheduler_file))
        for number in (1, 2):
            join = [*worker, f"tcp://{address}", "--nthreads", "1", "--no-dashboard", "--nworkers", "1"]
            stack.enter_context(running([*join, "--name", f"worker-{number}", "--no-nanny"], quiet))
        where = wait_for(lambda: two_wide(address))
        judgements = check(select(["toy/nothing", "toy/adds", "toy/falls_over"]), store, place=where)
        where.close(False)
    assert [judgement.verdict for judgement in judgements] == ["undecided", "holds", "no verdict"]
    with Store(tmp_path / "local.sqlite") as local:
        check(select(["toy/nothing"]), local)
        here = {str(record.key): record.outcome.numbers for record in local.records()}
        there = {str(record.key): record.outcome.numbers for record in store.records("toy", "nothing")}
        assert here == there


def test_on_submitit_jobs(toy: Path, store: Store, tmp_path: Path) -> None:
    """The adapter that Slurm runs through, on submitit's own local executor: a job, a process, for each trial."""
    submitit = pytest.importorskip("submitit")
    executor = submitit.LocalExecutor(folder=tmp_path / "jobs")
    executor.update_parameters(timeout_min=5)
    where = Place(SubmititExecutor(executor), 2)
    exact, falls_over = check(select(["toy/exact", "toy/falls_over"]), store, place=where)
    assert exact.verdict == "holds"
    assert FELL_OVER in str(falls_over.problem)


@contextlib.contextmanager
def running(command: list[str], options: dict[str, object]) -> Iterator[None]:
    process = subprocess.Popen(command, **options)  # type: ignore[call-overload]
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except (
            subprocess.TimeoutExpired
        ):  # a Dask process whose peer went first may wait for it; it is not what is tested
            process.kill()
            process.wait()


def address_in(scheduler_file: Path) -> str | None:
    import json

    try:
        return str(json.loads(scheduler_file.read_text(encoding="utf-8"))["address"]).removeprefix("tcp://")
    except (OSError, ValueError):
        return None


def two_wide(address: str) -> object:
    try:
        where = place(f"dask://{address}")
    except Exception:
        return None
    if where.width == 2:
        return where
    where.close(True)
    return None


def wait_for(ask: Callable[[], object]) -> object:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (answer := ask()) is not None:
            return answer
        time.sleep(0.2)
    raise TimeoutError


def test_places_that_are_not_there(toy: Path) -> None:
    for address, said in [
        ("moon", "no such place"),
        ("processes:x", "positive number"),
        ("dask://", "dask://host:port"),
    ]:
        with pytest.raises(Exception, match=said):
            place(address)
    with pytest.raises(Exception, match="no Dask scheduler answers"):
        place("dask://127.0.0.1:1")
