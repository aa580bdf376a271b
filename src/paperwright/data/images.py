"""Labelled images: `.train.images` uint8 [count, height, width(, 3)], `.train.labels` int64 [count], `.test` alike."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .catalogue import register
from .content import Arrays
from .dataset import Fields, Info
from .embedded import Embedded
from .origin import Hub
from .parquet import column, image_bytes
from .stored import Part, Stored


def labelled_images(image: str, shape: tuple[int, ...], classes: int) -> Callable[[Sequence[Path]], Arrays]:
    """A decoder of the hub's image tables: encoded images in the column `image`, class numbers in `label`."""
    height, width, *channels = shape
    mode = "RGB" if channels else "L"

    def decode(files: Sequence[Path]) -> Arrays:
        from io import BytesIO

        from PIL import Image

        encoded = [data for file in files for data in image_bytes(file, image)]
        labels = np.concatenate([column(file, "label") for file in files]).astype(np.int64)
        if len(labels) and not (labels.min() >= 0 and labels.max() < classes):
            raise ValueError(f"labels reach from {labels.min()} to {labels.max()}, expected 0 to {classes - 1}")
        images = np.empty((len(encoded), *shape), dtype=np.uint8)
        for index, data in enumerate(encoded):
            with Image.open(BytesIO(data)) as picture:
                # Looked at before the pixels are decoded, so that a broken header cannot ask for gigabytes.
                if picture.size != (width, height) or picture.mode != mode:
                    raise ValueError(
                        f"image {index} is {picture.mode} {picture.size}, expected {mode} {(width, height)}"
                    )
                images[index] = np.asarray(picture)
        return {"images": images, "labels": labels}

    return decode


def splits(arrays: Mapping[str, Arrays]) -> dict[str, Any]:
    """One field for each split."""
    return {name: Fields(split) for name, split in arrays.items()}


def hub_images(info: Info, column: str, **parts: Part) -> Stored:
    """An entry for labelled images of the hub; repository and commit stand in `info.source`, after "datasets/"."""
    repo, _, revision = info.source.partition("datasets/")[2].partition("@")
    if not (repo and revision):
        raise ValueError(
            f"source is {info.source!r}; expected the set on the hub with the commit that is meant. "
            "Write huggingface.co/datasets/OWNER/NAME@COMMIT"
        )
    decode = labelled_images(column, info.shape, len(info.classes))
    return Stored(info, Hub(repo, revision), parts, decode, splits, modules=("pyarrow", "PIL"))


def digits() -> dict[str, Any]:
    """The 8x8 digits that come with scikit-learn; every fifth example of each class is test."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images, labels = bunch.images.astype(np.uint8), bunch.target.astype(np.int64)
    test = np.zeros(len(labels), dtype=bool)
    for label in range(10):
        test[np.flatnonzero(labels == label)[4::5]] = True
    return {
        name: Fields({"images": images[mask], "labels": labels[mask]})
        for name, mask in (("train", ~test), ("test", test))
    }


DIGITS = tuple("0123456789")

register(
    Embedded(
        Info(
            "digits",
            "Handwritten digits, 8x8 grey values from 0 to 16 (the test half of the UCI set)",
            shape=(8, 8),
            sizes={"train": 1442, "test": 355},
            classes=DIGITS,
            licence="CC-BY-4.0",
            source="scikit-learn, load_digits",
            extra="hub",
            embedded=True,
            note="Every fifth example of each class is test; the same 13 writers appear in train and test.",
        ),
        digits,
        modules=("sklearn",),
    )
)
register(
    hub_images(
        Info(
            "mnist",
            "Handwritten digits, 28x28 grey values",
            shape=(28, 28),
            sizes={"train": 60_000, "test": 10_000},
            classes=DIGITS,
            licence="CC-BY-SA-3.0 (the hub's card says MIT)",
            source="huggingface.co/datasets/ylecun/mnist@77f3279092a1c1579b2250db8eafed0ad422088c",
            extra="hub",
        ),
        "image",
        train=Part.one(
            "ylecun/mnist/mnist/train-00000-of-00001.parquet",
            "sha256:fbd89fbf0ece4de9b3aa5172e0303209db79a09386809e6bf87df3b4501da5ec",
            sha256="f2c01285a9f89399335b00ee4e8d499dc4e46db5e39c74903ce5618d895eb3bf",
        ),
        test=Part.one(
            "ylecun/mnist/mnist/test-00000-of-00001.parquet",
            "sha256:149b08bcb98203f0d5fbaf9232eeac959c10c24004670fea346adff05beb8f01",
            sha256="d49fcf556ce25b002b302e318ce4a11098bbfe5d4499c3f35d7c72297c52374b",
        ),
    )
)
COMPRESSED = "JPEG re-compression of the published images, in another order: fine for training, not bit-identical"
register(
    hub_images(
        Info(
            "cifar10",
            "Small colour photographs of ten kinds of things, 32x32",
            shape=(32, 32, 3),
            sizes={"train": 50_000, "test": 10_000},
            classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
            source="huggingface.co/datasets/uoft-cs/cifar10@0b2714987fa478483af9968de7c934580d0bb9a2",
            extra="hub",
            note=f"A second copy is accepted too, and says so in `.variant`: {COMPRESSED}.",
        ),
        "img",
        train=Part.one(
            "uoft-cs/cifar10/plain_text/train-00000-of-00001.parquet",
            "sha256:8490de1185fa7499c9afaa3ef859ea81ee0a79e7148f1bb7a3eba0307cfd206d",
            sha256="8428b53a88a11ac374111006708df51469e315a22ac6d66470afd9c78d2ae883",
            note=COMPRESSED,
        ),
        test=Part.one(
            "uoft-cs/cifar10/plain_text/test-00000-of-00001.parquet",
            "sha256:a73fd7eca84f0f2d934e4f181eb2e625666a421669825af722b07145a3a64f5a",
            sha256="841389e6f2d64f28bf17310e430aebac20ec3ba611a3c5e231dc93c645ce84de",
            note=COMPRESSED,
        ),
    )
)
