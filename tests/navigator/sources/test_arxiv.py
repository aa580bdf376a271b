"""arXiv's two interfaces, against a server that speaks pages of the recorded shape."""

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

import pytest
from local_site import Asked, Reply, Watch, in_turn, site

from paperwright.navigator.errors import NavigatorError, SourceError
from paperwright.navigator.sources import arxiv, arxiv_oai
from paperwright.navigator.sources.http import Client, Pace

FEED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom"
      xmlns="http://www.w3.org/2005/Atom">
  <id>https://arxiv.org/api/SkuXkYxumgL1drFIL7NufdnpkFc</id>
  <title>arXiv Query: search_query=cat:cs.LG</title>
  <updated>2025-11-11T18:34:08Z</updated>
  <opensearch:itemsPerPage>{count}</opensearch:itemsPerPage>
  <opensearch:totalResults>{total}</opensearch:totalResults>
  <opensearch:startIndex>{start}</opensearch:startIndex>
  {entries}
</feed>"""

ENTRY = """<entry>
    <id>http://arxiv.org/abs/{arxiv}</id>
    <updated>2021-06-29T16:12:41Z</updated>
    <published>2021-02-13T16:12:41Z</published>
    <title>{title}</title>
    <summary>  We show
that.
    </summary>
    <author><name>Ada Byron</name><arxiv:affiliation>London</arxiv:affiliation></author>
    <author><name>Émile Borel</name></author>
    <arxiv:doi>10.1063/1.1383585</arxiv:doi>
    <link title="doi" href="http://dx.doi.org/10.1063/1.1383585" rel="related"/>
    <arxiv:comment>ICLR 2022, code at https://github.com/a/b.</arxiv:comment>
    <arxiv:journal_ref>J. Chem. Phys. 115, 1626 (2001)</arxiv:journal_ref>
    <link href="http://arxiv.org/abs/{arxiv}" rel="alternate" type="text/html"/>
    <link title="pdf" href="http://arxiv.org/pdf/{arxiv}" rel="related" type="application/pdf"/>
    <arxiv:primary_category term="cs.LG" scheme="http://arxiv.org/schemas/atom"/>
    <category term="cs.LG" scheme="http://arxiv.org/schemas/atom"/>
    <category term="stat.ML" scheme="http://arxiv.org/schemas/atom"/>
  </entry>"""


def entry(arxiv: str = "2102.07033v2", title: str = "On a Title\n  of two lines") -> str:
    return ENTRY.format(arxiv=arxiv, title=escape(title))


def feed(entries: list[str], total: int, start: int = 0) -> Reply:
    return Reply(FEED.format(count=len(entries), total=total, start=start, entries="\n".join(entries)))


def paged(entries: list[str]) -> Callable[[Asked], Reply]:
    def answer(asked: Asked) -> Reply:
        start, most = int(asked.query["start"]), int(asked.query["max_results"])
        return feed(entries[start : start + most], len(entries), start)

    return answer


FIVE = [entry(f"2102.0703{n}v1", f"Paper {n}") for n in range(5)]


def test_an_entry(client: Client) -> None:
    with site(paged([entry()])) as running:
        (batch,) = arxiv("cs.LG", base_url=running.url, client=client).batches()
    (paper,) = batch.papers
    assert (paper.id, paper.title, paper.abstract) == ("arxiv:2102.07033", "On a Title of two lines", "We show that.")
    assert paper.authors == ("Ada Byron", "Émile Borel")
    assert (paper.year, paper.published, paper.updated) == (2021, "2021-02-13", "2021-06-29")
    assert dict(paper.urls) == {"paper": "https://arxiv.org/abs/2102.07033", "pdf": "http://arxiv.org/pdf/2102.07033v2"}
    assert paper.code_urls == ("https://github.com/a/b",)
    assert paper.categories == ("cs.LG", "stat.ML")
    assert paper.raw["doi"] == "10.1063/1.1383585"
    assert paper.raw["journal"] == "J. Chem. Phys. 115, 1626 (2001)"
    assert paper.raw["primary_category"] == "cs.LG"
    asked = running.asked[0].query
    assert asked["search_query"] == "cat:cs.LG"
    assert (asked["sortBy"], asked["sortOrder"]) == ("submittedDate", "ascending")


@pytest.mark.parametrize(
    ("said", "identifier"),
    [
        ("http://arxiv.org/abs/cs/0112017v1", "arxiv:cs/0112017"),
        ("http://arxiv.org/abs/cond-mat/0102536v1", "arxiv:cond-mat/0102536"),
        ("http://arxiv.org/abs/math.GT/0309136", "arxiv:math/0309136"),
        ("https://arxiv.org/abs/0704.0001v12", "arxiv:0704.0001"),
        ("http://arxiv.org/abs/2401.12345", "arxiv:2401.12345"),
    ],
)
def test_ids_old_and_new_lose_their_version(client: Client, said: str, identifier: str) -> None:
    with site(paged([entry().replace("http://arxiv.org/abs/2102.07033v2", said)])) as running:
        (batch,) = arxiv("cs.LG", base_url=running.url, client=client).batches()
    assert batch.papers[0].id == identifier


@pytest.mark.parametrize("size", [1, 2, 10])
def test_an_older_version_later_in_a_feed_is_refused_by_name(client: Client, size: int) -> None:
    feed_of = [entry("2102.07033v1", "Draft"), entry("2102.07033v12", "Final"), entry("2102.07033v3", "Between")]
    with site(paged(feed_of)) as running:
        batches = list(arxiv("cs.LG", base_url=running.url, page_size=size, client=client).batches())
    found = [paper for batch in batches for paper in batch.papers]
    assert [(paper.title, paper.raw["version"]) for paper in found] == [("Draft", 1), ("Final", 12)]
    assert [reason for batch in batches for reason in batch.rejected] == [
        "record 3: arxiv:2102.07033 came as version 3 after version 12, which stays"
    ]


@pytest.mark.parametrize(
    ("comment", "abstract", "decision"),
    [
        ("This paper has been withdrawn by the authors", "We show.", "Withdrawn"),
        ("5 pages. This submission has been withdrawn by arXiv administrators due to overlap", "", "Withdrawn"),
        ("Withdrawn: Lemma 3 is wrong", "", "Withdrawn"),
        ("withdrawn from arXiv", "", "Withdrawn"),
        ("", "This paper has been withdrawn due to a crucial error in equation 2.", "Withdrawn"),
        ("", "The present article was later retracted.", "Withdrawn"),
        ("Withdrawn from ICLR 2021", "We show.", ""),
        ("This paper was withdrawn from NeurIPS", "We show.", ""),
        ("8 pages", "Drugs that are withdrawn from the market are studied. This paper shows how.", ""),
        ("8 pages", f"{'We show that. ' * 20}This paper is withdrawn by nobody.", ""),
    ],
)
def test_a_paper_that_was_withdrawn_is_decided(client: Client, comment: str, abstract: str, decision: str) -> None:
    said = entry().replace("ICLR 2022, code at https://github.com/a/b.", comment).replace("We show\nthat.", abstract)
    harvested = record(1).replace("see https://github.com/a/b", comment).replace("We show\nthat.", abstract)
    with site(lambda asked: listed([harvested]) if "verb" in asked.query else feed([said], 1)) as running:
        for read in (arxiv, arxiv_oai):
            source = read("cs.LG" if read is arxiv else "cs", base_url=running.url, client=client)
            (batch,) = source.batches()
            assert [paper.decision for paper in batch.papers] == [decision]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 10])
def test_pages_make_up_the_whole(client: Client, size: int) -> None:
    with site(paged(FIVE)) as running:
        batches = list(arxiv("cs.LG", base_url=running.url, page_size=size, client=client).batches())
    assert [paper.title for batch in batches for paper in batch.papers] == [f"Paper {n}" for n in range(5)]
    assert {batch.total for batch in batches} == {5}
    assert batches[-1].done == 5
    assert len(running.asked) == -(-5 // size)


def test_three_seconds_between_requests_if_nothing_else_is_said(watch: Watch) -> None:
    with site(paged(FIVE)) as running:
        source = arxiv("cs.LG", base_url=running.url, page_size=2, pace=Pace(watch, watch.sleep))
        assert sum(len(batch.papers) for batch in source.batches()) == 5
    assert watch.slept == [3.0, 3.0]


def test_an_empty_page_before_the_total_is_asked_for_again(client: Client) -> None:
    pages = (feed(FIVE[:2], 4), feed([], 4, 2), feed([], 4, 2), feed(FIVE[2:4], 4, 2))
    with site(in_turn(*pages)) as running:
        batches = list(arxiv("cs.LG", base_url=running.url, page_size=2, client=client).batches())
    assert [paper.title for batch in batches for paper in batch.papers] == [f"Paper {n}" for n in range(4)]


def test_a_page_that_stays_empty_ends_with_the_cursor(client: Client) -> None:
    with site(in_turn(feed(FIVE[:2], 4), feed([], 4, 2))) as running:
        batches = arxiv("cs.LG", base_url=running.url, page_size=2, client=client).batches()
        first = next(batches)
        with pytest.raises(SourceError, match="an empty page at 2 of 4") as caught:
            next(batches)
    assert caught.value.cursor == first.cursor == "2:2"


def test_nothing_found(client: Client) -> None:
    with site(paged([])) as running:
        (batch,) = arxiv("all:nothing", base_url=running.url, client=client).batches()
    assert (batch.papers, batch.cursor, batch.total) == ((), None, 0)


def test_a_query_that_arxiv_refuses(client: Client) -> None:
    said = "<title>Error</title><summary>incorrect id format</summary>"
    error = f"<entry><id>http://arxiv.org/api/errors#bad</id>{said}</entry>"
    with site(lambda asked: feed([error], 1)) as running, pytest.raises(SourceError, match="incorrect id format"):
        next(arxiv("id:x", base_url=running.url, client=client).batches())
    assert len(running.asked) == 1


def test_the_end_of_what_a_query_can_reach_is_said(client: Client) -> None:
    with site(lambda asked: feed(FIVE, 100_000)) as running:
        source = arxiv("cs.LG", base_url=running.url, client=client)
        with pytest.raises(SourceError, match=r"ends at 30,000 papers.*arxiv-oai") as caught:
            next(source.batches("30000:30000"))
    assert caught.value.cursor == "30000:30000"


def test_max_items_and_newest_first(client: Client) -> None:
    with site(paged(FIVE)) as running:
        source = arxiv("cs.LG", base_url=running.url, max_items=3, newest_first=True, client=client)
        (batch,) = source.batches()
    assert len(batch.papers) == 3
    assert batch.cursor is None
    assert batch.total == 3
    assert running.asked[0].query["sortOrder"] == "descending"
    assert running.asked[0].query["max_results"] == "3"


def test_malformed_entries_are_rejected_one_by_one(client: Client) -> None:
    no_title = entry().replace("<title>On a Title\n  of two lines</title>", "")
    no_id = entry().replace("<id>http://arxiv.org/abs/2102.07033v2</id>", "<id>http://example.org/x</id>")
    odd = entry().replace("2021-02-13T16:12:41Z", "long ago").replace('href="http://arxiv.org/pdf/2102.07033v2"', "")
    with site(paged([no_title, no_id, odd])) as running:
        (batch,) = arxiv("cs.LG", base_url=running.url, client=client).batches()
    assert len(batch.papers) == 1
    assert (batch.papers[0].published, batch.papers[0].year) == (None, None)
    assert "pdf" not in batch.papers[0].urls
    assert ["no title" in batch.rejected[0], "not an arXiv id" in batch.rejected[1]] == [True, True]


@pytest.mark.parametrize(
    "document",
    [
        FEED[:200],
        "<feed/>",
        "",
        "{}",
        FEED.format(count=0, total="many", start=0, entries=""),
        '<!DOCTYPE feed [<!ENTITY a "ha">]>' + "<feed>&a;</feed>",
        '<!DOCTYPE feed SYSTEM "file:///etc/passwd"><feed/>',
        '<!DOCTYPE f [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        + FEED.partition("?>")[2].format(count=0, total="&x;", start=0, entries=""),
    ],
)
def test_documents_that_are_no_feed_or_that_bring_entities_are_not_read(client: Client, document: str) -> None:
    with site(lambda asked: Reply(document)) as running, pytest.raises(SourceError, match="cannot be read"):
        next(arxiv("cs.LG", base_url=running.url, client=client).batches())
    assert len(running.asked) == 6


def test_a_thousand_million_laughs_cost_nothing(client: Client) -> None:
    bomb = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    document = f'<!DOCTYPE lolz [<!ENTITY l0 "lol">{bomb}]><feed>&l9;</feed>'
    with site(lambda asked: Reply(document)) as running, pytest.raises(SourceError, match="cannot be read"):
        next(arxiv("cs.LG", base_url=running.url, client=client).batches())


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("cs.LG", "cat:cs.LG"),
        ("cond-mat.str-el", "cat:cond-mat.str-el"),
        ("hep-th", "cat:hep-th"),
        ("cat:cs.LG AND ti:curvature", "cat:cs.LG AND ti:curvature"),
        ("electron", "electron"),
        ("  graph \n curvature ", "graph curvature"),
    ],
)
def test_a_category_is_a_query_too(client: Client, query: str, sent: str) -> None:
    source = arxiv(query, client=client)
    assert source.query == sent
    assert source.name == f"arxiv:{sent}"


@pytest.mark.parametrize("query", ["2102.07033", "2102.07033v2,cs/0112017", "math.AG/0112017"])
def test_ids_are_asked_for_as_ids(query: str, client: Client) -> None:
    with site(paged([entry()])) as running:
        (batch,) = arxiv(query, base_url=running.url, client=client).batches()
    assert [paper.id for paper in batch.papers] == ["arxiv:2102.07033"]
    asked = running.asked[0].query
    assert asked["id_list"] == query
    assert "search_query" not in asked


@pytest.mark.parametrize(
    "settings", [{"query": " "}, {"query": "cs.LG", "page_size": 0}, {"query": "cs.LG", "page_size": 2001}]
)
def test_what_cannot_be_asked_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(NavigatorError, match=r"expected a category|page_size"):
        arxiv(**settings)


# -- OAI-PMH ---------------------------------------------------------------------------------------------------------

OAI = """<?xml version="1.0" encoding="UTF-8"?>
<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/ http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd">
<responseDate>2024-01-31T12:00:00Z</responseDate>
<request verb="ListRecords" metadataPrefix="arXiv">http://oaipmh.arxiv.org/oai</request>
{body}
</OAI-PMH>"""

RECORD = """<record>
<header><identifier>oai:arXiv.org:{arxiv}</identifier><datestamp>2024-01-30</datestamp><setSpec>cs:cs:LG</setSpec></header>
<metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/" xsi:schemaLocation="http://arxiv.org/OAI/arXiv/ x.xsd">
 <id>{arxiv}</id><created>2024-01-02</created><updated>2024-01-29</updated>
 <authors><author><keyname>Byron</keyname><forenames>Ada</forenames></author>
 <author><keyname>Borel</keyname><forenames>Émile</forenames><suffix>Jr.</suffix></author>
 <author><keyname>The Collaboration</keyname></author></authors>
 <title>On a Title
  of two lines</title><categories>cs.LG stat.ML</categories><comments>see https://github.com/a/b</comments>
 <journal-ref>J. 1</journal-ref><doi>10.1063/1.1383585</doi>
 <license>http://creativecommons.org/licenses/by/4.0/</license><abstract>  We show
