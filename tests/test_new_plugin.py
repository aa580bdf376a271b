"""`paperwright new`: what it makes installs, passes its own tests and appears in the list; or nothing is made."""

import os
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

import paperwright
from paperwright.cards import Card
from paperwright.cli import main
from paperwright.plugin import PluginError, make_plugin
from paperwright.registry import Registry

NONE = Registry(Path("no-such-folder"), plugins=False)


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    return make_plugin("my-paper", tmp_path, wing="graphs", known=NONE)


def test_the_package_is_complete(plugin: Path) -> None:
    assert plugin.name == "my-paper"
    assert {path.relative_to(plugin).as_posix() for path in plugin.rglob("*") if path.is_file()} == {
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "src/my_paper/__init__.py",
        "src/my_paper/claims.py",
        "src/my_paper/experiment.py",
        "src/my_paper/median_of_means.py",
        "src/my_paper/paper.toml",
        "src/my_paper/py.typed",
        "tests/test_my_paper.py",
    }
    assert list(plugin.parent.iterdir()) == [plugin]
    assert not any(b"$" in path.read_bytes().replace(b"$$", b"") for path in plugin.rglob("*.toml"))
    project = tomllib.loads((plugin / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["paperwright.papers"] == {"my_paper": "my_paper"}
    card = Card.read(plugin / "src" / "my_paper" / "paper.toml")
    assert (card.title, card.wing) == ("My paper", "graphs")


def test_what_is_made_follows_the_house_style(plugin: Path) -> None:
    pytest.importorskip("ruff")
    settings = ["--config", "line-length=120", "--no-cache", "--isolated"]
    for command in [["format", "--check", *settings], ["check", "--select=E,F,I,UP,B,SIM,RUF,C4,PT,N", *settings]]:
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "."], cwd=plugin, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The interpreter of a fresh environment that sees what this one has installed, and into which one can install."""
    folder = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    inside = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}, scheme="venv")
    lines = [str(Path(paperwright.__file__).parents[1])]  # the paperwright that is under test, before any other
    lines += [f"import site; site.addsitedir({package!r})" for package in sorted(packages)]
    (Path(inside) / "outer.pth").write_text("\n".join(lines), encoding="utf-8")
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHONPATH"))}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_it_installs_passes_its_own_tests_and_appears_in_the_list(plugin: Path, python: Path) -> None:
    pytest.importorskip("hatchling")
    pytest.importorskip("pip")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
    ]
    run(*pip, "-q", "-e", plugin, cwd=plugin)
    assert "passed" in run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=plugin)
    listed = run(python, "-m", "paperwright", "list", "--wing", "graphs", cwd=plugin.parent)
    assert "my_paper\tgraphs\tPreprint 2025\tMy paper\n" in listed
    page = run(python, "-m", "paperwright", "show", "my_paper", cwd=plugin.parent)
    assert "from my_paper import median_of_means" in page


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("My_Paper", "expected lower-case words joined by hyphens, such as 'my-paper'"),
        ("../evil", "such as 'evil'"),
        ("a b", "such as 'a-b'"),
        ("-x", "such as 'x'"),
        ("x\n", "such as 'x'"),
        ("9", "expected lower-case words joined by hyphens"),
        ("", "expected lower-case words joined by hyphens"),
        ("lambda", "it is a word of the Python language"),
        ("json", "it would hide the module 'json'"),
        ("paperwright", "it would hide the module 'paperwright'"),
    ],
)
def test_a_name_that_will_not_do_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(PluginError) as caught:
        make_plugin(name, tmp_path, wing="graphs", known=NONE)
    assert reason in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_taken_name_is_refused(tmp_path: Path, plugin: Path) -> None:
    house = tmp_path / "house"
    (house / "graphs").mkdir(parents=True)
    (plugin / "src" / "my_paper").rename(house / "graphs" / "my_paper")
    with pytest.raises(PluginError, match="the paper 'my_paper' is already there, from paperwright"):
        make_plugin("my-paper", house, wing="graphs", known=Registry(house, plugins=False))


def test_nothing_is_overwritten(plugin: Path) -> None:
    before = (plugin / "README.md").read_bytes()
    (plugin.parent / "link").symlink_to("nowhere")
    for name in ["my-paper", "link"]:
        with pytest.raises(PluginError, match="is already there; nothing was written"):
            make_plugin(name, plugin.parent, wing="graphs", known=NONE)
    assert (plugin / "README.md").read_bytes() == before
    assert sorted(path.name for path in plugin.parent.iterdir()) == ["link", "my-paper"]


def test_nothing_is_left_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    write_text = Path.write_text

    def fill_the_disk(self: Path, *arguments: object, **options: object) -> int:
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        written.append(self)
        return write_text(self, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", fill_the_disk)
    with pytest.raises(PluginError, match="could not be written: No space left on device"):
        make_plugin("my-paper", tmp_path, wing="graphs", known=NONE)
    assert len(written) == 3
    assert list(tmp_path.iterdir()) == []


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "my-paper", "--dir", str(tmp_path), "--wing", "nn"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == str(tmp_path / "my-paper")
    for arguments, line in [
        (["new", "My Paper"], "paperwright: 'My Paper' will not do as a name: "),
        (["new", "other", "--wing", "nn2"], "paperwright: there is no wing 'nn2'; did you mean nn?"),
        (["new", "other", "--dir", str(tmp_path / "absent")], "paperwright: there is no folder "),
        (["new", "my-paper", "--dir", str(tmp_path)], f"paperwright: {tmp_path / 'my-paper'} is already there; "),
    ]:
        assert main(arguments) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith(line)
        assert captured.err.count("\n") == 1
