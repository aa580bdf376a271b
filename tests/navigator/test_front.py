"""The navigator's front door: what it offers, and what it costs to come in."""

import subprocess
import sys

import pytest

from paperwright import navigator

HEAVY = ("torch", "sklearn", "scipy", "fastapi", "httpx", "pandas", "bm25s", "lancedb", "psycopg", "umap", "pacmap")


@pytest.mark.parametrize("name", navigator.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(navigator, name) is not None
    assert name in dir(navigator)


def test_names_that_are_not_there() -> None:
    with pytest.raises(AttributeError, match="Librarian"):
        navigator.Librarian  # noqa: B018


@pytest.mark.parametrize("names", ["", "Library, Paper, Filter, Encoder, LsaEncoder"])
def test_coming_in_imports_nothing_heavy(names: str) -> None:
    wanted = f"from paperwright.navigator import {names}" if names else "import paperwright.navigator"
    program = f"import sys; {wanted}; print([name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_coming_in_imports_little() -> None:
    """Beyond NumPy and jaxtyping, which every wing needs; `benchmarks/front_door.py` says how long it takes."""
    program = """
import sys, numpy, jaxtyping
before = set(sys.modules)
from paperwright.navigator import Library
print(len(set(sys.modules) - before))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 60
