"""Sets that need no file and no network: a function makes them out of installed software."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .catalogue import entry
from .content import Array, checksum_of_arrays, text_as_array
from .dataset import Dataset, Fields, Info
from .errors import DataUnavailable
from .modules import lacking_module
from .options import check_options


@dataclass(frozen=True)
class Embedded:
    """An entry that is made when it is loaded.

    Attributes:
        info: The facts.
        make: Gives the fields; its keyword arguments are the options of `load`.
        modules: What it imports beyond the base.
    """

    info: Info
    make: Callable[..., Mapping[str, Any]]
    modules: tuple[str, ...] = ()

    def load(self, **options: Any) -> Dataset:
        check_options(self.info, self.make, options)
        self.require()
        values = self.make(**options)
        return Dataset(self.info, values, checksum_of_arrays(_flat_arrays(values)))

    def checksum(self) -> str:
        return _checksum_of_embedded(self.info.name)

    def missing(self) -> str:
        return lacking_module(self.info, self.modules)

    def require(self) -> None:
        if missing := self.missing():
            raise DataUnavailable(f"{self.info.name}: {missing}")


@cache
def _checksum_of_embedded(name: str) -> str:
    return entry(name).load().checksum


def _flat_arrays(values: Mapping[str, Any], prefix: str = "") -> dict[str, Array]:
    """Every array and text among the fields, by its path."""
    flat: dict[str, Array] = {}
    for key, value in values.items():
        if isinstance(value, Fields):
            flat |= _flat_arrays(value, f"{prefix}{key}.")
        elif isinstance(value, str):
            flat[prefix + key] = text_as_array(value)
        elif hasattr(value, "dtype") and hasattr(value, "tobytes"):
            flat[prefix + key] = value
    return flat
