"""Cards: a good one is read as written, and each way to write a bad one is named with its way out."""

import dataclasses
import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright.cards import USE_HEADINGS, Card, CardError, Detail, Related
from paperwright.registry import Room, registry

GOOD = """
title = "Nets that remember"
authors = ["Ada Lovelace", "Alan Turing"]
venue = "ICLR 2022"
year = 2022
award = "honourable mention"
wing = "graphs"
extra = "graphs"
tags = ["over-squashing", "curvature"]
tldr = "One sentence."
why = \"\"\"
A paragraph that is
broken over lines.

And a second one.
\"\"\"
idea = "x = y^2."
uses = ["Use it."]
data = ["webkb/cornell"]
demo = "it_helps"
[links]
paper = "https://example.org/paper"
code = "https://example.org/code"
[[related]]
title = "Another"
link = "https://example.org/other"
how = "came before"
[[details]]
text = "The seed is 1."
where = "Section 3"
[use]
one_call = "Call it."
own_loop = '''
In a loop:

```python
for batch in []:
    train(batch)
```
'''
settings = "$\\\\lambda$ is 1."
cost = "Nothing."
mixing = "- No oil."
"""


@pytest.fixture
def card_file(tmp_path: Path) -> Path:
    path = tmp_path / "paper.toml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_a_byte_order_mark_is_no_part_of_a_card(card_file: Path) -> None:
    plain = Card.read(card_file)
    card_file.write_text(GOOD, encoding="utf-8-sig")
    assert Card.read(card_file) == plain


def problems(path: Path, text: str) -> tuple[str, ...]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CardError) as caught:
        Card.read(path)
    assert str(path) in str(caught.value)
    for problem in caught.value.problems:
        assert problem in str(caught.value)
    return caught.value.problems


def test_a_card_is_read_as_written(card_file: Path) -> None:
    card = Card.read(card_file)
    assert card.authors == ("Ada Lovelace", "Alan Turing")
    assert card.why == "A paragraph that is broken over lines.\n\nAnd a second one."
    assert card.links == {"paper": "https://example.org/paper", "code": "https://example.org/code"}
    assert card.related == (Related("Another", "https://example.org/other", "came before"),)
    assert card.details == (Detail("The seed is 1.", "Section 3"),)
    assert card.use is not None
    assert [heading for heading, _ in card.use.sections()] == list(USE_HEADINGS.values())
    assert card.use.own_loop == "In a loop:\n\n```python\nfor batch in []:\n    train(batch)\n```"
    assert card.use.settings == "$\\lambda$ is 1."


def test_tags_have_one_spelling(card_file: Path) -> None:
    card_file.write_text(GOOD.replace('"curvature"]', '"Rényi divergence", "DP-SGD"]'), encoding="utf-8")
    assert Card.read(card_file).tags == ("over-squashing", "rényi-divergence", "dp-sgd")


def test_what_may_be_left_out(card_file: Path) -> None:
    lines = [
        line for line in GOOD.splitlines() if line.partition(" ")[0] not in ("award", "extra", "data", "demo", "code")
    ]
    card_file.write_text("\n".join(lines).partition("[[related]]")[0], encoding="utf-8")
    card = Card.read(card_file)
    assert (card.award, card.extra, card.data, card.demo, card.related, card.details) == (None, None, (), None, (), ())
    assert card.use is None


def test_a_card_cannot_be_changed_and_can_travel_between_processes(card_file: Path) -> None:
    card = Card.read(card_file)
    with pytest.raises(dataclasses.FrozenInstanceError):
        card.title = "another"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(card)) == card
    assert len({card, Card.read(card_file)}) == 1


