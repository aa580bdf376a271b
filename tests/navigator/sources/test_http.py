"""The client against a real server that is slow, busy, broken, boundless or malicious."""

import gzip
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from local_site import Asked, Reply, Watch, in_turn, site

from paperwright import __version__
from paperwright.navigator.errors import LibraryError, NavigatorError, SourceError
from paperwright.navigator.sources.http import LONGEST_WAIT, Client, NotYet, Pace, json_of

Make = Callable[..., Client]


def test_an_answer_is_read(client: Client) -> None:
    with site(lambda asked: Reply({"found": asked.query})) as running:
        found = client.get(f"{running.url}/works", {"q": "a b&c=ü", "page": 2, "left_out": None}, read=json_of)
    assert found == {"found": {"q": "a b&c=ü", "page": "2"}}
    assert running.asked[0].headers["user-agent"] == f"paperwright/{__version__}"


def test_a_body_is_posted_as_json(client: Client) -> None:
    with site(lambda asked: Reply([asked.method, asked.body, asked.query])) as running:
        found = client.post(running.url, {"ids": ["a"]}, {"fields": "title"}, read=json_of)
    assert found == ["POST", {"ids": ["a"]}, {"fields": "title"}]


def test_the_contact_is_sent_and_must_be_an_address(client_with: Make) -> None:
    with site(lambda asked: Reply({})) as running:
        client_with(contact="me@example.org").get(running.url, read=json_of)
    assert running.asked[0].headers["user-agent"].endswith("(mailto:me@example.org)")
    for wrong in ("me@example.org\r\nX-Evil: 1", "a b", ""):
        with pytest.raises(NavigatorError, match="contact is an address"):
            Client(contact=wrong)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again_ever_more_slowly(client: Client, watch: Watch, status: int) -> None:
    busy = Reply(b"busy", status)
    with site(in_turn(busy, busy, busy, busy, busy, Reply([1]))) as running:
        assert client.get(running.url, read=json_of) == [1]
    assert len(running.asked) == 6
    assert [2.0**n / 2 <= slept <= 2.0**n for n, slept in enumerate(watch.slept)] == [True] * 5
    assert len({slept / 2.0**n for n, slept in enumerate(watch.slept)}) == 5  # jitter: no two alike


def test_after_five_more_tries_it_gives_up(client: Client) -> None:
    with (
        site(lambda asked: Reply(b"", 503)) as running,
        pytest.raises(SourceError, match=r"answered 503, after 5 more"),
    ):
        client.get(running.url, read=json_of)
    assert len(running.asked) == 6


def test_retry_after_in_seconds_is_obeyed(client: Client, watch: Watch) -> None:
    with site(in_turn(Reply(b"", 429, {"Retry-After": "17"}), Reply([1]))) as running:
        client.get(running.url, read=json_of)
    assert watch.slept == [17.0]


def test_retry_after_as_a_date_is_obeyed(client: Client, watch: Watch) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    with site(in_turn(Reply(b"", 503, {"Retry-After": later}), Reply([1]))) as running:
        client.get(running.url, read=json_of)
    assert 30 < watch.slept[0] <= 40


@pytest.mark.parametrize("said", ["soon", "-3", "", "Thu, 99 Foo 2020", "1e9", "0x10"])
def test_a_retry_after_that_says_nothing_is_passed_over(client: Client, watch: Watch, said: str) -> None:
    with site(in_turn(Reply(b"", 503, {"Retry-After": said}), Reply([1]))) as running:
        client.get(running.url, read=json_of)
    assert 0.5 <= watch.slept[0] <= 1


def test_a_retry_after_in_the_past_means_at_once(client: Client, watch: Watch) -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    with site(in_turn(Reply(b"", 503, {"Retry-After": past}), Reply([1]))) as running:
        client.get(running.url, read=json_of)
    assert watch.slept == []


def limited_until(when: str) -> dict[str, Any]:
    """A refusal in the form of OpenReview."""
    return {"name": "RateLimitError", "status": 429, "details": {"limit": 60, "resetTime": when}}


def after(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "body",
    [
        lambda when: limited_until(when.isoformat().replace("+00:00", "Z")),
        lambda when: {"reset": when.timestamp()},
        lambda when: {"resetAt": str(int(when.timestamp() * 1_000))},
        lambda when: {"message": "Too many requests. Please try again in 25 minutes (2031-1)."},
    ],
)
def test_a_429_whose_body_says_when_it_resets_is_waited_for_with_a_word(
    client_with: Make, watch: Watch, body: Callable[[datetime], dict[str, Any]]
) -> None:
    told: list[str] = []
    with site(in_turn(Reply(body(after(1_500)), 429), Reply([1]))) as running:
        assert client_with(tell=told.append).get(running.url, read=json_of) == [1]
    assert 1_400 < watch.slept[0] <= 1_500
    assert told == ["127.0.0.1: the server answered 429; asking again in 25 minutes"]


