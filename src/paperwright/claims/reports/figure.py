"""The figures of a claim, as inline SVG: each arm's mean beside the paper's figure, and each effect beside its region.

Drawn by matplotlib's SVG backend and made fit to stand in a page: inks become CSS variables, so that the page's theme
colours them; text stays text; identifiers are unique to the figure; nothing refers to anything outside.
"""

import functools
import io
import math
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from paperwright.claims.claim import Reported
from paperwright.claims.judgement import Judgement
from paperwright.claims.reports import amounts, summary
from paperwright.claims.reports.sentences import measured, words
from paperwright.claims.rules.rule import Finding
from paperwright.stats import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inks that matplotlib draws with, and the page's variables that take their place.
INK, FAINT, OURS, PAPER, REGION = "#0a0001", "#0a0002", "#0a0003", "#0a0004", "#0a0005"
_VARIABLES: Final = {
    INK: "var(--figure-ink)",
    FAINT: "var(--figure-faint)",
    OURS: "var(--figure-ours)",
    PAPER: "var(--figure-paper)",
    REGION: "var(--figure-region)",
}
_WIDTH, _ROW, _AXIS, _HEAD, _GAP = 440.0, 30.0, 30.0, 22.0, 14.0  # in units of the drawing, 1 CSS pixel at full size
_TEXT = 11.5
_LONGEST = 24  # characters of an arm's name beside its row; the table has it whole
_MANY = 400  # runs of one arm drawn as dots; more would be a smear and a large file
_LOGARITHMIC = 300.0  # from this ratio of the largest to the smallest on, an axis is logarithmic
_OTHER_UNIT = 20.0  # a paper's figure this many times away is marked at the edge: it would flatten the rest


@dataclass(frozen=True)
class _Row:
    label: str
    interval: Interval
    papers: list[Reported]
    runs: Sequence[float] = ()


def arms_figure(judgement: Judgement, *, salt: str) -> str:
    """A panel for each metric that the rule compares, a row for each arm; empty if nothing is recorded.

    Args:
        judgement: the claim and what it came to; its single runs are drawn as faint dots.
        salt: unique to this figure within its page.
    """
    panels = _panels(judgement)
    if not panels:
        return ""
    margin = _label_width(row.label for rows in panels.values() for row in rows)
    height = sum(_HEAD + _ROW * len(rows) + _AXIS for rows in panels.values()) + _GAP * (len(panels) - 1)
    titles: dict[str, str] = {}
    with _drawing(height, salt) as figure:
        top = height
        for number, (metric, rows) in enumerate(panels.items()):
            axes = _panel(figure, top, height, margin, [row.label for row in rows])
            _write(axes, 0.0, len(rows) - 0.5, words(metric), offset=(-margin, 8), weight="bold")
            _draw_arms(axes, rows, titles, f"{salt}-{number}")
            top -= _HEAD + _ROW * len(rows) + _AXIS + _GAP
    described = "; ".join(
        f"{metric}: " + ", ".join(f"{row.label} {amounts.interval(row.interval)}" for row in rows)
        for metric, rows in panels.items()
    )
    return _inline(figure, salt, f"Mean of each arm. {described}", titles)


def effects_figure(judgement: Judgement, *, salt: str) -> str:
    """Each effect with its interval, over the region where the claim says that it lies; empty before the first look."""
    groups: dict[tuple[float, float, str], list[Finding]] = {}
    for finding in judgement.findings:
        if finding.interval.width == 0:  # a number that is what it is needs no axis; the sentence has it
            continue
        metric = finding.effect.partition(":")[0]
        groups.setdefault((finding.region.low, finding.region.high, metric), []).append(finding)
    if not groups:
        return ""
    pitch = _ROW + 10  # the effect's words stand above its row
    height = sum(pitch * len(found) + _AXIS for found in groups.values()) + _GAP * (len(groups) - 1)
    with _drawing(height, salt) as figure:
        top = height
        for found in groups.values():
            axes = _axes(figure, top - pitch * len(found), height, 4.0, pitch * len(found), len(found))
            _draw_effects(axes, found)
            top -= pitch * len(found) + _AXIS + _GAP
    return _inline(figure, salt, "; ".join(summary.effects(judgement)), {})


def _panels(judgement: Judgement) -> dict[str, list[_Row]]:
    """A row for each arm that has it, for each metric of the rule, then for those that the paper alone reports."""
    ruled, compared, runs = measured(judgement), judgement.compared, judgement.trials.numbers
    panels: dict[str, list[_Row]] = {}
    for metric in dict.fromkeys([*ruled, *(figure.metric for figure in judgement.reported)]):
        for arm in judgement.arms:
            ours = judgement.means.get(arm, {}).get(metric)
            about = {arm, None} if len(judgement.arms) == 1 else {arm}
            papers = [figure for figure in judgement.reported if figure.metric == metric and figure.arm in about]
            if ours is None or (metric in ruled and compared and arm not in compared and not papers):
                continue
            single = [float(run[metric]) for _, run in sorted(runs.get(arm, {}).items()) if metric in run]
            panels.setdefault(metric, []).append(_Row(arm, ours, papers, single[:_MANY]))
    return {metric: rows for metric, rows in panels.items() if _shows_something(rows)}


