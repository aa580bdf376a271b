"""What it costs to come in: a first command, an import, a library opened, an answer fetched, a set loaded again.

These are the waits that a person notices. The tests hold the work behind them (what is imported, read or computed);
how long it takes is of a machine, and is measured here, beside what Python itself takes.
"""

import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from harness import Benchmark, main

from paperwright import data

FOLDER = tempfile.TemporaryDirectory(prefix="front-door-")


def python(*arguments):
    return lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def commands(title, contenders, seconds):
    """Processes of their own, the first of which is ours."""
    bench = Benchmark("front_door", title, unit="process")
    for number, (name, arguments) in enumerate(contenders.items()):
        bench.contender(name, ours=number == 0)(lambda size, arguments=arguments: python(*arguments))
    bench.sizes([1])
    bench.aim(seconds=seconds)
    return bench


listed = commands(
    "every card read",
    {"paperwright list": ("-m", "paperwright", "list"), "python": ("-c", ""), "pip list": ("-m", "pip", "list")},
    0.3,
)
entered = commands(
    "the navigator imported",
    {
        "from paperwright.navigator import Library": ("-c", "from paperwright.navigator import Library"),
        "import numpy, jaxtyping (which every wing needs)": ("-c", "import numpy, jaxtyping"),
        "import sklearn": ("-c", "import sklearn"),
    },
    0.5,
)


def library_of(records):
    """A folder with a library of so many records."""
    from paperwright.navigator import Library, Paper

    folder = Path(FOLDER.name, f"{records} records")
    shutil.rmtree(folder, ignore_errors=True)
    with Library.create(folder) as library:
        library.add(Paper(id=f"p{n}", title=f"On graph curvature, part {n}") for n in range(records))
    return folder


opened = Benchmark("front_door", "a library opened", unit="records")


@opened.contender("Library.open", ours=True)
def ours_opened(size):
    from paperwright.navigator import Library

    folder = library_of(size)

    def work():
        with Library.open(folder):
            pass

    return work


opened.sizes([500, 5_000])
opened.aim(seconds=0.5)

answered = Benchmark(
    "front_door", "a small answer of the web server (40 ms more, if it waited for an ACK)", unit="answer"
)


@answered.contender("GET /api/tags", ours=True)
def ours_answered(size):
    import httpx
    import uvicorn

    from paperwright.navigator import Library
    from paperwright.web import create_app
    from paperwright.web.server import _listening

    sock = _listening("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(Library.open(library_of(100))), log_level="critical"))
    threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True).start()
    client = httpx.Client(base_url=f"http://127.0.0.1:{sock.getsockname()[1]}")
    return lambda: client.get("/api/tags").raise_for_status()


answered.sizes([1])
answered.aim(seconds=0.03)

again = Benchmark("front_door", "a set loaded again", unit="set")


@again.contender("data.load", ours=True)
def ours_again(size):
    name = "mnist" if data.available("mnist") else "pydoc"
    data.load(name)
    return lambda: data.load(name)


@again.contender("data.checksum")
def checksum_again(size):
    name = "mnist" if data.available("mnist") else "pydoc"
    data.checksum(name)
    return lambda: data.checksum(name)


again.sizes([1])
again.aim(seconds=0.5)

looks = Benchmark("front_door", "the levels of looks, computed anew", unit="looks")


@looks.contender("look_levels", ours=True)
def ours_looks(size):
    from paperwright.stats import look_levels
    from paperwright.stats.looks import _levels

    def work():
        _levels.cache_clear()
        return look_levels(range(5, 5 * size + 1, 5))

    return work


looks.sizes([5, 20, 60], quick=[5])
looks.aim(seconds=0.05, size=5)

if __name__ == "__main__":
    main(listed, entered, opened, answered, again, looks)
