"""British and American spellings: which are one, and that a search finds either."""

import pytest

from paperwright.navigator import Library, Paper
from paperwright.navigator.orthography import one_spelling


@pytest.mark.parametrize(
    "word", ["four", "source", "hour", "size", "prizes", "horizon", "require", "reference", "more"]
)
def test_other_words_stay_as_they_are(word: str) -> None:
    assert one_spelling(word) == word


def test_a_search_finds_both_spellings() -> None:
    with Library.in_memory() as library:
        library.add(
            [
                Paper(id="uk", title="Generalisation behaviour and its modelling"),
                Paper(id="us", title="Generalization behavior and its modeling"),
            ]
        )
        for query in ("generalisation", "behavior", "modelling", '"generalization behaviour"'):
            assert {hit.paper.id for hit in library.search(query)} == {"uk", "us"}
