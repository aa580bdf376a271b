# ruff: noqa: E501
"""What a trial reaches: which changes make its evidence stale, and which do not."""

import ast
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from paperwright.claims import catalogue
from paperwright.claims.fingerprint import reached_code, syntax
from paperwright.claims.fingerprint.context import Context

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


ALL_SORTS = """
def f(a, /, b: "int" = 1, *c, d=2, **e) -> f"{1}a{b!r:>{d}}" "c":
    match a:
        case {"x": [1, *_], **rest} if b: pass
        case A(x=1) | None: pass
    with (a as b, c): return [*c, lambda: (yield)]
class A(B, metaclass=C):
    x: int
    async def g(self): return [i async for i in self if i]
"""


def test_every_python_version_gives_the_same_fingerprint() -> None:
    """The canonical tree of code with all sorts of syntax, beside that of each other Python found here."""
    script = f"""
import ast, runpy
tree = runpy.run_path({syntax.__file__!r})
text = open({reached_code.__file__!r}, encoding="utf-8").read() + {ALL_SORTS!r}
print(tree["digest"](tree["canonical"](ast.parse(text))))
"""
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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f'a' f'b{x}'", "f'ab{x}'"),
        ("x = 1  # one", "x = (1)"),
        ("def f():\n    'Text.'\n    return 1", "def f():\n    return 1"),
        ("x = 'a' 'b'", "x = 'ab'"),
        ("x = u'a'", "x = 'a'"),
    ],
)
def test_two_ways_to_write_the_same_are_the_same(one: str, other: str) -> None:
    assert syntax.canonical(ast.parse(one)) == syntax.canonical(ast.parse(other))


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
