"""The registry: which papers have a room, built in or brought by another package.

Rooms are found by their cards; no code of any room is imported until it is asked for. Built-in rooms are the
folders of the wings that hold a `paper.toml`. Another package brings a room by an entry point of the group
`paperwright.papers` whose name is the paper's and whose value is the package that holds the card and the code:

    [project.entry-points."paperwright.papers"]
    my_paper = "my_paper"

A room that cannot be used is set aside in `Registry.broken`, with the reason; it never takes the others down.
"""

import functools
import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from paperwright._lazy import MissingExtra, RoomError, missing_extra
from paperwright.cards import WINGS, Card, CardError, near_miss
from paperwright.own_commands import RESERVED

GROUP = "paperwright.papers"
CARD = "paper.toml"


class UnknownPaper(LookupError):
    """No room has this name; the message names the nearest one."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Room:
    """A paper in the house.

    Attributes:
        name: the paper's short name, unique in the registry.
        wing: the wing it stands in.
        card: its facts and our words about it.
        package: the Python package of its code, importable with `method()`.
        origin: the distribution that brings it ("paperwright" for the built-in rooms).
        path: the folder that holds `paper.toml`.
    """

    name: str
    wing: str
    card: Card
    package: str
    origin: str
    path: Path

    def __str__(self) -> str:
        return f"{self.wing}/{self.name}"

    @property
    def built_in(self) -> bool:
        return self.origin == "paperwright"

    @property
    def import_from(self) -> str:
        """Where its names are imported from: the wing for a built-in room, else its own package."""
        return f"paperwright.{self.wing}" if self.built_in else self.package

    @property
    def evidence_path(self) -> Path:
        """Where its recorded evidence lies: in the wheel or the repository if it is built in, else beside its code."""
        if not self.built_in:
            return self.path / "evidence.json"
        package = Path(__file__).resolve().parent
        bundled = package / "evidence"
        return (bundled if bundled.is_dir() else package.parent.parent / "evidence") / f"{self.name}.json"

    def public_names(self) -> tuple[str, ...]:
        """The names that its package hands on, read without importing it."""
        import ast

        try:
            tree = ast.parse((self.path / "__init__.py").read_text(encoding="utf-8"))
        except (OSError, ValueError, SyntaxError):
            return ()
        for node in tree.body:
            if isinstance(node, ast.Assign) and "__all__" in [ast.unparse(target) for target in node.targets]:
                try:
                    return tuple(str(name) for name in ast.literal_eval(node.value))
                except ValueError:
                    return ()
        imported = [alias for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
        return tuple(alias.name for alias in imported if alias.asname == alias.name)

    def wing_names(self) -> tuple[str, ...]:
        """Those of its names that its wing offers, by the wing's stub; all of them if it is not built in."""
        if not self.built_in:
            return self.public_names()
        import ast

        stub = ast.parse((self.path.parent / "__init__.pyi").read_text(encoding="utf-8"))
        imports = [node for node in stub.body if isinstance(node, ast.ImportFrom) and node.module == self.name]
        return tuple(alias.name for node in imports for alias in node.names)

    def method(self) -> ModuleType:
        """Its package, imported.

        Raises:
            MissingExtra: it needs a library that is not installed.
            RoomError: its code fails on import.
        """
        return self._import(self.package)

    def claims_module(self) -> ModuleType:
        """Its `claims` module, imported; raises as `method` does."""
        return self._import(f"{self.package}.claims")

    def commands_module(self) -> ModuleType:
        """Its `commands` module, imported; raises as `method` does."""
        return self._import(f"{self.package}.commands")

    def missing_extra(self, error: ModuleNotFoundError) -> MissingExtra | None:
        """What to say of an import that failed: which extra to install; None if it is the room's own fault."""
        if error.name is None or error.name.partition(".")[0] in (self.package.partition(".")[0], "paperwright"):
            return None
        return missing_extra(str(self), error, self.origin, self.card.extra)

    def _import(self, module: str) -> ModuleType:
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name == module:
                raise RoomError(f"{self} has no module {module}", name=module) from None
            if (missing := self.missing_extra(error)) is None:
                raise self._broken(module, error) from error
            raise missing from None
        except RoomError:
            raise
        except Exception as error:
            raise self._broken(module, error) from error

    def _broken(self, module: str, error: Exception) -> RoomError:
        reason = str(error).strip().partition("\n")[0]
        return RoomError(f"{self} (from {self.origin}): {module} fails on import: {type(error).__name__}: {reason}")


@dataclass(frozen=True, slots=True)
class BrokenRoom:
    """A room that was found and cannot be used."""

    name: str
    origin: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} (from {self.origin}): {self.reason}"


