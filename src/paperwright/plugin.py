"""`paperwright new`: a package for a paper of one's own, with a card, a method, a claim and tests.

The package is written from `templates/plugin` into a hidden folder and put in place by one rename: it is there
complete, or it is not there.
"""

import keyword
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from string import Template

from paperwright import __version__
from paperwright.cards import WINGS, near_miss
from paperwright.own_commands import RESERVED
from paperwright.registry import Registry, registry

TEMPLATES = Path(__file__).parent / "templates" / "plugin"


class PluginError(ValueError):
    """The package cannot be made as asked."""

    exit_code = 2


def make_plugin(name: str, parent: Path, *, wing: str, known: Registry | None = None) -> Path:
    """Write the package `name` into a new folder of that name below `parent`.

    Args:
        name: the distribution's name, such as `my-paper`; with underscores it is the package's and the paper's name.
        parent: an existing folder.
        wing: one of the seven wings.
        known: the registry whose names are taken; by default this environment's.

    Returns:
        the new folder.

    Raises:
        PluginError: the name will not do or is taken, the wing does not exist, or there is something in the way.
    """
    package = _package_name(name, registry() if known is None else known)
    if wing not in WINGS:
        near = near_miss(wing, WINGS)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(WINGS)}"
        raise PluginError(f"there is no wing {wing!r}; {hint}")
    if not parent.is_dir():
        raise PluginError(f"there is no folder {parent}; make it first, or name another with --dir")
    target = parent / name
    if os.path.lexists(target):
        raise PluginError(f"{target} is already there; nothing was written")
    values = {
        "name": name,
        "package": package,
        "title": package.replace("_", " ").capitalize(),
        "wing": wing,
        "version": __version__,
    }
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=parent))
    except OSError as error:
        raise PluginError(f"{parent} cannot be written to: {error.strerror}") from None
    try:
        for template in sorted(path for path in TEMPLATES.rglob("*.template") if path.is_file()):
            place = draft / template.relative_to(TEMPLATES).as_posix().replace("PACKAGE", package)
            place = place.with_suffix("")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(Template(template.read_text(encoding="utf-8")).substitute(values), encoding="utf-8")
        draft.chmod(0o755)
        draft.rename(target)
    except OSError as error:
        raise PluginError(f"{target} could not be written: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _package_name(name: str, known: Registry) -> str:
    """The package's name for a distribution's name (PEP 508, normalised), if it will do."""
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", name):
        proposal = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")
        hint = f", such as {proposal!r}" if proposal else ""
        raise PluginError(f"{name!r} will not do as a name: expected lower-case words joined by hyphens{hint}")
    package = name.replace("-", "_")
    if keyword.iskeyword(package) or keyword.issoftkeyword(package):
        raise PluginError(f"{name!r} will not do as a name: it is a word of the Python language")
    if package in sys.stdlib_module_names or package in ("paperwright", "test", "tests", "conftest"):
        raise PluginError(f"{name!r} will not do as a name: it would hide the module {package!r}")
    if package in RESERVED:
        raise PluginError(f"{name!r} will not do as a name: it is a command of paperwright")
    if package in known:
        raise PluginError(f"the paper {package!r} is already there, from {known.room(package).origin}")
    return package
