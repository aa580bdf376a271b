"""What stands between the browser and the library: who may ask, who may change something, and what a page may do.

The server listens on this machine, where any page that the user has open can try to talk to it. Four rules hold:

- The `Host` header must be a name of ours. A page elsewhere that points its own name at 127.0.0.1 (DNS rebinding) sends
  its own name.
- What changes something must come from our own pages: `Sec-Fetch-Site` or `Origin` says so, and no page can forge them.
- Every reply forbids everything that the pages do not need: no inline script or style, no frame around us, no request
  to anyone else, no guessing of types.
- What is sent to us is bounded in length and in time.
"""

import ipaddress
import json
import logging
import time
from collections.abc import Iterable
from typing import Final

import anyio
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LONGEST_ADDRESS: Final = 8_192
LONGEST_BODY: Final = 128 * 1024
BODY_SECONDS: Final = 30.0
"""What a body may take to come, from its header on."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
STATIC: Final = "/static/"
CANVAS: Final = "/map/canvas"

PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
CANVAS_POLICY: Final = (
    "sandbox allow-scripts; default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self'; worker-src blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""The policy of the one document that draws the map, and no other.

Its WebGL library writes code as it runs ("unsafe-eval"). So it runs in a sandbox with an origin of its own: it holds no
text of any paper, can reach neither the library nor the network, and is told numbers only.
"""

_logger = logging.getLogger("paperwright.web")


class _TooLong(Exception):
    """The body of a request is longer than any of ours."""


class _TooSlow(Exception):
    """The body of a request has not come in its time."""


class Guard:
    """The outermost layer of the application: it refuses, it adds the headers, and it keeps tracebacks in the log.

    Args:
        app: What is guarded.
        hosts: Names that the `Host` header may have, without a port.
        addresses: Whether it may be any literal IP address: for a server that is bound to more than loopback. An
            address cannot be rebound; a name can.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], *, addresses: bool = False) -> None:
        self.app = app
        self.hosts = frozenset(host.casefold() for host in hosts)
        self.addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        begun = ended = False
        length, until = 0, time.monotonic() + BODY_SECONDS

        async def counted() -> Message:
            nonlocal length, ended
            if ended:  # who asks now waits for the client to go, which may take as long as the answer
                return await receive()
            with anyio.move_on_after(until - time.monotonic()):
                message = await receive()
                length += len(message.get("body", b""))
                ended = not message.get("more_body", False)
                if length > LONGEST_BODY:
                    raise _TooLong
                return message
            raise _TooSlow

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": [*message["headers"], *_headers(scope["path"])]}
            await send(message)

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if (refusal := self._refusal(scope, headers)) is not None:
            await _answer(scope, guarded, *refusal)
            return
        try:
            await self.app(scope, counted, guarded)
        except _TooLong:
            if not begun:
                await _answer(scope, guarded, 413, "too_long", f"a request may carry {LONGEST_BODY // 1024} KiB")
        except _TooSlow:
            if not begun:
                await _answer(scope, guarded, 408, "too_slow", f"a request may take {BODY_SECONDS:.0f} s", last=True)
        except ClientDisconnect:
            _logger.debug("%s %s: the client went before it had said all", scope["method"], scope["path"])
        except Exception:
            _logger.exception("%s %s failed", scope["method"], scope["path"])
            if not begun:
                await _answer(scope, guarded, 500, "failed", "something went wrong here; the server's log says what")

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str, str] | None:
        """Status, code and message for a request that is not to be answered."""
        if not self._ours(headers.get("host", "")):
            return 421, "unknown_host", "this server does not go by that name; --host and --name say by which it does"
        if len(scope["raw_path"] or b"") + len(scope["query_string"]) > LONGEST_ADDRESS:
            return 414, "too_long", f"an address may have {LONGEST_ADDRESS:,} characters"
        if scope["method"] in SAFE_METHODS:
            return None
        declared = headers.get("content-length", "0")
        if not declared.isdigit() or int(declared) > LONGEST_BODY:
            return 413, "too_long", f"a request may carry {LONGEST_BODY // 1024} KiB"
        if not _from_our_pages(scope, headers):
            return 403, "other_origin", "only the library's own pages may change it"
        return None

    def _ours(self, host: str) -> bool:
        name = host.casefold()
        name = name[: name.index("]") + 1] if name.startswith("[") and "]" in name else name.partition(":")[0]
        if name in self.hosts:
            return True
        if not self.addresses:
            return False
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True


def _from_our_pages(scope: Scope, headers: dict[str, str]) -> bool:
    """Whether a change was asked for by one of our pages, or by a program that is no browser.

    Every browser sends `Origin` with a POST, PUT or DELETE, and `Sec-Fetch-Site` where the address is this machine's or
    begins with https; what sends neither has no cookies and no pages of others to be misled by.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = headers.get("origin")
    return origin is None or origin.casefold() == f"{scope['scheme']}://{headers.get('host', '')}".casefold()


def _headers(path: str) -> list[tuple[bytes, bytes]]:
    static = path.startswith(STATIC)
    said = {
        "content-security-policy": CANVAS_POLICY if path == CANVAS else PAGE_POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        # The map's sandbox has an origin of its own, and must be able to load the public code in static/.
        "cross-origin-resource-policy": "cross-origin" if static else "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
    if static:
        said["access-control-allow-origin"] = "*"
    if path != CANVAS:
        said["x-frame-options"] = "DENY"
    return [(name.encode(), value.encode()) for name, value in said.items()]


async def _answer(scope: Scope, send: Send, status: int, code: str, message: str, *, last: bool = False) -> None:
    """A refusal: JSON for programs, one line for readers; the last one of a connection says so."""
    if scope["path"].startswith("/api"):
        kind, body = b"application/json", json.dumps({"error": {"code": code, "message": message, "hint": ""}}).encode()
    else:
        kind, body = b"text/plain; charset=utf-8", f"{message}\n".encode()
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    headers += [(b"connection", b"close")] if last else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
