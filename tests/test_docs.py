"""The documentation: its generators work for any card, and what it tells the reader to type exists."""

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from unittest.mock import Mock

import pytest

from paperwright.cards import USE_HEADINGS, Card, Detail, Related, Use
from paperwright.registry import Room

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"])
HOSTILE = "<script>alert(1)</script> & *stars* _bars_ [x](y) a|b $5 or $6_1^2\n- no list\n\n# no heading"


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The script that writes the papers' pages."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "docs" / "generate"), *sys.path])
    yield importlib.import_module("papers")
    for name in ("papers", "reference", "navigation", "mathml"):
        sys.modules.pop(name, None)


def room(path: Path, **more: object) -> Room:
    facts: dict[str, object] = {
        "title": HOSTILE,
        "authors": (HOSTILE,),
        "venue": "Nowhere",
        "year": 2022,
        "wing": "graphs",
        "tags": ("a",),
        "tldr": HOSTILE,
        "why": HOSTILE,
        "idea": HOSTILE,
        "uses": (HOSTILE,),
        "links": {"paper": "https://example.org/a_b_(c)"},
        "related": (Related(HOSTILE, "https://example.org", HOSTILE),),
        "details": (Detail(HOSTILE, "Section 1"), Detail("Second.", "Section 2")),
    }
    path.with_name("__init__.pyi").write_text("", encoding="utf-8")
    return Room(
        name="a_paper",
        wing="graphs",
        card=Card(**{**facts, **more}),  # type: ignore[arg-type]
        package="paperwright.graphs.a_paper",
        origin="paperwright",
        path=path,
    )


