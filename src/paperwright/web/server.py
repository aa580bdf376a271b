"""Starting the server: on this machine alone unless told otherwise."""

import logging
import socket
from collections.abc import Iterable
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

from paperwright.navigator.errors import LibraryError
from paperwright.web.app import create_app
from paperwright.web.security import LOOPBACK
from paperwright.web.slow_clients import bounded_protocol

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from paperwright.navigator.library import Library

DEFAULT_PORT: Final = 8642

_logger = logging.getLogger("paperwright.web")


def serve(library: "Library", host: str = "127.0.0.1", port: int = DEFAULT_PORT, *, names: Iterable[str] = ()) -> None:
    """Serves a library until it is stopped with Ctrl-C.

    Args:
        library: What is served.
        host: The address to listen on. Anything but loopback lets others read the library and change its tags, for
            there are no accounts: a warning says so.
        port: 0 for one that is free.
        names: Host names by which others may reach the server, beside this machine's own and its addresses.

    Raises:
        LibraryError: the address cannot be listened on.
    """
    import uvicorn

    beyond = not _is_loopback(host)
    if beyond:
        _logger.warning(
            "listening on %s: whoever reaches this port can read the library and change its tags and notes", host
        )
    own = [host, socket.gethostname(), *names] if beyond else names
    app = create_app(library, names=own, addresses=beyond)
    with closing(_listening(host, port)) as sock:
        bound = sock.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        print(f"The library of {len(library):,} papers is at http://{shown}:{bound}/  (Ctrl-C stops)", flush=True)
        if beyond:
            print("Anyone who can reach this address can read it and change its tags and notes.", flush=True)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(settings_of(app)).run(sockets=[sock])


def settings_of(app: "FastAPI") -> "uvicorn.Config":
    """How uvicorn is to serve the application: quietly, and with bounds to slow clients."""
    import uvicorn

    return uvicorn.Config(
        app,
        http=bounded_protocol(),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=20,
    )


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio turns off Nagle's algorithm; else every answer would wait 40 ms for an ACK.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen()  # now, so that who reads the address may ask at once
    except (OSError, OverflowError) as error:
        sock.close()
        reason = getattr(error, "strerror", None) or error
        raise LibraryError(f"cannot listen on {host}:{port}: {reason}; --port chooses another") from None
    return sock


def _is_loopback(host: str) -> bool:
    return host in LOOPBACK or host == "::1" or host.startswith("127.")
