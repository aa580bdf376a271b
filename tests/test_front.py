"""What stands at the front of the repository agrees with the package: versions, links, forms, no promise too early."""

import re
from pathlib import Path

import pytest

from paperwright import __version__

ROOT = Path(__file__).parents[1]


def test_the_citation_has_the_version_of_the_package() -> None:
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_hooks_have_the_versions_of_the_constraints() -> None:
    pinned = dict(re.findall(r"(?m)^([\w-]+)==(.+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8")))
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert f"rev: v{pinned['ruff']}\n" in hooks


@pytest.mark.parametrize("path", ["README.md", "docs/index.md", "docs/use.md", "docs/decisions.md", "CONTRIBUTING.md"])
def test_nothing_is_promised_from_a_registry_before_a_release(path: str) -> None:
    """RELEASING.md: what is not on PyPI is not said to be."""
    text = (ROOT / path).read_text(encoding="utf-8")
    assert not re.search(r"pip install (-\S+ )*['\"]?paperwright", text)


def test_every_form_and_workflow_is_yaml_with_what_github_asks_for() -> None:
    yaml = pytest.importorskip("yaml")
    for name in ("claim", "paper"):
        path = ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml"
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert form.keys() >= {"name", "description", "body"}
        identifiers = [field["id"] for field in form["body"] if field["type"] != "markdown"]
        assert len(set(identifiers)) == len(identifiers)
        assert all(field["attributes"].get("label") for field in form["body"] if field["type"] != "markdown")
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["run"]["steps"][-1] == {"run": ".ci/run"}
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100
