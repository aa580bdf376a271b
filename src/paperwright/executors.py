"""Where trials run and texts are encoded: any `concurrent.futures.Executor`, named by a short address.

| address | where | needs |
|---|---|---|
| `inprocess` | here, one after another | |
| `processes`, `processes:4` | that many processes of this machine | |
| `dask://host:port` | the workers of a Dask scheduler | the extra `cluster` |
| `slurm://partition` | jobs of a Slurm partition, a job for each trial | the extra `cluster` |
| `mpi` | the ranks of an MPI job (`mpiexec -n 8 python -m mpi4py.futures -m paperwright ...`) | mpi4py |
"""

import asyncio
import contextlib
import functools
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, InvalidStateError, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

CLOSE_SECONDS: Final = 5.0
"""How long worker processes have to end by themselves once there is nothing to do."""

ANSWER_SECONDS: Final = 10.0
"""How long a scheduler may take to say which workers it has."""


_made_for_work = False


def made_for_work() -> bool:
    """Whether this process is a worker that was made for such work: it may be ended to end what it does."""
    return _made_for_work


class ExecutorError(RuntimeError):
    """An address that is not understood, or a place that cannot be reached."""

    exit_code = 2


class Unreachable(ExecutorError):
    """The place is understood and cannot be reached."""

    exit_code = 4


class InProcess(Executor):
    """Runs each call at once, in the calling thread. An interrupt goes through to the caller."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@dataclass
class Place:
    """An executor with what the engine must know of it.

    Attributes:
        executor: where trials are submitted.
        width: how many trials run there at once.
        renew: makes the place anew after a worker died and took the executor with it; None where that cannot be.
        close: lets go of it; with True, at once, leaving unfinished trials.
        ailment: what keeps it from working now and may pass, in a line; raises `Unreachable` for what does not pass.
        stops_trials: a trial over its time limit is stopped where it runs, by C code too; else the engine gives it up.
    """

    executor: Executor
    width: int
    renew: Callable[[], Executor] | None = None
    close: Callable[[bool], None] = lambda _: None
    ailment: Callable[[], str | None] = lambda: None
    stops_trials: bool = True


def place(address: str = "inprocess") -> Place:
    """The place that an address names.

    Raises:
        ExecutorError: no such kind of place.
        Unreachable: it cannot be reached, or its library is not installed.
    """
    scheme, _, rest = address.partition("://") if "://" in address else address.partition(":")
    makers: dict[str, Callable[[str], Place]] = {
        "inprocess": lambda _: Place(InProcess(), 1),
        "processes": _processes,
        "dask": _dask,
        "slurm": _slurm,
        "mpi": _mpi,
    }
    if scheme not in makers:
        kinds = "inprocess, processes[:N], dask://host:port, slurm://partition, mpi"
        raise ExecutorError(f"--on {address}: there is no such place; expected one of {kinds}")
    return makers[scheme](rest)


def _processes(rest: str) -> Place:
    cores = os.cpu_count() or 1
    if rest and not (rest.isdigit() and int(rest) > 0):
        raise ExecutorError(f"--on processes:{rest}: expected a positive number of processes, as in processes:4")
    width = int(rest) if rest else cores
    threads = max(1, cores // width)
    before = os.environ.get("OMP_NUM_THREADS")
    pools: list[ProcessPoolExecutor] = []

    def make() -> Executor:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # inherited: read when a worker first loads its linear algebra
        context = multiprocessing.get_context("spawn")
        pools.append(ProcessPoolExecutor(width, mp_context=context, initializer=_worker, initargs=(os.getpid(),)))
        return pools[-1]

    def close(at_once: bool) -> None:
        os.environ.pop("OMP_NUM_THREADS", None)
        if before is not None:
            os.environ["OMP_NUM_THREADS"] = before
        for pool in pools:
            _close_pool(pool, at_once)
        pools.clear()

    return Place(make(), width, make, close)


def _close_pool(pool: ProcessPoolExecutor, at_once: bool) -> None:
    """End a pool's workers with all that their trials started, whether they end by themselves or not."""
    workers = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    deadline = time.monotonic() + (0 if at_once else CLOSE_SECONDS)
    for worker in workers:
        with contextlib.suppress(Exception):
            worker.join(max(0.0, deadline - time.monotonic()))
    for worker in workers:
        with contextlib.suppress(Exception):
            worker.kill()
        with contextlib.suppress(OSError, AttributeError):
            os.killpg(worker.pid, signal.SIGKILL)
    pool.shutdown(wait=True)


