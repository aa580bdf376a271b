"""The README keeps its promises: its example runs, and its table is the one that the evidence files give."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    assert found is not None
    return found[1]


def test_the_example_runs_as_it_stands() -> None:
    pytest.importorskip("torch_geometric")
    names: dict[str, object] = {}
    code = compile(block("python"), "README.md", "exec")
    exec(code, names)
    assert len(names["rewired"].sdrf_report.added) == 5  # type: ignore[attr-defined]


def test_the_table_of_verdicts_is_up_to_date(tmp_path: Path) -> None:
    pytest.importorskip("torch_geometric")
    from paperwright.claims.evidence.recorded import recorded_claims
    from paperwright.claims.reports.tables import update_readme
    from paperwright.registry import registry

    copy = tmp_path / "README.md"
    copy.write_text(README.read_text(encoding="utf-8"), encoding="utf-8")
    rooms = [room for room in registry().rooms() if room.built_in]
    update_readme(copy, [claim.judgement for room in rooms for claim in recorded_claims(room).values()])
    assert copy.read_text(encoding="utf-8") == README.read_text(encoding="utf-8")
