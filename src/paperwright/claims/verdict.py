"""The words for what a claim came to: one vocabulary for the terminal, the reports, the pages and the exit codes."""

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What became of a claim, the best news first. The first three are verdicts; the others say why there is none."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"
    UNFINISHED = "unfinished"  # before its first look is complete
    RUNS = "runs"  # at smoke, which decides nothing
    NO_VERDICT = "no verdict"  # its data cannot be had, or a trial raised
    NOT_RUN = "not run"

    @property
    def decided(self) -> bool:
        """Whether more seeds could change nothing: it holds or it fails."""
        return self in (Verdict.HOLDS, Verdict.FAILS)

    @property
    def given(self) -> bool:
        """Whether it is a verdict at all, and not the reason why there is none."""
        return self in (Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED)

    @property
    def exit_code(self) -> int:
        """What it means for a script: 0 holds or runs, 1 fails, 3 undecided or unfinished, 4 could not be tried."""
        return _EXIT_CODES[self]

    @property
    def color(self) -> str:
        """The terminal's colour for it."""
        return _COLORS.get(self, "magenta")

    @property
    def kind(self) -> str:
        """The word as a CSS class."""
        return self.value.replace(" ", "-")

    @property
    def plural(self) -> str:
        """The word behind a number: "3 hold"."""
        return {"holds": "hold", "fails": "fail", "runs": "run", "no verdict": "without a verdict"}.get(
            self.value, self.value
        )


_EXIT_CODES = {
    Verdict.HOLDS: 0,
    Verdict.RUNS: 0,
    Verdict.FAILS: 1,
    Verdict.UNDECIDED: 3,
    Verdict.UNFINISHED: 3,
    Verdict.NO_VERDICT: 4,
    Verdict.NOT_RUN: 4,
}
_COLORS = {
    Verdict.HOLDS: "green",
    Verdict.RUNS: "green",
    Verdict.FAILS: "red",
    Verdict.UNDECIDED: "yellow",
    Verdict.UNFINISHED: "yellow",
}


def counts(verdicts: Iterable[Verdict]) -> dict[Verdict, int]:
    """How many there are of each, in the vocabulary's order; none that does not occur."""
    found = list(verdicts)
    return {verdict: found.count(verdict) for verdict in Verdict if verdict in found}


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """What several mean together: 4 before 1 before 3 before 0."""
    codes = {verdict.exit_code for verdict in verdicts}
    return next((code for code in (4, 1, 3) if code in codes), 0)
