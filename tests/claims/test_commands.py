"""The engine's commands, as a user or a CI meets them."""

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from paperwright.claims import Store, check, select
from paperwright.claims.reports.console import print_verdicts
from paperwright.claims.reports.tables import BEGIN, END, frame
from paperwright.registry import registry

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        (["toy/adds"], 0),
        (["toy/adds", "toy/subtracts"], 1),
        (["toy/nope"], 2),
        (["nope"], 2),
        (["toy/adds", "--budget", "dsek"], 2),
        (["toy/adds", "--seeds", "99"], 2),
        (["toy/adds", "--on", "moon"], 2),
        (["toy/adds", "--device", "abacus"], 2),
        (["toy/adds", "--set", "effect=1"], 2),
        (["toy/nothing", "toy/adds"], 3),
        (["toy/adds", "--seeds", "3"], 3),
        (["toy/falls_over", "toy/subtracts"], 4),
        (["toy/returns_nan"], 4),
        (["toy/wrong_key"], 4),
        (["toy/needs_data"], 4),
        (["toy/adds", "--on", "dask://127.0.0.1:1"], 4),
    ],
)
def test_exit_codes(paperwright: Run, claims: list[str], code: int) -> None:
    found = paperwright("check", *claims)
    assert found.returncode == code
    assert "Traceback" not in found.stdout + found.stderr
    if code == 2:
        assert found.stderr.startswith("paperwright: ")
        assert found.stderr.count("\n") == 1


def test_a_papers_claims_without_the_budget_are_left_out_and_named(paperwright: Run) -> None:
    found = paperwright("check", "toy/[ae]*", "--budget", "smoke")
    assert "toy/adds" in found.stdout
    assert "left out, without a budget 'smoke': toy/exact" in found.stderr
    named = paperwright("check", "toy/adds", "toy/exact", "--budget", "smoke")
    assert named.returncode == 2
    assert "toy/exact has no budget 'smoke'" in named.stderr


def test_a_process_of_its_own_does_the_same(paperwright_process: Run) -> None:
    held = paperwright_process("check", "toy/adds")
    assert (held.returncode, held.stderr.count("Traceback")) == (0, 0)
    assert "1 holds." in held.stdout
    refused = paperwright_process("check", "nope")
    assert refused.returncode == 2
    assert refused.stderr.startswith("paperwright: ")


def test_check_says_what_was_found(paperwright: Run) -> None:
    found = paperwright("check", "toy/adds")
    assert "Adding a number raises the score." in found.stdout
    assert "score of with +4.9 [1.8, 5.7] over without" in found.stdout
    assert "the whole of it" in found.stdout, "how far it is from the paper"
    assert "5 seeds (look 1 of 3" in found.stdout
    assert "Desk verdicts" in found.stdout


@pytest.mark.parametrize("width", [40, 60])
def test_a_narrow_table_is_a_line_a_claim_and_details_on_request(toy: Path, tmp_path: Path, width: int) -> None:
    with Store(tmp_path / "evidence.sqlite") as store:
        judgements = check(select(["toy/adds", "toy/cases", "toy/falls_over"]), store)
    text = io.StringIO()
    print_verdicts(judgements, Console(file=text, width=width))
    brief = text.getvalue().splitlines()
    assert [line.split()[0] for line in brief[:3]] == ["holds"] * 3
    assert brief[3].startswith("no verdict toy/falls_over")
    assert max(map(len, brief)) <= width
    text = io.StringIO()
    print_verdicts(judgements, Console(file=text, width=width), details=True)
    assert "Adding a number raises the score." in " ".join(text.getvalue().split())


def test_check_as_json(paperwright: Run) -> None:
    found = paperwright("check", "toy/adds", "toy/cases", "--json")
    content = json.loads(found.stdout)
    assert [claim["claim"] for claim in content] == ["toy/adds", "toy/cases/small", "toy/cases/large"]
    assert content[0]["verdict"] == "holds"
    assert content[0]["findings"][0]["low"] == pytest.approx(1.81, abs=1e-3)


def test_what_a_trial_prints_does_not_spoil_the_json(paperwright: Run) -> None:
    found = paperwright("check", "toy/talks", "--json")
    assert json.loads(found.stdout)[0]["claim"] == "toy/talks"
    assert "a remark" in found.stderr


def test_report_and_export_of_what_is_recorded(paperwright: Run, tmp_path: Path) -> None:
    assert paperwright("report", "toy").returncode == 4
    paperwright("check", "toy/adds", "toy/subtracts", "toy/falls_over")
    assert paperwright("report", "toy", "--out", str(tmp_path / "r.html")).returncode == 0
    assert "Adding a number" in (tmp_path / "r.html").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(paperwright("export", "--format", "csv").stdout)))
    assert len(rows) == 24
    assert {row["claim"] for row in rows} == {"adds", "subtracts", "falls_over"}
    assert all(row["version.python"] and len(row["terms"]) == 16 for row in rows)
    assert all(row["version.numpy"] for row in rows if row["claim"] == "adds")
    records = json.loads(paperwright("export", "toy", "--format", "json").stdout)
    assert sum(record["error"] is not None for record in records) == 1
    table = paperwright("export", "toy", "--format", "markdown").stdout
    assert "| **fails** |" in table
    assert paperwright("export", "--format", "excel").returncode == 2