PAST = limited_until("2001-01-01T00:00:00Z")


@pytest.mark.parametrize("body", [b"Too many", limited_until("soon"), PAST, b"\xff\xfe"])
def test_a_429_whose_body_says_nothing_of_use_is_tried_again_as_any_other(
    client_with: Make, watch: Watch, body: Any
) -> None:
    told: list[str] = []
    with site(in_turn(Reply(body, 429), Reply([1]))) as running:
        client_with(tell=told.append).get(running.url, read=json_of)
    assert 0.5 <= watch.slept[0] <= 1
    assert told == []


def test_a_429_that_resets_in_more_than_an_hour_is_left_to_the_user(client: Client, watch: Watch) -> None:
    with (
        site(lambda asked: Reply(limited_until(after(7_200).isoformat()), 429)) as running,
        pytest.raises(SourceError, match="come back in 120 minutes"),
    ):
        client.get(running.url, read=json_of)
    assert watch.slept == []


def test_a_wait_that_is_too_long_is_left_to_the_user(client: Client, watch: Watch) -> None:
    asked_for = str(int(LONGEST_WAIT) + 3000)
    with (
        site(lambda asked: Reply(b"", 429, {"Retry-After": asked_for})) as running,
        pytest.raises(SourceError, match="come back in 110 minutes"),
    ):
        client.get(running.url, read=json_of)
    assert len(running.asked) == 1
    assert watch.slept == []


def test_an_answer_that_breaks_off_is_asked_for_again(client: Client) -> None:
    with site(in_turn(Reply({"a": "long enough"}, cut=7), Reply([1]))) as running:
        assert client.get(running.url, read=json_of) == [1]
    assert len(running.asked) == 2


def test_an_answer_that_is_not_what_it_should_be_is_asked_for_again(client: Client) -> None:
    with site(in_turn(Reply("<html>busy</html>"), Reply('{"a": 1'), Reply("[" * 100_000), Reply([1]))) as running:
        assert client.get(running.url, read=json_of) == [1]
    assert len(running.asked) == 4


def test_a_reader_can_ask_for_another_try(client: Client) -> None:
    def read(answer: bytes) -> list[int]:
        if answer == b"[]":
            raise NotYet("empty")
        return list(json_of(answer))

    with site(in_turn(Reply([]), Reply([2]))) as running:
        assert client.get(running.url, read=read) == [2]


def test_a_silent_server_is_asked_again(client_with: Make) -> None:
    stall = threading.Event()
    with site(in_turn(Reply([0], stall=stall), Reply([1]))) as running:
        assert client_with(timeout=0.15).get(running.url, read=json_of) == [1]
        stall.set()
    assert len(running.asked) == 2


def test_a_dripping_server_is_given_up_in_the_end(client_with: Make, watch: Watch) -> None:
    # The clock runs by a minute with every look at it, so that the body takes too long.
    class Running(Watch):
        def __call__(self) -> float:
            self.now += 60.0
            return self.now

    pace = Pace(Running(), watch.sleep)
    with (
        site(lambda asked: Reply(b"x" * 1_000_000)) as running,
        pytest.raises(SourceError, match="was not whole after"),
    ):
        client_with(pace=pace, timeout=5.0).get(running.url, read=json_of)


def test_nobody_there(client: Client) -> None:
    with site(lambda asked: Reply()) as running:
        url = running.url
    with pytest.raises(SourceError, match="the connection failed"):
        client.get(url, read=json_of)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 204])
def test_a_refusal_is_final_and_shown_in_plain_words(client: Client, status: int) -> None:
    page = b"" if status == 204 else b"<html><b>No\x1b[31m such\r\nthing</b>" + b"x" * 5000
    with site(lambda asked: Reply(page, status)) as running, pytest.raises(SourceError) as caught:
        client.get(running.url, {"api_key": "s3cret", "q": "a\x07b"}, read=json_of)
    message = str(caught.value)
    assert len(running.asked) == 1
    assert f"answered {status}" in message
    assert message.isprintable()
    assert "s3cret" not in message
    assert "<b>" not in message
    assert len(message) < 700


def test_too_much_is_refused_while_it_comes_in(client_with: Make) -> None:
    with (
        site(lambda asked: Reply(b"x" * 300_000)) as running,
        pytest.raises(SourceError, match="more than 100,000 bytes"),
    ):
        client_with(largest=100_000).get(running.url, read=json_of)
    bomb = Reply(gzip.compress(b"0" * 5_000_000), headers={"Content-Encoding": "gzip"})
    with site(lambda asked: bomb) as running, pytest.raises(SourceError, match="more than 1,000,000 bytes"):
        client_with(largest=1_000_000).get(running.url, read=json_of)


def test_compressed_answers_are_read(client: Client) -> None:
    with site(lambda asked: Reply(gzip.compress(b"[1, 2]"), headers={"Content-Encoding": "gzip"})) as running:
        assert client.get(running.url, read=json_of) == [1, 2]


