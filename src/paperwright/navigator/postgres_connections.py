"""Connections to a PostgreSQL server: a few kept open, broken ones replaced, and errors that give no password away."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import LibraryError, NavigatorError

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")

AT_MOST = 8
"""Connections that one index keeps: a server gives some hundred to all who ask."""
SETTINGS = {
    # A network that swallows packets is noticed after about a minute, not after the two hours of the system's default.
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "application_name": "paperwright",
}
# Compiling costs more than these queries take, and plans are made for the filter that is there, not for one like it.
_SESSION = "SET jit = off; SET plan_cache_mode = force_custom_plan"


class Connections:
    """A pool of connections.

    Args:
        address: "postgresql://user:password@host/database", as libpq reads it; what it leaves out comes from the
            environment (`PGHOST`, `PGPASSFILE` and so on).

    Raises:
        NavigatorError: psycopg is not installed, or the address cannot be read.
    """

    def __init__(self, address: str) -> None:
        try:
            import psycopg
            from psycopg import conninfo
        except ImportError:
            raise NavigatorError(
                "a library in PostgreSQL needs psycopg and pgvector: pip install 'paperwright[navigator-postgres]'"
            ) from None
        self._psycopg = psycopg
        try:
            self._settings: dict[str, Any] = SETTINGS | conninfo.conninfo_to_dict(address)
        except psycopg.Error:  # its message may quote the password
            raise NavigatorError(
                "the address of the PostgreSQL server cannot be read; expected postgresql://user:password@host:5432/database"
            ) from None
        self._free: list[psycopg.Connection[Any]] = []
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_MOST)
        self._closed = False

    @property
    def server(self) -> str:
        """Where it connects to, without user and password, for messages."""
        host, port = self._settings.get("host", "localhost"), self._settings.get("port")
        return f"{host}{f':{port}' if port else ''}/{self._settings.get('dbname', '')}".rstrip("/")

    def reading(self, work: "Callable[[psycopg.Connection[Any]], T]") -> T:
        """What `work` returns, each of its statements a transaction of its own; done again if the connection was lost.

        Raises:
            LibraryError: the server cannot be reached, or refuses.
        """
        for attempt in (1, 2):
            try:
                with self._borrowed() as connection:
                    return work(connection)
            except self._psycopg.OperationalError as error:
                lost = connection_lost(error)
                if not lost or attempt == 2:
                    raise self.failed(error) from None
                self.forget()
            except self._psycopg.Error as error:
                raise self.failed(error) from None
        raise AssertionError("unreachable")

    def writing(self, work: "Callable[[psycopg.Connection[Any]], T]") -> T:
        """What `work` returns, done in one transaction; done again if the connection was lost.

        It must come to the same when it is done twice: whether a commit arrived that was not answered cannot be known.

        Raises:
            LibraryError: the server cannot be reached, or refuses.
        """

        def at_once(connection: "psycopg.Connection[Any]") -> T:
            with connection.transaction():
                return work(connection)

        return self.reading(at_once)

    def failed(self, error: "psycopg.Error") -> LibraryError:
        """The error as one line."""
        said = error.diag.message_primary or str(error) or type(error).__name__
        said = " ".join(f"{said}; {error.diag.message_hint}".split() if error.diag.message_hint else said.split())
        if password := self._settings.get("password"):
            said = said.replace(str(password), "***")
        return LibraryError(f"PostgreSQL at {self.server}: {said:.300}")

    def forget(self) -> None:
        """Closes the connections that nobody uses."""
        with self._lock:
            free, self._free = self._free, []
        for connection in free:
            connection.close()

    def close(self) -> None:
        self._closed = True
        self.forget()

    @contextmanager
    def _borrowed(self) -> "Iterator[psycopg.Connection[Any]]":
        with self._turns:
            with self._lock:
                connection = self._free.pop() if self._free else None
            if connection is None:
                connection = self._new()
            try:
                yield connection
            finally:
                if self._closed or connection.closed or connection.broken:
                    connection.close()
                else:
                    with self._lock:
                        self._free.append(connection)

    def _new(self) -> "psycopg.Connection[Any]":
        try:
            # Without prepared statements, so that a pooler such as PgBouncer may stand between.
            connection = self._psycopg.connect(**self._settings, autocommit=True, prepare_threshold=None)
        except self._psycopg.OperationalError as error:
            reason = self.failed(error)
            raise LibraryError(
                f"{reason}; is the server running, and do host, port, user and password in its address hold?"
            ) from None
        connection.execute(_SESSION)
        return connection


def connection_lost(error: "psycopg.OperationalError") -> bool:
    """Whether the connection is gone, rather than the server unwilling."""
    # Class 57P: the server is shutting down or was told to end the session. No code at all: nobody answered.
    return error.sqlstate is None or error.sqlstate.startswith(("57P", "08"))
