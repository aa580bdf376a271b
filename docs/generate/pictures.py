"""Draws the pictures of the README from what is recorded: a verdict, and the map of a library.

Run by hand, from the root of the repository:

    $ python docs/generate/pictures.py                    # docs/figures/verdict.svg, from the committed evidence
    $ python docs/generate/pictures.py --library FOLDER   # docs/figures/map.svg too, from a library that `sync` made

Each is one file for light pages and for dark ones. It asks nothing of the network and has no script.
"""

import argparse
import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paperwright.claims import Judgement

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "docs" / "figures"
sys.path.insert(0, str(ROOT / "src"))

SHOWN = ("cls_er", "beats_experience_replay")
"""The claim whose verdict is drawn: one with the paper's figures for every arm."""
LIGHT = (
    "--figure-ink:#45423d;--figure-faint:#c9c3b6;--figure-ours:#1f4e8c;--figure-paper:#b4540a;--figure-region:#1b7f4d"
)
DARK = (
    "--figure-ink:#c7c4bd;--figure-faint:#4a4d54;--figure-ours:#8fb8f0;--figure-paper:#f0a35e;--figure-region:#5fc790"
)
STYLE = f"svg{{{LIGHT};font-family:sans-serif}}@media(prefers-color-scheme:dark){{svg{{{DARK}}}}}"
HUES = ("#3b6ea5", "#c9822b", "#5a9a6f", "#a85751", "#7d6bb0", "#5f9ea8", "#b0708f", "#8a8a3c")
"""Legible on white and on black."""
NAMED = 16
"""Topics with their name on the map; more would cover each other."""
WIDE, HIGH = 720, 480


def verdict_picture() -> str:
    """Return a claim's arms, ours with its interval beside the paper's mark, with the key to them."""
    from paperwright.claims.evidence.recorded import recorded_claims
    from paperwright.claims.reports.figure import arms_figure
    from paperwright.registry import registry

    paper, name = SHOWN
    judgement = recorded_claims(registry().room(paper))[name].judgement
    drawn = arms_figure(judgement, salt="verdict")
    width, height = (float(size) for size in drawn.split('viewBox="0 0 ', 1)[1].split('"', 1)[0].split())
    inner = drawn.split(">", 1)[1].rpartition("</svg>")[0]
    key = (
        '<g font-size="11.5" fill="var(--figure-ink)">'
        '<circle cx="8" cy="12" r="4" fill="var(--figure-ours)"/><path d="M0 12h16" stroke="var(--figure-ours)"/>'
        '<text x="22" y="16">ours, with its interval</text>'
        '<circle cx="176" cy="12" r="2" fill="var(--figure-ours)" opacity=".4"/><text x="184" y="16">one run</text>'
        '<path d="M254 7l5 5-5 5-5-5z" fill="none" stroke="var(--figure-paper)" stroke-width="1.7"/>'
        f'<text x="266" y="16">the paper</text><text x="{width - 2:g}" y="16" text-anchor="end" font-weight="bold" '
        f'fill="var(--figure-region)">{judgement.verdict}</text></g>'
    )
    title = f"{judgement.verdict}: {judgement.statement}"
    return _svg(
        width, height + 28, f'{key}<g transform="translate(0 28)">{inner}</g>', f"{title} {_figures(judgement)}"
    )


def _figures(judgement: "Judgement") -> str:
    """The estimates that are drawn, by which a test sees that the picture is of the evidence as it is now."""
    means = ((arm, metric, value) for arm, found in judgement.means.items() for metric, value in found.items())
    return ", ".join(f"{arm} {metric} {value.estimate:.4f}" for arm, metric, value in means)


def map_picture(folder: Path) -> str:
    """Return the map of a library: a dot a paper, a hue a topic, the largest topics named."""
    import numpy as np

    from paperwright.navigator import Library
    from paperwright.navigator.semantic_map import NO_TOPIC

    with Library.open(folder) as library:
        drawn = library.map()
    low, high = np.percentile(drawn.positions, [4, 96], axis=0)  # a few groups far away would shrink all the others
    places = (drawn.positions - low) / (high - low) * (0.84 * WIDE, 0.84 * HIGH) + (0.08 * WIDE, 0.08 * HIGH)
    seen = ((places > 4) & (places < (WIDE - 4, HIGH - 4))).all(axis=1)
    dots = []
    for topic in sorted(set(drawn.topic_of.tolist()), reverse=True):  # those in no topic first, below the others
        inside = places[seen & (drawn.topic_of == topic)].round().astype(int)
        path = "".join(f"M{x} {y}h0" for x, y in inside.tolist())
        ink = "var(--figure-faint)" if topic == NO_TOPIC else HUES[topic % len(HUES)]
        dots.append(f'<path d="{path}" stroke="{ink}"/>')
    names: list[str] = []
    taken: list[tuple[float, float, float]] = []
    for topic in (each for each in drawn.topics if each.number >= 0):
        x, y = np.median(places[drawn.topic_of == topic.number], axis=0)
        label, half = topic.words[0], 4.3 * len(topic.words[0])
        if not (half < x < WIDE - half and 14 < y < HIGH) or len(names) == NAMED:
            continue
        if all(abs(y - other) > 20 or abs(x - at) > half + wide for at, other, wide in taken):
            names.append(f'<text x="{x:.0f}" y="{y:.0f}">{escape(label)}</text>')
            taken.append((x, y, half))
    marks = f'<g stroke-width="3.4" stroke-linecap="round" fill="none" opacity=".75">{"".join(dots)}</g>'
    words = f'<g class="names" font-size="14" text-anchor="middle" font-weight="bold">{"".join(names)}</g>'
    return _svg(WIDE, HIGH, marks + words, f"Map of {len(drawn):,} papers, neighbours alike, the largest topics named")


def _svg(width: float, height: float, inner: str, title: str) -> str:
    style = (
        f"{STYLE}.names{{fill:#1d1c1a;stroke:#fdfcf9;stroke-width:4px;paint-order:stroke;stroke-linejoin:round}}"
        "@media(prefers-color-scheme:dark){.names{fill:#f3f1ec;stroke:#16171a}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img">'
        f"<title>{escape(title)}</title><style>{style}</style>{inner}</svg>\n"
    )


def main() -> None:
    """Draw what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--library", type=Path, help="the folder of a library, for its map")
    library = parser.parse_args().library
    (FIGURES / "verdict.svg").write_text(verdict_picture(), encoding="utf-8")
    if library is not None:
        (FIGURES / "map.svg").write_text(map_picture(library), encoding="utf-8")


if __name__ == "__main__":
    main()
