"""Named data sets: arrays ready to use, with what they are.

    >>> from paperwright import data
    >>> digits = data.load("digits")
    >>> digits.train.images.shape, digits.info.licence
    ((1442, 8, 8), 'CC-BY-4.0')

Public sets come from where their authors put them, at a pinned revision. With `PAPERWRIGHT_DATA=DIR` in the
environment they are read from DIR, in the same layout (`DIR/ylecun/mnist/mnist/train-00000-of-00001.parquet`), and
no network is touched. Either way the decoded content is checked against known checksums and kept in a cache
(`PAPERWRIGHT_CACHE` moves it). Sets whose `info.embedded` is true need no file at all.

A further set is one call, in the module of its kind (or in any package, before it is loaded):

    register(hub_images(
        Info("fashion-mnist", "Clothes", shape=(28, 28), classes=CLOTHES, source="huggingface.co/datasets/REPO@COMMIT"),
        "image", train=Part.one("REPO/fashion_mnist/train-00000-of-00001.parquet", "sha256:..."),
    ))

The checksum is that of the content; `DataCorrupted` states it for a file that is not known yet.
"""

from typing import Any

from . import graph_pairs, graphs, images, tables, text  # each fills the catalogue
from .catalogue import entry, names, register
from .dataset import Dataset, Fields, Info
from .embedded import Embedded
from .errors import DataCorrupted, DataUnavailable
from .origin import Given, Hub, Web
from .stored import File, Part, Stored

__all__ = [
    "DataCorrupted",
    "DataUnavailable",
    "Dataset",
    "Embedded",
    "Fields",
    "File",
    "Given",
    "Hub",
    "Info",
    "Part",
    "Stored",
    "Web",
    "available",
    "checksum",
    "graph_pairs",
    "graphs",
    "images",
    "info",
    "load",
    "names",
    "register",
    "require",
    "tables",
    "text",
]


def load(name: str, **options: Any) -> Dataset:
    """Loads a data set.

    Args:
        name: One of :func:`names`.
        options: What the set offers; stored sets take `splits=("test",)` to load only some of their parts.

    Returns:
        The arrays by attribute or key, with `.info`, `.checksum` and `.variant`.

    Raises:
        DataUnavailable: No set has this name, or its files cannot be had; the message says what to do.
        DataCorrupted: A file is truncated, altered or not what it should be.
        TypeError: The set has no such option.
    """
    return entry(name).load(**options)


def info(name: str) -> Info:
    """The facts about a set, without loading it."""
    return entry(name).info


def checksum(name: str) -> str:
    """The checksum of the content that `load(name)` gives; after the first time it costs a few file stats."""
    return entry(name).checksum()


def available(name: str) -> bool:
    """Whether `load(name)` would work now without a network."""
    return entry(name).missing() == ""


def require(name: str) -> None:
    """Makes sure that the set is at hand, downloading it if that is allowed.

    Raises:
        DataUnavailable: It is not, and cannot be had.
    """
    entry(name).require()
