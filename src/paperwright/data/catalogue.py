"""The catalogue of data sets: names and the entries behind them.

The modules `images`, `text`, `graphs` and `tables` fill it, one :func:`register` for each set.
"""

from difflib import get_close_matches
from typing import Any, Protocol, runtime_checkable

from .dataset import Dataset, Info
from .errors import DataUnavailable


@runtime_checkable
class Entry(Protocol):
    """What the catalogue holds."""

    @property
    def info(self) -> Info: ...

    def load(self, **options: Any) -> Dataset:
        """The set, ready to use."""
        ...

    def checksum(self) -> str:
        """The checksum of what `load()` gives, without reading it again where that is known."""
        ...

    def missing(self) -> str:
        """What has to be had before `load()` works without a network; empty if nothing."""
        ...

    def require(self) -> None:
        """Downloads what is missing, or raises DataUnavailable."""
        ...


_entries: dict[str, Entry] = {}


def register(entry: Entry) -> None:
    """Adds a set to the catalogue.

    Raises:
        ValueError: The name is taken.
    """
    if entry.info.name in _entries:
        raise ValueError(f"a data set called {entry.info.name!r} is in the catalogue already; choose another name")
    _entries[entry.info.name] = entry


def entry(name: str) -> Entry:
    """The entry of this name.

    Raises:
        DataUnavailable: No set has this name.
        TypeError: It is not a string.
    """
    if not isinstance(name, str):
        raise TypeError(f"name is {name!r}; expected the name of a data set. names() lists them")
    if name not in _entries:
        near = get_close_matches(name, _entries, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names())}"
        raise DataUnavailable(f"no data set is called {name!r}; {hint}")
    return _entries[name]


def names() -> list[str]:
    """The names of all sets, sorted."""
    return sorted(_entries)
