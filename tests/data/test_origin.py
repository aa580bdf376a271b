"""Where files come from, with servers on this machine in the place of the hub and the web."""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from paperwright import data

COMMIT = "0" * 40


class _Files(BaseHTTPRequestHandler):
    """Serves a directory, and states what the hub states of a large file: its commit, size and SHA-256."""

    root: Path
    stated: str | None = None

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        file = self.root / self.path.lstrip("/").replace(f"datasets/someone/tiny/resolve/{COMMIT}", "someone/tiny")
        if not file.is_file():
            self.send_error(404)
            return
        content = file.read_bytes()
        stated = self.stated or hashlib.sha256(content).hexdigest()
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{stated}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, type[_Files]]]:
    monkeypatch.delenv("PAPERWRIGHT_DATA", raising=False)
    handler = type("Handler", (_Files,), {"root": tmp_path / "served"})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", handler
        running.shutdown()
        thread.join()


@pytest.fixture
def from_web(server, tmp_path, register, entry_from, write):
    address, handler = server
    for split in ("train", "test"):
        write(handler.root, split)
    files = {f"someone/tiny/plain/{split}.parquet" for split in ("train", "test")}
    register(entry_from(data.Web({file: f"{address}/{file}" for file in files})))
    return handler


def test_files_from_the_web(from_web, content, cache):
    assert not data.available("tiny")
    np.testing.assert_array_equal(data.load("tiny").train.images, content("train")["images"])
    assert data.available("tiny")
    (from_web.root / "someone/tiny/plain/train.parquet").unlink()  # no longer needed
    np.testing.assert_array_equal(data.load("tiny").train.images, content("train")["images"])


def test_nothing_at_the_address(from_web):
    (from_web.root / "someone/tiny/plain/test.parquet").unlink()
    with pytest.raises(data.DataUnavailable, match=r"test\.parquet cannot be downloaded from .*set PAPERWRIGHT_DATA"):
        data.require("tiny")


def test_something_else_at_the_address(from_web, write):
    (from_web.root / "someone/tiny/plain/test.parquet").write_bytes(b"<html>not found</html>")
    with pytest.raises(data.DataCorrupted, match=r"test\.parquet"):
        data.load("tiny")


def test_the_same_content_from_anywhere_has_the_same_checksum(from_web, tmp_path, write, monkeypatch):
    from_the_web = data.checksum("tiny")
    for split in ("train", "test"):
        write(tmp_path / "elsewhere", split)
    monkeypatch.setenv("PAPERWRIGHT_DATA", str(tmp_path / "elsewhere"))
    assert data.checksum("tiny") == from_the_web


# The hub's client reads its address when it is imported, so it is exercised in processes of its own.
SCRIPT = """
import warnings; warnings.simplefilter("ignore")
from paperwright import data
from paperwright.data.images import labelled_images, splits
part = data.Part((data.File("someone/tiny/plain/test.parquet"),), known={known})
data.register(data.Stored(data.Info("tiny", "", extra="hub", source="the hub"), data.Hub("someone/tiny", "{commit}"),
                          dict(test=part), labelled_images("image", (5, 7), 3), splits, ("pyarrow", "PIL")))
print("before", data.available("tiny"))
try:
    print("loaded", data.load("tiny").test.images.sum(), data.available("tiny"))
except Exception as error:
    print(type(error).__name__, error)
"""


def _hub(address: str, tmp_path: Path, known: dict[str, str], **env: str) -> list[str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "PAPERWRIGHT_DATA"))}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(known=known, commit=COMMIT)],
        env={**inherited, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_DISABLE_XET": "1", **env},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()


@pytest.mark.slow
def test_files_from_the_hub(server, tmp_path, write, content):
    pytest.importorskip("huggingface_hub")
    address, handler = server
    write(handler.root, "test")
    expected = f"loaded {content('test')['images'].sum()} True"
    # The content's checksum is not known here: the SHA-256 that the hub states is what it is checked against.
    assert _hub(address, tmp_path, known={}) == ["before False", expected]
    # From now on it is in the hub's own cache, and the network is not needed.
    nowhere = "http://127.0.0.1:9"
    assert _hub(nowhere, tmp_path, known={}) == ["before True", expected]


@pytest.mark.slow
def test_the_hub_out_of_reach_or_wrong(server, tmp_path, write):
    pytest.importorskip("huggingface_hub")
    address, handler = server
    said = _hub("http://127.0.0.1:9", tmp_path, known={})
    assert said[0] == "before False"
    assert said[1].startswith("DataUnavailable someone/tiny/plain/test.parquet cannot be downloaded from the Hugging")
    assert "set PAPERWRIGHT_DATA" in said[1]
    write(handler.root, "test")
    handler.stated = "f" * 64
    (corrupted,) = _hub(address, tmp_path, known={})[1:]
    assert corrupted.startswith("DataCorrupted")
    assert f"expected {'f' * 64}" in corrupted


def test_an_optional_part_may_be_lacking_only_in_a_directory(from_web, register, tmp_path, monkeypatch, write):
    from paperwright.data import catalogue

    entry = catalogue.entry("tiny")
    train, test = entry.parts["train"], entry.parts["test"]
    parts = {"train": data.Part(train.files, train.known, optional=True), "test": test}
    register(data.Stored(**{**vars(entry), "info": data.Info("partial", "", source="nowhere"), "parts": parts}))
    assert list(data.load("partial")) == ["train", "test"]
    monkeypatch.setenv("PAPERWRIGHT_DATA", str(tmp_path / "partial"))
    write(tmp_path / "partial", "test")
    assert data.available("partial")
    assert list(data.load("partial")) == ["test"]
    assert data.load("partial").checksum == data.checksum("partial") == next(iter(test.known))
    with pytest.raises(data.DataUnavailable, match=r"train\.parquet does not exist"):
        data.load("partial", splits=["train"])
