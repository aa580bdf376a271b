"""A client that is polite to the servers it reads from: it waits its turn, tries again, and keeps what it got.

Every request goes through one place, which bounds what may come back (size, time, where redirects lead) and turns
whatever a network can do into one of two outcomes: an answer that its reader could use, or a `SourceError`.
"""

import contextlib
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar
from urllib.parse import urljoin, urlsplit

from paperwright.terminal import one_line

from ..errors import LibraryError, NavigatorError, SourceError
from .kept_answers import KeptAnswers
from .source import NoSuchPlace
from .waits import lasting, reset_after, retry_after

if TYPE_CHECKING:
    import httpx

Read = TypeVar("Read")

RETRIES = 5
LARGEST = 256 << 20  # a page of a thousand OpenReview notes with their replies is tens of megabytes
LONGEST_WAIT = 3_600.0  # OpenReview's limits are by the hour; who asks for more is to be come back to another time
TOLD_WAIT = 10.0  # seconds; a longer wait is told before it begins
REDIRECTS = 5
_SECRETS = ("authorization", "x-api-key", "cookie")
_KEYS = re.compile(r"((?:api_key|key|token|mailto)=)[^&\s]*", re.IGNORECASE)


class NotYet(ValueError):
    """An answer that is whole and still not what it should be: worth another try."""


class Refusal(SourceError):
    """The server does not want this request, now or later."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Reach(TypedDict, total=False):
    """What every source on the network takes, for its `Client`.

    Attributes:
        session: An `httpx.Client` of your own (proxies, certificates); one is made otherwise.
        cache_dir: Where answers are kept, so that reading again within `keep` seconds costs no request.
        keep: How long a kept answer is good, in seconds; a day if not said.
        contact: Your address, for servers that ask to know whom to write to.
        timeout: Seconds that a server may be silent; 30 if not said.
        pause: Least seconds between two requests to one host; each source has its own default.
        pace: Who keeps these pauses; sources share one, so that two readers of a host wait for each other.
        random: Where the jitter of the waits comes from.
        tell: Is told, in a line, of a wait that a reader would wonder about, before it begins.
        client: A `Client`, in place of all the others.
    """

    session: "httpx.Client"
    cache_dir: str | Path
    keep: float
    contact: str
    timeout: float
    pause: float
    pace: "Pace"
    random: Random
    tell: Callable[[str], None]
    client: "Client"


class Pace:
    """When a host may be asked again.

    Args:
        clock: Seconds, never going back.
        sleep: Waits for some seconds.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.clock = clock
        self.sleep = sleep
        self._free: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait(self, host: str, pause: float) -> None:
        """Waits until the host may be asked, and takes that turn."""
        with self._lock:
            now = self.clock()
            turn = max(now, self._free.get(host, now))
            self._free[host] = turn + pause
        if turn > now:
            self.sleep(turn - now)


PACE = Pace()


@dataclass(frozen=True)
class Request:
    """One request, as it is sent and as its answer is kept."""

    method: str
    url: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def name(self) -> str:
        """A name for the answer: the same for the same question, whoever asks."""
        asked = [self.method, self.url, sorted(self.parameters.items()), self.body]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