def _shows_something(rows: Sequence[_Row]) -> bool:
    """Whether a panel is more than one number over and over, such as a violation that never came."""
    return len({value for row in rows for value in (*_ends(row.interval), *row.runs)}) > 1 or any(
        row.papers for row in rows
    )


# --- Drawing ----------------------------------------------------------------------------------------------------------


@contextmanager
def _drawing(height: float, salt: str) -> Iterator["Figure"]:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # A name in a script that the font for measuring lacks is no matter: the browser sets the text.
    with warnings.catch_warnings(), rc_context(_style(salt)):
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield Figure(figsize=(_WIDTH / 72, height / 72), facecolor="none")


def _style(salt: str) -> Any:
    return {"svg.fonttype": "none", "svg.hashsalt": salt, "font.size": _TEXT, "path.simplify": False}


def _label_width(labels: Iterator[str]) -> float:
    return min(165.0, max(52.0, 6.6 * max(len(_short(label)) for label in labels) + 14))


def _panel(figure: "Figure", top: float, height: float, margin: float, labels: Sequence[str]) -> "Axes":
    rows = len(labels)
    axes = _axes(figure, top - _HEAD - _ROW * rows, height, margin, _ROW * rows, rows)
    for number, label in enumerate(labels):
        _write(axes, 0.0, rows - 1 - number, _short(label), offset=(-margin, 0))
    return axes


def _axes(figure: "Figure", bottom: float, height: float, left: float, tall: float, rows: int) -> "Axes":
    """Axes at a place of the figure given in its units, with a row at each of 0, 1 ... rows - 1."""
    axes = figure.add_axes((left / _WIDTH, bottom / height, (_WIDTH - left - 12) / _WIDTH, tall / height))
    axes.patch.set_visible(False)
    axes.set_ylim(-0.5, rows - 0.5)
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(axis="x", length=0, pad=6, labelcolor=INK, labelsize=_TEXT - 1)
    axes.grid(axis="x", color=FAINT, linewidth=0.6, alpha=0.45)
    axes.set_axisbelow(True)
    return axes


def _write(axes: "Axes", x: float, y: float, text: str, *, offset: tuple[float, float], weight: str = "normal") -> None:
    """Text at the axes' left end (x in parts of their width) and height y, shifted by some units."""
    axes.annotate(
        _printable(text),
        (x, y),
        xycoords=axes.get_yaxis_transform(),
        xytext=offset,
        textcoords="offset points",
        va="center" if weight == "normal" else "bottom",
        color=INK,
        weight=weight,
        annotation_clip=False,
        parse_math=False,
    )


def _draw_arms(axes: "Axes", rows: Sequence[_Row], titles: dict[str, str], name: str) -> None:
    values = [value for row in rows for value in (*_ends(row.interval), *row.runs)]
    marks = [_comparable_value(paper) for row in rows for paper in row.papers]
    low, high = _set_range(axes, values + [mark for mark in marks if _near(mark, values)])
    for number, row in enumerate(rows):
        y = len(rows) - 1 - number
        if len(row.runs) > 1:
            spread = [y + 0.26 * _scatter(index) for index in range(len(row.runs))]
            axes.plot(row.runs, spread, "o", color=OURS, alpha=0.34, markersize=3.6, markeredgewidth=0)
        _draw_interval(axes, row.interval if math.isfinite(row.interval.width) else _point(row.interval), y, low, high)
        for which, paper in enumerate(row.papers):
            gid = f"{name}-{number}-{which}"
            titles[gid] = f"The paper, {row.label}: {summary.reported(paper)}"
            _draw_paper(axes, _comparable_value(paper), y, low, high, gid)


def _draw_paper(axes: "Axes", value: float, y: float, low: float, high: float, gid: str) -> None:
    """A diamond at the paper's figure; at the edge, with the number, where it lies off the scale."""
    at = min(max(value, low), high)
    style: dict[str, Any] = {"markeredgecolor": PAPER, "markeredgewidth": 1.7, "markersize": 7, "clip_on": False}
    axes.plot([at], [y], "D", color="none", gid=gid, **style)
    if at != value:
        right = at == high
        said = f"paper: {amounts.number(value)}"
        words = f"{said} \N{RIGHTWARDS ARROW}" if right else f"\N{LEFTWARDS ARROW} {said}"
        side: Any = "right" if right else "left"
        place: dict[str, Any] = {"xytext": (-9 if right else 9, 0), "textcoords": "offset points"}
        axes.annotate(words, (at, y), **place, color=PAPER, ha=side, va="center", size=_TEXT - 1.5)


