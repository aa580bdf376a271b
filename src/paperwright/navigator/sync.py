"""Bringing a source's papers into a library, as far as it goes, and on from there the next time."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from .duplicates import Joiner
from .filling import Progress
from .paper import Paper
from .records import AddReport

if TYPE_CHECKING:
    from .library import Library
    from .sources import Source


def sync(library: "Library", source: "Source", progress: Progress | None = None, *, join: bool = True) -> AddReport:
    """Takes a source's papers into a library, from where the last sync of that source ended.

    A batch and the place behind it are written in one transaction: whoever is stopped or killed in the midst goes on
    behind the last batch that is there, and no paper is lost or there twice. After the end, the next sync begins anew,
    and finds what has changed.

    Args:
        library: Where the papers go.
        source: Where they come from; its `name` is what the library remembers it by.
        progress: Is told ("records" or "vectors", how many are done, how many there are or None).
        join: Whether a record of a paper that the library has from another source is joined to it (see `duplicates`);
            without it, each record is a paper of its own.

    Raises:
        SourceError: the source cannot go on. What came before is kept and can be searched; the next sync goes on there.
    """
    records = library.records
    joiner = Joiner(records.all(), records.get) if join else None
    report = AddReport()
    try:
        for batch in source.batches(records.cursor(source.name)):
            papers = batch.papers if joiner is None else [joiner.paper(paper) for paper in batch.papers]
            removed, left = _taken_back(batch.removed, source.name.partition(":")[0], joiner)
            report += library.put([*papers, *left], cursor=(source.name, batch.cursor), removed=removed)
            report += AddReport(rejected=list(batch.rejected), notes=list(batch.notes))
            if joiner is not None:
                joiner.kept()
            if progress is not None:
                progress("records", batch.done, batch.total)
    finally:
        library.refresh(progress=progress)
    if joiner is not None and joiner.alike:
        report.notes.append(_alike(list(dict.fromkeys(joiner.alike))))
    return report


def _alike(pairs: Sequence[tuple[str, str]]) -> str:
    """What is said of new records that seem to be of papers which their source has brought before."""
    named = ", ".join(f"{new} and {known}" for new, known in pairs[:3]) + (", ..." if pairs[3:] else "")
    return f"there twice, it seems: {named}; `paperwright duplicates` shows more, and joins them when asked"


def _taken_back(identifiers: Iterable[str], source: str, joiner: Joiner | None) -> tuple[list[str], list[Paper]]:
    """The ids of the papers that go, and what is left of those that another source knows too."""
    if joiner is None:
        return list(identifiers), []
    found = [taken for one in identifiers if (taken := joiner.taken_back(one, source)) is not None]
    return [identifier for identifier, rest in found if rest is None], [rest for _, rest in found if rest is not None]


class TimeLeft:
    """A `progress` that knows how long the rest will take, at the rate so far.

    Args:
        show: Is called with itself at every step; its text is such as "1,200 of 3,328 records, 12 s left".
        clock: Seconds, never going back.

    Attributes:
        what, done, total: As `sync` last told.
    """

    def __init__(
        self, show: Callable[["TimeLeft"], None] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._show = show
        self._clock = clock
        self._began: tuple[str, int, float] | None = None
        self.what = "records"
        self.done = 0
        self.total: int | None = None

    def __call__(self, what: str, done: int, total: int | None) -> None:
        # The rate is that of this run: what an earlier one has read counts as done, not as quick.
        if self._began is None or self._began[0] != what:
            self._began = (what, done, self._clock())
        self.what, self.done, self.total = what, done, total
        if self._show is not None:
            self._show(self)

    @property
    def seconds(self) -> float | None:
        """Seconds left; None as long as there is no rate, or no total."""
        if self._began is None or self.total is None:
            return None
        _, before, since = self._began
        if self.done >= self.total:
            return 0.0
        if self.done <= before:
            return None
        return (self.total - self.done) * (self._clock() - since) / (self.done - before)

    def __str__(self) -> str:
        of = f" of {self.total:,}" if self.total is not None else ""
        left = f", {self.seconds:,.0f} s left" if self.seconds is not None else ""
        return f"{self.done:,}{of} {self.what}{left}"