# -- redirects -------------------------------------------------------------------------------------------------------


def test_redirects_are_followed(client: Client) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/old":
            return Reply(b"", 301, {"Location": "/new?page=3"})
        return Reply([asked.path, asked.query])

    with site(answer) as running:
        assert client.get(f"{running.url}/old", {"page": 2}, read=json_of) == ["/new", {"page": "3"}]


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://example.org/x", "gopher://x", "data:text/plain,[]"])
def test_redirects_lead_to_the_web_only(client: Client, to: str) -> None:
    with (
        site(lambda asked: Reply(b"", 302, {"Location": to})) as running,
        pytest.raises(SourceError, match=r"begins with https|not an address"),
    ):
        client.get(running.url, read=json_of)


def test_redirects_in_a_circle_end(client: Client) -> None:
    with (
        site(lambda asked: Reply(b"", 302, {"Location": "/again"})) as running,
        pytest.raises(SourceError, match="redirected more than 5 times"),
    ):
        client.get(running.url, read=json_of)
    assert len(running.asked) == 6


def test_a_key_does_not_follow_to_another_host(client: Client) -> None:
    secret = {"x-api-key": "s3cret", "Authorization": "Bearer s3cret"}
    with (
        site(lambda asked: Reply([1])) as other,
        site(lambda asked: Reply(b"", 307, {"Location": other.url})) as running,
    ):
        client.get(running.url, read=json_of, headers=secret)
    assert running.asked[0].headers["x-api-key"] == "s3cret"
    assert not {"x-api-key", "authorization"} & set(other.asked[0].headers)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "example.org/works", "", "http://", "http://[::1", "javascript:1"]
)
def test_other_addresses_are_refused(client: Client, url: str) -> None:
    with pytest.raises(SourceError, match="begins with https"):
        client.get(url, read=json_of)


# -- the pace --------------------------------------------------------------------------------------------------------


def test_requests_to_one_host_keep_their_distance(client_with: Make, watch: Watch) -> None:
    pace = Pace(watch, watch.sleep)
    first, second = client_with(pause=3.0, pace=pace), client_with(pause=3.0, pace=pace)
    with site(lambda asked: Reply([1])) as running:
        for client in (first, second, first):
            client.get(running.url, read=json_of)
    assert watch.slept == [3.0, 3.0]


def test_hosts_do_not_wait_for_each_other(watch: Watch) -> None:
    pace = Pace(watch, watch.sleep)
    for host in ("a.example", "b.example", "c.example"):
        pace.wait(host, 3.0)
    assert watch.slept == []
    watch.now += 10
    pace.wait("a.example", 3.0)
    assert watch.slept == []


# -- answers that are kept -------------------------------------------------------------------------------------------


def test_what_was_asked_is_not_asked_again(client_with: Make, tmp_path: Path) -> None:
    with site(lambda asked: Reply([asked.query, asked.body])) as running:
        for _ in range(2):
            client = client_with(cache_dir=tmp_path / "kept")
            assert client.get(running.url, {"a": 1}, read=json_of) == [{"a": "1"}, None]
            assert client.get(running.url, {"a": 2}, read=json_of) == [{"a": "2"}, None]
            assert client.post(running.url, {"b": 1}, read=json_of) == [{}, {"b": 1}]
    assert len(running.asked) == 3


def test_what_is_kept_grows_old(client_with: Make, tmp_path: Path) -> None:
    with site(lambda asked: Reply([1])) as running:
        client_with(cache_dir=tmp_path, keep=0.0).get(running.url, read=json_of)
        client_with(cache_dir=tmp_path, keep=0.0).get(running.url, read=json_of)
    assert len(running.asked) == 2


def test_spoilt_files_are_asked_for_again(client_with: Make, tmp_path: Path) -> None:
    with site(lambda asked: Reply([1])) as running:
        client_with(cache_dir=tmp_path).get(running.url, read=json_of)
        (kept,) = tmp_path.iterdir()
        kept.write_bytes(b"[1")
        assert client_with(cache_dir=tmp_path).get(running.url, read=json_of) == [1]
    assert len(running.asked) == 2


def test_failures_and_half_answers_are_not_kept(client_with: Make, tmp_path: Path) -> None:
    with site(in_turn(Reply(b"", 500), Reply("[1"), Reply([1]))) as running:
        client_with(cache_dir=tmp_path).get(running.url, read=json_of)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"[1]"]


def test_a_cache_that_cannot_be_written_says_so(client_with: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with site(lambda asked: Reply([1])) as running, pytest.raises(LibraryError, match="cannot be kept"):
        client_with(cache_dir=tmp_path / "file").get(running.url, read=json_of)


def test_numbers_that_json_does_not_have_become_null() -> None:
    assert json_of(b'[NaN, Infinity, -Infinity, 1e400, "\\ud800"]') == [None, None, None, float("inf"), "\ud800"]
