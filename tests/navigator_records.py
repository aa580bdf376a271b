"""Records for the navigator's tests: the conference's own where they are at hand, and made ones where not."""

import csv
import os
import random
from pathlib import Path

import pytest

from paperwright.navigator.paper import Paper

_DATES = ("2021-11-09", "2021-11-26", "2021-12-01")
_WORDS = {
    "graphs": "graph node edge message passing spectral neighbourhood molecule oversmoothing rewiring",
    "reinforcement": "policy reward agent exploration offline bandit planning critic environment trajectory",
    "generation": "diffusion sampling score denoising latent autoencoder image likelihood flow generator",
    "privacy": "privacy differential noise budget secure federated client gradient leakage audit",
}


def conference_papers() -> list[Paper]:
    """The 3,328 submissions to ICLR 2022 under `PAPERWRIGHT_DATA`; the test is skipped without it."""
    root = os.environ.get("PAPERWRIGHT_DATA")
    if not root:
        pytest.skip("needs PAPERWRIGHT_DATA")
    with (Path(root) / "iclr2022" / "submissions.csv").open(encoding="utf-8", newline="") as file:
        return [_paper(row) for row in csv.DictReader(file)]


def _paper(row: dict[str, str]) -> Paper:
    def ratings(name: str) -> tuple[float, ...]:
        return tuple(float(value) for value in row[name].split(";") if value)

    return Paper(
        id=row["forum_id"],
        title=row["title"],
        keywords=tuple(row["keywords"].split(",")),
        venue="ICLR",
        year=2022,
        decision=row["decision"].removeprefix("Accept (").removesuffix(")") or "Withdrawn",
        ratings=ratings("ratings_t3"),
        history=tuple((when, ratings(f"ratings_t{place}")) for place, when in enumerate(_DATES)),
        urls={"review": f"https://openreview.net/forum?id={row['forum_id']}"},
        source="iclr2022",
    )


def made_papers(count: int, *, seed: int = 0, year: int = 2022) -> list[Paper]:
    """Papers of four topics in turn, each with words of its topic in title and abstract."""
    draw = random.Random(seed)
    papers = []
    for number in range(count):
        topic = list(_WORDS)[number % len(_WORDS)]
        words = _WORDS[topic].split()
        title = " ".join(["towards", *draw.sample(words, 4), f"study{number}"])
        sentences = [" ".join(draw.choices(words, k=9)).capitalize() + "." for _ in range(4)]
        papers.append(
            Paper(
                id=f"p{number:04d}",
                title=title,
                authors=(f"Ann Author{number % 7}", f"Bo Writer{number % 5}"),
                abstract=" ".join(sentences),
                keywords=(topic, words[number % 3]),
                venue="CONF",
                year=year,
                decision=("Poster", "Reject", "Oral")[number % 3],
                citations=number % 11,
                published=f"{year}-{1 + number % 12:02d}-{1 + number % 28:02d}",
                urls={"paper": f"https://example.org/{number}"},
            )
        )
    return papers
