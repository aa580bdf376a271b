"""What comes from elsewhere shows in a terminal and steers nothing."""

import pytest

from paperwright.terminal import escaped, one_line, printable

STEERS = ["\x1b[31m", "\x07", "\r", "\x9b", "\u202e", "\u2066", "\u200f", "\u061c", "\u2028", "\ud800"]


@pytest.mark.parametrize("one", STEERS, ids=lambda one: one.encode("unicode_escape").decode())
def test_no_character_that_steers_a_terminal_gets_through(one: str) -> None:
    rest = one[1:]
    assert printable(f"a{one}b") == f"a\N{REPLACEMENT CHARACTER}{rest}b"
    assert printable(f"a{one}b", "") == f"a{rest}b"
    assert escaped(f"a{one}b") == f"a{one[0].encode('unicode_escape').decode()}{rest}b"
    escaped(one).encode()


def test_every_other_character_stays() -> None:
    text = "a\tb\nRényi 訳 \N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER} \N{NO-BREAK SPACE} ε ≤ ½"
    assert printable(text) == escaped(text) == text
    assert one_line("  a\tb\n\n c ") == "a b c"
