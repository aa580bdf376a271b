"""How papers come into a library, a batch at a time, and from its records into its index."""

from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from .errors import NavigatorError
from .paper import Paper

if TYPE_CHECKING:
    from .sources import Source

Progress = Callable[[str, int, int | None], None]
"""Is told what goes on ("records", "vectors"), how many are done, and how many there are or None."""

AT_ONCE = 1_000
MOST_AT_ONCE = 20
"""Times as many, for as many workers that encode them."""


@dataclass
class Incoming:
    """Papers that are taken in together.

    Attributes:
        papers: The papers.
        rejected: What a source found and could not make a paper of, with the reasons.
        cursor: The source's name, and how far it has been read with these.
        removed: Ids of papers that a source has taken back.
        notes: What a source says that the reader should know.
        done, total: How many records are read with these, and how many there are, if that is known.
    """

    papers: list[Paper] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    cursor: tuple[str, str | None] | None = None
    removed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    done: int = 0
    total: int | None = None


def incoming(
    papers: "Paper | Iterable[Paper] | Source", *, whole: bool = False, at_once: int = AT_ONCE
) -> Iterator[Incoming]:
    """The batches of some papers, `at_once` in each, or of a source, as it gives them; with `whole`, all in one.

    Raises:
        NavigatorError: something is not a paper; the message names its row.
    """
    batches = _batches(papers, at_once)
    if not whole:
        yield from batches
        return
    everything = Incoming()
    for batch in batches:
        everything.papers += batch.papers
        everything.rejected += batch.rejected
        everything.removed += batch.removed
        everything.notes += batch.notes
        everything.cursor, everything.done, everything.total = batch.cursor, batch.done, batch.total
    yield everything


def _batches(papers: Any, at_once: int) -> Iterator[Incoming]:
    if hasattr(papers, "batches"):
        for batch in papers.batches(None):
            yield Incoming(
                _checked(batch.papers, 1),
                list(batch.rejected),
                (papers.name, batch.cursor),
                list(batch.removed),
                list(batch.notes),
                batch.done,
                batch.total,
            )
        return
    if isinstance(papers, Paper):
        papers = [papers]
    if isinstance(papers, str | bytes | dict) or not isinstance(papers, Iterable):
        raise NavigatorError(f"expected papers or a source of papers; got {papers!r:.80}")
    total = len(papers) if isinstance(papers, Sized) else None
    stream, done = iter(papers), 0
    while batch := list(islice(stream, at_once)):
        yield Incoming(_checked(batch, done + 1), done=done + len(batch), total=total)
        done += len(batch)


def _checked(papers: Iterable[Any], first_row: int) -> list[Paper]:
    found = list(papers)
    for row, paper in enumerate(found, start=first_row):
        if not isinstance(paper, Paper):
            raise NavigatorError(f"row {row}: expected a Paper (Paper.from_dict makes one); got {paper!r:.80}")
    return found
