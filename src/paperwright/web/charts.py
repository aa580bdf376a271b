"""Charts as SVG, drawn by the server: no script, inks from the style sheet, every number in a text to be read aloud.

Only attributes are set, never `style`, for the pages forbid inline styles; classes take their colours from the theme.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from xml.etree import ElementTree

from markupsafe import Markup

_WIDTH: Final = 640.0
_CHARACTER: Final = 6.6  # width of a character at the charts' text size


class _Drawing:
    """An SVG element to which shapes are added."""

    def __init__(self, height: float, label: str, width: float = _WIDTH) -> None:
        self.root = ElementTree.Element(
            "svg", {"viewBox": f"0 0 {width:g} {height:g}", "role": "img", "aria-label": label, "class": "chart"}
        )

    def add(
        self, tag: str, class_: str, text: str | None = None, title: str | None = None, **values: float | str
    ) -> None:
        attributes = {"class": class_}
        for name, value in values.items():
            shown = f"{value:.1f}" if isinstance(value, float) else str(value)
            attributes[name.replace("_", "-")] = shown.removesuffix(".0")
        element = ElementTree.SubElement(self.root, tag, attributes)
        if title is not None:
            ElementTree.SubElement(element, "title").text = title
        if text is not None:
            element.text = text

    def markup(self) -> Markup:
        return Markup(ElementTree.tostring(self.root, encoding="unicode"))  # ElementTree escapes every text


def bars(rows: Sequence[tuple[str, float]], *, label: str, inks: Sequence[str] = ()) -> Markup:
    """A horizontal bar for each row, with its number behind it.

    Args:
        rows: Names with their values, not negative.
        label: What is shown, for those who hear the page.
        inks: The class of each bar; by default one ink for all.
    """
    if not rows:
        return Markup("")
    margin = min(250.0, max(len(name) for name, _ in rows) * _CHARACTER + 14)
    most = max(value for _, value in rows) or 1.0
    room = _WIDTH - margin - 64
    said = ", ".join(f"{name} {value:,.0f}" for name, value in rows)
    drawing = _Drawing(26.0 * len(rows) + 4, f"{label}: {said}")
    for place, (name, value) in enumerate(rows):
        top = 26.0 * place + 4
        drawing.add("text", "name", _cut(name, 36), x=margin - 10, y=top + 14, text_anchor="end")
        long = max(1.5, room * value / most)
        drawing.add("rect", inks[place] if inks else "ink-1", x=margin, y=top + 2, width=long, height=16.0, rx=2.0)
        drawing.add("text", "value", f"{value:,.0f}", x=margin + long + 7, y=top + 14)
    return drawing.markup()


def histogram(
    edges: Sequence[float], counts: Mapping[str, Sequence[int]], inks: Mapping[str, str], *, label: str
) -> Markup:
    """Stacked columns: for each bin between two edges how many there are of each kind, the first kind at the bottom."""
    totals = [sum(column) for column in zip(*counts.values(), strict=True)]
    most = max(totals, default=0) or 1
    left, bottom, height = 44.0, 210.0, 190.0
    wide = (_WIDTH - left - 10) / max(1, len(totals))
    said = ", ".join(f"{name} {sum(row):,}" for name, row in counts.items())
    drawing = _Drawing(bottom + 40, f"{label}: {said}")
    for tick in _ticks(0, most, 4):
        y = bottom - height * tick / most
        drawing.add("line", "grid", x1=left, x2=_WIDTH - 10, y1=y, y2=y)
        drawing.add("text", "axis", f"{tick:,.0f}", x=left - 8, y=y + 4, text_anchor="end")
    for place in range(len(totals)):
        y, between = bottom, f"{edges[place]:g} to {edges[place + 1]:g}"
        for name, row in counts.items():
            tall = height * row[place] / most
            if row[place]:
                y -= tall
                x = left + wide * place + 1
                title = f"{name}, {between}: {row[place]:,}"
                drawing.add("rect", inks[name], title=title, x=x, y=y, width=wide - 2, height=tall)
    for place, edge in enumerate(edges):
        if float(edge).is_integer():
            drawing.add("text", "axis", f"{edge:g}", x=left + wide * place, y=bottom + 18, text_anchor="middle")
    drawing.add("line", "base", x1=left, x2=_WIDTH - 10, y1=bottom, y2=bottom)
    return drawing.markup()


def line(
    points: Sequence[tuple[str, float]],
    *,
    label: str,
    bounds: Sequence[tuple[float, float]] = (),
    unit: str = "",
    from_zero: bool = False,
    most: float = math.inf,
) -> Markup:
    """A line through points in order; `bounds` are drawn as bars, cut off at `most` where they reach beyond."""
    if not points:
        return Markup("")
    bounds = [(min(low, most), min(high, most)) for low, high in bounds]
    values = [value for _, value in points] + [end for pair in bounds for end in pair]
    low, high = (0.0 if from_zero else min(values)), max(values)
    pad = (high - low or abs(high) or 1.0) * 0.12
    low, high = (low if from_zero else low - pad), high + pad
    left, right, top, bottom = 56.0, 26.0, 22.0, 190.0

    def across(place: int) -> float:
        return left + (_WIDTH - left - right) * (place / (len(points) - 1) if len(points) > 1 else 0.5)

    def up(value: float) -> float:
        return bottom - (bottom - top) * (value - low) / (high - low)

    said = ", ".join(f"{name} {number(value)}{unit}" for name, value in points)
    drawing = _Drawing(bottom + 34, f"{label}: {said}")
    for tick in _ticks(low, high, 4):
        drawing.add("line", "grid", x1=left, x2=_WIDTH - right, y1=up(tick), y2=up(tick))
        drawing.add("text", "axis", f"{number(tick)}{unit}", x=left - 8, y=up(tick) + 4, text_anchor="end")
    for place, (least, greatest) in enumerate(bounds):
        drawing.add("line", "bar-1", x1=across(place), x2=across(place), y1=up(least), y2=up(greatest))
    path = " ".join(f"{across(place):.1f},{up(value):.1f}" for place, (_, value) in enumerate(points))
    drawing.add("polyline", "line-1", points=path)
    every = math.ceil(len(points) / 12)
    for place, (name, value) in enumerate(points):
        said = f"{name}: {number(value)}{unit}"
        if bounds:
            said += f" [{number(bounds[place][0])}, {number(bounds[place][1])}]"
        drawing.add("circle", "dot-1", title=said, cx=across(place), cy=up(value), r=4.0)
        if len(points) <= 8:
            drawing.add(
                "text", "value", f"{number(value)}{unit}", x=across(place), y=up(value) - 10, text_anchor="middle"
            )
        if place % every == 0:
            drawing.add("text", "axis", _cut(name, 14), x=across(place), y=bottom + 20, text_anchor="middle")
    return drawing.markup()


def _ticks(low: float, high: float, about: int) -> Iterable[float]:
    """Round numbers between two ends."""
    step = 10 ** math.floor(math.log10((high - low) / about))
    step *= next((factor for factor in (1, 2, 5, 10) if (high - low) / (factor * step) <= about + 1), 10)
    first = math.ceil(low / step)
    for place in range(first, math.floor(high / step + 1e-9) + 1):
        yield place * step


def number(value: float) -> str:
    """Four significant digits, with a true minus sign."""
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
