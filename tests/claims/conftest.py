# ruff: noqa: E501
"""A room brought by another package, made on disk for the tests of the engine: every kind of claim, well and badly behaved."""

import importlib
import io
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from paperwright.cli import main
from paperwright.registry import registry

CARD = """
title = "A toy paper"
authors = ["A. Author"]
venue = "Nowhere"
year = 2022
wing = "statistics"
extra = "statistics"
tags = ["toy"]
tldr = "Adding a number makes things larger."
why = "So that the engine has something to try."
idea = "x + 1 > x."
uses = ["Testing."]
data = []
demo = "adds"
[links]
paper = "https://example.org/paper"
"""

CLAIMS = '''
"""What the toy paper states."""
import os
import time

import numpy as np

from paperwright.claims import Above, Budget, Claim, CloseTo, Greater, Reported

OFFSET = 1.0
WHOLE = "the whole of it"


def noisy(arm, *, seed, device, effect, noise=1.0, sleep=0):
    """A number around 0, or around the effect in the arm "with"."""
    if log := os.environ.get("TOY_LOG"):
        with open(log, "a") as file:
            file.write(f"{os.getpid()} {arm} {seed}\\n")
    time.sleep(sleep)
    shift = effect if arm == "with" else 0.0
    return {"score": shift + float(np.random.default_rng([seed, arm == "with"]).normal()) * noise}


def two_arms(effect, **config):
    return Claim(
        statement="Adding a number raises the score.",
        where="Table 1",
        reported=[Reported(0.0, "score", arm="without", where="Table 1"), Reported(5.0, "score", arm="with", where="Table 1")],
        arms=["without", "with"],
        rule=Greater("score", "with", than="without"),
        budgets={
            "smoke": Budget(seeds=2, effect=effect, **config),
            "desk": Budget(seeds=(5, 10, 20), effect=effect, **config),
        },
        trial=noisy,
        scale="the whole of it",
    )


adds = two_arms(OFFSET * 5, noise=0.3)
subtracts = two_arms(-5.0, noise=0.3)
nothing = two_arms(0.0, noise=2.0)
slow = two_arms(5.0, noise=0.3, sleep=0.05)
long = two_arms(0.0, noise=2.0, sleep=0.1)
cases = {"small": two_arms(4.0, noise=0.3), "large": two_arms(9.0, noise=0.3)}


def raising(arm, *, seed, device):
    if seed == 1:
        raise RuntimeError("the trial fell over")
    return {"score": float(seed)}


falls_over = Claim("It runs.", arms=["only"], rule=Above("score", -1.0), budgets={"desk": Budget(seeds=4), "smoke": Budget(seeds=2)}, trial=raising, scale=WHOLE)
returns_nan = Claim("It is finite.", arms=["only"], rule=Above("score", 0.0), budgets={"desk": Budget(seeds=2)}, trial=lambda arm, **_: {"score": float("nan")}, scale=WHOLE)
wrong_key = Claim("It has a key.", arms=["only"], rule=Above("score", 0.0), budgets={"desk": Budget(seeds=2)}, trial=lambda arm, **_: {"scroe": 1.0}, scale=WHOLE)
needs_data = Claim("It has data.", arms=["only"], rule=Above("score", 0.0), budgets={"desk": Budget(seeds=2, needs=["mnist"])}, trial=lambda arm, **_: {"score": 1.0}, scale=WHOLE)
exact = Claim("2 + 2 = 4.", arms=["only"], rule=CloseTo("sum", 4.0, within=1e-12), budgets={"desk": Budget(seeds=1)}, deterministic=True, trial=lambda arm, **_: {"sum": 2.0 + 2.0}, scale=WHOLE)


def chatty(arm, *, seed, device):
    print("a remark on standard output")
    return {"score": 1.0 + seed / 100}


def leaving(arm, *, seed, device):
    raise SystemExit(3)


talks = Claim("It talks.", arms=["only"], rule=Above("score", 0.0), budgets={"desk": Budget(seeds=2)}, trial=chatty, scale=WHOLE)
leaves = Claim("It stays.", arms=["only"], rule=Above("score", 0.0), budgets={"desk": Budget(seeds=2)}, trial=leaving, scale=WHOLE)


def always_dying(arm, *, seed, device):
    if seed == 1:
        os._exit(7)
    return {"score": 1.0 + seed / 100}


dies = Claim("Workers live.", arms=["only"], rule=Above("score", 0.0), budgets={"desk": Budget(seeds=4)}, trial=always_dying, scale=WHOLE)
quick = Claim("Overhead is small.", arms=["only"], rule=Above("score", 0.0), budgets={"desk": Budget(seeds=500)}, trial=lambda arm, *, seed, device: {"score": 1.0 + seed / 100}, scale=WHOLE)
'''


def write_toy_room(folder: Path) -> Path:
    """The toy package and the metadata by which the registry finds it, in `folder`."""
    package = folder / "toy_paper"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('"""A toy."""\n', encoding="utf-8")
    (package / "paper.toml").write_text(CARD, encoding="utf-8")
    (package / "claims.py").write_text(textwrap.dedent(CLAIMS), encoding="utf-8")
    info = folder / "toy_paper-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-paper\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[paperwright.papers]\ntoy = toy_paper\n", encoding="utf-8")
    return package


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the toy package, importable here and in child processes; data sets with files are not to be had."""
    folder = tmp_path / "toy_site"
    package = write_toy_room(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH")))))
    monkeypatch.setenv("PAPERWRIGHT_DATA", str(tmp_path / "no_data"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PAPERWRIGHT_STORE", str(tmp_path / "evidence.sqlite"))

    forget()
    yield package
    forget()


def forget() -> None:
    """Forgets what was imported and read of the toy, as a new process would."""
    from paperwright.claims import catalogue, trial
    from paperwright.claims.fingerprint import reached_code

    for name in [name for name in sys.modules if name.partition(".")[0] == "toy_paper"]:
        del sys.modules[name]
    importlib.invalidate_caches()
    registry.cache_clear()
    catalogue._cached.cache_clear()
    trial._source.cache_clear()
    reached_code.forget()


@pytest.fixture
def edit(toy: Path) -> Callable[[str, str], None]:
    """Changes the toy's claims on disk, and forgets what was imported."""

    def replace(old: str, new: str) -> None:
        path = toy / "claims.py"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        # Python trusts a compiled file whose source has the same size and second.
        for compiled in path.parent.rglob("*.pyc"):
            compiled.unlink()
        forget()

    return replace


@pytest.fixture
def paperwright(toy: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command line here, with the toy room installed and nothing remembered, as a new process would."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        forget()
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            code = main(list(arguments))
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def paperwright_process(toy: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command line in a process of its own: for what ends, floods or interrupts a process."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "paperwright", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    return run
