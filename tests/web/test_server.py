"""Starting and stopping the server as a process of its own."""

import asyncio
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from paperwright.navigator.errors import LibraryError
from paperwright.navigator.library import Library
from paperwright.web import serve
from paperwright.web.server import _listening

START = """
import sys
from paperwright.navigator.library import Library
from paperwright.web import serve
serve(Library.open(sys.argv[1]), sys.argv[2], 0)
"""


@pytest.mark.parametrize(("host", "warns"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_it_says_where_it_is_answers_and_stops_at_ctrl_c(shelf: Path, host: str, warns: bool) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", START, str(shelf), host], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        said = process.stdout.readline()
        port = re.search(r"is at http://[^:]+:(\d+)/", said)[1]
        assert "82 papers" in said
        warned = process.stdout.readline() if warns else ""
        assert httpx.get(f"http://127.0.0.1:{port}/api/tags").json() == {"tags": {}}
        assert httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": "evil.example"}).status_code == 421
    finally:
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=30)
    assert process.returncode == 0
    assert ("can read it and change its tags" in warned) is warns
    assert "Traceback" not in complaints
    assert bool(complaints) is warns  # the warning also goes to the log


def test_an_answer_does_not_wait_for_an_acknowledgement() -> None:
    """Small replies leave at once (no Nagle): else each costs 40 ms, however fast the search is."""

    async def accepted(sock: socket.socket) -> int:
        connected: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            its_own = writer.get_extra_info("socket")
            connected.set_result(its_own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(answer, sock=sock):
            _, writer = await asyncio.open_connection(*sock.getsockname())
            try:
                return await connected
            finally:
                writer.close()
                await writer.wait_closed()

    with ThreadPoolExecutor(1) as apart:  # a browser's loop may run in this thread
        assert apart.submit(lambda: asyncio.run(accepted(_listening("127.0.0.1", 0)))).result()


def test_an_address_that_is_taken_is_said(shelf: Path) -> None:
    with socket.socket() as taken, Library.open(shelf) as library:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LibraryError, match="cannot listen on"):
            serve(library, port=taken.getsockname()[1])
        with pytest.raises(LibraryError, match="cannot listen on"):
            serve(library, port=70_000)


def test_the_door_is_cheap() -> None:
    """Naming the package loads neither FastAPI nor what computes; the pages themselves never load torch."""
    code = """
import sys, paperwright.web
print([name for name in ("fastapi", "torch", "sklearn", "numpy") if name in sys.modules])
paperwright.web.create_app
print([name for name in ("torch", "sklearn", "umap", "pacmap") if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["[]", "[]"]
