"""The small library served by a real uvicorn server, and a real browser to look at it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from real_browser import SWITCHES, Open, chromium, watched
from small_library import Served, papers, serving

from paperwright.navigator.library import Library


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the library that the tests copy."""
    folder = tmp_path_factory.mktemp("library") / "shelf"
    with Library.create(folder) as library:
        library.add(papers())
    return folder


@pytest.fixture(scope="module")
def served(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A copy of the library, served for the tests of one file."""
    folder = tmp_path_factory.mktemp("served") / "library"
    shutil.copytree(shelf, folder)
    with Library.open(folder) as library, serving(library) as server:
        yield server


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=served.address, timeout=30, verify=False
    ) as client:  # no TLS here, and so no roots to read
        yield client


@pytest.fixture(scope="session")
def playwright() -> Iterator[Any]:
    with pytest.importorskip("playwright.sync_api").sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Any) -> Iterator[Any]:
    with chromium(playwright, *SWITCHES) as browser:
        yield browser


@pytest.fixture
def opened(browser: Any, served: Served) -> Iterator[Open]:
    """Opens a page; whatever it complains of, or asks of anyone else, fails the test."""
    contexts, complaints = [], list[str]()

    def open_page(address: str, **options: Any) -> Any:
        context = watched(browser, served, complaints, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints
