"""The published sets themselves, where PAPERWRIGHT_DATA holds them."""

import hashlib
import os
import struct

import numpy as np
import pytest

from paperwright import data

STORED = [name for name in data.names() if not data.info(name).embedded]
HERE = {name for name in STORED if os.environ.get("PAPERWRIGHT_DATA") and data.available(name)}


def needs(name):
    return pytest.mark.skipif(name not in HERE, reason=f"{name} is not in PAPERWRIGHT_DATA")


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("published")


@pytest.fixture(autouse=True)
def _keep_decoded(shared_cache, cache, monkeypatch):
    monkeypatch.setenv("PAPERWRIGHT_CACHE", str(shared_cache))


@pytest.mark.parametrize("name", [pytest.param(name, marks=needs(name)) for name in STORED])
def test_is_what_its_info_says(name):
    loaded = data.load(name)
    info = loaded.info
    for split in set(loaded) & {"train", "test"} if info.classes else ():
        if hasattr(loaded[split], "images"):
            assert loaded[split].images.shape == (info.sizes[split], *info.shape)
            assert set(np.unique(loaded[split].labels)) == set(range(len(info.classes)))
    if "graph" in loaded:
        assert tuple(loaded.graph.x.shape) == info.shape
        assert set(loaded.graph.y.tolist()) == set(range(len(info.classes)))
        loaded.graph.validate()
    assert loaded.checksum == data.checksum(name)


@needs("mnist")
@pytest.mark.slow
def test_mnist_is_the_original():
    """Written as LeCun's IDX files, the content has the well-known SHA-256 of those files."""
    mnist = data.load("mnist")
    for split, images, labels in (
        (
            mnist.train,
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        (
            mnist.test,
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ):
        count = len(split.images)
        idx = struct.pack(">4i", 2051, count, 28, 28) + split.images.tobytes()
        assert hashlib.sha256(idx).hexdigest() == images
        idx = struct.pack(">2i", 2049, count) + split.labels.astype(np.uint8).tobytes()
        assert hashlib.sha256(idx).hexdigest() == labels


@needs("cifar10")
@pytest.mark.slow
def test_cifar10_says_which_copy_it_is():
    cifar = data.load("cifar10", splits=["test"])
    assert np.bincount(cifar.test.labels).tolist() == [1000] * 10
    assert "JPEG" in cifar.variant or cifar.variant == ""


@pytest.mark.parametrize(
    ("name", "edges"),
    [  # the counts that torch_geometric's documentation states
        ("webkb/cornell", 298),
        ("webkb/texas", 325),
        ("webkb/wisconsin", 515),
        ("planetoid/cora", 10_556),
        ("planetoid/citeseer", 9_104),
    ],
)
def test_graphs_are_those_of_torch_geometric(name, edges):
    if name not in HERE:
        pytest.skip(f"{name} is not in PAPERWRIGHT_DATA")
    assert data.load(name).graph.num_edges == edges


@needs("rdp_tuning/lr_acc")
def test_learning_rates():
    table = data.load("rdp_tuning/lr_acc")
    assert len(table.learning_rate) == 1012
    assert (np.diff(table.learning_rate) > 0).all()
    assert ((table.accuracy > 0) & (table.accuracy < 1)).all()


@needs("tiny_shakespeare")
def test_tiny_shakespeare():
    text = data.load("tiny_shakespeare").text
    assert text.startswith("First Citizen:\nBefore we proceed any further, hear me speak.")
    assert (len(text), len(set(text))) == (1_115_394, 65)


@needs("wikitext-2")
def test_wikitext():
    wikitext = data.load("wikitext-2", splits=["validation", "test"])
    # Counted as in Merity et al. (2016), Table 1: with one end-of-line token a line.
    for split, tokens in (("validation", 217_646), ("test", 245_569)):
        lines = wikitext[split].text.splitlines()
        assert sum(len(line.split()) + 1 for line in lines) == pytest.approx(
            tokens, abs=data.info("wikitext-2").sizes[split]
        )
