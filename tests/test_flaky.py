"""The second try that CI gives a failing test: what is let pass, and what is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "flaky.py"
SUITE = """
from pathlib import Path

import pytest

def fails_once(name):
    seen = Path(name)
    if not seen.exists():
        seen.touch()
        raise AssertionError("the first time")

@pytest.mark.parametrize("name", ["a b", "c"])
def test_flaky(name):
    fails_once(name)

def test_flaky_too():
    fails_once("d")

def test_broken():
    raise AssertionError("every time")

def test_sound():
    pass
"""


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("picked", "status", "said"),
    [
        ("sound", 0, []),
        ("flaky and not too", 0, ["FLAKY test_it.py::test_flaky[a b]", "FLAKY test_it.py::test_flaky[c]"]),
        ("broken or too", 1, ["FAILED AGAIN test_it.py::test_broken", "FLAKY test_it.py::test_flaky_too"]),
        ("flaky", 1, ["3 flaky tests; fewer than 3 are let pass, and each is a fault to mend"]),
    ],
)
def test_what_passes_at_the_second_try_is_named(tmp_path: Path, picked: str, status: int, said: list[str]) -> None:
    (tmp_path / "test_it.py").write_text(SUITE, encoding="utf-8")
    first = run(tmp_path, "-m", "pytest", "-q", "-k", picked)
    assert first.returncode == bool(said)
    second = run(tmp_path, str(SCRIPT), str(first.returncode))
    assert second.returncode == status, second.stdout + second.stderr
    assert set(said) <= set(second.stdout.splitlines())


def test_a_run_that_did_not_reach_its_end_fails_with_its_own_status(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(SUITE, encoding="utf-8")
    run(tmp_path, "-m", "pytest", "-q", "-k", "too")
    for status in (2, 3, 4, 5):
        assert run(tmp_path, str(SCRIPT), str(status)).returncode == status
    assert not (tmp_path / "b").exists()


def test_many_failures_are_not_tried_again(tmp_path: Path) -> None:
    code = "import pytest\n@pytest.mark.parametrize('n', range(11))\ndef test_it(n): raise AssertionError\n"
    (tmp_path / "test_it.py").write_text(code, encoding="utf-8")
    first = run(tmp_path, "-m", "pytest", "-q")
    second = run(tmp_path, str(SCRIPT), str(first.returncode))
    assert (second.returncode, second.stdout) == (1, "11 tests failed, too many to try again\n")
