"""What a trial may do to the process that runs it, and what becomes of it.

A trial is foreign code, and the engine goes on after it:

| the trial | what becomes of it |
|---|---|
| prints, from Python, C code or a program that it starts | goes to standard error: standard output is the engine's |
| raises anything at all, `KeyboardInterrupt` included | an error of the trial; a real Ctrl-C still interrupts |
| calls `os._exit` | an error of the trial; a worker process of its own dies, and is renewed |
| forks | the copy ends where the trial ends, and only the first one counts |
| leaves threads running | named; the process ends without waiting for them |
| runs for longer than its limit | stopped: see `_time_limit` |

What cannot be contained here is C code that ends or blocks the process itself: run such trials with `--on processes:1`.
"""

import contextlib
import ctypes
import faulthandler
import multiprocessing.util
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn, TextIO, TypeVar
from weakref import WeakSet

from paperwright.executors import made_for_work

T = TypeVar("T")

GRACE_SECONDS: Final = 5.0
"""How long a trial over its limit has to react before its process is ended."""

_exit = os._exit
_trials: dict[int, int] = {}  # the thread of each running trial, with its process: a fork inherits the first alone
_lasting: "WeakSet[threading.Thread]" = WeakSet()


class TrialError(Exception):
    """A trial did what a trial must not do, or returned what is not its numbers."""


class OverTime(BaseException):
    """Raised inside a trial that is over its limit; no `Exception`, so that a trial does not handle it by chance."""


def contain(trial: Callable[[], T], limit: float | None = None) -> T:
    """Call a trial and return what it returns, whatever else it does to this process.

    Args:
        trial: takes no arguments.
        limit: seconds that it may run; None for no limit.

    Raises:
        TrialError: it raised what is no `Exception`, called `os._exit`, or is over its limit.
        KeyboardInterrupt: by a real interrupt of this process.
        Exception, SystemExit: what the trial raised.
    """
    process, thread = os.getpid(), threading.get_ident()
    before = set(threading.enumerate())
    os._exit = _exit_unless_trial  # stays, and passes on whatever does not come from a trial
    outer, _trials[thread] = _trials.get(thread), process
    try:
        with _output, real_interrupts() as interrupts, _time_limit(limit):
            try:
                returned = trial()
            except (Exception, SystemExit, OverTime) as error:
                if interrupts:  # the trial made something else of it
                    raise KeyboardInterrupt from error
                raise
            except BaseException as error:
                if interrupts:
                    raise
                raise TrialError(f"the trial raised {type(error).__name__}") from error
            finally:
                if os.getpid() != process:
                    _end_copy()
            if interrupts:  # the trial swallowed it
                raise KeyboardInterrupt
    except OverTime as error:  # out here, since it may come when the trial has just returned
        raise TrialError(f"over its time limit of {limit:g} s") from error
    finally:
        if outer is None:
            del _trials[thread]
        _name_lasting_threads(before)
    return returned


def _exit_unless_trial(status: int) -> NoReturn:
    if not made_for_work() and _trials.get(threading.get_ident()) == os.getpid():
        raise TrialError(f"the trial called os._exit({status})")
    _exit(status)


def _end_copy() -> NoReturn:
    """End a process that the trial forked. Written past Python's streams, whose locks a fork may have copied shut."""
    with contextlib.suppress(OSError):
        os.write(2, b"paperwright: a trial forked; the copy ends with the trial, and its result does not count\n")
    _exit(0)


class _Output:
    """Standard output turned to standard error while any trial runs in this process, for Python and for C."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.stdout: TextIO | Any = None
        self.copy: int | None = None

    def __enter__(self) -> None:
        with self.lock:
            if not self.inside:
                self._divert()
            self.inside += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside:
                self._restore()

    def _divert(self) -> None:
        self.stdout = sys.stdout
        _flush(sys.stdout)
        sys.stdout = sys.stderr
        with contextlib.suppress(OSError):  # a process without standard streams has nothing to divert
            self.copy = os.dup(1)
            os.dup2(2, 1)

    def _restore(self) -> None:
        sys.stdout = self.stdout
        _flush(sys.__stdout__)  # a logger may hold it
        if self.copy is not None:
            if _LIBC is not None:
                _LIBC.fflush(None)  # C keeps a buffer of its own
            os.dup2(self.copy, 1)
            os.close(self.copy)
            self.copy = None


def _flush(stream: Any) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or none at all
        stream.flush()


def _libc() -> Any:
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows has no library of the whole process
        return None


_output: Final = _Output()
_LIBC: Final = _libc()


@contextlib.contextmanager
def real_interrupts() -> Iterator[list[int]]:
    """The real interrupts of this process meanwhile; a `KeyboardInterrupt` without one is the trial's own."""
    seen: list[int] = []
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield seen
        return

    def note(number: int, frame: FrameType | None) -> Any:
        seen.append(number)
        return handler(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, handler)


