"""The semantic map: every paper as a point, near those that are like it, with its topic and decision.

`payload` is what a page draws from: 15 bytes a paper, little-endian: float32 x, float32 y, uint16 topic, uint8
decision, uint32 the paper's place in `ids`. Above 200,000 papers it comes in tiles of a quadtree (`tile`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Int64, UInt8, UInt16

from .map_layout import Layout, map_layout
from .paper import DECISIONS, Paper
from .quadtree import Quadtree
from .topics import Topic, topics

if TYPE_CHECKING:
    from .library import Library

NO_TOPIC = 65_535
"""The topic of a paper in no group, in a payload."""
IN_ONE_PIECE = 200_000
POINT = np.dtype([("x", "<f4"), ("y", "<f4"), ("topic", "<u2"), ("decision", "u1"), ("index", "<u4")])
DECISION_NAMES = ("", *DECISIONS)
"""What the numbers of decisions stand for; 0 for unknown."""


@dataclass(frozen=True)
class SemanticMap:
    """A library on a plane.

    Attributes:
        ids: Of the papers.
        positions: Between -1 and 1.
        method: What laid them out: "pacmap", "umap", "pca", or a transformer's name.
        topic_of: The number of each paper's topic; 65,535 for none.
        decision_of: Each paper's place in `DECISION_NAMES`.
        topics: See `paperwright.navigator.topics`.
        papers: The papers themselves, for the page.
        note: Why it is not the map that was asked for; empty where it is.
    """

    ids: tuple[str, ...]
    positions: Float32[np.ndarray, "papers 2"]
    method: str
    topic_of: UInt16[np.ndarray, " papers"]
    decision_of: UInt8[np.ndarray, " papers"]
    topics: tuple[Topic, ...]
    papers: Sequence[Paper]
    note: str = ""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def in_one_piece(self) -> bool:
        """Whether the map is small enough to be drawn from one payload."""
        return len(self) <= IN_ONE_PIECE

    def payload(self) -> bytes:
        """All points."""
        return self._packed(np.arange(len(self)))

    def tile(self, level: int, column: int, row: int) -> bytes:
        """The points of one tile of the quadtree.

        Raises:
            NavigatorError: there is no such tile.
        """
        return self._packed(self.quadtree.points(level, column, row))

    @cached_property
    def quadtree(self) -> Quadtree:
        """The points by tile."""
        return Quadtree.of(self.positions)

    def centres(self) -> dict[int, tuple[float, float]]:
        """Where each topic's name goes: the median of its papers."""
        found = {}
        for topic in self.topics:
            inside = self.positions[self.topic_of == topic.number]
            if topic.number >= 0 and len(inside):
                x, y = np.median(inside, axis=0)
                found[topic.number] = (float(x), float(y))
        return found

    def trustworthiness(self, vectors: Float32[np.ndarray, "papers width"], neighbours: int = 10) -> float:
        """How far neighbours on the map are neighbours by their vectors: 1 if all are (Venna and Kaski, 2001)."""
        from sklearn.manifold import trustworthiness

        return float(trustworthiness(vectors, self.positions, n_neighbors=neighbours, metric="cosine"))

    def write_html(self, path: str | Path, title: str = "paperwright map") -> None:
        """Writes the map as one page that needs nothing else: hover, search, colours; no request leaves it."""
        from paperwright.files import write_text

        from .map_page import page

        write_text(Path(path), page(self, title))

    def _packed(self, points: Int64[np.ndarray, " some"]) -> bytes:
        packed = np.empty(len(points), dtype=POINT)
        packed["x"], packed["y"] = self.positions[points].T
        packed["topic"], packed["decision"] = self.topic_of[points], self.decision_of[points]
        packed["index"] = points
        return packed.tobytes()


def semantic_map(library: "Library", method: str | None = None, seed: int = 0) -> SemanticMap:
    """The map of a library, kept until it changes.

    Args:
        library: Whose papers.
        method: "pacmap", "umap" or "pca"; None for the best there is already: what `refine` has made, else PaCMAP.
        seed: Decides everything that is random.
    """
    refined: set[int] = library.derived("refined maps", set)
    chosen = method or ("umap" if seed in refined else "pacmap")

    def make() -> SemanticMap:
        papers = list(library.papers())
        return assembled(map_layout(library, chosen, seed), papers, topics(library))

    return library.derived(f"map by {chosen} {seed}", make)


def refine(library: "Library", seed: int = 0) -> SemanticMap:
    """The map laid out by UMAP, which takes longer; from then on it is what `semantic_map` gives.

    To be called in a thread while the first map is being looked at. The topics stay as they were.
    """
    refined = semantic_map(library, "umap", seed)
    held: set[int] = library.derived("refined maps", set)
    held.add(seed)
    return refined


def assembled(layout: Layout, papers: Sequence[Paper], found: Sequence[Topic]) -> SemanticMap:
    """The map of papers that are laid out and grouped.

    Args:
        layout: Where they are.
        papers: The papers of the layout, in any order.
        found: Their topics.
    """
    by_id = {paper.id: paper for paper in papers}
    number = {identifier: topic.number for topic in found for identifier in topic.ids}
    code = {name: place for place, name in enumerate(DECISION_NAMES)}
    there = np.array([identifier in by_id for identifier in layout.ids], dtype=bool)
    ids = tuple(identifier for identifier in layout.ids if identifier in by_id)
    numbers = (number.get(identifier, -1) for identifier in ids)
    return SemanticMap(
        ids=ids,
        positions=layout.positions[there],
        method=layout.method,
        topic_of=np.array([one if one >= 0 else NO_TOPIC for one in numbers], dtype=np.uint16),
        decision_of=np.array([code[by_id[one].decision] for one in ids], dtype=np.uint8),
        topics=tuple(found),
        papers=[by_id[one] for one in ids],
        note=layout.note,
    )
