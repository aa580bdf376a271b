"""The room as a whole: its sub-packages stand on one another, and the examples of its docstrings run."""

import ast
import doctest
import importlib
from pathlib import Path

import networkx as nx
import pytest

from paperwright.graphs import tensor_language

PACKAGE = "paperwright.graphs.tensor_language"
FOLDER = Path(tensor_language.__file__).parent
LEVELS = ["language", "analysis", "homomorphisms", "architectures", "models", "experiments"]


def imports() -> nx.DiGraph:
    """From each module of the room to those that it names, also within functions."""
    files = {
        path: ".".join([PACKAGE, *path.relative_to(FOLDER).with_suffix("").parts]) for path in FOLDER.rglob("*.py")
    }
    found = nx.DiGraph()
    for path, name in files.items():
        parts = name.split(".")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                base = ".".join([*parts[: -node.level], node.module or ""]) if node.level else node.module or ""
                targets = [base, *(f"{base.rstrip('.')}.{alias.name}" for alias in node.names)]
                found.add_edges_from((name, target) for target in targets if target in files.values())
    return found


def test_sub_packages_stand_on_those_before_them() -> None:
    assert len(imports().edges) > 100
    for module, imported in imports().edges:
        above, below = (name.removeprefix(f"{PACKAGE}.").partition(".")[0] for name in (module, imported))
        if above in LEVELS:
            assert below in LEVELS[: LEVELS.index(above) + 1], (module, imported)


@pytest.mark.parametrize(
    "name", ["language.expressions", "analysis.analysis", "analysis.bounds", "power", "homomorphisms.counts"]
)
def test_examples_run(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"{PACKAGE}.{name}"))
    assert found.attempted > 0
    assert found.failed == 0
