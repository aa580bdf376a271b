"""Text made safe for a terminal: what comes from elsewhere shows, and steers nothing.

One set of characters steers: controls (escape sequences begin with one) but for tab and line feed, separators of lines,
marks and overrides of direction (with which a text shows other than it is: "Trojan Source", Boucher and Anderson
2021), and lone halves of surrogate pairs, which no terminal takes.
"""

import re
from typing import Final

STEERING: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""A character that steers a terminal."""


def printable(text: object, instead: str = "\N{REPLACEMENT CHARACTER}") -> str:
    """The text with another in place of each character that steers."""
    return STEERING.sub(instead, str(text))


def escaped(text: object) -> str:
    r"""The text with each character that steers as its escape, such as `\x1b`: for messages that quote it."""
    return STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))


def one_line(text: object) -> str:
    """`printable`, on one line, each run of white space as one blank."""
    return " ".join(printable(text).split())
