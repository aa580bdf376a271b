"""Where papers lie on the map: a plane on which neighbours are alike.

PaCMAP (Wang, Huang, Rudin and Shaposhnik, JMLR 22, 2021) lays out a conference in about a second and is what one sees
first. UMAP (McInnes, Healy and Melville, 2018) takes longer and keeps the neighbourhoods of a neural encoder somewhat
better; on latent semantic analysis PaCMAP was the better of the two. Principal components serve a handful of papers,
papers among which the encoder sees only a handful of differences, or where neither library is installed.
"""

import hashlib
import logging
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from paperwright.files import whole_file

from .errors import NavigatorError

if TYPE_CHECKING:
    from .library import Library

FEWEST = 30
"""Papers that a neighbour embedding needs; fewer are laid out by principal components."""
FEWEST_DIFFERENT = 3
"""Different vectors that a neighbour embedding needs: of one kind of paper it makes islands, or nothing at all."""
UMAP_NEIGHBOURS = 15
MANY = 20_000
"""Papers from which PaCMAP is worth more than one thread."""
METHODS = ("pacmap", "umap", "pca")


@runtime_checkable
class Transformer(Protocol):
    """What lays vectors out: a transformer of scikit-learn."""

    def fit_transform(self, X: Any) -> Any: ...


@dataclass(frozen=True)
class Layout:
    """Papers on a plane.

    Attributes:
        ids: Of the papers, in the order of the library.
        positions: Between -1 and 1, the same scale both ways; PaCMAP's and UMAP's far islands are drawn nearer.
        method: What laid them out.
        note: Why it is not what was asked for; empty where it is.
    """

    ids: tuple[str, ...]
    positions: Float32[np.ndarray, "papers 2"]
    method: str
    note: str = ""


def map_layout(library: "Library", method: str = "pacmap", seed: int = 0) -> Layout:
    """The layout of a library's papers, kept until it changes, on disk where the library has a folder."""
    if method not in METHODS:
        raise NavigatorError(f"a map is laid out by one of {', '.join(METHODS)}; got {method!r:.80}")

    def make() -> Layout:
        ids = tuple(library.records.ids())
        vectors = library.vectors(ids)
        file = library.cache_file(f"map-{method}-{seed}.npz")
        # The vectors are what a layout is made of: the same vectors have the same map.
        state = hashlib.sha256("\n".join(ids).encode() + np.ascontiguousarray(vectors).tobytes()).hexdigest()
        if file is not None and (kept := _read(file, state, ids)) is not None:
            return kept
        made = laid_out(vectors, ids, method, seed)
        if file is not None and made.method == method:
            _write(file, state, made)
        return made

    return library.derived(f"map layout by {method} {seed}", make)


def laid_out(
    vectors: Float32[np.ndarray, "papers width"],
    ids: Sequence[str],
    method: "str | Transformer" = "pacmap",
    seed: int = 0,
) -> Layout:
    """Lays vectors out on a plane.

    Args:
        vectors: Unit vectors; a row of zeros, of a paper without a known word, lies as it may.
        ids: Of the papers.
        method: "pacmap", "umap" or "pca", or a transformer of scikit-learn.
        seed: Decides everything that is random; the same seed gives the same map.

    Raises:
        NavigatorError: an unknown method, or a transformer that does not give finite positions on a plane.
    """
    name, note = "", ""
    layer: Callable[[Any], Any]
    if not isinstance(method, str):
        name, layer = type(method).__name__, method.fit_transform
    elif method not in METHODS:
        raise NavigatorError(f"a map is laid out by one of {', '.join(METHODS)}; got {method!r:.80}")
    else:
        layers: dict[str, Callable[[Any], Any]] = {
            "pacmap": lambda X: _pacmap(X, seed),
            "umap": lambda X: _umap(X, seed),
            "pca": _principal_components,
        }
        name, layer = method, layers[method]
        different = _different(vectors)
        note = _on_alike(different, len(vectors))
        if len(vectors) < FEWEST or different < FEWEST_DIFFERENT or vectors.shape[1] < 2:
            name, layer = "pca", _principal_components
    try:
        raw = layer(vectors)
    except ImportError as error:
        note = (
            f"laid out by principal components, for {error.name} is not installed: pip install 'paperwright[navigator]'"
        )
        name, raw = "pca", _principal_components(vectors)
    positions = np.asarray(raw, dtype=np.float64)
    if positions.shape != (len(vectors), 2) or not np.isfinite(positions).all():
        raise NavigatorError(
            f"{name} gave positions of shape {positions.shape} for {len(vectors)} papers; "
            "expected two finite numbers for each"
        )
    # A neighbour embedding says who is near whom, and nothing about how far apart islands are.
    return Layout(tuple(ids), _framed(_gathered(positions) if name in ("pacmap", "umap") else positions), name, note)


