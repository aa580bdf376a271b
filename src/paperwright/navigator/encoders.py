"""Encoders: what turns texts into vectors, and the one form in which a library calls them.

The form is that of sentence-transformers: `encode(sentences, batch_size, normalize_embeddings, convert_to_numpy)`.
Whatever has an `encode` is adapted to it: arguments that it lacks are left out, its vectors are brought to length 1.
`encode_query` and `encode_document` are used where an encoder treats the two differently.
"""

import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from .errors import EncoderMismatch, NavigatorError
from .lsa import LsaEncoder

__all__ = ["AdaptedEncoder", "Encoder", "Identity", "LsaEncoder", "adapted", "fingerprint", "named"]

BATCH_SIZE = 32
FIXED_SENTENCE = "The quick brown fox jumps over the lazy dog, and a graph neural network learns from it."
_TOLERANCE = 2  # steps of 1/32: single and half precision, and two machines, stay within one


@runtime_checkable
class Encoder(Protocol):
    """Texts to unit vectors."""

    def encode(
        self,
        sentences: Sequence[str],
        batch_size: int = BATCH_SIZE,
        normalize_embeddings: bool = True,
        convert_to_numpy: bool = True,
    ) -> Float32[np.ndarray, "sentences width"]:
        """A vector for each sentence."""
        ...


@dataclass(frozen=True)
class Identity:
    """How a library knows its encoder again.

    Attributes:
        name: What the encoder calls itself, or its class.
        width: How many numbers a vector has.
        fingerprint: 16 bytes, in hexadecimal, of its vector for a fixed sentence (see `fingerprint`).
    """

    name: str
    width: int
    fingerprint: str

    def same_as(self, other: "Identity") -> bool:
        """Whether both give the same vectors, up to rounding; names do not count."""
        if self.width != other.width:
            return False
        mine, theirs = (np.frombuffer(bytes.fromhex(one.fingerprint), dtype=np.int8) for one in (self, other))
        return bool(np.abs(mine.astype(int) - theirs.astype(int)).max() <= _TOLERANCE)

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "width": self.width, "fingerprint": self.fingerprint}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Identity":
        return cls(str(values["name"]), int(values["width"]), str(values["fingerprint"]))

    def __str__(self) -> str:
        return f"{self.name} ({self.width} numbers, {self.fingerprint[:8]})"


def fingerprint(vector: Float32[np.ndarray, " width"]) -> str:
    """16 projections of a unit vector in steps of 1/32, as bytes in hexadecimal.

    A hash of the numbers themselves would change with the last bit of a sum; these move by a step at most when the
    precision or the machine changes, and by many when the encoder does.
    """
    waves = np.sqrt(2) * np.cos(np.outer(np.arange(1, 17), np.arange(1, len(vector) + 1)))
    steps = np.clip(np.rint(32 * (waves @ vector.astype(np.float64))), -127, 127)
    return bytes(steps.astype(np.int8).tobytes()).hex()


