"""Values computed from a whole library: made once, kept until the library changes, in memory or in a file."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Derived:
    """Named values, each good for one state of the library."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, tuple[Hashable, Future[Any]]] = {}

    def value(self, name: str, state: Hashable, make: Callable[[], T]) -> T:
        """The value of this name for this state; `make` is called once, whoever else asks meanwhile waits for it.

        A `make` that fails is tried again by the next one who asks.
        """
        with self._lock:
            known = self._values.get(name)
            if known is not None and known[0] == state:
                future, mine = known[1], False
            else:
                future, mine = Future(), True
                self._values[name] = state, future
        if not mine:
            value: T = future.result()
            return value
        try:
            made = make()
        except BaseException as error:
            with self._lock:
                if self._values.get(name) == (state, future):
                    del self._values[name]
            future.set_exception(error)
            raise
        future.set_result(made)
        return made

    def forget(self) -> None:
        """Lets go of every value."""
        with self._lock:
            self._values.clear()
