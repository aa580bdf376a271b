"""One trial: a claim's function at one arm and seed, run and measured, in this process or another."""

import contextlib
import math
import os
import platform
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from paperwright.claims.catalogue import entry_of
from paperwright.claims.claim import Claim
from paperwright.claims.containment import TrialError, contain, encodable, said_of
from paperwright.claims.fingerprint.reached_code import code_of

PILOT_SEEDS: Final = 1_000_000
"""Pilot seeds begin here; verdict seeds are 0, 1, 2 ... and never reach it."""

LARGEST: Final = 1e150
"""The largest number that a trial may return: the squares of larger ones overflow in a variance."""


@dataclass(frozen=True)
class Task:
    """What a worker needs to run one trial: names and plain values, so that it can travel.

    `source` is the fingerprint of the code on the submitting side: a worker with other code refuses the task.
    `timeout` is how many seconds it may run; None for no limit.
    """

    paper: str
    name: str
    module: str
    budget: str
    arm: str
    seed: int
    config: Mapping[str, Any] = field(hash=False)
    device: str
    source: str
    timeout: float | None = None

    def __str__(self) -> str:
        return f"{self.paper}/{self.name}, arm {self.arm}, seed {self.seed}"


@dataclass(frozen=True)
class Outcome:
    """What became of a trial: its numbers, or the error it raised, and what it cost.

    Attributes:
        numbers: what it returned, as floats; None if it failed.
        error: the first line of its error, `traceback` the whole; None if it did not fail.
        started: seconds since the epoch, by the clock of the process that had it run, when it was handed out.
        seconds: wall-clock time.
        peak_memory: the greatest memory that the process held meanwhile, in bytes; None where the system cannot say.
        machine: what it ran on: system, processor count, threads, device.
    """

    numbers: Mapping[str, float] | None
    error: str | None
    traceback: str | None
    started: float
    seconds: float
    peak_memory: int | None
    machine: Mapping[str, Any]


def run(task: Task) -> Outcome:
    """Runs one trial and measures it. Whatever the trial does is an outcome, not an exception of this function."""
    started = time.time()
    _reset_peak(task.device)
    clock = time.perf_counter()
    try:
        entry = entry_of(task.paper, task.name, task.module)
        here = _source(task.module, entry.claim)
        if here != task.source:
            raise TrialError(f"this worker's code differs from the submitter's (fingerprint {here}, not {task.source})")
        trial, metrics = entry.claim.trial, entry.claim.rule.metrics()
        given = {"seed": task.seed, "device": task.device, **task.config}
        value = entry.claim.value(task.arm, task.budget)
        numbers = contain(lambda: _numbers(trial(value, **given), metrics), task.timeout)
        said = whole = None
    except (Exception, SystemExit) as error:
        numbers, said, whole = None, said_of(error, task.module), encodable(traceback.format_exc())
    seconds = time.perf_counter() - clock
    return Outcome(numbers, said, whole, started, seconds, _peak(task.device), machine_of(task))


@cache
def _source(module: str, claim: Claim) -> str:
    """The fingerprint of the code as this process imported it; asked once, since a process imports once."""
    return code_of(module, claim).fingerprint


def lost(task: Task, reason: str) -> Outcome:
    """The outcome of a trial whose worker died under it."""
    return Outcome(None, encodable(reason), None, time.time(), 0.0, None, machine_of(task))


def _numbers(returned: Any, needed: frozenset[str]) -> dict[str, float]:
    if not isinstance(returned, Mapping):
        raise TrialError(f"a trial returns a mapping of names to numbers, this one returned {type(returned).__name__}")
    numbers = {}
    for name, value in returned.items():
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise TrialError(f"{name!r} must be a number, the trial returned {value!r}") from None
        if not math.isfinite(number):
            raise TrialError(f"{name!r} must be finite, the trial returned {number}")
        if abs(number) > LARGEST:
            raise TrialError(f"{name!r} must be at most {LARGEST:g} in size, the trial returned {number:g}")
        numbers[encodable(str(name))] = number
    if missing := sorted(needed - numbers.keys()):
        raise TrialError(f"the rule needs {missing}, the trial returned {sorted(numbers)}")
    return numbers


def machine_of(task: Task) -> dict[str, Any]:
    torch = sys.modules.get("torch")
    device = task.device
    if torch is not None and device.startswith("cuda"):
        with contextlib.suppress(Exception):
            device = f"{device} ({torch.cuda.get_device_name(device)})"
    threads = (
        torch.get_num_threads() if torch is not None else int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    )
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "threads": threads,
        "device": device,
    }


def _reset_peak(device: str) -> None:
    """Forgets the process's memory peak so far (Linux lets a process do this for itself)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    torch = sys.modules.get("torch")
    if torch is not None and device.startswith("cuda"):
        with contextlib.suppress(Exception):
            torch.cuda.reset_peak_memory_stats(device)


def _peak(device: str) -> int | None:
    torch = sys.modules.get("torch")
    if torch is not None and device.startswith("cuda"):
        with contextlib.suppress(Exception):
            return int(torch.cuda.max_memory_allocated(device))
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    with contextlib.suppress(ImportError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak
    return None
