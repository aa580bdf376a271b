"""The rules of the house, read off the source: who imports whom, what no file may do, and what a room must have."""

import ast
import graphlib
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from paperwright.cards import WINGS, Card, CardError

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "src" / "paperwright"
FILES = sorted(HOUSE.rglob("*.py"))
ROOMS = sorted(card.parent for wing in WINGS for card in (HOUSE / wing).glob("*/paper.toml"))
GROUND = ("data", "training", "blocks", "stats", "files", "terminal")
APART = {"claims": ("navigator", "web"), "navigator": ("claims", "web"), "executors": ("claims", "navigator", "web")}
"""What the two services do not know of: each other, and the web, which shows both."""
LONGEST = 600
VAGUE = {"util", "utils", "helper", "helpers", "misc", "common", "manager", "handler"}
UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "marshal", "shelve", "jsonpickle"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
UNSAFE_METHODS = {("torch", "load"), ("joblib", "load"), ("os", "system"), ("yaml", "load"), ("pd", "read_pickle")}

ORDINARY_WORDS: frozenset[str] = frozenset({"causal"})
"""Papers whose name is a word that others need too (`position`): only imports of theirs are looked for."""


def place(path: Path) -> str:
    """The file within the package, as `graphs/a_paper/claims.py`."""
    return path.relative_to(HOUSE).as_posix()


