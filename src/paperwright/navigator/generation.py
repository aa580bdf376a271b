"""A generation: an encoder and the index of the vectors that it gave, which come and go together.

Which generation counts is one setting in the library's records. A new one is made in a folder of its own and then put
in force by one transaction: whoever is killed before that, or comes second, leaves the old one in force.
"""

import json
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .encoders import AdaptedEncoder, Encoder, Identity, adapted
from .engines import open_index
from .errors import EncoderMismatch, LibraryError
from .filling import AT_ONCE, MOST_AT_ONCE, Progress
from .filters import columns_of
from .index import Index
from .lsa import LARGEST_SAMPLE, LsaEncoder, Unknown
from .paper import Paper
from .problem import MENDED, Problem
from .records import Records
from .text import dense_text, lexical_text
from .turns import turn
from .vectors import VectorCache, encoded, width_of

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from paperwright.executors import Place

FORMAT = 1
SETTING = "library"
VECTORS = "vectors.sqlite"
ADVISED_UNKNOWN = 0.2
"""The share of unknown words from which a rebuild is advised."""
ENOUGH_WORDS = 1_000
"""How many words must have been seen before their share of unknown ones says anything."""
FEW_CHANGES = 100
"""Changes for which no snapshot of the index is written."""
_DAY = 86_400


@dataclass(frozen=True)
class Settings:
    """What a library is made with, kept in its records.

    Attributes:
        index: "memory", "lance", or a postgresql:// address.
        brought: The encoder's name if it can be loaded by that, "" if it is an object of the user's; None for latent
            semantic analysis.
        identity: Of an encoder that was brought.
        number: Which generation is in force; 0 before there is one.
        folder: Where it lies, within the library's.
    """

    index: str = "memory"
    brought: str | None = None
    identity: Identity | None = None
    number: int = 0
    folder: str = "generation-0"

    @classmethod
    def begin(cls, records: Records, encoder: Encoder | str | None, index: str) -> None:
        """Settles what a new library is made with."""
        identity = None if encoder is None else adapted(encoder).identity
        brought = None if encoder is None else encoder if isinstance(encoder, str) else ""
        cls(index, brought, identity).write(records)

    @classmethod
    def of(cls, records: Records) -> "Settings":
        """The settings of a library.

        Raises:
            LibraryError: there are none, or they are of a newer version.
        """
        text = records.setting(SETTING)
        try:
            values = json.loads(text or "null")
            if values["format"] > FORMAT:
                raise LibraryError(f"{records.path} was written by a newer paperwright; upgrade paperwright")
            identity = values["identity"] and Identity.from_dict(values["identity"])
            folder = str(values["folder"])
            if Path(folder).name != folder or not folder.startswith("generation-"):
                raise ValueError(f"its folder is {folder!r:.80}")
            return cls(str(values["index"]), values["brought"], identity, int(values["number"]), folder)
        except LibraryError:
            raise
        except (ValueError, KeyError, TypeError) as error:
            raise LibraryError(f"{records.path} does not say how its library was made: {error}") from None

    def write(self, records: Records) -> None:
        """Puts them in force."""
        values = {
            "format": FORMAT,
            "index": self.index,
            "brought": self.brought,
            "identity": self.identity and self.identity.as_dict(),
            "number": self.number,
            "folder": self.folder,
        }
        records.set_setting(SETTING, json.dumps(values))


