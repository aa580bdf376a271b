"""A web server on this machine that says what a test wants it to say, and remembers what it was asked."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any = None


@dataclass
class Reply:
    """What to answer.

    Attributes:
        body: Bytes, a text, or something to be written as JSON.
        cut: Bytes of the body to send before the connection breaks off.
        stall: An event to wait for before answering.
    """

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    stall: threading.Event | None = None


class Quiet(ThreadingHTTPServer):
    """A server that does not mind clients that are killed."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Site:
    """A running server."""

    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
                site.asked.append(asked)
                self.reply(site.answer(asked))

            do_POST = do_GET  # noqa: N815 -- the server's name for it

            def reply(self, reply: Reply) -> None:
                if reply.stall is not None:
                    reply.stall.wait(5)
                body = reply.body
                if isinstance(body, str):
                    body = body.encode()
                elif not isinstance(body, bytes):
                    body = json.dumps(body).encode()
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body if reply.cut is None else body[: reply.cut])
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True
                if reply.cut is not None:
                    self.close_connection = True

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def site(answer: Callable[[Asked], Reply]) -> Iterator[Site]:
    """A server for as long as the block lasts."""
    running = Site(answer)
    try:
        yield running
    finally:
        running.close()


class Watch:
    """A clock that goes only while somebody sleeps, and remembers for how long each time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def in_turn(*replies: Reply) -> Callable[[Asked], Reply]:
    """Answers in this order, the last one from then on."""
    left = list(replies)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]