def _draw_effects(axes: "Axes", found: Sequence[Finding]) -> None:
    region = found[0].region
    borders = [border for border in (region.low, region.high) if math.isfinite(border)]
    values = [value for finding in found for value in _ends(finding.interval)] + borders
    low, high = _set_range(axes, values, linear=True)
    for number, finding in enumerate(found):
        y = len(found) - 1 - number - 0.2
        _write(axes, 0.0, y + 0.5, _short(finding.effect, 64), offset=(0, 0))
        axes.fill_between(
            [max(region.low, low), min(region.high, high)], y - 0.24, y + 0.24, color=REGION, alpha=0.17, linewidth=0
        )
        for border in borders:
            axes.plot([border, border], [y - 0.24, y + 0.24], color=REGION, linewidth=1.6, solid_capstyle="butt")
        _draw_interval(axes, finding.interval, y, low, high)


def _draw_interval(axes: "Axes", interval: Interval, y: float, low: float, high: float) -> None:
    """A dot with a bar; a bar whose end is open runs to the edge and ends in an arrow."""
    start, end = max(interval.low, low), min(interval.high, high)
    if end > start:
        axes.plot([start, end], [y, y], color=OURS, linewidth=2.4, solid_capstyle="round")
    for open_end, at, marker in ((interval.low == -math.inf, low, "<"), (interval.high == math.inf, high, ">")):
        if open_end:
            axes.plot([at], [y], marker, color=OURS, markersize=5, markeredgewidth=0, clip_on=False)
    axes.plot([interval.estimate], [y], "o", color=OURS, markersize=7.5, markeredgewidth=0, clip_on=False)


def _set_range(axes: "Axes", values: Sequence[float], *, linear: bool = False) -> tuple[float, float]:
    """Sets the axis so that all values are in sight, and returns its ends."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    low, high = min(values), max(values)
    if not linear and low > 0 and _LOGARITHMIC < high / low < 1e60:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(numticks=6))
        low, high = low / (high / low) ** 0.05, high * (high / low) ** 0.05
    else:
        pad = 0.07 * (high - low) or 0.05 * abs(high) or 1.0
        low, high = low - pad, high + pad
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}".replace("-", "\N{MINUS SIGN}")))
    axes.set_xlim(low, high)
    return low, high


def _point(interval: Interval) -> Interval:
    """An estimate alone, of which the numbers leave everything open."""
    return replace(interval, low=interval.estimate, high=interval.estimate)


def _ends(interval: Interval) -> list[float]:
    return [value for value in (interval.low, interval.estimate, interval.high) if math.isfinite(value)]


def _comparable_value(paper: Reported) -> float:
    return paper.value * paper.scale


def _near(mark: float, values: Sequence[float]) -> bool:
    """Whether a mark may be drawn to scale; one far off, most likely in another unit, would flatten the rest."""
    largest = max(abs(value) for value in values)
    return not largest or abs(mark) <= _OTHER_UNIT * largest


def _scatter(index: int) -> float:
    """A number in [-1, 1] for each run: a golden-ratio sequence, spread evenly and always the same."""
    return 2 * ((index + 0.5) * 0.6180339887498949 % 1) - 1


def _printable(text: str) -> str:
    """The text on one line, without the characters that XML forbids."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


def _short(text: str, longest: int = _LONGEST) -> str:
    text = _printable(text)
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


# --- From matplotlib's file to an element of the page -----------------------------------------------------------------

_SVG: Final = "{http://www.w3.org/2000/svg}"
_LINK: Final = "{http://www.w3.org/1999/xlink}href"


def _inline(figure: "Figure", salt: str, description: str, titles: Mapping[str, str]) -> str:
    """The figure as one `<svg>` element."""
    from matplotlib import rc_context

    file = io.BytesIO()
    with warnings.catch_warnings(), rc_context(_style(salt)):
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    root = ET.fromstring(file.getvalue())
    for metadata in root.findall(f"{_SVG}metadata"):
        root.remove(metadata)
    referred = {node.get(_LINK, "")[1:] for node in root.iter()}
    for parent in list(root.iter()):
        for defaults in parent.findall(f"{_SVG}style"):
            parent.remove(defaults)  # matplotlib's own defaults, which would hold for the whole page
    for node in root.iter():
        node.tag = node.tag.removeprefix(_SVG)
        identifier = node.get("id", "")
        if identifier in titles:
            title = ET.Element("title")
            title.text = _printable(titles[identifier])
            node.insert(0, title)
        if identifier not in referred and node.tag != "clipPath":
            node.attrib.pop("id", None)
        if (link := node.attrib.pop(_LINK, None)) is not None:
            node.set("href", link)
        if (style := node.attrib.pop("style", None)) is not None:
            node.attrib.update(_themed(style))
    height = float(figure.get_size_inches()[1]) * 72
    attributes = {"viewBox": f"0 0 {_WIDTH:g} {height:g}", "role": "img", "aria-label": _printable(description)}
    root.attrib.clear()
    root.attrib.update(attributes)
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)


@functools.lru_cache(maxsize=1024)
def _themed(style: str) -> dict[str, str]:
    """A style attribute as attributes of their own, which strict pages allow, with the page's inks and its font."""
    kept = {}
    for declaration in style.split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip(), value.strip()
        if name and name != "font-family":
            kept[name] = _VARIABLES.get(value, value) if name in ("fill", "stroke") else value
    return kept