that.</abstract></arXiv></metadata></record>"""

DELETED = (
    '<record><header status="deleted"><identifier>oai:arXiv.org:{arxiv}</identifier>'
    "<datestamp>2024-01-30</datestamp></header></record>"
)


def listed(records: list[str], token: str | None = None, total: int | None = 4) -> Reply:
    size = f' completeListSize="{total}" cursor="0"' if total is not None else ""
    end = "" if token is None else f"<resumptionToken{size}>{token}</resumptionToken>"
    return Reply(OAI.format(body=f"<ListRecords>{''.join(records)}{end}</ListRecords>"))


def failed(code: str, text: str = "") -> Reply:
    return Reply(OAI.format(body=f'<error code="{code}">{text}</error>'))


def record(number: int) -> str:
    return RECORD.format(arxiv=f"2401.0000{number}")


def test_a_harvested_record(client: Client) -> None:
    with site(lambda asked: listed([record(1)])) as running:
        (batch,) = arxiv_oai("cs", since="2024-01-01", base_url=running.url, client=client).batches()
    (paper,) = batch.papers
    assert (paper.id, paper.title, paper.abstract) == ("arxiv:2401.00001", "On a Title of two lines", "We show that.")
    assert paper.authors == ("Ada Byron", "Émile Borel Jr.", "The Collaboration")
    assert (paper.published, paper.updated, paper.year) == ("2024-01-02", "2024-01-29", 2024)
    assert paper.categories == ("cs.LG", "stat.ML")
    assert paper.raw["doi"] == "10.1063/1.1383585"
    assert paper.raw["licence"] == "http://creativecommons.org/licenses/by/4.0/"
    assert paper.code_urls == ("https://github.com/a/b",)
    assert running.asked[0].query == {
        **{"verb": "ListRecords", "metadataPrefix": "arXiv"},
        **{"set": "cs", "from": "2024-01-01"},
    }


def test_tokens_are_followed_alone_and_503_is_waited_out(client: Client, watch: Watch) -> None:
    pages = (
        listed([record(1), record(2)], "6435730|1001"),
        Reply(b"", 503, {"Retry-After": "20"}),
        listed([record(3), DELETED.format(arxiv="0704.0001")], ""),
    )
    with site(in_turn(*pages)) as running:
        first, second = arxiv_oai("cs", base_url=running.url, client=client).batches()
    assert running.asked[-1].query == {"verb": "ListRecords", "resumptionToken": "6435730|1001"}
    assert 20.0 in watch.slept
    assert [paper.id for paper in first.papers] == ["arxiv:2401.00001", "arxiv:2401.00002"]
    assert (first.done, first.total, first.cursor) == (2, 4, "2:6435730|1001")
    assert [paper.id for paper in second.papers] == ["arxiv:2401.00003"]
    assert second.removed == ("arxiv:0704.0001",)
    assert second.cursor is None


def test_a_token_that_has_expired_begins_anew(client: Client) -> None:
    def answer(asked: Asked) -> Reply:
        if "resumptionToken" in asked.query:
            return failed("badResumptionToken", "expired")
        return listed([record(1), record(2)], "")

    with site(answer) as running:
        (batch,) = arxiv_oai("cs", base_url=running.url, client=client).batches("2:stale")
    assert len(batch.papers) == 2
    assert len(running.asked) == 2
    assert (batch.done, batch.notes) == (
        2,
        ("arxiv:oai/cs: read from the beginning, for where it stopped is no longer known there",),
    )


def test_a_server_that_takes_none_of_its_own_tokens_is_not_asked_for_ever(client: Client) -> None:
    def answer(asked: Asked) -> Reply:
        return failed("badResumptionToken") if "resumptionToken" in asked.query else listed([record(1)], "token")

    with site(answer) as running:
        batches = arxiv_oai("cs", base_url=running.url, client=client).batches("9:stale")
        assert next(batches).cursor == "1:token"
        with pytest.raises(SourceError) as caught:
            next(batches)
    assert caught.value.cursor == "1:token"
    assert len(running.asked) == 3


def test_nothing_has_changed(client: Client) -> None:
    with site(lambda asked: failed("noRecordsMatch")) as running:
        (batch,) = arxiv_oai("cs", since="2030-01-01", base_url=running.url, client=client).batches()
    assert (batch.papers, batch.cursor) == ((), None)


def test_a_refusal(client: Client) -> None:
    with (
        site(lambda asked: failed("badArgument", "no such set")) as running,
        pytest.raises(SourceError, match="no such set"),
    ):
        next(arxiv_oai("nosuch", base_url=running.url, client=client).batches())


def test_malformed_records_are_rejected_one_by_one(client: Client) -> None:
    bad = [
        "<record/>",
        "<record><header/></record>",
        record(1).replace("oai:arXiv.org:2401.00001", "oai:example.org:1"),
        record(1).replace("<metadata>", "<other>").replace("</metadata>", "</other>"),
        record(1).replace("<title>On a Title\n  of two lines</title>", "<title> </title>"),
    ]
    with site(lambda asked: listed([*bad, record(2)])) as running:
        (batch,) = arxiv_oai("cs", base_url=running.url, client=client).batches()
    assert len(batch.papers) == 1
    assert len(batch.rejected) == len(bad)


@pytest.mark.parametrize(
    "settings",
    [{"set": "cs lg"}, {"set": "a:b:c:d"}, {"since": "2024-1-1"}, {"since": "2024-02-30"}, {"until": "yesterday"}],
)
def test_a_harvest_that_cannot_be_asked_for_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(NavigatorError, match=r"a set is named|is a day such as"):
        arxiv_oai(**settings)


def test_harvests_of_other_days_have_other_names() -> None:
    names = {arxiv_oai().name, arxiv_oai("stat").name, arxiv_oai(since="2024-01-01").name, arxiv_oai(None).name}
    assert len(names) == 4
    assert {name.partition(":")[0] for name in names} == {"arxiv"}