class Registry:
    """The rooms of one Python environment.

    Args:
        house: the folder of the wings; the installed package by default.
        plugins: whether to look for rooms of other packages.
    """

    def __init__(self, house: Path | None = None, *, plugins: bool = True) -> None:
        self._rooms: dict[str, Room] = {}
        self._broken: list[BrokenRoom] = []
        found = list(_built_in(house or Path(__file__).parent))
        if plugins:
            found += _brought()
        for room in found:
            if isinstance(room, BrokenRoom):
                self._broken.append(room)
            elif room.name in self._rooms:
                other = self._rooms[room.name]
                reason = (
                    f"the name {room.name!r} is taken by {other} from {_brought_by(other)}, this is {_brought_by(room)}"
                )
                self._broken.append(BrokenRoom(room.name, room.origin, reason))
            else:
                self._rooms[room.name] = room

    @property
    def broken(self) -> tuple[BrokenRoom, ...]:
        """The rooms that were found and cannot be used, each with the reason."""
        return tuple(self._broken)

    def rooms(self, *, wing: str | None = None, tag: str | None = None) -> tuple[Room, ...]:
        """The rooms, wing by wing and by name within a wing; with `wing` or `tag`, only those that have it."""
        order = list(WINGS)
        rooms = sorted(self._rooms.values(), key=lambda room: (order.index(room.wing), room.name))
        return tuple(room for room in rooms if wing in (None, room.wing) and (tag is None or tag in room.card.tags))

    def room(self, name: str) -> Room:
        """The room called `name`, which may be given with its wing as `"wing/name"`, and with hyphens.

        Raises:
            UnknownPaper: there is none; the message names the nearest one.
            RoomError: there is one, and it is broken.
        """
        wing, _, short = name.replace("-", "_").rpartition("/")
        room = self._rooms.get(short)
        if room is not None and wing in ("", room.wing):
            return room
        for broken in self._broken:
            if broken.name == short:
                raise RoomError(f"the paper {name!r} cannot be used: {broken}")
        near = short if room else near_miss(short, list(self._rooms))
        hint = f"did you mean {self._rooms[near]}?" if near else "`paperwright list` shows those there are"
        raise UnknownPaper(f"there is no paper {name!r}; {hint}")

    def __contains__(self, name: str) -> bool:
        try:
            self.room(name)
        except (UnknownPaper, RoomError):
            return False
        return True

    def __iter__(self) -> Iterator[Room]:
        return iter(self.rooms())

    def __len__(self) -> int:
        return len(self._rooms)


def _brought_by(room: Room) -> str:
    """The distribution that brings a room, with the package where that says more."""
    return room.origin if room.built_in else f"{room.origin} (package {room.package}, in {room.path})"


@functools.cache
def registry() -> Registry:
    """The registry of this process, read once (`registry.cache_clear()` forgets it)."""
    return Registry()


def _built_in(house: Path) -> Iterator[Room | BrokenRoom]:
    for wing in WINGS:
        for path in sorted((house / wing).glob(f"*/{CARD}")):
            folder = path.parent
            yield _room(folder.name, folder, f"paperwright.{wing}.{folder.name}", "paperwright", wing)


def _brought() -> Iterator[Room | BrokenRoom]:
    points: list[tuple[str, importlib.metadata.EntryPoint]] = []
    try:
        points = [(_origin(point.dist), point) for point in importlib.metadata.entry_points(group=GROUP)]
    except Exception:  # some installed package is damaged: leave out that one
        for distribution in importlib.metadata.distributions():
            origin = _origin(distribution)
            try:
                points += [(origin, point) for point in distribution.entry_points.select(group=GROUP)]
            except Exception as error:
                yield BrokenRoom(origin, origin, f"its entry points cannot be read: {type(error).__name__}: {error}")
    for origin, point in sorted(points, key=lambda pair: (pair[0], pair[1].name)):
        try:
            folder = _folder(point.value)
        except Exception as error:  # import finders belong to others and may raise anything
            yield BrokenRoom(point.name, origin, f"{type(error).__name__}: {error}")
            continue
        if not point.name.isidentifier():
            reason = f"the entry point's name must be a Python identifier, got {point.name!r}"
            yield BrokenRoom(point.name, origin, reason)
        elif folder is None:
            reason = f"the entry point's value {point.value!r} does not name a package that holds a {CARD}"
            yield BrokenRoom(point.name, origin, reason)
        else:
            yield _room(point.name, folder, point.value, origin)


def _origin(distribution: importlib.metadata.Distribution | None) -> str:
    """The name of a distribution, as far as its metadata can be read."""
    try:
        return str(distribution.name) if distribution is not None else "an unnamed package"
    except Exception:
        return "a package without metadata"


def _folder(package: str) -> Path | None:
    """The folder of a package that holds a card, found without importing anything of it."""
    if not all(part.isidentifier() for part in package.split(".")):
        return None
    top, *below = package.split(".")
    spec = importlib.util.find_spec(top)
    for depth, _ in enumerate(below, start=2):
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = ".".join(package.split(".")[:depth])
        spec = importlib.machinery.PathFinder.find_spec(name, list(spec.submodule_search_locations))
    for location in (spec.submodule_search_locations or []) if spec else []:
        if (Path(location) / CARD).is_file():
            return Path(location)
    return None


def _room(name: str, folder: Path, package: str, origin: str, wing: str | None = None) -> Room | BrokenRoom:
    if name in RESERVED:
        reason = f"the name is {name!r}, that of the command `paperwright {name}`; expected another. Rename the paper."
        return BrokenRoom(name, origin, reason)
    try:
        card = Card.read(folder / CARD)
    except CardError as error:
        return BrokenRoom(name, origin, f"{error.path}: {'; '.join(error.problems)}")
    if wing not in (None, card.wing):
        reason = f"{folder / CARD}: wing: expected {wing!r}, where the room stands, got {card.wing!r}"
        return BrokenRoom(name, origin, reason)
    return Room(name=name, wing=card.wing, card=card, package=package, origin=origin, path=folder)
