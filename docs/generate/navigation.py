"""Hooks of mkdocs: pages for papers and reference in the navigation, equations, short lists of contents."""

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from mathml import MathML
from reference import PARTS, title_of

from paperwright.cards import WINGS
from paperwright.registry import registry


def on_config(config: Any) -> Any:
    """Called by mkdocs once, before anything is built."""
    for section in config.nav or []:
        if "Papers" in section:
            section["Papers"] += list(_papers())
        if "Reference" in section:
            section["Reference"] += [{title: f"reference/{page}.md"} for page, (title, _) in PARTS.items()]
    config.markdown_extensions.append(MathML())
    return config


def on_page_content(html: str, **_: Any) -> str:
    """Drops the role of a docstring's :func:`name`, which Markdown does not know; what it marks stays, as code."""
    return re.sub(r":(?:func|class|meth|mod|attr|data|exc):(?=<code>)", "", html)


def on_page_context(context: Any, page: Any, **_: Any) -> Any:
    """Ends a paper's list of contents at the second level: its claims and names would be most of it."""
    if page.file.src_uri.startswith("papers/"):
        for title in page.toc:
            for section in title.children:
                section.children = []
    return context


def _papers() -> Any:
    for wing in WINGS:
        pages = [{room.name: f"papers/{room.name}.md"} for room in registry().rooms(wing=wing) if room.built_in]
        if pages:
            yield {title_of(wing): pages}
