"""The package is cheap to enter: no torch, and none of scipy's larger parts before they are needed."""

import subprocess
import sys

from paperwright import stats


def test_importing_it_needs_numpy_alone():
    script = "import sys, paperwright.stats; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    modules = set(run.stdout.split())
    assert "numpy" in modules
    assert not modules & {"torch", "scipy", "pandas", "sklearn", "matplotlib"}


def test_every_public_name_is_documented():
    assert stats.__all__ == sorted(stats.__all__)
    for name in stats.__all__:
        assert getattr(stats, name).__doc__.strip(), name
