r"""Latent semantic analysis: the encoder that needs no weights, made of the library's own papers.

TF-IDF over stemmed words, t = (1 + ln tf) (ln((1 + n) / (1 + df)) + 1), each text's row brought to length 1, projected
on the first right singular vectors of all rows: y = x V, again of length 1 (Deerwester and others, "Indexing by latent
semantic analysis", 1990). Pairs of neighbouring words are left out: with them the right paper is found less often
(`benchmarks/retrieval.py`), and there are four times as many terms. scikit-learn fits it; encoding needs NumPy alone,
so that a library opens without scikit-learn.
"""

import hashlib
import heapq
import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32

from .errors import LibraryError, NavigatorError
from .text import tokens

FORMAT = 1
WIDTH = 256
LARGEST_SAMPLE = 20_000
"""Texts that a fit looks at; more change the vectors little, and memory much."""
MOST_TERMS = 50_000
FEW = 50
"""Below this many texts a term counts even if only one has it, or if all have it."""
ARRAYS, TERMS = "lsa.npz", "lsa.json"


class Unknown(NamedTuple):
    """How many words of some texts an encoder does not know."""

    unknown: int
    words: int

    @property
    def share(self) -> float:
        return self.unknown / self.words if self.words else 0.0


@dataclass(frozen=True, eq=False)
class LsaEncoder:
    """Texts to unit vectors by latent semantic analysis.

    Made by `LsaEncoder.fit` or `load`. One that was not fitted knows no word, and gives vectors of width 0.

    Attributes:
        place: For each term its row.
        idf: [terms].
        components: V, [terms, width].
        papers: How many texts there were when it was fitted.
        unknown_at_fit: The share of the words of those texts that are not terms, for they are too rare or too common.
    """

    place: dict[str, int]
    idf: Float32[np.ndarray, " terms"]
    components: Float32[np.ndarray, "terms width"]
    papers: int = 0
    unknown_at_fit: float = 0.0

    name = "latent semantic analysis"

    @classmethod
    def unfitted(cls) -> "LsaEncoder":
        """The encoder of an empty library."""
        return cls({}, np.zeros(0, dtype=np.float32), np.zeros((0, 0), dtype=np.float32))

    @property
    def fitted(self) -> bool:
        return self.papers > 0

    @property
    def width(self) -> int:
        """How many numbers a vector has: 256, or fewer for a small library."""
        return int(self.components.shape[1])

    @classmethod
    def fit(cls, texts: Iterable[str], width: int = WIDTH, seed: int = 0) -> "LsaEncoder":
        """Learns terms and their directions.

        Of more than 20,000 texts a sample is taken, the same whatever their order.

        Args:
            texts: Read once, and not kept.
            width: The most numbers of a vector.
            seed: Of the randomised singular value decomposition.
        """
        sample, count = _sample(texts)
        if not count:
            return cls.unfitted()
        try:
            from sklearn.feature_extraction.text import TfidfVectorizer
            from sklearn.utils.extmath import randomized_svd
        except ImportError:
            raise NavigatorError(
                "latent semantic analysis needs scikit-learn: pip install 'paperwright[navigator]'"
            ) from None
        few = len(sample) < FEW
        vectorizer = TfidfVectorizer(
            analyzer=tokens,
            sublinear_tf=True,
            min_df=1 if few else 2,
            max_df=1.0 if few else 0.3,
            max_features=MOST_TERMS,
            dtype=np.float32,
        )
        try:
            rows = vectorizer.fit_transform(sample)
        except ValueError:  # no term is left: every text is empty, or has words of its own only
            return cls({}, np.zeros(0, dtype=np.float32), np.zeros((0, 0), dtype=np.float32), papers=count)
        wanted = min(width, *rows.shape)
        _, singular, directions = randomized_svd(rows, wanted, n_iter=2, random_state=seed)
        directions = directions[singular > 1e-5 * singular[0]]
        place = {str(term): int(row) for term, row in vectorizer.vocabulary_.items()}
        # Rounded as it will lie on disk, so that a library gives the same vectors before and after it was closed.
        components = np.ascontiguousarray(directions.T.astype(np.float16).astype(np.float32))
        encoder = cls(place, vectorizer.idf_.astype(np.float32), components, papers=count)
        _, unknown = encoder.project(sample[:1_000])
        return cls(place, encoder.idf, components, papers=count, unknown_at_fit=unknown.share)

    def project(self, texts: Sequence[str]) -> tuple[Float32[np.ndarray, "texts width"], Unknown]:
        """The vectors, zeros for a text without any term, and how much of the texts is unknown."""
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        unknown = words = 0
        for row, text in enumerate(texts):
            stems = tokens(text)
            counts = Counter(place for word in stems if (place := self.place.get(word)) is not None)
            words += len(stems)
            unknown += len(stems) - counts.total()
            if not counts:
                continue
            places = np.fromiter(counts.keys(), dtype=np.int64, count=len(counts))
            often = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
            vectors[row] = ((1 + np.log(often)) * self.idf[places]) @ self.components[places]
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.where(lengths > 0, lengths, 1)
        return vectors, Unknown(unknown, words)

    def encode(
        self,
        sentences: Sequence[str],
        batch_size: int = 32,
        normalize_embeddings: bool = True,
        convert_to_numpy: bool = True,
    ) -> Float32[np.ndarray, "sentences width"]:
        """A unit vector for each text; zeros for a text without any term."""
        return self.project(sentences)[0]

    def encode_query(self, sentences: Sequence[str]) -> Float32[np.ndarray, "sentences width"]:
        """As `encode`: queries and texts are treated alike."""
        return self.project(sentences)[0]

    def encode_document(self, sentences: Sequence[str], batch_size: int = 32) -> Float32[np.ndarray, "sentences width"]:
        """As `encode`."""
        return self.project(sentences)[0]

    # -- on disk -------------------------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Writes it into a folder: arrays as npz, terms as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {"idf": self.idf, "components": self.components.astype(np.float16)}
        np.savez(folder / ARRAYS, **arrays)
        known = sorted(self.place, key=self.place.__getitem__)
        about = {
            "format": FORMAT,
            "papers": self.papers,
            "unknown_at_fit": self.unknown_at_fit,
            "terms": known,
            "checksum": _checksum(folder / ARRAYS, known),
        }
        (folder / TERMS).write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "LsaEncoder":
        """Reads it from a folder.

        Raises:
            LibraryError: a file is not there or was altered; the message says which.
        """
        path = folder / TERMS
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
            if about["format"] != FORMAT:
                raise ValueError(f"it has format {about['format']}, not {FORMAT}")
            known = about["terms"]
            path = folder / ARRAYS
            if _checksum(path, known) != about["checksum"]:
                raise ValueError(f"it, or {TERMS}, is not as it was written")
            with np.load(path, allow_pickle=False) as arrays:
                idf, components = arrays["idf"], arrays["components"].astype(np.float32)
            if not len(known) == len(idf) == len(components):
                raise ValueError("it does not fit the terms")
            place = {term: row for row, term in enumerate(known)}
            return cls(place, idf, components, int(about["papers"]), float(about["unknown_at_fit"]))
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise LibraryError(f"{path} cannot be used ({error}); `Library.rebuild` makes it again") from None


def _checksum(arrays: Path, known: list[str]) -> str:
    return hashlib.sha256(arrays.read_bytes() + "\n".join(known).encode()).hexdigest()


def _sample(texts: Iterable[str]) -> tuple[list[str], int]:
    """The texts of the smallest hashes, in that order, and how many texts there were."""
    kept: list[tuple[int, str]] = []
    count = 0
    for text in texts:
        count += 1
        number = -int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())
        if len(kept) < LARGEST_SAMPLE:
            heapq.heappush(kept, (number, text))
        elif number > kept[0][0]:
            heapq.heapreplace(kept, (number, text))
    return [text for _, text in sorted(kept, reverse=True)], count
