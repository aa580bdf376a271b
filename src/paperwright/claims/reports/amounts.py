"""Numbers as a person would write them: as exact as they are known, with their unit.

A metric's unit is "%" for numbers from 0 to 100, "share" for numbers from 0 to 1 that are shown in per cent, and else
whatever stands behind the number. Differences of both kinds of per cent are points.
"""

import math
import re

from paperwright.stats import Interval

_WIDEST = 12
"""Decimals beyond which a number is written with an exponent."""


def number(value: float) -> str:
    """Four significant digits, no trailing zeros; large ones whole, with commas."""
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.4g}"


def share(unit: str) -> str:
    """The unit of a difference between numbers of a unit."""
    return {"%": "points", "share": "share points"}.get(unit, unit)


def amount(value: float, unit: str = "", *, signed: bool = False) -> str:
    """A number with its unit."""
    factor, behind = _shown(unit)
    plus = "+" if signed and value > 0 else ""
    return f"{plus}{number(value * factor)}{behind}"


def interval(value: Interval | None, unit: str = "", *, signed: bool = False) -> str:
    """An estimate and the ends of its interval, to two digits of its width, with the unit; an open end stays open."""
    if value is None:
        return ""
    if value.width == 0 or value.low == -math.inf:
        return amount(value.estimate, unit, signed=signed)
    factor, behind = _shown(unit)
    form = _form(factor * value.width, factor * value.estimate)
    found, low, high = (_formatted(factor * each, form) for each in (value.estimate, value.low, value.high))
    return f"{'+' if signed and value.estimate > 0 else ''}{found}{behind} [{low}, {high}]"


def change(value: Interval, unit: str = "") -> str:
    """A difference, with its sign."""
    return interval(value, share(unit), signed=True)


def _shown(unit: str) -> tuple[float, str]:
    """The factor by which a number of the unit is shown, and what stands behind it."""
    if unit in ("share", "share points"):
        return 100.0, "%" if unit == "share" else " points"
    return 1.0, unit if unit in ("", "%") else f" {unit}"


def with_minus_signs(text: str) -> str:
    """The text with a true minus sign before its numbers, for pages."""
    return re.sub(r"(?<![\w.])-(?=[\d.]|inf)", "\N{MINUS SIGN}", text).replace("inf", "\N{INFINITY}")


def _formatted(value: float, form: str) -> str:
    said = f"{value:{form}}"
    return said.lstrip("-") if float(said.replace(",", "")) == 0 else said


def _form(width: float, estimate: float) -> str:
    """The format that shows two digits of an interval's width, and the estimate no more finely."""
    if not 0 < width < math.inf:
        return ".4g"
    decimals = max(0, 1 - math.floor(math.log10(width)))
    if decimals > _WIDEST or abs(estimate) >= 1e6 or width >= 1e6:
        return ".4g"
    return f",.{decimals}f"
