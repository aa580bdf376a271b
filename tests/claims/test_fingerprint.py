# ruff: noqa: E501
"""What a trial reaches: which changes make its evidence stale, and which do not."""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from paperwright.claims import catalogue, reached_code
from paperwright.claims.fingerprint import Context

FILES = {
    "__init__": "from lab_room.method import double\nfrom lab_room.other import unused\n__all__ = ['double', 'unused']\n",
    "method": "from .constants import FACTOR\n\ndef double(x):\n    '''Twice.'''\n    return FACTOR * x\n",
    "constants": "FACTOR = 2.0\n",
    "other": "def unused():\n    return 1\n",
    "claims": """
        import numpy as np
        from lab_room import double
        from paperwright.claims import Above, Budget, Claim

        SHIFT = 1.0

        def helper(x):
            return double(x) + SHIFT

        def neighbour():
            return 3

        def trial(arm, *, seed, device):
            return {"x": helper(np.float64(seed))}

        claim = Claim("s", arms=["a"], rule=Above("x", 0.0), budgets={"desk": Budget(3)}, trial=trial, scale="all")
        """,
}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes the lab's files with some of them changed, and gives the fingerprint of its one claim."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def fingerprint(**changed: str) -> str:
        (tmp_path / "lab_room").mkdir(exist_ok=True)
        for name, text in (FILES | changed).items():
            (tmp_path / "lab_room" / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        for compiled in tmp_path.rglob("*.pyc"):
            compiled.unlink()
        for name in [name for name in sys.modules if name.startswith("lab_room")]:
            del sys.modules[name]
        reached_code.forget()
        claims = catalogue.claims_of("lab_room.claims")
        code = reached_code.code_of("lab_room.claims", claims["claim"])
        assert code.libraries == {"numpy"}
        return code.fingerprint

    return fingerprint


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("constants", "2.0", "3.0"),
        ("method", "FACTOR * x", "FACTOR + x"),
        ("claims", "SHIFT = 1.0", "SHIFT = 1.5"),
        ("claims", "double(x) + SHIFT", "double(x) - SHIFT"),
        ("claims", '{"x":', '{"y": 0, "x":'),
    ],
)
def test_what_the_trial_reaches_counts(lab: Callable[..., str], file: str, old: str, new: str) -> None:
    assert lab() != lab(**{file: FILES[file].replace(old, new)})


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("other", "return 1", "return 2"),
        ("claims", "return 3", "return 4"),
        ("claims", "SHIFT = 1.0", "SHIFT    =   1.0  # a remark"),
        ("method", "'''Twice.'''", "'''Two times.'''"),
        ("claims", 'Claim("s"', 'Claim("another statement"'),
        ("__init__", "__all__ = ['double', 'unused']", "__all__ = ['double']"),
    ],
)
def test_what_it_does_not_reach_does_not(lab: Callable[..., str], file: str, old: str, new: str) -> None:
    assert lab() == lab(**{file: FILES[file].replace(old, new)})


def test_every_python_version_gives_the_same_fingerprint(tmp_path: Path) -> None:
    """The canonical tree of a file with all sorts of syntax, beside that of each other Python found here."""
    import shutil

    source = Path(reached_code.__file__)
    script = textwrap.dedent(
        f"""
        import ast, hashlib, re
        text = open({str(source)!r}, encoding="utf-8").read()
        start, end = text.index("def _canonical("), text.index("def _reached(")
        names = {{"ast": ast, "Any": object}}
        exec(text[start:end], names)
        print(hashlib.sha256(names["_canonical"](ast.parse(text)).encode()).hexdigest())
        """
    )
    answers = {}
    for version in ("3.11", "3.12", "3.13"):
        python = shutil.which(f"python{version}")
        if python:
            found = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
            if found.returncode == 0:
                answers[version] = found.stdout
    if len(answers) < 2:
        pytest.skip("only one Python here")
    assert len(set(answers.values())) == 1


def test_differences_are_said_in_words() -> None:
    old = Context("a", "b", "cpu", {"torch": "2.12"}, {"mnist": "x"})
    new = Context("a", "c", "cuda", {"torch": "2.13", "numpy": "2"}, {"mnist": "y"})
    assert [str(difference) for difference in new.differences(old)] == [
        "the source changed",
        "recorded on cpu, here cuda",
        "version of numpy: recorded none, here 2",
        "version of torch: recorded 2.12, here 2.13",
        "data of mnist: recorded x, here y",
    ]
    assert old.differences(old) == []
