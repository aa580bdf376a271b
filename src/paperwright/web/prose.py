"""A card's words as HTML: `code` and equations in prose, and the Markdown of its table `[use]`."""

import functools
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from paperwright import equations

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


def prose(words: str) -> Markup:
    """Return the words escaped, with what stands between backticks as code and between dollar signs as MathML."""
    return Markup("").join(_piece(kind, piece) for kind, piece in equations.pieces(words))


def markdown(words: str) -> Markup:
    """Return Markdown as HTML; HTML in it is text, and so is a link that runs a script."""
    return Markup(_renderer().render(words))


def _piece(kind: str, piece: str) -> Markup:
    if kind == "text":
        return escape(piece)
    if kind == "code":
        return Markup("<code>{}</code>").format(piece)
    try:
        return Markup(equations.mathml(piece, block=kind == "block"))
    except equations.EquationError as error:
        return Markup('<code class="broken" title="{}">{}</code>').format(error, piece)


@functools.cache
def _renderer() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    renderer.inline.ruler.before("escape", "equation", _equation)
    renderer.add_render_rule("equation", lambda _, tokens, at, *__: _piece(tokens[at].markup, tokens[at].content))
    return renderer


def _equation(state: Any, silent: bool) -> bool:
    """markdown-it's rule for an equation: what `equations.PATTERN` finds where the parser stands."""
    found = equations.PATTERN.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        token = state.push("equation", "", 0)
        token.markup = str(found.lastgroup)
        token.content = found[token.markup]
    state.pos = found.end()
    return True
