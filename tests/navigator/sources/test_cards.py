"""The rooms' cards as a source."""

from paperwright.navigator.sources import cards
from paperwright.navigator.sources.room_cards import identity
from paperwright.registry import registry


def test_every_room_is_a_paper_that_leads_back_to_it() -> None:
    (batch,) = cards().batches()
    assert batch.rejected == ()
    assert batch.cursor is None
    by_room = {paper.raw["room"]: paper for paper in batch.papers if "room" in paper.raw}
    assert set(by_room) == {room.name for room in registry()}
    for room in registry():
        paper = by_room[room.name]
        assert (paper.title, paper.authors, paper.year) == (room.card.title, room.card.authors, room.card.year)
        assert paper.tldr == " ".join(room.card.tldr.split())
        assert paper.urls["paper"] == room.card.links["paper"]
        assert str(room.card.year) not in paper.venue
        assert paper.raw["words"] == "paperwright's own, not the authors'"


def test_every_related_paper_is_there_once_and_says_how_it_relates() -> None:
    papers = [paper for batch in cards().batches() for paper in batch.papers]
    assert len({paper.id for paper in papers}) == len(papers)
    by_id = {paper.id: paper for paper in papers}
    for room in registry():
        for related in room.card.related:
            paper = by_id[identity(related.link) or related.link]
            assert {"room": room.name, "how": related.how} in paper.raw["related_to"]


def test_the_month_comes_from_the_arxiv_id() -> None:
    for paper in (paper for batch in cards().batches() for paper in batch.papers):
        if paper.id.startswith("arxiv:") and "room" not in paper.raw:
            digits = paper.id.removeprefix("arxiv:")
            assert paper.published == f"20{digits[:2]}-{digits[2:4]}"
            assert paper.year == int(f"20{digits[:2]}")


def test_what_a_link_identifies() -> None:
    assert identity("https://arxiv.org/abs/2111.14522v3") == "arxiv:2111.14522"
    assert identity("https://arxiv.org/pdf/cs/0112017.pdf") == "arxiv:cs/0112017"
    assert identity("https://doi.org/10.1063/1.1383585") == "10.1063/1.1383585"
    assert identity("https://openreview.net/forum?id=wIzUeM3TAU") == "wIzUeM3TAU"
    assert identity("https://openreview.net/forum?noteId=x&id=wIzUeM3TAU#top") == "wIzUeM3TAU"
    assert identity("https://example.org/paper.html") == ""
