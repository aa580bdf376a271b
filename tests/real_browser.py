"""A real headless Chromium for the tests of the web, watched: what a page must never do fails the test."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from small_library import Served

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
SWITCHES = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

Open = Callable[..., Any]


@contextmanager
def chromium(started: Any, *switches: str) -> Iterator[Any]:
    """A browser of a started playwright; the test is skipped where none is installed."""
    found = CHROMIUM or started.chromium.executable_path
    if not Path(found).exists():
        pytest.skip("no Chromium is installed; `playwright install chromium` brings one")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    browser = started.chromium.launch(executable_path=found, args=[*sandbox, *switches])
    try:
        yield browser
    finally:
        browser.close()


def watched(browser: Any, served: Served, complaints: list[str], **options: Any) -> Any:
    """A context of its own that notes errors, dialogs and requests to anyone else."""
    context = browser.new_context(base_url=served.address, **options)

    def asked(request: Any) -> None:
        if not request.url.startswith((served.address, "data:", "blob:")):
            complaints.append(f"asked for {request.url}")

    context.on("request", asked)
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("dialog", lambda dialog: complaints.append(dialog.message))
    context.set_default_timeout(15_000)
    return context
