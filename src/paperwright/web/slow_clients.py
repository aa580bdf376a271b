"""Clients that are slow, on purpose or not: how long one may take for a header, and how many there may be at once.

uvicorn waits for a header for ever, and where there are too many connections it refuses whoever comes next: a hundred
clients that say nothing would keep all others out. Here a header has its time, and where there are too many connections
the one that has been quiet longest gives way. How long a body may take is the guard's business (see `security`).
"""

import asyncio
from typing import Any, Final

HEADER_SECONDS: Final = 10.0
MOST_CONNECTIONS: Final = 300


class _Bounded(asyncio.Protocol):
    """What is put before one of uvicorn's protocols, whose attributes are those without an underscore."""

    connections: set[Any]
    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    cycle: Any
    _heard = 0.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._heard = self.loop.time()
        self._wait_for_a_header()
        if len(self.connections) > MOST_CONNECTIONS:
            quiet = [one for one in self.connections if one.is_idle and one is not self]
            min(quiet, key=lambda one: one._heard, default=self).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._heard, before = self.loop.time(), self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._wait_no_more()
        elif self.is_idle:
            self._wait_for_a_header()

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def _wait_for_a_header(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEADER_SECONDS, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def bounded_protocol() -> type[asyncio.Protocol]:
    """The protocol that uvicorn would choose, with these bounds."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    return type("BoundedProtocol", (_Bounded, AutoHTTPProtocol), {})
