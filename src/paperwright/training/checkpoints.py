"""Checkpoints that survive a kill: safetensors and JSON, written whole or not at all, and checked when read.

    directory/step-00000200/tensors.safetensors     every tensor, under its path in the state
    directory/step-00000200/state.json              everything else, and the SHA-256 of the tensors and of itself

A checkpoint is written beside its place, forced to disk, and then renamed: a name either is not there or stands for
a complete checkpoint. Disks fail all the same, so reading compares the checksums, and falls back on the one before.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paperwright.files import write_bytes, write_text

from .encoding import decode, encode

FORMAT = 1


class CheckpointCorrupted(ValueError):
    """A checkpoint is truncated, altered or of an unknown format; the message names it."""


class Checkpoints:
    """The checkpoints of one run.

    Args:
        directory: Where they lie; made when a run begins. One run writes to it at a time.
        every: Steps between two of them; the last step of a run is always saved.
        keep: How many of the newest are kept; two or more, so that there is one to fall back on.

    Raises:
        ValueError: A number is too small.
    """

    def __init__(self, directory: str | os.PathLike[str], *, every: int = 200, keep: int = 3) -> None:
        if every < 1:
            raise ValueError(f"every is {every}; expected at least 1 step between checkpoints")
        if keep < 2:
            raise ValueError(f"keep is 2 or more, so that a damaged checkpoint has one before it; got {keep}")
        self.directory = Path(directory)
        self.every, self.keep = every, keep

    def steps(self) -> list[int]:
        """Return the steps that a checkpoint is here for, rising; other files and folders are none of ours."""
        named = (re.fullmatch(r"step-([0-9]{8}|[1-9][0-9]{8,})", path.name) for path in self.directory.glob("step-*"))
        return sorted(int(name[1]) for name in named if name)

    def prepare(self) -> None:
        """Make the directory, and see that it can be written to, before hours of training depend on it.

        Raises:
            ValueError: it cannot.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            Path(tempfile.mkdtemp(prefix=".partial-", dir=self.directory)).rmdir()
        except OSError as error:
            raise ValueError(
                f"the directory of checkpoints is {self.directory}; expected one that can be written to "
                f"({error.strerror}). Name another, or mend its permissions"
            ) from error

    def save(self, step: int, state: Mapping[str, Any]) -> Path:
        """Write a checkpoint, and remove those beyond the newest `keep`.

        Raises:
            TypeError: The state holds what neither safetensors nor JSON can.
        """
        import safetensors.torch

        tensors: dict[str, Any] = {}
        body = {"format": FORMAT, "step": step, "state": encode(dict(state), tensors)}
        blob = safetensors.torch.save(tensors)
        body["tensors_sha256"] = hashlib.sha256(blob).hexdigest()
        text = json.dumps({**body, "sha256": _digest(body)}, allow_nan=False, indent=1)

        self.directory.mkdir(parents=True, exist_ok=True)
        for leftover in self.directory.glob(".partial-*"):  # of a run that was killed here
            shutil.rmtree(leftover, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(prefix=".partial-", dir=self.directory))
        write_bytes(scratch / "tensors.safetensors", blob)
        write_text(scratch / "state.json", text)
        _force(scratch)
        path = self._path(step)
        if path.exists():  # a damaged one that the run has come back to
            shutil.rmtree(path)
        scratch.rename(path)
        _force(self.directory)
        for old in self.steps()[: -self.keep]:
            shutil.rmtree(self._path(old), ignore_errors=True)
        return path

    def load(self, step: int) -> dict[str, Any]:
        """Return the state that was saved at `step`, on the CPU.

        Raises:
            CheckpointCorrupted: It is not what was written.
        """
        import safetensors.torch

        path = self._path(step)
        try:
            body = json.loads((path / "state.json").read_text("utf-8"))
            blob = (path / "tensors.safetensors").read_bytes()
            if body.pop("sha256") != _digest(body):
                raise CheckpointCorrupted(f"{path / 'state.json'} is not what was written: its checksum differs")
            if body["tensors_sha256"] != hashlib.sha256(blob).hexdigest():
                raise CheckpointCorrupted(
                    f"{path / 'tensors.safetensors'} is not what was written: its checksum differs"
                )
            if (body["format"], body["step"]) != (FORMAT, step):
                raise CheckpointCorrupted(
                    f"{path} holds format {body['format']}, step {body['step']}; expected {FORMAT}, {step}"
                )
            state: dict[str, Any] = decode(body["state"], safetensors.torch.load(blob))
        except CheckpointCorrupted:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointCorrupted(f"{path} cannot be read ({type(error).__name__}: {error})") from error
        return state

    def latest(self) -> tuple[int, dict[str, Any]] | None:
        """Return the newest checkpoint that is intact, with its step; None if there is none.

        One that is not intact is passed over with a warning.
        """
        for step in reversed(self.steps()):
            try:
                return step, self.load(step)
            except CheckpointCorrupted as error:
                warnings.warn(f"{error}; going back to the checkpoint before it", stacklevel=2)
        return None

    def _path(self, step: int) -> Path:
        return self.directory / f"step-{step:08d}"


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, allow_nan=False).encode()).hexdigest()


def _force(directory: Path) -> None:
    """Make the names in a directory durable; without it a crash may undo the rename."""
    if os.name == "nt":  # directories cannot be opened there, and renames are durable
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
