"""The map as one HTML page: data, style and script within it, a policy that forbids every request."""

import base64
import hashlib
import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .citations import main_link

if TYPE_CHECKING:
    from .semantic_map import SemanticMap

_HERE = Path(__file__).parent


def page(semantic_map: "SemanticMap", title: str) -> str:
    """The page's text.

    Everything that came with a record is in one block of JSON, in which no character can end a script; the page's own
    script shows it as text only. Style and script are named in the policy by their hashes, so that nothing else runs.
    """
    style = (_HERE / "map_page.css").read_text(encoding="utf-8")
    script = (_HERE / "map_page.js").read_text(encoding="utf-8")
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'"
    return "".join(
        [
            "<!doctype html>\n",
            '<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{html.escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n",
            f"<header><h1>{html.escape(title)}</h1>\n",
            '<label>Search <input id="search" type="search" autocomplete="off" aria-keyshortcuts="/"></label>\n',
            '<label>Colour <select id="colour"></select></label>\n<p id="status" role="status"></p></header>\n',
            '<main><canvas id="map" tabindex="0" aria-label="Map of the papers: drag to move, turn the wheel or press '
            'plus and minus to zoom"></canvas><div id="tip" hidden></div><aside>'
            '<ol id="hits" aria-label="Papers found"></ol><ul id="legend" aria-label="Colours"></ul></aside></main>\n',
            "<noscript><p>The map is drawn by a script of this page, which your browser does not run.</p></noscript>\n",
            f'<script type="application/json" id="data">{script_safe(_data(semantic_map))}</script>\n',
            f"<script>{script}</script>\n</body>\n</html>\n",
        ]
    )


def script_safe(value: Any) -> str:
    """JSON in which no character means anything to HTML, nor ends a line of a script."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for one in "<>&\u2028\u2029":
        text = text.replace(one, f"\\u{ord(one):04x}")
    # Half of a pair cannot be written as UTF-8.
    return "".join(one if not "\ud800" <= one <= "\udfff" else "\\ufffd" for one in text)


def _data(semantic_map: "SemanticMap") -> dict[str, Any]:
    from .semantic_map import DECISION_NAMES

    centres = semantic_map.centres()
    return {
        "points": base64.b64encode(semantic_map.payload()).decode(),
        "decisions": list(DECISION_NAMES),
        "topics": [
            {
                "number": topic.number,
                "label": topic.label,
                "papers": len(topic.ids),
                "at": [round(end, 4) for end in centres[topic.number]] if topic.number in centres else None,
            }
            for topic in semantic_map.topics
        ],
        "papers": [
            [paper.title, ", ".join(paper.authors), paper.venue, paper.year, _rating(paper.rating), main_link(paper)]
            for paper in semantic_map.papers
        ],
        "note": semantic_map.note,
    }


def _rating(rating: float | None) -> float | None:
    return None if rating is None else round(rating, 2)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
