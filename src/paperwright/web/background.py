"""Work too long for a request, such as laying out the map: done once in a thread, while pages say how far it is."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from paperwright.navigator.errors import NavigatorError

MOST_KEPT = 50

_logger = logging.getLogger("paperwright.web")


@dataclass
class Work:
    """One piece of work and how it stood when it was asked for; a page that looks twice sees the same."""

    name: str
    began: float = field(default_factory=time.monotonic)
    state: Literal["running", "done", "failed"] = "running"
    result: Any = None
    message: str = ""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


class Background:
    """Pieces of work by name and by the revision of the library that they are about."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._work: dict[str, tuple[object, Work]] = {}

    def work(self, name: str, revision: object, make: Callable[[], Any], *, patience: float = 0.0) -> Work:
        """The work of this name, begun if it is not yet; waited for during `patience` seconds."""
        with self._lock:
            known = self._work.get(name)
            if known is None or known[0] != revision or known[1].state == "failed":
                work = Work(name)
                self._work[name] = (revision, work)
                self._forget()
                thread = threading.Thread(target=_do, args=(work, make), name=f"paperwright-{name}", daemon=True)
                thread.start()
            else:
                work, thread = known[1], None
        if thread is not None and patience:
            thread.join(patience)
        return replace(work)  # the state before the result, as they stand in the class: what is done has its result

    def known(self, name: str, revision: object) -> Work | None:
        """The work of this name, if it was begun."""
        with self._lock:
            known = self._work.get(name)
        return replace(known[1]) if known is not None and known[0] == revision else None

    def _forget(self) -> None:
        """Lets go of the oldest results, so that those of many different questions do not pile up."""
        done = [name for name, (_, work) in self._work.items() if work.state != "running"]
        for name in done[: max(0, len(self._work) - MOST_KEPT)]:
            del self._work[name]


def _do(work: Work, make: Callable[[], Any]) -> None:
    try:
        work.result = make()
        work.state = "done"
    except NavigatorError as error:
        work.message, work.state = str(error), "failed"
    except Exception:
        _logger.exception("%s failed", work.name)
        work.message, work.state = "it failed; the server's log says how", "failed"
