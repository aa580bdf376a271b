"""From many papers to the few worth reading: search, a reading list, and what belongs on it.

python examples/navigator.py                       # the papers that have a room here and those related, no download
python examples/navigator.py submissions.csv       # a conference of yours
"""

import sys
import tempfile
from pathlib import Path

from paperwright.navigator import Library, sources

with tempfile.TemporaryDirectory() as folder, Library.create(Path(folder) / "library") as library:
    print(library.add(sources.csv(sys.argv[1]) if len(sys.argv) > 1 else sources.cards()))

    # Why a paper was found stands beside it: the words that it holds, and its rank and score by each way of searching.
    page = library.search("expressive power of graph networks year:2018..", k=5)
    print(f"\n{page.total} found; the first {len(page)}:")
    for hit in page:
        print(f"{hit.rank}. {hit.paper.title} ({hit.paper.year or 'year unknown'})\n   {hit.why}")

    # A tag is a reading list; what belongs on it is learned from what is there.
    library.tag("to-read", [hit.paper.id for hit in page[:3]])
    print("\nnext to read:")
    for hit in library.recommend("to-read", k=3):
        print(f"- {hit.paper.title}")

    print(f"\nlike the first:\n- {library.similar(page[0].paper.id, k=1)[0].paper.title}")

    library.export(page, Path(folder) / "found.bib")
    print(f"\nas BibTeX:\n{(Path(folder) / 'found.bib').read_text(encoding='utf-8')[:300]}...")
