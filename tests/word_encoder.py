"""Encoders for tests, of the shapes in which the world has them: quick, without weights, the same everywhere."""

import hashlib
import re
import time
from typing import Any

import numpy as np

WIDTH = 32


def direction(word: str, salt: str = "") -> np.ndarray:
    """A word's own direction."""
    seed = int.from_bytes(hashlib.sha256(f"{salt}{word}".encode()).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(WIDTH)


class WordEncoder:
    """A text's vector is the sum of its words'; takes every argument of sentence-transformers."""

    def __init__(self, name: str = "words", width: int = WIDTH, salt: str = "", delay: float = 0.0) -> None:
        self.name, self.width, self.salt, self.delay = name, width, salt, delay
        self.texts: list[str] = []

    def encode(
        self,
        sentences: list[str],
        batch_size: int = 32,
        normalize_embeddings: bool = False,
        convert_to_numpy: bool = True,
    ) -> np.ndarray:
        time.sleep(self.delay * len(sentences))
        self.texts += sentences
        rows = [self.vector(sentence) for sentence in sentences]
        found = np.stack(rows).astype(np.float32)[:, : self.width]
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return found / np.where(lengths == 0, 1, lengths) if normalize_embeddings else found

    def vector(self, sentence: str) -> np.ndarray:
        return sum((direction(word, self.salt) for word in re.findall(r"\w+", sentence.casefold())), np.zeros(WIDTH))


class StaticEncoder:
    """As model2vec's: `encode` has other arguments, gives vectors of any length, zeros for unknown words."""

    def encode(self, sentences: list[str], show_progress_bar: bool = False, max_length: int = 512, **rest: Any) -> Any:
        assert not rest, f"an argument that this encoder has not: {rest}"
        rows = [WordEncoder().vector(one) if "unknown" not in one else np.zeros(WIDTH) for one in sentences]
        return 7 * np.stack(rows)


class TwoSidedEncoder(WordEncoder):
    """As an asymmetric sentence-transformers model: queries and documents are treated differently."""

    def encode_query(self, sentences: list[str], normalize_embeddings: bool = False) -> np.ndarray:
        return self.encode([f"query {one}" for one in sentences])

    def encode_document(self, sentences: list[str], batch_size: int = 32) -> list[np.ndarray]:
        return list(self.encode([f"passage {one}" for one in sentences]))


class FaultyEncoder(WordEncoder):
    """Gives a text with the word "poison" what it was told to."""

    def __init__(self, poison: Any, always: bool = False) -> None:
        super().__init__()
        self.poison, self.always = poison, always

    def vector(self, sentence: str) -> np.ndarray:
        found = super().vector(sentence)
        if "poison" in sentence or self.always:
            found[:] = self.poison
        return found
