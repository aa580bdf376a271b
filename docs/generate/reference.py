"""Writes the reference: a page for each part of the ground floor and the engine, an entry for each public name.

The names are read off the source, without importing it: a page can be built where torch is not installed.
"""

import ast
import functools
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[2] / "src"
sys.path.insert(0, str(SOURCE))

PARTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "claims": ("Claims", ("paperwright.claims",)),
    "report": (
        "Report and evidence",
        ("paperwright.claims.reports.report", "paperwright.claims.evidence.evidence_file"),
    ),
    "registry": ("Registry and cards", ("paperwright.registry", "paperwright.cards")),
    "testing": ("pytest plugin", ("paperwright.testing",)),
    "stats": ("Statistics", ("paperwright.stats",)),
    "data": ("Data", ("paperwright.data",)),
    "training": ("Training", ("paperwright.training",)),
    "blocks": ("Blocks", ("paperwright.blocks",)),
    "navigator": (
        "Navigator",
        tuple(
            f"paperwright.navigator.{module}"
            for module in (
                *("library", "finding", "paper", "filters", "search", "query", "similar", "recommend", "tag_logic"),
                *("semantic_map", "topics", "conference", "keywords", "trends", "experts", "digest", "exports"),
                *("sync", "duplicates", "duplicate_groups", "titles", "encoders", "index", "engines", "doctor"),
                "errors",
            )
        ),
    ),
    "sources": (
        "Sources of papers",
        tuple(
            f"paperwright.navigator.sources.{module}"
            for module in (
                *("source", "opening", "tables", "json_records", "bibtex_entries", "openreview_notes", "arxiv_feeds"),
                *("openalex_works", "semantic_scholar_graph", "room_cards", "columns", "encodings", "http"),
            )
        ),
    ),
    "web": ("Web page", ("paperwright.web.app", "paperwright.web.server", "paperwright.web.security")),
}
"""The pages: their file's name, their title, and the modules that each describes."""


def title_of(wing: str) -> str:
    """The name of a wing as a heading."""
    return wing.capitalize() if len(wing) > 2 else wing.upper()


def file_of(module: str) -> Path:
    """The file of a module of this repository."""
    path = SOURCE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def public_names(path: Path) -> list[str]:
    """What `__all__` lists; without one, the classes and functions defined there whose names are public."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(it, ast.Name) and it.id == "__all__" for it in node.targets):
            return [str(name) for name in ast.literal_eval(node.value)]
    defined = (node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef))
    return [node.name for node in defined if not node.name.startswith("_")]


def documented(module: str, names: list[str]) -> list[str]:
    """Those of the names that the documentation tool can find by reading the source."""
    import griffe

    try:
        root = _package(module.partition(".")[0])
        home = root[module.partition(".")[2]] if "." in module else root
    except (ImportError, KeyError, griffe.GriffeError):
        return []
    found = []
    for name in names:
        try:
            entry = home[name]
            target = entry.final_target if entry.is_alias else entry
        except (KeyError, griffe.GriffeError):
            continue
        if not target.is_module:
            found.append(name)
    return found


@functools.cache
def _package(name: str) -> Any:
    import griffe

    paths = [SOURCE, *map(Path, sys.path)]
    return griffe.load(name, search_paths=[str(path) for path in paths], allow_inspection=False)


def entries(module: str, names: list[str], level: int = 3) -> Iterator[str]:
    """The module's own words, and an entry for each of its names."""
    yield _directive(module, members="false", heading_level=level - 1, show_root_full_path="true")
    for name in documented(module, names):
        yield _directive(f"{module}.{name}", heading_level=level)


def _directive(name: str, **options: object) -> str:
    lines = "".join(f"      {option}: {value}\n" for option, value in options.items())
    return f"::: {name}\n    options:\n{lines}"


def write() -> None:
    """Writes the pages."""
    import mkdocs_gen_files

    with mkdocs_gen_files.open("reference/index.md", "w") as page:
        print("# Reference\n\nWhat rooms are built on, what tries their claims, and what finds papers.\n", file=page)
        for name, (title, modules) in PARTS.items():
            words = (ast.get_docstring(ast.parse(file_of(modules[0]).read_text(encoding="utf-8"))) or "").split("\n\n")
            print(f"- [{title}]({name}.md): `{'`, `'.join(modules)}`. {' '.join(words[0].split())}", file=page)
    for name, (title, modules) in PARTS.items():
        with mkdocs_gen_files.open(f"reference/{name}.md", "w") as page:
            print(f"# {title}\n", file=page)
            for module in modules:
                print(*entries(module, public_names(file_of(module))), sep="\n", file=page)


if __name__ == "<run_path>":  # run by mkdocs-gen-files; imported by the other scripts
    write()
