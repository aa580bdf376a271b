"""Seeds, and the state of the global random generators of Python, NumPy and torch."""

import hashlib
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def derived_seed(*parts: int) -> int:
    """Return a seed of 63 bits from several integers, so that neighbouring seeds share nothing."""
    digest = hashlib.sha256(",".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def seed_everything(seed: int) -> torch.Generator:
    """Seed Python, NumPy and torch (on every device), and return a generator of its own with the same seed.

    Raises:
        ValueError: The seed is negative.
    """
    if seed < 0:
        raise ValueError(f"a seed is an integer of 0 or more; got {seed}")
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 -- third-party code draws from the global generator
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


def random_state() -> dict[str, Any]:
    """Return the state of the global generators, made of tensors and plain values."""
    version, words, gauss = random.getstate()
    algorithm, keys, position, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002
    return {
        "python": {"version": version, "words": torch.tensor(words), "gauss": gauss},
        "numpy": {
            "algorithm": str(algorithm),
            "keys": torch.from_numpy(np.asarray(keys).astype(np.int64)),
            "position": int(position),
            "has_gauss": int(has_gauss),
            "cached": float(cached),
        },
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore_random_state(state: Mapping[str, Any]) -> None:
    """Put the global generators back where :func:`random_state` found them."""
    python, numpy = state["python"], state["numpy"]
    random.setstate((python["version"], tuple(python["words"].tolist()), python["gauss"]))
    keys = numpy["keys"].numpy().astype(np.uint32)
    np.random.set_state(  # noqa: NPY002
        (numpy["algorithm"], keys, numpy["position"], numpy["has_gauss"], numpy["cached"])
    )
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])


@contextmanager
def preserved_randomness(seed: int | None = None) -> Iterator[None]:
    """Leave the global generators as they were, whatever is drawn inside; seed them for the inside if asked."""
    before = random_state()
    try:
        if seed is not None:
            seed_everything(seed)
        yield
    finally:
        restore_random_state(before)
