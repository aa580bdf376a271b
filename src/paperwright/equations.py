"""Equations: the LaTeX between dollar signs in prose, as MathML for a page and as Unicode for a terminal.

Both are made here, with no script and no font from outside. latex2mathml parses; the Unicode form is read off its
MathML, because converters from LaTeX to text drop the braces: a / b + 1 must not come from a fraction over b + 1.
"""

import functools
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Final

PATTERN: Final = re.compile(r"\$\$(?P<block>[^$`]+)\$\$|\$(?P<inline>(?=\S)[^$`\n]+(?<=\S))\$(?!\d)")
"""`$x$` in a line and `$$x$$` on its own. "$5 or $6" is none: an equation has no blank at its ends."""

CODE: Final = re.compile(r"(?P<code>`[^`\n]+`)")
_PIECE: Final = re.compile(f"{CODE.pattern}|{PATTERN.pattern}")

_CHILDREN: Final = {
    "mfrac": 2,
    "msub": 2,
    "msup": 2,
    "mover": 2,
    "munder": 2,
    "mroot": 2,
    "msubsup": 3,
    "munderover": 3,
}
_TAGS: Final = frozenset(
    {*_CHILDREN, "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "msqrt", "mstyle", "mpadded", "mphantom"}
    | {"mtable", "mtr", "mtd"}
)
_ATTRIBUTES: Final = frozenset(
    {"display", "mathvariant", "stretchy", "fence", "form", "separator", "minsize", "maxsize", "width", "linethickness"}
    | {"displaystyle", "scriptlevel", "accent", "accentunder", "movablelimits", "columnalign", "lspace", "rspace"}
)
_SUBSCRIPTS: Final = str.maketrans("0123456789+−-=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ")
_SUPERSCRIPTS: Final = str.maketrans(
    "0123456789+−-=()abcdefghijklmnoprstuvwxyzKTN′", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴷᵀᴺ′"
)
_COMBINING: Final = {"¯": "\u0304", "‾": "\u0304", "^": "\u0302", "~": "\u0303", "˙": "\u0307", "→": "\u20d7"}
_SPACED: Final = frozenset("=≤≥<>≈∼~∈∉←→↦+−⊂⊆⊙≠≡∝")
_LARGE: Final = frozenset("∑∏∫")


class EquationError(ValueError):
    """LaTeX that cannot be read."""

    exit_code = 4


def mathml(latex: str, *, block: bool = False) -> str:
    """Return an equation as a `<math>` element, safe to stand in a page.

    Args:
        latex: what stands between the dollar signs.
        block: whether it stands on a line of its own.

    Raises:
        EquationError: it is not LaTeX, uses an unknown command, or one that does more than to typeset.
    """
    return ET.tostring(_tree(latex, block), encoding="unicode")


def unicode(latex: str) -> str:
    """Return an equation as one line of Unicode: `\\frac{1}{n + 1}` is 1/(n + 1), `d_i^2` is dᵢ².

    Raises:
        EquationError: see `mathml`.
    """
    text = re.sub(r"\s+", " ", _text(_tree(latex, False))).strip()
    return re.sub(r"(?<=\w) (?=\()| (?=[),\]])|(?<=[(\[]) ", "", text)


def pieces(prose: str) -> Iterator[tuple[str, str]]:
    """Yield prose in pieces, each with its kind: "text", "code" (without its backticks), "inline" or "block"."""
    end = 0
    for found in _PIECE.finditer(prose):
        if found.start() > end:
            yield "text", prose[end : found.start()]
        kind = str(found.lastgroup)
        yield kind, found[kind].strip("`") if kind == "code" else found[kind]
        end = found.end()
    if end < len(prose):
        yield "text", prose[end:]


def plain(prose: str) -> str:
    """Return prose with its equations in Unicode, for a terminal or an index; one that is broken stands as written."""

    def shown(found: re.Match[str]) -> str:
        if found["code"]:
            return found[0]
        try:
            return unicode(found["block"] or found["inline"])
        except EquationError:
            return found[0]

    return _PIECE.sub(shown, prose) if "$" in prose else prose


@functools.lru_cache(maxsize=512)
def _tree(latex: str, block: bool) -> ET.Element:
    from latex2mathml.converter import convert

    try:
        tree = ET.fromstring(convert(latex, display="block" if block else "inline"))
    except Exception as error:  # its parser has no class of its own for what it cannot read
        raise EquationError(f"the equation {latex!r} cannot be read: {type(error).__name__} {error}".rstrip()) from None
    for node in tree.iter():
        tag = node.tag = node.tag.rpartition("}")[2]  # HTML knows `math` without its namespace
        if tag not in _TAGS or not _ATTRIBUTES.issuperset(node.attrib):
            raise EquationError(f"the equation {latex!r} does more than to typeset: <{tag} {' '.join(node.attrib)}>")
        if len(node) != _CHILDREN.get(tag, len(node)):
            raise EquationError(f"the equation {latex!r} lacks an argument; expected one in braces")
        if tag != "mtext" and (node.text or "").startswith("\\"):
            raise EquationError(f"the equation {latex!r} uses {node.text}; expected a command of LaTeX's mathematics")
        if tag == "mo" and node.text in ("|", "‖"):  # a browser would set it apart from both sides, as an operator
            node.attrib |= {"lspace": "0", "rspace": "0"}
    return tree


def _text(node: ET.Element) -> str:
    parts = [_text(child) for child in node]
    match node.tag:
        case "mi" | "mo":
            return _sign((node.text or "").strip())
        case "mn" | "mtext":
            return node.text or ""
        case "mspace":
            return " "
        case "mfrac":
            return f"{_grouped(parts[0], product=True)}/{_grouped(parts[1])} "
        case "msqrt":
            return f"√{_grouped(''.join(parts))}"
        case "mroot":
            return f"{_raised(parts[1])}√{_grouped(parts[0])}"
        case "msub" | "munder":
            return _spaced(parts[0].rstrip(), _lowered(parts[1]))
        case "msup":
            return _spaced(parts[0].rstrip(), _raised(parts[1]))
        case "msubsup" | "munderover":
            return _spaced(parts[0].rstrip(), _lowered(parts[1]) + _raised(parts[2]))
        case "mover":
            mark = _COMBINING.get(parts[1].strip()) if len(parts[0]) == 1 else None
            return unicodedata.normalize("NFC", parts[0] + mark) if mark else parts[0] + _raised(parts[1])
        case "mtr":
            return ", ".join(parts)
        case "mtable":
            return "; ".join(parts)
        case _:
            # A minus at the front or behind a bracket is a sign, not a difference: -1, not - 1.
            return re.sub(r"(^\s*|[(\[{,]\s*)([−+]) ", r"\1\2", "".join(parts))


def _sign(text: str) -> str:
    if text in _SPACED or (text.isalpha() and len(text) > 1):
        return f" {text} "
    return f"{text} " if text in (",", ";") else text


def _spaced(base: str, shifted: str) -> str:
    large = base.strip() in _LARGE or len(base.strip()) > 1
    return f"{base}{shifted} " if large else base + shifted


def _grouped(text: str, *, product: bool = False) -> str:
    """The text in parentheses unless it is one symbol or number, or, if that will do, a product of such."""
    text = text.strip()
    symbol = r"(\d[\d.]*|\w)[′\u0302-\u0307₀-₉ₐ-ₜᵢⱼᵦ-ᵪ⁰-⁹²³¹]*"
    return text if re.fullmatch(f"({symbol})+" if product else symbol, text) else f"({text})"


def _lowered(text: str) -> str:
    return _shifted(text, "_", _SUBSCRIPTS)


def _raised(text: str) -> str:
    return _shifted(text, "^", _SUPERSCRIPTS)


def _shifted(text: str, mark: str, letters: dict[int, int]) -> str:
    text = text.strip()
    if all(ord(one) in letters for one in text.replace(" ", "")):
        return text.replace(" ", "").translate(letters)
    return f"{mark}{text}" if text.isalnum() else f"{mark}({text})"
