"""Revisions: terms are registered before the first seed, a changed claim moves on, changed code is renewed."""

import functools
import json
import subprocess
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from paperwright.claims import Above, Budget, Claim, InProcess, Place, Plan, Store, check, select
from paperwright.claims.claim import plain
from paperwright.claims.evidence.evidence_file import write_evidence
from paperwright.claims.evidence.recorded import recorded_claims
from paperwright.claims.evidence.revision import next_revision, with_earlier_code
from paperwright.claims.evidence.standing import standings
from paperwright.claims.trial import Outcome
from paperwright.registry import registry

Run = Callable[..., subprocess.CompletedProcess[str]]


def score(value: float, *, seed: int, device: str, epochs: int = 1, name: str | None = None) -> dict[str, float]:
    return {"score": value + seed + epochs}


def untyped(value, **_):  # type: ignore[no-untyped-def]
    return {"score": 1.0}


def claim_of(**changed: object) -> Claim:
    terms = {
        "statement": "It scores.",
        "arms": {"one": 1.0, "two": 2.0},
        "rule": Above("score", 0.0, arm="one"),
        "budgets": {"desk": Budget(seeds=(5, 10), epochs=3)},
        "trial": score,
        "scale": "the whole of it",
    }
    return Claim(**(terms | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"budgets": {"desk": Budget(seeds=3, epoch=3)}}, "the budget 'desk' does not fit the trial score"),
        ({"budgets": {"desk": Budget(seeds=3, epochs="many")}}, "epochs='many'; the trial score expects"),
        ({"budgets": {"desk": Budget(seeds=3, epochs=True)}}, "epochs=True"),
        ({"budgets": {"desk": Budget(seeds=3, name=5)}}, "name=5"),
        ({"budgets": {"desk": Budget(seeds=3, seed=5)}}, "multiple values for (keyword )?argument 'seed'"),
        ({"budgets": {"desk": Budget(seeds=3, arms={"three": 3})}}, r"values for the arms \['three'\]"),
        ({"trial": lambda arm, seed, config, device: {}}, "does not fit the trial"),
        ({"trial": "score"}, "expected a function"),
        ({"arms": {"one": object(), "two": 2.0}, "trial": untyped}, "the arm 'one' holds <object"),
        ({"arms": {"one": float("nan"), "two": 2.0}}, "expected finite numbers"),
        ({"arms": {"one": "1.0", "two": 2.0}}, "the arm 'one' is '1.0'; the trial score expects <class 'float'>"),
        ({"arms": "one"}, "labels with their values"),
        ({"arms": []}, "a claim needs arms"),
        ({"scale": " "}, "needs a scale"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"tolerance": 0.2}, "0.1 at most"),
        ({"timeout": 0}, "timeout"),
    ],
)
def test_a_claim_that_does_not_fit_is_refused_when_it_is_made(changed: dict[str, object], said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        claim_of(**changed)


def test_terms_change_with_what_is_tried_and_with_nothing_else() -> None:
    base = claim_of().fingerprint("desk")
    same = [{"remarks": "other words"}, {"scale": "said otherwise"}, {"tolerance": 0.1}, {"timeout": 5.0}]
    assert {claim_of(**changed).fingerprint("desk") for changed in same} == {base}
    other = [
        {"statement": "It scores more."},
        {"arms": {"one": 1.5, "two": 2.0}},
        {"rule": Above("score", 0.5, arm="one")},
        {"level": 0.9},
        {"budgets": {"desk": Budget(seeds=(5, 20), epochs=3)}},
        {"budgets": {"desk": Budget(seeds=(5, 10), epochs=4)}},
        {"budgets": {"desk": Budget(seeds=(5, 10), epochs=3, arms={"one": 1.75})}},
    ]
    digests = {claim_of(**changed).fingerprint("desk") for changed in other}
    assert len(digests | {base}) == len(other) + 1


def test_values_of_arms_are_written_down_by_what_they_are() -> None:
    assert plain({"a": (1, 2.5, None, score, Budget)}) == {"a": [1, 2.5, None, "score", "Budget"]}
    with pytest.raises(TypeError, match="functions and classes by name"):
        plain(lambda: 0, "the arm 'x'")


def test_a_changed_claim_moves_on_to_fresh_seeds() -> None:
    first = next_revision(claim_of().terms("desk"), (), {})
    assert (first.number, first.first_seed, first.end) == (1, 0, 10)
    changed = claim_of(statement="It scores more.").terms("desk")
    assert next_revision(changed, [first], {}).number == 1, "nothing ran yet: it may still be changed"
    second = next_revision(changed, [first], {first.digest: 4})
    assert (second.number, second.first_seed) == (2, 10)
    ran = {first.digest: 9, second.digest: 14}
    assert next_revision(claim_of().terms("desk"), [first, second], ran) == first
    third = next_revision(claim_of(statement="It rises.").terms("desk"), [first, second], ran)
    assert (third.number, third.first_seed) == (3, 20)
    assert next_revision(changed, [], {"unregistered": 33}).first_seed == 34, "seeds are spent, registered or not"


def test_terms_that_were_registered_and_never_ran_get_no_seeds_that_others_used() -> None:
    first = next_revision(claim_of().terms("desk"), (), {})
    second = next_revision(claim_of(statement="It rises.").terms("desk"), [first], {})
    assert (first.first_seed, second.first_seed) == (0, 0)
    again = next_revision(claim_of().terms("desk"), [first, second], {second.digest: 19})
    assert (again.number, again.first_seed) == (2, 20)


@dataclass(frozen=True)
class Setting:
    rate: float = 0.1


def test_a_changed_default_of_a_setting_is_a_changed_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    arms = {"one": Setting(), "two": Setting(rate=0.2)}
    assert claim_of(arms=arms, trial=untyped).terms("desk")["arms"]["one"] == {"": "Setting", "rate": 0.1}
    partial = functools.partial(score, name="a")
    assert claim_of(trial=partial).fingerprint("desk") != claim_of().fingerprint("desk")


def test_what_the_same_seeds_came_to_under_other_code_is_kept() -> None:
    fails = {"verdict": "fails", "findings": ["x = 0"], "source": "one"}
    holds = {"verdict": "holds", "findings": ["x = 1"], "source": "two"}
    assert with_earlier_code(holds, fails)["under_earlier_code"] == [fails]
    assert with_earlier_code(holds, with_earlier_code(holds, fails))["under_earlier_code"] == [fails]
    assert with_earlier_code(holds, None) == holds


def test_merge_takes_registrations_along(toy: Path, tmp_path: Path) -> None:
    with Store(tmp_path / "gpu.sqlite") as gpu, Store(tmp_path / "evidence.sqlite") as store:
        check(select(["toy/adds"]), gpu)
        store.merge(gpu)
        (registered,) = store.revisions("toy", "adds", "desk")
        assert registered == gpu.revisions("toy", "adds", "desk")[0]
        write_evidence(registry().room("toy"), store)
    assert [each.stale for each in standings(registry().room("toy")) if each.path == "toy/adds"] == [()]


def test_seeds_seen_at_one_budget_are_spent_at_the_others(toy: Path, tmp_path: Path) -> None:
    text = (toy / "claims.py").read_text(encoding="utf-8")
    budgets = '"desk": Budget(seeds=(5, 10, 20), effect=effect, **config),'
    paper = f'{budgets}\n            "paper": Budget(seeds=7, effect=effect, **config),'
    (toy / "claims.py").write_text(text.replace(budgets, paper), encoding="utf-8")
    with Store(tmp_path / "evidence.sqlite") as store:
        check(select(["toy/adds"]), store, Plan("smoke"))
        check(select(["toy/adds"]), store, Plan("paper"))
        (desk,) = check(select(["toy/adds"]), store)
    assert (desk.revision.number, desk.revision.first_seed) == (1, 7)


class LateClock(InProcess):
    """A place whose clock is a day behind."""

    def submit(self, fn: Callable[..., Outcome], /, *args: object, **kwargs: object) -> "Future[Outcome]":
        future: Future[Outcome] = Future()
        outcome = fn(*args, **kwargs)
        future.set_result(replace(outcome, started=outcome.started - 86_400))
        return future


def test_a_trial_is_dated_by_the_clock_that_registered_its_terms(toy: Path, tmp_path: Path) -> None:
    with Store(tmp_path / "evidence.sqlite") as store:
        check(select(["toy/adds"]), store, place=Place(LateClock(), 1))
        write_evidence(registry().room("toy"), store)
    assert [each.stale for each in standings(registry().room("toy")) if each.path == "toy/adds"] == [()]


def test_the_seed_that_ran_is_the_seed_that_is_recorded(edit: Callable[[str, str], None], tmp_path: Path) -> None:
    with Store(tmp_path / "evidence.sqlite") as store:
        check(select(["toy/adds"]), store)
        (registered,) = store.revisions("toy", "adds", "desk")
        edit("Adding a number raises", "Adding any number raises")
        (judgement,) = check(select(["toy/adds"]), store)
        seeds = {record.key.seed for record in store.records("toy", "adds") if record.key.seed >= 20}
        begun = min(record.outcome.started for record in store.records("toy", "adds"))
    assert seeds == {20, 21, 22, 23, 24}
    assert (judgement.revision.number, judgement.seeds, judgement.verdict) == (2, 5, "holds")
    assert registered.registered is not None
    assert registered.registered <= begun, "the terms are written down before the first trial"
    (earlier,) = judgement.earlier
    assert earlier.came_to is not None
    assert earlier.came_to["verdict"] == "holds"


def test_evidence_keeps_what_earlier_revisions_came_to(paperwright: Run, toy: Path) -> None:
    paperwright("check", "toy/adds")
    paperwright("export", "toy", "--evidence")
    text = (toy / "claims.py").read_text(encoding="utf-8")
    (toy / "claims.py").write_text(text.replace("Adding a number raises", "Adding any number raises"), encoding="utf-8")
    assert "the claim changed" in paperwright("verify", "toy").stdout
    # Another machine: its store knows nothing, the evidence file knows which seeds are spent.
    assert paperwright("check", "toy/adds", "--store", str(toy / "other.sqlite")).returncode == 0
    paperwright("export", "toy", "--evidence", "--store", str(toy / "other.sqlite"))
    claim = next(each for each in json.loads((toy / "evidence.json").read_text())["claims"] if each["claim"] == "adds")
    assert claim["revision"]["number"] == 2
    assert {trial["seed"] for trial in claim["trials"]} == {20, 21, 22, 23, 24}
    (earlier,) = claim["earlier"]
    assert earlier["came_to"]["verdict"] == "holds"
    assert earlier["terms"]["statement"] == "Adding a number raises the score."
    report = paperwright("report", "toy", "--evidence", "--out", str(toy / "report.html"))
    assert report.returncode == 0
    assert "revision 1 (seeds 0 to 19): holds" in (toy / "report.html").read_text(encoding="utf-8")
    stands = "stands  toy/adds                                      holds"
    assert stands in paperwright("verify", "toy").stdout
    # Back to what it stated first: that revision's seeds, with the later one among the others.
    (toy / "claims.py").write_text(text, encoding="utf-8")
    assert paperwright("check", "toy/adds").returncode == 0
    paperwright("export", "toy", "--evidence")
    claim = next(each for each in json.loads((toy / "evidence.json").read_text())["claims"] if each["claim"] == "adds")
    assert (claim["revision"]["number"], [other["number"] for other in claim["earlier"]]) == (1, [2])
    assert stands in paperwright("verify", "toy").stdout


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"low": 1.8', '"low": 1.7', "the recorded findings does not follow"),
        ('"first_seed": 0', '"first_seed": 3', "6 of its trials have seeds that are not its own"),
        ('"number": 1', '"number": 2', "what all others came to is not there"),
        ('"registered": 1', '"registered": 9', "10 of its trials ran before its terms were registered"),
        ("raises the score", "lowers the score", "the recorded terms are not those that were hashed"),
        ('"seed": 1,', '"seed": 7,', "does not follow from the recorded trials"),
    ],
)
def test_evidence_that_is_not_what_was_registered_is_refused(
    paperwright: Run, toy: Path, old: str, new: str, said: str
) -> None:
    paperwright("check", "toy/adds")
    paperwright("export", "toy", "--evidence")
    path = toy / "evidence.json"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    found = paperwright("verify", "toy")
    assert said in found.stdout
    assert found.returncode == 1


