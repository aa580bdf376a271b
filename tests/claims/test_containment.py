"""Trials that misbehave, each in a real process: what they do to themselves does not become the engine's end."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from paperwright.claims import Plan, Store, check, place, select
from paperwright.claims.containment import TrialError, contain

Run = Callable[..., "subprocess.CompletedProcess[str]"]

CLAIMS = '''
import ctypes
import signal
import subprocess
import sys
import threading


def claim_of(trial, seeds=2):
    budgets = {"desk": Budget(seeds=seeds)}
    return Claim("It behaves.", arms=["only"], rule=Above("score", 0.0), budgets=budgets, trial=trial, scale="all")


def as_trial(misbehave):
    """A trial that misbehaves at seed 1, and returns a number in any case."""

    def trial(arm, *, seed, device):
        if seed == 1:
            misbehave()
        return {"score": 1.0 + seed / 100}

    return claim_of(trial)


def raising(kind):
    def misbehave():
        raise kind("on purpose")

    return as_trial(misbehave)


class Unspeakable(Exception):
    def __str__(self):
        raise ValueError("no message")


def lasting_thread():
    threading.Thread(target=time.sleep, args=(600,)).start()


def say_everywhere():
    print("said by Python")
    os.write(1, b"said by a system call\\n")
    ctypes.CDLL(None).puts(b"said by C")
    subprocess.run([sys.executable, "-c", "print('said by a child')"], check=True)
    sys.__stdout__.write("said to the first stream\\n")


def leave_processes():
    if os.fork() == 0:
        time.sleep(600)
    with open(os.environ["TOY_LOG"], "w") as file:
        file.write(str(subprocess.Popen(["sleep", "600"]).pid))


def huge(*given, **named):
    return {"score": 1e308 if named.get("seed", given[1:2]) else 1e308}


def swallow_interrupt():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    except KeyboardInterrupt:
        pass


def hang_in_python():
    while True:
        pass


def hang_in_c():
    sum(range(10**13))  # asks for no signals, and holds Python's lock


keyboard = raising(KeyboardInterrupt)
generator = raising(GeneratorExit)
base = raising(BaseException)
unspeakable = raising(Unspeakable)
exits = as_trial(lambda: os._exit(0))
forks = as_trial(os.fork)
threads = as_trial(lasting_thread)
leaves_processes = as_trial(leave_processes)
talks_loudly = as_trial(say_everywhere)
enormous = claim_of(huge)
surrogate = as_trial(lambda: (_ for _ in ()).throw(ValueError("a file named \\udcff")))
interrupted = as_trial(swallow_interrupt)
hangs = as_trial(hang_in_python)
sleeps = as_trial(lambda: time.sleep(600))
hangs_in_c = as_trial(hang_in_c)
killed = as_trial(lambda: os.kill(os.getpid(), 9))
'''


@pytest.fixture
def rowdy(toy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The toy room with claims whose trials misbehave at seed 1 of 2."""
    monkeypatch.setenv("PYTHONUNBUFFERED", "")
    path = toy / "claims.py"
    path.write_text(path.read_text(encoding="utf-8") + CLAIMS, encoding="utf-8")
    return path


def problem_of(found: "subprocess.CompletedProcess[str]", recorded: int = 1) -> str:
    """What a check as JSON says of the one claim that raised; another beside it went on."""
    assert found.returncode == 4, found.stderr
    raised, adds = json.loads(found.stdout)
    assert (raised["recorded"], raised["failed"], adds["verdict"]) == (recorded, 2 - recorded, "holds")
    return str(raised["problem"])


@pytest.mark.parametrize("where", ["inprocess", "processes:2"])
@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("keyboard", "the trial raised KeyboardInterrupt"),
        ("generator", "the trial raised GeneratorExit"),
        ("base", "the trial raised BaseException"),
        ("unspeakable", "Unspeakable: (its message raised ValueError)"),
        ("surrogate", r"ValueError: a file named \udcff"),
    ],
)
def test_whatever_a_trial_raises_is_its_own_error(
    rowdy: Path, paperwright_process: Run, claim: str, said: str, where: str
) -> None:
    found = paperwright_process("check", f"toy/{claim}", "toy/adds", "--json", "--on", where)
    problem = problem_of(found)
    assert said in problem
    assert "(toy_paper/claims.py:" in problem
    assert "paperwright export toy --format json" in found.stderr
    (record,) = [one for one in json.loads(paperwright_process("export", "toy").stdout) if one["error"]]
    assert "Traceback" in record["traceback"]


def test_an_exit_past_python_is_an_error_of_the_trial(rowdy: Path, paperwright_process: Run) -> None:
    problem = problem_of(paperwright_process("check", "toy/exits", "toy/adds", "--json"))
    assert "the trial called os._exit(0) (toy_paper/claims.py:" in problem
    assert "worker process died" in problem_of(
        paperwright_process("check", "toy/exits", "toy/adds", "--json", "--on", "processes:2")
    )


def test_a_process_that_a_trial_ended_is_named_by_the_next(rowdy: Path, paperwright_process: Run) -> None:
    assert paperwright_process("check", "toy/killed").returncode == -9
    found = paperwright_process("check", "toy/killed", "--on", "processes:1")
    assert "toy/killed, arm only, seed 1 was begun by a process that ended without finishing it" in found.stderr
    assert found.returncode == 4
    assert "was begun by" not in paperwright_process("check", "toy/killed", "--on", "processes:1").stderr


