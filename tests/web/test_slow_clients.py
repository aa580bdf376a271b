"""Slow clients: a header and a body have their time, connections their number; who goes early leaves no trace."""

import http.client
import logging
import socket
import time

import httpx
import pytest
from small_library import Served

from paperwright.web import security, slow_clients

HEAD = b"GET /api/tags HTTP/1.1\r\nHost: localhost\r\n"
BODY = (
    b"POST /change/note HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\npaper=p001&note="
)


def connected(served: Served, *sent: bytes) -> socket.socket:
    client = httpx.URL(served.address)
    connection = socket.create_connection((client.host, client.port or 80), timeout=10)
    for part in sent:
        connection.sendall(part)
    return connection


def whole(connection: socket.socket) -> bytes:
    """What comes until the server closes; a TimeoutError, if it does not."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


@pytest.mark.parametrize(
    "sent",
    [(), (HEAD,), (HEAD + b"\r\n", HEAD)],
    ids=["nothing", "half a header", "half of a second header"],
)
def test_a_header_has_its_time(served: Served, monkeypatch: pytest.MonkeyPatch, sent: tuple[bytes, ...]) -> None:
    monkeypatch.setattr(slow_clients, "HEADER_SECONDS", 0.2)
    with connected(served, *sent[:1]) as connection:
        if sent[1:]:
            while not connection.recv(65_536).endswith(b"}"):
                pass
            connection.sendall(sent[1])
        assert whole(connection) == b""


def test_a_header_that_comes_letter_by_letter_is_no_quicker(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "HEADER_SECONDS", 0.2)

    def drip(connection: socket.socket) -> None:
        for _ in range(1_000):
            connection.sendall(b"x")
            time.sleep(0.02)

    with connected(served, HEAD + b"X: ") as connection, pytest.raises((BrokenPipeError, ConnectionResetError)):
        drip(connection)


def test_an_answer_may_take_longer_than_a_header(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "HEADER_SECONDS", 0.1)
    tags = served.library.tags

    def slow() -> dict[str, int]:
        time.sleep(0.3)
        return tags()

    monkeypatch.setattr(served.library, "tags", slow)
    with connected(served, HEAD + b"Connection: close\r\n\r\n") as connection:
        assert whole(connection).startswith(b"HTTP/1.1 200")


def test_a_body_has_its_time(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "BODY_SECONDS", 0.2)
    with connected(served, BODY) as connection:
        reply = whole(connection)
    assert reply.startswith(b"HTTP/1.1 408")
    assert b"a request may take" in reply
    assert served.library.note("p001") == ""


def test_who_goes_before_all_is_said_leaves_no_trace(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="paperwright.web"):
        connected(served, BODY).close()
        until = time.monotonic() + 10
        while "the client went" not in caplog.text and time.monotonic() < until:
            time.sleep(0.01)
    assert "POST /change/note: the client went before it had said all" in caplog.text
    assert "Traceback" not in caplog.text


def test_of_too_many_connections_the_quietest_gives_way(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "MOST_CONNECTIONS", 20)
    silent = [connected(served, HEAD) for _ in range(60)]
    try:
        client = httpx.URL(served.address)
        asking = http.client.HTTPConnection(client.host, client.port, timeout=10)
        for _ in range(3):  # on one connection, which is the last to have spoken
            asking.request("GET", "/api/tags", headers={"Host": "localhost"})
            assert asking.getresponse().read().startswith(b'{"tags"')
            silent.append(connected(served, HEAD))
        asking.close()
        assert whole(silent[0]) == b""  # closed by the server, long before its header's time
    finally:
        for connection in silent:
            connection.close()
