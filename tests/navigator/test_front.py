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


def test_coming_in_is_quick() -> None:
    """Under 0.15 s beyond NumPy and jaxtyping, which every wing needs; the best of three, for a busy machine."""
    program = """
import time, numpy, jaxtyping
began = time.perf_counter()
from paperwright.navigator import Library
print(time.perf_counter() - began)
"""
    runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, check=True) for _ in range(3)]
    assert min(float(run.stdout) for run in runs) < 0.15