@pytest.mark.parametrize("where", ["inprocess", "processes:2"])
def test_a_fork_counts_once_and_ends(rowdy: Path, paperwright_process: Run, where: str) -> None:
    found = paperwright_process("check", "toy/forks", "toy/adds", "--json", "--on", where)
    assert [claim["verdict"] for claim in json.loads(found.stdout)] == ["holds", "holds"]
    assert "a trial forked; the copy ends" in found.stderr
    assert found.returncode == 0


@pytest.mark.parametrize("where", ["inprocess", "processes:2"])
def test_threads_that_last_do_not_keep_the_process(rowdy: Path, paperwright_process: Run, where: str) -> None:
    found = paperwright_process("check", "toy/threads", "--json", "--on", where)
    assert json.loads(found.stdout)[0]["verdict"] == "holds"
    assert "a trial left 1 thread running" in found.stderr
    assert found.returncode == 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux")
def test_processes_that_last_end_with_the_workers(
    rowdy: Path, paperwright_process: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "pid"))
    found = paperwright_process("check", "toy/leaves_processes", "--json", "--on", "processes:2")
    assert json.loads(found.stdout)[0]["verdict"] == "holds"
    left = Path("/proc", (tmp_path / "pid").read_text(encoding="ascii"), "stat")
    assert not left.exists() or ") Z" in left.read_text(encoding="ascii"), "nobody may have asked how it ended"


@pytest.mark.parametrize("where", ["inprocess", "processes:2"])
def test_standard_output_is_the_engines(rowdy: Path, paperwright_process: Run, where: str) -> None:
    found = paperwright_process("check", "toy/talks_loudly", "--json", "--on", where)
    assert json.loads(found.stdout)[0]["verdict"] == "holds"
    for voice in ("Python", "a system call", "C", "a child", "the first stream"):
        assert found.stderr.count(f"said {'to' if voice.startswith('the') else 'by'} {voice}\n") == 1


def test_numbers_whose_squares_overflow_are_refused(rowdy: Path, paperwright_process: Run) -> None:
    problem = problem_of(paperwright_process("check", "toy/enormous", "toy/adds", "--json"), recorded=0)
    assert "'score' must be at most 1e+150 in size, the trial returned 1e+308" in problem


def test_a_real_interrupt_is_not_swallowed(rowdy: Path, paperwright_process: Run) -> None:
    found = paperwright_process("check", "toy/interrupted")
    assert found.returncode == 130
    assert "the same command goes on from there" in found.stderr


@pytest.mark.parametrize(
    ("claim", "where", "said"),
    [
        ("hangs", "inprocess", "over its time limit of 1 s (toy_paper/claims.py:"),
        ("sleeps", "inprocess", "over its time limit of 1 s (toy_paper/claims.py:"),
        ("hangs", "processes:2", "over its time limit of 1 s (toy_paper/claims.py:"),
        ("hangs_in_c", "processes:2", "over its time limit of 1 s, and did not stop: its worker process was ended"),
    ],
)
def test_a_time_limit_ends_the_trial_alone(
    rowdy: Path, paperwright_process: Run, claim: str, where: str, said: str
) -> None:
    found = paperwright_process("check", f"toy/{claim}", "toy/adds", "--json", "--on", where, "--timeout", "1")
    assert said in problem_of(found)


def test_a_claim_may_state_its_limit(rowdy: Path, tmp_path: Path) -> None:
    (entry,) = select(["toy/sleeps"])
    entry.claim.timeout = 0.5  # type: ignore[attr-defined]
    with Store(tmp_path / "evidence.sqlite") as store:
        (judgement,) = check([entry], store, Plan(timeout=100))
    assert "over its time limit of 0.5 s" in str(judgement.problem)


def test_a_limit_is_a_time(toy: Path, paperwright_process: Run) -> None:
    found = paperwright_process("check", "toy/adds", "--timeout", "0")
    assert (found.returncode, found.stderr) == (2, "paperwright: --timeout 0: expected seconds above 0\n")


def test_an_error_of_the_engine_is_not_a_claim_that_fails(toy: Path) -> None:
    script = (
        "import paperwright.claims\n"
        "def broken(self): raise KeyError('a slip of ours')\n"
        "import sys; sys.modules['paperwright.claims.check']._Check.run = broken\n"
        "from paperwright.cli import main; raise SystemExit(main())"
    )
    command = [sys.executable, "-c", script, "check", "toy/adds"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 70
    assert "Traceback" in found.stderr
    last = found.stderr.splitlines()[-1]
    assert last == "paperwright: an error of paperwright itself, not of a claim: KeyError: 'a slip of ours'"


def test_trials_within_trials() -> None:
    """A trial may itself run the engine, as one about the engine does."""
    assert contain(lambda: contain(lambda: 3, 5.0), 5.0) == 3
    with pytest.raises(TrialError, match=r"over its time limit of 0\.2 s"):
        contain(lambda: contain(spin, 0.2), 5.0)
    with pytest.raises(TrialError, match=r"over its time limit of 0\.2 s"):
        contain(lambda: [contain(int), spin()], 0.2)


def spin() -> None:
    while True:
        pass


def test_a_limit_holds_in_a_thread_too() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(contain, spin, 0.3)
        assert pool.submit(contain, lambda: 3, 10.0).result() == 3
        with pytest.raises(TrialError, match=r"over its time limit of 0\.3 s"):
            late.result(timeout=20)
        assert pool.submit(contain, lambda: 4, 10.0).result() == 4, "and the thread is as before"


def test_places_are_let_go_of_after_misbehaviour(rowdy: Path, tmp_path: Path) -> None:
    there = place("processes:2")
    with Store(tmp_path / "evidence.sqlite") as store:
        check(select(["toy/threads", "toy/forks"]), store, place=there)
    there.close(False)
    there.close(True)