class AdaptedEncoder:
    """Somebody's encoder in the form that a library calls.

    Calls are made one at a time: tokenizers and models need not stand several threads.

    Args:
        encoder: An object with `encode`, and `encode_query` and `encode_document` where they differ.
        identity: How it is known; None to find out by encoding a fixed sentence.
        name: What it is called; by default what it calls itself, or its class.

    Raises:
        TypeError: it has no `encode`.
    """

    def __init__(self, encoder: Any, identity: Identity | None = None, name: str | None = None) -> None:
        if not callable(getattr(encoder, "encode", None)):
            raise TypeError(f"an encoder has a method encode(sentences) -> vectors; got {encoder!r:.80}")
        self.encoder = encoder
        self.name = (name or _own_name(encoder))[:200]
        self._known = identity
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type["AdaptedEncoder"], tuple[Any, Identity | None, str]]:
        return type(self), (self.encoder, self._known, self.name)

    @cached_property
    def identity(self) -> Identity:
        """Name, width and fingerprint."""
        if self._known is None:
            vector = self._called("encode", [FIXED_SENTENCE], BATCH_SIZE)[0]
            if not np.isfinite(vector).all() or not vector.any():
                raise NavigatorError(f"the encoder {self.name} gives a plain sentence a vector of zeros or NaN")
            self._known = Identity(self.name, len(vector), fingerprint(vector))
        return self._known

    @property
    def width(self) -> int:
        """How many numbers a vector has."""
        return self.identity.width

    def encode(
        self,
        sentences: Sequence[str],
        batch_size: int = BATCH_SIZE,
        normalize_embeddings: bool = True,
        convert_to_numpy: bool = True,
    ) -> Float32[np.ndarray, "sentences width"]:
        """A unit vector for each sentence; zeros and NaN are handed on as they come."""
        return self._right_width(self._called("encode", sentences, batch_size))

    def encode_query(self, sentences: Sequence[str]) -> Float32[np.ndarray, "sentences width"]:
        """A unit vector for each query.

        Raises:
            NavigatorError: the encoder gives a query NaN.
        """
        vectors = self._right_width(self._called("encode_query", sentences, BATCH_SIZE))
        if not np.isfinite(vectors).all():
            raise NavigatorError(
                f"the encoder {self.name} gives this query a vector with NaN; search with mode='lexical'"
            )
        return vectors

    def encode_document(
        self, sentences: Sequence[str], batch_size: int = BATCH_SIZE
    ) -> Float32[np.ndarray, "sentences width"]:
        """A unit vector for each text of a paper; zeros and NaN are handed on as they come."""
        return self._right_width(self._called("encode_document", sentences, batch_size))

    def cut(self, sentences: Sequence[str]) -> int:
        """How many texts are longer than the encoder reads; 0 where it does not say how far it reads."""
        limit, tokenizer = getattr(self.encoder, "max_seq_length", None), getattr(self.encoder, "tokenizer", None)
        if not isinstance(limit, int) or not callable(tokenizer):
            return 0
        # A token has a character at least: most texts are short enough without asking.
        long = [sentence for sentence in sentences if len(sentence) > limit]
        if not long:
            return 0
        with self._lock:
            return sum(len(one) > limit for one in tokenizer(long, verbose=False)["input_ids"])

    def _called(self, method: str, sentences: Sequence[str], batch_size: int) -> Float32[np.ndarray, "sentences width"]:
        function: Callable[..., Any] = getattr(self.encoder, method, None) or self.encoder.encode
        wished: dict[str, Any] = {"normalize_embeddings": True, "convert_to_numpy": True, "show_progress_bar": False}
        if batch_size != BATCH_SIZE:
            wished["batch_size"] = batch_size
        try:
            accepted = inspect.signature(function).parameters
        except (TypeError, ValueError):  # built in another language: it says nothing of its arguments
            accepted = {}  # type: ignore[assignment]
        if not sentences:
            return np.zeros((0, self.width), dtype=np.float32)
        with self._lock:
            output = function(list(sentences), **{key: value for key, value in wished.items() if key in accepted})
        return _unit(_array(output), len(sentences), self.name)

    def _right_width(self, vectors: np.ndarray) -> np.ndarray:
        if vectors.shape[1] != self.width:
            raise EncoderMismatch(
                f"the encoder {self.name} gave vectors of {vectors.shape[1]} numbers; the library's have {self.width}"
            )
        return vectors


def adapted(encoder: Any, identity: Identity | None = None) -> AdaptedEncoder:
    """An encoder, or the name of one, in the form that a library calls."""
    if isinstance(encoder, AdaptedEncoder):
        return encoder
    if isinstance(encoder, str):
        return AdaptedEncoder(named(encoder), identity, encoder)
    return AdaptedEncoder(encoder, identity)


def named(name: str) -> Any:
    """The encoder of a name: "sentence-transformers:FOLDER-OR-MODEL" or "model2vec:FOLDER-OR-MODEL".

    Raises:
        NavigatorError: there is no such kind, its library is not installed, or the model is not there.
    """
    kind, _, model = name.partition(":")
    if kind not in ("sentence-transformers", "model2vec") or not model:
        raise NavigatorError(
            f"an encoder's name is sentence-transformers:FOLDER or model2vec:FOLDER; got {name!r:.100}"
        )
    try:
        if kind == "model2vec":
            from model2vec import StaticModel

            return StaticModel.from_pretrained(model)
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(model)
    except ImportError:
        raise NavigatorError(f"the encoder {name} needs {kind}: pip install {kind}") from None
    except (OSError, ValueError) as error:
        raise NavigatorError(f"the encoder {name} cannot be loaded: {str(error).splitlines()[0]}") from None


def _own_name(encoder: Any) -> str:
    for attribute in ("name", "model_name", "base_model_name"):
        value = getattr(encoder, attribute, None)
        if isinstance(value, str) and value:
            return value
    return type(encoder).__name__


def _array(output: Any) -> np.ndarray:
    """What an encoder gave, an array, a tensor of any device, or a list of either, as float32 in NumPy."""
    if isinstance(output, list | tuple):
        return np.stack([_array(one) for one in output]) if output else np.zeros((0, 0), dtype=np.float32)
    if hasattr(output, "detach"):  # a torch tensor, without importing torch
        output = output.detach().cpu().float().numpy()
    return np.asarray(output, dtype=np.float32)


def _unit(vectors: np.ndarray, count: int, name: str) -> np.ndarray:
    if vectors.ndim != 2 or len(vectors) != count:
        raise EncoderMismatch(f"the encoder {name} gave an array of shape {vectors.shape} for {count} texts")
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    unit: np.ndarray = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return unit
