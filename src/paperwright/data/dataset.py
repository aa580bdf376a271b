"""What a loaded data set is: named arrays together with the facts about them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Info:
    """The facts about a data set, known without loading it.

    Attributes:
        name: The name that :func:`paperwright.data.load` knows it by.
        description: One line.
        shape: The shape of one example (an image), of the feature matrix (a graph), `()` for text and tables.
        sizes: How many examples each split has; characters for text.
        classes: The names of the classes, in the order of the labels; empty where there are none.
        licence: The terms as the distributor states them.
        source: Where it comes from, with the pinned revision.
        extra: The pip extra of paperwright that brings what the loader needs; empty if the base is enough.
        embedded: Whether it needs no file and no network.
        note: What a user should know before drawing conclusions from it.
    """

    name: str
    description: str
    shape: tuple[int, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    licence: str = "not stated"
    source: str = ""
    extra: str = ""
    embedded: bool = False
    note: str = ""


class Fields(Mapping[str, Any]):
    """Read-only named values, reached as attributes (`train.images`) or by key (`train["images"]`)."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __getattr__(self, name: str) -> Any:
        # Only public names: unpickling asks for dunder methods before `_values` exists.
        if not name.startswith("_") and name in self._values:
            return self._values[name]
        has = "" if name.startswith("_") else f"; it has {', '.join(self._values)}"
        raise AttributeError(f"{type(self).__name__} has no field {name!r}{has}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(_described(self._values))})"


class Dataset(Fields):
    """The arrays of a data set, with what they are.

    Attributes:
        info: The facts about the set.
        checksum: SHA-256 of the decoded content, so that it does not depend on where the files came from.
        variant: How this copy differs from the published one; empty if it does not.
    """

    def __init__(self, info: Info, values: Mapping[str, Any], checksum: str, variant: str = "") -> None:
        super().__init__(values)
        self.info = info
        self.checksum = checksum
        self.variant = variant

    def __repr__(self) -> str:
        return f"Dataset({self.info.name!r}: {', '.join(_described(self._values))})"


def _described(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Fields):
            yield from _described(value, f"{prefix}{key}.")
        elif hasattr(value, "dtype") and hasattr(value, "shape"):
            yield f"{prefix}{key} {value.dtype} {list(value.shape)}"
        elif isinstance(value, str):
            yield f"{prefix}{key} {len(value):,} characters"
        elif isinstance(value, (tuple, list)):
            yield f"{prefix}{key} {len(value):,} entries"
        else:
            yield f"{prefix}{key} {value!r}"