def test_a_page_is_made_of_the_card_alone_where_the_rest_is_missing(generate: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("griffe")
    page = "\n\n".join(generate.page(room(tmp_path / "a_paper")))
    assert "`paperwright check a_paper` tries them" in page
    assert "2. Second. *(Section 2)*" in page
    assert "<script" not in page


def test_the_words_of_a_card_are_no_mark_up(generate: ModuleType) -> None:
    markdown = pytest.importorskip("markdown")
    shown = markdown.markdown(generate.text(HOSTILE), extensions=["tables"])
    for tag in ("<script", "<em", "<a ", "<ul", "<li", "<h1"):
        assert tag not in shown
    for words in ("*stars* _bars_ [x](y)", "$5 or $6_1^2", "# no heading"):
        assert words in re.sub("\N{ZERO WIDTH SPACE}|&#8203;", "", shown)
    assert "<code>rate_of</code>" in markdown.markdown(generate.text("the `rate_of` it"))


def test_equations_are_mathml_in_cards_and_docstrings(generate: ModuleType) -> None:
    markdown = pytest.importorskip("markdown")
    extension = importlib.import_module("mathml").MathML()
    in_card = markdown.markdown(generate.text("a *b* $d_i |Q|$, `$x$`:\n\n$$y_1$$"), extensions=["tables", extension])
    assert in_card.count("<math") == 2
    assert "<mi>Q</mi><mrow><mi>|</mi></mrow>" in in_card
    assert "|" not in generate.cell("a | $|Q|$")
    assert "<code>$x$</code>" in in_card
    assert "*b*" in in_card
    in_docstring = markdown.markdown(
        "With :math:`a\nb`, x\n\n.. math::\n    c_1 = \\frac{1}\n        {2}\n\nand\n\n    >>> d()  # doctest: +SKIP\n",
        extensions=[extension],
    )
    assert "With <math" in in_docstring
    assert '<div class="equation"><math display="block">' in in_docstring
    assert "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>" in in_docstring
    assert "<p>and</p>" in in_docstring
    assert "doctest" not in in_docstring
    with pytest.raises(ValueError, match=r"uses \\nosuch"):
        markdown.markdown(r"$\nosuch$", extensions=[extension])


def test_the_parts_of_use_stand_under_their_headings(generate: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("griffe")
    use = Use(**{name: f"About {name}." for name in USE_HEADINGS})
    page = "\n\n".join(generate.page(room(tmp_path / "a_paper", use=use)))
    for name, heading in USE_HEADINGS.items():
        assert f"## {heading}\n\nAbout {name}." in page


def test_the_contents_of_a_paper_end_at_the_second_level(generate: ModuleType) -> None:
    pytest.importorskip("mkdocs")
    navigation = importlib.import_module("navigation")
    page = Mock(**{"file.src_uri": "papers/a.md"})
    page.toc = [Mock(children=[Mock(children=[Mock()])])]
    navigation.on_page_context({}, page=page)
    assert page.toc[0].children[0].children == []


def test_claims_without_evidence_are_listed(generate: ModuleType, tmp_path: Path) -> None:
    from paperwright.claims import Above, Budget, Claim, judge

    claim = Claim(
        "A | B.",
        arms=["a"],
        rule=Above("x", 0.0),
        budgets={"desk": Budget(seeds=3)},
        trial=lambda arm, **_: {},
        scale="small",
    )
    numbers = {"a": {seed: {"x": 1.0 + seed} for seed in range(3)}}
    for found, words in (({}, "Nothing is recorded yet"), (numbers, "Recorded at desk budget")):
        judgement = judge("a_paper/positive", claim, "desk", found)
        generate._judgements = Mock(return_value=[judgement])
        text = "\n\n".join(generate._claims(room(tmp_path / "a_paper")))
        assert words in text
        assert "### `positive`" in text
        table = [line for line in text.splitlines() if line.startswith("|")]
        assert len(table) == (3 if found else 0)
        assert all(line.count("|") == 5 for line in table)
        assert "A &#124; B." in text
        assert ("<svg" in text) == bool(found)
        assert not any("<svg" in part and "\n" in part for part in generate._claim(judgement))


def test_a_remark_that_cases_share_stands_once(generate: ModuleType) -> None:
    from paperwright.claims import Above, Budget, Claim, judge

    def case(name: str, remarks: str) -> object:
        claim = Claim(
            f"On {name}.",
            arms=["a"],
            rule=Above("x", 0.0),
            budgets={"desk": Budget(seeds=3)},
            trial=lambda arm, **_: {},
            scale="small",
            remarks=remarks,
        )
        return judge(f"a_paper/positive/{name}", claim, "desk", {})

    for second, count in (("As planned.", 1), ("Otherwise.", 1), ("", 1)):
        text = "\n\n".join(generate._cases([case("small", "As planned."), case("large", second)]))
        assert text.count("As planned.") == count
        assert text.count("### `positive`") == 1
        assert "#### `large`" in text
        assert second in text


def test_every_part_of_the_reference_is_there(generate: ModuleType) -> None:
    pytest.importorskip("griffe")
    reference = importlib.import_module("reference")
    for _, modules in reference.PARTS.values():
        for module in modules:
            names = reference.public_names(reference.file_of(module))
            assert names
    names = reference.public_names(reference.file_of("paperwright.stats"))
    assert reference.documented("paperwright.stats", [*names, "none_such"]) == names


def console_lines() -> list[tuple[str, str]]:
    """Each command line that the documentation shows, with its page."""
    lines = []
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            lines += [(page.name, line.split("#")[0]) for line in block.splitlines() if "paperwright " in line]
    return lines


def test_the_commands_of_the_documentation_exist() -> None:
    import typer

    from paperwright.cli import app

    group = typer.main.get_group(app)
    context = typer.Context(group)
    seen = set()
    for page, line in console_lines():
        match = re.search(r"(?:\$|-m) paperwright (\w+)(.*)", line)
        if match is None:
            continue
        command = group.get_command(context, match[1])
        assert command is not None, f"{page}: {line}"
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        used = set(re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", match[2]))
        assert used <= known, f"{page}: {line}: {sorted(used - known)}"
        seen.add(match[1])
    assert seen >= {"list", "show", "new", "check", "demo", "report", "verify", "export", "merge"}


def test_links_between_pages_lead_somewhere() -> None:
    written = {"evidence.md", "papers/index.md", "reference/index.md", "contributing.md", "changelog.md"}
    written |= {f"reference/{name}.md" for name in ("claims", "training", "data")}
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+\.md)", page.read_text(encoding="utf-8")):
            here = (page.parent / target).resolve()
            assert here.is_file() or here.relative_to(ROOT / "docs").as_posix() in written, f"{page.name}: {target}"


def test_the_python_of_the_guide_is_python() -> None:
    for page in PAGES:
        for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            ast.parse(block, filename=page.name)


def test_the_claim_of_the_guide_is_a_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example in "Add your paper": its experiment runs, and states a claim that the engine takes."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "add.md").read_text(encoding="utf-8"), re.DOTALL)
    files = {
        "__init__": "",
        "layer": "def train(ours, learning_rate, *, seed, device, epochs): return 0.5 + ours * learning_rate\n",
        "experiment": next(block for block in blocks if "def run(" in block),
        "claims": next(block for block in blocks if "Claim(" in block),
    }
    package = tmp_path / "guide_paper"
    package.mkdir()
    for name, text in files.items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    claim = importlib.import_module("guide_paper.claims").ours_is_better
    for name in [name for name in sys.modules if name.partition(".")[0] == "guide_paper"]:
        del sys.modules[name]
    assert claim.budget("desk").seeds == 20
    assert claim.trial(claim.arms["ours"], seed=0, device="cpu", **claim.budget("smoke").config) == {"accuracy": 0.6}
