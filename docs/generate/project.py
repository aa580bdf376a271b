"""Takes CONTRIBUTING.md and CHANGELOG.md, which stand at the root of the repository, into the site."""

from pathlib import Path

import mkdocs_gen_files

for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
    text = (Path(__file__).parents[2] / name).read_text(encoding="utf-8")
    with mkdocs_gen_files.open(name.lower(), "w") as page:
        page.write(text.replace("](docs/", "](").replace("](CHANGELOG.md)", "](changelog.md)"))