def test_renewal_stamps_what_gives_the_same_numbers(paperwright: Run, toy: Path) -> None:
    paperwright("check", "toy/adds", "toy/exact")
    paperwright("export", "toy", "--evidence")
    text = (toy / "claims.py").read_text(encoding="utf-8")
    tidy = text.replace('    shift = effect if arm == "with" else 0.0\n', '    shift = effect * (arm == "with")\n')
    (toy / "claims.py").write_text(tidy, encoding="utf-8")
    assert "the source changed" in paperwright("verify", "toy").stdout
    renewed = paperwright("renew", "toy", "--sample", "4")
    assert renewed.returncode == 0
    assert "renewed toy/adds" in renewed.stdout
    assert "4 of 10 trials ran again, every number as recorded" in renewed.stdout
    assert "toy/exact" not in renewed.stdout, "it was not stale"
    (renewal,) = recorded_claims(registry().room("toy"))["adds"].renewals
    assert {each["arm"] for each in renewal["sample"]} == {"with", "without"}
    assert renewal["from"] != renewal["to"]
    assert "renewed on" in paperwright("verify", "toy").stdout

    (toy / "claims.py").write_text(tidy.replace("effect * (arm", "1.0001 * effect * (arm"), encoding="utf-8")
    left = paperwright("renew", "toy")
    assert left.returncode == 1
    assert "trials differ; first, with: score is" in left.stdout
    assert "the source changed" in paperwright("verify", "toy").stdout


