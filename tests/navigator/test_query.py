"""The query language: every mark is understood, and nothing that can be typed is an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright.navigator.filters import Condition
from paperwright.navigator.paper import Paper
from paperwright.navigator.query import LONGEST_QUERY, Words, parsed


def test_all_marks_at_once() -> None:
    found = parsed(
        'offline rl "distribution shift" -robotics title:conservative author:"Sergey Levine" -title:survey '
        'keyword:"Meta Learning" year:2020..2022 decision:oral|spotlight has:code tag:to-read|later -tag:done id:a|b'
    )
    assert found.text == "offline rl distribution shift conservative Sergey Levine"
    assert found.words == [
        Words(("distribution", "shift")),
        Words(("robotic",), negated=True),
        Words(("conservativ",), "title"),
        Words(("sergey", "levin"), "author"),
        Words(("survey",), "title", negated=True),
    ]
    assert found.conditions == [
        Condition("keyword", ("meta learning",)),
        Condition("year", None, 2020, 2022),
        Condition("decision", ("oral", "spotlight")),
        Condition("has_code", (True,)),
        Condition("id", ("a", "b")),
    ]
    assert (found.tags, found.without_tags, found.notes) == ([("to-read", "later")], ["done"], [])


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("year:2022", Condition("year", None, 2022, 2022)),
        ("year:2020..", Condition("year", None, 2020, None)),
        ("year:..2020", Condition("year", None, None, 2020)),
        ("-year:2020..2021", Condition("year", None, 2020, 2021, negated=True)),
        ("decision:accepted", Condition("accepted", (True,))),
        ("decision:Desk-Reject", Condition("decision", ("desk reject",))),
        ("-has:code", Condition("has_code", (True,), negated=True)),
        ("venue:ICLR|NeurIPS", Condition("venue", ("iclr", "neurips"))),
        ("category:cs.LG", Condition("category", ("cs.lg",))),
    ],
)
def test_a_condition(query: str, condition: Condition) -> None:
    found = parsed(query)
    assert found.conditions == [condition]
    assert not found.text
    assert not found.notes


@pytest.mark.parametrize(
    ("query", "text", "note"),
    [
        ("year:soon", "soon", "year: wants 2022"),
        ("year:..", "..", "year: wants"),
        ("year:20202021", "20202021", "year: wants"),
        ("decision:maybe", "maybe", "decision: wants one of"),
        ("has:video", "video", "has: knows only has:code"),
        ('title:"!"', "!", "title: wants a word"),
        ("foo:bar", "foo bar", "the fields are title"),
        ("tag:|", "|", "tag: wants"),
    ],
)
def test_what_is_not_understood_is_searched_as_text_with_a_note(query: str, text: str, note: str) -> None:
    found = parsed(query)
    assert found.text == text
    assert note in found.notes[0]
    assert not found.conditions


@pytest.mark.parametrize("query", ["a - b", 'an "open phrase', "--", "state-of-the-art", "C++", "title:", "12:30"])
def test_marks_that_mean_nothing_are_text(query: str) -> None:
    assert not parsed(query).conditions
    assert not any(words.negated for words in parsed(query).words)


def test_the_end_says_whether_the_last_word_is_finished() -> None:
    assert parsed("graph net ").text == "graph net "
    assert parsed("graph net").text == "graph net"


def test_a_long_query_is_cut_with_a_note() -> None:
    found = parsed("word " * 1_000)
    assert len(found.text) <= LONGEST_QUERY
    assert "only the first 2,000 characters" in found.notes[0]


@given(st.text(max_size=200) | st.text(alphabet='-"|:.ayeartitle 20', max_size=60))
def test_nothing_is_an_error(query: str) -> None:
    found = parsed(query)
    if not (set(query) & set('":-|')):
        assert found.text.split() == query.split()


PAPER = Paper(
    id="a",
    title="Deep Residual Learning",
    authors=("Kaiming He", "Jian Sun"),
    abstract="Networks with shortcuts are easier.",
    keywords=("image recognition", "depth"),
)


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        (Words(("residual", "learn")), True),
        (Words(("deep", "learn")), False),
        (Words(("recognition", "depth")), False),  # of two keywords
        (Words(("network", "with", "shortcut")), True),
        (Words(("image",), "title"), False),
        (Words(("he",), "author"), True),
        (Words(("he", "jian"), "author"), False),
        (Words(("residual",), negated=True), False),
        (Words(("nothing",), "title", negated=True), True),
    ],
)
def test_words_in_a_paper(words: Words, holds: bool) -> None:
    assert words.hold(PAPER) is holds


def test_words_of_authors_in_a_paper_without() -> None:
    assert not Words(("title",), "author").hold(Paper(id="a", title="Title"))


@pytest.mark.parametrize(
    ("query", "text", "left_out"),
    [
        ("continual learning without replay", "continual learning", ("replay",)),
        ("learning without labelled data ", "learning", ("label", "data")),
        ("Deep Learning without Poor Local Minima", "Deep Learning without Poor Local Minima", None),
        ("without replay", "without replay", None),
        ('learning "without replay"', "learning without replay", None),
        ("learning without a teacher in the loop", "learning without a teacher in the loop", None),
    ],
)
def test_without_is_read_as_a_minus(query: str, text: str, left_out: tuple[str, ...] | None) -> None:
    found = parsed(query)
    assert found.text == text
    assert [one.words for one in found.words if one.negated] == ([left_out] if left_out else [])
    assert bool(found.notes) == bool(left_out)