def _worker(parent: int) -> None:
    """Set a worker process up: interrupts are the parent's business, and nothing of it outlives the parent.

    It leads a process group of its own, so that what its trials fork and start ends with it.
    """
    global _made_for_work
    _made_for_work = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        os.setpgid(0, 0)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        with contextlib.suppress(OSError, AttributeError):
            if os.getpgrp() == os.getpid():
                os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _dask(rest: str) -> Place:
    try:
        import distributed
    except ImportError:
        raise Unreachable("--on dask:// needs Dask: pip install 'paperwright[cluster]'") from None
    if not urlsplit(f"//{rest}").hostname:
        raise ExecutorError(f"--on dask://{rest}: expected dask://host:port")
    try:
        client: Any = distributed.Client(f"tcp://{rest}", timeout="5s")  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise Unreachable(f"no Dask scheduler answers at {rest}: {error}") from None
    workers = client.scheduler_info(n_workers=-1)["workers"]
    width = sum(int(worker["nthreads"]) for worker in workers.values())
    if not width:
        client.close()
        raise Unreachable(f"the Dask scheduler at {rest} has no workers")
    for logger in ("distributed", "distributed.client"):  # what they would say of lost connections, the engine says
        logging.getLogger(logger).setLevel(logging.CRITICAL)

    def ailment() -> str | None:
        if client.status != "running":
            raise Unreachable(f"the Dask scheduler at {rest} has gone")
        try:
            there = client.sync(client.scheduler.ncores, callback_timeout=ANSWER_SECONDS)
        except Exception as error:
            raise Unreachable(f"the Dask scheduler at {rest} does not answer: {type(error).__name__}") from None
        return None if there else f"the Dask scheduler at {rest} has no workers any more"

    def close(at_once: bool) -> None:
        with contextlib.suppress(Exception):  # its peers may have gone
            client.close(timeout=2 if at_once else 10)

    return Place(DaskExecutor(client), width, None, close, ailment, stops_trials=False)


class DaskExecutor(Executor):
    """A Dask client as a `concurrent.futures.Executor`. The client's own raises in its loop what a lost future meets.

    A trial is not repeated behind the engine's back, and one that runs is not run again elsewhere.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        remote = self._client.submit(fn, *args, pure=False, retries=0, **kwargs)
        future.add_done_callback(lambda done: remote.cancel() if done.cancelled() else None)
        asyncio.run_coroutine_threadsafe(_settle(remote, future), self._client.loop.asyncio_loop)
        return future


async def _settle(remote: Any, future: "Future[Any]") -> None:
    """Hand a Dask future's outcome on."""
    try:
        settled = functools.partial(future.set_result, await remote)
    except Exception as error:
        settled = functools.partial(future.set_exception, error)
    except BaseException:  # the loop's own cancellation, which nobody else is to see
        settled = functools.partial(future.set_exception, CancelledError())
    with contextlib.suppress(InvalidStateError):  # it was given up
        settled()


def _slurm(rest: str) -> Place:
    try:
        import submitit
    except ImportError:
        raise Unreachable("--on slurm:// needs submitit: pip install 'paperwright[cluster]'") from None
    from pathlib import Path

    from platformdirs import user_cache_dir

    try:
        executor = submitit.SlurmExecutor(folder=Path(user_cache_dir("paperwright")) / "slurm")
    except RuntimeError as error:
        raise Unreachable(f"--on slurm://{rest}: {error}") from None
    executor.update_parameters(partition=rest or None, job_name="paperwright")
    return Place(SubmititExecutor(executor), 1000)


class SubmititExecutor(Executor):
    """A submitit executor as a `concurrent.futures.Executor`: its jobs are watched by one thread."""

    def __init__(self, executor: Any) -> None:
        self._executor = executor
        self._watched: list[tuple[Any, Future[Any]]] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        job = self._executor.submit(fn, *args, **kwargs)
        future.set_running_or_notify_cancel()
        with self._lock:
            self._watched.append((job, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()
        return future

    def _watch(self) -> None:
        while True:
            with self._lock:
                done = [(job, future) for job, future in self._watched if job.done()]
                self._watched = [pair for pair in self._watched if pair not in done]
                if not self._watched and not done:
                    self._thread = None
                    return
            for job, future in done:
                error = job.exception()
                if error is None:
                    future.set_result(job.result())
                else:
                    future.set_exception(error)
            time.sleep(0.2)


def _mpi(rest: str) -> Place:
    try:
        from mpi4py import MPI
        from mpi4py.futures import MPIPoolExecutor
    except ImportError:
        raise Unreachable("--on mpi needs mpi4py: pip install mpi4py, and an MPI library") from None
    pool = MPIPoolExecutor()
    return Place(pool, max(1, MPI.COMM_WORLD.Get_size() - 1), None, lambda at_once: pool.shutdown(wait=not at_once))