def test_what_a_claim_says_beside_its_terms_is_brought_up_to_date_without_a_trial(paperwright: Run, toy: Path) -> None:
    paperwright("check", "toy/adds", "toy/exact")
    paperwright("export", "toy", "--evidence")
    text = (toy / "claims.py").read_text(encoding="utf-8")
    told = text.replace('Reported(5.0, "score", arm="with"', 'Reported(5.25, "score", arm="with"')
    told = told.replace("        trial=noisy,\n", '        trial=noisy,\n        units={"score": "points"},\n')
    (toy / "claims.py").write_text(told, encoding="utf-8")
    assert paperwright("verify", "toy").stdout.count("stands") == 2, "no term changed"
    renewed = paperwright("renew", "toy")
    assert renewed.returncode == 0
    assert "the paper's figures, remarks, scale or units brought up to date" in renewed.stdout
    assert "toy/exact" not in renewed.stdout
    found = recorded_claims(registry().room("toy"))["adds"]
    assert [figure.value for figure in found.judgement.reported] == [0.0, 5.25]
    assert found.judgement.units == {"score": "points"}
    assert found.renewals == ()
    assert paperwright("renew", "toy").stdout == ""


def test_evidence_counts_the_attempts_that_failed_before_a_trial_ran(paperwright: Run, toy: Path) -> None:
    text = (toy / "claims.py").read_text(encoding="utf-8")
    flaky = text.replace(
        "    if seed == 1:\n        raise", '    if seed == 1 and not os.environ.get("TOY_WELL"):\n        raise'
    )
    (toy / "claims.py").write_text(flaky, encoding="utf-8")
    for _ in range(2):
        assert paperwright("check", "toy/falls_over").returncode == 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOY_WELL", "1")
        assert paperwright("check", "toy/falls_over").returncode in (0, 3)
    paperwright("export", "toy", "--evidence")
    claim = next(each for each in json.loads((toy / "evidence.json").read_text())["claims"])
    assert {trial["seed"]: trial.get("failed_before", 0) for trial in claim["trials"]} == {0: 0, 1: 2, 2: 0, 3: 0}
    assert "2 attempts failed before the trials ran" in paperwright("verify", "toy").stdout
    paperwright("report", "toy", "--evidence", "--out", str(toy / "report.html"))
    assert "4 of 4 recorded, after 2 attempts that failed" in (toy / "report.html").read_text(encoding="utf-8")


def test_pilot_and_smoke_runs_belong_to_no_revision(toy: Path, tmp_path: Path) -> None:
    with Store(tmp_path / "evidence.sqlite") as store:
        check(select(["toy/adds"]), store, Plan(pilot=True, seeds=2))
        check(select(["toy/adds"]), store, Plan("smoke"))
        assert store.revisions("toy", "adds", "desk") == store.revisions("toy", "adds", "smoke") == []
