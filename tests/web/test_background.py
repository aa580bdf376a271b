"""Work in the background: begun once, and for whoever looks at it of one moment."""

import threading
import time

from paperwright.web.background import Background


def test_what_a_page_was_told_does_not_change_while_it_is_written() -> None:
    background, may_end = Background(), threading.Event()

    def make() -> str:
        may_end.wait(10)
        return "made"

    told = background.work("map", 1, make)
    may_end.set()
    until = time.monotonic() + 10
    while (now := background.known("map", 1)) is not None and now.state != "done" and time.monotonic() < until:
        time.sleep(0.001)
    assert now is not None
    assert (now.state, now.result) == ("done", "made")
    assert (told.state, told.result) == ("running", None)
    assert background.work("map", 1, make).result == "made"  # and it is not made again
    assert background.known("map", 2) is None
