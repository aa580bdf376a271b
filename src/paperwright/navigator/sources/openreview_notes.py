"""Submissions from OpenReview, through either of its interfaces.

Version 1 (ICLR up to 2023) keeps a note's content as plain values and files submissions under one invitation for each
fate; version 2 (2024 on) wraps every value as `{"value": ...}` and says the fate in `content.venueid`. A submission's
reviews and decision come with it, as its direct replies: since 2020 the decision is a `Decision`, at ICLR 2019 the
recommendation of a `Meta_Review`, in 2018 an `Acceptance_Decision`, and until 2017, when submissions were not blind, an
`acceptance`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

from ..errors import NavigatorError, SourceError
from ..paper import Paper
from .fields import date, decision_of, doi_of, known, link, links, mapping, number, text, texts
from .http import Client, NotYet, Reach, json_of
from .source import Batch, NoSuchPlace, Page, WebSource
from .tables import forum_links

SITE = "https://openreview.net"
BASES = {1: "https://api.openreview.net", 2: "https://api2.openreview.net"}
INVITATIONS = ("Blind_Submission", "Withdrawn_Submission", "Desk_Rejected_Submission")
OPEN_INVITATIONS = ("submission", "Submission")
"""Those of the years until 2017."""
LAST_OPEN, LAST_META_REVIEW = 2017, 2019
DECISIONS = ("Decision", "Acceptance_Decision", "acceptance")
FATES = ("", "/Rejected_Submission", "/Withdrawn_Submission", "/Desk_Rejected_Submission", "/Submission")
"""What follows the venue in `content.venueid`: accepted, three ways out, and still under review."""

_RATING = ("rating", "recommendation", "overall_recommendation", "overall_assessment")
_FIELDS = (
    "id",
    "forum",
    "number",
    "content",
    "details",
    "invitation",
    "invitations",
    "cdate",
    "tcdate",
    "pdate",
    "mdate",
)


class OpenReview(WebSource):
    """One venue's submissions; see `openreview`."""

    def __init__(
        self,
        venue: str,
        version: int,
        ask: Callable[[Mapping[str, Any]], tuple[Sequence[Any], int | None]],
        page_size: int,
        max_items: int | None,
        client: Client,
    ) -> None:
        super().__init__(f"openreview:{venue}", client, max_items)
        self.venue = venue
        self.version = version
        self.page_size = page_size
        self._ask = ask
        self._short, self._year, self._track = _parts(venue)
        self._submissions = self._decided = 0

    def batches(self, cursor: str | None = None) -> Iterator[Batch]:
        """As in `Source`; the last one says where a form is not known: no submissions, or none that is decided."""
        self._submissions, self._decided = self._behind(cursor)[0], 0
        for batch in super().batches(cursor):
            self._submissions += len(batch.papers)
            self._decided += sum(paper.accepted or paper.decision == "Reject" for paper in batch.papers)
            whole = cursor is None and batch.cursor is None and self.max_items is None
            yield replace(batch, notes=(*batch.notes, *self._unknown_form())) if whole else batch

    def _unknown_form(self) -> Iterator[str]:
        if not self._submissions:
            yield (
                f"{self.name}: no submission is there under this name, or none in a form that is known; "
                "expected the name in the venue's address, such as ICLR.cc/2022/Conference"
            )
        elif not self._decided:
            yield f"{self.name}: no acceptance or rejection was found: there is none yet, or its form is not known"

    def page(self, place: str) -> Page:
        """The page at `stage,offset`; the stages are the invitations, or the fates.

        The notes come oldest first, so that a submission that is added while we read comes at the end and moves
        no other one over the edge of a page.
        """
        stage, offset = self._place(place)
        asked = {**self._stages()[stage], "details": "directReplies", "sort": "tcdate:asc"}
        notes, total = self._ask({**asked, "limit": self.page_size, "offset": offset})
        following: str | None = f"{stage},{offset + len(notes)}"
        if not notes or (total is not None and offset + len(notes) >= total):
            following = f"{stage + 1},0" if stage + 1 < len(self._stages()) else None
        return Page(list(notes), following, ahead=None if total is None else max(0, total - offset - len(notes)))

    def _place(self, place: str) -> tuple[int, int]:
        found = re.fullmatch(r"(\d),(\d{1,9})", place or "0,0")
        if not found or int(found.group(1)) >= len(self._stages()):
            raise NoSuchPlace(f"{self.name}: {place!r:.80} is not a place in this source")
        return int(found.group(1)), int(found.group(2))

    def _stages(self) -> list[dict[str, str]]:
        if self.version == 1:
            stages = [f"{self.venue}/-/{name}" for name in INVITATIONS]
            if self._year is not None and self._year <= LAST_OPEN:
                # ICLR.cc/2017/conference, then, in small letters.
                first, _, last = self.venue.rpartition("/")
                places = dict.fromkeys((f"{first}/{last.lower()}", self.venue))
                stages += [f"{place}/-/{name}" for place in places for name in OPEN_INVITATIONS]
            return [{"invitation": stage} for stage in stages]
        return [{"content.venueid": f"{self.venue}{fate}"} for fate in FATES]

    def paper(self, record: Any) -> Paper:
        note = _note(record)
        content = {name: _value(value) for name, value in mapping(note["content"]).items()}
        forum = text(note.get("forum") or note["id"])
        replies = [mapping(reply) for reply in mapping(note.get("details")).get("directReplies") or ()]
        reviews = [_content(reply) for reply in replies if _invited(reply, "Official_Review", "official/review")]
        decision, said = self._decision(note, content, replies)
        pdf = link(content.get("pdf"), SITE)
        code = [link(content.get(name)) for name in ("code", "software", "code_URL", "code_link")]
        authors = tuple(one for one in texts(content.get("authors"), ",;") if one.casefold() != "anonymous")
        return Paper(
            id=forum,
            title=text(content.get("title")),
            authors=authors,
            abstract=text(content.get("abstract")),
            keywords=texts(content.get("keywords"), ",;"),
            tldr=text(content.get("TLDR") or content.get("TL;DR") or content.get("one-sentence_summary")),
            venue=self._short,
            year=self._year,
            decision=decision,
            track=self._track,
            ratings=_scores(reviews, _RATING),
            confidences=_scores(reviews, ("confidence", "reviewer_confidence")),
            published=date(note.get("pdate") or note.get("cdate") or note.get("tcdate")),
            updated=date(note.get("mdate")),
            urls={**forum_links(forum), **links(pdf=pdf)},
            code_urls=tuple(filter(None, code)),
            categories=texts(content.get("primary_area") or content.get("subject_areas"), ";"),
            source="openreview",
            raw=known(
                forum=forum,
                number=note.get("number"),
                decision=said,
                profiles=list(texts(content.get("authorids"), ",;")) if authors else [],
                doi=doi_of(content.get("doi")),
                code="" if any(code) else str(content.get("code") or "")[:500],
            ),
        )

    def _decision(
        self, note: Mapping[str, Any], content: Mapping[str, Any], replies: Sequence[Mapping[str, Any]]
    ) -> tuple[str, str]:
        """The decision, and the words that it was said in."""
        fate = f"{note.get('invitation') or ''} {content.get('venueid') or ''}"
        for sign in ("Withdrawn_Submission", "Desk_Rejected_Submission"):
            if sign in fate:
                return decision_of(sign), sign
        for reply in self._deciding(replies):
            said = text(_content(reply).get("decision") or _content(reply).get("recommendation"))
            if decision := decision_of(said):
                return decision, said
        if "Rejected_Submission" in fate:
            return "Reject", "Rejected_Submission"
        # "ICLR 2024 oral" is an oral; "Submitted to ICLR 2024", or the bare name, says nothing.
        said = text(content.get("venue"))
        return decision_of(said), said

    def _deciding(self, replies: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """The replies that may say the decision, the surest first."""
        yield from (reply for reply in replies if _invited(reply, *DECISIONS))
        # In later years a meta-review recommends, and others decide.
        if self._year is not None and self._year <= LAST_META_REVIEW:
            yield from (reply for reply in replies if _invited(reply, "Meta_Review"))


def openreview(
    venue: str,
    *,
    version: int | None = None,
    base_url: str | None = None,
    api: Any = None,
    page_size: int = 250,
    max_items: int | None = None,
    **reach: Unpack[Reach],
) -> OpenReview:
    """The submissions to a venue on OpenReview, with their ratings and decisions.

    Args:
        venue: Its id, such as `ICLR.cc/2022/Conference`.
        version: Of OpenReview's interface; without it 1 for years before 2023, for ICLR before 2024, else 2.
        base_url: Where the interface is.
        api: A client of the package openreview-py (`openreview.Client` for version 1, `openreview.api.OpenReviewClient`
            for 2) to ask in place of our own: for venues that one has to be logged in for.
        page_size: Submissions in one request, at most 1,000.
        max_items: How many submissions to read at most.
        **reach: See `Reach`.

    Raises:
        NavigatorError: the venue's id or the version cannot be.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9_.&' -]+)+", venue):
        raise NavigatorError(f"a venue is named as in its address, such as ICLR.cc/2022/Conference; got {venue!r:.200}")
    if version is None:
        short, year, _ = _parts(venue)
        version = 1 if year is not None and year < (2024 if short == "ICLR" else 2023) else 2
    if version not in BASES:
        raise NavigatorError(f"OpenReview has interfaces 1 and 2; got version={version!r:.80}")
    if not 1 <= page_size <= 1000:
        raise NavigatorError(f"page_size is 1 to 1,000; got {page_size!r:.80}")
    client = Client.reaching(reach, pause=0.5)
    if api is not None:
        return OpenReview(venue, version, lambda asked: _through(api, asked), page_size, max_items, client)
    url = f"{(base_url or BASES[version]).rstrip('/')}/notes"

    def ask(asked: Mapping[str, Any]) -> tuple[Sequence[Any], int | None]:
        return client.get(url, asked, read=lambda answer: _answered(answer, asked["offset"]))

    return OpenReview(venue, version, ask, page_size, max_items, client)


def _answered(answer: bytes, offset: int) -> tuple[list[Any], int | None]:
    page = json_of(answer)
    if not isinstance(page, Mapping) or not isinstance(page.get("notes"), list):
        raise ValueError("no list of notes in it")
    count = page.get("count")
    total = count if isinstance(count, int) else None
    if not page["notes"] and total is not None and offset < total:
        raise NotYet(f"no notes behind the {offset:,} that were read, of {total:,}")
    return page["notes"], total


def _through(api: Any, asked: Mapping[str, Any]) -> tuple[Sequence[Any], int | None]:
    """The same question through openreview-py; its own errors become ours."""
    asked = dict(asked)
    if (venue := asked.pop("content.venueid", None)) is not None:
        asked["content"] = {"venueid": venue}
    try:
        return list(api.get_notes(**asked)), None
    except Exception as error:  # its exceptions, and those of the library below it
        raise SourceError(f"openreview-py: {type(error).__name__}: {error!s:.300}") from error


def _note(record: Any) -> Mapping[str, Any]:
    return record if isinstance(record, Mapping) else {name: getattr(record, name, None) for name in _FIELDS}


def _value(value: Any) -> Any:
    """A field's value in either version's form."""
    return value["value"] if isinstance(value, Mapping) and "value" in value else value


def _content(reply: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in mapping(reply.get("content")).items()}


def _invited(reply: Mapping[str, Any], *purposes: str) -> bool:
    """Whether a reply was invited for one of these purposes."""
    invitations = [reply.get("invitation"), *(reply.get("invitations") or ())]
    ends = tuple(f"/{purpose}" for purpose in purposes)
    return any(isinstance(one, str) and one.endswith(ends) for one in invitations)


def _scores(reviews: Sequence[Mapping[str, Any]], names: Sequence[str]) -> tuple[float, ...]:
    """The leading number of each review's score, by the first of the names that it has."""
    said = [next((review[name] for name in names if name in review), None) for review in reviews]
    return tuple(score for one in said if (score := number(one)) is not None)


def _parts(venue: str) -> tuple[str, int | None, str]:
    """("ICLR", 2022, "main") of `ICLR.cc/2022/Conference`; other tracks by their own names."""
    first, *more = venue.split("/")
    year = next((int(part) for part in more if re.fullmatch(r"(19|20)\d\d", part)), None)
    track = " ".join(part for part in more if part != str(year)).replace("_", " ")
    return first.partition(".")[0], year, "main" if track.lower() in ("", "conference") else track
