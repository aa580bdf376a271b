"""A library's own synonyms: read from its folder, read again when they change, and never in the way."""

import json
import os
from pathlib import Path

import pytest

from paperwright.navigator import Library, Paper
from paperwright.navigator.synonyms import FILE, spelled_out


def test_an_acronym_of_the_librarys_own(tmp_path: Path) -> None:
    with Library.create(tmp_path / "library") as library:
        library.add([Paper(id="a", title="Physics informed nets"), Paper(id="b", title="A paper on kernels")])
        assert not library.search("PINN")
        (tmp_path / "library" / FILE).write_text(json.dumps({"PINNs": "physics informed networks"}))
        page = library.search("pinn")
        assert [hit.paper.id for hit in page] == ["a"]
        (tmp_path / "library" / FILE).write_text(json.dumps({"PINNs": "kernels of any kind"}))
        assert [hit.paper.id for hit in library.search("pinn")] == ["b"]


def test_the_last_word_is_still_the_last(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({"drl": "deep reinforcement learning"}))
    assert spelled_out("drl for rob", tmp_path) == ("deep reinforcement learning drl for rob", None)
    assert spelled_out("robots", tmp_path) == ("robots", None)
    assert spelled_out("drl", None) == spelled_out("drl", tmp_path / "nowhere") == ("drl", None)


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1}', "\udcff"])
def test_a_file_that_cannot_be_used_is_a_note(content: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(os.fsencode(content))
    text, note = spelled_out("graph", tmp_path)
    assert text == "graph"
    assert note is not None
    assert note.startswith("synonyms.json was not used: ")