@contextlib.contextmanager
def _time_limit(limit: float | None) -> Iterator[None]:
    """Raise `OverTime` in the trial when `limit` seconds are over, and again each second.

    It comes between two steps of Python, so C code that never returns does not notice. A worker process made for trials
    ends itself then, a little later, without asking Python; elsewhere all that is left is to say so.
    """
    if limit is None:
        yield
        return
    main = threading.current_thread() is threading.main_thread()
    with _alarm(limit) if main and hasattr(signal, "setitimer") else _raised_in_thread(limit), _last_resort(limit):
        yield


@contextlib.contextmanager
def _alarm(limit: float) -> Iterator[None]:
    running = True

    def stop(number: int, frame: FrameType | None) -> None:
        if running:
            raise OverTime

    before = signal.signal(signal.SIGALRM, stop)
    outer = signal.setitimer(signal.ITIMER_REAL, limit, 1.0)
    try:
        yield
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, *outer)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _raised_in_thread(limit: float) -> Iterator[None]:
    """The same for a trial in a thread that gets no signals, such as that of a Dask worker."""
    thread = ctypes.c_ulong(threading.get_ident())
    lock, running = threading.Lock(), True

    def stop() -> None:
        with lock:
            if running:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(OverTime))

    timer = threading.Timer(limit, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            running = False
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, None)  # one that was not raised yet is not due any more
        timer.cancel()


@contextlib.contextmanager
def _last_resort(limit: float) -> Iterator[None]:
    if made_for_work():
        faulthandler.dump_traceback_later(limit + GRACE_SECONDS, exit=True, file=2)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
        return
    said = (
        f"a trial is over its limit of {limit:g} s and does not stop; with --on processes:1 its process would be ended"
    )
    timer = threading.Timer(limit + GRACE_SECONDS, _say, (said,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _say(said: str) -> None:
    print(f"paperwright: {said}", file=sys.stderr)


def _name_lasting_threads(before: set[threading.Thread]) -> None:
    """Say once which threads keep running after the trial that began them."""
    begun = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    deadline = time.monotonic() + 0.2
    for thread in begun:
        thread.join(max(0.0, deadline - time.monotonic()))
    lasting = [thread for thread in begun if thread.is_alive()]
    if lasting and not _lasting:
        _say(f"a trial left {len(lasting)} thread{'s' * (len(lasting) > 1)} running; ended with this process")
        if made_for_work():  # before Python waits for them
            multiprocessing.util.Finalize(None, leave, args=(0,), exitpriority=0)
    _lasting.update(lasting)


def leave(status: int) -> None:
    """End this process if threads that trials left would keep it from ending; else do nothing."""
    if any(thread.is_alive() for thread in _lasting):
        _flush(sys.stdout)
        _flush(sys.stderr)
        _exit(status)


def said_of(error: BaseException, module: str) -> str:
    """An error in one printable line: its kind, its message and the innermost place in the code of `module`'s package.

    A message may be anything: several lines, bytes of a file name that are no UTF-8, or an error of its own.
    """
    try:
        message = str(error)
    except Exception as second:
        message = f"(its message raised {type(second).__name__})"
    own = type(error) is TrialError
    line = next(iter((message if own else f"{type(error).__name__}: {message}").strip().splitlines()), "failed")[:500]
    place = _place_in(error.__cause__ if own and error.__cause__ else error, module.rpartition(".")[0] or module)
    return encodable(f"{line} ({place})" if place else line)


def encodable(text: str) -> str:
    """The text with what no UTF-8 file or terminal takes (lone surrogates) written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _place_in(error: BaseException, package: str) -> str | None:
    found, trace = None, error.__traceback__
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        if name == package or name.startswith(f"{package}."):
            found = trace
        trace = trace.tb_next
    if found is None:
        return None
    path = Path(found.tb_frame.f_code.co_filename)
    return f"{path.parent.name}/{path.name}:{found.tb_lineno}"
