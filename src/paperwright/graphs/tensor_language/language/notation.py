"""How expressions are written: as plain text, which `parse` reads, and as LaTeX.

A notation says how each kind of expression looks; `Expression` puts the pieces together. Sub-expressions may be shared,
so that written out a formula is exponentially long: what goes beyond `MOST_PARTS` or `MOST_LEVELS` is left out.
"""

from dataclasses import dataclass

MOST_PARTS = 10_000
"""Parts that are written out; about 100 kB."""
MOST_LEVELS = 100
"""Levels of nesting that are written out; Python's own stack ends somewhere beyond."""


@dataclass(frozen=True)
class Notation:
    """Templates for `str.format`, one for each kind of expression.

    Attributes:
        times: between the factors of a product.
        omission: what stands for the parts that are left out.
        bracketed_values: whether the values of an aggregation are set in brackets.
    """

    edge: str
    typed_edge: str
    equality: str
    inequality: str
    label: str
    features: str
    application: str
    total: str
    aggregation: str
    brackets: str
    times: str
    omission: str
    bracketed_values: bool


PLAIN = Notation(
    edge="E({0}, {1})",
    typed_edge="E{2}({0}, {1})",
    equality="1[{0} = {1}]",
    inequality="1[{0} != {1}]",
    label="P{1}({0})",
    features="Features({0})",
    application="{0}({1})",
    total="sum_{0} {1}",
    aggregation="{0}_{1}({2}, {3})",
    brackets="({0})",
    times=" * ",
    omission="...",
    bracketed_values=False,
)

LATEX = Notation(
    edge="E({0}, {1})",
    typed_edge="E_{{{2}}}({0}, {1})",
    equality=r"\mathbf{{1}}[{0} = {1}]",
    inequality=r"\mathbf{{1}}[{0} \neq {1}]",
    label="P_{{{1}}}({0})",
    features="F({0})",
    application=r"\operatorname{{{0}}}\left({1}\right)",
    total=r"\sum_{{{0}}} {1}",
    aggregation=r"\operatorname{{{0}}}_{{{1} :\, {2} \neq 0}} {3}",
    brackets=r"\left({0}\right)",
    times=r"\, ",
    omission=r"\dots",
    bracketed_values=True,
)
