"""Equations: LaTeX in prose as MathML for a page and as Unicode for a terminal."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright.equations import EquationError, mathml, pieces, plain, unicode
from paperwright.registry import registry


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"\mathrm{Ric}(i,j) = \frac{2}{d_i} - 2 + \frac{2t}{M}", "Ric(i, j) = 2/dᵢ − 2 + 2t/M"),
        (r"\frac{|Q_i| + |Q_j|}{\gamma M}", "(|Qᵢ| + |Qⱼ|)/(γM)"),
        (r"1 - \frac{1}{n+1}", "1 − 1/(n + 1)"),
        (r"-(1 + \eta)", "−(1 + η)"),
        (r"O(n^{w+1})", "O(nʷ⁺¹)"),
        (r"e^{(\lambda-1)\varepsilon}", "e^((λ − 1)ε)"),
        (r"h'_{v,s}", "h_(v, s)′"),
        (r"\theta_{\text{working}}", "θ_working"),
        (r"\mathbb{E}[x^K]", "𝔼[xᴷ]"),
        (r"\sqrt{2} - 1", "√2 − 1"),
        (r"\sqrt[3]{a + b}", "³√(a + b)"),
        (r"\bar h \le \hat\lambda", "h̄ ≤ λ̂"),
        (r"\sum_{a \in S} x", "∑_(a ∈ S) x"),
        (r"\max_c y", "max_c y"),
        (r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", "(a, b; c, d)"),
        (r"i \sim j, \quad k \to l", "i ~ j, k → l"),
    ],
)
def test_an_equation_keeps_its_meaning_on_one_line(latex: str, shown: str) -> None:
    assert unicode(latex) == shown


@pytest.mark.parametrize(
    ("latex", "said"),
    [
        (r"\frac{a", "lacks an argument"),
        ("a_{", "cannot be read"),
        (r"\left( x", "cannot be read"),
        (r"\nosuch{x}", r"uses \nosuch; expected a command of LaTeX's mathematics"),
        ("", "cannot be read"),
        (r"\text{<script>alert(1)</script>}", "does more than to typeset: <script >"),
        (r"\href{javascript:x}{y}", "does more than to typeset"),
        (r"\style{color: red}{y}", "does more than to typeset"),
    ],
)
def test_a_broken_equation_is_named_with_what_is_wrong(latex: str, said: str) -> None:
    for form in (mathml, unicode):
        with pytest.raises(EquationError, match=re.escape(said)):
            form(latex)


def test_mathml_says_how_it_stands() -> None:
    assert mathml("x^2") == '<math display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>'
    assert mathml("x^2", block=True).startswith('<math display="block">')


def test_prose_falls_into_text_code_and_equations() -> None:
    words = "it costs $5 or $6, `$x$` is code, $d_i$ a degree, and $$x\n= y$$ stands alone"
    assert list(pieces(words)) == [
        ("text", "it costs $5 or $6, "),
        ("code", "$x$"),
        ("text", " is code, "),
        ("inline", "d_i"),
        ("text", " a degree, and "),
        ("block", "x\n= y"),
        ("text", " stands alone"),
    ]
    assert plain(words) == "it costs $5 or $6, `$x$` is code, dᵢ a degree, and x = y stands alone"
    assert plain(r"a $\nosuch$ stays") == r"a $\nosuch$ stays"


@given(st.text(alphabet="ax1_^{}\\$<>&`|[]() \nfrac") | st.text())
def test_whatever_stands_there_the_pieces_are_the_words_and_the_markup_is_whitelisted(words: str) -> None:
    kept = {"text": "{}", "code": "`{}`", "inline": "${}$", "block": "$${}$$"}
    assert "".join(kept[kind].format(piece) for kind, piece in pieces(words)) == words
    for kind, piece in pieces(words):
        if kind in ("inline", "block"):
            try:
                tree = ET.fromstring(mathml(piece))
            except EquationError:
                continue
            assert all(re.fullmatch(r"m[a-z]+", node.tag) for node in tree.iter())
            assert "\n" not in unicode(piece)


@pytest.mark.parametrize("room", [room for room in registry().rooms() if room.built_in], ids=str)
def test_the_equations_of_the_cards_can_be_read(room: object) -> None:
    card = room.card  # type: ignore[attr-defined]
    used = [text for _, text in card.use.sections()] if card.use else []
    for words in (card.tldr, card.why, card.idea, *card.uses, *(detail.text for detail in card.details), *used):
        for kind, piece in pieces(words):
            if kind in ("inline", "block"):
                assert mathml(piece)
                assert unicode(piece)


@pytest.mark.parametrize("latex", ["O(|E|)", r"\|x\|_2", r"\left|a - b\right|"])
def test_bars_keep_close_to_what_they_enclose(latex: str) -> None:
    bars = [node for node in ET.fromstring(mathml(latex)).iter("mo") if node.text in ("|", "‖")]
    assert [(bar.get("lspace"), bar.get("rspace")) for bar in bars] == [("0", "0")] * 2
