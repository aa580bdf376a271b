"""Sets that lie in files: found, decoded to arrays, checked by their content, and cached."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import cache
from .content import Arrays, checksum_of_arrays, checksum_of_parts
from .dataset import Dataset, Info
from .errors import DataCorrupted, DataUnavailable
from .modules import lacking_module, not_installed
from .options import check_options, check_splits
from .origin import VARIABLE, Origin, data_directory, sha256_of_file


@dataclass(frozen=True)
class File:
    """One file of a set: its path below `PAPERWRIGHT_DATA`, and its SHA-256 as published, where that is known."""

    path: str
    sha256: str | None = None


@dataclass(frozen=True)
class Part:
    """What is decoded and checked as one: usually a split.

    Attributes:
        files: The files it is made from.
        known: Checksums of accepted content, each with how that content differs from the published set ("" if not).
        optional: Whether a user's directory may lack it.
    """

    files: tuple[File, ...]
    known: Mapping[str, str] = field(default_factory=dict)
    optional: bool = False

    @classmethod
    def one(
        cls, path: str, *checksums: str, sha256: str | None = None, note: str = "", optional: bool = False
    ) -> "Part":
        """A part of one file, with the checksums of its content that are accepted under the same note."""
        return cls((File(path, sha256),), dict.fromkeys(checksums, note), optional)

    @property
    def unpinned(self) -> bool:
        """Whether nothing but the origin's word says what the content should be."""
        return not self.known and all(file.sha256 is None for file in self.files)


UNCHECKED = "not checked: no checksum of the published files is known"


