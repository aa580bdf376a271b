"""The overview of the README, a line a paper, and the page that has every claim."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from paperwright.claims import Above, Budget, Claim, Judgement, Verdict, judge
from paperwright.claims.reports.summary import tally
from paperwright.claims.reports.tables import evidence_page, overview, update_readme


def judgement(name: str, verdict: Verdict, statement: str = "It helps.") -> Judgement:
    claim = Claim(
        statement,
        arms=["only"],
        rule=Above("score", 0.0),
        budgets={"desk": Budget(seeds=2)},
        trial=lambda arm, **_: {"score": 1.0},
        scale="the whole of it",
    )
    return replace(judge(f"toy/{name}", claim, "desk", {"only": {0: {"score": 1.0}}}), verdict=verdict)


HOLDS, FAILS, UNDECIDED = Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ([HOLDS] * 14 + [FAILS] * 4 + [UNDECIDED] * 2, "14 of 20 hold, 4 fail, 2 undecided"),
        ([HOLDS] * 6, "all 6 hold"),
        ([HOLDS], "1 of 1 holds"),
        ([HOLDS, FAILS], "1 of 2 holds, 1 fails"),
        ([FAILS, FAILS], "0 of 2 hold, 2 fail"),
    ],
)
def test_what_a_papers_claims_came_to_is_said_as_a_person_says_it(verdicts: Sequence[Verdict], said: str) -> None:
    assert tally([judgement(f"claim_{place}", each) for place, each in enumerate(verdicts)]) == said


def test_the_overview_has_a_line_a_paper_and_names_what_fails(toy: Path) -> None:
    found = [
        judgement("holds", HOLDS, "It holds."),
        judgement("helps/texas", FAILS, "It helps on Texas | always."),
        judgement("helps/cornell", FAILS, "It helps on Cornell."),
        judgement("grows", FAILS, "It grows."),
        judgement("open", UNDECIDED, "It is open."),
    ]
    head, _, *rows = overview(found).splitlines()
    assert "desk" not in head, "a word that nobody knows yet"
    assert rows == [
        "| **toy**: A toy paper (Nowhere) | 1 of 5 holds, 3 fail, 1 undecided"
        " | It helps on Texas \\| always, and 1 more like it; It grows |"
    ]


def test_the_readme_gets_the_overview_and_the_page_gets_every_claim(toy: Path, tmp_path: Path) -> None:
    from paperwright.claims.reports.tables import BEGIN, END

    found = [judgement("helps", HOLDS), judgement("grows", FAILS, "It grows.")]
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    update_readme(readme, found)
    assert readme.read_text(encoding="utf-8") == f"before\n{BEGIN}\n{overview(found)}{END}\nafter\n"
    page = evidence_page(found)
    assert "## **toy**: A toy paper (Nowhere)\n\n1 of 2 holds, 1 fails.\n" in page
    assert all(f"| {each.statement} *(scale: the whole of it)* |" in page for each in found)
