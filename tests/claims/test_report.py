"""The HTML report: complete, self-contained, safe with any text, and written whole or not at all."""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from paperwright.claims import (
    Above,
    All,
    Below,
    Budget,
    Claim,
    Exponent,
    Greater,
    Judgement,
    Never,
    Plan,
    Reported,
    Store,
    check,
    judge,
    select,
)
from paperwright.claims.evidence.evidence_file import write_evidence
from paperwright.claims.evidence.recorded import recorded_claims
from paperwright.claims.judgement import Trials
from paperwright.claims.reports.figure import arms_figure, effects_figure
from paperwright.claims.reports.report import report_html, write_report
from paperwright.files import WriteError
from paperwright.registry import registry

HOSTILE = "<script>alert('x')</script> & $\\frac{$ \"quoted\" <!-- --> {{ 7 * 7 }} \x00\x1b 訳"


class Page(HTMLParser):
    """What a browser would see of a page: its tags, identifiers, addresses and text."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1:] == [tag], f"</{tag}> closes nothing"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def attributes(self, name: str) -> list[str]:
        return [value for _, found in self.tags if (value := found.get(name)) is not None]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def two_arms(statement: str = "It helps.", **more: Any) -> Claim:
    return Claim(
        statement,
        arms=["without", "with"],
        rule=Greater("score", "with", than="without"),
        budgets={"smoke": Budget(seeds=2), "desk": Budget(seeds=(5, 10), epochs=3), "paper": Budget(seeds=10)},
        trial=lambda arm, **_: {"score": 0.0},
        scale="the whole of it",
        **more,
    )


def numbers(effect: float, seeds: int = 10, metric: str = "score") -> dict[str, dict[int, Mapping[str, float]]]:
    """Scores that vary with the seed, larger by `effect` in the arm "with"."""
    return {
        arm: {seed: {metric: shift + (seed * 7 % 11) / 10} for seed in range(seeds)}
        for arm, shift in (("without", 0.0), ("with", effect))
    }


def judged(claim: Claim, effect: float = 1.0, budget: str = "desk", path: str = "none_such/helps") -> Judgement:
    seeds = claim.budget(budget).seeds
    return judge(path, claim, budget, numbers(effect, seeds))


@pytest.fixture
def recorded(toy: Path, tmp_path: Path) -> Iterator[tuple[list[Judgement], Store]]:
    entries = select(["toy/adds", "toy/subtracts", "toy/nothing", "toy/falls_over", "toy/exact"])
    with Store(tmp_path / "report.sqlite") as store:
        yield check(entries, store, Plan("desk")), store


def test_a_report_says_what_was_claimed_and_what_was_found(recorded: tuple[list[Judgement], Store]) -> None:
    judgements, _ = recorded
    page = Page(report_html(judgements, title="A title"))
    assert page.open == []
    for judgement in judgements:
        assert judgement.statement in page.text
        assert judgement.path in page.text
        assert judgement.verdict in page.text
    assert "A title" in page.text
    assert "A toy paper" in page.text  # from its card
    assert "Adding a number makes things larger." in page.text
    assert "https://example.org/paper" in page.attributes("href")
    assert "5 seeds (look 1 of 3" in page.text
    assert "expected" in page.text.lower()
    assert "with - without" in page.text
    assert "Table 1" in page.text
    assert "the trial fell over" in page.text
    assert "exact: no randomness" in page.text
    assert "effect = 5.0" in page.text  # its configuration
    assert "for all trials" in page.text
    assert "smaller version" in page.text


def test_the_evidence_file_gives_the_same_runs_as_the_store(recorded: tuple[list[Judgement], Store]) -> None:
    judgements, store = recorded
    room = registry().room("toy")
    write_evidence(room, store)
    from_file = {claim.judgement.path: claim.judgement for claim in recorded_claims(room).values()}
    for judgement in judgements:
        again = from_file[judgement.path]
        assert again.trials.numbers == judgement.trials.numbers
        assert again.trials.machines == judgement.trials.machines
        assert again.trials.seconds == pytest.approx(judgement.trials.seconds, abs=0.05)
        assert (again.verdict, again.findings, again.means) == (judgement.verdict, judgement.findings, judgement.means)
        assert replace(again.revision, came_to=None) == replace(judgement.revision, came_to=None)
        assert again.earlier == judgement.earlier
    page = Page(report_html(list(from_file.values())))
    assert "one run" in page.text


def test_a_report_asks_nothing_of_the_network_and_runs_no_script(recorded: tuple[list[Judgement], Store]) -> None:
    judgements, _ = recorded
    text = report_html(judgements)
    page = Page(text)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "iframe", "img", "object", "embed", "audio", "video", "base", "form", "image"}
    assert not page.attributes("src") + page.attributes("srcset")
    links = [found.get("href") or "" for tag, found in page.tags if tag == "link"]
    assert links == ["data:,"]
    assert all((found.get("href") or "").startswith("#") for tag, found in page.tags if tag == "use")
    assert "@import" not in text
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", text))
    assert "w3.org" not in text
    assert not [name for _, found in page.tags for name in found if name.startswith("on")]


def test_identifiers_are_unique_and_references_meet_them(recorded: tuple[list[Judgement], Store]) -> None:
    judgements, _ = recorded
    text = report_html([*judgements, *judgements])
    page = Page(text)
    identifiers = page.attributes("id")
    assert len(identifiers) == len(set(identifiers))
    referred = {link[1:] for link in page.attributes("href") if link.startswith("#")}
    referred |= set(re.findall(r"url\(#([^)]*)\)", text))
    referred |= {name for label in page.attributes("aria-labelledby") for name in label.split()}
    assert referred <= set(identifiers)


def test_text_from_outside_stays_text() -> None:
    claim = Claim(
        HOSTILE,
        arms=[HOSTILE],
        rule=All(Above(HOSTILE, 0.0, arm=HOSTILE), Below(HOSTILE, 9.0, arm=HOSTILE)),
        budgets={"desk": Budget(seeds=3, **{"name": HOSTILE})},
        reported=[Reported(1.0, HOSTILE, arm=HOSTILE, where=HOSTILE, note=HOSTILE)],
        where=HOSTILE,
        remarks=HOSTILE,
        trial=lambda arm, **_: {},
        scale=HOSTILE,
    )
    found = {HOSTILE: {seed: {HOSTILE: 1.0 + seed} for seed in range(3)}}
    trials = Trials(found, machines=({"system": HOSTILE, "device": HOSTILE},))
    text = report_html([judge("none_such/hostile", claim, "desk", trials)], title=HOSTILE)
    page = Page(text)
    assert page.open == []
    assert not [tag for tag, _ in page.tags if tag == "script"]
    assert "{{ 7 * 7 }}" in page.text
    assert html.escape("<script>alert(", quote=False) in text


def test_a_link_that_is_no_web_address_is_not_made_a_link(recorded: tuple[list[Judgement], Store]) -> None:
    from unittest.mock import Mock

    card = replace(registry().room("toy").card, links={"paper": "javascript:alert(1)"})
    house = Mock(room=lambda name: Mock(card=card))
    page = Page(report_html(recorded[0], registry=house))
    assert not [link for link in page.attributes("href") if "javascript" in link]


def test_a_report_is_the_same_for_the_same_judgements(recorded: tuple[list[Judgement], Store]) -> None:
    judgements, _ = recorded
    assert report_html(judgements) == report_html(judgements)


def test_inks_are_variables_of_the_theme() -> None:
    judgement = judged(two_arms(reported=[Reported(1.5, "score", arm="with", where="Table 3", note="quoted")]))
    for drawn in (arms_figure(judgement, salt="a"), effects_figure(judgement, salt="b")):
        colours = set(re.findall(r"(?:fill|stroke): ([^;\"]+)", drawn))
        assert colours <= {"none"} | {f"var(--figure-{ink})" for ink in ("ink", "faint", "ours", "paper", "region")}
        assert "font-family" not in drawn
    assert "<title>The paper, with: 1.5 (Table 3, quoted)</title>" in arms_figure(judgement, salt="c")


def test_the_paper_is_drawn_to_the_scale_of_our_unit_or_marked_at_the_edge() -> None:
    def place(figure: Reported) -> tuple[float, float]:
        drawn = arms_figure(replace(judged(two_arms(reported=[figure])), trials=Trials()), salt="x")  # no single runs
        mark = re.search(r"<title>The paper.*?<use x=\"([\d.]+)\"", drawn, re.DOTALL)
        ours = re.findall(r"<use x=\"([\d.]+)\"[^>]*figure-ours", drawn)
        assert mark is not None
        return float(mark[1]), max(map(float, ours))

    mean = judged(two_arms()).means["with"]["score"].estimate
    at, ours = place(Reported(100 * mean, "score", arm="with", scale=0.01))
    assert at == pytest.approx(ours, abs=1e-3)
    at, ours = place(Reported(100 * mean, "score", arm="with"))
    assert at == pytest.approx(428, abs=1)  # the right edge
    drawn = arms_figure(judged(two_arms(reported=[Reported(100.0, "score", arm="with")])), salt="x")
    assert "paper: 100 →" in drawn


def test_a_figure_that_the_paper_alone_speaks_of_has_a_panel_where_we_measured_it() -> None:
    figures = [Reported(3.0, "loss", arm="with", where="Table 9"), Reported(1.0, "never measured", where="Table 8")]
    claim = two_arms(reported=figures)
    found = {
        arm: {seed: {**run, "loss": 2.0 + seed / 10} for seed, run in runs.items()}
        for arm, runs in numbers(1.0).items()
    }
    text = report_html([judge("none_such/two", claim, "desk", found)])
    assert "<title>The paper, with: 3 (Table 9)</title>" in text
    assert "never measured" in Page(text).text
    (drawn,) = [label for label in Page(text).attributes("aria-label") if label.startswith("Mean of each arm")]
    assert "loss: " in drawn
    assert "never measured" not in drawn


def test_each_run_is_a_dot() -> None:
    judgement = judged(two_arms())
    assert arms_figure(judgement, salt="a").count('fill-opacity="0.34"') == 20


def test_what_cannot_be_drawn_leaves_a_report() -> None:
    sizes = {"10": 10.0, "100000": 1e5}
    growth = Claim(
        "It grows.",
        arms=list(sizes),
        rule=Exponent("seconds", sizes, at_most=1.5),
        budgets={"desk": Budget(seeds=3)},
        trial=lambda arm, **_: {},
        scale=HOSTILE,
    )
    measured = {arm: {seed: {"seconds": size * (1 + seed / 10)} for seed in range(3)} for arm, size in sizes.items()}
    never = Claim(
        "Never.",
        arms=["only"],
        rule=Never("violations"),
        budgets={"desk": Budget(seeds=3)},
        trial=lambda arm, **_: {},
        scale="all",
    )
    zeros = {"only": {seed: {"violations": 0.0} for seed in range(3)}}
    one_seed = Claim(
        "One.",
        arms=["only"],
        rule=Above("x", 0.0),
        budgets={"smoke": Budget(seeds=1)},
        trial=lambda arm, **_: {},
        scale="all",
    )
    judgements = [
        judge("none_such/growth", growth, "desk", measured),
        judge("none_such/never", never, "desk", zeros),
        judge("none_such/one", one_seed, "smoke", {"only": {0: {"x": 1e-12}}}),
        judge("none_such/nothing", two_arms(), "desk", {}),
        judge("none_such/failed", two_arms(), "paper", Trials(failed=3)),
        judge("none_such/large", two_arms(), "desk", numbers(1e300)),
    ]
    page = Page(report_html(judgements))
    unfinished = ("3 of 20 trials raised an error", "0 of 20 trials recorded")
    for words in ("not run", "no verdict", "runs", " open ", *unfinished):
        assert words in page.text
    assert Page(report_html([])).open == []


def test_verdicts_stand_in_words_and_tables_have_headings() -> None:
    judgements = [judged(two_arms(), effect) for effect in (2.0, -2.0, 0.01)]
    page = Page(report_html(judgements))
    for word in ("holds", "fails", "undecided"):
        assert page.text.count(word) >= 4  # the note, the counts, the table, the badge
    assert all(found.get("scope") == "col" for tag, found in page.tags if tag == "th")
    drawings = [found for tag, found in page.tags if tag == "svg"]
    assert all(found.get("aria-hidden") == "true" or found.get("aria-label") for found in drawings)


def test_a_report_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.html"
    write_report([judged(two_arms())], path)
    assert path.read_text(encoding="utf-8").endswith("</html>")
    assert [found.name for found in path.parent.iterdir()] == ["report.html"]


def test_a_report_that_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    for path in (tmp_path / "taken", tmp_path / "file" / "report.html"):
        (tmp_path / "file").touch()
        with pytest.raises(WriteError, match="cannot write") as caught:
            write_report([judged(two_arms())], path)
        assert caught.value.exit_code == 4
        assert "\n" not in str(caught.value)
        assert sorted(found.name for found in tmp_path.iterdir()) == ["file", "taken"]


def test_a_report_of_many_claims_stays_small_enough_to_send() -> None:
    judgements = [judged(two_arms(), path=f"none_such/claim_{number}") for number in range(8)]
    text = report_html(judgements)
    assert len(text) < 20_000 + 8 * 30_000