class Client:
    """Asks servers, patiently.

    A time-out, a broken connection, an answer that is cut short or cannot be read, and the statuses 408, 425, 429 and
    5xx are tried again, five times in all: after what `Retry-After` says, or the body of a 429, up to an hour; else
    after 1, 2, 4, ... seconds, each with a random part of up to half taken off, so that many readers do not come back
    at the same moment.

    Args: see `Reach`.
    """

    def __init__(
        self,
        *,
        session: "httpx.Client | None" = None,
        cache_dir: str | Path | None = None,
        keep: float = 86_400.0,
        contact: str | None = None,
        timeout: float = 30.0,
        pause: float = 0.0,
        pace: Pace = PACE,
        random: Random | None = None,
        largest: int = LARGEST,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        if contact is not None and not re.fullmatch(r"[\x21-\x7e]{3,200}", contact):
            raise NavigatorError(f"contact is an address without spaces, such as you@example.org; got {contact!r:.80}")
        self._session = session
        self._own = session is None
        self.of_one_source = False
        self.kept = KeptAnswers(cache_dir, keep) if cache_dir is not None else None
        self.contact = contact
        self.timeout = timeout
        self.pause = pause
        self.pace = pace
        self.largest = largest
        self._random = random or Random()
        self._tell = tell

    @classmethod
    def reaching(cls, reach: Reach, pause: float) -> "Client":
        """The client that a source was given, or one of its settings, which closes with the source."""
        if "client" in reach:
            return reach["client"]
        client = cls(**{"pause": pause, **reach})  # type: ignore[arg-type]
        client.of_one_source = True
        return client

    def get(
        self,
        url: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        read: Callable[[bytes], Read],
        headers: Mapping[str, str] | None = None,
    ) -> Read:
        """What `read` makes of the answer.

        Args:
            url: Of a scheme http or https.
            parameters: Of the query; those that are None are left out.
            read: Turns the answer's bytes into what is wanted; raises ValueError where they are not that.
            headers: Beyond the usual.

        Raises:
            SourceError: there is no usable answer.
        """
        sent = {name: str(value) for name, value in (parameters or {}).items() if value is not None}
        return self._answer(Request("GET", url, sent, headers or {}), read)

    def post(
        self,
        url: str,
        body: Any,
        parameters: Mapping[str, Any] | None = None,
        *,
        read: Callable[[bytes], Read],
        headers: Mapping[str, str] | None = None,
    ) -> Read:
        """As `get`, with a body of JSON."""
        sent = {name: str(value) for name, value in (parameters or {}).items() if value is not None}
        return self._answer(Request("POST", url, sent, headers or {}, body), read)

    def close(self) -> None:
        """Closes the connections that it opened itself."""
        if self._own and self._session is not None:
            self._session.close()
            self._session = None

    def _answer(self, request: Request, read: Callable[[bytes], Read]) -> Read:
        if self.kept is not None and (kept := self.kept.get(request.name)) is not None:
            with contextlib.suppress(ValueError):  # kept by an earlier version, or spoilt: ask again
                return read(kept)
        wait = 0.0
        reason = ""
        for attempt in range(RETRIES + 1):
            if wait > LONGEST_WAIT:
                break
            if wait >= TOLD_WAIT and self._tell is not None:
                self._tell(f"{_web(request.url)}: {reason}; asking again in {lasting(wait)}")
            if wait:
                self.pace.sleep(wait)
            wait = 2.0**attempt * self._random.uniform(0.5, 1.0)
            try:
                answer = self._fetched(request)
                found = read(answer)
            except _Again as again:
                reason = str(again)
                wait = wait if again.after is None else again.after
            except ValueError as error:
                if isinstance(error, NavigatorError):  # said by the reader for good
                    raise
                reason = f"the answer cannot be read: {error!s:.200}"
            else:
                if self.kept is not None:
                    self.kept.put(request.name, answer)
                return found
        where = _shown(request)
        if wait > LONGEST_WAIT:
            raise SourceError(f"{where}: {reason}; the server asks to come back in {lasting(wait)}")
        raise SourceError(f"{where}: {reason}, after {RETRIES} more tries; try again later")

    def _fetched(self, request: Request) -> bytes:
        """The bytes of the answer, redirects followed."""
        session = self._opened()
        import httpx

        url, headers = request.url, self._headers(request)
        parameters: Mapping[str, str] | None = request.parameters
        for _ in range(REDIRECTS + 1):
            self.pace.wait(_web(url), self.pause)
            try:
                with session.stream(
                    request.method,
                    url,
                    params=parameters or None,  # None keeps the query that a redirect brings
                    headers=headers,
                    json=request.body,
                    timeout=self.timeout,
                    follow_redirects=False,
                ) as response:
                    if response.is_redirect and "location" in response.headers:
                        following = urljoin(str(response.url), response.headers["location"])
                        if _origin(following) != _origin(url):
                            headers = {name: value for name, value in headers.items() if name.lower() not in _SECRETS}
                        url, parameters = following, None
                        continue
                    self._check(response, request)
                    return self._body(response)
            except httpx.InvalidURL as error:
                raise SourceError(f"{_shown(request)}: not an address: {error!s:.200}") from None
            except httpx.TimeoutException:
                raise _Again(f"no answer within {self.timeout:g} s") from None
            except (httpx.HTTPError, httpx.StreamError) as error:
                raise _Again(f"the connection failed ({str(error) or type(error).__name__:.200})") from None
        raise SourceError(f"{_shown(request)}: redirected more than {REDIRECTS} times")

    def _check(self, response: "httpx.Response", request: Request) -> None:
        status = response.status_code
        if status in (408, 425, 429) or status >= 500:
            after = retry_after(response.headers.get("retry-after"))
            if after is None and status == 429:
                after = reset_after(self._beginning(response))
            raise _Again(f"the server answered {status}", after)
        if status != 200:
            said = " ".join(re.sub(r"<[^>]*>|[\x00-\x1f\x7f-\x9f]", " ", self._beginning(response)).split())[:200]
            hint = "; the server wants a key, or refuses you" if status in (401, 403) else ""
            refusal = f"{_shown(request)}: the server answered {status}{hint}{': ' + said if said else ''}"
            raise Refusal(refusal, status)

    def _body(self, response: "httpx.Response") -> bytes:
        body = bytearray()
        until = self.pace.clock() + 10 * self.timeout  # a server that drips is as good as silent
        for part in response.iter_bytes(64 << 10):
            body += part
            if len(body) > self.largest:
                raise SourceError(
                    f"{response.url.host} answers with more than {self.largest:,} bytes; ask for fewer at once"
                )
            if self.pace.clock() > until:
                raise _Again(f"the answer was not whole after {10 * self.timeout:g} s")
        return bytes(body)

    @staticmethod
    def _beginning(response: "httpx.Response") -> str:
        for part in response.iter_bytes(4_000):
            return part.decode(errors="replace")
        return ""

    def _headers(self, request: Request) -> dict[str, str]:
        from paperwright import __version__

        contact = f" (mailto:{self.contact})" if self.contact else ""
        return {"User-Agent": f"paperwright/{__version__}{contact}", **request.headers}

    def _opened(self) -> "httpx.Client":
        if self._session is None:
            try:
                import httpx
            except ModuleNotFoundError:
                raise LibraryError(
                    "reading from the network needs httpx, which is not installed: pip install 'paperwright[navigator]'"
                ) from None
            self._session = httpx.Client()
        return self._session


class _Again(Exception):
    """Not this time; `after` is how many seconds the server asked to wait."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


@contextlib.contextmanager
def place_asked_for(token: str) -> Iterator[None]:
    """Around a request with a token: where the server finds fault with it, the token is no longer known to it."""
    try:
        yield
    except Refusal as refusal:
        if token and refusal.status in (400, 404, 410, 422):
            raise NoSuchPlace(str(refusal)) from None
        raise


def json_of(answer: bytes) -> Any:
    """The JSON of an answer; numbers that JSON does not have (NaN) become null.

    Raises:
        ValueError: it is not JSON, or not whole.
    """
    try:
        return json.loads(answer, parse_constant=lambda _: None)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None


def _web(url: str) -> str:
    """The host of a web address.

    Raises:
        SourceError: it is none.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme.lower() not in ("http", "https"):
        raise SourceError(f"expected an address that begins with https:// or http://; got {url!r:.200}")
    return host


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port
    except ValueError:
        return url, None, None


def _shown(request: Request) -> str:
    """The request in a message, without keys and addresses."""
    query = "&".join(f"{name}={value}" for name, value in request.parameters.items())
    shown = _KEYS.sub(r"\1...", f"{request.url}?{query}" if query else request.url)
    return one_line(shown[:300])
