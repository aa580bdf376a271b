"""A small set of generated images in the hub's layout, so that every step is tested without any real file."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from paperwright import data
from paperwright.data import catalogue
from paperwright.data.content import checksum_of_arrays
from paperwright.data.images import labelled_images, splits

REPO = "someone/tiny"
COLUMNS = {"train": 12, "test": 4}


def tiny_content(split: str) -> dict[str, np.ndarray]:
    random = np.random.default_rng(len(split))
    count = COLUMNS[split]
    return {
        "images": random.integers(0, 256, (count, 5, 7), dtype=np.uint8),
        "labels": np.arange(count, dtype=np.int64) % 3,
    }


def write_tiny(directory: Path, split: str, content: dict[str, np.ndarray] | None = None) -> Path:
    """A split as the hub stores it: a struct of PNG bytes and a path, and a column of labels."""
    import pyarrow
    import pyarrow.parquet
    from PIL import Image

    content = content or tiny_content(split)
    encoded = []
    for image in content["images"]:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format="PNG")
        encoded.append({"bytes": buffer.getvalue(), "path": None})
    struct = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    table = pyarrow.table({"image": pyarrow.array(encoded, type=struct), "label": content["labels"]})
    path = directory / REPO / "plain" / f"{split}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table, path)
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a cache of its own."""
    monkeypatch.setenv("PAPERWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def as_users_meet_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own checks of bad input, which the type checks of the test run would forestall."""
    from jaxtyping import config

    monkeypatch.setattr(config, "jaxtyping_disable", True)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory in the place of PAPERWRIGHT_DATA."""
    path = tmp_path / "data"
    path.mkdir()
    monkeypatch.setenv("PAPERWRIGHT_DATA", str(path))
    return path


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[[catalogue.Entry], None]:
    """Registers an entry until the test ends."""
    monkeypatch.setattr(catalogue, "_entries", dict(catalogue._entries))
    return data.register


def tiny_entry(origin: data.Hub | data.Web) -> data.Stored:
    return data.Stored(
        data.Info("tiny", "Noise", shape=(5, 7), sizes=COLUMNS, classes=("a", "b", "c"), source="nowhere", extra="hub"),
        origin,
        {
            split: data.Part(
                (data.File(f"{REPO}/plain/{split}.parquet"),), known={checksum_of_arrays(tiny_content(split)): ""}
            )
            for split in COLUMNS
        },
        labelled_images("image", (5, 7), 3),
        splits,
        modules=("pyarrow", "PIL"),
    )


@pytest.fixture
def tiny(directory: Path, register: Callable[[catalogue.Entry], None]) -> Path:
    """The set `tiny`, with its files in the directory."""
    register(tiny_entry(data.Hub(REPO, "0" * 40)))
    for split in COLUMNS:
        write_tiny(directory, split)
    return directory / REPO / "plain"


@pytest.fixture
def content() -> Callable[[str], dict[str, np.ndarray]]:
    """The arrays that `tiny` holds, by split."""
    return tiny_content


@pytest.fixture
def write() -> Callable[..., Path]:
    """Writes a split of `tiny` into a directory, with other content if given."""
    return write_tiny


@pytest.fixture
def entry_from() -> Callable[[data.Hub | data.Web], data.Stored]:
    """The entry of `tiny` with files from elsewhere."""
    return tiny_entry
