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


def test_the_readme_is_read_in_a_minute() -> None:
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition("<!-- verdicts")
    assert len((before + rest.partition("<!-- end of verdicts -->")[2]).encode()) < 5_000


def test_its_links_and_pictures_are_there() -> None:
    targets = re.findall(r'\]\(([^)#]+)|src="([^"]+)"', README.read_text(encoding="utf-8"))
    assert len(targets) >= 10
    for target in (first or second for first, second in targets):
        assert target.startswith("https://") or (README.parent / target).exists(), target


def test_the_picture_of_a_verdict_is_of_the_evidence_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    from paperwright.claims.evidence.recorded import recorded_claims
    from paperwright.registry import registry

    monkeypatch.syspath_prepend(str(README.parent / "docs" / "generate"))
    pictures = importlib.import_module("pictures")
    paper, name = pictures.SHOWN
    judgement = recorded_claims(registry().room(paper))[name].judgement
    drawn = (README.parent / "docs" / "figures" / "verdict.svg").read_text(encoding="utf-8")
    assert f"<title>{judgement.verdict}: " in drawn
    assert f"{pictures._figures(judgement)}</title>" in drawn
    assert "prefers-color-scheme" in drawn
    assert "http://" not in drawn.replace("http://www.w3.org/", "")
