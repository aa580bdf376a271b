"""A small library with a conference's worth of trouble in it, and a real server for it: for the tests of the web."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import uvicorn

from paperwright.navigator.library import Library
from paperwright.navigator.paper import Paper
from paperwright.registry import registry
from paperwright.web import create_app
from paperwright.web.server import settings_of

MARKUP = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
FIELDS = {
    "reinforcement learning": ("policy", "reward", "agent", "exploration", "value function", "offline data"),
    "graph neural networks": ("node", "edge", "message passing", "curvature", "isomorphism", "molecule"),
    "language models": ("token", "prompt", "pretraining", "translation", "attention", "vocabulary"),
    "generative models": ("diffusion", "likelihood", "sampling", "image synthesis", "latent", "score"),
}
DECISIONS = ("Oral", "Spotlight", "Poster", "Poster", "Reject", "Reject", "Withdrawn")


def papers() -> list[Paper]:
    """Eighty papers of four fields, one with markup wherever a record has text, and one that has a room."""
    made = []
    for number in range(80):
        field = list(FIELDS)[number % 4]
        words = FIELDS[field]
        first, second, third = (words[(number // 4 + step) % 6] for step in (0, 1, 3))
        rating = 3.0 + number % 6
        made.append(
            Paper(
                id=f"p{number:03}",
                title=f"On {first} and {second} in {field}, part {number}",
                authors=(f"Ada Author{number % 7}", f"Bo Writer{number % 5}"),
                abstract=f"We study {first} with {second}. Our {field} use {third}. Results on {third} improve.",
                keywords=(field, first),
                tldr=f"{first} helps {second}." if number % 3 else "",
                venue="ICLR" if number % 2 else "NeurIPS",
                year=2020 + number % 3,
                decision=DECISIONS[number % 7],
                ratings=(rating, rating + 1, rating + 2),
                history=(("2021-11-09", (rating, rating)),),
                published=f"20{20 + number % 3}-0{1 + number % 9}-11",
                urls={"paper": f"https://example.org/{number}", "pdf": "javascript:alert(1)"},
                code_urls=("https://example.org/code",) if number % 5 == 0 else (),
                source="test",
            )
        )
    made.append(
        Paper(
            id="doi:10.1/x/y",
            title=f"Markup {MARKUP} in a title",
            authors=(MARKUP,),
            abstract=MARKUP,
            keywords=(MARKUP,),
        )
    )
    room = registry().rooms()[0]
    made.append(Paper(id="roomed", title=room.card.title, year=room.card.year, raw={"room": room.name}, source="test"))
    return made


@dataclass(frozen=True)
class Served:
    """A server in a thread, the library behind it, and its address."""

    address: str
    library: Library


@contextlib.contextmanager
def serving(library: Library) -> Iterator[Served]:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    server = uvicorn.Server(settings_of(create_app(library)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield Served(f"http://127.0.0.1:{sock.getsockname()[1]}", library)
    finally:
        server.should_exit = True
        thread.join(10)
        sock.close()
