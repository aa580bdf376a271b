"""One room's fault is that room's: commands over all papers name it, go on with the others, and say so at the end."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from paperwright.cli import main
from paperwright.registry import Registry

CLAIMS = """
from paperwright.claims import Above, Budget, Claim
def trial(*_, **__):
    return {"x": 1.0}
adds = Claim("s", arms=["a"], rule=Above("x", 0.0), budgets={"smoke": Budget(1), "desk": Budget(1)}, deterministic=True, trial=trial, scale="all")
"""  # noqa: E501


@pytest.fixture
def bring(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replaces the rooms of this process by those that are brought here: a package with a card and these claims."""
    site = toy.parent
    for path in site.glob("toy_paper-1.0.dist-info/*"):
        path.unlink()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    card = (toy / "paper.toml").read_text(encoding="utf-8")
    for place in ("paperwright.registry.registry", "paperwright.claims.catalogue.registry"):
        monkeypatch.setattr(place, lambda: Registry(tmp_path / "empty"))

    def room(name: str, claims: str = CLAIMS, demo: str = "adds") -> None:
        package, info = site / name, site / f"{name}-1.0.dist-info"
        package.mkdir()
        info.mkdir()
        (package / "__init__.py").touch()
        (package / "claims.py").write_text(claims, encoding="utf-8")
        (package / "paper.toml").write_text(card.replace('demo = "adds"', f'demo = "{demo}"'), encoding="utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[paperwright.papers]\n{name} = {name}\n", encoding="utf-8")

    return room


NOT_FOLLOWED = CLAIMS.replace('{"x": 1.0}', '{"x": eval("1.0")}')


def test_a_demo_that_is_no_claim_leaves_the_other_demos_be(
    bring: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    bring("faults_good")
    bring("faults_misnamed", demo="nonesuch")
    assert main(["demo", "--all"]) == 4
    said = capsys.readouterr()
    assert "faults_good/adds" in " ".join(said.out.split())
    assert "left out faults_misnamed: its card names the demo 'nonesuch'" in said.err
    assert Path("paperwright-report.html").is_file()


@pytest.mark.parametrize("claims", ["def (", "1 / 0", NOT_FOLLOWED], ids=["syntax", "import", "not followed"])
@pytest.mark.parametrize("command", [["report"], ["export", "--format", "markdown"], ["verify"], ["demo"]])
def test_a_broken_room_is_named_and_the_exit_code_says_so(
    bring: Callable[..., None], capsys: pytest.CaptureFixture[str], command: list[str], claims: str
) -> None:
    bring("faults_good_too")
    assert main(["check", "faults_good_too"]) == 0
    assert main(command) == (1 if command == ["verify"] else 0)
    bring("faults_broken", claims=claims)
    capsys.readouterr()
    assert main(command) == 4
    said = capsys.readouterr()
    assert "left out faults_broken: " in said.err
    assert said.err.count("faults_broken: ") >= 1
    if command[0] in ("export", "verify"):
        assert "faults_good_too" in said.out


@pytest.mark.parametrize(
    ("claims", "outcome"),
    [("def (", "failed"), ("import faults_four.absent", "failed"), ("import no_such_library", "skipped")],
)
def test_pytest_fails_on_a_room_that_cannot_be_imported_and_skips_one_that_lacks_a_library(
    toy: Path, claims: str, outcome: str
) -> None:
    (toy / "claims.py").write_text(claims.replace("faults_four", "toy_paper"), encoding="utf-8")
    code = (
        "import pytest, sys, paperwright.registry as r, pathlib\n"
        "rooms = r.Registry(pathlib.Path('no-such-folder'))\n"
        "r.registry = lambda: rooms\n"
        "sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '--claims=smoke', 'claims', '-rs']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=toy.parent)
    assert f"1 {outcome}" in done.stdout, done.stdout + done.stderr
    assert done.returncode == (1 if outcome == "failed" else 0)


def test_the_ids_that_pytest_prints_can_be_given_back_to_it(toy: Path) -> None:
    (toy.parent / "test_beside.py").write_text("def test_beside(): pass\n", encoding="utf-8")

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--claims=smoke", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=toy.parent)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    ids = [
        line for line in run("--collect-only", "-q", "claims::toy/cases").splitlines() if line.startswith("claims::")
    ]
    assert ids == ["claims::toy/cases/small", "claims::toy/cases/large"]
    assert "1 passed" in run(ids[1])
    assert "2 passed" in run(*ids)
    assert "2 passed" in run(ids[0], "test_beside.py")