def module_of(path: Path) -> str:
    parts = path.relative_to(HOUSE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, at its head or within a function, with its line.

    `from a import b` counts as `a` and as `a.b` where that is a module of the house.
    """
    module = module_of(path).split(".")
    package = module if path.name == "__init__.py" else module[:-1]
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])
            base = base if node.level else node.module or ""
            yield node.lineno, base
            for alias in node.names:
                below = HOUSE.parent.joinpath(*base.split("."), alias.name)
                if base.startswith("paperwright") and (below.is_dir() or below.with_suffix(".py").is_file()):
                    yield node.lineno, f"{base}.{alias.name}"


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def room_of(path: Path) -> str | None:
    """The room that a file stands in, as a package, if it stands in one."""
    parts = path.relative_to(HOUSE).parts
    return f"paperwright.{parts[0]}.{parts[1]}" if parts[0] in WINGS and len(parts) > 2 else None


def allowed(path: Path, module: str) -> bool:
    """Whether the file may import the module, by the plan of the house."""
    room = room_of(path)
    if not within(module, "paperwright"):
        return room is None or path.name == "commands.py" or not within(module, "typer", "rich")
    ground = [f"paperwright.{name}" for name in GROUND]
    first = path.relative_to(HOUSE).parts[0].removesuffix(".py")
    if room is not None:
        engine = path.name == "claims.py" and module == "paperwright.claims"
        closed = [f"{room}.claims", f"{room}.commands"]  # what the engine and the command line import, and nobody else
        return engine or module == "paperwright" or (within(module, room, *ground) and not within(module, *closed))
    if first in GROUND:
        return module == "paperwright" or within(module, *ground)
    if first in WINGS:
        return module in ("paperwright", "paperwright._lazy")
    return not within(module, *(f"paperwright.{name}" for name in (*WINGS, *APART.get(first, ()))))


def test_who_may_import_whom() -> None:
    wrong = [
        f"{place(path)}:{line} imports {module}"
        for path in FILES
        for line, module in imports(path)
        if not allowed(path, module)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("file", "module", "may"),
    [
        ("graphs/a_paper/method.py", "paperwright.stats.interval", True),
        ("graphs/a_paper/method.py", "paperwright.graphs.a_paper.engine", True),
        ("graphs/a_paper/method.py", "torch", True),
        ("graphs/a_paper/method.py", "paperwright.claims", False),
        ("graphs/a_paper/method.py", "paperwright.graphs.a_paper.claims", False),
        ("graphs/a_paper/method.py", "paperwright.graphs.another", False),
        ("graphs/a_paper/method.py", "paperwright.graphs", False),
        ("graphs/a_paper/method.py", "paperwright.registry", False),
        ("graphs/a_paper/claims.py", "paperwright.claims", True),
        ("graphs/a_paper/claims.py", "paperwright.claims.rules", False),
        ("graphs/a_paper/claims.py", "paperwright.graphs.a_paper", True),
        ("graphs/a_paper/commands.py", "paperwright.graphs.a_paper.method", True),
        ("graphs/a_paper/commands.py", "paperwright.stats", True),
        ("graphs/a_paper/commands.py", "typer", True),
        ("graphs/a_paper/commands.py", "rich.table", True),
        ("graphs/a_paper/commands.py", "paperwright.graphs.a_paper.claims", False),
        ("graphs/a_paper/commands.py", "paperwright.claims", False),
        ("graphs/a_paper/commands.py", "paperwright.registry", False),
        ("graphs/a_paper/method.py", "paperwright.graphs.a_paper.commands", False),
        ("graphs/a_paper/method.py", "typer", False),
        ("graphs/a_paper/claims.py", "rich", False),
        ("graphs/a_paper/claims.py", "paperwright.graphs.a_paper.commands", False),
        ("data/images.py", "rich", True),
        ("data/images.py", "paperwright.blocks", True),
        ("data/images.py", "paperwright.graphs.a_paper", False),
        ("data/images.py", "paperwright.claims", False),
        ("claims/check.py", "paperwright.registry", True),
        ("claims/check.py", "paperwright.stats", True),
        ("claims/check.py", "paperwright.graphs.a_paper", False),
        ("cli.py", "paperwright.graphs", False),
        ("claims/check.py", "paperwright.executors", True),
        ("claims/check.py", "paperwright.navigator.library", False),
        ("claims/check.py", "paperwright.web", False),
        ("navigator/library.py", "paperwright.executors", True),
        ("navigator/library.py", "paperwright.claims", False),
        ("navigator/commands.py", "paperwright.web.server", False),
        ("executors.py", "paperwright.claims", False),
        ("web/rooms.py", "paperwright.claims.verdict", True),
        ("training/checkpoints.py", "paperwright.files", True),
        ("training/checkpoints.py", "paperwright.executors", False),
        ("graphs/a_paper/method.py", "paperwright.files", True),
        ("graphs/a_paper/experiment.py", "paperwright.executors", False),
        ("files.py", "paperwright.registry", False),
        ("graphs/__init__.py", "paperwright._lazy", True),
        ("graphs/__init__.py", "paperwright.graphs.a_paper", False),
    ],
)
def test_the_plan_itself(file: str, module: str, may: bool) -> None:
    assert allowed(HOUSE / file, module) is may


def words_beside(path: Path, room: Path) -> Iterator[tuple[int, str]]:
    """The lines outside a room that speak of its paper by name."""
    name = re.escape(room.name)
    # A data set may be filed under the name of the paper that published it.
    pattern = rf"\b{name}\b(?!/)" if path.is_relative_to(HOUSE / "data") else rf"\b{name}\b"
    if room.name in ORDINARY_WORDS:
        pattern = rf"\b{room.parent.name}[./]{name}\b"
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if re.search(pattern, line, flags=re.IGNORECASE):
            yield number, line.strip()


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_no_name_of_a_paper_outside_its_own_room(room: Path) -> None:
    kinds = {".py", ".toml", ".html", ".j2", ".css", ".js", ".template", ".md", ".json"}
    texts = [path for path in HOUSE.rglob("*") if path.suffix in kinds and not path.is_relative_to(room)]
    evidence = HOUSE / "evidence"
    wrong = [
        f"{place(path)}:{number}: {line}"
        for path in texts
        if not path.is_relative_to(evidence)
        for number, line in words_beside(path, room)
    ]
    assert not wrong, "\n".join(wrong)


def test_names_say_something() -> None:
    words = {path: set(re.split(r"[/_.]", place(path).lower())) for path in FILES}
    vague = [place(path) for path in FILES if words[path] & VAGUE]
    assert not vague, f"name the concept: {vague}"


def test_a_file_says_first_what_it_is() -> None:
    silent = [place(path) for path in FILES if not ast.get_docstring(parse(path))]
    assert not silent, f"no docstring in {silent}"


def test_no_file_is_too_long() -> None:
    lengths = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    long = {name: lines for name, lines in lengths.items() if lines > LONGEST}
    assert not long, f"look for the second concept in {long}"


def unsafe(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from ((node.lineno, f"imports {name}") for name in modules if name.split(".")[0] in UNSAFE_MODULES)
        elif isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name) and function.id in UNSAFE_CALLS:
                yield node.lineno, f"calls {function.id}"
            if isinstance(function, ast.Attribute):
                owner = function.value.id if isinstance(function.value, ast.Name) else ""
                if (owner, function.attr) in UNSAFE_METHODS or function.attr == "read_pickle":
                    yield node.lineno, f"calls {owner}.{function.attr}"
            for keyword in node.keywords:
                truth = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
                if keyword.arg in ("allow_pickle", "shell", "trust_remote_code") and truth:
                    yield node.lineno, f"passes {keyword.arg}=True"


def test_nothing_is_unpickled_or_evaluated() -> None:
    wrong = [f"{place(path)}:{line} {what}" for path in FILES for line, what in unsafe(parse(path))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import pickle", 1),
        ("from dill import loads", 1),
        ("eval('1')", 1),
        ("torch.load(f)", 1),
        ("np.load(f, allow_pickle=True)", 1),
        ("np.load(f, allow_pickle=False)", 0),
        ("model.eval()", 0),
        ("torch.compile(model)", 0),
        ("re.compile('x')", 0),
    ],
)
def test_what_counts_as_unsafe(code: str, found: int) -> None:
    assert len(list(unsafe(ast.parse(code)))) == found


def test_no_unfinished_work_is_left_in_a_comment() -> None:
    left = []
    for path in FILES:
        for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
            if token.type == tokenize.COMMENT and re.search(r"\b(TODO|FIXME|XXX|HACK)\b", token.string):
                left.append(f"{place(path)}:{token.start[0]}: {token.string}")
    assert not left, "\n".join(left)


# --- The rooms --------------------------------------------------------------------------------------------------------


def test_every_folder_of_a_wing_with_code_is_a_room() -> None:
    folders = {init.parent for wing in WINGS for init in (HOUSE / wing).glob("*/__init__.py")}
    without = [place(folder) for folder in sorted(folders - set(ROOMS))]
    assert not without, f"no paper.toml in {without}"


def parts_of(room: Path) -> dict[str, list[Path]]:
    wing, name = room.parent.name, room.name
    return {
        "public names": [room / "__init__.py"],
        "claims": [room / "claims.py"],
        "a file for a concept": sorted(set(room.glob("*.py")) - {room / "__init__.py", room / "claims.py"}),
        "tests": sorted((ROOT / "tests" / wing).glob(f"test_{name}*.py")),
        "benchmark": [ROOT / "benchmarks" / f"{name}.py"],
        "example": [ROOT / "examples" / f"{name}.py"],
        "evidence": [ROOT / "evidence" / f"{name}.json"],
    }


PARTS = ("public names", "claims", "a file for a concept", "tests", "benchmark", "example", "evidence")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_has_all_its_parts(room: Path, part: str) -> None:
    files = parts_of(room)[part]
    missing = [path.relative_to(ROOT).as_posix() for path in files if not path.is_file()]
    assert files, f"{place(room)} has no {part}"
    assert not missing, f"{place(room)} has no {part}: {missing}"


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_card_is_complete(room: Path) -> None:
    try:
        card = Card.read(room / "paper.toml")
    except CardError as error:
        pytest.fail(str(error))
    assert card.wing == room.parent.name
    assert card.demo, "no demo: the claim that reaches a verdict with no file and no network"
    assert card.details, "no details: what decides whether it reproduces"
    assert card.related, "no related papers"


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_hands_on_its_public_names_and_nothing_else(room: Path) -> None:
    tree = parse(room / "__init__.py")
    allowed_kinds = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign)
    lazy = {"def __getattr__", "def __dir__", "if TYPE_CHECKING"}  # for names whose library may not be installed
    others = [ast.unparse(node) for node in tree.body if not isinstance(node, allowed_kinds)]
    more = [code for code in others if re.split(r"[(:]", code)[0] not in lazy]
    assert not more, f"{place(room)}/__init__.py does more than hand on names: {more}"
    assigned = [ast.unparse(target) for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    assert assigned in (["__all__"], [])


@pytest.mark.parametrize("wing", WINGS)
def test_no_two_rooms_of_a_wing_offer_the_same_name(wing: str) -> None:
    stub = parse(HOUSE / wing / "__init__.pyi")
    names = [alias.name for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert len(set(names)) == len(names)


OTHER_NAMES = {"settings", "networks", "experiments", "generated"}
"""What rooms called the same thing before it had one name: `experiment.py`."""
MOST_NAMES = 26


def misnamed(room: Path) -> Iterator[str]:
    """Files of a room whose place in the anatomy has another name."""
    for path in sorted(room.rglob("*.py")):
        if path.stem in OTHER_NAMES:
            yield f"{place(path)}: what only the claims need is experiment.py, the rest is named for its concept"
    experiment = (room / "experiment.py").is_file() or (room / "experiments" / "__init__.py").is_file()
    if (room / "claims.py").is_file() and not experiment:
        yield f"{place(room)}: no experiment.py (nor, in a room of sub-packages, a sub-package `experiments`)"


def rank(name: str) -> tuple[int, str]:
    """The order of `__all__`: constants, classes, functions, each by the alphabet."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2
    return kind, name


def misoffered(room: Path) -> Iterator[str]:
    """What is wrong with the public names of a room."""
    init = room / "__init__.py"
    tree = parse(init)
    lists = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    names = [name for listed in lists for name in listed]
    if len(lists) != 1:
        yield f"{place(init)}: no __all__"
    if names != sorted(names, key=rank):
        yield f"{place(init)}: __all__ is not sorted"
    if len(names) > MOST_NAMES:
        yield f"{place(init)}: {len(names)} public names; at most {MOST_NAMES}"
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and within(node.module or "", module_of(init)):
            yield f"{place(init)}:{node.lineno}: imports {node.module}; import relatively, from the room itself"


def circle(room: Path) -> Iterator[str]:
    """A circle of imports among the files of a room, those in functions included."""
    package = module_of(room / "__init__.py")
    modules = {module_of(path): path for path in room.rglob("*.py")}
    graph = {
        module: {
            other
            for _, other in imports(path)
            # A package that holds the file is entered before it in any case.
            if other in modules and other != module and not within(module, other) and other != package
        }
        for module, path in modules.items()
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        round_trip = [module.removeprefix(f"{package}.") for module in error.args[1]]
        yield f"{place(room)}: imports go in a circle: {' <- '.join(round_trip)}"


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_has_the_anatomy_of_all_rooms(room: Path) -> None:
    faults = [*misnamed(room), *misoffered(room), *circle(room)]
    assert not faults, "\n".join(["", *faults])


def test_what_the_anatomy_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "HOUSE", tmp_path / "paperwright")
    room = tmp_path / "paperwright" / "graphs" / "a_paper"
    room.mkdir(parents=True)
    files = {
        "__init__": "from paperwright.graphs.a_paper.b import x\nfrom .a import A\n__all__ = ['b', 'A', 'MAX']\n",
        "a": "from .b import B\nclass A: ...\n",
        "b": "def late():\n    from .a import A\n",
        "settings": "",
        "claims": "",
    }
    for name, text in files.items():
        (room / f"{name}.py").write_text(text, encoding="utf-8")
    assert [fault.partition(": ")[2][:18] for fault in misnamed(room)] == ["what only the clai", "no experiment.py ("]
    offered = [fault.partition(": ")[2] for fault in misoffered(room)]
    assert offered == [
        "__all__ is not sorted",
        "imports paperwright.graphs.a_paper.b; import relatively, from the room itself",
    ]
    (found,) = circle(room)
    assert "a <- b <- a" in found or "b <- a <- b" in found
    (room / "b.py").write_text("from . import a_concept\n", encoding="utf-8")
    assert not list(circle(room))


TWICE: frozenset[str] = frozenset(
    {
        "Change",
        "Entry",
        "File",
        "Finding",
        "Index",
        "Page",
        "Part",
        "Place",
        "Refusal",
        "Rows",
        "Task",
        "UsageError",
        "Watch",
        "Words",
    }
)
"""Public classes whose name another class of the house bears too: each is to get a name of its own."""


def test_a_public_class_has_a_name_of_its_own() -> None:
    bearers: dict[str, list[str]] = {}
    for path in FILES:
        for node in parse(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                bearers.setdefault(node.name, []).append(place(path))
    twice = {name: files for name, files in bearers.items() if len(files) > 1}
    more = [f"{name}: {', '.join(files)}" for name, files in sorted(twice.items()) if name not in TWICE]
    assert not more, "\n".join(["these names stand twice:", *more])
    assert set(twice) >= TWICE, (
        f"these have names of their own now, take them off the list: {sorted(TWICE - set(twice))}"
    )