def test_frame(toy: Path, tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    with Store(tmp_path / "evidence.sqlite") as store:
        check(select(["toy/adds"]), store)
        table = frame(store)
    assert len(table) == 10
    assert table.groupby("arm")["numbers.score"].mean()["with"] == pytest.approx(5.0, abs=1.5)


def test_evidence_files_are_written_verified_and_go_stale(paperwright: Run, toy: Path) -> None:
    paperwright("check", "toy/adds", "toy/subtracts", "toy/exact", "toy/falls_over")
    assert paperwright("export", "toy", "--evidence").returncode == 0
    content = json.loads((toy / "evidence.json").read_text(encoding="utf-8"))
    verdicts = {claim["claim"]: claim["verdict"] for claim in content["claims"]}
    assert verdicts == {"adds": "holds", "subtracts": "fails", "exact": "holds", "falls_over": "no verdict"}

    def standing() -> dict[str, list[str]]:
        return {row["claim"]: row["stale"] for row in json.loads(paperwright("verify", "toy", "--json").stdout)}

    assert all(standing()[f"toy/{name}"] == [] for name in verdicts)
    assert standing()["toy/nothing"] == ["nothing is recorded"]
    text = (toy / "claims.py").read_text(encoding="utf-8")
    (toy / "claims.py").write_text(text.replace("else 0.0\n", "else -0.5\n"), encoding="utf-8")
    assert standing()["toy/adds"] == ["the source changed"]
    assert standing()["toy/exact"] == []
    assert paperwright("verify", "toy").returncode == 1


def test_a_verdict_that_does_not_follow_is_found(paperwright: Run, toy: Path) -> None:
    paperwright("check", "toy/subtracts")
    paperwright("export", "toy", "--evidence")
    path = toy / "evidence.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"fails"', '"holds"'), encoding="utf-8")
    assert "the recorded verdict does not follow" in paperwright("verify", "toy").stdout
    path.write_text("{", encoding="utf-8")
    found = paperwright("verify", "toy")
    assert found.returncode == 4
    assert "not an evidence file" in found.stderr


def test_rerun_says_how_far_off_the_record_is(paperwright: Run, toy: Path) -> None:
    paperwright("check", "toy/adds")
    paperwright("export", "toy", "--evidence")
    found = paperwright("verify", "toy", "--rerun", "5", "--json").stdout
    again = [row for row in json.loads(found) if "deviation" in row]
    assert [row["deviation"] for row in again] == [0.0] * 5
    path = toy / "evidence.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for trial in content["claims"][0]["trials"]:
        trial["numbers"]["score"] *= 1.01
    path.write_text(json.dumps(content), encoding="utf-8")
    found = paperwright("verify", "toy", "--rerun", "3", "--seed", "1", "--tolerance", "1e-6")
    assert "of the largest, more than the tolerance of 1e-06" in found.stdout
    assert found.returncode == 1


def test_demo_tries_one_paper_of_each_wing_or_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from paperwright.claims import commands

    tried: list[str] = []
    monkeypatch.setattr(commands, "_run", lambda entries, *_: tried.extend(entry.path for entry in entries) or [])
    monkeypatch.setattr(commands, "_write_report", lambda *_: None)
    rooms = [room for room in registry().rooms() if room.card.demo]
    assert len({room.wing for room in rooms}) < len(rooms)  # or both would be the same
    for every, expected in ((False, {room.wing for room in rooms}), (True, {room.name for room in rooms})):
        tried.clear()
        assert commands.demo(tmp_path / "report.html", every=every) == 0
        assert len(tried) == len(expected)
    assert sorted(tried) == sorted(f"{room.name}/{room.card.demo}" for room in rooms)


def test_the_quickest_demo_of_a_wing_comes_first(toy: Path, paperwright: Run) -> None:
    from paperwright.claims.commands import _demo_rooms

    assert "toy" not in [room.name for room in _demo_rooms()["statistics"]][:1]  # no evidence yet
    paperwright("check", "toy/adds")
    paperwright("export", "toy", "--evidence")
    assert next(room.name for room in _demo_rooms()["statistics"]) == "toy"  # a few milliseconds


def test_merge(paperwright: Run, toy: Path, tmp_path: Path) -> None:
    paperwright("check", "toy/adds", "--store", str(tmp_path / "gpu.sqlite"))
    first = paperwright("merge", str(tmp_path / "gpu.sqlite"))
    assert "10 records taken in, 0 were here already" in first.stdout
    assert "0 records taken in, 10 were here already" in paperwright("merge", str(tmp_path / "gpu.sqlite")).stdout
    assert paperwright("merge", str(tmp_path / "nowhere.sqlite")).returncode == 4


def test_the_readme_table_stands_between_its_marks(paperwright: Run, toy: Path, tmp_path: Path) -> None:
    paperwright("check", "toy/adds")
    paperwright("export", "toy", "--evidence")
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    assert paperwright("export", "toy", "--readme", str(readme)).returncode == 0
    text = readme.read_text(encoding="utf-8")
    assert "| **toy**: A toy paper (Nowhere) | 1 of 1 holds |  |" in text
    assert "Adding a number" not in text, "every claim's row stands on a page of its own"
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "\nold\n" not in text
    readme.write_text("no marks", encoding="utf-8")
    assert paperwright("export", "toy", "--readme", str(readme)).returncode == 4


def test_the_pytest_plugin_collects_claims(toy: Path, tmp_path: Path) -> None:
    import sys

    (tmp_path / "tests").mkdir()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-ra", "--claims=smoke"]
    chosen = [f"--claims-of=toy/{name}" for name in ("adds", "cases", "falls_over", "nothing")]
    found = subprocess.run([*command, *chosen, "tests"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 failed, 4 passed" in found.stdout
    assert "1 of 2 trials raised an error, first: RuntimeError: the trial fell over" in found.stdout
    desk = ["--claims=desk", "--claims-of=toy/subtracts", "--claims-of=toy/needs_data"]
    found = subprocess.run([*command[:-1], *desk, "tests"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 skipped, 1 xfailed" in found.stdout
