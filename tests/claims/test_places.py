"""Places that fail while they work: a Dask scheduler that dies, workers that go, an impatient interrupt."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paperwright.claims import Store

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Processes = dict[str, "subprocess.Popen[bytes]"]

CLAIMS = """

def sleeping(arm, *, seed, device):
    if seed == 1:
        time.sleep(600)
    return {"score": 1.0 + seed / 100}


budgets = {"desk": Budget(seeds=3)}
rule = Above("score", 0.0)
sleeps = Claim("It ends.", arms=["only"], rule=rule, budgets=budgets, trial=sleeping, scale=WHOLE)
"""


@pytest.fixture
def cluster(toy: Path, tmp_path: Path) -> Iterator[tuple[str, Processes]]:
    """A real scheduler and two real workers of one thread each: its address, and its processes by name."""
    pytest.importorskip("distributed")
    (toy / "claims.py").write_text((toy / "claims.py").read_text(encoding="utf-8") + CLAIMS, encoding="utf-8")
    file = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    scheduler = [
        "dask_scheduler",
        "--port",
        "0",
        "--no-dashboard",
        "--host",
        "127.0.0.1",
        "--scheduler-file",
        str(file),
    ]
    worker = ["dask_worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-dashboard", "--no-nanny"]
    processes: Processes = {}
    try:
        for name, (module, *options) in {"scheduler": scheduler, "one": worker, "two": worker}.items():
            command = [sys.executable, "-m", f"distributed.cli.{module}", *options]
            processes[name] = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]
        yield wait_for(lambda: address_in(file)), processes
    finally:
        for process in processes.values():
            process.kill()
            process.wait()


def address_in(file: Path) -> str | None:
    """The scheduler's address once two workers are there."""
    from distributed import Client

    with contextlib.suppress(OSError, ValueError):
        address = str(json.loads(file.read_text(encoding="utf-8"))["address"])
        with Client(address, timeout="5s") as client:  # type: ignore[no-untyped-call]
            if len(client.scheduler_info()["workers"]) == 2:
                return address.removeprefix("tcp://")
    return None


def wait_for(ask: Callable[[], object]) -> object:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.1)
    raise TimeoutError


def started(path: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """A check of the toy's long claim that has recorded something."""
    command = [sys.executable, "-m", "paperwright", "check", "toy/long", *arguments]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, env=os.environ | environment, **streams)  # type: ignore[call-overload]
    wait_for(lambda: recorded_in(path))
    return process


def recorded_in(path: Path) -> int:
    with contextlib.suppress(Exception), Store(path, read_only=True) as store:
        records = list(store.records())
        assert all(record.ok for record in records)
        return len(records)
    return 0


def test_a_scheduler_that_dies(cluster: tuple[str, Processes], tmp_path: Path) -> None:
    address, processes = cluster
    path = tmp_path / "evidence.sqlite"
    process = started(path, "--on", f"dask://{address}")
    processes["scheduler"].kill()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 4
    assert said == (
        f"paperwright: the Dask scheduler at {address} has gone; every finished trial is recorded, and the same command"
        " goes on\n"
    )
    with Store(path) as store:
        assert 0 < len([record for record in store.records() if record.ok]) < 40
        assert all(record.ok for record in store.records()), "no trial is blamed"
        assert store._db.execute("SELECT count(*) FROM leases").fetchone() == (0,)


def test_workers_that_go(cluster: tuple[str, Processes], tmp_path: Path) -> None:
    address, processes = cluster
    script = (
        "from paperwright.claims import check as engine; import paperwright.claims.check, sys;"
        "sys.modules['paperwright.claims.check'].PATIENCE_SECONDS = 8;"
        "from paperwright.cli import main; raise SystemExit(main())"
    )
    command = [sys.executable, "-c", script, "check", "toy/long", "--on", f"dask://{address}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: recorded_in(tmp_path / "evidence.sqlite"))
    for name in ("one", "two"):
        processes[name].kill()
    _, said = process.communicate(timeout=60)
    waiting, gone = said.splitlines()
    assert waiting == f"paperwright: the Dask scheduler at {address} has no workers any more; waiting 8 s for it"
    assert gone.startswith(f"paperwright: the Dask scheduler at {address} has no workers any more; waited 8 s; every")
    assert process.returncode == 4


def test_an_interrupt_on_a_cluster_that_is_gone(cluster: tuple[str, Processes], tmp_path: Path) -> None:
    address, processes = cluster
    process = started(tmp_path / "evidence.sqlite", "--on", f"dask://{address}")
    for name in ("one", "two"):
        processes[name].kill()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert said.splitlines()[-1].startswith("paperwright: interrupted")
    assert "Traceback" not in said


def test_a_trial_over_its_limit_is_given_up(cluster: tuple[str, Processes], paperwright_process: Run) -> None:
    """It sleeps in C, in a thread of its worker, where nothing reaches it; the other worker does the rest."""
    found = paperwright_process(
        "check", "toy/sleeps", "toy/adds", "--json", "--timeout", "1", "--on", f"dask://{cluster[0]}"
    )
    sleeps, adds = json.loads(found.stdout)
    assert "over its time limit of 1 s; it does not stop, and its worker is left to it" in sleeps["problem"]
    assert (sleeps["recorded"], adds["verdict"], found.returncode) == (2, "holds", 4)


@pytest.mark.parametrize("where", ["inprocess", "processes:2"])
def test_an_impatient_interrupt_shows_what_is_recorded(toy: Path, tmp_path: Path, where: str) -> None:
    path = tmp_path / "evidence.sqlite"
    process = started(path, "--on", where)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.03)
    shown, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert (
        said == "paperwright: interrupted; every finished trial is recorded, and the same command goes on from there\n"
    )
    recorded = recorded_in(path)
    assert 0 < recorded < 40
    assert "unfinished" in shown
    assert "toy/long" in shown
