"""The guard: other hosts, other origins, requests that are too long, and what every reply forbids."""

import http.client
import logging
import socket

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from paperwright.web.security import CANVAS_POLICY, LONGEST_ADDRESS, LONGEST_BODY, LOOPBACK, PAGE_POLICY, Guard

ADDRESSES = (
    "/",
    "/?q=graph",
    "/papers/p001",
    "/map",
    "/topics",
    "/lists",
    "/help",
    "/api",
    "/api/search?q=x",
    "/nowhere",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_reply_forbids_what_pages_do_not_need(client: httpx.Client, address: str) -> None:
    headers = client.get(address).headers
    policy = headers["content-security-policy"]
    assert policy == PAGE_POLICY
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers or "uvicorn" in headers["server"]


def test_only_the_map_s_sandbox_may_make_code_and_it_can_reach_nothing(client: httpx.Client) -> None:
    reply = client.get("/map/canvas")
    assert reply.headers["content-security-policy"] == CANVAS_POLICY
    assert CANVAS_POLICY.startswith("sandbox allow-scripts;")
    assert "allow-same-origin" not in CANVAS_POLICY
    assert "connect-src" not in CANVAS_POLICY  # and so default-src 'none' holds
    assert "On policy" not in reply.text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "localhost.evil", "[::2]"]
)
def test_a_foreign_name_is_refused(served: object, client: httpx.Client, host: str) -> None:
    reply = client.get("/api/tags", headers={"Host": host})
    assert reply.status_code == 421
    assert reply.json()["error"]["code"] == "unknown_host"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:99", "[::1]", "[::1]:8642"])
def test_the_names_of_loopback_are_ours(client: httpx.Client, host: str) -> None:
    assert client.get("/api/tags", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["192.168.1.7", "192.168.1.7:8642", "[2001:db8::1]:80", "library.local"])
def test_a_server_for_others_goes_by_its_addresses_and_the_names_it_is_given(host: str) -> None:
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("here"))])
    guarded = TestClient(Guard(app, LOOPBACK.union(["library.local"]), addresses=True))
    assert guarded.get("/", headers={"Host": host}).text == "here"
    assert guarded.get("/", headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_a_change_from_elsewhere_is_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    assert client.put("/api/tags/stolen/p001", headers=headers).status_code == 403
    assert client.delete("/api/tags/stolen/p001", headers=headers).status_code == 403
    form = {"paper": "p001", "name": "stolen"}
    assert client.post("/change/tag", data=form, headers=headers).status_code == 403
    assert "stolen" not in client.get("/api/tags").json()["tags"]


def test_a_change_from_our_own_page_or_from_a_program_is_made(client: httpx.Client, served: object) -> None:
    own = {"Origin": str(client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert client.put("/api/tags/mine/p001", headers=own).status_code == 204
    assert client.put("/api/tags/mine/p002").status_code == 204
    assert client.get("/api/tags/mine").json()["papers"] == ["p001", "p002"]
    assert client.delete("/api/tags/mine", headers=own).status_code == 204
    assert client.get("/api/tags/mine").status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("address", ["/api/tags/new/p001", "/api/search?q=x&tag=new"])
def test_a_reading_request_changes_nothing(client: httpx.Client, method: str, address: str) -> None:
    client.request(method, address)
    assert "new" not in client.get("/api/tags").json()["tags"]


def test_what_is_too_long_is_refused(client: httpx.Client) -> None:
    assert client.get("/", params={"q": "a" * LONGEST_ADDRESS}).status_code == 414
    data = {"paper": "p001", "note": "n" * (LONGEST_BODY + 1)}
    assert client.post("/change/note", data=data).status_code == 413

    def endless() -> object:
        for _ in range(LONGEST_BODY // 1024 + 2):
            yield b"x" * 1024

    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/change/note", content=endless(), headers=kind).status_code == 413
    many = "&".join(f"f{number}=1" for number in range(60))
    assert client.post("/change/note", content=many, headers=kind).status_code == 422


@pytest.mark.parametrize(
    "address",
    [
        "/static/../api.py",
        "/static/..%2f..%2fapi.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/static/vendor/../style.css",
        "/static/style.css%00.js",
        "/papers/..%2f..%2f..%2fetc%2fpasswd",
        "/papers/%00",
        "/lists/..",
        "/feed/..%2f..%2fx.atom",
        "/rooms/..",
        "/conferences/..%2f/2022",
    ],
)
def test_no_address_becomes_a_path(client: httpx.Client, address: str) -> None:
    connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=10)
    connection.request("GET", address)  # as it stands: httpx would tidy the dots away
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    assert reply.status in (404, 422)
    assert "root:" not in text
    assert "Traceback" not in text


def test_a_failure_is_told_in_one_line_and_the_traceback_stays_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def broken(request: Request) -> PlainTextResponse:
        raise RuntimeError("a secret of the inside")

    app = Starlette(routes=[Route("/", broken)], middleware=[Middleware(Guard, hosts=LOOPBACK)])
    guarded = TestClient(app, base_url="http://localhost")
    with caplog.at_level(logging.ERROR, logger="paperwright.web"):
        reply = guarded.get("/")
    assert reply.status_code == 500
    assert "secret" not in reply.text
    assert reply.text == "something went wrong here; the server's log says what\n"
    assert "a secret of the inside" in caplog.text


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /\x00\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"PUT /api/tags/a/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"GET /api/search?q=%ff%fe%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ],
)
def test_malformed_requests_do_no_harm(client: httpx.Client, sent: bytes) -> None:
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=5) as connection:
        connection.sendall(sent)
        connection.settimeout(2)
        try:
            reply = connection.recv(65_536)
        except TimeoutError:
            reply = b""
    assert b"Traceback" not in reply
    assert b" 500 " not in reply.split(b"\r\n")[0]
    assert client.get("/api/tags").status_code == 200