@dataclass(frozen=True)
class Stored:
    """A set that lies in files.

    Attributes:
        info: The facts.
        origin: Where the files come from when `PAPERWRIGHT_DATA` is not set.
        parts: The parts by name.
        decode: Turns the files of one part into arrays. It unpickles nothing that is not checked first.
        present: Turns the arrays of all parts into the fields of the data set; its keyword arguments are the options.
        modules: What decoding imports beyond the base.
    """

    info: Info
    origin: Origin
    parts: Mapping[str, Part]
    decode: Callable[[Sequence[Path]], Arrays]
    present: Callable[..., Mapping[str, Any]]
    modules: tuple[str, ...] = ()

    def load(self, *, splits: Sequence[str] | None = None, **options: Any) -> Dataset:
        """The set, or only the named `splits` of it.

        Raises:
            ValueError: A split has no such name, or none is asked for.
            TypeError: `splits` is no list of names, or the set has no such option; nothing has been read.
            DataUnavailable: A file or a package that is needed is not here.
            DataCorrupted: A file is not what it should be.
        """
        check_splits(self.info, splits, tuple(self.parts))
        check_options(self.info, self.present, options)
        arrays: dict[str, Arrays] = {}
        checksums: dict[str, str] = {}
        for name, part in self._parts().items() if splits is None else ((name, self.parts[name]) for name in splits):
            arrays[name], checksums[name] = self._content(name, part)
        notes = [self.parts[name].known.get(checksum, "") for name, checksum in checksums.items()]
        notes += [UNCHECKED for name in checksums if self.parts[name].unpinned and data_directory() is not None]
        variant = "; ".join(dict.fromkeys(filter(None, notes)))
        return Dataset(self.info, self.present(arrays, **options), checksum_of_parts(checksums), variant)

    def checksum(self) -> str:
        """The checksum of all parts; files that are as they were are not read again."""
        checksums = {}
        for name, part in self._parts().items():
            files = self._at_hand(part)
            recalled = cache.recall(cache.state_of(self._label(name), files)) if files else None
            checksums[name] = recalled or self._content(name, part)[1]
        return checksum_of_parts(checksums)

    def missing(self) -> str:
        """What has to be had before `load()` works without a network; empty if nothing."""
        for name, part in self._parts().items():
            files = self._at_hand(part)
            if files is None:
                lacking = next(file.path for file in part.files if self._path_at_hand(file) is None)
                root = data_directory()
                return f"{lacking} has not been downloaded yet" if root is None else _put_there(root / lacking)
            decoded = cache.recall(cache.state_of(self._label(name), files))
            if not decoded and (module := lacking_module(self.info, self.modules)):
                return module
        return ""

    def require(self) -> None:
        """Downloads what is missing, or raises DataUnavailable."""
        for part in self._parts().values():
            self._files(part)
        if missing := self.missing():
            raise DataUnavailable(f"{self.info.name}: {missing}")

    def _parts(self) -> dict[str, Part]:
        """The parts that there are: all, but for optional ones that the user's directory does not hold."""
        given = data_directory() is not None
        return {
            name: part
            for name, part in self.parts.items()
            if not (given and part.optional and self._at_hand(part) is None)
        }

    def _label(self, part: str) -> str:
        return f"{self.info.name}:{part}"

    def _path_at_hand(self, file: File) -> Path | None:
        root = data_directory()
        if root is None:
            return self.origin.at_hand(file.path)
        return root / file.path if (root / file.path).is_file() else None

    def _at_hand(self, part: Part) -> list[Path] | None:
        files = [self._path_at_hand(file) for file in part.files]
        found = [file for file in files if file is not None]
        return found if len(found) == len(files) else None

    def _files(self, part: Part) -> list[Path]:
        """The files of a part, downloaded unless the user has named a directory."""
        root = data_directory()
        if root is None:
            return [self._path_at_hand(file) or self.origin.fetch(file.path, file.sha256) for file in part.files]
        for file in part.files:
            if not (root / file.path).is_file():
                raise DataUnavailable(f"{self.info.name}: {_put_there(root / file.path)}")
        return [root / file.path for file in part.files]

    def _content(self, name: str, part: Part) -> tuple[Arrays, str]:
        """The arrays of a part and their checksum: from the cache if the files are as they were, else decoded."""
        files = self._files(part)
        state = cache.state_of(self._label(name), files)
        recalled = cache.recall(state)
        if recalled is not None and (cached := cache.read(recalled)) is not None:
            return cached, recalled
        where = str(files[0]) if len(files) == 1 else f"{files[0].parent} ({len(files)} files)"
        try:
            arrays = dict(sorted(self.decode(files).items()))
        except (DataCorrupted, DataUnavailable, MemoryError):
            raise
        except ImportError as error:
            raise DataUnavailable(f"{self.info.name}: {not_installed(self.info, error.name)}") from error
        except Exception as error:  # whatever a decoder says of a broken file, it is the file that is broken
            raise DataCorrupted(
                f"{where} cannot be read ({type(error).__name__}: {_first_line(error)}); expected {name} of "
                f"{self.info.name} from {self.info.source}; delete it and get it again"
            ) from error
        checksum = checksum_of_arrays(arrays)
        if checksum not in part.known and not self._as_published(part, files):
            expected = " or ".join(part.known) or "the published file"
            raise DataCorrupted(
                f"{where} does not hold {name} of {self.info.name}: its content is {checksum}, expected {expected}; "
                f"delete it and get it again from {self.info.source}"
            )
        cache.write(checksum, arrays)
        cache.remember(state, self._label(name), checksum)
        return arrays, checksum

    def _as_published(self, part: Part, files: Sequence[Path]) -> bool:
        """Whether every file is byte for byte what the origin states, for content whose checksum is not known yet."""
        if part.unpinned and data_directory() is not None:
            return True
        stated = [file.sha256 or self.origin.stated_sha256(path) for file, path in zip(part.files, files, strict=True)]
        return all(
            expected is not None and sha256_of_file(path) == expected
            for expected, path in zip(stated, files, strict=True)
        )


def _put_there(path: Path) -> str:
    return f"{path} does not exist; put it there, or unset {VARIABLE} to download it"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no message"])[0][:200]
