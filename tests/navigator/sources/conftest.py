"""What the tests of sources share: a client whose waits take no time."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import httpx
import pytest
from local_site import Watch

from paperwright.navigator.sources.http import Client, Pace


@pytest.fixture
def watch() -> Watch:
    """The clock that the clients of this test wait by."""
    return Watch()


@pytest.fixture
def client_with(watch: Watch) -> Iterator[Callable[..., Client]]:
    """Makes clients that sleep on the watch, and closes them."""
    sessions = []

    def make(**settings: Any) -> Client:
        session = httpx.Client(trust_env=False, verify=False)  # no certificates to load: these servers speak plainly
        sessions.append(session)
        return Client(**{"session": session, "pace": Pace(watch, watch.sleep), "random": Random(0), **settings})

    yield make
    for session in sessions:
        session.close()


@pytest.fixture
def client(client_with: Callable[..., Client]) -> Client:
    return client_with()
