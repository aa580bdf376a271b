"""A check in the terminal: live progress with time left, and the table of verdicts."""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from paperwright.claims.check import Progress
from paperwright.claims.judgement import Judgement
from paperwright.claims.reports import amounts, summary
from paperwright.claims.reports.sentences import words
from paperwright.claims.verdict import Verdict

_ROOM: Final = 100  # characters that the table of details takes


def duration(seconds: float | None) -> str:
    """A time span as a person would say it."""
    if seconds is None:
        return "time left unknown"
    if seconds < 90:
        return f"about {max(1, round(seconds))} s left"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min left"
    return f"about {seconds / 3600:.1f} h left"


class Watch(AbstractContextManager["Watch"]):
    """Shows a check's progress on a terminal: live on a screen, a line for each claim's verdict where it is piped."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("trials"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
        )
        self._bar = Bar(*columns, console=self.console)
        self._task = self._bar.add_task("check", total=None, left="")
        self._live = (
            Live(self._bar, console=self.console, refresh_per_second=4, transient=True)
            if self.console.is_terminal
            else None
        )
        self._said: dict[str, str] = {}

    def __enter__(self) -> "Watch":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, progress: Progress) -> None:
        if self._live is not None:
            self._bar.update(
                self._task, completed=progress.done, total=progress.planned, left=duration(progress.seconds_left)
            )
            lines: list[Any] = [Text(f"  {task}", style="dim") for task in progress.running[:4]]
            self._live.update(Group(self._bar, *lines))
        if progress.note is not None:
            self.console.print(Text(f"paperwright: {progress.note}"), soft_wrap=True)
        for judgement in progress.judgements:
            settled = judgement.verdict.given or judgement.problem is not None
            if settled and self._said.get(judgement.path) != judgement.verdict and not _waiting(judgement):
                self._said[judgement.path] = judgement.verdict
                self.console.print(_headline(judgement), soft_wrap=True)


def _waiting(judgement: Judgement) -> bool:
    """An undecided claim whose last look is still to come is not news."""
    return judgement.verdict is Verdict.UNDECIDED and judgement.seeds < judgement.looks[-1]


def _headline(judgement: Judgement) -> Text:
    word = Text(judgement.verdict.ljust(12), style=f"bold {judgement.verdict.color}")
    return word + Text(f"{judgement.path}  ", style="bold") + Text(summary.basis(judgement), style="dim")


def print_verdicts(
    judgements: Sequence[Judgement], console: Console | None = None, *, details: bool | None = None
) -> None:
    """What claims came to: a line each, or with details the statement, the paper's figure, ours, and the rule's word.

    Args:
        judgements: what is printed.
        console: where; by default standard output, 160 characters wide where it is no terminal.
        details: whether with details; by default where there is room for their table.
    """
    console = console or Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    if details if details is not None else console.width >= _ROOM:
        console.print(_table(judgements) if console.width >= _ROOM else Group(*map(_block, judgements)))
    else:
        for judgement in judgements:
            console.print(_line(judgement), no_wrap=True, overflow="ellipsis")
        if judgements:
            console.print(Text("--details: statements, the paper's figures, every arm.", style="dim"))
    budgets = sorted({judgement.budget for judgement in judgements})
    label = {
        "smoke": "Smoke shows that the claims run; it decides nothing.",
        "desk": "Desk verdicts: they are about the smaller version of the paper's experiments.",
        "paper": "Verdicts at the paper's own scale.",
    }
    console.print(f"[bold]{summary.counts_line(judgements)}[/].  " + " ".join(label[budget] for budget in budgets))


def _word(judgement: Judgement) -> Text:
    return Text(judgement.verdict, style=f"bold {judgement.verdict.color}")


def _line(judgement: Judgement) -> Text:
    """A claim in one line: verdict, path, and what its rule found first."""
    found = judgement.problem or next(iter(summary.effects(judgement)), summary.basis(judgement))
    return Text.assemble(
        Text(judgement.verdict.ljust(11), style=f"bold {judgement.verdict.color}"), judgement.path, "  ", found
    )


def _table(judgements: Sequence[Judgement]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0), header_style="bold")
    for name, share in (("claim", 3), ("verdict", None), ("the paper", 2), ("here, with 95% intervals", 3)):
        table.add_column(name, ratio=share, overflow="fold")
    for judgement in judgements:
        claim = Text.assemble((judgement.path, "bold"), "\n", judgement.statement, ("\n" + judgement.scale, "dim"))
        table.add_row(claim, _word(judgement), Text(summary.paper_figures(judgement)), _found(judgement))
    return table


def _block(judgement: Judgement) -> Text:
    """A claim with its details, one thing below the other."""
    paper = summary.paper_figures(judgement)
    return Text.assemble(
        _word(judgement),
        f"  {judgement.path}\n{judgement.statement}\n",
        (f"{judgement.scale}\n", "dim"),
        f"The paper: {paper}\n" if paper else "",
        _found(judgement),
        "\n",
    )


def _found(judgement: Judgement) -> Text:
    """Our numbers, arm by arm, then the rule's findings and what they rest on."""
    units = judgement.units
    ours = [
        f"{row.arm}: {words(row.metric)} {amounts.interval(row.ours, units.get(row.metric, ''))}"
        for row in summary.rows(judgement)
        if row.ours
    ]
    lines = [Text(line) for line in ours[:8]]
    lines += [Text(effect, style="bold") for effect in summary.effects(judgement)]
    lines += [Text(line, style="dim") for line in (summary.basis(judgement), *summary.earlier_verdicts(judgement))]
    return Text("\n").join(lines)