@dataclass
class Generation:
    """An encoder and its index, over some records.

    Attributes:
        settings: What the library is made with, and which generation this is.
        records: The papers.
        directory: The library's folder, if it has one.
        encoder: An `LsaEncoder`, or one that was brought.
        index: What is searched.
        cache: Vectors of an encoder that was brought.
        unknown: How much of the texts put in an `LsaEncoder` does not know.
        cut: How many texts were longer than the encoder reads, of how many.
        unsaved: How many changes the index has taken in since its last snapshot.
        damage: What could not be read when this was opened, and was made anew.
        lost: Whether that was more than filling the index again mends.
        replaced: Whether it is no longer in force, and its files go when it is closed.
    """

    settings: Settings
    records: Records
    directory: Path | None
    encoder: LsaEncoder | AdaptedEncoder
    index: Index
    cache: VectorCache | None = None
    unknown: Unknown = field(default_factory=lambda: Unknown(0, 0))
    cut: tuple[int, int] = (0, 0)
    unsaved: int = 0
    damage: list[Problem] = field(default_factory=list)
    replaced: bool = False
    lost: bool = False

    @property
    def number(self) -> int:
        return self.settings.number

    @property
    def brought(self) -> bool:
        """Whether the encoder was brought by the user."""
        return isinstance(self.encoder, AdaptedEncoder)

    @property
    def without_vectors(self) -> bool:
        """Whether the vectors are still to be made."""
        return isinstance(self.encoder, LsaEncoder) and not self.encoder.fitted

    @property
    def folder(self) -> Path | None:
        return None if self.directory is None else self.directory / self.settings.folder

    @classmethod
    def open(cls, records: Records, directory: Path | None, given: Any) -> "Generation":
        """The generation in force; its index may be behind the records.

        Raises:
            EncoderMismatch: the library's encoder is another than what was given.
        """
        settings = Settings.of(records)
        if directory is not None and not settings.number:
            (directory / settings.folder).mkdir(exist_ok=True)
        damage: list[Problem] = []
        encoder = _encoder(settings, directory, given, damage)
        cache = None
        if isinstance(encoder, AdaptedEncoder):
            cache = VectorCache(None if directory is None else directory / VECTORS)
        lost = bool(damage)
        try:
            index = _index(settings, directory)
        except LibraryError as error:
            if directory is None or settings.index.startswith("postgres"):
                raise
            index, lost = _index(replace(settings, index="memory"), None), True
            damage.append(Problem(str(directory / settings.folder), str(error), MENDED))
        if why := getattr(index, "damage", None):
            damage.append(Problem(settings.folder, str(why), MENDED))
        elif settings.number and not index.revision and records.revision and not damage:
            damage.append(Problem(settings.folder, "the index was not there, or was empty", MENDED))
        return cls(settings, records, directory, encoder, index, cache, damage=damage, lost=lost)

    def close(self) -> None:
        """Lets go of its files; those of a generation that was replaced are taken away."""
        if self.replaced and hasattr(self.index, "drop"):
            self.index.drop()
        self.index.close()
        if self.cache is not None and not self.replaced:
            self.cache.close()
        if self.replaced and self.folder is not None:
            with turn(self.directory):  # another process may be writing there, for the last time
                shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def behind(self) -> bool:
        """Whether the records have changed, or another generation is in force."""
        return self.index.revision != self.records.revision or Settings.of(self.records).number != self.number

    def check(self, papers: Sequence[Paper], on: "Place | Executor | None") -> None:
        """Has an encoder that was brought encode papers before they are taken in.

        Raises:
            NavigatorError: it gives one of them a vector that cannot be.
        """
        if isinstance(self.encoder, AdaptedEncoder) and papers:
            self._vectors(papers, on, None)

    def caught_up(self, given: Any, progress: Progress | None, on: "Place | Executor | None") -> "Generation":
        """The generation in force, its index up to the newest record."""
        here = self
        if Settings.of(self.records).number != self.number:
            here = Generation.open(self.records, self.directory, given)
        revision = self.records.revision
        if here.lost or here.index.revision > revision or (here.index.revision < revision and here._outgrown()):
            new = here.renewed(progress, on)
            new.damage = new.damage or here.damage
            if here is not self:  # nobody has searched it
                here.close()
            return new
        if here.index.revision < revision:
            here._fill(progress, on)
        return here

    def renewed(self, progress: Progress | None, on: "Place | Executor | None") -> "Generation":
        """A new generation, from the records alone, put in force; or that of another process which was first."""
        encoder = self.encoder
        if isinstance(encoder, LsaEncoder):
            encoder = LsaEncoder.fit(dense_text(paper) for paper in self.records.all())
        number = self.number + 1
        settings = replace(self.settings, number=number, folder=f"generation-{number}-{secrets.token_hex(4)}")
        if self.directory is not None:
            self._sweep(self.directory)
            (self.directory / settings.folder).mkdir()
            if isinstance(encoder, LsaEncoder):
                encoder.save(self.directory / settings.folder)
        new = Generation(settings, self.records, self.directory, encoder, _index(settings, self.directory), self.cache)
        try:
            new._fill(progress, on)
            new.index.snapshot()
            new.unsaved, new.unknown = 0, Unknown(0, 0)
            with self.records.transaction():
                first = Settings.of(self.records).number == self.number
                if first:
                    settings.write(self.records)
        except BaseException:
            new.replaced = True
            new.close()
            raise
        if first:
            self.replaced = True
            return new
        new.replaced = True
        new.close()
        given = encoder if self.brought else None
        theirs = Generation.open(self.records, self.directory, given)
        newest = theirs.caught_up(given, progress, on)
        if newest is not theirs:  # nobody has searched it; replaced, it takes its files with it
            theirs.close()
        return newest

    def _outgrown(self) -> bool:
        """Whether latent semantic analysis is to be made again: half of a library that is still small is new to it.

        In a library in memory it is put off until a vector is asked for.
        """
        encoder = self.encoder
        if not isinstance(encoder, LsaEncoder) or (self.directory is None and not encoder.fitted):
            return False
        return encoder.papers < LARGEST_SAMPLE and len(self.records) >= 2 * encoder.papers

    def _fill(self, progress: Progress | None, on: "Place | Executor | None") -> None:
        """Takes into the index what the records have beyond it."""
        total, done = self.records.count_since(self.index.revision), 0
        batch: list[tuple[int, str, Paper | None]] = []

        def told(more: int) -> None:
            nonlocal done
            done += more
            if progress is not None:
                progress("vectors", done, total)

        size = AT_ONCE * min(MOST_AT_ONCE, width_of(on))
        for change in self.records.changed_since(self.index.revision):
            batch.append(change)
            if len(batch) == size:
                self._take_in(batch, on, told)
                batch = []
        if batch:
            self._take_in(batch, on, told)
        # Writing the whole index for one paper would cost more than taking that paper in again when it is opened.
        if self.unsaved >= max(FEW_CHANGES, len(self.records) // 50):
            self._snapshot()

    def _snapshot(self) -> None:
        """Makes the index durable, unless another process has put a newer generation in force."""
        with turn(self.directory):
            if Settings.of(self.records).number == self.number:
                self.index.snapshot()
                self.unsaved = 0

    def _take_in(
        self, changes: list[tuple[int, str, Paper | None]], on: "Place | Executor | None", told: Callable[[int], None]
    ) -> None:
        revision = changes[-1][0]
        self.unsaved += len(changes)
        papers = [paper for _, _, paper in changes if paper is not None]
        gone = [identifier for _, identifier, paper in changes if paper is None]
        told(len(changes) - len(papers))
        vectors = None if self.without_vectors else self._vectors(papers, on, told)
        # A text without any word that the encoder knows has no direction: it is found by its words only.
        bare = np.ones(len(papers), dtype=bool) if vectors is None else np.asarray(~vectors.any(axis=1))
        groups = [rows for rows in (np.flatnonzero(bare), np.flatnonzero(~bare)) if len(rows)]
        # The index is at the new revision with the last of the changes, not before.
        if gone:
            self.index.delete(gone, self.index.revision if groups else revision)
        for rows in groups:
            some = [papers[row] for row in rows]
            self.index.upsert(
                [paper.id for paper in some],
                [lexical_text(paper) for paper in some],
                None if vectors is None or bare[rows[0]] else vectors[rows],
                [columns_of(paper) for paper in some],
                revision if rows is groups[-1] else self.index.revision,
            )

    def _vectors(
        self, papers: Sequence[Paper], on: "Place | Executor | None", told: Callable[[int], None] | None
    ) -> np.ndarray:
        texts = [dense_text(paper) for paper in papers]
        if isinstance(self.encoder, LsaEncoder):
            vectors, unknown = self.encoder.project(texts)
            self.unknown = Unknown(self.unknown.unknown + unknown.unknown, self.unknown.words + unknown.words)
            if told is not None:
                told(len(texts))
            return vectors.astype(np.float16).astype(np.float32)
        assert self.cache is not None
        ids = [paper.id for paper in papers]
        if told is None:
            self.cut = (self.cut[0] + self.encoder.cut(texts), self.cut[1] + len(texts))
            return encoded(self.encoder, ids, texts, self.cache, on)
        return encoded(self.encoder, ids, texts, self.cache, on, told, lenient=True)

    def notes(self) -> list[str]:
        """What one should know about the papers that were taken in since this was last asked."""
        found = []
        if isinstance(self.encoder, LsaEncoder):
            advised = max(ADVISED_UNKNOWN, 1.5 * self.encoder.unknown_at_fit)
            if self.unknown.words > ENOUGH_WORDS and self.unknown.share > advised:
                found.append(
                    f"{self.unknown.share:.0%} of the words are new to the library's encoder: rebuild the library"
                )
        elif self.cut[0]:
            found.append(
                f"{self.cut[0]:,} of {self.cut[1]:,} texts are longer than {self.encoder.name} reads, and were cut"
            )
        self.cut = (0, 0)
        return found

    def _sweep(self, directory: Path) -> None:
        """Takes away what rebuilds left behind that were killed a day ago or before."""
        for folder in directory.glob("generation-*"):
            if folder.name != self.settings.folder and time.time() - folder.stat().st_mtime > _DAY:
                shutil.rmtree(folder, ignore_errors=True)


def _index(settings: Settings, directory: Path | None) -> Index:
    return open_index(settings.index, None if directory is None else directory / settings.folder / "index")


def _encoder(
    settings: Settings, directory: Path | None, given: Any, damage: list[Problem]
) -> LsaEncoder | AdaptedEncoder:
    """The encoder of a generation; an unfitted one if that of latent semantic analysis cannot be read."""
    if settings.brought is None:
        if given is not None:
            raise EncoderMismatch(
                f"the library was made with {LsaEncoder.name}; open it without an encoder, or make another one"
            )
        if directory is None or not settings.number:
            return LsaEncoder.unfitted()
        try:
            return LsaEncoder.load(directory / settings.folder)
        except LibraryError as error:
            damage.append(Problem(str(directory / settings.folder), str(error), MENDED))
            return LsaEncoder.unfitted()
    if given is None and not settings.brought:
        raise EncoderMismatch(f"the library was made with the encoder {settings.identity}; open it with encoder=")
    encoder = adapted(settings.brought if given is None else given)
    assert settings.identity is not None
    if not encoder.identity.same_as(settings.identity):
        raise EncoderMismatch(
            f"the library's vectors were made by {settings.identity}, and this is {encoder.identity}; open it with "
            "that encoder, or make another library with this one"
        )
    return AdaptedEncoder(encoder.encoder, settings.identity, settings.identity.name)