def _different(vectors: Float32[np.ndarray, "papers width"]) -> int:
    """How many different vectors there are, as far as it matters."""
    found: set[bytes] = set()
    for row in vectors:
        found.add(row.tobytes())
        if len(found) == FEWEST_DIFFERENT:
            break
    return len(found)


def _on_alike(different: int, papers: int) -> str:
    """What to say of a map on which papers lie upon each other."""
    if different >= min(papers, FEWEST_DIFFERENT):
        return ""
    if different == 1:
        return f"the encoder sees no difference among the {papers:,} papers: they lie in one place"
    return f"the encoder sees two kinds of papers among the {papers:,}: each lies in one place"


def _pacmap(vectors: Any, seed: int) -> Any:
    # On unit vectors Euclidean neighbours are those of the cosine, and a vector of zeros does no harm.
    neighbours = min(10, len(vectors) // 4)
    with _quiet("pacmap"), _threads_for(len(vectors)):
        from pacmap import PaCMAP

        return PaCMAP(n_components=2, n_neighbors=neighbours, random_state=seed).fit_transform(vectors, init="pca")


def _umap(vectors: Any, seed: int) -> Any:
    neighbours = min(UMAP_NEIGHBOURS, len(vectors) - 1)
    with _quiet("umap"):
        from umap import UMAP

        # One thread: with more, a seed would not decide the map.
        return UMAP(n_neighbors=neighbours, metric="euclidean", random_state=seed, n_jobs=1).fit_transform(vectors)


def _principal_components(vectors: Any) -> Any:
    centred = np.asarray(vectors, dtype=np.float64)
    centred = centred - centred.mean(axis=0) if len(centred) else centred
    positions = np.zeros((len(centred), 2))
    if centred.size:
        directions = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :2]
        # The largest part of a direction is positive, for an eigenvector's sign is anybody's.
        largest = np.abs(directions).argmax(axis=0)
        directions = directions * np.sign(directions[largest, np.arange(directions.shape[1])])
        positions[:, : directions.shape[1]] = centred @ directions
    return positions


def _gathered(positions: np.ndarray) -> np.ndarray:
    """Draws islands that lie far out nearer, so that the mainland is not a speck.

    With R the distance from the middle within which nine tenths of the points lie, r becomes R (1 + ln(r / R)) beyond
    R: a smooth, growing function, under which what is farther out stays so.
    """
    from_middle = positions - np.median(positions, axis=0)
    radius = np.linalg.norm(from_middle, axis=1)
    usual = float(np.quantile(radius, 0.9))
    if usual <= 0:
        return positions
    outward = np.maximum(radius / usual, 1.0)
    gathered: np.ndarray = from_middle * ((1 + np.log(outward)) / outward)[:, None]
    return gathered


def _framed(positions: np.ndarray) -> Float32[np.ndarray, "papers 2"]:
    """Between -1 and 1, about the middle of what there is, the same scale both ways."""
    if not len(positions):
        return np.zeros((0, 2), dtype=np.float32)
    low, high = positions.min(axis=0), positions.max(axis=0)
    reach = float((high - low).max()) / 2
    framed: Float32[np.ndarray, "papers 2"] = ((positions - (low + high) / 2) / (reach or 1.0)).astype(np.float32)
    return framed.clip(-1, 1)


@contextmanager
def _threads_for(papers: int) -> Iterator[None]:
    """One thread for a conference: its steps are so short that on a busy machine threads would wait for each other."""
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(1 if papers < MANY else before)
    try:
        yield
    finally:
        numba.set_num_threads(before)


@contextmanager
def _quiet(library: str) -> Iterator[None]:
    """Keeps back a library's remarks: about what else could be installed, and about the seed, which is meant."""
    logger = logging.getLogger(library)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _write(file: Path, state: str, layout: Layout) -> None:
    with whole_file(file) as opened:
        np.savez(opened, positions=layout.positions, state=np.array(state), method=np.array(layout.method))


def _read(file: Path, state: str, ids: tuple[str, ...]) -> Layout | None:
    """What a file holds, if it is of these vectors; a file that cannot be read is made again."""
    try:
        with np.load(file, allow_pickle=False) as kept:
            positions = kept["positions"]
            if str(kept["state"]) != state or positions.shape != (len(ids), 2) or positions.dtype != np.float32:
                return None
            return Layout(ids, positions, str(kept["method"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
