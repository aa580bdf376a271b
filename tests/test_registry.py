"""The registry: rooms are found without importing them, and a bad one never takes the others down."""

import importlib
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

import paperwright
from paperwright._lazy import MissingExtra, RoomError
from paperwright.cards import WINGS
from paperwright.registry import Registry, UnknownPaper, registry

CARD = """
title = "A paper"
authors = ["Ada Lovelace"]
venue = "ICLR 2022"
year = 2022
wing = "{wing}"
{extra}
tags = ["{tag}"]
tldr = "One sentence."
why = "A paragraph."
idea = "A paragraph."
uses = ["Use it."]
[links]
paper = "https://example.org/paper"
"""


def write_room(folder: Path, *, wing: str = "graphs", extra: str = "", tag: str = "some-tag", code: str = "") -> None:
    folder.mkdir(parents=True)
    (folder / "paper.toml").write_text(CARD.format(wing=wing, extra=extra, tag=tag), encoding="utf-8")
    (folder / "__init__.py").write_text(code, encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the import path, as site-packages is."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if name.partition(".")[0].startswith("brought"):
            del sys.modules[name]


@pytest.fixture
def bring(site: Path) -> Callable[..., Path]:
    """Install a distribution with one room: its metadata and, where a card is wanted, its package."""

    def install(name: str, *, value: str | None = None, dist: str | None = None, **room: str) -> Path:
        dist = dist or name
        info = site / f"{dist.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[paperwright.papers]\n{name} = {value or name}\n")
        folder = site.joinpath(*(value or name).split("."))
        if not folder.exists():
            write_room(folder, **room)
        importlib.invalidate_caches()
        return folder

    return install


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A house of three built-in rooms."""
    folder = tmp_path / "house"
    write_room(folder / "graphs" / "second", tag="curvature")
    write_room(folder / "graphs" / "first")
    write_room(folder / "nn" / "third", wing="nn", tag="curvature")
    return folder


def test_rooms_stand_wing_by_wing_and_can_be_chosen(house: Path) -> None:
    found = Registry(house, plugins=False)
    assert [str(room) for room in found] == ["nn/third", "graphs/first", "graphs/second"]
    assert [room.name for room in found.rooms(wing="graphs")] == ["first", "second"]
    assert [room.name for room in found.rooms(tag="curvature", wing="graphs")] == ["second"]
    assert found.room("first") == found.room("graphs/first")
    assert found.room("first").package == "paperwright.graphs.first"
    assert found.room("first").import_from == "paperwright.graphs"
    assert found.broken == ()
    assert len(found) == 3
    assert "first" in found
    assert "nn/first" not in found


@pytest.mark.parametrize(
    ("name", "hint"),
    [("frist", "did you mean graphs/first?"), ("nn/first", "did you mean graphs/first?"), ("x", "`paperwright list`")],
)
def test_an_unknown_paper_is_answered_with_the_nearest(house: Path, name: str, hint: str) -> None:
    with pytest.raises(UnknownPaper) as caught:
        Registry(house, plugins=False).room(name)
    assert repr(name) in str(caught.value)
    assert hint in str(caught.value)


def test_a_card_in_the_wrong_wing_is_set_aside(house: Path) -> None:
    write_room(house / "nn" / "stray", wing="graphs")
    found = Registry(house, plugins=False)
    (broken,) = found.broken
    assert broken.name == "stray"
    assert "expected 'nn'" in broken.reason
    assert len(found) == 3
    with pytest.raises(RoomError, match="cannot be used"):
        found.room("stray")
    assert "stray" not in found


def test_a_room_of_another_package_is_found_without_importing_it(bring: Callable[..., Path]) -> None:
    bring("brought_one", dist="brought-dist", code="raise SystemExit('imported')")
    room = Registry().room("brought-one")
    assert (room.origin, room.package, str(room)) == ("brought-dist", "brought_one", "graphs/brought_one")
    assert room.import_from == "brought_one"
    assert "brought_one" not in sys.modules


def test_a_room_may_stand_deep_in_a_package(bring: Callable[..., Path], site: Path) -> None:
    folder = bring("brought_deep", value="brought_top.papers.deep")
    (site / "brought_top" / "__init__.py").write_text("raise SystemExit('imported')")
    (site / "brought_top" / "papers" / "__init__.py").write_text("raise SystemExit('imported')")
    assert Registry().room("brought_deep").path == folder


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("brought_absent", "'brought_absent' does not name a package that holds a paper.toml"),
        ("brought_absent.below", "does not name a package"),
        ("brought_bare", "does not name a package"),
        ("brought_bare.below", "does not name a package"),
        ("json", "does not name a package"),
        ("sys", "does not name a package"),
        ("not a package!", "does not name a package"),
    ],
)
def test_an_entry_point_that_leads_nowhere_is_named_and_left_out(
    bring: Callable[..., Path], site: Path, value: str, reason: str
) -> None:
    (site / "brought_bare").mkdir()
    (site / "brought_bare" / "__init__.py").touch()
    bring("brought_good")
    info = site / "brought_bad-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: brought_bad\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[paperwright.papers]\nbrought_bad = {value}\n")
    found = Registry()
    assert "brought_good" in found
    (broken,) = (room for room in found.broken if room.name == "brought_bad")
    assert reason in broken.reason
    assert broken.origin == "brought_bad"


def test_a_broken_card_is_named_and_left_out(bring: Callable[..., Path]) -> None:
    folder = bring("brought_bad")
    (folder / "paper.toml").write_text("title = 3")
    bring("brought_good")
    found = Registry()
    assert "brought_good" in found
    (broken,) = (room for room in found.broken if room.name == "brought_bad")
    assert "title: expected a text, got 3" in broken.reason
    assert "\n" not in str(broken)


def test_a_damaged_package_is_named_and_left_out(bring: Callable[..., Path], site: Path) -> None:
    bring("brought_good")
    bring("brought_bad")
    bring("brought_nameless")
    (site / "brought_bad-1.0.dist-info" / "entry_points.txt").write_bytes(b"[paperwright.papers]\nbrought_bad = \xff\n")
    (site / "brought_nameless-1.0.dist-info" / "METADATA").unlink()
    found = Registry()
    assert {"brought_good", "brought_nameless"} <= {room.name for room in found}
    (broken,) = (room for room in found.broken if room.name == "brought_bad")
    assert "its entry points cannot be read: UnicodeDecodeError" in broken.reason


def test_a_finder_that_fails_breaks_one_room_only(bring: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    class Finder:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> None:
            if name == "brought_bad":
                raise OSError("the disk is gone")

    bring("brought_bad")
    bring("brought_good")
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    found = Registry()
    assert "brought_good" in found
    (broken,) = (room for room in found.broken if room.name == "brought_bad")
    assert broken.reason == "OSError: the disk is gone"


def test_of_two_rooms_with_one_name_the_built_in_one_stays(bring: Callable[..., Path], house: Path) -> None:
    bring("first", value="brought_first", dist="brought-first")
    bring("brought_twin", dist="brought-a")
    bring("brought_twin", dist="brought-b")
    found = Registry(house)
    assert found.room("first").origin == "paperwright"
    assert found.room("brought_twin").origin == "brought-a"
    reasons = {broken.origin: broken.reason for broken in found.broken}
    first, twins = reasons["brought-first"], reasons["brought-b"]
    assert first.startswith("the name 'first' is taken by graphs/first from paperwright, this is brought-first (")
    assert "by graphs/brought_twin from brought-a (package brought_twin, in " in twins
    assert "), this is brought-b (package brought_twin, in " in twins


def test_public_names_are_read_without_importing(bring: Callable[..., Path]) -> None:
    bring("brought_one", code="raise SystemExit\n__all__ = ['one', 'two']")
    bring("brought_two", code="__all__ = sorted(globals())")
    bring("brought_three", code="def (")
    bring("brought_four", code="from x import one as one, two, three as four\nimport five")
    found = Registry()
    assert found.room("brought_four").public_names() == ("one",)
    assert found.room("brought_one").wing_names() == ("one", "two")
    assert found.room("brought_one").public_names() == ("one", "two")
    assert found.room("brought_two").public_names() == ()
    assert found.room("brought_three").public_names() == ()


def test_a_missing_library_is_one_line_that_names_the_extra(bring: Callable[..., Path]) -> None:
    bring("brought_one", extra='extra = "fast"', code="import no_such_library.below")
    bring("brought_two", code="import no_such_library")
    found = Registry()
    with pytest.raises(MissingExtra) as caught:
        found.room("brought_one").method()
    assert str(caught.value) == (
        "graphs/brought_one needs 'no_such_library', which is not installed: pip install 'brought_one[fast]'"
    )
    with pytest.raises(MissingExtra, match="install what provides 'no_such_library'"):
        found.room("brought_two").claims_module()


def test_code_that_fails_on_import_is_named(bring: Callable[..., Path]) -> None:
    bring("brought_one", code="1 / 0")
    bring("brought_two", code="import brought_two.absent")
    bring("brought_three")
    found = Registry()
    with pytest.raises(RoomError, match=r"graphs/brought_one \(from brought_one\).*ZeroDivisionError"):
        found.room("brought_one").claims_module()
    with pytest.raises(RoomError, match=r"No module named 'brought_two\.absent'"):
        found.room("brought_two").claims_module()
    with pytest.raises(RoomError, match=r"has no module brought_three\.claims"):
        found.room("brought_three").claims_module()
    assert found.room("brought_three").method().__name__ == "brought_three"


def test_the_front_door() -> None:
    assert registry() is registry()
    assert paperwright.papers() == registry().rooms()
    for room in paperwright.papers(wing="graphs"):
        assert paperwright.room(room.name) is room
        assert paperwright.card(str(room)) is room.card
    with pytest.raises(UnknownPaper):
        paperwright.card("no-such-paper")


def test_every_wing_and_the_ground_floor_can_be_reached_by_attribute() -> None:
    packages = {*WINGS, "blocks", "claims", "data", "stats", "training"}
    assert set(dir(paperwright)) == packages | set(paperwright.__all__)
    for wing in WINGS:
        assert getattr(paperwright, wing).__name__ == f"paperwright.{wing}"


@pytest.mark.parametrize("module", ["paperwright", "paperwright.registry", *(f"paperwright.{wing}" for wing in WINGS)])
def test_importing_is_cheap(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'torch', 'numpy', 'rich', 'typer'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- The wings load lazily --------------------------------------------------------------------------------------------


@pytest.fixture
def wing(site: Path) -> Path:
    """A package of its own that is built like a wing: two rooms, one of which needs a library that is not there."""
    folder = site / "brought_wing"
    write_room(folder / "fine", code="name = 'fine'\n__all__ = ['name']")
    write_room(folder / "lacking", extra='extra = "fast"', code="import no_such_library")
    write_room(folder / "faulty", code="import brought_wing.absent")
    (folder / "__init__.py").write_text(
        "from paperwright._lazy import attach_rooms\n__getattr__, __dir__, __all__ = attach_rooms(__name__, __file__)\n"
    )
    (folder / "__init__.pyi").write_text(
        "from . import fine as fine, lacking as lacking, faulty as faulty\n"
        "from .fine import name as name\n"
        "from .lacking import other as other\n"
        "from .faulty import third as third\n"
    )
    return folder


def test_a_wing_loads_a_room_when_one_of_its_names_is_used(wing: Path) -> None:
    import brought_wing

    assert "brought_wing.fine" not in sys.modules
    assert dir(brought_wing) == ["faulty", "fine", "lacking", "name", "other", "third"]
    assert brought_wing.name == "fine"
    assert "brought_wing.lacking" not in sys.modules


@pytest.mark.parametrize("name", ["other", "lacking"])
def test_a_wing_names_the_extra_of_a_room_that_lacks_a_library(wing: Path, name: str) -> None:
    import brought_wing

    with pytest.raises(MissingExtra) as caught:
        getattr(brought_wing, name)
    assert str(caught.value) == (
        f"brought_wing.{name} needs 'no_such_library', which is not installed: pip install 'brought_wing[fast]'"
    )
    assert caught.value.__suppress_context__


def test_a_wing_does_not_take_a_fault_of_its_own_for_a_missing_library(wing: Path) -> None:
    import brought_wing

    with pytest.raises(ModuleNotFoundError, match=r"brought_wing\.absent"):
        _ = brought_wing.third
    with pytest.raises(AttributeError, match="nothing"):
        _ = brought_wing.nothing


@pytest.mark.parametrize("room", registry().rooms(), ids=str)
def test_every_name_in_a_wing_stub_is_in_its_room(room: "paperwright.registry.Room") -> None:
    if not room.built_in:
        pytest.skip("of another package")
    names = room.wing_names()
    assert names, f"no name of {room} is in its wing's stub"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what other libraries warn of when they are imported
        method = room.method()
    wing = importlib.import_module(room.import_from)
    for name in names:
        assert getattr(wing, name) is getattr(method, name)
    assert set(names) <= set(room.public_names())
