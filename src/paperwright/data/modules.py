"""Optional packages: whether they are here, and which extra brings them."""

import importlib.util
from collections.abc import Sequence

from .dataset import Info


def lacking_module(info: Info, modules: Sequence[str]) -> str:
    """What to do about the first module that is not installed; empty if all are."""
    lacking = [module for module in modules if importlib.util.find_spec(module) is None]
    return not_installed(info, lacking[0]) if lacking else ""


def not_installed(info: Info, module: str | None) -> str:
    """One line that says which extra brings a module."""
    return f"{module or 'a package'} is not installed; pip install 'paperwright[{info.extra}]'"
