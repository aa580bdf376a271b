"""A Markdown extension: LaTeX becomes MathML when the site is built, so that no reader needs a script or a font for it.

It reads `$x$`, `$$x$$`, and the `:math:` roles and `.. math::` blocks of docstrings. A broken equation ends the build.
"""

import re

from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markdown.preprocessors import Preprocessor

from paperwright import equations

LINES = r"(?:\n(?:(?P=indent)[ \t]+\S.*|[ \t]*(?=\n(?P=indent)[ \t]+\S)))*"  # indented further, blank ones between
BLOCK = re.compile(rf"^(?P<indent> *)\.\. math::[ \t]*(?P<latex>.*{LINES})", re.MULTILINE)
ROLE = re.compile(r":math:`(?P<latex>[^`]+)`")
FLAG = re.compile(r"[ \t]*# doctest: \+\w+")


class MathML(Extension):
    """Equations as MathML."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Markdown's name
        # Before fenced code (25) and raw HTML (20); a line's equations before its `code` (190).
        md.preprocessors.register(_Blocks(md), "math-blocks", 27)
        md.inlinePatterns.register(_Equation(equations.PATTERN.pattern, md), "math-dollars", 185)


class _Blocks(Preprocessor):
    """Roles and blocks of docstrings; flags of doctest, which tell a reader nothing, are left out."""

    def run(self, lines: list[str]) -> list[str]:
        text = FLAG.sub("", "\n".join(lines))
        text = ROLE.sub(lambda found: f"${' '.join(found['latex'].split())}$", text)
        return BLOCK.sub(self._stored, text).split("\n")

    def _stored(self, found: re.Match[str]) -> str:
        place = self.md.htmlStash.store(_block(" ".join(found["latex"].split())))
        return f"\n{found['indent']}{place}\n"


def _block(latex: str) -> str:
    """An equation on its own, which a narrow page scrolls."""
    return f'<div class="equation">{equations.mathml(latex, block=True)}</div>'


class _Equation(InlineProcessor):
    """`$x$`, and `$$x$$` on a line of its own."""

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:  # type: ignore[override]  # noqa: N802
        html = _block(m["block"].strip()) if m["block"] else equations.mathml(m["inline"])
        return self.md.htmlStash.store(html), m.start(0), m.end(0)