@pytest.mark.parametrize(
    ("written", "instead", "expected"),
    [
        ("year = 2022", 'year = "2022"', "year: expected a year between 1900 and 2100, got '2022' (a text)"),
        ("year = 2022", "year = true", "year: expected a year between 1900 and 2100, got True (true/false)"),
        ("year = 2022", "year = 22", "year: expected a year between 1900 and 2100, got 22 (a whole number)"),
        ("year = 2022\n", "", "year: missing"),
        ('title = "Nets that remember"', 'title = ""', "title: expected a text that is not empty, got '' (a text)"),
        ('title = "Nets that remember"', "title = 1", "title: expected a text, got 1 (a whole number)"),
        ('title = "Nets', 'title = "\\u001b[2JNets', "title: expected printable characters only"),
        ("award =", "awards =", "awards: unknown key; did you mean 'award'?"),
        ("award =", "zzz =", "zzz: unknown key; expected title, authors, "),
        ("authors = [", 'authors = "Ada" # ', "authors: expected a list of names, got 'Ada' (a text)"),
        ('"Alan Turing"]', "3]", "authors[1]: expected a name, got 3 (a whole number)"),
        ('["Use it."]', "[]", "uses: expected a list of texts, got [] (a list)"),
        ('wing = "graphs"', 'wing = "graph"', "wing: expected one of generative, nn, graphs, "),
        ('wing = "graphs"', 'wing = "graph"', "(did you mean 'graphs'?)"),
        ('wing = "graphs"', "wing = ['graphs']", "wing: expected one of generative, nn, graphs, "),
        ('"curvature"]', '"<b>"]', "tags[1]: expected a tag of words and hyphens, such as 'over-squashing', got '<b>'"),
        ('"curvature"]', '"over-squashing"]', "tags: expected a list of tags, none of them twice"),
        ('"webkb/cornell"', '"../secret"', "data[0]: expected the name of a data set, such as 'webkb/cornell'"),
        ('paper = "https', 'paper = "javascript', "links.paper: expected a link that starts with https://"),
        ("paper = ", "papre = ", "links.paper: missing; expected a link to the paper"),
        ('how = "came', 'who = "came', "related[0].who: unknown key; did you mean 'how'?"),
        ('where = "Section 3"', "", "details[0].where: missing"),
        ('cost = "Nothing."', "", "use.cost: missing"),
        ('cost = "Nothing."', "cost = 3", "use.cost: expected Markdown, got 3 (a whole number)"),
        ("mixing =", "mixin =", "use.mixin: unknown key; did you mean 'mixing'?"),
    ],
)
def test_what_is_wrong_is_named_with_what_came_and_what_is_expected(
    card_file: Path, written: str, instead: str, expected: str
) -> None:
    assert written in GOOD
    found = problems(card_file, GOOD.replace(written, instead, 1))
    assert any(expected in problem for problem in found), found
    assert len(found) == 1, found


def test_all_problems_are_reported_together(card_file: Path) -> None:
    text = GOOD.replace("year = 2022", "yaer = 2022").replace('["Use it."]', "3").replace('"One sentence."', "false")
    assert [problem.partition(":")[0] for problem in problems(card_file, text)] == ["yaer", "tldr", "uses"]


def test_a_file_that_is_no_card(tmp_path: Path) -> None:
    path = tmp_path / "paper.toml"
    assert problems(path, "title = ")[0].startswith("is not valid TOML: ")
    path.write_bytes(b'title = "\xff"')
    with pytest.raises(CardError, match="is not UTF-8 text"):
        Card.read(path)
    path.unlink()
    with pytest.raises(CardError, match="cannot be read: No such file"):
        Card.read(path)


toml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from([field.name for field in dataclasses.fields(Card)]) | st.text(max_size=8)


@given(st.dictionaries(keys, toml_values, max_size=20))
def test_no_table_gets_past_with_anything_but_problems_or_a_card(table: dict[str, object]) -> None:
    from paperwright.cards import _CARD, _check

    values, found = _check(table, _CARD)
    assert found or Card(**values)
    assert all(": " in problem for problem in found)


@pytest.mark.parametrize("room", [room for room in registry().rooms() if room.built_in], ids=str)
def test_a_room_says_how_it_is_used_and_its_code_runs_as_it_stands(room: Room) -> None:
    """In one namespace, one block after the other, as a reader would copy them."""
    if room.card.extra is not None:
        pytest.importorskip("torch" if room.card.extra != "statistics" else "dp_accounting")
    assert room.card.use is not None
    blocks = [
        block
        for _, words in room.card.use.sections()
        for block in re.findall(r"^```python\n(.*?)^```$", words, re.DOTALL | re.MULTILINE)
    ]
    assert len(blocks) >= 2
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, f"{room}/paper.toml", "exec"), names)
        assert max(map(len, block.splitlines())) <= 105
