"""Where the files of a set come from: a directory given by the user, the Hugging Face hub, or a fixed address."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Protocol, runtime_checkable

from paperwright.files import WriteError, write_bytes

from .cache import cache_directory
from .errors import DataCorrupted, DataUnavailable

VARIABLE = "PAPERWRIGHT_DATA"


def data_directory() -> Path | None:
    """`$PAPERWRIGHT_DATA`: every file is read from there, and nothing is downloaded, if it is set."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen) if chosen else None


def sha256_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@runtime_checkable
class Origin(Protocol):
    """Where files come from when the user has named no directory."""

    def at_hand(self, file: str) -> Path | None:
        """The file if an earlier download left it here; touches no network."""
        ...

    def fetch(self, file: str, sha256: str | None) -> Path:
        """The file, downloaded if need be.

        Raises:
            DataUnavailable: It cannot be downloaded.
            DataCorrupted: What was downloaded is not the pinned file.
        """
        ...

    def stated_sha256(self, path: Path) -> str | None:
        """The SHA-256 that the origin itself states for a file it brought here, if it states one."""
        ...


@dataclass(frozen=True)
class Hub:
    """A data set repository of the Hugging Face hub at a pinned commit; files land in the hub's own cache."""

    repo: str
    revision: str

    def at_hand(self, file: str) -> Path | None:
        try:
            from huggingface_hub import try_to_load_from_cache
        except ImportError:
            return None
        found = try_to_load_from_cache(self.repo, self._path(file), revision=self.revision, repo_type="dataset")
        return Path(found) if isinstance(found, str) else None

    def fetch(self, file: str, sha256: str | None) -> Path:
        try:
            from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
        except ImportError as error:
            raise DataUnavailable(
                f"{self.repo}: huggingface_hub is not installed; pip install 'paperwright[hub]', "
                f"or set {VARIABLE} to a directory that holds {file}"
            ) from error
        name = self._path(file)
        try:
            # Asks once, where the download itself would go on asking for half a minute.
            get_hf_file_metadata(hf_hub_url(self.repo, name, repo_type="dataset", revision=self.revision))
            path = Path(hf_hub_download(self.repo, name, repo_type="dataset", revision=self.revision))
        except Exception as error:  # the hub's client raises what its transport raises, and that changes
            raise DataUnavailable(
                f"{file} cannot be downloaded from the Hugging Face hub ({type(error).__name__}); connect to the "
                f"network, or set {VARIABLE} to a directory that holds {file}"
            ) from error
        if expected := sha256 or self.stated_sha256(path):
            expect_file(path, expected)
        return path

    def stated_sha256(self, path: Path) -> str | None:
        # The hub's cache names a large file after the SHA-256 that the server states for the pinned commit.
        stated = path.resolve().name
        return stated if re.fullmatch("[0-9a-f]{64}", stated) else None

    def _path(self, file: str) -> str:
        return file.removeprefix(f"{self.repo}/")


@dataclass(frozen=True)
class Web:
    """Files at fixed addresses, given for each file; they are kept in paperwright's own cache."""

    addresses: Mapping[str, str]

    def at_hand(self, file: str) -> Path | None:
        path = cache_directory() / "files" / file
        return path if path.is_file() else None

    def fetch(self, file: str, sha256: str | None) -> Path:
        path = cache_directory() / "files" / file
        if not path.is_file():
            import urllib.request

            address = self.addresses[file]
            try:
                with urllib.request.urlopen(address, timeout=30) as response:
                    content = response.read()
            except (OSError, HTTPException) as error:
                raise DataUnavailable(
                    f"{file} cannot be downloaded from {address} ({error}); connect to the network, "
                    f"or set {VARIABLE} to a directory that holds {file}"
                ) from error
            try:
                write_bytes(path, content, parents=True)
            except WriteError as error:
                raise DataUnavailable(f"{error}; set PAPERWRIGHT_CACHE to a directory that can be written to") from None
        if sha256 is not None:
            expect_file(path, sha256)
        return path

    def stated_sha256(self, path: Path) -> str | None:
        return None


@dataclass(frozen=True)
class Given:
    """Files that no address serves in the form that is read here: the user's own directory must hold them.

    Attributes:
        advice: Where what they are made of is to be had.
    """

    advice: str

    def at_hand(self, file: str) -> Path | None:
        return None

    def fetch(self, file: str, sha256: str | None) -> Path:
        raise DataUnavailable(
            f"{file} cannot be downloaded; set {VARIABLE} to a directory that holds it ({self.advice})"
        )

    def stated_sha256(self, path: Path) -> str | None:
        return None


def expect_file(path: Path, sha256: str) -> None:
    """Raises :class:`DataCorrupted` unless the file's bytes have this SHA-256."""
    if (found := sha256_of_file(path)) != sha256:
        raise DataCorrupted(
            f"{path} is truncated or altered: its SHA-256 is {found}, expected {sha256}; delete it and get it again"
        )
