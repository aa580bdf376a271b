"""Reading single fields of foreign records."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright.navigator.sources.fields import (
    arxiv_of,
    date,
    decision_of,
    doi_of,
    forum_of,
    link,
    number,
    numbers,
    texts,
    unmarked,
    whole,
    year,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("6: marginally above the acceptance threshold", 6),
        ("10", 10),
        (" 5.5 ", 5.5),
        (8, 8),
        ("-1", None),
        (-1, None),
        ("", None),
        (None, None),
        (True, None),
        ("n/a", None),
        (float("nan"), None),
        (float("inf"), None),
        (10**400, None),
        ("9" * 400, None),
    ],
)
def test_numbers_and_what_begins_with_one(value: Any, expected: float | None) -> None:
    assert number(value) == expected


def test_lists_of_numbers() -> None:
    assert numbers("6;8;;-1; 5: ok") == (6, 8, 5)
    assert numbers([6, "8", None, -1]) == (6, 8)
    assert numbers(7) == (7,)
    assert numbers(None) == ()
    assert (whole("3.5"), whole("3.0"), year(999), year("2022"), year(99999)) == (None, 3, None, 2022, None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2021-06-29T16:12:41Z", "2021-06-29"),
        ("2021-06-29", "2021-06-29"),
        ("2021-6-9", "2021-06-09"),
        ("2021-06", "2021-06"),
        ("2021", "2021"),
        ("2021-02-30", None),
        ("2021-13", None),
        ("20210629", None),
        ("0000-01-01", None),
        ("June 2021", None),
        (1632875000000, "2021-09-29"),
        (10**30, None),
        (float("nan"), None),
        (None, None),
        (True, None),
    ],
)
def test_dates(value: Any, expected: str | None) -> None:
    assert date(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        (" HTTP://example.org ", "HTTP://example.org"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//example.org", ""),
        ("https://", ""),
        ("https://[::1", ""),
        ("https://a b", ""),
        ("https://a/\x00", ""),
        ('https://a/"><script>', ""),
        ("https://a/" + "x" * 3_000, ""),
        (None, ""),
        (3, ""),
    ],
)
def test_links_lead_to_the_web(value: Any, expected: str) -> None:
    assert link(value) == expected


def test_links_within_a_site() -> None:
    assert link("/pdf/1.pdf", "https://openreview.net") == "https://openreview.net/pdf/1.pdf"
    assert link("//evil.example/x", "https://openreview.net") == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2102.07033v2", "2102.07033"),
        ("arXiv:2102.07033", "2102.07033"),
        ("http://arxiv.org/abs/cs/0112017v1", "cs/0112017"),
        ("https://arxiv.org/pdf/2102.07033v1.pdf", "2102.07033"),
        ("10.48550/arXiv.2102.07033", "2102.07033"),
        ("https://export.arxiv.org/abs/hep-th/9901001", "hep-th/9901001"),
        ("see arXiv:2102.07033.", "2102.07033"),
        ("2102.070333333", ""),
        ("12102.07033", ""),
        ("1.1383585", ""),
        ("10.1063/1.1383585", ""),
        ("math.GT/0309136v2", "math/0309136"),
        ("https://arxiv.org/abs/math/0309136", "math/0309136"),
        (None, ""),
    ],
)
def test_arxiv_ids(value: Any, expected: str) -> None:
    assert arxiv_of(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10.1063/1.1383585", "10.1063/1.1383585"),
        ("https://doi.org/10.7717/PEERJ.4375", "10.7717/peerj.4375"),
        ("http://dx.doi.org/10.7717/peerj.4375.", "10.7717/peerj.4375"),
        ("doi:10.7717/peerj.4375", "10.7717/peerj.4375"),
        (
            "10.1002/(SICI)1097-4571(199806)49:8<693::AID-ASI4>3.0.CO;2-O",
            "10.1002/(sici)1097-4571(199806)49:8<693::aid-asi4>3.0.co;2-o",
        ),
        ("10.1234/abc.02(IWNOP)", "10.1234/abc.02(iwnop)"),
        ("(see doi:10.1234/abc.02).", "10.1234/abc.02"),
        ("https://doi.org/10.1016%2Fj.made.2020.01.001", "10.1016/j.made.2020.01.001"),
        ("https://onlinelibrary.example.com/doi/full/10.1111/nous.1/abstract", "10.1111/nous.1"),
        ("https://doi.org/10.1111/nous.1/abstract", "10.1111/nous.1/abstract"),  # what a resolver is asked for is a DOI
        ("110.1063/1", ""),
        ("10.1/x", ""),
        (None, ""),
    ],
)
def test_dois(value: Any, expected: str) -> None:
    assert doi_of(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Effects of <i>E. coli</i> &amp; others", "Effects of E. coli & others"),
        ("Salt &amp;amp; pepper", "Salt & pepper"),
        ("<jats:p>We show.</jats:p><jats:p>More.</jats:p>", " We show.  More. "),
        ('H<sub class="x">2</sub>O and &lt;b&gt;bold&lt;/b&gt;', "H2O and bold"),
        ("p < 0.05 & q > 1, <unk> tokens", "p < 0.05 & q > 1, <unk> tokens"),
        ("R&D; AT&T", "R&D; AT&T"),
        ("R&copying &lt 3 &#x26;", "R&copying &lt 3 &"),
    ],
)
def test_markup_is_read_as_text(value: str, expected: str) -> None:
    assert unmarked(value) == expected


def test_forum_ids() -> None:
    assert forum_of("https://openreview.net/forum?id=Lm8T39vLDTE") == "Lm8T39vLDTE"
    assert forum_of("https://openreview.net/pdf?id=Lm8T39vLDTE") == "Lm8T39vLDTE"
    assert forum_of("https://openreview.net.evil.example/forum?id=Lm8T39vLDTE") == ""
    assert forum_of("https://openreview.net/group?id=ICLR.cc/2022") == ""


@pytest.mark.parametrize(
    ("said", "decision"),
    [
        ("Accept (Oral)", "Oral"),
        ("Accept (Spotlight)", "Spotlight"),
        ("Accept (Poster)", "Poster"),
        ("Accept: poster", "Poster"),
        ("Accept: notable-top-5%", "Oral"),
        ("Accept: notable-top-25%", "Spotlight"),
        ("Accept", "Accept"),
        ("Reject", "Reject"),
        ("Invite to Workshop Track", "Reject"),
        ("Desk Rejected Submission", "Desk Reject"),
        ("Desk_Rejected_Submission", "Desk Reject"),
        ("ICLR 2024 Conference Withdrawn Submission", "Withdrawn"),
        ("Withdraw", "Withdrawn"),
        ("Submitted to ICLR 2024", ""),
        ("ICLR 2024 oral", "Oral"),
        ("", ""),
    ],
)
def test_decisions_in_one_spelling(said: str, decision: str) -> None:
    assert decision_of(said) == decision


@given(ANYTHING)
def test_no_value_crashes_a_reader(value: Any) -> None:
    for reader in (number, numbers, whole, year, date, link, arxiv_of, doi_of, forum_of):
        try:
            reader(value)
        except TypeError:
            assert isinstance(value, list | dict | bool)  # a reader of lists may refuse what is none
    try:
        texts(value)
    except TypeError:
        assert not isinstance(value, str)
