"""Search on 3,328 real submissions: every own title first, and words of a title find it, misspelt or not."""

import os
import random
import re
from pathlib import Path

import pytest

from paperwright.navigator import Library
from paperwright.navigator.filters import Filter
from paperwright.navigator.sources import iclr_csv
from paperwright.navigator.text import STOP_WORDS, sequence

FILE = Path(os.environ.get("PAPERWRIGHT_DATA", "nowhere")) / "iclr2022" / "submissions.csv"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="needs PAPERWRIGHT_DATA with iclr2022/submissions.csv")


@pytest.fixture(scope="module")
def library() -> Library:
    made = Library.in_memory()
    for batch in iclr_csv(FILE).batches():
        made.put(batch.papers)  # without vectors: search by words needs none
    made.refresh()
    return made


def test_every_own_title_is_first_but_for_papers_of_the_same_title(library: Library) -> None:
    papers = list(library.papers())
    assert len(papers) == 3_328
    for paper in random.Random(0).sample(papers, 400):
        hits = library.search(paper.title, k=5, mode="lexical")
        same = [hit for hit in hits if sequence(hit.paper.title) == sequence(paper.title)]
        assert list(hits[: len(same)]) == same
        assert paper.id in [hit.paper.id for hit in same]


def test_three_words_of_a_title_find_it_and_a_swap_of_letters_loses_little(library: Library) -> None:
    chance = random.Random(0)
    straight, swapped = [], []
    for paper in chance.sample(list(library.papers()), 400):
        words = [word for word in re.findall(r"[a-z0-9]+", paper.title.lower()) if word not in STOP_WORDS]
        if len(words) < 4:
            continue
        drawn = chance.sample(words, min(3, max(2, len(words) // 2)))
        longest = max(drawn, key=len)
        at = chance.randrange(len(longest) - 1)
        wrong = longest[:at] + longest[at + 1] + longest[at] + longest[at + 2 :]
        for ranks, typed in ((straight, drawn), (swapped, [wrong if one == longest else one for one in drawn])):
            found = [one.id for one in library.index.lexical(" ".join(typed), 10, Filter())]
            ranks.append(1 / (found.index(paper.id) + 1) if paper.id in found else 0.0)
    assert len(straight) > 350
    assert sum(straight) / len(straight) >= 0.91
    assert sum(swapped) / len(swapped) >= 0.87
