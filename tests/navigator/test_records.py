"""The records: transactions, revisions, what a reader adds, and files that are not what they should be."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paperwright.navigator.errors import LibraryError, NavigatorError, UnknownPaperId
from paperwright.navigator.paper import Paper
from paperwright.navigator.records import AddReport, Records, tag_name


def paper(identifier: str, title: str = "A title") -> Paper:
    return Paper(id=identifier, title=title)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    made = Records(tmp_path / "records.sqlite")
    yield made
    made.close()


def test_twice_is_once(records: Records) -> None:
    assert records.put([paper("a"), paper("b")]) == AddReport(new=2)
    before = records.revision
    assert records.put([paper("a"), paper("b")]) == AddReport(same=2)
    assert records.revision == before
    assert records.put([paper("b", "Another title"), paper("c")]) == AddReport(new=1, changed=1)
    assert [one.title for one in records.all()] == ["A title", "Another title", "A title"]


def test_conflicts_name_the_row_and_change_nothing(records: Records) -> None:
    records.put([paper("a")])
    with pytest.raises(NavigatorError, match="row 12: paper a is in the library with another record; on_conflict='upd"):
        records.put([paper("b"), paper("a"), paper("a", "Another")], on_conflict="error", first_row=10)
    with pytest.raises(NavigatorError, match="row 3: paper b came before with another record"):
        records.put([paper("b"), paper("c"), paper("b", "Another")], on_conflict="error")
    assert records.ids() == ["a"]
    assert records.put([paper("a"), paper("b"), paper("b")], on_conflict="error") == AddReport(new=1, same=1)
    with pytest.raises(NavigatorError, match="on_conflict is 'update' or 'error'; got 'skip'"):
        records.put([], on_conflict="skip")  # type: ignore[arg-type]


def test_of_an_id_that_comes_twice_the_last_counts(records: Records) -> None:
    assert records.put([paper("a", "First"), paper("a", "Last")]) == AddReport(new=1)
    assert records.get("a").title == "Last"


def test_an_index_can_follow_every_change(records: Records) -> None:
    records.put([paper("a"), paper("b"), paper("c")])
    seen = records.revision
    records.put([paper("b", "Changed")])
    assert records.remove(["a", "nobody"]) == 1
    assert records.remove(["a"]) == 0
    changes = list(records.changed_since(seen))
    assert [(identifier, one and one.title) for _, identifier, one in changes] == [("b", "Changed"), ("a", None)]
    assert changes[-1][0] == records.revision
    assert "a" not in records
    assert "b" in records
    assert len(records) == 2
    records.put([paper("a")])
    assert len(records) == 3


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["", "one", "two"])), max_size=30))
@settings(max_examples=50, deadline=None)
def test_following_the_changes_gives_the_papers(steps: list[tuple[str, str]]) -> None:
    """Whatever is put and removed: a follower that looks now and then ends with the same papers."""
    records = Records(None)
    followed: dict[str, str] = {}
    expected: dict[str, str] = {}
    revision = 0
    for number, (identifier, title) in enumerate(steps):
        if title:
            records.put([paper(identifier, title)])
            expected[identifier] = title
        else:
            records.remove([identifier])
            expected.pop(identifier, None)
        if number % 3 == 0 or number == len(steps) - 1:
            for changed_at, changed, one in records.changed_since(revision):
                revision = changed_at
                if one is None:
                    followed.pop(changed, None)
                else:
                    followed[changed] = one.title
            assert followed == expected
    assert {one.id: one.title for one in records.all()} == expected
    assert len(records) == len(expected)
    records.close()


def test_a_batch_and_its_cursor_are_one(records: Records) -> None:
    records.put([paper("a")], cursor=("source", "page 2"), removed=["nobody"])
    assert records.cursor("source") == "page 2"
    assert records.finished("source") is None
    with pytest.raises(NavigatorError):
        records.put([paper("a", "Another")], on_conflict="error", cursor=("source", "page 3"))
    assert records.cursor("source") == "page 2"
    assert records.put([], cursor=("source", None), removed=["a"]).removed == 1
    assert records.cursor("source") is None
    assert records.finished("source") is not None
    assert records.cursor("another") is None


def test_transactions_nest_and_roll_back_together(records: Records) -> None:

    def half() -> None:
        with records.transaction():
            records.put([paper("a")])
            records.set_setting("x", "1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert len(records) == 0
    assert records.setting("x") is None
    with records.transaction():
        records.put([paper("a")])
        records.set_setting("x", "1")
    assert (len(records), records.setting("x")) == (1, "1")


def test_tags(records: Records) -> None:
    records.put([paper("a"), paper("b")])
    records.tag("to  read", ["b", "a"])
    records.tag("to read", ["a"])
    assert records.tags() == {"to read": 2}
    assert records.tagged("to read") == ["a", "b"]
    assert records.tags_of("a") == ["to read"]
    with pytest.raises(UnknownPaperId, match="no paper with the id 'zz'"):
        records.tag("to read", ["a", "zz"])
    records.remove(["a"])
    assert records.tagged("to read") == ["b"]
    records.put([paper("a")])
    assert records.tags() == {"to read": 2}, "who comes back has its tags"
    records.untag("to read", ["a"])
    assert records.tagged("to read") == ["b"]
    records.untag("to read")
    assert records.tags() == {}


@pytest.mark.parametrize("name", ["", " ", "../etc", "a" * 61, "a\x00b", "<script>", "a\ud800", "a;b"])
def test_bad_names_of_tags(name: str) -> None:
    with pytest.raises(NavigatorError, match="a name is 1 to 60 letters"):
        tag_name(name)


def test_notes_and_searches(records: Records) -> None:
    records.put([paper("a")])
    records.write_note("a", "read \ud800 again")
    assert records.note("a") == "read ? again"
    records.write_note("a", "  ")
    assert records.note("a") == ""
    with pytest.raises(UnknownPaperId):
        records.write_note("b", "no such paper")
    records.mark_seen(["a", "a"])
    assert records.seen() == {"a"}
    records.save_search("mine", "graphs", {"year": (2020, None)})
    assert records.searches()["mine"].where == {"year": (2020, None)}  # a range stays one
    records.save_search("mine", "curvature", {"year": [2022]})
    assert records.searches()["mine"].query == "curvature"
    assert records.searches()["mine"].where == {"year": [2022]}
    records.forget_search("mine")
    assert records.searches() == {}


@pytest.mark.parametrize("identifier", ["\ud800", "a\x00", "", "'; DROP TABLE papers; --"])
def test_ids_that_cannot_be_are_not_there(records: Records, identifier: str) -> None:
    records.put([paper("a")])
    assert identifier not in records
    assert records.many([identifier, "a"]) == {"a": paper("a")}
    assert records.remove([identifier]) == 0
    assert records.tags_of(identifier) == []
    assert records.note(identifier) == ""
    records.untag("x", [identifier])
    with pytest.raises(UnknownPaperId):
        records.get(identifier)


def test_many_more_than_sqlite_takes_at_once(records: Records) -> None:
    records.put([paper(f"p{number}") for number in range(3_000)])
    wanted = [f"p{number}" for number in range(2_999, -1, -1)]
    assert list(records.many(wanted)) == wanted


def test_what_is_not_a_library(tmp_path: Path) -> None:
    text = tmp_path / "text.sqlite"
    text.write_text("not a database at all, and long enough to be looked at as one" * 100)
    with pytest.raises(LibraryError, match=r"text\.sqlite cannot be used: file is not a database"):
        Records(text)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE birds (name TEXT)")
    connection.close()
    with pytest.raises(LibraryError, match="is a database of something else"):
        Records(other)
    newer = tmp_path / "newer.sqlite"
    Records(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LibraryError, match="written by a newer paperwright"):
        Records(newer)
    with pytest.raises(LibraryError, match="cannot be used"):
        Records(tmp_path / "no" / "folder" / "records.sqlite")


def test_a_library_of_the_first_format_is_opened_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    with closing(Records(path)) as records:
        records.put([paper("p1", "A title")])
    with closing(sqlite3.connect(path)) as connection:
        (stored,) = connection.execute("SELECT record FROM papers").fetchone()
        assert not {"names", "publication"} & set(json.loads(stored))  # as it was written before there were any
        connection.execute("PRAGMA user_version = 1")
    with closing(Records(path)) as records:
        assert records.put([paper("p1", "A title")]).same == 1
        told = Paper(
            id="p2", title="B", authors=("Ada Di Byron",), names=("Di Byron, Ada",), publication={"type": "book"}
        )
        records.put([told])
        assert records.get("p2") == told
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_record_that_takes_the_place_of_another_work_is_said() -> None:
    with closing(Records()) as records:
        for source, title, notes in (
            ("bibtex:a", "A title of something", []),
            ("arxiv", "A title of some thing", []),
            ("arxiv", "A new title by the same source", []),
            ("csv", "Fish", ["p1 was 'A new title by the same source' and is 'Fish' now"]),
            ("csv", "Walls and doors", ["p1 was 'Fish' and is 'Walls and doors' now"]),  # a file is anyone's
        ):
            assert records.put([Paper(id="p1", title=title, source=source)]).notes == notes
        together = [Paper(id="p2", title=title, source="ris") for title in ("Fish", "Fish", "Walls and doors")]
        assert records.put(together).notes == ["p2 was 'Fish' and is 'Walls and doors' now"]


def test_what_is_wrong_with_the_records(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    records = Records(path)
    records.put([paper(f"p{number}", "A title " * 20) for number in range(500)])
    assert records.problems() == []
    records._connection.execute("UPDATE papers SET record = '{\"id\": \"p7\"}' WHERE id = 'p7'")
    assert any("the record of p7 cannot be read" in problem for problem in records.problems())
    records.close()
    content = bytearray(path.read_bytes())
    content[8_192:16_384] = b"\xff" * 8_192
    path.write_bytes(content)
    damaged = Records(path)
    assert damaged.problems()
    damaged.close()


def test_two_connections_take_turns(tmp_path: Path) -> None:
    """Every change has a number of its own, and none is lost, whoever writes."""
    first, second = Records(tmp_path / "records.sqlite"), Records(tmp_path / "records.sqlite")

    def write(records: Records, name: str) -> None:
        for number in range(50):
            records.put([paper(f"{name}{number}"), paper("shared", f"{name} {number}")])

    threads = [threading.Thread(target=write, args=pair) for pair in ((first, "a"), (second, "b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(first) == len(second) == 101
    revisions = [revision for revision, _, _ in first.changed_since(0)]
    assert revisions == sorted(set(revisions))
    assert first.revision == 200
    first.close()
    second.close()


def test_reports_add_up() -> None:
    report = AddReport(1, 2, 3, 4, ["row 1"], ["a note"]) + AddReport(10, 20, 30, 40, ["row 2"])
    assert report == AddReport(11, 22, 33, 44, ["row 1", "row 2"], ["a note"])
    assert str(report) == "11 new, 22 changed, 33 as they were, 44 removed, 2 rejected; a note"
